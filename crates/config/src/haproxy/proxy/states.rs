//! From which file the states of servers come at a start.

use super::ProxyDraft;
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::{Keyword, Sections},
    haproxy::{model::StateSource, value},
    source::Span,
};

const SERVER: Sections = Sections::SERVER;

/// `load-server-state-from-file` and `server-state-file-name` as written.
#[derive(Debug, Clone, Default)]
pub(in crate::haproxy) struct StatesDraft {
    load: Load,
    /// Where that stands.
    span: Option<Span>,
    /// `server-state-file-name`; `None`: the proxy's own name.
    file: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
enum Load {
    #[default]
    Nothing,
    Global,
    Local,
}

pub(super) const KEYWORDS: &[Keyword<ProxyDraft>] = &[
    Keyword::supported(
        "load-server-state-from-file",
        SERVER,
        "{ global | local | none }",
        "At a start, servers begin with the states of this file: that of `server-state-file`, or the proxy's own.",
        |draft, args, _, d| {
            if let Some(load) = load(args, d) {
                draft.states.load = load;
                draft.states.span = Some(args.keyword_span());
            }
        },
    ),
    Keyword::supported(
        "server-state-file-name",
        SERVER,
        "[{ use-backend-name | <file> }]",
        "The proxy's own file of states, below `server-state-base` (default: the proxy's name).",
        |draft, args, _, d| {
            draft.states.file = match args.next() {
                Some(word) if word.text != "use-backend-name" => Some(word.text.clone()),
                Some(_) | None => None,
            };
            value::end(args, d);
        },
    ),
];

impl StatesDraft {
    /// Where `load-server-state-from-file` stands.
    pub(in crate::haproxy) const fn span(&self) -> Option<Span> {
        self.span
    }

    /// What it means for the proxy of this name.
    pub(in crate::haproxy) fn source(&self, proxy: &str) -> StateSource {
        match self.load {
            Load::Nothing => StateSource::Nowhere,
            Load::Global => StateSource::Global,
            Load::Local => StateSource::Local(self.file.as_deref().unwrap_or(proxy).into()),
        }
    }
}

fn load(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<Load> {
    let word = value::required(args, "`global`, `local` or `none`", d)?;
    let load = match &*word.text {
        "global" => Load::Global,
        "local" => Load::Local,
        "none" => Load::Nothing,
        other => {
            let message = format!("`{other}` is none of `global`, `local` and `none`");
            d.error("unknown-value", word.span, message);
            args.take_rest();
            return None;
        }
    };
    value::end(args, d);
    Some(load)
}
