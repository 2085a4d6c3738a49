//! What clients do all day, and what they see of nodes that are killed.

use std::time::Duration;

use pontoon_lab::wait;
use serde_json::json;

use super::{PYEXASOL, client::Client, scene::Scene};
use crate::harness::{Failure, Outcome, Test};

/// Adds these tests.
pub(super) fn register(tests: &mut Vec<Test>) {
    for (name, run) in [
        (
            "exasol::pyexasol_queries_imports_and_exports",
            pyexasol_queries_imports_and_exports as fn() -> Outcome,
        ),
        (
            "exasol::clients_go_on_while_nodes_are_killed",
            clients_go_on_while_nodes_are_killed,
        ),
    ] {
        tests.push(Test::new(name, run).needs(PYEXASOL));
    }
}

const SERVERS: &str = "default-server check inter 200ms rise 2 fall 3\n";

fn scene() -> Result<Scene, Failure> {
    Scene::set(|places| {
        let [a, b, c] = [places.nodes[0], places.nodes[1], places.nodes[2]];
        let fingerprint = &places.fingerprint;
        places.around(&format!(
            "option exasol-check fingerprint {fingerprint}\n {SERVERS}\
             server n11 {a}\n server n12 {b}\n server n13 {c}"
        ))
    })
}

fn pyexasol_queries_imports_and_exports() -> Outcome {
    let scene = scene()?;
    let mut client = scene.client()?;
    sessions_rotate(&mut client)?;

    let many = "SELECT * FROM VALUES BETWEEN 1 AND 100000";
    let rows = client.number("rows", "a", &[("sql", json!(many))])?;
    equal("rows fetched", rows, 100_000)?;
    equal("nodes told", client.number("hosts", "a", &[])?, 3)?;

    let create = "CREATE OR REPLACE TABLE t (id DECIMAL(18,0), name VARCHAR(100))";
    client.number("run", "a", &[("sql", json!(create))])?;
    // Each opens a connection of its own, and rotation gives it to the next node.
    let import = [("table", json!("t")), ("rows", json!(5000))];
    equal(
        "rows imported",
        client.number("import", "b", &import)?,
        5000,
    )?;
    let count = client.value("c", "SELECT COUNT(*) FROM t")?;
    equal("rows in the table", count, 5000)?;
    let exported = client.number("export", "a", &[("table", json!("t"))])?;
    equal("rows exported", exported, 5000)?;
    tunnels_came_to_other_nodes(&scene)?;
    for session in ["a", "b", "c"] {
        client.close(session)?;
    }
    Ok(())
}

fn sessions_rotate(client: &mut Client) -> Outcome {
    let mut nodes = ["a", "b", "c"].map(|session| client.connect(session));
    let mut found = Vec::new();
    for node in &mut nodes {
        found.push(std::mem::replace(node, Ok(0))?);
    }
    found.sort_unstable();
    if found == [0, 1, 2] {
        return Ok(());
    }
    Err(format!("three sessions are on the nodes {found:?}").into())
}

/// Import and export work whichever node the second connection has come to.
fn tunnels_came_to_other_nodes(scene: &Scene) -> Outcome {
    let transfers = scene.cluster.transfers();
    let rows: Vec<_> = transfers.iter().map(|it| it.rows).collect();
    let elsewhere = transfers.iter().any(|it| it.session_node != it.tunnel_node);
    if rows == [5000, 5000] && elsewhere {
        return Ok(());
    }
    Err(format!("transfers: {transfers:?}").into())
}

fn clients_go_on_while_nodes_are_killed() -> Outcome {
    let mut scene = scene()?;
    let mut client = scene.client()?;
    let mut visitor = scene.client()?;
    client.crowd(3)?;
    rounds(&mut client, 6)?;
    for node in [0, 2] {
        let session = session_on(&mut visitor, node)?;
        scene.cluster.node_mut(node).kill();
        if visitor.value(&session, "SELECT 1").is_ok() {
            return Err("a session outlives its node".into());
        }
        // No check has noticed: the balancer tries elsewhere.
        for round in 0..6 {
            let name = format!("{node}-{round}");
            if visitor.connect(&name)? == node {
                return Err("a killed node serves".into());
            }
            visitor.close(&name)?;
        }
        rounds(&mut client, 6)?;
        let name = ["n11", "n12", "n13"][node];
        scene.expect(&format!("be/{name} is DOWN"), 1)?;
        rounds(&mut client, 6)?;
        scene.cluster.node_mut(node).revive()?;
        scene.expect(&format!("be/{name} is UP, reason: Layer7 check passed"), 1)?;
        rounds(&mut client, 6)?;
    }
    let report = client.crowd_end()?;
    // Two kills, three clients: whoever was on the node was cut off, in session or tunnel.
    if report.given_up.is_empty() && report.cut_off <= 12 {
        return Ok(());
    }
    Err(format!("the crowd reports {report:?}").into())
}

/// A session on a certain node: rotation gets there.
fn session_on(client: &mut Client, node: usize) -> Result<String, Failure> {
    for attempt in 0..30 {
        let name = format!("on {node}, {attempt}");
        if client.connect(&name)? == node {
            return Ok(name);
        }
        client.close(&name)?;
    }
    Err(format!("no session comes to node {node}").into())
}

/// Waits until the crowd has done so many more.
fn rounds(client: &mut Client, more: u64) -> Outcome {
    let before = client.crowd_report()?.done;
    let patience = Duration::from_secs(60);
    wait::until("the crowd to go on", patience, || {
        let now = client.crowd_report().ok()?;
        (now.done >= before + more).then_some(())
    })?;
    Ok(())
}

fn equal(what: &str, found: u64, expected: u64) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("{found} {what}, not {expected}").into())
}
