//! What has changed from one file to the next, in its own words.

use pontoon_config::{
    difference::{Change, Difference, between},
    keepalived::{self, Settings, Unknown},
    outline::Section,
    source::SourceFile,
};

use crate::machine::Node;

fn outline(text: &str) -> Vec<Section> {
    let settings = Settings {
        config_id: "here".into(),
        unknown_words: Unknown::Error,
    };
    let file = SourceFile {
        name: "k.conf".into(),
        text: text.into(),
    };
    keepalived::outline(vec![file], &settings, &Node::default())
}

fn difference(old: &str, new: &str) -> Difference {
    between(&outline(old), &outline(new))
}

const OLD: &str = "\
$PRIORITY=100
global_defs {
    router_id lb1
}
vrrp_instance VI_1 {
    interface eth0
    priority $PRIORITY
    virtual_ipaddress {
        10.0.0.1/24
        10.0.0.2/24 dev eth1
    }
    track_script {
        chk weight 2
    }
}
";

#[test]
fn what_is_written_in_another_way_is_no_change() {
    let new = OLD
        .replace("$PRIORITY=100\n", "")
        .replace("priority $PRIORITY", "priority 100 # as it was")
        .replace("virtual_ipaddress {\n", "virtual_ipaddress\n    {\n\n")
        .replace(
            "    router_id lb1",
            "@elsewhere router_id lb2\n@here router_id lb1",
        );
    assert_eq!(difference(OLD, &new).changed, []);
    assert!(difference(OLD, &new).is_empty());
}

#[test]
fn lines_of_blocks_are_told_with_the_way_to_them() {
    let new = OLD
        .replace("10.0.0.2/24 dev eth1", "10.0.0.2/24 dev eth2")
        .replace(
            "        chk weight 2\n",
            "        chk weight 2\n        other\n",
        )
        .replace("$PRIORITY=100", "$PRIORITY=90");
    let difference = difference(OLD, &new);
    assert_eq!(difference.unaffected, ["global_defs"]);
    let [instance] = difference.changed.as_slice() else {
        panic!("{:?}", difference.changed);
    };
    assert_eq!(instance.section, "vrrp_instance VI_1");
    let told: Vec<_> = instance
        .changes
        .iter()
        .map(|change| match change {
            Change::Changed { old, new } => format!("{old} -> {new}"),
            Change::Added { new } => format!("+ {new}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "priority 100 -> priority 90",
            "virtual_ipaddress 10.0.0.2/24 dev eth1 -> virtual_ipaddress 10.0.0.2/24 dev eth2",
            "+ track_script other",
        ]
    );
}
