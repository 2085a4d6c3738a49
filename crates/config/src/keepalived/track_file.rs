//! `vrrp_track_file`, newer `track_file`.

use std::{path::PathBuf, sync::Arc};

use super::{
    context::Context,
    keyword::{Block, Keyword},
    model::{InitFile, TrackFile},
    statement::Line,
    track, value,
};
use crate::source::Word;

/// A `track_file` as written.
#[derive(Debug)]
pub(super) struct FileDraft {
    /// Its name.
    pub(super) name: Word,
    path: Option<PathBuf>,
    weight: i16,
    reverse: bool,
    init: Option<InitFile>,
}

impl Block for FileDraft {
    const NAME: &'static str = "track_file";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[&[
        Keyword::supported(
            "file",
            "<path>",
            "The file with a number in it.",
            |draft, line, ctx| {
                draft.path = line
                    .required("a path", ctx)
                    .map(|word| PathBuf::from(&word.text));
            },
        ),
        Keyword::supported(
            "weight",
            "<-254…254> [reverse]",
            "What the number is multiplied with before it is added to the priority; 0: any number but 0 is a fault (1).",
            |draft, line, ctx| {
                if let Some((weight, reverse)) = track::own_weight(line, -254..=254, ctx) {
                    (draft.weight, draft.reverse) = (weight, reverse);
                }
            },
        ),
        Keyword::supported(
            "init_file",
            "[<number>] [overwrite]",
            "Writes the number (0) at start if there is no such file; with `overwrite` in any case.",
            init_file,
        ),
    ]];
}

fn init_file(draft: &mut FileDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let mut init = InitFile {
        value: 0,
        overwrite: line.args.take_if("overwrite"),
    };
    if let Some(word) = line.args.next() {
        let range = i64::from(i32::MIN)..=i64::from(i32::MAX);
        init.value = value::integer(word, "a number", range, ctx).unwrap_or(0);
    }
    init.overwrite |= line.args.take_if("overwrite");
    draft.init = Some(init);
}

impl FileDraft {
    /// Nothing is said yet.
    pub(super) fn new(name: Word) -> Self {
        Self {
            name,
            path: None,
            weight: 1,
            reverse: false,
            init: None,
        }
    }

    /// The file, if there is a path.
    pub(super) fn finish(&self, ctx: &mut Context<'_>) -> Option<TrackFile> {
        let Some(path) = &self.path else {
            let message = format!("`track_file {}` has no `file`", self.name.text);
            ctx.fault("missing-keyword", self.name.span, message);
            return None;
        };
        Some(TrackFile {
            name: Arc::from(self.name.text.as_str()),
            path: path.clone(),
            weight: self.weight,
            reverse: self.reverse,
            init: self.init,
        })
    }
}
