//! What can be asked for.

use super::{Advice, Clock, Interest, Location, OpenMode, Origin, Removal, SetTime, Stream, Target};
use alloc::borrow::Cow;

/// What can be asked for.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound(deserialize = "'de: 'a")))]
pub enum Request<'a> {
    /// Read at most so many bytes: [`Response::Bytes`](super::Response::Bytes), empty at the end of the stream.
    Read(Stream, usize),
    /// As [`Request::Read`], from a position, which is not the stream's and does not move it.
    ReadAt(Stream, u64, usize),
    /// Write some of the bytes: [`Response::Count`](super::Response::Count).
    Write(Stream, #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// As [`Request::Write`], to a position, which is not the stream's and does not move it.
    WriteAt(Stream, u64, #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// Move the position: [`Response::Position`](super::Response::Position).
    Seek(Stream, Origin, i64),
    /// Wait until something of this comes, or for so many nanoseconds: [`Response::Ready`](super::Response::Ready),
    /// empty when the time is up.
    Poll {
        /// What is waited for.
        interests: Cow<'a, [Interest]>,
        /// How long; for ever if this is none.
        timeout: Option<u64>,
    },

    /// Open a file or directory: [`Response::Opened`](super::Response::Opened).
    Open(Location<'a>, OpenMode),
    /// Open the directory of this number of those that are granted, from 0 on:
    /// [`Response::Granted`](super::Response::Granted). It fails beyond the last.
    OpenGranted(u32),
    /// Open an anonymous temporary file: [`Response::Opened`](super::Response::Opened).
    OpenTemporary,
    /// A fresh name for a temporary file, which is made: [`Response::Bytes`](super::Response::Bytes).
    TemporaryName,
    /// How a stream can be opened again elsewhere: [`Response::Described`](super::Response::Described). Failing says why
    /// it cannot.
    Describe(Stream),
    /// Open what was described again, at its position; it is neither made nor emptied:
    /// [`Response::Opened`](super::Response::Opened).
    Reopen {
        /// The name of the granted directory that it is beneath.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        root: Option<&'a [u8]>,
        /// The path.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        path: &'a [u8],
        /// How it was opened, without emptying and making it.
        mode: OpenMode,
        /// The position.
        position: u64,
    },
    /// Start a command with a pipe to or from it: [`Response::Opened`](super::Response::Opened).
    OpenProcess {
        /// For the shell.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        command: &'a [u8],
        /// Whether the pipe is to the command.
        write: bool,
    },
    /// Close a stream: [`Response::Done`](super::Response::Done), or [`Response::Exited`](super::Response::Exited) for a
    /// process.
    Close(Stream),

    /// What is known of a file: [`Response::Status`](super::Response::Status).
    Status(Target<'a>),
    /// Set the times when a file was read and written last: [`Response::Done`](super::Response::Done).
    SetTimes {
        /// Which.
        target: Target<'a>,
        /// When it was read.
        accessed: SetTime,
        /// When it was written.
        modified: SetTime,
    },
    /// Cut a file off, or extend it by zeros: [`Response::Done`](super::Response::Done).
    SetSize(Stream, u64),
    /// Have room for a part of a file, which begins at an offset and has a length: [`Response::Done`](super::Response::Done).
    Allocate(Stream, u64, u64),
    /// How a part of a file will be used: [`Response::Done`](super::Response::Done).
    Advise(Stream, u64, u64, Advice),
    /// Store what was written, and all else that is known of the file unless the data is enough:
    /// [`Response::Done`](super::Response::Done).
    Sync {
        /// Which.
        stream: Stream,
        /// Whether the data is enough.
        data_only: bool,
    },
    /// Change how a stream is used: [`Response::Done`](super::Response::Done).
    SetFlags {
        /// Which.
        stream: Stream,
        /// See [`OpenMode::append`].
        append: bool,
        /// See [`OpenMode::nonblocking`].
        nonblocking: bool,
    },

    /// Read entries of a directory, from the start (0) or where one said that the next is, that take about so many bytes:
    /// [`Response::Entries`](super::Response::Entries), empty at the end.
    ReadDirectory(Stream, u64, usize),
    /// Make a directory: [`Response::Done`](super::Response::Done).
    MakeDirectory(Location<'a>),
    /// Remove a file or an empty directory: [`Response::Done`](super::Response::Done).
    Remove(Location<'a>, Removal),
    /// Rename a file: [`Response::Done`](super::Response::Done).
    Rename(Location<'a>, Location<'a>),
    /// Give a file another name: [`Response::Done`](super::Response::Done).
    Link(Location<'a>, Location<'a>),
    /// Make a symbolic link: [`Response::Done`](super::Response::Done).
    MakeSymbolicLink {
        /// What it contains.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        content: &'a [u8],
        /// Where it is.
        link: Location<'a>,
    },
    /// What a symbolic link contains: [`Response::Bytes`](super::Response::Bytes).
    ReadLink(Location<'a>),

    /// Run a command to its end: [`Response::Exited`](super::Response::Exited).
    Execute(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// Whether there is a shell to run commands: [`Response::Done`](super::Response::Done) if so.
    HasShell,
    /// The arguments of the program, beginning with its name, each with a zero byte at its end:
    /// [`Response::Bytes`](super::Response::Bytes).
    Arguments,
    /// The value of an environment variable: [`Response::Bytes`](super::Response::Bytes).
    Environment(#[cfg_attr(feature = "serde", serde(with = "serde_bytes"))] &'a [u8]),
    /// All environment variables, as `NAME=VALUE` with a zero byte at the end:
    /// [`Response::Bytes`](super::Response::Bytes).
    Variables,
    /// What a clock shows: [`Response::Time`](super::Response::Time).
    Time(Clock),
    /// How finely a clock tells times apart: [`Response::Time`](super::Response::Time).
    Resolution(Clock),
    /// Bytes of the TZif file of the local time zone: [`Response::Bytes`](super::Response::Bytes); empty for UTC.
    TimeZone,
    /// At most so many random bytes, and at least one: [`Response::Bytes`](super::Response::Bytes).
    Entropy(usize),
    /// Let others have the processor: [`Response::Done`](super::Response::Done).
    Yield,
}

impl Request<'_> {
    /// Bytes of the longest name in the request.
    pub fn longest_name(&self) -> usize {
        match self {
            Request::Open(at, _)
            | Request::Status(Target::At(at, _))
            | Request::SetTimes { target: Target::At(at, _), .. }
            | Request::MakeDirectory(at)
            | Request::Remove(at, _)
            | Request::ReadLink(at) => at.path.len(),
            Request::Rename(from, to) | Request::Link(from, to) => from.path.len().max(to.path.len()),
            Request::MakeSymbolicLink { content, link } => content.len().max(link.path.len()),
            Request::Reopen { root, path, .. } => path.len().max(root.map_or(0, <[u8]>::len)),
            Request::Execute(name) | Request::OpenProcess { command: name, .. } | Request::Environment(name) => {
                name.len()
            }
            Request::Read(..)
            | Request::ReadAt(..)
            | Request::Write(..)
            | Request::WriteAt(..)
            | Request::Seek(..)
            | Request::Poll { .. }
            | Request::OpenGranted(_)
            | Request::OpenTemporary
            | Request::TemporaryName
            | Request::Describe(_)
            | Request::Close(_)
            | Request::Status(Target::Open(_))
            | Request::SetTimes { target: Target::Open(_), .. }
            | Request::SetSize(..)
            | Request::Allocate(..)
            | Request::Advise(..)
            | Request::Sync { .. }
            | Request::SetFlags { .. }
            | Request::ReadDirectory(..)
            | Request::HasShell
            | Request::Arguments
            | Request::Variables
            | Request::Time(_)
            | Request::Resolution(_)
            | Request::TimeZone
            | Request::Entropy(_)
            | Request::Yield => 0,
        }
    }
}
