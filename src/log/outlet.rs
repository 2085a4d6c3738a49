//! A `log` line of the configuration, ready for use: which lines it wants, and how.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use pontoon_config::haproxy::model::{LogLevel, LogSample, LogTarget};

use super::{
    date::Calendar,
    frame::{Header, Speaker},
    sink::{Dropped, Sink},
};

/// One target of one proxy, or of the process.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) sink: Arc<Sink>,
    pub(super) target: LogTarget,
    /// Counts lines for `sample`; shared by all that use the same `log` line.
    pub(super) turn: Arc<AtomicU32>,
}

/// A message on its way out.
pub(super) struct Message<'a> {
    pub(super) level: LogLevel,
    pub(super) text: &'a [u8],
    /// RFC 5424 structured data.
    pub(super) structured: &'a [u8],
    pub(super) speaker: &'a Speaker,
    pub(super) at: SystemTime,
    pub(super) calendar: &'a Calendar,
}

impl Outlet {
    /// Sends a message if this target wants it. `frame` is room to work in.
    ///
    /// # Errors
    /// It wanted the message, but could not send it.
    pub(super) fn send(&self, message: &Message<'_>, frame: &mut Vec<u8>) -> Result<(), Dropped> {
        if message.level > self.target.level || !self.is_its_turn() {
            return Ok(());
        }
        self.frame(message, frame);
        if let Some(lost) = self.sink.send(frame)? {
            self.tell_lost(lost, message, frame);
        }
        Ok(())
    }

    fn is_its_turn(&self) -> bool {
        let Some(LogSample { ranges, size }) = &self.target.sample else {
            return true;
        };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % (*size).max(1) + 1;
        ranges
            .iter()
            .any(|&(first, last)| (first..=last).contains(&turn))
    }

    fn frame(&self, message: &Message<'_>, frame: &mut Vec<u8>) {
        frame.clear();
        let header = Header {
            encoding: self.target.format,
            facility: self.target.facility,
            level: message.level.max(self.target.min_level),
            speaker: message.speaker,
            at: message.at,
            calendar: message.calendar,
            structured: message.structured,
        };
        header.write(frame);
        frame.extend_from_slice(message.text);
        frame.truncate(self.target.length);
        frame.push(b'\n');
    }

    /// Lines were lost, and now it works again: said once, by whoever finds out.
    fn tell_lost(&self, lost: u64, message: &Message<'_>, frame: &mut Vec<u8>) {
        let text = format!("{lost} log lines could not be sent and were dropped.");
        let notice = Message {
            level: LogLevel::Warning,
            text: text.as_bytes(),
            structured: b"",
            ..*message
        };
        if notice.level <= self.target.level {
            self.frame(&notice, frame);
            // Lost as well, it counts with the next ones.
            let _again = self.sink.send(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use pontoon_config::haproxy::model::{LogAddress, LogEncoding};

    use super::*;

    fn outlet(change: impl FnOnce(&mut LogTarget)) -> (UdpSocket, Outlet) {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        daemon.set_nonblocking(true).unwrap();
        let mut target = LogTarget {
            address: LogAddress::Udp(daemon.local_addr().unwrap()),
            length: 1024,
            format: LogEncoding::Priority,
            sample: None,
            facility: 17,
            level: LogLevel::Debug,
            min_level: LogLevel::Emergency,
        };
        change(&mut target);
        let outlet = Outlet {
            sink: Arc::new(Sink::open(&target.address).unwrap()),
            target,
            turn: Arc::default(),
        };
        (daemon, outlet)
    }

    fn send(outlet: &Outlet, level: LogLevel, text: &str) {
        let speaker = Speaker {
            tag: "t".to_owned(),
            host: None,
        };
        let message = Message {
            level,
            text: text.as_bytes(),
            structured: b"",
            speaker: &speaker,
            at: SystemTime::UNIX_EPOCH,
            calendar: &Calendar::utc(),
        };
        outlet.send(&message, &mut Vec::new()).unwrap();
    }

    fn received(daemon: &UdpSocket) -> Option<String> {
        let mut buffer = [0; 2000];
        let length = daemon.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    #[test]
    fn less_severe_lines_stay_here() {
        let (daemon, outlet) = outlet(|target| target.level = LogLevel::Notice);
        send(&outlet, LogLevel::Info, "access");
        send(&outlet, LogLevel::Notice, "event");
        assert_eq!(received(&daemon).as_deref(), Some("<141>event\n"));
        assert_eq!(received(&daemon), None);
    }

    #[test]
    fn more_severe_lines_are_toned_down() {
        let (daemon, outlet) = outlet(|target| target.min_level = LogLevel::Notice);
        send(&outlet, LogLevel::Emergency, "fire");
        assert_eq!(received(&daemon).as_deref(), Some("<141>fire\n"));
    }

    #[test]
    fn a_line_is_cut_at_its_length_before_the_newline() {
        let (daemon, outlet) = outlet(|target| target.length = 80);
        send(&outlet, LogLevel::Info, &"x".repeat(100));
        let line = received(&daemon).unwrap();
        assert_eq!(line.len(), 81);
        assert!(line.ends_with("x\n"));
    }

    #[test]
    fn a_sample_takes_its_turns() {
        let (daemon, outlet) = outlet(|target| {
            target.sample = Some(LogSample {
                ranges: vec![(1, 1), (3, 4)],
                size: 5,
            });
        });
        for n in 1..=10 {
            send(&outlet, LogLevel::Info, &n.to_string());
        }
        let seen: Vec<_> = std::iter::from_fn(|| received(&daemon)).collect();
        let expected = [1, 3, 4, 6, 8, 9].map(|n| format!("<142>{n}\n"));
        assert_eq!(seen, expected);
    }
}
