//! Where and on what something was measured.

use std::{fs, process::Command};

use serde::{Deserialize, Serialize};

/// The machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Its processor's name.
    pub(crate) processor: String,
    /// How many.
    pub(crate) processors: usize,
    /// Memory in bytes.
    pub(crate) memory: u64,
    /// The kernel's release.
    pub(crate) kernel: String,
    /// Settings of the kernel that matter to TCP: name and value.
    pub(crate) settings: Vec<(String, String)>,
}

const SETTINGS: [&str; 8] = [
    "net/ipv4/tcp_rmem",
    "net/ipv4/tcp_wmem",
    "net/ipv4/tcp_max_tw_buckets",
    "net/ipv4/tcp_no_metrics_save",
    "net/ipv4/tcp_tw_reuse",
    "net/core/somaxconn",
    "fs/pipe-max-size",
    "fs/pipe-user-pages-soft",
];

impl Machine {
    /// This one.
    pub(crate) fn here() -> Self {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let mut lines = text.lines();
            let line = lines.find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let read = |name: &str| {
            let value = fs::read_to_string(format!("/proc/sys/{name}")).unwrap_or_default();
            value.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let kilobytes = memory.split(' ').next().and_then(|it| it.parse().ok());
        Self {
            processor: field("/proc/cpuinfo", "model name"),
            processors: pontoon_lab::processor::online().unwrap_or(0),
            memory: kilobytes.unwrap_or(0_u64) << 10,
            // Without what its builder calls it.
            kernel: read("kernel/osrelease")
                .split('-')
                .next()
                .unwrap_or_default()
                .to_owned(),
            settings: SETTINGS
                .map(|name| (name.replace('/', "."), read(name)))
                .to_vec(),
        }
    }
}

/// The commit that is checked out, with a `+` if something was changed since; empty without git.
pub(crate) fn commit() -> String {
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        let output = command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(words)
            .output();
        let output = output.ok().filter(|output| output.status.success());
        output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return String::new();
    };
    let changed = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "src",
        "crates",
        "benches/performance",
        "Cargo.toml",
        "Cargo.lock",
    ]);
    let mark = if changed.is_some_and(|it| !it.is_empty()) {
        "+"
    } else {
        ""
    };
    format!("{commit}{mark}")
}
