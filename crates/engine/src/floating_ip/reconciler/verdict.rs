//! What follows from where the address was found.

use std::time::Instant;

use super::{
    Lasting, looks,
    reign::{Claim, Reign},
};
use crate::floating_ip::event::{Holder, Whereabouts};

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is here.
    Keep,
    /// It is to be brought here.
    Take,
    /// It was brought here and is not any more.
    TakeBack,
    /// The provider may tell of the past.
    LookAgain,
    /// There are two masters, and the other one's word counts more.
    Leave(Holder),
}

impl Reign {
    pub(super) fn judge(&self, found: &Whereabouts, lasting: &Lasting, now: Instant) -> Verdict {
        let stale = |at| looks::may_be_stale(at, &lasting.settings, now);
        match (&self.claim, found) {
            (_, Whereabouts::Here) => Verdict::Keep,
            (Claim::Wanted, _) => Verdict::Take,
            (Claim::Agreed | Claim::Here, _) if self.agreed_at.is_some_and(stale) => {
                Verdict::LookAgain
            }
            (_, Whereabouts::Nowhere) => Verdict::TakeBack,
            (Claim::Yielded(_), Whereabouts::With(holder)) if holder.peer.is_some() => {
                Verdict::Leave(holder.clone())
            }
            (_, Whereabouts::With(holder)) if self.gives_way_to(holder, lasting) => {
                Verdict::Leave(holder.clone())
            }
            (_, Whereabouts::With(_)) => Verdict::TakeBack,
        }
    }

    /// Whether it is left to a peer: because its word counts more, or because it has been taken
    /// back before and nothing shows that the peer is no master any more. So it moves at most once
    /// while both are, however long that lasts; twice if both are preferred and only one has ever
    /// heard the other.
    fn gives_way_to(&self, holder: &Holder, lasting: &Lasting) -> bool {
        holder.peer.is_some_and(|peer| {
            let outranked = lasting
                .peers
                .outrank(peer, self.priority, &lasting.settings);
            outranked || self.taken_back_from.is_some()
        })
    }
}
