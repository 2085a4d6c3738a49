//! The launcher: a small process that starts the scripts of the files as their users, for an election
//! that may not any more.
//!
//! It starts what its own reading of the files names and nothing else, whoever asks. It is alone with
//! the election on a pair of sockets, and ends with it; then the kernel ends the scripts.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    ffi::OsString,
    io,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    path::Path,
    process::{ExitCode, Stdio},
};

use pontoon_config::keepalived::model::{Command, Model, Notify};
use pontoon_sys::{
    descriptor,
    packet::{self, passing},
    process::{
        Pid, Signal,
        child::Handle,
        identity, limit, privilege,
        replace::replace,
        schedule,
        signal::{self, Held},
        wait::{self, Wish},
    },
    sandbox::capability::{self, Capabilities},
};
use rustix::{
    fs::Mode,
    process::{WaitOptions, kill_process_group, umask, waitpid},
};

pub use super::script::launched::NAME;
use super::{
    Options,
    script::{
        Script, Scripts,
        launched::VARIABLE,
        weakness,
        wire::{LONGEST, News, Order, Wanted, packed},
    },
};

/// The scripts that run when it becomes another program.
const RUNNING: &str = "PONTOON_SCRIPTS_RUNNING";
/// So many groups may be signalled whose script has ended a moment ago.
const REMEMBERED: usize = 64;

/// Runs until the election ends.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let _unimportant = identity::set_name(NAME);
    match Launcher::new(options).and_then(Launcher::serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

struct Launcher<'o> {
    options: &'o Options,
    socket: OwnedFd,
    /// What may be started: the scripts of each reading of the files.
    allowed: Vec<Script>,
    running: BTreeMap<i32, Handle>,
    /// Leaders that have ended, and how, the latest last.
    ended: VecDeque<(i32, i32)>,
    /// Stops are for the election, which may still want scripts to be run.
    _signals: Held,
}

impl<'o> Launcher<'o> {
    fn new(options: &'o Options) -> io::Result<Self> {
        let signals = [
            Signal::TERM,
            Signal::INT,
            Signal::HUP,
            Signal::QUIT,
            Signal::USR1,
            Signal::USR2,
        ];
        let number = env::var(VARIABLE).map_err(io::Error::other)?;
        let mut launcher = Self {
            options,
            socket: descriptor::take_over(number.parse().map_err(io::Error::other)?)?,
            allowed: Vec::new(),
            running: BTreeMap::new(),
            ended: VecDeque::new(),
            _signals: signal::hold(&signals)?,
        };
        for pid in env::var(RUNNING).unwrap_or_default().split(',') {
            if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
                launcher.follow(pid)?;
            }
        }
        if let Some(model) = launcher.read() {
            launcher.be_as_the_file_says(&model);
        }
        if privilege::is_root() {
            // Programs of root get root's rights back at exec(2), as its scripts must.
            let kept = Capabilities::SETUID
                | Capabilities::SETGID
                | Capabilities::KILL
                | Capabilities::DAC_READ_SEARCH;
            capability::keep_only(kept)?;
        }
        Ok(launcher)
    }

    /// Scripts inherit it.
    fn be_as_the_file_says(&self, model: &Model) {
        let global = &model.global;
        if let Some(mask) = global.umask.filter(|_| !self.options.umask_given) {
            let _before = umask(Mode::from_raw_mode(u32::from(mask)));
        }
        if let Some(nice) = global.nice.filter(|nice| *nice > 0) {
            // It is allowed to everybody.
            let _unimportant = schedule::set_nice(nice);
        }
        if self.options.core_dump {
            // The election has told if not.
            let _unimportant = limit::allow_core_files();
        }
    }

    /// What the files name may be started from now on; what they have named, too, for it may wait.
    fn read(&mut self) -> Option<Model> {
        let model = self.options.files.read().model?;
        let scripts = Scripts::new(&model.global);
        for command in commands(&model) {
            let script = scripts.look_at(command);
            let new = script.filter(|script| !self.allowed.contains(script));
            self.allowed.extend(new);
        }
        Some(model)
    }

    fn serve(mut self) -> io::Result<()> {
        let mut buffer = vec![0; LONGEST];
        loop {
            let children = self.running.values().map(|it| it.descriptor().as_fd());
            let all = [self.socket.as_fd()].into_iter().chain(children);
            let wishes: Vec<_> = all.map(|it| (it, Wish::Read)).collect();
            wait::any(&wishes, None)?;
            loop {
                match passing::receive_with(&self.socket, &mut buffer) {
                    Ok(Some((length, descriptors))) => {
                        let order = serde_json::from_slice(&buffer[..length])?;
                        self.obey(order, descriptors)?;
                    }
                    Ok(None) => return Ok(()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
            self.reap()?;
        }
    }

    fn obey(&mut self, order: Order, descriptors: Vec<OwnedFd>) -> io::Result<()> {
        match order {
            Order::Start { run, script, more } => {
                let output = descriptors.into_iter().next();
                let news = match self.start(&script, &more, output) {
                    Ok(pid) => News::Started { run, pid },
                    Err(error) => News::Refused {
                        run,
                        why: crate::files::without_number(&error.to_string()),
                    },
                };
                self.tell(&news)
            }
            Order::Signal { group, hard } => {
                self.signal(group, hard);
                Ok(())
            }
            Order::Adopt { pid } if self.running.contains_key(&pid) => Ok(()),
            Order::Adopt { pid } => {
                let known = self.ended.iter().rfind(|(ended, _)| *ended == pid);
                let status = known.map_or(0, |(_, status)| *status);
                self.tell(&News::Ended { pid, status })
            }
            Order::Reload => {
                // With faults in it, the election does not go by it.
                let _model = self.read();
                Ok(())
            }
            Order::Renew { program } => {
                self.renew(&program);
                Ok(())
            }
        }
    }

    fn start(
        &mut self,
        wanted: &Wanted,
        more: &[String],
        output: Option<OwnedFd>,
    ) -> io::Result<i32> {
        let output = output.ok_or(io::ErrorKind::InvalidInput)?;
        let mut allowed = self.allowed.iter();
        let script = allowed.find(|script| script.wanted() == *wanted);
        let script = script.ok_or_else(|| {
            io::Error::other("the files do not name it so, or it cannot be run: reload")
        })?;
        let mut command = script.command(more);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        self.follow(Pid::from_raw(pid).ok_or(io::ErrorKind::NotFound)?)?;
        Ok(pid)
    }

    fn follow(&mut self, pid: Pid) -> io::Result<()> {
        let number = pid.as_raw_nonzero().get();
        self.ended.retain(|(ended, _)| *ended != number);
        self.running.insert(number, Handle::open(pid)?);
        Ok(())
    }

    /// Groups of scripts only: of those that run, and of those whose script has just ended.
    fn signal(&self, group: i32, hard: bool) {
        let signal = if hard { Signal::KILL } else { Signal::TERM };
        let ours = self.running.contains_key(&group)
            || self.ended.iter().any(|(ended, _)| *ended == group);
        if let Some(group) = Pid::from_raw(group).filter(|_| ours) {
            // It may have ended in this very moment.
            let _gone = kill_process_group(group, signal);
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        let pids: Vec<_> = self.running.values().map(Handle::pid).collect();
        for pid in pids {
            if let Some((pid, status)) = waitpid(Some(pid), WaitOptions::NOHANG)? {
                let number = pid.as_raw_nonzero().get();
                self.running.remove(&number);
                let status = status.as_raw();
                self.ended.push_back((number, status));
                let surplus = self.ended.len().saturating_sub(REMEMBERED);
                self.ended.drain(..surplus);
                self.tell(&News::Ended {
                    pid: number,
                    status,
                })?;
            }
        }
        Ok(())
    }

    fn tell(&self, news: &News) -> io::Result<()> {
        let message = packed(news)?;
        loop {
            match packet::send(&self.socket, &message) {
                // It is heard in the end, or gone.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait::any(&[(self.socket.as_fd(), Wish::Write)], None)?;
                }
                sent => return sent,
            }
        }
    }

    /// Becomes this program, with the scripts that run; if it cannot, it stays what it is.
    fn renew(&self, program: &Path) {
        // Whoever could change it could do so before the next start, too, but for the election.
        if privilege::is_root() && !matches!(weakness(program), Ok(None)) {
            return;
        }
        let number = self.socket.as_raw_fd();
        if descriptor::keep_on_exec(number).is_err() {
            return;
        }
        let ours = env::vars_os().filter(|(name, _)| name != VARIABLE && name != RUNNING);
        let running: Vec<_> = self.running.keys().map(i32::to_string).collect();
        let left: [(OsString, OsString); 2] = [
            (VARIABLE.into(), number.to_string().into()),
            (RUNNING.into(), running.join(",").into()),
        ];
        let _error = replace(program, env::args_os(), ours.chain(left));
        // It was open a moment ago.
        let _open = descriptor::close_on_exec(number);
    }
}

/// All that a model may want to be run.
fn commands(model: &Model) -> impl Iterator<Item = &Command> {
    let instances = model.instances.iter().map(|it| &it.notify);
    let groups = model.groups.iter().map(|it| &it.notify);
    let notify = instances.chain(groups).flat_map(of_notify);
    let readers = model.global.notify_fifos.iter();
    let readers = readers.filter_map(|fifo| fifo.reader.as_ref());
    let tracked = model.scripts.iter().map(|script| &script.command);
    notify.chain(readers).chain(tracked)
}

fn of_notify(notify: &Notify) -> impl Iterator<Item = &Command> {
    let Notify {
        master,
        backup,
        fault,
        stop,
        any,
        deleted,
        lower_priority,
        priority_changes: _,
    } = notify;
    let deleted = deleted.as_ref().and_then(|it| it.script.as_ref());
    let others = [master, backup, fault, stop, any, lower_priority];
    others.into_iter().filter_map(Option::as_ref).chain(deleted)
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, time::Duration};

    use pontoon_config::keepalived::Unknown;

    use super::*;
    use crate::election::{
        configuration::Files,
        log::Outlets,
        testing::{command, model},
    };

    /// It does not mind words that are added.
    const SLEEPER: &str = "/bin/sh -c 'sleep 60'";

    fn options() -> Options {
        Options {
            files: Files {
                names: Vec::new(),
                config_id: None,
                unknown_words: Unknown::Error,
                all_files: false,
            },
            outlets: Outlets {
                syslog: None,
                console: None,
                file: None,
                detail: false,
            },
            pidfile: None,
            keep_addresses: false,
            dump_configuration: false,
            core_dump: false,
            umask_given: false,
        }
    }

    fn script(line: &str) -> Script {
        let scripts = Scripts::new(&model().global);
        scripts.look_at(&command(line)).unwrap()
    }

    /// One that may start this, and the election's end of its sockets.
    fn launcher<'o>(options: &'o Options, line: &str) -> (Launcher<'o>, OwnedFd) {
        let (socket, election) = packet::pair().unwrap();
        let launcher = Launcher {
            options,
            socket,
            allowed: vec![script(line)],
            running: BTreeMap::new(),
            ended: VecDeque::new(),
            _signals: signal::hold(&[]).unwrap(),
        };
        (launcher, election)
    }

    fn start(launcher: &mut Launcher<'_>, line: &str) -> io::PipeReader {
        let (reader, writer) = io::pipe().unwrap();
        let order = Order::Start {
            run: 7,
            script: script(line).wanted(),
            more: vec!["more".into()],
        };
        launcher.obey(order, vec![writer.into()]).unwrap();
        reader
    }

    fn heard(election: &OwnedFd) -> News {
        let mut buffer = vec![0; LONGEST];
        wait::readable([Some(election.as_fd())], Some(Duration::from_secs(5))).unwrap();
        let length = packet::receive(election, &mut buffer).unwrap().unwrap();
        serde_json::from_slice(&buffer[..length]).unwrap()
    }

    #[test]
    fn what_the_files_name_is_started_and_its_end_is_told() {
        let options = options();
        let (mut launcher, election) = launcher(&options, "/bin/echo some");
        let mut output = start(&mut launcher, "/bin/echo some");
        let News::Started { run: 7, pid } = heard(&election) else {
            panic!("not started");
        };
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        assert_eq!(text, "some more\n");
        let child = launcher.running[&pid].descriptor();
        wait::readable([Some(child.as_fd())], Some(Duration::from_secs(5))).unwrap();
        launcher.reap().unwrap();
        let told = heard(&election);
        assert!(
            matches!(told, News::Ended { pid: ended, status: 0 } if ended == pid),
            "{told:?}"
        );
        assert!(launcher.running.is_empty());
    }

    #[test]
    fn nothing_else_is_started() {
        let options = options();
        let (mut launcher, election) = launcher(&options, "/bin/echo some");
        for other in ["/bin/echo other", "/bin/echo", "/bin/cat some"] {
            start(&mut launcher, other);
            let told = heard(&election);
            assert!(matches!(told, News::Refused { run: 7, .. }), "{told:?}");
        }
        assert!(launcher.running.is_empty());
    }

    #[test]
    fn nobody_else_is_signalled() {
        let options = options();
        let (mut launcher, election) = launcher(&options, SLEEPER);
        let mut stranger = std::process::Command::new("/bin/sleep");
        let mut stranger = std::os::unix::process::CommandExt::process_group(&mut stranger, 0)
            .arg("60")
            .spawn()
            .unwrap();
        let group = i32::try_from(stranger.id()).unwrap();
        launcher
            .obey(Order::Signal { group, hard: true }, Vec::new())
            .unwrap();
        // Whoever is killed does not die of this.
        let pid = Pid::from_raw(group).unwrap();
        kill_process_group(pid, Signal::TERM).unwrap();
        let status = stranger.wait().unwrap();
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(Signal::TERM.as_raw()));
        drop(start(&mut launcher, SLEEPER));
        let News::Started { pid, .. } = heard(&election) else {
            panic!("not started");
        };
        let order = Order::Signal {
            group: pid,
            hard: true,
        };
        launcher.obey(order, Vec::new()).unwrap();
        let child = launcher.running[&pid].descriptor();
        wait::readable([Some(child.as_fd())], Some(Duration::from_secs(5))).unwrap();
        launcher.reap().unwrap();
        let told = heard(&election);
        assert!(matches!(told, News::Ended { status: 9, .. }), "{told:?}");
        // The program that follows the election is told the same.
        launcher.obey(Order::Adopt { pid }, Vec::new()).unwrap();
        let told = heard(&election);
        assert!(matches!(told, News::Ended { status: 9, .. }), "{told:?}");
    }
}
