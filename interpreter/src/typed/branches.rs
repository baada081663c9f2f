//! Jumps, and comparisons that jump.
#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "what is not less may be NaN")]

use super::{
    slow,
    state::{Driver, Flow, State, distance},
};
use crate::dispatch::state::{NIL, Operands};
use lunette_bytecode::instruction::Word;

/// `name wide |s, w| condition` for jumps forward, and, with a second name, for those back.
macro_rules! jumps {
    ($($forward:ident $back:ident $is_wide:literal |$s:ident, $w:ident| $condition:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $forward<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            if unsafe { $condition } { Flow::Next($s.jumped(distance($w, $is_wide))) } else { Flow::Next($s) }
        }
        #[inline(always)]
        pub(super) unsafe fn $back<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            unsafe { if $condition { $s.jump_back($w, distance($w, $is_wide)) } else { Flow::Next($s) } }
        }
    )* };
}

macro_rules! forward_jumps {
    ($($forward:ident $is_wide:literal |$s:ident, $w:ident| $condition:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $forward<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
            // SAFETY: operands are verified.
            if unsafe { $condition } { Flow::Next($s.jumped(distance($w, $is_wide))) } else { Flow::Next($s) }
        }
    )* };
}

jumps! {
    jump_if loop_if true |s, w| s.left::<u32>(w.a()) != 0;
    jump_if_zero loop_if_zero true |s, w| s.left::<u32>(w.a()) == 0;
    jump_i32_equal loop_i32_equal false |s, w| s.left::<u32>(w.a()) == s.right::<u32>(w.b());
    jump_i32_not_equal loop_i32_not_equal false |s, w| s.left::<u32>(w.a()) != s.right::<u32>(w.b());
    jump_i32_less loop_i32_less false |s, w| (s.left::<u32>(w.a()) as i32) < s.right::<u32>(w.b()) as i32;
    jump_i32_less_equal loop_i32_less_equal false |s, w| s.left::<u32>(w.a()) as i32 <= s.right::<u32>(w.b()) as i32;
    jump_i32_below loop_i32_below false |s, w| s.left::<u32>(w.a()) < s.right::<u32>(w.b());
    jump_i32_below_equal loop_i32_below_equal false |s, w| s.left::<u32>(w.a()) <= s.right::<u32>(w.b());
    jump_i32_equal_constant loop_i32_equal_constant false |s, w| s.left::<u32>(w.a()) == w.b_signed() as u32;
    jump_i32_not_equal_constant loop_i32_not_equal_constant false |s, w| s.left::<u32>(w.a()) != w.b_signed() as u32;
    jump_i32_less_constant loop_i32_less_constant false |s, w| (s.left::<u32>(w.a()) as i32) < w.b_signed() as i32;
    jump_i32_greater_constant loop_i32_greater_constant false |s, w| s.left::<u32>(w.a()) as i32 > w.b_signed() as i32;
    jump_i32_below_constant loop_i32_below_constant false |s, w| s.left::<u32>(w.a()) < w.b_signed() as u32;
    jump_i32_above_constant loop_i32_above_constant false |s, w| s.left::<u32>(w.a()) > w.b_signed() as u32;
    jump_i64_equal loop_i64_equal false |s, w| s.left::<u64>(w.a()) == s.right::<u64>(w.b());
    jump_i64_not_equal loop_i64_not_equal false |s, w| s.left::<u64>(w.a()) != s.right::<u64>(w.b());
    jump_i64_less loop_i64_less false |s, w| (s.left::<u64>(w.a()) as i64) < s.right::<u64>(w.b()) as i64;
    jump_i64_less_equal loop_i64_less_equal false |s, w| s.left::<u64>(w.a()) as i64 <= s.right::<u64>(w.b()) as i64;
    jump_i64_below loop_i64_below false |s, w| s.left::<u64>(w.a()) < s.right::<u64>(w.b());
    jump_i64_below_equal loop_i64_below_equal false |s, w| s.left::<u64>(w.a()) <= s.right::<u64>(w.b());
    jump_i64_equal_constant loop_i64_equal_constant false |s, w| s.left::<u64>(w.a()) == w.b_signed() as u64;
    jump_i64_not_equal_constant loop_i64_not_equal_constant false |s, w| s.left::<u64>(w.a()) != w.b_signed() as u64;
    jump_i64_less_constant loop_i64_less_constant false |s, w| (s.left::<u64>(w.a()) as i64) < w.b_signed();
    jump_i64_greater_constant loop_i64_greater_constant false |s, w| s.left::<u64>(w.a()) as i64 > w.b_signed();
    jump_i64_below_constant loop_i64_below_constant false |s, w| s.left::<u64>(w.a()) < w.b_signed() as u64;
    jump_i64_above_constant loop_i64_above_constant false |s, w| s.left::<u64>(w.a()) > w.b_signed() as u64;
}

forward_jumps! {
    jump_i32_and false |s, w| s.left::<u32>(w.a()) & s.right::<u32>(w.b()) != 0;
    jump_i32_and_zero false |s, w| s.left::<u32>(w.a()) & s.right::<u32>(w.b()) == 0;
    jump_i32_and_constant false |s, w| s.left::<u32>(w.a()) & w.b_signed() as u32 != 0;
    jump_i32_and_zero_constant false |s, w| s.left::<u32>(w.a()) & w.b_signed() as u32 == 0;
    jump_f32_equal false |s, w| s.left::<f32>(w.a()) == s.right::<f32>(w.b());
    jump_f32_not_equal false |s, w| s.left::<f32>(w.a()) != s.right::<f32>(w.b());
    jump_f32_less false |s, w| s.left::<f32>(w.a()) < s.right::<f32>(w.b());
    jump_f32_not_less false |s, w| !(s.left::<f32>(w.a()) < s.right::<f32>(w.b()));
    jump_f32_less_equal false |s, w| s.left::<f32>(w.a()) <= s.right::<f32>(w.b());
    jump_f32_not_less_equal false |s, w| !(s.left::<f32>(w.a()) <= s.right::<f32>(w.b()));
    jump_f64_equal false |s, w| s.left::<f64>(w.a()) == s.right::<f64>(w.b());
    jump_f64_not_equal false |s, w| s.left::<f64>(w.a()) != s.right::<f64>(w.b());
    jump_f64_less false |s, w| s.left::<f64>(w.a()) < s.right::<f64>(w.b());
    jump_f64_not_less false |s, w| !(s.left::<f64>(w.a()) < s.right::<f64>(w.b()));
    jump_f64_less_equal false |s, w| s.left::<f64>(w.a()) <= s.right::<f64>(w.b());
    jump_f64_not_less_equal false |s, w| !(s.left::<f64>(w.a()) <= s.right::<f64>(w.b()));
    jump_if_null true |s, w| s.reference(w.a()).tag() == NIL;
    jump_if_not_null true |s, w| s.reference(w.a()).tag() != NIL;
}

#[inline(always)]
pub(super) unsafe fn jump<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    Flow::Next(s.jumped(w.d_signed()))
}

#[inline(always)]
pub(super) unsafe fn loop_back<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.jump_back(w, w.d_signed()) }
}

#[inline(always)]
pub(super) unsafe fn jump_table<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified, and the jumps are there.
    unsafe { s.next(s.left::<u32>(w.a()).min(w.d()) as usize) }
}

#[inline(always)]
pub(super) unsafe fn trap<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.slow(w, 0, slow::trap) }
}
