//! What instances and groups track, and with which weight.

use std::ops::RangeInclusive;

use super::{
    context::Context,
    keyword::Keyword,
    statement::{Line, Statement},
    value,
};
use crate::source::Word;

/// What is tracked, by name as long as not all blocks are read.
#[derive(Debug, Default)]
pub(super) struct TracksDraft {
    /// `track_interface`.
    pub(super) interfaces: Vec<TrackDraft>,
    /// `track_script`.
    pub(super) scripts: Vec<TrackDraft>,
    /// `track_file`.
    pub(super) files: Vec<TrackDraft>,
    /// `track_process`.
    pub(super) processes: Vec<TrackDraft>,
}

/// One thing that is tracked.
#[derive(Debug)]
pub(super) struct TrackDraft {
    /// Its name.
    pub(super) name: Word,
    /// The weight written here.
    pub(super) weight: Option<i16>,
    /// `reverse` or `noreverse` written here.
    pub(super) reverse: Option<bool>,
}

/// What can track.
pub(super) trait Tracks: 'static {
    /// Where that is noted.
    fn tracks(&mut self) -> &mut TracksDraft;
}

/// The keywords of everything that can track.
pub(super) const fn keywords<C: Tracks>() -> [Keyword<C>; 5] {
    [
        Keyword::list(
            "track_interface",
            "{ <interface> [weight <-253…253> [reverse]] … }",
            "An interface that is down is a fault, or changes the priority.",
            |draft, line, ctx| {
                let found = entries(line, -253..=253, ctx);
                draft.tracks().interfaces.extend(found);
            },
        ),
        Keyword::list(
            "track_script",
            "{ <name> [weight <-253…253> [reverse|noreverse]] … }",
            "A `vrrp_script` that fails is a fault, or changes the priority.",
            |draft, line, ctx| {
                let found = entries(line, -253..=253, ctx);
                draft.tracks().scripts.extend(found);
            },
        ),
        Keyword::list(
            "track_file",
            "{ <name> [weight <-254…254> [reverse|noreverse]] … }",
            "The number in a `vrrp_track_file` changes the priority, or is a fault.",
            |draft, line, ctx| {
                let found = entries(line, -254..=254, ctx);
                draft.tracks().files.extend(found);
            },
        ),
        Keyword::list(
            "track_process",
            "{ <name> [weight <-254…254> [reverse|noreverse]] … }",
            "A `vrrp_track_process` that does not run is a fault, or changes the priority.",
            |draft, line, ctx| {
                let found = entries(line, -254..=254, ctx);
                draft.tracks().processes.extend(found);
            },
        ),
        Keyword::refused(
            "track_bfd",
            "{ <name> … }",
            "Tracks a `bfd_instance`.",
            "there is no BFD here; a `vrrp_script` can ask a BFD daemon",
        ),
    ]
}

fn entries(
    line: &mut Line<'_>,
    range: RangeInclusive<i64>,
    ctx: &mut Context<'_>,
) -> Vec<TrackDraft> {
    let keyword = line.keyword();
    let body = line.body(ctx);
    let mut found: Vec<TrackDraft> = Vec::new();
    for statement in body {
        let entry = entry(statement, range.clone(), ctx);
        if found.iter().any(|other| other.name.text == entry.name.text) {
            let message = format!("`{}` stands twice in `{keyword}`", entry.name.text);
            ctx.d.warning("repeated", entry.name.span, message);
        } else {
            found.push(entry);
        }
    }
    found
}

fn entry(statement: &Statement, range: RangeInclusive<i64>, ctx: &mut Context<'_>) -> TrackDraft {
    let mut line = Line::new(statement);
    let mut entry = TrackDraft {
        name: statement.words[0].clone(),
        weight: None,
        reverse: None,
    };
    if line.args.take_if("weight") {
        let word = line.required("a weight after `weight`", ctx);
        entry.weight = word.and_then(|word| value::integer(word, "a weight", range, ctx));
        entry.reverse = reverse_after(&mut line);
    }
    line.finish(ctx);
    entry
}

/// `reverse` or `noreverse`. The manual writes `no_reverse` in one place, which keepalived does
/// not know.
fn reverse_after(line: &mut Line<'_>) -> Option<bool> {
    if line.args.take_if("reverse") {
        return Some(true);
    }
    let not = line.args.take_if("noreverse") || line.args.take_if("no_reverse");
    not.then_some(false)
}

/// `weight N [reverse]` where a script, file or process is declared.
pub(super) fn own_weight(
    line: &mut Line<'_>,
    range: RangeInclusive<i64>,
    ctx: &mut Context<'_>,
) -> Option<(i16, bool)> {
    let weight = value::integer_after(line, "a weight", range, ctx)?;
    Some((weight, reverse_after(line).unwrap_or(false)))
}
