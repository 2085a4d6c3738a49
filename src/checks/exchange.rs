//! What the fixed protocols have in common: one conversation, one verdict.

use pontoon_engine::health::CheckStatus;

use super::{
    target::{Deadlines, Target},
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
