//! From the loop into compiled code, and back, with the frames of what that has called.

use super::{
    fault,
    layout::CALL_PROTOTYPE_SHIFT,
    status,
    tier::{self, Ended, Exit},
};
use crate::{
    dispatch::state::{Operands, Register},
    typed::{
        calls::{call_words, place_frame},
        forwarding::unmarked,
        state::{Link, State},
    },
};
use lunette_bytecode::{instruction::Word, typed::instruction::Opcode};
use lunette_gc::{reference::Ref, storage::ByteArray, typed::TypedPrototype};

/// Enters compiled code at the instruction before `pc`, and gives the state before an instruction that the loop is to
/// execute, with its word as it is without marks.
///
/// # Safety
/// The state is the machine's, in a typed frame.
pub(in crate::typed) unsafe fn enter<D>(s: State<D>) -> (State<D>, Word) {
    // SAFETY: the frame is a typed one, of the prototype before its header, whose code was installed; compiled code keeps to
    // `NativeCode`.
    unsafe {
        let at = s.pc.sub(1);
        let region = (*s.machine).heap.base();
        let slots = (*s.machine).stack.add((*s.machine).base as usize * 16);
        let units = Register(slots.sub(32).cast()).payload() as u32;
        let prototype: Ref<TypedPrototype> = Ref::from_units(units).unwrap_unchecked();
        let object: *mut TypedPrototype = prototype.pointer(region);
        let code: Ref<ByteArray> = (*object).code.get().unwrap_unchecked();
        let words = code.pointer(region).add(1).cast::<u64>();
        let number = (*object).native.get().wrapping_sub(1);
        let Some(entry) = (*s.machine).native.entry(prototype, number, at.offset_from(words) as usize) else {
            // The machine code is elsewhere, or there is none any more.
            at.cast_mut().write(unmarked(Word(*at)).0);
            (*s.machine).forget_native(prototype);
            return (s, unmarked(Word(*at)));
        };
        if entry.needs_guards && !(*s.machine).has_guards(entry.module) {
            return (s, unmarked(Word(*at)));
        }
        let references = slots.add(16);
        (*s.machine).native.exit.memory = s.memory;
        (*s.machine).native.targets.clear();
        let (numbers, top) =
            ((*object).numbers.get() as usize, slots.add(16 + 16 * (*object).references.get() as usize));
        let for_numbers = ((*s.machine).number_limit as usize).saturating_sub(s.base as usize + 8 * numbers);
        let for_slots = ((*s.machine).stack_limit as usize).saturating_sub(top as usize);
        (*s.machine).native.note_room(for_numbers, for_slots);
        let Ended { status, value } = tier::enter(entry.address, entry.number, s.machine, s.base, references);
        let (left, last) = match status & ((1 << status::BITS) - 1) {
            status::RETURNED => {
                // The loop returns: from here it may take more than moving the result.
                let pc = words.add((status as u32 >> status::BITS) as usize).cast_const();
                let word = unmarked(Word(*pc));
                if word.0 as u16 == Opcode::return_one as u16 {
                    s.base.add(word.a()).cast::<u64>().write(value);
                } else if word.0 as u16 == Opcode::return_values as u16 {
                    // Compiled code returns a reference so.
                    Register(slots.add(16 + word.b()).cast()).set((status >> status::TAG_SHIFT) as u32, value);
                }
                let memory = (*s.machine).first_memory((*s.machine).running_instance());
                (State { pc, memory, ..s }, prototype)
            }
            _ => leave(s, prototype),
        };
        let has_faulted = core::mem::take(&mut (*s.machine).native.exit.is_fault) != 0;
        (*s.machine).left_native();
        if (*s.machine).native.records.is_some() {
            let code: Ref<ByteArray> = (*last.pointer(region)).code.get().unwrap_unchecked();
            let at = left.pc.offset_from(code.pointer(region).add(1).cast::<u64>());
            (*s.machine).record_exit(last, at as u32);
        }
        if has_faulted {
            return (State { pc: left.pc.add(1), memory: s.memory, ..left }, fault::trap());
        }
        let word = unmarked(Word(*left.pc));
        (State { pc: left.pc.add(1), ..left }, word)
    }
}

/// The state where compiled code was left, in the frame of what was called last; all frames from that of `prototype`, which
/// was entered, are made. And the function of that frame.
unsafe fn leave<D>(s: State<D>, mut prototype: Ref<TypedPrototype>) -> (State<D>, Ref<TypedPrototype>) {
    // SAFETY: links above frames that were left during a call say in which, as `status::LEFT` has it; calls were made within
    // the stacks' limits, to functions with code.
    unsafe {
        let region = (*s.machine).heap.base();
        let words = |prototype: Ref<TypedPrototype>| {
            let code: Ref<ByteArray> = (*prototype.pointer(region)).code.get().unwrap_unchecked();
            code.pointer(region).add(1).cast::<u64>()
        };
        let Exit { word, base, memory, .. } = (*s.machine).native.exit;
        let mut caller = s.base;
        while caller != base {
            let above = caller.add(Link(*caller.sub(8).cast()).numbers() * 8);
            let noted = *above.cast::<u64>();
            let callee: Ref<TypedPrototype> =
                Ref::from_units((noted >> CALL_PROTOTYPE_SHIFT) as u32).unwrap_unchecked();
            let call = words(prototype).add(noted as u32 as usize);
            let (length, references) = call_words(call);
            caller = place_frame(s.machine, caller, call.add(length), unmarked(Word(*call)), references, callee);
            prototype = callee;
        }
        (State { pc: words(prototype).add(word as usize), base, memory, ..s }, prototype)
    }
}
