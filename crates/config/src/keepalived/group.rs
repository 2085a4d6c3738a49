//! `vrrp_sync_group`.

use super::{
    context::Context,
    keyword::{Block, Keyword},
    model::Notify,
    notify::{self, Notifies},
    statement::Line,
    track::{self, Tracks, TracksDraft},
};
use crate::source::Word;

/// A `vrrp_sync_group` as written.
#[derive(Debug)]
pub(super) struct GroupDraft {
    /// Its name.
    pub(super) name: Word,
    /// The names of its members.
    pub(super) members: Vec<Word>,
    /// What it tracks.
    pub(super) tracks: TracksDraft,
    /// What is run.
    pub(super) notify: Notify,
    /// `sync_group_tracking_weight`.
    pub(super) weights_allowed: bool,
}

impl Notifies for GroupDraft {
    fn notify(&mut self) -> &mut Notify {
        &mut self.notify
    }
}

impl Tracks for GroupDraft {
    fn tracks(&mut self) -> &mut TracksDraft {
        &mut self.tracks
    }
}

impl Block for GroupDraft {
    const NAME: &'static str = "vrrp_sync_group";
    const TABLES: &'static [&'static [Keyword<Self>]] = &[OWN, &TRACKS, &NOTIFY];
}

const TRACKS: [Keyword<GroupDraft>; 5] = track::keywords();
const NOTIFY: [Keyword<GroupDraft>; 9] = notify::keywords();

const OWN: &[Keyword<GroupDraft>] = &[
    Keyword::list(
        "group",
        "{ <instance> … }",
        "The instances that go master and backup together.",
        members,
    ),
    Keyword::supported(
        "sync_group_tracking_weight",
        "",
        "What members track may change their priorities; otherwise only a fault counts.",
        |draft, _, _| draft.weights_allowed = true,
    ),
    Keyword::inert(
        "global_tracking",
        "",
        "Obsolete: what one member tracks counts for all.",
        "a fault of one member is a fault of all anyway",
    ),
];

fn members(draft: &mut GroupDraft, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    for statement in line.body(ctx) {
        draft.members.push(statement.words[0].clone());
        Line::new(statement).finish(ctx);
    }
}

impl GroupDraft {
    /// Nothing is said yet.
    pub(super) fn new(name: Word) -> Self {
        Self {
            name,
            members: Vec::new(),
            tracks: TracksDraft::default(),
            notify: Notify::default(),
            weights_allowed: false,
        }
    }
}
