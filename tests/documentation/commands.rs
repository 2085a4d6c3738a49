//! Commands in pages: each is executed by a test, or it is said why not.
//!
//! Those of the pages in `WALKED` are executed as they stand (`walk`), but for fences that say `elsewhere`. All others stand in
//! `ELSEWHERE`, or their fence says `shown-by=area::name` (a test that executes them) or `not-here=some-reason`. The file of such a test must
//! have every plain word and option of the command, outside comments.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    ROOT,
    fences::{Fence, fences, of_page},
    none,
};
use crate::harness::{Failure, Outcome};

/// Pages that a test plays, command by command.
pub(super) const WALKED: [&str; 10] = [
    "README.md",
    "docs/election.md",
    "docs/migrate-cloud.md",
    "docs/migrate-haproxy.md",
    "docs/migrate-keepalived.md",
    "docs/operating.md",
    "docs/quickstart.md",
    "docs/runbooks.md",
    "docs/runtime.md",
    "docs/server-state.md",
];

enum Shown {
    /// By this test, on the same program with the same options.
    By(&'static str),
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
const NO_READLINE: &str =
    "Debian's socat has no readline; peers::socat_at_a_terminal_is_a_prompt shows it without";

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
        "pontoon demo",
        By("demo::keys_break_and_mend_what_the_picture_shows"),
    ),
    (
        "pontoon demo --script",
        By("demo::every_step_of_the_tour_passes"),
    ),
    (
        "pontoon check /etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf",
        By("examples::exasol_aws_node-1_has_no_warnings"),
    ),
    (
        "pontoon status",
        By("node::status_of_a_proxy_is_told_to_people_and_programs"),
    ),
    (
        "pontoon top",
        By("views::top_shows_a_node_and_acts_after_a_yes"),
    ),
    (
        "pontoon switchover",
        By("failover::switchover_moves_the_address_and_leaves_it_there"),
    ),
    (
        "pontoon floating-ip preflight /etc/keepalived/keepalived.conf",
        By("node::floating_ip_preflight_tells_what_is_wrong"),
    ),
    (
        "pontoon floating-ip status",
        By("node::floating_ip_is_shown_to_people"),
    ),
    (
        "pontoon floating-ip verify /etc/keepalived/keepalived.conf",
        By("node::floating_ip_is_verified_by_hand"),
    ),
    ("socat readline /run/haproxy.sock", Not(NO_READLINE)),
    (
        "curl -u admin:secret -d 'b=nodes&s=n11&action=drain' http://lb:9090/haproxy_stats",
        By("commands::the_page_takes_servers_out_for_curl"),
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
        By("packages::debian_takes_the_place_of_haproxy_and_keepalived"),
    ),
    (
        "packaging/build rpm",
        By("packages::rpm_holds_what_it_should"),
    ),
    (
        "apt-get install ./target/debian/pontoon_*_amd64.deb",
        By("packages::debian_takes_the_place_of_haproxy_and_keepalived"),
    ),
    (
        "apt-get install ./target/debian/pontoon_*_amd64.deb ./target/debian/pontoon-compat_*_amd64.deb",
        By("packages::debian_takes_the_place_of_haproxy_and_keepalived"),
    ),
    (
        "echo 'PONTOON_FILES=\"/etc/haproxy/haproxy.cfg /etc/keepalived/keepalived.conf\"' | tee /etc/default/pontoon",
        By("packages::debian_takes_the_place_of_haproxy_and_keepalived"),
    ),
    (
        "systemctl disable --now haproxy keepalived",
        By("packages::debian_takes_the_place_of_haproxy_and_keepalived"),
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
        By("packages::debian_takes_the_place_of_haproxy_and_keepalived"),
    ),
    ("systemctl stop pontoon", Not(SYSTEMD)),
    ("systemctl start pontoon", Not(SYSTEMD)),
    ("systemctl restart haproxy", Not(SYSTEMD)),
];

/// A command of a page, and what the page shows below it.
#[derive(Debug)]
pub(super) struct Command {
    /// As it is written.
    pub(super) text: String,
    /// The lines that it says.
    pub(super) answer: Vec<String>,
}

/// The commands of a fence.
pub(super) fn commands(fence: &Fence) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    let mut until: Option<String> = None;
    for line in fence.text.lines() {
        if let (Some(end), Some(command)) = (&until, found.last_mut()) {
            command.text.push('\n');
            command.text.push_str(line);
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
        let Some(command) = command else {
            if let Some(last) = found.last_mut().filter(|_| !line.trim().is_empty()) {
                last.answer.push(line.to_owned());
            }
            continue;
        };
        let here = command
            .split_once("<<")
            .map(|(_, end)| end.trim_matches('\''));
        until = here.map(str::to_owned);
        found.push(Command {
            text: command.to_owned(),
            answer: Vec::new(),
        });
    }
    found
}

/// A command as it stands in the table.
fn normal(command: &str) -> String {
    let line = command.lines().next().unwrap_or("");
    let line = line.split("  #").next().unwrap_or("").trim();
    line.replace("sudo ", "")
        .replace("cargo run --release -- ", "pontoon ")
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
    let tests = Tests::now()?;
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    let mut seen = 0;
    for fence in fences()? {
        for Command { text, .. } in commands(&fence) {
            seen += 1;
            used.insert(normal(&text));
            problems.extend(unshown(&fence, &text, &tests));
        }
    }
    for (command, shown) in ELSEWHERE {
        if !used.contains(*command) {
            problems.push(format!("no page has `{command}` any more"));
        }
        match shown {
            By(test) => problems.extend(tests.lack(test, command)),
            Not(reason) if reason.len() < 10 => {
                problems.push(format!("{command}: {reason} is no reason"));
            }
            Not(_) => {}
        }
    }
    if seen < 50 {
        return Err(format!("only {seen} commands were found").into());
    }
    none(&problems)
}

/// What is wrong with a command of a page.
fn unshown(fence: &Fence, command: &str, tests: &Tests) -> Option<String> {
    let place = &fence.place;
    if let Some(test) = fence.word("shown-by=") {
        return tests
            .lack(test, &normal(command))
            .map(|it| format!("{place}: {it}"));
    }
    let reason = fence.word("not-here=").is_some_and(|it| it.len() >= 10);
    let walked = WALKED
        .iter()
        .any(|page| place.starts_with(&format!("{page}:")));
    let played = walked && !left_out(fence, command);
    let shown = reason || played || entry(command).is_some();
    (!shown).then(|| format!("{place}: no test executes `{}`", normal(command)))
}

/// The tests of this binary, and their sources.
struct Tests {
    names: BTreeSet<String>,
    /// By area; without comments.
    sources: Vec<(String, String)>,
}

impl Tests {
    fn now() -> Result<Self, Failure> {
        let mut sources = Vec::new();
        read(&Path::new(ROOT).join("tests"), None, &mut sources)?;
        let tests = crate::tests();
        let names = tests.iter().map(|test| test.name().to_owned());
        Ok(Self {
            names: names.collect(),
            sources,
        })
    }

    /// What this test lacks of showing the command.
    fn lack(&self, test: &str, command: &str) -> Option<String> {
        if !self.names.contains(test) {
            return Some(format!("{command}: there is no test {test}"));
        }
        let Some(source) = self.source(test) else {
            return Some(format!("{command}: nobody knows where {test} is"));
        };
        let words = words(command);
        let missing = words.iter().find(|word| !source.contains(**word))?;
        Some(format!("{command}: the file of {test} has no `{missing}`"))
    }

    /// The file that names a test; what stands before the name may be put there by its area.
    fn source(&self, test: &str) -> Option<&str> {
        let (area, name) = test.split_once("::")?;
        let name = name.rsplit("::").next()?.split(" (").next()?;
        let ends = name.match_indices('_').map(|(at, _)| &name[at + 1..]);
        let of_area = || self.sources.iter().filter(|(it, _)| it == area);
        [name].into_iter().chain(ends).find_map(|end| {
            let quoted = ['"', ':', '}', '_'].map(|before| format!("{before}{end}\""));
            let mut texts = of_area().map(|(_, text)| text.as_str());
            texts.find(|text| quoted.iter().any(|it| text.contains(it)))
        })
    }
}

/// The words of a command that do not depend on the machine: programs, orders, options.
fn words(command: &str) -> Vec<&str> {
    let split = |c: char| c.is_whitespace() || "\"';|&>".contains(c);
    let words = command
        .split(split)
        .map(|word| match word.rsplit_once('/') {
            Some((_, name)) if command.starts_with(word) => name,
            _ => word,
        });
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    words
        .filter(|word| !word.is_empty() && (plain(word) || word.starts_with('-')))
        .collect()
}

fn read(folder: &Path, area: Option<&str>, sources: &mut Vec<(String, String)>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let area = area.unwrap_or(&name);
        if path.is_dir() {
            read(&path, Some(area), sources)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path)?;
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join("\n");
            sources.push((area.to_owned(), code));
        }
    }
    Ok(())
}

/// A command that nobody shows, and a test that is not there or does something else, are noticed.
pub(super) fn unknown_ones_are_noticed() -> Outcome {
    let tests = Tests::now()?;
    for page in [
        "```console\n$ pontoon fly\n```\n",
        "```console\n# pontoon fly\n```\n",
        "```sh\npontoon fly\n```\n",
        "```console not-here=no\n$ pontoon fly\n```\n",
        "```console elsewhere\n$ pontoon fly\n```\n",
        "```console shown-by=views::nobody_has_written_this\n$ pontoon top\n```\n",
        "```console shown-by=views::top_needs_a_terminal\n$ pontoon fly\n```\n",
        "```console shown-by=views::top_needs_a_terminal\n$ pontoon top --upside-down\n```\n",
        "```console shown-by=views::top\n$ pontoon top\n```\n",
    ] {
        let fences: Result<Vec<Fence>, Failure> = of_page("docs/page.md", page);
        let fence = &fences?[0];
        let found = commands(fence);
        if found.is_empty() || unshown(fence, &found[0].text, &tests).is_none() {
            return Err(format!("not noticed: {page}").into());
        }
    }
    let shown = "```console shown-by=views::top_needs_a_terminal\n$ sudo pontoon top\n```\n";
    let fence = &of_page("docs/page.md", shown)?[0];
    match unshown(fence, "sudo pontoon top", &tests) {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}
