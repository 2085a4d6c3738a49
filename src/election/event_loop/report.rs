//! What the election tells when it is asked: the status, dumps.

use std::time::{Instant, SystemTime};

use pontoon_engine::vrrp::{
    event::{Proxy, ProxyFault, Servers},
    view::InstanceView,
};
use pontoon_sys::process::identity;

use super::EventLoop;
use crate::{
    election::{
        dump::{self, Shown},
        log::Level,
        process::signals::Function,
        status::{self, FloatingIpStatus, ScriptStatus, Status},
        track::ScriptState,
    },
    node::message::{FromElection, Held},
};

impl EventLoop {
    /// Answers the supervisor.
    pub(super) fn answer(&mut self, id: u64) {
        // Plain structs can always be written.
        let status = serde_json::to_value(self.status()).unwrap_or_default();
        self.tell(&FromElection::Status { id, status });
    }

    fn status(&self) -> Status {
        let wanted: Vec<Vec<Held>> = self.wanted();
        let model = &self.model;
        let host = identity::host_name();
        status::gather(status::Facts {
            model,
            settings: &self.settings,
            files: &self.options.files.names,
            router_id: model.global.router_id.as_ref().unwrap_or(&host),
            views: &self.views(),
            held: &self.network.held(),
            wanted: &wanted,
            floating_ips: self.floating_ips(),
            scripts: self.scripts(),
            proxy: proxy_words(self.proxy_state),
            history: &self.history,
            events: &self.events,
            started: self.started,
            now: Instant::now(),
            clock: SystemTime::now(),
        })
    }

    fn views(&self) -> Vec<InstanceView> {
        let instances = self.instances();
        instances.map(|id| self.election.instance(id)).collect()
    }

    fn wanted(&self) -> Vec<Vec<Held>> {
        let instances = self.instances();
        instances.map(|id| self.network.would_hold(id)).collect()
    }

    fn floating_ips(&self) -> Vec<Vec<FloatingIpStatus>> {
        let now = Instant::now();
        let instances = self.instances();
        instances.map(|id| self.floating.status(id, now)).collect()
    }

    fn scripts(&self) -> Vec<ScriptStatus> {
        let now = Instant::now();
        let views = self.trackers.views().into_iter();
        views
            .map(|view| ScriptStatus {
                name: view.name.to_string(),
                state: script_state(view.state).to_owned(),
                last: view.status,
                took: view.duration.map(|duration| duration.as_secs_f64()),
                ran_ago: view
                    .run_at
                    .map(|at| now.saturating_duration_since(at).as_secs_f64()),
            })
            .collect()
    }

    /// Writes what the signal asks for into its file.
    pub(super) fn dump(&mut self, function: Function) {
        let pid = std::process::id();
        let (what, path) = match function {
            Function::Data => ("VRRP data", dump::DATA),
            Function::Json => ("VRRP as json", dump::JSON),
            _ => ("VRRP stats", dump::STATISTICS),
        };
        let text = format!("Printing {what} for process({pid}) on signal");
        self.log.line(Level::Info, text);
        let shown = self.shown();
        let content = match function {
            Function::Data => dump::data(&shown),
            Function::Json => dump::json(&shown),
            _ => dump::statistics(&shown),
        };
        if let Err(error) = dump::write(path.as_ref(), &content) {
            let text = format!("Can't open {path} ({error})");
            self.log.line(Level::Error, text);
        }
        if function == Function::ClearStatistics {
            self.clear_statistics();
        }
    }

    /// `-d`: the data goes into the log.
    pub(super) fn log_configuration(&self) {
        for line in dump::data(&self.shown()).lines() {
            self.log.line(Level::Info, line);
        }
    }

    fn clear_statistics(&mut self) {
        let settings = &self.settings;
        let counted = self.instances().map(|id| {
            let name = settings.instances.get(id.0).map(|it| it.name.clone());
            (
                name.unwrap_or_default(),
                self.election.instance(id).counters,
            )
        });
        self.cleared = counted.collect();
    }

    fn shown(&self) -> Shown {
        let mut views = self.views();
        for (view, instance) in views.iter_mut().zip(&self.model.instances) {
            if let Some(cleared) = self.cleared.get(&instance.name) {
                dump::subtract(&mut view.counters, cleared);
            }
        }
        let instances = self.instances();
        Shown {
            model: self.model.clone(),
            views,
            scripts: self.trackers.views(),
            sources: instances.map(|id| self.network.source(id)).collect(),
            losses: self.instances().map(|id| self.network.losses(id)).collect(),
            held: self.network.held(),
            now: Instant::now(),
            clock: SystemTime::now(),
        }
    }
}

const fn script_state(state: ScriptState) -> &'static str {
    match state {
        ScriptState::Unknown => "unknown",
        ScriptState::Up => "up",
        ScriptState::Down => "down",
        ScriptState::Disabled => "disabled",
        ScriptState::Untracked => "not tracked",
    }
}

/// `None`: there is no proxy.
pub(super) fn proxy_words(state: Proxy) -> Option<String> {
    let words = match state {
        Proxy::Absent => return None,
        Proxy::Starting => "starting",
        Proxy::Serving(Servers::Unchecked) => "serves; its servers are not checked",
        Proxy::Serving(Servers::Pending) => "serves; no server has passed a check yet",
        Proxy::Serving(Servers::Usable) => "serves",
        Proxy::Serving(Servers::AllDown) => "serves; all servers are down",
        Proxy::Down(ProxyFault::Died) => "died",
        Proxy::Down(ProxyFault::CannotStart) => "cannot start",
        Proxy::Down(ProxyFault::Hung) => "does not answer",
        Proxy::Down(ProxyFault::Stopped) => "was stopped",
    };
    Some(words.to_owned())
}
