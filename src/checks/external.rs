//! `option external-check`: a program says how the server is.

use std::{
    collections::BTreeMap,
    process::{ExitStatus, Stdio},
    sync::Arc,
};

use pontoon_engine::health::CheckStatus;
use tokio::{process::Command, time::timeout_at};

use super::{target::Deadlines, verdict::Verdict};

/// What a shell says of a program that cannot be started.
const NOT_STARTED: u16 = 255;

/// A program, its arguments and its environment.
#[derive(Debug, Clone)]
pub(super) struct External {
    pub(super) command: Arc<str>,
    /// Proxy address and port, server address and port.
    pub(super) arguments: [String; 4],
    /// All of it: nothing is inherited.
    pub(super) environment: BTreeMap<String, String>,
}

/// Runs the program; with `connections` sessions on the server now.
pub(super) async fn probe(external: &External, connections: u32, deadlines: &Deadlines) -> Verdict {
    let spawned = Command::new(&*external.command)
        .args(&external.arguments)
        .env_clear()
        .envs(&external.environment)
        .env("HAPROXY_SERVER_CURCONN", connections.to_string())
        .stdin(Stdio::null())
        .process_group(0)
        .spawn();
    let Ok(mut child) = spawned else {
        return Verdict::new(CheckStatus::ProcessError).with_code(NOT_STARTED);
    };
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()));
    match timeout_at(deadlines.answer(), child.wait()).await {
        Ok(Ok(status)) => {
            group.leave();
            judge(status)
        }
        Ok(Err(_)) => Verdict::new(CheckStatus::ProcessError),
        Err(_) => {
            drop(group);
            // Killed: it cannot keep us waiting.
            let _reaped = child.wait().await;
            Verdict::new(CheckStatus::ProcessTimeout).with_code(0)
        }
    }
}

fn judge(status: ExitStatus) -> Verdict {
    if status.success() {
        return Verdict::new(CheckStatus::ProcessOk).with_code(0);
    }
    let verdict = Verdict::new(CheckStatus::ProcessError);
    match status.code().and_then(|code| u16::try_from(code).ok()) {
        Some(code) => verdict.with_code(code),
        None => verdict.with_info("killed by a signal"),
    }
}

/// The processes of a program: killed together, unless it ended by itself.
struct Group(Option<i32>);

impl Group {
    /// What it left behind may stay: a check may start something on purpose.
    fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(pid) = self.0.and_then(rustix::process::Pid::from_raw) else {
            return;
        };
        // It may have ended in this very moment.
        let _gone = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pontoon_lab::{temp::TempDir, wait};

    use super::*;
    use crate::checks::target::Limits;

    fn shell(script: &str) -> External {
        External {
            command: "/bin/sh".into(),
            arguments: ["-c".into(), script.into(), String::new(), String::new()],
            environment: BTreeMap::from([("HAPROXY_SERVER_NAME".into(), "s1".into())]),
        }
    }

    async fn run(external: &External, limit: Duration) -> Verdict {
        let deadlines = Deadlines::start(Limits::new(limit, None, None));
        probe(external, 7, &deadlines).await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn the_exit_status_is_the_verdict() {
        let passed = run(&shell("exit 0"), LONG).await;
        assert_eq!(
            (passed.status, passed.code),
            (CheckStatus::ProcessOk, Some(0))
        );
        let failed = run(&shell("exit 7"), LONG).await;
        assert_eq!(
            (failed.status, failed.code),
            (CheckStatus::ProcessError, Some(7))
        );
        assert_eq!(
            run(&shell("kill -9 $$"), LONG).await.status,
            CheckStatus::ProcessError
        );
    }

    #[tokio::test]
    async fn the_environment_is_ours_alone() {
        let script = "test \"$HAPROXY_SERVER_NAME$HAPROXY_SERVER_CURCONN$HOME\" = s17";
        assert_eq!(
            run(&shell(script), LONG).await.status,
            CheckStatus::ProcessOk
        );
    }

    #[tokio::test]
    async fn a_program_that_does_not_exist_fails() {
        let mut external = shell("");
        external.command = "/nonexistent/check".into();
        let verdict = run(&external, LONG).await;
        assert_eq!(
            (verdict.status, verdict.code),
            (CheckStatus::ProcessError, Some(255))
        );
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_its_children() {
        let directory = TempDir::new("external-check").unwrap();
        let file = directory.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", file.display());
        let verdict = run(&shell(&script), Duration::from_millis(500)).await;
        assert_eq!(
            (verdict.status, verdict.code),
            (CheckStatus::ProcessTimeout, Some(0))
        );
        let pid = std::fs::read_to_string(&file).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        wait::until("the child is dead", wait::PATIENCE, || {
            match std::fs::read_to_string(&stat) {
                // A zombie is dead, whoever is to reap it.
                Ok(stat) => stat.contains(") Z ").then_some(()),
                Err(_) => Some(()),
            }
        })
        .unwrap();
    }
}
