//! Lines for a descriptor that may block (a pipe, a terminal, a file): queued, written by a
//! thread of its own.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};

/// Bytes that may wait.
const LIMIT: usize = 1 << 20;

/// Writes to a descriptor without making anybody wait.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    descriptor: OwnedFd,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<u8>,
    /// The thread is writing what it took.
    busy: bool,
    /// It is started by the first line, so that none is lost in a fork.
    thread: Option<JoinHandle<()>>,
    /// The thread is to end; the next line starts another.
    pausing: bool,
    /// Nobody will add lines any more.
    closed: bool,
}

impl Writer {
    /// A writer to this descriptor.
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        Self {
            shared: Arc::new(Shared {
                descriptor,
                queue: Mutex::default(),
                changed: Condvar::new(),
            }),
        }
    }

    /// Queues a line; false: the queue is full.
    pub(super) fn push(&self, line: &[u8]) -> bool {
        let mut queue = self.shared.lock();
        if queue.waiting.len() + line.len() > LIMIT || !self.started(&mut queue) {
            return false;
        }
        let wake = queue.waiting.is_empty();
        queue.waiting.extend_from_slice(line);
        drop(queue);
        if wake {
            self.shared.changed.notify_all();
        }
        true
    }

    /// Waits until everything is written, at most until the deadline. False: it is not.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut queue = self.shared.lock();
        while queue.busy || !queue.waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Ends the thread once everything is written; the next line starts another. False: it is not
    /// written by the deadline, and the thread goes on.
    pub(super) fn pause(&self, deadline: Instant) -> bool {
        if !self.flush(deadline) {
            return false;
        }
        let thread = {
            let mut queue = self.shared.lock();
            queue.pausing = queue.thread.is_some();
            queue.thread.take()
        };
        self.shared.changed.notify_all();
        // A panic aborts the process.
        thread.is_none_or(|thread| thread.join().is_ok())
    }

    fn started(&self, queue: &mut Queue) -> bool {
        if queue.thread.is_none() {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("log".to_owned());
            queue.thread = thread.spawn(move || shared.run()).ok();
        }
        queue.thread.is_some()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic aborts the process, so a poisoned lock cannot be seen.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut taken = Vec::new();
        while self.take(&mut taken) {
            // A reader that is gone for good is no reason to stop: the next line may tell.
            let _gone = self.write(&taken);
            taken.clear();
        }
    }

    /// Waits for lines; false: there will be none.
    fn take(&self, taken: &mut Vec<u8>) -> bool {
        let mut queue = self.lock();
        queue.busy = false;
        self.changed.notify_all();
        while queue.waiting.is_empty() {
            if queue.closed || std::mem::take(&mut queue.pausing) {
                return false;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut queue.waiting, taken);
        queue.busy = true;
        true
    }

    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(&self.descriptor, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => self.wait_until_writable()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn wait_until_writable(&self) -> io::Result<()> {
        let mut descriptor = [PollFd::new(&self.descriptor, PollFlags::OUT)];
        poll(&mut descriptor, None)?;
        Ok(())
    }
}

/// How long the last lines may take at exit.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    #[test]
    fn lines_arrive_in_order_and_flush_waits_for_them() {
        let (reader, writer) = std::io::pipe().unwrap();
        let log = Writer::new(writer.into());
        for n in 0..100 {
            assert!(log.push(format!("{n}\n").as_bytes()));
        }
        assert!(log.flush(soon()));
        drop(log);
        let mut text = String::new();
        std::io::BufReader::new(reader)
            .read_to_string(&mut text)
            .unwrap();
        let expected: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(text, expected);
    }

    #[test]
    fn a_pause_ends_the_thread_and_the_next_line_starts_another() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let log = Writer::new(writer.into());
        assert!(log.pause(soon()), "there is none yet");
        for line in [b"1\n", b"2\n"] {
            assert!(log.push(line));
            assert!(log.shared.lock().thread.is_some());
            assert!(log.pause(soon()));
            assert!(log.shared.lock().thread.is_none());
        }
        drop(log);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "1\n2\n");
    }

    #[test]
    fn a_pipe_that_nobody_reads_fills_the_queue_and_nobody_waits() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let log = Writer::new(writer.into());
        let line = [b'x'; 1000];
        let taken = (0..10_000).take_while(|_| log.push(&line)).count();
        assert!(taken >= LIMIT / line.len() - 1 && taken < 10_000);
        assert!(!log.flush(Instant::now() + Duration::from_millis(10)));
        let mut read = vec![0; taken * line.len()];
        reader.read_exact(&mut read).unwrap();
        assert!(log.flush(soon()));
        assert!(log.push(&line));
    }

    #[test]
    fn a_reader_that_went_away_stops_nobody() {
        let (reader, writer) = std::io::pipe().unwrap();
        let log = Writer::new(writer.into());
        drop(reader);
        assert!(log.push(b"x\n"));
        assert!(log.flush(soon()));
        assert!(log.push(b"y\n"));
    }

    #[test]
    fn a_nonblocking_descriptor_is_waited_for() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let log = Writer::new(writer.into());
        let big = vec![b'x'; 500_000];
        assert!(log.push(&big));
        let mut read = vec![0; big.len()];
        reader.read_exact(&mut read).unwrap();
        assert!(log.flush(soon()));
    }
}
