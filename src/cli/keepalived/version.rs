//! `-v`, `-h` and `--signum`.

use std::io::{self, Write as _};

use pontoon_config::keepalived::COMPATIBLE_VERSION;
use pontoon_sys::process::identity;

use super::option::{Declared, OPTIONS};
use crate::election::process::signals::Function;

/// `Keepalived v2.2.7 (Pontoon 0.1.0)`: scripts cut the version from the second word.
pub(super) fn line() -> String {
    let ours = env!("CARGO_PKG_VERSION");
    format!("Keepalived v{COMPATIBLE_VERSION} (Pontoon {ours})")
}

/// `-v`.
pub(super) fn text() -> String {
    format!(
        "{}\n\nThis is Pontoon. It reads Keepalived's files and behaves like it for VRRP; it is \
         not Keepalived.\n\nRunning on {}\n",
        line(),
        identity::system(),
    )
}

/// `-h`.
pub(super) fn help() -> String {
    let mut text = "Usage: keepalived [OPTION...]\n".to_owned();
    for option in OPTIONS {
        text += &described(option);
    }
    text
}

fn described(option: &Declared) -> String {
    let short = option
        .short
        .map_or_else(|| "   ".to_owned(), |letter| format!("-{letter},"));
    // What a value is called stands first in the help of the options that take one.
    let (value, help) = match option.help.split_once("  ") {
        Some((value, help)) if value.starts_with('[') => (value.to_owned(), help),
        Some((value, help)) => (format!("={value}"), help),
        None => (String::new(), option.help),
    };
    let names = format!("  {short} --{}{value}", option.long);
    if names.len() > 30 {
        return format!("{names}\n{:32}{help}\n", "");
    }
    format!("{names:32}{help}\n")
}

/// `--signum`: the number on standard output.
pub(super) fn signal_number(name: &str) -> Option<i32> {
    Function::named(name).map(Function::number)
}

/// Writes to standard output.
pub(super) fn print(text: &str) {
    // If nobody reads it, nobody wanted it.
    let _unread = io::stdout().lock().write_all(text.as_bytes());
}

/// Writes to standard error.
pub(super) fn complain(text: &str) {
    let _unread = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_word_is_a_version() {
        let line = line();
        let word = line.split_whitespace().nth(1).unwrap();
        assert_eq!(word, format!("v{COMPATIBLE_VERSION}"));
    }

    #[test]
    fn the_help_names_every_option_once() {
        let help = help();
        for option in OPTIONS {
            let name = format!(" --{}", option.long);
            assert!(help.contains(&name), "{name}\n{help}");
        }
        assert!(help.contains("  -f, --use-file=FILE"), "{help}");
        assert!(help.contains("--config-test[=LOG_FILE]"), "{help}");
    }
}
