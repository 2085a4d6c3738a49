//! A fake server of a cluster: it speaks as much of a protocol as a check hears, and says its name to clients.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{ldap::Directory, speech};
use crate::harness::Failure;

/// What it speaks.
#[derive(Clone, Copy)]
pub(super) enum Speech {
    /// Its name at once, as a database would greet.
    Name,
    /// HTTP: the REST service of Patroni, the `clustercheck` of Galera, the pages of RabbitMQ.
    Http,
    /// The API of Kubernetes, to whom speaks TLS; its name to others.
    Api,
    /// The first step of AMQP 0-9-1.
    Amqp,
    /// As much of Redis as a check asks.
    Redis,
    /// As much of SMTP as a check asks.
    Smtp,
    /// No fake but an `slapd`.
    Ldap,
}

/// What it is at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The leader, the one in step.
    Good,
    /// Alive, but a follower, or out of step.
    Bad,
    /// Nobody listens.
    Dead,
}

/// One listener with its role.
pub(super) struct Member {
    name: &'static str,
    address: &'static str,
    speech: Speech,
    serving: Option<Serving>,
}

/// What stands behind one that listens.
enum Serving {
    Fake(Arc<AtomicBool>, JoinHandle<()>),
    /// It dies with this.
    Real {
        _directory: Directory,
    },
}

impl Member {
    /// One that does not listen yet.
    pub(super) const fn new(name: &'static str, address: &'static str, speech: Speech) -> Self {
        Self {
            name,
            address,
            speech,
            serving: None,
        }
    }

    /// Its name.
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Becomes another. When this returns, whoever connects meets the new role.
    pub(super) fn turn(&mut self, role: Role) -> Result<(), Failure> {
        self.stop();
        if role == Role::Dead {
            return Ok(());
        }
        if matches!(self.speech, Speech::Ldap) {
            if role == Role::Bad {
                return Err("a directory is there, or it is not".into());
            }
            let _directory = Directory::start(self.name, self.address)?;
            self.serving = Some(Serving::Real { _directory });
            return Ok(());
        }
        let listener = TcpListener::bind(self.address)?;
        let ends = Arc::new(AtomicBool::new(false));
        let (name, speech, seen) = (self.name, self.speech, Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                // A peer that goes away in the middle is no fault of this side.
                std::thread::spawn(move || serve(stream, name, speech, role == Role::Good).ok());
            }
        });
        self.serving = Some(Serving::Fake(ends, thread));
        Ok(())
    }

    fn stop(&mut self) {
        let Some(Serving::Fake(ends, thread)) = self.serving.take() else {
            return;
        };
        ends.store(true, Ordering::SeqCst);
        // Wakes the thread, which then sees that it ends.
        drop(TcpStream::connect(self.address));
        drop(thread.join());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(stream: TcpStream, name: &str, speech: Speech, good: bool) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    match speech {
        Speech::Api => return speech::api(stream, name, good),
        Speech::Amqp => return speech::amqp(stream, name, good),
        Speech::Name | Speech::Http | Speech::Redis | Speech::Smtp | Speech::Ldap => {}
    }
    let mut out = stream.try_clone()?;
    let greeting = match speech {
        Speech::Name => format!("{name}\n"),
        Speech::Smtp if good => format!("220 {name} ESMTP\r\n"),
        Speech::Smtp => format!("421 {name} is busy\r\n"),
        _ => String::new(),
    };
    // Each answer is one write: a check must not meet half a line.
    out.write_all(greeting.as_bytes())?;
    if matches!((speech, good), (Speech::Name, _) | (Speech::Smtp, false)) {
        return Ok(());
    }
    let mut follower_asked = false;
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_uppercase();
        let answer = match (speech, line.as_str()) {
            (Speech::Http, "") => {
                let refused = good == follower_asked;
                let status = if refused {
                    "503 Service Unavailable"
                } else {
                    "200 OK"
                };
                format!(
                    "HTTP/1.1 {status}\r\nServer: {name}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            }
            (Speech::Http, text) => {
                follower_asked |= text.contains(" /REPLICA ");
                continue;
            }
            (Speech::Redis, "PING") => "+PONG\r\n".into(),
            (Speech::Redis, "INFO REPLICATION") if good => "$11\r\nrole:master\r\n".into(),
            (Speech::Redis, "INFO REPLICATION") => "$10\r\nrole:slave\r\n".into(),
            (Speech::Redis, "QUIT") => "+OK\r\n".into(),
            (Speech::Redis, _) => format!("{name}\n"),
            (_, "QUIT") => "221 bye\r\n".into(),
            (..) => format!("250 {name}\r\n"),
        };
        out.write_all(answer.as_bytes())?;
        if matches!((speech, line.as_str()), (Speech::Http, _) | (_, "QUIT")) {
            return Ok(());
        }
    }
    Ok(())
}
