//! `set weight`: a number, or a share of what the file says.

use pontoon_engine::units::Weight;

use super::Refusal;

/// A weight as an administrator writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightChange {
    /// `7`.
    Absolute(Weight),
    /// `50%` of the weight in the file.
    Percent(u32),
}

impl WeightChange {
    /// The weight that is meant, for a server of this weight in the file.
    #[must_use]
    pub fn of(self, configured: Weight) -> Weight {
        match self {
            Self::Absolute(weight) => weight,
            Self::Percent(percent) => {
                let scaled = u64::from(configured.get()) * u64::from(percent) / 100;
                let weight = u16::try_from(scaled).ok().and_then(Weight::new);
                weight.unwrap_or(Weight::MAX)
            }
        }
    }

    /// Whether it means all or nothing of the weight in the file, as static algorithms demand.
    #[must_use]
    pub fn is_all_or_nothing(self, configured: Weight) -> bool {
        match self {
            Self::Absolute(weight) => weight == Weight::ZERO || weight == configured,
            Self::Percent(percent) => percent == 0 || percent == 100,
        }
    }
}

impl std::str::FromStr for WeightChange {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(Refusal::NeedsWeight);
        }
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        let (number, rest) = digits.split_at(end);
        if number.is_empty() {
            return Err(Refusal::WeightGarbage);
        }
        let number: u32 = number.parse().unwrap_or(u32::MAX);
        match rest {
            "%" if negative => Err(Refusal::WeightSign),
            "%" => Ok(Self::Percent(number)),
            "" if negative => Err(Refusal::WeightRange),
            "" => {
                let weight = u16::try_from(number).ok().and_then(Weight::new);
                weight.map(Self::Absolute).ok_or(Refusal::WeightRange)
            }
            _ => Err(Refusal::WeightTrailing),
        }
    }
}
