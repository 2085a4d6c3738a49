//! What the processes of a node, and of two versions of it, say to each other; see [`crate::fuzzing`].

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    line,
    wire::{FromNew, FromOld},
};
use crate::{
    node::{
        message::{Beat, FromElection, ToElection},
        status,
    },
    supervisor::resume,
};

/// The first byte chooses the message. What was understood must be understood again, and alike, as it is written.
pub fn handover_messages(bytes: &[u8]) -> bool {
    let Some((kind, message)) = bytes.split_first() else {
        return false;
    };
    match kind % 9 {
        0 => handed::<FromNew>(message),
        1 => handed::<FromOld>(message),
        2 => said::<FromNew>(message),
        3 => said::<FromOld>(message),
        4 => said::<FromElection>(message),
        5 => said::<ToElection>(message),
        6 => said::<Beat>(message) | said::<status::Request>(message),
        7 => said::<status::Answer>(message),
        // Unreadable or not: either way the old program goes on.
        _ => resume::is_readable(resume::VERSION, message),
    }
}

/// A message with its length before it and bytes behind it.
fn handed<Word: Serialize + DeserializeOwned + Debug>(message: &[u8]) -> bool {
    let Ok((word, bytes)) = line::decode::<Word>(message) else {
        return false;
    };
    let again = line::encode(&word, bytes).expect("what was read can be written");
    let (second, rest) = line::decode::<Word>(&again).expect("what was written can be read");
    assert_eq!(rest, bytes);
    assert_eq!(format!("{second:?}"), format!("{word:?}"));
    true
}

fn said<Word: Serialize + DeserializeOwned + Debug>(message: &[u8]) -> bool {
    let Ok(word) = serde_json::from_slice::<Word>(message) else {
        return false;
    };
    let again = serde_json::to_vec(&word).expect("what was read can be written");
    let second: Word = serde_json::from_slice(&again).expect("what was written can be read");
    assert_eq!(format!("{second:?}"), format!("{word:?}"));
    true
}
