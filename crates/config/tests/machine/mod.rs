//! A made-up machine to read files on.

use std::{collections::HashMap, net::IpAddr};

use pontoon_config::{
    haproxy::{Loaded, Surroundings, load},
    source::SourceFile,
};

/// Knows the user and group `haproxy`, and what a test tells it.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) variables: HashMap<String, String>,
    pub(crate) hosts: HashMap<String, Vec<IpAddr>>,
    pub(crate) files: HashMap<String, Vec<u8>>,
    /// What the kernel is set to.
    pub(crate) settings: HashMap<String, String>,
    /// Permissions of files.
    pub(crate) modes: HashMap<String, u32>,
}

impl Surroundings for Machine {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        self.hosts.get(host).cloned().unwrap_or_default()
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let missing = || "No such file or directory".to_owned();
        self.files.get(path).cloned().ok_or_else(missing)
    }

    fn kernel_setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).cloned()
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        self.modes.get(path).copied()
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        (name == "haproxy").then_some(106)
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        (name == "haproxy").then_some(112)
    }
}

/// Reads one file called `haproxy.cfg`.
#[allow(dead_code, reason = "not every test of this folder reads texts")]
pub(crate) fn load_text(text: &str, machine: &Machine) -> Loaded {
    let file = SourceFile {
        name: "haproxy.cfg".to_owned(),
        text: text.to_owned(),
    };
    load(vec![file], machine)
}
