//! What servers and agents answer to checks; see [`crate::fuzzing`].

use pontoon_engine::health::{AgentAnswer, CheckStatus};

use super::{
    agent, exasol, http, ldap, mysql, postgres, redis, smtp, ssl_hello,
    verdict::{INFO_LIMIT, Verdict},
};

/// The first byte chooses the kind of check, the others are the answer. What is said about it must stay short, whatever was
/// answered, and once all has come there must be a verdict.
pub fn check_answers(bytes: &[u8]) -> bool {
    let Some((kind, answer)) = bytes.split_first() else {
        return false;
    };
    // No check is asked before something has come.
    if answer.is_empty() {
        return false;
    }
    let mut understood = false;
    for complete in [false, true] {
        let verdict = match kind % 10 {
            0 => redis::judge(answer, complete),
            1 => ldap::judge(answer, complete),
            2 => mysql::judge(answer, complete, 1),
            3 => mysql::judge(answer, complete, 2),
            4 => postgres::judge(answer, complete),
            5 => smtp::judge_reply(answer, complete).map(|said| said.unwrap_or_else(|it| it)),
            6 => smtp::judge_banner(answer, complete).map(|said| match said {
                Ok(()) => Verdict::new(CheckStatus::L7Ok),
                Err(verdict) => verdict,
            }),
            7 => ssl_hello::judge(answer, complete),
            8 => agent_line(answer, complete),
            _ => {
                understood |= http::response::fuzz(answer);
                exasol::fuzz(answer, complete)
            }
        };
        assert!(verdict.is_some() || !complete, "no verdict");
        let nonsense = [CheckStatus::L6Response, CheckStatus::L7Response];
        understood |= verdict
            .as_ref()
            .is_some_and(|it| !nonsense.contains(&it.status));
        if let Some(Verdict {
            info: Some(info), ..
        }) = verdict
        {
            // A byte that is no text takes three; a few words of ours stand before.
            assert!(info.len() <= 3 * INFO_LIMIT + 100, "{info:?}");
        }
    }
    understood
}

fn agent_line(answer: &[u8], complete: bool) -> Option<Verdict> {
    let verdict = agent::judge(answer, complete)?;
    let line = verdict.info.as_deref().unwrap_or_default();
    let said = AgentAnswer::parse(line);
    // What stands behind a line's end must not count.
    assert_eq!(AgentAnswer::parse(&format!("{line}\ndown")), said);
    Some(verdict)
}
