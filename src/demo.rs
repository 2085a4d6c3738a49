//! `pontoon demo`: the whole picture on one machine, in namespaces of its own: two nodes, three
//! databases, a client, and a cloud that moves the address.
//!
//! ```text
//! stage  ──sightings──►  picture  ──►  view | lines
//!   ▲                       │
//!   └──────deeds──── keys | tour
//! ```
//!
//! Where namespaces are refused, `local` shows the proxy on loopback.

mod deed;
mod input;
mod keyboard;
mod lines;
mod local;
mod outage;
mod picture;
mod place;
mod show;
mod stage;
#[cfg(test)]
mod testing;
mod timeline;
mod tour;
mod view;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use pontoon_lab::{
    problem::{Problem, Trying as _},
    site::{self, Entrance, Refused, Site},
};
use pontoon_sys::process::{Signal, signal::Signals};

use self::{
    deed::NodeId,
    lines::Lines,
    show::{End, Face, Show},
    stage::Lab,
    tour::{STEPS, Summary, Tour},
};
use crate::terminal::Screen;

/// How often the site is looked at and shown.
const TICK: Duration = Duration::from_millis(50);

/// How the demo is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// The proxy only, on loopback.
    pub local: bool,
    /// A fixed tour instead of keys.
    pub script: bool,
    /// Lines without escape codes instead of a picture.
    pub plain: bool,
}

/// Runs until the tour is over, `q` is pressed or a signal says stop. Fails if the tour did.
#[must_use]
pub fn run(options: Options) -> ExitCode {
    // Before any thread is started, so that signals come here and nowhere else. A stopped demo
    // would leave its picture on the terminal, so Ctrl-Z is watched, and ignored.
    let watched = [
        Signal::INT,
        Signal::TERM,
        Signal::HUP,
        Signal::QUIT,
        Signal::TSTP,
    ];
    let signals = match Signals::watch(&watched) {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("cannot start the demo: {error}")),
    };
    if options.local {
        return local::run(signals);
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return fail(&format!("cannot tell which program this is: {error}")),
    };
    match site::enter(&program) {
        Ok(entrance) => play(options, entrance, signals)
            .unwrap_or_else(|problem| fail(&format!("cannot show the demo: {problem}"))),
        Err(refused) => without_namespaces(options, &refused, signals),
    }
}

/// A key, or a wish to stop.
enum Event {
    Key(u8),
    Stop,
}

fn play(options: Options, entrance: Entrance, signals: Signals) -> Result<ExitCode, Problem> {
    let now = Instant::now();
    let site = Site::build(entrance)?;
    let mut show = open(options, site, now)?;
    let (events, incoming) = mpsc::channel();
    keyboard::watch_signals(signals, events.clone(), Event::Stop);
    keyboard::read_keys(events, Event::Key);
    let _end = run_until_end(&mut show, &incoming);
    let (lab, summary) = show.end(Instant::now());
    Ok(summary.map_or(ExitCode::SUCCESS, |summary| conclude(&summary, &lab)))
}

fn open(options: Options, site: Site, now: Instant) -> Result<Show<Lab, io::Stdout>, Problem> {
    let pages = NodeId::BOTH.map(|node| {
        let address = site.statistics(stage::name(node));
        format!("{node}: http://admin:strongPassworD@{address}/haproxy_stats")
    });
    let limits: Vec<_> = site.limits().iter().map(ToString::to_string).collect();
    let plain = options.plain || !Screen::is_possible();
    let face = if plain {
        Face::Lines(Lines::new(io::stdout()))
    } else {
        Face::Picture(Box::new(Screen::enter().trying("take the terminal")?))
    };
    let mut show = Show::new(Lab::open(site, now)?, face, pages.to_vec(), now);
    for limit in limits {
        show.note(limit, now);
    }
    if plain {
        for page in pages {
            show.note(format!("statistics of {page}"), now);
        }
    }
    if options.script {
        return Ok(show.with_tour(Tour::new(STEPS)));
    }
    if plain {
        show.note(format!("keys: {}", input::KEYS), now);
    }
    Ok(show)
}

fn run_until_end(show: &mut Show<Lab, io::Stdout>, incoming: &Receiver<Event>) -> End {
    loop {
        let end = match incoming.recv_timeout(TICK) {
            Ok(Event::Key(key)) => show.press(char::from(key), Instant::now()),
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => Some(End::Quit),
            Err(RecvTimeoutError::Timeout) => None,
        };
        if let Some(end) = end.or_else(|| show.turn(Instant::now())) {
            return end;
        }
    }
}

/// Sums the tour up; if it failed, with what the nodes said last.
fn conclude(summary: &Summary, lab: &Lab) -> ExitCode {
    let mut text = format!("\n{summary}");
    if !summary.passed() {
        for node in NodeId::BOTH {
            text.push_str(&format!("\nThe last words of {node}:\n"));
            lab.last_words(node)
                .for_each(|line| text.push_str(&format!("  {line}\n")));
        }
    }
    // Whether somebody reads it changes nothing in what was shown.
    let _unread = io::stdout().lock().write_all(text.as_bytes());
    ExitCode::from(u8::from(!summary.passed()))
}

/// Says so, how to allow them, and shows what can be shown without. A script wants all or nothing.
fn without_namespaces(options: Options, refused: &Refused, signals: Signals) -> ExitCode {
    let why = format!(
        "The whole demo needs namespaces, and here {refused}.\n{}",
        refused.advice()
    );
    if options.script {
        return fail(&why);
    }
    tell(&format!(
        "{why}\nUntil then, this is the proxy alone, on loopback.\n"
    ));
    local::run(signals)
}

fn fail(why: &str) -> ExitCode {
    tell(why);
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "the command line's word to its user")]
fn tell(text: &str) {
    eprintln!("{text}");
}
