//! What the processes of a machine see of files: those of this computer, with `/dev`, `/etc`,
//! `/proc`, `/run`, `/tmp` and `/var/lib` of its own laid over them.

use std::{
    fs, io,
    os::{
        fd::AsRawFd as _,
        unix::fs::{PermissionsExt as _, symlink},
    },
    path::Path,
};

use pontoon_sys::namespace::mount;

use crate::problem::{Result, Trying};

/// Where the program of the node is found inside.
pub(super) const PROGRAM: &str = "/run/bin/pontoon";
/// Where programs are looked for inside.
pub(super) const SEARCH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/bin";
const STAGE: &str = "/run/stage";
/// What programs want to find in `/dev`.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// What is taken over from this computer, if it is there.
const KEPT: [&str; 3] = ["localtime", "ld.so.cache", "alternatives"];
const NAMES: &str = "passwd: files\ngroup: files\nhosts: files\n";

/// A file of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    /// Below `/etc`.
    pub(super) path: &'a str,
    pub(super) content: &'a str,
}

/// Lays all of it out, for the first process of the machine in a mount namespace of its own.
pub(super) fn furnish(program: &Path, name: &str, written: &[Written<'_>]) -> Result<()> {
    mount::keep_private().trying("keep mounts to oneself")?;
    // It may be hidden in a moment.
    let what = || format!("open {}", program.display());
    let program = fs::File::open(program).trying(what())?;
    mount::processes(Path::new("/proc")).trying("mount /proc")?;
    memory("/run", 0o755)?;
    install(&program)?;
    memory("/tmp", 0o1777)?;
    memory("/var/lib", 0o755)?;
    make("/var/lib/haproxy")?;
    if Path::new("/var/run").is_dir() && !Path::new("/var/run").is_symlink() {
        memory("/var/run", 0o755)?;
    }
    staged("/dev", devices)?;
    staged("/etc", |stage| settings(stage, name, written))
}

fn install(program: &fs::File) -> Result<()> {
    make("/run/bin")?;
    fs::write(PROGRAM, "").trying("make a place for the program")?;
    let opened = format!("/proc/self/fd/{}", program.as_raw_fd());
    mount::bind(Path::new(&opened), Path::new(PROGRAM)).trying("bring the program in")
}

/// Fills a directory where it is not seen yet, then puts it in its place.
fn staged(place: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let stage = Path::new(STAGE);
    make(STAGE)?;
    memory(STAGE, 0o755)?;
    fill(stage)?;
    mount::bind_tree(stage, Path::new(place)).trying(format!("lay {place} over"))?;
    mount::detach(stage).trying(format!("leave the stage of {place}"))
}

fn devices(stage: &Path) -> Result<()> {
    for name in DEVICES {
        let (theirs, ours) = (Path::new("/dev").join(name), stage.join(name));
        fs::write(&ours, "").trying(format!("make {}", ours.display()))?;
        mount::bind(&theirs, &ours).trying(format!("take over {}", theirs.display()))?;
    }
    fs::create_dir(stage.join("shm")).trying("make /dev/shm")?;
    symlink("/proc/self/fd", stage.join("fd")).trying("make /dev/fd")
}

fn settings(stage: &Path, name: &str, written: &[Written<'_>]) -> Result<()> {
    let hosts = format!("127.0.0.1 localhost {name}\n");
    let ours = [("nsswitch.conf", NAMES), ("hosts", &hosts)];
    let ours = ours.map(|(path, content)| Written { path, content });
    for Written { path, content } in ours.iter().chain(written) {
        write(&stage.join(path), content).trying(format!("write /etc/{path}"))?;
    }
    for kept in KEPT {
        keep(&Path::new("/etc").join(kept), &stage.join(kept))
            .trying(format!("keep /etc/{kept}"))?;
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

fn keep(theirs: &Path, ours: &Path) -> io::Result<()> {
    let Ok(found) = fs::metadata(theirs) else {
        return Ok(());
    };
    if found.is_dir() {
        fs::create_dir(ours)?;
        return mount::bind_tree(theirs, ours);
    }
    fs::copy(theirs, ours).map(drop)
}

fn memory(at: &str, mode: u32) -> Result<()> {
    mount::memory(Path::new(at), mode).trying(format!("give it {at} of its own"))
}

fn make(directory: &str) -> Result<()> {
    fs::create_dir_all(directory).trying(format!("make {directory}"))
}
