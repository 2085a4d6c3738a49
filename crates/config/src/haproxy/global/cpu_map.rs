//! `cpu-map`: which processors a thread may run on.

use std::ops::RangeInclusive;

use crate::{args::Args, diagnostic::Diagnostics, haproxy::value, source::Word};

/// HAProxy's largest number of threads on this kind of machine.
const MOST_THREADS: u16 = 64;

/// One line.
#[derive(Debug, Clone)]
pub(in crate::haproxy) struct CpuMap {
    threads: Vec<u16>,
    processors: Vec<u16>,
    /// `auto:`: one processor for each thread, in turn.
    one_each: bool,
}

/// Reads what follows `cpu-map`.
pub(super) fn parse(args: &mut Args<'_>, d: &mut Diagnostics) -> Option<CpuMap> {
    let word = value::required(args, "threads and processors", d)?;
    let (one_each, threads) = match word.text.strip_prefix("auto:") {
        Some(rest) => (true, rest),
        None => (false, word.text.as_str()),
    };
    // There is one thread group (one process, in old files): what maps another has no effect.
    let (group, threads) = threads.split_once('/').unwrap_or((threads, "all"));
    let (Some(groups), Some(threads)) = (threads_of(group), threads_of(threads)) else {
        d.error(
            "bad-cpu-map",
            word.span,
            format!("`{}` does not name threads", word.text),
        )
        .suggest("write `1/all`, `1/1-4`, `auto:1/1-4` or the like");
        return None;
    };
    let mut processors = Vec::new();
    value::required(args, "threads and processors", d).map(|first| {
        std::iter::once(first)
            .chain(args.take_rest())
            .try_for_each(|word| {
                processors.extend(processors_of(word, d)?);
                Some(())
            })
    })??;
    let threads = if groups.contains(&1) {
        threads
    } else {
        Vec::new()
    };
    Some(CpuMap {
        threads,
        processors,
        one_each,
    })
}

/// `all`, `odd`, `even`, a number from 1 or a range.
fn threads_of(text: &str) -> Option<Vec<u16>> {
    let all = 1..=MOST_THREADS;
    match text {
        "all" => Some(all.collect()),
        "odd" => Some(all.filter(|number| number % 2 == 1).collect()),
        "even" => Some(all.filter(|number| number % 2 == 0).collect()),
        _ => {
            let range = range(text, MOST_THREADS)?;
            (*range.start() >= 1).then(|| range.collect())
        }
    }
}

fn processors_of(word: &Word, d: &mut Diagnostics) -> Option<Vec<u16>> {
    const HIGHEST: u16 = 1023;
    let parts = word.text.split(',').map(|part| match part {
        "all" => Some(0..=MOST_THREADS - 1),
        part => range(part, HIGHEST),
    });
    let ranges: Option<Vec<RangeInclusive<u16>>> = parts.collect();
    if ranges.is_none() {
        d.error(
            "bad-cpu-map",
            word.span,
            format!(
                "`{}` is not a processor or a range of processors",
                word.text
            ),
        )
        .suggest("processors count from 0, as in `0-3`");
    }
    Some(ranges?.into_iter().flatten().collect())
}

fn range(text: &str, highest: u16) -> Option<RangeInclusive<u16>> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high): (u16, u16) = (low.parse().ok()?, high.parse().ok()?);
    (low <= high && high <= highest).then_some(low..=high)
}

/// The processors of each thread; later lines replace earlier ones.
pub(super) fn apply(maps: &[CpuMap], threads: Option<u16>) -> Vec<Vec<u16>> {
    if maps.is_empty() {
        return Vec::new();
    }
    let mut found = vec![Vec::new(); usize::from(threads.unwrap_or(MOST_THREADS))];
    for map in maps {
        for (turn, thread) in map.threads.iter().enumerate() {
            let Some(slot) = found.get_mut(usize::from(*thread - 1)) else {
                continue;
            };
            *slot = if map.one_each {
                map.processors.get(turn).copied().into_iter().collect()
            } else {
                map.processors.clone()
            };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::haproxy::testing::words;

    fn mapped(lines: &[&str], threads: u16) -> Vec<Vec<u16>> {
        let mut d = Diagnostics::default();
        let maps: Vec<_> = lines
            .iter()
            .filter_map(|line| parse(&mut Args::new(&words(line), 1), &mut d))
            .collect();
        assert!(!d.has_errors(), "{:?}", d.all());
        apply(&maps, Some(threads))
    }

    #[test]
    fn auto_gives_each_thread_one_processor() {
        assert_eq!(
            mapped(&["cpu-map auto:1/1-3 4-6"], 3),
            [vec![4], vec![5], vec![6]]
        );
    }

    #[test]
    fn later_lines_replace_earlier_ones() {
        assert_eq!(
            mapped(&["cpu-map 1/all 0-1", "cpu-map 1/2 3"], 2),
            [vec![0, 1], vec![3]]
        );
    }

    #[test]
    fn other_groups_and_threads_have_no_effect() {
        assert_eq!(
            mapped(&["cpu-map 2/1 0", "cpu-map 1/9 0"], 1),
            [Vec::<u16>::new()]
        );
        assert_eq!(mapped(&[], 4), Vec::<Vec<u16>>::new());
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "cpu-map",
            "cpu-map x 1",
            "cpu-map 1/0 1",
            "cpu-map 1",
            "cpu-map 1 9-3",
        ] {
            let mut d = Diagnostics::default();
            assert!(parse(&mut Args::new(&words(line), 1), &mut d).is_none());
            assert_eq!(d.all().len(), 1, "{line}");
        }
    }
}
