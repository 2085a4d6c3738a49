//! `pontoon reload` where there is nothing to reload.

use std::process::Command;

use super::scene::said;
use crate::harness::{Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new("reload::command_needs_a_node", needs_a_node));
}

fn needs_a_node() -> Outcome {
    let mut command = Command::new(pontoon());
    let output = command
        .args(["reload", "--socket", "/nonexistent/node.sock"])
        .output()?;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(
        said.contains("no node listens at /nonexistent/node.sock"),
        "{said}"
    );
    Ok(())
}
