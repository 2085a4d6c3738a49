//! `pontoon plan`: what it tells, and that it is what happens.

use std::process::{Command, Output};

use pontoon_lab::{balancer::free_address, temp::TempDir};
use serde_json::{Value, json};

use super::scene::{Scene, said};
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Run = fn() -> Outcome;
    let all: &[(&str, Run)] = &[
        ("of_an_unchanged_node_is_empty", unchanged),
        ("tells_listeners_servers_and_sessions", tells),
        (
            "reads_the_files_in_the_environment_of_the_node",
            environment,
        ),
        ("of_wrong_files_shows_what_is_wrong", wrong),
        ("compares_files_with_files", files),
        ("compares_elections_and_what_they_include", elections),
    ];
    for (name, run) in all {
        tests.push(Test::new(format!("reload::plan_{name}"), run));
    }
}

fn json(output: &Output) -> Result<Value, Failure> {
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", said(output)).into())
}

/// Without files, and whatever comments and places may say.
fn unchanged() -> Outcome {
    let scene = Scene::new()?;
    let output = scene.pontoon(&["plan"])?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output), "nothing would change\n");
    scene.write(|text| format!("# a comment\n\n{text}"))?;
    assert_eq!(scene.pontoon(&["plan"])?.status.code(), Some(0));
    Ok(())
}

fn tells() -> Outcome {
    let scene = Scene::new()?;
    let _session = scene.session()?;
    let other = free_address()?;
    scene.write(|text| {
        let text = text.replace("listen relay\n", &format!("listen relay\n bind {other}\n"));
        text.replace("server s1 ", "server s2 ")
            .replace("client 60s", "client 50s")
    })?;
    let output = scene.pontoon(&["plan", "--format", "json"])?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let plan = &json(&output)?["haproxy"];
    let server = scene.server.address().to_string();
    assert_eq!(
        plan["listeners"]["added"],
        json!({ other.to_string(): "relay" })
    );
    assert_eq!(plan["listeners"]["unchanged"], 1);
    assert_eq!(plan["servers"]["added"], json!({ "relay/s2": server }));
    assert_eq!(plan["servers"]["removed"], json!({ "relay/s1": server }));
    assert_eq!(plan["orphans"], json!({ "relay/s1": 1 }));
    assert_eq!(plan["sessions_known"], true);
    let text = said(&scene.pontoon(&["plan", "haproxy.cfg"])?);
    for part in [
        format!("  + listener {other} (relay)\n"),
        "  ! left to its end in the old process: 1 session of relay/s1\n".into(),
        "    - timeout client 60s\n    + timeout client 50s  (".into(),
    ] {
        assert!(text.contains(&part), "{part}\n{text}");
    }
    // And so it is.
    let status = scene.reload()?;
    assert_eq!(status.leaving.len(), 1);
    assert_eq!(scene.pontoon(&["plan"])?.status.code(), Some(0));
    Ok(())
}

fn environment() -> Outcome {
    let scene = Scene::with(|command| {
        command.env("CLIENT", "60s").env("SECRET", "x");
    })?;
    scene.write(|text| text.replace("client 60s", "client \"${CLIENT}\""))?;
    let output = scene.pontoon(&["plan"])?;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    Ok(())
}

fn wrong() -> Outcome {
    let scene = Scene::new()?;
    scene.write(|text| text + " maxcon 5\n")?;
    let output = scene.pontoon(&["plan"])?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("did you mean `maxconn`?"),
        "{}",
        said(&output)
    );
    let output = scene.pontoon(&["plan", "--nonsense"])?;
    assert_eq!(output.status.code(), Some(1), "2 is for changes");
    Ok(())
}

fn files() -> Outcome {
    let folder = TempDir::new("plan")?;
    let old = folder.write("old.cfg", "listen a\n bind :1\n server s 127.0.0.1:1\n")?;
    let new = folder.write("new.cfg", "listen b\n bind :1\n server s 127.0.0.1:1\n")?;
    let plan = |new: &std::path::Path| {
        let mut command = Command::new(pontoon());
        command
            .args(["plan", "--format", "json", "--against"])
            .arg(&old)
            .arg(new)
            .output()
    };
    let output = plan(&new)?;
    assert_eq!(output.status.code(), Some(2));
    let changes = &json(&output)?["haproxy"];
    assert_eq!(changes["proxies"]["added"], json!({ "listen b": "" }));
    assert_eq!(changes["listeners"]["changed"][":1"], Value::Null);
    assert_eq!(changes["lines"]["removed"], json!(["listen a"]));
    assert_eq!(changes["sessions_known"], false);
    assert_eq!(plan(&old)?.status.code(), Some(0));
    Ok(())
}

const ELECTION: &str = "vrrp_instance VI_1 {\n interface lo\n virtual_router_id 51\n \
                        priority 100\n virtual_ipaddress {\n 10.0.1.100/24\n }\n}\n";

fn elections() -> Outcome {
    let folder = TempDir::new("plan")?;
    let old = folder.write("old.conf", ELECTION)?;
    let included = ELECTION
        .replace("10.0.1.100/24", "10.0.1.100/24\n 10.0.1.101/24")
        .replace("priority 100", "priority 90");
    folder.write("part.conf", included)?;
    let new = folder.write(
        "new.conf",
        "vrrp_script a {\n script /bin/true\n}\ninclude part.conf\n",
    )?;
    let mut command = Command::new(pontoon());
    let output = command
        .args(["plan", "--format", "json", "--against"])
        .arg(&old)
        .arg(new)
        .output()?;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let plan = &json(&output)?["keepalived"];
    assert_eq!(
        plan["addresses"]["added"],
        json!({ "10.0.1.101/24 on lo": "VI_1" })
    );
    assert_eq!(plan["addresses"]["unchanged"], 1);
    let turn = &plan["instances"]["changed"]["VI_1"];
    assert_eq!(turn["new"], "router 51 on lo, priority 90");
    let changes = &plan["lines"]["changed"][0]["changes"];
    assert_eq!(changes[0]["old"]["text"], "priority 100");
    assert_eq!(changes[0]["new"]["line"], 4);
    assert_eq!(plan["lines"]["added"], json!(["vrrp_script a"]));
    Ok(())
}
