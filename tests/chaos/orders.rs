//! Orders in the middle of it: an administrator who meddles, a stop.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use pontoon_lab::statistics;
use rustix::process::Signal;

use super::{dice::Dice, runtime, scene::Scene, server::Complaints};
use crate::harness::{Failure, Outcome};

/// Servers that may be meddled with.
const SERVERS: [(&str, &str); 6] = [
    ("storm", "a"),
    ("storm", "b"),
    ("storm", "c"),
    ("leaving", "s1"),
    ("queue", "s2"),
    ("queue", "s3"),
];
const ACTIONS: [&str; 5] = ["drain", "maint", "ready", "shutdown", "ready"];

/// Somebody at the statistics page who gives orders all the time.
pub(super) struct Administrator {
    page: SocketAddr,
    leave: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Administrator {
    /// Begins to give orders.
    pub(super) fn start(page: SocketAddr, mut dice: Dice) -> Self {
        let leave = Arc::new(AtomicBool::new(false));
        let leaving = Arc::clone(&leave);
        let thread = thread::spawn(move || {
            while !leaving.load(Ordering::SeqCst) {
                let (backend, server) = dice.pick(&SERVERS);
                // The page's own limits may be reached; the next order may pass.
                let _refused = order(page, backend, server, dice.pick(&ACTIONS));
                thread::sleep(Duration::from_millis(u64::from(dice.below(60))));
            }
        });
        Self {
            page,
            leave,
            thread: Some(thread),
        }
    }

    /// Leaves all servers ready.
    pub(super) fn leave(mut self) -> Outcome {
        self.leave.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
        for (backend, server) in SERVERS {
            order(self.page, backend, server, "ready")?;
        }
        Ok(())
    }
}

fn order(page: SocketAddr, backend: &str, server: &str, action: &str) -> Outcome {
    let form = format!("b={backend}&s={server}&action={action}");
    let request = format!(
        "POST /stats HTTP/1.0\r\nHost: lab\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = statistics::request(page, &request)?;
    match answer.status {
        303 => Ok(()),
        _ => Err(Failure::from(format!("{form}: {answer:?}"))),
    }
}

/// A soft stop while all is going on: sessions run on, and at `hard-stop-after` it is over.
pub(super) fn stops_in_the_middle(dice: Dice) -> Outcome {
    const BEFORE: Duration = Duration::from_millis(700);
    let mut scene = Scene::set(2)?;
    for route in &mut scene.routes {
        // Who comes at the wrong moment is turned away.
        route.calm = false;
    }
    let complaints = Complaints::default();
    runtime()?.block_on(async {
        let (servers, flapping) = super::servers(&scene, &dice, &complaints).await?;
        let mut dice = dice;
        let storm = super::clients(&scene, &mut dice, &complaints, 2 * BEFORE);
        let stop = async {
            tokio::time::sleep(BEFORE).await;
            scene.balancer.program.signal(Signal::USR1)
        };
        let ((), stopped) = tokio::join!(storm, stop);
        flapping.abort();
        drop(servers);
        stopped.map_err(Failure::from)
    })?;
    let status = scene.balancer.program.wait(Duration::from_secs(10))?;
    let said = scene.balancer.program.output();
    super::books::undisturbed(&said)?;
    let told = complaints.told();
    if status.success() && told.is_empty() {
        return Ok(());
    }
    Err(Failure::from(format!(
        "{status}: {told}\n{}",
        said.join("\n")
    )))
}
