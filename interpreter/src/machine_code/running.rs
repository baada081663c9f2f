//! The machine as functions that compiled code calls find it.

use crate::machine::Machine;
use lunette_bytecode::instruction::Word;

/// The machine, with the frame at `base` as the running one, which goes on behind the instruction, and that instruction.
///
/// # Safety
/// The frame is one of verified code on the machine's stack, and the instruction is its function's; nothing refers to the machine.
pub(super) unsafe fn running<'m>(machine: *mut Machine, base: *mut u8, at: *const u64) -> (&'m mut Machine, Word) {
    // SAFETY: the caller's promise.
    unsafe {
        (*machine).save(base, at.add(1));
        (&mut *machine, Word(*at).unmarked())
    }
}
