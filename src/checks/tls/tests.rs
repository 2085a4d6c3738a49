//! The expected reports are those of HAProxy 2.6.12 for the same peers.

use std::{net::SocketAddr, path::PathBuf, sync::Mutex, time::Duration};

use rustls::{ServerConfig, crypto::ring, server::WebPkiClientVerifier};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::checks::{
    connect,
    exchange::Exchange,
    testing::{
        Does::{self, Hangs, Hears, Resets, Says},
        HASTY, PATIENT, Scripted, nowhere, probe, show, target,
    },
};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("src/checks/tls/testdata")
        .join(name)
}

/// `check-ssl verify none`.
fn trusting() -> CheckTls {
    CheckTls {
        server_name: None,
        verify: false,
        verify_host: None,
        ca_file: None,
        certificate: None,
    }
}

/// `check-ssl ca-file`.
fn verifying(authority: &str) -> CheckTls {
    CheckTls {
        verify: true,
        ca_file: Some(data(authority)),
        ..trusting()
    }
}

/// A TLS server that keeps the names it was asked for.
struct TlsPeer {
    address: SocketAddr,
    names: Arc<Mutex<Vec<Option<String>>>>,
}

impl TlsPeer {
    /// Waits for the server to have seen so many handshakes.
    async fn names(&self, count: usize) -> Vec<Option<String>> {
        let enough = async {
            while self.names.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENT, enough).await.unwrap();
        self.names.lock().unwrap().clone()
    }

    async fn start(wants_certificate: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let names = Arc::new(Mutex::new(Vec::new()));
        let acceptor = TlsAcceptor::from(Arc::new(server_config(wants_certificate)));
        tokio::spawn({
            let names = Arc::clone(&names);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        continue;
                    };
                    let name = stream.get_ref().1.server_name().map(str::to_owned);
                    names.lock().unwrap().push(name);
                    // Until the check has gone.
                    let _gone = stream.read(&mut [0; 16]).await;
                }
            }
        });
        Self { address, names }
    }
}

fn server_config(wants_certificate: bool) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let (chain, key) = files::certificate(&data("server.pem"), "test").unwrap();
    let builder = if wants_certificate {
        let mut files = Files::default();
        let roots = files.authorities(&verifying("ca.pem"), "test");
        let roots = roots.unwrap().unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    builder.with_single_cert(chain, key).unwrap()
}

async fn run(address: SocketAddr, settings: &CheckTls, limit: Duration) -> String {
    let mut target = target(address);
    target.tls = Some(Files::default().client(settings, &[], "be/s").unwrap());
    let verdict = probe(&target, limit, async |exchange: Exchange<'_>| {
        connect::probe(exchange.target, exchange.deadlines).await
    })
    .await;
    show(&verdict)
}

async fn run_plain(peer: &[Does], limit: Duration) -> String {
    run(Scripted::start(peer).unwrap().address, &trusting(), limit).await
}

#[tokio::test]
async fn a_handshake_passes_if_the_chain_is_good_or_nobody_asks() {
    let peer = TlsPeer::start(false).await;
    assert_eq!(run(peer.address, &trusting(), PATIENT).await, "L6OK");
    assert_eq!(
        run(peer.address, &verifying("ca.pem"), PATIENT).await,
        "L6OK"
    );
    let wrong = run(peer.address, &verifying("other.pem"), PATIENT).await;
    assert_eq!(wrong, "L6RSP [SSL handshake failure]");
    assert_eq!(peer.names(2).await, [None, None]);
}

#[tokio::test]
async fn the_name_is_that_of_verifyhost_or_else_the_one_sent() {
    let peer = TlsPeer::start(false).await;
    let host = |name: &str| CheckTls {
        verify_host: Some(name.into()),
        ..verifying("ca.pem")
    };
    let sni = |name: &str| CheckTls {
        server_name: Some(name.into()),
        ..verifying("ca.pem")
    };
    assert_eq!(
        run(peer.address, &host("db.example"), PATIENT).await,
        "L6OK"
    );
    assert_eq!(
        run(peer.address, &host("foo.example"), PATIENT).await,
        "L6RSP [Server presented an SSL certificate different from the configured one]"
    );
    assert_eq!(run(peer.address, &sni("db.example"), PATIENT).await, "L6OK");
    assert_eq!(
        run(peer.address, &sni("foo.example"), PATIENT).await,
        "L6RSP [Server presented an SSL certificate different from the expected one]"
    );
    let named = Some("db.example".to_owned());
    assert!(peer.names(2).await.contains(&named));
}

#[tokio::test]
async fn a_server_may_want_our_certificate() {
    let peer = TlsPeer::start(true).await;
    let ours = CheckTls {
        certificate: Some(data("server.pem")),
        ..trusting()
    };
    assert_eq!(run(peer.address, &ours, PATIENT).await, "L6OK");
    assert_eq!(peer.names(1).await, [None]);
}

#[tokio::test]
async fn servers_without_tls_fail() {
    let failure = "L6RSP [SSL handshake failure]";
    assert_eq!(
        run_plain(&[Hears, Says(b"hello this is not tls"), Hangs], PATIENT).await,
        failure
    );
    assert_eq!(run_plain(&[Hears], PATIENT).await, failure);
    assert_eq!(run_plain(&[Hears, Resets], PATIENT).await, failure);
    let alert = b"\x15\x03\x01\0\x02\x02\x28";
    assert_eq!(
        run_plain(&[Hears, Says(alert), Hangs], PATIENT).await,
        failure
    );
    assert_eq!(run_plain(&[Hangs], HASTY).await, "L6TOUT");
    let refused = run(nowhere(), &trusting(), PATIENT).await;
    assert_eq!(refused, "L4CON [Connection refused]");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let mut files = Files::default();
    let mut load = |file| files.client(&verifying(file), &[], "be/s");
    let missing = load("missing.pem").unwrap_err();
    assert!(missing.to_string().starts_with("'be/s': "), "{missing}");
    assert!(missing.to_string().contains("missing.pem"), "{missing}");
    let empty = load("README.md").unwrap_err();
    assert_eq!(empty.problem, "holds no certificate");
}

#[test]
fn what_many_servers_want_is_loaded_once() {
    let mut files = Files::default();
    let one = files.client(&verifying("ca.pem"), &[], "be/s1").unwrap();
    let two = files.client(&verifying("ca.pem"), &[], "be/s2").unwrap();
    assert!(Arc::ptr_eq(&one, &two));
    let named = CheckTls {
        server_name: Some("db.example".to_owned()),
        ..verifying("ca.pem")
    };
    let other = files.client(&named, &[], "be/s3").unwrap();
    assert!(!Arc::ptr_eq(&one, &other));
    let mut authorities = |tls| files.authorities(tls, "be/s").unwrap().unwrap();
    let unnamed = verifying("ca.pem");
    assert!(Arc::ptr_eq(&authorities(&unnamed), &authorities(&named)));
}
