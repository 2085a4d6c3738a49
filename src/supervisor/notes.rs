//! What is said about the files before the proxy is started.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy::{self, model::Global},
    render,
};

use crate::{files, language::Language, proxy::process::announce::Announcer, surroundings::System};

/// What of the files concerns the supervisor.
#[derive(Debug)]
pub(super) struct Noted {
    /// Where it writes its number, as a master process does.
    pub(super) pidfile: Option<PathBuf>,
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
    let foreign: Vec<_> = sources.iter().filter_map(Language::refusal).collect();
    foreign.iter().for_each(|refusal| announcer.alert(refusal));
    if !foreign.is_empty() {
        return None;
    }
    let loaded = haproxy::load(sources, &System);
    let findings = loaded.diagnostics.all().iter();
    let shown: Vec<Diagnostic> = findings
        .filter(|finding| finding.severity > Severity::Note)
        .cloned()
        .collect();
    if !shown.is_empty() {
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let text = render::human(&loaded.files, &shown, colour);
        // If nobody reads standard error, there is nobody to tell.
        let _unread = io::stderr().lock().write_all(text.as_bytes());
    }
    let global = loaded.model?.global;
    explain(&global, announcer);
    Some(Noted {
        pidfile: global.pidfile,
    })
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
