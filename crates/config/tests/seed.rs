//! The file that the project is measured by.

mod machine;

use pontoon_config::{
    haproxy::model::{LogAddress, Mode, Model, Password, ServerPort},
    render,
};
use pontoon_engine::balance::Algorithm;

use machine::{Machine, load_text};

const SEED: &str = include_str!("../../../tests/data/seed/haproxy.cfg");

fn model() -> Model {
    let loaded = load_text(SEED, &Machine::default());
    let shown = render::human(&loaded.files, loaded.diagnostics.all(), false);
    loaded.model.unwrap_or_else(|| panic!("{shown}"))
}

#[test]
fn the_process_is_as_the_seed_says() {
    let model = model();
    let global = &model.global;
    assert!(global.daemon);
    assert_eq!(
        global.chroot.as_deref().unwrap().to_str(),
        Some("/var/lib/haproxy")
    );
    assert_eq!(
        global.pidfile.as_deref().unwrap().to_str(),
        Some("/var/run/haproxy.pid")
    );
    assert_eq!((global.uid, global.gid), (Some(106), Some(112)));
    assert_eq!(global.max_connections, Some(4000));
    assert_eq!(global.logs.len(), 1);
    assert_eq!(global.logs[0].facility, 18, "local2");
    assert_eq!(
        global.logs[0].address,
        LogAddress::Udp("127.0.0.1:514".parse().unwrap())
    );

    assert_eq!(model.proxies.len(), 2);
}

#[test]
fn the_statistics_are_as_the_seed_says() {
    let model = model();
    let stats = &model.proxies[0];
    assert_eq!(
        (&*stats.name, stats.number, stats.mode),
        ("stats", 1, Mode::Http)
    );
    assert_eq!(
        stats.log.targets, model.global.logs,
        "`log global` of defaults"
    );
    let page = stats.stats.as_ref().unwrap();
    assert_eq!(page.uri, "/haproxy_stats");
    let users = &page.auth.as_ref().unwrap().users.users;
    assert_eq!(
        users["admin"].password,
        Password::Clear("strongPassworD".into())
    );
    let binds = &stats.frontend.as_ref().unwrap().binds;
    assert_eq!(binds.len(), 1);
}

#[test]
fn the_database_proxy_is_as_the_seed_says() {
    let mut model = model();
    model.fill_full_connections(model.global.max_connections.unwrap());
    let exasol = &model.proxies[1];
    assert_eq!(
        (&*exasol.name, exasol.number, exasol.mode),
        ("exasol_proxy", 2, Mode::Tcp)
    );
    assert!(exasol.log.line.is_some(), "tcplog");
    let side = exasol.backend.as_ref().unwrap();
    assert_eq!(side.settings.algorithm, Algorithm::RoundRobin);
    assert_eq!(side.timeout_connect.unwrap().as_secs(), 5);
    assert_eq!(side.timeout_server.unwrap().as_secs(), 50);
    assert_eq!(side.settings.full_connections, Some(400));
    let addresses: Vec<String> = side
        .servers
        .iter()
        .map(|server| server.address.as_ref().unwrap().0.to_string())
        .collect();
    assert_eq!(
        addresses,
        ["10.0.1.11:8563", "10.0.1.12:8563", "10.0.1.13:8563"]
    );
    for (server, number) in side.servers.iter().zip(1..) {
        assert_eq!(server.number, number);
        assert_eq!(server.port, ServerPort::Fixed);
        assert!(server.check.is_some());
        let health = server.settings.health.unwrap();
        assert_eq!((health.rise, health.fall), (2, 3));
        assert_eq!(health.interval.as_secs(), 2);
    }
    let frontend = exasol.frontend.as_ref().unwrap();
    assert_eq!(frontend.default_backend, Some(exasol.id));
    assert!(frontend.dont_log_null);
    assert_eq!(frontend.timeout_client.unwrap().as_secs(), 50);
}

#[test]
fn the_seed_file_gets_advice_but_no_error() {
    let loaded = load_text(SEED, &Machine::default());
    insta::assert_snapshot!(render::human(
        &loaded.files,
        loaded.diagnostics.all(),
        false
    ));
}
