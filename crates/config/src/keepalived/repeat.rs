//! `~SEQ(…)` and `~LST(…)`: a line that is read once for each value (keepalived.conf(5),
//! Sequence blocks, List blocks).

/// Names and the values they take in one round.
pub(super) type Round = Vec<(String, String)>;

/// Why a repetition cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Too few or too many values in the brackets.
    Form,
    /// A value is not a number.
    Number,
    /// It would never end, or take very long.
    Endless,
    /// As many values as names are wanted.
    Count,
}

impl Fault {
    /// For people.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Form => {
                "this is neither `~SEQ(NAME, start, step, end)` nor `~LST(NAME, value, …)`"
            }
            Self::Number => "`~SEQ` counts from one whole number to another",
            Self::Endless => "this repetition never ends, or has more than 65,536 rounds",
            Self::Count => "`~LST` needs as many values in each `{…}` as there are names",
        }
    }
}

/// More rounds are a mistake.
const MOST_ROUNDS: usize = 1 << 16;

/// The length of a repetition's head, `~SEQ(…)`, if the line begins with one.
pub(super) fn length(line: &str) -> Option<usize> {
    let named = ["~SEQ(", "~SEQx(", "~LST("];
    named.iter().find(|head| line.starts_with(**head))?;
    Some(line.find(')').map_or(line.len(), |at| at + 1))
}

/// The rounds of a head.
pub(super) fn parse(head: &str) -> Result<Vec<Round>, Fault> {
    let (kind, inside) = head.split_once('(').ok_or(Fault::Form)?;
    let inside = inside.strip_suffix(')').ok_or(Fault::Form)?;
    if kind == "~LST" {
        list(inside)
    } else {
        sequence(inside, kind == "~SEQx")
    }
}

fn sequence(inside: &str, hexadecimal: bool) -> Result<Vec<Round>, Fault> {
    let words: Vec<&str> = inside.split(',').map(str::trim).collect();
    let (name, numbers) = words.split_first().ok_or(Fault::Form)?;
    let numbers: Option<Vec<i64>> = numbers.iter().map(|word| number(word)).collect();
    let numbers = numbers.ok_or(Fault::Number)?;
    let direction = |from: i64, to: i64| if to < from { -1 } else { 1 };
    let (start, step, end) = match numbers[..] {
        [end] => (direction(0, end), direction(0, end), end),
        [start, end] => (start, direction(start, end), end),
        [start, step, end] => (start, step, end),
        _ => return Err(Fault::Form),
    };
    let rounds = count(start, step, end).ok_or(Fault::Endless)?;
    let written = |value: i64| {
        if hexadecimal {
            format!("{value:x}")
        } else {
            value.to_string()
        }
    };
    let round = |index| vec![((*name).to_owned(), written(start + step * index))];
    Ok((0..rounds).map(round).collect())
}

/// How many rounds there are.
fn count(start: i64, step: i64, end: i64) -> Option<i64> {
    if step == 0 {
        return None;
    }
    let distance = end.checked_sub(start)?;
    if (distance < 0) != (step < 0) && distance != 0 {
        return Some(0);
    }
    let rounds = distance.checked_div(step)?.checked_add(1)?;
    let few = usize::try_from(rounds).is_ok_and(|rounds| rounds <= MOST_ROUNDS);
    few.then_some(rounds)
}

fn number(word: &str) -> Option<i64> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * i64::from(value))
}

fn list(inside: &str) -> Result<Vec<Round>, Fault> {
    let mut elements = elements(inside)?.into_iter();
    let names = elements.next().ok_or(Fault::Form)?;
    let rounds: Result<Vec<Round>, Fault> = elements
        .map(|values| {
            let fits = values.len() == names.len();
            let pairs = || names.iter().cloned().zip(values).collect();
            fits.then(pairs).ok_or(Fault::Count)
        })
        .collect();
    rounds.and_then(|rounds| {
        if rounds.is_empty() {
            Err(Fault::Form)
        } else {
            Ok(rounds)
        }
    })
}

/// What stands between commas: one word, or several in braces.
fn elements(inside: &str) -> Result<Vec<Vec<String>>, Fault> {
    let mut found = Vec::new();
    let mut rest = inside.trim();
    loop {
        let (element, after) = if let Some(group) = rest.strip_prefix('{') {
            let (group, after) = group.split_once('}').ok_or(Fault::Form)?;
            let words = group.split(',').map(|word| word.trim().to_owned());
            (words.collect(), after.trim_start())
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (vec![rest[..end].trim().to_owned()], &rest[end..])
        };
        found.push(element);
        match after.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None if after.is_empty() => return Ok(found),
            None => return Err(Fault::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(head: &str) -> Vec<String> {
        let rounds = parse(head).unwrap();
        let value = |round: Round| round.into_iter().map(|(_, v)| v).collect::<Vec<_>>();
        let values = rounds.into_iter().map(value);
        values.map(|values| values.join("/")).collect()
    }

    #[test]
    fn sequences_count_as_in_the_manual() {
        assert_eq!(values("~SEQ(SUBNET, 0, 3)"), ["0", "1", "2", "3"]);
        assert_eq!(
            values("~SEQx(SUBNET, 0x90, 0x10, 0xc0)"),
            ["90", "a0", "b0", "c0"]
        );
        assert_eq!(
            values("~SEQx(AD1, 0x12, -1, 0x0f)"),
            ["12", "11", "10", "f"]
        );
        assert_eq!(values("~SEQ(A, 3)"), ["1", "2", "3"]);
        assert_eq!(values("~SEQ(A, -2)"), ["-1", "-2"]);
        assert_eq!(values("~SEQ(A, 168, 2, 172)"), ["168", "170", "172"]);
    }

    #[test]
    fn lists_take_several_names_at_once() {
        assert_eq!(values("~LST(A, 5, x, 7)"), ["5", "x", "7"]);
        assert_eq!(
            values("~LST({IP,   IP1},  {10,1},{20,4})"),
            ["10/1", "20/4"]
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(parse("~SEQ(A, 1, 0, 5)"), Err(Fault::Endless));
        assert_eq!(parse("~SEQ(A, 1, 99999999)"), Err(Fault::Endless));
        assert_eq!(parse("~SEQ(A, x)"), Err(Fault::Number));
        assert_eq!(parse("~SEQ(A"), Err(Fault::Form));
        assert_eq!(parse("~LST(A)"), Err(Fault::Form));
        assert_eq!(parse("~LST({A,B},{1,2},3)"), Err(Fault::Count));
    }
}
