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
use cranelift_codegen::ir::{
    Block, InstBuilder, MemFlagsData, SourceLoc, StackSlot, StackSlotData, StackSlotKind, TrapCode, types,
};
use cranelift_frontend::FunctionBuilder;
use lunette_interpreter::typed::native::{fault::FaultFrame, layout, status};

/// The place of the fault block, among those of accesses.
const FAULT_BLOCK: u32 = u32::MAX - 1;

/// What accesses to a guarded memory need.
#[derive(Clone, Copy)]
pub(super) struct Guards {
    slot: StackSlot,
    pub block: Block,
}

impl Guards {
    pub fn new(builder: &mut FunctionBuilder<'_>) -> Guards {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, size_of::<FaultFrame>() as u32, 3);
        let (slot, block) = (builder.create_sized_stack_slot(data), builder.create_block());
        builder.set_cold_block(block);
        Guards { slot, block }
    }
}

/// The word of the access that a place in machine code is of.
pub(crate) fn word(place: SourceLoc) -> Option<u32> {
    place.bits().checked_sub(1).filter(|_| !place.is_default() && !is_fault_block(place))
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

    /// How memory is accessed whose guards are relied on; `None` if it may have none. What follows the access is marked as it
    /// is, up to the next one: they may be merged.
    pub(super) fn guarded(&mut self, instruction: usize) -> Option<MemFlagsData> {
        self.guards?;
        self.builder.set_srcloc(SourceLoc::new(self.code.instructions[instruction].at as u32 + 1));
        Some(MemFlagsData::new().with_trap_code(Some(TrapCode::HEAP_OUT_OF_BOUNDS)))
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
