//! Tells what happened, without what happens all the time.

use std::{fmt::Write as _, time::Duration};

use pontoon_engine::{floating_ip::event::Event, vrrp::action::Action};

use super::{fact::Fact, scenario::Scenario};

/// Who takes part.
pub(crate) fn introduce(scenario: &Scenario) -> String {
    let mut text = format!(
        "seed {}: {:?}, ipv6 {}, multicast {}, beat {:?}, {} routers, grouped {}, neighbours of {:?}\n{:?}\n",
        scenario.seed,
        scenario.version,
        scenario.ipv6,
        scenario.multicast,
        scenario.beat,
        scenario.routers,
        scenario.grouped,
        scenario.neighbours,
        scenario.network,
    );
    for (number, node) in scenario.nodes.iter().enumerate() {
        let _ = writeln!(
            text,
            "node {number} at {}: {node:?}",
            scenario.address(number)
        );
    }
    text
}

/// What happened. What a node was told and did nothing about is left out, and so is what it does
/// at every interval.
pub(crate) fn tell(timeline: &[(Duration, Fact)]) -> String {
    let mut text = String::new();
    let mut learned = Vec::new();
    let mut turn: Vec<&(Duration, Fact)> = Vec::new();
    for entry in timeline {
        match &entry.1 {
            Fact::Told { .. } | Fact::Ordered { .. } => turn.push(entry),
            Fact::Reconciled { .. }
            | Fact::News {
                event: Event::Peer { .. } | Event::Timeout,
                ..
            } => {}
            Fact::Settled { .. } => {
                if turn.iter().any(|(_, fact)| notable(fact)) {
                    turn.iter()
                        .for_each(|(at, fact)| line(&mut text, *at, fact));
                }
                turn.clear();
            }
            Fact::Learned {
                neighbour,
                router,
                node,
            } => {
                let news = (*neighbour, *router, *node);
                let same = |old: &&(usize, usize, usize)| (old.0, old.1) == (news.0, news.1);
                if learned.iter().rfind(same) != Some(&news) {
                    line(&mut text, entry.0, &entry.1);
                    learned.push(news);
                }
            }
            fact => line(&mut text, entry.0, fact),
        }
    }
    text
}

fn notable(fact: &Fact) -> bool {
    match fact {
        Fact::Ordered { action, .. } => {
            !matches!(action, Action::SendAdvert { .. } | Action::Announce { .. })
        }
        _ => false,
    }
}

fn line(text: &mut String, at: Duration, fact: &Fact) {
    let _ = writeln!(text, "{:>12.6}  {fact}", at.as_secs_f64());
}
