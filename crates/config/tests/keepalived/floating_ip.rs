//! What `floating_ip` means, and what is said about it.

use std::time::Duration;

use pontoon_config::{
    diagnostic::Severity,
    keepalived::{
        Loaded, Unknown,
        model::{
            Aws, FloatingIp, HttpProxy, Instance, PeerHost, PeerServer, Provider, ServerCloud,
        },
    },
    render,
};

use crate::machine::{Node, load_with};

/// An instance with a peer, and these lines.
fn text(lines: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 1\nadvert_int 1\n\
         unicast_src_ip 10.0.1.207\nunicast_peer {{\n10.0.1.190\n}}\n{lines}\n}}\n"
    )
}

#[track_caller]
fn instance(text: &str) -> Instance {
    let loaded = load_with(text, Unknown::Warning, &Node::default());
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    let mut model = loaded.model.unwrap_or_else(|| panic!("{shown}"));
    model.instances.swap_remove(0)
}

#[track_caller]
fn one(lines: &str) -> FloatingIp {
    let mut found = instance(&text(lines)).floating_ips;
    assert_eq!(found.len(), 1, "{lines}");
    found.swap_remove(0)
}

#[track_caller]
fn aws(lines: &str) -> Aws {
    match one(lines).provider {
        Provider::Aws(aws) => aws,
        other => panic!("{other:?}"),
    }
}

fn host(address: &str, private: &str) -> PeerHost {
    PeerHost {
        address: address.parse().unwrap(),
        private_ip: private.parse().unwrap(),
    }
}

#[test]
fn everything_is_optional() {
    for lines in [
        "floating_ip 34.249.49.35",
        "floating_ip 34.249.49.35 {\n}",
        "floating_ip 34.249.49.35 {\nprovider aws\nimds_v1 refuse\n}",
        "floating_ip 34.249.49.35\n{ verify_interval 10 }",
    ] {
        let found = one(lines);
        assert_eq!(found.address.to_string(), "34.249.49.35");
        assert_eq!(found.location.line, 9, "{lines}");
        assert_eq!(found.verify_interval, Duration::from_secs(10));
        assert_eq!(found.api_timeout, Duration::from_secs(5));
        assert_eq!(found.proxy, HttpProxy::Environment);
        assert_eq!((found.endpoint, found.ca_file), (None, None));
        let expected = Aws {
            private_ip: Some("10.0.1.207".parse().unwrap()),
            peers: vec![host("10.0.1.190", "10.0.1.190")],
            ..Aws::default()
        };
        assert_eq!(found.provider, Provider::Aws(expected), "{lines}");
    }
}

#[test]
fn every_line_of_aws_is_taken() {
    let found = one(
        "floating_ip 34.249.49.35 {\nprovider aws\nregion eu-west-1\n\
        allocation_id eipalloc-0123456789abcdef0\ninstance_id i-0123456789abcdef0\n\
        network_interface eni-01234567\nprivate_ip 10.0.1.208\nprofile prod\nimds_v1 allow\n\
        metadata_endpoint http://127.0.0.1:8080\nverify_interval 2.5\napi_timeout 0.5\n\
        endpoint https://vpce.example/\nproxy http://10.0.0.5:3128\nca_file /etc/ca.pem\n\
        peer 10.0.1.190 10.0.1.191\n}",
    );
    assert_eq!(found.verify_interval, Duration::from_millis(2500));
    assert_eq!(found.api_timeout, Duration::from_millis(500));
    assert_eq!(found.endpoint.as_deref(), Some("https://vpce.example/"));
    assert_eq!(found.proxy, HttpProxy::Url("http://10.0.0.5:3128".into()));
    assert_eq!(found.ca_file, Some("/etc/ca.pem".into()));
    let expected = Aws {
        region: Some("eu-west-1".into()),
        allocation_id: Some("eipalloc-0123456789abcdef0".into()),
        instance_id: Some("i-0123456789abcdef0".into()),
        network_interface: Some("eni-01234567".into()),
        private_ip: Some("10.0.1.208".parse().unwrap()),
        profile: Some("prod".into()),
        imds_v1: true,
        metadata_endpoint: Some("http://127.0.0.1:8080".into()),
        peers: vec![host("10.0.1.190", "10.0.1.191")],
    };
    assert_eq!(found.provider, Provider::Aws(expected));
}

#[test]
fn servers_and_droplets_have_numbers() {
    let lines = "server_id 4711\ntoken_file /etc/token\npeer 10.0.1.190 4712\n";
    let mut expected = ServerCloud {
        server_id: Some(4711),
        floating_ip_id: None,
        token_file: Some("/etc/token".into()),
        metadata_endpoint: None,
        peers: vec![PeerServer {
            address: "10.0.1.190".parse().unwrap(),
            server_id: 4712,
        }],
    };
    // The provider may be named last.
    let droplet = one(&format!(
        "floating_ip 34.249.49.35 {{\n{lines}provider digitalocean\n}}"
    ));
    assert_eq!(droplet.provider, Provider::DigitalOcean(expected.clone()));
    let server = one(&format!(
        "floating_ip 2001:db8::1 {{\nprovider hetzner\nproxy none\nfloating_ip_id 9\n{lines}}}"
    ));
    expected.floating_ip_id = Some(9);
    assert_eq!(server.provider, Provider::Hetzner(expected));
    assert_eq!(server.proxy, HttpProxy::None);
}

#[test]
fn several_addresses_have_private_addresses_of_their_own() {
    let lines = "floating_ip 34.249.49.35\nfloating_ip 34.249.49.36 {\nprivate_ip 10.0.1.208\n\
        peer 10.0.1.190 10.0.1.191\n}";
    let found = instance(&text(lines)).floating_ips;
    let places: Vec<_> = found
        .iter()
        .map(|it| match &it.provider {
            Provider::Aws(aws) => (aws.private_ip.unwrap().to_string(), aws.peers.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        places,
        [
            (
                "10.0.1.207".to_owned(),
                vec![host("10.0.1.190", "10.0.1.190")]
            ),
            (
                "10.0.1.208".to_owned(),
                vec![host("10.0.1.190", "10.0.1.191")]
            ),
        ]
    );
}

#[test]
fn an_ipv6_election_names_private_addresses() {
    let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\nunicast_src_ip fd00::1\n\
        unicast_peer {\nfd00::2\n}\nfloating_ip 34.249.49.35 {\npeer fd00::2 10.0.1.190\n}\n}\n";
    let found = instance(text).floating_ips.swap_remove(0);
    let expected = Aws {
        peers: vec![host("fd00::2", "10.0.1.190")],
        ..Aws::default()
    };
    assert_eq!(found.provider, Provider::Aws(expected));
}

#[test]
fn a_private_address_may_be_left_to_the_metadata() {
    let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\n\
        floating_ip 34.249.49.35 {\npeer 10.0.1.190\n}\n}\n";
    let Provider::Aws(aws) = instance(text).floating_ips.swap_remove(0).provider else {
        panic!("aws unless something else is said");
    };
    assert_eq!(aws.private_ip, None);
    assert_eq!(aws.peers, [host("10.0.1.190", "10.0.1.190")]);
    assert!(self::aws("floating_ip 1.2.3.4").private_ip.is_some());
}

fn codes(loaded: &Loaded) -> Vec<(Severity, &'static str)> {
    let findings = loaded.diagnostics.all().iter();
    findings
        .map(|finding| (finding.severity, finding.code))
        .filter(|(_, code)| *code != "script-security")
        .collect()
}

#[track_caller]
fn says(text: &str, expected: &[(Severity, &str)]) {
    let mut node = Node::default();
    node.modes.insert("/etc/token".into(), 0o644);
    node.modes.insert("/etc/own-token".into(), 0o640);
    let loaded = load_with(text, Unknown::Error, &node);
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    assert_eq!(codes(&loaded), expected, "{text}\n{shown}");
}

#[test]
fn a_sound_block_needs_no_words() {
    use Severity::{Note, Warning};
    says(&text("floating_ip 34.249.49.35"), &[]);
    says(
        &text("floating_ip 10.0.0.1"),
        &[(Warning, "private-address")],
    );
    let lines = "floating_ip 34.249.49.35 {\nprovider digitalocean\npeer 10.0.1.190 2\n";
    says(&text(&format!("{lines}token_file /etc/own-token\n}}")), &[]);
    let readable = format!("{lines}token_file /etc/token\n}}");
    says(&text(&readable), &[(Warning, "readable-token")]);
    let held = "virtual_ipaddress {\n34.249.49.35\n}\n";
    let twice = format!("{held}{lines}}}");
    says(&text(&twice), &[(Note, "needless-address")]);
}

#[test]
fn two_masters_must_be_told_apart() {
    use Severity::{Note, Warning};
    let multicast = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\nadvert_int 1\n\
        floating_ip 34.249.49.35\n}\n";
    says(multicast, &[(Warning, "floating-multicast")]);
    let without = "floating_ip 34.249.49.35 {\nprivate_ip 10.0.1.208\n}";
    says(&text(without), &[(Note, "unrecognized-peer")]);
    let other = "floating_ip 34.249.49.35 {\npeer 10.0.1.9\n}";
    says(&text(other), &[(Warning, "unheard-peer")]);
    let droplet = "floating_ip 34.249.49.35 {\nprovider digitalocean\n}";
    says(&text(droplet), &[(Note, "unrecognized-peer")]);
}

#[test]
fn hetzner_does_not_translate() {
    let block = "floating_ip 34.249.49.35 {\nprovider hetzner\npeer 10.0.1.190 2\n}\n";
    says(&text(block), &[(Severity::Note, "not-on-interface")]);
    let held = format!("virtual_ipaddress {{\n34.249.49.35\n}}\n{block}");
    says(&text(&held), &[]);
}

#[test]
fn what_travels_in_the_clear_stays_in_the_house() {
    let block = |line: &str| text(&format!("floating_ip 34.249.49.35 {{\n{line}\n}}"));
    let warned = [(Severity::Warning, "clear-endpoint")];
    says(&block("endpoint http://ec2.example"), &warned);
    says(&block("metadata_endpoint http://metadata.example"), &warned);
    says(&block("endpoint https://ec2.example"), &[]);
    says(&block("endpoint http://10.1.2.3:8080/ec2"), &[]);
    let old = [(Severity::Warning, "imds-v1")];
    says(&block("imds_v1 allow"), &old);
}
