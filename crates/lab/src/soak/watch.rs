//! What the program holds, and the log it writes.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    load::memory,
    problem::{Result, Trying},
    processor,
};

/// What was held at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The program's heap and stacks, in bytes.
    pub memory: u64,
    /// Its descriptors.
    pub descriptors: usize,
    /// Processor time that it has used so far.
    pub processor: Duration,
    /// Buffers of all TCP sockets in its network, in bytes.
    pub tcp_buffers: u64,
    /// The kernel's own objects on the whole machine, in bytes.
    pub slab: u64,
    /// Lines that it has logged so far.
    pub log_lines: u64,
}

impl Sample {
    pub(super) fn of(pid: u32, log: &LogSink) -> Result<Self> {
        let process = memory::of_process(pid)?;
        let kernel = memory::of_kernel()?;
        Ok(Self {
            memory: process.anonymous,
            descriptors: process.descriptors,
            processor: processor::used_by(pid)?,
            tcp_buffers: kernel.tcp_buffers,
            slab: kernel.slab,
            log_lines: log.lines(),
        })
    }
}

/// Counts log lines, and keeps none.
pub(super) struct LogSink {
    address: SocketAddr,
    lines: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl LogSink {
    pub(super) fn start() -> Result<Self> {
        // A receive that ends now and then sees that it shall stop.
        const TICK: Duration = Duration::from_millis(100);
        let socket = UdpSocket::bind("127.0.0.1:0").trying("bind a log socket")?;
        socket
            .set_read_timeout(Some(TICK))
            .trying("set a timeout")?;
        let address = socket.local_addr().trying("ask for a socket's address")?;
        let (lines, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (count, stopping) = (Arc::clone(&lines), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut line = [0; 64];
            while !stopping.load(Ordering::Relaxed) {
                if socket.recv(&mut line).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self {
            address,
            lines,
            stop,
            thread: Some(thread),
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }
}

impl Drop for LogSink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
    }
}
