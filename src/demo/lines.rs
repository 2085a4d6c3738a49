//! The show as lines without escape codes, for pipes and logs.

use std::{
    io::{self, Write},
    time::Instant,
};

use super::{picture::Picture, timeline::Entry};

/// Writes what is new, a line each.
#[derive(Debug)]
pub(super) struct Lines<W> {
    out: W,
    /// How many entries have been written.
    entries: usize,
    /// How many interruptions have.
    interruptions: usize,
}

impl<W: Write> Lines<W> {
    pub(super) const fn new(out: W) -> Self {
        Self {
            out,
            entries: 0,
            interruptions: 0,
        }
    }

    /// What has happened since it was asked last.
    pub(super) fn show(&mut self, picture: &Picture, now: Instant) -> io::Result<()> {
        let entries = picture.timeline.after(self.entries);
        self.entries += entries.len();
        for entry in entries {
            self.line(entry)?;
        }
        let interruptions = picture.interruptions.get(self.interruptions..);
        for interruption in interruptions.unwrap_or_default() {
            self.interruptions += 1;
            let at = picture.timeline.since_start(now).as_secs_f32();
            let outage = interruption.outage.as_millis();
            let failed = interruption.failed;
            writeln!(
                self.out,
                "{at:>7.1} s  all clients are served again: outage {outage} ms, failed \
                 attempts: {failed}"
            )?;
        }
        self.out.flush()
    }

    fn line(&mut self, entry: &Entry) -> io::Result<()> {
        let Entry { at, text, .. } = entry;
        writeln!(self.out, "{:>7.1} s  {text}", at.as_secs_f32())
    }
}
