//! Reads what a node tells, on a thread of its own: a node that hangs holds up nobody.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::net::UnixStream,
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use super::reading;
use crate::demo::{
    deed::NodeId,
    picture::{Role, Sighting},
};

/// How long a node may take to answer before it counts as silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// What `pontoon status` asks.
const STATUS: &[u8] = b"{\"command\":\"status\"}\n";
/// What a browser asks, with the password of the how-to.
const PAGE: &[u8] = b"GET /haproxy_stats;csv HTTP/1.0\r\n\
    Authorization: Basic YWRtaW46c3Ryb25nUGFzc3dvckQ=\r\n\r\n";

/// The doors of a node, as far as they are open.
struct Doors {
    status: Option<UnixStream>,
    page: Option<TcpStream>,
}

/// Looks at one node.
#[derive(Debug)]
pub(super) struct Eye {
    doors: Sender<Doors>,
    seen: Receiver<Vec<Sighting>>,
    idle: bool,
}

impl Eye {
    pub(super) fn open(node: NodeId) -> Self {
        let (doors, given) = mpsc::channel::<Doors>();
        let (telling, seen) = mpsc::channel();
        thread::spawn(move || {
            for doors in given {
                if telling.send(read(node, doors)).is_err() {
                    return;
                }
            }
        });
        Self {
            doors,
            seen,
            idle: true,
        }
    }

    /// Whether what it was given last has been read.
    pub(super) const fn is_idle(&self) -> bool {
        self.idle
    }

    /// Gives it something to read.
    pub(super) fn look(&mut self, status: Option<UnixStream>, page: Option<TcpStream>) {
        self.idle = self.doors.send(Doors { status, page }).is_err();
    }

    /// What it has read meanwhile.
    pub(super) fn seen(&mut self) -> Vec<Sighting> {
        match self.seen.try_recv() {
            Ok(seen) => {
                self.idle = true;
                seen
            }
            Err(_) => Vec::new(),
        }
    }
}

fn read(node: NodeId, doors: Doors) -> Vec<Sighting> {
    let status = doors.status.and_then(|door| ask_status(door).ok());
    let election = status.and_then(|line| reading::election(node, &line));
    let silent = Sighting::Election {
        node,
        role: Role::Unknown,
        proxy: false,
        alarm: false,
    };
    let page = doors.page.and_then(|page| ask_page(page).ok());
    let servers = page.map_or([None; 3], |csv| reading::servers(&csv));
    vec![election.unwrap_or(silent), Sighting::Servers(node, servers)]
}

fn ask_status(mut door: UnixStream) -> io::Result<String> {
    door.set_read_timeout(Some(PATIENCE))?;
    door.write_all(STATUS)?;
    let mut line = String::new();
    BufReader::new(door).read_line(&mut line)?;
    Ok(line)
}

fn ask_page(mut page: TcpStream) -> io::Result<String> {
    page.set_read_timeout(Some(PATIENCE))?;
    page.write_all(PAGE)?;
    let mut text = String::new();
    page.read_to_string(&mut text)?;
    Ok(text)
}
