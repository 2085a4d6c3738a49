//! The node's socket: clients ask, one line each. None of them can keep the supervisor waiting.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, AsRawFd as _, BorrowedFd, RawFd},
        unix::{
            fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _},
            net::{SocketAddr, UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use pontoon_sys::{
    descriptor,
    packet::{self, Peer},
    process::wait::Wish,
    socket,
};

use serde::{Deserialize, Serialize};

use crate::node::status::{Answer, Request};

/// How long a client may take altogether.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clients at once; one more takes the place of the oldest.
const MOST_CLIENTS: usize = 16;
/// No request is longer.
const LONGEST: usize = 4 << 10;
/// After an error in accepting, such as a lack of descriptors.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens at a path, which is removed with it, or under an abstract name.
#[derive(Debug)]
pub(super) struct Door {
    listener: UnixListener,
    /// `None`: it has an abstract name.
    file: Option<SocketFile>,
    clients: Vec<Client>,
    next: u64,
    paused_until: Option<Instant>,
}

/// What one program tells the next of its door.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedDoor {
    pub(super) descriptor: RawFd,
    path: PathBuf,
    inode: u64,
}

#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Which file is ours: another node may have taken the path since.
    inode: u64,
}

/// The first client of a door with an abstract name: no client has the number of one of the other
/// door, ever.
const FIRST_INSIDE: u64 = 1 << 63;

/// Names a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClientId(u64);

#[derive(Debug)]
struct Client {
    id: ClientId,
    stream: UnixStream,
    phase: Phase,
    until: Instant,
}

#[derive(Debug)]
enum Phase {
    /// What has come of its line.
    Asking(Vec<u8>),
    /// It is being thought about.
    Waiting,
    /// What is left to send.
    Answering(Vec<u8>),
}

impl Door {
    /// Listens at this path, in place of a dead node, for this user only.
    ///
    /// # Errors
    /// A living node listens there (`AddrInUse`), or the directory cannot be written.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let directory = directory_of(&path)?;
        // Two nodes that start at the same time look one after the other.
        directory.lock()?;
        match UnixStream::connect(&path) {
            // A file that is no socket refuses as well.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && is_socket(&path) => {
                fs::remove_file(&path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) => return Err(error),
        }
        let listener = UnixListener::from(socket::listen_privately(&path)?);
        listener.set_nonblocking(true)?;
        let inode = fs::symlink_metadata(&path)?.ino();
        Ok(Self {
            listener,
            file: Some(SocketFile { path, inode }),
            clients: Vec::new(),
            next: 0,
            paused_until: None,
        })
    }

    /// Listens under this abstract name, for processes that no file reaches.
    ///
    /// # Errors
    /// The name is in use; out of descriptors.
    pub(super) fn inside(address: &SocketAddr) -> io::Result<Self> {
        let listener = UnixListener::bind_addr(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            file: None,
            clients: Vec::new(),
            next: FIRST_INSIDE,
            paused_until: None,
        })
    }

    /// Whether nobody waits for an answer.
    pub(super) fn is_calm(&self) -> bool {
        self.clients.iter().all(|client| match &client.phase {
            Phase::Asking(_) => true,
            Phase::Waiting => false,
            Phase::Answering(unsent) => unsent.is_empty(),
        })
    }

    /// What the program after this one is told; `None` of one that has an abstract name, which is
    /// free again at once.
    pub(super) fn saved(&self) -> Option<SavedDoor> {
        let file = self.file.as_ref()?;
        Some(SavedDoor {
            descriptor: self.listener.as_raw_fd(),
            path: file.path.clone(),
            inode: file.inode,
        })
    }

    /// The one of the program before this one.
    ///
    /// # Errors
    /// It was not left.
    pub(super) fn resumed(saved: SavedDoor) -> io::Result<Self> {
        let listener = UnixListener::from(descriptor::take_over(saved.descriptor)?);
        listener.set_nonblocking(true)?;
        let (path, inode) = (saved.path, saved.inode);
        Ok(Self {
            listener,
            file: Some(SocketFile { path, inode }),
            clients: Vec::new(),
            next: 0,
            paused_until: None,
        })
    }

    /// What is to be waited for.
    pub(super) fn wishes(&self) -> impl Iterator<Item = (BorrowedFd<'_>, Wish)> {
        let listener = self.paused_until.is_none();
        let listener = listener.then(|| (self.listener.as_fd(), Wish::Read));
        listener
            .into_iter()
            .chain(self.clients.iter().filter_map(Client::wish))
    }

    /// When somebody has taken too long.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let clients = self.clients.iter().map(|client| client.until);
        clients.chain(self.paused_until).min()
    }

    /// Lets in who is there, reads and writes what can be, and returns a request if one is whole.
    pub(super) fn look(&mut self, now: Instant) -> Option<(ClientId, Request)> {
        self.look_at(now, |_| true)
    }

    /// [`Door::look`]; who is there and not welcome is sent away.
    pub(super) fn look_at(
        &mut self,
        now: Instant,
        welcome: impl Fn(Peer) -> bool,
    ) -> Option<(ClientId, Request)> {
        self.paused_until = self.paused_until.filter(|until| now < *until);
        if self.paused_until.is_none() {
            self.let_in(now, welcome);
        }
        let mut asked = None;
        self.clients.retain_mut(|client| {
            if asked.is_none() {
                let (stays, request) = client.go_on();
                asked = request.map(|request| (client.id, request));
                return stays && now < client.until;
            }
            now < client.until
        });
        asked
    }

    fn let_in(&mut self, now: Instant, welcome: impl Fn(Peer) -> bool) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) if !packet::peer(&stream).is_ok_and(&welcome) => {}
                Ok((stream, _)) if stream.set_nonblocking(true).is_ok() => {
                    if self.clients.len() == MOST_CLIENTS {
                        self.clients.remove(0);
                    }
                    self.next += 1;
                    self.clients.push(Client {
                        id: ClientId(self.next),
                        stream,
                        phase: Phase::Asking(Vec::new()),
                        until: now + PATIENCE,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => {
                    self.paused_until = Some(now + PAUSE);
                    return;
                }
            }
        }
    }

    /// What a client has asked for takes its time.
    pub(super) fn grant(&mut self, id: ClientId, until: Instant) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
            client.until = until;
        }
    }

    /// Whether a client is still there.
    pub(super) fn has(&self, id: ClientId) -> bool {
        self.clients.iter().any(|client| client.id == id)
    }

    /// Answers a client, if it is still there.
    pub(super) fn answer(&mut self, id: ClientId, answer: &Answer) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
            client.answer(answer);
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let Some(SocketFile { path, inode }) = &self.file else {
            return;
        };
        if fs::symlink_metadata(path).is_ok_and(|file| file.ino() == *inode) {
            // If it cannot be removed, the next node finds that nobody listens there.
            let _left_behind = fs::remove_file(path);
        }
    }
}

impl Client {
    fn wish(&self) -> Option<(BorrowedFd<'_>, Wish)> {
        match self.phase {
            Phase::Asking(_) => Some((self.stream.as_fd(), Wish::Read)),
            Phase::Waiting => None,
            Phase::Answering(_) => Some((self.stream.as_fd(), Wish::Write)),
        }
    }

    /// Whether it stays, and what it asks.
    fn go_on(&mut self) -> (bool, Option<Request>) {
        match &mut self.phase {
            Phase::Asking(line) => match read_line(&self.stream, line) {
                Ok(None) => (true, None),
                Ok(Some(line)) => match serde_json::from_str(&line) {
                    Ok(request) => {
                        self.phase = Phase::Waiting;
                        (true, Some(request))
                    }
                    Err(error) => (self.answer(&Answer::Refused(error.to_string())), None),
                },
                Err(_) => (false, None),
            },
            Phase::Waiting => (true, None),
            Phase::Answering(_) => (self.write(), None),
        }
    }

    fn answer(&mut self, answer: &Answer) -> bool {
        let mut text = serde_json::to_vec(answer).unwrap_or_default();
        text.push(b'\n');
        self.phase = Phase::Answering(text);
        self.write()
    }

    /// Whether something is left to be written.
    fn write(&mut self) -> bool {
        let Phase::Answering(text) = &mut self.phase else {
            return true;
        };
        while !text.is_empty() {
            match (&self.stream).write(text) {
                Ok(0) => return false,
                Ok(length) => drop(text.drain(..length)),
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        false
    }
}

/// The whole line, once it is there.
fn read_line(mut stream: &UnixStream, line: &mut Vec<u8>) -> io::Result<Option<String>> {
    let mut buffer = [0; 1024];
    loop {
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            return Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()));
        }
        if line.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => line.extend(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// The directory of the socket. Only the last part of it is created: `/run` is the system's.
fn directory_of(path: &Path) -> io::Result<File> {
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    match fs::DirBuilder::new().mode(0o755).create(directory) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    File::open(directory)
}

#[cfg(test)]
mod tests {
    use std::{io::BufRead as _, os::unix::fs::PermissionsExt as _};

    use pontoon_lab::temp::TempDir;

    use super::*;

    fn door(folder: &TempDir) -> io::Result<Door> {
        Door::open(folder.path().join("run/node.sock"))
    }

    fn client(folder: &TempDir) -> UnixStream {
        UnixStream::connect(folder.path().join("run/node.sock")).unwrap()
    }

    fn answer(stream: UnixStream) -> String {
        let mut line = String::new();
        io::BufReader::new(stream).read_line(&mut line).unwrap();
        line
    }

    #[test]
    fn a_request_is_a_line_and_so_is_the_answer() {
        let folder = TempDir::new("door").unwrap();
        let mut door = door(&folder).unwrap();
        let mut asks = client(&folder);
        let now = Instant::now();
        asks.write_all(b"{\"command\":\"sta").unwrap();
        assert_eq!(door.look(now), None);
        asks.write_all(b"tus\"}\n").unwrap();
        let (id, request) = door.look(now).unwrap();
        assert_eq!(request, Request::Status);
        door.answer(id, &Answer::Refused("x".into()));
        assert_eq!(door.look(now), None);
        assert_eq!(answer(asks), "{\"refused\":\"x\"}\n");
        assert_eq!(door.clients.len(), 0);
    }

    #[test]
    fn nonsense_and_silence_disturb_nobody() {
        let folder = TempDir::new("door").unwrap();
        let mut door = door(&folder).unwrap();
        let now = Instant::now();
        let silent: Vec<_> = (0..MOST_CLIENTS - 1).map(|_| client(&folder)).collect();
        let mut asks = client(&folder);
        asks.write_all(b"how are you?\n").unwrap();
        assert_eq!(door.look(now), None);
        assert!(answer(asks).starts_with("{\"refused\":"));
        let mut endless = client(&folder);
        endless.write_all(&[b'x'; 2 * LONGEST]).unwrap();
        assert_eq!(door.look(now), None);
        assert_eq!(door.look(now), None);
        assert_eq!(door.clients.len(), silent.len());
        assert_eq!(door.timeout(), Some(now + PATIENCE));
        assert_eq!(door.look(now + PATIENCE), None);
        assert_eq!(door.clients.len(), 0);
    }

    #[test]
    fn a_crowd_cannot_shut_anybody_out() {
        let folder = TempDir::new("door").unwrap();
        let mut door = door(&folder).unwrap();
        let now = Instant::now();
        let crowd: Vec<_> = (0..3 * MOST_CLIENTS)
            .map(|_| {
                let stream = client(&folder);
                assert_eq!(door.look(now), None);
                stream
            })
            .collect();
        let mut asks = client(&folder);
        asks.write_all(b"{\"command\":\"status\"}\n").unwrap();
        assert!(door.look(now).is_some());
        drop(crowd);
    }

    #[test]
    fn a_dead_node_is_replaced_and_a_living_one_is_not() {
        let folder = TempDir::new("door").unwrap();
        let path = folder.path().join("run/node.sock");
        let first = door(&folder).unwrap();
        let error = door(&folder).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(first);
        assert!(!path.exists());
        // Killed, a node leaves its file behind.
        drop(UnixListener::bind(&path).unwrap());
        let third = door(&folder).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody else's").unwrap();
        drop(third);
        assert!(path.exists());
        assert!(door(&folder).is_err(), "what is no socket is left alone");
    }
}
