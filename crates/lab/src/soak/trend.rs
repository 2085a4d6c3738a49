//! Whether a figure stays where it is.

/// How much a figure may rise from the begin of a run to its end; falling is no fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// As a part of where it began.
    pub relative: f64,
    /// In the figure's own unit, for small ones. The greater of both counts.
    pub absolute: f64,
}

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Median of the first third.
    pub first: f64,
    /// Median of the last third.
    pub last: f64,
    /// How much the line through all rises from the first value to the last (Theil and Sen: the
    /// median of the slopes between every two).
    pub rise: f64,
    /// How much is tolerated.
    pub allowed: f64,
}

/// Too few values say nothing.
const FEWEST: usize = 9;

impl Trend {
    /// Of values at equal distances. Their first tenth is left out: there, caches fill. `None` if
    /// nothing can be said.
    #[must_use]
    pub fn of(values: &[f64], tolerance: Tolerance) -> Option<Self> {
        let values = values.get(values.len().div_ceil(10)..)?;
        if values.len() < FEWEST || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let third = values.len() / 3;
        let first = median(values[..third].to_vec())?;
        let last = median(values[values.len() - third..].to_vec())?;
        Some(Self {
            first,
            last,
            rise: slope(values)? * float(values.len() - 1),
            allowed: (tolerance.relative * first.abs()).max(tolerance.absolute),
        })
    }

    /// Neither the line through all nor the last third has risen by more than is tolerated.
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.rise <= self.allowed && self.last - self.first <= self.allowed
    }
}

fn slope(values: &[f64]) -> Option<f64> {
    let mut slopes = Vec::new();
    for (at, early) in values.iter().enumerate() {
        for (distance, late) in values[at..].iter().enumerate().skip(1) {
            slopes.push((late - early) / float(distance));
        }
    }
    median(slopes)
}

/// The value in the middle.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let high = *values.get(middle)?;
    if values.len().is_multiple_of(2) {
        Some(f64::midpoint(values[middle - 1], high))
    } else {
        Some(high)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run has no 2^53 windows")]
const fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Tolerance = Tolerance {
        relative: 0.05,
        absolute: 1.0,
    };
    const RUN: usize = 30;

    /// A run of so many windows, with noise of some per cent.
    fn run(value: impl Fn(f64) -> f64) -> Vec<f64> {
        let noise = |window: usize| 1.0 + 0.02 * float(window * 7919 % 13) / 13.0;
        let values = (0..RUN).map(|window| value(float(window) / float(RUN)) * noise(window));
        values.collect()
    }

    fn is_flat(values: &[f64]) -> bool {
        Trend::of(values, MEMORY).unwrap().is_flat()
    }

    #[test]
    fn what_stays_is_flat() {
        assert!(is_flat(&run(|_| 100.0)));
        // Falling, caches that fill at the begin, a saw's teeth, and one odd value.
        assert!(is_flat(&run(|time| 100.0 - 40.0 * time)));
        assert!(is_flat(&run(|time| if time < 0.09 { 50.0 } else { 100.0 })));
        assert!(is_flat(&run(|time| 100.0 + (time * 50.0) % 5.0)));
        let mut odd = run(|_| 100.0);
        odd[25] = 900.0;
        assert!(is_flat(&odd));
    }

    #[test]
    fn a_leak_is_none() {
        // Slow and steady: 8 % in the whole run.
        assert!(!is_flat(&run(|time| 100.0 + 10.0 * time)));
        // From the middle on, or the last third only.
        assert!(!is_flat(&run(|time| 100.0 + 30.0 * (time - 0.5).max(0.0))));
        assert!(!is_flat(&run(|time| 100.0 + 80.0 * (time - 0.7).max(0.0))));
        // In one step, and in the teeth of a saw.
        assert!(!is_flat(&run(|time| if time < 0.5 {
            100.0
        } else {
            110.0
        })));
        assert!(!is_flat(&run(|time| 100.0
            + 20.0 * time
            + (time * 50.0) % 5.0)));
        // Faster and faster.
        assert!(!is_flat(&run(|time| 100.0 * (2.0 * time).exp2())));
    }

    #[test]
    fn a_small_figure_may_rise_by_what_is_small_for_it() {
        let descriptors = Tolerance {
            relative: 0.05,
            absolute: 8.0,
        };
        let rising = run(|time| 20.0 + 6.0 * time);
        assert!(Trend::of(&rising, descriptors).unwrap().is_flat());
        let leaking = run(|time| 20.0 + 14.0 * time);
        assert!(!Trend::of(&leaking, descriptors).unwrap().is_flat());
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(Trend::of(&[1.0; 9], MEMORY), None);
        assert_eq!(Trend::of(&[], MEMORY), None);
        let mut holes = vec![1.0; RUN];
        holes[20] = f64::NAN;
        assert_eq!(Trend::of(&holes, MEMORY), None);
        assert!(Trend::of(&[1.0; 10], MEMORY).is_some());
    }
}
