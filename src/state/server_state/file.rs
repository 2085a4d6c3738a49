//! Whole files of states.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use pontoon_config::haproxy::model::{Model, Proxy, StateSource};

use super::{
    VERSION,
    line::{Line, Recorded},
};

/// No file is longer: ten thousand servers take two megabytes.
const LONGEST: u64 = 64 << 20;

/// The states that files bring, by backend and server.
#[derive(Debug, Default)]
pub struct States {
    pub(super) known: HashMap<(String, String), Recorded>,
    /// What is wrong with the files.
    pub(super) problems: BTreeSet<String>,
}

impl States {
    /// Reads what these files ask for. To be called before `chroot`. Whatever cannot be read is told
    /// by [`States::problems`]; those servers begin as their lines say.
    #[must_use]
    pub fn read(model: &Model) -> Self {
        let mut states = Self::default();
        let mut files: BTreeMap<PathBuf, Vec<&Proxy>> = BTreeMap::new();
        for proxy in &model.proxies {
            let source = proxy.backend.as_ref().map(|side| &side.states);
            if let Some(path) = source.and_then(|source| model.global.state_file(source)) {
                files.entry(path).or_default().push(proxy);
            }
        }
        for (path, proxies) in files {
            states.read_file(&path, &proxies);
        }
        states
    }

    /// What is wrong with the files, a line each.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(String::as_str)
    }

    fn read_file(&mut self, path: &Path, proxies: &[&Proxy]) {
        let name = named(path, proxies);
        match content(path) {
            Ok(text) => self.read_text(&text, &name, proxies),
            Err(error) => {
                self.problems.insert(format!("Can't open {name}: {error}"));
            }
        }
    }

    /// Takes the states of these proxies' servers from a file's text; the first line of a server
    /// counts.
    pub(super) fn read_text(&mut self, text: &str, name: &str, proxies: &[&Proxy]) {
        let mut lines = text.lines();
        if lines.next() != Some(VERSION) {
            let problem = format!("Can't get version of the {name}: its first line is not '1'.");
            self.problems.insert(problem);
            return;
        }
        for (number, text) in (2..).zip(lines) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match Line::parse(text) {
                Some(line) => self.take(line, proxies),
                None => {
                    let problem = format!("corrupted {name} at line {number}.");
                    self.problems.insert(problem);
                }
            }
        }
    }

    fn take(&mut self, line: Line, proxies: &[&Proxy]) {
        let Line {
            backend,
            server,
            state,
        } = line;
        let names = |proxy: &&&Proxy| *proxy.name == *backend;
        let Some(side) = proxies
            .iter()
            .find(names)
            .and_then(|it| it.backend.as_ref())
        else {
            return;
        };
        let mut servers = side.servers.iter();
        if !servers.any(|it| *it.settings.name == *server) {
            return;
        }
        match state {
            Ok(recorded) => {
                self.known.entry((backend, server)).or_insert(recorded);
            }
            Err(unreadable) => {
                let problem = format!(
                    "server-state application failed for server '{backend}/{server}', {unreadable}"
                );
                self.problems.insert(problem);
            }
        }
    }
}

/// The file, as messages call it.
fn named(path: &Path, proxies: &[&Proxy]) -> String {
    let global = |proxy: &&Proxy| {
        let side = proxy.backend.as_ref();
        side.is_some_and(|side| side.states == StateSource::Global)
    };
    let kind = if proxies.iter().any(global) {
        "global server state file"
    } else {
        "server state file"
    };
    format!("{kind} '{}'", path.display())
}

/// A file that anybody may have written: what is no text is replaced.
fn content(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
