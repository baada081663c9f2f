//! Answers to requests.

use super::{DirectoryEntry, FileKind, FileStatus, HostError, OpenMode, Readiness, Stream, Timestamp};
use alloc::vec::Vec;

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
    /// What has come of what was waited for.
    Ready(Vec<Readiness>),
    /// A new stream, and what it is.
    Opened(Stream, FileKind),
    /// A directory that is granted.
    Granted {
        /// The new stream.
        directory: Stream,
        /// Its name for the program.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        name: Vec<u8>,
    },
    /// How a stream can be opened again.
    Described {
        /// The name of the granted directory that it is beneath.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        root: Option<Vec<u8>>,
        /// The path as it was given when the file was opened.
        #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
        path: Vec<u8>,
        /// How it is opened again.
        mode: OpenMode,
        /// Where it is.
        position: u64,
    },
    /// What is known of a file.
    Status(FileStatus),
    /// Entries of a directory.
    Entries(Vec<DirectoryEntry>),
    /// A time.
    Time(Timestamp),
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
