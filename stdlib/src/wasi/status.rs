//! What is known of descriptors and files, and changes of it.

use super::{
    call::{Call, Outcome, Pause, Version},
    errno::Errno,
    memory::GuestMemory,
    rights,
};
use lunette_interpreter::{
    Machine,
    host::{FileKind, FileStatus, Follow, Location, Request, Response, SetTime, Target, Timestamp},
};

/// Flags of descriptors.
pub(super) mod flags {
    pub const APPEND: u16 = 0x01;
    pub const DSYNC: u16 = 0x02;
    pub const NONBLOCK: u16 = 0x04;
    pub const RSYNC: u16 = 0x08;
    pub const SYNC: u16 = 0x10;
    pub const ALL: u16 = 0x1f;
}

/// Flags of functions that set times.
mod set {
    pub const ACCESSED: u32 = 0x01;
    pub const ACCESSED_NOW: u32 = 0x02;
    pub const MODIFIED: u32 = 0x04;
    pub const MODIFIED_NOW: u32 = 0x08;
    pub const ALL: u32 = 0x0f;
}

/// Flag of functions on paths: a symbolic link at the end is followed.
pub(super) const FOLLOW: u32 = 1;

/// The number of a kind of file.
pub(super) fn kind_number(kind: FileKind) -> u8 {
    match kind {
        // There is no number for pipes.
        FileKind::Unknown | FileKind::Pipe => 0,
        FileKind::BlockDevice => 1,
        FileKind::CharacterDevice => 2,
        FileKind::Directory => 3,
        FileKind::Regular => 4,
        FileKind::Socket => 6,
        FileKind::SymbolicLink => 7,
    }
}

/// Whether flags of a function on paths have links followed.
pub(super) fn follow(flags: u32) -> Result<Follow, Errno> {
    match flags {
        0 => Ok(Follow::No),
        FOLLOW => Ok(Follow::Yes),
        _ => Err(Errno::INVAL),
    }
}

pub(super) fn fd_fdstat_get(machine: &mut Machine, mut call: Call) -> Outcome {
    let description = call.descriptor(machine, 0, 0)?.description(machine);
    let mut bytes = [0; 24];
    bytes[0] = kind_number(description.kind);
    bytes[2..4].copy_from_slice(&description.flags.to_le_bytes());
    bytes[8..16].copy_from_slice(&description.base.to_le_bytes());
    bytes[16..].copy_from_slice(&description.inheriting.to_le_bytes());
    let address = call.address(machine, 1);
    Ok(call.memory(machine)?.put(address, &bytes)?)
}

pub(super) fn fd_fdstat_set_flags(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, rights::FD_FDSTAT_SET_FLAGS)?;
    let flags = call.int(machine, 1);
    // What is stored with each write cannot be changed.
    let changed = flags ^ u32::from(descriptor.description(machine).flags);
    if changed & !u32::from(flags::APPEND | flags::NONBLOCK) != 0 {
        return Err(Errno::INVAL.into());
    }
    let flags = flags as u16;
    let stream = descriptor.stream(machine)?;
    let (append, nonblocking) = (flags & flags::APPEND != 0, flags & flags::NONBLOCK != 0);
    call.done(machine, Request::SetFlags { stream, append, nonblocking })?;
    descriptor.set_flags(machine, flags);
    Ok(())
}

pub(super) fn fd_fdstat_set_rights(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, 0)?;
    let (base, inheriting) = (call.long(machine, 1), call.long(machine, 2));
    let description = descriptor.description(machine);
    if base & !description.base != 0 || inheriting & !description.inheriting != 0 {
        return Err(Errno::NOTCAPABLE.into());
    }
    descriptor.set_rights(machine, base, inheriting);
    Ok(())
}

pub(super) fn fd_filestat_get(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.descriptor(machine, 0, rights::FD_FILESTAT_GET)?.stream(machine)?;
    get(machine, call, Target::Open(stream), 1)
}

pub(super) fn fd_filestat_set_size(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.descriptor(machine, 0, rights::FD_FILESTAT_SET_SIZE)?.stream(machine)?;
    let size = call.long(machine, 1);
    call.done(machine, Request::SetSize(stream, size))
}

pub(super) fn fd_filestat_set_times(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.descriptor(machine, 0, rights::FD_FILESTAT_SET_TIMES)?.stream(machine)?;
    set_times(machine, call, Target::Open(stream), 1)
}

pub(super) fn path_filestat_get(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 0, rights::PATH_FILESTAT_GET)?;
    let follow = follow(call.int(machine, 1))?;
    let path = call.path(machine, 2)?;
    get(machine, call, Target::At(Location::beneath(directory, &path), follow), 4)
}

pub(super) fn path_filestat_set_times(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 0, rights::PATH_FILESTAT_SET_TIMES)?;
    let follow = follow(call.int(machine, 1))?;
    let path = call.path(machine, 2)?;
    set_times(machine, call, Target::At(Location::beneath(directory, &path), follow), 4)
}

/// Writes what is known of a file to where parameter `result` says.
fn get(machine: &mut Machine, call: Call, target: Target<'_>, result: u32) -> Outcome {
    let Response::Status(status) = call.answer(machine, Request::Status(target))? else {
        return Err(Errno::IO.into());
    };
    let address = call.address(machine, result);
    let memory = call.memory(machine)?;
    match call.version {
        Version::Preview1 => memory.put(address, &bytes(&status))?,
        Version::Unstable => memory.put(address, &unstable_bytes(&status))?,
    }
    Ok(())
}

fn bytes(status: &FileStatus) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..16].copy_from_slice(&common(status));
    bytes[16] = kind_number(status.kind);
    bytes[24..32].copy_from_slice(&status.links.to_le_bytes());
    bytes[32..].copy_from_slice(&size_and_times(status));
    bytes
}

fn unstable_bytes(status: &FileStatus) -> [u8; 56] {
    let mut bytes = [0; 56];
    bytes[..16].copy_from_slice(&common(status));
    bytes[16] = kind_number(status.kind);
    bytes[20..24].copy_from_slice(&u32::try_from(status.links).unwrap_or(u32::MAX).to_le_bytes());
    bytes[24..].copy_from_slice(&size_and_times(status));
    bytes
}

fn common(status: &FileStatus) -> [u8; 16] {
    (u128::from(status.device) | u128::from(status.inode) << 64).to_le_bytes()
}

fn size_and_times(status: &FileStatus) -> [u8; 32] {
    let mut bytes = [0; 32];
    let numbers = [
        status.size,
        status.accessed.as_nanoseconds(),
        status.modified.as_nanoseconds(),
        status.changed.as_nanoseconds(),
    ];
    for (place, number) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
        *place = number.to_le_bytes();
    }
    bytes
}

/// Sets times: those of two parameters from `first` on, as the next says.
fn set_times(machine: &mut Machine, call: Call, target: Target<'_>, first: u32) -> Outcome {
    let flags = call.int(machine, first + 2);
    if flags & !set::ALL != 0 {
        return Err(Errno::INVAL.into());
    }
    let time = |index: u32, to: u32, now: u32| match (flags & to != 0, flags & now != 0) {
        (true, true) => Err(Pause::Errno(Errno::INVAL)),
        (true, false) => Ok(SetTime::At(Timestamp::from_nanoseconds(call.long(machine, index)))),
        (false, true) => Ok(SetTime::Now),
        (false, false) => Ok(SetTime::Keep),
    };
    let accessed = time(first, set::ACCESSED, set::ACCESSED_NOW)?;
    let modified = time(first + 1, set::MODIFIED, set::MODIFIED_NOW)?;
    call.done(machine, Request::SetTimes { target, accessed, modified })
}
