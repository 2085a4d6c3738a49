//! What clients of the master socket send; see [`crate::fuzzing`].

use super::command::{Command, Target, take_line};

/// Lines of commands, for the master or for a worker. What is passed on to a process must not be for another one.
pub fn master_commands(bytes: &[u8]) -> bool {
    let mut input = bytes.to_vec();
    let (mut turned, mut understood) = (Target::Master, false);
    while let Some(commands) = take_line(&mut input) {
        for text in commands {
            let command = Command::parse(&text, &turned);
            understood |= !matches!(command, Command::Unknown(_));
            match command {
                Command::Turn(target) => turned = target,
                Command::Relay { target, .. } => {
                    assert!(
                        matches!(target, Target::Worker | Target::Process(1..)),
                        "{target:?}"
                    );
                }
                _ => {}
            }
        }
        assert!(input.len() < bytes.len(), "a line takes bytes");
    }
    understood
}
