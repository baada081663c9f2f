//! Returns of metamethods to the Lua instruction that called them, as far as that wants no more than the result.

use super::{
    calls::{go_back, return_out_of_line},
    state::{CLOSURE, Driver, Flow, NIL, Operands, Register, Stage, State},
};
use crate::finish::{FINISHING, Finishing};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::value::Slot;

/// A return from a frame that [`crate::frame::is_metamethod`] takes for a metamethod's.
pub(super) struct Finish;

impl Stage for Finish {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: the extent is verified. The header says how far the caller lies below; the resume point of a Lua frame
        // is in its code, past the instruction that called.
        unsafe {
            let header = s.base.wrapping_sub(16).cast::<Slot>();
            let base = s.base.wrapping_sub((*header).payload_halves()[1].get() as usize * 16);
            let caller = State { base, ..s };
            let opcode = w.opcode_number();
            if Register(base.wrapping_sub(32).cast()).tag() == CLOSURE {
                let resume = *base.wrapping_sub(16).cast::<u32>() as usize;
                let waiting = Word(*s.region.cast::<u64>().wrapping_add(resume - 1));
                let finishing = FINISHING[waiting.unmarked().opcode_number() as usize];
                if finishing == Finishing::SetRegister {
                    let target = caller.register(waiting.a());
                    let is_empty = if opcode == Opcode::return_values as u8 {
                        w.b() == 1 || w.b() == 0 && (*s.machine).open_count(s.register(w.a()).0.cast()) == 0
                    } else {
                        opcode == Opcode::return_none as u8
                    };
                    if is_empty {
                        target.set(NIL, 0);
                    } else {
                        target.copy_from(s.register(w.a()));
                    }
                }
                if matches!(finishing, Finishing::SetRegister | Finishing::Nothing) {
                    let depth = &(*(*s.machine).thread.pointer(s.region)).native_depth;
                    depth.set(depth.get().wrapping_sub(1));
                    return go_back(caller);
                }
            }
            return_out_of_line(s, w)
        }
    }
}
