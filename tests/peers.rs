//! Tools that operators have for HAProxy, unmodified, on our socket and on the real one's, with
//! the same expectations.

mod haproxyadmin;
mod haproxystats;
mod hatop;
mod socat;

use crate::harness::Test;

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    haproxyadmin::register(tests);
    haproxystats::register(tests);
    hatop::register(tests);
    socat::register(tests);
}

/// Servers that pass their checks, and one that does not.
const CONFIG: &str = " maxconn 50\n default_backend be\n\
    backend be\n balance roundrobin\n \
    server s1 {s1} check inter 100ms rise 2 fall 2 weight 10 maxconn 20\n \
    server s2 {s2} check inter 100ms rise 2 fall 2 weight 10\n \
    server s3 {dead} check inter 100ms rise 2 fall 2\n\
    backend other\n balance source\n server a {s3}\n server b {s1} backup\n";
