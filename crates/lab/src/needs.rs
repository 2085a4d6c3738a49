//! What a test needs that a machine may lack, and how to say so.

use std::{
    env,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// How to get what `tests/requirements.txt` lists.
const PYTHON_PEERS: &str = "python3 -m venv target/peers && \
    target/peers/bin/pip install -r tests/requirements.txt";

/// Somebody without rights.
const NOBODY: u32 = 65_534;

/// Something that not every machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A program on the `PATH`, in `/usr/sbin` or in the directories Debian keeps it in.
    Program(&'static str),
    /// A program or other file that is not looked for.
    File(&'static str),
    /// A program that comes with a Python package (`tests/requirements.txt`).
    PythonProgram(&'static str),
    /// A Python that can import this module (`tests/requirements.txt`).
    PythonModule(&'static str),
    /// Our program built with this profile.
    Build(&'static str),
    /// A user of the system.
    User(&'static str),
    /// To be root.
    Root,
    /// To make network namespaces.
    Namespaces,
    /// Network namespaces for those who are not root (asked as one of them, by root).
    UserNamespaces,
    /// To make hosts: with processes, mounts, overlays and a name of their own.
    Hosts,
    /// So many open files (`RLIMIT_NOFILE`, hard).
    OpenFiles(u64),
    /// Core files that the kernel leaves in the folder of their process.
    CoreFiles,
    /// A congestion control that the kernel has, and that only root may choose.
    ForbiddenCongestionControl,
}

impl Need {
    /// Why this machine cannot, or `None` if it can.
    #[must_use]
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Program(name) => find(name)
                .is_none()
                .then(|| format!("the program {name} is not installed")),
            Self::File(path) => (!Path::new(path).is_file()).then(|| format!("there is no {path}")),
            Self::PythonProgram(name) => find(name)
                .is_none()
                .then(|| format!("the program {name} is not installed: {PYTHON_PEERS}")),
            Self::PythonModule(name) => python_with(name)
                .is_none()
                .then(|| format!("no python3 can import {name}: {PYTHON_PEERS}")),
            Self::Build(profile) => (!Self::built(profile).is_file())
                .then(|| format!("not built: cargo build --profile {profile} --bin pontoon")),
            Self::User(name) => (!has_user(name)).then(|| format!("there is no user {name}")),
            Self::Root => (!rustix::process::geteuid().is_root()).then(|| "not root".into()),
            Self::Namespaces => refused("network namespaces are", &["--net", "true"]),
            Self::UserNamespaces => user_namespaces_refused(),
            Self::Hosts => hosts_refused(),
            Self::OpenFiles(wanted) => too_few_files(wanted),
            Self::CoreFiles => core_files_elsewhere(),
            Self::ForbiddenCongestionControl => forbidden_congestion_control()
                .is_none()
                .then(|| "every user may choose every congestion control".into()),
        }
    }

    /// Where [`Need::Build`] looks.
    #[must_use]
    pub fn built(profile: &str) -> PathBuf {
        Path::new("target").join(profile).join("pontoon")
    }
}

fn core_files_elsewhere() -> Option<String> {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let elsewhere =
        pattern.trim().is_empty() || pattern.starts_with(['|', '@']) || pattern.contains('/');
    let limited = rustix::process::getrlimit(rustix::process::Resource::Core).maximum == Some(0);
    (elsewhere || limited).then(|| "core files are not left where processes work".into())
}

/// Whether a missing peer is a failure (`PONTOON_REQUIRE_PEERS=1`).
#[must_use]
pub fn required() -> bool {
    env::var("PONTOON_REQUIRE_PEERS").is_ok_and(|value| value == "1")
}

/// Whether the long forms were asked for (`PONTOON_FULL=1`).
#[must_use]
pub fn full() -> bool {
    env::var("PONTOON_FULL").is_ok_and(|value| value == "1")
}

/// Where a program is.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    folders()
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A Python that can import a module.
#[must_use]
pub fn python_with(module: &str) -> Option<PathBuf> {
    let imports = |python: &PathBuf| {
        let mut command = Command::new(python);
        command.args(["-c", &format!("import {module}")]);
        command.env("EXASOL_TELEMETRY_DISABLE", "1");
        command.output().is_ok_and(|output| output.status.success())
    };
    folders()
        .map(|folder| folder.join("python3"))
        .filter(|file| file.is_file())
        .find(imports)
}

/// Where programs lie: the folder of the Python peers, the `PATH`, and what it may lack.
fn folders() -> impl Iterator<Item = PathBuf> {
    let peers = std::path::absolute("target/peers/bin").ok();
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<_> = env::split_paths(&path).collect();
    let usual = ["/usr/sbin", "/sbin", "/usr/lib/postgresql/15/bin"].map(PathBuf::from);
    peers.into_iter().chain(path).chain(usual)
}

/// A congestion control that the kernel has, and that only root may choose.
#[must_use]
pub fn forbidden_congestion_control() -> Option<String> {
    let list = |which: &str| {
        let file = format!("/proc/sys/net/ipv4/tcp_{which}_congestion_control");
        std::fs::read_to_string(file).unwrap_or_default()
    };
    let allowed = list("allowed");
    let forbidden = |name: &&str| !allowed.split_whitespace().any(|other| other == *name);
    let available = list("available");
    available
        .split_whitespace()
        .find(forbidden)
        .map(str::to_owned)
}

fn has_user(name: &str) -> bool {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    users
        .lines()
        .any(|line| line.split(':').next() == Some(name))
}

fn hosts_refused() -> Option<String> {
    const OVERLAY: &str = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work && \
        mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work overlay /etc";
    if let Some(tool) = ["bash", "nft", "nsenter"]
        .into_iter()
        .find(|tool| find(tool).is_none())
    {
        return Some(format!("the program {tool} is not installed"));
    }
    let all = [
        "--net", "--mount", "--pid", "--uts", "--fork", "sh", "-c", OVERLAY,
    ];
    refused("namespaces with files of their own are", &all)
}

fn refused(what: &str, arguments: &[&str]) -> Option<String> {
    if find("ip").is_none() {
        return Some("the program ip (iproute2) is not installed".into());
    }
    shown(what, Command::new("unshare").args(arguments))
}

fn user_namespaces_refused() -> Option<String> {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net", "true"]);
    shown("user namespaces are", command.uid(NOBODY).gid(NOBODY))
}

fn shown(what: &str, command: &mut Command) -> Option<String> {
    match command.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!(
            "{what} refused: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Some(format!("the program unshare cannot run: {error}")),
    }
}

fn too_few_files(wanted: u64) -> Option<String> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    limit
        .filter(|limit| *limit < wanted)
        .map(|limit| format!("only {limit} open files are allowed, {wanted} are needed"))
}
