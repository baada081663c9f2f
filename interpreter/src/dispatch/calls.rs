//! Calls and returns between Lua functions without variable arguments; those with are in the next file, everything else
//! out of line.

use super::{
    finishing,
    state::{CLOSURE, Driver, Flow, NATIVE_CLOSURE, Operands, OutOfLine, Register, State},
    variadic,
};
use crate::{
    frame::{self, PLAIN_RETURN_MASK, Return, VARIADIC_MASK, header_payload, header_tag},
    slow,
};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{
    function::{Closure, Prototype},
    value::Slot,
};

#[inline(always)]
pub(super) unsafe fn call<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified; the room of the new frame is checked before it is touched.
    unsafe {
        let function = s.register(w.a());
        if function.tag() != CLOSURE {
            if function.tag() == NATIVE_CLOSURE {
                return s.call_out(w, slow::call_native);
            }
            return s.slow(w, slow::call);
        }
        let closure: *mut Closure = s.object(function.payload());
        let prototype: *mut Prototype = s.resolve((*closure).prototype);
        if (*prototype).is_variadic != 0 {
            return D::stage::<variadic::Call>(s, w);
        }
        // An open list has operand 0, which no function has fewer parameters than.
        if w.b() <= usize::from((*prototype).parameter_count) {
            return s.slow(w, slow::call);
        }
        let base = s.base.wrapping_add(w.a() + 32);
        if base.wrapping_add(usize::from((*prototype).register_count) * 16) > (*s.machine).stack_limit {
            return s.slow(w, slow::call);
        }
        let budget = (*s.machine).budget.get() - i64::from((*prototype).entry_cost);
        if budget < 0 {
            return s.slow(w, slow::call);
        }
        (*s.machine).budget.set(budget);
        let own = s.base.wrapping_sub(16).cast::<u32>();
        own.write((s.pc.cast::<u8>().offset_from(s.region) >> 3) as u32);
        let header = base.wrapping_sub(16).cast::<Slot>();
        let distance = (w.a() as u32 >> 4) + 2;
        (*header).payload.set(header_payload(0, distance));
        (*header).tag.set(header_tag(Return::Call as u32, w.c() as i32 - 1));
        let code = s.resolve((*prototype).code).add(1).cast::<u64>();
        Flow::Next(State { pc: code, base, prototype, ..s })
    }
}

#[inline(always)]
pub(super) unsafe fn tail_call<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: as for `call`; the function and its arguments take the place of the running frame's, which lie below.
    unsafe {
        let function = s.register(w.a());
        if function.tag() != CLOSURE {
            if function.tag() == NATIVE_CLOSURE {
                return s.call_out(w, slow::call_native);
            }
            return s.slow(w, slow::tail_call);
        }
        let closure: *mut Closure = s.object(function.payload());
        let prototype: *mut Prototype = s.resolve((*closure).prototype);
        if (*prototype).is_variadic != 0 || w.b() <= usize::from((*prototype).parameter_count) {
            return s.slow(w, slow::tail_call);
        }
        let header = s.base.wrapping_sub(16).cast::<Slot>();
        if (*header).tag.get() & frame::VARIADIC_MASK != 0
            || s.base.wrapping_add(usize::from((*prototype).register_count) * 16) > (*s.machine).stack_limit
        {
            return s.slow(w, slow::tail_call);
        }
        let budget = (*s.machine).budget.get() - i64::from((*prototype).entry_cost);
        if budget < 0 {
            return s.slow(w, slow::tail_call);
        }
        (*s.machine).budget.set(budget);
        (*header).tag.set((*header).tag.get() | frame::TAIL_CALLED_MASK);
        Register(s.base.wrapping_sub(32).cast()).copy_from(function);
        for number in 0..w.b() - 1 {
            s.register_after(0, number).copy_from(s.register_after(w.a(), number + 2));
        }
        let code = s.resolve((*prototype).code).add(1).cast::<u64>();
        Flow::Next(State { pc: code, prototype, ..s })
    }
}

/// Whether the frame can be left for its Lua caller with `count` results and no more to do than [`leave`] does.
#[inline(always)]
fn leaves_plainly(tag: u32, count: usize) -> bool {
    tag & PLAIN_RETURN_MASK == 0 && frame::wanted(tag) <= count as i32
}

/// Whether the frame's caller is a Lua frame that waits for a call.
#[inline(always)]
fn returns_to_lua(tag: u32) -> bool {
    tag & PLAIN_RETURN_MASK & !VARIADIC_MASK == 0
}

/// Returns where that is more than [`leave`] does; `function` does what no stage is for.
#[inline(always)]
unsafe fn leave_apart<D: Driver>(s: State<D>, w: Word, tag: u32, function: impl OutOfLine) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe {
        if returns_to_lua(tag) {
            D::stage::<variadic::Leave>(s, w)
        } else if frame::is_metamethod(tag) {
            D::stage::<finishing::Finish>(s, w)
        } else {
            s.call_out(w, function)
        }
    }
}

/// Has a return done out of line, which closes no variables.
#[inline(always)]
pub(super) unsafe fn return_out_of_line<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe {
        match w.opcode_number() {
            opcode if opcode == Opcode::return_none as u8 => s.call_out(w, slow::return_none),
            opcode if opcode == Opcode::return_one as u8 => s.call_out(w, slow::return_one),
            _ => s.call_out(w, slow::return_values),
        }
    }
}

/// Slots from the caller's register 0 to the frame's.
#[inline(always)]
unsafe fn distance_of<D: Driver>(s: State<D>) -> usize {
    // SAFETY: every frame has its header.
    unsafe { (*s.base.wrapping_sub(16).cast::<Slot>()).payload_halves()[1].get() as usize }
}

/// Leaves the frame for the Lua caller, `distance` slots below, with `count` results, which are already at the caller's
/// call window: from the second on, they lie where the frame's header was.
#[inline(always)]
unsafe fn leave<D: Driver>(s: State<D>, tag: u32, distance: usize, count: usize) -> Flow<D> {
    // SAFETY: a plain return leads to a Lua frame whose header holds its resume point.
    unsafe {
        if frame::wanted(tag) < 0 {
            (*s.machine).set_open_top(s.base.wrapping_sub(32).wrapping_add(count * 16));
        }
        go_back(State { base: s.base.wrapping_sub(distance * 16), ..s })
    }
}

/// Goes on in the Lua frame that `caller` is at the base of.
#[inline(always)]
pub(super) unsafe fn go_back<D: Driver>(caller: State<D>) -> Flow<D> {
    // SAFETY: the header of a frame that waits for a call holds its resume point.
    unsafe {
        let resume = *caller.base.wrapping_sub(16).cast::<u32>();
        let closure = caller.closure();
        let prototype = caller.resolve((*closure).prototype);
        let pc = caller.region.wrapping_add(resume as usize * 8).cast::<u64>();
        Flow::Next(State { pc, prototype, ..caller })
    }
}

#[inline(always)]
unsafe fn header_of<D: Driver>(s: State<D>) -> u32 {
    // SAFETY: every frame has its header.
    unsafe { (*s.base.wrapping_sub(16).cast::<Slot>()).tag.get() }
}

#[inline(always)]
pub(super) unsafe fn return_none<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: as for `leave`.
    unsafe {
        let tag = header_of(s);
        if leaves_plainly(tag, 0) {
            return leave(s, tag, distance_of(s), 0);
        }
        leave_apart(s, w, tag, slow::return_none)
    }
}

#[inline(always)]
pub(super) unsafe fn return_one<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: as for `leave`.
    unsafe {
        let tag = header_of(s);
        if leaves_plainly(tag, 1) {
            Register(s.base.wrapping_sub(32).cast()).copy_from(s.register(w.a()));
            return leave(s, tag, distance_of(s), 1);
        }
        leave_apart(s, w, tag, slow::return_one)
    }
}

#[inline(always)]
pub(super) unsafe fn return_values<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified; as for `leave`.
    unsafe {
        let tag = header_of(s);
        if tag & PLAIN_RETURN_MASK == 0 {
            let first = s.register(w.a());
            let count = match w.b() {
                0 => (*s.machine).open_count(first.0.cast()),
                count => count - 1,
            };
            let target = Register(s.base.wrapping_sub(32).cast());
            let distance = distance_of(s);
            match frame::wanted(tag) {
                0 => return leave(s, tag, distance, 0),
                1 if count >= 1 => {
                    target.copy_from(first);
                    return leave(s, tag, distance, 1);
                }
                2 if count >= 2 => {
                    target.copy_from(first);
                    Register(target.0.wrapping_add(1)).copy_from(Register(first.0.wrapping_add(1)));
                    return leave(s, tag, distance, 2);
                }
                _ => {}
            }
        }
        leave_apart(s, w, tag, slow::return_values)
    }
}

#[inline(always)]
pub(super) unsafe fn return_closing<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::return_closing) }
}

#[inline(always)]
pub(super) unsafe fn to_be_closed<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::to_be_closed) }
}

#[inline(always)]
pub(super) unsafe fn close<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::close) }
}
