//! Functions on paths. All begin at a directory that is open, and the host lets none lead out of it.

use super::{
    call::{Call, Outcome},
    descriptors::{Description, Descriptors},
    errno::Errno,
    memory::GuestMemory,
    rights,
    status::{self, flags},
};
use lunette_interpreter::{
    Machine, Throw,
    host::{FileKind, Follow, Location, OpenMode, Removal, Request, Response},
};

/// Flags of opening.
mod open {
    pub const CREATE: u32 = 0x01;
    pub const DIRECTORY: u32 = 0x02;
    pub const EXCLUSIVE: u32 = 0x04;
    pub const TRUNCATE: u32 = 0x08;
    pub const ALL: u32 = 0x0f;
}

pub(super) fn path_open(machine: &mut Machine, mut call: Call) -> Outcome {
    let (wanted, descriptor_flags) = (call.int(machine, 4), call.int(machine, 7));
    if wanted & !open::ALL != 0 || descriptor_flags & !u32::from(flags::ALL) != 0 {
        return Err(Errno::INVAL.into());
    }
    let mut needed = rights::PATH_OPEN;
    if wanted & open::CREATE != 0 {
        needed |= rights::PATH_CREATE_FILE;
    }
    if wanted & open::TRUNCATE != 0 {
        needed |= rights::PATH_FILESTAT_SET_SIZE;
    }
    let directory = call.directory(machine, 0, needed)?;
    let given = call.descriptor(machine, 0, 0)?.description(machine).inheriting;
    let (base, inheriting) = (call.long(machine, 5), call.long(machine, 6));
    if base & rights::INHERITED & !given != 0 {
        return Err(Errno::NOTCAPABLE.into());
    }
    let result = call.address(machine, 8);
    call.memory(machine)?.check(result, 4)?;
    let path = call.path(machine, 2)?;
    let descriptor_flags = descriptor_flags as u16;
    let is_set = |flag| descriptor_flags & flag != 0;
    // Of directories, only the right to write says that they are meant to be written.
    let writing = match wanted & open::DIRECTORY {
        0 => rights::FD_WRITE | rights::FD_ALLOCATE | rights::FD_FILESTAT_SET_SIZE,
        _ => rights::FD_WRITE,
    };
    let mode = OpenMode {
        read: base & (rights::FD_READ | rights::FD_READDIR) != 0,
        write: base & writing != 0,
        append: is_set(flags::APPEND),
        truncate: wanted & open::TRUNCATE != 0,
        create: wanted & open::CREATE != 0,
        exclusive: wanted & open::EXCLUSIVE != 0,
        directory: wanted & open::DIRECTORY != 0,
        no_follow: status::follow(call.int(machine, 1))? == Follow::No,
        nonblocking: is_set(flags::NONBLOCK),
        sync: is_set(flags::SYNC | flags::RSYNC),
        data_sync: is_set(flags::DSYNC),
    };
    let answer = call.answer(machine, Request::Open(Location::beneath(directory, &path), mode))?;
    let Response::Opened(stream, kind) = answer else { return Err(Errno::IO.into()) };
    let (base, inheriting) = match kind {
        FileKind::Directory => (base & rights::DIRECTORY, inheriting & given),
        FileKind::Regular | FileKind::BlockDevice => (base & rights::FILE, 0),
        _ => (base & rights::STREAM, 0),
    };
    let description = Description { kind, flags: descriptor_flags, base, inheriting };
    let number = match Descriptors::find(machine).and_then(|descriptors| descriptors.add(machine, stream, description))
    {
        Ok(number) => number,
        Err(throw) => {
            if throw == Throw::Memory {
                machine.put_back_response(answer);
            }
            return Err(throw.into());
        }
    };
    Ok(call.memory(machine)?.put(result, &number.to_le_bytes())?)
}

pub(super) fn path_create_directory(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 0, rights::PATH_CREATE_DIRECTORY)?;
    let path = call.path(machine, 1)?;
    call.done(machine, Request::MakeDirectory(Location::beneath(directory, &path)))
}

pub(super) fn path_remove_directory(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 0, rights::PATH_REMOVE_DIRECTORY)?;
    let path = call.path(machine, 1)?;
    call.done(machine, Request::Remove(Location::beneath(directory, &path), Removal::Directory))
}

pub(super) fn path_unlink_file(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 0, rights::PATH_UNLINK_FILE)?;
    let path = call.path(machine, 1)?;
    call.done(machine, Request::Remove(Location::beneath(directory, &path), Removal::File))
}

pub(super) fn path_link(machine: &mut Machine, mut call: Call) -> Outcome {
    let from = call.directory(machine, 0, rights::PATH_LINK_SOURCE)?;
    let to = call.directory(machine, 4, rights::PATH_LINK_TARGET)?;
    // What a link leads to has names of its own.
    if call.int(machine, 1) != 0 {
        return Err(Errno::INVAL.into());
    }
    let (old, new) = (call.path(machine, 2)?, call.path(machine, 5)?);
    call.done(machine, Request::Link(Location::beneath(from, &old), Location::beneath(to, &new)))
}

pub(super) fn path_rename(machine: &mut Machine, mut call: Call) -> Outcome {
    let from = call.directory(machine, 0, rights::PATH_RENAME_SOURCE)?;
    let to = call.directory(machine, 3, rights::PATH_RENAME_TARGET)?;
    let (old, new) = (call.path(machine, 1)?, call.path(machine, 4)?);
    call.done(machine, Request::Rename(Location::beneath(from, &old), Location::beneath(to, &new)))
}

pub(super) fn path_symlink(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 2, rights::PATH_SYMLINK)?;
    let (content, path) = (call.path(machine, 0)?, call.path(machine, 3)?);
    let link = Location::beneath(directory, &path);
    call.done(machine, Request::MakeSymbolicLink { content: &content, link })
}

pub(super) fn path_readlink(machine: &mut Machine, mut call: Call) -> Outcome {
    let directory = call.directory(machine, 0, rights::PATH_READLINK)?;
    let path = call.path(machine, 1)?;
    let Response::Bytes(content) = call.answer(machine, Request::ReadLink(Location::beneath(directory, &path)))? else {
        return Err(Errno::IO.into());
    };
    let (address, room, result) = (call.address(machine, 3), call.int(machine, 4), call.address(machine, 5));
    let content = &content[..content.len().min(room as usize)];
    let memory = call.memory(machine)?;
    memory.put(address, content)?;
    Ok(memory.put(result, &(content.len() as u32).to_le_bytes())?)
}
