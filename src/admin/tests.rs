//! The statistics over real sockets, against a process made by hand.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use pontoon_config::haproxy::model::LogLevel;
use pontoon_engine::{
    server::Status,
    units::{ProxyId, ServerId},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::{
    csv,
    endpoint::Endpoints,
    fixture, json, page, serve,
    snapshot::{Selection, Snapshot},
};
use crate::{proxy::handoff::HttpConnection, state::Running, testing};

/// `admin:secret`.
const ADMIN: &str = "Authorization: Basic YWRtaW46c2VjcmV0\r\n";

/// What most tests look at.
const USUAL: &str = "
    stats uri /stats
    stats auth admin:secret
    stats show-legends
    stats show-node
    stats show-desc
    stats admin if TRUE
";

/// A statistics service on a port of its own.
struct Site {
    running: Arc<Running>,
    address: SocketAddr,
}

impl Site {
    async fn start(stats: &str) -> Self {
        let running = fixture::running(stats);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(serve(Arc::clone(&running), receiver, Endpoints::default()));
        let accepting = Arc::clone(&running);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let socket = socket.into_std().unwrap().into();
                let record = fixture::accepted(&accepting);
                let received = Vec::new();
                let connection = HttpConnection {
                    socket,
                    record,
                    received,
                };
                if sender.send(connection).is_err() {
                    break;
                }
            }
        });
        Self { running, address }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends this and reads until the service closes.
    async fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn get(&self, target: &str) -> String {
        self.exchange(&format!("GET {target} HTTP/1.0\r\n{ADMIN}\r\n"))
            .await
    }

    async fn post(&self, body: &str, headers: &str) -> String {
        self.exchange(&format!(
            "POST /stats;up HTTP/1.0\r\nHost: lb\r\n{ADMIN}{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    fn status_of(&self, server: u32) -> Status {
        let state = self.running.backend(ProxyId(1)).unwrap();
        let now = std::time::Instant::now();
        state.balancer().server_view(ServerId(server), now).status
    }

    /// Waits until all connections have given their places back.
    async fn all_left(&self) {
        while self.running.process.sessions.get() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn responses(&self) -> Vec<u64> {
        let state = self.running.frontend(fixture::STATS).unwrap();
        (0..6)
            .map(|i| state.counters.sum(|c| &c.responses[i]))
            .collect()
    }
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn the_right_password_opens_the_page_and_nothing_else_does() {
    let site = Site::start(USUAL).await;
    let answer = site.get("/stats").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let refused = site.exchange("GET /stats HTTP/1.0\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 401 "));
    assert!(refused.contains("www-authenticate: Basic realm=\"HAProxy Statistics\"\r\n"));
    let elsewhere = site.get("/other").await;
    assert!(elsewhere.starts_with("HTTP/1.1 503 "));
    let other_method = site
        .exchange(&format!("PUT /stats HTTP/1.0\r\n{ADMIN}\r\n"))
        .await;
    assert!(other_method.starts_with("HTTP/1.1 503 "));
    site.all_left().await;
    assert_eq!(site.responses(), [0, 1, 0, 1, 2, 0]);
}

#[tokio::test]
async fn hashed_passwords_open_it_too() {
    // `openssl passwd -6 -salt pontoon secret`
    let hash = "$6$pontoon$8ipQFbH/ENvSPpJnYQSbhgIqjFSaLE68iN4IZuhYSsopGDA0xw3bIAuLUkp4FzFUHQCqrMCU9Jcm3pRHPXEWH1";
    let lines = format!(
        "stats uri /stats\nstats http-request auth unless {{ http_auth(staff) }}\n\
         userlist staff\nuser admin password {hash}\n"
    );
    let site = Site::start(&lines).await;
    assert!(site.get("/stats;csv").await.starts_with("HTTP/1.1 200 "));
    let wrong = "GET /stats HTTP/1.0\r\nAuthorization: Basic YWRtaW46eA==\r\n\r\n";
    assert!(site.exchange(wrong).await.starts_with("HTTP/1.1 401 "));
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let site = Site::start(USUAL).await;
    let request = format!("GET /stats;csv HTTP/1.1\r\nHost: a\r\n{ADMIN}\r\n");
    let last = format!("GET /stats;csv HTTP/1.1\r\nHost: a\r\n{ADMIN}Connection: close\r\n\r\n");
    let answer = site
        .exchange(&format!("{request}\r\n{request}{last}"))
        .await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 3);
    assert_eq!(answer.matches("# pxname,svname,").count(), 3);
    assert_eq!(answer.matches("connection: close\r\n").count(), 1);
    site.all_left().await;
    let state = site.running.frontend(fixture::STATS).unwrap();
    assert_eq!(state.counters.sum(|c| &c.requests), 3);
    assert_eq!(state.counters.sum(|c| &c.intercepted), 3);
    let sent = (request.len() * 2 + last.len() + 2) as u64;
    assert_eq!(state.counters.sum(|c| &c.bytes_in), sent);
    assert_eq!(state.counters.sum(|c| &c.bytes_out), answer.len() as u64);
}

#[tokio::test]
async fn head_brings_the_same_lines_without_a_body() {
    let site = Site::start(USUAL).await;
    let answer = site
        .exchange(&format!("HEAD /stats;json-schema HTTP/1.0\r\n{ADMIN}\r\n"))
        .await;
    assert!(answer.contains("content-type: application/json\r\n"));
    assert!(!answer.contains("content-length: 0\r\n"));
    assert_eq!(body(&answer), "");
}

#[tokio::test]
async fn what_is_no_request_gets_haproxys_answer() {
    let site = Site::start(USUAL).await;
    let malformed = site.exchange("GARBAGE\r\n\r\n").await;
    assert!(malformed.starts_with("HTTP/1.1 400 Bad request\r\n"));
    // The fixture's `timeout client` is 0.7 s.
    let late = site.exchange("GET / HT").await;
    assert!(late.starts_with("HTTP/1.1 408 Request Time-out\r\n"));
    let half_a_form = format!("POST /stats HTTP/1.1\r\n{ADMIN}Content-Length: 9\r\n\r\ns=up");
    let late = site.exchange(&half_a_form).await;
    assert!(late.starts_with("HTTP/1.1 408 Request Time-out\r\n"));
    let mut gone = site.connect().await;
    gone.shutdown().await.unwrap();
    assert_eq!(gone.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    let state = site.running.frontend(fixture::STATS).unwrap();
    assert_eq!(state.counters.sum(|c| &c.request_errors), 3);
}

#[tokio::test]
async fn an_administrator_changes_servers_with_haproxys_form() {
    let site = Site::start(USUAL).await;
    let answer = site.post("s=up&action=drain&b=be_exasol", "").await;
    assert!(answer.starts_with("HTTP/1.1 303 See Other\r\n"), "{answer}");
    assert!(answer.contains("location: /stats;st=DONE;up\r\n"));
    assert_eq!(site.status_of(0), Status::Drain);
    let answer = site.post("b=%232&action=maint&s=up&s=nobody", "").await;
    assert!(answer.contains("location: /stats;st=PART;up\r\n"));
    assert_eq!(site.status_of(0), Status::Maintenance);
    for (form, outcome) in [
        ("", "NONE"),
        ("s=up&action=enable&b=be_exasol", "DONE"),
        ("s=up&action=enable&b=be_exasol", "NONE"),
        ("s=up&action=ready&b=fe_exasol", "ERRP"),
        ("s=nobody&action=ready&b=be_exasol", "ERRP"),
        ("s=up&action=dhlth&b=be_exasol", "DONE"),
        ("s=nocheck&action=dhlth&b=be_exasol", "NONE"),
        ("s=up&action=hdown&b=be_exasol", "DONE"),
        ("s=up&action=hrunn&b=be_exasol", "DONE"),
        ("s=up&action=stop&b=be_exasol", "DONE"),
        ("s=up&action=start&b=be_exasol", "DONE"),
        ("s=up&action=adown&b=be_exasol", "NONE"),
        ("s=up&action=shutdown&b=be_exasol", "DONE"),
        (&"s=x&".repeat(5000), "EXCD"),
    ] {
        let answer = site.post(form, "").await;
        let wanted = format!("location: /stats;st={outcome};up\r\n");
        assert!(answer.contains(&wanted), "{outcome}: {answer}");
    }
}

#[tokio::test]
async fn nobody_else_changes_servers() {
    let site = Site::start(USUAL).await;
    let form = "s=up&action=maint&b=be_exasol";
    let foreign = site.post(form, "Sec-Fetch-Site: cross-site\r\n").await;
    assert!(foreign.starts_with("HTTP/1.1 403 "));
    let nobody = "POST /stats HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
    assert!(site.exchange(nobody).await.starts_with("HTTP/1.1 401 "));
    let before = site.status_of(0);
    let looking = Site::start("stats uri /stats\nstats auth admin:secret").await;
    let answer = looking.post(form, "").await;
    assert!(answer.contains("location: /stats;st=DENY;up\r\n"));
    assert_eq!([site.status_of(0), looking.status_of(0)], [before, before]);
    let page = looking.get("/stats").await;
    assert!(!page.contains("<form method=\"post\""), "no form to fill");
}

#[tokio::test]
async fn a_stopping_process_lets_idle_connections_go() {
    let site = Site::start(USUAL).await;
    let mut stream = site.connect().await;
    let request = format!("GET /stats;csv HTTP/1.1\r\nHost: a\r\n{ADMIN}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut some = [0; 16];
    stream.read_exact(&mut some).await.unwrap();
    let stopping = &site.running.process.stopping;
    stopping.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    site.all_left().await;
}

#[test]
fn every_form_tells_the_same() {
    let running = fixture::running(USUAL);
    let selection = super::snapshot::Selection::default();
    let snapshot = Snapshot::take(&running, selection, std::time::Instant::now());
    let lines: Vec<String> = csv::render(&snapshot).lines().map(str::to_owned).collect();
    let header: Vec<&str> = lines[0].trim_start_matches("# ").split(',').collect();
    let rows: serde_json::Value = serde_json::from_str(&json::render(&snapshot).unwrap()).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), lines.len() - 1);
    for (row, line) in rows.iter().zip(&lines[1..]) {
        let values: Vec<&str> = line.split(',').collect();
        let filled = values[..103]
            .iter()
            .filter(|value| !value.is_empty())
            .count();
        let items = row.as_array().unwrap();
        assert_eq!(items.len(), filled, "{line}");
        for item in items {
            let at = usize::try_from(item["field"]["pos"].as_u64().unwrap()).unwrap();
            assert_eq!(item["field"]["name"], header[at]);
            let value = item["value"]["value"].to_string();
            assert_eq!(value.trim_matches('"'), values[at], "{line}");
        }
    }
}

#[tokio::test]
async fn what_comes_from_the_file_cannot_become_markup() {
    let site = Site::start("stats uri '/st\"ats?<b>&x=1'\nstats show-desc").await;
    let answer = site.get("/st\"ats?<b>&x=1;norefresh").await;
    assert!(answer.contains("a &lt;made-up&gt; node"));
    assert!(answer.contains("databases &amp; more"));
    assert!(!answer.contains("<made-up>") && !answer.contains("<b>"));
    assert!(answer.contains(&format!(
        "content-security-policy: {}\r\n",
        page::POLICY.as_str()
    )));
}

#[tokio::test]
async fn scope_and_filters_choose_rows() {
    let site = Site::start("stats uri /stats\nstats scope be_exasol\nstats scope lst").await;
    let names = |answer: String| -> Vec<String> {
        body(&answer)
            .lines()
            .skip(1)
            .map(|line| line.split(',').take(2).collect::<Vec<_>>().join("/"))
            .collect()
    };
    let all = names(site.get("/stats;csv").await);
    assert_eq!((all.len(), &*all[0]), (15, "be_exasol/up"));
    let filtered = names(site.get("/stats;csv?scope=exa").await);
    assert_eq!(filtered.len(), 11);
    let up = names(site.get("/stats;csv;up?scope=exa").await);
    assert_eq!(up.len(), 7, "{up:?}");
    let backend = site.get("/stats;csv;up?scope=exa").await;
    assert!(backend.contains(",UP (6/10),"));
}

/// How long the service bears a client that sends `text` and no more, and what it says then.
async fn borne(site: &Site, text: &str) -> (Duration, String) {
    let began = tokio::time::Instant::now();
    let answer = site.exchange(text).await;
    (began.elapsed(), answer)
}

#[tokio::test]
async fn a_request_must_be_whole_within_its_own_time() {
    let site = Site::start("timeout client 1h\ntimeout http-request 300ms\nstats uri /stats").await;
    for text in ["", "GET /stats HT"] {
        let (time, answer) = borne(&site, text).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(time >= Duration::from_millis(295), "{time:?}");
        assert!(time < Duration::from_secs(20), "{time:?}");
    }
    site.all_left().await;
}

#[tokio::test]
async fn between_requests_another_time_counts() {
    let lines = "timeout client 1h\ntimeout http-request 1h\ntimeout http-keep-alive 300ms\nstats uri /stats";
    let site = Site::start(lines).await;
    let (time, answer) = borne(&site, "GET /stats;csv HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(!answer.contains("HTTP/1.1 408 "), "it ends without a word");
    assert!(time >= Duration::from_millis(295), "{time:?}");
    assert!(time < Duration::from_secs(20), "{time:?}");
    site.all_left().await;
}

#[test]
fn lost_lines_are_shown_whether_they_tell_of_sessions_or_of_events() {
    let text = "global\n    log /nonexistent/log local0\n".to_owned();
    let running = testing::running(testing::model(text), testing::process(), 0);
    let lost = || {
        let snapshot = Snapshot::take(&running, Selection::default(), Instant::now());
        snapshot.process.dropped_lines
    };
    assert_eq!(lost(), 0);
    running
        .logger
        .event(None, LogLevel::Notice, "Nobody hears.");
    assert_eq!(lost(), 1);
}
