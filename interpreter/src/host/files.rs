//! What requests say of files and directories.

use super::{Stream, Timestamp};
use alloc::vec::Vec;

/// A path, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Location<'a> {
    /// The directory that nothing leads out of; without one, the path is looked up in all that is granted.
    pub directory: Option<Stream>,
    /// The path.
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub path: &'a [u8],
}

impl<'a> Location<'a> {
    /// A path that is looked up in all that is granted.
    pub const fn granted(path: &'a [u8]) -> Location<'a> {
        Location { directory: None, path }
    }

    /// A path that begins at an open directory.
    pub const fn beneath(directory: Stream, path: &'a [u8]) -> Location<'a> {
        Location { directory: Some(directory), path }
    }
}

/// A file or directory: an open one, or what is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound(deserialize = "'de: 'a")))]
pub enum Target<'a> {
    /// An open stream.
    Open(Stream),
    /// What is at a location; a symbolic link at its end is followed, or meant itself.
    At(Location<'a>, Follow),
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Follow {
    /// The link itself is meant.
    No,
    /// What it leads to is meant.
    Yes,
}

/// How a file is opened.
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
    /// It is an error if there is one.
    pub exclusive: bool,
    /// It is an error if it is no directory.
    pub directory: bool,
    /// It is an error if it is a symbolic link.
    pub no_follow: bool,
    /// What would have to wait for others fails.
    pub nonblocking: bool,
    /// Writes return when what they wrote, and all that is known of the file, is stored.
    pub sync: bool,
    /// Writes return when what they wrote is stored.
    pub data_sync: bool,
}

impl OpenMode {
    /// The mode in which what was opened is opened again: it is neither made nor emptied.
    #[must_use]
    pub fn again(self) -> OpenMode {
        OpenMode { truncate: false, create: false, exclusive: false, ..self }
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(missing_docs, reason = "the names say it")]
pub enum FileKind {
    #[default]
    Unknown,
    BlockDevice,
    CharacterDevice,
    Directory,
    Regular,
    Pipe,
    Socket,
    SymbolicLink,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FileStatus {
    /// Number of the device it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// What it is.
    pub kind: FileKind,
    /// Number of its names.
    pub links: u64,
    /// Its bytes.
    pub size: u64,
    /// When it was read last.
    pub accessed: Timestamp,
    /// When it was written last.
    pub modified: Timestamp,
    /// When what is known of it changed last.
    pub changed: Timestamp,
}

/// What a time of a file becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SetTime {
    /// It stays.
    Keep,
    /// The time of the clock.
    Now,
    /// This time.
    At(Timestamp),
}

/// What may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Removal {
    /// A file or an empty directory.
    Any,
    /// A file.
    File,
    /// An empty directory.
    Directory,
}

/// How a program will use a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[allow(missing_docs, reason = "the names are those of posix_fadvise")]
pub enum Advice {
    Normal,
    Sequential,
    Random,
    WillNeed,
    DontNeed,
    NoReuse,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DirectoryEntry {
    /// Where the next entry is.
    pub next: u64,
    /// Number of the file on its device; 0 for the directory above.
    pub inode: u64,
    /// What it is.
    pub kind: FileKind,
    /// Its name.
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub name: Vec<u8>,
}
