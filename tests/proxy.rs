//! The data path, from outside.

mod balance;
mod endings;
mod gates;
mod header;
mod knobs;
mod marked;
mod options;
mod source;
mod stage;
mod wire;

use std::time::Duration;

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    client::{Client, End},
    needs::Need,
    server::{Behaviour, Server},
};

use crate::harness::{Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    tests.push(Test::new("proxy::relays_both_ways_and_closes", || {
        relays_both_ways_and_closes(Kind::Pontoon)
    }));
    let theirs = Test::new("proxy::haproxy_relays_both_ways_and_closes", || {
        relays_both_ways_and_closes(Kind::Haproxy)
    });
    tests.push(theirs.needs(Need::Program("haproxy")));
    balance::register(tests);
    endings::register(tests);
    gates::register(tests);
    options::register(tests);
    header::register(tests);
    knobs::register(tests);
    marked::register(tests);
    source::register(tests);
    wire::register(tests);
}

fn relays_both_ways_and_closes(kind: Kind) -> Outcome {
    let server = Server::start(Behaviour::Echo)?;
    let listens = free_address()?;
    let config = format!(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n\
         listen echo\n bind {listens}\n server s1 {}\n",
        server.address()
    );
    let _balancer = Balancer::start(kind, pontoon(), &config, listens)?;
    let mut client = Client::connect(listens)?;
    client.send(b"hello")?;
    client.finish()?;
    let seen = client.receive_all(Duration::from_secs(5))?;
    assert_eq!(
        (seen.bytes.as_slice(), seen.end),
        (&b"hello"[..], End::Closed)
    );
    Ok(())
}
