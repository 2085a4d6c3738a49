//! What a failover needs, tried before it is needed.

use std::process::ExitCode;

use super::{FloatingIpError, Subject, Words, block_on, say, verify, vrrp};
use crate::cloud::client::{Finding, Outcome};

/// How something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Fine(String),
    /// Neither proved nor disproved; the text says how it can be.
    Unproved(String),
    /// Not so, and what to do about it.
    Problem(String, String),
}

/// Tells everything that was found; fails if anything is wrong.
pub(super) fn run(words: &Words) -> Result<ExitCode, FloatingIpError> {
    let mut problems = 0_usize;
    let mut unproved = 0_usize;
    for subject in words.subjects()? {
        say(subject.name());
        let mut tell = |what: &str, verdict: &Verdict| {
            problems += usize::from(matches!(verdict, Verdict::Problem(..)));
            unproved += usize::from(matches!(verdict, Verdict::Unproved(_)));
            show(what, verdict);
        };
        for finding in of_provider(&subject)? {
            tell(&finding.what, &verdict(&finding.outcome));
        }
        for (what, verdict) in vrrp::peers(&subject) {
            tell(&what, &verdict);
        }
    }
    say(format!("{problems} wrong, {unproved} not proved"));
    Ok(if problems == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn of_provider(subject: &Subject) -> Result<Vec<Finding>, FloatingIpError> {
    let found = block_on(async {
        match verify::open(subject) {
            Ok(mut client) => client.preflight().await,
            Err(failure) => vec![Finding {
                what: "provider".to_owned(),
                outcome: Outcome::Problem {
                    text: failure.text,
                    advice: String::new(),
                },
            }],
        }
    })?;
    Ok(found)
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        Outcome::Fine(text) => Verdict::Fine(text.clone()),
        Outcome::Problem { text, advice } => Verdict::Problem(text.clone(), advice.clone()),
    }
}

fn show(what: &str, verdict: &Verdict) {
    let (mark, text) = match verdict {
        Verdict::Fine(text) => ("ok", text),
        Verdict::Unproved(text) => ("UNPROVED", text),
        Verdict::Problem(text, _) => ("WRONG", text),
    };
    say(format!("  {mark:<9} {what}: {text}"));
    if let Verdict::Problem(_, advice) = verdict
        && !advice.is_empty()
    {
        say(format!("            {advice}"));
    }
}
