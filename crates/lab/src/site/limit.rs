//! What is not as on real machines.

use std::fmt;

/// One such thing; shown, it is a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// One user only, so nobody to change to.
    OneUser,
    /// Nothing to run as `vrrp_script`.
    NoPidof,
    /// Connections under way are not cut when the address moves.
    KeepsFlows,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneUser => {
                "without root there is one user in the namespaces: the proxy keeps it instead of \
                 `user haproxy` and `group haproxy`"
            }
            Self::NoPidof => {
                "there is no pidof here: keepalived.conf goes without `vrrp_script chk_haproxy`"
            }
            Self::KeepsFlows => {
                "the kernel does not let connections be forgotten: those under way keep their node \
                 when the address moves"
            }
        })
    }
}
