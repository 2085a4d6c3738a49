//! What is said about the files before the proxy is started.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy::{self, model::Global},
    keepalived, render,
    source::SourceFile,
};

use crate::{files, language::Language, proxy::process::announce::Announcer, surroundings::System};

/// What of the files concerns the supervisor.
#[derive(Debug)]
pub(super) struct Noted {
    /// Where it writes its number, as a master process does.
    pub(super) pidfile: Option<PathBuf>,
    /// Each `haproxy.cfg`, if there is one.
    pub(super) proxy: Option<Vec<String>>,
    /// The `keepalived.conf`, if there is one.
    pub(super) election: Option<String>,
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
    };
    if !election.is_empty() && !is_right(election) {
        return None;
    }
    if !proxy.is_empty() {
        noted.proxy = Some(proxy.iter().map(|source| source.name.clone()).collect());
        noted.pidfile = note_proxy(proxy, announcer)?.pidfile;
    }
    Some(noted)
}

/// Whether an election can be started on this file. What is not wrong, but worth a word, is said
/// by the election itself, at each of its starts.
fn is_right(source: Vec<SourceFile>) -> bool {
    let settings = keepalived::Settings {
        config_id: System::config_id(),
        unknown_words: keepalived::Unknown::Error,
    };
    let loaded = keepalived::load(source, &settings, &System);
    if loaded.model.is_none() {
        show(&loaded.files, loaded.diagnostics.all());
    }
    loaded.model.is_some()
}

/// What the proxy's files say of the whole process; `None` if they are wrong.
fn note_proxy(sources: Vec<SourceFile>, announcer: &Announcer) -> Option<Global> {
    let loaded = haproxy::load(sources, &System);
    show(&loaded.files, loaded.diagnostics.all());
    let global = loaded.model?.global;
    explain(&global, announcer);
    Some(global)
}

/// Shows what matters as `pontoon check` does.
fn show(files: &[SourceFile], findings: &[Diagnostic]) {
    let findings = findings.iter();
    let shown: Vec<Diagnostic> = findings
        .filter(|finding| finding.severity > Severity::Note)
        .cloned()
        .collect();
    if !shown.is_empty() {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = render::human(files, &shown, colour);
        // If nobody reads standard error, there is nobody to tell.
        let _unread = io::stderr().lock().write_all(text.as_bytes());
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
