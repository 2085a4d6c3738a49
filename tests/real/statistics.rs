//! A balancer of several services and all its statistics: every column that does not tell of time, on the page and at
//! the socket, of proxies and listeners and of servers with a check, without one, in maintenance and following another.
//! All servers are fakes.

use super::{
    member::{
        Member,
        Role::{Bad, Dead, Good},
        Speech::{Name, Smtp},
    },
    shapes::{Shape, Step},
};

pub(super) const SHAPE: Shape = Shape {
    name: "statistics",
    file: include_str!("statistics.cfg"),
    needs: &[],
    page: "127.77.9.10:7000",
    fronts: &[
        ("127.77.9.10:5432", b""),
        ("127.77.9.10:2525", b"QUIT\r\n"),
        ("127.77.9.10:2526", b"QUIT\r\n"),
        ("127.77.9.10:9418", b""),
    ],
    until: None,
    explained: None,
    members: || {
        vec![
            Member::new("pg1", "127.77.9.11:5432", Name),
            Member::new("pg2", "127.77.9.12:5432", Name),
            Member::new("mx1", "127.77.9.11:2525", Smtp),
            Member::new("mx2", "127.77.9.12:2525", Smtp),
            Member::new("git1", "127.77.9.11:9418", Name),
            Member::new("git2", "127.77.9.12:9418", Name),
        ]
    },
    steps: &[
        Step {
            turns: &[
                ("pg1", Good),
                ("pg2", Good),
                ("mx1", Good),
                ("mx2", Good),
                ("git1", Good),
                ("git2", Good),
            ],
            states: &[
                ("postgres/pg1", "UP L4OK"),
                ("postgres/pg2", "UP L4OK"),
                ("smtp/mx1", "UP L7OK"),
                ("smtp/mx2", "UP L7OK"),
                ("smtp/old", "MAINT "),
                ("gits/git1", "no check "),
                ("gits/git2", "UP "),
            ],
        },
        // The database dies, and who follows it goes with it; a mail server has too much to do.
        Step {
            turns: &[("pg1", Dead), ("mx2", Bad)],
            states: &[
                ("postgres/pg1", "DOWN L4CON"),
                ("smtp/mx2", "DOWN L7STS"),
                ("gits/git2", "DOWN "),
            ],
        },
        Step {
            turns: &[("pg1", Good), ("mx2", Good)],
            states: &[
                ("postgres/pg1", "UP L4OK"),
                ("smtp/mx2", "UP L7OK"),
                ("gits/git2", "UP "),
            ],
        },
    ],
};
