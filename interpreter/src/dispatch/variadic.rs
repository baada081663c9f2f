//! Calls of variadic functions, whose frames lie above their arguments (see [`crate::frame`]), and what they do with those.

use super::{
    calls::{go_back, return_out_of_line},
    state::{Driver, Flow, NIL, Operands, Register, Stage, State},
};
use crate::{
    frame::{self, FRAME_SLOTS, Return, VARIADIC, VARIADIC_MASK, header_payload, header_tag},
    slow::{self, VALUES_PER_UNIT},
};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{
    function::{Closure, Prototype},
    value::Slot,
};

/// Slots between a variadic function's arguments and its parameters.
const ABOVE: usize = FRAME_SLOTS as usize;

/// More values than these are copied out of line.
const FEW: usize = 32;

/// A call of a variadic function.
pub(super) struct Call;

impl Stage for Call {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: the first stage has seen the closure; the room of the new frame is checked before it is touched.
        unsafe {
            let function = s.register(w.a());
            let closure: *mut Closure = s.object(function.payload());
            let prototype: *mut Prototype = s.resolve((*closure).prototype);
            let arguments = s.register_after(w.a(), ABOVE);
            let count = match w.b() {
                0 => (*s.machine).open_count(arguments.0.cast()),
                count => count - 1,
            };
            let base = arguments.0.cast::<u8>().wrapping_add((count + ABOVE) * 16);
            if base.wrapping_add(usize::from((*prototype).register_count) * 16) > (*s.machine).stack_limit {
                return s.slow(w, slow::call);
            }
            let budget = (*s.machine).budget.get() - i64::from((*prototype).entry_cost);
            if budget < 0 {
                return s.slow(w, slow::call);
            }
            (*s.machine).budget.set(budget);
            s.base.wrapping_sub(16).cast::<u32>().write((s.pc.cast::<u8>().offset_from(s.region) >> 3) as u32);
            let own = State { base, prototype, ..s };
            Register(base.wrapping_sub(ABOVE * 16).cast()).copy_from(function);
            for number in 0..usize::from((*prototype).parameter_count) {
                let parameter = own.register_after(0, number);
                if number < count {
                    let argument = s.register_after(w.a(), ABOVE + number);
                    parameter.copy_from(argument);
                    argument.set(NIL, 0);
                } else {
                    parameter.set(NIL, 0);
                }
            }
            // The slot of the unused header must not be taken for one.
            s.register_after(w.a(), 1).set(NIL, 0);
            let header = base.wrapping_sub(16).cast::<Slot>();
            let distance = base.offset_from(s.base) as usize / 16;
            (*header).payload.set(header_payload(0, distance as u32));
            (*header).tag.set(header_tag(Return::Call as u32 | VARIADIC, w.c() as i32 - 1));
            (*header).spare.set(count as u32);
            let code = s.resolve((*prototype).code).add(1).cast::<u64>();
            Flow::Next(State { pc: code, ..own })
        }
    }
}

/// A return to a Lua caller from a variadic function, or of fewer results than are wanted, or of many.
pub(super) struct Leave;

impl Stage for Leave {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: the extent is verified. The first stage has seen that the return leads to a Lua frame; this frame's
        // header says how far the call window lies below; results move down.
        unsafe {
            let header = s.base.wrapping_sub(16).cast::<Slot>();
            let tag = (*header).tag.get();
            let opcode = w.opcode_number();
            let (first, count) = if opcode == Opcode::return_none as u8 {
                (s.register(0), 0)
            } else if opcode == Opcode::return_one as u8 {
                (s.register(w.a()), 1)
            } else if w.b() == 0 {
                (s.register(w.a()), (*s.machine).open_count(s.register(w.a()).0.cast()))
            } else {
                (s.register(w.a()), w.b() - 1)
            };
            let wanted = frame::wanted(tag);
            if count > FEW || wanted > FEW as i32 {
                return return_out_of_line(s, w);
            }
            let above = if tag & VARIADIC_MASK != 0 { (*header).spare.get() as usize + ABOVE } else { 0 };
            let window = s.base.wrapping_sub((above + ABOVE) * 16).cast::<Slot>();
            let base = s.base.wrapping_sub((*header).payload_halves()[1].get() as usize * 16);
            let given = if wanted < 0 { count } else { count.min(wanted as usize) };
            for number in 0..given {
                Register(window.wrapping_add(number)).copy_from(Register(first.0.wrapping_add(number)));
            }
            if wanted < 0 {
                (*s.machine).set_open_top(window.wrapping_add(count).cast());
            } else {
                for number in given..wanted as usize {
                    Register(window.wrapping_add(number)).set(NIL, 0);
                }
            }
            go_back(State { base, ..s })
        }
    }
}

#[inline(always)]
pub(super) unsafe fn variable_arguments<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified, and the room for an open list checked; the arguments lie below the frame.
    unsafe {
        let header = s.base.wrapping_sub(16).cast::<Slot>();
        let given = if (*header).tag.get() & VARIADIC_MASK != 0 {
            ((*header).spare.get() as usize).saturating_sub(usize::from((*s.prototype).parameter_count))
        } else {
            0
        };
        let source = s.base.wrapping_sub((given + ABOVE) * 16).cast::<Slot>();
        let target = s.register(w.a()).0;
        let wanted = match w.b() {
            0 => given,
            count => count - 1,
        };
        let end = target.wrapping_add(wanted).cast::<u8>();
        if wanted > FEW || end > (*s.machine).stack_limit {
            return s.call_out(w, slow::variable_arguments);
        }
        if w.b() == 0 {
            (*s.machine).set_open_top(end);
        }
        let given = given.min(wanted);
        let cost = given as i64 / VALUES_PER_UNIT as i64;
        (*s.machine).budget.set((*s.machine).budget.get().saturating_sub(cost));
        for number in 0..given {
            Register(target.wrapping_add(number)).copy_from(Register(source.wrapping_add(number)));
        }
        for number in given..wanted {
            Register(target.wrapping_add(number)).set(NIL, 0);
        }
        Flow::Next(s)
    }
}
