//! Checks of real databases: how both programs log what they find.

use pontoon_lab::{mariadb::MariaDb, needs::Need, postgres::Postgres, redis::Redis};

use super::{Alive, PLAIN, Script, Stage};
use crate::harness::Failure;

const MARIADB: &[Need] = &[
    Need::Program("mariadbd"),
    Need::Program("mariadb-install-db"),
    Need::Program("mariadb"),
    Need::User("mysql"),
];
const POSTGRES: &[Need] = &[
    Need::Program("initdb"),
    Need::Program("postgres"),
    Need::Program("pg_ctl"),
    Need::Program("psql"),
    Need::Program("setpriv"),
    Need::User("postgres"),
];
const REDIS: &[Need] = &[Need::Program("redis-server")];

const LOG_CHECKS: &str = " option log-health-checks\n timeout check 5s\n";

/// The table.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "redis_goes_and_comes_back",
        needs: REDIS,
        settings: LOG_CHECKS,
        config: "backend be\n option redis-check\n server s1 {s1} check inter 200 rise 2 fall 2\n",
        run: redis,
        lines: 8,
        ..PLAIN
    },
    Script {
        name: "redis_wants_a_password",
        needs: REDIS,
        settings: LOG_CHECKS,
        config: "backend be\n option redis-check\n server s1 {s1} check inter 200\n",
        run: redis_with_password,
        lines: 3,
        ..PLAIN
    },
    Script {
        name: "mariadb_goes_and_comes_back",
        needs: MARIADB,
        settings: LOG_CHECKS,
        config: "backend be\n option mysql-check user checker\n\
                 server s1 {s1} check inter 200 rise 2 fall 2\n",
        run: mariadb,
        lines: 8,
        ..PLAIN
    },
    Script {
        name: "mariadb_is_only_greeted",
        needs: MARIADB,
        settings: LOG_CHECKS,
        config: "backend be\n option mysql-check\n server s1 {s1} check inter 200\n",
        run: mariadb_without_user,
        lines: 1,
        ..PLAIN
    },
    Script {
        name: "mariadb_knows_no_such_user",
        needs: MARIADB,
        settings: LOG_CHECKS,
        config: "backend be\n option mysql-check user nobody\n server s1 {s1} check inter 200\n",
        run: mariadb_without_user,
        lines: 3,
        ..PLAIN
    },
    Script {
        name: "postgres_goes_and_comes_back",
        needs: POSTGRES,
        settings: LOG_CHECKS,
        config: "backend be\n option pgsql-check user postgres\n\
                 server s1 {s1} check inter 200 rise 2 fall 2\n",
        run: postgres,
        lines: 8,
        left_out: &[("\"FATAL\"", "the server may be asked while it starts")],
        ..PLAIN
    },
];

fn redis(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Redis::start(stage.s1, None)?;
    stage.start()?;
    stage.wait_for("2/2 UP")?;
    drop(server);
    stage.wait_for("be/s1 is DOWN")?;
    let server = Redis::start(stage.s1, None)?;
    stage.wait_for("be/s1 is UP")?;
    Ok(Box::new(server))
}

fn redis_with_password(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Redis::start(stage.s1, Some("secret"))?;
    stage.start()?;
    Ok(Box::new(server))
}

fn mariadb(stage: &mut Stage) -> Result<Alive, Failure> {
    let mut server = MariaDb::create(stage.s1)?;
    server.start()?;
    server.execute("create user checker@'%'")?;
    stage.start()?;
    stage.wait_for("2/2 UP")?;
    server.kill();
    stage.wait_for("be/s1 is DOWN")?;
    server.start()?;
    stage.wait_for("be/s1 is UP")?;
    Ok(Box::new(server))
}

fn mariadb_without_user(stage: &mut Stage) -> Result<Alive, Failure> {
    let mut server = MariaDb::create(stage.s1)?;
    server.start()?;
    stage.start()?;
    Ok(Box::new(server))
}

fn postgres(stage: &mut Stage) -> Result<Alive, Failure> {
    let mut server = Postgres::create(stage.s1)?;
    server.start()?;
    stage.start()?;
    stage.wait_for("2/2 UP")?;
    server.crash()?;
    stage.wait_for("be/s1 is DOWN")?;
    server.start()?;
    stage.wait_for("be/s1 is UP")?;
    Ok(Box::new(server))
}
