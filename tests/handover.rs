//! Reload: sessions move to the next process, and nobody notices.

mod changes;
mod doors;
mod files;
mod held;
mod memory;
mod operated;
mod programs;
mod states;
mod strangers;
mod traffic;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, ExitStatus},
    time::{Duration, Instant},
};

use pontoon_lab::{
    balancer::{Kind, free_address, program_of},
    needs,
    program::Program,
    statistics,
    syslog::Syslog,
    temp::TempDir,
    wait,
};

use crate::harness::{Failure, Outcome, Test, pontoon};

/// Adds this area's tests.
pub(crate) fn register(tests: &mut Vec<Test>) {
    changes::register(tests);
    doors::register(tests);
    files::register(tests);
    held::register(tests);
    memory::register(tests);
    operated::register(tests);
    programs::register(tests);
    states::register(tests);
    strangers::register(tests);
    traffic::register(tests);
}

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// Reloads in a row.
fn reloads() -> usize {
    if needs::full() { 100 } else { 12 }
}

/// A test by its name.
type Case = (&'static str, fn() -> Outcome);

/// Proxies of one address, one after the other: each takes over from the last.
struct Chain {
    folder: TempDir,
    program: PathBuf,
    /// `{front}` in the sections.
    front: SocketAddr,
    /// The statistics.
    page: SocketAddr,
    syslog: Syslog,
    /// What comes behind `global`.
    global: String,
    current: Program,
}

/// How a replaced process ended.
#[derive(Debug)]
struct Replaced {
    status: ExitStatus,
    /// After the new one served.
    within: Duration,
}

impl Chain {
    /// The first, on these sections.
    fn start(sections: &str) -> Result<Self, Failure> {
        Self::start_with("", sections)
    }

    fn start_with(global: &str, sections: &str) -> Result<Self, Failure> {
        let folder = TempDir::new("handover")?;
        let program = program_of(Kind::Pontoon, pontoon(), &folder)?;
        let (front, page, syslog) = (free_address()?, free_address()?, Syslog::start()?);
        let file = folder.write("haproxy.cfg", text(global, sections, front, page, &syslog))?;
        let current = Program::start(Command::new(&program).arg("-db").arg("-f").arg(file))?;
        let chain = Self {
            folder,
            program,
            front,
            page,
            syslog,
            global: global.to_owned(),
            current,
        };
        chain.wait_for_page()?;
        Ok(chain)
    }

    fn wait_for_page(&self) -> Outcome {
        wait::until("the page to be served", wait::PATIENCE, || {
            statistics::get(self.page, "/stats;csv", "").ok()
        })?;
        Ok(())
    }

    /// Starts the next one on these sections, which takes over; the last one goes on, if it has to.
    fn replace(&mut self, sections: &str) -> Result<Program, Failure> {
        let next = self.next(sections)?;
        next.wait_for_line("the next one to take over", |line| {
            line.contains("Took over")
        })?;
        Ok(std::mem::replace(&mut self.current, next))
    }

    /// Starts the next one, and does not wait for it.
    fn next(&self, sections: &str) -> Result<Program, Failure> {
        let text = text(&self.global, sections, self.front, self.page, &self.syslog);
        let file = self.folder.write("haproxy.cfg", text)?;
        let mut command = Command::new(&self.program);
        command.arg("-db").arg("-f").arg(file);
        command.arg("-sf").arg(self.current.pid().to_string());
        Ok(Program::start(&mut command)?)
    }

    /// The same, and the last one must end.
    fn reload(&mut self, sections: &str) -> Result<Replaced, Failure> {
        let mut last = self.replace(sections)?;
        let began = Instant::now();
        let status = last.wait(wait::PATIENCE)?;
        Ok(Replaced {
            status,
            within: began.elapsed(),
        })
    }

    /// From now on another file, with the same program in it, is started.
    fn upgrade(&mut self) -> Outcome {
        let folder = self.folder.path().join("upgrade");
        fs::create_dir(&folder)?;
        self.program = folder.join("haproxy");
        // By a program of its own: what this process has open for writing, the children of other
        // tests have for a moment, too, and then it cannot be started.
        let copied = Command::new("cp")
            .arg(pontoon())
            .arg(&self.program)
            .status()?;
        if copied.success() {
            return Ok(());
        }
        Err(Failure::from("cp failed"))
    }

    /// A value of the statistics: of `be/s1`, the column `status`.
    fn value(&self, row: &str, column: &str) -> Result<String, Failure> {
        let csv = statistics::get(self.page, "/stats;csv", "")?;
        let rows = statistics::rows(&csv.body)?;
        let value = rows.get(row).and_then(|row| row.get(column));
        value
            .cloned()
            .ok_or_else(|| Failure::from(format!("no {row}:{column} in {}", csv.body)))
    }

    fn wait_for_value(&self, row: &str, column: &str, wanted: &str) -> Outcome {
        let what = format!("{row}:{column} to become {wanted}");
        wait::until(&what, wait::PATIENCE, || {
            (self.value(row, column).ok()? == wanted).then_some(())
        })?;
        Ok(())
    }
}

impl Replaced {
    /// It left nothing behind, at once.
    fn is_clean(&self) -> Outcome {
        // It needs no second; a busy machine may.
        if self.status.success() && self.within < Duration::from_secs(5) {
            return Ok(());
        }
        Err(Failure::from(format!("the old process: {self:?}")))
    }
}

fn text(
    global: &str,
    sections: &str,
    front: SocketAddr,
    page: SocketAddr,
    syslog: &Syslog,
) -> String {
    format!(
        "global\n log {} local2\n{global}\n\
         defaults\n mode tcp\n log global\n option tcplog\n timeout connect 5s\n\
         timeout client 60s\n timeout server 60s\n{}\n\
         listen page\n bind {page}\n mode http\n no log\n stats enable\n stats uri /stats\n",
        syslog.address(),
        sections.replace("{front}", &front.to_string()),
    )
}
