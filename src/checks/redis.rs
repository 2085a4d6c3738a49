//! `option redis-check`: PING, and +PONG.

use pontoon_engine::health::CheckStatus;

use super::{
    exchange::{Exchange, broken},
    verdict::{Failure, Verdict, first_line},
};

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const PONG: &[u8] = b"+PONG\r\n";

/// Probes a Redis server.
pub(super) async fn probe(exchange: Exchange<'_>) -> Verdict {
    match attempt(exchange).await {
        Ok(verdict) => verdict,
        Err(failure) => broken(&failure, 2, CheckStatus::L7Status),
    }
}

async fn attempt(exchange: Exchange<'_>) -> Result<Verdict, Failure> {
    let mut conversation = exchange.open().await?;
    conversation.send(PING).await?;
    conversation.listen(judge).await
}

pub(super) fn judge(answer: &[u8], complete: bool) -> Option<Verdict> {
    if answer.starts_with(PONG) {
        return Some(Verdict::new(CheckStatus::L7Ok).with_info("Redis server is ok"));
    }
    complete.then(|| Verdict::new(CheckStatus::L7Status).with_info(first_line(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pong_passes_as_soon_as_it_is_whole() {
        assert_eq!(judge(b"+PON", false), None);
        let verdict = judge(b"+PONG\r\n", false).unwrap();
        assert_eq!(verdict.status, CheckStatus::L7Ok);
        assert_eq!(verdict.info.as_deref(), Some("Redis server is ok"));
    }

    #[test]
    fn an_error_counts_when_the_server_has_closed() {
        assert_eq!(judge(b"-ERR foo\r\n", false), None);
        let verdict = judge(b"-ERR foo\r\n", true).unwrap();
        assert_eq!(verdict.status, CheckStatus::L7Status);
        assert_eq!(verdict.code, Some(0));
        assert_eq!(verdict.info.as_deref(), Some("-ERR foo"));
    }
}
