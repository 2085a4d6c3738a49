//! Actions of `tcp-request` that are not implemented, with the reason.

use crate::{diagnostic::Diagnostics, similar::nearest, source::Word};

/// An action that is refused; its name without parentheses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedAction {
    /// Its name.
    pub name: &'static str,
    /// Why, and what to do instead.
    pub instead: &'static str,
}

const STICK: &str = "there are no stick tables yet";
const VARIABLES: &str = "there are no variables: write the condition itself where it is used";
const ADDRESSES: &str = "addresses of a session cannot be rewritten: use `accept-proxy` to learn the client's, `source` to connect from another";
const HTTP: &str = "HTTP is not forwarded";
const MARKS: &str = "packets cannot be marked for one session: use the firewall's own rules";
const PRIORITIES: &str = "sessions have no priorities";
const LOGS: &str = "log levels hold for a whole proxy: use the `log` line";

/// All actions that work, and what they do.
pub(crate) static WORKING: &[(&str, &str)] = &[
    ("accept", "Take it, and look no further."),
    (
        "expect-proxy layer4",
        "Demand a PROXY header (of connections only).",
    ),
    ("reject", "Close it."),
    ("silent-drop", "Forget it without telling the client."),
];

/// All refused actions of the manual.
#[rustfmt::skip]
pub(crate) static REFUSED: &[RefusedAction] = &[
    no("capture", "samples cannot be captured"),
    no("do-resolve", "names are resolved once, at the start"),
    no("expect-netscaler-cip", "only the PROXY protocol is understood: use `expect-proxy layer4`"),
    no("lua", "there is no Lua"),
    no("sc-inc-gpc", STICK),
    no("sc-inc-gpc0", STICK),
    no("sc-inc-gpc1", STICK),
    no("sc-set-gpt", STICK),
    no("sc-set-gpt0", STICK),
    no("send-spoe-group", "there are no agents to send to"),
    no("set-dst", ADDRESSES),
    no("set-dst-port", ADDRESSES),
    no("set-log-level", LOGS),
    no("set-mark", MARKS),
    no("set-nice", PRIORITIES),
    no("set-priority-class", PRIORITIES),
    no("set-priority-offset", PRIORITIES),
    no("set-src", ADDRESSES),
    no("set-src-port", ADDRESSES),
    no("set-tos", MARKS),
    no("set-var", VARIABLES),
    no("set-var-fmt", VARIABLES),
    no("switch-mode", HTTP),
    no("track-sc0", STICK),
    no("track-sc1", STICK),
    no("track-sc2", STICK),
    no("unset-var", VARIABLES),
    no("use-service", HTTP),
];

const fn no(name: &'static str, instead: &'static str) -> RefusedAction {
    RefusedAction { name, instead }
}

/// Says that an action is refused, or unknown.
pub(super) fn report(word: &Word, known: &[&str], keyword: &str, d: &mut Diagnostics) {
    let end = word.text.find(['(', '.']).unwrap_or(word.text.len());
    let name = &word.text[..end];
    if let Some(refused) = REFUSED.iter().find(|action| action.name == name) {
        let message = format!("the action `{name}` of `{keyword}` is not supported");
        d.error("unsupported", word.span, message)
            .suggest(refused.instead);
        return;
    }
    let message = format!("`{}` is not an action of `{keyword}`", word.text);
    let diagnostic = d.error("unknown-action", word.span, message);
    match nearest(&word.text, known.iter().copied()) {
        Some(near) => diagnostic.suggest(format!("did you mean `{near}`?")),
        None => diagnostic.suggest(known.join(", ")),
    };
}
