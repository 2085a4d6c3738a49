//! The table: each shape, who stands behind it, and what happens to them.

use pontoon_lab::needs::Need;

use super::{
    exasol, kubernetes, ldap,
    member::{
        Member,
        Role::{self, Bad, Dead, Good},
        Speech::{Http, Name, Redis, Smtp},
    },
    rabbitmq, statistics,
};

/// One configuration and its story.
pub(super) struct Shape {
    /// What it is for.
    pub(super) name: &'static str,
    /// The file as an operator would have it.
    pub(super) file: &'static str,
    /// What the machine must have.
    pub(super) needs: &'static [Need],
    /// Where the statistics are.
    pub(super) page: &'static str,
    /// Where clients connect, and what each says first.
    pub(super) fronts: &'static [(&'static str, &'static [u8])],
    /// How the last thing ends that a client hears, if the server does not end the session.
    pub(super) until: Option<&'static [u8]>,
    /// A cell of HAProxy's and the same of ours, which differ for a reason that docs/differences.md gives.
    pub(super) explained: Option<(&'static str, &'static str)>,
    /// The servers, none of which listens yet.
    pub(super) members: fn() -> Vec<Member>,
    /// What happens, in order.
    pub(super) steps: &'static [Step],
}

/// Members that change, and the states of servers that must come of it.
pub(super) struct Step {
    /// Who becomes what.
    pub(super) turns: &'static [(&'static str, Role)],
    /// Servers, their status and what their last check found, under either program.
    pub(super) states: &'static [(&'static str, &'static str)],
}

/// All of them.
pub(super) const SHAPES: &[Shape] = &[
    PATRONI,
    GALERA,
    REDIS,
    SMTP,
    exasol::SHAPE,
    kubernetes::SHAPE,
    ldap::SHAPE,
    rabbitmq::SHAPE,
    statistics::SHAPE,
];

const PATRONI: Shape = Shape {
    name: "patroni",
    file: include_str!("patroni.cfg"),
    needs: &[],
    page: "127.77.1.10:7000",
    until: None,
    explained: None,
    fronts: &[("127.77.1.10:5000", b""), ("127.77.1.10:5001", b"")],
    members: || {
        vec![
            Member::new("pg1", "127.77.1.11:5432", Name),
            Member::new("pg2", "127.77.1.12:5432", Name),
            Member::new("rest1", "127.77.1.11:8008", Http),
            Member::new("rest2", "127.77.1.12:8008", Http),
        ]
    },
    steps: &[
        Step {
            turns: &[
                ("pg1", Good),
                ("pg2", Good),
                ("rest1", Good),
                ("rest2", Bad),
            ],
            states: &[
                ("primary/pg1", "UP L7OK"),
                ("primary/pg2", "DOWN L7STS"),
                ("replicas/pg1", "DOWN L7STS"),
                ("replicas/pg2", "UP L7OK"),
            ],
        },
        // The leader dies and the other is promoted.
        Step {
            turns: &[("pg1", Dead), ("rest1", Dead), ("rest2", Good)],
            states: &[
                ("primary/pg1", "DOWN L4CON"),
                ("primary/pg2", "UP L7OK"),
                ("replicas/pg1", "DOWN L4CON"),
                ("replicas/pg2", "DOWN L7STS"),
            ],
        },
        // It comes back as a follower.
        Step {
            turns: &[("pg1", Good), ("rest1", Bad)],
            states: &[
                ("primary/pg1", "DOWN L7STS"),
                ("primary/pg2", "UP L7OK"),
                ("replicas/pg1", "UP L7OK"),
            ],
        },
    ],
};

const GALERA: Shape = Shape {
    name: "galera",
    file: include_str!("galera.cfg"),
    needs: &[],
    page: "127.77.2.10:7000",
    until: None,
    explained: None,
    fronts: &[("127.77.2.10:3306", b"")],
    members: || {
        vec![
            Member::new("db1", "127.77.2.11:3306", Name),
            Member::new("db2", "127.77.2.12:3306", Name),
            Member::new("db3", "127.77.2.13:3306", Name),
            Member::new("check1", "127.77.2.11:9200", Http),
            Member::new("check2", "127.77.2.12:9200", Http),
            Member::new("check3", "127.77.2.13:9200", Http),
        ]
    },
    steps: &[
        Step {
            turns: &[
                ("db1", Good),
                ("db2", Good),
                ("db3", Good),
                ("check1", Good),
                ("check2", Good),
                ("check3", Good),
            ],
            states: &[
                ("galera/db1", "UP L7OK"),
                ("galera/db2", "UP L7OK"),
                ("galera/db3", "UP L7OK"),
            ],
        },
        // The first is out of step: the first backup takes its place.
        Step {
            turns: &[("check1", Bad)],
            states: &[("galera/db1", "DOWN L7STS"), ("galera/db2", "UP L7OK")],
        },
        Step {
            turns: &[("db2", Dead), ("check2", Dead)],
            states: &[
                ("galera/db1", "DOWN L7STS"),
                ("galera/db2", "DOWN L4CON"),
                ("galera/db3", "UP L7OK"),
            ],
        },
        Step {
            turns: &[("check1", Good)],
            states: &[("galera/db1", "UP L7OK"), ("galera/db2", "DOWN L4CON")],
        },
    ],
};

const REDIS: Shape = Shape {
    name: "redis",
    file: include_str!("redis.cfg"),
    needs: &[],
    page: "127.77.3.10:7000",
    until: None,
    explained: None,
    fronts: &[("127.77.3.10:6379", b"WHO\r\nQUIT\r\n")],
    members: || {
        vec![
            Member::new("r1", "127.77.3.11:6379", Redis),
            Member::new("r2", "127.77.3.12:6379", Redis),
        ]
    },
    steps: &[
        Step {
            turns: &[("r1", Good), ("r2", Bad)],
            states: &[
                ("redis_master/r1", "UP L7OK"),
                ("redis_master/r2", "DOWN L7TOUT"),
            ],
        },
        // Nobody is the master yet.
        Step {
            turns: &[("r1", Dead)],
            states: &[
                ("redis_master/r1", "DOWN L4CON"),
                ("redis_master/r2", "DOWN L7TOUT"),
            ],
        },
        Step {
            turns: &[("r1", Bad), ("r2", Good)],
            states: &[
                ("redis_master/r1", "DOWN L7TOUT"),
                ("redis_master/r2", "UP L7OK"),
            ],
        },
    ],
};

const SMTP: Shape = Shape {
    name: "smtp",
    file: include_str!("smtp.cfg"),
    needs: &[],
    page: "127.77.5.10:7000",
    until: None,
    explained: None,
    fronts: &[("127.77.5.10:2525", b"QUIT\r\n")],
    members: || {
        vec![
            Member::new("mx1", "127.77.5.11:2525", Smtp),
            Member::new("mx2", "127.77.5.12:2525", Smtp),
            Member::new("spool", "127.77.5.13:2525", Smtp),
        ]
    },
    steps: &[
        Step {
            turns: &[("mx1", Good), ("mx2", Good), ("spool", Good)],
            states: &[
                ("smtp/mx1", "UP L7OK"),
                ("smtp/mx2", "UP L7OK"),
                ("smtp/spool", "UP L7OK"),
            ],
        },
        Step {
            turns: &[("mx1", Bad)],
            states: &[("smtp/mx1", "DOWN L7STS"), ("smtp/mx2", "UP L7OK")],
        },
        Step {
            turns: &[("mx2", Dead)],
            states: &[
                ("smtp/mx1", "DOWN L7STS"),
                ("smtp/mx2", "DOWN L4CON"),
                ("smtp/spool", "UP L7OK"),
            ],
        },
    ],
};
