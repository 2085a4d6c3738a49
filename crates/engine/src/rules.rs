//! Rules: ordered lists of "do this if that".

use std::{net::IpAddr, time::Duration};

use crate::{
    acl::{Condition, Verdict},
    sample::{Expression, Facts},
    units::{ProxyId, ServerId},
};

/// One rule of an ordered list.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule<A> {
    /// What to do.
    pub action: A,
    /// When; `None` means always.
    pub condition: Option<Condition>,
}

/// Actions of `tcp-request connection` and `tcp-request session`.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionAction {
    /// Take it, look no further.
    Accept,
    /// Close it.
    Reject,
    /// Forget it without telling the client.
    SilentDrop,
    /// Demand a PROXY header on this connection (`expect-proxy layer4`).
    ExpectProxy,
}

/// Actions of `tcp-request content`.
#[derive(Debug, Clone, PartialEq)]
pub enum ContentAction {
    /// Take it, look no further.
    Accept,
    /// Close it.
    Reject,
    /// Forget it without telling the client.
    SilentDrop,
}

/// `use_backend`.
#[derive(Debug, Clone, PartialEq)]
pub struct UseBackend(pub ProxyId);

/// `use-server`.
#[derive(Debug, Clone, PartialEq)]
pub struct UseServer(pub ServerId);

/// What a list of rules said.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision<'a, A> {
    /// The first rule whose condition holds.
    Matched(&'a A),
    /// No rule applied.
    NoMatch,
    /// More data is needed.
    NotYet,
}

/// The first rule of the list whose condition holds. A rule that must wait for data stops the
/// walk: those after it may not overtake it.
pub fn first_match<'a, A>(rules: &'a [Rule<A>], facts: &dyn Facts) -> Decision<'a, A> {
    for rule in rules {
        match holds(rule.condition.as_ref(), facts) {
            Verdict::Yes => return Decision::Matched(&rule.action),
            Verdict::No => {}
            Verdict::NotYet => return Decision::NotYet,
        }
    }
    Decision::NoMatch
}

/// `tcp-request content` with its `inspect-delay`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContentRules {
    /// How long to wait for data that the rules need.
    pub inspect_delay: Option<Duration>,
    /// The rules, in order.
    pub rules: Vec<Rule<ContentAction>>,
}

/// `source`: where connections to servers come from.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceAddress {
    /// The local address; unspecified means any.
    pub address: Option<IpAddr>,
    /// A fixed port, or the first of a range.
    pub ports: Option<(u16, u16)>,
    /// `interface`.
    pub interface: Option<String>,
    /// `usesrc client` or `clientip`: the client's own address (needs CAP_NET_RAW).
    pub transparent: Option<Transparent>,
}

/// `usesrc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transparent {
    /// Address and port of the client.
    Client,
    /// Its address only.
    ClientIp,
}

/// What evaluating needs beyond the list: used by log lines as well.
pub type LogSample = Expression;

/// A shorthand for callers that only want yes or no.
#[must_use]
pub fn holds(condition: Option<&Condition>, facts: &dyn Facts) -> Verdict {
    condition.map_or(Verdict::Yes, |condition| condition.evaluate(facts))
}

#[cfg(test)]
mod tests;
