//! Real databases: pgbench through Pontoon while servers crash and come back.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::{Child, Output, Stdio},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::Need,
    postgres::{Postgres, benchmark},
    statistics,
    syslog::Syslog,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    let test = Test::new(
        "database::pgbench_survives_a_crashing_server",
        pgbench_survives_a_crashing_server,
    );
    let test = test.needs(Need::User("postgres"));
    tests.push(
        ["initdb", "postgres", "pg_ctl", "psql", "pgbench", "setpriv"]
            .into_iter()
            .fold(test, |test, program| test.needs(Need::Program(program))),
    );
}

fn pgbench_survives_a_crashing_server() -> Outcome {
    let mut scene = Scene::set()?;
    scene.everybody_is_served(30)?;
    scene.share_of_each(3)?;

    let sessions = scene.long_sessions()?;
    scene.databases[0].crash()?;
    scene.expect("be/db1 is DOWN, reason: Layer4 connection problem", 1)?;
    only_the_crashed_servers_sessions_end(sessions)?;
    scene.everybody_is_served(20)?;

    scene.databases[0].start()?;
    scene.expect("be/db1 is UP, reason: Layer7 check passed", 1)?;
    let before = scene.sessions_of("be/db1")?;
    scene.everybody_is_served(30)?;
    if scene.sessions_of("be/db1")? < before + 9 {
        return Err(Failure::from("the revived server gets no share".to_owned()));
    }
    Ok(())
}

/// Three databases behind Pontoon.
struct Scene {
    databases: Vec<Postgres>,
    syslog: Syslog,
    front: SocketAddr,
    page: SocketAddr,
    _balancer: Balancer,
}

impl Scene {
    fn set() -> Result<Self, Failure> {
        let addresses = [free_address()?, free_address()?, free_address()?];
        let databases = addresses
            .into_iter()
            .map(database)
            .collect::<Result<Vec<_>, _>>()?;
        let (front, page) = (free_address()?, free_address()?);
        let syslog = Syslog::start()?;
        let config = format!(
            "global\n log {} local2\n\
             defaults\n mode tcp\n timeout connect 2s\n timeout client 60s\n timeout server 60s\n\
             timeout check 2s\n retries 3\n option redispatch 1\n\
             frontend fe\n bind {front}\n default_backend be\n\
             backend be\n log global\n balance roundrobin\n option pgsql-check user postgres\n\
             default-server check inter 200ms rise 2 fall 3\n\
             server db1 {}\n server db2 {}\n server db3 {}\n\
             listen page\n bind {page}\n mode http\n stats enable\n stats uri /stats\n",
            syslog.address(),
            addresses[0],
            addresses[1],
            addresses[2]
        );
        let balancer = Balancer::start(Kind::Pontoon, pontoon(), &config, page)?;
        Ok(Self {
            databases,
            syslog,
            front,
            page,
            _balancer: balancer,
        })
    }

    fn expect(&self, line: &str, count: usize) -> Outcome {
        self.syslog
            .wait_for_count(line, count, |seen| seen.contains(line))?;
        Ok(())
    }

    /// So many transactions, each on a connection of its own.
    fn everybody_is_served(&self, transactions: u32) -> Outcome {
        let mut command = benchmark(self.front)?;
        command.args(["--select-only", "--connect", "--client=2"]);
        command.arg(format!("--transactions={}", transactions / 2));
        let output = command.output()?;
        let all = format!("transactions actually processed: {transactions}/{transactions}");
        if output.status.success() && said(&output).contains(&all) {
            return Ok(());
        }
        Err(Failure::from(format!("pgbench says\n{}", said(&output))))
    }

    /// pgbench on six connections that stay, two on each server.
    fn long_sessions(&self) -> Result<Child, Failure> {
        let before = self.sessions()?;
        let mut command = benchmark(self.front)?;
        command.args(["--select-only", "--client=6", "--time=6"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        wait::until("two sessions on each server", wait::PATIENCE, || {
            let now = self.sessions().ok()?;
            now.iter()
                .all(|(name, (open, _))| *open == 2 && before.contains_key(name))
                .then_some(())
        })?;
        Ok(child)
    }

    /// Each server's sessions, now and ever.
    fn sessions(&self) -> Result<BTreeMap<String, (u32, u32)>, Failure> {
        let csv = statistics::get(self.page, "/stats;csv", "")?;
        let number = |row: &BTreeMap<String, String>, column: &str| {
            row.get(column)
                .and_then(|value| value.parse().ok())
                .unwrap_or(0)
        };
        Ok(statistics::rows(&csv.body)?
            .into_iter()
            .filter(|(name, _)| name.starts_with("be/db"))
            .map(|(name, row)| (name, (number(&row, "scur"), number(&row, "stot"))))
            .collect())
    }

    fn sessions_of(&self, name: &str) -> Result<u32, Failure> {
        let sessions = self.sessions()?;
        let found = sessions.get(name).map(|(_, total)| *total);
        found.ok_or_else(|| Failure::from(format!("no row {name}")))
    }

    /// Rotation gives each of the servers the same, give or take what started unevenly.
    fn share_of_each(&self, servers: usize) -> Outcome {
        let totals: Vec<u32> = self.sessions()?.values().map(|(_, total)| *total).collect();
        let (least, most) = (totals.iter().min(), totals.iter().max());
        match (least, most) {
            (Some(least), Some(most)) if totals.len() == servers && most - least <= 1 => Ok(()),
            _ => Err(Failure::from(format!("uneven shares: {totals:?}"))),
        }
    }
}

fn database(address: SocketAddr) -> Result<Postgres, Failure> {
    let mut database = Postgres::create(address)?;
    database.start()?;
    database.prepare_benchmark()?;
    Ok(database)
}

fn only_the_crashed_servers_sessions_end(pgbench: Child) -> Outcome {
    let output = pgbench.wait_with_output()?;
    let text = said(&output);
    let ended = text.matches(" aborted in command ").count();
    let served = text.contains("transaction type: <builtin: select only>");
    if ended == 2 && served {
        return Ok(());
    }
    Err(Failure::from(format!(
        "two of six sessions should have ended; pgbench says\n{text}"
    )))
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(&[out.as_slice(), err].concat()).into_owned()
}
