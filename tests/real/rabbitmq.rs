//! RabbitMQ: queues by least connections, checked by the first step of AMQP, and the management pages by
//! source, checked over HTTP. The brokers are fakes that speak that step and answer those pages.

use super::{
    member::{
        Member,
        Role::{Bad, Dead, Good},
        Speech::{Amqp, Http},
    },
    shapes::{Shape, Step},
};

pub(super) const SHAPE: Shape = Shape {
    name: "rabbitmq",
    file: include_str!("rabbitmq.cfg"),
    needs: &[],
    page: "127.77.7.10:7000",
    until: None,
    explained: None,
    fronts: &[
        ("127.77.7.10:5672", b"AMQP\0\0\x09\x01"),
        ("127.77.7.10:15672", b"GET / HTTP/1.0\r\n\r\n"),
    ],
    members: || {
        vec![
            Member::new("mq1", "127.77.7.11:5672", Amqp),
            Member::new("mq2", "127.77.7.12:5672", Amqp),
            Member::new("mq3", "127.77.7.13:5672", Amqp),
            Member::new("web1", "127.77.7.11:15672", Http),
            Member::new("web2", "127.77.7.12:15672", Http),
            Member::new("web3", "127.77.7.13:15672", Http),
        ]
    },
    steps: &[
        Step {
            turns: &[
                ("mq1", Good),
                ("mq2", Good),
                ("mq3", Good),
                ("web1", Good),
                ("web2", Good),
                ("web3", Good),
            ],
            states: &[
                ("amqp/mq1", "UP L7OK"),
                ("amqp/mq2", "UP L7OK"),
                ("amqp/mq3", "UP L7OK"),
                ("management/mq1", "UP L7OK"),
                ("management/mq2", "UP L7OK"),
                ("management/mq3", "UP L7OK"),
            ],
        },
        // One broker dies with its pages, another refuses the version.
        Step {
            turns: &[("mq2", Dead), ("web2", Dead), ("mq3", Bad)],
            states: &[
                ("amqp/mq2", "DOWN L4CON"),
                ("management/mq2", "DOWN L4CON"),
                ("amqp/mq3", "DOWN L7RSP"),
            ],
        },
        Step {
            turns: &[("mq2", Good), ("web2", Good), ("mq3", Good)],
            states: &[
                ("amqp/mq2", "UP L7OK"),
                ("amqp/mq3", "UP L7OK"),
                ("management/mq2", "UP L7OK"),
            ],
        },
    ],
};
