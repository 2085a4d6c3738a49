//! What checks, agents, live traffic and administrators make of a server.

use std::time::{Duration, Instant};

use super::{
    Action, AgentView, Backend, HealthReport, LimitMemory, Reason, StateChange,
    member::{Face, Member, Stance},
    queue::Line,
};
use crate::{
    health::{AgentAnswer, AgentVerdict, CheckResult, CheckStatus, OnError},
    server::{AdminState, Settings, Status},
    units::{ServerId, Weight},
};

impl Backend {
    pub(super) fn apply_check(&mut self, id: ServerId, result: CheckResult, now: Instant) {
        let member = &mut self.members[id.index()];
        // A check that was under way when it was forbidden says nothing any more.
        let Some(counter) = member
            .counter
            .filter(|_| member.face() != Face::Maintenance && !member.checks_off)
        else {
            return;
        };
        if !result.status.passed() && counter.is_up() {
            member.counts.failed_checks += 1;
        }
        member.checked = Some(now);
        let last = member.last_check.replace(result.clone());
        let told = self.actions.len();
        let reason = Reason::Check(result.clone());
        self.change(id, reason, now, |member, _| {
            member.count_check(result.status)
        });

        let after = self.members[id.index()].counter;
        let moved = after.is_some_and(|after| after.health() != counter.health());
        let changed = moved || last.is_none_or(|last| last.status != result.status);
        let report = self.report(id, result, changed);
        // What was found is told before what follows from it.
        self.actions.insert(told, report);
    }

    fn report(&self, server: ServerId, result: CheckResult, changed: bool) -> Action {
        let member = &self.members[server.index()];
        Action::HealthReport(HealthReport {
            server,
            result,
            agent: false,
            status: member.status(&self.servers[server.index()]),
            health: member.health(),
            weightless: member.weight == Weight::ZERO,
            changed,
        })
    }

    pub(super) fn apply_agent(&mut self, id: ServerId, mut view: AgentView, now: Instant) {
        let asked = view.status == CheckStatus::L7Ok;
        let mut answer = if asked {
            AgentAnswer::parse(&view.text)
        } else {
            AgentAnswer::default()
        };
        if self.members[id.index()].agent_off {
            answer = answer.without_weight();
        }
        let result = if asked {
            view.status = answer.status();
            agent_result(&answer, &view)
        } else {
            unasked(&view)
        };
        let told = self.actions.len();
        self.members[id.index()].asked = Some(now);
        let last = self.members[id.index()].last_agent.replace(view);
        let reason = Reason::Agent(result.clone());
        self.change(id, reason, now, |member, settings| {
            member.obey(&answer, settings);
        });
        if answer.verdict.is_some() || !asked {
            let changed = last.is_none_or(|last| last.status != result.status);
            let report = self.agent_report(id, result, changed);
            self.actions.insert(told, report);
        }
    }

    /// An agent's word counts at once: it rises and falls after one answer.
    fn agent_report(&self, server: ServerId, result: CheckResult, changed: bool) -> Action {
        // What the agent said last still stands if it could not be asked now.
        let up = !self.members[server.index()].agent_down;
        Action::HealthReport(HealthReport {
            server,
            result,
            agent: true,
            status: if up { Status::Up } else { Status::Down },
            health: u32::from(up),
            weightless: self.members[server.index()].weight == Weight::ZERO,
            changed,
        })
    }

    pub(super) fn apply_observation(&mut self, id: ServerId, ok: bool, now: Instant) {
        let Some(observe) = self.servers[id.index()].observe else {
            return;
        };
        let member = &mut self.members[id.index()];
        if ok {
            member.observed_errors = 0;
            return;
        }
        member.observed_errors += 1;
        if member.counter.is_none() || member.observed_errors < observe.error_limit.max(1) {
            return;
        }
        let result = observed_result(member.observed_errors);
        member.observed_errors = 0;
        member.hurried = true;
        self.change(id, Reason::Check(result), now, |member, _| {
            member.suffer(observe.on_error);
        });
        self.actions.push_back(Action::CheckSooner { server: id });
    }

    /// Applies a change to a server and draws all consequences.
    pub(super) fn change(
        &mut self,
        id: ServerId,
        reason: Reason,
        now: Instant,
        apply: impl FnOnce(&mut Member, &Settings),
    ) {
        let member = &mut self.members[id.index()];
        // A check that was on its way, or a server that it followed.
        if member.gone {
            return;
        }
        let (before, weight, limit) = (member.stance(), member.weight, member.limit);
        apply(member, &self.servers[id.index()]);
        if member.stance() != before {
            self.transition(id, before, reason, now);
        } else if (member.weight, member.limit) != (weight, limit) {
            self.reshare(now);
        }
    }

    /// After a weight or limit changed, with no change of state to tell.
    pub(super) fn reshare(&mut self, now: Instant) {
        if self.repool(now) {
            self.actions.push_back(Action::NoServerLeft);
        }
        self.admit_all(now);
    }

    fn transition(&mut self, id: ServerId, before: Stance, reason: Reason, now: Instant) {
        let member = &mut self.members[id.index()];
        let (from, to) = (before.face, member.face());
        member.note_transition(from, to, now);
        self.start_slowly(id, from, to, now);
        let leaves = to != Face::Up && to != from;
        let mut requeued = if leaves { self.queue.requeue(id) } else { 0 };
        let nobody_left = self.repool(now);

        let told = self.actions.len();
        requeued += self.admit_on(id, now);
        let change = self.describe(id, before, reason, requeued);
        self.actions.insert(told, Action::StateChanged(change));
        if to != from {
            self.order_shutdowns(id, to);
        }
        if nobody_left {
            self.actions.push_back(Action::NoServerLeft);
        }
        self.admit_all(now);
    }

    fn describe(&self, id: ServerId, before: Stance, reason: Reason, requeued: u32) -> StateChange {
        let member = &self.members[id.index()];
        StateChange {
            server: id,
            status: member.status(&self.servers[id.index()]),
            was: before.standing,
            now: member.stance().standing,
            reason,
            active_left: self.usable.active,
            backup_left: self.usable.backup,
            sessions: member.sessions,
            requeued,
            queued: self.queue.length(Line::Backend),
        }
    }

    fn order_shutdowns(&mut self, id: ServerId, to: Face) {
        let settings = &self.servers[id.index()];
        let gone = matches!(to, Face::Down | Face::Maintenance);
        if gone && settings.shutdown_sessions_on_down {
            self.actions
                .push_back(Action::ShutdownSessions { server: id });
        }
        let relieves = !settings.backup && self.members[id.index()].is_usable();
        if to == Face::Up && relieves && settings.shutdown_backup_sessions_on_up {
            self.actions.push_back(Action::ShutdownBackupSessions);
        }
    }
}

impl Member {
    fn count_check(&mut self, status: CheckStatus) {
        self.hurried = false;
        let Some(counter) = &mut self.counter else {
            return;
        };
        match status {
            // A server that wants to stop is not brought up by saying so.
            CheckStatus::L7OkConditional if !counter.is_up() => {}
            _ if status.passed() => {
                counter.pass();
                self.proven = true;
                self.stopping = status == CheckStatus::L7OkConditional;
            }
            _ => {
                counter.fail();
                self.stopping &= counter.is_up();
            }
        }
    }

    fn suffer(&mut self, on_error: OnError) {
        let Some(counter) = &mut self.counter else {
            return;
        };
        match on_error {
            OnError::FastInterval => {}
            OnError::FailCheck => {
                self.counts.failed_checks += u64::from(counter.is_up());
                counter.fail();
            }
            OnError::SuddenDeath => counter.weaken(),
            OnError::MarkDown => counter.bring_down(),
        }
    }

    fn obey(&mut self, answer: &AgentAnswer, settings: &Settings) {
        if let Some(percent) = answer.percent {
            self.weight = percent_of(settings.weight, percent);
        }
        if let Some(limit) = answer.max_connections {
            self.limit = Some(LimitMemory {
                most: limit,
                by_agent: true,
            });
        }
        if let Some(state) = answer.admin {
            self.set_admin(state);
            self.agent_chose = state != AdminState::Ready;
        }
        match answer.verdict {
            Some(AgentVerdict::Up) => self.agent_down = false,
            Some(AgentVerdict::Down) => self.agent_down = true,
            None => {}
        }
    }

    fn note_transition(&mut self, from: Face, to: Face, now: Instant) {
        self.last_change = now;
        let gone = |face| matches!(face, Face::Down | Face::Maintenance);
        match (gone(from), gone(to)) {
            (false, true) => {
                self.down_since = Some(now);
                self.counts.went_down += 1;
            }
            (true, false) => {
                self.downtime = self.downtime_at(now);
                self.down_since = None;
            }
            (true, true) | (false, false) => {}
        }
        if to == Face::Maintenance && self.admin == AdminState::Maintenance {
            self.stopping = false;
        }
    }
}

/// A percentage of the configured weight, rounded down, within the range of weights.
fn percent_of(weight: Weight, percent: u32) -> Weight {
    let scaled = u64::from(weight.get()) * u64::from(percent) / 100;
    u16::try_from(scaled)
        .ok()
        .and_then(Weight::new)
        .unwrap_or(Weight::MAX)
}

/// Why an agent could not be asked.
fn unasked(view: &AgentView) -> CheckResult {
    CheckResult {
        status: view.status,
        code: None,
        info: Some(view.text.clone()).filter(|text| !text.is_empty()),
        duration: view.duration,
    }
}

/// An agent's answer as the log tells it: its verdict, in its own word.
fn agent_result(answer: &AgentAnswer, view: &AgentView) -> CheckResult {
    let word = answer.verdict_word.as_deref().unwrap_or_default();
    let info = match &answer.description {
        Some(description) => format!("via agent : {word} ({description})"),
        None => format!("via agent : {word}"),
    };
    CheckResult {
        status: view.status,
        code: Some(0),
        info: Some(info),
        duration: view.duration,
    }
}

/// What live traffic found, in the words of the log.
fn observed_result(errors: u32) -> CheckResult {
    let info =
        format!("Detected {errors} consecutive errors, last one was: L4 unsuccessful connection");
    CheckResult {
        status: CheckStatus::Observed,
        code: None,
        info: Some(info),
        duration: Duration::ZERO,
    }
}
