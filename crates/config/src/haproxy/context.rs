//! What a keyword's parser may ask: the names declared anywhere in the files, the section the
//! line stands in, and the surroundings.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use pontoon_engine::{acl::Test, units::ProxyId};

use super::{Surroundings, acl::PatternLists};
use crate::{
    haproxy::keyword::Sections,
    source::{Location, Sources, Span},
};

/// All `acl` lines of a section by name; lines of one name are alternatives.
pub(super) type Acls = BTreeMap<String, Arc<[Test]>>;

/// What a keyword's parser may ask.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The machine.
    pub surroundings: &'a dyn Surroundings,
    /// The files, to say on which line something was declared.
    pub sources: &'a Sources,
    /// The proxies of all files, also those further down.
    pub proxies: &'a ProxyNames,
    /// Where the line stands.
    pub section: Section<'a>,
    /// The section's access lists.
    pub acls: &'a Acls,
    /// The lists of patterns of all files, so far.
    pub(super) lists: &'a PatternLists,
    /// `ca-base`.
    pub ca_base: Option<&'a Path>,
    /// `crt-base`.
    pub crt_base: Option<&'a Path>,
    /// `ssl-server-verify none`: certificates of servers are not verified by default.
    pub tls_server_verify_none: bool,
}

/// The section a line stands in.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// Its kind: one of the constants of [`Sections`].
    pub kind: Sections,
    /// Its name; empty for `global` and anonymous `defaults`.
    pub name: &'a str,
    /// Its proxy, if it is one.
    pub proxy: Option<ProxyId>,
}

/// Names of proxies. A frontend and a backend may share one name.
#[derive(Debug, Default)]
pub struct ProxyNames {
    frontends: HashMap<String, ProxyId>,
    backends: HashMap<String, ProxyId>,
}

impl ProxyNames {
    /// Declares a proxy; the first of a name and side stays.
    pub fn declare(&mut self, name: &str, kind: Sections, id: ProxyId) {
        if kind.has(Sections::FRONTEND.or(Sections::LISTEN)) {
            self.frontends.entry(name.to_owned()).or_insert(id);
        }
        if kind.has(Sections::BACKEND.or(Sections::LISTEN)) {
            self.backends.entry(name.to_owned()).or_insert(id);
        }
    }

    /// The proxy of this name with a client side.
    #[must_use]
    pub fn frontend(&self, name: &str) -> Option<ProxyId> {
        self.frontends.get(name).copied()
    }

    /// The proxy of this name with a server side.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<ProxyId> {
        self.backends.get(name).copied()
    }

    /// The names of all proxies with a server side, for suggestions.
    pub fn backend_names(&self) -> impl Iterator<Item = &str> {
        self.backends.keys().map(String::as_str)
    }
}

impl Context<'_> {
    /// The line a span stands on.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        self.sources.location(span)
    }

    /// A certificate authority's file as meant: relative names start at `ca-base`.
    #[must_use]
    pub fn ca_file(&self, name: &str) -> PathBuf {
        based(self.ca_base, name)
    }

    /// A certificate's file as meant: relative names start at `crt-base`.
    #[must_use]
    pub fn crt_file(&self, name: &str) -> PathBuf {
        based(self.crt_base, name)
    }
}

fn based(base: Option<&Path>, name: &str) -> PathBuf {
    // An absolute name replaces the base: that is what `join` does, and what the manual says.
    base.map_or_else(|| PathBuf::from(name), |base| base.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frontend_and_a_backend_may_share_a_name() {
        let mut names = ProxyNames::default();
        names.declare("db", Sections::FRONTEND, ProxyId(0));
        names.declare("db", Sections::BACKEND, ProxyId(1));
        assert_eq!(names.frontend("db"), Some(ProxyId(0)));
        assert_eq!(names.backend("db"), Some(ProxyId(1)));
    }

    #[test]
    fn an_absolute_name_ignores_the_base() {
        let base = Some(Path::new("/etc/ssl"));
        assert_eq!(based(base, "ca.pem"), Path::new("/etc/ssl/ca.pem"));
        assert_eq!(based(base, "/a/ca.pem"), Path::new("/a/ca.pem"));
        assert_eq!(based(None, "ca.pem"), Path::new("ca.pem"));
    }
}
