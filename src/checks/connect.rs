//! The plain check: does the server take a connection, or with `check-ssl` a TLS handshake?

use pontoon_engine::health::CheckStatus;

use super::{
    conversation::Conversation,
    socket::{self, Use},
    target::{Deadlines, Target},
    verdict::{Failure, Verdict},
};

/// Connects, and says no more than `check-ssl` and `check-send-proxy` ask for.
pub(super) async fn probe(target: &Target, deadlines: &Deadlines) -> Verdict {
    match attempt(target, deadlines).await {
        Ok(verdict) => verdict,
        Err(failure) => failure.verdict(1),
    }
}

/// The same, for those who have more to say of a failure.
pub(super) async fn attempt(target: &Target, deadlines: &Deadlines) -> Result<Verdict, Failure> {
    if target.tls.is_none() && target.proxy_header.is_none() {
        socket::connect(target, Use::Knock, deadlines.connection()).await?;
    } else {
        Conversation::open(target, deadlines, 0)
            .await?
            .close()
            .await;
    }
    Ok(Verdict::new(if target.tls.is_some() {
        CheckStatus::L6Ok
    } else {
        CheckStatus::L4Ok
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{
        exchange::Exchange,
        testing::{
            Does::Hangs, HASTY, PATIENT, Scripted, Silence, nowhere, probe as run_probe, show,
            target,
        },
    };

    async fn run(address: std::net::SocketAddr, limit: std::time::Duration) -> String {
        let target = target(address);
        let verdict = run_probe(&target, limit, async |exchange: Exchange<'_>| {
            probe(exchange.target, exchange.deadlines).await
        });
        show(&verdict.await)
    }

    #[tokio::test]
    async fn a_connection_passes_a_refusal_does_not() {
        assert_eq!(
            run(Scripted::start(&[Hangs]).unwrap().address, PATIENT).await,
            "L4OK"
        );
        assert_eq!(run(nowhere(), PATIENT).await, "L4CON [Connection refused]");
    }

    #[tokio::test]
    async fn silence_times_out() {
        assert_eq!(run(Silence::new().unwrap().address, HASTY).await, "L4TOUT");
    }

    #[tokio::test]
    async fn a_missing_unix_socket_is_an_error_of_the_socket() {
        let mut nowhere = target(nowhere());
        let path = std::path::PathBuf::from("/nonexistent/socket");
        nowhere.endpoint = Some(pontoon_engine::address::Endpoint::Unix(path.into()));
        let verdict = run_probe(&nowhere, PATIENT, async |exchange: Exchange<'_>| {
            probe(exchange.target, exchange.deadlines).await
        });
        assert_eq!(
            show(&verdict.await),
            "SOCKERR [General socket error (No such file or directory)]"
        );
    }

    #[tokio::test]
    async fn source_is_where_checks_come_from() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut target = target(listener.local_addr().unwrap());
        target.source = Some(pontoon_engine::rules::SourceAddress {
            address: Some("127.0.0.9".parse().unwrap()),
            ports: None,
            interface: None,
            transparent: None,
        });
        let deadlines = Deadlines::start(crate::checks::target::Limits::new(PATIENT, None, None));
        let _conversation = Conversation::open(&target, &deadlines, 0)
            .await
            .ok()
            .unwrap();
        let (_, client) = listener.accept().unwrap();
        assert_eq!(client.ip().to_string(), "127.0.0.9");
    }
}
