//! Whole sessions over loopback, on data threads started in this process.

mod endings;
mod fixture;
