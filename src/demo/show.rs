//! The show: what is seen goes into the picture, what the user or the tour wants is done, and the
//! picture is shown.

use std::{
    io::{self, Write},
    time::Instant,
};

use pontoon_lab::problem::Problem;

use super::{
    deed::Deed,
    input::{self, Wish},
    lines::Lines,
    picture::{Picture, Sighting},
    timeline::Kind,
    tour::{Order, Summary, Tour},
    view::{self, Captions},
};
use crate::terminal::Screen;

/// What is shown: a site at which something happens and to which something can be done.
pub(super) trait Stage {
    /// What has been seen since it was asked last.
    fn look(&mut self) -> Vec<Sighting>;

    /// Does it; does not wait for what comes of it.
    fn act(&mut self, deed: Deed) -> Result<(), Problem>;
}

/// How it is shown.
pub(super) enum Face<W> {
    /// As a picture.
    Picture(Box<Screen>),
    /// As lines.
    Lines(Lines<W>),
}

/// Why it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The user wants no more.
    Quit,
    /// The tour is over.
    Over,
}

/// The show.
pub(super) struct Show<S, W> {
    stage: S,
    picture: Picture,
    face: Face<W>,
    captions: Captions,
    tour: Option<Tour>,
}

impl<S: Stage, W: Write> Show<S, W> {
    pub(super) fn new(stage: S, face: Face<W>, statistics: Vec<String>, now: Instant) -> Self {
        Self {
            stage,
            picture: Picture::new(now),
            face,
            captions: Captions {
                statistics,
                tour: None,
            },
            tour: None,
        }
    }

    /// The same, played by a tour.
    pub(super) fn with_tour(mut self, tour: Tour) -> Self {
        self.tour = Some(tour);
        self
    }

    /// A sentence for the timeline.
    pub(super) fn note(&mut self, text: impl Into<String>, now: Instant) {
        self.picture.timeline.add(now, Kind::Note, text);
    }

    /// A key was pressed. While a tour is played, only the one that ends it means something.
    pub(super) fn press(&mut self, key: char, now: Instant) -> Option<End> {
        match input::wish(key, &self.picture) {
            Wish::Quit => return Some(End::Quit),
            Wish::Do(deeds) if self.tour.is_none() => {
                for deed in deeds {
                    self.act(deed, "you", now);
                }
            }
            Wish::Do(_) | Wish::Nothing => {}
        }
        None
    }

    /// Time has passed.
    pub(super) fn turn(&mut self, now: Instant) -> Option<End> {
        for sighting in self.stage.look() {
            self.picture.see(sighting, now);
        }
        let end = self.play(now);
        let shown = match &mut self.face {
            Face::Picture(screen) => draw(screen, &self.picture, &self.captions),
            // Whether somebody reads it changes nothing in what a script shows.
            Face::Lines(lines) => lines.show(&self.picture, now).or(Ok(())),
        };
        // A picture without a screen is for nobody.
        end.or_else(|| shown.is_err().then_some(End::Quit))
    }

    fn play(&mut self, now: Instant) -> Option<End> {
        let orders = self.tour.as_mut()?.advance(&self.picture, now);
        for order in orders {
            match order {
                Order::Say(text) => {
                    self.captions.tour = Some(text.clone());
                    self.note(text, now);
                }
                Order::Do(deed) => self.act(deed, "tour", now),
                Order::End => return Some(End::Over),
            }
        }
        None
    }

    fn act(&mut self, deed: Deed, who: &str, now: Instant) {
        self.picture.did(deed, who, now);
        let Err(problem) = self.stage.act(deed) else {
            return;
        };
        let text = format!("cannot {deed}: {problem}");
        if let Some(tour) = &mut self.tour {
            tour.interrupt(&text, &self.picture, now);
        }
        self.picture.timeline.add(now, Kind::Bad, text);
    }

    /// Ends it: the terminal is given back; the stage is returned. A tour that was not over is one
    /// that failed.
    pub(super) fn end(mut self, now: Instant) -> (S, Option<Summary>) {
        if let Some(tour) = &mut self.tour {
            tour.interrupt("the tour was stopped", &self.picture, now);
        }
        (self.stage, self.tour.map(Tour::summary))
    }
}

fn draw(screen: &mut Screen, picture: &Picture, captions: &Captions) -> io::Result<()> {
    screen.draw(|frame| {
        let area = frame.area();
        view::render(picture, captions, area, frame.buffer_mut());
    })
}

#[cfg(test)]
mod tests;
