//! Who is measured when: all contenders in turns, so that a bad minute of the machine hits all.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use pontoon_lab::{pair::Pair, problem::Result};

use crate::{
    contender::Contender,
    options::Options,
    scenario::{Scenario, Seen},
    timing::Timing,
};

/// What is measured once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task {
    /// How often the master speaks.
    pub(crate) timing: Timing,
    /// What happens.
    pub(crate) scenario: Scenario,
    /// To whom.
    pub(crate) contender: Contender,
}

/// All that was seen of a task.
#[derive(Debug)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) task: Task,
    /// Once a run.
    pub(crate) seen: Vec<Seen>,
    /// Runs that came to nothing, and why.
    pub(crate) failures: Vec<String>,
}

/// Plays everything that is asked for.
pub(crate) fn measure(options: &Options) -> Vec<Figure> {
    let tasks = tasks(options);
    let queue = (0..options.runs).flat_map(|run| (0..tasks.len()).map(move |index| (run, index)));
    let queue = Mutex::new(queue.enumerate());
    let results = Mutex::new(Vec::new());
    let all = options.runs * tasks.len();
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some((number, (run, index))) = next(&queue) {
                    let task = tasks[index];
                    let result = play(
                        task,
                        &options.pontoon,
                        phase(run, options.runs, task.timing.interval()),
                    );
                    tell(number + 1, all, task, &result);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.push((index, result));
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    gather(&tasks, results)
}

fn tasks(options: &Options) -> Vec<Task> {
    let mut tasks = Vec::new();
    for &timing in &options.timings {
        for &scenario in &options.scenarios {
            for &contender in &options.contenders {
                tasks.push(Task {
                    timing,
                    scenario,
                    contender,
                });
            }
        }
    }
    tasks
}

fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// How long after an advert the event happens: each run at another moment, all of them evenly
/// spread over the interval, the same for all contenders.
fn phase(run: usize, runs: usize, interval: Duration) -> Duration {
    let part = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    interval * (2 * part(run) + 1) / (2 * part(runs))
}

fn play(task: Task, pontoon: &Path, phase: Duration) -> Result<Seen> {
    let [first, second] = task.timing.configurations(task.contender);
    let mut pair = Pair::build(task.contender.programs(pontoon), [&first, &second])?;
    let seen = task.scenario.play(&mut pair, task.contender, phase);
    seen.map_err(|problem| pair.nodes[1].complain(&pair.nodes[0].complain(&problem)))
}

fn tell(number: usize, all: usize, task: Task, result: &Result<Seen>) {
    let said = match result {
        Ok(seen) => format!("{seen:?}"),
        Err(problem) => format!("FAILED: {problem}"),
    };
    let (timing, scenario) = (task.timing.name(), task.scenario.name());
    let contender = task.contender.name();
    eprintln!("[{number}/{all}] {timing} {scenario} {contender}: {said}");
}

fn gather(tasks: &[Task], results: Vec<(usize, Result<Seen>)>) -> Vec<Figure> {
    let figure = |task: &Task| Figure {
        task: *task,
        seen: Vec::new(),
        failures: Vec::new(),
    };
    let mut figures: Vec<_> = tasks.iter().map(figure).collect();
    for (index, result) in results {
        match result {
            Ok(seen) => figures[index].seen.push(seen),
            Err(problem) => figures[index].failures.push(problem.to_string()),
        }
    }
    figures
}
