//! Checks of real databases: they pass as under HAProxy, and notice when the database is gone.

use std::{
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::{self, Need},
    problem::{Problem, Result},
    program::Program,
    syslog::Syslog,
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds the tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add =
        |name: &str, program: &'static str, start: Start, checks: &'static [&'static str]| {
            let test = Test::new(format!("checks::{name}"), move || compare(start, checks));
            tests.push(
                test.needs(Need::Program("haproxy"))
                    .needs(Need::Program(program)),
            );
        };
    add(
        "redis_check_knows_a_real_redis",
        "redis-server",
        redis,
        &["option redis-check"],
    );
    add(
        "pgsql_check_knows_a_real_postgresql",
        "initdb",
        postgres,
        &[
            "option pgsql-check user postgres",
            "option pgsql-check user nobody_knows",
        ],
    );
    add(
        "mysql_check_knows_a_real_mariadb",
        "mariadbd",
        mariadb,
        &[
            "option mysql-check user check",
            "option mysql-check user stranger",
            "option mysql-check",
        ],
    );
    add(
        "ldap_check_knows_a_real_slapd",
        "slapd",
        slapd,
        &["option ldap-check"],
    );
}

type Start = fn(&TempDir, SocketAddr) -> Result<Program>;

/// Runs the database, then both balancers before it: their reports must be the same while it
/// runs, and when it has been killed.
fn compare(start: Start, checks: &[&str]) -> Outcome {
    let folder = TempDir::new("database")?;
    let address = free_address()?;
    let database = start(&folder, address)?;
    wait::until("the database to listen", Duration::from_secs(60), || {
        TcpStream::connect(address).ok()
    })
    .map_err(|problem| Failure::from(format!("{problem}\n{}", database.output().join("\n"))))?;
    let theirs = Watch::start(Kind::Haproxy, address, checks)?;
    let ours = Watch::start(Kind::Pontoon, address, checks)?;
    let (theirs_up, ours_up) = (theirs.reports(0)?, ours.reports(0)?);
    assert_eq!(theirs_up, ours_up);
    assert!(
        theirs_up[0].contains("Layer7 check passed"),
        "{theirs_up:?}"
    );
    drop(database);
    assert_eq!(theirs.downs()?, ours.downs()?);
    Ok(())
}

/// A balancer that checks the database in several ways.
struct Watch {
    log: Syslog,
    backends: usize,
    _balancer: Balancer,
}

impl Watch {
    fn start(kind: Kind, address: SocketAddr, checks: &[&str]) -> Result<Self> {
        let log = Syslog::start()?;
        let listens = free_address()?;
        let mut config = super::preamble(&log, listens);
        for (number, check) in checks.iter().enumerate() {
            config +=
                &format!("backend b{number}\n {check}\n server s {address} check inter 500\n");
        }
        let balancer = Balancer::start(kind, pontoon(), &config, listens)?;
        Ok(Self {
            log,
            backends: checks.len(),
            _balancer: balancer,
        })
    }

    /// The report number `index` of each backend.
    fn reports(&self, index: usize) -> Result<Vec<String>> {
        let report = |number: usize| {
            let subject = format!("check for server b{number}/s ");
            let wanted = |line: &str| line.contains(&subject);
            let lines = self.log.wait_for_count("a report", index + 1, wanted)?;
            Ok(super::normalised(&lines[index], 0, 0))
        };
        (0..self.backends).map(report).collect()
    }

    /// How the first backend's server went down.
    fn downs(&self) -> Result<String> {
        let down = |line: &str| line.contains("Server b0/s is DOWN");
        let line = self.log.wait_for("the server to go down", down)?;
        Ok(super::normalised(&line, 0, 0))
    }
}

fn found(program: &str) -> Result<Command> {
    let path = needs::find(program);
    let missing = || Problem::Unexpected(format!("{program} is not installed"));
    path.map(Command::new).ok_or_else(missing)
}

fn redis(folder: &TempDir, address: SocketAddr) -> Result<Program> {
    let port = address.port().to_string();
    let mut command = found("redis-server")?;
    command.args([
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
    ]);
    Program::start(command.arg(folder.path()))
}

fn slapd(folder: &TempDir, address: SocketAddr) -> Result<Program> {
    // An anonymous bind needs no directory behind it.
    let pid_file = folder.path().join("pid");
    let config = folder.write("slapd.conf", format!("pidfile {}\n", pid_file.display()))?;
    let mut command = found("slapd")?;
    command.args(["-d", "0", "-h", &format!("ldap://{address}/"), "-f"]);
    Program::start(command.arg(config))
}

fn mariadb(folder: &TempDir, address: SocketAddr) -> Result<Program> {
    let data = folder.path().join("data");
    let mut install = found("mariadb-install-db")?;
    install.args(["--no-defaults", "--auth-root-authentication-method=normal"]);
    run(install
        .arg("--skip-test-db")
        .args(user_option())
        .arg(option("datadir", &data)))?;
    let users = folder.write("users.sql", "CREATE USER 'check'@'127.0.0.1';\n")?;
    let mut server = found("mariadbd")?;
    server.args([
        "--no-defaults",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
    ]);
    server
        .arg(format!("--port={}", address.port()))
        .args(user_option());
    server
        .arg(option("datadir", &data))
        .arg(option("init-file", &users));
    Program::start(server.arg(option("socket", &folder.path().join("socket"))))
}

/// MariaDB asks to be told when it should run as root.
fn user_option() -> Option<&'static str> {
    Need::Root.missing().is_none().then_some("--user=root")
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

fn postgres(folder: &TempDir, address: SocketAddr) -> Result<Program> {
    let data = folder.path().join("data");
    if Need::Root.missing().is_none() {
        run(Command::new("chown").arg("postgres").arg(folder.path()))?;
    }
    let mut initdb = as_postgres("initdb")?;
    run(initdb
        .args(["--no-sync", "-A", "trust", "-U", "postgres", "-D"])
        .arg(&data))?;
    let mut server = as_postgres("postgres")?;
    server.arg("-D").arg(&data).arg("-k").arg(folder.path());
    Program::start(server.args(["-h", "127.0.0.1", "-p", &address.port().to_string()]))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &str) -> Result<Command> {
    let command = found(program)?;
    if Need::Root.missing().is_some() {
        return Ok(command);
    }
    let mut unprivileged = Command::new("setpriv");
    unprivileged.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    unprivileged.arg(command.get_program()).current_dir("/");
    Ok(unprivileged)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .map_err(|error| Problem::Unexpected(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Problem::Unexpected(format!(
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )))
}
