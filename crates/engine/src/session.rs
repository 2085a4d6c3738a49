//! The life of a session, from accept to its record.
