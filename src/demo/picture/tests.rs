use pontoon_lab::probe::INTERVAL;

use super::*;

struct Show {
    now: Instant,
    picture: Picture,
}

impl Show {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            picture: Picture::new(now),
        }
    }

    fn see(&mut self, sighting: Sighting) {
        self.picture.see(sighting, self.now);
    }

    fn election(&mut self, node: NodeId, role: Role) {
        self.see(Sighting::Election {
            node,
            role,
            proxy: true,
            alarm: false,
        });
    }

    fn attempts(&mut self, pattern: &str) {
        for mark in pattern.chars() {
            self.now += INTERVAL;
            self.see(Sighting::Attempt(Attempt {
                began: self.now,
                served: Some(mark == '+'),
            }));
        }
    }

    fn did(&mut self, deed: Deed) {
        self.picture.did(deed, "you", self.now);
    }

    fn texts(&self) -> Vec<&str> {
        let entries = self.picture.timeline.entries().iter();
        entries.map(|it| it.text.as_str()).collect()
    }
}

#[test]
fn it_is_settled_when_the_one_master_has_the_address_and_clients_are_served() {
    let mut show = Show::new();
    let start = show.now;
    show.election(NodeId::One, Role::Master);
    show.election(NodeId::Two, Role::Backup);
    show.attempts(&"+".repeat(100));
    assert_eq!(show.picture.settled(start), None, "the address is nowhere");
    show.see(Sighting::Holder(Some(NodeId::Two)));
    assert_eq!(show.picture.settled(start), None, "it is elsewhere");
    show.see(Sighting::Holder(Some(NodeId::One)));
    assert_eq!(show.picture.settled(start), Some(NodeId::One));
    assert_eq!(show.picture.settled(show.now), None, "too early to tell");
    show.election(NodeId::Two, Role::Master);
    assert_eq!(show.picture.settled(start), None, "two masters");
}

#[test]
fn what_a_deed_has_done_to_clients_stands_with_it() {
    let mut show = Show::new();
    show.attempts("+++");
    show.did(Deed::KillProxy(NodeId::One));
    show.attempts("-----");
    show.attempts(&"+".repeat(100));
    let entry = &show.picture.timeline.entries()[0];
    assert_eq!(entry.text, "you: kill the proxy of node 1");
    let missed = entry.missed.expect("they missed something");
    assert_eq!((missed.outage, missed.failed), (INTERVAL * 6, 5));
    assert_eq!(show.picture.interruptions.len(), 1);
}

#[test]
fn only_changes_are_told() {
    let mut show = Show::new();
    show.election(NodeId::One, Role::Master);
    show.election(NodeId::One, Role::Master);
    show.see(Sighting::Servers(NodeId::One, [None; 3]));
    show.see(Sighting::Servers(NodeId::One, [Some(true); 3]));
    show.see(Sighting::Servers(
        NodeId::One,
        [Some(true), Some(false), Some(true)],
    ));
    show.see(Sighting::Holder(Some(NodeId::One)));
    show.see(Sighting::Holder(Some(NodeId::One)));
    assert_eq!(
        show.texts(),
        [
            "node 1 is MASTER",
            "the proxy of node 1 runs",
            "node 1 finds database 10.0.1.12 DOWN",
            "34.249.49.35 leads to node 1",
        ]
    );
    assert_eq!(show.picture.moves, 1);
}

#[test]
fn a_node_without_power_says_nothing() {
    let mut show = Show::new();
    show.did(Deed::KillNode(NodeId::One));
    show.election(NodeId::One, Role::Master);
    show.see(Sighting::Servers(NodeId::One, [Some(true); 3]));
    assert_eq!(*show.picture.node(NodeId::One), Node::default());
    show.did(Deed::StartNode(NodeId::One));
    show.election(NodeId::One, Role::Backup);
    assert_eq!(show.picture.node(NodeId::One).role, Role::Backup);
}

#[test]
fn deeds_change_what_they_are_about() {
    let mut show = Show::new();
    show.did(Deed::KillDatabase(DatabaseId(1)));
    show.did(Deed::Api(Power::Off));
    show.did(Deed::Link(Power::Off));
    assert_eq!(show.picture.databases, [true, false, true]);
    assert_eq!(show.picture.api, Power::Off);
    assert_eq!(show.picture.link, Power::Off);
}
