//! Accesses to a guarded memory, which are not compared with its length: one beyond its end faults, and the home has the
//! processor go on in the *fault block*, which leaves for the trap.
//!
//! ```text
//!   native frame, from the stack pointer on:   word | machine | base | ...
//! ```
//!
//! The block can be come to from every access, so that it takes nothing from registers. The home puts the word of the access
//! into the frame, which it finds by where the processor was.

use super::{Emitter, own};
use alloc::vec::Vec;
use cranelift_codegen::ir::{
    Block, InstBuilder, MemFlagsData, SourceLoc, StackSlot, StackSlotData, StackSlotKind, TrapCode, types,
};
use cranelift_frontend::FunctionBuilder;
use lunette_interpreter::typed::native::{fault::FaultFrame, layout, status};

/// Codes that tell accesses apart where one was merged with an instruction of another place.
const CODES: usize = 250;
/// The place of the fault block, among those of accesses.
const FAULT_BLOCK: u32 = u32::MAX - 1;

/// What accesses to a guarded memory need.
pub(super) struct Guards {
    slot: StackSlot,
    pub block: Block,
    /// Of each access the word of its instruction.
    accesses: Vec<u32>,
}

impl Guards {
    pub fn new(builder: &mut FunctionBuilder<'_>) -> Guards {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size_of::<FaultFrame>() as u32, 3);
        let (slot, block) = (builder.create_sized_stack_slot(data), builder.create_block());
        builder.set_cold_block(block);
        Guards { slot, block, accesses: Vec::new() }
    }

    /// The words of the accesses.
    pub fn into_accesses(self) -> Vec<u32> {
        self.accesses
    }
}

/// The access that has faulted, given how it is marked: by its code, and by its place if that is known.
pub(crate) fn access(count: usize, code: TrapCode, place: Option<u32>) -> Option<usize> {
    let code = usize::from(code.as_raw().get()).checked_sub(1).filter(|&code| code < CODES)?;
    let near = match place {
        Some(place) => (place as usize).checked_sub(1).filter(|&near| near < count)?,
        None if count <= CODES => return Some(code).filter(|&access| access < count),
        None => return None,
    };
    // The nearest of those with the code.
    let above = near + (code + CODES - near % CODES) % CODES;
    let candidates = [above.checked_sub(CODES), Some(above).filter(|&access| access < count)];
    candidates.into_iter().flatten().min_by_key(|access| access.abs_diff(near))
}

/// Whether a place in machine code is that of the fault block.
pub(crate) fn is_fault_block(place: SourceLoc) -> bool {
    place.bits() == FAULT_BLOCK
}

impl Emitter<'_, '_, '_> {
    /// Has what the fault block needs in the native frame.
    pub(super) fn note_frame(&mut self) {
        let Some(Guards { slot, .. }) = self.guards else { return };
        let (machine, base) = (FaultFrame::MACHINE_OFFSET, FaultFrame::BASE_OFFSET);
        self.builder.ins().stack_store(types::I64, self.machine, slot, machine);
        self.builder.ins().stack_store(types::I64, self.base, slot, base);
    }

    /// What an access to the guarded memory is marked with; what follows it is, too, in case that is merged with it.
    pub(super) fn guarded(&mut self, instruction: usize) -> Option<MemFlagsData> {
        let guards = self.guards.as_mut()?;
        let access = guards.accesses.len();
        guards.accesses.push(self.code.instructions[instruction].at as u32);
        self.builder.set_srcloc(SourceLoc::new(access as u32 + 1));
        let code = TrapCode::user((access % CODES) as u8 + 1);
        Some(MemFlagsData::new().with_trap_code(code))
    }

    pub(super) fn emit_fault_block(&mut self) {
        let Some(Guards { slot, block, .. }) = self.guards else { return };
        self.builder.switch_to_block(block);
        self.builder.set_srcloc(SourceLoc::new(FAULT_BLOCK));
        // So that nothing is known here of what the frame holds.
        self.builder.ins().fence();
        let [word, machine, base] = [FaultFrame::WORD_OFFSET, FaultFrame::MACHINE_OFFSET, FaultFrame::BASE_OFFSET]
            .map(|offset| self.builder.ins().stack_load(types::I64, types::I64, slot, offset));
        self.builder.ins().store(own(), word, machine, layout::EXIT_WORD);
        self.builder.ins().store(own(), base, machine, layout::EXIT_BASE);
        let yes = self.builder.ins().iconst(types::I64, 1);
        self.builder.ins().store(own(), yes, machine, layout::EXIT_IS_FAULT);
        self.end(status::LEFT as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_found_by_code_and_place() {
        let code = |number| TrapCode::unwrap_user(number);
        assert_eq!(access(3, code(2), None), Some(1));
        assert_eq!(access(3, code(2), Some(3)), Some(1));
        assert_eq!(access(3, code(7), None), None);
        assert_eq!(access(1000, code(2), None), None);
        assert_eq!(access(1000, code(2), Some(501)), Some(501));
        assert_eq!(access(1000, code(250), Some(501)), Some(499));
        assert_eq!(access(1000, code(1), Some(1000)), Some(750));
        assert_eq!(access(1000, code(1), Some(2000)), None);
        assert_eq!(access(1000, TrapCode::HEAP_OUT_OF_BOUNDS, Some(501)), None);
    }
}
