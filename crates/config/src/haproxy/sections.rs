//! Statements to sections: which lines belong to which section, and which sections there are.

use super::reader::Statement;
use crate::{
    diagnostic::Diagnostics,
    haproxy::keyword::Sections,
    similar::nearest,
    source::{Span, Word},
};

/// One section as written.
#[derive(Debug)]
pub(super) struct Section {
    /// One of the constants of [`Sections`].
    pub(super) kind: Sections,
    /// The word it began with.
    pub(super) keyword: Word,
    /// Its name; `None` for `global` and anonymous `defaults`.
    pub(super) name: Option<Word>,
    /// `from`.
    pub(super) from: Option<Word>,
    /// What else stands on its first line (an address, in old files).
    pub(super) extra: Vec<Word>,
    /// The lines below.
    pub(super) lines: Vec<Statement>,
}

impl Section {
    /// Where its name stands, or its keyword.
    pub(super) fn span(&self) -> Span {
        self.name.as_ref().unwrap_or(&self.keyword).span
    }

    /// Its name, or nothing.
    pub(super) fn name(&self) -> &str {
        self.name.as_ref().map_or("", |word| word.text.as_str())
    }
}

/// The sections that are read.
pub(super) const KINDS: [(&str, Sections); 6] = [
    ("global", Sections::GLOBAL),
    ("defaults", Sections::DEFAULTS),
    ("frontend", Sections::FRONTEND),
    ("backend", Sections::BACKEND),
    ("listen", Sections::LISTEN),
    ("userlist", Sections::USERLIST),
];

/// A section that is refused: its keyword, what it is for, what to do instead.
pub(crate) struct RefusedSection {
    /// Its keyword.
    pub(crate) name: &'static str,
    /// What HAProxy uses it for.
    pub(crate) doc: &'static str,
    /// What to do instead.
    pub(crate) instead: &'static str,
}

/// The sections that are refused.
pub(crate) const REFUSED: &[RefusedSection] = &[
    RefusedSection {
        name: "peers",
        doc: "Exchange stick tables with other load balancers.",
        instead: "stick tables are not supported; remove the section and what refers to it",
    },
    RefusedSection {
        name: "resolvers",
        doc: "Resolve server names again while running.",
        instead: "names of servers are resolved once at start; remove the section and the `resolvers` parameters",
    },
    RefusedSection {
        name: "cache",
        doc: "Keep HTTP responses in memory.",
        instead: "HTTP is not forwarded, so nothing could be cached; remove the section",
    },
    RefusedSection {
        name: "mailers",
        doc: "Send alerts by mail.",
        instead: "send alerts from what reads the log: each change of a server's state is a line",
    },
    RefusedSection {
        name: "program",
        doc: "Run another program beside the load balancer.",
        instead: "let the service manager run the program",
    },
    RefusedSection {
        name: "ring",
        doc: "Keep log lines in a buffer, or send them over TCP.",
        instead: "log to a local syslog daemon, and let that one forward the lines",
    },
    RefusedSection {
        name: "http-errors",
        doc: "Name a set of HTTP error pages.",
        instead: "HTTP is not forwarded, so there are no error pages; remove the section",
    },
    RefusedSection {
        name: "fcgi-app",
        doc: "Speak FastCGI to servers.",
        instead: "use `mode tcp`, or a web server",
    },
    RefusedSection {
        name: "log-forward",
        doc: "Receive log lines and send them on.",
        instead: "use a syslog daemon",
    },
    RefusedSection {
        name: "crt-store",
        doc: "Name certificates (HAProxy 3.0).",
        instead: "TLS is not ended here; remove the section",
    },
    RefusedSection {
        name: "log-profile",
        doc: "Name log formats (HAProxy 3.1).",
        instead: "use `log-format` in each proxy",
    },
    RefusedSection {
        name: "traces",
        doc: "Configure traces (HAProxy 3.1).",
        instead: "remove the section",
    },
    RefusedSection {
        name: "acme",
        doc: "Obtain certificates (HAProxy 3.2).",
        instead: "TLS is not ended here; remove the section",
    },
];

/// Whether a line that begins with this word begins a section.
pub(super) fn is_header(word: &str) -> bool {
    kind(word).is_some() || REFUSED.iter().any(|section| section.name == word)
}

fn kind(word: &str) -> Option<Sections> {
    KINDS
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, kind)| *kind)
}

/// The keyword of a kind of section.
pub(super) fn kind_name(kind: Sections) -> &'static str {
    KINDS
        .iter()
        .find(|(_, known)| *known == kind)
        .map_or("section", |(name, _)| name)
}

/// Puts lines into sections. Lines of refused sections are dropped: the section itself is an
/// error already.
pub(super) fn split(statements: Vec<Statement>, diagnostics: &mut Diagnostics) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut place = Place::Before;
    for words in statements {
        if is_header(&words[0].text) {
            place = match header(words, diagnostics) {
                Some(section) => {
                    sections.push(section);
                    Place::Inside
                }
                None => Place::Refused,
            };
            continue;
        }
        match place {
            Place::Before => {
                outside(&words[0], diagnostics);
                // One complaint is enough for all that stands there.
                place = Place::Refused;
            }
            Place::Inside => {
                if let Some(section) = sections.last_mut() {
                    section.lines.push(words);
                }
            }
            Place::Refused => {}
        }
    }
    sections
}

/// Where the lines go.
enum Place {
    Before,
    Inside,
    Refused,
}

fn outside(word: &Word, diagnostics: &mut Diagnostics) {
    let message = format!("`{}` stands before the first section", word.text);
    let found = diagnostics.error("outside-section", word.span, message);
    match nearest(&word.text, KINDS.iter().map(|(name, _)| *name)) {
        Some(near) => found.suggest(format!("did you mean the section `{near}`?")),
        None => found.suggest("begin with `global`, `defaults`, `frontend`, `backend` or `listen`"),
    };
}

fn header(words: Statement, diagnostics: &mut Diagnostics) -> Option<Section> {
    let mut words = words.into_iter();
    let keyword = words.next()?;
    let Some(kind) = kind(&keyword.text) else {
        refuse(&keyword, diagnostics);
        return None;
    };
    let mut rest: Vec<Word> = words.collect();
    let named = kind != Sections::GLOBAL && rest.first().is_some_and(|word| word.text != "from");
    let name = named.then(|| rest.remove(0));
    let from = take_from(kind, &mut rest, diagnostics);
    if name.is_none() && !(Sections::GLOBAL.or(Sections::DEFAULTS)).has(kind) {
        diagnostics.error(
            "missing-name",
            keyword.span,
            format!("`{}` needs a name", keyword.text),
        );
        return None;
    }
    if let Some(name) = &name {
        check_name(name, diagnostics);
    }
    let section = Section {
        kind,
        keyword,
        name,
        from,
        extra: rest,
        lines: Vec::new(),
    };
    check_extra(&section, diagnostics);
    Some(section)
}

fn refuse(keyword: &Word, diagnostics: &mut Diagnostics) {
    if let Some(refused) = REFUSED.iter().find(|known| known.name == keyword.text) {
        diagnostics
            .error(
                "refused-section",
                keyword.span,
                format!("the section `{}` is not supported", refused.name),
            )
            .suggest(refused.instead);
    }
}

fn take_from(kind: Sections, rest: &mut Vec<Word>, diagnostics: &mut Diagnostics) -> Option<Word> {
    let inherits = Sections::PROXY.has(kind);
    if !inherits || rest.first().is_none_or(|word| word.text != "from") {
        return None;
    }
    let from = rest.remove(0);
    if rest.is_empty() {
        diagnostics.error(
            "missing-argument",
            from.span,
            "`from` needs the name of a `defaults` section",
        );
        return None;
    }
    Some(rest.remove(0))
}

fn check_name(name: &Word, diagnostics: &mut Diagnostics) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if let Some(bad) = name.text.chars().find(|c| !allowed(*c)) {
        diagnostics
            .error(
                "bad-name",
                name.span,
                format!("the name `{}` holds `{bad}`", name.text),
            )
            .suggest("use letters, digits, `-`, `_`, `.` and `:`");
    }
}

/// Only proxies with a client side may have an address behind their name.
fn check_extra(section: &Section, diagnostics: &mut Diagnostics) {
    let addressable = Sections::FRONTEND.or(Sections::LISTEN).has(section.kind);
    if let (false, Some(word)) = (addressable, section.extra.first()) {
        diagnostics.error(
            "unexpected-argument",
            word.span,
            format!(
                "`{}` is too much for a `{}`",
                word.text, section.keyword.text
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(text: &str) -> (Vec<Section>, Vec<String>) {
        let statements = text
            .lines()
            .map(|line| {
                line.split_whitespace()
                    .map(|word| Word {
                        text: word.into(),
                        span: Span::default(),
                    })
                    .collect()
            })
            .collect();
        let mut diagnostics = Diagnostics::default();
        let sections = split(statements, &mut diagnostics);
        let messages = diagnostics.all().iter().map(|d| d.message.clone());
        (sections, messages.collect())
    }

    #[test]
    fn headers_have_names_parents_and_old_addresses() {
        let (found, messages) = sections(
            "global\ndefaults\ndefaults d from e\nlisten l :90\nfrontend f from d\nmode tcp",
        );
        let described: Vec<_> = found
            .iter()
            .map(|s| {
                let from = s.from.as_ref().map_or("", |word| word.text.as_str());
                (
                    s.keyword.text.as_str(),
                    s.name(),
                    from,
                    s.extra.len(),
                    s.lines.len(),
                )
            })
            .collect();
        assert_eq!(
            described,
            [
                ("global", "", "", 0, 0),
                ("defaults", "", "", 0, 0),
                ("defaults", "d", "e", 0, 0),
                ("listen", "l", "", 1, 0),
                ("frontend", "f", "d", 0, 1),
            ]
        );
        assert!(messages.is_empty(), "{messages:?}");
    }

    #[test]
    fn refused_sections_are_one_error_each() {
        let (found, messages) = sections("peers p\npeer a 1.2.3.4:5\nresolvers r\nnameserver a b");
        assert!(found.is_empty());
        assert_eq!(
            messages,
            [
                "the section `peers` is not supported",
                "the section `resolvers` is not supported"
            ]
        );
    }

    #[test]
    fn bad_headers_are_named() {
        assert_eq!(sections("listen").1, ["`listen` needs a name"]);
        assert_eq!(sections("listen a/b").1, ["the name `a/b` holds `/`"]);
        assert_eq!(
            sections("backend b :80").1,
            ["`:80` is too much for a `backend`"]
        );
        assert_eq!(
            sections("mode tcp").1,
            ["`mode` stands before the first section"]
        );
        assert_eq!(
            sections("backend b from").1,
            ["`from` needs the name of a `defaults` section"]
        );
    }
}
