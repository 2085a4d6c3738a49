//! `pontoon switchover`: hands mastership to a peer on purpose.

use std::{
    io,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use super::{
    ask::{AskError, Whom, ask},
    say,
    status::age::duration,
};
use crate::{
    election::status::{InstanceStatus, Status, SwitchoverStatus},
    node::{
        runtime,
        status::{Answer, Heir, NodeStatus, Request, Whose, Wish},
    },
    proxy::process::announce::{Announcer, Style},
};

/// Between two looks at how it goes on.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two counts of sessions.
const COUNT_PAUSE: Duration = Duration::from_millis(250);
/// What a switchover may take beyond what its election allows itself.
const SLACK: Duration = Duration::from_secs(5);

/// What follows `pontoon switchover`.
#[derive(Debug, Args)]
pub(super) struct SwitchoverArgs {
    #[command(flatten)]
    whom: Whom,
    /// This `vrrp_instance`, with its group, instead of all that the node is master of
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// This `vrrp_sync_group`
    #[arg(long, value_name = "NAME", conflicts_with = "instance")]
    group: Option<String>,
    /// First wait until the node's proxy has no session left, at most so long; new ones are let in
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "back")]
    drain: Option<Duration>,
    /// Whether a peer says that it is ready or not (Keepalived cannot say so)
    #[arg(long, conflicts_with = "back")]
    force: bool,
    /// Tell whether a peer is ready, and do nothing
    #[arg(long, conflicts_with_all = ["force", "back", "drain"])]
    check: bool,
    /// Take back what was handed over
    #[arg(long)]
    back: bool,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum SwitchoverError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("{0} (with --force, no peer is asked)")]
    NotReady(String),
    #[error("--drain: {0}")]
    Drain(String),
    #[error("the proxy does not tell how many sessions it has: {0}")]
    Uncounted(#[from] io::Error),
    #[error("{0}: nobody took over; it is master here as before")]
    NobodyTookOver(String),
    #[error("{0}: not done after {time}; see `pontoon status`", time = duration(.1.as_secs_f64()))]
    Unfinished(String, Duration),
}

/// Hands over, waits until it is done, and tells. Exits with 0 if it is.
#[must_use]
pub(super) fn run(args: &SwitchoverArgs) -> ExitCode {
    match carry_out(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Announcer::new(Style::Pontoon, false).alert(error);
            ExitCode::FAILURE
        }
    }
}

fn carry_out(args: &SwitchoverArgs) -> Result<(), SwitchoverError> {
    if args.back {
        return back(args);
    }
    // Whoever is not ready now need not be waited for.
    if args.check || args.drain.is_some() {
        let wish = if args.force { None } else { Some(Wish::Ask) };
        for heir in wish.map_or_else(|| Ok(Vec::new()), |wish| request(args, wish))? {
            say::line(ready(&heir));
        }
    }
    if args.check {
        return Ok(());
    }
    if let Some(longest) = args.drain {
        drain(args, longest)?;
    }
    let asked = Instant::now();
    let force = args.force;
    for heir in request(args, Wish::HandOver { force })? {
        await_heir(args, &heir, asked)?;
    }
    say::line(
        "this node leaves the new master alone as long as that one lives; `pontoon switchover \
         --back` takes it back, and so does a reload or a restart if the files say so",
    );
    Ok(())
}

fn back(args: &SwitchoverArgs) -> Result<(), SwitchoverError> {
    for heir in request(args, Wish::TakeBack)? {
        say::line(format_args!("{}: taken back", heir.instance));
    }
    Ok(())
}

fn request(args: &SwitchoverArgs, wish: Wish) -> Result<Vec<Heir>, SwitchoverError> {
    let whose = match (&args.instance, &args.group) {
        (Some(name), _) => Whose::Instance(name.clone()),
        (None, Some(name)) => Whose::Group(name.clone()),
        (None, None) => Whose::All,
    };
    match ask(&args.whom.path()?, &Request::Switchover { whose, wish })? {
        Answer::Switchover(heirs) => Ok(heirs),
        Answer::Refused(why) if matches!(wish, Wish::HandOver { force: false } | Wish::Ask) => {
            Err(SwitchoverError::NotReady(why))
        }
        Answer::Refused(why) => Err(AskError::Refused(why).into()),
        other => Err(AskError::Unexpected(Box::new(other)).into()),
    }
}

fn ready(heir: &Heir) -> String {
    let peer = heir.peer.map(|peer| peer.to_string());
    let peer = peer.unwrap_or_else(|| "a peer".into());
    format!("{}: {peer} is ready to take over", heir.instance)
}

/// Waits until no session is left, or long enough. Letting nobody in meanwhile would be an outage
/// of its own.
fn drain(args: &SwitchoverArgs, longest: Duration) -> Result<(), SwitchoverError> {
    let proxy = args.whom.status()?.proxy.and_then(|proxy| proxy.pid);
    let proxy = proxy.ok_or_else(|| {
        SwitchoverError::Drain("the node has no proxy of its own that runs".to_owned())
    })?;
    let began = Instant::now();
    loop {
        let sessions = sessions(proxy)?;
        if sessions == 0 {
            say::line(format_args!(
                "no session is left after {}",
                duration(began.elapsed().as_secs_f64())
            ));
            return Ok(());
        }
        if began.elapsed() >= longest {
            let time = duration(longest.as_secs_f64());
            match sessions {
                1 => say::line(format_args!("1 session is left after {time}")),
                many => say::line(format_args!("{many} sessions are left after {time}")),
            }
            return Ok(());
        }
        thread::sleep(COUNT_PAUSE.min(longest.saturating_sub(began.elapsed())));
    }
}

/// `CurrConns` of `show info` (HAProxy management manual, 9.3).
fn sessions(proxy: u32) -> io::Result<u64> {
    let info = runtime::ask(proxy, "show info")?;
    let mut lines = info.lines();
    let count = lines.find_map(|line| line.strip_prefix("CurrConns:"));
    let count = count.and_then(|count| count.trim().parse().ok());
    count.ok_or_else(|| io::Error::other("it tells no CurrConns"))
}

/// Until somebody else is master, or the election says that nobody is.
fn await_heir(args: &SwitchoverArgs, heir: &Heir, asked: Instant) -> Result<(), SwitchoverError> {
    let mut patience = SLACK;
    loop {
        let node = args.whom.status()?;
        let Some(it) = instance(&node, &heir.instance)? else {
            return Err(SwitchoverError::Unfinished(
                heir.instance.clone(),
                asked.elapsed(),
            ));
        };
        let took = duration(
            it.role_for
                .mul_add(-1.0, asked.elapsed().as_secs_f64())
                .max(0.0),
        );
        match (it.switchover, it.role.as_str()) {
            (Some(SwitchoverStatus::UnderWay { stays_in }), _) => {
                let left = Duration::try_from_secs_f64(stays_in).unwrap_or_default();
                patience = patience.max(asked.elapsed() + left + SLACK);
            }
            // The new master has spoken; the addresses stay here for a moment more.
            (Some(SwitchoverStatus::HandedOver), "MASTER") => {}
            (None, "MASTER") => return Err(SwitchoverError::NobodyTookOver(it.name)),
            _ => {
                let master = it.master.or(heir.peer);
                let master = master.map_or_else(|| "a peer".into(), |ip| ip.to_string());
                say::line(format_args!(
                    "{}: handed over to {master} within {took}",
                    it.name
                ));
                return Ok(());
            }
        }
        if asked.elapsed() > patience {
            return Err(SwitchoverError::Unfinished(it.name, asked.elapsed()));
        }
        thread::sleep(PAUSE);
    }
}

fn instance(node: &NodeStatus, name: &str) -> Result<Option<InstanceStatus>, AskError> {
    let vrrp = node.vrrp.clone();
    let vrrp: Option<Status> = vrrp.map(serde_json::from_value).transpose()?;
    let instances = vrrp.into_iter().flat_map(|vrrp| vrrp.instances);
    Ok({ instances }.find(|it| it.name == name))
}

/// `30s`, `500ms`, `2m`; a bare number is in seconds.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| format!("'{text}' is no time; write 30s"))?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => {
            return Err(format!(
                "'{unit}' is no unit of time; known are ms, s, m, h"
            ));
        }
    };
    Ok(Duration::from_millis(number.saturating_mul(milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(time("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(time("30"), Ok(Duration::from_secs(30)));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_secs(120)));
        assert!(time("s").unwrap_err().contains("no time"));
        assert!(time("3 weeks").unwrap_err().contains("no unit"));
    }
}
