//! `option tcp-check`: a script of connections, questions and expected answers.

use std::{fmt::Write as _, sync::Arc};

use pontoon_config::haproxy::check::{BytePattern, ConnectStep, Expect, Step, StepAction};
use pontoon_engine::health::CheckStatus;

use super::{
    connect,
    conversation::Conversation,
    exchange::{Conversations, Exchange},
    pattern::{self, Render},
    tls::Tls,
    verdict::{Failure, Verdict},
};

/// A script, ready to run.
#[derive(Clone, Copy)]
pub(super) struct Script<'a> {
    pub(super) steps: &'a [Step],
    /// What each step's `ssl` needs, read beforehand.
    pub(super) tls: &'a [Option<Arc<Tls>>],
    pub(super) render: &'a Render<'a>,
}

/// Runs a script against a server.
pub(super) async fn probe(exchange: Exchange<'_>, script: Script<'_>) -> Verdict {
    if script.steps.is_empty() {
        let attempt = connect::attempt(exchange.target, exchange.deadlines).await;
        return attempt.unwrap_or_else(|failure| failed_initially(&failure));
    }
    let mut run = Run {
        script,
        conversations: Conversations::of(exchange),
        passed: CheckStatus::L4Ok,
    };
    match run.all().await {
        Ok(info) => Verdict::new(run.passed).with_info(info),
        Err(verdict) => verdict,
    }
}

/// Writes how the last expectation was met, unless told otherwise.
const DEFAULT_INFO: &str = "(tcp-check)";

struct Run<'a> {
    script: Script<'a>,
    conversations: Conversations<'a>,
    passed: CheckStatus,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<String, Verdict> {
        let mut info = DEFAULT_INFO.to_owned();
        for (index, step) in self.script.steps.iter().enumerate() {
            info = DEFAULT_INFO.to_owned();
            match &step.action {
                StepAction::Connect(connect) => self.connect(index, step, connect).await?,
                StepAction::Send(bytes) => self.send(step, bytes).await?,
                StepAction::SendFormat(format) => {
                    let text = (self.script.render)(format);
                    self.send(step, text.as_bytes()).await?;
                }
                StepAction::Expect(expect) => {
                    self.expect(step, expect).await?;
                    if let Some(format) = &expect.on_success {
                        info = (self.script.render)(format);
                    }
                }
            }
        }
        self.conversations.end().await;
        Ok(info)
    }

    async fn connect(
        &mut self,
        index: usize,
        step: &Step,
        connect: &ConnectStep,
    ) -> Result<(), Verdict> {
        let tls = self.script.tls.get(index).cloned().flatten();
        let begun = self.conversations.begin(connect, tls).await;
        self.passed = first_status(begun.map_err(|failure| failed(step, &failure))?);
        Ok(())
    }

    async fn opened(&mut self) -> Result<&mut Conversation, Verdict> {
        let opened = self.conversations.current().await;
        opened.map_err(|failure| failed_initially(&failure))
    }

    async fn send(&mut self, step: &Step, bytes: &[u8]) -> Result<(), Verdict> {
        let sent = self.opened().await?.send(bytes).await;
        self.passed = CheckStatus::L7Ok;
        sent.map_err(|failure| failed(step, &failure))
    }

    async fn expect(&mut self, step: &Step, expect: &Expect) -> Result<(), Verdict> {
        let render = self.script.render;
        let pattern = pattern::Ready::new(&expect.pattern, render);
        let conversation = self.opened().await?;
        let heard = conversation
            .listen(|answer, complete| pattern.judge(answer, complete, expect.min_receive))
            .await;
        self.passed = expect.ok_status.unwrap_or(CheckStatus::L7Ok);
        let matched = heard.map_err(|failure| unheard(step, expect, &failure))?;
        if matched == expect.negated {
            return Err(contradicted(step, expect, render));
        }
        Ok(())
    }
}

const fn first_status(tls: bool) -> CheckStatus {
    if tls {
        CheckStatus::L6Ok
    } else {
        CheckStatus::L4Ok
    }
}

/// No answer to wait any longer for.
fn unheard(step: &Step, expect: &Expect, failure: &Failure) -> Verdict {
    let status = match failure {
        Failure::Silent => expect.timeout_status.unwrap_or(CheckStatus::L7Timeout),
        Failure::Empty => {
            let status = expect.error_status.unwrap_or(CheckStatus::L7Response);
            let text = format!("TCPCHK got an empty response at step {}", step.number);
            return Verdict::new(status).with_info(text + &quoted_comment(step));
        }
        other => other.status(),
    };
    Verdict::new(status).with_info(where_it_failed(step, failure))
}

/// An answer, but not the one that was expected.
fn contradicted(step: &Step, expect: &Expect, render: &Render<'_>) -> Verdict {
    let status = expect.error_status.unwrap_or(CheckStatus::L7Response);
    let info = expect
        .on_error
        .as_ref()
        .map_or_else(|| contradiction(step, expect), |format| render(format));
    Verdict::new(status).with_info(info)
}

fn contradiction(step: &Step, expect: &Expect) -> String {
    let found = if expect.negated {
        "TCPCHK matched unwanted content"
    } else {
        "TCPCHK did not match content"
    };
    let what = match &expect.pattern {
        BytePattern::Contains(text) => format!("'{}'", String::from_utf8_lossy(text)),
        BytePattern::Binary(_) => "(binary)".to_owned(),
        BytePattern::Regex(_) => "(regex)".to_owned(),
        BytePattern::HexRegex(_) => "(binary regex)".to_owned(),
        BytePattern::Format(_) => "(log-format string)".to_owned(),
    };
    let mut text = format!("{found} {what} at step {}", step.number);
    if let Some(comment) = &step.comment {
        // Writing to a string cannot fail.
        let _ = write!(text, " comment: {comment}");
    }
    text
}

fn failed(step: &Step, failure: &Failure) -> Verdict {
    Verdict::new(failure.status()).with_info(where_it_failed(step, failure))
}

fn failed_initially(failure: &Failure) -> Verdict {
    let text = failure.text().unwrap_or_default();
    Verdict::new(failure.status()).with_info(text + " at initial connection step of tcp-check")
}

fn where_it_failed(step: &Step, failure: &Failure) -> String {
    let text = failure.text().unwrap_or_default();
    let what = describe(&step.action);
    let comment = quoted_comment(step);
    format!(
        "{text} at step {} of tcp-check ({what}){comment}",
        step.number
    )
}

fn quoted_comment(step: &Step) -> String {
    let comment = step.comment.as_ref();
    comment.map_or_else(String::new, |comment| format!(" comment: '{comment}'"))
}

fn describe(action: &StepAction) -> String {
    match action {
        StepAction::Connect(ConnectStep {
            port: Some(port), ..
        }) => format!("connect port {port}"),
        StepAction::Connect(_) => "connect".to_owned(),
        StepAction::Send(_) | StepAction::SendFormat(_) => "send".to_owned(),
        StepAction::Expect(expect) => match &expect.pattern {
            BytePattern::Contains(text) => {
                format!("expect string '{}'", String::from_utf8_lossy(text))
            }
            BytePattern::Binary(bytes) => {
                format!("expect binary '{}'", String::from_utf8_lossy(bytes))
            }
            BytePattern::Regex(_) => "expect regex".to_owned(),
            BytePattern::HexRegex(_) => "expect binary regex".to_owned(),
            BytePattern::Format(_) => "expect log-format string".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
