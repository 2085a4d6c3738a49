//! Why servers are as they are, for people.

use jiff::tz::TimeZone;

use super::SHOWN;
use crate::{
    admin::why::{CheckWhy, Counting, ServerWhy, Why},
    cli::status::{
        age::{duration, moment},
        report::line,
    },
};

/// All of it, or, among other things, what is noteworthy.
pub(super) fn text(why: &Why, brief: bool, zone: &TimeZone) -> String {
    let mut out = String::new();
    if why.servers.is_empty() {
        out += &well(why);
    }
    for it in &why.servers {
        out += &server(it, if brief { 1 } else { it.checks.len() }, zone);
        out.push('\n');
    }
    if !why.events.is_empty() {
        out += "servers, timeline\n";
    }
    let shown = if brief { SHOWN } else { why.events.len() };
    for it in why.events.iter().take(shown) {
        out += &format!("  {}  {}\n", moment(it.at, zone), it.text);
    }
    out
}

fn well(why: &Why) -> String {
    match why.servers_total {
        0 => "the proxy has no servers\n".to_owned(),
        1 => "the one server is well, as far as checks know\n".to_owned(),
        many => format!("all {many} servers are well, as far as checks know\n"),
    }
}

/// With so many of its last checks.
fn server(it: &ServerWhy, checks: usize, zone: &TimeZone) -> String {
    let mut out = format!(
        "{}: {} for {}\n",
        it.name,
        it.status,
        duration(it.status_for)
    );
    out += &line("because", &because(it));
    if it.admin != "ready" {
        out += &line("wanted", &wanted(&it.admin));
    }
    if let Some(tracked) = &it.tracks {
        let text = format!("{tracked}: its state is this one's (`pontoon why {tracked}`)");
        out += &line("tracks", &text);
    }
    if let Some(counting) = &it.checked {
        out += &line("counted", &counted(counting));
    }
    if let Some(agent) = &it.agent {
        out += &line("agent", &format!("said '{agent}'"));
    }
    out += &line("sessions", &sessions(it));
    for check in it.checks.iter().take(checks) {
        out += &line("check", &checked(check, zone));
    }
    out
}

/// In one sentence.
fn because(it: &ServerWhy) -> String {
    let last = it.checks.iter().find(|check| !check.agent);
    match (it.admin.as_str(), it.oper.as_str(), &it.tracks) {
        ("maint", ..) => "it is in maintenance: neither checked nor given sessions".to_owned(),
        ("drain", ..) => {
            "it is drained: new sessions go elsewhere, established ones go on".to_owned()
        }
        (_, "up", _) if it.status.starts_with("UP ") => {
            "its last checks failed, not often enough yet to take it down".to_owned()
        }
        (_, "up", _) if it.status == "no check" => "it is not checked, so it is used".to_owned(),
        (_, "up", _) if it.weight[0] == 0 => "it is up, and its weight is 0".to_owned(),
        (_, "up", _) => "it is up".to_owned(),
        (_, "starting", _) => "it has come back and gets its share little by little".to_owned(),
        (_, "stopping", _) => {
            "it wants to stop: established sessions and those that must go there go on".to_owned()
        }
        (_, _, Some(tracked)) => format!("{tracked} is not up, and this one goes by it"),
        (.., None) => last.map_or_else(
            || "it has not passed a check yet".to_owned(),
            |check| format!("its last check: {}", found(check)),
        ),
    }
}

fn wanted(admin: &str) -> String {
    format!("{admin}, by an administrator; `pontoon ready server …` ends that")
}

/// How far it is from the other state.
fn counted(it: &Counting) -> String {
    let Counting {
        rise,
        fall,
        health,
        failed,
        went_down,
    } = *it;
    let so_far = if health < rise {
        format!(
            "up after {} (rise {rise})",
            times(rise - health, "pass", "passes")
        )
    } else {
        let left = (health + 1).saturating_sub(rise);
        format!(
            "down after {} (fall {fall})",
            times(left, "failure", "failures")
        )
    };
    format!("{so_far}; checks failed while it was up: {failed}; went down: {went_down}")
}

fn times(count: u32, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 more {one}"),
        _ => format!("{count} more {many} in a row"),
    }
}

fn sessions(it: &ServerWhy) -> String {
    let limit = it
        .limit
        .map_or_else(String::new, |limit| format!(" of {limit}"));
    let [in_force, set] = it.weight;
    let weight = if in_force == set {
        set.to_string()
    } else {
        format!("{in_force} (set to {set})")
    };
    let backup = if it.backup { ", a backup server" } else { "" };
    let queued = match it.queued {
        0 => String::new(),
        many => format!(", {many} wait for it"),
    };
    format!("{}{limit}{queued}; weight {weight}{backup}", it.sessions)
}

fn checked(it: &CheckWhy, zone: &TimeZone) -> String {
    let whose = if it.agent { "agent " } else { "" };
    let verdict = if it.passed { "passed" } else { "failed" };
    let at = moment(it.at, zone);
    format!("{at}  {whose}{verdict}: {}", found(it))
}

fn found(it: &CheckWhy) -> String {
    let code = it
        .code
        .map_or_else(String::new, |code| format!(", code {code}"));
    let info = it
        .info
        .as_ref()
        .map_or_else(String::new, |info| format!(", {info}"));
    let (status, words) = (&it.status, &it.description);
    format!(
        "{status} ({words}){code}{info}, after {}",
        duration(it.took)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::why::Happened;

    fn check(passed: bool) -> CheckWhy {
        let (status, description) = match passed {
            true => ("L4OK", "Layer4 check passed"),
            false => ("L4CON", "Layer4 connection problem"),
        };
        CheckWhy {
            at: 1_700_000_000.0,
            agent: false,
            passed,
            status: status.into(),
            description: description.into(),
            code: None,
            info: (!passed).then(|| "Connection refused".into()),
            took: 0.001,
        }
    }

    fn down() -> ServerWhy {
        ServerWhy {
            name: "be/s1".into(),
            status: "DOWN 1/2".into(),
            status_for: 61.0,
            admin: "ready".into(),
            oper: "down".into(),
            usable: false,
            backup: false,
            tracks: None,
            checked: Some(Counting {
                rise: 2,
                fall: 3,
                health: 1,
                failed: 3,
                went_down: 1,
            }),
            agent: None,
            weight: [1, 1],
            sessions: 0,
            limit: Some(100),
            queued: 0,
            checks: vec![check(false), check(true)],
        }
    }

    #[test]
    fn a_server_that_is_down_tells_its_checks() {
        let why = Why {
            servers: vec![down()],
            servers_total: 3,
            events: vec![Happened {
                at: 1_700_000_000.0,
                text: "Server be/s1 is DOWN.".into(),
            }],
        };
        let expected = "\
be/s1: DOWN 1/2 for 1 min 1 s
  because    its last check: L4CON (Layer4 connection problem), Connection refused, after 1 ms
  counted    up after 1 more pass (rise 2); checks failed while it was up: 3; went down: 1
  sessions   0 of 100; weight 1
  check      2023-11-14 22:13:20  failed: L4CON (Layer4 connection problem), Connection refused, after 1 ms
  check      2023-11-14 22:13:20  passed: L4OK (Layer4 check passed), after 1 ms

servers, timeline
  2023-11-14 22:13:20  Server be/s1 is DOWN.
";
        assert_eq!(text(&why, false, &TimeZone::UTC), expected);
    }

    #[test]
    fn an_administrators_wish_comes_first() {
        let mut server = down();
        server.admin = "maint".into();
        assert!(because(&server).starts_with("it is in maintenance"));
        server.admin = "drain".into();
        assert!(because(&server).starts_with("it is drained"));
        server.admin = "ready".into();
        server.tracks = Some("other/s1".into());
        assert_eq!(
            because(&server),
            "other/s1 is not up, and this one goes by it"
        );
    }

    #[test]
    fn what_is_well_is_said_in_a_line() {
        let why = Why {
            servers_total: 3,
            ..Why::default()
        };
        let expected = "all 3 servers are well, as far as checks know\n";
        assert_eq!(text(&why, true, &TimeZone::UTC), expected);
    }
}
