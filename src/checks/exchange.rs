//! What the kinds of checks have in common: whom they talk to, and what a broken talk means.

use std::sync::Arc;

use pontoon_config::haproxy::check::ConnectStep;
use pontoon_engine::health::CheckStatus;

use super::{
    conversation::Conversation,
    target::{Deadlines, Target},
    tls::Tls,
    verdict::{Failure, Verdict},
};

/// Whom to talk to, for how long, and how much of an answer to keep.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) target: &'a Target,
    pub(super) deadlines: &'a Deadlines,
    /// `tune.bufsize`, in bytes.
    pub(super) limit: usize,
}

impl Exchange<'_> {
    /// Begins the conversation.
    pub(super) async fn open(self) -> Result<Conversation, Failure> {
        Conversation::open(self.target, self.deadlines, self.limit).await
    }

    /// Begins a conversation that does not end with a reset.
    pub(super) async fn open_politely(self) -> Result<Conversation, Failure> {
        let target = self.target.clone().lingering();
        Conversation::open(&target, self.deadlines, self.limit).await
    }
}

/// The conversations of a script, one after the other: each begins with a `connect` line, the
/// first one without it when something is to be said or heard.
pub(super) struct Conversations<'a> {
    exchange: Exchange<'a>,
    current: Option<Conversation>,
}

impl<'a> Conversations<'a> {
    pub(super) const fn of(exchange: Exchange<'a>) -> Self {
        Self {
            exchange,
            current: None,
        }
    }

    /// `connect`, with what its `ssl` needs. Returns whether TLS was agreed on.
    pub(super) async fn begin(
        &mut self,
        connect: &ConnectStep,
        tls: Option<Arc<Tls>>,
    ) -> Result<bool, Failure> {
        let Exchange {
            target,
            deadlines,
            limit,
        } = self.exchange;
        // The one before ends first: a server may take one connection only.
        self.current = None;
        let target = target.for_step(connect, tls);
        self.current = Some(Conversation::open(&target, deadlines, limit).await?);
        Ok(target.tls.is_some())
    }

    /// The one under way.
    pub(super) async fn current(&mut self) -> Result<&mut Conversation, Failure> {
        match &mut self.current {
            Some(conversation) => Ok(conversation),
            none => Ok(none.insert(self.exchange.open().await?)),
        }
    }

    /// Ends the one under way.
    pub(super) async fn end(&mut self) {
        if let Some(conversation) = self.current.take() {
            conversation.close().await;
        }
    }
}

/// The verdict of a conversation that ended without one: `status` where the server closed
/// without a word while line `step` waited for it.
pub(super) fn broken(failure: &Failure, step: u32, status: CheckStatus) -> Verdict {
    let mut verdict = failure.verdict(step);
    if matches!(failure, Failure::Empty) {
        let text = verdict.info.take().unwrap_or_default();
        verdict = Verdict::new(status).with_info(text);
    }
    verdict
}
