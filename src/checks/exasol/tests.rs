//! Against the lab's database, whose TLS and WebSocket are other people's, and against peers that
//! are none.

use std::{net::SocketAddr, time::Duration};

use pontoon_config::haproxy::check::{CheckTls, ExasolCheck};
use pontoon_lab::exasol::{Cluster, Mood};

use crate::checks::{
    testing::{
        Does::{self, Hangs, Hears, Says},
        HASTY, PATIENT, Scripted, nowhere, probe, show, target,
    },
    tls::Files,
};

const TLS: ExasolCheck = ExasolCheck::Tls { fingerprint: None };

fn pinned(fingerprint: &str) -> ExasolCheck {
    let byte = |at: usize| u8::from_str_radix(&fingerprint[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..64).step_by(2).map(byte).collect();
    let fingerprint = Some(bytes.try_into().unwrap());
    ExasolCheck::Tls { fingerprint }
}

async fn run_for(address: SocketAddr, method: ExasolCheck, limit: Duration) -> String {
    let mut target = target(address);
    if method != ExasolCheck::Clear {
        let settings = CheckTls {
            server_name: None,
            verify: false,
            verify_host: None,
            ca_file: None,
            certificate: None,
        };
        let tls = Files::default().client(&settings, &[], "be/n11");
        target.tls = Some(tls.unwrap());
    }
    let verdict = probe(&target, limit, async |exchange| {
        super::probe(exchange, method).await
    });
    show(&verdict.await)
}

async fn run(address: SocketAddr, method: ExasolCheck) -> String {
    run_for(address, method, PATIENT).await
}

#[tokio::test]
async fn a_database_passes_in_tls_and_in_clear() {
    let cluster = Cluster::start(1).unwrap();
    let node = cluster.node(0);
    for method in [TLS, ExasolCheck::Clear, pinned(&node.fingerprint())] {
        let verdict = run(node.address(), method).await;
        assert_eq!(verdict, "L7OK 0 [login is possible]");
    }
    assert_eq!(cluster.logins(), 0, "nobody has logged in");
}

#[tokio::test]
async fn another_certificate_fails_and_both_fingerprints_are_told() {
    let cluster = Cluster::start(1).unwrap();
    let node = cluster.node(0);
    let expected = node.fingerprint();
    let address = node.address();
    assert!(run(address, pinned(&expected)).await.starts_with("L7OK"));
    node.renew_certificate().unwrap();
    let found = node.fingerprint();
    let text = format!("certificate has fingerprint {found}, expected {expected}");
    assert_eq!(
        run(address, pinned(&expected)).await,
        format!("L6RSP [{text}]")
    );
}

#[tokio::test]
async fn a_database_that_refuses_logins_is_down_in_its_own_words() {
    let cluster = Cluster::start(1).unwrap();
    cluster.node(0).set_mood(Mood::StartingUp);
    assert_eq!(
        run(cluster.node(0).address(), TLS).await,
        "L7STS 0 [08004: Connection exception - database is starting up]"
    );
}

#[tokio::test]
async fn silence_times_out_where_it_began() {
    let cluster = Cluster::start(1).unwrap();
    let node = cluster.node(0);
    node.set_mood(Mood::Silent);
    assert_eq!(run_for(node.address(), TLS, HASTY).await, "L6TOUT");
    assert_eq!(
        run_for(node.address(), ExasolCheck::Clear, HASTY).await,
        "L7TOUT [no answer to the WebSocket upgrade]"
    );
}

#[tokio::test]
async fn no_connection_is_a_matter_of_layer_4() {
    assert_eq!(run(nowhere(), TLS).await, "L4CON [Connection refused]");
}

async fn against(script: &[Does]) -> String {
    run(Scripted::start(script).unwrap().address, ExasolCheck::Clear).await
}

#[tokio::test]
async fn peers_that_are_no_database_are_told_apart() {
    let web = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(
        against(&[Hears, Says(web), Hangs]).await,
        "L7STS 400 [Bad Request]"
    );
    assert_eq!(
        against(&[Says(b"220 mail ESMTP\r\n"), Hangs]).await,
        "L7RSP [no answer to the WebSocket upgrade, but: 220 mail ESMTP]"
    );
    let bare = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";
    assert_eq!(
        against(&[Hears, Says(bare), Hangs]).await,
        "L7RSP [the answer to the WebSocket upgrade has no right Sec-WebSocket-Accept]"
    );
    assert_eq!(
        against(&[Hears]).await,
        "L7RSP [closed instead of answering the WebSocket upgrade]"
    );
}

#[tokio::test]
async fn tls_with_somebody_who_speaks_none_is_a_matter_of_layer_6() {
    let peer = Scripted::start(&[Hears, Says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Hangs]);
    let verdict = run(peer.unwrap().address, TLS).await;
    assert_eq!(verdict, "L6RSP [SSL handshake failure]");
}
