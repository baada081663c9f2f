//! Arguments and environment.

use super::{
    call::{Call, Outcome, Pause},
    errno::Errno,
    memory::GuestMemory,
};
use crate::workspace::charge_bytes;
use alloc::vec::Vec;
use lunette_interpreter::{
    Machine,
    host::{Request, Response},
};

pub(super) fn args_get(machine: &mut Machine, call: Call) -> Outcome {
    get(machine, call, Request::Arguments)
}

pub(super) fn args_sizes_get(machine: &mut Machine, call: Call) -> Outcome {
    sizes_get(machine, call, Request::Arguments)
}

pub(super) fn environ_get(machine: &mut Machine, call: Call) -> Outcome {
    get(machine, call, Request::Variables)
}

pub(super) fn environ_sizes_get(machine: &mut Machine, call: Call) -> Outcome {
    sizes_get(machine, call, Request::Variables)
}

/// The strings, each with a zero byte at its end.
fn strings(machine: &mut Machine, call: Call, request: Request<'_>) -> Result<Vec<u8>, Pause> {
    match call.answer(machine, request)? {
        Response::Bytes(bytes) => {
            charge_bytes(machine, bytes.len())?;
            Ok(bytes)
        }
        _ => Err(Errno::IO.into()),
    }
}

/// Writes the strings, and the address of each.
fn get(machine: &mut Machine, call: Call, request: Request<'_>) -> Outcome {
    let strings = strings(machine, call, request)?;
    let (mut pointer, start) = (call.address(machine, 0), call.address(machine, 1));
    let memory = call.memory(machine)?;
    memory.put(start, &strings)?;
    let mut address = start;
    for string in strings.split_inclusive(|&byte| byte == 0) {
        memory.put(pointer, &(address as u32).to_le_bytes())?;
        pointer += 4;
        address += string.len() as u64;
    }
    Ok(())
}

/// Writes the number of strings and of their bytes.
fn sizes_get(machine: &mut Machine, call: Call, request: Request<'_>) -> Outcome {
    let strings = strings(machine, call, request)?;
    let count = strings.iter().filter(|&&byte| byte == 0).count();
    let (count_address, size_address) = (call.address(machine, 0), call.address(machine, 1));
    let memory = call.memory(machine)?;
    memory.put(count_address, &(count as u32).to_le_bytes())?;
    memory.put(size_address, &(strings.len() as u32).to_le_bytes())?;
    Ok(())
}
