//! The manual as a page of section 5.

use roff::{Inline, Roff, bold, italic, roman};

use super::{Entry, Language, Support, capitalised, chapters};
use crate::haproxy::vocabulary;

/// The whole page.
pub(super) fn page(language: Language) -> String {
    let (name, file, program) = match language {
        Language::Haproxy => ("pontoon-haproxy.cfg", "haproxy.cfg", "HAProxy 2.6"),
        Language::Keepalived => (
            "pontoon-keepalived.conf",
            "keepalived.conf",
            "keepalived 2.2.7",
        ),
    };
    let mut page = Roff::new();
    page.control("TH", [name, "5", "", "pontoon", "File formats"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!(
        "{name} - the language of {file}, as pontoon understands it"
    ))]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(format!(
        "Every keyword of {program}\u{2019}s manual that is known to pontoon(1), and those of pontoon alone. Where \
         nothing else is said, a keyword works. What has no effect is accepted, and noted by \u{201c}pontoon \
         check\u{201d}. What is refused is an error, because leaving it out would change what the file means."
    ))]);
    for chapter in chapters(language) {
        page.control("SH", [&*chapter.title.to_uppercase()]);
        page.text([roman(chapter.doc)]);
        for entry in &chapter.entries {
            keyword(&mut page, entry);
        }
    }
    if language == Language::Haproxy {
        words(&mut page);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("pontoon"), roman("(1)")]);
    page.render()
}

fn keyword(page: &mut Roff, entry: &Entry) {
    page.control("TP", []);
    let negatable = if entry.negatable { "[no] " } else { "" };
    let mut usage = vec![bold(format!("{negatable}{}", entry.name))];
    if !entry.syntax.is_empty() {
        usage.extend([roman(" "), italic(entry.syntax)]);
    }
    page.text(usage);
    page.text(meaning(entry));
}

fn meaning(entry: &Entry) -> Vec<Inline> {
    let place = roman(format!(" (In: {}.)", entry.sections.join(", ")));
    let mut text = vec![roman(entry.doc)];
    let remark = entry.remark.unwrap_or_default();
    match entry.support {
        Support::Supported if remark.is_empty() => {}
        Support::Supported => text.push(roman(format!(" {}.", capitalised(remark)))),
        Support::Depends => {
            text.push(bold(" Depends on the proxy:"));
            text.push(roman(format!(" {remark}.")));
        }
        Support::Inert => {
            text.push(bold(" No effect:"));
            text.push(roman(format!(" {remark}.")));
        }
        Support::Refused => {
            text.push(bold(" Refused."));
            text.push(roman(format!(" Instead: {remark}.")));
        }
    }
    text.push(place);
    text
}

/// Words inside lines of `haproxy.cfg`.
fn words(page: &mut Roff) {
    for list in vocabulary::all() {
        page.control("SH", [&*list.title.to_uppercase()]);
        page.text([roman(list.doc)]);
        for (usage, doc) in &list.works {
            page.control("TP", []);
            page.text([bold(&**usage)]);
            page.text([roman(&**doc)]);
        }
        for (reason, names) in &list.refused {
            page.control("PP", []);
            page.text([
                bold("Refused"),
                roman(format!(", because {reason}: {}.", names.join(", "))),
            ]);
        }
    }
}
