//! What a running node tells whoever asks at its socket: one request a line, one answer a line,
//! both JSON.

use std::{collections::BTreeMap, env, fmt, net::IpAddr, path::PathBuf};

use pontoon_config::source::SourceFile;
use pontoon_sys::process::privilege::is_root;
use serde::{Deserialize, Serialize};

use super::message::Servers;

/// Names another socket than the usual one.
pub const SOCKET: &str = "PONTOON_SOCKET";
/// The name of a node that was given none.
pub const NODE: &str = "node";
/// The name under which the parent of a drop-in `keepalived` is found.
pub const KEEPALIVED: &str = "keepalived";

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Request {
    /// How are you?
    Status,
    /// How is the election? Answered as [`Request::Status`], without what only the proxy knows.
    Election,
    /// Bring a floating IP here, whatever was left to somebody else.
    Associate {
        /// Which; `None`: all of the file.
        address: Option<IpAddr>,
    },
    /// Read the files again and run on them.
    Reload,
    /// On which files do you run?
    Files,
    /// Hand mastership to a peer, take it back, or tell whether it could be handed over.
    Switchover {
        /// What is to move.
        whose: Whose,
        /// What is to be done.
        wish: Wish,
    },
}

/// What a switchover moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Whatever this node is master of; or, to be taken back, whatever it has handed over.
    All,
    /// This `vrrp_instance`, and its group.
    Instance(String),
    /// This `vrrp_sync_group`.
    Group(String),
}

/// What is to be done about mastership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// To know whether a peer is ready to take over.
    Ask,
    /// To hand it over.
    HandOver {
        /// Whether a peer is ready or not.
        force: bool,
    },
    /// To have it here again.
    TakeBack,
}

/// Who is to be master of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heir {
    /// The instance.
    pub instance: String,
    /// The peer that has said that it is ready; `None`: nobody was asked.
    pub peer: Option<IpAddr>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Status`].
    Status(NodeStatus),
    /// To [`Request::Associate`]: these are on their way; the status tells how it goes on.
    Associating(Vec<IpAddr>),
    /// To [`Request::Reload`]: done.
    Reloaded(Reloaded),
    /// To [`Request::Files`].
    Files(AppliedFiles),
    /// To [`Request::Switchover`]: this is ready, or under way; the status tells how it goes on.
    Switchover(Vec<Heir>),
    /// It is not done; this is why.
    Refused(String),
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The version of the program.
    pub version: String,
    /// The supervisor.
    pub pid: u32,
    /// Seconds since it was started.
    pub running_for: f64,
    /// A stop was asked for.
    pub stopping: bool,
    /// Its proxy; `None`: none of its files is a `haproxy.cfg`.
    pub proxy: Option<ProcessStatus>,
    /// A reload is under way.
    #[serde(default)]
    pub reloading: bool,
    /// How many reloads have succeeded.
    #[serde(default)]
    pub reloads: u32,
    /// Why the last one has failed, if it has.
    #[serde(default)]
    pub failed_reload: Option<String>,
    /// Earlier proxies, whose last sessions still run.
    #[serde(default)]
    pub leaving: Vec<LeavingStatus>,
    /// What the proxy knows of its servers; `None`: there is no proxy, or it does not answer.
    pub servers: Option<Servers>,
    /// Its election; `None`: none of its files is a `keepalived.conf`.
    pub election: Option<ProcessStatus>,
    /// `election::status::Status`; `None`: there is no election, or it does not answer.
    pub vrrp: Option<serde_json::Value>,
}

/// One of the processes that a supervisor watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// What it is about.
    pub state: ProcessState,
    /// Its number, while it lives.
    pub pid: Option<u32>,
    /// Seconds since it is ready.
    pub up_for: Option<f64>,
    /// How often it was started again.
    pub restarts: u32,
    /// How it ended last: `was ended by SIGKILL`.
    pub last_end: Option<String>,
}

/// A proxy that a reload has replaced, and that has sessions left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeavingStatus {
    /// Its number.
    pub pid: u32,
    /// Seconds since then.
    pub leaving_for: f64,
}

/// The files that a node runs on, as they were when it read them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedFiles {
    /// What the command line names, as absolute paths: a reload reads these.
    pub names: Vec<PathBuf>,
    /// Where relative names begin.
    pub directory: PathBuf,
    /// Each `haproxy.cfg`.
    pub proxy: Vec<AppliedFile>,
    /// The `keepalived.conf`, and what it includes.
    pub election: Vec<AppliedFile>,
    /// The node's environment, which its files may refer to. Whoever may ask could read it in
    /// `/proc` as well.
    pub environment: BTreeMap<String, String>,
    /// The process of the proxy, if it runs.
    pub proxy_pid: Option<u32>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedFile {
    /// By this name it was read.
    pub name: String,
    /// What it said.
    pub text: String,
}

impl From<SourceFile> for AppliedFile {
    fn from(file: SourceFile) -> Self {
        Self {
            name: file.name,
            text: file.text,
        }
    }
}

/// What a reload has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Seconds it has taken.
    pub took: f64,
    /// The new proxy; `None`: the node has none.
    pub proxy: Option<u32>,
    /// The election runs on its new file.
    pub election: bool,
    /// Proxies before it that have not ended yet.
    pub leaving: Vec<u32>,
    /// What is worth a word about the files, as `pontoon check` shows it.
    pub findings: String,
}

impl fmt::Display for Reloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pid) = self.proxy {
            write!(f, "the proxy is process {pid} now, ")?;
        }
        if self.election {
            f.write_str("the election has read its file, ")?;
        }
        write!(f, "it took {:.0} ms", self.took * 1e3)?;
        if self.leaving.is_empty() {
            return Ok(());
        }
        let leaving: Vec<_> = self.leaving.iter().map(u32::to_string).collect();
        write!(f, "; leaving: {}", leaving.join(", "))
    }
}

/// What a process is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// Started, and not ready yet.
    Starting,
    /// At work.
    Up,
    /// Ended, and waits to be started again.
    Waiting,
    /// Ended for good: the node stops.
    Ended,
}

/// Where the node of this name is asked, unless [`SOCKET`] says otherwise: in `/run/pontoon`, or,
/// without root, in `pontoon` under `$XDG_RUNTIME_DIR`. `None` if there is no such directory.
#[must_use]
pub fn socket(name: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(SOCKET) {
        return Some(path.into());
    }
    let run = if is_root() {
        PathBuf::from("/run")
    } else {
        env::var_os("XDG_RUNTIME_DIR")?.into()
    };
    Some(run.join("pontoon").join(format!("{name}.sock")))
}
