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
    pub(super) fn worker_ended(&self, end: End) -> ExitCode {
        let code = match end {
            End::Exited(code) => code,
            End::Killed(number) => 128 + number,
        };
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
        self.voice
            .warning(format!("All workers exited. Exiting... ({exit})"));
        ExitCode::from(u8::try_from(exit).unwrap_or(1))
    }

    pub(super) fn refuse_reload(&self) {
        self.voice.warning(
            "Reload refused: it comes with a later version. The worker runs on unchanged; \
             restart to apply new files.",
        );
    }
}
