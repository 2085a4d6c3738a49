//! A made-up machine to read `keepalived.conf` on.

use std::collections::BTreeMap;

use pontoon_config::{
    keepalived::{Loaded, Settings, Surroundings, Unknown, load},
    source::SourceFile,
};

/// Knows the users `root`, `nobody` and `keepalived_script`, and what a test tells it.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// Files by their whole name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Permissions of files.
    pub(crate) modes: BTreeMap<String, u32>,
}

impl Surroundings for Node {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "PWD").then(|| "/etc/keepalived".to_owned())
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        let Some((start, end)) = pattern.split_once('*') else {
            return vec![pattern.to_owned()];
        };
        let names = self.files.keys().filter(|name| name.starts_with(start));
        let names = names.filter(|name| name.ends_with(end)).cloned();
        names.collect()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let missing = || "No such file or directory".to_owned();
        self.files.get(path).cloned().ok_or_else(missing)
    }

    fn script(&self, path: &str) -> Option<String> {
        let bytes = self.files.get(path)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        match name {
            "root" => Some((0, 0)),
            "keepalived_script" => Some((900, 901)),
            "nobody" => Some((65534, 65534)),
            _ => None,
        }
    }

    fn group(&self, name: &str) -> Option<u32> {
        match name {
            "root" => Some(0),
            "adm" => Some(4),
            _ => None,
        }
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        self.modes.get(path).copied()
    }
}

/// Reads one file called `keepalived.conf`, on the node `node1`.
pub(crate) fn load_with(text: &str, unknown_words: Unknown, node: &Node) -> Loaded {
    load_as("node1", text, unknown_words, node)
}

/// The same on another node.
pub(crate) fn load_as(name: &str, text: &str, unknown_words: Unknown, node: &Node) -> Loaded {
    let file = SourceFile {
        name: "keepalived.conf".to_owned(),
        text: text.to_owned(),
    };
    let settings = Settings {
        config_id: name.to_owned(),
        unknown_words,
    };
    load(vec![file], &settings, node)
}
