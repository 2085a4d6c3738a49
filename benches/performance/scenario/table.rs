//! The list.

use pontoon_lab::load::{Close, Direction, Pace, Workload};

use super::{Congestion, Field, Load, Scenario, bulk, connect, messages};
use crate::setting::Setting;

const BOTH: &[Congestion] = &[Congestion::Cubic, Congestion::Bbr];
const THREE: &[Congestion] = &Congestion::ALL;
const CUBIC: &[Congestion] = &[Congestion::Cubic];

const TWO_THREADS: Setting = Setting {
    name: "two-threads",
    threads: 2,
    ..Setting::PLAIN
};
const FOUR_THREADS: Setting = Setting {
    name: "four-threads",
    threads: 4,
    ..Setting::PLAIN
};
const DROPPED: Setting = Setting {
    name: "dropped",
    dropped: true,
    ..Setting::PLAIN
};

const fn on(
    (name, title): (&'static str, &'static str),
    load: Load,
    setting: Setting,
    (field, congestions): (Field, &'static [Congestion]),
) -> Scenario {
    Scenario {
        name,
        title,
        load,
        setting,
        field,
        congestions,
    }
}

const fn plain(
    names: (&'static str, &'static str),
    load: Load,
    field: (Field, &'static [Congestion]),
) -> Scenario {
    on(names, load, Setting::PLAIN, field)
}

const fn open(per_second: u32) -> Pace {
    Pace::Open { per_second }
}

/// Every scenario.
pub(super) const ALL: [Scenario; 36] = [
    plain(
        ("connect", "connect, 64 B, the client closes"),
        connect(Close::Client),
        (Field::Peers, BOTH),
    ),
    plain(
        ("connect-server", "connect, 64 B, the server closes"),
        connect(Close::Server),
        (Field::Core, BOTH),
    ),
    plain(
        ("message-64", "messages of 64 B, 64 sessions"),
        messages(64, 64, Pace::Closed),
        (Field::Peers, BOTH),
    ),
    plain(
        ("message-1k", "messages of 1 KiB, 64 sessions"),
        messages(1 << 10, 64, Pace::Closed),
        (Field::Core, BOTH),
    ),
    plain(
        ("message-16k", "messages of 16 KiB, 64 sessions"),
        messages(16 << 10, 64, Pace::Closed),
        (Field::Peers, BOTH),
    ),
    plain(
        ("one-64", "messages of 64 B, one session"),
        messages(64, 1, Pace::Closed),
        (Field::Core, BOTH),
    ),
    plain(
        ("sparse-64", "messages of 64 B, one session, 1,000 a second"),
        messages(64, 1, open(1000)),
        (Field::Core, BOTH),
    ),
    plain(
        ("up", "bulk, client to server"),
        bulk(Direction::Up),
        (Field::Bulk, THREE),
    ),
    plain(
        ("down", "bulk, server to client"),
        bulk(Direction::Down),
        (Field::BulkPeers, THREE),
    ),
    plain(
        ("both", "bulk, both ways"),
        bulk(Direction::Both),
        (Field::Bulk, BOTH),
    ),
    plain(
        ("idle", "9,000 idle sessions"),
        Load::Idle(9000),
        (Field::Peers, CUBIC),
    ),
    plain(
        ("one-1k", "messages of 1 KiB, one session"),
        messages(1 << 10, 1, Pace::Closed),
        (Field::Core, CUBIC),
    ),
    plain(
        ("one-16k", "messages of 16 KiB, one session"),
        messages(16 << 10, 1, Pace::Closed),
        (Field::Core, CUBIC),
    ),
    plain(
        ("many-64", "messages of 64 B, 1,000 sessions"),
        messages(64, 1000, Pace::Closed),
        (Field::Core, CUBIC),
    ),
    plain(
        ("many-1k", "messages of 1 KiB, 1,000 sessions"),
        messages(1 << 10, 1000, Pace::Closed),
        (Field::Core, CUBIC),
    ),
    plain(
        ("many-16k", "messages of 16 KiB, 1,000 sessions"),
        messages(16 << 10, 1000, Pace::Closed),
        (Field::Core, CUBIC),
    ),
    plain(
        ("open-64", "messages of 64 B, 64 sessions, 15,000 a second"),
        messages(64, 64, open(15_000)),
        (Field::Core, CUBIC),
    ),
    plain(
        ("open-1k", "messages of 1 KiB, 64 sessions, 15,000 a second"),
        messages(1 << 10, 64, open(15_000)),
        (Field::Core, CUBIC),
    ),
    plain(
        (
            "open-16k",
            "messages of 16 KiB, 64 sessions, 5,000 a second",
        ),
        messages(16 << 10, 64, open(5000)),
        (Field::Core, CUBIC),
    ),
    plain(
        (
            "open-many",
            "messages of 64 B, 1,000 sessions, 15,000 a second",
        ),
        messages(64, 1000, open(15_000)),
        (Field::Core, CUBIC),
    ),
    plain(
        ("burst", "bursts of 500 connections"),
        Load::Lab(Workload::Burst { connections: 500 }),
        (Field::Core, CUBIC),
    ),
    plain(
        ("database", "PostgreSQL with pgbench, 16 clients"),
        Load::Database(16),
        (Field::Core, CUBIC),
    ),
    on(
        ("two-connect", "two data threads: connect, 64 B"),
        connect(Close::Client),
        TWO_THREADS,
        (Field::Two, BOTH),
    ),
    on(
        ("two-message-64", "two data threads: messages of 64 B"),
        messages(64, 64, Pace::Closed),
        TWO_THREADS,
        (Field::Two, BOTH),
    ),
    on(
        ("two-down", "two data threads: bulk, server to client"),
        bulk(Direction::Down),
        TWO_THREADS,
        (Field::Two, BOTH),
    ),
    on(
        ("four-connect", "four data threads: connect, 64 B"),
        connect(Close::Client),
        FOUR_THREADS,
        (Field::Two, CUBIC),
    ),
    on(
        ("four-message-64", "four data threads: messages of 64 B"),
        messages(64, 64, Pace::Closed),
        FOUR_THREADS,
        (Field::Two, CUBIC),
    ),
    on(
        ("four-down", "four data threads: bulk, server to client"),
        bulk(Direction::Down),
        FOUR_THREADS,
        (Field::Two, CUBIC),
    ),
    on(
        ("servers-100", "100 servers: connect, 64 B"),
        connect(Close::Client),
        Setting {
            name: "servers-100",
            servers: 100,
            ..Setting::PLAIN
        },
        (Field::Two, CUBIC),
    ),
    on(
        ("servers-1000", "1,000 servers: connect, 64 B"),
        connect(Close::Client),
        Setting {
            name: "servers-1000",
            servers: 1000,
            ..Setting::PLAIN
        },
        (Field::Two, CUBIC),
    ),
    on(
        ("proxies-500", "500 proxies: connect, 64 B"),
        connect(Close::Client),
        Setting {
            name: "proxies-500",
            proxies: 500,
            ..Setting::PLAIN
        },
        (Field::Two, CUBIC),
    ),
    on(
        ("tcplog", "with option tcplog: connect, 64 B"),
        connect(Close::Client),
        Setting {
            name: "tcplog",
            log: true,
            ..Setting::PLAIN
        },
        (Field::Two, CUBIC),
    ),
    on(
        ("dropped-connect", "as user haproxy: connect, 64 B"),
        connect(Close::Client),
        DROPPED,
        (Field::Two, CUBIC),
    ),
    on(
        ("dropped-message-64", "as user haproxy: messages of 64 B"),
        messages(64, 64, Pace::Closed),
        DROPPED,
        (Field::Two, CUBIC),
    ),
    on(
        ("dropped-down", "as user haproxy: bulk, server to client"),
        bulk(Direction::Down),
        DROPPED,
        (Field::Bulk, CUBIC),
    ),
    on(
        ("dropped-up", "as user haproxy: bulk, client to server"),
        bulk(Direction::Up),
        DROPPED,
        (Field::Bulk, CUBIC),
    ),
];
