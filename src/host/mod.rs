//! The hosted home: what a process on Linux offers its instances, through the one `Host` trait.
//!
//! Requests that the kernel answers at once are answered when they are submitted. The others, to pipes, terminals and
//! processes, are taken up in `complete`, which waits for at most 50 ms at a time so that interrupts get through.

mod clock;
#[cfg(feature = "jit")]
mod code;
#[cfg(feature = "jit")]
mod compiler;
mod directory;
mod environment;
mod failure;
#[cfg(all(feature = "jit", target_arch = "x86_64"))]
mod faults;
mod files;
mod grants;
#[cfg(feature = "migration")]
mod leaving;
mod pages;
#[cfg(feature = "jit")]
mod perf_map;
mod place;
mod polling;
mod process;
#[cfg(feature = "migration")]
mod reconnect;
mod standard;
mod status;
mod stream;
#[cfg(test)]
mod tests;

pub use grants::{Directory, Environment, Files, Grants};
pub use standard::{Captured, Input, Output, Streams};

#[cfg(feature = "migration")]
pub(crate) use {pages::NewRegion, reconnect::OpenStreams};

use failure::{failed, not_permitted};
#[cfg(feature = "migration")]
use leaving::LeavingRegion;
use lunette_gc::pages::Pages;
#[cfg(feature = "jit")]
use lunette_interpreter::compiling::{FinishedWork, Work};
use lunette_interpreter::host::{
    Clock, Host, Interest, Location, Request, Response, Stream, Target, Ticket, Timestamp,
};
use pages::MappedPages;
use place::Place;
use rustix::{
    fs::{fdatasync, fsync, ftruncate, futimens},
    io::{Errno, retry_on_intr},
    rand::{GetRandomFlags, getrandom},
};
use standard::Inherited;
use status::done;
#[cfg(feature = "jit")]
use std::ptr::NonNull;
use std::{
    path::Path,
    process::Child,
    time::{Duration, Instant},
};
use stream::OpenStream;

/// The most that is waited for at a time.
const MOST_INTERESTS: usize = 1 << 12;
/// The most random bytes given at once.
const MOST_ENTROPY: usize = 1 << 16;

/// A request on its way.
enum Pending {
    Answered(Response),
    Read(Stream, usize),
    Write(Stream, Vec<u8>),
    Poll(Vec<Interest>, Option<Instant>),
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
    #[cfg(feature = "jit")]
    code: code::InstalledCode,
    /// The most bytes of machine code.
    #[cfg(feature = "jit")]
    code_limit: usize,
    #[cfg(feature = "jit")]
    is_mapped_for_perf: bool,
    /// Where functions are compiled, if that is not to be done while the program waits.
    #[cfg(feature = "jit")]
    desk: Option<compiler::Desk>,
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
            #[cfg(feature = "jit")]
            code: code::InstalledCode::default(),
            #[cfg(feature = "jit")]
            code_limit: code::AREA_BYTES,
            #[cfg(feature = "jit")]
            is_mapped_for_perf: false,
            #[cfg(feature = "jit")]
            desk: None,
            #[cfg(feature = "migration")]
            leaving: None,
        }
    }

    /// Notes where machine code is, for `perf`.
    #[cfg(feature = "jit")]
    pub fn with_perf_map(self) -> std::io::Result<Process> {
        perf_map::open()?;
        Ok(Process { is_mapped_for_perf: true, ..self })
    }

    /// Limits how much machine code there may be.
    #[cfg(feature = "jit")]
    pub fn with_code_limit(self, bytes: usize) -> Process {
        Process { code_limit: bytes.min(code::AREA_BYTES), ..self }
    }

    /// Has functions compiled while the program goes on.
    #[cfg(feature = "jit")]
    pub fn compiling_aside(self) -> Process {
        Process { desk: Some(compiler::Desk::default()), ..self }
    }

    /// Limits how many streams may be open at a time.
    #[cfg_attr(not(feature = "partitions"), expect(dead_code, reason = "for partitions"))]
    pub fn with_most_streams(self, most_streams: usize) -> Process {
        Process { most_streams, ..self }
    }

    fn stream(&mut self, stream: Stream) -> Option<&mut OpenStream> {
        self.streams.get_mut(stream.0 as usize)?.as_mut()
    }

    fn open_stream(&self, stream: Stream) -> Result<&OpenStream, Errno> {
        self.streams.get(stream.0 as usize).and_then(Option::as_ref).ok_or(Errno::BADF)
    }

    /// Does something with an open stream.
    fn with<R>(&self, stream: Stream, work: impl FnOnce(&OpenStream) -> Result<R, Errno>) -> Result<R, Errno> {
        self.open_stream(stream).and_then(work)
    }

    /// Where a location leads.
    fn place(&self, location: Location<'_>) -> Result<Place<'_>, Errno> {
        match location.directory {
            Some(directory) => self.open_stream(directory)?.place(location.path),
            None => Place::find(&self.grants.files, location.path),
        }
    }

    /// Opens a stream, if there are not too many already.
    fn add_stream<E>(&mut self, open: impl FnOnce(&Process) -> Result<OpenStream, E>) -> Response
    where
        E: Into<std::io::Error>,
    {
        if self.streams.iter().flatten().count() >= self.most_streams {
            return failed(Errno::MFILE);
        }
        let opened = match open(self) {
            Ok(opened) => opened,
            Err(error) => return failed(error),
        };
        let kind = opened.kind();
        let free = self.streams.iter().position(Option::is_none).unwrap_or(self.streams.len());
        if free == self.streams.len() {
            self.streams.push(None);
        }
        self.streams[free] = Some(opened);
        Response::Opened(Stream(free as u32), kind)
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

    /// Opens a granted directory.
    fn open_granted(&mut self, number: u32) -> Response {
        let directory = match &self.grants.files {
            Files::Directories(directories) => directories.get(number as usize).cloned(),
            Files::None | Files::All => None,
        };
        let Some(directory) = directory else { return failed(Errno::BADF) };
        match self.add_stream(|_| files::open_granted(&directory)) {
            Response::Opened(stream, _) => {
                Response::Granted { directory: stream, name: directory.guest.into_os_string().into_encoded_bytes() }
            }
            response => response,
        }
    }

    fn is_granted(&self, request: &Request<'_>) -> bool {
        match request {
            Request::Open(Location { directory: None, .. }, _)
            | Request::Reopen { .. }
            | Request::OpenTemporary
            | Request::TemporaryName => self.grants.files != Files::None,
            Request::OpenProcess { .. } | Request::Execute(_) | Request::HasShell => self.grants.processes,
            Request::Environment(_) => self.grants.environment != Environment::None,
            Request::Time(_) | Request::Resolution(_) | Request::TimeZone => self.grants.clock,
            Request::Entropy(_) => self.grants.entropy,
            // What is done with streams that are open.
            Request::Read(..)
            | Request::ReadAt(..)
            | Request::Write(..)
            | Request::WriteAt(..)
            | Request::Seek(..)
            | Request::Poll { .. }
            | Request::Describe(_)
            | Request::Close(_)
            | Request::SetSize(..)
            | Request::Allocate(..)
            | Request::Advise(..)
            | Request::Sync { .. }
            | Request::SetFlags { .. }
            | Request::ReadDirectory(..) => true,
            // What begins at directories that are open, or is looked up in what is granted.
            Request::Open(..)
            | Request::OpenGranted(_)
            | Request::Status(_)
            | Request::SetTimes { .. }
            | Request::MakeDirectory(_)
            | Request::Remove(..)
            | Request::Rename(..)
            | Request::Link(..)
            | Request::MakeSymbolicLink { .. }
            | Request::ReadLink(_) => true,
            Request::Arguments | Request::Variables | Request::Yield => true,
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
            Request::Poll { interests, .. } if interests.len() > MOST_INTERESTS => failed(Errno::INVAL),
            Request::Poll { interests, timeout } => {
                // What is too far off never comes.
                let deadline = timeout.and_then(|timeout| Instant::now().checked_add(Duration::from_nanos(timeout)));
                return Pending::Poll(interests.into_owned(), deadline);
            }
            Request::Close(stream) => return self.close(stream),
            Request::Execute(command) => match process::start(command) {
                Ok(child) => return Pending::Wait(child),
                Err(error) => failed(error),
            },
            Request::Open(Location { directory: None, path }, mode) => {
                self.add_stream(|process| files::open_file(&process.grants.files, path, mode))
            }
            Request::Open(Location { directory: Some(directory), path }, mode) => {
                self.add_stream(|process| files::open_beneath(process.open_stream(directory)?, path, mode))
            }
            Request::OpenGranted(number) => self.open_granted(number),
            Request::OpenTemporary => self.add_stream(|process| files::open_temporary(&process.grants.files)),
            Request::TemporaryName => files::temporary_name(&self.grants.files),
            Request::Reopen { root, path, mode, position } => {
                self.add_stream(|process| files::reopen_file(&process.grants.files, root, path, mode, position))
            }
            Request::OpenProcess { command, write } => self.add_stream(|_| process::open_process(command, write)),
            Request::SetFlags { stream, append, nonblocking } => match self.stream(stream) {
                Some(open) => done(open.set_flags(append, nonblocking)),
                None => failed(Errno::BADF),
            },
            request => self.answer(request).unwrap_or_else(failed),
        })
    }

    /// Answers a request that the kernel answers at once, and that opens and closes nothing.
    fn answer(&self, request: Request<'_>) -> Result<Response, Errno> {
        Ok(match request {
            Request::ReadAt(stream, position, wanted) => self.open_stream(stream)?.read_at(position, wanted),
            Request::WriteAt(stream, position, bytes) => self.open_stream(stream)?.write_at(position, bytes),
            Request::Seek(stream, origin, offset) => self.open_stream(stream)?.seek(origin, offset),
            Request::Describe(stream) => self.open_stream(stream)?.describe(),
            Request::Status(Target::Open(stream)) => Response::Status(self.with(stream, OpenStream::status)?),
            Request::Status(Target::At(location, follow)) => {
                Response::Status(status::known(&self.place(location)?.status(follow)?))
            }
            Request::SetTimes { target: Target::Open(stream), accessed, modified } => {
                done(futimens(self.open_stream(stream)?.changeable_descriptor()?, &status::times(accessed, modified)))
            }
            Request::SetTimes { target: Target::At(location, follow), accessed, modified } => {
                done(self.place(location)?.set_times(follow, &status::times(accessed, modified)))
            }
            Request::SetSize(stream, size) => done(ftruncate(self.open_stream(stream)?.changeable_descriptor()?, size)),
            Request::Allocate(stream, offset, length) => {
                done(status::allocate(self.open_stream(stream)?.changeable_descriptor()?, offset, length))
            }
            Request::Advise(stream, offset, length, advice) => {
                done(status::advise(self.open_stream(stream)?.own_descriptor()?, offset, length, advice))
            }
            Request::Sync { stream, data_only } => match self.open_stream(stream)?.descriptor() {
                Some(file) if data_only => done(fdatasync(file)),
                Some(file) => done(fsync(file)),
                None => Response::Done,
            },
            Request::ReadDirectory(stream, start, wanted) => {
                Response::Entries(directory::read(self.open_stream(stream)?.own_descriptor()?, start, wanted)?)
            }
            Request::MakeDirectory(location) => done(self.place(location)?.make_directory()),
            Request::Remove(location, what) => done(self.place(location)?.remove(what)),
            Request::Rename(from, to) => done(self.place(from)?.rename(&self.place(to)?)),
            Request::Link(from, to) => done(self.place(from)?.link(&self.place(to)?)),
            Request::MakeSymbolicLink { content, link } => done(self.place(link)?.make_symbolic_link(content)),
            Request::ReadLink(location) => Response::Bytes(self.place(location)?.read_link()?),
            Request::HasShell if Path::new(process::SHELL).exists() => Response::Done,
            Request::HasShell => return Err(Errno::NOENT),
            Request::Arguments => Response::Bytes(terminated(&self.grants.arguments)),
            Request::Environment(name) => {
                Response::Bytes(environment::variable(&self.grants.environment, name).ok_or(Errno::NOENT)?)
            }
            Request::Variables => Response::Bytes(terminated(&environment::variables(&self.grants.environment))),
            Request::Time(Clock::Monotonic) => Response::Time(Timestamp::from_nanoseconds(self.monotonic())),
            Request::Time(clock) => clock::time(clock),
            Request::Resolution(clock) => clock::resolution(clock),
            Request::TimeZone => Response::Bytes(clock::time_zone()),
            Request::Entropy(wanted) => {
                let mut bytes = vec![0; wanted.min(MOST_ENTROPY)];
                let count = retry_on_intr(|| getrandom(&mut bytes[..], GetRandomFlags::empty()))?;
                bytes.truncate(count);
                Response::Bytes(bytes)
            }
            Request::Yield => {
                std::thread::yield_now();
                Response::Done
            }
            // `begin` sees to these.
            Request::Read(..)
            | Request::Write(..)
            | Request::Poll { .. }
            | Request::Open(..)
            | Request::OpenGranted(_)
            | Request::OpenTemporary
            | Request::TemporaryName
            | Request::Reopen { .. }
            | Request::OpenProcess { .. }
            | Request::Close(_)
            | Request::SetFlags { .. }
            | Request::Execute(_) => return Err(Errno::NOSYS),
        })
    }

    /// Goes on with a request for a while: its answer, or what is left to do.
    fn proceed(&mut self, pending: Pending) -> Result<Response, Pending> {
        match pending {
            Pending::Answered(response) => Ok(response),
            Pending::Read(stream, wanted) => self.read(stream, wanted).ok_or(Pending::Read(stream, wanted)),
            Pending::Write(stream, bytes) => self.write(stream, &bytes).ok_or(Pending::Write(stream, bytes)),
            Pending::Poll(interests, deadline) => match polling::wait(self, &interests, deadline) {
                Ok(Some(ready)) => Ok(Response::Ready(ready)),
                Ok(None) => Err(Pending::Poll(interests, deadline)),
                Err(error) => Ok(failed(error)),
            },
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

    #[cfg(feature = "jit")]
    fn install_code(&mut self, code: &[u8], name: &[u8]) -> Option<NonNull<u8>> {
        let address = self.code.install(code, self.code_limit)?;
        if self.is_mapped_for_perf {
            perf_map::note(address, code.len(), name);
        }
        Some(address)
    }

    #[cfg(feature = "jit")]
    fn remove_code(&mut self, address: NonNull<u8>, bytes: usize) {
        self.code.remove(address, bytes);
    }

    #[cfg(feature = "jit")]
    fn code_limit(&self) -> usize {
        self.code_limit
    }

    #[cfg(feature = "jit")]
    fn compile_aside(&mut self, work: Work) -> Result<(), Work> {
        match &self.desk {
            Some(desk) => desk.order(work),
            None => Err(work),
        }
    }

    #[cfg(feature = "jit")]
    fn take_compiled(&mut self) -> Option<FinishedWork> {
        self.desk.as_ref()?.take()
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
            Some((waiting, Pending::Read(..) | Pending::Write(..) | Pending::Poll(..))) if *waiting == ticket
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

/// The strings, each with a zero byte at its end.
fn terminated(strings: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for string in strings {
        // Nobody could tell where one with a zero byte ends.
        bytes.extend(string.iter().take_while(|&&byte| byte != 0));
        bytes.push(0);
    }
    bytes
}

/// Whether the system gives a region of this size.
pub(crate) fn is_reservable(bytes: usize) -> bool {
    pages::is_reservable(bytes)
}
