//! Jumps, conditions and fused comparisons.

use super::state::{Driver, FLOAT, Flow, INTEGER, Operands, Register, STRING, State, TRUE};
use crate::slow;
use lunette_bytecode::instruction::Word;

#[inline(always)]
pub(super) unsafe fn jump<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    Flow::Next(s.jumped(w.d_signed()))
}

#[inline(always)]
pub(super) unsafe fn loop_back<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the machine outlives its loop.
    unsafe { s.jumped(w.d_signed()).poll(w, w.d_signed()) }
}

#[inline(always)]
pub(super) unsafe fn jump_if<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    let holds = unsafe { s.register(w.a()).tag() } >= TRUE;
    Flow::Next(if holds { s.jumped(w.d_signed()) } else { s })
}

#[inline(always)]
pub(super) unsafe fn jump_if_not<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    let holds = unsafe { s.register(w.a()).tag() } < TRUE;
    Flow::Next(if holds { s.jumped(w.d_signed()) } else { s })
}

#[inline(always)]
fn branch<D: Driver>(s: State<D>, w: Word, taken: bool) -> Flow<D> {
    Flow::Next(if taken { s.jumped(w.c_signed()) } else { s })
}

/// Whether the values are equal where tags and payloads tell; `None` where more must be looked at.
#[inline(always)]
unsafe fn quick_equal(left: Register, right: Register) -> Option<bool> {
    // SAFETY: the caller's registers are slots of the region.
    unsafe {
        let tag = left.tag();
        if tag == right.tag() {
            if tag == FLOAT {
                return Some(left.float() == right.float());
            }
            if left.payload() == right.payload() {
                return Some(true);
            }
            // Strings may be long and equal; tables and userdata may have a metamethod.
            return if tag < STRING { Some(false) } else { None };
        }
        // Different types: only an integer and a float can be equal.
        if tag ^ right.tag() == INTEGER ^ FLOAT { None } else { Some(false) }
    }
}

macro_rules! equality {
    ($($name:ident: $operand:ident, $sense:literal, $slow:path;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                match quick_equal(s.register(w.a()), s.$operand(w.b())) {
                    Some(equal) => branch(s, w, equal == $sense),
                    None => s.slow(w, $slow),
                }
            }
        }
    )* };
}

equality! {
    jump_equal: register, true, slow::equal;
    jump_not_equal: register, false, slow::equal;
    jump_equal_constant: constant, true, slow::equal_constant;
    jump_not_equal_constant: constant, false, slow::equal_constant;
}

macro_rules! order {
    ($($name:ident: $operator:tt, $sense:literal;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let (left, right) = (s.register(w.a()), s.register(w.b()));
                if left.tag() == INTEGER && right.tag() == INTEGER {
                    return branch(s, w, (left.integer() $operator right.integer()) == $sense);
                }
                if left.tag() == FLOAT && right.tag() == FLOAT {
                    return branch(s, w, (left.float() $operator right.float()) == $sense);
                }
                s.slow(w, slow::order)
            }
        }
    )* };
}

order! {
    jump_less: <, true;
    jump_not_less: <, false;
    jump_less_equal: <=, true;
    jump_not_less_equal: <=, false;
}

macro_rules! immediate_order {
    ($($name:ident: $operator:tt, $sense:literal;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let left = s.register(w.a());
                if left.tag() == INTEGER {
                    return branch(s, w, (left.integer() $operator w.b_signed()) == $sense);
                }
                if left.tag() == FLOAT {
                    return branch(s, w, (left.float() $operator w.b_signed() as f64) == $sense);
                }
                s.slow(w, slow::order_integer)
            }
        }
    )* };
}

immediate_order! {
    jump_less_integer: <, true;
    jump_not_less_integer: <, false;
    jump_less_equal_integer: <=, true;
    jump_not_less_equal_integer: <=, false;
    jump_greater_integer: >, true;
    jump_not_greater_integer: >, false;
    jump_greater_equal_integer: >=, true;
    jump_not_greater_equal_integer: >=, false;
}

macro_rules! immediate_equality {
    ($($name:ident: $sense:literal;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let left = s.register(w.a());
                let equal = match left.tag() {
                    INTEGER => left.integer() == w.b_signed(),
                    FLOAT => left.float() == w.b_signed() as f64,
                    _ => false,
                };
                branch(s, w, equal == $sense)
            }
        }
    )* };
}

immediate_equality! {
    jump_equal_integer: true;
    jump_not_equal_integer: false;
}
