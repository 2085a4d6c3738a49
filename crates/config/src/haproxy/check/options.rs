//! `option …-check` of fixed protocols, and external programs.

use super::{CheckDraft, CheckMethod, draft::Kind};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::keyword::Level,
    haproxy::{
        Context,
        value::{self, required, text_after},
    },
};

/// An option without arguments.
pub(super) fn plain(
    draft: &mut CheckDraft,
    method: CheckMethod,
    args: &mut Args<'_>,
    d: &mut Diagnostics,
) {
    draft.kind = Some(Kind::Whole(method));
    value::end(args, d);
}

/// `option pgsql-check user <name>`.
pub(super) fn postgres(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    if !args.take_if("user") {
        let span = args.peek().map_or(args.keyword_span(), |word| word.span);
        d.error(
            "missing-argument",
            span,
            "`option pgsql-check` needs `user` and a name",
        )
        .suggest("as in `option pgsql-check user haproxy_check`");
        args.take_rest();
        return;
    }
    if let Some(user) = text_after(args, "a user's name", d) {
        plain(draft, CheckMethod::Postgres { user }, args, d);
    }
}

/// `option mysql-check [user <name> [post-41 | pre-41]]`.
pub(super) fn mysql(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    let mut user = None;
    let mut pre_41 = false;
    if let Some(word) = args.next() {
        if word.text != "user" {
            let message = format!("`{}` is not a parameter of `option mysql-check`", word.text);
            d.error("unknown-parameter", word.span, message)
                .suggest("`user` and a name");
            args.take_rest();
            return;
        }
        user = text_after(args, "a user's name", d);
        if user.is_none() {
            return;
        }
        match args.peek().map(|word| word.text.as_str()) {
            Some("post-41") => drop(args.next()),
            Some("pre-41") => {
                args.next();
                pre_41 = true;
            }
            _ => {}
        }
    }
    plain(draft, CheckMethod::Mysql { user, pre_41 }, args, d);
}

/// `option smtpchk [<hello> <domain>]`; anything but HELO or EHLO with a domain is the default.
pub(super) fn smtp(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    let mut hello = "HELO".to_owned();
    let mut domain = "localhost".to_owned();
    if let Some(word) = args.next() {
        match args.next() {
            Some(name) if matches!(word.text.as_str(), "HELO" | "EHLO") => {
                hello.clone_from(&word.text);
                domain.clone_from(&name.text);
            }
            _ => {
                let message = format!("`{}` is ignored: `HELO localhost` is sent", word.text);
                d.warning("without-effect", word.span, message)
                    .suggest("write `HELO` or `EHLO`, and a domain");
            }
        }
    }
    plain(draft, CheckMethod::Smtp { hello, domain }, args, d);
}

/// `option external-check`.
pub(super) fn external(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.kind = Some(Kind::External(args.keyword_span()));
    value::end(args, d);
}

/// `external-check command <path>`.
pub(super) fn external_command(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.external_command = text_after(args, "the path of a program", d);
    value::end(args, d);
}

/// `external-check path <list>`.
pub(super) fn external_path(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.external_path = text_after(args, "a search path, as in `/usr/bin:/bin`", d);
    value::end(args, d);
}

/// `tcp-check` or `http-check` followed by nothing known.
pub(super) fn unknown_step(
    _: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    let keyword = args.keyword_text();
    let Some(word) = required(args, "a step", d) else {
        return;
    };
    args.take_rest();
    // `set-var(name)` is one word.
    let end = word.text.find('(').unwrap_or(word.text.len());
    let name = format!("{keyword} {}", &word.text[..end]);
    let row = super::KEYWORDS.iter().find(|row| row.name == name);
    if let Some(Level::Refused { instead }) = row.map(|row| &row.level) {
        d.error(
            "unsupported",
            word.span,
            format!("`{name}` is not supported"),
        )
        .suggest(*instead);
        return;
    }
    let known = super::KEYWORDS
        .iter()
        .filter_map(|row| row.name.strip_prefix(keyword.as_str())?.strip_prefix(' '));
    let near = crate::similar::nearest(&word.text, known.clone());
    let message = format!("`{}` is not a step of `{keyword}`", word.text);
    d.error("unknown-keyword", word.span, message)
        .suggest(near.map_or_else(
            || known.collect::<Vec<_>>().join(", "),
            |near| format!("did you mean `{keyword} {near}`?"),
        ));
}
