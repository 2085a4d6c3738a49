//! What others make of our metrics: Prometheus and its tools, and an exporter that reads the CSV.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    net::SocketAddr,
    path::Path,
    process::{Command, Output, Stdio},
};

use pontoon_lab::{
    balancer::{Balancer, Kind, free_address},
    needs::{self, Need},
    program::Program,
    server::{Behaviour, Server},
    temp::TempDir,
    wait,
};

use super::scrape::{get, scrape};
use crate::harness::{Failure, Outcome, Test, pontoon};

pub(super) fn register(tests: &mut Vec<Test>) {
    type Scenario = (&'static str, &'static str, fn() -> Outcome);
    let scenarios: [Scenario; 5] = [
        (
            "metrics::promtool_has_nothing_to_say",
            "promtool",
            promtool_is_content,
        ),
        (
            "metrics::the_alert_rules_do_what_their_tests_say",
            "promtool",
            rules_are_right,
        ),
        (
            "metrics::prometheus_scrapes_and_answers",
            "prometheus",
            prometheus_answers,
        ),
        (
            "metrics::an_exporter_reads_the_csv",
            "prometheus-haproxy-exporter",
            an_exporter_reads,
        ),
        (
            "metrics::the_dashboard_shows_what_there_is",
            "promtool",
            the_dashboard_is_right,
        ),
    ];
    for (name, program, run) in scenarios {
        tests.push(Test::new(name, run).needs(Need::Program(program)));
    }
}

/// A balancer with its metrics, after one check.
struct Site {
    metrics: SocketAddr,
    page: SocketAddr,
    _balancer: Balancer,
    _server: Server,
}

impl Site {
    fn start() -> Result<Self, Failure> {
        let server = Server::start(Behaviour::Echo)?;
        let [metrics, page, front] = [free_address()?, free_address()?, free_address()?];
        let config = format!(
            "global\n tune.pontoon.metrics {metrics}\n\
             defaults\n mode tcp\n timeout connect 1s\n timeout client 1m\n timeout server 1m\n\
             \x20option socket-stats\n\
             listen l\n bind {front}\n server s {} check inter 50ms\n\
             listen p\n mode http\n bind {page}\n stats enable\n stats uri /stats\n",
            server.address()
        );
        let balancer = Balancer::start(Kind::Pontoon, pontoon(), &config, front)?;
        wait::until("a check", wait::PATIENCE, || {
            let scrape = scrape(metrics, "/metrics?scope=pontoon").ok()?;
            let sample =
                "pontoon_backend_check_duration_seconds_count{proxy=\"l\",result=\"passed\"}";
            (scrape.value(sample).ok()? != "0").then_some(())
        })?;
        Ok(Self {
            metrics,
            page,
            _balancer: balancer,
            _server: server,
        })
    }
}

fn program(name: &str) -> Result<Command, Failure> {
    Ok(Command::new(needs::find(name).ok_or("not installed")?))
}

fn words(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn promtool_is_content() -> Outcome {
    let site = Site::start()?;
    let complaints = |path: &str| -> Result<Vec<String>, Failure> {
        let mut promtool = program("promtool")?;
        promtool.args(["check", "metrics"]);
        promtool.stdin(Stdio::piped());
        promtool.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut promtool = promtool.spawn()?;
        let text = scrape(site.metrics, path)?.text;
        let mut input = promtool.stdin.take().ok_or("no input")?;
        input.write_all(text.as_bytes())?;
        drop(input);
        let said = words(&promtool.wait_with_output()?);
        Ok(said.lines().map(str::to_owned).collect())
    };
    let ours = complaints("/metrics?scope=pontoon")?;
    if !ours.is_empty() {
        return Err(ours.join("\n").into());
    }
    // HAProxy's own name is what it is.
    let all = complaints("/metrics")?;
    match all.as_slice() {
        [one] if one.starts_with("haproxy_process_failed_resolutions ") => Ok(()),
        others => Err(others.join("\n").into()),
    }
}

fn packaged(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging")
        .join(path)
}

fn rules_are_right() -> Outcome {
    for arguments in [
        ["check", "rules", "pontoon.rules.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "pontoon.rules.test.yml"],
    ] {
        let mut promtool = program("promtool")?;
        promtool.current_dir(packaged("prometheus")).args(arguments);
        let output = promtool.output()?;
        if !output.status.success() {
            return Err(words(&output).into());
        }
    }
    Ok(())
}

fn prometheus_answers() -> Outcome {
    let site = Site::start()?;
    let folder = TempDir::new("prometheus")?;
    let listens = free_address()?;
    let config = format!(
        "scrape_configs:\n- job_name: pontoon\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['{}']\n",
        site.metrics
    );
    let file = folder.write("prometheus.yml", &config)?;
    let mut prometheus = program("prometheus")?;
    prometheus
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}/data",
            folder.path().display()
        ))
        .arg(format!("--web.listen-address={listens}"));
    let _prometheus = Program::start(&mut prometheus)?;
    for (query, value) in [
        ("up", "\"1\""),
        ("haproxy_server_status{state=\"UP\"}", "\"1\""),
        ("haproxy_process_stopping", "\"0\""),
        (
            "pontoon_backend_check_duration_seconds_count{result=\"failed\"}",
            "\"0\"",
        ),
    ] {
        let encoded = query
            .replace('{', "%7B")
            .replace('}', "%7D")
            .replace('"', "%22");
        wait::until(query, wait::PATIENCE, || {
            let path = format!("/api/v1/query?query={encoded}");
            let (_, answer) = get(listens, &path).ok()?;
            answer.contains(&format!(",{value}]")).then_some(())
        })?;
    }
    Ok(())
}

fn an_exporter_reads() -> Outcome {
    let site = Site::start()?;
    let listens = free_address()?;
    let mut exporter = program("prometheus-haproxy-exporter")?;
    exporter
        .arg(format!(
            "--haproxy.scrape-uri=http://{}/stats;csv",
            site.page
        ))
        .arg(format!("--web.listen-address={listens}"));
    let _exporter = Program::start(&mut exporter)?;
    wait::until("the exporter's figures", wait::PATIENCE, || {
        let scrape = scrape(listens, "/metrics").ok()?;
        let up = scrape
            .value("haproxy_server_up{backend=\"l\",server=\"s\"}")
            .ok()?
            == "1";
        let parsed = scrape
            .value("haproxy_exporter_csv_parse_failures_total")
            .ok()?
            == "0";
        let read = scrape.value("haproxy_up").ok()? == "1";
        (up && parsed && read).then_some(())
    })?;
    Ok(())
}

/// Every metric that the dashboard asks for is one that is served, or one of the election.
fn the_dashboard_is_right() -> Outcome {
    let site = Site::start()?;
    let served = scrape(site.metrics, "/metrics")?;
    let text = fs::read_to_string(packaged("grafana/pontoon.json"))?;
    let dashboard: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let mut expressions = Vec::new();
    gather(&dashboard, &mut expressions);
    if expressions.len() < 30 {
        return Err("the dashboard shows next to nothing".into());
    }
    let names: BTreeSet<&str> = expressions
        .iter()
        .flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')))
        .filter(|word| word.starts_with("haproxy_") || word.starts_with("pontoon_"))
        .collect();
    let unknown: Vec<&str> = names
        .into_iter()
        .filter(|name| {
            let family = name.trim_end_matches("_bucket");
            let of_election =
                name.starts_with("pontoon_election_") || name.starts_with("pontoon_floating_ip_");
            !of_election && !served.types.contains_key(family)
        })
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(format!("nobody serves {unknown:?}").into())
    }
}

fn gather(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            found.extend(
                fields
                    .get("expr")
                    .and_then(|expr| expr.as_str())
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| gather(value, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        _ => {}
    }
}
