//! Started under the name `haproxy`: its arguments, its messages, its exit codes.

mod arguments;
mod condition;
mod configuration;
mod version;

use std::{env, ffi::OsString, fs::File, os::unix::net::UnixStream, path::Path, process::ExitCode};

use pontoon_config::haproxy::model::{LogAddress, Model};
use pontoon_sys::{
    descriptor, packet,
    process::{Pid, identity},
};

use self::arguments::{Arguments, Master, Task, UsageError};
use crate::{
    proxy::process::{
        self, NAME, Options, READY_VARIABLE,
        announce::{Announcer, Style},
    },
    supervisor,
};

/// Does what the arguments say.
pub(super) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    // `pontoon run` starts us by another file name, and `killall` looks at this one.
    let _unimportant = identity::set_name(NAME);
    let arguments = match Arguments::parse(args) {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    let announcer = Announcer::new(Style::Haproxy, arguments.quiet && !arguments.verbose);
    match &arguments.task {
        Task::Version => version::print(&version::short()),
        Task::BuildOptions => version::print(&version::long()),
        Task::Condition(condition) => {
            return condition::evaluate(condition, &arguments, &announcer);
        }
        Task::Check => return check(&arguments, &announcer),
        Task::Run => return run(&arguments, announcer),
    }
    ExitCode::SUCCESS
}

fn misused(error: &UsageError) -> ExitCode {
    let announcer = Announcer::new(Style::Haproxy, false);
    match error {
        UsageError::Missing(_) | UsageError::Number { .. } | UsageError::Memory(_) => {
            announcer.alert(error);
        }
        UsageError::Unknown(_) | UsageError::NoFile | UsageError::NoCondition => {
            version::print(&version::short());
            version::complain(&format!("haproxy: {error}\n{}\n", version::USAGE));
        }
    }
    ExitCode::FAILURE
}

fn check(arguments: &Arguments, announcer: &Announcer) -> ExitCode {
    let Some(configuration) = enter_directory(arguments, announcer)
        .and_then(|()| configuration::load(arguments, announcer, false))
    else {
        return ExitCode::FAILURE;
    };
    let say = |text: &str| {
        if !arguments.quiet || arguments.verbose {
            version::print(text);
        }
    };
    if !listens(&configuration.model) {
        say("Configuration file has no error but will not start (no listener) => exit(2).\n");
        return ExitCode::from(2);
    }
    if configuration.warned {
        say("Warnings were found.\n");
    }
    say("Configuration file is valid\n");
    ExitCode::SUCCESS
}

/// Whether there is anything to wait for.
pub(super) fn listens(model: &Model) -> bool {
    let live = model.proxies.iter().filter(|proxy| !proxy.disabled);
    let mut sides = live.filter_map(|proxy| proxy.frontend.as_ref());
    sides.any(|side| !side.binds.is_empty())
}

fn run(arguments: &Arguments, mut announcer: Announcer) -> ExitCode {
    if supervisor::resume::is_due() {
        // The directory was entered by the program before this one.
        return supervisor::resumed_master(check_again(arguments.clone()), announcer);
    }
    let ready = match watched_by() {
        Ok(ready) => ready,
        Err(error) => {
            announcer.alert(format!(
                "{READY_VARIABLE} does not name an open descriptor: {error}"
            ));
            return ExitCode::FAILURE;
        }
    };
    let Ok(lender) = arguments.transfer.as_deref().map(lender).transpose() else {
        let path = arguments.transfer.as_deref().unwrap_or(Path::new(""));
        let path = path.display();
        announcer.warning(format!(
            "Failed to connect to the old process socket '{path}'"
        ));
        announcer.alert("Failed to get the sockets from the old process!");
        return ExitCode::FAILURE;
    };
    for (option, why) in &arguments.inert {
        announcer.notice(format!("option '{option}' has no effect: {why}"));
    }
    let Some(configuration) = enter_directory(arguments, &announcer)
        .and_then(|()| configuration::load(arguments, &announcer, ready.is_some()))
    else {
        return ExitCode::FAILURE;
    };
    let model = configuration.model;
    if model.global.quiet {
        announcer.hush();
    }
    let wanted = model.global.master_worker.then_some(Master::Plain);
    if let Some(master) = arguments.master.or(wanted)
        && ready.is_none()
    {
        return run_master(master, arguments.clone(), &model, announcer);
    }
    if !arguments.master_sockets.is_empty() && ready.is_none() {
        announcer.warning(
            "config : a master CLI socket was defined, but master-worker mode (-W) is not enabled.",
        );
    }
    let quiet = arguments.quiet || model.global.quiet;
    let background = model.global.daemon && ready.is_none();
    // A supervisor's output is a log already if the files say so; twice would be too much.
    let is_shown_already = ready.is_some() && logs_to_descriptor(&model);
    let options = Options {
        program: NAME.into(),
        background,
        pidfile: model.global.pidfile.clone(),
        memory: arguments.memory,
        old: arguments.old.clone(),
        lender: lender.flatten(),
        mirror: !(background || quiet || is_shown_already),
        ready,
    };
    process::run(model, options, &announcer)
}

fn run_master(
    master: Master,
    arguments: Arguments,
    model: &Model,
    announcer: Announcer,
) -> ExitCode {
    if master == Master::Plain && model.global.daemon {
        announcer.alert(
            "A master in the background comes with a later version: leave out 'daemon' and -D, \
             or 'master-worker' and -W; or use -Ws under systemd.",
        );
        return ExitCode::FAILURE;
    }
    let places = arguments.master_sockets.iter();
    let places: Result<_, _> = places.map(|it| supervisor::Place::parse(it)).collect();
    let places = match places {
        Ok(places) => places,
        Err(error) => {
            announcer.alert(format!("config : {error}"));
            announcer.alert("config : Can't create the master's CLI.");
            return ExitCode::FAILURE;
        }
    };
    let (once, of_worker) = Arguments::of_worker(env::args_os().skip(1));
    let master = supervisor::Master {
        arguments: of_worker,
        once,
        places,
        pidfile: model.global.pidfile.clone(),
        check: check_again(arguments),
    };
    supervisor::master(master, announcer)
}

/// Who listens at this socket. Listeners are not taken through it: the process hands over by itself.
fn lender(path: &Path) -> std::io::Result<Option<Pid>> {
    let peer = packet::peer(UnixStream::connect(path)?)?;
    Ok(i32::try_from(peer.process).ok().and_then(Pid::from_raw))
}

/// What a master does before a reload.
fn check_again(arguments: Arguments) -> supervisor::Check {
    Box::new(move |announcer| configuration::load(&arguments, announcer, false).is_some())
}

fn logs_to_descriptor(model: &Model) -> bool {
    let of_proxies = model.proxies.iter().flat_map(|proxy| &proxy.log.targets);
    let mut targets = model.global.logs.iter().chain(of_proxies);
    targets.any(|target| matches!(target.address, LogAddress::Descriptor(_)))
}

/// Where our supervisor, if there is one, waits for a byte.
fn watched_by() -> std::io::Result<Option<File>> {
    let Some(number) = env::var_os(READY_VARIABLE) else {
        return Ok(None);
    };
    let number = number.to_string_lossy().parse();
    let number = number.map_err(std::io::Error::other)?;
    // What we start ourselves (external checks) has nothing to tell the supervisor.
    descriptor::close_on_exec(number)?;
    Ok(Some(File::from(descriptor::duplicate(number)?)))
}

fn enter_directory(arguments: &Arguments, announcer: &Announcer) -> Option<()> {
    let Some(directory) = &arguments.directory else {
        return Some(());
    };
    match env::set_current_dir(directory) {
        Ok(()) => Some(()),
        Err(error) => {
            announcer.alert(format!(
                "Could not change to directory {} : {error}",
                directory.display()
            ));
            None
        }
    }
}
