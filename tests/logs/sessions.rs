//! What is written about sessions.

use std::{net::SocketAddr, time::Duration};

use pontoon_lab::{
    client::Client,
    server::{Behaviour, Server},
    statistics,
};

use super::{Alive, PLAIN, Script, Stage};
use crate::harness::{Failure, Outcome};

const ONE_BACKEND: &str = "frontend fe\n bind {front}\n default_backend be\n\
                           backend be\n server s1 {s1}\n";

/// The table.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "every_encoding",
        settings: " log {log} format rfc3164 local1\n log {log} format rfc5424 local1\n\
                    log {log} format local local1\n log {log} format priority local1\n\
                    log {log} format short local1\n log {log} format timed local1\n\
                    log {log} format iso local1\n log {log} format raw local1\n\
                    log {log} len 80 format raw kern\n log {log} format raw sample 1:2 local1\n\
                    log {log} local1 notice\n log {log} local7 debug warning\n\
                    log-format \"%ci:%cp %b/%s %ts and so on until the line is cut, at eighty bytes plus its newline\"\n\
                    log-format-sd \"[ex@1 b=\\\"%B\\\"]\"\n",
        config: ONE_BACKEND,
        run: two_sessions,
        // Two sessions: to all but the one for notices, and the first to the sample.
        lines: 23,
        ..PLAIN
    },
    Script {
        name: "host_name_and_tag",
        settings: " log {log} format rfc3164 local1\n log {log} format rfc5424 local1\n\
                    log {log} format local local1\n log-format \"%H %b\"\n",
        config: "global\n log-send-hostname box\n log-tag ours\n\
                 frontend fe\n log-tag mine\n bind {front}\n default_backend be\n\
                 backend be\n server s1 {s1}\n",
        run: one_session,
        lines: 4,
        ..PLAIN
    },
    Script {
        name: "every_variable",
        settings: " log-format \"%% %ci port=%cp %{+Q}ci %{+X}ci hex=%{+X}cp %f %ft %b %s %fi \
                    port=%fp %bi port=%bp %si port=%sp %t|%T|%Tl|ts=%Ts|hex=%{+X}Ts|ms=%ms|\
                    time=%Th|time=%Tc|time=%Tt|time=%Td|time=%Tu|%B/%U|%ST|%ts|%lc|%rc|%sq/%bq|\
                    pid=%pid|%ID|[%hr] [%hs] %hrl %hsl |%fc/%bc/%sc|%{+Q}b %{+E}s\"\n",
        config: ONE_BACKEND,
        run: one_session,
        ..PLAIN
    },
    Script {
        name: "every_sample",
        settings: " log-format \"%[src] port=%[src_port] %[dst] %[be_name] %[fe_name] %[fe_id] \
                    %[nbsrv] %[always_true] %[always_false] %[str(a)] %[int(5)] \
                    %[src,ipmask(8)] %{+Q}[src] %[str(Ab),lower]%[str(Ab),upper] \
                    %[str(ab),length] %[str(ab),hex] %[so_id]\"\n",
        config: "listen be\n bind {front}\n server s1 {s1}\n",
        run: one_session,
        ..PLAIN
    },
    Script {
        name: "requests_for_the_statistics",
        config: "listen web\n bind {front}\n mode http\n stats enable\n stats uri /stats\n\
                 log-format \"%b %s %si %sp %bi %bp|%ts|%tsc|%ST|%r|%HM|%HP|%HQ|%HU|%HV|%CC %CS \
                 %hr %hs|%t|%tr|%trg|%trl|%ci:%cp|%{+Q}r\"\n",
        run: two_pages,
        lines: 2,
        ..PLAIN
    },
    Script {
        name: "a_line_at_the_start_by_default",
        settings: " option dontlognull\n option dontlog-normal\n",
        config: ONE_BACKEND,
        run: a_session_in_progress,
        ..PLAIN
    },
    Script {
        name: "errors_have_their_own_level",
        settings: " option log-separate-errors\n option dontlog-normal\n log-format %ts\n",
        config: "frontend fe\n bind {front}\n default_backend be\n\
                 frontend fails\n bind {s2}\n default_backend broken\n\
                 backend be\n server s1 {s1}\n\
                 backend broken\n server s1 {s1} disabled\n",
        run: one_good_one_bad,
        ..PLAIN
    },
    Script {
        name: "a_broken_proxy_header",
        settings: " option log-separate-errors\n option tcplog\n",
        config: "frontend fe\n bind {front} accept-proxy name door\n default_backend be\n\
                 frontend other\n bind {s2} accept-proxy\n option dontlognull\n default_backend be\n\
                 backend be\n server s1 {s1}\n",
        run: broken_headers,
        lines: 3,
        ..PLAIN
    },
    Script {
        name: "a_broken_proxy_header_in_its_own_format",
        settings: " option tcplog\n error-log-format \"%ci %f %b/%s %ts %Tt %t\"\n",
        config: "frontend fe\n bind {front} accept-proxy name door\n default_backend be\n\
                 frontend other\n bind {s2} accept-proxy\n option dontlognull\n default_backend be\n\
                 backend be\n server s1 {s1}\n",
        run: broken_headers,
        lines: 3,
        ..PLAIN
    },
];

const PATIENCE: Duration = Duration::from_secs(5);

fn talk(address: SocketAddr) -> Outcome {
    let mut client = Client::connect(address)?;
    client.send(b"hello")?;
    client.finish()?;
    client.receive_all(PATIENCE)?;
    Ok(())
}

fn one_session(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Echo)?;
    stage.start()?;
    talk(stage.front)?;
    Ok(Box::new(server))
}

fn two_sessions(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Echo)?;
    stage.start()?;
    talk(stage.front)?;
    // Only then is it sure that the second one's lines come later.
    stage.wait_for_count(12)?;
    talk(stage.front)?;
    Ok(Box::new(server))
}

fn two_pages(stage: &mut Stage) -> Result<Alive, Failure> {
    stage.start()?;
    statistics::get(stage.front, "/stats;csv?a=b", "")?;
    stage.wait_for("/stats;csv")?;
    statistics::get(stage.front, "/nowhere", "")?;
    Ok(Box::new(()))
}

fn a_session_in_progress(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Echo)?;
    stage.start()?;
    let client = Client::connect(stage.front)?;
    stage.wait_for("Connect from")?;
    Ok(Box::new((server, client)))
}

fn one_good_one_bad(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Echo)?;
    stage.start()?;
    talk(stage.front)?;
    Client::connect(stage.s2)?.receive_all(PATIENCE)?;
    Ok(Box::new(server))
}

fn broken_headers(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Echo)?;
    stage.start()?;
    for (count, (address, bytes)) in [
        (stage.front, &b"no header at all\r\n"[..]),
        (stage.front, b""),
        (stage.s2, b""),
        (stage.s2, b"no header at all\r\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = Client::connect(address)?;
        client.send(bytes)?;
        // It may have been turned away already.
        let _closed = client.finish();
        client.receive_all(PATIENCE)?;
        let lines = if count < 2 { count + 1 } else { count };
        stage.wait_for_count(lines)?;
    }
    Ok(Box::new(server))
}
