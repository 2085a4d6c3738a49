//! Connections that can be cut from outside, as the end of a process cuts them.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Inside, lock};

/// What a node has open.
#[derive(Debug, Default)]
pub(super) struct Registry {
    open: Mutex<HashMap<u64, TcpStream>>,
    count: AtomicU64,
}

impl Registry {
    pub(super) fn len(&self) -> usize {
        lock(&self.open).len()
    }

    pub(super) fn close_all(&self) {
        for (_, stream) in lock(&self.open).drain() {
            // The other side may have been faster.
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}

/// One connection; it leaves the registry with its owner.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    node: Arc<Inside>,
    number: u64,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, node: &Arc<Inside>) -> io::Result<Self> {
        let number = node.connections.count.fetch_add(1, Ordering::SeqCst);
        stream.set_nodelay(true)?;
        // The door's is inherited.
        stream.set_read_timeout(None)?;
        lock(&node.connections.open).insert(number, stream.try_clone()?);
        Ok(Self {
            stream,
            node: Arc::clone(node),
            number,
        })
    }

    pub(super) fn node(&self) -> &Arc<Inside> {
        &self.node
    }

    /// The first byte, without taking it.
    pub(super) fn peek(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        let count = self.stream.peek(&mut first)?;
        Ok((count == 1).then_some(first[0]))
    }

    /// Another handle, for what is below a TLS or WebSocket stream.
    pub(super) fn socket(&self) -> io::Result<TcpStream> {
        self.stream.try_clone()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.node.connections.open).remove(&self.number);
        let _gone = self.stream.shutdown(Shutdown::Both);
    }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// TLS or not: whoever is above does not care.
pub(super) trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}
