use super::*;
use crate::demo::{
    deed::{DatabaseId, Deed, NodeId, Power},
    testing::{Scene, World},
};

fn scene() -> Scene {
    let mut scene = Scene::new(World::new());
    for _ in 0..110 {
        scene.tick();
    }
    scene
}

fn shown(scene: &Scene, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let captions = Captions {
        statistics: vec!["node 1: http://127.0.0.1:1/".into()],
        tour: None,
    };
    render(&scene.picture, &captions, area, &mut buffer);
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect();
    (0..height).map(row).collect()
}

fn assert_shows(rows: &[String], text: &str) {
    let found = rows.iter().any(|row| row.contains(text));
    assert!(found, "no {text:?} in\n{}", rows.join("\n"));
}

const HEALTHY: &str = "
 Pontoon demo

┌─ clients ───────┐     ┌─ node 1  10.0.1.207 ──[1]──┐
│ 101 connections │     │ MASTER                     │
│ a second        │────►│ proxy runs             [p] │─┐
│ are served      │     │ sees .11 ✓ .12 ✓ .13 ✓     │ │  ┌─ databases ────────┐
└─────────────────┘     └────────────────────────────┘ │  │ 10.0.1.11 up   [a] │
 34.249.49.35               │ VRRP [l]                 └─►│ 10.0.1.12 up   [b] │
 leads to node 1            │                             │ 10.0.1.13 up   [c] │
┌─ EC2 ───────────┐     ┌─ node 2  10.0.1.190 ──[2]──┐    └────────────────────┘
│ API up      [e] │     │ BACKUP                     │
│ calls: 0        │     │ proxy runs             [o] │
│ moves: 1        │     │ sees .11 ✓ .12 ✓ .13 ✓     │
└─────────────────┘     └────────────────────────────┘
    0.0 s  34.249.49.35 leads to node 1
    0.0 s  node 1 is MASTER
    0.0 s  the proxy of node 1 runs
    0.0 s  node 2 is BACKUP
    0.0 s  the proxy of node 2 runs

 node 1: http://127.0.0.1:1/
 a key kills or revives what it stands beside   [h] heal everything  [q] quit
";

#[test]
fn the_picture_of_a_healthy_pair() {
    let rows = shown(&scene(), 80, 22);
    let rows: Vec<_> = rows.iter().map(|row| row.trim_end()).collect();
    assert_eq!(rows.join("\n"), HEALTHY.trim_matches('\n'));
}

#[test]
fn what_is_broken_is_seen() {
    let mut scene = scene();
    for deed in [
        Deed::Api(Power::Off),
        Deed::Link(Power::Off),
        Deed::KillDatabase(DatabaseId(1)),
        Deed::KillNode(NodeId::One),
    ] {
        scene.act(deed);
    }
    for _ in 0..20 {
        scene.tick();
    }
    let rows = shown(&scene, 80, 30);
    assert_shows(&rows, "API down    [e]");
    assert_shows(&rows, "╳ cut");
    assert_shows(&rows, "10.0.1.12 dead");
    assert_shows(&rows, "without power");
    assert_shows(&rows, "sees .11 ✓ .12 ✗ .13 ✓");
    assert_shows(&rows, "nobody has been served for");
    assert_shows(&rows, "tour: cut the power of node 1");
}

#[test]
fn an_outage_stands_at_the_end_of_the_line_of_its_deed() {
    let mut scene = scene();
    scene.act(Deed::Api(Power::Off));
    scene.act(Deed::KillNode(NodeId::One));
    for _ in 0..60 {
        scene.tick();
    }
    scene.act(Deed::Api(Power::On));
    for _ in 0..60 {
        scene.tick();
    }
    let rows = shown(&scene, 80, 30);
    let row = rows.iter().find(|row| row.contains("cut the power"));
    let expected = " outage 610 ms, 60 failed ";
    assert!(row.is_some_and(|row| row.ends_with(expected)), "{row:?}");
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let mut scene = scene();
    scene.act(Deed::Link(Power::Off));
    for (width, height) in [(1, 1), (20, 5), (79, 24), (80, 12), (80, 18), (300, 100)] {
        let _whatever = shown(&scene, width, height);
    }
    assert_shows(
        &shown(&scene, 60, 12),
        "34.249.49.35 node 1, 101 connections a second",
    );
}
