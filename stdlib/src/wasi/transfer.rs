//! Reading and writing.
//!
//! Bytes go between the host and the buffers of the caller in parts of limited size. All of the buffers are written, and
//! filled from files, part by part; what may have to wait gives what comes at first.

use super::{
    call::{ASKED, Call, FLUSHING, Outcome, Pause},
    descriptors::Descriptor,
    errno::Errno,
    memory::GuestMemory,
    rights::{FD_READ, FD_SEEK, FD_WRITE},
};
use crate::{
    output::{self, Flush},
    workspace::charge_bytes,
};
use alloc::vec::Vec;
use lunette_interpreter::{
    Machine,
    host::{FileKind, Request, Response, Stream},
    limits::StopReason,
};

/// The most bytes of a part.
const MOST_BYTES: u64 = 1 << 16;
/// The most bytes of a part that is written to what may take only some of it.
const MOST_STREAM_BYTES: u64 = 1 << 14;
/// The most buffers, as in C.
const MOST_BUFFERS: u32 = 1024;

// Locals: bytes that are done, bytes of the part at hand, bytes that count as output, whether no more may.
const DONE: u32 = 0;
const PART: u32 = 1;
const CHARGED: u32 = 2;
const EXHAUSTED: u32 = 3;

/// The buffers of a call.
struct Buffers {
    /// Address and length of each.
    list: Vec<(u64, u64)>,
    length: u64,
}

impl Buffers {
    /// The buffers that two parameters from `index` on are address and number of. All are in the memory.
    fn of(machine: &mut Machine, call: Call, index: u32) -> Result<Buffers, Pause> {
        let (address, count) = (call.address(machine, index), call.int(machine, index + 1));
        if count > MOST_BUFFERS {
            return Err(Errno::INVAL.into());
        }
        machine.charge(count.into())?;
        let memory = call.memory(machine)?;
        let mut buffers = Buffers { list: Vec::new(), length: 0 };
        for buffer in memory.bytes(address, count as usize * 8)?.as_chunks::<8>().0 {
            let [a, b, c, d, e, f, g, h] = *buffer;
            let (start, length) = (u32::from_le_bytes([a, b, c, d]).into(), u32::from_le_bytes([e, f, g, h]).into());
            memory.check(start, length)?;
            if length > 0 {
                buffers.list.push((start, length));
                buffers.length += length;
            }
        }
        // The number of bytes must be a number that can be given back.
        if buffers.length > u32::MAX.into() { Err(Errno::INVAL.into()) } else { Ok(buffers) }
    }

    /// Addresses and lengths of what `length` bytes from byte `start` on are in.
    fn part(&self, mut start: u64, mut length: u64) -> impl Iterator<Item = (u64, usize)> {
        self.list.iter().filter_map(move |&(address, size)| {
            let skipped = start.min(size);
            start -= skipped;
            let taken = length.min(size - skipped);
            length -= taken;
            (taken > 0).then_some((address + skipped, taken as usize))
        })
    }
}

pub(super) fn fd_read(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, FD_READ)?;
    read(machine, call, descriptor, None, 3)
}

pub(super) fn fd_pread(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, FD_READ | FD_SEEK)?;
    read(machine, call, descriptor, Some(call.long(machine, 3)), 4)
}

pub(super) fn fd_write(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, FD_WRITE)?;
    write(machine, call, descriptor, None, 3)
}

pub(super) fn fd_pwrite(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, FD_WRITE | FD_SEEK)?;
    write(machine, call, descriptor, Some(call.long(machine, 3)), 4)
}

/// Gives the host what the Lua library has to write, so that it comes before what is written now, or is read after it.
fn flush(machine: &mut Machine, call: Call) -> Outcome {
    if call.frame.phase() == ASKED || output::pending(machine) == 0 && call.frame.phase() != FLUSHING {
        return Ok(());
    }
    match output::flush(machine)? {
        Flush::Done => Ok(()),
        Flush::Wait(ticket) => Err(Pause::Step(call.frame.wait(machine, FLUSHING, ticket)?)),
        Flush::Failed(error) => Err(Errno::from(&error).into()),
    }
}

fn is_regular(machine: &Machine, descriptor: Descriptor) -> bool {
    descriptor.description(machine).kind == FileKind::Regular
}

/// Counts what was done of a part.
fn count(machine: &Machine, call: Call, bytes: u64) {
    call.set_local(machine, DONE, call.local(machine, DONE).saturating_add(bytes));
}

/// Gives back how many bytes were read or written.
fn finish(machine: &Machine, call: Call, result: u32) -> Outcome {
    let address = call.address(machine, result);
    Ok(call.memory(machine)?.put(address, &(call.local(machine, DONE) as u32).to_le_bytes())?)
}

/// What went wrong matters only if nothing went well before.
fn fail(machine: &Machine, call: Call, result: u32, errno: Errno) -> Outcome {
    if call.local(machine, DONE) > 0 { finish(machine, call, result) } else { Err(errno.into()) }
}

fn read(machine: &mut Machine, call: Call, descriptor: Descriptor, position: Option<u64>, result: u32) -> Outcome {
    let stream = descriptor.stream(machine)?;
    if stream == Stream::INPUT {
        flush(machine, call)?;
    }
    let buffers = Buffers::of(machine, call, 1)?;
    let done = call.local(machine, DONE).min(buffers.length);
    match call.response(machine) {
        Some(Ok(Response::Bytes(bytes))) => {
            let memory = call.memory(machine)?;
            let mut rest = &bytes[..];
            for (address, length) in buffers.part(done, bytes.len() as u64) {
                let (now, later) = rest.split_at(length);
                memory.put(address, now)?;
                rest = later;
            }
            let read = (bytes.len() - rest.len()) as u64;
            count(machine, call, read);
            if read < call.local(machine, PART) || !is_regular(machine, descriptor) {
                return finish(machine, call, result);
            }
        }
        Some(Ok(_)) => return Err(Errno::IO.into()),
        Some(Err(errno)) => return fail(machine, call, result, errno),
        None => {}
    }
    let done = call.local(machine, DONE).min(buffers.length);
    let part = (buffers.length - done).min(MOST_BYTES);
    if part == 0 {
        return finish(machine, call, result);
    }
    charge_bytes(machine, part as usize)?;
    call.set_local(machine, PART, part);
    match position {
        Some(position) => {
            call.ask(machine, ASKED, Request::ReadAt(stream, position.saturating_add(done), part as usize))
        }
        None => call.ask(machine, ASKED, Request::Read(stream, part as usize)),
    }
}

fn write(machine: &mut Machine, call: Call, descriptor: Descriptor, position: Option<u64>, result: u32) -> Outcome {
    let stream = descriptor.stream(machine)?;
    if stream == Stream::OUTPUT {
        flush(machine, call)?;
    }
    let buffers = Buffers::of(machine, call, 1)?;
    let goes_on = match call.response(machine) {
        Some(Ok(Response::Count(written))) => {
            count(machine, call, (written as u64).min(call.local(machine, PART)));
            written > 0
        }
        Some(Ok(_)) => return Err(Errno::IO.into()),
        Some(Err(errno)) => return fail(machine, call, result, errno),
        None => true,
    };
    let done = call.local(machine, DONE).min(buffers.length);
    let most = if is_regular(machine, descriptor) { MOST_BYTES } else { MOST_STREAM_BYTES };
    let mut part = (buffers.length - done).min(most);
    // What counts as output has been written, or what follows it may not be.
    let charged = call.local(machine, CHARGED);
    if call.local(machine, EXHAUSTED) != 0 && done >= charged {
        return Err(machine.stop(StopReason::Output).into());
    }
    if part == 0 || !goes_on {
        return finish(machine, call, result);
    }
    charge_bytes(machine, part as usize)?;
    let uncounted = (done + part).saturating_sub(charged);
    let granted = machine.charge_output(uncounted as usize) as u64;
    call.set_local(machine, CHARGED, charged + granted);
    if granted < uncounted {
        call.set_local(machine, EXHAUSTED, 1);
        part = (charged + granted).saturating_sub(done);
        if part == 0 {
            return Err(machine.stop(StopReason::Output).into());
        }
    }
    call.set_local(machine, PART, part);
    let mut bytes = alloc::vec![0; part as usize];
    let memory = call.memory(machine)?;
    let mut rest = &mut bytes[..];
    for (address, length) in buffers.part(done, part) {
        let (now, later) = rest.split_at_mut(length);
        memory.read(address, now).ok_or(Errno::FAULT)?;
        rest = later;
    }
    drop(memory);
    match position {
        Some(position) => call.ask(machine, ASKED, Request::WriteAt(stream, position.saturating_add(done), &bytes)),
        None => call.ask(machine, ASKED, Request::Write(stream, &bytes)),
    }
}
