//! Where processes meet for a migration: `HOST:PORT`, or the path of a socket.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::{
        ffi::OsStrExt,
        net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long either side waits for the other one's next word.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long strangers may take to say the first bytes, by which it shows whether they know the key.
const STRANGERS: Duration = Duration::from_secs(3);
/// So many these are: the magic number and the handshake.
const FIRST_BYTES: usize = 8 + 2 + 32 + 8 + 16;

/// A connection.
#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    begin: Instant,
    received: usize,
}

#[derive(Debug)]
enum Socket {
    Network(TcpStream),
    Local(UnixStream),
}

/// Where connections come in.
#[derive(Debug)]
pub enum Listener {
    Network(TcpListener),
    Local(UnixListener, PathBuf),
}

/// A name with a slash in it is a path.
fn is_path(address: &OsStr) -> bool {
    address.as_bytes().contains(&b'/')
}

fn name_of(address: &OsStr) -> io::Result<&str> {
    address.to_str().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the address is no text"))
}

impl Stream {
    /// Connects.
    pub fn connect(address: &OsStr) -> io::Result<Stream> {
        let socket = if is_path(address) {
            Socket::Local(UnixStream::connect(address)?)
        } else {
            Socket::Network(TcpStream::connect(name_of(address)?)?)
        };
        // The other end may have others to see to first.
        let stream = Stream { received: FIRST_BYTES, ..Stream::new(socket)? };
        stream.set_read_timeout(PATIENCE)?;
        Ok(stream)
    }

    fn new(socket: Socket) -> io::Result<Stream> {
        match &socket {
            Socket::Network(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(PATIENCE))?;
            }
            Socket::Local(stream) => stream.set_write_timeout(Some(PATIENCE))?,
        }
        Ok(Stream { socket, begin: Instant::now(), received: 0 })
    }

    fn set_read_timeout(&self, time: Duration) -> io::Result<()> {
        match &self.socket {
            Socket::Network(stream) => stream.set_read_timeout(Some(time)),
            Socket::Local(stream) => stream.set_read_timeout(Some(time)),
        }
    }
}

impl Listener {
    /// Waits for connections from now on.
    pub fn bind(address: &OsStr) -> io::Result<Listener> {
        if is_path(address) {
            return Ok(Listener::Local(UnixListener::bind(address)?, address.into()));
        }
        Ok(Listener::Network(TcpListener::bind(name_of(address)?)?))
    }

    /// Where that is.
    pub fn address(&self) -> io::Result<String> {
        match self {
            Listener::Network(listener) => Ok(listener.local_addr()?.to_string()),
            Listener::Local(_, path) => Ok(path.display().to_string()),
        }
    }

    /// The next connection.
    pub fn accept(&self) -> io::Result<Stream> {
        Stream::new(match self {
            Listener::Network(listener) => Socket::Network(listener.accept()?.0),
            Listener::Local(listener, _) => Socket::Local(listener.accept()?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Local(_, path) = self {
            // Somebody may have removed it already.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.received < FIRST_BYTES {
            let left = STRANGERS.checked_sub(self.begin.elapsed()).filter(|left| !left.is_zero());
            self.set_read_timeout(left.ok_or(io::ErrorKind::TimedOut)?)?;
        }
        let count = match &mut self.socket {
            Socket::Network(stream) => stream.read(buffer),
            Socket::Local(stream) => stream.read(buffer),
        }?;
        let was_stranger = self.received < FIRST_BYTES;
        self.received = self.received.saturating_add(count);
        if was_stranger && self.received >= FIRST_BYTES {
            self.set_read_timeout(PATIENCE)?;
        }
        Ok(count)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.socket {
            Socket::Network(stream) => stream.write(bytes),
            Socket::Local(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.socket {
            Socket::Network(stream) => stream.flush(),
            Socket::Local(stream) => stream.flush(),
        }
    }
}
