//! Memory of a process and of the kernel.

use std::fs;

use crate::problem::{Problem, Result, Trying};

/// What a process holds (`/proc/PID/smaps_rollup`), in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Resident.
    pub rss: u64,
    /// Its share of what is resident.
    pub pss: u64,
    /// Resident and of no file: heap and stacks. What else is resident depends on who has the same
    /// files open.
    pub anonymous: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

/// What the kernel holds, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// What could be given to programs still (`MemAvailable`).
    pub available: u64,
    /// Its own objects: sockets, files, epoll entries (`Slab`).
    pub slab: u64,
    /// Buffers of TCP sockets in this network namespace (`/proc/net/sockstat`).
    pub tcp_buffers: u64,
    /// TCP sockets in this network namespace that are in use.
    pub tcp_sockets: u64,
}

/// What a process holds now.
///
/// # Errors
/// There is no such process, or it is not ours.
pub fn of_process(pid: u32) -> Result<Process> {
    let file = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&file).trying(format!("read {file}"))?;
    let kib = |name| field(&text, name).map(|kib| kib << 10);
    let folder = format!("/proc/{pid}/fd");
    let descriptors = fs::read_dir(&folder).trying(format!("list {folder}"))?;
    Ok(Process {
        rss: kib("Rss:")?,
        pss: kib("Pss:")?,
        anonymous: kib("Anonymous:")?,
        descriptors: descriptors.count(),
    })
}

/// What the kernel holds now.
///
/// # Errors
/// `/proc` is not as it should be.
pub fn of_kernel() -> Result<Kernel> {
    let memory = fs::read_to_string("/proc/meminfo").trying("read /proc/meminfo")?;
    let sockets = fs::read_to_string("/proc/thread-self/net/sockstat").trying("read sockstat")?;
    let tcp = sockets.lines().find(|line| line.starts_with("TCP:"));
    let tcp = tcp.ok_or_else(|| Problem::Unexpected(format!("odd sockstat: {sockets}")))?;
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    Ok(Kernel {
        available: field(&memory, "MemAvailable:")? << 10,
        slab: field(&memory, "Slab:")? << 10,
        tcp_buffers: field(tcp, "mem")? * page,
        tcp_sockets: field(tcp, "inuse")?,
    })
}

/// The number after a word.
fn field(text: &str, name: &str) -> Result<u64> {
    let mut words = text.split_whitespace();
    let found = words.find(|word| *word == name);
    let number = found
        .and_then(|_| words.next())
        .and_then(|word| word.parse().ok());
    number.ok_or_else(|| Problem::Unexpected(format!("no {name} in: {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_seen() {
        const SIZE: u64 = 32 << 20;
        let before = of_process(std::process::id()).unwrap();
        // Memory that nobody looks at need not be allocated at all, says the optimiser.
        let block = std::hint::black_box(vec![1_u8; usize::try_from(SIZE).unwrap()]);
        let after = of_process(std::process::id()).unwrap();
        assert!(
            after.anonymous >= before.anonymous + SIZE / 2,
            "{before:?} {after:?}"
        );
        assert!(after.rss >= after.pss && after.descriptors >= 3);
        drop(block);
    }

    #[test]
    fn sockets_are_seen() {
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let kernel = of_kernel().unwrap();
        assert!(kernel.tcp_sockets > 0 && kernel.slab > 0 && kernel.available > 0);
    }
}
