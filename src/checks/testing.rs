//! What a probe says of a server that follows a script.

use std::{net::SocketAddr, time::Duration};

use pontoon_config::haproxy::log_format::{LogFormat, Piece};
use pontoon_engine::address::Endpoint;
pub(super) use pontoon_lab::script::{Does, Scripted, Silence};

use super::{
    exchange::Exchange,
    target::{Deadlines, Limits, Target},
    verdict::Verdict,
};

/// Where nobody listens.
pub(super) fn nowhere() -> SocketAddr {
    pontoon_lab::script::nowhere().unwrap()
}

pub(super) fn target(address: SocketAddr) -> Target {
    Target {
        endpoint: Some(Endpoint::Ip(address)),
        source: None,
        proxy_header: None,
        tls: None,
        linger: false,
    }
}

/// Long enough never to be reached by what should answer.
pub(super) const PATIENT: Duration = Duration::from_secs(20);
/// Short enough to wait for what should not.
pub(super) const HASTY: Duration = Duration::from_millis(150);

pub(super) const BUFFER: usize = 16_384;

/// Runs a probe with a time limit.
pub(super) async fn probe(
    target: &Target,
    limit: Duration,
    probe: impl AsyncFnOnce(Exchange<'_>) -> Verdict,
) -> Verdict {
    let deadlines = Deadlines::start(Limits::new(limit, None, None));
    probe(Exchange {
        target,
        deadlines: &deadlines,
        limit: BUFFER,
    })
    .await
}

/// As the log shows it: code, words in brackets.
pub(super) fn show(verdict: &Verdict) -> String {
    let mut text = verdict.status.code().to_owned();
    if let Some(code) = verdict.code {
        text += &format!(" {code}");
    }
    if let Some(info) = &verdict.info {
        text += &format!(" [{info}]");
    }
    text
}

/// A log-format string without variables.
pub(super) fn plain_text(format: &LogFormat) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.clone(),
        other => panic!("{other:?} is not for these tests"),
    };
    format.pieces.iter().map(text).collect()
}
