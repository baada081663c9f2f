//! Accesses of machine code beyond the end of a guarded memory: the monitor has the guest go on here, and the machine code goes on
//! where it traps.
//!
//! The registers are those of the machine code. It needs none of them there but the stack pointer, and those that functions
//! leave as they are, which may be its callers'.

use crate::channel;
use core::{arch::global_asm, sync::atomic::Ordering};
use lunette_hw_interface::layout::{CODE, CODE_BYTES};
use lunette_interpreter::typed::native::fault::{FaultFrame, resume};

unsafe extern "C" {
    fn guard_fault();
}

global_asm!(
    ".globl guard_fault",
    "guard_fault:",
    "mov rdx, rsp",
    "and rsp, -16",
    "sub rsp, 16",
    "mov [rsp], rdx",
    "cld",
    "call {find}",
    "mov rsp, [rsp]",
    "jmp rax",
    find = sym find,
);

/// Tells the monitor where to go on.
pub fn offer() {
    channel::shared().guard_handler.store(guard_fault as *const () as u64, Ordering::Relaxed);
}

extern "C" fn find(pc: u64, address: u64, stack: *mut FaultFrame) -> u64 {
    let is_code = (CODE..CODE + CODE_BYTES).contains(&pc);
    // SAFETY: the monitor tells of a fault of machine code, with its stack pointer; all of that is the machine's.
    let next = if is_code { unsafe { resume(pc, stack, address) } } else { None };
    next.unwrap_or_else(|| panic!("{pc:#x} accesses what is guarded, {address:#x}"))
}
