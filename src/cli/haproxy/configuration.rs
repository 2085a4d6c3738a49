//! From the arguments to a model, with everything that is to be said about the files.

use std::{net::IpAddr, sync::Arc};

use pontoon_config::{
    diagnostic::{Diagnostic, Severity},
    haproxy::{self, Loaded, Surroundings, model::Model},
    render,
    source::SourceFile,
};
use pontoon_sys::process::identity;

use super::arguments::Arguments;
use crate::{
    checks::Checks, files, language::Language, proxy::process::announce::Announcer,
    surroundings::System,
};

/// A model that may run.
#[derive(Debug)]
pub(super) struct Configuration {
    /// The model, with the arguments applied.
    pub(super) model: Model,
    /// There were warnings.
    pub(super) warned: bool,
}

/// Reads the files and says what is wrong with them; `None` if nothing can start.
/// `only_errors`: somebody else has shown the rest.
pub(super) fn load(
    arguments: &Arguments,
    announcer: &Announcer,
    only_errors: bool,
) -> Option<Configuration> {
    let sources = read(arguments, announcer)?;
    let loaded = haproxy::load(sources, &Machine { arguments });
    let warned = has_warnings(&loaded);
    show(
        &loaded,
        |finding| tells(arguments, only_errors, finding),
        announcer,
    );
    let Some(mut model) = loaded.model else {
        announcer.alert("config : Fatal errors found in configuration.");
        return None;
    };
    if warned && (arguments.zero_warning || model.global.zero_warning) {
        announcer.alert("config : Some warnings were found and 'zero-warning' is set. Aborting.");
        return None;
    }
    apply(arguments, &mut model);
    files_of_checks(&model, announcer)?;
    Some(Configuration { model, warned })
}

fn read(arguments: &Arguments, announcer: &Announcer) -> Option<Vec<SourceFile>> {
    let sources = match files::read(&arguments.files) {
        Ok(sources) => sources,
        Err(unreadable) => {
            announcer.alert(format!(
                "config : Cannot open configuration file/directory {} : {}",
                unreadable.name, unreadable.error
            ));
            return None;
        }
    };
    let foreign: Vec<_> = sources.iter().filter_map(Language::refusal).collect();
    for refusal in &foreign {
        announcer.alert(format!("config : {refusal}"));
    }
    foreign.is_empty().then_some(sources)
}

fn has_warnings(loaded: &Loaded) -> bool {
    let mut findings = loaded.diagnostics.all().iter();
    findings.any(|finding| finding.severity == Severity::Warning)
}

/// Whether a finding is told.
fn tells(arguments: &Arguments, only_errors: bool, finding: &Diagnostic) -> bool {
    match (finding.severity, finding.code) {
        (Severity::Error, _) => true,
        _ if only_errors => false,
        // `.diag` is for `-dD`; `.notice` is for everybody.
        (Severity::Note, "diagnostic") => arguments.diagnose,
        (Severity::Note, "message") | (Severity::Warning, _) => true,
        (Severity::Note, _) => arguments.diagnose || arguments.verbose,
    }
}

fn show(loaded: &Loaded, tells: impl Fn(&Diagnostic) -> bool, announcer: &Announcer) {
    let findings = loaded.diagnostics.all().iter();
    let shown: Vec<Diagnostic> = findings.filter(|d| tells(d)).cloned().collect();
    if shown.is_empty() {
        return;
    }
    let pid = std::process::id();
    announcer.verbatim(&render::like_haproxy(&loaded.files, &shown, pid));
    let errors = |file: usize| {
        shown.iter().any(|d| {
            let place = d.span.map(|span| span.file as usize);
            d.severity == Severity::Error && place == Some(file)
        })
    };
    for (number, file) in loaded.files.iter().enumerate() {
        if errors(number) {
            let name = &file.name;
            announcer.alert(format!(
                "config : Error(s) found in configuration file : {name}"
            ));
        }
    }
}

/// What the arguments say goes before what the files say.
fn apply(arguments: &Arguments, model: &mut Model) {
    let global = &mut model.global;
    if arguments.max_connections.is_some() {
        global.max_connections = arguments.max_connections;
    }
    if arguments.no_verify {
        global.tls_server_verify_none = true;
    }
    global.no_splice |= arguments.no_splice;
    global.quiet &= !arguments.verbose;
    if let Some(background) = arguments.background {
        global.daemon = background;
    }
    if arguments.pidfile.is_some() {
        global.pidfile.clone_from(&arguments.pidfile);
    }
    if arguments.no_verify {
        trust_servers(model);
    }
    for frontend in model.proxies.iter_mut().filter_map(|p| p.frontend.as_mut()) {
        frontend.max_connections = frontend.max_connections.or(arguments.proxy_max_connections);
    }
}

/// `-dV`: whatever certificate a server shows is fine.
fn trust_servers(model: &mut Model) {
    let sides = model.proxies.iter_mut().filter_map(|p| p.backend.as_mut());
    let servers = sides.flat_map(|side| side.servers.file_mut());
    let checks = servers.filter_map(|server| server.check.as_mut());
    for check in checks {
        for tls in check.tls.iter_mut().chain([&mut check.step_tls]) {
            Arc::make_mut(tls).verify = false;
        }
    }
}

/// Certificates must be there before a check of the files may call them valid.
fn files_of_checks(model: &Model, announcer: &Announcer) -> Option<()> {
    match Checks::load(model) {
        Ok(_) => Some(()),
        Err(errors) => {
            for error in &errors {
                announcer.alert(format!("config : {error}"));
            }
            None
        }
    }
}

/// This machine, as seen by a process with these arguments.
pub(super) struct Machine<'a> {
    /// The arguments.
    pub(super) arguments: &'a Arguments,
}

impl Surroundings for Machine<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        let own = match name {
            "HAPROXY_LOCALPEER" => self.arguments.local_peer.clone(),
            "HAPROXY_CFGFILES" => return Some(self.arguments.files.join(";")),
            _ => None,
        };
        own.or_else(|| System.variable(name))
            .or_else(|| (name == "HAPROXY_LOCALPEER").then(identity::host_name))
    }

    fn resolve(&self, host: &str) -> Vec<IpAddr> {
        System.resolve(host)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        System.read(path)
    }

    fn permissions(&self, path: &str) -> Option<u32> {
        System.permissions(path)
    }

    fn user_id(&self, name: &str) -> Option<u32> {
        System.user_id(name)
    }

    fn group_id(&self, name: &str) -> Option<u32> {
        System.group_id(name)
    }
}
