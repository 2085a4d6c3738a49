//! Processor time: what a process and its children have used, and what the whole machine has.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use pontoon_sys::process::identity::set_processors;

use crate::problem::{Problem, Result, Trying};

/// A process and its children, theirs included.
///
/// # Errors
/// There is no such process.
pub fn family(pid: u32) -> Result<Vec<u32>> {
    let mut all = vec![pid];
    for task in tasks(pid)? {
        // A thread may have ended since it was listed, and a child as well.
        let path = format!("/proc/{pid}/task/{task}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|it| it.parse().ok()) {
            all.extend(family(child).unwrap_or_default());
        }
    }
    Ok(all)
}

/// What a process, its threads and its children have used so far by the scheduler's account, to the nanosecond.
///
/// # Errors
/// There is no such process.
pub fn used_by(pid: u32) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for member in family(pid)? {
        for task in tasks(member).unwrap_or_default() {
            let path = format!("/proc/{member}/task/{task}/schedstat");
            let account = fs::read_to_string(path).unwrap_or_default();
            let nanoseconds = account.split(' ').next().and_then(|word| word.parse().ok());
            total += Duration::from_nanos(nanoseconds.unwrap_or(0));
        }
    }
    Ok(total)
}

fn tasks(pid: u32) -> Result<Vec<u32>> {
    let folder = format!("/proc/{pid}/task");
    let entries = fs::read_dir(&folder).trying(format!("list {folder}"))?;
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    Ok(entries.flatten().filter_map(number).collect())
}

/// A moment of the whole machine: how long each processor has not been idle.
#[derive(Debug, Clone)]
pub struct Moment(Vec<Idle>);

/// One processor: when it was asked, and how long it had been idle by then.
#[derive(Debug, Clone, Copy)]
struct Idle {
    at: Instant,
    idle: Duration,
}

impl Moment {
    /// Now, asked on each processor in turn: only one that works has its idle time up to date.
    /// The calling thread stays where it was.
    ///
    /// # Errors
    /// The kernel tells nobody, or tells root only.
    pub fn now() -> Result<Self> {
        let count = u16::try_from(online()?).unwrap_or(u16::MAX);
        let ask = || (0..count).map(idle).collect::<Result<Vec<_>>>();
        let asked = thread::scope(|scope| scope.spawn(ask).join());
        let idle =
            asked.map_err(|_| Problem::Unexpected("asking for idle time panicked".into()))?;
        Ok(Self(idle?))
    }

    /// Processor time used since an earlier moment, by anything: processes, kernel, interrupts.
    #[must_use]
    pub fn used_since(&self, earlier: &Self) -> Duration {
        let pairs = self.0.iter().zip(&earlier.0);
        let busy = |(now, then): (&Idle, &Idle)| {
            let elapsed = now.at.saturating_duration_since(then.at);
            elapsed.saturating_sub(now.idle.saturating_sub(then.idle))
        };
        pairs.map(busy).sum()
    }
}

/// How many processors this machine has.
///
/// # Errors
/// `/proc` cannot be read.
pub fn online() -> Result<usize> {
    let text = fs::read_to_string("/proc/stat").trying("read /proc/stat")?;
    let each = |line: &&str| {
        line.strip_prefix("cpu")
            .is_some_and(|rest| !rest.starts_with(' '))
    };
    Ok(text.lines().filter(each).count())
}

fn idle(processor: u16) -> Result<Idle> {
    set_processors(&[processor]).trying(format!("move to processor {processor}"))?;
    let text = fs::read_to_string("/proc/timer_list").trying("read /proc/timer_list")?;
    let at = Instant::now();
    let idle = idle_in(&text, processor);
    let idle = idle.ok_or_else(|| {
        Problem::Unexpected("the kernel does not tell how long processors were idle".into())
    })?;
    Ok(Idle { at, idle })
}

/// What `/proc/timer_list` says of a processor: idle, and idle while something waited for a disk.
fn idle_in(text: &str, processor: u16) -> Option<Duration> {
    let (_, own) = text.split_once(&format!("\ncpu: {processor}\n"))?;
    let nanoseconds = |name: &str| -> Option<u64> {
        let (_, behind) = own.split_once(name)?;
        let number = behind.trim_start_matches([' ', ':']);
        number.split(' ').next()?.parse().ok()
    };
    let sum = nanoseconds(".idle_sleeptime")? + nanoseconds(".iowait_sleeptime").unwrap_or(0);
    Some(Duration::from_nanos(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_for_the_process_that_does_it() {
        let before = used_by(std::process::id()).unwrap();
        let until = Instant::now() + Duration::from_millis(50);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        let used = used_by(std::process::id()).unwrap() - before;
        // A busy machine may give us less of those 50 ms.
        assert!(used > Duration::from_millis(1), "{used:?}");
    }

    #[test]
    fn idle_time_is_read_for_the_right_processor() {
        let text = "Timer List\n\ncpu: 0\n  .idle_sleeptime : 100 nsecs\n  .iowait_sleeptime: 5 nsecs\n\
                    cpu: 1\n  .idle_sleeptime : 7 nsecs\n  .iowait_sleeptime: 0 nsecs\n";
        assert_eq!(idle_in(text, 0), Some(Duration::from_nanos(105)));
        assert_eq!(idle_in(text, 1), Some(Duration::from_nanos(7)));
        assert_eq!(idle_in(text, 2), None);
    }

    #[test]
    fn children_belong_to_the_family() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let family = family(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family.unwrap().contains(&child.id()));
    }
}
