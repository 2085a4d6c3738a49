//! What only the master of `haproxy -W` does: HAProxy's words and exit codes.

use std::process::ExitCode;

use pontoon_sys::process::{Signal, child::End};

use super::{Role, Supervisor};

impl Supervisor {
    pub(super) fn greet_worker(&self, pid: u32) {
        if self.role == Role::Master {
            self.voice.notice(format!("New worker ({pid}) forked"));
            self.voice.notice("Loading success.");
        }
    }

    /// HAProxy's rule: a worker that was told to terminate is no failure.
    pub(super) fn worker_ended(&mut self, end: End) -> ExitCode {
        let code = code_of(end);
        let exit = if code == 128 + Signal::TERM.as_raw() {
            0
        } else {
            code
        };
        let text = format!("Current worker exited with code {code}: it {end}");
        if exit == 0 {
            self.voice.warning(text);
        } else {
            self.voice.alert(text);
        }
        // The others were told already if a stop was asked for.
        if self.stop.is_none() {
            self.signal_leaving(Signal::TERM);
        }
        self.worker_exit = Some(exit);
        ExitCode::from(u8::try_from(exit).unwrap_or(1))
    }

    pub(super) fn former_worker_ended(&self, pid: u32, end: End) {
        let code = code_of(end);
        let text = format!("Former worker ({pid}) exited with code {code}: it {end}");
        self.voice.warning(text);
    }

    pub(super) fn say_goodbye(&self) {
        if let Some(exit) = self.worker_exit {
            self.voice
                .warning(format!("All workers exited. Exiting... ({exit})"));
        }
    }
}

/// As a shell shows it.
const fn code_of(end: End) -> i32 {
    match end {
        End::Exited(code) => code,
        End::Killed(number) => 128 + number,
    }
}
