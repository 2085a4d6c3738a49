//! Against real processes and a real heart; what beats and silences mean is tested in `vital`.

use std::{
    fs,
    process::{Child, Command},
};

use pontoon_engine::vrrp::event::Servers;
use pontoon_lab::temp::TempDir;

use super::*;
use crate::{
    node::{
        beat::Heart,
        message::{self, Beat},
    },
    testing,
};

const UNCHECKED: News = News::Proxy(Proxy::Serving(Servers::Unchecked));
const DIED: News = News::Proxy(Proxy::Down(ProxyFault::Died));

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long is waited for what must not come.
const A_WHILE: Duration = Duration::from_millis(200);

fn run(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(test);
}

async fn next(watch: &mut ProxyWatch) -> News {
    tokio::time::timeout(PATIENCE, watch.next()).await.unwrap()
}

async fn no_news(watch: &mut ProxyWatch) {
    let news = tokio::time::timeout(A_WHILE, watch.next()).await;
    assert!(news.is_err(), "{news:?}");
}

fn ended(asked_for: bool) -> ToElection {
    let how = "was ended by SIGKILL".into();
    ToElection::ProxyEnded { how, asked_for }
}

/// A process that only bears a name.
struct Named(Child);

impl Named {
    fn start(folder: &TempDir, name: &str) -> Self {
        let path = folder.path().join(name);
        if !path.exists() {
            std::os::unix::fs::symlink("/bin/sleep", &path).unwrap();
        }
        let process = Self(Command::new(path).arg("60").spawn().unwrap());
        // It bears our name until its exec is through.
        let comm = format!("/proc/{}/comm", process.0.id());
        while fs::read_to_string(&comm).unwrap().trim_end() != name {
            std::thread::yield_now();
        }
        process
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A pid file that nobody has written yet, and who looks at it.
fn twin() -> (TempDir, PathBuf, ProxyWatch) {
    let folder = TempDir::new("twin").unwrap();
    let file = folder.path().join("haproxy.pid");
    let watch = ProxyWatch::twin(file.clone(), Log::to_standard_error());
    (folder, file, watch)
}

#[test]
fn a_supervised_proxy_serves_when_it_beats_and_is_down_when_it_ends() {
    let _one_heart = testing::heart();
    run(async {
        let heart = Heart::new().unwrap();
        let mut watch = ProxyWatch::supervised("/nowhere".into(), Log::to_standard_error());
        watch.told(&ToElection::ProxyStarting);
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Starting));
        let pid = std::process::id();
        watch.told(&ToElection::ProxyReady { pid });
        let beat = |servers| Beat {
            servers,
            slowest_thread: Duration::ZERO,
            stopping: false,
        };
        let pending = || beat(message::Servers::Pending);
        heart.heard_by_another(pending).await.unwrap();
        let serving = |servers| News::Proxy(Proxy::Serving(servers));
        assert_eq!(next(&mut watch).await, serving(Servers::Pending));
        heart.beat(&pending());
        heart.beat(&beat(message::Servers::Usable));
        assert_eq!(next(&mut watch).await, serving(Servers::Usable));
        watch.told(&ended(false));
        assert_eq!(next(&mut watch).await, DIED);
        watch.told(&ToElection::ProxyStarting);
        no_news(&mut watch).await;
    });
}

#[test]
fn how_a_supervised_proxy_ended_is_told() {
    run(async {
        let mut watch = ProxyWatch::supervised("/nowhere".into(), Log::to_standard_error());
        // A process without a beat.
        watch.told(&ToElection::ProxyReady { pid: 1 });
        assert_eq!(next(&mut watch).await, UNCHECKED);
        watch.told(&ended(true));
        let stopped = News::Proxy(Proxy::Down(ProxyFault::Stopped));
        assert_eq!(next(&mut watch).await, stopped);
        let how = "exited with code 1".into();
        watch.told(&ToElection::ProxyCannotStart { how });
        let cannot = News::Proxy(Proxy::Down(ProxyFault::CannotStart));
        assert_eq!(next(&mut watch).await, cannot);
    });
}

#[test]
fn a_node_without_a_proxy_of_its_own_looks_for_a_twin() {
    run(async {
        let mut watch = ProxyWatch::supervised("/nowhere/pid".into(), Log::to_standard_error());
        no_news(&mut watch).await;
        watch.told(&ToElection::NoProxy);
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Absent));
    });
}

#[test]
fn a_twin_is_found_when_its_pid_file_is_written_and_its_death_is_noticed() {
    run(async {
        let (folder, file, mut watch) = twin();
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Absent));
        let mut proxy = Named::start(&folder, "haproxy");
        fs::write(&file, format!("{}\n", proxy.pid())).unwrap();
        assert_eq!(next(&mut watch).await, UNCHECKED);
        proxy.kill();
        assert_eq!(next(&mut watch).await, DIED);
        let again = Named::start(&folder, "haproxy");
        fs::write(&file, format!("{}\n", again.pid())).unwrap();
        assert_eq!(next(&mut watch).await, UNCHECKED);
    });
}

#[test]
fn a_pid_file_of_anything_else_says_nothing() {
    run(async {
        let (folder, file, mut watch) = twin();
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Absent));
        let other = Named::start(&folder, "postgres");
        let mut dead = Named::start(&folder, "haproxy");
        dead.kill();
        let _not_reaped_yet = &dead;
        for text in [
            String::new(),
            "haproxy\n".into(),
            "-1\n".into(),
            "99999999999999999999\n".into(),
            "\u{0}\u{1}\n".into(),
            "x".repeat(1 << 20),
            other.pid().to_string(),
            dead.pid().to_string(),
        ] {
            fs::write(&file, &text).unwrap();
            no_news(&mut watch).await;
        }
    });
}

#[test]
fn a_handover_to_a_successor_is_no_news() {
    run(async {
        let (folder, file, mut watch) = twin();
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Absent));
        let mut old = Named::start(&folder, "haproxy");
        fs::write(&file, old.pid().to_string()).unwrap();
        assert_eq!(next(&mut watch).await, UNCHECKED);
        let mut new = Named::start(&folder, "haproxy");
        // Both at once, as far as we can see: the file must be believed first.
        fs::write(&file, new.pid().to_string()).unwrap();
        old.kill();
        no_news(&mut watch).await;
        new.kill();
        assert_eq!(next(&mut watch).await, DIED);
    });
}

#[test]
fn the_directory_of_the_pid_file_may_come_later_and_go() {
    run(async {
        let folder = TempDir::new("twin").unwrap();
        let directory = folder.path().join("run");
        let file = directory.join("haproxy.pid");
        let mut watch = ProxyWatch::twin(file.clone(), Log::to_standard_error());
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Absent));
        let mut proxy = Named::start(&folder, "haproxy");
        fs::create_dir(&directory).unwrap();
        fs::write(&file, proxy.pid().to_string()).unwrap();
        assert_eq!(next(&mut watch).await, UNCHECKED);
        fs::remove_dir_all(&directory).unwrap();
        no_news(&mut watch).await;
        proxy.kill();
        assert_eq!(next(&mut watch).await, DIED);
    });
}

#[test]
fn the_directory_is_found_by_an_election_that_is_busy() {
    run(async {
        let folder = TempDir::new("twin").unwrap();
        let file = folder.path().join("run/haproxy.pid");
        let mut watch = ProxyWatch::twin(file.clone(), Log::to_standard_error());
        assert_eq!(next(&mut watch).await, News::Proxy(Proxy::Absent));
        let proxy = Named::start(&folder, "haproxy");
        fs::create_dir(folder.path().join("run")).unwrap();
        fs::write(&file, proxy.pid().to_string()).unwrap();
        // Each advertisement, each timer takes the election's attention away.
        let busy = async {
            let moment = Duration::from_millis(10);
            loop {
                if let Ok(news) = tokio::time::timeout(moment, watch.next()).await {
                    return news;
                }
            }
        };
        assert_eq!(
            tokio::time::timeout(PATIENCE, busy).await.unwrap(),
            UNCHECKED
        );
    });
}
