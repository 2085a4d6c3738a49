//! An Exasol cluster: the how-to's proxy and its statistics with a login. What differs from its file: addresses stand on
//! `bind` lines, as HAProxy 2.6 wants them, and it stays in the foreground. The databases are fakes, which a bare connection
//! does not tell from real ones; sessions of a real driver are in the tests of `exasol`.

use pontoon_lab::needs::Need;

use super::{
    member::{
        Member,
        Role::{Dead, Good},
        Speech::Name,
    },
    shapes::{Shape, Step},
};

pub(super) const SHAPE: Shape = Shape {
    name: "exasol",
    file: include_str!("exasol.cfg"),
    needs: &[Need::Root, Need::User("haproxy")],
    page: "127.77.4.10:9090",
    fronts: &[("127.77.4.10:8563", b"")],
    until: None,
    explained: None,
    members: || {
        vec![
            Member::new("n11", "127.77.4.11:8563", Name),
            Member::new("n12", "127.77.4.12:8563", Name),
            Member::new("n13", "127.77.4.13:8563", Name),
        ]
    },
    steps: &[
        Step {
            turns: &[("n11", Good), ("n12", Good), ("n13", Good)],
            states: &[
                (
                    "exasol_proxy/ip-10-0-1-11.eu-west-1.compute.internal",
                    "UP L4OK",
                ),
                (
                    "exasol_proxy/ip-10-0-1-12.eu-west-1.compute.internal",
                    "UP L4OK",
                ),
                (
                    "exasol_proxy/ip-10-0-1-13.eu-west-1.compute.internal",
                    "UP L4OK",
                ),
            ],
        },
        Step {
            turns: &[("n12", Dead)],
            states: &[(
                "exasol_proxy/ip-10-0-1-12.eu-west-1.compute.internal",
                "DOWN L4CON",
            )],
        },
        Step {
            turns: &[("n12", Good)],
            states: &[(
                "exasol_proxy/ip-10-0-1-12.eu-west-1.compute.internal",
                "UP L4OK",
            )],
        },
    ],
};
