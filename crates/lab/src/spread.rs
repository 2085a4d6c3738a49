//! The middle of many values, and how far they lie apart.

/// The middle, and the middle half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// A quarter is below.
    pub lower: f64,
    /// Half is.
    pub median: f64,
    /// Three quarters are.
    pub upper: f64,
}

impl Spread {
    /// Of these; `None` without any. What is no number is left out.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().filter(|it| it.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        Some(Self {
            lower: quantile(&values, 1)?,
            median: quantile(&values, 2)?,
            upper: quantile(&values, 3)?,
        })
    }
}

/// The quartile of this number, between two values if it falls there.
fn quantile(sorted: &[f64], quarter: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let (whole, rest) = (last * quarter / 4, last * quarter % 4);
    let (low, high) = (sorted[whole], sorted[(whole + 1).min(last)]);
    #[expect(clippy::cast_precision_loss, reason = "less than four")]
    let part = rest as f64 / 4.0;
    Some(low + (high - low) * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_on_values_or_between_them() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0]).unwrap();
        assert_eq!([spread.lower, spread.median, spread.upper], [2.0, 3.0, 4.0]);
        let spread = Spread::of([1.0, 2.0]).unwrap();
        assert_eq!(
            [spread.lower, spread.median, spread.upper],
            [1.25, 1.5, 1.75]
        );
    }

    #[test]
    fn one_value_has_no_spread_and_none_has_nothing() {
        let spread = Spread::of([7.0, f64::NAN]).unwrap();
        assert_eq!([spread.lower, spread.median, spread.upper], [7.0; 3]);
        assert_eq!(Spread::of([]), None);
    }
}
