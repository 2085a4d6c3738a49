//! A node under a clock of its own, and a provider that answers what the test says. Orders and
//! reports are written down with their times, in seconds since the start: `0.000 describe`.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use crate::{
    floating_ip::{
        CallId,
        action::{Action, Alarm, Report},
        event::{Event, Failure, FailureKind, Holder, Whereabouts},
        reconciler::Reconciler,
        settings::Settings,
        view::View,
    },
    vrrp::Priority,
};

/// 10.0.0.x
pub(super) fn host(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, last).into()
}

/// As most files have it; we are 10.0.0.1.
pub(super) fn settings() -> Settings {
    Settings {
        verify_interval: Duration::from_secs(10),
        call_timeout: Duration::from_secs(5),
        backoff_first: Duration::from_secs(1),
        backoff_longest: Duration::from_secs(30),
        burst: 10,
        refill: Duration::from_secs(1),
        source: Some(host(1)),
        preferred: false,
    }
}

pub(super) fn failure(kind: FailureKind) -> Failure {
    Failure {
        kind,
        text: "why".into(),
    }
}

/// With a configured peer.
pub(super) fn peer(last: u8) -> Whereabouts {
    Whereabouts::With(Holder {
        name: format!("node {last}"),
        peer: Some(host(last)),
    })
}

/// With somebody who is not in the election.
pub(super) fn stranger() -> Whereabouts {
    Whereabouts::With(Holder {
        name: "a stranger".into(),
        peer: None,
    })
}

/// A node and its provider.
pub(super) struct Bench {
    node: Reconciler,
    begin: Instant,
    now: Instant,
    /// The call under way, and whether it is to bring the address here.
    asked: Option<(CallId, bool)>,
    lines: Vec<String>,
}

impl Bench {
    pub(super) fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            node: Reconciler::new(settings, 7),
            begin: now,
            now,
            asked: None,
            lines: Vec::new(),
        }
    }

    /// Has been master with priority 100 since 0, has brought the address from nowhere and seen
    /// it; the time is 0 still.
    pub(super) fn holding() -> Self {
        Self::holding_with(settings())
    }

    pub(super) fn holding_with(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.master(100);
        bench.found(Whereabouts::Nowhere);
        bench.agreed();
        bench.found(Whereabouts::Here);
        bench.lines.clear();
        bench
    }

    /// Time passes until then, with every timeout in its time.
    pub(super) fn until(&mut self, seconds: f64) -> &mut Self {
        let end = self.begin + Duration::from_secs_f64(seconds);
        while let Some(due) = self.node.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tell(Event::Timeout);
        }
        self.now = end;
        self
    }

    /// Time passes until something is asked.
    pub(super) fn until_asked(&mut self) -> &mut Self {
        while self.asked.is_none() {
            let due = self.node.poll_timeout().expect("it waits for nothing");
            self.now = self.now.max(due);
            self.tell(Event::Timeout);
        }
        self
    }

    /// Time passes, and whatever is asked is answered like this at once.
    pub(super) fn while_found(&mut self, found: &Whereabouts, seconds: f64) -> &mut Self {
        let end = self.begin + Duration::from_secs_f64(seconds);
        loop {
            match self.asked {
                Some((_, true)) => self.agreed(),
                Some((_, false)) => self.found(found.clone()),
                None => match self.node.poll_timeout().filter(|due| *due <= end) {
                    Some(due) => {
                        self.now = self.now.max(due);
                        self.tell(Event::Timeout)
                    }
                    None => break,
                },
            };
        }
        self.now = end;
        self
    }

    pub(super) fn tell(&mut self, event: Event) -> &mut Self {
        self.node.handle(event, self.now);
        self.obey();
        self
    }

    pub(super) fn master(&mut self, priority: u8) -> &mut Self {
        let priority = Priority(priority);
        self.tell(Event::Master { priority })
    }

    pub(super) fn hear(&mut self, last: u8, priority: u8) -> &mut Self {
        let priority = Priority(priority);
        let address = host(last);
        self.tell(Event::Peer { address, priority })
    }

    /// The question under way is answered.
    pub(super) fn found(&mut self, found: Whereabouts) -> &mut Self {
        let (call, moves) = self.asked.take().expect("nothing was asked");
        assert!(!moves, "it was not asked where the address is");
        self.tell(Event::Described {
            call,
            result: Ok(found),
        })
    }

    /// The provider agrees to bring it here.
    pub(super) fn agreed(&mut self) -> &mut Self {
        let (call, moves) = self.asked.take().expect("nothing was asked");
        assert!(moves, "it was not asked to bring it here");
        self.tell(Event::Associated {
            call,
            result: Ok(()),
        })
    }

    /// The call under way fails.
    pub(super) fn fails(&mut self, kind: FailureKind) -> &mut Self {
        let (call, moves) = self.asked.take().expect("nothing was asked");
        let failure = failure(kind);
        self.tell(match moves {
            true => Event::Associated {
                call,
                result: Err(failure),
            },
            false => Event::Described {
                call,
                result: Err(failure),
            },
        })
    }

    pub(super) fn reload(&mut self, settings: Settings) -> &mut Self {
        self.node.reload(settings, self.now);
        self.obey();
        self
    }

    /// What has been written down since the last time.
    pub(super) fn expect(&mut self, lines: &[&str]) -> &mut Self {
        assert_eq!(std::mem::take(&mut self.lines), lines);
        self
    }

    /// When calls started since the last time, in seconds.
    pub(super) fn calls(&mut self) -> Vec<f64> {
        let lines = std::mem::take(&mut self.lines);
        let call = |line: &String| line.ends_with("describe") || line.ends_with("associate");
        let time = |line: &String| line.split(' ').next().unwrap().parse().unwrap();
        lines.iter().filter(|line| call(line)).map(time).collect()
    }

    pub(super) fn view(&self) -> View {
        self.node.view()
    }

    /// The number of the call under way.
    pub(super) fn asked(&self) -> CallId {
        self.asked.expect("nothing was asked").0
    }

    /// The time, in seconds.
    pub(super) fn time(&self) -> f64 {
        self.now.duration_since(self.begin).as_secs_f64()
    }

    fn obey(&mut self) {
        while let Some(action) = self.node.poll_action() {
            match action {
                Action::Describe(call) => self.asked = Some((call, false)),
                Action::Associate(call) => self.asked = Some((call, true)),
                Action::Abandon(_) => self.asked = None,
                Action::Report(_) => {}
            }
            let at = self.time();
            self.lines.push(format!("{at:.3} {}", said(&action)));
        }
    }
}

fn said(action: &Action) -> String {
    let report = match action {
        Action::Describe(_) => return "describe".into(),
        Action::Associate(_) => return "associate".into(),
        Action::Abandon(_) => return "abandon".into(),
        Action::Report(report) => report,
    };
    match report {
        Report::Here { after, calls } => {
            format!("here after {:.3} and {calls}", after.as_secs_f64())
        }
        Report::Moving { from } => format!("moving from {}", place(from)),
        Report::TakenBack { holder } => {
            let name = holder.as_ref().map_or("nowhere", |holder| &holder.name);
            format!("taken back from {name}")
        }
        Report::Failed { attempt, .. } => format!("failed {attempt}"),
        Report::Alarm(alarm) => format!("alarm: {}", what(alarm)),
        Report::AlarmOver(alarm) => format!("over: {}", what(alarm)),
    }
}

fn place(whereabouts: &Whereabouts) -> &str {
    match whereabouts {
        Whereabouts::Here => "here",
        Whereabouts::Nowhere => "nowhere",
        Whereabouts::With(holder) => &holder.name,
    }
}

fn what(alarm: &Alarm) -> String {
    match alarm {
        Alarm::NotHere { failure } => {
            let why = failure
                .as_ref()
                .map_or("no failure", |failure| &failure.text);
            format!("not here, {why}")
        }
        Alarm::Yielded { holder } => format!("yielded to {}", holder.name),
        Alarm::Unverified { failure } => format!("unverified, {}", failure.text),
    }
}
