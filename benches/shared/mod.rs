//! What the benches share: how options are read, and a canvas for plots.

pub(crate) mod options;
pub(crate) mod svg;
