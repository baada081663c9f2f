//! Open streams: files, pipes, and what stands for the standard streams.

use super::{
    failure::failed,
    standard::{Captured, Inherited},
};
use lunette_interpreter::host::{HostError, OpenMode, Origin, Response};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, SeekFrom, fstat, seek},
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

/// An open stream.
pub(super) struct OpenStream {
    backing: Backing,
    /// Whether reading and writing may have to wait for others.
    is_slow: bool,
    /// The path by which it was opened, and how.
    name: Option<(Vec<u8>, OpenMode)>,
}

impl OpenStream {
    pub fn new(backing: Backing) -> OpenStream {
        let mut stream = OpenStream { backing, is_slow: false, name: None };
        stream.is_slow = stream.descriptor().is_some_and(|descriptor| {
            fstat(descriptor).is_ok_and(|status| {
                !matches!(FileType::from_raw_mode(status.st_mode), FileType::RegularFile | FileType::Directory)
            })
        });
        stream
    }

    /// The stream as one that was opened by this path.
    pub fn named(self, path: &[u8], mode: OpenMode) -> OpenStream {
        OpenStream { name: Some((path.to_vec(), mode)), ..self }
    }

    /// How the stream can be opened again elsewhere.
    pub fn describe(&self) -> Response {
        let refuse = |message: String| Response::Failed(HostError { message, code: Errno::NXIO.raw_os_error() });
        let Some((path, mode)) = &self.name else {
            return refuse(match &self.backing {
                Backing::Process { child, .. } => format!("the pipe to process {} cannot be opened again", child.id()),
                _ => "a temporary file without a name cannot be opened again".to_owned(),
            });
        };
        match self.seek(Origin::Current, 0) {
            Response::Position(position) => Response::Described {
                path: path.clone(),
                mode: OpenMode { truncate: false, create: false, ..*mode },
                position,
            },
            _ => refuse(format!("'{}' has no position at which it could be opened again", path.escape_ascii())),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.backing {
            Backing::Inherited(inherited) => Some(inherited.as_fd()),
            Backing::Owned(descriptor) => Some(descriptor.as_fd()),
            Backing::Process { pipe, .. } => Some(pipe.as_fd()),
            Backing::Reader(_) | Backing::Writer(_) | Backing::Captured(_) => None,
        }
    }

    /// Waits for a slow stream for a while; whether it is ready.
    fn is_ready(&self, direction: PollFlags) -> bool {
        match self.descriptor() {
            Some(descriptor) if self.is_slow => {
                let mut interest = [PollFd::from_borrowed_fd(descriptor, direction)];
                match poll(&mut interest, Some(&PATIENCE)) {
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

    /// Writes some of the bytes; `None` if none can be written yet.
    pub fn write(&mut self, bytes: &[u8]) -> Option<Response> {
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
