//! The election as timetables.

mod alone;
mod anything;
mod backup;
mod groups;
mod master;
mod memory;
mod own_proxy;
mod pairs;
mod reception;
mod reload;
mod switchover;
mod timetable;
mod tracking;
