//! Functions on open descriptors, but for reading and writing.

use super::{
    call::{ASKED, Call, Outcome, Version},
    descriptors::Descriptors,
    errno::Errno,
    memory::GuestMemory,
    rights,
};
use lunette_interpreter::{
    Machine,
    host::{Advice, Origin, Request, Response},
};

pub(super) fn fd_advise(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, rights::FD_ADVISE)?;
    let advice = match call.int(machine, 3) {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::INVAL.into()),
    };
    let stream = descriptor.stream(machine)?;
    let (offset, length) = (call.long(machine, 1), call.long(machine, 2));
    call.done(machine, Request::Advise(stream, offset, length, advice))
}

pub(super) fn fd_allocate(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.descriptor(machine, 0, rights::FD_ALLOCATE)?.stream(machine)?;
    let (offset, length) = (call.long(machine, 1), call.long(machine, 2));
    call.done(machine, Request::Allocate(stream, offset, length))
}

pub(super) fn fd_sync(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.descriptor(machine, 0, rights::FD_SYNC)?.stream(machine)?;
    call.done(machine, Request::Sync { stream, data_only: false })
}

pub(super) fn fd_datasync(machine: &mut Machine, mut call: Call) -> Outcome {
    let stream = call.descriptor(machine, 0, rights::FD_DATASYNC)?.stream(machine)?;
    call.done(machine, Request::Sync { stream, data_only: true })
}

pub(super) fn fd_close(machine: &mut Machine, mut call: Call) -> Outcome {
    let descriptor = call.descriptor(machine, 0, 0)?;
    let closed = match descriptor.own_stream(machine) {
        Some(stream) => match call.response(machine) {
            Some(answer) => answer.map(|_| ()),
            None => return call.ask(machine, ASKED, Request::Close(stream)),
        },
        None => Ok(()),
    };
    Descriptors::find(machine)?.set(machine, call.int(machine, 0), None)?;
    Ok(closed?)
}

pub(super) fn fd_renumber(machine: &mut Machine, mut call: Call) -> Outcome {
    let from = call.descriptor(machine, 0, 0)?;
    let (number, target) = (call.int(machine, 0), call.int(machine, 1));
    let descriptors = Descriptors::find(machine)?;
    let to = descriptors.get(machine, target)?;
    if number == target {
        return Ok(());
    }
    if let Some(stream) = to.own_stream(machine)
        && call.response(machine).is_none()
    {
        return call.ask(machine, ASKED, Request::Close(stream));
    }
    descriptors.set(machine, target, Some(from))?;
    descriptors.set(machine, number, None)?;
    Ok(())
}

pub(super) fn fd_seek(machine: &mut Machine, mut call: Call) -> Outcome {
    let (offset, whence) = (call.long(machine, 1) as i64, call.int(machine, 2));
    let origin = match (call.version, whence) {
        (Version::Preview1, 0) | (Version::Unstable, 2) => Origin::Start,
        (Version::Preview1, 1) | (Version::Unstable, 0) => Origin::Current,
        (Version::Preview1, 2) | (Version::Unstable, 1) => Origin::End,
        _ => return Err(Errno::INVAL.into()),
    };
    let is_tell = offset == 0 && origin == Origin::Current;
    let needed = if is_tell { rights::FD_TELL } else { rights::FD_SEEK };
    seek(machine, &mut call, needed, origin, offset, 3)
}

pub(super) fn fd_tell(machine: &mut Machine, mut call: Call) -> Outcome {
    seek(machine, &mut call, rights::FD_TELL, Origin::Current, 0, 1)
}

fn seek(
    machine: &mut Machine,
    call: &mut Call,
    needed: rights::Rights,
    origin: Origin,
    offset: i64,
    result: u32,
) -> Outcome {
    let stream = call.descriptor(machine, 0, needed)?.stream(machine)?;
    let Response::Position(position) = call.answer(machine, Request::Seek(stream, origin, offset))? else {
        return Err(Errno::IO.into());
    };
    let address = call.address(machine, result);
    Ok(call.memory(machine)?.put(address, &position.to_le_bytes())?)
}
