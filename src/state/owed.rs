//! Answers that clients of the process itself wait for: of its runtime socket, its metrics, its agent.
//! Before the process ends they get them.

use std::sync::Arc;

/// How many answers are owed.
#[derive(Debug, Default)]
pub struct Owed(Arc<()>);

/// One of them, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Debt {
    _counted: Arc<()>,
}

impl Owed {
    /// One more.
    pub fn owe(&self) -> Debt {
        Debt {
            _counted: Arc::clone(&self.0),
        }
    }

    /// Whether there are any.
    #[must_use]
    pub fn any(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paid_is_owed_no_more() {
        let owed = Owed::default();
        assert!(!owed.any());
        let (first, second) = (owed.owe(), owed.owe());
        drop(first);
        assert!(owed.any());
        drop(second);
        assert!(!owed.any());
    }
}
