//! FIFOs that hear every notification, and the programs that read them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::{
        fd::{AsRawFd as _, RawFd},
        unix::fs::{FileTypeExt as _, OpenOptionsExt as _, chown},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pontoon_config::keepalived::model::Fifo;
use pontoon_sys::descriptor;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde::{Deserialize, Serialize};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

use crate::{
    election::{
        log::{Level, Log},
        script::{Ran, Running, SavedRun, Script, Scripts},
        stop::{Reins, Stop, reins},
    },
    files::without_number,
};

/// Between two starts of a reader that ends: doubled each time, up to `LONGEST_PAUSE`.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A reader that ran for so long starts again without a long pause.
const STEADY: Duration = Duration::from_secs(60);
/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// At the stop: how long a reader may take to end by itself, having read everything.
const FAREWELL: Duration = Duration::from_millis(300);
/// At the stop: how often we look whether everything was read.
const LOOK: Duration = Duration::from_millis(5);

/// What the next program needs of a FIFO.
#[derive(Debug, Serialize, Deserialize)]
pub struct SavedFifo {
    path: PathBuf,
    /// What was written and not read yet is in it.
    descriptor: RawFd,
    reader: Option<SavedRun>,
}

impl SavedFifo {
    /// What has to stay open.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let reader = self.reader.as_ref().and_then(SavedRun::descriptor);
        [self.descriptor].into_iter().chain(reader)
    }
}

/// All FIFOs of a file.
#[derive(Debug)]
pub(super) struct Fifos {
    log: Log,
    open: Vec<OpenFifo>,
}

#[derive(Debug)]
struct OpenFifo {
    path: PathBuf,
    file: File,
    /// Nobody reads, and it is full; told once.
    full: bool,
    /// Was started by the program before.
    left: Option<SavedRun>,
    reader: Option<Reader>,
}

#[derive(Debug)]
struct Reader {
    script: Script,
    /// It need not be started again.
    may_end: Arc<AtomicBool>,
    /// Its process, while it has one.
    run: Arc<Mutex<Option<SavedRun>>>,
    reins: Reins,
    task: JoinHandle<()>,
}

impl Fifos {
    /// Those that the program before had open.
    pub(super) fn resumed(before: Vec<SavedFifo>, log: Log) -> Self {
        let open = before.into_iter();
        // What cannot be taken over is opened anew.
        let open = open.filter_map(|saved| OpenFifo::resumed(saved).ok());
        Self {
            open: open.collect(),
            log,
        }
    }

    /// What the next program needs.
    pub(super) fn saved(&self) -> Vec<SavedFifo> {
        self.open.iter().map(OpenFifo::saved).collect()
    }

    /// Opens these; those that are open already stay so, with their readers.
    pub(super) fn reload(&mut self, wanted: &[Fifo], scripts: &Scripts) {
        let mut old = std::mem::take(&mut self.open);
        for fifo in wanted {
            let path = &fifo.path;
            let purpose = format!("notify_fifo_script of {}", path.display());
            let reader = fifo.reader.as_ref();
            let reader = reader.and_then(|reader| scripts.prepare(reader, &purpose, &self.log));
            let kept = old.iter().position(|open| open.path == *path);
            let open = match kept {
                Some(at) => Ok(old.swap_remove(at)),
                None => OpenFifo::open(fifo, reader.as_ref(), scripts),
            };
            match open {
                Ok(mut open) => {
                    open.read_by(reader, &self.log);
                    self.open.push(open);
                }
                Err(error) => self.tell_of(path, &error),
            }
        }
    }

    fn tell_of(&self, path: &Path, error: &io::Error) {
        let (path, cause) = (path.display(), without_number(&error.to_string()));
        self.log.line(
            Level::Error,
            format_args!("notify FIFO {path} cannot be used: {cause}"),
        );
    }

    /// Writes a line into each of them; never waits.
    pub(super) fn write(&mut self, line: &str) {
        for fifo in &mut self.open {
            fifo.write(line, &self.log);
        }
    }

    /// Gives readers a chance to read what was written, until the deadline, and ends them.
    pub(super) async fn finish(self, deadline: Instant) {
        for fifo in &self.open {
            fifo.drained(deadline).await;
        }
        let mut readers = JoinSet::new();
        for fifo in self.open {
            if let Some(reader) = fifo.reader {
                reader.may_end.store(true, Ordering::Relaxed);
                readers.spawn(reader.finish());
            }
            // A reader that finds the end of its input may end by itself.
            drop(fifo.file);
        }
        readers.join_all().await;
    }
}

impl OpenFifo {
    fn open(fifo: &Fifo, reader: Option<&Script>, scripts: &Scripts) -> io::Result<Self> {
        let path = &fifo.path;
        let made = mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0);
        match made {
            Ok(()) => {
                let given = match &fifo.owner {
                    Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)),
                    None => scripts.give_to_user_of(reader, path),
                };
                if let Err(error) = given {
                    // The next reload would take it for one that somebody has made.
                    let _gone = fs::remove_file(path);
                    return Err(error);
                }
            }
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        if !fs::metadata(path)?.file_type().is_fifo() {
            let remedy = "it exists and is no FIFO; remove it, or choose another name";
            return Err(io::Error::other(remedy));
        }
        // Reading, too: then it opens whether anybody else reads or not, and lines wait for them.
        let non_blocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits());
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(non_blocking.map_err(io::Error::other)?);
        Ok(Self {
            path: path.to_owned(),
            file: options.open(path)?,
            full: false,
            left: None,
            reader: None,
        })
    }

    fn saved(&self) -> SavedFifo {
        let run = self.reader.as_ref().map(|reader| *lock(&reader.run));
        SavedFifo {
            path: self.path.clone(),
            descriptor: self.file.as_raw_fd(),
            reader: run.flatten(),
        }
    }

    fn resumed(saved: SavedFifo) -> io::Result<Self> {
        Ok(Self {
            path: saved.path,
            file: descriptor::take_over(saved.descriptor)?.into(),
            full: false,
            left: saved.reader,
            reader: None,
        })
    }

    fn write(&mut self, line: &str, log: &Log) {
        // Short lines are written whole or not at all (pipe(7)).
        let written = self.file.write(line.as_bytes());
        let Err(error) = written else {
            self.full = false;
            return;
        };
        if std::mem::replace(&mut self.full, true) {
            return;
        }
        let (path, cause) = (self.path.display(), without_number(&error.to_string()));
        let cause = match error.kind() {
            io::ErrorKind::WouldBlock => "it is full, as nobody reads it".to_owned(),
            _ => cause,
        };
        log.line(
            Level::Warning,
            format_args!("notify FIFO {path} loses lines: {cause}"),
        );
    }

    fn read_by(&mut self, script: Option<Script>, log: &Log) {
        let same = self.reader.as_ref().map(|reader| &reader.script) == script.as_ref();
        if same {
            return;
        }
        let left = self.left.take();
        self.reader = script.map(|script| Reader::start(script, left, &self.path, log.clone()));
    }

    /// Waits until everything was read, or until the deadline.
    async fn drained(&self, deadline: Instant) {
        if self.reader.is_none() {
            return;
        }
        while Instant::now() < deadline {
            match rustix::io::ioctl_fionread(&self.file) {
                Ok(1..) => sleep(LOOK).await,
                Ok(0) | Err(_) => return,
            }
        }
    }
}

impl Reader {
    fn start(script: Script, left: Option<SavedRun>, path: &Path, log: Log) -> Self {
        let (reins, stop) = reins();
        let may_end = Arc::new(AtomicBool::new(false));
        let run = Arc::default();
        let keeper = Keeper {
            left,
            run: Arc::clone(&run),
            script: script.clone(),
            path: path.display().to_string(),
            may_end: Arc::clone(&may_end),
            log,
            stop,
        };
        Self {
            script,
            may_end,
            run,
            reins,
            task: tokio::spawn(keeper.run()),
        }
    }

    async fn finish(self) {
        let Self { reins, task, .. } = self;
        let stop = async {
            sleep(FAREWELL).await;
            drop(reins);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _panics_abort = task => {}
            () = stop => {}
        }
    }
}

fn lock(run: &Mutex<Option<SavedRun>>) -> MutexGuard<'_, Option<SavedRun>> {
    run.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a reader running.
struct Keeper {
    /// Was started by the program before.
    left: Option<SavedRun>,
    run: Arc<Mutex<Option<SavedRun>>>,
    script: Script,
    path: String,
    may_end: Arc<AtomicBool>,
    log: Log,
    stop: Stop,
}

impl Keeper {
    async fn run(mut self) {
        let mut pause = PAUSE;
        loop {
            let ran = match self.start().await {
                Err(error) => Ran::not_started(&error),
                Ok(mut running) => tokio::select! {
                    biased;
                    end = running.ended() => {
                        let ran = running.account(end);
                        running.let_go();
                        ran
                    }
                    () = self.stop.asked() => return running.stop(GRACE).await,
                },
            };
            *lock(&self.run) = None;
            if self.may_end.load(Ordering::Relaxed) {
                return;
            }
            if ran.duration >= STEADY {
                pause = PAUSE;
            }
            self.tell(&ran, pause);
            tokio::select! {
                biased;
                () = self.stop.asked() => return,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Starts it, unless it runs already.
    async fn start(&mut self) -> io::Result<Running> {
        let left = self.left.take().map(Running::resumed);
        let running = match left {
            Some(Ok(running)) => running,
            Some(Err(_)) | None => self.script.start(std::slice::from_ref(&self.path)).await?,
        };
        *lock(&self.run) = running.saved();
        Ok(running)
    }

    fn tell(&self, ran: &Ran, pause: Duration) {
        let (path, seconds) = (&self.path, pause.as_secs());
        self.log.line(
            Level::Error,
            format_args!("notify FIFO script of {path} {ran}; it is started again in {seconds} s"),
        );
    }
}
