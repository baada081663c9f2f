//! Open streams: files, pipes, and what stands for the standard streams.

use super::{
    failure::failed,
    place::Place,
    standard::{Captured, Inherited},
    status,
};
use lunette_interpreter::host::{FileKind, FileStatus, HostError, OpenMode, Origin, Response};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, SeekFrom, fcntl_getfl, fcntl_setfl, fstat, seek},
    io::Errno,
};
use std::{
    io::{Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::Child,
};

/// How long one look at a slow stream may take: interrupts are noticed in between.
pub(super) const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The most bytes read at once.
const MOST_READ: usize = 1 << 20;
/// What can be written without waiting to a pipe that poll says is ready.
const PIPE_WRITE: usize = 4096;

/// What a stream stands on.
pub(super) enum Backing {
    Inherited(Inherited),
    Owned(OwnedFd),
    Process { child: Child, pipe: OwnedFd },
    Reader(Box<dyn Read + Send>),
    Writer(Box<dyn Write + Send>),
    Captured(Captured),
}

/// By what name a stream was opened.
pub(super) struct Name {
    /// The name of the granted directory that it is beneath, if it was opened from one.
    pub root: Option<Vec<u8>>,
    /// The path.
    pub path: Vec<u8>,
    /// How.
    pub mode: OpenMode,
    /// Whether what has the name may be changed.
    pub is_writable: bool,
}

/// An open stream.
pub(super) struct OpenStream {
    backing: Backing,
    kind: FileKind,
    /// Whether reading and writing may have to wait for others.
    is_slow: bool,
    /// Whether the program would rather have an error than wait.
    is_nonblocking: bool,
    name: Option<Name>,
}

impl OpenStream {
    pub fn new(backing: Backing) -> OpenStream {
        let mut stream =
            OpenStream { backing, kind: FileKind::Unknown, is_slow: false, is_nonblocking: false, name: None };
        if let Some(Ok(status)) = stream.descriptor().map(fstat) {
            stream.kind = status::kind(status.st_mode);
            stream.is_slow = !matches!(stream.kind, FileKind::Regular | FileKind::Directory);
        }
        stream
    }

    /// The stream as one that was opened by this name.
    pub fn named(self, name: Name) -> OpenStream {
        OpenStream { is_nonblocking: name.mode.nonblocking, name: Some(name), ..self }
    }

    /// What it is.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The name of a directory that paths may begin at.
    pub fn directory_name(&self) -> Result<&Name, Errno> {
        if self.kind != FileKind::Directory {
            return Err(Errno::NOTDIR);
        }
        self.name.as_ref().filter(|name| name.root.is_some()).ok_or(Errno::PERM)
    }

    /// Where a path leads that begins at the directory.
    pub fn place(&self, path: &[u8]) -> Result<Place<'_>, Errno> {
        let is_writable = self.directory_name()?.is_writable;
        Ok(Place::beneath(self.descriptor().ok_or(Errno::NOTDIR)?, path, is_writable))
    }

    /// What is known of what it leads to.
    pub fn status(&self) -> Result<FileStatus, Errno> {
        self.descriptor().map_or(Ok(FileStatus::default()), |descriptor| Ok(status::known(&fstat(descriptor)?)))
    }

    /// The descriptor of a file that is the program's own: it did not get it, but has opened it.
    pub fn own_descriptor(&self) -> Result<BorrowedFd<'_>, Errno> {
        match &self.backing {
            Backing::Owned(descriptor) => Ok(descriptor.as_fd()),
            _ => Err(Errno::INVAL),
        }
    }

    /// As [`OpenStream::own_descriptor`], of a file that may be changed.
    pub fn changeable_descriptor(&self) -> Result<BorrowedFd<'_>, Errno> {
        match &self.name {
            Some(name) if !name.is_writable => Err(Errno::ROFS),
            _ => self.own_descriptor(),
        }
    }

    /// Changes how the stream is used.
    pub fn set_flags(&mut self, append: bool, nonblocking: bool) -> Result<(), Errno> {
        match (&self.backing, &mut self.name) {
            (Backing::Owned(descriptor), Some(name)) if name.mode.append != append => {
                let mut flags = fcntl_getfl(descriptor)?;
                flags.set(OFlags::APPEND, append);
                fcntl_setfl(descriptor, flags)?;
                name.mode.append = append;
            }
            (Backing::Owned(_), Some(_)) => {}
            // Others may use them as well.
            _ if append => return Err(Errno::INVAL),
            _ => {}
        }
        if let Some(name) = &mut self.name {
            name.mode.nonblocking = nonblocking;
        }
        self.is_nonblocking = nonblocking;
        Ok(())
    }

    /// How the stream can be opened again elsewhere.
    pub fn describe(&self) -> Response {
        let refuse = |message: String| Response::Failed(HostError { message, code: Errno::NXIO.raw_os_error() });
        let Some(Name { root, path, mode, .. }) = &self.name else {
            return refuse(match &self.backing {
                Backing::Process { child, .. } => format!("the pipe to process {} cannot be opened again", child.id()),
                _ => "a temporary file without a name cannot be opened again".to_owned(),
            });
        };
        let position = match self.kind {
            // Those who read directories say where.
            FileKind::Directory => Response::Position(0),
            _ => self.seek(Origin::Current, 0),
        };
        match position {
            Response::Position(position) => {
                Response::Described { root: root.clone(), path: path.clone(), mode: mode.again(), position }
            }
            _ => refuse(format!("'{}' has no position at which it could be opened again", path.escape_ascii())),
        }
    }

    /// The descriptor, where there is one.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.backing {
            Backing::Inherited(inherited) => Some(inherited.as_fd()),
            Backing::Owned(descriptor) => Some(descriptor.as_fd()),
            Backing::Process { pipe, .. } => Some(pipe.as_fd()),
            Backing::Reader(_) | Backing::Writer(_) | Backing::Captured(_) => None,
        }
    }

    /// The descriptor, if reading and writing may have to wait.
    pub fn slow_descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.descriptor().filter(|_| self.is_slow)
    }

    /// Waits for a slow stream for a while, unless nobody wants to wait; whether it is ready.
    fn is_ready(&self, direction: PollFlags) -> bool {
        match self.descriptor() {
            Some(descriptor) if self.is_slow => {
                let mut interest = [PollFd::from_borrowed_fd(descriptor, direction)];
                let patience = if self.is_nonblocking { Timespec::default() } else { PATIENCE };
                match poll(&mut interest, Some(&patience)) {
                    Ok(count) => count > 0,
                    Err(Errno::INTR) => false,
                    // The operation itself will say what is wrong.
                    Err(_) => true,
                }
            }
            _ => true,
        }
    }

    /// Reads at most `wanted` bytes; `None` if there are none yet.
    pub fn read(&mut self, wanted: usize) -> Option<Response> {
        self.try_read(wanted).or_else(|| self.would_block())
    }

    /// Writes some of the bytes; `None` if none can be written yet.
    pub fn write(&mut self, bytes: &[u8]) -> Option<Response> {
        self.try_write(bytes).or_else(|| self.would_block())
    }

    /// The answer to what would have to wait, if nobody wants to.
    fn would_block(&self) -> Option<Response> {
        self.is_nonblocking.then(|| failed(Errno::AGAIN))
    }

    fn try_read(&mut self, wanted: usize) -> Option<Response> {
        if !self.is_ready(PollFlags::IN) {
            return None;
        }
        let mut bytes = vec![0; wanted.min(MOST_READ)];
        let count = match &mut self.backing {
            Backing::Reader(reader) => match reader.read(&mut bytes) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return None,
                Err(error) => return Some(failed(error)),
            },
            Backing::Writer(_) | Backing::Captured(_) => return Some(failed(Errno::BADF)),
            _ => match self.descriptor().map(|descriptor| rustix::io::read(descriptor, &mut bytes[..])) {
                Some(Ok(count)) => count,
                Some(Err(Errno::INTR | Errno::AGAIN)) => return None,
                Some(Err(error)) => return Some(failed(error)),
                None => return Some(failed(Errno::BADF)),
            },
        };
        bytes.truncate(count);
        Some(Response::Bytes(bytes))
    }

    fn try_write(&mut self, bytes: &[u8]) -> Option<Response> {
        match &mut self.backing {
            Backing::Captured(captured) => captured.append(bytes),
            Backing::Writer(writer) => {
                if let Err(error) = writer.write_all(bytes).and_then(|()| writer.flush()) {
                    return Some(failed(error));
                }
            }
            Backing::Reader(_) => return Some(failed(Errno::BADF)),
            _ => {
                if !self.is_ready(PollFlags::OUT) {
                    return None;
                }
                let part = if self.is_slow { &bytes[..bytes.len().min(PIPE_WRITE)] } else { bytes };
                return match self.descriptor().map(|descriptor| rustix::io::write(descriptor, part)) {
                    Some(Ok(count)) => Some(Response::Count(count)),
                    Some(Err(Errno::INTR | Errno::AGAIN)) => None,
                    Some(Err(error)) => Some(failed(error)),
                    None => Some(failed(Errno::BADF)),
                };
            }
        }
        Some(Response::Count(bytes.len()))
    }

    /// Reads from a position.
    pub fn read_at(&self, position: u64, wanted: usize) -> Response {
        let mut bytes = vec![0; wanted.min(MOST_READ)];
        let read = self.positioned_descriptor().and_then(|file| rustix::io::pread(file, &mut bytes[..], position));
        read.map_or_else(failed, |count| {
            bytes.truncate(count);
            Response::Bytes(bytes)
        })
    }

    /// Writes to a position.
    pub fn write_at(&self, position: u64, bytes: &[u8]) -> Response {
        let written = self.positioned_descriptor().and_then(|file| rustix::io::pwrite(file, bytes, position));
        written.map_or_else(failed, Response::Count)
    }

    fn positioned_descriptor(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.own_descriptor().map_err(|_| Errno::SPIPE)
    }

    /// Moves the position.
    pub fn seek(&self, origin: Origin, offset: i64) -> Response {
        let Some(descriptor) = self.descriptor() else {
            return failed(Errno::SPIPE);
        };
        let target = match origin {
            Origin::Start => match u64::try_from(offset) {
                Ok(offset) => SeekFrom::Start(offset),
                Err(_) => return failed(Errno::INVAL),
            },
            Origin::Current => SeekFrom::Current(offset),
            Origin::End => SeekFrom::End(offset),
        };
        seek(descriptor, target).map_or_else(failed, Response::Position)
    }

    /// Closes the stream. A process at its other end is left to be waited for.
    pub fn close(self) -> Option<Child> {
        match self.backing {
            Backing::Process { child, pipe } => {
                drop(pipe);
                Some(child)
            }
            _ => None,
        }
    }
}
