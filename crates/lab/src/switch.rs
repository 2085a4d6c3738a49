//! A server whose answer can be changed while it runs: an agent, a health page.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::problem::{Result, Trying};

/// How long a client that sends a request has for its first bytes. Others send none.
const REQUEST: Duration = Duration::from_millis(20);

/// Gives the same answer to all until told otherwise; closes after each.
#[derive(Debug)]
pub struct Switch {
    address: SocketAddr,
    answer: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Listens on this address.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub fn on(address: SocketAddr, answer: &str) -> Result<Self> {
        let listener = TcpListener::bind(address).trying(format!("listen on {address}"))?;
        let address = listener.local_addr().trying("ask for a socket's address")?;
        let answer = Arc::new(Mutex::new(answer.as_bytes().to_vec()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (answer, stop) = (Arc::clone(&answer), Arc::clone(&stop));
            thread::spawn(move || {
                while let Ok((stream, _)) = listener.accept() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let text = answer
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .clone();
                    // The peer may be gone; the next one is not.
                    let _gone = reply(stream, &text);
                }
            })
        };
        Ok(Self {
            address,
            answer,
            stop,
            thread: Some(thread),
        })
    }

    /// From now on, this is the answer.
    pub fn say(&self, answer: &str) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer.as_bytes().to_vec();
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accept.
        let _woken = TcpStream::connect_timeout(&self.address, Duration::from_millis(200));
        if let Some(thread) = self.thread.take() {
            let _joined = thread.join();
        }
    }
}

fn reply(mut stream: TcpStream, text: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST))?;
    let mut request = [0; 4096];
    // Nothing comes from those who only listen.
    let _silent = stream.read(&mut request);
    stream.write_all(text)
}
