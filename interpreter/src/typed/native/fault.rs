//! Faults of compiled code at what lies behind a guarded memory: they are traps.
//!
//! The home sees the fault. It asks here where the processor is to go on, in a block of the same function that leaves for the
//! loop, which then traps at the access.
//!
//! ```text
//!   native frame, from the stack pointer on:   word | machine | base | ...
//!                                              by us    by the function
//! ```

use crate::machine::Machine;
use alloc::{collections::BTreeMap, vec::Vec};
use core::mem::offset_of;
use lunette_bytecode::{
    instruction::Word,
    typed::{instruction::Opcode, trap::Trap},
};
use lunette_gc::{
    reference::Ref,
    typed::{LinearMemory, TypedModule},
};

pub use lunette_gc::places::MOST_OFFSET;

/// Where accesses of machine code may fault.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The offset of the block where it goes on then.
    pub block: u32,
    /// Of instructions that may fault the offset, and the word of the function; in ascending order.
    pub words: Vec<(u32, u32)>,
}

/// What functions whose accesses may fault have in their native frame, from the stack pointer on.
#[repr(C)]
pub struct FaultFrame {
    word: u64,
    machine: *mut Machine,
    base: *mut u8,
}

impl FaultFrame {
    /// Where the word of the access goes.
    pub const WORD_OFFSET: i32 = offset_of!(FaultFrame, word) as i32;
    /// Where the machine's address is.
    pub const MACHINE_OFFSET: i32 = offset_of!(FaultFrame, machine) as i32;
    /// Where the address of number register 0 is.
    pub const BASE_OFFSET: i32 = offset_of!(FaultFrame, base) as i32;
}

/// Where accesses may fault, by the address where machine code begins.
pub(super) type FaultTable = BTreeMap<u64, Faults>;

/// A fault in machine code that was installed: the address where it goes on; `None` if it may not have faulted there.
///
/// # Safety
/// The processor has faulted at `pc`, an address of machine code that was installed for a machine, with this stack pointer, when it
/// accessed `address`. Nobody but this function uses the machine meanwhile.
pub unsafe fn resume(pc: u64, stack: *mut FaultFrame, address: u64) -> Option<u64> {
    // SAFETY: machine code that may fault keeps the machine's address there.
    let machine = unsafe { &*(*stack).machine };
    let (&start, faults) = machine.native.faults.range(..=pc).next_back()?;
    let offset = u32::try_from(pc - start).ok()?;
    let found = faults.words.binary_search_by_key(&offset, |&(offset, _)| offset).ok()?;
    if !machine.heap.is_guard(address as usize) {
        return None;
    }
    // SAFETY: the function has room for it.
    unsafe { (*stack).word = faults.words[found].1.into() };
    Some(start + u64::from(faults.block))
}

/// The instruction that is executed in place of an access that has faulted.
pub(super) fn trap() -> Word {
    Word(Opcode::trap as u64 | (Trap::MemoryOutOfBounds as u64) << 32)
}

impl Machine {
    /// Whether there are guards behind the first memory of the running instance, on which compiled functions of its module rely.
    /// If there can be none, they are compiled anew, without, when they are hot again.
    #[inline]
    pub(super) fn has_guards(&mut self, module: Ref<TypedModule>) -> bool {
        let memories = self.heap.get(self.running_instance()).memories;
        let Some(memory) = self.heap.reference_at::<LinearMemory>(memories, 0) else { return true };
        self.heap.get(self.heap.get(memory).data.get()).is_guarded() || self.provide_guards(module, memory)
    }

    #[cold]
    fn provide_guards(&mut self, module: Ref<TypedModule>, memory: Ref<LinearMemory>) -> bool {
        let is_guarded = self.heap.guard_memory(memory);
        if !is_guarded {
            let blocks = self.native.give_up_guards(module);
            blocks.into_iter().for_each(|block| self.retire(block));
        }
        is_guarded
    }
}
