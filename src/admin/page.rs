//! The statistics page.
//!
//! It needs no other file and runs under a content security policy that allows nothing but its
//! own style and script, by their digests. Without scripts it is complete; with them it follows
//! the running state by fetching its own changing part ([`live`]) and touching only what changed.

mod cell;
mod format;
mod state;
mod table;

use std::{sync::LazyLock, time::Duration};

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::{
    command::Outcome,
    snapshot::{Hide, Process, Snapshot},
    view::{Form, View},
};

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");
/// How often the page looks by itself where `stats refresh` says nothing.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(2);

/// What may run and be loaded: nothing that is not in this file.
pub(crate) static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; \
         form-action 'self'; img-src data:; base-uri 'none'; frame-ancestors 'self'",
        base64(&Sha256::digest(STYLE)),
        base64(&Sha256::digest(SCRIPT)),
    )
});

/// What the page says besides the figures.
#[derive(Debug)]
pub(crate) struct Settings<'a> {
    /// `stats uri`.
    pub(crate) uri: &'a str,
    /// What the URI asked for.
    pub(crate) view: &'a View,
    /// `stats refresh`.
    pub(crate) refresh: Option<Duration>,
    /// Not with `stats hide-version`.
    pub(crate) version: Option<&'a str>,
    /// With `stats show-node`.
    pub(crate) node: Option<&'a str>,
    /// With `stats show-desc`.
    pub(crate) description: Option<&'a str>,
    /// `stats show-legends`.
    pub(crate) legends: bool,
    /// `stats admin` lets this client change things.
    pub(crate) admin: bool,
}

impl Settings<'_> {
    /// The URI of another view of the same selection.
    fn link(&self, change: impl FnOnce(&mut View)) -> String {
        let mut view = View {
            outcome: None,
            ..self.view.clone()
        };
        change(&mut view);
        view.link(self.uri)
    }

    /// The page reloads by itself where there are no scripts.
    fn reload(&self) -> Option<u64> {
        let refresh = self.refresh.filter(|_| !self.view.no_refresh)?;
        Some(refresh.as_secs().max(1))
    }

    fn title(&self) -> String {
        match self.node {
            Some(node) => format!("Statistics of {node}"),
            None => "Statistics".to_owned(),
        }
    }
}

/// The whole page.
pub(crate) fn render(snapshot: &Snapshot, settings: &Settings<'_>) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (settings.title()) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
                @if let Some(seconds) = settings.reload() {
                    noscript { meta http-equiv="refresh" content=(seconds); }
                }
            }
            body {
                (header(settings))
                @if let Some(outcome) = outcome(settings) { (outcome) }
                (controls(settings))
                (live_part(snapshot, settings))
                (legend())
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// The part of the page that changes, for its script.
pub(crate) fn live(snapshot: &Snapshot, settings: &Settings<'_>) -> String {
    live_part(snapshot, settings).into_string()
}

fn live_part(snapshot: &Snapshot, settings: &Settings<'_>) -> Markup {
    let interval = settings.refresh.unwrap_or(DEFAULT_INTERVAL).as_millis();
    let address = settings.link(|view| view.form = Form::Live);
    html! {
        main #live data-url=(address) data-every=(interval) data-on=(!settings.view.no_refresh) {
            (tiles(&snapshot.process, snapshot))
            @if snapshot.proxies.is_empty() {
                p.empty { "No proxy matches." }
            }
            @for proxy in &snapshot.proxies { (table::section(proxy, settings)) }
            (process_line(&snapshot.process))
        }
    }
}

fn header(settings: &Settings<'_>) -> Markup {
    html! {
        header {
            div.brand {
                h1 {
                    "Pontoon"
                    @if let Some(version) = settings.version { " " small { (version) } }
                }
                p {
                    (settings.title())
                    @if let Some(text) = settings.description { ": " (text) }
                }
            }
            p.pulse role="status" {
                span #when {
                    @match settings.reload() {
                        Some(seconds) => { "reloads every " (seconds) " s" }
                        None => { "as of this moment" }
                    }
                }
                button #toggle type="button" hidden { "Pause" }
            }
        }
    }
}

fn outcome(settings: &Settings<'_>) -> Option<Markup> {
    let outcome = Outcome::from_code(settings.view.outcome.as_deref()?)?;
    let class = match outcome {
        Outcome::Done => "active_up",
        Outcome::Partly | Outcome::Unchanged => "active_going_down",
        _ => "active_down",
    };
    Some(html! {
        p.outcome.(class) role="alert" {
            (outcome.sentence()) " "
            a href=(settings.link(|_| {})) { "Close" }
        }
    })
}

fn controls(settings: &Settings<'_>) -> Markup {
    let hidden = settings.view.hide == Hide::Down;
    let plain = |form| settings.link(|view| (view.form, view.no_refresh) = (form, true));
    html! {
        nav {
            (filter(settings))
            a href=(settings.link(|view| view.hide = if hidden { Hide::Nothing } else { Hide::Down })) {
                @if hidden { "Show all servers" } @else { "Hide servers that are down" }
            }
            @if settings.refresh.is_some() {
                a href=(settings.link(|view| view.no_refresh = !view.no_refresh)) {
                    @if settings.view.no_refresh { "Enable refresh" } @else { "Disable refresh" }
                }
            }
            a href=(settings.link(|_| {})) { "Refresh now" }
            a href=(plain(Form::Csv)) { "CSV" }
            a href=(plain(Form::Json)) { "JSON" }
            a href=(settings.link(|view| view.form = Form::Schema)) { "JSON schema" }
        }
    }
}

/// Chooses proxies by a part of their names. The query of `stats uri` goes along as hidden
/// fields, for a form of this kind replaces the query of its address.
fn filter(settings: &Settings<'_>) -> Markup {
    let (path, query) = settings.uri.split_once('?').unwrap_or((settings.uri, ""));
    let fields = query.split('&').filter(|field| !field.is_empty());
    html! {
        form.filter method="get" action=(path) role="search" {
            @for field in fields {
                @let (name, value) = field.split_once('=').unwrap_or((field, ""));
                input type="hidden" name=(name) value=(value);
            }
            @if settings.view.hide == Hide::Down { input type="hidden" name="up" value=""; }
            @if settings.view.no_refresh { input type="hidden" name="norefresh" value=""; }
            label {
                span { "Proxy" }
                input type="search" name="scope" maxlength="20" placeholder="part of a name"
                    value=[settings.view.scope.as_deref()];
            }
            button { "Filter" }
        }
    }
}

fn tiles(process: &Process, snapshot: &Snapshot) -> Markup {
    let (up, servers) = table::servers_up(snapshot);
    let traffic = table::traffic(snapshot);
    html! {
        dl.tiles {
            (tile("Sessions", &format::grouped(u64::from(process.sessions)),
                &format!("at most {} of {}", format::grouped(u64::from(process.sessions_max)),
                    format::grouped(u64::from(process.max_connections)))))
            (tile("Connections", &format!("{}/s", process.connection_rate),
                &format!("{} since the start", format::grouped(process.connections_total))))
            div.tile.bad[up < servers] {
                dt { "Servers up" }
                dd { (up) small { " of " (servers) } }
                dd.more {
                    @if up < servers { (servers - up) " not in use" } @else { "all in use" }
                }
            }
            (tile("Traffic in", &format::bytes(traffic.0), "from clients"))
            (tile("Traffic out", &format::bytes(traffic.1), "to clients"))
            (tile("Uptime", &format::uptime(process.uptime),
                if process.stopping { "stopping" } else { "running" }))
        }
    }
}

fn tile(title: &str, figure: &str, more: &str) -> Markup {
    html! { div.tile { dt { (title) } dd { (figure) } dd.more { (more) } } }
}

fn process_line(process: &Process) -> Markup {
    html! {
        p.process {
            "pid " (process.pid) " · " (process.threads) " threads · maxconn "
            (format::grouped(u64::from(process.max_connections)))
            " · open files " (format::grouped(process.open_files))
            @if process.dropped_lines > 0 {
                " · " strong { (format::grouped(process.dropped_lines)) " log lines lost" }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        footer {
            ul.legend {
                @for (look, words) in state::LEGEND {
                    li { span.pill.(look.class) { (look.symbol) } " " (words) }
                }
            }
            p {
                "Queued, sessions: now, at most, limit. Server: weight, active, backup, failed \
                 checks, times down, time down, slow start. Times count since the start."
            }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            if place > group.len() {
                out.push('=');
            } else {
                let digit = (bits >> (18 - 6 * place)) & 63;
                out.push(char::from(DIGITS[digit as usize]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_in_base64() {
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(b"ab"), "YWI=");
        assert_eq!(base64(b"a"), "YQ==");
    }

    #[test]
    fn nothing_but_our_own_style_and_script_may_run() {
        assert!(!POLICY.contains("unsafe"));
        // Inline handlers and styles would not run under the policy.
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
    }
}
