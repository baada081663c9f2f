//! The program itself: its end, random numbers, and what it cannot do.

use super::{
    call::{ASKED, Call, Outcome},
    errno::Errno,
    memory::GuestMemory,
};
use crate::workspace::charge_bytes;
use lunette_interpreter::{
    Machine,
    host::{Request, Response},
};

/// The most random bytes that are asked for at a time.
const MOST_RANDOM: u64 = 1 << 16;

/// How many random bytes are written.
const WRITTEN: u32 = 0;

pub(super) fn proc_exit(machine: &mut Machine, call: Call) -> Outcome {
    let status = call.int(machine, 0) as i32;
    Err(machine.exit(status, false).into())
}

pub(super) fn proc_raise(_: &mut Machine, _: Call) -> Outcome {
    Err(Errno::NOTSUP.into())
}

pub(super) fn sched_yield(machine: &mut Machine, call: Call) -> Outcome {
    call.done(machine, Request::Yield)
}

pub(super) fn random_get(machine: &mut Machine, call: Call) -> Outcome {
    let (address, length) = (call.address(machine, 0), u64::from(call.int(machine, 1)));
    call.memory(machine)?.check(address, length)?;
    let mut written = call.local(machine, WRITTEN).min(length);
    if let Some(answer) = call.response(machine) {
        let Response::Bytes(bytes) = answer? else { return Err(Errno::IO.into()) };
        let bytes = &bytes[..bytes.len().min((length - written) as usize)];
        call.memory(machine)?.put(address + written, bytes)?;
        written += bytes.len() as u64;
        call.set_local(machine, WRITTEN, written);
        charge_bytes(machine, bytes.len())?;
    }
    if written == length {
        return Ok(());
    }
    call.ask(machine, ASKED, Request::Entropy((length - written).min(MOST_RANDOM) as usize))
}

/// Nothing that is open is a socket.
pub(super) fn socket(machine: &mut Machine, mut call: Call) -> Outcome {
    call.descriptor(machine, 0, 0)?;
    Err(Errno::NOTSOCK.into())
}
