//! An EC2 that throttles, is slow, loses answers, lags, or is not there.

use std::time::{Duration, Instant};

use pontoon_engine::floating_ip::event::{FailureKind, Whereabouts};
use pontoon_lab::{
    cloud::{Down, Lost},
    wait,
};

use super::{HERE, PEER, Scene};
use crate::{
    cloud::stage::{fails, is},
    harness::{Outcome, Test},
};

pub(super) fn register(tests: &mut Vec<Test>) {
    let mut add = |name: &str, run: fn() -> Outcome| super::add(tests, name, run);
    add("throttling_is_told_apart", throttled);
    add("slow_call_fails_in_time_and_lands_later", slow);
    add("lost_answer_may_have_moved_it", lost);
    add("lagging_answer_is_seen_in_the_end", lagging);
    add("api_that_is_down_fails_in_time", down);
}

fn throttled() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    scene.cloud.faults().throttle(2);
    let kind = FailureKind::Throttled { after: None };
    let words = ["RequestLimitExceeded", "same account's limit"];
    fails(node.describe(), kind, &words)?;
    fails(node.associate(), kind, &words)?;
    is("nothing was moved", scene.holder(), None)?;
    is("call", node.associate(), Ok(()))?;
    scene.cloud.faults().throttle_rate(Some((2, 0.001)));
    is("first", node.describe(), Ok(Whereabouts::Here))?;
    is("second", node.describe(), Ok(Whereabouts::Here))?;
    fails(node.describe(), kind, &words)?;
    scene.cloud.faults().sick(1);
    scene.cloud.faults().throttle_rate(None);
    fails(node.describe(), FailureKind::Unanswered, &["InternalError"])
}

fn slow() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    scene.move_to(Some(PEER));
    scene.cloud.faults().slow(Duration::from_millis(2500));
    let start = Instant::now();
    let words = ["has not answered within 2s"];
    fails(node.associate(), FailureKind::Unanswered, &words)?;
    is(
        "in time",
        start.elapsed() < Duration::from_millis(2400),
        true,
    )?;
    is("not yet moved", scene.holder(), Some(PEER))?;
    wait::until("the late call", wait::PATIENCE, || {
        (scene.holder() == Some(HERE)).then_some(())
    })?;
    Ok(())
}

fn lost() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    is("at first", node.describe(), Ok(Whereabouts::Nowhere))?;
    for how in [Lost::Dies, Lost::Hangs] {
        scene.move_to(Some(PEER));
        scene
            .cloud
            .faults()
            .lose_answers_of("AssociateAddress", 1, how);
        fails(
            node.associate(),
            FailureKind::Unanswered,
            &["has not answered"],
        )?;
        is("here all the same", node.describe(), Ok(Whereabouts::Here))?;
    }
    Ok(())
}

fn lagging() -> Outcome {
    const LAG: Duration = Duration::from_millis(500);
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    scene.cloud.faults().eventual(LAG);
    is("call", node.associate(), Ok(()))?;
    let agreed = Instant::now();
    wait::until("the address here", wait::PATIENCE, || {
        (node.describe() == Ok(Whereabouts::Here)).then_some(())
    })?;
    is("not at once", agreed.elapsed() > LAG / 2, true)
}

fn down() -> Outcome {
    let scene = Scene::set()?;
    let mut node = scene.node()?;
    scene.cloud.faults().down(Some(Down::Silent));
    let start = Instant::now();
    let words = ["has not answered within 2s"];
    fails(node.describe(), FailureKind::Unanswered, &words)?;
    is("in time", start.elapsed() < Duration::from_secs(4), true)?;
    scene.cloud.faults().down(Some(Down::Reset));
    // Reset before or after the request has left: who can tell.
    let failed = node.describe().map_err(|failure| failure.kind);
    let kinds = [FailureKind::Unanswered, FailureKind::Unwell];
    is(
        "reset",
        failed.is_err_and(|kind| kinds.contains(&kind)),
        true,
    )?;
    scene.cloud.faults().none();
    is("up again", node.describe(), Ok(Whereabouts::Nowhere))?;
    let endpoint = scene.api.address().ok_or("no API")?;
    drop(scene.api);
    let words = [&format!(
        "{} port {} cannot be reached",
        endpoint.ip(),
        endpoint.port()
    )[..]];
    fails(node.describe(), FailureKind::Unwell, &words)
}
