//! How many sessions there may be, and how many descriptors they need.

use std::collections::HashSet;

use pontoon_config::haproxy::model::{Global, Model};
use pontoon_sys::process::limit::{self, OpenFiles};

use super::{super::splice::PIPES, announce::Announcer};

/// What the process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Sessions at once.
    pub sessions: u32,
    /// Open descriptors.
    pub open_files: u64,
}

/// The limits cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "Cannot raise FD limit to {needed}, limit is {allowed}. Lower the global maxconn to {fits}, or \
     raise the limit (`ulimit -Hn`, systemd's LimitNOFILE=), or say 'no strict-limits' in global."
)]
pub struct LimitError {
    needed: u64,
    allowed: u64,
    fits: u64,
}

/// A session has two sockets.
const PER_SESSION: u64 = 2;
/// Standard streams, the control thread's own, and what a library opens for a moment.
const BASE: u64 = 16;
/// Two event loops, a mailbox and an alarm.
const PER_THREAD: u64 = 4;
/// More descriptors than this cost memory in the kernel for sessions that never come.
const MOST_BY_DEFAULT: u64 = 1 << 20;
/// What a session may cost in our memory while its buffers are full, for `-m`.
const BYTES_PER_SESSION: u64 = 36 << 10;

/// What a model asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wanted {
    sessions: Option<u32>,
    open_files: Option<u64>,
    /// Descriptors besides those of sessions.
    base: u64,
    /// Descriptors of pipes, if there is room.
    pipes: u64,
    strict: bool,
}

/// Decides the limits and sets them; `memory` is what `-m` allows, in bytes.
///
/// # Errors
/// `maxconn` or `ulimit-n` ask for more than we are allowed, and `strict-limits` holds.
pub(super) fn apply(
    model: &Model,
    threads: u16,
    memory: Option<u64>,
    announcer: &Announcer,
) -> Result<Limits, LimitError> {
    if let Some(bytes) = memory
        && let Err(error) = limit::set_address_space(bytes)
    {
        announcer.warning(format!(
            "Cannot limit the memory to {bytes} bytes (-m): {error}"
        ));
    }
    let wanted = wanted(model, threads, memory);
    let target = target(wanted, limit::open_files());
    // Root may be allowed to go above the hard limit; if not, the hard limit it is.
    if limit::set_open_files(target).is_err() {
        let hard = limit::open_files().hard.min(target);
        // Raising to the hard limit is always allowed.
        let _allowed = limit::set_open_files(hard);
    }
    let limits = settle(wanted, limit::open_files().soft)?;
    complain(wanted, limits, announcer);
    Ok(limits)
}

fn wanted(model: &Model, threads: u16, memory: Option<u64>) -> Wanted {
    let global = &model.global;
    let threads = u64::from(threads);
    let by_memory = memory.map(|bytes| narrow(bytes / BYTES_PER_SESSION));
    Wanted {
        sessions: global.max_connections.or(by_memory),
        open_files: global.open_files.map(u64::from),
        base: BASE + threads * PER_THREAD + listeners(model) + probes(model) + log_targets(model),
        pipes: 2 * pipes(global, threads),
        strict: !global.no_strict_limits,
    }
}

/// Pipes for bulk; without them it is copied, so they are never a reason to refuse a session.
fn pipes(global: &Global, threads: u64) -> u64 {
    if global.no_splice {
        return 0;
    }
    global.max_pipes.map_or(threads * PIPES as u64, u64::from)
}

fn listeners(model: &Model) -> u64 {
    let frontends = model.proxies.iter().filter_map(|p| p.frontend.as_ref());
    frontends.map(|side| side.binds.len() as u64).sum()
}

/// One connection for each check and each agent.
fn probes(model: &Model) -> u64 {
    let sides = model.proxies.iter().filter_map(|p| p.backend.as_ref());
    let servers = sides.flat_map(|side| &side.servers);
    servers
        .map(|server| u64::from(server.check.is_some()) + u64::from(server.agent.is_some()))
        .sum()
}

fn log_targets(model: &Model) -> u64 {
    let of_proxies = model.proxies.iter().flat_map(|p| &p.log.targets);
    let all = model.global.logs.iter().chain(of_proxies);
    let addresses: HashSet<_> = all.map(|target| &target.address).collect();
    addresses.len() as u64
}

/// How many descriptors to ask for.
fn target(wanted: Wanted, available: OpenFiles) -> u64 {
    match (wanted.open_files, wanted.sessions) {
        (Some(open_files), _) => open_files,
        (None, Some(sessions)) => {
            let needed = needed(wanted, sessions);
            // Pipes as far as they fit under the limit there is.
            (needed + wanted.pipes).min(available.hard.max(needed))
        }
        (None, None) => available.hard.min(MOST_BY_DEFAULT).max(available.soft),
    }
}

fn needed(wanted: Wanted, sessions: u32) -> u64 {
    PER_SESSION * u64::from(sessions) + wanted.base
}

/// What comes of it, given the limit we really got.
fn settle(wanted: Wanted, got: u64) -> Result<Limits, LimitError> {
    let fits = got.saturating_sub(wanted.base) / PER_SESSION;
    let needed = match (wanted.open_files, wanted.sessions) {
        (Some(open_files), _) => open_files,
        (None, Some(sessions)) => needed(wanted, sessions),
        (None, None) => 0,
    };
    if wanted.strict && needed > got {
        return Err(LimitError {
            needed,
            allowed: got,
            fits,
        });
    }
    let room = got.saturating_sub(wanted.base + wanted.pipes) / PER_SESSION;
    Ok(Limits {
        sessions: wanted.sessions.unwrap_or(narrow(room.max(1))),
        open_files: got,
    })
}

fn complain(wanted: Wanted, limits: Limits, announcer: &Announcer) {
    let needed = needed(wanted, limits.sessions);
    if needed > limits.open_files {
        announcer.warning(format!(
            "FD limit ({}) too low for maxconn={}: {needed} are needed. Sessions beyond the limit \
             will wait until others end. Remove 'ulimit-n', or raise the limit to {needed}.",
            limits.open_files, limits.sessions
        ));
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(sessions: Option<u32>, open_files: Option<u64>) -> Wanted {
        Wanted {
            sessions,
            open_files,
            base: 30,
            pipes: 256,
            strict: true,
        }
    }

    const HOST: OpenFiles = OpenFiles {
        soft: 1024,
        hard: 20_000,
    };

    #[test]
    fn nothing_said_takes_what_the_hard_limit_allows() {
        let wanted = asks(None, None);
        assert_eq!(target(wanted, HOST), 20_000);
        assert_eq!(settle(wanted, 20_000).unwrap().sessions, (20_000 - 286) / 2);
    }

    #[test]
    fn maxconn_asks_for_its_sockets_and_for_pipes_if_they_fit() {
        assert_eq!(target(asks(Some(100), None), HOST), 200 + 30 + 256);
        assert_eq!(target(asks(Some(9_980), None), HOST), 20_000);
        assert!(settle(asks(Some(9_980), None), 20_000).is_ok());
    }

    #[test]
    fn too_large_a_maxconn_is_refused_with_what_would_fit() {
        let wanted = asks(Some(20_000), None);
        assert_eq!(target(wanted, HOST), 40_030);
        let error = settle(wanted, 20_000).unwrap_err().to_string();
        assert!(error.starts_with("Cannot raise FD limit to 40030, limit is 20000."));
        assert!(error.contains("maxconn to 9985"), "{error}");
    }

    #[test]
    fn without_strict_limits_it_starts_all_the_same() {
        let wanted = Wanted {
            strict: false,
            ..asks(Some(20_000), None)
        };
        assert_eq!(settle(wanted, 20_000).unwrap().sessions, 20_000);
    }

    #[test]
    fn an_own_ulimit_holds_as_written() {
        assert_eq!(target(asks(Some(1_000), Some(500)), HOST), 500);
        assert!(settle(asks(None, Some(30_000)), 20_000).is_err());
    }
}
