//! `vrrp_script`.

use std::{sync::Arc, time::Duration};

use super::{
    context::Context,
    keyword::{Block, Keyword},
    model::{Account, Command, TrackScript},
    statement::Line,
    track, value,
};
use crate::source::{Span, Word};

/// A `vrrp_script` as written.
#[derive(Debug)]
pub(super) struct ScriptDraft {
    /// Its name.
    pub(super) name: Word,
    /// The command.
    pub(super) command: Option<Word>,
    user: Option<Account>,
    /// `interval`.
    pub(super) interval: Duration,
    /// `timeout`, and where it is written.
    pub(super) timeout: Option<(Duration, Span)>,
    rise: u32,
    fall: u32,
    weight: i16,
    reverse: bool,
    init_fail: bool,
}

impl Block for ScriptDraft {
    const NAME: &'static str = "vrrp_script";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[&[
        Keyword::supported(
            "script",
            "<command>",
            "What is run: one word, or all between quotes.",
            command,
        ),
        Keyword::supported(
            "interval",
            "<seconds>",
            "Between two starts (1; fractions too).",
            |draft, line, ctx| {
                if let Some(time) = positive_seconds(line, ctx) {
                    draft.interval = time;
                }
            },
        ),
        Keyword::supported(
            "timeout",
            "<seconds>",
            "After it the script is killed and has failed (the interval).",
            |draft, line, ctx| {
                let span = line.span();
                draft.timeout = positive_seconds(line, ctx).map(|time| (time, span));
            },
        ),
        Keyword::supported(
            "weight",
            "<-253…253> [reverse]",
            "Added to the priority while it succeeds, if positive; while it fails, if negative; 0: a failure is a fault (0).",
            |draft, line, ctx| {
                if let Some((weight, reverse)) = track::own_weight(line, -253..=253, ctx) {
                    (draft.weight, draft.reverse) = (weight, reverse);
                }
            },
        ),
        Keyword::supported(
            "rise",
            "<number>",
            "Successes in a row until it is up (1).",
            |draft, line, ctx| {
                if let Some(number) = times(line, ctx) {
                    draft.rise = number;
                }
            },
        ),
        Keyword::supported(
            "fall",
            "<number>",
            "Failures in a row until it is down (1).",
            |draft, line, ctx| {
                if let Some(number) = times(line, ctx) {
                    draft.fall = number;
                }
            },
        ),
        Keyword::supported(
            "user",
            "<user> [<group>]",
            "As whom it is run.",
            |draft, line, ctx| {
                let user = line.required("a user", ctx);
                let group = line.args.next();
                draft.user = user.and_then(|user| ctx.account(user, group));
            },
        ),
        Keyword::supported(
            "init_fail",
            "",
            "It is down until it has succeeded.",
            |draft, _, _| draft.init_fail = true,
        ),
    ]];
}

fn command(draft: &mut ScriptDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    draft.command = line.required("a command", ctx).cloned();
    ctx.commands.extend(draft.command.clone());
    if let Some(word) = line.args.take_rest().first() {
        let message = "keepalived runs the command without these arguments: they are not quoted";
        ctx.d
            .warning("unquoted-command", word.span, message)
            .suggest("put the command and its arguments between double quotes");
    }
}

/// More than nothing, at most 4294 s as in keepalived.
fn positive_seconds(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<Duration> {
    let word = line.required("a number of seconds", ctx)?;
    let least = Duration::from_millis(1);
    value::seconds(word, least, Duration::from_secs(4294), ctx)
}

fn times(line: &mut Line<'_>, ctx: &mut Context<'_>) -> Option<u32> {
    value::integer_after(line, "a number of times", 1..=i64::from(i32::MAX), ctx)
}

impl ScriptDraft {
    /// Nothing is said yet.
    pub(super) fn new(name: Word) -> Self {
        Self {
            name,
            command: None,
            user: None,
            interval: Duration::from_secs(1),
            timeout: None,
            rise: 1,
            fall: 1,
            weight: 0,
            reverse: false,
            init_fail: false,
        }
    }

    /// The script, if there is a command.
    pub(super) fn finish(&self, ctx: &mut Context<'_>) -> Option<TrackScript> {
        let Some(command) = &self.command else {
            let message = format!("`vrrp_script {}` has no `script`", self.name.text);
            ctx.fault("missing-keyword", self.name.span, message);
            return None;
        };
        Some(TrackScript {
            name: Arc::from(self.name.text.as_str()),
            command: Command {
                line: command.text.clone(),
                user: self.user.clone(),
                location: ctx.location(command.span),
            },
            interval: self.interval,
            timeout: self.timeout.map_or(self.interval, |(time, _)| time),
            rise: self.rise,
            fall: self.fall,
            weight: self.weight,
            reverse: self.reverse,
            init_fail: self.init_fail,
        })
    }
}
