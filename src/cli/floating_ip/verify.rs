//! Where the provider says floating IPs are, now.

use std::process::ExitCode;

use pontoon_engine::floating_ip::event::{Failure, FailureKind, Whereabouts};

use super::{FloatingIpError, Subject, UNKNOWN, Words, block_on, say};
use crate::cloud::{client::Client, fence::Permit};

/// Where an address was found; the worst counts for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    Here,
    Elsewhere,
    Unknown,
}

impl Found {
    /// What an address found there makes of the exit code.
    pub(super) fn exit(self) -> ExitCode {
        match self {
            Self::Here => ExitCode::SUCCESS,
            Self::Elsewhere => ExitCode::FAILURE,
            Self::Unknown => ExitCode::from(UNKNOWN),
        }
    }
}

/// Asks for each.
pub(super) fn run(words: &Words) -> Result<ExitCode, FloatingIpError> {
    let mut worst = Found::Here;
    for subject in words.subjects()? {
        worst = worst.max(look(&subject)?);
    }
    Ok(worst.exit())
}

/// Asks where one is, and tells.
pub(super) fn look(subject: &Subject) -> Result<Found, FloatingIpError> {
    let answer = block_on(async {
        let mut client = open(subject)?;
        client.describe(&Permit::by_hand()).await
    })?;
    Ok(tell(subject, &answer))
}

/// The way to its provider.
pub(super) fn open(subject: &Subject) -> Result<Client, Failure> {
    Client::new(&subject.file).map_err(|error| Failure {
        kind: FailureKind::Refused,
        text: error.to_string(),
    })
}

/// One line about an answer.
pub(super) fn tell(subject: &Subject, answer: &Result<Whereabouts, Failure>) -> Found {
    let name = subject.name();
    match answer {
        Ok(Whereabouts::Here) => {
            say(format!("{name}: here"));
            Found::Here
        }
        Ok(Whereabouts::Nowhere) => {
            say(format!("{name}: with nobody"));
            Found::Elsewhere
        }
        Ok(Whereabouts::With(holder)) => {
            let who = &holder.name;
            let peer = holder.peer.map_or_else(
                || "no configured peer".to_owned(),
                |peer| format!("peer {peer}"),
            );
            say(format!("{name}: with {who} ({peer})"));
            Found::Elsewhere
        }
        Err(failure) => {
            say(format!("{name}: not known: {}", failure.text));
            Found::Unknown
        }
    }
}
