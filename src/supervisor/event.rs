//! What a supervisor waits for.

use std::time::{Duration, Instant};

use pontoon_sys::packet::Peer;
use pontoon_sys::process::{
    Pid, Signal,
    child::{End, reap},
    signal::{Signals, real_time},
    wait::{self, Wish},
};

use super::{
    Children,
    child::Child,
    console::{Command, Console, ConsoleId},
    door::{ClientId, Door},
    inquiry::Inquiry,
    process::{Kind, Line, Process, Said},
};
use crate::election::process::signals::Function;
use crate::node::{
    channel::Received,
    message::FromElection,
    status::{Answer, Request},
};

/// The signals it handles; all but SIGCHLD are passed on.
pub(super) const SIGNALS: &[Signal] = &[
    Signal::CHILD,
    Signal::TERM,
    Signal::INT,
    Signal::USR1,
    Signal::USR2,
    Signal::HUP,
    Signal::QUIT,
    Signal::TTOU,
    Signal::TTIN,
];

/// Signals without a name that only the election handles (keepalived(8)): they make it write its
/// state as JSON, and its counters, which then begin at 0 again.
pub(super) fn of_election() -> impl Iterator<Item = Signal> {
    let dumps = [Function::Json, Function::ClearStatistics];
    let dumps = dumps
        .into_iter()
        .map(|dump| dump.number() - libc::SIGRTMIN());
    dumps.filter_map(real_time)
}

/// Something happened.
#[derive(Debug)]
pub(super) enum Event {
    /// The proxy serves.
    ProxyReady,
    /// The election spoke.
    Said(FromElection),
    /// A signal for us or for a child.
    Signal(Signal),
    /// The proxy of a reload serves.
    SuccessorReady,
    /// A child ended.
    Ended(Who, End),
    /// A child is to be started again.
    Due(Kind),
    /// The election takes too long to stop.
    Overdue,
    /// The election has said nothing for too long.
    Silent,
    /// A reload takes too long.
    ReloadOverdue,
    /// Somebody asks at the door.
    Asked(ClientId, Request),
    /// Somebody commands at the master socket.
    Commanded(ConsoleId, Command),
    /// All is known that was asked for, or it has taken long enough.
    Answerable(Inquiry),
}

/// Which child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// One of the two.
    Child(Kind),
    /// The proxy of a reload that is not ready yet.
    Successor,
    /// A proxy of this number that was replaced.
    Leaving(u32),
}

/// Everything that can make something happen.
pub(super) struct Watch<'a> {
    pub(super) signals: &'a Signals,
    pub(super) children: &'a mut Children,
    /// When the election has had its time to stop.
    pub(super) patience: Option<Instant>,
    /// When a reload has had its time.
    pub(super) reload: Option<Instant>,
    /// When the election, if it goes on saying nothing, is taken for hung.
    pub(super) silence: Option<Instant>,
    pub(super) door: Option<&'a mut Door>,
    pub(super) hatch: Option<&'a mut Door>,
    pub(super) console: &'a mut Console,
    /// What the master's clients are asked with.
    pub(super) prompt: &'static str,
    pub(super) inquiries: &'a mut Vec<Inquiry>,
}

impl Watch<'_> {
    /// Waits for the next event.
    pub(super) fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.look(Instant::now()) {
                return event;
            }
            self.wait();
        }
    }

    /// In the order in which things happen to a process. A signal goes before an end: whoever
    /// signals the whole group (a terminal, systemd) has asked for the end that follows.
    fn look(&mut self, now: Instant) -> Option<Event> {
        self.word()
            .or_else(|| self.signal())
            .or_else(|| self.ended())
            .or_else(|| self.time(now))
            .or_else(|| self.visitor(now))
            .or_else(|| self.commander(now))
    }

    fn word(&mut self) -> Option<Event> {
        let proxy = self.children.proxy.as_mut().and_then(Child::process_mut);
        // Why it does not start it has told on standard error as well.
        if proxy.is_some_and(|process| process.line.hear_start() == Said::Ready) {
            return Some(Event::ProxyReady);
        }
        if let Some(successor) = &mut self.children.successor {
            match successor.process.line.hear_start() {
                Said::Ready => return Some(Event::SuccessorReady),
                Said::Problem(words) if !words.is_empty() => successor.problem = words,
                Said::Problem(_) | Said::Nothing => {}
            }
        }
        let election = self.children.election.as_mut();
        let line = &mut election.and_then(Child::process_mut)?.line;
        let Line::Talk(end) = line else { return None };
        end.flush();
        match end.receive() {
            Received::Message(message) => Some(Event::Said(message)),
            Received::Nothing => None,
            Received::End => {
                // Its end is told by the kernel.
                *line = Line::Closed;
                None
            }
        }
    }

    fn signal(&self) -> Option<Event> {
        // SIGCHLD has done its work by waking us: the dead are reaped next.
        let mut signals = std::iter::from_fn(|| self.signals.next());
        signals
            .find(|signal| *signal != Signal::CHILD)
            .map(Event::Signal)
    }

    /// Reaps whoever ended: our children, or orphans that were left to us.
    fn ended(&self) -> Option<Event> {
        while let Some((pid, end)) = reap() {
            if let Some(who) = self.children.who_is(pid) {
                return Some(Event::Ended(who, end));
            }
        }
        None
    }

    fn time(&mut self, now: Instant) -> Option<Event> {
        let is_over = |until: Option<Instant>| until.is_some_and(|until| now >= until);
        if is_over(self.patience) {
            return Some(Event::Overdue);
        }
        if is_over(self.silence) {
            return Some(Event::Silent);
        }
        if is_over(self.reload) {
            return Some(Event::ReloadOverdue);
        }
        let mut children = self.children.all();
        let due = children.find(|child| is_over(child.due()));
        due.map(|child| Event::Due(child.kind))
    }

    fn visitor(&mut self, now: Instant) -> Option<Event> {
        let mut inquiries = self.inquiries.iter_mut();
        if let Some(index) = inquiries.position(|inquiry| inquiry.is_over(now)) {
            return Some(Event::Answerable(self.inquiries.swap_remove(index)));
        }
        if let Some(event) = self.inmate(now) {
            return Some(event);
        }
        let (client, request) = self.door.as_mut()?.look(now)?;
        Some(Event::Asked(client, request))
    }

    /// A process of ours that asks for the election, and may ask for nothing else.
    fn inmate(&mut self, now: Instant) -> Option<Event> {
        let children = &*self.children;
        let welcome = |peer: Peer| {
            let mut pids = children.processes();
            peer.user == 0 || pids.any(|process| process.pid() == peer.process)
        };
        let hatch = self.hatch.as_mut()?;
        let (client, request) = hatch.look_at(now, welcome)?;
        if request == Request::Election {
            return Some(Event::Asked(client, request));
        }
        let why = "only the election is asked for here".to_owned();
        hatch.answer(client, &Answer::Refused(why));
        None
    }

    fn commander(&mut self, now: Instant) -> Option<Event> {
        let (client, command) = self.console.look(now, self.prompt)?;
        Some(Event::Commanded(client, command))
    }

    fn wait(&self) {
        let mut wishes = vec![(std::os::fd::AsFd::as_fd(self.signals), Wish::Read)];
        for process in self.children.processes() {
            wishes.push((process.descriptor(), Wish::Read));
            let wish = if process.line.is_waiting() {
                Wish::ReadOrWrite
            } else {
                Wish::Read
            };
            wishes.extend(process.line.descriptor().map(|line| (line, wish)));
        }
        let doors = self.door.iter().chain(&self.hatch);
        wishes.extend(doors.flat_map(|door| door.wishes()));
        wishes.extend(self.console.wishes());
        let beats = self.inquiries.iter().filter_map(Inquiry::descriptor);
        wishes.extend(beats.map(|beat| (beat, Wish::Read)));
        let timeout = self.timeout();
        let timeout = timeout.map(|until| until.saturating_duration_since(Instant::now()));
        if wait::any(&wishes, timeout).is_err() {
            // Out of memory, at worst: try again, but do not spin.
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn timeout(&self) -> Option<Instant> {
        let children = self.children.all().filter_map(Child::due);
        let inquiries = self.inquiries.iter().map(Inquiry::until);
        let doors = self.door.iter().chain(&self.hatch);
        let door = doors.filter_map(|door| door.timeout());
        let times = children.chain(inquiries).chain(door);
        let times = times.chain(self.console.timeout());
        let times = times.chain(self.patience).chain(self.silence);
        times.chain(self.reload).min()
    }
}

impl Children {
    fn who_is(&self, pid: Pid) -> Option<Who> {
        let is_it = |child: &&Child| child.process().is_some_and(|process| process.is(pid));
        if let Some(child) = self.all().find(is_it) {
            return Some(Who::Child(child.kind));
        }
        if let Some(successor) = &self.successor
            && successor.process.is(pid)
        {
            return Some(Who::Successor);
        }
        let mut leaving = self.leaving.iter().map(|leaving| &leaving.process);
        let leaving = leaving.find(|process| process.is(pid));
        leaving.map(|process| Who::Leaving(process.pid()))
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        let children = self.all().filter_map(Child::process);
        let successor = self.successor.iter().map(|successor| &successor.process);
        let leaving = self.leaving.iter().map(|leaving| &leaving.process);
        children.chain(successor).chain(leaving)
    }
}
