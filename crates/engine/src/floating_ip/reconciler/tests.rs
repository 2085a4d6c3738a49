//! The reconciler as timetables.

mod alarms;
mod anything;
mod masters;
mod split;
mod timetable;
mod trouble;
