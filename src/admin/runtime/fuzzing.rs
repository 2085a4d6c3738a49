//! What clients of the runtime sockets send; see [`crate::fuzzing`].

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use pontoon_config::haproxy::model::{Access, SeverityOutput};

use super::{
    command::Command,
    reader::{Next, Reader, Written},
};
use crate::fuzzing::running;

/// Commands of one input that are carried out; each may be answered at length.
const MOST: usize = 50;

/// Lines of commands with their payloads, read and carried out. It must not matter how the bytes arrive, who may do more must
/// be understood alike, and every answer must end as clients expect it.
pub fn runtime_commands(bytes: &[u8]) -> bool {
    let commands = read([bytes]);
    let (first, second) = bytes.split_at(bytes.len() / 2);
    assert_eq!(read([first, second]), commands);
    let running = running();
    let mut understood = false;
    for written in commands.iter().take(MOST) {
        let asked = [Access::User, Access::Operator, Access::Admin];
        let [user, operator, admin] = asked.map(|access| Command::parse(written, access));
        for lower in [user, operator].into_iter().flatten() {
            assert_eq!(Some(&lower), admin.as_ref().ok());
        }
        understood |= admin.is_ok();
        match admin {
            Err(answer) => ends(&answer.render(SeverityOutput::Number)),
            // It is for letting time pass.
            Ok(Command::Wait(_)) => {}
            Ok(command) => {
                let carried_out = pin!(command.apply(&running));
                let answer = carried_out.poll(&mut Context::from_waker(Waker::noop()));
                // What waits for a data thread waits for ever here: there is none.
                if let Poll::Ready(answer) = answer {
                    ends(&answer.render(SeverityOutput::Word));
                }
            }
        }
    }
    understood
}

fn ends(answer: &str) {
    assert!(answer.ends_with('\n'), "{answer:?}");
}

fn read<const N: usize>(pieces: [&[u8]; N]) -> Vec<Written> {
    let (mut reader, mut received) = (Reader::default(), Vec::new());
    let mut commands = Vec::new();
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            match reader.next(&mut received) {
                Next::Line(line) => commands.extend(line),
                Next::TooLong => return commands,
                Next::Incomplete | Next::Payload => break,
            }
        }
    }
    commands
}
