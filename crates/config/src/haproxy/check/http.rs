//! `option httpchk` and `http-check` lines.

mod pattern;
mod request;

use self::request::Request;
use super::{
    CheckDraft, HttpExpect, HttpPattern, HttpStep,
    draft::Kind,
    expect::{self, Around},
    steps::{self, Rules},
};
use crate::{
    args::Args,
    diagnostic::Diagnostics,
    haproxy::{
        Context,
        value::{self, text_after},
    },
    source::Span,
};

/// The lines of an HTTP check.
#[derive(Debug, Clone, Default)]
pub(super) struct HttpRules {
    pub(super) rules: Rules<HttpStep>,
    /// What `option httpchk` says of the first request.
    option: Request,
    /// What the first `http-check send` says of it.
    send: Request,
    /// The later of the two wins where both say something.
    send_is_later: bool,
}

impl HttpRules {
    /// All steps. Without `send` the request of `option httpchk` is sent; without `expect` after
    /// the last request, 2xx and 3xx will do.
    pub(super) fn finish(&self) -> Vec<HttpStep> {
        let mut steps = self.rules.steps.clone();
        let first_send = HttpStep::Send(self.first_request().finish());
        let is_send = |step: &HttpStep| matches!(step, HttpStep::Send(_));
        match steps.iter_mut().find(|step| is_send(step)) {
            Some(first) => *first = first_send,
            None => steps.insert(usize::from(connects(&steps)), first_send),
        }
        if !matches!(steps.last(), Some(HttpStep::Expect(_))) {
            steps.push(HttpStep::Expect(success()));
        }
        steps
    }

    fn first_request(&self) -> Request {
        if self.send_is_later {
            self.send.clone().or(&self.option)
        } else {
            self.option.clone().or(&self.send)
        }
    }

    /// An `http-check` line of this section begins, in a script of its own.
    fn begin_line(&mut self, at: Span, kind: Option<&Kind>, cx: &Context<'_>, d: &mut Diagnostics) {
        if !self.rules.begin_line(at, cx) {
            return;
        }
        if kind == Some(&Kind::Http) && self.option != Request::default() {
            d.warning(
                "replaced-defaults",
                at,
                "the request of `option httpchk` in `defaults` does not hold here: this section's own lines replace it",
            )
            .suggest("write `option httpchk` with its request in this section as well");
        }
        self.forget_requests();
    }

    fn forget_requests(&mut self) {
        self.option = Request::default();
        self.send = Request::default();
        self.send_is_later = false;
    }
}

/// 2xx and 3xx.
fn success() -> HttpExpect {
    HttpExpect {
        negated: false,
        pattern: HttpPattern::Status(vec![(200, 399)]),
        min_receive: None,
        comment: None,
        ok_status: None,
        error_status: None,
        timeout_status: None,
        on_success: None,
        on_error: None,
    }
}

fn connects(steps: &[HttpStep]) -> bool {
    matches!(steps.first(), Some(HttpStep::Connect(_)))
}

/// `option httpchk`.
pub(super) fn option(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    // An option that replaces the inherited one is no surprise: no warning.
    if draft.http.rules.claim(cx) {
        draft.http.forget_requests();
    }
    draft.kind = Some(Kind::Http);
    if let Some(request) = request::of_option(args, d) {
        draft.http.option = request;
        draft.http.send_is_later = false;
    }
    value::end(args, d);
}

pub(super) fn comment(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    begin(draft, args, cx, d);
    if let Some(text) = text_after(args, "a comment", d) {
        draft.http.rules.set_comment(text, args.keyword_span());
        value::end(args, d);
    }
}

fn begin(draft: &mut CheckDraft, args: &Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) {
    let kind = draft.kind.clone();
    draft
        .http
        .begin_line(args.keyword_span(), kind.as_ref(), cx, d);
}

pub(super) fn connect(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    begin(draft, args, cx, d);
    let steps = &draft.http.rules.steps;
    if !steps::connects_first(steps.is_empty(), connects(steps), args.keyword_span(), d) {
        args.take_rest();
        return;
    }
    if let Some((step, comment)) = steps::connect(args, cx, d) {
        let comment = comment.map(|_| args.keyword_span());
        unreported(draft.http.rules.forget_comment().or(comment), d);
        draft.http.rules.steps.push(HttpStep::Connect(step));
    }
    args.take_rest();
}

pub(super) fn send(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    begin(draft, args, cx, d);
    let steps = &draft.http.rules.steps;
    let sends = steps.iter().any(|step| matches!(step, HttpStep::Send(_)));
    let follows_connect = matches!(steps.last(), Some(HttpStep::Connect(_)));
    if !follows_connect && (sends || connects(steps)) {
        order(
            args,
            "a second request needs a connection of its own",
            "add `http-check connect` before it",
            d,
        );
        return;
    }
    if let Some((request, comment)) = request::of_send(args, cx, d) {
        unreported(draft.http.rules.forget_comment().or(comment), d);
        if sends {
            draft
                .http
                .rules
                .steps
                .push(HttpStep::Send(request.finish()));
        } else {
            draft
                .http
                .rules
                .steps
                .push(HttpStep::Send(Request::default().finish()));
            draft.http.send = request;
            draft.http.send_is_later = true;
        }
    }
    args.take_rest();
}

/// Reports of HTTP checks name the comment of what was expected, as HAProxy's do.
fn unreported(comment: Option<Span>, d: &mut Diagnostics) {
    if let Some(span) = comment {
        let message = "no report names this comment: only those of `http-check expect` are told";
        d.note("without-effect", span, message);
    }
}

pub(super) fn expect(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) {
    begin(draft, args, cx, d);
    if matches!(draft.http.rules.steps.last(), Some(HttpStep::Connect(_))) {
        order(
            args,
            "nothing has been sent on this connection yet",
            "add `http-check send` before it",
            d,
        );
        return;
    }
    if let Some(mut expect) = read_expect(args, cx, d) {
        expect.comment = draft.http.rules.comment(expect.comment);
        draft.http.rules.steps.push(HttpStep::Expect(expect));
    }
    args.take_rest();
}

fn order(args: &mut Args<'_>, message: &str, instead: &str, d: &mut Diagnostics) {
    d.error("bad-check-order", args.keyword_span(), message)
        .suggest(instead);
    args.take_rest();
}

fn read_expect(args: &mut Args<'_>, cx: &Context<'_>, d: &mut Diagnostics) -> Option<HttpExpect> {
    let mut around = Around::default();
    let mut found = None;
    while let Some(word) = args.next() {
        if around.take(word, args, cx, d)? {
            continue;
        }
        let (word, name) = expect::pattern_name(word, &mut around, args, d)?;
        let pattern = pattern::read(name, args, cx, d)?;
        if pattern.is_none() || found.is_some() {
            let known = [pattern::NAMES.as_slice(), &expect::PARAMETERS].concat();
            return steps::unknown(word, &known, "expect", d);
        }
        found = pattern;
    }
    let Some(pattern) = found else {
        d.error(
            "missing-argument",
            args.keyword_span(),
            "`http-check expect` needs a pattern",
        )
        .suggest("as in `http-check expect status 200`");
        return None;
    };
    Some(HttpExpect {
        negated: around.negated,
        pattern,
        min_receive: around.min_receive,
        comment: around.comment,
        ok_status: around.ok_status,
        error_status: around.error_status,
        timeout_status: around.timeout_status,
        on_success: around.on_success,
        on_error: around.on_error,
    })
}

pub(super) fn disable_on_404(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.disable_on_404 = Some(args.keyword_span());
    value::end(args, d);
}

pub(super) fn send_state(
    draft: &mut CheckDraft,
    args: &mut Args<'_>,
    _: &Context<'_>,
    d: &mut Diagnostics,
) {
    draft.send_state = true;
    value::end(args, d);
}
