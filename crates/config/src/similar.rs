//! The nearest known word to an unknown one.

/// The known word that most resembles `word`, if one does: at most a third of its letters may be
/// wrong, missing, extra or swapped, or one of the two begins with the other.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<u8> = word.bytes().take(LONGEST).collect();
    known
        .into_iter()
        .take(MOST)
        .filter_map(|candidate| {
            let distance = distance(&word, candidate.as_bytes());
            is_close(&word, candidate.as_bytes(), distance).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Longer words are compared by their beginning only, so that hostile input costs nothing.
const LONGEST: usize = 64;

/// More candidates are not looked at, so that a file full of unknown names takes linear time.
const MOST: usize = 500;

fn is_close(word: &[u8], candidate: &[u8], distance: usize) -> bool {
    let longer = word.len().max(candidate.len());
    let prefix = word.len() >= 3 && candidate.starts_with(word);
    prefix || (longer > 1 && distance <= (longer + 1) / 3)
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, in
/// letters whose case does not count.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut current: Vec<usize> = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        current[0] = i;
        for j in 1..=b.len() {
            let differs = usize::from(!a[i - 1].eq_ignore_ascii_case(&b[j - 1]));
            current[j] = (previous[j] + 1)
                .min(current[j - 1] + 1)
                .min(previous[j - 1] + differs);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                current[j] = current[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut previous);
        std::mem::swap(&mut previous, &mut current);
    }
    previous[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_wins() {
        let known = ["check", "cookie", "disabled", "fall", "inter"];
        assert_eq!(nearest("chek", known), Some("check"));
        assert_eq!(nearest("chcek", known), Some("check"), "a swap");
        assert_eq!(nearest("disable", known), Some("disabled"));
        assert_eq!(nearest("Inter", known), Some("inter"));
    }

    #[test]
    fn a_beginning_is_enough() {
        assert_eq!(nearest("dis", ["disabled", "fall"]), Some("disabled"));
    }

    #[test]
    fn what_resembles_nothing_gets_no_suggestion() {
        assert_eq!(nearest("frobnicate", ["check", "fall"]), None);
        assert_eq!(nearest("", ["check"]), None);
        assert_eq!(nearest("x", ["check"]), None);
    }

    #[test]
    fn a_very_long_word_costs_little_and_matches_nothing() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["check"]), None);
    }
}
