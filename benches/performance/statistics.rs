//! Ratios of what was measured in the same round.

use crate::sample::Sample;

/// The ratios of two contenders' samples, round by round.
pub(crate) fn ratios(
    ours: &[Sample],
    theirs: &[Sample],
    value: impl Fn(&Sample) -> Option<f64>,
) -> Vec<f64> {
    let ratio = |sample: &Sample| {
        let other = theirs.iter().find(|other| other.round == sample.round)?;
        let (own, other) = (value(sample)?, value(other)?);
        (other > 0.0).then_some(own / other)
    };
    ours.iter().filter_map(ratio).collect()
}
