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
use crate::target::Trap;
use alloc::vec::Vec;
use cranelift_codegen::ir::{
    Block, InstBuilder, MemFlagsData, SourceLoc, StackSlot, StackSlotData, StackSlotKind, TrapCode, types,
};
use cranelift_frontend::FunctionBuilder;
use lunette_interpreter::typed::native::{fault::FaultFrame, layout, status};

/// Codes of traps that tell accesses apart, in turn.
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

/// The offsets of accesses in machine code, with their words. An access has a code, and mostly a place; one that was merged with an
/// instruction without a place is that with its code among those around it. `None` if that is not one.
pub(crate) fn find_accesses(traps: &[Trap], words: &[u32]) -> Option<Vec<(u32, u32)>> {
    let code = |trap: &Trap| usize::from(trap.code.as_raw().get()) - 1;
    let place = |trap: &Trap| {
        let bits = trap.place?.bits();
        (bits as usize).checked_sub(1).filter(|&access| access < words.len())
    };
    // The access with a code that is nearest to another one.
    let nearest = |code: usize, near: usize| {
        let above = near + (code + CODES - near % CODES) % CODES;
        let candidates = [above.checked_sub(CODES), Some(above).filter(|&access| access < words.len())];
        candidates.into_iter().flatten().min_by_key(|access| access.abs_diff(near))
    };
    let traps: Vec<&Trap> = traps.iter().filter(|trap| code(trap) < CODES).collect();
    let find = |at: usize| {
        let code = code(traps[at]);
        if words.len() <= CODES {
            return Some(code);
        }
        if let Some(place) = place(traps[at]) {
            return nearest(code, place);
        }
        let before = traps[..at].iter().rev().find_map(|trap| place(trap)).and_then(|place| nearest(code, place));
        let after = traps[at..].iter().find_map(|trap| place(trap)).and_then(|place| nearest(code, place));
        before.or(after).filter(|_| before.is_none() || after.is_none() || before == after)
    };
    (0..traps.len()).map(|at| Some((traps[at].offset, *words.get(find(at)?)?))).collect()
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
        let address = self.machine();
        self.builder.ins().stack_store(types::I64, address, slot, machine);
        self.builder.ins().stack_store(types::I64, self.base, slot, base);
    }

    /// How memory is accessed whose guards are relied on; `None` if it may have none. What follows the access is marked as it
    /// is, up to the next one: they may be merged.
    pub(super) fn guarded(&mut self, instruction: usize) -> Option<MemFlagsData> {
        let guards = self.guards.as_mut()?;
        let access = guards.accesses.len();
        guards.accesses.push(self.code.instructions[instruction].at as u32);
        self.builder.set_srcloc(SourceLoc::new(access as u32 + 1));
        let code = TrapCode::user((access % CODES) as u8 + 1);
        Some(MemFlagsData::new().with_trap_code(code).with_alias_region(Some(self.memory_region)))
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
        self.note_prototype();
        let status = self.builder.ins().iconst(types::I64, status::LEFT as i64);
        self.builder.ins().return_(&[status, status]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn trap(offset: u32, code: u8, place: Option<u32>) -> Trap {
        Trap { offset, code: TrapCode::unwrap_user(code), place: place.map(SourceLoc::new) }
    }

    #[test]
    fn accesses_are_found_by_code_and_place() {
        let words = |count: u32| (0..count).map(|access| 2 * access).collect::<Vec<_>>();
        // A few have a code each.
        let few = [trap(5, 2, None), trap(9, 1, Some(1)), trap(12, 3, Some(u32::MAX))];
        assert_eq!(find_accesses(&few, &words(3)), Some(vec![(5, 2), (9, 0), (12, 4)]));
        assert_eq!(find_accesses(&[trap(5, 7, None)], &words(3)), None);
        // Of many, those without a place are near to others.
        let many = [trap(5, 2, Some(502)), trap(9, 250, None), trap(12, 5, Some(505)), trap(20, 6, None)];
        assert_eq!(find_accesses(&many, &words(1000)), Some(vec![(5, 1002), (9, 998), (12, 1008), (20, 1010)]));
        // Which one, if they are near to different ones?
        let unknown = [trap(5, 2, Some(502)), trap(9, 8, None), trap(12, 5, Some(755))];
        assert_eq!(find_accesses(&unknown, &words(1000)), None);
        assert_eq!(find_accesses(&[trap(9, 8, None)], &words(1000)), None);
        // What are no accesses are left out.
        let other = Trap { offset: 3, code: TrapCode::INTEGER_DIVISION_BY_ZERO, place: None };
        assert_eq!(find_accesses(&[other, trap(9, 3, None)], &words(3)), Some(vec![(9, 4)]));
    }
}
