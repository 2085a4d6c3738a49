//! `vrrp_track_process`.

use std::{sync::Arc, time::Duration};

use super::{
    context::Context,
    keyword::{Block, Keyword},
    model::{ParameterMatch, Parameters, TrackProcess},
    statement::Line,
    track, value,
};
use crate::source::{Span, Word};

/// A `vrrp_track_process` as written.
#[derive(Debug)]
pub(super) struct ProcessDraft {
    /// Its name.
    pub(super) name: Word,
    process: Option<String>,
    words: Vec<String>,
    matching: Option<ParameterMatch>,
    full_command: bool,
    weight: i16,
    reverse: bool,
    quorum: u32,
    quorum_max: Option<(u32, Span)>,
    gained_delay: Duration,
    lost_delay: Duration,
}

impl Block for ProcessDraft {
    const NAME: &'static str = "vrrp_track_process";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[&[
        Keyword::supported(
            "process",
            "<name> [<parameter> …]",
            "The process, and the parameters it must have.",
            |draft, line, ctx| {
                draft.process = line
                    .required("the name of a process", ctx)
                    .map(|word| word.text.clone());
                let words = line.args.take_rest().iter();
                draft.words = words.map(|word| word.text.clone()).collect();
            },
        ),
        Keyword::supported(
            "param_match",
            "initial|partial",
            "How parameters are compared: the first ones, or the last one may be longer.",
            param_match,
        ),
        Keyword::supported(
            "weight",
            "<-254…254> [reverse]",
            "Added to the priority while it runs, if positive; while it does not, if negative; 0: not running is a fault (1).",
            |draft, line, ctx| {
                if let Some((weight, reverse)) = track::own_weight(line, -254..=254, ctx) {
                    (draft.weight, draft.reverse) = (weight, reverse);
                }
            },
        ),
        Keyword::supported(
            "quorum",
            "<1…65535>",
            "At least so many must run (1).",
            |draft, line, ctx| {
                let range = 1..=65535;
                if let Some(number) =
                    value::integer_after(line, "a number of processes", range, ctx)
                {
                    draft.quorum = number;
                }
            },
        ),
        Keyword::supported(
            "quorum_max",
            "<0…65535>",
            "At most so many may run.",
            |draft, line, ctx| {
                let (span, range) = (line.span(), 0..=65535);
                draft.quorum_max = value::integer_after(line, "a number of processes", range, ctx)
                    .map(|number| (number, span));
            },
        ),
        Keyword::supported(
            "fork_delay",
            "<seconds>",
            "How long enough processes must run until they count (0).",
            |draft, line, ctx| {
                if let Some(time) = value::seconds_after(line, 3600, ctx) {
                    draft.gained_delay = time;
                }
            },
        ),
        Keyword::supported(
            "terminate_delay",
            "<seconds>",
            "How long they may be missing until that counts (0).",
            |draft, line, ctx| {
                if let Some(time) = value::seconds_after(line, 3600, ctx) {
                    draft.lost_delay = time;
                }
            },
        ),
        Keyword::supported(
            "delay",
            "<seconds>",
            "`fork_delay` and `terminate_delay` in one.",
            |draft, line, ctx| {
                if let Some(time) = value::seconds_after(line, 3600, ctx) {
                    (draft.gained_delay, draft.lost_delay) = (time, time);
                }
            },
        ),
        Keyword::supported(
            "full_command",
            "",
            "Compares the command line's first word instead of the process's name.",
            |draft, _, _| draft.full_command = true,
        ),
    ]];
}

fn param_match(draft: &mut ProcessDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let Some(word) = line.required("`initial` or `partial`", ctx) else {
        return;
    };
    draft.matching = match word.text.as_str() {
        "initial" => Some(ParameterMatch::Initial),
        "partial" => Some(ParameterMatch::Partial),
        other => {
            let message = format!("`{other}` is no way to compare parameters");
            ctx.fault("bad-match", word.span, message)
                .suggest("`initial` or `partial`");
            None
        }
    };
}

impl ProcessDraft {
    /// Nothing is said yet.
    pub(super) fn new(name: Word) -> Self {
        Self {
            name,
            process: None,
            words: Vec::new(),
            matching: None,
            full_command: false,
            weight: 1,
            reverse: false,
            quorum: 1,
            quorum_max: None,
            gained_delay: Duration::ZERO,
            lost_delay: Duration::ZERO,
        }
    }

    /// The process, if it is named.
    pub(super) fn finish(&self, ctx: &mut Context<'_>) -> Option<TrackProcess> {
        let Some(process) = &self.process else {
            let message = format!("`vrrp_track_process {}` has no `process`", self.name.text);
            ctx.fault("missing-keyword", self.name.span, message);
            return None;
        };
        let counts = self.matching.is_some() || !self.words.is_empty();
        let parameters = counts.then(|| Parameters {
            words: self.words.clone(),
            matching: self.matching.unwrap_or(ParameterMatch::Exact),
        });
        let (quorum, quorum_max) = self.quorums(ctx);
        Some(TrackProcess {
            name: Arc::from(self.name.text.as_str()),
            process: process.clone(),
            parameters,
            full_command: self.full_command,
            weight: self.weight,
            reverse: self.reverse,
            quorum,
            quorum_max,
            gained_delay: self.gained_delay,
            lost_delay: self.lost_delay,
        })
    }

    /// With `quorum_max 0` a process that runs at all is a failure, so none is wanted.
    fn quorums(&self, ctx: &mut Context<'_>) -> (u32, Option<u32>) {
        match self.quorum_max {
            Some((0, _)) => (0, Some(0)),
            Some((most, span)) if most < self.quorum => {
                let message = "`quorum_max` is less than `quorum`";
                ctx.fault("bad-quorum", span, message);
                (self.quorum, None)
            }
            Some((most, _)) => (self.quorum, Some(most)),
            None => (self.quorum, None),
        }
    }
}
