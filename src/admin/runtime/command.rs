//! All that can be asked for: parsed first, applied second.

use pontoon_config::haproxy::model::Access;

use super::{
    answer::Answer, change::Change, reader::Written, session::Order, show::Show, table, wait::Wait,
};

/// A command, as meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Something about the connection itself.
    Session(Order),
    /// Tell something; nothing changes.
    Show(Show),
    /// Change something.
    Change(Change),
    /// Let time pass.
    Wait(Wait),
    /// Tell which commands there are: all, or those like these words.
    Help(Vec<String>),
}

impl Command {
    /// Reads a command from somebody who may do so much.
    ///
    /// # Errors
    /// What to answer instead.
    pub(super) fn parse(written: &Written, access: Access) -> Result<Self, Answer> {
        let Some((row, rest)) = table::find(&written.words) else {
            return Err(super::help::unknown(&written.words));
        };
        if access < row.access {
            return Err(Answer::error("Permission denied"));
        }
        (row.parse)(&Arguments {
            words: rest,
            payload: written.payload.as_deref(),
        })
    }
}

/// What stands behind the words that name a command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments<'a> {
    /// Its words. What is too much is left aside, as in HAProxy.
    pub(crate) words: &'a [String],
    /// The lines that came with it.
    pub(crate) payload: Option<&'a str>,
}

impl<'a> Arguments<'a> {
    /// The word at this place, from 0; empty if there is none.
    pub(crate) fn get(&self, place: usize) -> &'a str {
        self.words.get(place).map_or("", String::as_str)
    }
}
