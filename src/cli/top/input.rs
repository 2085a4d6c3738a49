//! Keys. Whatever changes something asks first.

use super::{
    state::{Asking, State, Tab},
    table::{Kind, Row},
};

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Character(char),
    Up,
    Down,
    PageUp,
    PageDown,
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C, or a signal that ends us.
    Interrupt,
}

/// What a key leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// What is shown may be different.
    Nothing,
    /// There is something new to look at.
    Look,
    /// This command, to which the user has said yes.
    Order(String),
    Quit,
}

/// How far a page goes.
const PAGE: isize = 10;
/// No weight has more digits (HAProxy configuration manual, 5.2, "weight").
const DIGITS: usize = 3;

/// What a terminal has sent at once.
pub(super) fn keys(bytes: &[u8]) -> Vec<Key> {
    let known: [(&[u8], Key); 6] = [
        (b"\x1b[A", Key::Up),
        (b"\x1b[B", Key::Down),
        (b"\x1bOA", Key::Up),
        (b"\x1bOB", Key::Down),
        (b"\x1b[5~", Key::PageUp),
        (b"\x1b[6~", Key::PageDown),
    ];
    let mut keys = Vec::new();
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        if let Some((sequence, key)) = known.iter().find(|(it, _)| rest.starts_with(it)) {
            keys.push(*key);
            rest = &rest[sequence.len()..];
            continue;
        }
        match first {
            // Some other function key: what follows is no letter.
            0x1b if !after.is_empty() => return keys,
            0x1b => keys.push(Key::Escape),
            3 => keys.push(Key::Interrupt),
            b'\r' | b'\n' => keys.push(Key::Enter),
            8 | 0x7f => keys.push(Key::Backspace),
            b'\t' => keys.push(Key::Character('\t')),
            byte if byte.is_ascii_graphic() || byte == b' ' => {
                keys.push(Key::Character(char::from(byte)));
            }
            _ => {}
        }
        rest = after;
    }
    keys
}

/// A key was pressed.
pub(super) fn press(state: &mut State, key: Key) -> Effect {
    if key == Key::Interrupt {
        return Effect::Quit;
    }
    match std::mem::take(&mut state.asking) {
        Asking::Nothing => {
            state.message = None;
            plain(state, key)
        }
        Asking::Sure(command) if matches!(key, Key::Character('y' | 'Y')) => Effect::Order(command),
        Asking::Sure(command) => {
            state.message = Some(format!("not done: {command}"));
            Effect::Nothing
        }
        Asking::Weight(server, digits) => weigh(state, server, digits, key),
    }
}

fn plain(state: &mut State, key: Key) -> Effect {
    match key {
        Key::Character('q' | 'Q') | Key::Escape => return Effect::Quit,
        Key::Up | Key::Character('k') => state.step(-1),
        Key::Down | Key::Character('j') => state.step(1),
        Key::PageUp => state.step(-PAGE),
        Key::PageDown => state.step(PAGE),
        Key::Character('s') => return sort(state),
        Key::Character('r') => {
            state.reversed = !state.reversed;
            return looks_again(state);
        }
        Key::Character('\t') => return turn_to(state, state.tab.next()),
        Key::Character(digit @ '1'..='3') => {
            let at = usize::from(digit == '2') + 2 * usize::from(digit == '3');
            return turn_to(state, Tab::ALL[at]);
        }
        Key::Character(' ') => return Effect::Look,
        Key::Character(letter) => act(state, letter),
        Key::Enter | Key::Backspace | Key::Interrupt => {}
    }
    Effect::Nothing
}

fn sort(state: &mut State) -> Effect {
    match state.tab {
        Tab::Sessions => state.session_order = state.session_order.next(),
        Tab::Servers | Tab::Election => state.order = state.order.next(),
    }
    looks_again(state)
}

/// Sessions are sorted when they are looked at: those that come last are not kept.
const fn looks_again(state: &State) -> Effect {
    match state.tab {
        Tab::Sessions => Effect::Look,
        Tab::Servers | Tab::Election => Effect::Nothing,
    }
}

fn turn_to(state: &mut State, tab: Tab) -> Effect {
    state.tab = tab;
    state.selected = None;
    state.first = 0;
    Effect::Look
}

/// What the letter means for what the cursor stands on.
fn act(state: &mut State, letter: char) {
    if state.tab == Tab::Sessions {
        if let ('x', Some(id)) = (letter, &state.selected) {
            state.asking = Asking::Sure(format!("shutdown session {id}"));
        }
        return;
    }
    let Some(row) = state.row().filter(|_| state.tab == Tab::Servers) else {
        return;
    };
    state.asking = match (row.kind, letter) {
        (Kind::Server, 'w') => Asking::Weight(row.id(), String::new()),
        _ => command(row, letter).map_or(Asking::Nothing, Asking::Sure),
    };
}

fn command(row: &Row, letter: char) -> Option<String> {
    let id = row.id();
    Some(match (row.kind, letter) {
        (Kind::Server, 'e') => format!("set server {id} state ready"),
        (Kind::Server, 'd') => format!("set server {id} state drain"),
        (Kind::Server, 'm') => format!("set server {id} state maint"),
        (Kind::Server, 'x') => format!("shutdown sessions server {id}"),
        (Kind::Frontend, 'e') => format!("enable frontend {}", row.proxy),
        (Kind::Frontend, 'm') => format!("disable frontend {}", row.proxy),
        _ => return None,
    })
}

fn weigh(state: &mut State, server: String, mut digits: String, key: Key) -> Effect {
    match key {
        Key::Character(digit) if digit.is_ascii_digit() && digits.len() < DIGITS => {
            digits.push(digit);
        }
        Key::Backspace => drop(digits.pop()),
        Key::Enter if !digits.is_empty() => {
            state.asking = Asking::Sure(format!("set server {server} weight {digits}"));
            return Effect::Nothing;
        }
        Key::Escape | Key::Enter => return Effect::Nothing,
        _ => {}
    }
    state.asking = Asking::Weight(server, digits);
    Effect::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::state::tests::state;

    fn type_in(state: &mut State, text: &str) -> Effect {
        let pressed = keys(text.as_bytes()).into_iter();
        let effects = pressed.map(|key| press(state, key));
        effects.last().unwrap_or(Effect::Nothing)
    }

    #[test]
    fn arrows_are_keys_and_other_sequences_are_none() {
        assert_eq!(
            keys(b"\x1b[A\x1b[Bq"),
            [Key::Up, Key::Down, Key::Character('q')]
        );
        assert_eq!(keys(b"\x1b[15~"), []);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x03"), [Key::Interrupt]);
    }

    #[test]
    fn nothing_is_done_without_a_yes() {
        let mut state = state();
        assert_eq!(type_in(&mut state, "jjd"), Effect::Nothing);
        let drain = "set server be/s1 state drain".to_owned();
        assert_eq!(state.asking, Asking::Sure(drain.clone()));
        assert_eq!(type_in(&mut state, "n"), Effect::Nothing);
        assert_eq!(state.message, Some(format!("not done: {drain}")));
        type_in(&mut state, "d");
        assert_eq!(
            type_in(&mut state, "q"),
            Effect::Nothing,
            "that is a no, too"
        );
        assert_eq!(type_in(&mut state, "dy"), Effect::Order(drain));
    }

    #[test]
    fn each_kind_of_row_has_its_commands() {
        let mut state = state();
        let order = |state: &mut State, text: &str| match type_in(state, text) {
            Effect::Order(command) => command,
            other => format!("{other:?}"),
        };
        assert_eq!(order(&mut state, "my"), "disable frontend fe");
        assert_eq!(order(&mut state, "ey"), "enable frontend fe");
        assert_eq!(order(&mut state, "jmy"), "Nothing", "a backend has none");
        assert_eq!(order(&mut state, "jmy"), "set server be/s1 state maint");
        assert_eq!(order(&mut state, "ey"), "set server be/s1 state ready");
        assert_eq!(order(&mut state, "xy"), "shutdown sessions server be/s1");
        assert_eq!(order(&mut state, "2\x1b"), "Quit");
    }

    #[test]
    fn a_weight_is_typed_and_asked_for() {
        let mut state = state();
        type_in(&mut state, "jjw1234\x7f5");
        assert_eq!(state.asking, Asking::Weight("be/s1".into(), "125".into()));
        assert_eq!(type_in(&mut state, "\r"), Effect::Nothing);
        let weight = "set server be/s1 weight 125".to_owned();
        assert_eq!(type_in(&mut state, "y"), Effect::Order(weight));
        type_in(&mut state, "w");
        assert_eq!(type_in(&mut state, "\r"), Effect::Nothing);
        assert_eq!(state.asking, Asking::Nothing, "no weight, nothing to ask");
    }

    #[test]
    fn a_session_is_ended_by_its_number() {
        let mut state = state();
        state.tab = Tab::Sessions;
        state.step(0);
        assert_eq!(
            type_in(&mut state, "xy"),
            Effect::Order("shutdown session 0x2".into())
        );
        assert_eq!(type_in(&mut state, "s"), Effect::Look);
    }

    #[test]
    fn pages_are_turned_and_it_ends() {
        let mut state = state();
        assert_eq!(type_in(&mut state, "\t"), Effect::Look);
        assert_eq!(state.tab, Tab::Sessions);
        assert_eq!(type_in(&mut state, "3"), Effect::Look);
        assert_eq!(state.tab, Tab::Election);
        assert_eq!(type_in(&mut state, "q"), Effect::Quit);
    }
}
