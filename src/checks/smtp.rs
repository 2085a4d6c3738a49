//! `option smtpchk`: banner, HELO or EHLO, QUIT.

use pontoon_engine::health::CheckStatus;

use super::{
    conversation::Conversation,
    exchange::{Exchange, broken},
    verdict::{Failure, Verdict, first_line},
};

/// A reply begins with three digits and one more character.
const CODE_LENGTH: usize = 4;
/// Which line of the dialogue waits for the banner, as reports count them.
const BANNER_STEP: u32 = 2;
/// The one that waits for the answer to our greeting.
const HELLO_STEP: u32 = 5;
/// The one that waits for the goodbye.
const QUIT_STEP: u32 = 7;

/// Probes a mail server, introducing ourselves as `domain`.
pub(super) async fn probe(exchange: Exchange<'_>, hello: &str, domain: &str) -> Verdict {
    match attempt(exchange, hello, domain).await {
        Ok(verdict) | Err(verdict) => verdict,
    }
}

async fn attempt(exchange: Exchange<'_>, hello: &str, domain: &str) -> Result<Verdict, Verdict> {
    let mut conversation = exchange
        .open_politely()
        .await
        .map_err(|failure| failure.verdict(1))?;
    let banner = conversation.listen(judge_banner).await;
    banner.map_err(|failure| broken(&failure, BANNER_STEP, CheckStatus::L7Response))??;
    ask(
        &mut conversation,
        &format!("{hello} {domain}\r\n"),
        HELLO_STEP,
    )
    .await?;
    ask(&mut conversation, "QUIT\r\n", QUIT_STEP).await
}

async fn ask(conversation: &mut Conversation, line: &str, step: u32) -> Result<Verdict, Verdict> {
    let failed = |failure: Failure| broken(&failure, step, CheckStatus::L7Status);
    conversation.send(line.as_bytes()).await.map_err(failed)?;
    conversation.listen(judge_reply).await.map_err(failed)?
}

/// The banner must be one line with a code beginning with 2.
pub(super) fn judge_banner(answer: &[u8], complete: bool) -> Option<Result<(), Verdict>> {
    if answer.len() < CODE_LENGTH && !complete {
        return None;
    }
    Some(match reply(answer) {
        Some((code, b' ' | b'\r', _)) if code / 100 == 2 => Ok(()),
        Some((code, b' ' | b'\r', text)) => Err(refusal(code, text)),
        _ => Err(Verdict::new(CheckStatus::L7Response).with_info(first_line(answer))),
    })
}

/// The others may have several lines; a refusal counts once the server has closed.
pub(super) fn judge_reply(answer: &[u8], complete: bool) -> Option<Result<Verdict, Verdict>> {
    match reply(answer) {
        Some((code, b' ' | b'-' | b'\r', text)) if code / 100 == 2 => {
            Some(Ok(Verdict::new(CheckStatus::L7Ok)
                .with_code(code)
                .with_info(text)))
        }
        Some((code, _, text)) if complete => Some(Err(refusal(code, text))),
        None if complete => Some(Err(
            Verdict::new(CheckStatus::L7Status).with_info(first_line(answer))
        )),
        _ => None,
    }
}

fn refusal(code: u16, text: String) -> Verdict {
    Verdict::new(CheckStatus::L7Status)
        .with_code(code)
        .with_info(text)
}

/// The code, what follows it, and the text of a reply.
fn reply(answer: &[u8]) -> Option<(u16, u8, String)> {
    let code = std::str::from_utf8(answer.get(..3)?).ok()?;
    if !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let separator = *answer.get(3)?;
    Some((
        code.parse().ok()?,
        separator,
        first_line(&answer[CODE_LENGTH..]),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_passes_without_its_line_end() {
        assert_eq!(judge_banner(b"22", false), None);
        assert_eq!(judge_banner(b"220 foo", false), Some(Ok(())));
    }

    #[test]
    fn a_refusing_banner_is_a_wrong_status() {
        let verdict = judge_banner(b"421 go away\r\n", false)
            .unwrap()
            .unwrap_err();
        assert_eq!(verdict.status, CheckStatus::L7Status);
        assert_eq!(verdict.code, Some(421));
        assert_eq!(verdict.info.as_deref(), Some("go away"));
    }

    #[test]
    fn another_protocol_or_a_long_banner_is_invalid() {
        for (banner, info) in [
            (&b"hello world\r\n"[..], "hello world"),
            (b"220-mx\r\n", "220-mx"),
        ] {
            let verdict = judge_banner(banner, false).unwrap().unwrap_err();
            assert_eq!(verdict.status, CheckStatus::L7Response);
            assert_eq!(verdict.info.as_deref(), Some(info));
        }
    }

    #[test]
    fn a_reply_of_several_lines_passes() {
        let verdict = judge_reply(b"250-hi there\r\n250 END\r\n", false)
            .unwrap()
            .unwrap();
        assert_eq!(
            (verdict.code, verdict.info.as_deref()),
            (Some(250), Some("hi there"))
        );
    }

    #[test]
    fn a_refusal_counts_when_the_server_has_closed() {
        assert_eq!(judge_reply(b"554 denied you\r\n", false), None);
        let verdict = judge_reply(b"554 denied you\r\n", true)
            .unwrap()
            .unwrap_err();
        assert_eq!(
            (verdict.status, verdict.code),
            (CheckStatus::L7Status, Some(554))
        );
    }
}
