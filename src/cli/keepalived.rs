//! Started under the name `keepalived`: its arguments, its messages, its exit codes.

mod arguments;
mod option;
mod parent;
mod test;
mod version;

use std::{env, ffi::OsString, process::ExitCode};

use pontoon_config::keepalived::Unknown;
use pontoon_sys::process::identity;
use rustix::{fs::Mode, process::umask};

use self::arguments::{Arguments, Remark, Task};
use crate::{
    election::{
        self, NAME, Options,
        configuration::Files,
        log::{Console, Outlets, file_of},
    },
    node::channel,
};

/// Does what the arguments say.
pub(super) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    // Our supervisor starts us by another file name, and `killall` looks at this one.
    let _unimportant = identity::set_name(NAME);
    let arguments = Arguments::parse(args);
    for remark in &arguments.remarks {
        version::complain(&format!("{remark}\n"));
    }
    match &arguments.task {
        Task::Version => version::complain(&version::text()),
        Task::Help => version::complain(&version::help()),
        _ if arguments.remarks.iter().any(Remark::is_fatal) => return ExitCode::FAILURE,
        Task::SignalNumber(name) => return signal_number(name),
        Task::Test(file) => {
            tell_unexpected(&arguments);
            return test::run(&arguments, file.as_deref());
        }
        Task::Run => {
            tell_unexpected(&arguments);
            return run(&arguments);
        }
    }
    ExitCode::SUCCESS
}

/// Whether an election with these arguments could begin.
pub(super) fn can_resume(args: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse(args);
    if files(&arguments).read().model.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Starts scripts for an election with these arguments.
pub(super) fn launch(args: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse(args);
    let _before = umask(Mode::from_raw_mode(arguments.umask.unwrap_or(UMASK)));
    election::launcher::run(&options(&arguments))
}

fn tell_unexpected(arguments: &Arguments) {
    if !arguments.unexpected.is_empty() {
        let words = arguments.unexpected.join(" ");
        version::print(&format!("Unexpected argument(s): {words} \n"));
    }
}

fn signal_number(name: &str) -> ExitCode {
    let Some(number) = version::signal_number(name) else {
        version::complain(&format!("Unknown sigfunc {name}\n"));
        return ExitCode::FAILURE;
    };
    version::print(&format!("{number}\n"));
    ExitCode::SUCCESS
}

fn run(arguments: &Arguments) -> ExitCode {
    let _before = umask(Mode::from_raw_mode(arguments.umask.unwrap_or(UMASK)));
    if is_supervised() {
        return election::run(options(arguments));
    }
    parent::run(arguments)
}

/// Files that we make are for nobody else, unless `-u` says otherwise.
const UMASK: u32 = 0o177;

/// Whether we are the child of our supervisor.
fn is_supervised() -> bool {
    env::var_os(channel::VARIABLE).is_some()
}

fn options(arguments: &Arguments) -> Options {
    Options {
        files: files(arguments),
        outlets: outlets(arguments, "vrrp"),
        pidfile: (!arguments.node).then(|| arguments.vrrp_pidfile.clone()),
        keep_addresses: arguments.keep_addresses,
        dump_configuration: arguments.dump_configuration,
        core_dump: arguments.core_dump,
        umask_given: arguments.umask.is_some(),
    }
}

fn files(arguments: &Arguments) -> Files {
    Files {
        names: arguments.files(),
        config_id: arguments.config_id.clone(),
        unknown_words: if arguments.node {
            Unknown::Error
        } else {
            Unknown::Warning
        },
        all_files: arguments.all_files,
    }
}

/// Where the lines of a process go; each has a file of its own.
fn outlets(arguments: &Arguments, process: &str) -> Outlets {
    if arguments.node {
        return Outlets {
            syslog: None,
            console: Some(Console::Named),
            file: None,
            detail: arguments.detail,
        };
    }
    Outlets {
        syslog: (!arguments.no_syslog).then_some(arguments.facility),
        console: arguments.console.then_some(Console::Dated),
        file: arguments
            .log_file
            .as_ref()
            .map(|path| file_of(path, process)),
        detail: arguments.detail,
    }
}
