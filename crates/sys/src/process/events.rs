//! Hearing of every process that starts, is named or ends, without looking: the process events
//! connector of the kernel (`CONFIG_PROC_EVENTS`).

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind,
        netlink::{CONNECTOR, SocketAddrNetlink},
        recv, send, socket_with,
    },
};

/// The connector's number for process events (`CN_IDX_PROC`, `CN_VAL_PROC`): also the group that
/// hears them.
const PROCESS: u32 = 1;
/// Where a message of the connector begins in a packet, and where the event begins in it.
const NETLINK_HEADER: usize = 16;
const CONNECTOR_HEADER: usize = 20;

/// A subscription; readable when something has happened.
#[derive(Debug)]
pub struct Events(OwnedFd);

/// What has happened to a process; its threads do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It was started by another one, whose name and command line it still bears.
    Forked {
        /// Who started it.
        parent: u32,
        /// It.
        child: u32,
    },
    /// It became another program.
    Executed {
        /// It.
        pid: u32,
    },
    /// It named itself.
    Named {
        /// It.
        pid: u32,
    },
    /// It ended.
    Ended {
        /// It.
        pid: u32,
    },
    /// Some events were lost, as we were too slow: look at everything.
    Lost,
}

/// Why events cannot be heard.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The kernel was built without.
    #[error("this kernel reports no process events (CONFIG_PROC_EVENTS)")]
    NotSupported,
    /// We are in a container.
    #[error(
        "process events are reported in the machine's first network and process namespaces only"
    )]
    Namespace,
    /// We are not allowed to.
    #[error("process events need CAP_NET_ADMIN")]
    NotAllowed,
    /// Something else.
    #[error("cannot hear of process events: {0}")]
    Other(#[from] io::Error),
}

impl Events {
    /// From now on every event is heard.
    ///
    /// # Errors
    /// See [`EventsError`]; all but the last are no fault, and polling is what remains.
    pub fn subscribe() -> Result<Self, EventsError> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let kind = SocketType::DGRAM;
        let socket = socket_with(AddressFamily::NETLINK, kind, flags, Some(CONNECTOR));
        let socket = socket.map_err(refused)?;
        bind(&socket, &SocketAddrNetlink::new(0, PROCESS)).map_err(refused)?;
        send(&socket, &listen_request(), SendFlags::NOSIGNAL).map_err(refused)?;
        let events = Self(socket);
        events.confirm()?;
        Ok(events)
    }

    /// The kernel answers while it takes the request, and where it does not want to hear us, not
    /// at all.
    fn confirm(&self) -> Result<(), EventsError> {
        let mut buffer = [0; 1024];
        loop {
            let length = match recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
                Ok((_, length)) => length,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return Err(EventsError::Namespace),
                Err(error) => return Err(io::Error::from(error).into()),
            };
            match acknowledged(&buffer[..length]) {
                Some(0) => return Ok(()),
                Some(code) => return Err(refused(Errno::from_raw_os_error(code))),
                // An event of another listener's subscription.
                None => {}
            }
        }
    }

    /// The next event; `None`: there is none now.
    ///
    /// # Errors
    /// Nothing that a correct program meets.
    pub fn next(&self) -> io::Result<Option<Event>> {
        let mut buffer = [0; 1024];
        loop {
            match recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
                Ok((_, length)) => {
                    let event = parse(&buffer[..length]);
                    if event.is_some() {
                        return Ok(event);
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::NOBUFS) => return Ok(Some(Event::Lost)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn refused(error: Errno) -> EventsError {
    match error {
        Errno::PROTONOSUPPORT | Errno::NOENT => EventsError::NotSupported,
        Errno::CONNREFUSED => EventsError::Namespace,
        Errno::PERM | Errno::ACCESS => EventsError::NotAllowed,
        other => EventsError::Other(other.into()),
    }
}

/// `nlmsghdr`, `cn_msg` and `PROC_CN_MCAST_LISTEN`.
fn listen_request() -> Vec<u8> {
    const LENGTH: u32 = 40;
    const DONE: u16 = 3;
    const OPERATION_LENGTH: u16 = 4;
    const LISTEN: u32 = 1;
    let mut request = Vec::with_capacity(40);
    request.extend(LENGTH.to_ne_bytes());
    request.extend(DONE.to_ne_bytes());
    request.extend([0; 10]);
    request.extend(PROCESS.to_ne_bytes());
    request.extend(PROCESS.to_ne_bytes());
    request.extend([0; 8]);
    request.extend(OPERATION_LENGTH.to_ne_bytes());
    request.extend([0; 2]);
    request.extend(LISTEN.to_ne_bytes());
    request
}

/// What follows the kind, processor and time of an event, and the kind itself.
fn event_of(packet: &[u8]) -> Option<(u32, &[u8])> {
    const DATA: usize = 16;
    let event = packet.get(NETLINK_HEADER + CONNECTOR_HEADER..)?;
    Some((number(event, 0)?, event.get(DATA..)?))
}

fn acknowledged(packet: &[u8]) -> Option<i32> {
    const NONE: u32 = 0;
    match event_of(packet)? {
        (NONE, data) => number(data, 0).map(u32::cast_signed),
        _ => None,
    }
}

fn parse(packet: &[u8]) -> Option<Event> {
    const FORK: u32 = 1;
    const EXEC: u32 = 2;
    const COMM: u32 = 0x200;
    const EXIT: u32 = 0x8000_0000;
    let (what, data) = event_of(packet)?;
    // The kernel's `pid` is a thread, its `tgid` the process.
    let process = |at| {
        let (thread, process) = (number(data, at)?, number(data, at + 4)?);
        (thread == process).then_some(process)
    };
    match what {
        FORK => Some(Event::Forked {
            parent: number(data, 4)?,
            child: process(8)?,
        }),
        EXEC => Some(Event::Executed { pid: process(0)? }),
        COMM => Some(Event::Named { pid: process(0)? }),
        EXIT => Some(Event::Ended { pid: process(0)? }),
        _ => None,
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::{process::Command, time::Duration};

    use super::*;
    use crate::process::wait::readable;

    fn wait_for(events: &Events, wanted: Event) {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while std::time::Instant::now() < deadline {
            match events.next().unwrap() {
                Some(event) if event == wanted => return,
                Some(_) => {}
                None => {
                    let soon = Some(Duration::from_millis(100));
                    readable([Some(events.as_fd())], soon).unwrap();
                }
            }
        }
        panic!("{wanted:?} was not heard");
    }

    #[test]
    fn a_process_is_heard_from_its_start_to_its_end() {
        let events = match Events::subscribe() {
            Ok(events) => events,
            Err(EventsError::Other(error)) => panic!("{error}"),
            Err(expected) => {
                // Containers and plain users come here: there is nothing to hear.
                eprintln!("skipped: {expected}");
                return;
            }
        };
        let mut child = Command::new("/bin/cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        wait_for(&events, Event::Executed { pid });
        child.kill().unwrap();
        child.wait().unwrap();
        wait_for(&events, Event::Ended { pid });
    }

    #[test]
    fn another_network_namespace_is_refused_and_says_so() {
        crate::testing::in_private_network(|| {
            let error = Events::subscribe().unwrap_err();
            assert!(matches!(error, EventsError::Namespace), "{error}");
        });
    }

    #[test]
    fn threads_and_broken_packets_say_nothing() {
        let mut packet = vec![0; 36];
        packet.extend(0x8000_0000_u32.to_ne_bytes());
        packet.extend([0; 12]);
        packet.extend(7_u32.to_ne_bytes());
        assert_eq!(parse(&packet), None, "cut off");
        packet.extend(5_u32.to_ne_bytes());
        assert_eq!(parse(&packet), None, "a thread of process 5");
        packet[56..60].copy_from_slice(&7_u32.to_ne_bytes());
        assert_eq!(parse(&packet), Some(Event::Ended { pid: 7 }));
    }
}
