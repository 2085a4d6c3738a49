//! The picture, as tmux sees it.

use pontoon_lab::needs::Need;

use super::footprint::Footprint;
use crate::{
    harness::{Outcome, Test},
    tmux::Terminal,
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| {
        let test = Test::new(format!("demo::{name}"), run);
        tests.push(test.needs(Need::Program("tmux")).needs(Need::Namespaces));
    };
    add("keys_break_and_mend_what_the_picture_shows", keys);
    add("the_terminal_is_given_back_after_a_signal", signal);
}

fn start(demo: &Footprint, terminal: &Terminal) -> Outcome {
    let line = format!("{} demo", demo.program().display());
    terminal.keys(&[&line, "Enter"])?;
    terminal.see("leads to node 1")?;
    terminal.see("│ MASTER")
}

fn keys() -> Outcome {
    let demo = Footprint::new()?;
    let terminal = Terminal::open()?;
    let before = terminal.modes("before")?;
    start(&demo, &terminal)?;
    let broken = [
        ("p", "you: kill the proxy of node 1"),
        ("b", "10.0.1.12 dead [b]"),
        ("e", "API down    [e]"),
        ("l", "╳ cut  [l]"),
        ("2", "without power"),
    ];
    for (key, shown) in broken {
        terminal.keys(&[key])?;
        terminal.see(shown)?;
    }
    terminal.tmux(&["resize-window", "-x", "60", "-y", "12"])?;
    terminal.see(" connections a second")?;
    terminal.tmux(&["resize-window", "-x", "100", "-y", "40"])?;
    terminal.see("┌─ node 1  10.0.1.207 ──[1]──┐")?;
    terminal.keys(&["h"])?;
    for mended in [
        "10.0.1.12 up   [b]",
        "API up      [e]",
        "│ VRRP [l]",
        "│ BACKUP",
    ] {
        terminal.see(mended)?;
    }
    terminal.see(" outage ")?;
    terminal.tmux(&["resize-window", "-x", "80", "-y", "26"])?;
    terminal.keys(&["q"])?;
    assert_given_back(&demo, &terminal, &before)
}

fn signal() -> Outcome {
    let demo = Footprint::new()?;
    let terminal = Terminal::open()?;
    let before = terminal.modes("before")?;
    start(&demo, &terminal)?;
    // Ctrl-Z would leave the picture on the screen: it does nothing.
    terminal.keys(&["C-z"])?;
    terminal.keys(&["C-c"])?;
    assert_given_back(&demo, &terminal, &before)
}

fn assert_given_back(demo: &Footprint, terminal: &Terminal, before: &str) -> Outcome {
    // Until it has ended, keys are still its.
    demo.assert_gone()?;
    let shown = terminal.shown()?;
    assert!(
        !shown.contains("MASTER"),
        "the picture is still there:\n{shown}"
    );
    assert_eq!(terminal.modes("after")?, before);
    Ok(())
}
