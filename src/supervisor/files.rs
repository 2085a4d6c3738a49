//! The files of what is supervised: what was applied last, and what is there now.

use std::{env, ffi::OsString, fmt};

use super::notes::{self, Noted};
use crate::{
    node::status::AppliedFiles,
    proxy::process::announce::{Announcer, Style},
};

/// Says what is wrong with the files; whether nothing is.
pub type Check = Box<dyn Fn(&Announcer) -> bool>;

/// Where they are.
pub(super) enum Files {
    /// Of a node.
    Node {
        /// As the command line names them.
        names: Vec<String>,
        applied: Noted,
    },
    /// Of the master of a worker, whose arguments name them.
    Master(Check),
    /// Of an election, which reads them itself.
    Election,
}

/// Files that may be applied.
#[derive(Debug)]
pub(super) struct Fresh {
    noted: Option<Noted>,
    /// The arguments of the proxy, if they are other ones now.
    pub(super) arguments: Option<Vec<OsString>>,
    /// What is worth a word about them.
    pub(super) findings: String,
}

impl Files {
    /// Those of a node.
    pub(super) fn node(names: Vec<String>, applied: Option<Noted>) -> Self {
        applied.map_or(Self::Election, |applied| Self::Node { names, applied })
    }

    /// Reads and checks them. Nothing is changed by it.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub(super) fn read(&self) -> Result<Fresh, String> {
        match self {
            Self::Node { names, applied } => of_node(names, applied),
            Self::Master(check) => {
                let announcer = Announcer::keeping(Style::Haproxy);
                let right = check(&announcer);
                let findings = announcer.into_words();
                let fresh = Fresh {
                    noted: None,
                    arguments: None,
                    findings: String::new(),
                };
                // The new worker says itself what is worth a word.
                if right { Ok(fresh) } else { Err(findings) }
            }
            Self::Election => Ok(Fresh {
                noted: None,
                arguments: None,
                findings: String::new(),
            }),
        }
    }

    /// What is run on now; `None`: somebody else knows.
    pub(super) fn told(&self) -> Option<AppliedFiles> {
        let Self::Node { names, applied } = self else {
            return None;
        };
        let absolute = |name: &String| std::path::absolute(name).unwrap_or_else(|_| name.into());
        let text = |it: OsString| it.to_string_lossy().into_owned();
        let variables = env::vars_os().map(|(name, value)| (text(name), text(value)));
        Some(AppliedFiles {
            names: names.iter().map(absolute).collect(),
            directory: env::current_dir().unwrap_or_default(),
            proxy: applied.proxy_texts.clone(),
            election: applied.election_texts.clone(),
            environment: variables.collect(),
            proxy_pid: None,
        })
    }

    /// What a node runs on.
    pub(super) const fn applied(&self) -> Option<&Noted> {
        match self {
            Self::Node { applied, .. } => Some(applied),
            Self::Master(_) | Self::Election => None,
        }
    }

    /// These are run on now.
    pub(super) fn apply(&mut self, fresh: Fresh) {
        if let (Self::Node { applied, .. }, Some(noted)) = (self, fresh.noted) {
            *applied = noted;
        }
    }

    /// Only the proxy runs on these now.
    pub(super) fn apply_proxy(&mut self, fresh: Fresh) {
        if let (Self::Node { applied, .. }, Some(noted)) = (self, fresh.noted) {
            applied.proxy = noted.proxy;
            applied.proxy_texts = noted.proxy_texts;
        }
    }
}

fn of_node(names: &[String], applied: &Noted) -> Result<Fresh, String> {
    let announcer = Announcer::keeping(Style::Pontoon);
    let noted = notes::read(names, &announcer);
    if let Some(noted) = &noted {
        compare(applied, noted, &announcer);
    }
    let hindrance = noted.as_ref().and_then(|noted| hindrance(applied, noted));
    if let Some(hindrance) = &hindrance {
        announcer.alert(hindrance);
    }
    let findings = announcer.into_words();
    let Some(noted) = noted.filter(|_| hindrance.is_none()) else {
        return Err(findings);
    };
    Ok(Fresh {
        arguments: noted.proxy_arguments(),
        noted: Some(noted),
        findings,
    })
}

/// Why right files cannot be applied to what runs.
fn hindrance(applied: &Noted, noted: &Noted) -> Option<&'static str> {
    let kinds = |noted: &Noted| (noted.proxy.is_some(), noted.election.is_some());
    if kinds(applied) != kinds(noted) {
        return Some(
            "a file has changed its language: a reload neither starts nor ends a proxy or an \
             election; restart the node",
        );
    }
    // A file that is being written looks like this, and everything would be let go.
    (applied.instances > 0 && noted.instances == 0)
        .then_some("no vrrp_instance is left; to give all addresses back, stop the node")
}

fn compare(applied: &Noted, noted: &Noted, announcer: &Announcer) {
    if applied.pidfile != noted.pidfile {
        announcer.warning("the new `pidfile` is not written before the node is restarted");
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { names, .. } => f.debug_tuple("Node").field(names).finish(),
            Self::Master(_) => f.write_str("Master"),
            Self::Election => f.write_str("Election"),
        }
    }
}
