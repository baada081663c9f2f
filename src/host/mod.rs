//! The hosted home: what a process on Linux offers its instances, through the one `Host` trait.
//!
//! Requests that the kernel answers at once are answered when they are submitted. The others, to pipes, terminals and
//! processes, are taken up in `complete`, which waits for at most 50 ms at a time so that interrupts get through.

mod clock;
mod failure;
mod files;
mod grants;
#[cfg(feature = "migration")]
mod leaving;
#[cfg_attr(miri, path = "pages_miri.rs")]
mod pages;
mod place;
mod process;
#[cfg(feature = "migration")]
mod reconnect;
mod standard;
mod stream;

pub use grants::{Directory, Environment, Files, Grants};
pub use standard::{Captured, Input, Output, Streams};

#[cfg(feature = "migration")]
pub(crate) use {pages::NewRegion, reconnect::OpenStreams};

use failure::{failed, not_permitted};
#[cfg(feature = "migration")]
use leaving::LeavingRegion;
use lunette_gc::pages::Pages;
use lunette_interpreter::host::{Host, Request, Response, Stream, Ticket};
use pages::MappedPages;
use rustix::{
    io::Errno,
    rand::{GetRandomFlags, getrandom},
    time::ClockId,
};
use standard::Inherited;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path, process::Child, time::Instant};
use stream::OpenStream;

/// The most random bytes given at once, which the kernel gives without stopping in between.
const MOST_ENTROPY: usize = 256;

/// A request on its way.
enum Pending {
    Answered(Response),
    Read(Stream, usize),
    Write(Stream, Vec<u8>),
    Wait(Child),
}

/// The process as an instance's home.
pub(crate) struct Process {
    grants: Grants,
    /// Open streams by number; the first three are the standard ones.
    streams: Vec<Option<OpenStream>>,
    /// The most that may be open.
    most_streams: usize,
    /// The request that was submitted last: an instance waits for one at a time, and gives up those it asks no more for.
    pending: Option<(Ticket, Pending)>,
    tickets: u64,
    start: Instant,
    pages: MappedPages,
    /// The region, while the instance leaves for another process.
    #[cfg(feature = "migration")]
    leaving: Option<LeavingRegion>,
}

impl Process {
    pub fn new(grants: Grants, streams: Streams) -> Process {
        let standard = [
            streams.input.into_backing(),
            streams.output.into_backing(Inherited::Output),
            streams.error.into_backing(Inherited::Error),
        ];
        Process {
            grants,
            streams: standard.into_iter().map(|backing| Some(OpenStream::new(backing))).collect(),
            most_streams: usize::MAX,
            pending: None,
            tickets: 0,
            start: Instant::now(),
            pages: MappedPages::default(),
            #[cfg(feature = "migration")]
            leaving: None,
        }
    }

    /// Limits how many streams may be open at a time.
    #[cfg_attr(not(feature = "partitions"), expect(dead_code, reason = "for partitions"))]
    pub fn with_most_streams(self, most_streams: usize) -> Process {
        Process { most_streams, ..self }
    }

    fn stream(&mut self, stream: Stream) -> Option<&mut OpenStream> {
        self.streams.get_mut(stream.0 as usize)?.as_mut()
    }

    /// Opens a stream, if there are not too many already.
    fn add_stream<E: Into<std::io::Error>>(&mut self, open: impl FnOnce(&Grants) -> Result<OpenStream, E>) -> Response {
        if self.streams.iter().flatten().count() >= self.most_streams {
            return failed(Errno::MFILE);
        }
        let opened = match open(&self.grants) {
            Ok(opened) => opened,
            Err(error) => return failed(error),
        };
        let free = self.streams.iter().position(Option::is_none).unwrap_or(self.streams.len());
        if free == self.streams.len() {
            self.streams.push(None);
        }
        self.streams[free] = Some(opened);
        Response::Opened(Stream(free as u32))
    }

    fn read(&mut self, stream: Stream, wanted: usize) -> Option<Response> {
        match self.stream(stream) {
            Some(open) => open.read(wanted),
            None => Some(failed(Errno::BADF)),
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) -> Option<Response> {
        match self.stream(stream) {
            Some(open) => open.write(bytes),
            None => Some(failed(Errno::BADF)),
        }
    }

    fn close(&mut self, stream: Stream) -> Pending {
        let closed = self.streams.get_mut(stream.0 as usize).and_then(Option::take);
        Pending::Answered(match closed {
            Some(open) => match open.close() {
                Some(child) => return Pending::Wait(child),
                None => Response::Done,
            },
            None => failed(Errno::BADF),
        })
    }

    fn is_granted(&self, request: &Request<'_>) -> bool {
        match request {
            Request::Read(..) | Request::Write(..) | Request::Seek(..) | Request::Close(_) | Request::Describe(_) => {
                true
            }
            Request::Open(..)
            | Request::Reopen { .. }
            | Request::OpenTemporary
            | Request::TemporaryName
            | Request::Remove(_)
            | Request::Rename(..) => self.grants.files != Files::None,
            Request::OpenProcess { .. } | Request::Execute(_) | Request::HasShell => self.grants.processes,
            Request::Environment(_) => self.grants.environment != Environment::None,
            Request::WallClock | Request::ProcessorTime | Request::TimeZone => self.grants.clock,
            Request::Entropy(_) => self.grants.entropy,
        }
    }

    fn begin(&mut self, request: Request<'_>) -> Pending {
        if !self.is_granted(&request) {
            return Pending::Answered(not_permitted());
        }
        Pending::Answered(match request {
            Request::Read(stream, wanted) => return Pending::Read(stream, wanted),
            Request::Write(stream, bytes) => match self.write(stream, bytes) {
                Some(response) => response,
                None => return Pending::Write(stream, bytes.to_vec()),
            },
            Request::Seek(stream, origin, offset) => match self.stream(stream) {
                Some(open) => open.seek(origin, offset),
                None => failed(Errno::BADF),
            },
            Request::Open(path, mode) => self.add_stream(|grants| files::open_file(&grants.files, path, mode)),
            Request::Describe(stream) => match self.stream(stream) {
                Some(open) => open.describe(),
                None => failed(Errno::BADF),
            },
            Request::Reopen { path, mode, position } => {
                self.add_stream(|grants| files::reopen_file(&grants.files, path, mode, position))
            }
            Request::OpenTemporary => self.add_stream(|grants| files::open_temporary(&grants.files)),
            Request::TemporaryName => files::temporary_name(&self.grants.files),
            Request::OpenProcess { command, write } => self.add_stream(|_| process::open_process(command, write)),
            Request::Close(stream) => return self.close(stream),
            Request::Execute(command) => match process::start(command) {
                Ok(child) => return Pending::Wait(child),
                Err(error) => failed(error),
            },
            Request::HasShell if Path::new(process::SHELL).exists() => Response::Done,
            Request::HasShell => failed(Errno::NOENT),
            Request::Remove(path) => files::remove(&self.grants.files, path),
            Request::Rename(from, to) => files::rename_file(&self.grants.files, from, to),
            Request::Environment(name) => match environment(&self.grants.environment, name) {
                Some(value) => Response::Bytes(value),
                None => failed(Errno::NOENT),
            },
            Request::WallClock => clock::time(ClockId::Realtime),
            Request::ProcessorTime => clock::time(ClockId::ProcessCPUTime),
            Request::TimeZone => Response::Bytes(clock::time_zone()),
            Request::Entropy(wanted) => {
                let mut bytes = vec![0; wanted.min(MOST_ENTROPY)];
                match getrandom(&mut bytes[..], GetRandomFlags::empty()) {
                    Ok(count) => {
                        bytes.truncate(count);
                        Response::Bytes(bytes)
                    }
                    Err(error) => failed(error),
                }
            }
        })
    }

    /// Goes on with a request for a while: its answer, or what is left to do.
    fn proceed(&mut self, pending: Pending) -> Result<Response, Pending> {
        match pending {
            Pending::Answered(response) => Ok(response),
            Pending::Read(stream, wanted) => self.read(stream, wanted).ok_or(Pending::Read(stream, wanted)),
            Pending::Write(stream, bytes) => self.write(stream, &bytes).ok_or(Pending::Write(stream, bytes)),
            Pending::Wait(mut child) => match process::wait(&mut child) {
                Ok(Some(status)) => Ok(process::exited(status)),
                Ok(None) => Err(Pending::Wait(child)),
                Err(error) => Ok(failed(error)),
            },
        }
    }
}

impl Host for Process {
    fn pages(&self) -> Box<dyn Pages + Send> {
        Box::new(self.pages.clone())
    }

    fn submit(&mut self, request: Request<'_>) -> Ticket {
        let pending = self.begin(request);
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.pending = Some((ticket, pending));
        ticket
    }

    fn complete(&mut self, ticket: Ticket) -> Option<Response> {
        let pending = match self.pending.take() {
            Some((waiting, pending)) if waiting == ticket => pending,
            other => {
                self.pending = other;
                return Some(failed(Errno::CANCELED));
            }
        };
        match self.proceed(pending) {
            Ok(response) => Some(response),
            Err(rest) => {
                self.pending = Some((ticket, rest));
                None
            }
        }
    }

    fn withdraw(&mut self, ticket: Ticket) -> bool {
        let is_withdrawn = matches!(
            &self.pending,
            Some((waiting, Pending::Read(..) | Pending::Write(..))) if *waiting == ticket
        );
        if is_withdrawn {
            self.pending = None;
        }
        is_withdrawn
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The value of an environment variable; names that no variable can have give nothing.
fn environment(granted: &Environment, name: &[u8]) -> Option<Vec<u8>> {
    match granted {
        Environment::None => None,
        Environment::Only(variables) => variables.get(name).cloned(),
        Environment::All if name.is_empty() || name.contains(&b'=') || name.contains(&0) => None,
        Environment::All => std::env::var_os(OsStr::from_bytes(name)).map(|value| value.as_bytes().to_vec()),
    }
}

/// Whether the system gives a region of this size.
pub(crate) fn is_reservable(bytes: usize) -> bool {
    pages::is_reservable(bytes)
}
