//! From parameters to a server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pontoon_engine::{
    address::Endpoint,
    health, server,
    units::{ServerId, Weight},
};

use super::{
    ServerDraft,
    options::{ServerOptions, TlsOptions},
};
use crate::{
    diagnostic::Diagnostics,
    haproxy::{
        Context,
        address::ServerTarget,
        check::CheckTls,
        model::{AgentCheck, Server, ServerCheck},
    },
    source::Span,
};

/// `inter` and `agent-inter` when nothing is said.
const INTERVAL: Duration = Duration::from_secs(2);

/// One server, with everything but its references to others.
pub(super) fn draft(
    name: &str,
    span: Span,
    target: ServerTarget,
    options: &ServerOptions,
    cx: &Context<'_>,
    d: &mut Diagnostics,
) -> ServerDraft {
    check_conflicts(name, options, d);
    let is_ip = target
        .address
        .as_ref()
        .is_none_or(|address| matches!(address.0, Endpoint::Ip(_)));
    if !is_ip && options.check.port.is_some() && options.check.address.is_none() {
        d.note(
            "without-effect",
            span,
            "`port` has no effect on a UNIX socket",
        );
    }
    let server = Server {
        settings: settings(name, options),
        id: ServerId(0),
        number: options.id.map_or(0, |id| id.number),
        number_written: options.id.is_some(),
        address: target.address,
        host: target.host,
        port: target.port,
        check: check(options, cx, d),
        agent: agent(name, options, d),
        track: None,
        send_proxy: options.send_proxy,
        source: options.source.clone(),
        tcp_user_timeout: options.tcp_user_timeout,
        fast_open: options.fast_open,
        congestion_control: options.congestion_control.clone(),
        declared: cx.location(span),
    };
    ServerDraft {
        server,
        track: options.track.clone(),
        span,
        id: options.id.map(|id| id.span),
        tls: options.tls.first,
    }
}

fn settings(name: &str, options: &ServerOptions) -> server::Settings {
    let (min_connections, max_connections) = limits(options);
    server::Settings {
        name: Arc::from(name),
        weight: options.weight.unwrap_or(Weight::ONE),
        backup: options.backup,
        disabled: options.disabled,
        max_connections,
        min_connections,
        max_queue: options.max_queue,
        slow_start: options.slow_start,
        health: health_settings(options),
        tracks: options.track.is_some(),
        agent: agent_settings(options),
        observe: observe(options),
        shutdown_sessions_on_down: options.shutdown_on_down,
        shutdown_backup_sessions_on_up: options.shutdown_backup_on_up,
    }
}

/// A `minconn` alone, or above `maxconn`, is a fixed limit.
fn limits(options: &ServerOptions) -> (Option<u32>, Option<u32>) {
    match (options.min_connections, options.max_connections) {
        (Some(min), Some(max)) if min < max => (Some(min), Some(max)),
        (Some(min), _) => (None, Some(min)),
        (None, max) => (None, max),
    }
}

fn health_settings(options: &ServerOptions) -> Option<health::Settings> {
    let check = &options.check;
    (check.enabled.is_some() && options.track.is_none()).then(|| health::Settings {
        rise: check.rise.unwrap_or(2),
        fall: check.fall.unwrap_or(3),
        interval: check.interval.unwrap_or(INTERVAL),
        fast_interval: check.fast_interval,
        down_interval: check.down_interval,
        initial: check.initial,
    })
}

fn agent_settings(options: &ServerOptions) -> Option<health::AgentSettings> {
    let agent = &options.agent;
    (agent.enabled.is_some() && agent.port.is_some()).then(|| health::AgentSettings {
        interval: agent.interval.unwrap_or(INTERVAL),
    })
}

fn observe(options: &ServerOptions) -> Option<health::Observe> {
    options.observe.layer4.then(|| health::Observe {
        error_limit: options.observe.error_limit.unwrap_or(10),
        on_error: options.observe.on_error,
    })
}

fn check(options: &ServerOptions, cx: &Context<'_>, d: &mut Diagnostics) -> Option<ServerCheck> {
    let check = &options.check;
    check.enabled?;
    // The manual: what the traffic wears counts for checks only if they go to the same place.
    let elsewhere = check.port.is_some() || check.address.is_some();
    Some(ServerCheck {
        address: check.address,
        port: check.port,
        send_proxy: check.send_proxy || (options.send_proxy.is_some() && !elsewhere),
        tls: options.tls.enabled.then(|| {
            check_files(&options.tls, cx, d);
            Arc::new(tls(&options.tls, cx))
        }),
        step_tls: Arc::new(tls(&options.tls, cx)),
        alpn: check.alpn.clone(),
    })
}

fn tls(options: &TlsOptions, cx: &Context<'_>) -> CheckTls {
    let path = |file: &Option<(PathBuf, Span)>| file.as_ref().map(|it| it.0.clone());
    CheckTls {
        server_name: options.server_name.clone(),
        verify: options.verify.unwrap_or(!cx.tls_server_verify_none),
        verify_host: options.verify_host.clone(),
        ca_file: path(&options.ca_file),
        certificate: path(&options.certificate),
    }
}

fn check_files(options: &TlsOptions, cx: &Context<'_>, d: &mut Diagnostics) {
    for (path, span) in options.ca_file.iter().chain(&options.certificate) {
        check_readable(path, *span, cx, d);
    }
}

fn check_readable(path: &Path, span: Span, cx: &Context<'_>, d: &mut Diagnostics) {
    if let Err(why) = cx.surroundings.readable(&path.to_string_lossy()) {
        d.error(
            "unreadable-file",
            span,
            format!("`{}` cannot be read: {why}", path.display()),
        );
    }
}

fn agent(name: &str, options: &ServerOptions, d: &mut Diagnostics) -> Option<AgentCheck> {
    let agent = &options.agent;
    let span = agent.enabled?;
    let Some(port) = agent.port else {
        d.error(
            "missing-argument",
            span,
            format!("the agent of `{name}` needs a port"),
        )
        .suggest("add `agent-port` and its number");
        return None;
    };
    Some(AgentCheck {
        address: agent.address.or(options.check.address),
        port,
        send: agent.send.as_ref().map(|text| text.clone().into_bytes()),
    })
}

fn check_conflicts(name: &str, options: &ServerOptions, d: &mut Diagnostics) {
    if let (Some(_), Some(track)) = (options.check.enabled, &options.track) {
        d.error(
            "check-and-track",
            track.span,
            format!("`{name}` is checked and tracks another server at once"),
        )
        .suggest("remove `check` (or add `no-check`), or remove `track`");
    }
}
