//! `pontoon top`, as tmux sees it.

use std::io::{Read as _, Write as _};

use pontoon_lab::{needs::Need, wait};
use pontoon_sys::process::Signal;

use crate::{
    harness::{Outcome, Test, pontoon},
    tmux::Terminal,
    views::Scene,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let tests_of = [
        (
            "views::top_shows_a_node_and_acts_after_a_yes",
            acts as fn() -> Outcome,
        ),
        (
            "views::top_works_without_colours_and_on_small_terminals",
            small,
        ),
        (
            "views::top_outlives_a_reload_and_says_when_nobody_answers",
            outlives,
        ),
    ];
    for (name, run) in tests_of {
        tests.push(Test::new(name, run).needs(Need::Program("tmux")));
    }
    tests.push(Test::new("views::top_needs_a_terminal", no_terminal));
}

fn start(scene: &Scene, terminal: &Terminal, before: &str) -> Outcome {
    let (program, socket) = (pontoon(), scene.socket.display().to_string());
    let line = format!(
        "{before} {} top --interval 0.2 --socket {socket}",
        program.display()
    );
    terminal.keys(&[&line, "Enter"])?;
    terminal.see("   alive             UP")
}

fn acts() -> Outcome {
    let scene = Scene::start()?;
    let terminal = Terminal::open()?;
    let before = terminal.modes("before")?;
    start(&scene, &terminal, "")?;
    terminal.see(" fe  frontend        OPEN")?;
    terminal.see("   dead              DOWN")?;
    terminal.see(" sessions 0 of ")?;
    terminal.see(" no election")?;
    // The cursor goes down to the first server.
    terminal.keys(&["Down", "j", "d"])?;
    terminal.see(" set server be/alive state drain - sure? y: yes, any other key: no")?;
    terminal.keys(&["n"])?;
    terminal.see(" not done: set server be/alive state drain")?;
    terminal.keys(&["d", "y"])?;
    terminal.see("   alive             DRAIN")?;
    terminal.keys(&["e", "y"])?;
    terminal.see("   alive             UP")?;
    terminal.keys(&["w", "2", "5", "Enter", "y"])?;
    terminal.see(" 25 ")?;
    let mut session = scene.connect()?;
    terminal.see(" sessions 1 of ")?;
    session.write_all(b"twelve bytes")?;
    session.read_exact(&mut [0; 12])?;
    terminal.keys(&["2"])?;
    terminal.see(" CLIENT                SERVER             AGE*")?;
    terminal.see(" 127.0.0.1:")?;
    terminal.see(" be/alive ")?;
    terminal.see("     12     12  established")?;
    terminal.keys(&["x", "y"])?;
    terminal.see("done: shutdown session 0x")?;
    assert_eq!(session.read(&mut [0]).unwrap_or(0), 0, "it is over");
    terminal.see(" sessions 0 of ")?;
    terminal.keys(&["3"])?;
    terminal.see("this node runs no election")?;
    terminal.keys(&["q"])?;
    terminal.see("ready>")?;
    assert_eq!(terminal.modes("after")?, before, "as it was found");
    let shown = terminal.shown()?;
    assert!(
        !shown.contains("frontend"),
        "the picture is still there:\n{shown}"
    );
    Ok(())
}

fn small() -> Outcome {
    let scene = Scene::start()?;
    let terminal = Terminal::open()?;
    start(&scene, &terminal, "NO_COLOR=1")?;
    let coloured = terminal.tmux(&["capture-pane", "-p", "-e"])?;
    assert!(
        !coloured.contains("[32m") && !coloured.contains(";32m"),
        "{coloured}"
    );
    terminal.tmux(&["resize-window", "-x", "34", "-y", "6"])?;
    terminal.see(" NAME                STATUS\n")?;
    // The cursor is followed to the last row.
    terminal.keys(&["NPage"])?;
    terminal.see("   other")?;
    terminal.tmux(&["resize-window", "-x", "120", "-y", "30"])?;
    terminal.see("OUT/s")?;
    terminal.keys(&["C-c"])?;
    terminal.see("ready>")
}

fn outlives() -> Outcome {
    let mut scene = Scene::start()?;
    let terminal = Terminal::open()?;
    start(&scene, &terminal, "")?;
    scene.told(&["reload"])?;
    terminal.see("   alive             UP")?;
    scene.node.signal(Signal::TERM)?;
    scene.node.wait(wait::PATIENCE)?;
    terminal.see("no node listens at ")?;
    terminal.keys(&["q"])?;
    terminal.see("ready>")
}

fn no_terminal() -> Outcome {
    let scene = Scene::start()?;
    let why = scene.refused(&["top"])?;
    assert!(why.contains("standard output is no terminal"), "{why}");
    Ok(())
}
