//! `show sess`: the sessions that run (HAProxy management manual, 9.3 `show sess`).
//!
//! Nobody has all of them at once: some are asked for, told, and then the next. A client that does
//! not read holds up nobody but itself.

mod detail;
mod line;
mod sight;

use std::{sync::Arc, time::Instant};

use self::sight::Sight;
use crate::{
    admin::runtime::{answer::Answer, command::Arguments},
    log::date::Calendar,
    state::{
        Running,
        operate::{Refusal, SessionId, Sessions},
    },
};

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of them.
    All(Form),
    /// Everything about this one.
    One(SessionId),
}

/// How sessions are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line each.
    Line,
    /// Everything (`all`).
    Detail,
    /// An array of objects, Pontoon's own.
    Json,
}

/// What HAProxy says of a session that is not there.
const NOT_FOUND: &str = "Session not found.";

/// Reads the word behind `show sess`; what is no number is left aside, as in HAProxy.
pub(super) fn parse(arguments: &Arguments<'_>) -> Result<Wanted, Answer> {
    match arguments.get(0) {
        "all" => Ok(Wanted::All(Form::Detail)),
        "json" => Ok(Wanted::All(Form::Json)),
        word => match word.parse() {
            Ok(id) => Ok(Wanted::One(id)),
            Err(Refusal::NoSuchSession) => Err(not_found()),
            Err(_) => Ok(Wanted::All(Form::Line)),
        },
    }
}

fn not_found() -> Answer {
    Answer::Text(format!("{NOT_FOUND}\n"))
}

/// The answer, or where its pieces come from.
pub(super) async fn answer(running: &Arc<Running>, wanted: Wanted) -> Answer {
    match wanted {
        Wanted::All(form) => Answer::Sessions(Box::new(Listing::new(running, form))),
        Wanted::One(id) => match running.observe_session(id).await {
            Some(session) => {
                let mut text = String::new();
                let calendar = Calendar::local();
                Sight::new(running, &session, Instant::now()).detail(&calendar, &mut text);
                Answer::Text(text)
            }
            None => not_found(),
        },
    }
}

/// All sessions, piece by piece.
#[derive(Debug)]
pub(crate) struct Listing {
    running: Arc<Running>,
    sessions: Sessions,
    form: Form,
    calendar: Calendar,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was told.
    Begins,
    /// Some were told.
    GoesOn,
    /// All were told.
    Over,
}

impl Listing {
    fn new(running: &Arc<Running>, form: Form) -> Self {
        Self {
            running: Arc::clone(running),
            sessions: Sessions::all(Arc::clone(running), form == Form::Detail),
            form,
            calendar: Calendar::local(),
            state: State::Begins,
        }
    }

    /// The next piece, which may be empty; `None`: that was the answer.
    pub(in crate::admin::runtime) async fn next(&mut self) -> Option<String> {
        if self.state == State::Over {
            return None;
        }
        let mut out = String::new();
        match self.sessions.next().await {
            Some(sessions) => {
                let (running, now) = (Arc::clone(&self.running), Instant::now());
                for session in &sessions {
                    self.tell(&Sight::new(&running, session, now), &mut out);
                }
            }
            None => {
                out.push_str(self.end());
                self.state = State::Over;
            }
        }
        Some(out)
    }

    fn tell(&mut self, sight: &Sight<'_>, out: &mut String) {
        match self.form {
            Form::Line => sight.line(out),
            Form::Detail => sight.detail(&self.calendar, out),
            Form::Json => {
                out.push_str(if self.state == State::Begins {
                    "["
                } else {
                    ",\n"
                });
                // Strings and numbers can always be written.
                out.push_str(&serde_json::to_string(&sight.view()).unwrap_or_default());
            }
        }
        self.state = State::GoesOn;
    }

    /// What stands behind the last one.
    fn end(&self) -> &'static str {
        match (self.form, self.state) {
            (Form::Json, State::Begins) => "[]\n",
            (Form::Json, _) => "]\n",
            (Form::Line | Form::Detail, _) => "",
        }
    }
}
