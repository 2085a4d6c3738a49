//! A process with one thread that is forked off before there are others, and forks the first
//! process of every machine: nothing else may be done between a fork and an exec in a process with
//! threads.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    sync::Mutex,
    time::Duration,
};

use pontoon_sys::{
    namespace::{self, Network, Space},
    packet,
    process::{
        background::{Side, fork, new_session},
        child::reap,
        identity::set_name,
    },
};

use super::{
    init,
    root::{self, Written},
    words::{self, Letter, NO, YES},
};
use crate::problem::{Problem, Result, Trying};

/// How long a machine may take to boot.
const PATIENCE: Duration = Duration::from_secs(20);
/// The one order.
const BOOT: &str = "boot";

/// Our end of the socket to it; it ends when that is closed.
#[derive(Debug)]
pub(super) struct Nursery(Mutex<OwnedFd>);

/// What a machine is made of.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) name: &'a str,
    pub(super) program: &'a Path,
    pub(super) written: &'a [Written<'a>],
}

/// A machine that has booted.
#[derive(Debug)]
pub(super) struct Born {
    /// For orders to its first process, which ends when this is closed.
    pub(super) control: OwnedFd,
    /// Ends when the last of its processes has.
    pub(super) life: OwnedFd,
}

impl Nursery {
    /// Forks it off. The process must have one thread.
    pub(super) fn open() -> io::Result<Self> {
        let (near, far) = packet::pair()?;
        match fork().map_err(io::Error::other)? {
            Side::Parent { child: _ } => Ok(Self(Mutex::new(near))),
            Side::Child => {
                drop(near);
                let served = serve(&far);
                std::process::exit(i32::from(served.is_err()));
            }
        }
    }

    /// Boots a machine in a network namespace.
    pub(super) fn boot(&self, plan: &Plan<'_>, network: &Network) -> Result<Born> {
        let what = format!("boot {}", plan.name);
        let (control, far) = packet::pair().trying(&what)?;
        let (life, held) = io::pipe().trying(&what)?;
        let program = plan.program.to_string_lossy();
        let mut order = vec![BOOT, plan.name, &program];
        order.extend(
            plan.written
                .iter()
                .flat_map(|file| [file.path, file.content]),
        );
        {
            let socket = self
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let passed = [far.as_fd(), held.as_fd(), network.as_fd()];
            words::send(&*socket, &order, &passed).trying(&what)?;
        }
        drop((far, held));
        match words::receive(&control, Some(PATIENCE)).trying(&what)? {
            Some(letter) if letter.words == [YES] => Ok(Born {
                control,
                life: life.into(),
            }),
            Some(letter) => Err(Problem::Unexpected(letter.words[1..].join(" "))),
            None => Err(Problem::Unexpected(format!("{what}: it died at once"))),
        }
    }
}

/// Forks for each order until the owner is gone.
fn serve(owner: &OwnedFd) -> io::Result<()> {
    // Keys at the terminal are for the owner.
    new_session()?;
    set_name("pontoon-site")?;
    while let Some(letter) = words::receive(owner, None)? {
        while reap().is_some() {}
        if let Side::Child = fork().map_err(io::Error::other)? {
            let done = midwife(letter);
            std::process::exit(i32::from(done.is_err()));
        }
    }
    Ok(())
}

/// Makes the namespaces of a machine, forks its first process, and stays until that has ended:
/// then the kernel has ended all others. The owner sees it by the pipe that ends with it.
fn midwife(letter: Letter) -> io::Result<()> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidInput);
    let Letter { words, descriptors } = letter;
    let [control, life, network] = <[OwnedFd; 3]>::try_from(descriptors).map_err(|_| wrong())?;
    let separated = separate(network.into());
    if let Err(problem) = separated {
        return words::send(&control, &[NO, &problem.to_string()], &[]);
    }
    match fork().map_err(io::Error::other)? {
        Side::Child => {
            drop(life);
            first_process(control, &words)
        }
        Side::Parent { child } => {
            drop(control);
            let waited =
                rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty());
            drop(life);
            waited.map(drop).map_err(Into::into)
        }
    }
}

fn separate(network: Network) -> Result<()> {
    network.enter().trying("enter its network namespace")?;
    let spaces = [
        (Space::Mount, "mount"),
        (Space::Ipc, "IPC"),
        (Space::Name, "host name"),
        (Space::Process, "process"),
    ];
    for (space, name) in spaces {
        namespace::leave(space).trying(format!("make a {name} namespace"))?;
    }
    Ok(())
}

fn first_process(control: OwnedFd, words: &[String]) -> io::Result<()> {
    let built = match words {
        [order, name, program, files @ ..] if order == BOOT => build(name, program, files),
        _ => Err(Problem::Unexpected("an order that nobody gives".into())),
    };
    match built {
        Ok(()) => {
            words::send(&control, &[YES], &[])?;
            init::serve(control)
        }
        Err(problem) => words::send(&control, &[NO, &problem.to_string()], &[]),
    }
}

fn build(name: &str, program: &str, files: &[String]) -> Result<()> {
    let pairs = files.chunks_exact(2);
    let written: Vec<_> = pairs
        .map(|pair| Written {
            path: &pair[0],
            content: &pair[1],
        })
        .collect();
    root::furnish(Path::new(program), name, &written)?;
    namespace::set_host_name(name).trying("name the machine")
}
