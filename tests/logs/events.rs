//! What happens to servers and proxies.

use std::time::Duration;

use pontoon_lab::{
    client::Client,
    server::{Behaviour, Server},
    statistics,
    switch::Switch,
    wait,
};
use rustix::process::Signal;

use super::{Alive, PLAIN, Script, Stage};
use crate::harness::{Failure, Outcome};

/// What HAProxy says of a proxy it makes for itself.
const OWN_CLIENT: (&str, &str) = (
    "<HTTPCLIENT>",
    "a proxy for HAProxy's own HTTP client, which Pontoon does not have",
);

const LOG_CHECKS: &str = " option log-health-checks\n";

/// The table.
pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "server_goes_down_and_comes_back",
        config: "backend be\n server s1 {s1} check inter 100 rise 2 fall 3\n",
        run: up_down_up,
        lines: 3,
        ..PLAIN
    },
    Script {
        name: "health_checks_are_logged",
        settings: LOG_CHECKS,
        config: "backend be\n server s1 {s1} check inter 100 rise 2 fall 3\n",
        run: up_down_up,
        lines: 9,
        ..PLAIN
    },
    Script {
        name: "a_listen_runs_on_its_backup",
        config: "listen be\n bind {front}\n server s1 {s1} check inter 100 fall 1\n\
                 server s2 {s2} check inter 100 fall 1 backup\n",
        run: both_go_down,
        lines: 3,
        ..PLAIN
    },
    Script {
        name: "tracking_servers_follow",
        config: "backend be\n server s1 {s1} check inter 100 rise 2 fall 3\n\
                 backend follower\n server t1 {s2} track be/s1\n",
        run: up_down_up,
        lines: 6,
        ..PLAIN
    },
    Script {
        name: "live_traffic_takes_a_server_down",
        config: "frontend fe\n bind {front}\n no log\n default_backend be\n\
                 backend be\n server s1 {s1} check inter 60s observe layer4 error-limit 2 \
                 on-error mark-down\n",
        run: fail_twice,
        lines: 2,
        ..PLAIN
    },
    Script {
        name: "an_agent_speaks",
        config: "backend be\n server s1 {s1} check inter 100 agent-check agent-addr 127.0.0.1 \
                 agent-port {agent} agent-inter 50\n",
        run: agent_speaks,
        lines: 12,
        ..PLAIN
    },
    Script {
        name: "an_http_check_fails_with_a_status",
        settings: LOG_CHECKS,
        config: "backend be\n option httpchk GET /health\n http-check disable-on-404\n\
                 server s1 {s1} check inter 100 rise 2 fall 2\n",
        run: http_answers,
        lines: 10,
        ..PLAIN
    },
    Script {
        name: "a_check_script_fails_at_a_step",
        config: "backend be\n option tcp-check\n tcp-check send hello\n\
                 tcp-check expect string world comment greeting\n timeout check 300ms\n\
                 server s1 {s1} check inter 100 fall 1\n",
        run: echo,
        lines: 2,
        ..PLAIN
    },
    Script {
        name: "an_administrator_works_on_the_page",
        config: "backend be\n server s1 {s1}\n server s2 {s2} backup\n",
        run: administrate,
        lines: 12,
        ..PLAIN
    },
    Script {
        name: "proxies_are_paused_and_resumed",
        config: "frontend fe\n bind {front}\n default_backend be\n\
                 listen both\n bind {s2}\n server s1 {s1}\n\
                 backend be\n server s1 {s1}\n",
        run: pause_and_resume,
        lines: 4,
        ..PLAIN
    },
    Script {
        name: "a_soft_stop_tells_of_each_proxy",
        config: "frontend fe\n bind {front}\n log-format %ts\n default_backend be\n\
                 backend be\n server s1 {s1}\n",
        run: stop_softly,
        lines: 4,
        any_order: true,
        left_out: &[OWN_CLIENT],
        ..PLAIN
    },
    Script {
        name: "a_hangup_dumps_the_servers",
        config: "frontend fe\n bind {front}\n option tcplog\n default_backend be\n\
                 backend be\n server s1 {s1}\n server s2 {s2} backup\n\
                 backend gone\n server s1 {s1} disabled\n",
        run: hang_up,
        lines: 9,
        left_out: &[OWN_CLIENT],
        ..PLAIN
    },
];

fn up_down_up(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Hang)?;
    stage.start()?;
    wait_for_a_check(stage)?;
    drop(server);
    stage.wait_for("be/s1 is DOWN")?;
    let server = Server::on(stage.s1, Behaviour::Hang)?;
    stage.wait_for("be/s1 is UP")?;
    Ok(Box::new(server))
}

/// The server counts as up from the start; the page tells when it was found to be.
fn wait_for_a_check(stage: &Stage) -> Outcome {
    wait::until("a first check", wait::PATIENCE, || {
        let csv = statistics::get(stage.page, "/stats;csv", "").ok()?;
        let rows = statistics::rows(&csv.body).ok()?;
        let status = rows.get("be/s1")?.get("check_status")?;
        (status == "L4OK").then_some(())
    })?;
    Ok(())
}

fn both_go_down(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s2, Behaviour::Hang)?;
    stage.start()?;
    stage.wait_for("be/s1 is DOWN")?;
    drop(server);
    stage.wait_for("be/s2 is DOWN")?;
    Ok(Box::new(()))
}

fn fail_twice(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Hang)?;
    stage.start()?;
    wait_for_a_check(stage)?;
    drop(server);
    for _ in 0..2 {
        let mut client = Client::connect(stage.front)?;
        client.receive_all(Duration::from_secs(5))?;
    }
    Ok(Box::new(()))
}

fn agent_speaks(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Hang)?;
    let agent = Switch::on(stage.agent, "up\n")?;
    stage.start()?;
    for (word, count, line) in [
        ("drain\n", 1, "be/s1 enters drain state"),
        ("ready\n", 1, "be/s1 is UP (leaving forced drain)"),
        ("down\n", 1, "is DOWN"),
        ("up\n", 1, "is UP, reason"),
        ("fail #too hot\n", 2, "is DOWN"),
        ("up\n", 2, "is UP, reason"),
        ("maint\n", 1, "is going DOWN for maintenance"),
        ("ready\n", 1, "is UP/READY"),
    ] {
        agent.say(word);
        stage
            .syslog
            .wait_for_count(line, count, |seen| seen.contains(line))?;
    }
    Ok(Box::new((server, agent)))
}

fn http_answers(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Switch::on(stage.s1, "HTTP/1.0 200 OK\r\n\r\n")?;
    stage.start()?;
    stage.wait_for("code: 200")?;
    server.say("HTTP/1.0 404 Not Found\r\n\r\n");
    stage.wait_for("is stopping")?;
    server.say("HTTP/1.0 500 So \"bad\"\r\n\r\n");
    stage.wait_for("is DOWN")?;
    server.say("HTTP/1.0 200 OK\r\n\r\n");
    stage.wait_for("be/s1 is UP")?;
    Ok(Box::new(server))
}

fn echo(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Echo)?;
    stage.start()?;
    Ok(Box::new(server))
}

fn administrate(stage: &mut Stage) -> Result<Alive, Failure> {
    stage.start()?;
    for (server, action) in [
        ("s1", "drain"),
        ("s1", "ready"),
        ("s1", "maint"),
        ("s2", "maint"),
        ("s2", "ready"),
        ("s2", "drain"),
        ("s1", "drain"),
        ("s1", "ready"),
        ("s2", "ready"),
    ] {
        post(stage, server, action)?;
    }
    Ok(Box::new(()))
}

fn post(stage: &Stage, server: &str, action: &str) -> Outcome {
    let body = format!("s={server}&action={action}&b=be");
    let length = body.len();
    let text = format!(
        "POST /stats HTTP/1.0\r\nHost: lab\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let answer = statistics::request(stage.page, &text)?;
    if answer.status == 303 {
        return Ok(());
    }
    Err(Failure::from(format!("{body}: status {}", answer.status)))
}

fn pause_and_resume(stage: &mut Stage) -> Result<Alive, Failure> {
    stage.start()?;
    stage.signal(Signal::TTOU)?;
    stage.wait_for("Paused proxy both")?;
    stage.signal(Signal::TTIN)?;
    stage.wait_for("Resumed proxy both")?;
    Ok(Box::new(()))
}

fn stop_softly(stage: &mut Stage) -> Result<Alive, Failure> {
    let server = Server::on(stage.s1, Behaviour::Greet("hi".into()))?;
    stage.start()?;
    for _ in 0..2 {
        let mut client = Client::connect(stage.front)?;
        client.receive_all(Duration::from_secs(5))?;
    }
    stage.signal(Signal::USR1)?;
    Ok(Box::new(server))
}

fn hang_up(stage: &mut Stage) -> Result<Alive, Failure> {
    stage.start()?;
    stage.signal(Signal::HUP)?;
    Ok(Box::new(()))
}
