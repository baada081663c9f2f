//! Waiting for several streams at a time.

use super::Stream;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interest {
    /// The stream.
    pub stream: Stream,
    /// Which way.
    pub direction: Direction,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Direction {
    /// From the stream.
    Read,
    /// To the stream.
    Write,
}

/// Something waited for has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Readiness {
    /// Number of the interest in its list.
    pub interest: u32,
    /// Bytes that can be read, or are known to be; 0 for writing.
    pub bytes: u64,
    /// Whether the other end is gone.
    pub is_hung_up: bool,
    /// The number in C's `errno` if it failed, or 0.
    pub error: i32,
}
