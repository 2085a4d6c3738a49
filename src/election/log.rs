//! Where the election's lines go: syslog, standard error, a file; as keepalived's do
//! (keepalived(8), `-l`, `-D`, `-S`, `-g`, `-G`).
//!
//! A line is sent at once or handed to a thread that writes: whoever does not read must not keep
//! a master from saying that it lives.

use std::{
    fmt::Display,
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use pontoon_config::haproxy::model::LogAddress;

use crate::log::{date::Calendar, sink::Sink};

/// Where a syslog daemon listens.
const SYSLOG: &str = "/dev/log";
/// How long the last lines may take at exit.
const PATIENCE: Duration = Duration::from_millis(200);

/// How much a line matters, as syslog counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something does not work.
    Error,
    /// Something will surprise.
    Warning,
    /// Roles change.
    Notice,
    /// What else happens.
    Info,
    /// Detail (`-D`).
    Debug,
}

impl Level {
    /// Severity (RFC 5424, 6.2.1). Keepalived sends all its lines as `info`, and rules that select
    /// them by that go on working; what does not work is worth more.
    const fn severity(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice | Self::Info | Self::Debug => 6,
        }
    }
}

/// A syslog facility (RFC 5424, 6.2.1), 0 to 23.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(u8);

impl Facility {
    /// What keepalived uses if nothing is said.
    pub const DAEMON: Self = Self(3);

    /// `0` to `7`, `local0` to `local7`, `user` or `daemon`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "user" => return Some(Self(1)),
            "daemon" => return Some(Self::DAEMON),
            _ => {}
        }
        let number = name.strip_prefix("local").unwrap_or(name);
        match number.as_bytes() {
            [digit @ b'0'..=b'7'] => Some(Self(16 + digit - b'0')),
            _ => None,
        }
    }
}

/// What the command line says about lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlets {
    /// To the syslog daemon (`-G`: not).
    pub syslog: Option<Facility>,
    /// On standard error.
    pub console: Option<Console>,
    /// Into a file (`-g`), made if missing, appended to.
    pub file: Option<PathBuf>,
    /// Details, too (`-D`).
    pub detail: bool,
}

/// How lines on standard error begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Console {
    /// With the time (`-l`).
    Dated,
    /// With the name and number of the process: others write there, too.
    Named,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write log lines into {}: {cause}", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub cause: io::Error,
}

/// Writes lines; cheap to clone, never blocks, never fails.
#[derive(Debug, Clone)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    outlets: Vec<Outlet>,
    /// `Keepalived_vrrp`.
    tag: String,
    detail: bool,
    calendar: Calendar,
}

#[derive(Debug)]
struct Outlet {
    sink: Sink,
    style: Style,
}

/// What stands before a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Syslog(Facility),
    Dated,
    Named,
}

impl Log {
    /// Opens what the command line names. Lines bear this tag.
    ///
    /// # Errors
    /// The file cannot be written. A syslog daemon that is not there is none.
    pub fn open(outlets: &Outlets, tag: &str) -> Result<Self, OpenError> {
        let mut opened = Vec::new();
        // Without a socket there is no syslog; the other outlets remain.
        let syslog = outlets.syslog.and_then(|facility| {
            let sink = Sink::open(&LogAddress::Unix(SYSLOG.into())).ok()?;
            Some(Outlet {
                sink,
                style: Style::Syslog(facility),
            })
        });
        opened.extend(syslog);
        opened.extend(outlets.console.and_then(on_standard_error));
        if let Some(path) = &outlets.file {
            opened.push(into_file(path)?);
        }
        Ok(Self(Arc::new(Shared {
            outlets: opened,
            tag: tag.to_owned(),
            detail: outlets.detail,
            calendar: Calendar::local(),
        })))
    }

    /// Lines on standard error, with the name and number of the process.
    #[must_use]
    pub fn to_standard_error() -> Self {
        Self(Arc::new(Shared {
            outlets: on_standard_error(Console::Named).into_iter().collect(),
            tag: "keepalived".to_owned(),
            detail: false,
            calendar: Calendar::local(),
        }))
    }

    /// Writes one line; those of [`Level::Debug`] only with `-D`.
    pub fn line(&self, level: Level, message: impl Display) {
        if !self.shows(level) {
            return;
        }
        let message = message.to_string();
        let now = SystemTime::now();
        for outlet in &self.0.outlets {
            let line = self.0.render(outlet.style, level, &message, now);
            // What cannot be sent at once is lost; the sink tells how many when it works again.
            if let Ok(Some(lost)) = outlet.sink.send(&line) {
                let told = format!("{lost} log lines were lost before this one");
                let told = self.0.render(outlet.style, Level::Warning, &told, now);
                let _lost = outlet.sink.send(&told);
            }
        }
    }

    /// Whether lines of this level are written.
    #[must_use]
    pub fn shows(&self, level: Level) -> bool {
        level < Level::Debug || self.0.detail
    }

    /// Ends the threads that write; the next line starts them again, with the rights that we have then.
    /// False: one cannot be ended, as nobody reads what it writes.
    #[must_use]
    pub fn pause(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let outlets = self.0.outlets.iter();
        outlets.fold(true, |all, outlet| outlet.sink.pause(deadline) & all)
    }

    /// Before the process exits: gives the last lines a moment to get out.
    pub fn flush(&self) {
        let deadline = Instant::now() + PATIENCE;
        for outlet in &self.0.outlets {
            // Whoever does not read for this long has had their chance.
            let _late = outlet.sink.flush(deadline);
        }
    }
}

impl Shared {
    fn render(&self, style: Style, level: Level, message: &str, now: SystemTime) -> Vec<u8> {
        let pid = std::process::id();
        let tag = &self.tag;
        let mut out = Vec::with_capacity(message.len() + 48);
        match style {
            Style::Syslog(Facility(facility)) => {
                let priority = facility * 8 + level.severity();
                out.extend_from_slice(format!("<{priority}>").as_bytes());
                self.calendar.syslog(&mut out, now);
                out.extend_from_slice(format!(" {tag}[{pid}]: ").as_bytes());
            }
            Style::Dated => {
                self.calendar.asctime(&mut out, now);
                out.extend_from_slice(b": ");
            }
            Style::Named => out.extend_from_slice(format!("{tag}[{pid}]: ").as_bytes()),
        }
        // A name in a file could hold a line's end; it must not forge a line.
        let cleaned = message
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c });
        out.extend_from_slice(cleaned.collect::<String>().as_bytes());
        if !matches!(style, Style::Syslog(_)) {
            out.push(b'\n');
        }
        out
    }
}

/// `None`: standard error is closed.
fn on_standard_error(console: Console) -> Option<Outlet> {
    let sink = Sink::open(&LogAddress::Descriptor(2)).ok()?;
    let style = match console {
        Console::Dated => Style::Dated,
        Console::Named => Style::Named,
    };
    Some(Outlet { sink, style })
}

fn into_file(path: &Path) -> Result<Outlet, OpenError> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|cause| OpenError {
        path: path.to_owned(),
        cause,
    })?;
    Ok(Outlet {
        sink: Sink::of(file.into()),
        style: Style::Dated,
    })
}

/// `-g`: each process writes into a file of its own, `_vrrp` standing before the last dot.
#[must_use]
pub fn file_of(path: &Path, process: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}_{process}.{extension}"),
        None => format!("{name}_{process}"),
    };
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Shared {
        Shared {
            outlets: Vec::new(),
            tag: "Keepalived_vrrp".into(),
            detail: false,
            calendar: Calendar::utc(),
        }
    }

    fn rendered(style: Style, level: Level, message: &str) -> String {
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_353_461);
        let line = shared().render(style, level, message, then);
        let text = String::from_utf8(line).unwrap();
        text.replace(&format!("[{}]", std::process::id()), "[7]")
    }

    #[test]
    fn lines_look_as_keepalived_writes_them() {
        let line = "(VI_1) Entering MASTER STATE";
        let syslog = rendered(Style::Syslog(Facility::DAEMON), Level::Notice, line);
        assert_eq!(
            syslog,
            "<30>Nov 22 13:17:41 Keepalived_vrrp[7]: (VI_1) Entering MASTER STATE"
        );
        assert_eq!(
            rendered(Style::Dated, Level::Notice, line),
            "Sun Nov 22 13:17:41 2026: (VI_1) Entering MASTER STATE\n"
        );
        assert_eq!(
            rendered(Style::Named, Level::Notice, line),
            "Keepalived_vrrp[7]: (VI_1) Entering MASTER STATE\n"
        );
    }

    #[test]
    fn what_does_not_work_weighs_more() {
        let style = Style::Syslog(Facility::named("local1").unwrap());
        assert!(rendered(style, Level::Error, "x").starts_with("<139>"));
        assert!(rendered(style, Level::Info, "x").starts_with("<142>"));
    }

    #[test]
    fn a_message_cannot_forge_a_line() {
        let line = rendered(Style::Dated, Level::Info, "a\n<30>b");
        assert!(line.ends_with(": a <30>b\n"), "{line}");
    }

    #[test]
    fn facilities_are_known_by_name_and_number() {
        assert_eq!(Facility::named("daemon"), Some(Facility::DAEMON));
        assert_eq!(Facility::named("user"), Some(Facility(1)));
        assert_eq!(Facility::named("0"), Some(Facility(16)));
        assert_eq!(Facility::named("local7"), Some(Facility(23)));
        for wrong in ["9", "8", "local8", "local", "", "mail", "07"] {
            assert_eq!(Facility::named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_process_has_a_file_of_its_own() {
        let of = |path: &str| file_of(Path::new(path), "vrrp");
        assert_eq!(of("/var/log/ka.log"), Path::new("/var/log/ka_vrrp.log"));
        assert_eq!(of("ka"), Path::new("ka_vrrp"));
        assert_eq!(of("/a.b/ka.1.log"), Path::new("/a.b/ka.1_vrrp.log"));
    }

    #[test]
    fn a_file_gets_its_lines_and_details_only_if_wanted() {
        let path = std::env::temp_dir().join(format!("pontoon-log-{}", std::process::id()));
        let outlets = Outlets {
            syslog: None,
            console: None,
            file: Some(path.clone()),
            detail: false,
        };
        let log = Log::open(&outlets, "t").unwrap();
        log.line(Level::Info, "seen");
        log.line(Level::Debug, "unseen");
        log.flush();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(text.ends_with(": seen\n"), "{text}");
    }
}
