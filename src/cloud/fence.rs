//! No call starts once its reason is gone.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Hands out permits, and takes back all of them at once: one per floating IP, closed whenever
/// mastership ends.
#[derive(Debug, Default)]
pub struct Fence(Arc<AtomicU64>);

/// Leave to start calls, as long as it holds.
#[derive(Debug, Clone)]
pub struct Permit {
    generation: Option<(Arc<AtomicU64>, u64)>,
}

impl Fence {
    /// Leave to start calls until the fence is closed.
    #[must_use]
    pub fn permit(&self) -> Permit {
        let now = self.0.load(Ordering::SeqCst);
        Permit {
            generation: Some((Arc::clone(&self.0), now)),
        }
    }

    /// From here on no permit handed out before holds.
    pub fn close(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Permit {
    /// Of somebody who asked by hand: it holds for ever.
    #[must_use]
    pub const fn by_hand() -> Self {
        Self { generation: None }
    }

    /// To be asked just before a request leaves.
    #[must_use]
    pub fn holds(&self) -> bool {
        let current = |(now, then): &(Arc<AtomicU64>, u64)| now.load(Ordering::SeqCst) == *then;
        self.generation.as_ref().is_none_or(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_holds_until_the_fence_is_closed() {
        let fence = Fence::default();
        let early = fence.permit();
        assert!(early.holds());
        fence.close();
        assert!(!early.holds());
        assert!(fence.permit().holds());
        assert!(Permit::by_hand().holds());
    }
}
