//! What is known of files, and changes of it.

use super::failure::failed;
use lunette_interpreter::host::{Advice, FileKind, FileStatus, Response, SetTime, Timestamp};
use rustix::{
    fs::{self, FallocateFlags, FileType, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT},
    io::Errno,
};
use std::{num::NonZeroU64, os::fd::BorrowedFd};

/// What a file is.
pub(super) fn kind(mode: u32) -> FileKind {
    of_type(FileType::from_raw_mode(mode))
}

/// What a file of this type is.
pub(super) fn of_type(kind: FileType) -> FileKind {
    match kind {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::SymbolicLink,
        FileType::Fifo => FileKind::Pipe,
        FileType::Socket => FileKind::Socket,
        FileType::CharacterDevice => FileKind::CharacterDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::Unknown => FileKind::Unknown,
    }
}

/// What is known of a file, from the kernel.
pub(super) fn known(status: &Stat) -> FileStatus {
    // How many bits there are depends on what `rustix` is built on.
    fn time(seconds: i64, nanoseconds: impl TryInto<u32>) -> Timestamp {
        Timestamp { seconds, nanoseconds: nanoseconds.try_into().unwrap_or(0) }
    }
    FileStatus {
        device: status.st_dev,
        inode: status.st_ino,
        kind: kind(status.st_mode),
        links: status.st_nlink,
        size: status.st_size as u64,
        accessed: time(status.st_atime, status.st_atime_nsec),
        modified: time(status.st_mtime, status.st_mtime_nsec),
        changed: time(status.st_ctime, status.st_ctime_nsec),
    }
}

/// The kernel's form of times that are to be set.
pub(super) fn times(accessed: SetTime, modified: SetTime) -> Timestamps {
    let time = |time| match time {
        SetTime::Keep => Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        SetTime::Now => Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        SetTime::At(time) => Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.min(999_999_999).into() },
    };
    Timestamps { last_access: time(accessed), last_modification: time(modified) }
}

/// Tells the kernel how a part of a file will be used.
pub(super) fn advise(file: BorrowedFd<'_>, offset: u64, length: u64, advice: Advice) -> Result<(), Errno> {
    let advice = match advice {
        Advice::Normal => fs::Advice::Normal,
        Advice::Sequential => fs::Advice::Sequential,
        Advice::Random => fs::Advice::Random,
        Advice::WillNeed => fs::Advice::WillNeed,
        Advice::DontNeed => fs::Advice::DontNeed,
        Advice::NoReuse => fs::Advice::NoReuse,
    };
    match NonZeroU64::new(length) {
        // To the kernel, none means up to the end.
        None => Ok(()),
        Some(length) => fs::fadvise(file, offset, Some(length), advice),
    }
}

/// Makes room for a part of a file.
pub(super) fn allocate(file: BorrowedFd<'_>, offset: u64, length: u64) -> Result<(), Errno> {
    fs::fallocate(file, FallocateFlags::empty(), offset, length)
}

/// The answer to a request that gives nothing.
pub(super) fn done(result: Result<(), Errno>) -> Response {
    result.map_or_else(failed, |()| Response::Done)
}
