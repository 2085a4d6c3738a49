//! Connections that come and go.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use pontoon_sys::epoll::{Interest, Ready};

use super::{
    Close, Count, GRACE,
    dial::{Hall, connect},
    letters::{Arrival, Desk, Line},
};
use crate::problem::Result;

/// Between two attempts of a place whose connection failed at once.
const AGAIN: Duration = Duration::from_millis(1);

/// What happens on each connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) request: usize,
    pub(super) response: usize,
    pub(super) close: Close,
}

/// So many at a time, until the time is over.
pub(super) fn steady(
    target: SocketAddr,
    form: Form,
    parallel: usize,
    count: &mut Count<'_>,
) -> Result<()> {
    let mut office = Office::new(target, form, parallel, true)?;
    let end = count.begin();
    office.run(end, count)?;
    count.end();
    Ok(())
}

/// So many at once; when they are through, again, until the time is over.
pub(super) fn bursts(
    target: SocketAddr,
    form: Form,
    connections: usize,
    count: &mut Count<'_>,
) -> Result<()> {
    let mut office = Office::new(target, form, connections, false)?;
    let end = count.begin();
    while Instant::now() < end {
        office.vacant = (0..connections).collect();
        office.run(end, count)?;
    }
    count.end();
    Ok(())
}

/// A connection and how far it is.
struct Call {
    line: Line,
    began: Instant,
    answered: bool,
}

/// What an event has made of a connection.
enum Step {
    Waits,
    Done,
}

struct Office {
    target: SocketAddr,
    form: Form,
    hall: Hall,
    desk: Desk,
    calls: Vec<Option<Call>>,
    /// Places without a connection that shall get one.
    vacant: Vec<usize>,
    /// Connections there are.
    open: usize,
    /// A place that gets free gets a new connection.
    refill: bool,
    made: u64,
}

impl Office {
    fn new(target: SocketAddr, form: Form, places: usize, refill: bool) -> Result<Self> {
        Ok(Self {
            target,
            form,
            hall: Hall::new()?,
            desk: Desk::new(form.request, form.response),
            calls: (0..places).map(|_| None).collect(),
            vacant: (0..places).collect(),
            open: 0,
            refill,
            made: 0,
        })
    }

    /// Until the time is over and the last connection is through, or lost.
    fn run(&mut self, end: Instant, count: &mut Count<'_>) -> Result<()> {
        loop {
            let now = Instant::now();
            if now < end {
                self.fill(count);
            } else {
                self.vacant.clear();
            }
            if self.open == 0 && self.vacant.is_empty() {
                return Ok(());
            }
            if now > end + GRACE {
                self.give_up(count);
                return Ok(());
            }
            let until = if self.vacant.is_empty() {
                end + GRACE
            } else {
                now + AGAIN
            };
            self.hall.wait(until)?;
            self.serve(count);
        }
    }

    /// Gives each vacant place a connection, or counts why not; that place stays vacant.
    fn fill(&mut self, count: &mut Count<'_>) {
        for index in (0..self.vacant.len()).rev() {
            let place = self.vacant[index];
            if self.call(place).is_ok() {
                self.vacant.swap_remove(index);
            } else {
                count.outcome.errors += 1;
            }
        }
    }

    /// A new connection, and the request along with it.
    fn call(&mut self, place: usize) -> io::Result<()> {
        let began = Instant::now();
        self.made += 1;
        let mut line = Line::new(connect(self.target)?, self.desk.tag(self.made));
        let interest = if line.send(&mut self.desk)? {
            Interest::Arrivals
        } else {
            Interest::Everything
        };
        self.hall.epoll.add(&line.socket, place as u64, interest)?;
        self.calls[place] = Some(Call {
            line,
            began,
            answered: false,
        });
        self.open += 1;
        Ok(())
    }

    fn serve(&mut self, count: &mut Count<'_>) {
        let Self {
            hall,
            calls,
            desk,
            form,
            ..
        } = self;
        for ready in hall.events.iter() {
            let place = usize::try_from(ready.token).unwrap_or(usize::MAX);
            let Some(call) = calls.get_mut(place).and_then(Option::as_mut) else {
                continue;
            };
            match call.step(ready, desk, *form, count) {
                Ok(Step::Waits) => continue,
                Ok(Step::Done) => count.unit(desk.bytes()),
                Err(_) => count.outcome.errors += 1,
            }
            calls[place] = None;
            self.open -= 1;
            if self.refill {
                self.vacant.push(place);
            }
        }
    }

    fn give_up(&mut self, count: &mut Count<'_>) {
        count.outcome.errors += self.open as u64;
        self.calls.fill_with(|| None);
        self.open = 0;
    }
}

impl Call {
    fn step(
        &mut self,
        ready: Ready,
        desk: &mut Desk,
        form: Form,
        count: &mut Count<'_>,
    ) -> io::Result<Step> {
        if !self.line.is_sent(desk) && !self.line.send(desk)? {
            return Ok(Step::Waits);
        }
        if !self.answered {
            match self.line.answer(desk)? {
                Arrival::Whole => self.answered = true,
                Arrival::Partly => return Ok(Step::Waits),
                Arrival::End => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
            count.outcome.took(self.began.elapsed());
            if form.close == Close::Server && !ready.read_closed {
                return Ok(Step::Waits);
            }
        }
        match form.close {
            Close::Client => Ok(Step::Done),
            Close::Server => Ok(self.line.end()?.map_or(Step::Waits, |()| Step::Done)),
        }
    }
}
