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

#[test]
fn words_of_several_bytes_have_places() {
    let loaded = read("é\nvrrp_instance ü {\n}\n");
    let json = render::json(&loaded.files, loaded.diagnostics.all());
    assert!(json.contains("`é` is not known"), "{json}");
}

#[test]
fn definitions_conditions_and_repetitions_make_instances() {
    let text = include_str!("valid/templates.conf");
    let model = model(text);
    let described: Vec<_> = model
        .instances
        .iter()
        .map(|it| {
            let addresses: Vec<_> = it.addresses.iter().map(|a| a.address.to_string()).collect();
            (it.name.to_string(), it.priority.0, addresses.join(" "))
        })
        .collect();
    let expected = [
        ("VI_1", 150, "10.0.0.1"),
        ("VI_2", 150, "10.0.0.2"),
        ("VI_3", 150, "10.0.0.3"),
        ("VI_9", 150, "10.0.0.9"),
        ("more", 100, "10.1.1.2 10.1.3.4"),
    ];
    let expected = expected
        .map(|(name, priority, addresses)| (name.to_owned(), priority, addresses.to_owned()));
    assert_eq!(described, expected);
}

#[test]
fn included_files_are_read_where_they_stand_relative_to_the_file_that_asks() {
    let mut node = Node::default();
    let files = [
        (
            "/etc/keepalived/d/a.conf",
            "priority 77\ninclude more/b.conf\n",
        ),
        (
            "/etc/keepalived/d/more/b.conf",
            "$DIR=${_PWD}\nnotify ${DIR}/n.sh\nnope\n",
        ),
    ];
    for (name, text) in files {
        node.files.insert(name.to_owned(), text.as_bytes().to_vec());
    }
    let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\ninclude d/*.conf\nnotify_stop ${_PWD}/s\n}\n";
    let loaded = load_with(text, Unknown::Warning, &node);
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    assert!(
        shown.contains("--> /etc/keepalived/d/more/b.conf:3:1"),
        "{shown}"
    );
    let instance = &loaded.model.unwrap().instances[0];
    assert_eq!(instance.priority, Priority(77));
    let any = instance.notify.any.as_ref().unwrap();
    assert_eq!(any.line, "/etc/keepalived/d/more/n.sh");
    assert_eq!(any.location.line, 2);
    assert_eq!(
        instance.notify.stop.as_ref().unwrap().line,
        "/etc/keepalived/s"
    );
}

#[test]
fn intervals_are_rounded_to_what_the_wire_can_say() {
    let millis = |lines| instance(lines).interval.as_millis();
    assert_eq!(millis("advert_int 0.1\nversion 3"), 100);
    assert_eq!(millis("advert_int 0.055\nversion 3"), 60);
    assert_eq!(millis("advert_int 41\nversion 3"), 40_950);
    assert_eq!(millis("advert_int 1.5"), 2000);
    assert_eq!(millis("advert_int 0.01"), 1000);
}

#[test]
fn preemption_goes_with_state_backup_only() {
    let preempt = |lines| instance(lines).preempt;
    let wait = Preempt::After(Duration::from_secs(5));
    assert_eq!(preempt("state BACKUP\nnopreempt"), Preempt::Never);
    assert_eq!(preempt("state BACKUP\npreempt_delay 5"), wait);
    assert_eq!(preempt("nopreempt\npreempt_delay 5"), Preempt::Never);
    assert_eq!(
        preempt("state MASTER\npriority 90\nnopreempt"),
        Preempt::AtOnce
    );
    assert_eq!(
        preempt("state MASTER\npriority 90\npreempt_delay 5"),
        Preempt::AtOnce
    );
    assert_eq!(preempt("priority 255\nnopreempt"), Preempt::AtOnce);
}

#[test]
fn a_master_without_priority_owns_its_addresses() {
    assert_eq!(instance("state MASTER").priority, Priority::OWNER);
    assert_eq!(instance("state BACKUP").priority, Priority::DEFAULT);
    assert_eq!(instance("state MASTER\npriority 9").priority, Priority(9));
}

#[test]
fn passwords_are_eight_bytes_of_version_2() {
    let auth = "authentication {\nauth_type PASS\nauth_pass 123456789\n}\n";
    assert_eq!(instance(auth).password, Some(*b"12345678"));
    assert_eq!(instance(&format!("{auth}version 3")).password, None);
    let short = "authentication {\nauth_type PASS\nauth_pass ab\n}\n";
    assert_eq!(instance(short).password, Some(*b"ab\0\0\0\0\0\0"));
}

#[test]
fn announcements_are_those_of_the_instance_or_of_all() {
    let text = "global_defs {\nvrrp_garp_master_repeat 2\nvrrp_garp_master_delay 3\nvrrp_min_garp\n}\n\
        vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\ngarp_master_delay 7\ngarp_master_refresh 9\n}\n\
        vrrp_instance b {\ninterface eth0\nvirtual_router_id 2\ngarp_lower_prio_repeat 4\n}\n";
    let model = model(text);
    let a = model.instances[0].announcements;
    assert_eq!((a.repeat, a.again_after.as_secs()), (2, 7));
    assert_eq!(a.refresh, Some(Duration::from_secs(9)));
    assert_eq!(a.lower_prio_again_after.as_secs(), 7);
    let b = model.instances[1].announcements;
    assert_eq!(
        (b.repeat, b.again_after.as_secs(), b.lower_prio_repeat),
        (2, 3, 4)
    );
}

#[test]
fn members_of_a_sync_group_track_faults_only() {
    let instance = "vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\n\
        track_interface {\neth1 weight 5\neth2\n}\ntrack_script {\nx weight 0\ny\n}\n}\n";
    let scripts =
        "vrrp_script x {\nscript /a\nweight 9\n}\nvrrp_script y {\nscript /b\nweight -9\n}\n";
    let group = "vrrp_sync_group g {\ngroup {\na\n}\n}\n";
    let alone = model(&format!("{scripts}{instance}"));
    assert_eq!(alone.instances[0].tracks.interfaces.len(), 2);
    let weights: Vec<_> = alone.instances[0]
        .tracks
        .scripts
        .iter()
        .map(|it| it.weight)
        .collect();
    assert_eq!(weights, [0, -9]);
    let grouped = model(&format!("{group}{scripts}{instance}"));
    assert_eq!(grouped.groups[0].members, [0]);
    assert_eq!(grouped.instances[0].tracks.interfaces.len(), 1);
    assert_eq!(grouped.instances[0].tracks.scripts.len(), 1);
    let weighted = group.replace("group {", "sync_group_tracking_weight\ngroup {");
    let weighted = model(&format!("{weighted}{scripts}{instance}"));
    assert_eq!(weighted.instances[0].tracks.scripts.len(), 2);
}

#[test]
fn strict_mode_takes_back_what_the_protocol_does_not_allow() {
    let address = "virtual_ipaddress {\n10.0.0.1\n}\n";
    let strict = instance(&format!(
        "strict_mode\npreempt_delay 4\naccept\nhigher_prio_send_advert\ngarp_master_refresh 3\n\
         authentication {{\nauth_type PASS\nauth_pass a\n}}\n{address}"
    ));
    assert_eq!(strict.preempt, Preempt::AtOnce);
    assert_eq!(strict.password, None);
    assert!(strict.lower_prio_no_advert && !strict.higher_prio_send_advert && !strict.accept);
    assert_eq!(strict.announcements.refresh, None);
    let owner = instance(&format!("strict_mode\npriority 255\n{address}"));
    assert!(owner.accept);
}

#[test]
fn addresses_and_routes_keep_their_options() {
    let held = instance(
        "virtual_ipaddress {\n10.0.0.1/24 brd + dev eth1 label eth1:v scope link\n10.0.0.2/28 brd -\n}\n\
         virtual_ipaddress_excluded {\n2001:db8::1/64 -nodad home preferred_lft 0\n}\n\
         virtual_routes {\nsrc 10.0.0.1 to default via 10.0.0.254 dev eth0 table 5 metric 9\n}\n",
    );
    let first = &held.addresses[0];
    assert_eq!(first.broadcast, Some([10, 0, 0, 255].into()));
    assert_eq!(first.label.as_deref(), Some("eth1:v"));
    assert_eq!(
        (first.scope, first.interface.as_deref()),
        (Some(253), Some("eth1"))
    );
    assert_eq!(held.addresses[1].broadcast, Some([10, 0, 0, 0].into()));
    let excluded = &held.excluded[0];
    assert!(excluded.detect_duplicates && excluded.home);
    assert_eq!(
        (excluded.prefix, excluded.preferred_lifetime),
        (64, Some(0))
    );
    let route = &held.routes[0];
    assert_eq!(route.destination, "0.0.0.0/0".parse().unwrap());
    assert_eq!((route.table, route.metric), (Some(5), Some(9)));
}

#[test]
fn what_the_election_keeps_for_a_tracked_file_is_noted_once() {
    let instance = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\n}\n";
    let file = "track_file one {\nfile /tmp/one\n}\nvrrp_track_file two {\nfile /tmp/two\n}\n";
    for (text, expected) in [(instance.to_owned(), 0), (format!("{file}{instance}"), 1)] {
        let loaded = load_with(&text, Unknown::Error, &Node::default());
        let all = loaded.diagnostics.all().iter();
        let notes: Vec<_> = all.filter(|it| it.code == "sandbox-exception").collect();
        assert_eq!(notes.len(), expected, "{notes:?}");
        for note in notes {
            assert!(note.message.contains("CAP_DAC_READ_SEARCH"), "{note:?}");
        }
    }
}

#[test]
fn what_will_hurt_is_told() {
    let mut node = Node::default();
    node.modes.insert("/open.sh".to_owned(), 0o777);
    let text = "vrrp_script slow {\nscript \"/open.sh x\"\ninterval 1\ntimeout 5\n}\n\
        vrrp_script killall {\nscript \"killall -0 haproxy\"\n}\n\
        vrrp_instance VI_1 {\ninterface eth0\nstate MASTER\nvirtual_router_id 1\n\
        authentication {\nauth_type PASS\nauth_pass se#ret\n}\n\
        unicast_src_ip 10.0.0.1\nunicast_peer {\n10.0.0.1\n}\ntrack_script {\nslow\n}\n}\n";
    let loaded = load_with(text, Unknown::Error, &node);
    let codes: Vec<_> = loaded.diagnostics.all().iter().map(|d| d.code).collect();
    for code in [
        "writable-script",
        "timeout-over-interval",
        "unused-script",
        "asks-for-proxy",
        "nothing-moves",
        "default-interval",
        "owner",
        "comment-in-word",
        "own-peer",
        "script-security",
    ] {
        assert!(codes.contains(&code), "{code} is missing in {codes:?}");
    }
    assert!(loaded.model.is_some(), "none of these is an error");
}

#[test]
fn pontoons_own_words_are_read() {
    let text = "global_defs {\nproxy_stable_time 2.5\nproxy_resign_without_servers\n\
        proxy_pidfile /run/a.pid\nnotify_timeout 5\n}\n\
        vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 1\ndont_track_proxy\n}\n";
    let model = model(text);
    assert_eq!(model.global.proxy_stable_time.as_millis(), 2500);
    assert!(model.global.proxy_resign_without_servers);
    assert_eq!(model.global.proxy_pidfile.to_str(), Some("/run/a.pid"));
    assert_eq!(model.global.notify_timeout.as_secs(), 5);
    assert!(!model.instances[0].track_proxy);
}
