//! The nearest known word to an unknown one.

/// The known word that most resembles `word`, if one does: at most a third of its letters may be
/// wrong, missing, extra or swapped, or one of the two begins with the other.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<u8> = word.bytes().take(LONGEST).collect();
    let letters = letters(&word);
    let mut nearest = None;
    let mut within = usize::MAX;
    for candidate in known.into_iter().take(MOST) {
        if let Some(distance) = distance(&word, letters, candidate.as_bytes(), within) {
            nearest = Some(candidate);
            let Some(nearer) = distance.checked_sub(1) else {
                break;
            };
            within = nearer;
        }
    }
    nearest
}

/// Longer words are compared by their beginning only, so that hostile input costs nothing.
const LONGEST: usize = 64;

/// More candidates are not looked at, so that a file full of unknown names takes linear time.
const MOST: usize = 500;

/// How far apart two words are, if one resembles the other and they are no further apart than
/// `within`. Most words are sorted out by a glance at their lengths and letters.
fn distance(word: &[u8], known_letters: u32, candidate: &[u8], within: usize) -> Option<usize> {
    let (word_length, length) = (word.len(), candidate.len());
    if word_length >= 3 && candidate.starts_with(word) {
        return Some(length - word_length).filter(|distance| *distance <= within);
    }
    let longer = word_length.max(length);
    let most = ((longer + 1) / 3).min(within);
    if longer <= 1 || word_length.abs_diff(length) > most {
        return None;
    }
    // A wrong letter adds one letter and takes away another; all else changes less.
    let different = known_letters ^ letters(candidate);
    if different.count_ones() as usize > 2 * most {
        return None;
    }
    alignment(word, candidate, most)
}

/// Which letters occur, whatever their case: one bit each, shared by a few.
fn letters(word: &[u8]) -> u32 {
    word.iter().fold(0, |letters, letter| {
        letters | 1 << (letter.to_ascii_lowercase() & 31)
    })
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, in
/// letters whose case does not count; `None` beyond `most`.
fn alignment(a: &[u8], b: &[u8], most: usize) -> Option<usize> {
    let mut before = vec![0; b.len() + 1];
    let mut previous: Vec<usize> = (0..=b.len()).collect();
    let mut current = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        current[0] = i;
        let mut least = i;
        for j in 1..=b.len() {
            let differs = usize::from(!a[i - 1].eq_ignore_ascii_case(&b[j - 1]));
            current[j] = (previous[j] + 1)
                .min(current[j - 1] + 1)
                .min(previous[j - 1] + differs);
            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if swapped {
                current[j] = current[j].min(before[j - 2] + 1);
            }
            least = least.min(current[j]);
        }
        // A swap may save one more, no later row saves anything.
        if least > most + 1 {
            return None;
        }
        std::mem::swap(&mut before, &mut previous);
        std::mem::swap(&mut previous, &mut current);
    }
    Some(previous[b.len()]).filter(|distance| *distance <= most)
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
    fn a_glance_sorts_out_nothing_that_is_near() {
        let near = [
            ("server", "severs"),
            ("timeout", "tiemout"),
            ("default_backend", "defualt_bakcend"),
            ("ACL", "acl"),
            ("bind", "dinb"),
        ];
        for (known, word) in near {
            let least = alignment(word.as_bytes(), known.as_bytes(), usize::MAX - 1);
            let most = (word.len().max(known.len()) + 1) / 3;
            let expected = least.filter(|distance| *distance <= most);
            let letters = letters(word.as_bytes());
            let found = distance(word.as_bytes(), letters, known.as_bytes(), usize::MAX);
            assert_eq!(found, expected, "{word} for {known}");
        }
        assert_eq!(nearest("acl", ["ACX", "ACL"]), Some("ACL"));
    }

    #[test]
    fn a_very_long_word_costs_little_and_matches_nothing() {
        assert_eq!(nearest(&"x".repeat(1 << 20), ["check"]), None);
    }
}
