//! A host: its own network, processes, files and name, on a [`Network`](crate::netns::Network).
//!
//! Two hosts use the same paths, pid files and process names on one machine without seeing each
//! other: `/etc`, `/opt`, `/usr/libexec`, `/usr/sbin`, `/var/lib` and `/var/log` are the machine's
//! with what the host writes laid over them; `/run`, `/tmp` and `/dev` are its own. The first
//! process of a host ends when its owner does, even by `SIGKILL`, and takes all others with it.

mod inmate;

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

pub use self::inmate::Inmate;
use crate::{
    netns,
    problem::{Problem, Result, Trying},
    wait,
};

const BOOT: &str = include_str!("host/boot.sh");
/// Where programs are looked for inside.
const SEARCH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const BOOT_PATIENCE: Duration = Duration::from_secs(10);

/// A running host.
#[derive(Debug)]
pub struct Host {
    namespace: String,
    /// `unshare`, the parent of the first process.
    shell: Child,
    init: u32,
}

/// A program of this machine, to be found elsewhere inside: ours as `/usr/sbin/keepalived`.
#[derive(Debug, Clone, Copy)]
pub struct Installed<'a> {
    /// Where it is outside.
    pub program: &'a Path,
    /// Where it is inside.
    pub at: &'a str,
}

impl Host {
    /// Boots one in a network namespace made by [`Network::host`](crate::netns::Network::host).
    ///
    /// # Errors
    /// The namespaces or mounts are refused; the error shows what was said.
    pub fn boot(namespace: &str, installed: &[Installed<'_>]) -> Result<Self> {
        let mut command = netns::command(namespace, "unshare");
        command.args(["--mount", "--pid", "--uts", "--fork", "--kill-child"]);
        command.args(["bash", "-c", BOOT, "boot", namespace]);
        for Installed { program, at } in installed {
            command.arg(format!("{}={at}", program.display()));
        }
        let mut shell = command
            .env("PATH", SEARCH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .trying("start a host")?;
        if let Err(problem) = await_ready(&mut shell) {
            let _gone = shell.kill();
            let _reaped = shell.wait();
            return Err(problem);
        }
        let init = inmate::child_of(shell.id())
            .ok_or_else(|| Problem::Unexpected("a host without a first process".into()))?;
        Ok(Self {
            namespace: namespace.into(),
            shell,
            init,
        })
    }

    /// Its network namespace, for [`netns::inside`].
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A command that runs inside.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        let target = format!("--target={}", self.init);
        command.args([target.as_str(), "--mount", "--uts", "--net", "--pid", "--"]);
        command.arg(program).env("PATH", SEARCH).current_dir("/");
        command
    }

    /// Runs something to its end and returns what it wrote to its output.
    ///
    /// # Errors
    /// It cannot be started, or fails; the error shows what it said.
    pub fn run(&self, line: &[&str]) -> Result<String> {
        let what = line.join(" ");
        let (program, arguments) = line
            .split_first()
            .ok_or_else(|| Problem::Unexpected("nothing to run".into()))?;
        let output = self.command(program).args(arguments).output();
        let output = output.trying(&what)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        Err(Problem::Unexpected(format!(
            "{what}: {status}: {}",
            said.trim()
        )))
    }

    /// Starts something that runs until it ends or its owner lets go.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, line: &[&str]) -> Result<Inmate> {
        let (program, arguments) = line
            .split_first()
            .ok_or_else(|| Problem::Unexpected("nothing to start".into()))?;
        Inmate::start(self.command(program).args(arguments))
    }

    /// A path of the host, as this process can open it.
    #[must_use]
    pub fn path(&self, inside: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{inside}", self.init))
    }

    /// Writes a file, with its directories.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, inside: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let path = self.path(inside);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).trying(format!("make {}", folder.display()))?;
        }
        fs::write(&path, content).trying(format!("write {}", path.display()))
    }

    /// Writes a program that only root may run, as the how-to's `chmod 700` does.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_script(&self, inside: &str, content: impl AsRef<[u8]>) -> Result<()> {
        self.write(inside, content)?;
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(0o700))
            .trying(format!("make {inside} executable"))
    }

    /// What a file holds; empty if there is none.
    #[must_use]
    pub fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn has(&self, inside: &str) -> bool {
        self.path(inside).exists()
    }

    /// The addresses of `eth0` as `10.0.1.100/32`, in the kernel's order.
    ///
    /// # Errors
    /// `ip` refuses.
    pub fn addresses(&self) -> Result<Vec<String>> {
        netns::addresses(&self.namespace, "eth0")
    }

    /// Whether this address is one of the host's.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        // Read from the kernel's tables: waiting for an address must not keep a processor busy.
        match address {
            IpAddr::V4(address) => {
                let table = self.table("fib_trie");
                let entry = format!("|-- {address}\n");
                let mut places = table.split(&entry).skip(1);
                places.any(|after| {
                    after
                        .lines()
                        .next()
                        .is_some_and(|line| line.contains("LOCAL"))
                })
            }
            IpAddr::V6(address) => {
                let digits = format!("{:032x}", address.to_bits());
                let table = self.table("if_inet6");
                table.lines().any(|line| line.starts_with(&digits))
            }
        }
    }

    fn table(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/net/{name}", self.init)).unwrap_or_default()
    }

    /// The processes of this name (`comm`), by their numbers outside.
    #[must_use]
    pub fn processes(&self, name: &str) -> Vec<u32> {
        let named = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
        };
        self.everyone().into_iter().filter(named).collect()
    }

    /// Sends a signal to all processes of this name, the youngest first, so that no child sees its
    /// parent die before it is hit itself; says how many there were.
    ///
    /// # Errors
    /// It is refused.
    pub fn signal_all(&self, name: &str, signal: Signal) -> Result<usize> {
        let mut found = self.processes(name);
        found.sort_unstable();
        for pid in found.iter().rev() {
            signal_one(*pid, signal)?;
        }
        Ok(found.len())
    }

    /// Stops all processes where they are; its kernel still answers.
    pub fn pause(&self) {
        self.signal_everyone(Signal::STOP);
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.signal_everyone(Signal::CONT);
    }

    /// Ends all its processes at once, as a power cut does. Its kernel lives on in the namespace:
    /// cut its cable first ([`Network::silence`](crate::netns::Network::silence)).
    pub fn power_off(&mut self) {
        // Gone already: nothing left to end.
        let _gone = signal_one(self.init, Signal::KILL);
        let _reaped = self.shell.wait();
    }

    fn signal_everyone(&self, signal: Signal) {
        for pid in self.everyone() {
            // It may have ended meanwhile.
            let _gone = signal_one(pid, signal);
        }
    }

    /// All processes inside but the first.
    fn everyone(&self) -> Vec<u32> {
        let space = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
        let Some(ours) = space(self.init) else {
            return Vec::new();
        };
        let numbers = fs::read_dir("/proc").into_iter().flatten();
        let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers
            .filter(|pid| *pid != self.init && space(*pid).as_ref() == Some(&ours))
            .collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.power_off();
    }
}

fn await_ready(shell: &mut Child) -> Result<()> {
    let output = shell.stdout.take();
    let output = output.ok_or_else(|| Problem::Unexpected("a host without output".into()))?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(|line| line.ok()) {
            // Nobody listens any more once it is ready.
            let _unheard = sender.send(line);
        }
    });
    if lines
        .recv_timeout(BOOT_PATIENCE)
        .is_ok_and(|line| line == "ready")
    {
        return Ok(());
    }
    let _gone = shell.kill();
    let said = shell.stderr.take().map(std::io::read_to_string);
    let said = said.and_then(|said| said.ok()).unwrap_or_default();
    Err(Problem::Unexpected(format!(
        "a host does not boot: {}",
        said.trim()
    )))
}

fn signal_one(pid: u32, signal: Signal) -> Result<()> {
    kill_process(number(pid)?, signal).trying("send a signal")?;
    if signal == Signal::CONT {
        wake_waiting(pid);
    }
    Ok(())
}

/// `nsenter` stops itself when its child is stopped, and would not wake up with it.
fn wake_waiting(child: u32) {
    let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    let Some(parent) = parent.and_then(|parent| parent.trim().parse::<u32>().ok()) else {
        return;
    };
    let name = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap_or_default();
    if let Ok(parent) = number(parent)
        && name.trim() == "nsenter"
    {
        // It ends as soon as its child does.
        let _gone = kill_process(parent, Signal::CONT);
    }
}

fn number(pid: u32) -> Result<Pid> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| Problem::Unexpected("a process without a number".into()))
}

/// Waits until a file inside holds something that satisfies.
///
/// # Errors
/// It never does; the error shows what it holds.
pub fn wait_for_file(host: &Host, inside: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
    let found = wait::until(inside, wait::PATIENCE, || {
        let text = host.read(inside);
        wanted(&text).then_some(text)
    });
    found.map_err(|problem| {
        Problem::Unexpected(format!("{problem}; it holds:\n{}", host.read(inside)))
    })
}
