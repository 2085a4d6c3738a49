//! A cloud's address that is where the master is: wanted is compared with what the provider says,
//! at every transition and again and again, until they are the same.
//!
//! [`reconciler::Reconciler`] is one node's part in the life of one address. It has three verbs:
//! `handle(event, now)` tells it what happened, `poll_timeout()` says when it wants to be called
//! again, `poll_action()` hands out the orders that the shell carries out.

pub mod action;
pub mod event;
pub mod reconciler;
pub mod settings;
pub mod view;

/// A call to the provider, counted from 1. The answer bears the number of its call; one that
/// bears another is of a mastership that has ended, and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);
