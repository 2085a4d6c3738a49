//! The fixed tour of `--script`: steps, each of which does something and waits, with a deadline,
//! for what must come of it.
//!
//! It decides only: [`Tour::advance`] looks at the picture and orders what is to be done.

mod step;
mod summary;

use std::{collections::VecDeque, time::Instant};

use self::{
    step::Act,
    summary::{Row, Verdict},
};
pub(super) use self::{
    step::{STEPS, Step},
    summary::Summary,
};
use super::{
    deed::{Deed, NodeId},
    picture::{Calls, Picture},
};

/// What the tour wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// Tell this.
    Say(String),
    /// Do this.
    Do(Deed),
    /// That was all.
    End,
}

/// A tour on its way.
#[derive(Debug)]
pub(super) struct Tour {
    left: VecDeque<&'static Step>,
    rows: Vec<Row>,
    present: Option<Present>,
}

/// The step that is being played.
#[derive(Debug)]
struct Present {
    step: &'static Step,
    began: Moment,
    /// The acts that are not over; the first one's deed is done.
    acts: VecDeque<&'static Act>,
    act_began: Instant,
    /// Who was the one master when the step began.
    master_before: Option<NodeId>,
}

/// What had been counted at some time.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Instant,
    interruptions: usize,
    failed: usize,
    moves: usize,
    calls: Calls,
}

impl Moment {
    fn of(picture: &Picture, at: Instant) -> Self {
        Self {
            at,
            interruptions: picture.interruptions.len(),
            failed: picture.service.failed(),
            moves: picture.moves,
            calls: picture.calls,
        }
    }
}

impl Tour {
    pub(super) fn new(steps: &'static [Step]) -> Self {
        Self {
            left: steps.iter().collect(),
            rows: Vec::new(),
            present: None,
        }
    }

    /// What is to be done now. Wants to be asked again soon, until it has ordered the end.
    pub(super) fn advance(&mut self, picture: &Picture, now: Instant) -> Vec<Order> {
        let Some(mut present) = self.present.take() else {
            return self.begin_step(picture, now);
        };
        let Some(act) = present.acts.front() else {
            self.end_step(&present, Verdict::Passed, picture, now);
            return Vec::new();
        };
        if act.until.is_true(picture, &present.view()) {
            present.acts.pop_front();
            let orders = present.begin_act(now);
            self.present = Some(present);
            return orders;
        }
        let waited = now.duration_since(present.act_began);
        if waited < act.patience {
            self.present = Some(present);
            return Vec::new();
        }
        let why = act.until.complaint(waited, picture);
        let complaint = Order::Say(format!("FAILED: {why}"));
        self.end_step(&present, Verdict::Failed(why), picture, now);
        self.give_up();
        vec![complaint]
    }

    /// The tour ends here, whatever was left.
    pub(super) fn interrupt(&mut self, why: &str, picture: &Picture, now: Instant) {
        if let Some(present) = self.present.take() {
            self.end_step(&present, Verdict::Failed(why.to_owned()), picture, now);
        }
        self.give_up();
    }

    pub(super) fn summary(self) -> Summary {
        Summary { rows: self.rows }
    }

    fn begin_step(&mut self, picture: &Picture, now: Instant) -> Vec<Order> {
        let Some(step) = self.left.pop_front() else {
            return vec![Order::End];
        };
        let mut present = Present {
            step,
            began: Moment::of(picture, now),
            acts: step.acts.iter().collect(),
            act_began: now,
            master_before: picture.master(),
        };
        let title = Order::Say(format!("step {}: {}", self.rows.len() + 1, step.name));
        let orders = present.begin_act(now);
        self.present = Some(present);
        std::iter::once(title).chain(orders).collect()
    }

    fn end_step(&mut self, present: &Present, verdict: Verdict, picture: &Picture, now: Instant) {
        let began = present.began;
        let over = picture
            .interruptions
            .iter()
            .skip(began.interruptions)
            .copied();
        let all = over.chain(picture.service.interruption());
        self.rows.push(Row {
            step: present.step.name,
            verdict,
            took: now.duration_since(began.at),
            outage: all.map(|it| it.outage).max(),
            failed: picture.service.failed() - began.failed,
            moves: picture.moves - began.moves,
            calls: picture.calls.total().saturating_sub(began.calls.total()),
            ends_with: picture.master().filter(|it| picture.holder == Some(*it)),
        });
    }

    /// What comes after a failure would only tell of that failure again.
    fn give_up(&mut self) {
        let left = self.left.drain(..);
        self.rows
            .extend(left.map(|step| Row::not_played(step.name)));
    }
}

impl Present {
    fn begin_act(&mut self, now: Instant) -> Vec<Order> {
        self.act_began = now;
        let Some(act) = self.acts.front() else {
            return Vec::new();
        };
        let master = self.master_before.unwrap_or(NodeId::One);
        let deed = act.deed.map(|deed| deed(master));
        deed.map(Order::Do).into_iter().collect()
    }

    fn view(&self) -> step::Since {
        step::Since {
            act_began: self.act_began,
            master_before: self.master_before,
        }
    }
}

#[cfg(test)]
mod tests;
