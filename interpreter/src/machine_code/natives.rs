//! Calls of native functions that compiled code has performed: those for which the machine does what they do ([`crate::roles`])
//! take a short way, all others that of the loop.

use super::{Perform, running::running};
use crate::{dispatch::state::Operands, machine::Machine, roles::Call, slow};

/// Performs `call`; `otherwise` is the usual way.
#[inline(always)]
pub(crate) unsafe fn perform_call(machine: *mut Machine, base: *mut u8, at: *const u64, otherwise: Perform) -> u64 {
    // SAFETY: the caller is compiled code, for an instruction of its own. Nothing refers to the machine when others are called.
    unsafe {
        let (running, word) = running(machine, base, at);
        let (stack, window) = (running.stack, running.register_index(word.a()));
        let count = running.argument_count(word, window);
        match running.call_by_role(Call { window, count, wanted: word.c() as i32 - 1 }) {
            Some(next) => running.end_performed_role(stack, base, at, next),
            None => otherwise(machine, base, at),
        }
    }
}

/// Performs `generic_for_call` likewise.
#[inline(always)]
pub(crate) unsafe fn perform_generic_for_call(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
    otherwise: Perform,
) -> u64 {
    // SAFETY: as above.
    unsafe {
        let (running, word) = running(machine, base, at);
        let stack = running.stack;
        let window = slow::place_iterator(running, word);
        match running.call_by_role(Call { window, count: 2, wanted: word.b() as i32 }) {
            Some(next) => running.end_performed_role(stack, base, at, next),
            None => otherwise(machine, base, at),
        }
    }
}
