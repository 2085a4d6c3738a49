//! hatop in a terminal: what it shows, its keys and its command line.

use pontoon_lab::{needs::Need, wait};

use super::CONFIG;
use crate::{
    commands::{Stage, both, expect},
    harness::{Failure, Outcome, Test},
    tmux::Terminal,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let name = "peers::hatop_shows_proxies_and_servers_and_changes_them";
    let test = both(name, CONFIG, shows_and_changes);
    tests.push(
        test.needs(Need::Program("hatop"))
            .needs(Need::Program("tmux")),
    );
}

fn shows_and_changes(stage: &Stage) -> Outcome {
    stage.until("be", "s1", "check_status", "L4OK")?;
    stage.until("be", "s3", "status", "DOWN")?;
    let _session = stage.session_on("s1")?;
    let terminal = Terminal::open()?;
    terminal.tmux(&["resize-window", "-x", "110", "-y", "44"])?;
    let line = format!("hatop -s {} -i 1", stage.socket.display());
    terminal.keys(&[&line, "Enter"])?;
    for row in [
        // Name, weight, status, check, active, backup, queue, sessions now.
        "FRONTEND 0 OPEN 0 0 0 0 1",
        "s1 10 UP L4OK 1 0 0 0 1",
        "s2 10 UP L4OK 1 0 0 0 0",
        "s3 1 DOWN L4CON 1 0 0 0 0",
        "BACKEND 20 UP 2 0 0 0 1",
        "a 1 - none 1 0 0 0 0",
        "b 1 - none 0 1 0 0 0",
    ] {
        see(&terminal, row)?;
    }
    keys(stage, &terminal)?;
    command_line(stage, &terminal)?;
    terminal.keys(&["q"])?;
    terminal.see("ready>")
}

/// A line that begins with these words, whatever the blanks between them.
fn see(terminal: &Terminal, words: &str) -> Outcome {
    let mut shown = String::new();
    let seen = wait::until(words, wait::PATIENCE, || {
        shown = terminal.shown().unwrap_or_default();
        let lines = shown
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let wanted: Vec<_> = words.split(' ').collect();
        lines
            .into_iter()
            .any(|line| line.starts_with(&wanted))
            .then_some(())
    });
    seen.map_err(|problem| Failure::from(problem).with(&shown))
}

/// F10 and F9 disable and enable, F8 adds ten to the weight, F4 restores it.
fn keys(stage: &Stage, terminal: &Terminal) -> Outcome {
    let selected = format!("SEL [#{}/#1]", stage.stat("be", "s1", "iid")?);
    let mut last = String::new();
    let chosen = wait::until("the cursor on s1", wait::PATIENCE, || {
        last = terminal.shown().ok()?;
        if last.contains(&selected) {
            return Some(());
        }
        let before = last.clone();
        terminal.keys(&["Down"]).ok()?;
        // One step at a time: the next is taken when this one is seen.
        let _moved = wait::until(
            "the cursor to move",
            std::time::Duration::from_secs(2),
            || (terminal.shown().ok()? != before).then_some(()),
        );
        None
    });
    chosen.map_err(|problem| Failure::from(problem).with(&last))?;
    terminal.keys(&["F10"])?;
    stage.until("be", "s1", "status", "MAINT")?;
    see(terminal, "s1 10 MAINT")?;
    stage.expect_only(&["s2"])?;
    terminal.keys(&["F9"])?;
    stage.until("be", "s1", "status", "UP")?;
    see(terminal, "s1 10 UP L4OK 1 0")?;
    terminal.keys(&["F8"])?;
    stage.until("be", "s1", "weight", "20")?;
    see(terminal, "s1 20 UP")?;
    terminal.keys(&["F4"])?;
    stage.until("be", "s1", "weight", "10")
}

/// The fifth screen says what is typed to the socket, and shows the answer.
fn command_line(stage: &Stage, terminal: &Terminal) -> Outcome {
    terminal.keys(&["M-5"])?;
    terminal.see("5-CLI")?;
    terminal.keys(&["-l", "get weight be/s2"])?;
    terminal.keys(&["Enter"])?;
    terminal.see("10 (initial 10)")?;
    terminal.keys(&["-l", "set server be/s2 state drain"])?;
    terminal.keys(&["Enter"])?;
    stage.until("be", "s2", "status", "DRAIN")?;
    terminal.keys(&["M-1"])?;
    see(terminal, "s2 10 DRAIN")?;
    let shown = terminal.shown()?;
    expect(
        "trouble on the screen",
        &shown.contains("Traceback"),
        &false,
    )
}
