//! Old and new processes that misbehave, played by the test; the other one is real.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use pontoon_sys::{
    option, packet,
    process::{Pid, child::Handle},
};

use super::{
    line::{Broken, Line},
    offer::{Handed, Offer, verdict},
    take::{Giver, Refusal},
    wire::{FromNew, FromOld, Lack, VERSION, Welcome},
};
use crate::proxy::tests::fixture::{Fixture, PATIENCE, echo};

/// A proxy with one session, and the line to it.
struct Old {
    fixture: Fixture,
    client: TcpStream,
}

impl Old {
    fn new() -> Self {
        let fixture = Fixture::start(&[echo()], 2, "");
        let client = fixture.connect();
        let old = Self { fixture, client };
        old.session_goes_on();
        old
    }

    /// Serves one who asks, on a thread of its own; here is that one's end.
    fn serve(&self) -> (Line, JoinHandle<Result<Option<Handed>, Broken>>) {
        let (near, far) = packet::pair().unwrap();
        let running = Arc::clone(&self.fixture.running);
        let offer = Offer::new(running, self.fixture.listeners.clone());
        let serving = std::thread::spawn(move || offer.serve(&Line::new(far)));
        (Line::new(near), serving)
    }

    fn session_goes_on(&self) {
        let mut client = &self.client;
        client.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }

    /// As a new process does with listeners that it has no use for.
    fn silence(&self) {
        for listener in self.fixture.listeners.iter() {
            option::ignore_new_connections(&listener.socket).unwrap();
        }
    }

    fn accepts(&self) {
        let mut client = self.fixture.connect();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
}

fn say(line: &Line, word: &FromNew) {
    line.say(word, &[], &[], PATIENCE).unwrap();
}

fn hear(line: &Line) -> FromOld {
    line.hear(Some(PATIENCE)).unwrap().word
}

/// Up to where the old one waits for us to get ready.
fn greet(line: &Line) -> Welcome {
    say(line, &FromNew::Hello { version: VERSION });
    let FromOld::Welcome(welcome) = hear(line) else {
        panic!("no welcome");
    };
    assert_eq!(welcome.listeners, 1);
    let FromOld::Listeners(bounds) = hear(line) else {
        panic!("no listeners");
    };
    assert_eq!(bounds.len(), 1);
    say(line, &FromNew::Received);
    welcome
}

#[test]
fn another_version_is_refused_with_the_reason() {
    let old = Old::new();
    let (line, serving) = old.serve();
    say(&line, &FromNew::Hello { version: 99 });
    let FromOld::Refused { why } = hear(&line) else {
        panic!("not refused");
    };
    assert!(why.contains("not in version 99"), "{why}");
    assert_eq!(serving.join().unwrap().unwrap(), None);
    old.session_goes_on();
}

#[test]
fn whoever_gives_up_before_being_ready_changes_nothing() {
    let old = Old::new();
    let (line, serving) = old.serve();
    greet(&line);
    old.accepts();
    drop(line);
    assert_eq!(serving.join().unwrap().unwrap(), None);
    old.session_goes_on();
    old.accepts();
}

/// A listener that would have gone hears of newcomers again.
#[test]
fn whoever_gives_up_lets_go_of_what_it_had_silenced() {
    /// Less than a client takes to ask again, as a rule.
    const NOT_HEARD: Duration = Duration::from_millis(300);
    let old = Old::new();
    let (line, serving) = old.serve();
    let (mut giver, inherited) = Giver::ask_over(line).unwrap();
    giver.leave_behind(inherited.into_unused());
    giver.silence_unused();
    let address = old.fixture.address;
    let unheard = TcpStream::connect_timeout(&address, NOT_HEARD).unwrap_err();
    assert_eq!(unheard.kind(), ErrorKind::TimedOut);
    old.session_goes_on();
    drop(giver);
    assert_eq!(serving.join().unwrap().unwrap(), None);
    old.accepts();
}

#[test]
fn whoever_dies_on_the_way_leaves_all_sessions_where_they_were() {
    for words_heard in 0..4 {
        let old = Old::new();
        let (line, serving) = old.serve();
        greet(&line);
        say(&line, &FromNew::Ready(Lack::default()));
        for _ in 0..words_heard {
            if matches!(hear(&line), FromOld::Sessions(_)) {
                say(&line, &FromNew::Received);
            }
        }
        drop(line);
        assert!(serving.join().unwrap().is_err());
        old.session_goes_on();
        old.accepts();
    }
}

/// Both would go on with the same sessions.
#[test]
fn whoever_claims_too_late_hears_that_it_is_not_wanted() {
    let (near, far) = packet::pair().unwrap();
    let (old, new) = (Line::new(near), Line::new(far));
    let mut early = verdict(&old, Duration::ZERO);
    assert!(matches!(early, Err(Broken::Late)));
    let claim = new.say(&FromNew::Taken, &[], &[], PATIENCE);
    assert!(matches!(claim, Err(Broken::Gone)));
    let heard = new.last_word::<FromOld>().unwrap();
    assert!(matches!(heard.word, FromOld::Refused { .. }));

    // What was said before the end counts.
    let (near, far) = packet::pair().unwrap();
    let (old, new) = (Line::new(near), Line::new(far));
    say(&new, &FromNew::Taken);
    early = old.last_word().map(|heard| heard.word);
    assert!(matches!(early, Ok(FromNew::Taken)));
}

#[test]
fn whoever_talks_nonsense_changes_nothing() {
    let old = Old::new();
    let (line, serving) = old.serve();
    greet(&line);
    old.silence();
    say(&line, &FromNew::Taken);
    assert!(matches!(serving.join().unwrap(), Err(Broken::Unexpected)));
    old.session_goes_on();
    old.accepts();
    let (line, serving) = old.serve();
    greet(&line);
    old.silence();
    say(&line, &FromNew::Ready(Lack::default()));
    assert!(matches!(hear(&line), FromOld::State(_)));
    say(&line, &FromNew::Taken);
    assert!(matches!(serving.join().unwrap(), Err(Broken::Unexpected)));
    old.session_goes_on();
    old.accepts();
}

#[test]
fn whoever_cannot_take_sessions_leaves_them_to_drain() {
    let old = Old::new();
    let (line, serving) = old.serve();
    greet(&line);
    let why = "no room".to_owned();
    say(&line, &FromNew::Drain { why });
    assert_eq!(
        serving.join().unwrap().unwrap(),
        Some(Handed::Drain { orphans: vec![] })
    );
    old.session_goes_on();
}

#[test]
fn sessions_that_move_are_gone_and_those_that_cannot_go_on() {
    for stays in [false, true] {
        let old = Old::new();
        let (line, serving) = old.serve();
        greet(&line);
        let lack = Lack {
            servers: if stays { vec![(0, 0)] } else { Vec::new() },
            ..Lack::default()
        };
        say(&line, &FromNew::Ready(lack));
        assert!(matches!(hear(&line), FromOld::State(_)));
        let mut moved = Vec::new();
        if !stays {
            let heard = line.hear::<FromOld>(Some(PATIENCE)).unwrap();
            let FromOld::Sessions(forms) = heard.word else {
                panic!("no sessions");
            };
            assert_eq!((forms.len(), heard.descriptors.len()), (1, 2));
            moved = heard.descriptors;
            say(&line, &FromNew::Received);
        }
        assert!(matches!(hear(&line), FromOld::Done { .. }));
        say(&line, &FromNew::Taken);
        let handed = Handed::Over {
            moved: usize::from(!stays),
            staying: usize::from(stays),
            at_once: false,
            orphans: vec![],
        };
        assert_eq!(serving.join().unwrap().unwrap(), Some(handed));
        let left = u32::from(stays);
        old.fixture.wait_until("its places to be free", |running| {
            running.process.sessions.get() == left
        });
        if stays {
            old.session_goes_on();
        } else {
            // Now the sockets are ours alone; the client has noticed nothing.
            let client = TcpStream::from(moved.remove(0));
            client.set_nonblocking(false).unwrap();
            (&old.client).write_all(b"to you").unwrap();
            let mut heard = [0; 6];
            (&client).read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"to you");
        }
    }
}

/// An old process that says these words, whatever it is told.
fn takes(words: Vec<FromOld>) -> Result<(), Refusal> {
    let (near, far) = packet::pair().unwrap();
    let speaker = std::thread::spawn(move || {
        let line = Line::new(far);
        for word in words {
            // The other one may have hung up.
            let _gone = line.say(&word, &[], &[], PATIENCE);
            let _heard = line.hear::<FromNew>(Some(Duration::from_secs(1)));
        }
    });
    let (giver, _) = Giver::ask_over(Line::new(near))?;
    let new = Fixture::start(&[echo()], 1, "");
    let taken = giver.take(&new.running, false);
    speaker.join().unwrap();
    Ok(taken.map(drop)?)
}

/// Nobody tells it to leave: it would accept beside us for ever.
#[test]
fn an_old_process_that_hangs_up_and_lives_serves_on() {
    for lives in [true, false] {
        let (near, far) = packet::pair().unwrap();
        let speaker = std::thread::spawn(move || {
            let line = Line::new(far);
            let _hello = line.hear::<FromNew>(Some(PATIENCE)).unwrap();
            line.say(&welcome(0), &[], &[], PATIENCE).unwrap();
            let _ready = line.hear::<FromNew>(Some(PATIENCE)).unwrap();
        });
        let (mut giver, _) = Giver::ask_over(Line::new(near)).unwrap();
        let own = Pid::from_raw(std::process::id().cast_signed()).unwrap();
        giver.process = lives.then(|| Handle::open(own).unwrap());
        let new = Fixture::start(&[echo()], 1, "");
        let broken = giver.take(&new.running, false).unwrap_err();
        speaker.join().unwrap();
        assert_eq!(matches!(broken, Broken::Overruled(_)), lives, "{broken}");
    }
}

fn welcome(listeners: usize) -> FromOld {
    FromOld::Welcome(Welcome {
        zero: Duration::ZERO,
        proxies: Vec::new(),
        listeners,
    })
}

fn some_session() -> super::wire::Session {
    use super::wire::{Early, Flow, Leg, Place, Record, Session, StageForm};
    let nowhere = Place::Ip(([127, 0, 0, 1], 1).into());
    let leg = Leg {
        writable: true,
        urgent: false,
        abrupt: false,
        early: Early::No,
    };
    Session {
        record: Record {
            frontend: 7,
            listener: 7,
            backend: Some(7),
            server: Some(7),
            client: nowhere.clone(),
            local: nowhere,
            source: None,
            server_address: None,
            accepted_on: std::time::SystemTime::UNIX_EPOCH,
            accepted: u64::MAX,
            handshake: u64::MAX,
            queue_time: Some(u64::MAX),
            connect_time: Some(u64::MAX),
            total_time: u64::MAX,
            bytes: [0, 0],
            counted: [u64::MAX, u64::MAX],
            retries: u32::MAX,
            redispatched: true,
            queues: [u32::MAX; 2],
            logged: false,
            number: 0,
        },
        stage: StageForm::Handshake(Some(u64::MAX)),
        client: leg,
        server: Some(leg),
        request: Flow {
            held: usize::MAX,
            piped: usize::MAX,
            ended: true,
            shut: true,
            bulk: true,
        },
        response: Flow::default(),
        at_backend: true,
        slot: Some(u32::MAX),
        queued: None,
        counted: true,
        blame: None,
    }
}

#[test]
fn an_old_process_that_makes_no_sense_is_left_alone() {
    let done = || FromOld::Done { staying: 0 };
    assert!(matches!(takes(vec![done()]), Err(Refusal::Broken(_))));
    let empty = || FromOld::Listeners(Vec::new());
    assert!(matches!(
        takes(vec![welcome(1), empty()]),
        Err(Refusal::Broken(_))
    ));
    assert!(matches!(
        takes(vec![welcome(0), done()]),
        Err(Refusal::Broken(_))
    ));
    let refused = FromOld::Refused { why: "busy".into() };
    assert!(matches!(takes(vec![refused]), Err(Refusal::Unwilling(why)) if why == "busy"));
    let began = Instant::now();
    let state = crate::testing::running(
        crate::testing::model("listen px\n bind 127.0.0.1:1\n".into()),
        crate::testing::process(),
        1,
    )
    .carry(began);
    let state = || FromOld::State(Box::new(state.clone()));
    let unknown = FromOld::Sessions(vec![some_session()]);
    assert!(matches!(
        takes(vec![welcome(0), state(), unknown]),
        Err(Refusal::Broken(Broken::Nonsense(_)))
    ));
    let late = || FromOld::Refused { why: "late".into() };
    for words in [vec![welcome(0), late()], vec![welcome(0), state(), late()]] {
        let taken = takes(words);
        assert!(
            matches!(&taken, Err(Refusal::Broken(Broken::Overruled(why))) if why == "late"),
            "{taken:?}"
        );
    }
}
