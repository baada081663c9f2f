//! The directories that are granted, and what is in directories.

use super::{
    call::{ASKED, Call, Outcome, Pause},
    descriptors::Descriptor,
    errno::Errno,
    memory::GuestMemory,
    rights,
    status::kind_number,
};
use crate::workspace::charge_bytes;
use alloc::vec::Vec;
use lunette_interpreter::{
    Machine,
    host::{DirectoryEntry, Request, Response},
};

// Locals: bytes that are written; where the next entry is.
const USED: u32 = 0;
const NEXT: u32 = 1;

/// Bytes of an entry before its name.
const HEADER: usize = 24;

/// The descriptor of a granted directory.
fn granted(machine: &mut Machine, call: &mut Call) -> Result<(Descriptor, u32), Pause> {
    let descriptor = call.descriptor(machine, 0, 0)?;
    let length = descriptor.granted_name(machine).ok_or(Errno::BADF)?.len();
    Ok((descriptor, length as u32))
}

pub(super) fn fd_prestat_get(machine: &mut Machine, mut call: Call) -> Outcome {
    let (_, length) = granted(machine, &mut call)?;
    let address = call.address(machine, 1);
    // The first number says that it is a directory.
    Ok(call.memory(machine)?.put(address, &(u64::from(length) << 32).to_le_bytes())?)
}

pub(super) fn fd_prestat_dir_name(machine: &mut Machine, mut call: Call) -> Outcome {
    let (descriptor, length) = granted(machine, &mut call)?;
    let (address, room) = (call.address(machine, 1), call.int(machine, 2));
    if room < length {
        return Err(Errno::NAMETOOLONG.into());
    }
    let name = descriptor.granted_name(machine).ok_or(Errno::BADF)?;
    Ok(call.memory(machine)?.put(address, name)?)
}

pub(super) fn fd_readdir(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.directory(machine, 0, rights::FD_READDIR)?;
    let (address, room) = (call.address(machine, 1), u64::from(call.int(machine, 2)));
    call.memory(machine)?.check(address, room)?;
    let mut used = call.local(machine, USED).min(room);
    if call.frame.phase() != ASKED {
        call.set_local(machine, NEXT, call.long(machine, 3));
    }
    let is_over = match call.response(machine) {
        Some(Ok(Response::Entries(entries))) => {
            for entry in &entries {
                let bytes = bytes(entry);
                let part = &bytes[..bytes.len().min((room - used) as usize)];
                call.memory(machine)?.put(address + used, part)?;
                used += part.len() as u64;
                charge_bytes(machine, part.len() + HEADER)?;
                call.set_local(machine, USED, used);
                call.set_local(machine, NEXT, entry.next);
                if used == room {
                    break;
                }
            }
            entries.is_empty()
        }
        Some(answer) => {
            answer?;
            return Err(Errno::IO.into());
        }
        None => false,
    };
    if !is_over && used < room {
        let next = call.local(machine, NEXT);
        return call.ask(machine, ASKED, Request::ReadDirectory(stream, next, (room - used) as usize));
    }
    let result = call.address(machine, 4);
    Ok(call.memory(machine)?.put(result, &(used as u32).to_le_bytes())?)
}

fn bytes(entry: &DirectoryEntry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + entry.name.len());
    bytes.extend_from_slice(&entry.next.to_le_bytes());
    bytes.extend_from_slice(&entry.inode.to_le_bytes());
    bytes.extend_from_slice(&(entry.name.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&[kind_number(entry.kind), 0, 0, 0]);
    bytes.extend_from_slice(&entry.name);
    bytes
}
