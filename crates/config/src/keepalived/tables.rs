//! All keyword tables of the language, for the reference manual and for advice.

use super::{
    blocks::{GarpGroupDraft, Written},
    floating_ip::FloatingDraft,
    global::GlobalDraft,
    group::GroupDraft,
    instance::{AuthDraft, InstanceDraft},
    keyword::Block,
    script::ScriptDraft,
    track_file::FileDraft,
    track_process::ProcessDraft,
};
use crate::reference::{Chapter, Entry};

/// The chapters of the manual, unsorted.
pub(crate) fn chapters() -> Vec<Chapter> {
    vec![
        Chapter {
            title: "Blocks",
            doc: "What a file is made of.",
            entries: entries::<Written>("file"),
        },
        Chapter {
            title: "The process",
            doc: "Keywords of `global_defs`.",
            entries: entries::<GlobalDraft>("global_defs"),
        },
        Chapter {
            title: "Instances and groups",
            doc: "Keywords of `vrrp_instance` and `vrrp_sync_group`.",
            entries: merged(
                entries::<InstanceDraft>("vrrp_instance"),
                entries::<GroupDraft>("vrrp_sync_group"),
            ),
        },
        Chapter {
            title: "Floating IPs",
            doc: "Keywords of `floating_ip`, Pontoon's own block of `vrrp_instance`; every line of it is optional.",
            entries: entries::<FloatingDraft>("floating_ip"),
        },
        Chapter {
            title: "Passwords",
            doc: "Keywords of `authentication`.",
            entries: entries::<AuthDraft>("authentication"),
        },
        Chapter {
            title: "Scripts",
            doc: "Keywords of `vrrp_script`.",
            entries: entries::<ScriptDraft>("vrrp_script"),
        },
        Chapter {
            title: "Files",
            doc: "Keywords of `track_file` and `vrrp_track_file`.",
            entries: entries::<FileDraft>("track_file"),
        },
        Chapter {
            title: "Processes",
            doc: "Keywords of `vrrp_track_process`.",
            entries: entries::<ProcessDraft>("vrrp_track_process"),
        },
        Chapter {
            title: "Pauses",
            doc: "Keywords of `garp_group`.",
            entries: entries::<GarpGroupDraft>("garp_group"),
        },
    ]
}

fn entries<C: Block>(block: &'static str) -> Vec<Entry> {
    let keywords = C::TABLES.iter().flat_map(|table| table.iter());
    keywords
        .map(|keyword| {
            let (support, remark) = keyword.support();
            Entry {
                name: keyword.name,
                sections: vec![block],
                negatable: false,
                syntax: keyword.syntax,
                doc: keyword.doc,
                support,
                remark,
            }
        })
        .collect()
}

/// Keywords that two blocks share, named once with both.
fn merged(mut first: Vec<Entry>, second: Vec<Entry>) -> Vec<Entry> {
    for entry in second {
        match first.iter_mut().find(|other| other.name == entry.name) {
            Some(other) => other.sections.extend(entry.sections),
            None => first.push(entry),
        }
    }
    first
}

/// Where a keyword may stand, for advice: `in `vrrp_instance``.
pub(super) fn blocks_of(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |known: bool, block: &str| {
        if known && !block.is_empty() {
            found.push(format!("in `{block}`"));
        } else if known {
            found.push("outside of all blocks".to_owned());
        }
    };
    look(has::<Written>(name), Written::NAME);
    look(has::<GlobalDraft>(name), GlobalDraft::NAME);
    look(has::<InstanceDraft>(name), InstanceDraft::NAME);
    look(has::<GroupDraft>(name), GroupDraft::NAME);
    look(has::<FloatingDraft>(name), FloatingDraft::NAME);
    look(has::<AuthDraft>(name), AuthDraft::NAME);
    look(has::<ScriptDraft>(name), ScriptDraft::NAME);
    look(has::<FileDraft>(name), FileDraft::NAME);
    look(has::<ProcessDraft>(name), ProcessDraft::NAME);
    look(has::<GarpGroupDraft>(name), GarpGroupDraft::NAME);
    found
}

/// Whether a keyword stands outside of all blocks.
pub(super) fn is_outermost(name: &str) -> bool {
    has::<Written>(name)
}

fn has<C: Block>(name: &str) -> bool {
    let mut keywords = C::TABLES.iter().flat_map(|table| table.iter());
    keywords.any(|keyword| keyword.name == name)
}
