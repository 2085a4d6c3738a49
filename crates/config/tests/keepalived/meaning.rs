//! What files mean.

use std::time::Duration;

use pontoon_config::{
    diagnostic::Severity,
    keepalived::{
        Loaded, Unknown,
        model::{Instance, Model},
    },
    render,
};
use pontoon_engine::vrrp::{Priority, Version, settings::Preempt};

use crate::machine::{Node, load_with};

fn read(text: &str) -> Loaded {
    load_with(text, Unknown::Error, &Node::default())
}

#[track_caller]
fn model(text: &str) -> Model {
    let loaded = read(text);
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    loaded.model.unwrap_or_else(|| panic!("{shown}"))
}

/// An instance with the least there can be, and these lines.
#[track_caller]
fn instance(lines: &str) -> Instance {
    let text = format!("vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 7\n{lines}\n}}\n");
    model(&text).instances.swap_remove(0)
}

const SEEDS: [&str; 2] = [
    include_str!("../../../../tests/data/seed/keepalived-master.conf"),
    include_str!("../../../../tests/data/seed/keepalived-backup.conf"),
];

#[test]
fn the_seed_files_mean_what_they_say() {
    for (text, priority, own, peer) in [
        (SEEDS[0], 101, "10.0.1.207", "10.0.1.190"),
        (SEEDS[1], 100, "10.0.1.190", "10.0.1.207"),
    ] {
        let model = model(text);
        let instance = &model.instances[0];
        assert_eq!(&*instance.name, "VI_1");
        assert_eq!(instance.interface, "eth0");
        assert_eq!(instance.vrid.get(), 1);
        assert_eq!(instance.version, Version::V2);
        assert_eq!(instance.priority, Priority(priority));
        assert_eq!(instance.interval, Duration::from_secs(1));
        assert_eq!(instance.source, Some(own.parse().unwrap()));
        let peers = instance.unicast_peers.as_ref().unwrap();
        let peers: Vec<_> = peers.iter().map(|it| it.address.to_string()).collect();
        assert_eq!(peers, [peer]);
        assert_eq!(instance.debug, 2);
        assert_eq!(instance.preempt, Preempt::AtOnce);
        let master = instance.notify.master.as_ref().unwrap();
        assert_eq!(master.line, "/usr/libexec/keepalived/notify.sh MASTER");
        let script = &model.scripts[instance.tracks.scripts[0].index];
        assert_eq!(script.command.line, "pidof haproxy");
        assert_eq!(script.interval, Duration::from_secs(2));
        assert_eq!(script.timeout, script.interval);
    }
}

#[test]
fn nothing_said_is_what_keepalived_takes() {
    let instance = instance("");
    assert_eq!(instance.priority, Priority::DEFAULT);
    assert_eq!(instance.announcements.repeat, 5);
    assert_eq!(instance.announcements.again_after, Duration::from_secs(5));
    assert_eq!(instance.announcements.lower_prio_repeat, 5);
    assert_eq!(instance.announcements.refresh, None);
    assert_eq!(instance.down_timer_adverts, 3);
    assert!(instance.accept && instance.track_primary && instance.track_proxy);
    assert_eq!(instance.unicast_peers, None);
}

#[test]
fn braces_may_stand_anywhere() {
    for text in [
        "vrrp_instance VI_1{\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress{ 10.0.0.1 }\n}",
        "vrrp_instance VI_1\n{\r\ninterface eth0\r\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1}}",
        "vrrp_instance VI_1 {\ninterface eth0!x\nvirtual_router_id 1 # y\nvirtual_ipaddress {\n10.0.0.1 }\n}",
    ] {
        let instance = &model(text).instances[0];
        assert_eq!(instance.interface, "eth0", "{text}");
        assert_eq!(instance.addresses.len(), 1, "{text}");
        assert_eq!(instance.addresses[0].prefix, 32, "{text}");
    }
}

#[test]
fn under_the_name_keepalived_unknown_words_are_warnings() {
    let text =
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\nadvert_in 1\npriority 999\n}";
    assert!(read(text).model.is_none());
    let loaded = load_with(text, Unknown::Warning, &Node::default());
    let codes: Vec<_> = loaded
        .diagnostics
        .all()
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"unknown-keyword") && codes.contains(&"bad-number"));
    assert_eq!(
        loaded.model.unwrap().instances[0].priority,
        Priority::DEFAULT
    );
}
