//! Whatever happens, in whatever order.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::timetable::{failure, host, peer, stranger};
use crate::{
    floating_ip::{
        CallId,
        action::{Action, Alarm, Report},
        event::{Event, FailureKind, Whereabouts},
        reconciler::Reconciler,
        settings::Settings,
        view::Phase,
    },
    vrrp::Priority,
};

#[derive(Debug, Clone)]
enum Step {
    Tell(Event),
    /// The call under way is answered.
    Found(Whereabouts),
    Agreed,
    Fails(FailureKind),
    /// So many milliseconds pass, with every timeout in its time.
    Pass(u64),
    /// So many pass without one.
    Sleep(u64),
    /// A timeout that nobody asked for.
    Poke,
    Reload(Settings),
}

fn whereabouts() -> impl Strategy<Value = Whereabouts> {
    prop_oneof![
        3 => Just(Whereabouts::Here),
        1 => Just(Whereabouts::Nowhere),
        2 => (2_u8..4).prop_map(peer),
        1 => Just(stranger()),
    ]
}

fn kind() -> impl Strategy<Value = FailureKind> {
    let after = proptest::option::of(any::<u64>().prop_map(Duration::from_millis));
    prop_oneof![
        1 => after.prop_map(|after| FailureKind::Throttled { after }),
        1 => (0_u64..30_000).prop_map(|after| FailureKind::Throttled {
            after: Some(Duration::from_millis(after)),
        }),
        2 => Just(FailureKind::Unanswered),
        2 => Just(FailureKind::Unwell),
        1 => Just(FailureKind::Refused),
    ]
}

/// Among them answers that nobody waits for.
fn event() -> impl Strategy<Value = Event> {
    let priority = || prop_oneof![Just(0_u8), 99..102_u8, any::<u8>()].prop_map(Priority);
    let call = || prop_oneof![0_u64..20, any::<u64>()].prop_map(CallId);
    prop_oneof![
        6 => priority().prop_map(|priority| Event::Master { priority }),
        3 => Just(Event::NotMaster),
        1 => priority().prop_map(Event::Priority),
        4 => (1_u8..5, priority()).prop_map(|(last, priority)| Event::Peer {
            address: host(last),
            priority,
        }),
        1 => (call(), whereabouts()).prop_map(|(call, found)| Event::Described {
            call,
            result: Ok(found),
        }),
        1 => (call(), kind()).prop_map(|(call, kind)| Event::Associated {
            call,
            result: Err(failure(kind)),
        }),
        1 => Just(Event::Asserted),
    ]
}

fn wait() -> impl Strategy<Value = Duration> {
    prop_oneof![
        1 => Just(Duration::ZERO),
        20 => (0_u64..20_000).prop_map(Duration::from_millis),
        1 => Just(Duration::MAX),
    ]
}

prop_compose! {
    fn any_settings()(
        verify_interval in wait(),
        call_timeout in wait(),
        backoff_first in wait(),
        backoff_longest in wait(),
        burst in 0_u32..12,
        refill in 1_u64..3000,
        source in proptest::option::of(1_u8..5),
        preferred in any::<bool>(),
    ) -> Settings {
        let refill = Duration::from_millis(refill);
        let source = source.map(host);
        Settings { verify_interval, call_timeout, backoff_first, backoff_longest, burst, refill, source, preferred }
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => event().prop_map(Step::Tell),
        10 => whereabouts().prop_map(Step::Found),
        5 => Just(Step::Agreed),
        4 => kind().prop_map(Step::Fails),
        6 => (0_u64..5000).prop_map(Step::Pass),
        3 => (0_u64..40_000).prop_map(Step::Pass),
        2 => (0_u64..20_000).prop_map(Step::Sleep),
        2 => Just(Step::Poke),
        1 => any_settings().prop_map(Step::Reload),
    ]
}

/// A shell that believes nothing.
struct Witness {
    node: Reconciler,
    settings: Settings,
    now: Instant,
    master: bool,
    /// The call under way, and whether it is to bring the address here.
    asked: Option<(CallId, bool)>,
    last: CallId,
    /// When calls started since the settings were read.
    started: VecDeque<Instant>,
    alarm: Option<Alarm>,
}

impl Witness {
    fn new(settings: Settings) -> Self {
        Self {
            node: Reconciler::new(settings.clone(), 1),
            settings,
            now: Instant::now(),
            master: false,
            asked: None,
            last: CallId(0),
            started: VecDeque::new(),
            alarm: None,
        }
    }

    fn take(&mut self, step: Step) {
        match (step, self.asked) {
            (Step::Tell(event), _) => self.tell(event),
            (Step::Found(found), Some((call, false))) => {
                let result = Ok(found);
                self.tell(Event::Described { call, result });
            }
            (Step::Agreed, Some((call, true))) => {
                let result = Ok(());
                self.tell(Event::Associated { call, result });
            }
            (Step::Fails(kind), Some((call, false))) => {
                let result = Err(failure(kind));
                self.tell(Event::Described { call, result });
            }
            (Step::Fails(kind), Some((call, true))) => {
                let result = Err(failure(kind));
                self.tell(Event::Associated { call, result });
            }
            (Step::Found(_) | Step::Agreed | Step::Fails(_), _) => {}
            (Step::Poke, _) => self.tell(Event::Timeout),
            (Step::Sleep(time), _) => self.now += Duration::from_millis(time),
            (Step::Pass(time), _) => self.pass(Duration::from_millis(time)),
            (Step::Reload(settings), _) => {
                // What was saved up under the old settings is not judged by the new ones.
                self.started.clear();
                self.settings = settings.clone();
                self.node.reload(settings, self.now);
                self.obey();
            }
        }
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Master { .. } => self.master = true,
            Event::NotMaster => self.master = false,
            Event::Described { call, .. } => {
                self.asked.take_if(|asked| *asked == (*call, false));
            }
            Event::Associated { call, .. } => {
                self.asked.take_if(|asked| *asked == (*call, true));
            }
            _ => {}
        }
        self.node.handle(event, self.now);
        self.obey();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut at_once = 0;
        while let Some(due) = self.node.poll_timeout().filter(|due| *due <= end) {
            // A call that is overdue, one after a wait of nothing, an alarm.
            at_once = if due > self.now { 0 } else { at_once + 1 };
            assert!(at_once <= 4, "timeouts that settle nothing");
            self.now = self.now.max(due);
            self.tell(Event::Timeout);
        }
        self.now = end;
    }

    fn obey(&mut self) {
        while let Some(action) = self.node.poll_action() {
            self.check(action);
        }
        let view = self.node.view();
        assert_eq!(view.phase == Phase::Idle, !self.master);
        assert_eq!(view.alarm.is_some(), self.alarm.is_some());
        if !self.master {
            assert_eq!(self.asked, None, "left running");
            assert_eq!(self.node.poll_timeout(), None);
        }
    }

    fn check(&mut self, action: Action) {
        match action {
            Action::Describe(call) => self.check_call(call, false),
            Action::Associate(call) => self.check_call(call, true),
            Action::Abandon(call) => {
                assert_eq!(self.asked.take().map(|(asked, _)| asked), Some(call));
            }
            Action::Report(Report::Alarm(alarm)) => {
                assert_eq!(self.alarm, None, "two alarms");
                self.alarm = Some(alarm);
            }
            Action::Report(Report::AlarmOver(alarm)) => {
                let before = self.alarm.take().expect("none");
                let kind = std::mem::discriminant(&before);
                assert_eq!(kind, std::mem::discriminant(&alarm));
            }
            Action::Report(_) => {}
        }
    }

    fn check_call(&mut self, call: CallId, moves: bool) {
        assert!(self.master, "a call without mastership");
        assert_eq!(self.asked, None, "two calls at once");
        assert!(call > self.last, "an old number");
        self.last = call;
        self.asked = Some((call, moves));
        self.started.push_back(self.now);
        // So many calls take at least so long, wherever one begins to count.
        let burst = usize::try_from(self.settings.burst.max(1)).unwrap();
        for (before, at) in self.started.iter().rev().skip(burst).enumerate() {
            let least = self.settings.refill * u32::try_from(before + 1).unwrap();
            assert!(
                self.now - *at >= least,
                "too many calls: {:?}",
                self.started
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn no_call_without_mastership_nor_beyond_the_rate(
        settings in any_settings(),
        steps in proptest::collection::vec(step(), 0..150),
    ) {
        let mut witness = Witness::new(settings);
        for step in steps {
            witness.take(step);
        }
    }
}
