//! `option httpchk` and `http-check`.

use std::sync::Arc;

use pontoon_config::haproxy::check::{
    ConnectStep, HttpCheck, HttpExpect, HttpPattern, HttpRequest, HttpStep,
};
use pontoon_engine::health::CheckStatus;

use self::{
    request::encode,
    response::{Parsed, Response},
};
use super::{
    conversation::Conversation,
    exchange::{Conversations, Exchange, broken},
    pattern::{Ready, Render},
    tls::Tls,
    verdict::{Failure, Verdict, first_line},
};

mod request;
pub(super) mod response;

/// A check, ready to run.
#[derive(Clone, Copy)]
pub(super) struct Prepared<'a> {
    pub(super) check: &'a HttpCheck,
    /// What each step's `ssl` needs, read beforehand.
    pub(super) tls: &'a [Option<Arc<Tls>>],
    pub(super) render: &'a Render<'a>,
    /// `http-check send-state`: how we see the server.
    pub(super) state: Option<&'a str>,
}

/// Probes an HTTP server.
pub(super) async fn probe(exchange: Exchange<'_>, prepared: Prepared<'_>) -> Verdict {
    let mut run = Run {
        prepared,
        conversations: Conversations::of(exchange),
        verdict: Verdict::new(CheckStatus::L7Ok),
    };
    match run.all().await {
        Ok(()) => run.verdict,
        Err(verdict) => verdict,
    }
}

struct Run<'a> {
    prepared: Prepared<'a>,
    conversations: Conversations<'a>,
    verdict: Verdict,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<(), Verdict> {
        for (index, step) in self.prepared.check.steps.iter().enumerate() {
            match step {
                HttpStep::Connect(connect) => self.connect(index, connect).await?,
                HttpStep::Send(request) => self.send(request).await?,
                HttpStep::Expect(expect) => self.verdict = self.expect(expect).await?,
            }
            if self.verdict.status == CheckStatus::L7OkConditional {
                break;
            }
        }
        self.conversations.end().await;
        Ok(())
    }

    async fn connect(&mut self, index: usize, connect: &ConnectStep) -> Result<(), Verdict> {
        let tls = self.prepared.tls.get(index).cloned().flatten();
        let begun = self.conversations.begin(connect, tls).await;
        begun.map(drop).map_err(|failure| plain(&failure))
    }

    async fn opened(&mut self) -> Result<&mut Conversation, Verdict> {
        let opened = self.conversations.current().await;
        opened.map_err(|failure| plain(&failure))
    }

    async fn send(&mut self, request: &HttpRequest) -> Result<(), Verdict> {
        let bytes = encode(request, self.prepared.state);
        let conversation = self.opened().await?;
        conversation
            .send(&bytes)
            .await
            .map_err(|failure| plain(&failure))
    }

    async fn expect(&mut self, expect: &HttpExpect) -> Result<Verdict, Verdict> {
        let question = Question {
            expect,
            soft_stop: self.prepared.check.disable_on_404,
            render: self.prepared.render,
        };
        let conversation = self.opened().await?;
        let heard = conversation
            .listen(|answer, complete| question.judge(answer, complete))
            .await;
        heard.map_err(|failure| unheard(expect, &failure))?
    }
}

/// Reports of HTTP checks name no steps.
fn plain(failure: &Failure) -> Verdict {
    let mut verdict = broken(failure, 0, CheckStatus::L7Response);
    if matches!(failure, Failure::Empty) {
        verdict.info = None;
    }
    verdict
}

fn unheard(expect: &HttpExpect, failure: &Failure) -> Verdict {
    match (failure, expect.timeout_status) {
        (Failure::Silent, Some(status)) => Verdict::new(status),
        _ => plain(failure),
    }
}

struct Question<'a> {
    expect: &'a HttpExpect,
    soft_stop: bool,
    render: &'a Render<'a>,
}

impl Question<'_> {
    fn judge(&self, answer: &[u8], complete: bool) -> Option<Result<Verdict, Verdict>> {
        let response = match response::parse(answer) {
            Parsed::Response(response) => response,
            Parsed::Partial if !complete => return None,
            Parsed::Partial | Parsed::Malformed => {
                return Some(Err(Verdict::new(CheckStatus::L7Response)));
            }
        };
        if self.soft_stop && response.status == 404 {
            let verdict = Verdict::new(CheckStatus::L7OkConditional).with_code(404);
            return Some(Ok(verdict));
        }
        let outcome = self.matches(&response, complete)?;
        Some(self.verdict(&response, outcome))
    }

    /// What the answer says; `None` while more of it may tell.
    fn matches(&self, response: &Response<'_>, complete: bool) -> Option<Outcome> {
        let found = match &self.expect.pattern {
            HttpPattern::Status(ranges) => ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&response.status)),
            HttpPattern::StatusRegex(regex) => {
                regex.is_match(response.status.to_string().as_bytes())
            }
            HttpPattern::Header { name, value, full } => {
                response.has_header(name, value.as_ref(), *full)
            }
            HttpPattern::Body(pattern) => {
                let complete = complete || response.body_complete;
                if response.body.is_empty() {
                    return complete.then_some(Outcome::NoBody);
                }
                Ready::new(pattern, self.render).judge(
                    &response.body,
                    complete,
                    self.expect.min_receive,
                )?
            }
        };
        Some(if found == self.expect.negated {
            Outcome::Contradicts
        } else {
            Outcome::Fits
        })
    }

    fn verdict(&self, response: &Response<'_>, outcome: Outcome) -> Result<Verdict, Verdict> {
        if outcome == Outcome::Fits {
            let status = self.expect.ok_status.unwrap_or(CheckStatus::L7Ok);
            let mut verdict = Verdict::new(status).with_code(response.status);
            verdict.info = self
                .expect
                .on_success
                .as_ref()
                .map(|format| (self.render)(format));
            return Ok(verdict);
        }
        let on_body = matches!(self.expect.pattern, HttpPattern::Body(_));
        let usual = if on_body {
            CheckStatus::L7Response
        } else {
            CheckStatus::L7Status
        };
        let mut verdict = Verdict::new(self.expect.error_status.unwrap_or(usual));
        if !on_body {
            verdict = verdict.with_code(response.status);
        }
        let info = match &self.expect.on_error {
            Some(format) => (self.render)(format),
            None => self.contradiction(response, outcome),
        };
        verdict.info = (!info.is_empty()).then_some(info);
        Err(verdict)
    }

    fn contradiction(&self, response: &Response<'_>, outcome: Outcome) -> String {
        let on_body = matches!(self.expect.pattern, HttpPattern::Body(_));
        let mut info = match outcome {
            Outcome::NoBody => "HTTP content check could not find a response body".to_owned(),
            _ if on_body && self.expect.negated => "HTTP check matched unwanted content".to_owned(),
            _ if on_body => "HTTP content check did not match".to_owned(),
            _ => first_line(response.reason),
        };
        if let Some(comment) = &self.expect.comment {
            info.push_str(" comment: ");
            info.push_str(comment);
        }
        info
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fits,
    Contradicts,
    NoBody,
}

#[cfg(test)]
mod tests;
