//! This machine as a node has seen it when it read its files.

use std::{collections::BTreeMap, net::IpAddr};

use pontoon_config::{haproxy, keepalived};

use super::{System, pattern};
use crate::node::status::AppliedFile;

/// The environment and the included files are those of the node; all else is as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Remembered<'r> {
    /// Variables that are other ones here.
    pub environment: &'r BTreeMap<String, String>,
    /// Files that may have changed since; none: all are read.
    pub files: &'r [AppliedFile],
}

impl Remembered<'_> {
    fn text(&self, path: &str) -> Option<Vec<u8>> {
        let file = self.files.iter().find(|file| file.name == path)?;
        Some(file.text.clone().into_bytes())
    }
}

impl haproxy::Surroundings for Remembered<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        let remembered = self.environment.get(name).cloned();
        remembered.or_else(|| haproxy::Surroundings::variable(&System, name))
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        System.resolve(host)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        haproxy::Surroundings::read(&System, path)
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        System.user_id(name)
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        System.group_id(name)
    }

    fn kernel_setting(&self, name: &str) -> Option<String> {
        System.kernel_setting(name)
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        haproxy::Surroundings::permissions(&System, path)
    }
}

impl keepalived::Surroundings for Remembered<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        haproxy::Surroundings::variable(self, name)
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        if self.files.is_empty() {
            return System.glob(pattern);
        }
        let names: Vec<_> = self.files.iter().map(|file| file.name.as_str()).collect();
        pattern::among(pattern, &names)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.text(path)
            .map_or_else(|| haproxy::Surroundings::read(&System, path), Ok)
    }

    fn user(&self, name: &str) -> Option<(u32, u32)> {
        System.user(name)
    }

    fn group(&self, name: &str) -> Option<u32> {
        System.group(name)
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        haproxy::Surroundings::permissions(&System, path)
    }

    fn script(&self, path: &str) -> Option<String> {
        System.script(path)
    }
}
