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
    time::Duration,
};

/// How long either side waits for the other one's next word.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
#[derive(Debug)]
pub enum Stream {
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
        let stream = if is_path(address) {
            Stream::Local(UnixStream::connect(address)?)
        } else {
            Stream::Network(TcpStream::connect(name_of(address)?)?)
        };
        stream.prepare()
    }

    fn prepare(self) -> io::Result<Stream> {
        match &self {
            Stream::Network(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
            }
            Stream::Local(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
            }
        }
        Ok(self)
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
        match self {
            Listener::Network(listener) => Stream::Network(listener.accept()?.0).prepare(),
            Listener::Local(listener, _) => Stream::Local(listener.accept()?.0).prepare(),
        }
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
        match self {
            Stream::Network(stream) => stream.read(buffer),
            Stream::Local(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Network(stream) => stream.write(bytes),
            Stream::Local(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Network(stream) => stream.flush(),
            Stream::Local(stream) => stream.flush(),
        }
    }
}
