//! Commands in pages: each is executed by a test, or it is said why not.
//!
//! Those of the pages in `WALKED` are executed as they stand (`walk`), but for fences that say `elsewhere`. All others stand in
//! `ELSEWHERE`, or their fence says `shown-by=FILE` (a file that executes them) or `not-here=some-reason`.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    ROOT,
    fences::{Fence, fences, of_page},
    none,
};
use crate::harness::{Failure, Outcome};

/// Pages that a test plays, command by command.
pub(super) const WALKED: [&str; 5] = [
    "docs/migrate-cloud.md",
    "docs/migrate-haproxy.md",
    "docs/migrate-keepalived.md",
    "docs/quickstart.md",
    "docs/runbooks.md",
];

enum Shown {
    /// By a test in this file, which has these words.
    By(&'static str, &'static [&'static str]),
    /// Not here, for this reason.
    Not(&'static str),
}
use Shown::{By, Not};

const CARGO: &str = "builds take minutes: the gate has built what the tests run";
const BENCH: &str = "measures for minutes to half an hour, on a machine with nothing else on it; the gate compiles it";
const SYSTEMD: &str =
    "needs systemd as process 1; its protocol is shown by process::master_tells_systemd";
const NO_ENGINE: &str =
    "needs a machine of the kind; packages::rpm_… and packages::container_… show what is in them";
const AWS: &str =
    "needs an account of AWS; examples::… read the files, cloud::… run the clients against fakes";

/// Commands of other pages, without `sudo`, comments and the folder of the build.
const ELSEWHERE: &[(&str, Shown)] = &[
    ("cargo build --release", Not(CARGO)),
    ("cargo test --workspace", Not("it is what runs this")),
    (".ci/run", Not("it is what runs this")),
    (
        ".ci/full",
        Not("takes an hour; docs/results/full.md has what it said"),
    ),
    (
        "cargo run --release -- demo",
        By(
            "tests/demo/tour.rs",
            &["every_step_of_the_tour_passes", "\"demo\""],
        ),
    ),
    (
        "pontoon demo --script",
        By(
            "tests/demo/tour.rs",
            &["every_step_of_the_tour_passes", "--script"],
        ),
    ),
    (
        "pontoon check haproxy.cfg keepalived.conf",
        By(
            "tests/documentation/configurations.rs",
            &["of_examples", "\"check\""],
        ),
    ),
    (
        "pontoon check /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf",
        By("tests/examples.rs", &["exasol_aws", "\"check\""]),
    ),
    (
        "pontoon run haproxy.cfg keepalived.conf",
        By(
            "tests/seed/pair.rs",
            &["\"/usr/sbin/pontoon\", \"run\"", "keepalived.conf"],
        ),
    ),
    (
        "ln -s \"$PWD/target/release/pontoon\" /usr/local/sbin/haproxy",
        By("tests/seed.rs", &["symlink(pontoon(), &link)", "haproxy"]),
    ),
    (
        "ln -s \"$PWD/target/release/pontoon\" /usr/local/sbin/keepalived",
        By("tests/seed/pair.rs", &["/usr/sbin/keepalived"]),
    ),
    (
        "haproxy -f /etc/haproxy/haproxy.cfg -c",
        By("tests/process/arguments.rs", &["-c"]),
    ),
    (
        "keepalived -t",
        By("tests/election/arguments.rs", &["run(\"-t\")"]),
    ),
    (
        "haproxy -D -f /etc/haproxy/haproxy.cfg",
        By("tests/seed/pair.rs", &["\"-D\"", "/usr/sbin/haproxy"]),
    ),
    (
        "keepalived",
        By("tests/seed/pair.rs", &["/usr/sbin/keepalived"]),
    ),
    (
        "pontoon status --name keepalived",
        By("tests/node/apart.rs", &["keepalived"]),
    ),
    (
        "pontoon status",
        By("tests/node/status.rs", &["status_of_a_proxy_is_told"]),
    ),
    ("pontoon top", By("tests/views.rs", &["top"])),
    (
        "pontoon why be/s3",
        By("tests/views/servers.rs", &["[\"why\", \"be/dead\"]"]),
    ),
    (
        "pontoon why master",
        By("tests/failover/switchover.rs", &["\"why\", \"master\""]),
    ),
    (
        "pontoon switchover --drain 700ms",
        By("tests/failover/switchover.rs", &["\"--drain\", \"700ms\""]),
    ),
    (
        "pontoon switchover",
        By("tests/failover/switchover.rs", &["arg(\"switchover\")"]),
    ),
    (
        "pontoon drain server be/s1 --wait 30s",
        By("tests/views/servers.rs", &["\"drain\"", "--wait"]),
    ),
    (
        "pontoon ready server be/s1",
        By("tests/views/servers.rs", &["\"ready\""]),
    ),
    (
        "pontoon floating-ip preflight /etc/keepalived/keepalived.conf",
        By(
            "tests/node/floating/by_hand.rs",
            &["\"floating-ip\", \"preflight\", FILE"],
        ),
    ),
    (
        "pontoon floating-ip status",
        By(
            "tests/node/floating/by_hand.rs",
            &["\"floating-ip\", \"status\""],
        ),
    ),
    (
        "pontoon floating-ip verify /etc/keepalived/keepalived.conf",
        By(
            "tests/node/floating/by_hand.rs",
            &["\"floating-ip\", \"verify\", FILE"],
        ),
    ),
    (
        "echo \"show servers state\" | socat stdio /run/haproxy/admin.sock > /var/lib/haproxy/server-state",
        By("tests/handover/files.rs", &["show servers state"]),
    ),
    (
        "echo \"show info; show stat\" | socat stdio unix-connect:/run/haproxy.sock",
        By("tests/peers/socat.rs", &["unix-connect", "show info"]),
    ),
    (
        "socat readline /run/haproxy.sock",
        By("tests/peers/socat.rs", &["socat_at_a_terminal_is_a_prompt"]),
    ),
    (
        "curl -u admin:secret -d 'b=nodes&s=n11&action=drain' http://lb:9090/haproxy_stats",
        By(
            "tests/commands/servers.rs",
            &["the_page_takes_servers_out_as_well", "drain"],
        ),
    ),
    ("cargo bench --bench performance -- --install", Not(BENCH)),
    ("cargo bench --bench performance -- --list", Not(BENCH)),
    (
        "cargo bench --bench performance -- --workload connect --cc bbr",
        Not(BENCH),
    ),
    ("cargo bench --bench performance -- --quick", Not(BENCH)),
    (
        "cargo bench --bench performance -- --against PROGRAM --contender pontoon,pontoon-other,haproxy",
        Not(BENCH),
    ),
    ("cd terraform", Not(AWS)),
    ("cat > terraform.tfvars <<'END'", Not(AWS)),
    (
        "terraform init && terraform plan && terraform apply",
        Not(AWS),
    ),
    ("cargo install --locked cargo-deb", Not(CARGO)),
    ("cargo install --locked cargo-generate-rpm", Not(CARGO)),
    (
        "packaging/build",
        By(
            "tests/packages/debian.rs",
            &["packaging(\"build\")", "\"deb\""],
        ),
    ),
    (
        "packaging/build rpm",
        By(
            "tests/packages/rpm.rs",
            &["packaging(\"build\")", "\"rpm\""],
        ),
    ),
    (
        "apt-get install ./target/debian/pontoon_*_amd64.deb",
        By(
            "tests/packages/debian.rs",
            &["apt-get install", "pontoon_1.0-1"],
        ),
    ),
    (
        "apt-get install ./target/debian/pontoon_*_amd64.deb ./target/debian/pontoon-compat_*_amd64.deb",
        By(
            "tests/packages/debian.rs",
            &["apt-get install", "pontoon-compat_1.0-1"],
        ),
    ),
    (
        "echo 'PONTOON_FILES=\"/etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf\"' | tee /etc/default/pontoon",
        By(
            "tests/packages/debian.rs",
            &["PONTOON_FILES=", "/etc/default/pontoon"],
        ),
    ),
    (
        "systemctl disable --now haproxy keepalived",
        By(
            "tests/packages/debian.rs",
            &["systemctl disable --now haproxy keepalived"],
        ),
    ),
    (
        "dnf install ./target/generate-rpm/pontoon-*.rpm",
        Not(NO_ENGINE),
    ),
    (
        "podman build --file packaging/container/Containerfile --tag pontoon .",
        Not(NO_ENGINE),
    ),
    (
        "podman compose --file packaging/container/compose.yaml up balancer",
        Not(NO_ENGINE),
    ),
    (
        "systemctl enable --now pontoon",
        By(
            "tests/packages/debian.rs",
            &["systemctl enable --now pontoon"],
        ),
    ),
    ("systemctl stop pontoon", Not(SYSTEMD)),
    ("systemctl start pontoon", Not(SYSTEMD)),
    ("systemctl restart haproxy", Not(SYSTEMD)),
];

/// The commands of a fence, as they are written.
pub(super) fn commands(fence: &Fence) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut until: Option<String> = None;
    for line in fence.text.lines() {
        if let (Some(end), Some(command)) = (&until, found.last_mut()) {
            command.push('\n');
            command.push_str(line);
            if line == end {
                until = None;
            }
            continue;
        }
        let command = match fence.tag.as_str() {
            "console" => line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ")),
            "sh" => Some(line).filter(|it| !it.trim().is_empty() && !it.starts_with('#')),
            _ => None,
        };
        let Some(command) = command else { continue };
        let here = command
            .split_once("<<")
            .map(|(_, end)| end.trim_matches('\''));
        until = here.map(str::to_owned);
        found.push(command.to_owned());
    }
    found
}

/// A command as it stands in the table.
fn normal(command: &str) -> String {
    let line = command.lines().next().unwrap_or("");
    let line = line.split("  #").next().unwrap_or("").trim();
    line.replace("sudo ", "")
        .trim_start_matches("target/release/")
        .to_owned()
}

/// Who else shows it, or why nobody can.
fn entry(command: &str) -> Option<&'static Shown> {
    let command = normal(command);
    let found = ELSEWHERE.iter().find(|(it, _)| *it == command);
    found.map(|(_, shown)| shown)
}

/// Whether a page that is played leaves this to others.
pub(super) fn left_out(fence: &Fence, command: &str) -> bool {
    fence.says("elsewhere") || matches!(entry(command), Some(Not(_)))
}

pub(super) fn every_one_is_shown() -> Outcome {
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    let mut seen = 0;
    for fence in fences()? {
        for command in commands(&fence) {
            seen += 1;
            used.insert(normal(&command));
            problems.extend(unshown(&fence, &command));
        }
    }
    for (command, shown) in ELSEWHERE {
        if !used.contains(*command) {
            problems.push(format!("no page has `{command}` any more"));
        }
        if let By(file, words) = shown {
            problems.extend(lacks(file, words).map(|it| format!("{command}: {it}")));
        }
        if let Not(reason) = shown
            && reason.len() < 10
        {
            problems.push(format!("{command}: {reason} is no reason"));
        }
    }
    if seen < 50 {
        return Err(format!("only {seen} commands were found").into());
    }
    none(&problems)
}

/// What is wrong with a command of a page.
fn unshown(fence: &Fence, command: &str) -> Option<String> {
    let place = &fence.place;
    let word = |name: &str| fence.words.iter().find_map(|it| it.strip_prefix(name));
    if let Some(file) = word("shown-by=") {
        let command = normal(command);
        let words: Vec<&str> = command.split_whitespace().take(2).collect();
        return lacks(file, &words).map(|it| format!("{place}: {command}: {it}"));
    }
    let reason = word("not-here=").is_some_and(|it| it.len() >= 10);
    let walked = WALKED.iter().any(|page| place.starts_with(page));
    let played = walked && !left_out(fence, command);
    let shown = reason || played || entry(command).is_some();
    (!shown).then(|| format!("{place}: no test executes `{}`", normal(command)))
}

/// What a file of ours lacks of these words.
fn lacks(file: &str, words: &[&str]) -> Option<String> {
    let Ok(text) = fs::read_to_string(Path::new(ROOT).join(file)) else {
        return Some(format!("there is no {file}"));
    };
    let missing = words.iter().find(|word| !text.contains(**word))?;
    Some(format!("{file} has no `{missing}`"))
}

/// A command that nobody shows, and a test that is not there, are noticed.
pub(super) fn unknown_ones_are_noticed() -> Outcome {
    for page in [
        "```console\n$ pontoon fly\n```\n",
        "```console\n# pontoon fly\n```\n",
        "```sh\npontoon fly\n```\n",
        "```console not-here=no\n$ pontoon fly\n```\n",
        "```console elsewhere\n$ pontoon fly\n```\n",
        "```console shown-by=tests/nowhere.rs\n$ pontoon fly\n```\n",
        "```console shown-by=tests/main.rs\n$ pontoon fly\n```\n",
    ] {
        let fences: Result<Vec<Fence>, Failure> = of_page("docs/page.md", page);
        let fence = &fences?[0];
        let found = commands(fence);
        if found.is_empty() || unshown(fence, &found[0]).is_none() {
            return Err(format!("not noticed: {page}").into());
        }
    }
    match lacks("tests/main.rs", &["no such word as this"]) {
        Some(_) => Ok(()),
        None => Err("a missing word is not noticed".into()),
    }
}
