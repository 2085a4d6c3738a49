//! The Debian packages: a pair that runs HAProxy's and Keepalived's packages gets ours, works, fails over, is reloaded,
//! upgraded, and loses them again.

use std::{
    collections::BTreeSet, fs, net::SocketAddr, path::Path, process::Command, sync::LazyLock,
    time::Duration,
};

use pontoon_lab::{
    client::Client,
    needs::Need,
    netns::{Network, inside},
    server::{Behaviour, Server},
    wait,
};

use super::{machine::Machine, packaging};
use crate::harness::{Failure, Outcome, Test};

const HAPROXY_CFG: &str = include_str!("../data/seed/haproxy.cfg");
const CONFIGURATIONS: [&str; 2] = [
    include_str!("../data/seed/keepalived-master.conf"),
    include_str!("../data/seed/keepalived-backup.conf"),
];
const SCRIPTS: [(&str, &str); 3] = [
    ("notify.sh", include_str!("../data/seed/notify.sh")),
    ("master.sh", include_str!("../data/seed/master.sh")),
    ("backup.sh", include_str!("../data/seed/backup.sh")),
];
const ADDRESSES: [&str; 2] = ["10.0.1.207", "10.0.1.190"];
/// The packages' versions: what is installed, and what it is upgraded to.
const VERSIONS: [&str; 2] = ["1.0-1", "1.1-1"];
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// What `notify.sh` touches and removes.
const IS_MASTER: &str = "test -e /tmp/MASTER";
/// Who runs in the machine from our package.
const OURS: &str = "for p in /proc/[0-9]*; do readlink $p/exe; done | grep pontoon";

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: [(&str, Run); 2] = [
        (
            "takes_the_place_of_haproxy_and_keepalived",
            takes_their_place,
        ),
        ("leaves_nothing_behind", leaves_nothing),
    ];
    for (name, run) in all {
        let test = Test::new(format!("packages::debian_{name}"), run);
        let test = test.needs(Need::Root).needs(Need::Namespaces);
        let programs = ["cargo-deb", "debootstrap", "systemd-nspawn", "nsenter"];
        let needs = |test: Test, program| test.needs(Need::Program(program));
        tests.push(programs.into_iter().fold(test, needs));
    }
}

/// A package: its file's name, and what is in it.
type Package = (String, Vec<u8>);

/// The packages of all versions.
fn packages() -> Result<&'static [Package], Failure> {
    static MADE: LazyLock<Result<Vec<Package>, String>> = LazyLock::new(|| {
        let made = VERSIONS.into_iter().map(build);
        let made: Result<Vec<_>, Failure> = made.collect();
        made.map(|made| made.concat())
            .map_err(|failure| failure.to_string())
    });
    MADE.as_deref()
        .map_err(|problem| Failure::from(problem.clone()))
}

fn build(version: &str) -> Result<Vec<Package>, Failure> {
    let mut build = Command::new(packaging("build"));
    build.args(["deb", "dev"]).env("VERSION", version);
    let made = super::building(|| build.output())?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        return Err(Failure::from(format!("packaging/build: {said}")));
    }
    // The next ones take the place of these.
    let read = |name: &str| -> Result<Package, Failure> {
        let file = format!("{name}_{version}_amd64.deb");
        let content = fs::read(format!("target/debian/{file}"))?;
        Ok((file, content))
    };
    Ok(vec![read("pontoon")?, read("pontoon-compat")?])
}

/// The how-to's pair, with its databases, on one network.
struct Site {
    network: Network,
    client: String,
    _databases: Vec<Server>,
}

impl Site {
    fn new() -> Result<Self, Failure> {
        let mut network = Network::new()?;
        let databases = (1..=3).map(|n| {
            let namespace = network.host(&format!("d{n}"), &[&format!("10.0.1.1{n}/24")])?;
            let address = SocketAddr::from(([10, 0, 1, 10 + n], 8563));
            inside(&namespace, move || {
                Server::on(address, Behaviour::Answer(n.to_string()))
            })
        });
        let databases = databases.collect::<Result<_, _>>()?;
        let client = network.host("c", &["10.0.1.50/24"])?;
        Ok(Self {
            network,
            client,
            _databases: databases,
        })
    }

    /// One of the two machines, with the how-to's files below `/etc`, and the packages in `/packages`.
    fn machine(&mut self, which: usize) -> Result<Machine, Failure> {
        let packages = packages()?;
        let address = format!("{}/24", ADDRESSES[which]);
        let namespace = self.network.host(["a", "b"][which], &[&address])?;
        Machine::boot(&namespace, |root| {
            fs::write(root.join("etc/haproxy/haproxy.cfg"), HAPROXY_CFG)?;
            let folder = root.join("etc/keepalived");
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("keepalived.conf"), CONFIGURATIONS[which])?;
            let folder = root.join("usr/libexec/keepalived");
            fs::create_dir_all(&folder)?;
            for (name, text) in SCRIPTS {
                write_script(&folder.join(name), text)?;
            }
            fs::create_dir(root.join("packages"))?;
            for (file, content) in packages {
                fs::write(root.join("packages").join(file), content)?;
            }
            Ok(())
        })
    }

    /// A session through one of the two.
    fn session(&self, which: usize) -> Result<Client, Failure> {
        let address: SocketAddr = format!("{}:8563", ADDRESSES[which])
            .parse()
            .map_err(|_| "no address")?;
        let mut client = inside(&self.client, move || Client::connect(address))?;
        lives(&mut client)?;
        Ok(client)
    }
}

fn write_script(path: &Path, text: &str) -> Outcome {
    fs::write(path, text)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(path, mode)?;
    Ok(())
}

/// A session is answered by its database.
fn lives(client: &mut Client) -> Outcome {
    client.send(b"?")?;
    let seen = client.receive(2, ANSWER)?;
    if seen.bytes.len() == 2 {
        return Ok(());
    }
    Err(Failure::from(format!("the session has ended: {seen:?}")))
}

fn install(machine: &Machine, files: &[&str]) -> Outcome {
    let files: Vec<_> = files
        .iter()
        .map(|file| format!("/packages/{file}_amd64.deb"))
        .collect();
    machine.must(&format!("apt-get install --yes {}", files.join(" ")))?;
    Ok(())
}

/// The first machine gets the names of both programs, the second one only ours.
fn takes_their_place() -> Outcome {
    let mut site = Site::new()?;
    let (first, second) = (site.machine(0)?, site.machine(1)?);
    install(&first, &["pontoon_1.0-1", "pontoon-compat_1.0-1"])?;
    let gone =
        "! dpkg-query --show --showformat '${Status}' haproxy keepalived | grep 'ok installed'";
    first.must(gone)?;
    first.until("both units", "systemctl is-active haproxy keepalived")?;
    // Memory is empty after a boot; Debian's own file has a socket there.
    first.must("rm -rf /run/haproxy && systemd-tmpfiles --create --boot")?;
    first.must("stat --format '%U %a' /run/haproxy | grep -x 'haproxy 2775'")?;
    first.until("the first to be master", IS_MASTER)?;
    // What a machine has today stands in the way of nothing: nobody has asked for our unit yet.
    second.must("systemctl disable --now haproxy keepalived")?;
    install(&second, &["pontoon_1.0-1"])?;
    assert!(second.run(OURS).is_err(), "something was started unasked");
    second.must(
        "echo 'PONTOON_FILES=\"/etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf\"' | tee /etc/default/pontoon",
    )?;
    second.must("systemctl enable --now pontoon")?;
    second.until(
        "the second to hear the first",
        "pontoon status | grep -q BACKUP",
    )?;

    let mut sessions = [site.session(0)?, site.session(1)?];
    for (machine, unit) in [
        (&first, "haproxy"),
        (&first, "keepalived"),
        (&second, "pontoon"),
    ] {
        machine.must(&format!("systemctl reload {unit}"))?;
    }
    for client in &mut sessions {
        lives(client)?;
    }
    first.until("the first to go on as master", IS_MASTER)?;

    upgrades(&first, "haproxy keepalived", "pontoon_1.1-1")?;
    upgrades(&second, "pontoon", "pontoon_1.1-1")?;
    for client in &mut sessions {
        lives(client)?;
    }
    drop(sessions);

    first.must("systemctl stop haproxy")?;
    second.until("the second to take over", IS_MASTER)?;
    first.must("systemctl start haproxy")?;
    first.until("the first to be master again", IS_MASTER)?;
    site.session(0).map(drop)
}

/// A new program on the disk is what runs a moment later, without a restart of the units.
fn upgrades(machine: &Machine, units: &str, package: &str) -> Outcome {
    let started = format!("systemctl show --property ActiveEnterTimestampMonotonic {units}");
    let before = machine.must(&started)?;
    install(machine, &[package])?;
    machine.until(
        "every process to be of the new program",
        "for p in /proc/[0-9]*; do readlink $p/exe; done | grep pontoon >/run/ours; \
         ! grep -v '^/usr/bin/pontoon$' /run/ours && test -s /run/ours",
    )?;
    assert_eq!(machine.must(&started)?, before, "a unit was restarted");
    Ok(())
}

/// Removed, they run no more; purged, not even a name is left.
fn leaves_nothing() -> Outcome {
    let mut site = Site::new()?;
    let machine = site.machine(0)?;
    let before = files(&machine)?;
    install(&machine, &["pontoon_1.0-1", "pontoon-compat_1.0-1"])?;
    machine.until("both units", "systemctl is-active haproxy keepalived")?;
    machine.must("pontoon check /etc/pontoon/haproxy.cfg >/run/found")?;
    machine.must("! grep 'warning\\[' /run/found")?;
    machine.must("systemctl start pontoon")?;
    let page = "exec 3<>/dev/tcp/127.0.0.1/8404; printf 'GET /;csv HTTP/1.0\\r\\n\\r\\n' >&3; grep -q BACKEND <&3";
    machine.until(
        "the page of the file as it is shipped",
        &format!("bash -c \"{page}\""),
    )?;
    let new: Vec<_> = files(&machine)?.difference(&before).cloned().collect();
    assert!(new.iter().any(|file| file == "/usr/bin/pontoon"), "{new:?}");

    machine.must("apt-get remove --yes pontoon pontoon-compat")?;
    wait::until("all processes to end", ANSWER, || machine.run(OURS).err())?;
    machine.must("apt-get purge --yes pontoon pontoon-compat")?;
    let left: Vec<_> = files(&machine)?.difference(&before).cloned().collect();
    assert!(left.is_empty(), "left behind: {left:#?}");
    assert!(
        machine.run("getent passwd pontoon").is_err(),
        "the user is left"
    );
    let names = fs::read_to_string(machine.root().join("etc/group"))?;
    assert!(!names.contains("pontoon"), "the group is left");
    Ok(())
}

/// All files, but for those of what keeps books on packages and services, and what lives in memory.
fn files(machine: &Machine) -> Result<BTreeSet<String>, Failure> {
    let books = [
        "/packages/",
        "/run/",
        "/tmp/",
        "/var/cache/",
        "/var/lib/apt/",
        "/var/lib/dpkg/",
        "/var/lib/systemd/",
        "/var/log/",
        "/var/tmp/",
    ];
    let found = machine.must("find / -xdev")?;
    let files = found
        .lines()
        .filter(|file| !books.iter().any(|book| file.starts_with(book)));
    Ok(files.map(str::to_owned).collect())
}
