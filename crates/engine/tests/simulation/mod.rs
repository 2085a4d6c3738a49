//! A laboratory for elections.

mod claimant;
mod clock;
mod cloud;
mod fact;
mod plain;
mod properties;
mod queue;
mod random;
mod scenario;
mod subject;
mod timeline;
mod world;

use std::{collections::BTreeMap, env, sync::Arc, time::Instant};

pub(crate) use self::subject::Defect;
use self::{
    properties::{
        FewMoves, Property, StartsOnce, SwitchedOver, always, in_a_split, with_floating_ip,
    },
    scenario::{
        Scenario, chaos, crash_loop, floating, floating_switchovers, mixed, simultaneous_start,
        split, switchovers,
    },
    world::{Outcome, World},
};

/// So many seeds may a defect stay unnoticed.
const NOTICED_WITHIN: u64 = 2000;

/// A kind of scenario, and what has to hold in it.
pub(crate) struct Lab {
    name: &'static str,
    scenario: fn(u64) -> Scenario,
    properties: fn(&Arc<Scenario>) -> Vec<Box<dyn Property>>,
    /// What it is made for, if not for all properties.
    judges: Option<&'static str>,
}

impl Lab {
    pub(crate) fn chaos() -> Self {
        Self {
            name: "whatever_goes_wrong",
            scenario: chaos,
            properties: always,
            judges: None,
        }
    }

    pub(crate) fn mixed() -> Self {
        Self {
            name: "among_others",
            scenario: mixed,
            properties: always,
            judges: Some("once all is well there is exactly one master"),
        }
    }

    pub(crate) fn simultaneous_start() -> Self {
        Self {
            name: "nodes_that_start_together",
            scenario: simultaneous_start,
            properties: |scenario| {
                let mut all = always(scenario);
                all.push(Box::new(StartsOnce::default()));
                all
            },
            judges: Some("nodes that start together elect one master, once"),
        }
    }

    pub(crate) fn crash_loop() -> Self {
        Self {
            name: "a_proxy_in_a_crash_loop",
            scenario: crash_loop,
            properties: |scenario| {
                let mut all = always(scenario);
                all.push(Box::new(FewMoves::new(scenario)));
                all
            },
            judges: Some("a crash loop moves the address at most once per stable time"),
        }
    }

    pub(crate) fn switchovers() -> Self {
        Self {
            name: "mastership_handed_over_on_purpose",
            scenario: switchovers,
            properties: |scenario| {
                let mut all = always(scenario);
                all.push(Box::new(SwitchedOver::new(scenario)));
                all
            },
            judges: Some("a switchover makes another node master, once"),
        }
    }

    pub(crate) fn floating_switchovers() -> Self {
        Self {
            name: "the_address_follows_a_switchover",
            scenario: floating_switchovers,
            properties: |scenario| {
                let mut all = with_floating_ip(scenario);
                all.push(Box::new(SwitchedOver::new(scenario)));
                all
            },
            judges: Some("a switchover makes another node master, once"),
        }
    }

    pub(crate) fn floating() -> Self {
        Self {
            name: "whatever_goes_wrong_at_the_provider",
            scenario: floating,
            properties: with_floating_ip,
            judges: None,
        }
    }

    pub(crate) fn split() -> Self {
        Self {
            name: "a_split_that_lasts",
            scenario: split,
            properties: in_a_split,
            judges: Some("in a lasting split the floating IP moves at most once"),
        }
    }

    /// Runs as many seeds, or what the environment says; panics with the story of one that fails.
    #[expect(clippy::print_stderr, reason = "a test tells how far it went")]
    pub(crate) fn explore(&self, usual: u64) {
        let begin = Instant::now();
        let seeds = seeds(usual);
        let count = seeds.end - seeds.start;
        let mut judged = BTreeMap::new();
        let mut failed: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for seed in seeds {
            let outcome = self.run(seed, Defect::None, false);
            for violation in outcome.violations {
                failed.entry(violation.property).or_default().push(seed);
            }
            for (property, times) in outcome.judged {
                *judged.entry(property).or_insert(0) += times;
            }
        }
        if let Some(seeds) = failed.values().next() {
            panic!("{}all that failed: {failed:?}", self.story(seeds[0]));
        }
        let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let rate = count * 1000 / milliseconds.max(1);
        eprintln!("{}: {count} seeds, {rate} a second", self.name);
        for (property, times) in judged {
            eprintln!("  {times:>9} times: {property}");
            let expected = self.judges.is_none_or(|judges| judges == property);
            let enough = times > 0 || !expected || count < usual;
            assert!(enough, "nothing to judge: {property}");
        }
    }

    /// One of the first seeds shows that a broken machine breaks the property.
    pub(crate) fn notices(&self, defect: Defect, property: &str) {
        let notices = |seed: &u64| {
            let outcome = self.run(*seed, defect, false);
            outcome.violations.iter().any(|v| v.property == property)
        };
        let found = (0..NOTICED_WITHIN).find(notices);
        assert!(found.is_some(), "{defect:?} never breaks: {property}");
    }

    /// Nothing but the seed decides.
    pub(crate) fn is_the_same_again(&self, seed: u64) {
        let story = || timeline::tell(&self.run(seed, Defect::None, true).timeline);
        assert_eq!(story(), story(), "seed {seed}");
    }

    fn run(&self, seed: u64, defect: Defect, keep: bool) -> Outcome {
        let scenario = Arc::new((self.scenario)(seed));
        let properties = (self.properties)(&scenario);
        World::new(&scenario, defect, properties, keep).run()
    }

    /// What happened in a run, and how to see it again.
    fn story(&self, seed: u64) -> String {
        let outcome = self.run(seed, Defect::None, true);
        let scenario = (self.scenario)(seed);
        let mut story = timeline::introduce(&scenario);
        story += &timeline::tell(&outcome.timeline);
        for violation in outcome.violations {
            let at = violation.at.as_secs_f64();
            story += &format!(
                "\nVIOLATED at {at:.6}: {}\n  {}\n",
                violation.property, violation.what
            );
        }
        let name = self.name;
        story += &format!(
            "\nagain: PONTOON_SEED={seed} cargo test -p pontoon-engine --test election {name}\n"
        );
        story
    }
}

/// Which seeds to run.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let number = |name| env::var(name).ok().and_then(|value| value.parse().ok());
    if let Some(seed) = number("PONTOON_SEED") {
        return seed..seed + 1;
    }
    let full = env::var_os("PONTOON_FULL").is_some_and(|value| value == "1");
    let count = number("PONTOON_SEEDS").unwrap_or(if full { usual * 20 } else { usual });
    0..count
}
