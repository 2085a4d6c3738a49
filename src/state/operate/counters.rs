//! `clear counters`: maxima, or everything, begin anew.

use std::sync::{Arc, atomic::Ordering};

use tokio::sync::oneshot;

use crate::state::{
    BackendState, FrontendState, Running, Times, carry::counted::clear, counters::Average,
    mailbox::Message,
};

impl Running {
    /// `clear counters`: the highest values begin anew at the present ones.
    pub fn clear_maxima(&self) {
        let process = &self.process;
        process.sessions.clear();
        process.connection_rate.clear();
        process.session_rate.clear();
        for proxy in &self.proxies {
            if let Some(frontend) = &proxy.frontend {
                frontend.clear_maxima();
            }
            if let Some(backend) = &proxy.backend {
                backend.clear_maxima();
            }
        }
    }

    /// `clear counters all`: everything that only grows begins anew. Each data thread clears what it
    /// counts itself; when this returns, all have.
    pub async fn clear_counters(self: &Arc<Self>) {
        let mut cleared = Vec::new();
        for thread in &self.threads {
            let (done, told) = oneshot::channel();
            thread.post(Message::ClearCounters(done));
            cleared.push(told);
        }
        self.clear_shard(self.control_shard());
        for told in cleared {
            // A thread that has ended counts no more.
            let _ended = told.await;
        }
        for backend in self.proxies.iter().filter_map(|it| it.backend.as_ref()) {
            backend.clear_counters();
        }
        self.clear_maxima();
    }

    /// Clears what one thread counts. To be called by that thread.
    pub fn clear_shard(&self, shard: usize) {
        for proxy in &self.proxies {
            if let Some(frontend) = &proxy.frontend {
                frontend.clear_shard(shard);
            }
            if let Some(backend) = &proxy.backend {
                clear(backend.counters.of(shard));
                for server in &backend.servers {
                    clear(server.counters.of(shard));
                }
            }
        }
    }
}

impl FrontendState {
    fn clear_maxima(&self) {
        self.sessions.clear();
        self.connection_rate.clear();
        self.session_rate.clear();
        self.request_rate.clear();
        for listener in &self.listeners {
            listener.sessions.clear();
        }
    }

    fn clear_shard(&self, shard: usize) {
        clear(self.counters.of(shard));
        for listener in &self.listeners {
            clear(listener.counters.of(shard));
        }
    }
}

impl BackendState {
    fn clear_maxima(&self) {
        self.balancer().clear_maxima();
        self.sessions.clear();
        self.session_rate.clear();
        self.times.each().for_each(Average::clear_most);
        for server in &self.servers {
            server.sessions.clear();
            server.session_rate.clear();
            server.times.each().for_each(Average::clear_most);
        }
    }

    /// All but what the threads count.
    fn clear_counters(&self) {
        self.balancer().clear_counts();
        self.last_session.store(0, Ordering::Relaxed);
        self.times.each().for_each(Average::clear);
        for server in &self.servers {
            server.last_session.store(0, Ordering::Relaxed);
            server.times.each().for_each(Average::clear);
        }
    }
}

impl Times {
    fn each(&self) -> impl Iterator<Item = &Average> {
        [&self.queue, &self.connect, &self.response, &self.total].into_iter()
    }
}
