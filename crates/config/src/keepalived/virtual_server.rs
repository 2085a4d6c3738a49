//! `virtual_server`: refused, with the section of `haproxy.cfg` that does the same.

use super::{
    blocks::Written,
    context::Context,
    statement::{Line, Statement},
};

/// Refuses a `virtual_server` block.
pub(super) fn virtual_server(_: &mut Written, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    let address = line.args.take_rest();
    let words: Vec<&str> = address.iter().map(|word| word.text.as_str()).collect();
    let body = line.body_if_any().unwrap_or_default();
    let message = "`virtual_server` is not supported: there is no IPVS here, the proxy does this";
    ctx.d.error("refused", span, message).suggest(format!(
        "write it in haproxy.cfg, for example:\n{}",
        listen(&words, body)
    ));
}

/// Refuses a `virtual_server_group` block.
pub(super) fn group(_: &mut Written, line: &mut Line<'_>, ctx: &mut Context<'_>) {
    let span = line.span();
    line.args.take_rest();
    let body = line.body_if_any().unwrap_or_default();
    let binds: Vec<String> = body
        .iter()
        .take(MOST)
        .map(|entry| format!("    bind {}", endpoint(&texts(&entry.words))))
        .collect();
    let message =
        "`virtual_server_group` is not supported: there is no IPVS here, the proxy does this";
    ctx.d.error("refused", span, message).suggest(format!(
        "write its addresses as `bind` lines of a `listen` section of haproxy.cfg:\n{}",
        binds.join("\n")
    ));
}

/// A longer list is cut.
const MOST: usize = 20;

fn texts(words: &[crate::source::Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
}

/// The `listen` section for a virtual server.
fn listen(address: &[&str], body: &[Statement]) -> String {
    let bind = match address {
        ["group" | "fwmark", ..] | [] => "<address>:<port>".to_owned(),
        words => endpoint(words),
    };
    let mut lines = vec![
        format!("listen {}", name(&bind)),
        format!("    bind {bind}"),
        "    mode tcp".to_owned(),
    ];
    if let Some(balance) = balance(body) {
        lines.push(format!("    balance {balance}"));
    }
    let servers = body
        .iter()
        .filter(|statement| statement.name() == "real_server");
    for (number, server) in servers.take(MOST).enumerate() {
        lines.push(server_line(number + 1, server, body));
    }
    if let Some(sorry) = body.iter().find(|it| it.name() == "sorry_server") {
        let place = endpoint(&texts(&sorry.words[1..]));
        lines.push(format!("    server sorry {place} backup"));
    }
    lines.join("\n")
}

/// `10.0.0.1 80` as `10.0.0.1:80`.
fn endpoint(words: &[&str]) -> String {
    let address = words.first().copied().unwrap_or("<address>");
    let port = words.get(1).copied().unwrap_or("<port>");
    format!("{address}:{port}")
}

fn name(bind: &str) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '_'
        }
    };
    bind.chars().map(letter).collect()
}

fn balance(body: &[Statement]) -> Option<&'static str> {
    let scheduler = setting(body, "lb_algo").or_else(|| setting(body, "lvs_sched"))?;
    match scheduler {
        "rr" | "wrr" => Some("roundrobin"),
        "lc" | "wlc" | "sed" | "nq" => Some("leastconn"),
        "sh" | "mh" | "dh" | "lblc" | "lblcr" => Some("source"),
        "fo" | "ovf" => Some("first"),
        _ => None,
    }
}

fn setting<'s>(body: &'s [Statement], name: &str) -> Option<&'s str> {
    let statement = body.iter().find(|statement| statement.name() == name)?;
    statement.words.get(1).map(|word| word.text.as_str())
}

const CHECKS: &[&str] = &[
    "TCP_CHECK",
    "HTTP_GET",
    "SSL_GET",
    "SMTP_CHECK",
    "MISC_CHECK",
];

fn server_line(number: usize, server: &Statement, all: &[Statement]) -> String {
    let place = endpoint(&texts(&server.words[1..]));
    let body = server.block.as_deref().unwrap_or_default();
    let mut line = format!("    server s{number} {place}");
    if let Some(weight) = setting(body, "weight") {
        line += &format!(" weight {weight}");
    }
    if body.iter().any(|it| CHECKS.contains(&it.name())) {
        line += " check";
        let interval = setting(body, "delay_loop").or_else(|| setting(all, "delay_loop"));
        if let Some(interval) = interval {
            line += &format!(" inter {interval}s");
        }
    }
    line
}
