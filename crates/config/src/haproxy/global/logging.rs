//! Where the process logs.

use super::GlobalDraft;
use crate::{
    haproxy::keyword::{Keyword, Sections},
    haproxy::{log_target, value},
};

const GLOBAL: Sections = Sections::GLOBAL;

pub(super) const KEYWORDS: &[Keyword<GlobalDraft>] = &[
    Keyword::supported(
        "log",
        GLOBAL,
        "<address> [len <length>] [format <format>] [sample <ranges>:<size>] <facility> [<level> [<min level>]]",
        "Send the lines of the process, and of proxies with `log global`, to this address.",
        |draft, args, ctx, d| draft.global.logs.extend(log_target::parse(args, ctx, d)),
    ),
    Keyword::supported(
        "log-tag",
        GLOBAL,
        "<tag>",
        "The program's name in log lines.",
        |draft, args, _, d| {
            draft.global.log_tag = value::required(args, "a tag", d).map(|word| word.text.clone());
            value::end(args, d);
        },
    ),
    Keyword::supported(
        "log-send-hostname",
        GLOBAL,
        "[<name>]",
        "Put the machine's name, or this one, into log lines.",
        |draft, args, _, d| {
            let name = args.next().map(|word| word.text.clone());
            draft.global.log_hostname = Some(name.unwrap_or_default());
            value::end(args, d);
        },
    ),
];
