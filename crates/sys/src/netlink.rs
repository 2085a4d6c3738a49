//! Asking the kernel about interfaces, addresses and routes, and changing them: rtnetlink(7). Its
//! packet filter is asked in the same language, of another family: netlink(7).

pub mod address;
pub mod conntrack;
pub mod device;
pub mod link;
mod message;
pub mod nftables;
pub mod route;

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind,
        netlink::SocketAddrNetlink, recv, send, socket_with,
    },
};

use address::Address;
use link::Link;
use message::{Body, Message, flag, kind, messages};

/// Larger than anything the kernel puts into one packet.
const PACKET: usize = 32 * 1024;
/// So many answers fit into the receive buffer of a socket, whatever the system's defaults.
const BATCH: usize = 64;
/// The kernel has answered before the request returns; this is for the case that it has not.
const PATIENCE: Duration = Duration::from_secs(2);

/// One change, to be carried out with others by [`Requests::apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change(Body);

/// A socket for questions and changes.
#[derive(Debug)]
pub struct Requests {
    socket: OwnedFd,
    sequence: u32,
}

impl Requests {
    /// A new one, for the network namespace of the calling thread.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn open() -> io::Result<Self> {
        let socket = open(0)?;
        crate::option::acknowledge_briefly(&socket)?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// All interfaces.
    ///
    /// # Errors
    /// The kernel refuses, or does not answer.
    pub fn links(&mut self) -> io::Result<Vec<Link>> {
        self.dump(&link::everything(), Link::parse)
    }

    /// All addresses, in the kernel's order: the first of an interface is its main one.
    ///
    /// # Errors
    /// The kernel refuses, or does not answer.
    pub fn addresses(&mut self) -> io::Result<Vec<Address>> {
        self.dump(&address::everything(), Address::parse)
    }

    /// Carries out all changes in this order, whatever becomes of the others. The outcomes are in
    /// the same order.
    pub fn apply(&mut self, changes: &[Change]) -> Vec<io::Result<()>> {
        let batches = changes.chunks(BATCH);
        batches.flat_map(|batch| self.apply_batch(batch)).collect()
    }

    fn apply_batch(&mut self, batch: &[Change]) -> Vec<io::Result<()>> {
        let first = self.sequence.wrapping_add(1);
        let mut packet = Vec::new();
        for Change(body) in batch {
            self.sequence = self.sequence.wrapping_add(1);
            packet.extend(body.encode(flag::ACK, self.sequence));
        }
        let mut outcomes: Vec<_> = batch.iter().map(|_| None).collect();
        let failure = match send(&self.socket, &packet, SendFlags::NOSIGNAL) {
            Ok(_) => self.collect(first, &mut outcomes).err(),
            Err(error) => Some(error.into()),
        };
        let unknown = || match &failure {
            Some(error) => Err(io::Error::new(error.kind(), error.to_string())),
            None => Err(io::ErrorKind::TimedOut.into()),
        };
        let outcomes = outcomes.into_iter();
        outcomes
            .map(|outcome| outcome.unwrap_or_else(unknown))
            .collect()
    }

    /// Reads acknowledgements until every change has one.
    fn collect(&self, first: u32, outcomes: &mut [Option<io::Result<()>>]) -> io::Result<()> {
        while outcomes.iter().any(Option::is_none) {
            let packet = receive(&self.socket)?;
            for message in messages(&packet) {
                let Some(outcome) = message.acknowledgement() else {
                    continue;
                };
                // Answers to earlier questions that were given up carry other numbers.
                let index = message.sequence.wrapping_sub(first) as usize;
                if let Some(place) = outcomes.get_mut(index) {
                    *place = Some(outcome);
                }
            }
        }
        Ok(())
    }

    fn dump<T>(
        &mut self,
        question: &Body,
        parse: impl Fn(&Message<'_>) -> Option<T>,
    ) -> io::Result<Vec<T>> {
        const ATTEMPTS: usize = 8;
        for _ in 0..ATTEMPTS {
            if let Some(found) = self.try_dump(question, &parse)? {
                return Ok(found);
            }
        }
        Err(io::Error::other("the list changes all the time"))
    }

    /// `None`: something changed meanwhile, so the list may lack something.
    fn try_dump<T>(
        &mut self,
        question: &Body,
        parse: impl Fn(&Message<'_>) -> Option<T>,
    ) -> io::Result<Option<Vec<T>>> {
        self.sequence = self.sequence.wrapping_add(1);
        let packet = question.encode(flag::DUMP, self.sequence);
        send(&self.socket, &packet, SendFlags::NOSIGNAL)?;
        let mut found = Vec::new();
        let mut interrupted = false;
        loop {
            let packet = receive(&self.socket)?;
            for message in messages(&packet) {
                if message.sequence != self.sequence {
                    continue;
                }
                interrupted |= message.flags & flag::DUMP_INTERRUPTED != 0;
                if message.kind == kind::DONE {
                    return Ok((!interrupted).then_some(found));
                }
                if let Some(refused) = message.acknowledgement() {
                    refused?;
                }
                found.extend(parse(&message));
            }
        }
    }
}

/// Hears of every change of interfaces and addresses; readable when there was one.
#[derive(Debug)]
pub struct Monitor(OwnedFd);

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An interface is new, or something about it is.
    Link(Link),
    /// An interface is gone.
    LinkGone(Link),
    /// An address is new, or something about it is.
    Address(Address),
    /// An address is gone.
    AddressGone(Address),
    /// Some notices were lost: look at everything.
    Lost,
}

impl Monitor {
    /// From now on every change is heard.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn open() -> io::Result<Self> {
        const LINKS: u32 = 0x1;
        const ADDRESSES_4: u32 = 0x10;
        const ADDRESSES_6: u32 = 0x100;
        const BUFFER: u32 = 1 << 20;
        let socket = open(LINKS | ADDRESSES_4 | ADDRESSES_6)?;
        crate::option::set_receive_buffer(&socket, BUFFER)?;
        Ok(Self(socket))
    }

    /// What has changed since the last call, in order.
    ///
    /// # Errors
    /// Nothing that a correct program meets.
    pub fn notices(&self) -> io::Result<Vec<Notice>> {
        let mut buffer = vec![0; PACKET];
        let mut notices = Vec::new();
        loop {
            match recv(&self.0, &mut buffer[..], RecvFlags::empty()) {
                Ok((_, length)) => {
                    notices.extend(read_notices(&buffer[..length]));
                }
                Err(Errno::AGAIN) => return Ok(notices),
                Err(Errno::NOBUFS) => notices.push(Notice::Lost),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a packet of the kernel tells. Public for `fuzz/`.
#[doc(hidden)]
pub fn read_notices(packet: &[u8]) -> impl Iterator<Item = Notice> {
    messages(packet).filter_map(|message| notice(&message))
}

fn notice(message: &Message<'_>) -> Option<Notice> {
    match message.kind {
        kind::NEW_LINK => Link::parse(message).map(Notice::Link),
        kind::DEL_LINK => Link::parse(message).map(Notice::LinkGone),
        kind::NEW_ADDRESS => Address::parse(message).map(Notice::Address),
        kind::DEL_ADDRESS => Address::parse(message).map(Notice::AddressGone),
        _ => None,
    }
}

fn open(groups: u32) -> io::Result<OwnedFd> {
    // Without a protocol: `NETLINK_ROUTE`.
    open_family(None, groups)
}

fn open_family(family: Option<Protocol>, groups: u32) -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, family)?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

fn receive(socket: &OwnedFd) -> io::Result<Vec<u8>> {
    let [ready] = crate::process::wait::readable([Some(socket.as_fd())], Some(PATIENCE))?;
    if !ready {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut packet = vec![0; PACKET];
    let (_, length) = recv(socket, &mut packet[..], RecvFlags::empty())?;
    packet.truncate(length);
    Ok(packet)
}

#[cfg(test)]
mod tests {
    use super::{address::NewAddress, *};
    use crate::testing::{in_private_network, ip};

    fn loopback(requests: &mut Requests) -> Link {
        let links = requests.links().unwrap();
        links.into_iter().find(|link| link.name == "lo").unwrap()
    }

    #[test]
    fn links_go_up_and_vanish() {
        in_private_network(|| {
            let mut requests = Requests::open().unwrap();
            let lo = loopback(&mut requests);
            assert!(!lo.up && !lo.running && !lo.speaks_arp);
            let monitor = Monitor::open().unwrap();
            ip("link set lo up");
            let heard = monitor.notices().unwrap();
            let up = |link: &Link| link.name == "lo" && link.up && link.running;
            assert!(
                matches!(heard.last(), Some(Notice::Address(_))),
                "{heard:?}"
            );
            let is_up = |notice: &Notice| matches!(notice, Notice::Link(link) if up(link));
            assert!(heard.iter().any(is_up), "{heard:?}");
            ip("link add near type veth peer name far");
            ip("link del near");
            let heard = monitor.notices().unwrap();
            let gone =
                |notice: &Notice| matches!(notice, Notice::LinkGone(link) if link.name == "near");
            assert!(heard.iter().any(gone), "{heard:?}");
        });
    }

    #[test]
    fn a_veth_without_its_peer_up_is_up_but_does_not_run() {
        in_private_network(|| {
            ip("link add near address 02:00:00:00:00:01 type veth peer name far");
            ip("link set near up");
            let mut requests = Requests::open().unwrap();
            let near = wait_for(&mut requests, |near| !near.running);
            assert!(near.up && near.speaks_arp);
            assert_eq!(near.mac, Some([2, 0, 0, 0, 0, 1]));
            ip("link set far up");
            wait_for(&mut requests, |near| near.running);
        });
    }

    /// The kernel looks at carriers in its own time.
    fn wait_for(requests: &mut Requests, wanted: impl Fn(&Link) -> bool) -> Link {
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            let mut links = requests.links().unwrap().into_iter();
            let near = links.find(|link| link.name == "near").unwrap();
            if wanted(&near) {
                return near;
            }
            assert!(std::time::Instant::now() < deadline, "still {near:?}");
        }
    }

    #[test]
    fn an_interface_that_leaves_its_bridge_is_not_gone() {
        in_private_network(|| {
            ip("link add bridge0 type bridge");
            ip("link add near type veth peer name far");
            ip("link set near master bridge0 up");
            let monitor = Monitor::open().unwrap();
            ip("link set near nomaster");
            let heard = monitor.notices().unwrap();
            let gone = |notice: &Notice| matches!(notice, Notice::LinkGone(_));
            assert!(!heard.is_empty() && !heard.iter().any(gone), "{heard:?}");
        });
    }

    #[test]
    fn every_change_has_its_own_outcome() {
        in_private_network(|| {
            ip("link set lo up");
            let mut requests = Requests::open().unwrap();
            let lo = loopback(&mut requests).index;
            let good = NewAddress::new(lo, "10.9.0.1".parse().unwrap(), 24);
            let nowhere = NewAddress::new(999, "10.9.0.2".parse().unwrap(), 24);
            let changes = [good.add(), nowhere.add(), good.add(), good.remove()];
            let outcomes = requests.apply(&changes);
            let codes = outcomes.into_iter().map(|outcome| {
                let error = outcome.err();
                error.map(|error| error.raw_os_error().unwrap())
            });
            let expected = [None, Some(libc::ENODEV), Some(libc::EEXIST), None];
            assert_eq!(codes.collect::<Vec<_>>(), expected);
        });
    }

    #[test]
    fn many_changes_at_once_get_all_their_answers() {
        in_private_network(|| {
            ip("link set lo up");
            let mut requests = Requests::open().unwrap();
            let lo = loopback(&mut requests).index;
            let numbered = |number: u8| {
                NewAddress::new(lo, [10, 9, number / 250, number % 250 + 1].into(), 32)
            };
            let all: Vec<_> = (0..200).map(|number| numbered(number).add()).collect();
            assert!(requests.apply(&all).iter().all(Result::is_ok));
            assert_eq!(requests.addresses().unwrap().len(), 200 + 2);
        });
    }

    #[test]
    fn too_many_notices_are_told() {
        in_private_network(|| {
            let monitor = Monitor(open(0x1).unwrap());
            crate::option::set_receive_buffer(&monitor, 1).unwrap();
            for _ in 0..10 {
                ip("link set lo up");
                ip("link set lo down");
            }
            assert!(monitor.notices().unwrap().contains(&Notice::Lost));
        });
    }
}
