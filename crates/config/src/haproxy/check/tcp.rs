//! `tcp-check` lines.

use super::{
    CheckDraft, Expect, Step, StepAction,
    draft::Kind,
    expect::{self, Around},
    steps::{self, Owner},
};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context, log_format,
        value::{self, required, text_after},
    },
};

/// `option tcp-check`: a script of `defaults` counts only if its option stands there too.
pub(super) fn option(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    let inherits = draft.kind == Some(Kind::Tcp) || draft.tcp.is_of(&Owner::of(cx));
    if !inherits {
        draft.tcp = steps::Rules::default();
    }
    draft.kind = Some(Kind::Tcp);
    value::end(args, d);
}

pub(super) fn comment(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.tcp.begin_line(args.keyword_span(), cx);
    if let Some(text) = text_after(args, "a comment", d) {
        draft.tcp.set_comment(text, args.keyword_span());
        value::end(args, d);
    }
}

pub(super) fn connect(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.tcp.begin_line(args.keyword_span(), cx);
    let begins = draft.tcp.steps.first();
    let begins_connecting = begins.is_some_and(|it| matches!(it.action, StepAction::Connect(_)));
    let is_first = begins.is_none();
    if !steps::connects_first(is_first, begins_connecting, args.keyword_span(), d) {
        args.take_rest();
        return;
    }
    if let Some((step, comment)) = steps::connect(args, cx, d) {
        push(draft, comment, StepAction::Connect(step));
    }
}

pub(super) fn send(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.tcp.begin_line(args.keyword_span(), cx);
    let text = text_after(args, "a text to send", d);
    sent(
        draft,
        args,
        text.map(|text| StepAction::Send(text.into_bytes())),
        d,
    );
}

pub(super) fn send_binary(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.tcp.begin_line(args.keyword_span(), cx);
    let word = required(args, "hexadecimal digits to send", d);
    let bytes = word.and_then(|word| value::hex(word, d));
    sent(draft, args, bytes.map(StepAction::Send), d);
}

pub(super) fn send_format(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.tcp.begin_line(args.keyword_span(), cx);
    let word = required(args, "a format to send", d);
    let format = word.and_then(|word| log_format::parse_verbatim(word, cx, d));
    let action = format.map(|format| StepAction::SendFormat(format.into()));
    sent(draft, args, action, d);
}

fn sent(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    action: Option<StepAction>,
    d: &mut Diagnostics,
) {
    let Some(action) = action else {
        args.take_rest();
        return;
    };
    if let Some(comment) = steps::trailing_comment(args, "send", d) {
        push(draft, comment, action);
    }
    args.take_rest();
}

pub(super) fn expect(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.tcp.begin_line(args.keyword_span(), cx);
    if let Some((expect, comment)) = read_expect(args, cx, d) {
        push(draft, comment, StepAction::Expect(expect));
    }
    args.take_rest();
}

const PATTERNS: [&str; 5] = ["binary", "rbinary", "rstring", "string", "string-lf"];

fn read_expect(
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> Option<(Expect, Option<String>)> {
    let mut around = Around::default();
    let mut pattern = None;
    while let Some(word) = args.next() {
        if around.take(word, args, cx, d)? {
            continue;
        }
        let (word, name) = expect::pattern_name(word, &mut around, args, d)?;
        let found = expect::bytes(name, args, cx, d)?;
        if found.is_none() || pattern.is_some() {
            let known = [PATTERNS.as_slice(), &expect::PARAMETERS].concat();
            return steps::unknown(word, &known, "expect", d);
        }
        pattern = found;
    }
    let Some(pattern) = pattern else {
        d.error(
            "missing-argument",
            args.keyword_span(),
            "`tcp-check expect` needs a pattern",
        )
        .suggest("as in `tcp-check expect string +PONG`");
        return None;
    };
    let expect = Expect {
        negated: around.negated,
        pattern,
        min_receive: around.min_receive,
        ok_status: around.ok_status,
        error_status: around.error_status,
        timeout_status: around.timeout_status,
        on_success: around.on_success,
        on_error: around.on_error,
    };
    Some((expect, around.comment))
}

fn push(draft: &mut CheckDraft, comment: Option<String>, action: StepAction) {
    let step = Step {
        number: draft.tcp.number(),
        comment: draft.tcp.comment(comment),
        action,
    };
    draft.tcp.steps.push(step);
}
