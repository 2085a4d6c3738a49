//! Counters by name: all shards of one process, in one shard of the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::{
    counters::{
        BackendCounters, Counter, FrontendCounters, ListenerCounters, ServerCounters, Shards,
    },
    histogram::{CHECK_BOUNDS, CONNECT_BOUNDS, Checks, SESSION_BOUNDS},
};

/// What was counted, by the names of the counters; those at zero are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Counts(BTreeMap<String, u64>);

/// Counters that have names.
pub(in crate::state) trait Named {
    /// All of them.
    fn named(&self) -> Vec<(String, &Counter)>;
}

/// All of them begin anew. For the thread that counts.
pub(in crate::state) fn clear(counters: &impl Named) {
    for (_, counter) in counters.named() {
        counter.clear();
    }
}

impl Counts {
    /// The sums over all shards.
    pub(super) fn of<C: Named>(shards: &Shards<C>) -> Self {
        let mut sums = BTreeMap::new();
        for (name, counter) in shards.all().flat_map(Named::named) {
            if counter.get() > 0 {
                *sums.entry(name).or_default() += counter.get();
            }
        }
        Self(sums)
    }

    /// Counts all that in this shard, whose thread does not count yet.
    pub(super) fn restore<C: Named>(&self, shards: &Shards<C>, shard: usize) {
        for (name, counter) in shards.of(shard).named() {
            counter.add(self.0.get(&name).copied().unwrap_or_default());
        }
    }
}

/// Every field is named: one that is forgotten does not compile.
macro_rules! named {
    ($counters:ident: $($field:ident),*
        $(; rows $($row:ident),*)?
        $(; histograms $($histogram:ident: $bounds:ident),*)?
    ) => {
        impl Named for $counters {
            fn named(&self) -> Vec<(String, &Counter)> {
                let Self { $($field,)* $($($row,)*)? $($($histogram,)*)? } = self;
                let single = vec![$((stringify!($field).to_owned(), $field)),*];
                let rows: &[(&str, &[Counter])] = &[$($((stringify!($row), $row)),*)?];
                let numbered = rows.iter().flat_map(|(name, row)| {
                    let number = move |(at, counter)| (format!("{name}_{at}"), counter);
                    row.iter().enumerate().map(number)
                });
                let histograms: Vec<(&str, Vec<(String, &Counter)>)> =
                    vec![$($((stringify!($histogram), $histogram.named(&$bounds))),*)?];
                let buckets = histograms.into_iter().flat_map(|(name, buckets)| {
                    let named = move |(bucket, counter)| (format!("{name}_{bucket}"), counter);
                    buckets.into_iter().map(named)
                });
                single.into_iter().chain(numbered).chain(buckets).collect()
            }
        }
    };
}

impl Named for Checks {
    fn named(&self) -> Vec<(String, &Counter)> {
        self.named(&CHECK_BOUNDS)
    }
}

named!(FrontendCounters:
    connections, sessions, bytes_in, bytes_out, denied_connections, denied_sessions,
    denied_requests, request_errors, requests, intercepted, internal_errors;
    rows responses
);
named!(ListenerCounters:
    sessions, bytes_in, bytes_out, denied_connections, denied_sessions, denied_requests,
    request_errors, internal_errors
);
named!(BackendCounters:
    sessions, bytes_in, bytes_out, denied_requests, connection_errors, response_errors, retries,
    redispatches, client_aborts, server_aborts, picked, connects, requests, internal_errors;
    rows responses;
    histograms session_times: SESSION_BOUNDS, connect_times: CONNECT_BOUNDS
);
named!(ServerCounters:
    sessions, bytes_in, bytes_out, connection_errors, response_errors, retries, redispatches,
    client_aborts, server_aborts, connects, internal_errors
);
