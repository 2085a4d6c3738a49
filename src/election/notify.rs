//! Telling the user's scripts and FIFOs what has become of instances and groups.
//!
//! Each instance and each group has a queue of its own: what is told of one is told in order, one script
//! after the other. FIFOs hear everything at once. Nothing here keeps the election waiting.

mod fifo;
mod queue;

use std::{collections::HashMap, sync::Arc, time::Duration};

use pontoon_config::keepalived::model::{Command, Model, Notify};
use pontoon_engine::vrrp::{
    InstanceId, Priority, Role,
    action::{NotifyState, Subject},
};
use tokio::time::{Instant, timeout_at};

pub use self::fifo::SavedFifo;
use self::{
    fifo::Fifos,
    queue::{Job, Pending, Queue},
};
use super::{
    log::{Level, Log},
    script::{Groups, Script, Scripts},
};

/// Carries out notifications.
#[derive(Debug)]
pub struct Notifier {
    log: Log,
    timeout: Duration,
    instances: Vec<Told>,
    groups: Vec<Told>,
    fifos: Fifos,
    priority_changes: bool,
    queues: HashMap<Key, Queue>,
    /// Of all queues.
    running: Groups,
    pending: Pending,
    /// Queues of instances and groups that a reload removed; they come to their end.
    ending: Vec<Queue>,
}

/// The keyword of a state's own script, and the script.
type Own<'a> = (&'static str, Option<&'a Script>);

/// `INSTANCE` or `GROUP`, and its name.
type Key = (&'static str, Arc<str>);

/// What is run for an instance or a group.
#[derive(Debug)]
struct Told {
    key: Key,
    master: Option<Script>,
    backup: Option<Script>,
    fault: Option<Script>,
    stop: Option<Script>,
    any: Option<Script>,
    /// What is run for `DELETED`, if that is told.
    deleted: Option<Option<Script>>,
    lower_priority: Option<Script>,
}

impl Notifier {
    /// Makes everything ready: looks at the scripts, opens FIFOs, starts their readers. To be called inside
    /// the event loop.
    #[must_use]
    pub fn new(model: &Model, log: Log) -> Self {
        Self::go_on(model, log, Vec::new())
    }

    /// The same, with the FIFOs of the program before, and their readers.
    #[must_use]
    pub fn go_on(model: &Model, log: Log, before: Vec<SavedFifo>) -> Self {
        let fifos = Fifos::resumed(before, log.clone());
        let mut notifier = Self {
            log,
            timeout: Duration::ZERO,
            instances: Vec::new(),
            groups: Vec::new(),
            fifos,
            priority_changes: false,
            queues: HashMap::new(),
            running: Groups::default(),
            pending: Pending::default(),
            ending: Vec::new(),
        };
        notifier.reload(model);
        notifier
    }

    /// An instance or a group is in a new state.
    pub fn notify(&mut self, subject: Subject, state: NotifyState, priority: Priority) {
        let Some(told) = told(&self.instances, &self.groups, subject) else {
            return;
        };
        // A group has no priority of its own; keepalived says 0.
        let priority = match subject {
            Subject::Instance(_) => priority,
            Subject::Group(_) => Priority(0),
        };
        let jobs = told.jobs(state.name(), told.of(state), priority, &self.pending);
        self.fifos.write(&told.line(state.name(), priority));
        let key = told.key.clone();
        self.enqueue(key, jobs);
    }

    /// A reload has removed an instance: it is in FAULT for ever, or DELETED if the file wants to
    /// hear that.
    pub fn removed(&mut self, instance: InstanceId, priority: Priority) {
        let Some(told) = self.instances.get(instance.0) else {
            return;
        };
        let (state, script) = match &told.deleted {
            Some(script) => ("DELETED", ("notify_deleted", script.as_ref())),
            None => (NotifyState::Fault.name(), told.of(NotifyState::Fault)),
        };
        let jobs = told.jobs(state, script, priority, &self.pending);
        self.fifos.write(&told.line(state, priority));
        let key = told.key.clone();
        self.enqueue(key, jobs);
    }

    /// An instance's priority has changed.
    pub fn priority_changed(&mut self, instance: InstanceId, role: Role, priority: Priority) {
        if !self.priority_changes {
            return;
        }
        let Some(told) = self.instances.get(instance.0) else {
            return;
        };
        let state = match role {
            Role::Master => "MASTER_PRIORITY",
            Role::Init | Role::Backup | Role::Fault => "BACKUP_PRIORITY",
        };
        let (kind, name) = &told.key;
        self.fifos
            .write(&format!("{kind} \"{name}\" {state} {priority}\n"));
    }

    /// A master has heard a lower priority than its own, which is `priority`.
    pub fn lower_priority_heard(&mut self, instance: InstanceId, priority: Priority) {
        let Some(told) = self.instances.get(instance.0) else {
            return;
        };
        let (kind, name) = &told.key;
        self.fifos.write(&format!(
            "{kind} \"{name}\" MASTER_RX_LOWER_PRI {priority}\n"
        ));
        let Some(script) = &told.lower_priority else {
            return;
        };
        let job = Job {
            what: format!("({name}) notify_master_rx_lower_pri script"),
            script: script.clone(),
            arguments: Vec::new(),
            once: true,
            pending: self.pending.clone(),
        };
        let key = told.key.clone();
        self.enqueue(key, vec![job]);
    }

    fn enqueue(&mut self, key: Key, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let (timeout, running, log) = (self.timeout, &self.running, &self.log);
        let new = || Queue::start(timeout, running.clone(), log.clone());
        self.queues.entry(key).or_insert_with(new).push(jobs);
    }

    /// Whether nothing runs and nothing waits, but the readers of FIFOs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_over()
    }

    /// What the next program needs.
    #[must_use]
    pub fn saved(&self) -> Vec<SavedFifo> {
        self.fifos.saved()
    }

    /// Waits until other scripts run than before; returns their process groups. Can be given up.
    pub async fn running(&self) -> Vec<i32> {
        self.running.changed().await
    }

    /// Goes on with another model. What is under way or waits is not disturbed, and still comes
    /// before what follows.
    pub fn reload(&mut self, model: &Model) {
        let scripts = Scripts::new(&model.global);
        let prepare = |kind, name: &Arc<str>, notify: &Notify| {
            Told::new((kind, Arc::clone(name)), notify, &scripts, &self.log)
        };
        let instances = model.instances.iter();
        self.instances = instances
            .map(|instance| prepare("INSTANCE", &instance.name, &instance.notify))
            .collect();
        let groups = model.groups.iter();
        self.groups = groups
            .map(|group| prepare("GROUP", &group.name, &group.notify))
            .collect();
        self.timeout = model.global.notify_timeout;
        self.priority_changes = model.global.notify_priority_changes;
        self.fifos.reload(&model.global.notify_fifos, &scripts);
        self.reload_queues();
    }

    fn reload_queues(&mut self) {
        self.ending.retain(|queue| !queue.has_ended());
        let told = self.instances.iter().chain(&self.groups);
        let keys: Vec<_> = told.map(|told| &told.key).collect();
        let queues = std::mem::take(&mut self.queues);
        for (key, mut queue) in queues {
            if keys.contains(&&key) {
                queue.set_timeout(self.timeout);
                self.queues.insert(key, queue);
            } else {
                queue.close();
                self.ending.push(queue);
            }
        }
    }

    /// At the stop: runs what waits, and ends what is not done by then. Then the readers of FIFOs are
    /// ended, after they had a chance to read the last lines.
    pub async fn finish(self, within: Duration) {
        let deadline = Instant::now() + within;
        let mut queues: Vec<_> = self.queues.into_values().chain(self.ending).collect();
        for queue in &mut queues {
            queue.close();
        }
        let mut late = Vec::new();
        for mut queue in queues {
            if timeout_at(deadline, queue.ended()).await.is_err() {
                late.push(queue);
            }
        }
        if !late.is_empty() {
            self.log.line(
                Level::Warning,
                format_args!(
                    "Notify scripts have not ended within {} ms of the stop; they are ended",
                    within.as_millis()
                ),
            );
        }
        // All at once: together they must not take longer than one.
        let ending: Vec<_> = late.into_iter().map(Queue::abandon).collect();
        for task in ending {
            let _panics_abort = task.await;
        }
        self.fifos.finish(deadline).await;
    }
}

fn told<'a>(instances: &'a [Told], groups: &'a [Told], subject: Subject) -> Option<&'a Told> {
    match subject {
        Subject::Instance(id) => instances.get(id.0),
        Subject::Group(id) => groups.get(id.0),
    }
}

impl Told {
    fn new(key: Key, notify: &Notify, scripts: &Scripts, log: &Log) -> Self {
        let prepare = |keyword: &str, command: &Option<Command>| {
            let purpose = format!("{keyword} script of {}", key.1);
            scripts.prepare(command.as_ref()?, &purpose, log)
        };
        Self {
            master: prepare("notify_master", &notify.master),
            backup: prepare("notify_backup", &notify.backup),
            fault: prepare("notify_fault", &notify.fault),
            stop: prepare("notify_stop", &notify.stop),
            any: prepare("notify", &notify.any),
            deleted: notify
                .deleted
                .as_ref()
                .map(|deletion| prepare("notify_deleted", &deletion.script)),
            lower_priority: prepare("notify_master_rx_lower_pri", &notify.lower_priority),
            key,
        }
    }

    /// What FIFOs hear.
    fn line(&self, state: &str, priority: Priority) -> String {
        let (kind, name) = &self.key;
        format!("{kind} \"{name}\" {state} {priority}\n")
    }

    /// What is run for a state: its own script first.
    fn jobs(&self, state: &str, own: Own<'_>, priority: Priority, pending: &Pending) -> Vec<Job> {
        let (kind, name) = &self.key;
        let words = [*kind, name, state].map(str::to_owned);
        let added = words.into_iter().chain([priority.to_string()]).collect();
        let (keyword, script) = own;
        let first = script.map(|script| (keyword, script, Vec::new()));
        let then = self.any.as_ref().map(|script| ("notify", script, added));
        let scripts = first.into_iter().chain(then);
        scripts
            .map(|(keyword, script, arguments)| Job {
                what: format!("({name}) {keyword} script for {state}"),
                script: script.clone(),
                arguments,
                once: false,
                pending: pending.clone(),
            })
            .collect()
    }

    /// What is run for this state only.
    const fn of(&self, state: NotifyState) -> Own<'_> {
        match state {
            NotifyState::Master => ("notify_master", self.master.as_ref()),
            NotifyState::Backup => ("notify_backup", self.backup.as_ref()),
            NotifyState::Fault => ("notify_fault", self.fault.as_ref()),
            NotifyState::Stop => ("notify_stop", self.stop.as_ref()),
        }
    }
}

#[cfg(test)]
mod tests;
