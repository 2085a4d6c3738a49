//! The signals keepalived listens to (keepalived(8), SIGNALS).

use std::io;

use pontoon_sys::process::{
    Signal,
    signal::{self, Held},
};
use tokio::signal::unix::{self, Signal as Stream, SignalKind};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// TERM, INT.
    Stop,
    /// HUP.
    Reload,
    /// USR1: the state goes into a file.
    Data,
    /// USR2: the counters go into a file.
    Statistics,
    /// The last but one: the same, and they begin at 0 again.
    ClearStatistics,
    /// The third real-time signal: the state as JSON.
    Json,
}

impl Function {
    /// As `--signum` names them.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "STOP" => Self::Stop,
            "RELOAD" => Self::Reload,
            "DATA" => Self::Data,
            "STATS" => Self::Statistics,
            "STATS_CLEAR" => Self::ClearStatistics,
            "JSON" => Self::Json,
            _ => return None,
        })
    }

    /// The signal's number, as keepalived 2.2.7 has it.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Stop => Signal::TERM.as_raw(),
            Self::Reload => Signal::HUP.as_raw(),
            Self::Data => Signal::USR1.as_raw(),
            Self::Statistics => Signal::USR2.as_raw(),
            Self::ClearStatistics => libc::SIGRTMAX() - 1,
            Self::Json => libc::SIGRTMIN() + 2,
        }
    }
}

/// Signals that arrived wait here.
#[derive(Debug)]
pub(crate) struct Watch {
    terminate: Stream,
    interrupt: Stream,
    reload: Stream,
    data: Stream,
    statistics: Stream,
    clear: Stream,
    json: Stream,
}

impl Watch {
    /// Begins to listen, also to what has waited for this; to be called inside a tokio runtime.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn new() -> io::Result<Self> {
        let of = |function: Function| unix::signal(SignalKind::from_raw(function.number()));
        let watch = Self {
            terminate: of(Function::Stop)?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            reload: of(Function::Reload)?,
            data: of(Function::Data)?,
            statistics: of(Function::Statistics)?,
            clear: of(Function::ClearStatistics)?,
            json: of(Function::Json)?,
        };
        // The program before this one may have held them for us.
        hold()?.release()?;
        Ok(watch)
    }

    /// The next one. Nothing is lost if the wait is given up.
    pub(crate) async fn next(&mut self) -> Function {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Function::Stop,
            _ = self.interrupt.recv() => Function::Stop,
            _ = self.reload.recv() => Function::Reload,
            _ = self.data.recv() => Function::Data,
            _ = self.statistics.recv() => Function::Statistics,
            _ = self.clear.recv() => Function::ClearStatistics,
            _ = self.json.recv() => Function::Json,
        }
    }
}

/// Lets them wait for the program that this process executes next: until it listens, they would end
/// the process.
///
/// # Errors
/// Nothing that a correct program meets.
pub(crate) fn hold() -> io::Result<Held> {
    let real_time = [Function::Json, Function::ClearStatistics];
    let real_time = real_time.map(|function| function.number() - libc::SIGRTMIN());
    let named = [
        Signal::TERM,
        Signal::INT,
        Signal::HUP,
        Signal::USR1,
        Signal::USR2,
    ];
    let all = named.into_iter();
    let all: Vec<_> = all
        .chain(real_time.into_iter().filter_map(signal::real_time))
        .collect();
    signal::hold(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_keepalived_tells() {
        let number = |name| Function::named(name).map(Function::number);
        assert_eq!(number("STOP"), Some(15));
        assert_eq!(number("RELOAD"), Some(1));
        assert_eq!(number("DATA"), Some(10));
        assert_eq!(number("STATS"), Some(12));
        assert_eq!(number("STATS_CLEAR"), Some(libc::SIGRTMAX() - 1));
        assert_eq!(number("JSON"), Some(libc::SIGRTMIN() + 2));
        assert_eq!(number("TDATA"), None);
    }
}
