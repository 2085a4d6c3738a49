//! `vrrp_track_file`: a number in a file, read whenever somebody has written it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use pontoon_config::keepalived::model::{InitFile, TrackFile};
use pontoon_sys::{
    readiness::Readiness,
    watch::{Change, Watch},
};
use tokio::{sync::mpsc, time::sleep};

use super::{Key, Report};
use crate::{
    election::{
        log::{Level, Log},
        stop::Stop,
    },
    files::without_number,
};

/// More than any number takes.
const READ: u64 = 64;
/// How often a directory that is not there is looked for.
const RETRY: Duration = Duration::from_secs(1);

/// What a file says, and what is wrong with that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) number: i64,
    pub(super) fault: Option<String>,
}

/// Reads the number; what cannot be read counts as 0, as there. A missing file is no fault.
pub(super) fn read(path: &Path) -> Content {
    match text_of(path) {
        Ok(text) => parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::default(),
        Err(error) => Content {
            number: 0,
            fault: Some(without_number(&error.to_string())),
        },
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    // A FIFO would keep us waiting.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(READ).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A number at the beginning counts, whatever follows (so it is there).
fn parse(text: &str) -> Content {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (&text[..1], digits),
        None => ("", text),
    };
    let end = digits.find(|letter: char| !letter.is_ascii_digit());
    let (digits, rest) = digits.split_at(end.unwrap_or(digits.len()));
    let number = match digits {
        "" => 0,
        // As many digits as were read overflow at worst.
        _ => format!("{sign}{digits}").parse().unwrap_or(match sign {
            "-" => i64::MIN,
            _ => i64::MAX,
        }),
    };
    let fault = (digits.is_empty() || !rest.is_empty())
        .then(|| format!("`{}` is not a number", text.escape_default()));
    Content { number, fault }
}

/// Writes what the file begins with, if that is wanted.
///
/// # Errors
/// It cannot be written.
pub(super) fn initialise(path: &Path, init: InitFile) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if init.overwrite {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options.open(path) {
        Ok(mut file) => writeln!(file, "{}", init.value),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Tells of a fault once.
pub(super) fn complain(name: &str, path: &Path, content: &Content, log: &Log) {
    if let Some(fault) = &content.fault {
        log.line(
            Level::Warning,
            format_args!(
                "track_file {name}: {}: {fault}; it counts as {}",
                path.display(),
                content.number
            ),
        );
    }
}

/// Reads a file again and again, until it is asked to stop.
#[derive(Debug)]
pub(super) struct Watcher {
    pub(super) key: Key,
    pub(super) name: Arc<str>,
    pub(super) path: PathBuf,
    /// What is known of it already.
    pub(super) content: Content,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) log: Log,
    pub(super) stop: Stop,
}

impl Watcher {
    pub(super) fn new(
        (key, file): (Key, &TrackFile),
        content: Content,
        reports: mpsc::Sender<Report>,
        (log, stop): (Log, Stop),
    ) -> Self {
        Self {
            key,
            name: Arc::clone(&file.name),
            path: std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone()),
            content,
            reports,
            log,
            stop,
        }
    }

    pub(super) async fn run(mut self) {
        let mut told = false;
        loop {
            let watched = self.watch();
            // After the watch began, so nothing that is written meanwhile is missed.
            if !self.read_again().await {
                return;
            }
            let gone = match &watched {
                Ok((watch, readiness)) => self.follow(watch, readiness).await,
                Err(error) => {
                    if !std::mem::replace(&mut told, true) {
                        self.tell_of_directory(error);
                    }
                    self.wait().await
                }
            };
            if !gone {
                return;
            }
        }
    }

    fn watch(&self) -> io::Result<(Watch, Readiness)> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let watch = Watch::directory(directory)?;
        let readiness = Readiness::of(&watch)?;
        Ok((watch, readiness))
    }

    fn tell_of_directory(&self, error: &io::Error) {
        let (name, path) = (&self.name, self.path.display());
        let cause = without_number(&error.to_string());
        self.log.line(
            Level::Warning,
            format_args!(
                "track_file {name}: the directory of {path} cannot be watched ({cause}); \
                 it is looked at every second"
            ),
        );
    }

    /// Until the directory is gone (true), or nobody wants to know any more.
    async fn follow(&mut self, watch: &Watch, readiness: &Readiness) -> bool {
        // What a link leads to is written elsewhere.
        let is_link = fs::read_link(&self.path).is_ok();
        loop {
            let changed = tokio::select! {
                biased;
                () = self.stop.asked() => return false,
                ready = readiness.readable() => ready.is_ok(),
                () = sleep(RETRY), if is_link => self.read_again().await,
            };
            if !changed {
                return false;
            }
            let Ok(changes) = watch.changes() else {
                return self.wait().await;
            };
            let file = self.path.file_name();
            let ours = |change: &Change| match change {
                Change::File(name) => Some(name.as_os_str()) == file,
                Change::Anything | Change::Gone => true,
            };
            if changes.iter().any(ours) && !self.read_again().await {
                return false;
            }
            if changes.contains(&Change::Gone) {
                return self.wait().await;
            }
        }
    }

    async fn wait(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stop.asked() => false,
            () = sleep(RETRY) => true,
        }
    }

    /// Whether somebody still wants to know.
    async fn read_again(&mut self) -> bool {
        let content = read(&self.path);
        if content == self.content {
            return true;
        }
        if content.fault != self.content.fault {
            complain(&self.name, &self.path, &content, &self.log);
        }
        self.content = content;
        let (key, number) = (self.key, self.content.number);
        tokio::select! {
            biased;
            () = self.stop.asked() => false,
            sent = self.reports.send(Report::Number { key, number }) => sent.is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use pontoon_lab::temp::TempDir;

    use super::*;

    #[test]
    fn numbers_are_read_as_keepalived_reads_them() {
        for (text, number) in [
            ("7\n", 7),
            ("-300", -300),
            (" +5 \n", 5),
            ("99999999999999999999", i64::MAX),
            ("-99999999999999999999", i64::MIN),
        ] {
            assert_eq!(
                parse(text),
                Content {
                    number,
                    fault: None
                },
                "{text}"
            );
        }
        for (text, number) in [("12abc", 12), ("garbage", 0), ("", 0), ("-", 0), ("5 6", 5)] {
            let content = parse(text);
            assert_eq!(content.number, number, "{text}");
            assert!(content.fault.is_some(), "{text}");
        }
    }

    #[test]
    fn a_missing_file_is_nought_and_no_fault() {
        assert_eq!(read(Path::new("/nonexistent/number")), Content::default());
        assert!(read(Path::new("/")).fault.is_some());
    }

    #[test]
    fn a_file_is_initialised_only_if_it_is_missing_or_to_be_overwritten() {
        let room = TempDir::new("track-file").unwrap();
        let path = room.path().join("number");
        let init = |value, overwrite| InitFile { value, overwrite };
        initialise(&path, init(5, false)).unwrap();
        assert_eq!(read(&path).number, 5);
        initialise(&path, init(6, false)).unwrap();
        assert_eq!(read(&path).number, 5);
        initialise(&path, init(-7, true)).unwrap();
        assert_eq!(read(&path).number, -7);
        assert!(initialise(Path::new("/nonexistent/x"), init(1, false)).is_err());
    }
}
