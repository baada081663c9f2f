//! Clocks.

use super::{
    call::{Call, Outcome},
    descriptors::Descriptors,
    errno::Errno,
    memory::GuestMemory,
};
use lunette_interpreter::{
    Machine,
    host::{Clock, Request, Response},
};

/// The clock of a number.
pub(super) fn clock(number: u32) -> Result<Clock, Errno> {
    match number {
        0 => Ok(Clock::Realtime),
        1 => Ok(Clock::Monotonic),
        2 => Ok(Clock::Process),
        3 => Ok(Clock::Thread),
        _ => Err(Errno::INVAL),
    }
}

pub(super) fn clock_res_get(machine: &mut Machine, call: Call) -> Outcome {
    let clock = clock(call.int(machine, 0))?;
    let Response::Time(resolution) = call.answer(machine, Request::Resolution(clock))? else {
        return Err(Errno::IO.into());
    };
    let address = call.address(machine, 1);
    Ok(call.memory(machine)?.put(address, &resolution.as_nanoseconds().to_le_bytes())?)
}

pub(super) fn clock_time_get(machine: &mut Machine, call: Call) -> Outcome {
    let clock = clock(call.int(machine, 0))?;
    let Response::Time(time) = call.answer(machine, Request::Time(clock))? else {
        return Err(Errno::IO.into());
    };
    let time = match clock {
        Clock::Monotonic => Descriptors::find(machine)?.monotonic(machine, time.as_nanoseconds()),
        _ => time.as_nanoseconds(),
    };
    let address = call.address(machine, 2);
    Ok(call.memory(machine)?.put(address, &time.to_le_bytes())?)
}
