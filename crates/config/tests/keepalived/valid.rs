//! Realistic files: both this reader and, where it is installed, keepalived itself accept them.

use std::fs;

use pontoon_config::{diagnostic::Severity, keepalived::Unknown, render};
use pontoon_engine::vrrp::Priority;

use crate::{
    corpus::folder,
    machine::{Node, load_as, load_with},
};

#[test]
fn realistic_files_have_no_errors() {
    let mut failures = Vec::new();
    let files = folder("valid");
    assert!(files.len() >= 10, "there are {} files", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let loaded = load_with(&text, Unknown::Error, &Node::default());
        let findings = loaded.diagnostics.all();
        let is_error = |severity| severity == Severity::Error;
        if findings.iter().any(|finding| is_error(finding.severity)) {
            let shown = render::human(&loaded.files, findings, false);
            failures.push(format!("{}:\n{shown}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_faulty_file_runs_under_the_name_keepalived_unless_that_would_change_its_meaning() {
    let mut refused = Vec::new();
    for path in folder("corpus") {
        let text = fs::read_to_string(&path).unwrap();
        let loaded = load_with(&text, Unknown::Warning, &Node::default());
        if loaded.model.is_none() {
            refused.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    let ours = |name: &String| name.starts_with("floating-");
    let own_blocks = folder("corpus").into_iter();
    let own_blocks = own_blocks.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let own_blocks: Vec<String> = own_blocks.filter(ours).collect();
    let (floating, others): (Vec<String>, Vec<String>) = refused.into_iter().partition(ours);
    assert_eq!(floating, own_blocks, "what keepalived does not know");
    assert_eq!(others, ALWAYS_REFUSED);
}

/// What is an error under either name, besides everything in a `floating_ip`.
const ALWAYS_REFUSED: &[&str] = &[
    "auth-ah",
    "block-bfd",
    "block-net-namespace",
    "block-static-routes",
    "block-static-rules",
    "block-track-group",
    "block-virtual-server-group",
    "block-virtual-server",
    "definition-endless",
    "definition-random",
    "global-ipvs-namespace",
    "global-shutdown-script",
    "global-startup-script",
    "instance-duplicate-vrid",
    "instance-ipvlan",
    "instance-mcast-dst-ip",
    "instance-no-peer",
    "instance-virtual-rules",
    "instance-vrf",
    "instance-without-interface",
    "instance-without-vrid",
    "route-unsupported",
    "track-bfd",
    "word-nul",
];

#[test]
fn the_example_is_clean_on_both_nodes() {
    let text = include_str!("../../../../examples/pair/keepalived.conf");
    for (node, priority, peer) in [("lb1", 101, "10.0.1.190"), ("lb2", 100, "10.0.1.207")] {
        let loaded = load_as(node, text, Unknown::Error, &Node::default());
        let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
        assert!(loaded.diagnostics.all().is_empty(), "{shown}");
        let instance = loaded.model.unwrap().instances.remove(0);
        assert_eq!(instance.priority, Priority(priority));
        let peers = instance.unicast_peers.into_iter().flatten();
        let peers: Vec<_> = peers.map(|peer| peer.address.to_string()).collect();
        assert_eq!(peers, [peer]);
    }
}
