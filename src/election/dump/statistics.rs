//! `/tmp/keepalived.stats`.

use std::fmt::Write as _;

use super::Shown;

/// The counters of all instances. Errors that keepalived counts and that cannot happen here, or
/// are counted elsewhere, stay 0.
pub(in crate::election) fn statistics(shown: &Shown) -> String {
    let mut out = String::new();
    for (index, instance, view) in shown.instances() {
        let it = &view.counters;
        let losses = shown.losses.get(index).copied().unwrap_or_default();
        // Writing to a string cannot fail.
        let _always = write!(
            out,
            "VRRP Instance: {}\n  \
             Advertisements:\n    Received: {}\n    Sent: {}\n  \
             Became master: {}\n  Released master: {}\n  \
             Packet Errors:\n    Length: {}\n    TTL: {}\n    Invalid Type: 0\n    \
             Advertisement Interval: {}\n    Address List: {}\n  \
             Authentication Errors:\n    Invalid Type: 0\n    Type Mismatch: 0\n    Failure: {}\n  \
             Priority Zero:\n    Received: {}\n    Sent: {}\n",
            instance.name,
            it.adverts_received,
            it.adverts_sent,
            it.became_master,
            it.released_master,
            losses.unreadable,
            it.hop_limit_errors + losses.hop_limit,
            it.interval_errors,
            it.address_list_mismatches,
            it.authentication_errors,
            it.resignations_received,
            it.resignations_sent,
        );
    }
    out
}
