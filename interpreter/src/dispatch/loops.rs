//! Numeric and generic `for`.

use super::state::{Driver, Flow, INTEGER, NIL, Operands, State};
use crate::slow;
use lunette_bytecode::instruction::Word;

#[inline(always)]
pub(super) unsafe fn numeric_for_prepare<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified.
    unsafe {
        let (initial, limit, step) = (s.register(w.a()), s.register_after(w.a(), 1), s.register_after(w.a(), 2));
        if initial.tag() == INTEGER && limit.tag() == INTEGER && step.tag() == INTEGER && step.integer() > 0 {
            if initial.integer() > limit.integer() {
                return Flow::Next(s.jumped(w.d_signed()));
            }
            let distance = (limit.integer() as u64).wrapping_sub(initial.integer() as u64);
            let count = if step.integer() == 1 { distance } else { distance / step.integer() as u64 };
            limit.set(INTEGER, count);
            s.register_after(w.a(), 3).set_integer(initial.integer());
            return Flow::Next(s);
        }
        s.slow(w, slow::numeric_for_prepare)
    }
}

#[inline(always)]
pub(super) unsafe fn numeric_for_loop<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified.
    unsafe {
        let (index, count, step) = (s.register(w.a()), s.register_after(w.a(), 1), s.register_after(w.a(), 2));
        if index.tag() == INTEGER {
            let left = count.payload();
            if left == 0 {
                return Flow::Next(s);
            }
            (*count.0).payload.set(left - 1);
            let next = index.integer().wrapping_add(step.integer());
            (*index.0).payload.set(next as u64);
            s.register_after(w.a(), 3).set_integer(next);
        } else {
            let (next, limit) = (index.float() + step.float(), count.float());
            let goes_on = if step.float() > 0.0 { next <= limit } else { limit <= next };
            if !goes_on {
                return Flow::Next(s);
            }
            (*index.0).payload.set(next.to_bits());
            s.register_after(w.a(), 3).set_float(next);
        }
        s.jumped(w.d_signed()).poll(w, w.d_signed())
    }
}

#[inline(always)]
pub(super) unsafe fn generic_for_prepare<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified.
    unsafe {
        if s.register_after(w.a(), 3).tag() != NIL {
            return s.slow(w, slow::generic_for_prepare);
        }
        // The place of the cursor (see `slow::generic_for_call`).
        (*s.register_after(w.a(), 2).0).spare.set(0);
    }
    Flow::Next(s.jumped(w.d_signed()))
}

#[inline(always)]
pub(super) unsafe fn generic_for_call<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::generic_for_call) }
}

#[inline(always)]
pub(super) unsafe fn generic_for_loop<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the extent is verified.
    unsafe {
        let first = s.register_after(w.a(), 4);
        if first.tag() == NIL {
            return Flow::Next(s);
        }
        s.register_after(w.a(), 2).copy_from(first);
        s.jumped(w.d_signed()).poll(w, w.d_signed())
    }
}
