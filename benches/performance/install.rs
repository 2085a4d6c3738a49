//! Gets the peers: from Debian as root, from PyPI into a folder below `target`.

use std::{path::Path, process::Command};

use pontoon_lab::needs;

use crate::contender::{Contender, OwnBuilds, PEERS};

/// What Debian has: a program of it, and the packages that bring it.
const DEBIAN: [(&str, &[&str]); 3] = [
    ("haproxy", &["haproxy"]),
    ("nginx", &["nginx", "libnginx-mod-stream"]),
    ("pgbench", &["postgresql", "postgresql-contrib"]),
];
const REQUIREMENTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/performance/requirements.txt"
);

/// Installs what is missing.
///
/// # Errors
/// apt or pip fails, or apt is needed by somebody who is not root.
pub(crate) fn peers() -> Result<(), String> {
    let missing = |(program, _): &&(&str, &[&str])| needs::find(program).is_none();
    let mut packages: Vec<_> = DEBIAN
        .iter()
        .filter(missing)
        .flat_map(|(_, packages)| *packages)
        .collect();
    if Contender::Nginx.program(&OwnBuilds::default()).is_err() && packages.is_empty() {
        packages.push(&"libnginx-mod-stream");
    }
    if !packages.is_empty() {
        run(Command::new("apt-get").args(["update", "-qq"]))?;
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt.args(["install", "-y", "-qq", "--no-install-recommends"]);
        run(apt.args(packages))?;
    }
    let from_python = [Contender::Envoy, Contender::Traefik, Contender::Haproxy28];
    if from_python
        .iter()
        .all(|one| one.program(&OwnBuilds::default()).is_ok())
    {
        return Ok(());
    }
    run(Command::new("python3").args(["-m", "venv", PEERS]))?;
    let mut pip = Command::new(Path::new(PEERS).join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
    run(pip.arg(REQUIREMENTS))
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
