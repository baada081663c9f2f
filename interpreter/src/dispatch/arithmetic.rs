//! Arithmetic and bit operations: integers and floats here, everything else out of line.

use super::state::{Driver, FALSE, FLOAT, Flow, INTEGER, Operands, Register, STRING, State, TABLE, TRUE};
use crate::{number, slow};
use lunette_bytecode::instruction::Word;
use lunette_gc::{string::Str, table::Table};

macro_rules! arithmetic {
    ($($name:ident $constant:ident: $integer:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { arithmetic(s, w, s.register(w.b()), s.register(w.c()), $integer, $float) }
        }
        #[inline(always)]
        pub(super) unsafe fn $constant<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { arithmetic(s, w, s.register(w.b()), s.constant(w.c()), $integer, $float) }
        }
    )* };
}

#[inline(always)]
unsafe fn arithmetic<D: Driver>(
    s: State<D>,
    w: Word,
    left: Register,
    right: Register,
    integer: impl Fn(i64, i64) -> i64,
    float: impl Fn(f64, f64) -> f64,
) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let (x, y);
        if left.tag() == INTEGER {
            if right.tag() == INTEGER {
                s.register(w.a()).set_integer(integer(left.integer(), right.integer()));
                return Flow::Next(s);
            }
            if right.tag() != FLOAT {
                return s.slow(w, slow::arithmetic);
            }
            (x, y) = (left.integer() as f64, right.float());
        } else if left.tag() == FLOAT {
            x = left.float();
            if right.tag() == FLOAT {
                y = right.float();
            } else if right.tag() == INTEGER {
                y = right.integer() as f64;
            } else {
                return s.slow(w, slow::arithmetic);
            }
        } else {
            return s.slow(w, slow::arithmetic);
        }
        s.register(w.a()).set_float(float(x, y));
        Flow::Next(s)
    }
}

arithmetic! {
    add add_constant: i64::wrapping_add, |x, y| x + y;
    subtract subtract_constant: i64::wrapping_sub, |x, y| x - y;
    multiply multiply_constant: i64::wrapping_mul, |x, y| x * y;
}

macro_rules! division {
    ($($name:ident $constant:ident: $integer:path;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { division(s, w, s.register(w.c()), $integer) }
        }
        #[inline(always)]
        pub(super) unsafe fn $constant<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { division(s, w, s.constant(w.c()), $integer) }
        }
    )* };
}

/// Division of integers; that of floats takes a function's call and so is out of line.
#[inline(always)]
unsafe fn division<D: Driver>(
    s: State<D>,
    w: Word,
    right: Register,
    integer: impl Fn(i64, i64) -> Option<i64>,
) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let left = s.register(w.b());
        if left.tag() == INTEGER
            && right.tag() == INTEGER
            && let Some(result) = integer(left.integer(), right.integer())
        {
            s.register(w.a()).set_integer(result);
            return Flow::Next(s);
        }
        s.call_out(w, slow::arithmetic)
    }
}

division! {
    modulo modulo_constant: number::integer_modulo;
    floor_divide floor_divide_constant: number::integer_floor_divide;
}

macro_rules! quotient {
    ($($name:ident: $operand:ident;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let (left, right) = (s.register(w.b()), s.$operand(w.c()));
                let x = match left.tag() {
                    FLOAT => left.float(),
                    INTEGER => left.integer() as f64,
                    _ => return s.slow(w, slow::arithmetic),
                };
                let y = match right.tag() {
                    FLOAT => right.float(),
                    INTEGER => right.integer() as f64,
                    _ => return s.slow(w, slow::arithmetic),
                };
                s.register(w.a()).set_float(x / y);
                Flow::Next(s)
            }
        }
    )* };
}

quotient! {
    divide: register;
    divide_constant: constant;
}

#[inline(always)]
pub(super) unsafe fn power<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::arithmetic) }
}

#[inline(always)]
pub(super) unsafe fn power_constant<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let (left, right) = (s.register(w.b()), s.constant(w.c()));
        if left.tag() == FLOAT && right.tag() == INTEGER && right.integer() == 2 {
            s.register(w.a()).set_float(left.float() * left.float());
            return Flow::Next(s);
        }
        s.call_out(w, slow::arithmetic)
    }
}

macro_rules! bitwise {
    ($($name:ident $constant:ident: $integer:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { bitwise(s, w, s.register(w.c()), $integer) }
        }
        #[inline(always)]
        pub(super) unsafe fn $constant<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { bitwise(s, w, s.constant(w.c()), $integer) }
        }
    )* };
}

#[inline(always)]
unsafe fn bitwise<D: Driver>(s: State<D>, w: Word, right: Register, integer: impl Fn(i64, i64) -> i64) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let left = s.register(w.b());
        if left.tag() == INTEGER && right.tag() == INTEGER {
            s.register(w.a()).set_integer(integer(left.integer(), right.integer()));
            return Flow::Next(s);
        }
        s.slow(w, slow::arithmetic)
    }
}

bitwise! {
    bit_and bit_and_constant: |x, y| x & y;
    bit_or bit_or_constant: |x, y| x | y;
    bit_xor bit_xor_constant: |x, y| x ^ y;
}

macro_rules! shifts {
    ($($name:ident $immediate:ident: $integer:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { bitwise(s, w, s.register(w.c()), $integer) }
        }
        #[inline(always)]
        pub(super) unsafe fn $immediate<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let left = s.register(w.b());
                if left.tag() == INTEGER {
                    s.register(w.a()).set_integer($integer(left.integer(), w.c_signed()));
                    return Flow::Next(s);
                }
                s.slow(w, slow::arithmetic)
            }
        }
    )* };
}

shifts! {
    shift_left shift_left_integer: number::shift_left;
    shift_right shift_right_integer: number::shift_right;
}

macro_rules! immediate {
    ($($name:ident: $integer:expr, $float:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe {
                let left = s.register(w.b());
                let target = s.register(w.a());
                let right = w.c_signed();
                if left.tag() == INTEGER {
                    target.set_integer($integer(left.integer(), right));
                    return Flow::Next(s);
                }
                if left.tag() == FLOAT {
                    target.set_float($float(left.float(), right as f64));
                    return Flow::Next(s);
                }
                s.slow(w, slow::arithmetic)
            }
        }
    )* };
}

immediate! {
    add_integer: i64::wrapping_add, |x: f64, y: f64| x + y;
    subtract_integer: i64::wrapping_sub, |x: f64, y: f64| x - y;
}

#[inline(always)]
pub(super) unsafe fn negate<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let operand = s.register(w.b());
        match operand.tag() {
            INTEGER => s.register(w.a()).set_integer(operand.integer().wrapping_neg()),
            FLOAT => s.register(w.a()).set_float(-operand.float()),
            _ => return s.slow(w, slow::arithmetic),
        }
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn bit_not<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let operand = s.register(w.b());
        if operand.tag() != INTEGER {
            return s.slow(w, slow::arithmetic);
        }
        s.register(w.a()).set_integer(!operand.integer());
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn not<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let tag = if s.register(w.b()).tag() < TRUE { TRUE } else { FALSE };
        s.register(w.a()).set(tag, 0);
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn length<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified; the tags say what the payloads refer to.
    unsafe {
        let operand = s.register(w.b());
        match operand.tag() {
            TABLE => {
                let table: *mut Table = s.object(operand.payload());
                if (*table).metatable.get().is_some() {
                    return s.slow(w, slow::length);
                }
                s.register(w.a()).set_integer(i64::from((*table).array_length.get()));
            }
            STRING => {
                let string: *mut Str = s.object(operand.payload());
                s.register(w.a()).set_integer(i64::from((*string).length));
            }
            _ => return s.slow(w, slow::length),
        }
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn concat<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::concat) }
}
