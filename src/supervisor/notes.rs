//! What is said about the files before the proxy is started.

use std::{ffi::OsString, path::PathBuf};

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy::{
        self,
        model::{Global, Model},
    },
    keepalived, render,
    source::SourceFile,
};

use serde::{Deserialize, Serialize};

use crate::{
    checks::Checks, files, language::Language, node::status::AppliedFile,
    proxy::process::announce::Announcer, surroundings::System,
};

/// What of the files concerns the supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Noted {
    /// Where it writes its number, as a master process does.
    pub(super) pidfile: Option<PathBuf>,
    /// Each `haproxy.cfg`, if there is one.
    pub(super) proxy: Option<Vec<String>>,
    /// The `keepalived.conf`, if there is one.
    pub(super) election: Option<String>,
    /// How many instances it has.
    pub(super) instances: usize,
    /// The proxy's files as they were read.
    pub(super) proxy_texts: Vec<AppliedFile>,
    /// The election's file as it was read, and those that it includes.
    pub(super) election_texts: Vec<AppliedFile>,
}

impl Noted {
    /// The arguments of the proxy, if there is one.
    pub(super) fn proxy_arguments(&self) -> Option<Vec<OsString>> {
        let files = self.proxy.clone()?;
        Some(arguments(&["-db", "--"], files))
    }

    /// The arguments of the election, if there is one.
    pub(super) fn election_arguments(&self) -> Option<Vec<OsString>> {
        let file = self.election.clone()?;
        Some(arguments(&["-n", "--node", "-f"], vec![file]))
    }
}

fn arguments(options: &[&str], files: Vec<String>) -> Vec<OsString> {
    let options = options.iter().map(OsString::from);
    options
        .chain(files.into_iter().map(OsString::from))
        .collect()
}

/// Reads the files once, so that mistakes are shown as `pontoon check` shows them; `None` if
/// nothing can start.
pub(super) fn read(names: &[String], announcer: &Announcer) -> Option<Noted> {
    let sources = match files::read(names) {
        Ok(sources) => sources,
        Err(error) => {
            announcer.alert(error);
            return None;
        }
    };
    let (election, proxy): (Vec<_>, Vec<_>) = sources
        .into_iter()
        .partition(|source| Language::of(&source.text) == Language::Keepalived);
    if let [_, second, ..] = election.as_slice() {
        announcer.alert(format!(
            "{} is a second keepalived.conf, and a node has one election; join them with \
             `include`",
            second.name
        ));
        return None;
    }
    let mut noted = Noted {
        pidfile: None,
        proxy: None,
        election: election.first().map(|source| source.name.clone()),
        instances: 0,
        proxy_texts: Vec::new(),
        election_texts: Vec::new(),
    };
    if !election.is_empty() {
        note_election(election, &mut noted, announcer)?;
    }
    if !proxy.is_empty() {
        noted.proxy = Some(proxy.iter().map(|source| source.name.clone()).collect());
        noted.pidfile = note_proxy(proxy, &mut noted, announcer)?.pidfile;
    }
    Some(noted)
}

/// Whether an election can be started on this file. What is not wrong, but worth a word, is said
/// by the election itself, at each of its starts.
fn note_election(source: Vec<SourceFile>, noted: &mut Noted, announcer: &Announcer) -> Option<()> {
    let settings = keepalived::Settings {
        config_id: System::config_id(),
        unknown_words: keepalived::Unknown::Error,
    };
    let loaded = keepalived::load(source, &settings, &System);
    let Some(model) = loaded.model else {
        show(&loaded.files, loaded.diagnostics.all(), announcer);
        return None;
    };
    noted.instances = model.instances.len();
    noted.election_texts = loaded.files.into_iter().map(AppliedFile::from).collect();
    Some(())
}

/// What the proxy's files say of the whole process; `None` if they are wrong.
fn note_proxy(
    sources: Vec<SourceFile>,
    noted: &mut Noted,
    announcer: &Announcer,
) -> Option<Global> {
    let loaded = haproxy::load(sources, &System);
    show(&loaded.files, loaded.diagnostics.all(), announcer);
    let model = loaded.model?;
    explain(&model.global, announcer);
    noted.proxy_texts = loaded.files.into_iter().map(AppliedFile::from).collect();
    may_start(&model, announcer).then_some(model.global)
}

/// Whether files without an error can be run: certificates of checks, say, must be there.
fn may_start(model: &Model, announcer: &Announcer) -> bool {
    let errors = Checks::load(model).err().unwrap_or_default();
    for error in &errors {
        announcer.alert(error);
    }
    errors.is_empty()
}

/// Shows what matters as `pontoon check` does.
fn show(files: &[SourceFile], findings: &[Diagnostic], announcer: &Announcer) {
    let findings = findings.iter();
    let shown: Vec<Diagnostic> = findings
        .filter(|finding| finding.severity > Severity::Note)
        .cloned()
        .collect();
    if !shown.is_empty() {
        announcer.verbatim(&render::human(files, &shown, announcer.is_coloured()));
    }
}

/// Directives that mean something else here.
fn explain(global: &Global, announcer: &Announcer) {
    if global.daemon {
        announcer.notice(
            "'daemon' is noted: under `pontoon run` the node stays in the foreground; whoever \
             starts it (systemd, a container, a shell) puts it into the background",
        );
    }
    if global.master_worker {
        announcer.notice("'master-worker' is noted: this supervisor takes the master's place");
    }
}
