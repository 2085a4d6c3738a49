//! The first process of a machine. It starts what it is told to, kills what it is told to, buries
//! the dead, and ends with its owner, which ends everything else on the machine.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Command, Stdio},
};

use pontoon_sys::process::{
    Pid, Signal,
    child::{reap, signal_pid},
    identity::set_name,
    script::isolate,
    signal::Signals,
    wait::readable,
};

use super::{
    root::SEARCH,
    words::{self, Letter, NO, YES},
};

/// What the owner may ask.
pub(super) mod order {
    /// Start a program; its output goes to the first descriptor, how it ended to the second.
    pub(in super::super) const START: &str = "start";
    /// Kill all processes of a name; the answer is how many there were.
    pub(in super::super) const KILL: &str = "kill";
    /// The content of a file.
    pub(in super::super) const READ: &str = "read";
    /// A connection to a socket in the file system.
    pub(in super::super) const CONNECT: &str = "connect";
}

/// Does as the owner says until there is none.
pub(super) fn serve(owner: OwnedFd) -> io::Result<()> {
    set_name("init")?;
    let signals = Signals::watch(&[Signal::CHILD])?;
    let mut init = Init {
        owner,
        started: HashMap::new(),
    };
    loop {
        let both = [Some(init.owner.as_fd()), Some(signals.as_fd())];
        let [ordered, ended] = readable(both, None)?;
        if ended {
            while signals.next().is_some() {}
            init.bury();
        }
        if ordered {
            match words::receive(&init.owner, None)? {
                Some(letter) => init.obey(letter)?,
                None => return Ok(()),
            }
        }
    }
}

struct Init {
    owner: OwnedFd,
    /// Who is told how each of these ends.
    started: HashMap<i32, File>,
}

impl Init {
    fn bury(&mut self) {
        while let Some((pid, end)) = reap() {
            if let Some(mut told) = self.started.remove(&pid.as_raw_nonzero().get()) {
                // If nobody listens, nobody wanted to know.
                let _unheard = told.write_all(end.to_string().as_bytes());
            }
        }
    }

    fn obey(&mut self, letter: Letter) -> io::Result<()> {
        let Letter { words, descriptors } = letter;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let answer = match words.as_slice() {
            [order::START, line @ ..] => self.start(line, descriptors).map(said),
            [order::KILL, name] => kill_all(name).map(said),
            [order::READ, path] => fs::read_to_string(path).map(said),
            [order::CONNECT, path] => UnixStream::connect(path).map(|stream| {
                let passed = OwnedFd::from(stream);
                (String::new(), Some(passed))
            }),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        };
        match answer {
            Ok((text, passed)) => {
                let passed: Vec<_> = passed.iter().map(|passed| passed.as_fd()).collect();
                words::send(&self.owner, &[YES, &text], &passed)
            }
            Err(error) => words::send(&self.owner, &[NO, &error.to_string()], &[]),
        }
    }

    fn start(&mut self, line: &[&str], descriptors: Vec<OwnedFd>) -> io::Result<u32> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidInput);
        let (program, arguments) = line.split_first().ok_or_else(wrong)?;
        let [output, told] = <[OwnedFd; 2]>::try_from(descriptors).map_err(|_| wrong())?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            // Neither the keys nor the proxies of whoever runs this are any business of a node.
            .env_clear()
            .env("PATH", SEARCH)
            .env("HOME", "/tmp")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        isolate(&mut command, None);
        let child = command.spawn()?;
        let number = i32::try_from(child.id()).map_err(io::Error::other)?;
        self.started.insert(number, told.into());
        Ok(child.id())
    }
}

fn said(what: impl ToString) -> (String, Option<OwnedFd>) {
    (what.to_string(), None)
}

/// The youngest first, so that no child sees its parent die before it is hit itself.
fn kill_all(name: &str) -> io::Result<usize> {
    let numbers = fs::read_dir("/proc")?;
    let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let named = |number: &i32| {
        fs::read_to_string(format!("/proc/{number}/comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    let mut found: Vec<i32> = numbers.filter(named).collect();
    found.sort_unstable();
    for pid in found
        .iter()
        .rev()
        .filter_map(|number| Pid::from_raw(*number))
    {
        signal_pid(pid, Signal::KILL)?;
    }
    Ok(found.len())
}
