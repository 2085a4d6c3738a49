//! What the unit tests of this language share: a small machine, and words from a line.

use std::{collections::HashMap, net::IpAddr, path::Path};

use super::{
    Context, Surroundings,
    acl::PatternLists,
    context::{Acls, ProxyNames, Section},
};
use crate::{
    diagnostic::Diagnostics,
    haproxy::keyword::Sections,
    source::{SourceFile, Sources, Span, Word},
};

/// A machine made of tables.
#[derive(Default)]
pub(crate) struct Machine {
    pub variables: HashMap<String, String>,
    pub hosts: HashMap<String, Vec<IpAddr>>,
    pub files: HashMap<String, Vec<u8>>,
    pub users: HashMap<String, u32>,
}

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        self.hosts.get(host).cloned().unwrap_or_default()
    }
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self.files.get(path).cloned();
        found.ok_or_else(|| "No such file or directory".to_owned())
    }
    fn user_id(&self, name: &str) -> Option<u32> {
        self.users.get(name).copied()
    }
    fn group_id(&self, name: &str) -> Option<u32> {
        self.users.get(name).copied()
    }
}

impl Machine {
    pub(crate) fn with_variables(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            variables: variables.iter().map(owned).collect(),
            ..Self::default()
        }
    }
}

/// Everything a [`Context`] borrows.
pub(crate) struct World {
    pub machine: Machine,
    pub proxies: ProxyNames,
    pub acls: Acls,
    pub lists: PatternLists,
    pub sources: Sources,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut machine = Machine::default();
        machine.hosts.insert(
            "db.example".to_owned(),
            vec!["2001:db8::7".parse().unwrap(), "10.0.0.7".parse().unwrap()],
        );
        machine.users.insert("haproxy".to_owned(), 108);
        Self {
            machine,
            proxies: ProxyNames::default(),
            acls: Acls::new(),
            lists: PatternLists::default(),
            sources: Sources::new(vec![SourceFile {
                name: "haproxy.cfg".to_owned(),
                text: String::new(),
            }]),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            surroundings: &self.machine,
            sources: &self.sources,
            proxies: &self.proxies,
            section: Section {
                kind: Sections::LISTEN,
                name: "l",
                proxy: None,
            },
            acls: &self.acls,
            lists: &self.lists,
            ca_base: None::<&Path>,
            crt_base: None,
            tls_server_verify_none: false,
        }
    }
}

/// The words of a line between blanks, with their places. `\_` stands for a blank inside a word.
pub(crate) fn words(line: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in line.split(' ') {
        if !piece.is_empty() {
            let place = |at: usize| u32::try_from(at).unwrap();
            found.push(Word {
                text: piece.replace("\\_", " "),
                span: Span {
                    file: 0,
                    start: place(at),
                    end: place(at + piece.len()),
                },
            });
        }
        at += piece.len() + 1;
    }
    found
}

/// The first word of a line.
pub(crate) fn word(line: &str) -> Word {
    words(line).swap_remove(0)
}

/// The codes of all findings.
pub(crate) fn codes(d: &Diagnostics) -> Vec<&'static str> {
    d.all().iter().map(|it| it.code).collect()
}
