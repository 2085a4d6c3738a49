//! Sessions that run, as they are told to programs: `show sess json`, which `pontoon top` reads.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A session at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// What `shutdown session` calls it.
    pub id: String,
    /// The proxy that accepted it.
    pub frontend: String,
    /// The backend, once chosen.
    pub backend: Option<String>,
    /// The server, once chosen.
    pub server: Option<String>,
    /// Who connected; of a UNIX socket, the number of the listener: `unix:1`.
    pub client: String,
    /// Where the server is, once it was asked.
    pub server_address: Option<String>,
    /// What it is at.
    pub stage: Doing,
    /// Since it was accepted, in milliseconds.
    pub age_ms: u64,
    /// Since anybody sent or took anything, in milliseconds; without a server, as old as it is.
    pub idle_ms: u64,
    /// Until it ends, or goes on otherwise, if nothing happens; none: it may last.
    pub expires_ms: Option<u64>,
    /// Bytes from the client to the server.
    pub bytes_in: u64,
    /// Bytes from the server to the client.
    pub bytes_out: u64,
    /// Bytes of both directions that wait for room.
    pub held: u64,
    /// Attempts to connect after the first.
    pub retries: u32,
}

/// What a session is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Doing {
    /// Rules wait for what the client sends.
    Inspected,
    /// It waits for a server.
    Queued,
    /// The server has not answered yet.
    Connecting,
    /// The server refused; it is asked once more after a moment.
    Retrying,
    /// Bytes flow both ways.
    Established,
    /// One side has closed.
    Closing,
}

impl Doing {
    /// In one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inspected => "inspected",
            Self::Queued => "queued",
            Self::Connecting => "connecting",
            Self::Retrying => "retrying",
            Self::Established => "established",
            Self::Closing => "closing",
        }
    }
}

/// `1d4m`, `1h57s`, `58s`: the two largest units that are not zero.
#[must_use]
pub fn human(duration: Duration) -> String {
    const UNITS: [(u64, char); 4] = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let mut left = duration.as_secs();
    let mut out = String::new();
    let mut parts = 0;
    for (seconds, unit) in UNITS {
        let count = left / seconds;
        left %= seconds;
        if count > 0 && parts < 2 {
            parts += 1;
            out.push_str(&format!("{count}{unit}"));
        }
    }
    if out.is_empty() { "0s".into() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_units_say_how_long() {
        let cases = [
            (0, "0s"),
            (58, "58s"),
            (97, "1m37s"),
            (3_657, "1h57s"),
            (3_717, "1h1m"),
            (86_699, "1d4m"),
            (89_998, "1d59m"),
            (259_198, "2d23h"),
        ];
        for (seconds, wanted) in cases {
            assert_eq!(human(Duration::from_secs(seconds)), wanted);
        }
        assert_eq!(human(Duration::from_millis(999)), "0s");
    }
}
