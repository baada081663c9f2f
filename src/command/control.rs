//! Snapshots asked for from outside: `lunette snapshot PID -o FILE`, and what the process that is asked does.
//!
//! ```text
//!   lunette snapshot PID                              lunette run (process PID)
//!   listens at FOLDER/PID.socket
//!   sends SIGUSR1 to PID        ------------------->  sets a flag, which the instance sees at a safepoint
//!   checks who that is          <-------------------  connects to FOLDER/PID.socket
//!   sends what it wants         ------------------->
//!   writes the file             <-------------------  parts of the image: length (4 bytes), bytes; 0; 0, or 1 and a message
//! ```
//!
//! So a process that nobody asks has nothing open and no thread for this. The folder, `lunette` in `XDG_RUNTIME_DIR` or
//! `lunette-UID` in `/tmp`, belongs to the user and to nobody else; both sides check that, and with whom they speak.

use super::{
    arguments::SnapshotOf,
    images::temporary_beside,
    report::{Status, report},
    session::cannot,
};
use lunette::{AfterSnapshot, Error, Result, Snapshot};
use rustix::{
    fs::{Mode, fstat, lstat, mkdir},
    net::sockopt::socket_peercred,
    process::{Pid, Signal, geteuid, getpid, kill_process, test_kill_process},
};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// How long either side waits for the other one's next word.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether the process has come.
const PAUSE: Duration = Duration::from_millis(5);
/// Bytes of a part of an image.
const PART: usize = 1 << 16;
/// The longest message.
const LONGEST_MESSAGE: usize = 1 << 12;

/// Bits of what is wanted.
const STOP: u8 = 1;
const COMPRESS: u8 = 2;

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

/// Whether the process runs this program and waits for the signal: others would die of it.
fn is_lunette(pid: Pid) -> bool {
    let number = pid.as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let program = fs::read_link(format!("/proc/{number}/exe")).unwrap_or_default();
    let is_named = program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("lunette"));
    is_named && caught >> (Signal::USR1.as_raw() - 1) & 1 != 0
}

/// `lunette snapshot`
pub fn snapshot(options: &SnapshotOf) -> Status {
    match take(options) {
        Ok(()) => Status::Success,
        Err(error) => report(&error),
    }
}

fn take(options: &SnapshotOf) -> Result<()> {
    let pid = i32::try_from(options.pid).ok().and_then(Pid::from_raw);
    let Some(pid) = pid.filter(|&pid| is_lunette(pid)) else {
        return Err(failure(format_args!("process {} does not run lunette", options.pid)));
    };
    let socket = socket_of(pid)?;
    // What is there was left by one that was killed.
    let _ = fs::remove_file(&socket);
    let outcome = listen(&socket, pid, options);
    let _ = fs::remove_file(&socket);
    outcome
}

fn listen(socket: &Path, pid: Pid, options: &SnapshotOf) -> Result<()> {
    let listener = UnixListener::bind(socket).map_err(|error| cannot("use", socket, &error))?;
    listener.set_nonblocking(true).map_err(Error::external)?;
    kill_process(pid, Signal::USR1).map_err(|error| failure(io::Error::from(error)))?;
    let mut stream = accept(&listener, pid)?;
    let flags = if options.stop { STOP } else { 0 } | if options.compress { COMPRESS } else { 0 };
    stream.write_all(&[flags]).map_err(Error::external)?;
    let temporary = temporary_beside(&options.output);
    let received = receive(&mut stream, &temporary, &options.output);
    if received.is_err() {
        // It may never have been made.
        let _ = fs::remove_file(&temporary);
    }
    received
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

fn receive(stream: &mut UnixStream, temporary: &Path, output: &Path) -> Result<()> {
    let broken = |error: io::Error| failure(format_args!("the process has broken off: {error}"));
    let mut file = File::create(temporary).map_err(|error| cannot("write", temporary, &error))?;
    let mut part = vec![0; PART];
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).map_err(broken)?;
        let length = u32::from_le_bytes(length) as usize;
        if length == 0 {
            break;
        }
        let part = part.get_mut(..length).ok_or_else(|| failure("the process sends nonsense"))?;
        stream.read_exact(part).map_err(broken)?;
        file.write_all(part).map_err(|error| cannot("write", temporary, &error))?;
    }
    let mut outcome = [0];
    stream.read_exact(&mut outcome).map_err(broken)?;
    if outcome != [0] {
        let mut message = String::new();
        let _ = stream.take(LONGEST_MESSAGE as u64).read_to_string(&mut message);
        return Err(failure(message));
    }
    file.sync_all().map_err(|error| cannot("write", temporary, &error))?;
    fs::rename(temporary, output).map_err(|error| cannot("write", output, &error))
}

/// Sends an image to whoever has asked for it by the signal.
pub fn send(snapshot: &mut Snapshot<'_>) -> Result<AfterSnapshot> {
    let socket = socket_of(getpid())?;
    let mut stream = UnixStream::connect(socket).map_err(Error::external)?;
    let is_own =
        fstat(stream.as_fd()).is_ok() && socket_peercred(stream.as_fd()).is_ok_and(|peer| peer.uid == geteuid());
    if !is_own {
        return Err(failure("another user asks for a snapshot"));
    }
    stream.set_read_timeout(Some(PATIENCE)).map_err(Error::external)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(Error::external)?;
    let mut flags = [0];
    stream.read_exact(&mut flags).map_err(Error::external)?;
    let mut parts = io::BufWriter::with_capacity(PART, Parts(&mut stream));
    let written =
        if flags[0] & COMPRESS != 0 { snapshot.write_compressed(&mut parts) } else { snapshot.write(&mut parts) };
    let written = written.and_then(|()| parts.flush().map_err(Error::external));
    // What is left in the buffer of an image that failed is nobody's.
    let _ = parts.into_parts();
    stream.write_all(&[0; 4]).map_err(Error::external)?;
    match &written {
        Ok(()) => stream.write_all(&[0]).map_err(Error::external)?,
        Err(error) => {
            let message = error.to_string();
            let message = &message.as_bytes()[..message.len().min(LONGEST_MESSAGE)];
            stream.write_all(&[1]).and_then(|()| stream.write_all(message)).map_err(Error::external)?;
        }
    }
    written.map(|()| if flags[0] & STOP != 0 { AfterSnapshot::Stop } else { AfterSnapshot::GoOn })
}

/// Writes parts of an image with their lengths.
struct Parts<'s>(&'s mut UnixStream);

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(PART)];
        if !part.is_empty() {
            self.0.write_all(&(part.len() as u32).to_le_bytes())?;
            self.0.write_all(part)?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
