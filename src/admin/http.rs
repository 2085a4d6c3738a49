//! Just enough HTTP/1.1 for a statistics page.
//!
//! Written here rather than taken from a server library because the access line and the counters
//! need what such a library hides: bytes on the wire, the moments at which a request began and
//! was complete, and HAProxy's own answers to requests that never become one.
//! Everything in here is pure: bytes in, values out; [`super::connection`] does the I/O.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod form;
pub(crate) mod request;
