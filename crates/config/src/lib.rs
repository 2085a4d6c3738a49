//! Pontoon reads: configuration text becomes a written form, then a model that is valid by
//! construction, and every problem on the way becomes a [`diagnostic::Diagnostic`].
//!
//! Nothing here touches the system. Text, environment variables and name resolution come in
//! through [`haproxy::Surroundings`] and [`keepalived::Surroundings`].
#![forbid(unsafe_code)]

mod args;
pub mod diagnostic;
pub mod difference;
pub mod haproxy;
pub mod keepalived;
pub mod outline;
pub mod reference;
pub mod render;
pub mod similar;
pub mod source;
