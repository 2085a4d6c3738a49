//! The election as timetables.

mod alone;
mod timetable;
