//! What a process takes from itself once everything is bound and opened: capabilities, files,
//! system calls. What its own files need beyond that, [`needs`] says and `pontoon check` tells.

use std::path::PathBuf;

use pontoon_config::haproxy::{
    model::{LogLevel, Model},
    sandbox::{Need, needs},
};
use pontoon_sys::{
    process::core_file,
    sandbox::{
        calls::{Calls, CallsError, Kind},
        capability::{self, Capabilities},
        families::{DESCRIPTORS, LIFE, MEMORY, READING, SOCKETS},
        files::{self, Degree, Files},
    },
};

use crate::node::{SANDBOX, sandbox_is_wanted};

/// What is read later all the same: authorities for the checks of servers that are added, and what
/// the library looks up about time zones and processors.
const READABLE: [&str; 7] = [
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/localtime",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
];

/// A line for the log.
pub(super) type News = (LogLevel, String);

/// What is going to be taken, and what was not.
#[derive(Debug)]
pub(super) struct Sandbox {
    wanted: bool,
    /// Programs are started, and inherit all that is taken from us.
    starts_programs: bool,
    /// `insecure-setuid-wanted`: they may gain rights.
    programs_gain: bool,
    /// Left, if we have them.
    kept: Capabilities,
    /// Of `kept`: those that a change of the user does not end.
    outlasting: Capabilities,
    missing: Vec<String>,
    /// `set-dumpable`: the kernel writes a core file with our rights.
    dumpable: bool,
}

impl Sandbox {
    /// What these files allow to take.
    pub(super) fn of(model: &Model) -> Self {
        let needs = needs(model);
        let all =
            |it: fn(Need) -> Capabilities| needs.iter().map(|needed| it(needed.need)).collect();
        Self {
            wanted: sandbox_is_wanted(),
            starts_programs: needs.iter().any(|needed| needed.need == Need::Programs),
            programs_gain: model.global.insecure_setuid,
            kept: all(capability_for),
            outlasting: all(|need| match need {
                Need::ClientAddresses => capability_for(need),
                _ => Capabilities::empty(),
            }),
            missing: Vec::new(),
            dumpable: model.global.dumpable,
        }
    }

    /// What is possible only before the user changes.
    pub(super) fn prepare(&mut self) {
        if !self.wanted {
            return;
        }
        // Programs of root are to be what they were; by us they are not limited.
        if !self.starts_programs {
            // Whoever may not has no more to lose than what no-new-privs takes.
            let limited = capability::limit_to(self.kept).map(|_| ());
            self.note("capabilities", limited);
        }
        let outlasts = capability::outlast_user(!self.outlasting.is_empty());
        self.note("capabilities", outlasts);
    }

    /// Takes everything. Before threads are started: it holds for this one and those that it starts.
    pub(super) fn put_up(mut self, becomes_another: bool) -> Option<News> {
        if !self.wanted {
            let text = format!("This process runs without its sandbox: {SANDBOX}=off.");
            return Some((LogLevel::Notice, text));
        }
        let kept = if becomes_another {
            self.outlasting
        } else {
            self.kept
        };
        let laid_down = capability::keep_only(kept);
        self.note("capabilities", laid_down);
        let mut degree = Degree::Full;
        // Programs of root are to have root's rights, which the kernel would give to nobody then.
        let programs_gain = self.programs_gain || rustix::process::geteuid().is_root();
        if !(self.starts_programs && programs_gain) {
            let nothing = capability::gain_nothing();
            self.note("no-new-privs", nothing);
        }
        if !self.starts_programs {
            match files::restrict(&self.reachable()) {
                Ok(reached) => degree = reached,
                Err(error) => self.missing.push(error.to_string()),
            }
            if let Err(error) = allowed().and_then(Calls::restrict) {
                self.missing.push(error.to_string());
            }
        }
        self.news(degree)
    }

    fn reachable(&self) -> Files {
        let core = self.dumpable.then(core_file::folder).flatten();
        Files {
            readable: READABLE.map(PathBuf::from).to_vec(),
            writable: core.into_iter().collect(),
            keep_signals_inside: true,
            ..Files::default()
        }
    }

    fn note(&mut self, what: &str, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.missing.push(format!("{what}: {error}"));
        }
    }

    fn news(mut self, degree: Degree) -> Option<News> {
        if degree == Degree::None {
            self.missing
                .push("Landlock: not in this kernel, or disabled".into());
        }
        if !self.missing.is_empty() {
            let missing = self.missing.join("; ");
            let text = format!("This process runs without a part of its sandbox: {missing}.");
            return Some((LogLevel::Warning, text));
        }
        (degree == Degree::Partial).then(|| {
            let text = "Landlock of this kernel restricts which files are opened, made and removed, \
                        but not all that later kernels do.";
            (LogLevel::Info, text.to_owned())
        })
    }
}

fn capability_for(need: Need) -> Capabilities {
    match need {
        Need::Programs => Capabilities::empty(),
        Need::ClientAddresses => Capabilities::NET_RAW,
        Need::LowPorts => Capabilities::NET_BIND_SERVICE,
        Need::CongestionControl | Need::SilentDrop => Capabilities::NET_ADMIN,
        Need::Paths => Capabilities::DAC_OVERRIDE,
    }
}

/// Neither processes nor programs, no names of files, no sockets but of clients, servers and logs.
fn allowed() -> Result<Calls, CallsError> {
    const KINDS: [Kind; 2] = [Kind::Stream, Kind::Datagram];
    let families = [LIFE, MEMORY, DESCRIPTORS, SOCKETS, READING];
    let calls = families.into_iter().fold(Calls::new(), Calls::allow);
    let calls = calls.allow_threads()?;
    [libc::AF_INET, libc::AF_INET6, libc::AF_UNIX]
        .into_iter()
        .try_fold(calls, |calls, family| calls.allow_sockets(family, &KINDS))
}
