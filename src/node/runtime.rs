//! Every proxy process answers the runtime protocol (HAProxy management manual, 9.3) at a name of
//! its own in the abstract namespace, whatever its files say of sockets: commands of `pontoon` for
//! people, and the master's `@1`, ask there.

use std::{
    io::{self, Read as _, Write as _},
    net::Shutdown,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixStream},
    },
    time::Duration,
};

use pontoon_sys::packet;

/// How long a proxy may take for its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The name at which a proxy process of this number answers, in the abstract namespace.
#[must_use]
pub fn runtime_door(pid: u32) -> Vec<u8> {
    format!("pontoon.runtime.{pid}").into_bytes()
}

/// The way to a proxy process.
///
/// # Errors
/// It does not listen; another process uses its name (`PermissionDenied`).
pub fn connect(pid: u32) -> io::Result<UnixStream> {
    let address = SocketAddr::from_abstract_name(runtime_door(pid))?;
    let stream = UnixStream::connect_addr(&address)?;
    // Anybody on this machine may take a name that is free.
    if !packet::peer(&stream)?.may_listen_for(pid) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// What a proxy process answers to a command, or to several on a line.
///
/// # Errors
/// As [`connect`]; it takes too long.
pub fn ask(pid: u32, command: &str) -> io::Result<String> {
    let mut stream = connect(pid)?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::{io::BufRead as _, os::unix::net::UnixListener, thread};

    use super::*;

    #[test]
    fn a_command_is_a_line_and_the_answer_ends_with_the_connection() {
        let pid = std::process::id();
        let address = SocketAddr::from_abstract_name(runtime_door(pid)).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let answers = thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            io::BufReader::new(&stream).read_line(&mut line).unwrap();
            (&stream)
                .write_all(format!("you said {line}").as_bytes())
                .unwrap();
        });
        assert_eq!(ask(pid, "show info").unwrap(), "you said show info\n");
        answers.join().unwrap();
        assert!(ask(pid, "show info").is_err(), "nobody is left");
    }
}
