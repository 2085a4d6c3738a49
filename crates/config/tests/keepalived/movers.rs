//! What is said about scripts that hold keys, and scripts that move addresses.

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    keepalived::{Loaded, Unknown},
    render,
};

use crate::machine::{Node, load_with};

const FOLDER: &str = "/usr/libexec/keepalived";

/// A node with the how-to's scripts.
fn seed_node() -> Node {
    let mut node = Node::default();
    for (name, text) in [
        (
            "notify.sh",
            include_str!("../../../../tests/data/seed/notify.sh"),
        ),
        (
            "master.sh",
            include_str!("../../../../tests/data/seed/master.sh"),
        ),
        (
            "backup.sh",
            include_str!("../../../../tests/data/seed/backup.sh"),
        ),
    ] {
        node.files
            .insert(format!("{FOLDER}/{name}"), text.as_bytes().to_vec());
    }
    node
}

const SEED: &str = include_str!("../../../../tests/data/seed/keepalived-master.conf");

fn about_scripts(loaded: &Loaded) -> Vec<&Diagnostic> {
    let codes = ["key-in-script", "moved-by-script", "two-movers"];
    let findings = loaded.diagnostics.all().iter();
    findings
        .filter(|finding| codes.contains(&finding.code))
        .collect()
}

#[test]
fn the_seed_s_scripts_are_replaced_by_a_block() {
    let loaded = load_with(SEED, Unknown::Error, &seed_node());
    let found = about_scripts(&loaded);
    let messages: Vec<_> = found.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "/usr/libexec/keepalived/master.sh:7 holds a cloud's key in clear text: `AWS_ACCESS_KEY`",
            "/usr/libexec/keepalived/master.sh:8 holds a cloud's key in clear text: `AWS_SECRET_KEY`",
            "/usr/libexec/keepalived/master.sh:21 moves `34.249.49.35` with `ec2-associate-address`, once: nobody looks whether it arrives, or stays",
        ]
    );
    assert!(found.iter().all(|it| it.severity == Severity::Warning));
    let block = "floating_ip 34.249.49.35 {\n    region eu-west-1\n}";
    let advice = found[2].suggestion.as_deref().unwrap();
    assert!(advice.ends_with(block), "{advice}");

    // The block does what it says it does.
    let text = SEED.replace("debug 2\n", &format!("{block}\n"));
    let loaded = load_with(&text, Unknown::Error, &Node::default());
    let model = loaded.model.unwrap();
    let address = model.instances[0].floating_ips[0].address;
    assert_eq!(address.to_string(), "34.249.49.35");
}

#[test]
fn secrets_are_not_shown() {
    let mut node = Node::default();
    let script = "#!/bin/sh\nexport AWS_SECRET_KEY=wJalrXUtnFEMI\n/opt/aws/bin/ec2-associate-address -O AKIAIOSFODNN7EXAMPLE -W wJalrXUtnFEMI 1.2.3.4\n";
    node.files.insert("/n.sh".into(), script.into());
    let text = "vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\nnotify /n.sh\n}\n";
    let loaded = load_with(text, Unknown::Error, &node);
    assert_eq!(about_scripts(&loaded).len(), 3);
    for shown in [
        render::human(&loaded.files, loaded.diagnostics.all(), false),
        render::json(&loaded.files, loaded.diagnostics.all()),
    ] {
        assert!(
            shown.contains("/n.sh:2") && shown.contains("/n.sh:3"),
            "{shown}"
        );
        assert!(
            !shown.contains("wJalr") && !shown.contains("AKIA"),
            "{shown}"
        );
    }
}

#[test]
fn two_that_move_one_address_are_one_too_many() {
    let block = |address: &str| {
        let text = SEED.replace("debug 2\n", &format!("floating_ip {address}\n"));
        let loaded = load_with(&text, Unknown::Error, &seed_node());
        let found = about_scripts(&loaded);
        found.last().unwrap().code
    };
    assert_eq!(block("34.249.49.35"), "two-movers");
    assert_eq!(block("34.249.49.36"), "moved-by-script");
}

#[test]
fn scripts_that_call_each_other_are_read_once_and_not_for_ever() {
    let mut node = Node::default();
    let mut add = |name: &str, text: &str| {
        node.files.insert(name.to_owned(), text.as_bytes().to_vec());
    };
    let key = "HCLOUD_TOKEN=abc\n";
    add("/a", &format!("{key}/a; . /b\n"));
    add("/b", &format!("{key}/c\n/a\n"));
    add("/c", &format!("{key}/d\n"));
    add("/d", key);
    let text = "vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\n\
        notify_master \"/bin/sh /a MASTER\"\nnotify_backup /a\n}\n";
    let loaded = load_with(text, Unknown::Error, &node);
    let places: Vec<_> = about_scripts(&loaded)
        .iter()
        .map(|it| it.message.split(' ').next().unwrap().to_owned())
        .collect();
    assert_eq!(places, ["/a:1", "/b:1", "/c:1"]);
}

#[test]
fn callers_hand_on_what_they_have_set() {
    let mut node = Node::default();
    node.files.insert(
        "/n.sh".into(),
        b"export AWS_DEFAULT_REGION=eu-west-1\nEIP=1.2.3.4\n. /m.sh\n".to_vec(),
    );
    node.files.insert(
        "/m.sh".into(),
        b"aws ec2 associate-address \\\n  --public-ip \"$EIP\" --instance-id $(cat /id)\n".to_vec(),
    );
    let text = "vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\nnotify_master /n.sh\n}\n";
    let loaded = load_with(text, Unknown::Error, &node);
    let found = about_scripts(&loaded);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.starts_with("/m.sh:1 moves `1.2.3.4`"));
    let advice = found[0].suggestion.as_deref().unwrap();
    assert!(
        advice.ends_with("floating_ip 1.2.3.4 {\n    region eu-west-1\n}"),
        "{advice}"
    );
}
