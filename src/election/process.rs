//! The election as a process: its numbers in files, its signals, what it asks of the kernel.

pub mod pidfile;
pub mod signals;
