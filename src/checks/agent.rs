//! `agent-check`: a word from the server itself.

use pontoon_engine::health::CheckStatus;

use super::{
    exchange::Exchange,
    verdict::{Failure, Verdict, first_line},
};

/// Asks an agent, after sending `question` (`agent-send`). A line passes; what it means is for
/// the backend to say.
pub(super) async fn probe(exchange: Exchange<'_>, question: Option<&[u8]>) -> Verdict {
    match attempt(exchange, question).await {
        Ok(verdict) => verdict,
        Err(failure) => failure.verdict(2),
    }
}

async fn attempt(exchange: Exchange<'_>, question: Option<&[u8]>) -> Result<Verdict, Failure> {
    let mut conversation = exchange.open().await?;
    if let Some(question) = question {
        conversation.send(question).await?;
    }
    conversation.listen(judge).await
}

/// A line ends with CR or LF; what never ends is never said.
pub(super) fn judge(answer: &[u8], complete: bool) -> Option<Verdict> {
    let end = answer.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    match end {
        Some(end) => Some(Verdict::new(CheckStatus::L7Ok).with_info(words(&answer[..end]))),
        None => complete.then(|| Verdict::new(CheckStatus::L7Timeout)),
    }
}

/// Tabs separate words as spaces do.
fn words(line: &[u8]) -> String {
    let line: Vec<u8> = line
        .iter()
        .map(|&byte| if byte == b'\t' { b' ' } else { byte })
        .collect();
    first_line(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_passed_on() {
        let verdict = judge(b"up\t75%\r\nmore", false).unwrap();
        assert_eq!(verdict.info.as_deref(), Some("up 75%"));
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        assert_eq!(judge(b"u", false), None);
        assert_eq!(judge(b"up\n", false).unwrap().info.as_deref(), Some("up"));
    }

    #[test]
    fn a_line_without_end_is_none() {
        assert_eq!(
            judge(b"up", true),
            Some(Verdict::new(CheckStatus::L7Timeout))
        );
    }
}
