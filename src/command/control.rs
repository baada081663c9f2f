//! How a running program is asked for something from outside, by a command that finds it by its process number.
//!
//! ```text
//!   the command                                       lunette run (process PID)
//!   listens at FOLDER/PID.socket
//!   sends SIGUSR1 to PID        ------------------->  sets a flag, which the instance sees at a safepoint
//!   checks who that is          <-------------------  connects to FOLDER/PID.socket
//!   sends what it wants         ------------------->  Request
//!                               <-------------------  what belongs to it
//!                               <-------------------  how it ended: 0, or 1 and a message
//! ```
//!
//! So a process that nobody asks has nothing open and no thread for this. The folder, `lunette` in `XDG_RUNTIME_DIR` or
//! `lunette-UID` in `/tmp`, belongs to the user and to nobody else; both sides check that, and with whom they speak.

use super::files::cannot;
use lunette::{Error, Result};
use rustix::{
    fs::{Mode, fstat, lstat, mkdir},
    net::sockopt::socket_peercred,
    process::{Pid, Signal, geteuid, getpid, kill_process, test_kill_process},
};
use std::{
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::{
            ffi::{OsStrExt, OsStringExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long either side waits for the other one's next word.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a process has to begin to wait for the signal.
const READINESS: Duration = Duration::from_secs(2);
/// How often it is looked whether the process has come.
const PAUSE: Duration = Duration::from_millis(5);
/// The longest text.
const LONGEST_TEXT: usize = 1 << 14;

/// What is wanted of a running program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// An image of it, whose parts follow: length (4 bytes), bytes; 0.
    Snapshot {
        /// Whether it is to stop.
        stop: bool,
        /// Whether the image is to be compressed.
        compress: bool,
    },
    /// That it goes on elsewhere.
    Migrate {
        /// Where.
        address: OsString,
        /// What the key is made of.
        key: Vec<u8>,
        /// Where it is kept if nobody knows what became of it.
        image: PathBuf,
    },
}

/// Bits of a request's first byte.
const STOP: u8 = 1;
const COMPRESS: u8 = 2;
const MIGRATE: u8 = 4;

impl Request {
    fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        match self {
            Request::Snapshot { stop, compress } => {
                stream.write_all(&[if *stop { STOP } else { 0 } | if *compress { COMPRESS } else { 0 }])
            }
            Request::Migrate { address, key, image } => {
                stream.write_all(&[MIGRATE])?;
                [address.as_bytes(), key, image.as_os_str().as_bytes()]
                    .into_iter()
                    .try_for_each(|text| write_text(stream, text))
            }
        }
    }

    fn read(stream: &mut impl Read) -> io::Result<Request> {
        let mut flags = [0];
        stream.read_exact(&mut flags)?;
        if flags[0] & MIGRATE == 0 {
            return Ok(Request::Snapshot { stop: flags[0] & STOP != 0, compress: flags[0] & COMPRESS != 0 });
        }
        Ok(Request::Migrate {
            address: OsString::from_vec(read_text(stream)?),
            key: read_text(stream)?,
            image: OsString::from_vec(read_text(stream)?).into(),
        })
    }
}

fn write_text(stream: &mut impl Write, text: &[u8]) -> io::Result<()> {
    let text = &text[..text.len().min(LONGEST_TEXT)];
    stream.write_all(&(text.len() as u32).to_le_bytes())?;
    stream.write_all(text)
}

fn read_text(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST_TEXT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = vec![0; length];
    stream.read_exact(&mut text)?;
    Ok(text)
}

/// Says how it ended, with a message, to the one who has asked.
pub fn conclude(stream: &mut impl Write, outcome: Result<&str, &str>) -> Result<()> {
    let (byte, text) = match outcome {
        Ok(text) => (0, text),
        Err(text) => (1, text),
    };
    stream.write_all(&[byte]).and_then(|()| write_text(stream, text.as_bytes())).map_err(Error::external)
}

/// How it ended, in the words of the process that was asked.
pub fn conclusion(stream: &mut impl Read) -> Result<String> {
    let mut byte = [0];
    stream.read_exact(&mut byte).map_err(broken)?;
    let text = read_text(stream).map_err(broken)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    if byte == [0] { Ok(text) } else { Err(failure(text)) }
}

/// The process does not say any more what it should.
pub fn broken(error: io::Error) -> Error {
    failure(format_args!("the process has broken off: {error}"))
}

fn failure(message: impl std::fmt::Display) -> Error {
    Error::message(message)
}

/// The folder of the sockets, which is made if there is none.
fn folder() -> Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| Path::new(folder).is_dir());
    let folder = match runtime {
        Some(runtime) => PathBuf::from(runtime).join("lunette"),
        None => PathBuf::from(format!("/tmp/lunette-{}", geteuid().as_raw())),
    };
    // It may be there already.
    let _ = mkdir(&folder, Mode::RWXU);
    let status = lstat(&folder).map_err(|error| cannot("use", &folder, &error.into()))?;
    let is_folder = rustix::fs::FileType::from_raw_mode(status.st_mode) == rustix::fs::FileType::Directory;
    if !is_folder || status.st_uid != geteuid().as_raw() || status.st_mode & 0o077 != 0 {
        return Err(failure(format_args!("{} does not belong to this user alone", folder.display())));
    }
    Ok(folder)
}

fn socket_of(pid: Pid) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{}.socket", pid.as_raw_nonzero())))
}

/// Whether the process runs this program and waits for the signal: others would die of it. One to which a program has just come is
/// given the time to do so.
fn is_lunette(pid: Pid) -> bool {
    let asked = Instant::now();
    loop {
        let (runs, waits) = (runs_lunette(pid), catches_signal(pid));
        if !runs || waits || asked.elapsed() > READINESS {
            return runs && waits;
        }
        thread::sleep(PAUSE);
    }
}

fn runs_lunette(pid: Pid) -> bool {
    let program = fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero())).unwrap_or_default();
    program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lunette"))
}

fn catches_signal(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    caught >> (Signal::USR1.as_raw() - 1) & 1 != 0
}

/// Asks a process for something; the stream on which it answers.
pub fn ask(pid: u32, request: &Request) -> Result<UnixStream> {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(pid) = number.filter(|&pid| is_lunette(pid)) else {
        return Err(failure(format_args!("process {pid} does not run lunette")));
    };
    let socket = socket_of(pid)?;
    // What is there was left by one that was killed.
    let _ = fs::remove_file(&socket);
    let met = meet(&socket, pid);
    let _ = fs::remove_file(&socket);
    let mut stream = met?;
    request.write(&mut stream).map_err(broken)?;
    Ok(stream)
}

fn meet(socket: &Path, pid: Pid) -> Result<UnixStream> {
    let listener = UnixListener::bind(socket).map_err(|error| cannot("use", socket, &error))?;
    listener.set_nonblocking(true).map_err(Error::external)?;
    kill_process(pid, Signal::USR1).map_err(|error| failure(io::Error::from(error)))?;
    accept(&listener, pid)
}

/// Waits for the process to come, as long as there is one.
fn accept(listener: &UnixListener, pid: Pid) -> Result<UnixStream> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(Error::external)?;
                if is_peer(&stream, pid) {
                    return Ok(stream);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if test_kill_process(pid).is_err() {
                    return Err(failure(format_args!("process {} has ended", pid.as_raw_nonzero())));
                }
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(Error::external(error)),
        }
    }
}

fn is_peer(stream: &UnixStream, pid: Pid) -> bool {
    socket_peercred(stream.as_fd()).is_ok_and(|peer| peer.pid == pid && peer.uid == geteuid())
}

/// Goes to whoever has sent the signal; what is wanted, and the stream to answer on.
pub fn come() -> Result<(Request, UnixStream)> {
    let socket = socket_of(getpid())?;
    let mut stream = UnixStream::connect(socket).map_err(Error::external)?;
    let is_own =
        fstat(stream.as_fd()).is_ok() && socket_peercred(stream.as_fd()).is_ok_and(|peer| peer.uid == geteuid());
    if !is_own {
        return Err(failure("another user asks for something"));
    }
    stream.set_read_timeout(Some(PATIENCE)).map_err(Error::external)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(Error::external)?;
    let request = Request::read(&mut stream).map_err(Error::external)?;
    Ok((request, stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_were_written() {
        let requests = [
            Request::Snapshot { stop: true, compress: false },
            Request::Snapshot { stop: false, compress: true },
            Request::Migrate { address: "localhost:1".into(), key: vec![1; 40], image: "/tmp/x".into() },
        ];
        for request in requests {
            let mut bytes = Vec::new();
            request.write(&mut bytes).unwrap();
            assert_eq!(Request::read(&mut &bytes[..]).unwrap(), request);
            assert!(Request::read(&mut &bytes[..bytes.len() - 1]).is_err());
        }
    }
}
