//! A Debian with systemd as its first process: a copy of a clean root, in a container on the test's network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    time::Duration,
};

use pontoon_lab::{program::Program, temp::TempDir, wait};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Failure, Outcome};

/// How long a boot, or an installation, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the clean root has besides the smallest Debian: the two programs that are to be replaced.
const INSTALLED: &str = "systemd,systemd-sysv,dbus,iproute2,procps,adduser,haproxy,keepalived";

/// Runs the words behind it in a control group of its own, whatever hierarchies there are: two systemds in one would
/// take it from each other.
const OWN_CGROUP: &str = "for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do \
    [ ! -e $top/cgroup.procs ] || { mkdir -p $top/$0 && echo $$ >$top/$0/cgroup.procs; }; done; exec \"$@\"";
/// Removes it, once nobody is in it any more.
const NO_CGROUP: &str =
    "find /sys/fs/cgroup -depth -type d -path \"*/$0*\" -exec rmdir {} + 2>/dev/null";

/// A running machine; it is switched off with its owner.
pub(super) struct Machine {
    namespace: String,
    root: TempDir,
    container: Program,
    /// The machine's first process, as the others outside see it.
    first: Pid,
}

impl Machine {
    /// Switches it on in this network namespace, after `prepare` has put files into its root.
    pub(super) fn boot(
        namespace: &str,
        prepare: impl FnOnce(&Path) -> Outcome,
    ) -> Result<Self, Failure> {
        let root = TempDir::new("debian")?;
        done(
            Command::new("cp")
                .arg("-a")
                .arg(clean()?.join("."))
                .arg(root.path()),
        )?;
        prepare(root.path())?;
        let mut command = Command::new("sh");
        command.args(["-c", OWN_CGROUP, namespace, "systemd-nspawn"]);
        command.args(["--quiet", "--boot", "--register=no", "--keep-unit"]);
        command.args(["--console=read-only", "--resolv-conf=off", "--timezone=off"]);
        command.args(["--link-journal=no", "--capability=all"]);
        // What a machine of its own has.
        command.arg(
            "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        );
        command.arg(format!("--machine={namespace}"));
        command.arg(format!("--network-namespace-path=/run/netns/{namespace}"));
        command.arg("--directory").arg(root.path());
        let container = Program::start(&mut command)?;
        let number = container.pid();
        let first = wait::until("the machine's first process", PATIENCE, || {
            let path = format!("/proc/{number}/task/{number}/children");
            let child = fs::read_to_string(path).ok()?;
            let child = child.split_whitespace().next()?.to_owned();
            // Before that it is still the container's own program.
            let comm = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
            (comm.trim_end() == "systemd").then(|| Pid::from_raw(child.parse().ok()?))?
        })?;
        let machine = Self {
            namespace: namespace.to_owned(),
            root,
            container,
            first,
        };
        let booted = wait::until("the machine to boot", PATIENCE, || {
            machine.run("systemctl is-active multi-user.target").ok()
        });
        booted.map_err(|problem| machine.complain(&problem.to_string()))?;
        Ok(machine)
    }

    /// Runs a line of a shell in it; returns what it writes.
    pub(super) fn run(&self, line: &str) -> Result<String, Failure> {
        let mut command = Command::new("nsenter");
        command
            .arg("--target")
            .arg(self.first.as_raw_nonzero().to_string());
        command.args([
            "--mount", "--uts", "--ipc", "--pid", "--net", "--cgroup", "--",
        ]);
        command.args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]);
        command.args([
            "DEBIAN_FRONTEND=noninteractive",
            "LC_ALL=C.UTF-8",
            "HOME=/root",
        ]);
        done(command.args(["sh", "-c", line]))
    }

    /// Waits until a line succeeds.
    pub(super) fn until(&self, what: &str, line: &str) -> Result<String, Failure> {
        let found = wait::until(what, PATIENCE, || self.run(line).ok());
        found.map_err(|problem| self.complain(&problem.to_string()))
    }

    /// Runs a line that takes its time, and must succeed.
    pub(super) fn must(&self, line: &str) -> Result<String, Failure> {
        self.run(line)
            .map_err(|problem| self.complain(&problem.to_string()))
    }

    /// Its root, from outside.
    pub(super) fn root(&self) -> &Path {
        self.root.path()
    }

    /// All that can be known of what went wrong.
    fn complain(&self, problem: &str) -> Failure {
        let journal = self.run("journalctl --no-pager --lines 80 || true");
        let journal = journal.unwrap_or_else(|failure| failure.to_string());
        let console = self.container.output().join("\n");
        Failure::from(format!(
            "{problem}\n-- journal:\n{journal}\n-- console:\n{console}"
        ))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Everything in it ends with its first process. It may have ended by itself.
        let _gone = kill_process(self.first, Signal::KILL);
        let _ended = self.container.wait(PATIENCE);
        // What is left of it is empty, and in nobody's way.
        let _left = Command::new("sh")
            .args(["-c", NO_CGROUP, &self.namespace])
            .status();
    }
}

/// A line of ours that must succeed; returns what it writes.
fn done(command: &mut Command) -> Result<String, Failure> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Failure::from(format!(
        "{command:?}: {}\n{said}{complaint}",
        output.status
    )))
}

/// The clean root, made once.
fn clean() -> Result<PathBuf, Failure> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING
        .lock()
        .map_err(|_| "somebody else could not make it")?;
    let root = std::path::absolute("target/debian-12")?;
    if root.exists() {
        return Ok(root);
    }
    let half = root.with_extension("half");
    if half.exists() {
        fs::remove_dir_all(&half)?;
    }
    let mut command = Command::new("debootstrap");
    command.args([
        "--variant=minbase",
        &format!("--include={INSTALLED}"),
        "bookworm",
    ]);
    done(command.arg(&half))?;
    fs::rename(&half, &root)?;
    Ok(root)
}
