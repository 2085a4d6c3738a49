//! More bulk at once than there are pipes: for an unprivileged user, the kernel grants 64 MiB of them.

use std::{net::SocketAddr, time::Duration};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    crowd::raise_file_limit,
    load::{self, Backend, Direction, Workload},
    needs::{self, Need},
};

use crate::harness::{Failure, Outcome, Test, measured, pontoon};

/// Transfers at once, more than there are pipes; a thousand with `PONTOON_FULL=1`.
const STREAMS: usize = 300;
const STREAMS_IN_FULL: usize = 1000;
/// Descriptors of the test itself and of the program: two ends each.
const FILES: u64 = 2 * STREAMS_IN_FULL as u64 + 1000;
/// The kernel's buffers are kept small, so that the end comes soon.
const BUFFERS: &str = " tune.rcvbuf.client 131072\n tune.rcvbuf.server 131072\n \
     tune.sndbuf.client 65536\n tune.sndbuf.server 65536\n";

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    let flowing = Test::new("load::more_transfers_than_pipes_flow", flowing);
    tests.push(flowing.needs(Need::Root).needs(Need::OpenFiles(FILES)));
}

fn start(server: SocketAddr, front: SocketAddr) -> Result<Balancer, Failure> {
    // Whether it is there is asked elsewhere: the server sees the transfers only.
    let page = free_address()?;
    let config = format!(
        "global\n maxconn 1500\n nbthread 1\n user nobody\n{BUFFERS}\
         defaults\n mode tcp\n timeout connect 20s\n timeout client 60s\n timeout server 60s\n\
         listen bulk\n bind {front} backlog 4096\n server s1 {server}\n\
         listen page\n bind {page}\n mode http\n stats enable\n stats uri /stats\n"
    );
    Ok(Balancer::start(Kind::Pontoon, pontoon(), &config, page)?)
}

fn flowing() -> Outcome {
    raise_file_limit()?;
    let seconds = if needs::full() { 20 } else { 1 };
    for direction in [Direction::Up, Direction::Down, Direction::Both] {
        flow(direction, Duration::from_secs(seconds))?;
    }
    Ok(())
}

fn flow(direction: Direction, duration: Duration) -> Outcome {
    let streams = if needs::full() {
        STREAMS_IN_FULL
    } else {
        STREAMS
    };
    let workload = Workload::Bulk { direction, streams };
    let backend = Backend::start(workload.service(), ([127, 0, 0, 1], 0).into())?;
    let front = free_address()?;
    let _balancer = start(backend.address(), front)?;
    let load = load::run(front, &workload, duration)?;
    let served = backend.served();
    if load.errors > 0 || load.bytes == 0 || served.wrong + served.cut > 0 {
        let (bytes, errors) = (load.bytes, load.errors);
        return Err(Failure::from(format!(
            "{direction:?}: {bytes} bytes, {errors} errors, {served:?}"
        )));
    }
    measured(&format!(
        "{streams} transfers ({direction:?}) as nobody: {:.2} GB/s",
        load.rate() / 1e9
    ));
    Ok(())
}
