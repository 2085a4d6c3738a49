//! A site that exists in memory only, for tests: it does what the real one should do, or less.

use std::time::{Duration, Instant};

use pontoon_lab::{probe::Attempt, problem::Problem};

use super::{
    deed::{DatabaseId, Deed, NodeId, Power},
    picture::{Picture, Role, Sighting},
    show::Stage,
};

/// What passes between two looks.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// For how many of them a killed proxy stays away.
const RESTART: u32 = 100;

/// What may be wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Defect {
    /// The address stays where it came first.
    AddressStays,
    /// Once it is master, node 2 goes on believing so.
    SplitBrain,
    /// Nothing can be done to it.
    Untouchable,
}

/// The site.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Instant,
    defect: Option<Defect>,
    on: [bool; 2],
    proxy_back_in: [u32; 2],
    masters: [bool; 2],
    databases: [bool; 3],
    api: Power,
    link: Power,
    holder: Option<NodeId>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: Instant::now(),
            defect: None,
            on: [true; 2],
            proxy_back_in: [0; 2],
            masters: [false; 2],
            databases: [true; 3],
            api: Power::On,
            link: Power::On,
            holder: None,
        }
    }

    pub(super) fn with(defect: Defect) -> Self {
        Self {
            defect: Some(defect),
            ..Self::new()
        }
    }

    fn serves(&self, node: NodeId) -> bool {
        self.on[node.index()] && self.proxy_back_in[node.index()] == 0
    }

    fn elect(&mut self) {
        let [one, two] = NodeId::BOTH.map(|node| self.serves(node));
        let stuck = self.defect == Some(Defect::SplitBrain) && self.masters[1];
        let apart = self.link == Power::Off;
        self.masters = [one, two && (!one || apart || stuck)];
    }

    fn move_address(&mut self) {
        let stays = self.defect == Some(Defect::AddressStays) && self.holder.is_some();
        if self.api == Power::Off || stays {
            return;
        }
        let is_master = |node: &NodeId| self.masters[node.index()];
        let first = NodeId::BOTH.into_iter().find(is_master);
        self.holder = first.or(self.holder);
    }

    fn see(&self, node: NodeId) -> [Sighting; 2] {
        let proxy = self.serves(node);
        let role = match (proxy, self.masters[node.index()]) {
            (false, _) => Role::Fault,
            (true, true) => Role::Master,
            (true, false) => Role::Backup,
        };
        let election = Sighting::Election {
            node,
            role,
            proxy,
            alarm: false,
        };
        [election, Sighting::Servers(node, self.databases.map(Some))]
    }
}

impl Stage for World {
    /// Each look is a tick later.
    fn look(&mut self) -> Vec<Sighting> {
        self.now += TICK;
        for left in &mut self.proxy_back_in {
            *left = left.saturating_sub(1);
        }
        self.elect();
        self.move_address();
        let mut sightings = vec![Sighting::Holder(self.holder)];
        sightings.extend(NodeId::BOTH.into_iter().flat_map(|node| self.see(node)));
        sightings.push(Sighting::Attempt(Attempt {
            began: self.now,
            served: Some(self.holder.is_some_and(|node| self.serves(node))),
        }));
        sightings
    }

    fn act(&mut self, deed: Deed) -> Result<(), Problem> {
        if self.defect == Some(Defect::Untouchable) {
            return Err(Problem::Unexpected("no hands".into()));
        }
        match deed {
            Deed::KillProxy(node) => self.proxy_back_in[node.index()] = RESTART,
            Deed::KillNode(node) => self.on[node.index()] = false,
            Deed::StartNode(node) => self.on[node.index()] = true,
            Deed::KillDatabase(DatabaseId(index)) => self.databases[index] = false,
            Deed::StartDatabase(DatabaseId(index)) => self.databases[index] = true,
            Deed::Api(power) => self.api = power,
            Deed::Link(power) => self.link = power,
        }
        Ok(())
    }
}

/// A site and the picture of it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) picture: Picture,
}

impl Scene {
    pub(super) fn new(world: World) -> Self {
        let picture = Picture::new(world.now);
        Self { world, picture }
    }

    pub(super) fn now(&self) -> Instant {
        self.world.now
    }

    pub(super) fn tick(&mut self) {
        for sighting in self.world.look() {
            self.picture.see(sighting, self.world.now);
        }
    }

    pub(super) fn act(&mut self, deed: Deed) {
        self.picture.did(deed, "tour", self.world.now);
        self.world.act(deed).unwrap();
    }
}
