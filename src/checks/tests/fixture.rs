//! Backends whose servers are checked, and servers that count.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use pontoon_engine::{
    backend::ServerView,
    server::{AdminState, Status},
    units::{ProxyId, ServerId},
};
use tokio::task::JoinHandle;

use crate::{checks::Checks, state::Running, testing};

/// `inter` of the servers.
pub(super) const INTERVAL: &str = "40ms";
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks that run.
pub(super) struct Fixture {
    pub(super) running: Arc<Running>,
    task: JoinHandle<()>,
}

impl Fixture {
    /// One backend with these lines; a server is checked every 40 ms, and begins fully up.
    pub(super) fn start(lines: &str) -> Self {
        Self::of(format!(
            "
backend be
    default-server check inter {INTERVAL} init-state fully-up
{lines}
"
        ))
    }

    pub(super) fn of(text: String) -> Self {
        let model = testing::model(text);
        let checks = Checks::load(&model).unwrap();
        let running = testing::running(model, testing::process(), 0);
        let task = tokio::spawn(checks.run(Arc::clone(&running)));
        Self { running, task }
    }

    /// Waits until every server has been checked once.
    pub(super) async fn checked_all(&self) {
        let count = self.running.model.proxies[0]
            .backend
            .as_ref()
            .unwrap()
            .servers
            .len();
        let ids = 0..u32::try_from(count).unwrap();
        eventually("check of every server", || {
            let mut views = ids.clone().map(|id| self.view(ServerId(id)));
            views.all(|view| view.last_check.is_some())
        })
        .await;
    }

    pub(super) fn usable(&self) -> u32 {
        self.running
            .backend(ProxyId(0))
            .unwrap()
            .balancer()
            .usable_servers()
    }

    pub(super) fn view(&self, server: ServerId) -> ServerView {
        self.view_in(ProxyId(0), server)
    }

    fn view_in(&self, proxy: ProxyId, server: ServerId) -> ServerView {
        let state = self.running.backend(proxy).unwrap();
        state.balancer().server_view(server, Instant::now())
    }

    pub(super) fn set_admin(&self, server: ServerId, state: AdminState) {
        let now = Instant::now();
        self.running.with_backend(ProxyId(0), now, |backend| {
            backend.set_admin(server, state, now)
        });
    }

    pub(super) async fn status(&self, server: ServerId, status: Status) {
        self.status_in(ProxyId(0), server, status).await;
    }

    pub(super) async fn status_in(&self, proxy: ProxyId, server: ServerId, status: Status) {
        let what = format!("status {status}");
        eventually(&what, || self.view_in(proxy, server).status == status).await;
    }

    pub(super) async fn until(&self, what: &str, holds: impl Fn(&ServerView) -> bool) {
        eventually(what, || holds(&self.view(ServerId(0)))).await;
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "no {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A server that counts its clients; it stops listening when dropped.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    accepted: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Listener {
    /// One that closes at once.
    pub(super) fn new() -> Self {
        Self::serving(drop)
    }

    pub(super) fn at(address: SocketAddr) -> Self {
        Self::on(TcpListener::bind(address).unwrap(), drop)
    }

    /// One that does this with each client, on a thread of its own.
    pub(super) fn serving(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), serve)
    }

    fn on(listener: TcpListener, serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let (accepted, stop) = (
            Arc::new(AtomicU32::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let thread = {
            let (accepted, stop) = (Arc::clone(&accepted), Arc::clone(&stop));
            thread::spawn(move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    accepted.fetch_add(1, Ordering::SeqCst);
                    let serve = serve.clone();
                    // A check of layer 4 may have reset it already.
                    if let Ok(stream) = stream {
                        thread::spawn(move || serve(stream));
                    }
                }
            })
        };
        Self {
            address,
            accepted,
            stop,
            thread: Some(thread),
        }
    }

    pub(super) fn count(&self) -> u32 {
        self.accepted.load(Ordering::SeqCst)
    }

    pub(super) async fn accepted(&self, at_least: u32) {
        eventually("clients", || self.count() >= at_least).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accept.
        let _woken = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
