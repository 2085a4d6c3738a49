//! A server that is added while the process runs (HAProxy management manual, 9.3 `add server`).

use std::{fmt::Write as _, net::IpAddr};

use super::{
    Loaded, Surroundings, load,
    model::{Model, Server},
};
use crate::{
    diagnostic::{Diagnostic, Severity},
    source::SourceFile,
};

/// Parameters that only a file can have: they need names, files or sockets of the start, or concern
/// what begins with it.
const ONLY_IN_FILES: &[&str] = &[
    "ca-file",
    "cookie",
    "crl-file",
    "crt",
    "init-addr",
    "namespace",
    "non-stick",
    "redir",
    "resolve-net",
    "resolve-opts",
    "resolve-prefer",
    "resolvers",
    "tcp-ut",
    "track",
];

/// Parameters whose value may be any word.
const TAKE_ANY_WORD: &[&str] = &["agent-send", "check-sni", "sni"];

/// Reads a name, an address and the parameters behind them. The server begins in maintenance unless
/// `enabled` says otherwise; what `default-server` says does not concern it; a name instead of an
/// address is not looked up. Its place and, where none was written, its number are the caller's.
///
/// # Errors
/// What is wrong, in one line; in HAProxy's words where it has any.
pub fn read(words: &[String]) -> Result<Server, String> {
    if words.len() < 2 || words.iter().take(2).any(String::is_empty) {
        return Err("'server' expects <name> and <addr>[:<port>] as arguments.".into());
    }
    only_in_files(&words[2..])?;
    let text = text(words);
    let name = "add server".to_owned();
    let Loaded {
        model, diagnostics, ..
    } = load::load(vec![SourceFile { name, text }], &Elsewhere);
    let server = model.and_then(the_server).ok_or_else(|| {
        let errors = diagnostics.all().iter();
        let errors = errors.filter(|it| it.severity == Severity::Error);
        errors.map(told).collect::<Vec<_>>().join(" ")
    })?;
    Ok(beginning(server, words))
}

fn only_in_files(parameters: &[String]) -> Result<(), String> {
    let before = [""]
        .into_iter()
        .chain(parameters.iter().map(String::as_str));
    let refused = parameters.iter().zip(before).find(|(word, before)| {
        ONLY_IN_FILES.contains(&word.as_str()) && !TAKE_ANY_WORD.contains(before)
    });
    match refused {
        Some((word, _)) => Err(format!(
            "'{word}' option is not accepted for dynamic server"
        )),
        None => Ok(()),
    }
}

/// A file with nothing but this server; all words in quotes.
fn text(words: &[String]) -> String {
    let mut text = String::from("backend of-all-others\n mode tcp\n server");
    for (place, word) in words.iter().enumerate() {
        // Writing to a string cannot fail.
        let _infallible = write!(text, " '{}'", word.replace('\'', "'\\''"));
        if place == 1 {
            text += " init-addr none";
        }
    }
    text + "\n"
}

fn the_server(model: Model) -> Option<Server> {
    let side = model.proxies.into_iter().next()?.backend?;
    side.servers.get(0).cloned()
}

fn beginning(mut server: Server, words: &[String]) -> Server {
    let begins = words[2..]
        .iter()
        .rfind(|word| ["enabled", "disabled"].contains(&word.as_str()));
    server.settings.disabled = begins.is_none_or(|word| word != "enabled");
    server
}

fn told(diagnostic: &Diagnostic) -> String {
    let Diagnostic {
        code,
        message,
        suggestion,
        ..
    } = diagnostic;
    let unknown = message
        .split('`')
        .nth(1)
        .filter(|_| *code == "unknown-parameter");
    let message = match unknown {
        Some(word) => format!("unknown keyword '{word}'."),
        None => format!("{message}."),
    };
    match suggestion {
        Some(suggestion) => format!("{message} ({suggestion})"),
        None => message,
    }
}

/// No names, files or users: the process is at work already, in its chroot perhaps.
struct Elsewhere;

impl Surroundings for Elsewhere {
    fn variable(&self, _: &str) -> Option<String> {
        None
    }

    fn resolve(&self, _: &str) -> Vec<IpAddr> {
        Vec::new()
    }

    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Err("no file can be read any more: reload".into())
    }

    fn user_id(&self, _: &str) -> Option<u32> {
        None
    }

    fn group_id(&self, _: &str) -> Option<u32> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<Server, String> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        read(&words)
    }

    #[test]
    fn a_server_begins_in_maintenance_unless_it_is_enabled() {
        let server = read_line("n1 127.0.0.1:80 weight 5 check inter 100").unwrap();
        assert!(server.settings.disabled);
        assert_eq!(server.settings.weight.get(), 5);
        assert!(server.check.is_some());
        for (words, disabled) in [
            ("enabled", false),
            ("enabled disabled", true),
            ("disabled enabled", false),
        ] {
            let server = read_line(&format!("n1 127.0.0.1:80 {words}")).unwrap();
            assert_eq!(server.settings.disabled, disabled, "{words}");
        }
    }

    #[test]
    fn a_name_is_not_looked_up() {
        assert!(read_line("n1 db.example:80").unwrap().address.is_none());
    }

    #[test]
    fn whatever_is_wrong_is_told_in_a_line() {
        for (line, told) in [
            (
                "n1",
                "'server' expects <name> and <addr>[:<port>] as arguments.",
            ),
            ("n1 127.0.0.1:80 bogus 1", "unknown keyword 'bogus'."),
            (
                "n1 127.0.0.1:80 weight 5 cookie x",
                "'cookie' option is not accepted for dynamic server",
            ),
        ] {
            assert_eq!(read_line(line).unwrap_err(), told);
        }
        assert!(read_line("n1 127.0.0.1:80 weight 999").is_err());
        assert!(read_line("n1 127.0.0.1:80 track a/b").is_err());
        // No word gets out of its quotes.
        let words = ["n1", "127.0.0.1:80", "agent-send", "it's\\n", "agent-check"];
        let words = words.map(str::to_owned);
        assert!(read(&[&words[..], &["agent-port".into(), "1".into()]].concat()).is_ok());
        assert!(read(&["n1".into(), "' \n server x 127.0.0.1".into()]).is_err());
    }
}
