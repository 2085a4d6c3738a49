//! The parent process of the drop-in: it goes into the background if it may, and watches over the
//! election.

use std::{env, ffi::OsString, process::ExitCode};

use pontoon_sys::process::{
    background::{self, Null, Side},
    identity,
};

use super::{arguments::Arguments, files, outlets, version};
use crate::{
    election::{
        log::{Level, Log},
        process::pidfile::{self, Pidfile, PidfileError},
    },
    supervisor,
};

/// The tag of the parent's lines.
const TAG: &str = "Keepalived";
/// The exit code for a file that cannot be read, as 2.2.7 gives it.
const UNREADABLE: u8 = 6;

/// Starts the election and watches over it until a signal says stop.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    if supervisor::resume::is_due() {
        return go_on(arguments);
    }
    // A log may write with a thread of its own, and a fork leaves threads behind: what can fail
    // for the user's reasons is looked at before, and told by a log that does not see the fork.
    if let Some((exit, why)) = hindrance(arguments) {
        return refuse(arguments, exit, &why);
    }
    if !arguments.foreground {
        match into_background() {
            Ok(Side::Child) => {}
            Ok(Side::Parent { .. }) => return ExitCode::SUCCESS,
            Err(why) => return refuse(arguments, ExitCode::FAILURE, &why),
        }
    }
    // Before the log's thread, which would otherwise die of them, and we with it.
    if let Err(error) = supervisor::hold_signals() {
        return refuse(arguments, ExitCode::FAILURE, &error.to_string());
    }
    let log = match open_log(arguments) {
        Ok(log) => log,
        Err(exit) => return exit,
    };
    let _pidfile = match Pidfile::claim(&arguments.pidfile) {
        Ok(pidfile) => pidfile,
        Err(error) => return leave(&log, exit_of(&error), &error.to_string()),
    };
    introduce(arguments, &log);
    let exit = supervisor::keepalived(of_child(arguments), !arguments.no_respawn, log.clone());
    say_goodbye(&log);
    exit
}

/// Watches over the election where the program before was.
fn go_on(arguments: &Arguments) -> ExitCode {
    if let Err(error) = supervisor::hold_signals() {
        return refuse(arguments, ExitCode::FAILURE, &error.to_string());
    }
    let log = match open_log(arguments) {
        Ok(log) => log,
        Err(exit) => return exit,
    };
    // Our number is in it already.
    let pidfile = Pidfile::claim(&arguments.pidfile);
    if let Err(error) = &pidfile {
        log.line(Level::Error, error);
    }
    let exit = supervisor::resumed_keepalived(log.clone());
    say_goodbye(&log);
    exit
}

/// Why nothing can be started, if that is known already.
fn hindrance(arguments: &Arguments) -> Option<(ExitCode, String)> {
    if let Some(pid) = pidfile::running(&arguments.pidfile) {
        let path = arguments.pidfile.clone();
        let error = PidfileError::Running { pid, path };
        return Some((exit_of(&error), error.to_string()));
    }
    let missing = files(arguments).unreadable()?;
    Some((ExitCode::from(UNREADABLE), missing))
}

const fn exit_of(error: &PidfileError) -> ExitCode {
    match error {
        // As there.
        PidfileError::Running { .. } => ExitCode::SUCCESS,
        PidfileError::Write { .. } => ExitCode::FAILURE,
    }
}

fn refuse(arguments: &Arguments, exit: ExitCode, why: &str) -> ExitCode {
    match open_log(arguments) {
        Ok(log) => {
            introduce(arguments, &log);
            leave(&log, exit, why)
        }
        Err(exit) => exit,
    }
}

fn leave(log: &Log, exit: ExitCode, why: &str) -> ExitCode {
    log.line(Level::Error, why);
    say_goodbye(log);
    exit
}

fn open_log(arguments: &Arguments) -> Result<Log, ExitCode> {
    Log::open(&outlets(arguments, "parent"), TAG).map_err(|error| {
        version::complain(&format!("{error}\n"));
        ExitCode::FAILURE
    })
}

fn introduce(arguments: &Arguments, log: &Log) {
    let say = |text: String| log.line(Level::Info, text);
    say(format!("Starting {}", version::line()));
    say(format!("Running on {}", identity::system()));
    let words = env::args_os().map(|word| format!("'{}'", word.to_string_lossy()));
    let words: Vec<_> = words.collect();
    say(format!("Command line: {}", words.join(" ")));
    say(format!(
        "Configuration file {}",
        arguments.files().join(" ")
    ));
}

fn say_goodbye(log: &Log) {
    log.line(Level::Info, format!("Stopped {}", version::line()));
    log.flush();
}

fn into_background() -> Result<Side, String> {
    let null = Null::open().map_err(|error| format!("cannot open /dev/null: {error}"))?;
    let side = background::fork().map_err(|error| error.to_string())?;
    if side == Side::Child {
        background::new_session()
            .and_then(|()| background::silence(&null))
            .map_err(|error| format!("cannot go into the background: {error}"))?;
    }
    Ok(side)
}

/// The same as ours; the child stays in the foreground.
fn of_child(arguments: &Arguments) -> Vec<OsString> {
    let ours = env::args_os().skip(1);
    if arguments.foreground {
        ours.collect()
    } else {
        [OsString::from("-n")].into_iter().chain(ours).collect()
    }
}
