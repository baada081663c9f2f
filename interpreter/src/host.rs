//! The one way out of the runtime: what an instance asks of the home it lives in.
//!
//! Every operation that may take time is *submitted* and later *completed*; nothing blocks inside the runtime. A library
//! function that waits has a frame on the VM stack and returns [`Step::Wait`](crate::native::Step::Wait), so it can be
//! interrupted, and its request be issued again elsewhere.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::any::Any;
use lunette_gc::pages::Pages;

/// Names a submitted request until it is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// Names an open stream of the home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stream(pub u32);

impl Stream {
    /// Standard input.
    pub const INPUT: Stream = Stream(0);
    /// Standard output.
    pub const OUTPUT: Stream = Stream(1);
    /// Standard error.
    pub const ERROR: Stream = Stream(2);
}

/// How a file is opened, as C's modes have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OpenMode {
    /// Reading is allowed.
    pub read: bool,
    /// Writing is allowed.
    pub write: bool,
    /// Every write goes to the end.
    pub append: bool,
    /// The file is emptied.
    pub truncate: bool,
    /// The file is made if there is none.
    pub create: bool,
}

/// From where a position in a stream counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Origin {
    /// From the beginning.
    Start,
    /// From the current position.
    Current,
    /// From the end.
    End,
}

/// What can be asked for.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Request<'a> {
    /// Read at most so many bytes: [`Response::Bytes`], empty at the end of the stream.
    Read(Stream, usize),
    /// Write some of the bytes: [`Response::Count`].
    Write(Stream, #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// Move the position: [`Response::Position`].
    Seek(Stream, Origin, i64),
    /// Open a file: [`Response::Opened`].
    Open(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8], OpenMode),
    /// Open an anonymous temporary file: [`Response::Opened`].
    OpenTemporary,
    /// A fresh name for a temporary file, which is made: [`Response::Bytes`].
    TemporaryName,
    /// How a stream can be opened again elsewhere: [`Response::Described`]. Failing says why it cannot.
    Describe(Stream),
    /// Open a file again that was described, at its position; it is neither made nor emptied: [`Response::Opened`].
    Reopen {
        /// The path.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        path: &'a [u8],
        /// How it was opened, without emptying and making it.
        mode: OpenMode,
        /// The position.
        position: u64,
    },
    /// Start a command with a pipe to or from it: [`Response::Opened`].
    OpenProcess {
        /// For the shell.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        command: &'a [u8],
        /// Whether the pipe is to the command.
        write: bool,
    },
    /// Close a stream: [`Response::Done`], or [`Response::Exited`] for a process.
    Close(Stream),
    /// Run a command to its end: [`Response::Exited`].
    Execute(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// Whether there is a shell to run commands: [`Response::Done`] if so.
    HasShell,
    /// Remove a file or empty directory: [`Response::Done`].
    Remove(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// Rename a file: [`Response::Done`].
    Rename(
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8],
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8],
    ),
    /// The value of an environment variable: [`Response::Bytes`].
    Environment(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// Seconds and nanoseconds since 1970: [`Response::Time`].
    WallClock,
    /// Processor time used: [`Response::Time`].
    ProcessorTime,
    /// Bytes of the TZif file of the local time zone: [`Response::Bytes`]; empty for UTC.
    TimeZone,
    /// So many random bytes: [`Response::Bytes`].
    Entropy(usize),
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Response {
    /// It is done.
    Done,
    /// Bytes.
    Bytes(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] Vec<u8>),
    /// Number of bytes.
    Count(usize),
    /// Position from the beginning.
    Position(u64),
    /// A new stream.
    Opened(Stream),
    /// How a stream can be opened again.
    Described {
        /// The path as it was given when the file was opened.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        path: Vec<u8>,
        /// How it is opened again.
        mode: OpenMode,
        /// Where it is.
        position: u64,
    },
    /// A time.
    Time {
        /// Seconds.
        seconds: i64,
        /// Nanoseconds.
        nanoseconds: u32,
    },
    /// How a process ended.
    Exited {
        /// Whether a signal ended it.
        signaled: bool,
        /// Exit status or signal number.
        code: i32,
    },
    /// It failed.
    Failed(HostError),
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HostError {
    /// In the words of C's `strerror`.
    pub message: String,
    /// The number in C's `errno`.
    pub code: i32,
}

impl HostError {
    /// The home does not grant this.
    pub fn not_permitted() -> HostError {
        HostError { message: String::from("Operation not permitted"), code: 1 }
    }
}

/// The home of an instance.
pub trait Host: Any + Send {
    /// Where the region's memory comes from.
    fn pages(&self) -> Box<dyn Pages + Send>;

    /// Takes a request.
    fn submit(&mut self, request: Request<'_>) -> Ticket;

    /// The answer, once it is there. `None` if it is not: the caller asks again, and the host may let some time pass
    /// before it says so (at most some tens of milliseconds, so that interrupts are noticed).
    fn complete(&mut self, ticket: Ticket) -> Option<Response>;

    /// Called whenever limits are looked at, about every tenth of a millisecond: a home without threads does here what
    /// is due. `true` interrupts the instance.
    fn poll(&self) -> bool {
        false
    }

    /// Takes back a request that is on its way and has had no effect; `false` if that cannot be.
    fn withdraw(&mut self, ticket: Ticket) -> bool {
        let _ = ticket;
        false
    }

    /// Nanoseconds of a clock that never goes back; 0 where there is none. Does not block.
    fn monotonic(&self) -> u64;
}
