//! `pontoon_…`: what HAProxy does not have.

use super::text::{Family, Kind, Labels, Number, Text};
use crate::{
    admin::snapshot::{ProxyRows, Sizes, Snapshot},
    state::{handovers::HandoverCounts, histogram::Distribution},
};

/// Writes what concerns this process.
pub(super) fn write(snapshot: &Snapshot, text: &mut Text) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    text.family(
        "pontoon_build_info",
        Kind::Gauge,
        "The version, as a label.",
    )
    .sample(&version, Number::Whole(1));
    sizes(snapshot, text);
    handovers(&snapshot.process.handovers, text);
}

/// Histograms of each backend. What each server does is told by averages and last values: a
/// histogram of each would be many series.
fn sizes(snapshot: &Snapshot, text: &mut Text) {
    let backends = || {
        let proxies = snapshot.proxies.iter();
        proxies.filter_map(|proxy| Some((proxy, proxy.sizes.as_ref()?)))
    };
    let name = "pontoon_backend_session_duration_seconds";
    let help = "Lengths of the sessions that ended, from accept to the end.";
    let mut family = text.family(name, Kind::Histogram, help);
    for (proxy, sizes) in backends() {
        histogram(&mut family, &[("proxy", &*proxy.name)], &sizes.sessions);
    }
    let name = "pontoon_backend_connect_duration_seconds";
    let help = "Times to connect to a server, retries included, of the sessions that ended.";
    let mut family = text.family(name, Kind::Histogram, help);
    for (proxy, sizes) in backends() {
        histogram(&mut family, &[("proxy", &*proxy.name)], &sizes.connects);
    }
    let name = "pontoon_backend_check_duration_seconds";
    let help = "Durations of the health checks of a backend's servers, by what came of them.";
    let mut family = text.family(name, Kind::Histogram, help);
    for (proxy, sizes) in backends() {
        checks(&mut family, proxy, sizes);
    }
}

/// A backend that was never checked has none.
fn checks(family: &mut Family<'_>, proxy: &ProxyRows, sizes: &Sizes) {
    for (result, distribution) in ["passed", "failed"].into_iter().zip(&sizes.checks) {
        if sizes.checks.iter().any(|checks| checks.count > 0) {
            let labels = [("proxy", &*proxy.name), ("result", result)];
            histogram(family, &labels, distribution);
        }
    }
}

fn histogram(family: &mut Family<'_>, labels: Labels<'_>, distribution: &Distribution) {
    let Distribution {
        buckets,
        count,
        sum,
    } = distribution;
    family.histogram(labels, buckets.iter().copied(), *count, *sum);
}

fn handovers(counts: &HandoverCounts, text: &mut Text) {
    let help =
        "Reloads in which this service took over from an older process, by what came of them.";
    let mut family = text.family("pontoon_handovers_total", Kind::Counter, help);
    family.sample(&[("result", "completed")], Number::Whole(counts.completed));
    family.sample(&[("result", "failed")], Number::Whole(counts.failed));
    let help = "Sessions that were established at a reload: moved to the new process, or left in the old one to their end.";
    let mut family = text.family("pontoon_handover_sessions_total", Kind::Counter, help);
    family.sample(&[("outcome", "moved")], Number::Whole(counts.moved));
    family.sample(&[("outcome", "left")], Number::Whole(counts.left));
    let help = "How long the last handover took.";
    text.family("pontoon_handover_last_duration_seconds", Kind::Gauge, help)
        .sample(&[], Number::Seconds(counts.last));
}
