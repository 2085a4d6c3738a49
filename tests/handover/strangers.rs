//! Who may take over: root, and the user who started the process.

use std::{
    fs, os::unix::fs::PermissionsExt as _, os::unix::process::CommandExt as _, process::Command,
};

use pontoon_lab::{
    client::Client,
    needs::Need,
    program::Program,
    server::{Behaviour, Server},
};

use super::{ANSWER, Chain};
use crate::harness::{Outcome, Test};

const STRANGER: u32 = 65534;

pub(super) fn register(tests: &mut Vec<Test>) {
    let test = Test::new(
        "handover::a_stranger_gets_neither_listeners_nor_sessions",
        refused,
    );
    tests.push(test.needs(Need::Root));
}

/// A session that goes on.
fn answers(client: &mut Client) -> Outcome {
    client.send(b"ping")?;
    assert_eq!(client.receive(4, ANSWER)?.bytes, b"ping");
    Ok(())
}

/// Somebody else on this machine starts the program with the same file and `-sf`: he hears that the address is taken,
/// as he would of any program's. Root, who asks alike, gets all.
fn refused() -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let section = format!(
        "listen px\n bind {{front}}\n server s1 {}\n",
        server.address()
    );
    let mut chain = Chain::start(&section)?;
    let mut client = Client::connect(chain.front)?;
    answers(&mut client)?;

    let readable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(chain.folder.path(), readable)?;
    let mut command = Command::new(&chain.program);
    command
        .arg("-db")
        .arg("-f")
        .arg(chain.folder.path().join("haproxy.cfg"));
    command.arg("-sf").arg(chain.current.pid().to_string());
    let mut stranger = Program::start(command.uid(STRANGER).gid(STRANGER))?;
    let end = stranger.wait(ANSWER)?;
    let said = stranger.output().join("\n");
    assert_eq!(end.code(), Some(1), "{said}");
    let taken = format!("[{}]", chain.front);
    assert!(said.contains(&taken) && said.contains("in use"), "{said}");
    assert!(!said.contains("Took over"), "{said}");
    assert!(chain.current.ended()?.is_none(), "{said}");
    answers(&mut client)?;
    answers(&mut Client::connect(chain.front)?)?;

    chain.reload(&section)?.is_clean()?;
    answers(&mut client)
}
