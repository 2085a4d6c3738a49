//! The generator is right about what it is told.
