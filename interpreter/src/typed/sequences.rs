//! Sequences of instructions that one handler executes, which spares the jumps between them.
//!
//! They are seen when code is installed: the first instruction's opcode becomes the sequence's, beyond those of the table.
//! The words stay as they are and where they are, so that jumps into a sequence find its other instructions, and what is
//! finished out of line, traps and errors sees the instruction it comes from. The handlers are made of the bodies of the
//! instructions; the list says which of the operands after the first instruction's are taken as they were handed on
//! ([`super::forwarding`]).

use super::forwarding::{LEFT, OPCODE_BITS, RIGHT};
use lunette_bytecode::{
    instruction::Word,
    typed::instruction::{Opcode, length},
};

/// Calls `$callback!` with the sequences: `name: first, others with operands taken as they were handed on;`. All but the last
/// go on with the instruction behind them.
macro_rules! for_each_sequence {
    ($callback:ident) => {
        $callback! {
            copy_then_copy_left: copy, copy left;
            copy_then_copy_then_copy: copy, copy, copy;
            copy_then_copy: copy, copy;
            copy_then_jump: copy, jump;
            copy_then_load_integer: copy, load_integer;
            copy_then_loop_back: copy, loop_back;
            copy_then_loop_i32_not_equal_constant: copy, loop_i32_not_equal_constant;
            copy_then_loop_if: copy, loop_if;
            f64_add_then_f64_add_left: f64_add, f64_add left;
            f64_add_then_f64_add_right: f64_add, f64_add right;
            f64_add_then_f64_multiply_left_then_f64_add_left: f64_add, f64_multiply left, f64_add left;
            f64_add_then_f64_multiply_left: f64_add, f64_multiply left;
            f64_add_then_f64_multiply_right: f64_add, f64_multiply right;
            f64_add_then_f64_subtract_left: f64_add, f64_subtract left;
            f64_add_then_f64_subtract_right: f64_add, f64_subtract right;
            f64_add_then_load_constant_then_jump_f64_less_right: f64_add, load_constant, jump_f64_less right;
            f64_add_then_load_constant_then_jump_f64_less_equal_right: f64_add, load_constant, jump_f64_less_equal right;
            f64_add_then_load_constant_then_jump_f64_not_less_right: f64_add, load_constant, jump_f64_not_less right;
            f64_add_then_load_constant_then_jump_f64_not_less_equal_right: f64_add, load_constant, jump_f64_not_less_equal right;
            f64_add_then_store_64: f64_add, store_64;
            f64_multiply_then_f64_add_left_then_store_64: f64_multiply, f64_add left, store_64;
            f64_multiply_then_f64_add_left: f64_multiply, f64_add left;
            f64_multiply_then_f64_add_right_then_store_64: f64_multiply, f64_add right, store_64;
            f64_multiply_then_f64_add_right: f64_multiply, f64_add right;
            f64_multiply_then_f64_multiply_left_right: f64_multiply, f64_multiply left right;
            f64_multiply_then_f64_multiply_left: f64_multiply, f64_multiply left;
            f64_multiply_then_f64_multiply_right: f64_multiply, f64_multiply right;
            f64_multiply_then_f64_multiply_then_f64_add_right: f64_multiply, f64_multiply, f64_add right;
            f64_multiply_then_f64_multiply: f64_multiply, f64_multiply;
            f64_multiply_then_f64_subtract_left: f64_multiply, f64_subtract left;
            f64_multiply_then_f64_subtract_right_then_store_64: f64_multiply, f64_subtract right, store_64;
            f64_multiply_then_f64_subtract_right: f64_multiply, f64_subtract right;
            f64_multiply_then_store_64: f64_multiply, store_64;
            f64_subtract_then_f64_add_left: f64_subtract, f64_add left;
            f64_subtract_then_f64_add_right: f64_subtract, f64_add right;
            f64_subtract_then_f64_multiply_left_right: f64_subtract, f64_multiply left right;
            f64_subtract_then_f64_multiply_left: f64_subtract, f64_multiply left;
            f64_subtract_then_f64_multiply_right: f64_subtract, f64_multiply right;
            f64_subtract_then_f64_subtract_left: f64_subtract, f64_subtract left;
            f64_subtract_then_f64_subtract_right: f64_subtract, f64_subtract right;
            f64_subtract_then_store_64: f64_subtract, store_64;
            get_global_then_i32_add_constant_left_then_set_global_left: get_global, i32_add_constant left, set_global left;
            get_global_then_i32_add_constant_left: get_global, i32_add_constant left;
            i32_add_then_copy: i32_add, copy;
            i32_add_then_i32_add_left_then_i32_add_left: i32_add, i32_add left, i32_add left;
            i32_add_then_i32_add_left: i32_add, i32_add left;
            i32_add_then_i32_add_right: i32_add, i32_add right;
            i32_add_then_i32_add: i32_add, i32_add;
            i32_add_then_i32_and_left: i32_add, i32_and left;
            i32_add_then_i32_and_right: i32_add, i32_and right;
            i32_add_then_i32_and_constant_left: i32_add, i32_and_constant left;
            i32_add_then_i32_or_left: i32_add, i32_or left;
            i32_add_then_i32_or_right: i32_add, i32_or right;
            i32_add_then_i32_rotate_left_constant: i32_add, i32_rotate_left_constant;
            i32_add_then_i32_xor_left: i32_add, i32_xor left;
            i32_add_then_i32_xor_right: i32_add, i32_xor right;
            i32_add_then_i64_add_then_load_integer_then_loop_i64_below_right: i32_add, i64_add, load_integer, loop_i64_below right;
            i32_add_then_load_16_left: i32_add, load_16 left;
            i32_add_then_load_32_left: i32_add, load_32 left;
            i32_add_then_load_64_left_then_f64_add_right: i32_add, load_64 left, f64_add right;
            i32_add_then_load_64_left_then_f64_multiply_right: i32_add, load_64 left, f64_multiply right;
            i32_add_then_load_64_left: i32_add, load_64 left;
            i32_add_then_load_8_left_then_jump_if_left: i32_add, load_8 left, jump_if left;
            i32_add_then_load_8_left_then_jump_if_zero_left: i32_add, load_8 left, jump_if_zero left;
            i32_add_then_load_8_left: i32_add, load_8 left;
            i32_add_then_load_8_signed_32_left: i32_add, load_8_signed_32 left;
            i32_add_then_store_32_left: i32_add, store_32 left;
            i32_add_then_store_32_right: i32_add, store_32 right;
            i32_add_then_store_64_left: i32_add, store_64 left;
            i32_add_then_store_8_left: i32_add, store_8 left;
            i32_add_then_store_8_right: i32_add, store_8 right;
            i32_add_constant_then_i32_add_left: i32_add_constant, i32_add left;
            i32_add_constant_then_i32_add_right: i32_add_constant, i32_add right;
            i32_add_constant_then_i32_add: i32_add_constant, i32_add;
            i32_add_constant_then_i32_add_constant_left: i32_add_constant, i32_add_constant left;
            i32_add_constant_then_i32_add_constant: i32_add_constant, i32_add_constant;
            i32_add_constant_then_i32_and_constant_left: i32_add_constant, i32_and_constant left;
            i32_add_constant_then_jump: i32_add_constant, jump;
            i32_add_constant_then_jump_i32_above_constant_left: i32_add_constant, jump_i32_above_constant left;
            i32_add_constant_then_jump_i32_equal_constant_left: i32_add_constant, jump_i32_equal_constant left;
            i32_add_constant_then_load_16_left: i32_add_constant, load_16 left;
            i32_add_constant_then_load_32_left: i32_add_constant, load_32 left;
            i32_add_constant_then_load_64_left_then_f64_add_right: i32_add_constant, load_64 left, f64_add right;
            i32_add_constant_then_load_64_left_then_f64_multiply_right: i32_add_constant, load_64 left, f64_multiply right;
            i32_add_constant_then_load_64_left: i32_add_constant, load_64 left;
            i32_add_constant_then_load_8_left: i32_add_constant, load_8 left;
            i32_add_constant_then_load_8_signed_32_left: i32_add_constant, load_8_signed_32 left;
            i32_add_constant_then_loop_back: i32_add_constant, loop_back;
            i32_add_constant_then_loop_i32_below_left: i32_add_constant, loop_i32_below left;
            i32_add_constant_then_loop_i32_less_left: i32_add_constant, loop_i32_less left;
            i32_add_constant_then_loop_i32_less_right: i32_add_constant, loop_i32_less right;
            i32_add_constant_then_loop_i32_less_constant_left: i32_add_constant, loop_i32_less_constant left;
            i32_add_constant_then_loop_i32_not_equal_left: i32_add_constant, loop_i32_not_equal left;
            i32_add_constant_then_loop_i32_not_equal_right: i32_add_constant, loop_i32_not_equal right;
            i32_add_constant_then_loop_i32_not_equal_constant_left: i32_add_constant, loop_i32_not_equal_constant left;
            i32_add_constant_then_loop_i32_not_equal_constant: i32_add_constant, loop_i32_not_equal_constant;
            i32_add_constant_then_loop_if_left: i32_add_constant, loop_if left;
            i32_add_constant_then_loop_if: i32_add_constant, loop_if;
            i32_add_constant_then_set_global_left_then_return_none: i32_add_constant, set_global left, return_none;
            i32_add_constant_then_set_global_left_then_return_one: i32_add_constant, set_global left, return_one;
            i32_add_constant_then_set_global_left: i32_add_constant, set_global left;
            i32_add_constant_then_store_32_left: i32_add_constant, store_32 left;
            i32_add_constant_then_store_32_right: i32_add_constant, store_32 right;
            i32_add_constant_then_store_64_left: i32_add_constant, store_64 left;
            i32_add_constant_then_store_8_left: i32_add_constant, store_8 left;
            i32_and_then_i32_add_left: i32_and, i32_add left;
            i32_and_then_i32_add_right: i32_and, i32_add right;
            i32_and_then_i32_and_left: i32_and, i32_and left;
            i32_and_then_i32_and_right: i32_and, i32_and right;
            i32_and_then_i32_or_left: i32_and, i32_or left;
            i32_and_then_i32_or_right: i32_and, i32_or right;
            i32_and_then_i32_xor_left: i32_and, i32_xor left;
            i32_and_then_i32_xor_right: i32_and, i32_xor right;
            i32_and_constant_then_i32_add_left: i32_and_constant, i32_add left;
            i32_and_constant_then_i32_add_right: i32_and_constant, i32_add right;
            i32_and_constant_then_i32_add_constant_left: i32_and_constant, i32_add_constant left;
            i32_and_constant_then_i32_or_left: i32_and_constant, i32_or left;
            i32_and_constant_then_i32_or_right: i32_and_constant, i32_or right;
            i32_and_constant_then_i32_shift_left_constant_left: i32_and_constant, i32_shift_left_constant left;
            i32_and_constant_then_jump_table_left: i32_and_constant, jump_table left;
            i32_multiply_constant_then_i32_add_left_then_load_32_left: i32_multiply_constant, i32_add left, load_32 left;
            i32_multiply_constant_then_i32_add_left_then_load_64_left: i32_multiply_constant, i32_add left, load_64 left;
            i32_multiply_constant_then_i32_add_left_then_load_8_left: i32_multiply_constant, i32_add left, load_8 left;
            i32_multiply_constant_then_i32_add_left: i32_multiply_constant, i32_add left;
            i32_multiply_constant_then_i32_add_right_then_load_32_left: i32_multiply_constant, i32_add right, load_32 left;
            i32_multiply_constant_then_i32_add_right_then_load_64_left: i32_multiply_constant, i32_add right, load_64 left;
            i32_multiply_constant_then_i32_add_right_then_load_8_left: i32_multiply_constant, i32_add right, load_8 left;
            i32_multiply_constant_then_i32_add_right: i32_multiply_constant, i32_add right;
            i32_multiply_constant_then_load_integer_then_i32_add_right: i32_multiply_constant, load_integer, i32_add right;
            i32_or_then_i32_add_left: i32_or, i32_add left;
            i32_or_then_i32_add_right: i32_or, i32_add right;
            i32_or_then_i32_or_left: i32_or, i32_or left;
            i32_or_then_i32_or_right: i32_or, i32_or right;
            i32_or_then_i32_xor_left: i32_or, i32_xor left;
            i32_or_then_i32_xor_right: i32_or, i32_xor right;
            i32_rotate_left_constant_then_i32_add_left: i32_rotate_left_constant, i32_add left;
            i32_rotate_left_constant_then_i32_add_right: i32_rotate_left_constant, i32_add right;
            i32_rotate_left_constant_then_i32_and_left: i32_rotate_left_constant, i32_and left;
            i32_rotate_left_constant_then_i32_and_right: i32_rotate_left_constant, i32_and right;
            i32_rotate_left_constant_then_i32_or_left: i32_rotate_left_constant, i32_or left;
            i32_rotate_left_constant_then_i32_or_right: i32_rotate_left_constant, i32_or right;
            i32_rotate_left_constant_then_i32_rotate_left_constant_then_i32_xor_right: i32_rotate_left_constant, i32_rotate_left_constant, i32_xor right;
            i32_rotate_left_constant_then_i32_rotate_left_constant: i32_rotate_left_constant, i32_rotate_left_constant;
            i32_rotate_left_constant_then_i32_xor_left: i32_rotate_left_constant, i32_xor left;
            i32_rotate_left_constant_then_i32_xor_right: i32_rotate_left_constant, i32_xor right;
            i32_shift_left_then_i32_or_right: i32_shift_left, i32_or right;
            i32_shift_left_then_jump_i32_and_left: i32_shift_left, jump_i32_and left;
            i32_shift_left_constant_then_i32_add_left_then_load_32_left: i32_shift_left_constant, i32_add left, load_32 left;
            i32_shift_left_constant_then_i32_add_left_then_load_64_left: i32_shift_left_constant, i32_add left, load_64 left;
            i32_shift_left_constant_then_i32_add_left_then_load_8_left: i32_shift_left_constant, i32_add left, load_8 left;
            i32_shift_left_constant_then_i32_add_left: i32_shift_left_constant, i32_add left;
            i32_shift_left_constant_then_i32_add_right_then_load_32_left: i32_shift_left_constant, i32_add right, load_32 left;
            i32_shift_left_constant_then_i32_add_right_then_load_64_left: i32_shift_left_constant, i32_add right, load_64 left;
            i32_shift_left_constant_then_i32_add_right_then_load_8_left: i32_shift_left_constant, i32_add right, load_8 left;
            i32_shift_left_constant_then_i32_add_right: i32_shift_left_constant, i32_add right;
            i32_shift_left_constant_then_i32_or_left: i32_shift_left_constant, i32_or left;
            i32_shift_left_constant_then_i32_or_right: i32_shift_left_constant, i32_or right;
            i32_shift_left_constant_then_load_integer_then_i32_add_right_then_load_32_left: i32_shift_left_constant, load_integer, i32_add right, load_32 left;
            i32_shift_left_constant_then_load_integer_then_i32_add_right: i32_shift_left_constant, load_integer, i32_add right;
            i32_shift_right_unsigned_constant_then_i32_add_left: i32_shift_right_unsigned_constant, i32_add left;
            i32_shift_right_unsigned_constant_then_i32_add_right: i32_shift_right_unsigned_constant, i32_add right;
            i32_shift_right_unsigned_constant_then_i32_and_left: i32_shift_right_unsigned_constant, i32_and left;
            i32_shift_right_unsigned_constant_then_i32_and_right: i32_shift_right_unsigned_constant, i32_and right;
            i32_shift_right_unsigned_constant_then_i32_and_constant_left: i32_shift_right_unsigned_constant, i32_and_constant left;
            i32_shift_right_unsigned_constant_then_i32_or_left: i32_shift_right_unsigned_constant, i32_or left;
            i32_shift_right_unsigned_constant_then_i32_or_right: i32_shift_right_unsigned_constant, i32_or right;
            i32_shift_right_unsigned_constant_then_i32_shift_left_constant_left: i32_shift_right_unsigned_constant, i32_shift_left_constant left;
            i32_shift_right_unsigned_constant_then_i32_xor_left: i32_shift_right_unsigned_constant, i32_xor left;
            i32_shift_right_unsigned_constant_then_i32_xor_right_then_i32_xor_right: i32_shift_right_unsigned_constant, i32_xor right, i32_xor right;
            i32_shift_right_unsigned_constant_then_i32_xor_right: i32_shift_right_unsigned_constant, i32_xor right;
            i32_shift_right_unsigned_constant_then_load_8_left: i32_shift_right_unsigned_constant, load_8 left;
            i32_shift_right_unsigned_constant_then_store_8_left: i32_shift_right_unsigned_constant, store_8 left;
            i32_subtract_then_jump_i32_below_left: i32_subtract, jump_i32_below left;
            i32_subtract_then_store_32_right: i32_subtract, store_32 right;
            i32_xor_then_i32_add_left: i32_xor, i32_add left;
            i32_xor_then_i32_add_right: i32_xor, i32_add right;
            i32_xor_then_i32_and_left: i32_xor, i32_and left;
            i32_xor_then_i32_and_right: i32_xor, i32_and right;
            i32_xor_then_i32_or_left: i32_xor, i32_or left;
            i32_xor_then_i32_or_right: i32_xor, i32_or right;
            i32_xor_then_i32_rotate_left_constant_left: i32_xor, i32_rotate_left_constant left;
            i32_xor_then_i32_rotate_left_constant: i32_xor, i32_rotate_left_constant;
            i32_xor_then_i32_xor_left: i32_xor, i32_xor left;
            i32_xor_then_i32_xor_right: i32_xor, i32_xor right;
            i32_xor_then_store_32_right: i32_xor, store_32 right;
            i64_add_then_i64_remainder_unsigned_left: i64_add, i64_remainder_unsigned left;
            i64_add_then_load_integer_then_loop_i64_below_right: i64_add, load_integer, loop_i64_below right;
            i64_add_constant_then_load_integer_then_loop_i64_not_equal_right: i64_add_constant, load_integer, loop_i64_not_equal right;
            i64_add_constant_then_loop_i64_not_equal_left: i64_add_constant, loop_i64_not_equal left;
            i64_add_constant_then_loop_i64_not_equal_constant_left: i64_add_constant, loop_i64_not_equal_constant left;
            i64_multiply_then_i64_add_left: i64_multiply, i64_add left;
            i64_multiply_then_i64_remainder_unsigned_left: i64_multiply, i64_remainder_unsigned left;
            i64_shift_left_constant_then_i64_xor_left: i64_shift_left_constant, i64_xor left;
            i64_shift_left_constant_then_i64_xor_right: i64_shift_left_constant, i64_xor right;
            i64_shift_right_unsigned_constant_then_i64_xor_left: i64_shift_right_unsigned_constant, i64_xor left;
            i64_shift_right_unsigned_constant_then_i64_xor_right: i64_shift_right_unsigned_constant, i64_xor right;
            load_32_then_i32_add_left: load_32, i32_add left;
            load_32_then_i32_add_right: load_32, i32_add right;
            load_32_then_i32_add_constant_left: load_32, i32_add_constant left;
            load_32_then_i32_and_left: load_32, i32_and left;
            load_32_then_i32_and_right: load_32, i32_and right;
            load_32_then_i32_and_constant_left: load_32, i32_and_constant left;
            load_32_then_i32_or_left: load_32, i32_or left;
            load_32_then_i32_or_right: load_32, i32_or right;
            load_32_then_i32_shift_left_constant_left: load_32, i32_shift_left_constant left;
            load_32_then_i32_shift_right_unsigned_constant_left: load_32, i32_shift_right_unsigned_constant left;
            load_32_then_i32_subtract_left: load_32, i32_subtract left;
            load_32_then_i32_subtract_right: load_32, i32_subtract right;
            load_32_then_i32_xor_left: load_32, i32_xor left;
            load_32_then_i32_xor_right: load_32, i32_xor right;
            load_32_then_jump_i32_above_constant_left: load_32, jump_i32_above_constant left;
            load_32_then_jump_i32_and_constant_left: load_32, jump_i32_and_constant left;
            load_32_then_jump_i32_and_zero_constant_left: load_32, jump_i32_and_zero_constant left;
            load_32_then_jump_i32_below_left: load_32, jump_i32_below left;
            load_32_then_jump_i32_below_right: load_32, jump_i32_below right;
            load_32_then_jump_i32_below_constant_left: load_32, jump_i32_below_constant left;
            load_32_then_jump_i32_below_equal_left: load_32, jump_i32_below_equal left;
            load_32_then_jump_i32_below_equal_right: load_32, jump_i32_below_equal right;
            load_32_then_jump_i32_equal_left: load_32, jump_i32_equal left;
            load_32_then_jump_i32_equal_right: load_32, jump_i32_equal right;
            load_32_then_jump_i32_equal_constant_left: load_32, jump_i32_equal_constant left;
            load_32_then_jump_i32_greater_constant_left: load_32, jump_i32_greater_constant left;
            load_32_then_jump_i32_less_left: load_32, jump_i32_less left;
            load_32_then_jump_i32_less_right: load_32, jump_i32_less right;
            load_32_then_jump_i32_less_constant_left: load_32, jump_i32_less_constant left;
            load_32_then_jump_i32_less_equal_left: load_32, jump_i32_less_equal left;
            load_32_then_jump_i32_less_equal_right: load_32, jump_i32_less_equal right;
            load_32_then_jump_i32_not_equal_left: load_32, jump_i32_not_equal left;
            load_32_then_jump_i32_not_equal_right: load_32, jump_i32_not_equal right;
            load_32_then_jump_i32_not_equal_constant_left: load_32, jump_i32_not_equal_constant left;
            load_32_then_jump_if_left: load_32, jump_if left;
            load_32_then_jump_if_zero_left: load_32, jump_if_zero left;
            load_32_then_load_32_left: load_32, load_32 left;
            load_32_then_load_32: load_32, load_32;
            load_32_then_load_64_left: load_32, load_64 left;
            load_32_then_load_8_left: load_32, load_8 left;
            load_32_then_loop_if_left: load_32, loop_if left;
            load_32_then_store_32_left: load_32, store_32 left;
            load_32_then_store_32_right: load_32, store_32 right;
            load_64_then_f64_add_left: load_64, f64_add left;
            load_64_then_f64_add_right: load_64, f64_add right;
            load_64_then_f64_multiply_left: load_64, f64_multiply left;
            load_64_then_f64_multiply_right: load_64, f64_multiply right;
            load_64_then_f64_subtract_left: load_64, f64_subtract left;
            load_64_then_f64_subtract_right: load_64, f64_subtract right;
            load_64_then_load_64_left: load_64, load_64 left;
            load_64_then_load_64: load_64, load_64;
            load_64_then_store_64_right: load_64, store_64 right;
            load_8_then_i32_add_right: load_8, i32_add right;
            load_8_then_i32_add_constant_left: load_8, i32_add_constant left;
            load_8_then_i32_and_constant_left: load_8, i32_and_constant left;
            load_8_then_i32_shift_left_constant_left: load_8, i32_shift_left_constant left;
            load_8_then_i32_xor_left: load_8, i32_xor left;
            load_8_then_i32_xor_right: load_8, i32_xor right;
            load_8_then_jump_i32_above_constant_left: load_8, jump_i32_above_constant left;
            load_8_then_jump_i32_and_constant_left: load_8, jump_i32_and_constant left;
            load_8_then_jump_i32_and_zero_constant_left: load_8, jump_i32_and_zero_constant left;
            load_8_then_jump_i32_below_left: load_8, jump_i32_below left;
            load_8_then_jump_i32_below_right: load_8, jump_i32_below right;
            load_8_then_jump_i32_below_constant_left: load_8, jump_i32_below_constant left;
            load_8_then_jump_i32_below_equal_left: load_8, jump_i32_below_equal left;
            load_8_then_jump_i32_below_equal_right: load_8, jump_i32_below_equal right;
            load_8_then_jump_i32_equal_left: load_8, jump_i32_equal left;
            load_8_then_jump_i32_equal_right: load_8, jump_i32_equal right;
            load_8_then_jump_i32_equal_constant_left: load_8, jump_i32_equal_constant left;
            load_8_then_jump_i32_greater_constant_left: load_8, jump_i32_greater_constant left;
            load_8_then_jump_i32_less_left: load_8, jump_i32_less left;
            load_8_then_jump_i32_less_right: load_8, jump_i32_less right;
            load_8_then_jump_i32_less_constant_left: load_8, jump_i32_less_constant left;
            load_8_then_jump_i32_less_equal_left: load_8, jump_i32_less_equal left;
            load_8_then_jump_i32_less_equal_right: load_8, jump_i32_less_equal right;
            load_8_then_jump_i32_not_equal_left: load_8, jump_i32_not_equal left;
            load_8_then_jump_i32_not_equal_right: load_8, jump_i32_not_equal right;
            load_8_then_jump_i32_not_equal_constant_left: load_8, jump_i32_not_equal_constant left;
            load_8_then_jump_if_left: load_8, jump_if left;
            load_8_then_jump_if_zero_left: load_8, jump_if_zero left;
            load_8_then_loop_if_left: load_8, loop_if left;
            load_8_then_store_8_right: load_8, store_8 right;
            load_constant_then_f64_add_right: load_constant, f64_add right;
            load_constant_then_f64_divide_right: load_constant, f64_divide right;
            load_constant_then_f64_multiply_right_then_store_64: load_constant, f64_multiply right, store_64;
            load_constant_then_f64_multiply_right: load_constant, f64_multiply right;
            load_constant_then_f64_subtract_right: load_constant, f64_subtract right;
            load_constant_then_i32_add_right: load_constant, i32_add right;
            load_constant_then_i32_and_right: load_constant, i32_and right;
            load_constant_then_i64_add_right: load_constant, i64_add right;
            load_constant_then_i64_and_right: load_constant, i64_and right;
            load_constant_then_i64_multiply_right: load_constant, i64_multiply right;
            load_constant_then_i64_xor_right: load_constant, i64_xor right;
            load_constant_then_jump_f64_less_right: load_constant, jump_f64_less right;
            load_constant_then_jump_f64_less_equal_right: load_constant, jump_f64_less_equal right;
            load_constant_then_jump_f64_not_less_right: load_constant, jump_f64_not_less right;
            load_constant_then_jump_f64_not_less_equal_right: load_constant, jump_f64_not_less_equal right;
            load_integer_then_copy: load_integer, copy;
            load_integer_then_i32_add_right_then_i32_add_constant_left: load_integer, i32_add right, i32_add_constant left;
            load_integer_then_i32_add_right_then_load_32_left: load_integer, i32_add right, load_32 left;
            load_integer_then_i32_add_right_then_load_64_left_then_f64_add_right: load_integer, i32_add right, load_64 left, f64_add right;
            load_integer_then_i32_add_right_then_load_64_left_then_f64_multiply_right: load_integer, i32_add right, load_64 left, f64_multiply right;
            load_integer_then_i32_add_right_then_load_64_left: load_integer, i32_add right, load_64 left;
            load_integer_then_i32_add_right_then_load_8_left: load_integer, i32_add right, load_8 left;
            load_integer_then_i32_add_right: load_integer, i32_add right;
            load_integer_then_i32_and_right: load_integer, i32_and right;
            load_integer_then_i32_multiply_right: load_integer, i32_multiply right;
            load_integer_then_i32_or_right: load_integer, i32_or right;
            load_integer_then_i32_shift_left_left: load_integer, i32_shift_left left;
            load_integer_then_i32_subtract_left: load_integer, i32_subtract left;
            load_integer_then_i32_subtract_right: load_integer, i32_subtract right;
            load_integer_then_i32_xor_right: load_integer, i32_xor right;
            load_integer_then_i64_add_right: load_integer, i64_add right;
            load_integer_then_i64_and_right: load_integer, i64_and right;
            load_integer_then_i64_multiply_right: load_integer, i64_multiply right;
            load_integer_then_i64_subtract_left: load_integer, i64_subtract left;
            load_integer_then_i64_subtract_right: load_integer, i64_subtract right;
            load_integer_then_jump: load_integer, jump;
            load_integer_then_jump_i32_below_left: load_integer, jump_i32_below left;
            load_integer_then_jump_i32_below_right: load_integer, jump_i32_below right;
            load_integer_then_jump_i32_below_equal_left: load_integer, jump_i32_below_equal left;
            load_integer_then_jump_i32_below_equal_right: load_integer, jump_i32_below_equal right;
            load_integer_then_jump_i32_equal_left: load_integer, jump_i32_equal left;
            load_integer_then_jump_i32_equal_right: load_integer, jump_i32_equal right;
            load_integer_then_jump_i32_less_left: load_integer, jump_i32_less left;
            load_integer_then_jump_i32_less_right: load_integer, jump_i32_less right;
            load_integer_then_jump_i32_less_equal_left: load_integer, jump_i32_less_equal left;
            load_integer_then_jump_i32_less_equal_right: load_integer, jump_i32_less_equal right;
            load_integer_then_jump_i32_not_equal_left: load_integer, jump_i32_not_equal left;
            load_integer_then_jump_i32_not_equal_right: load_integer, jump_i32_not_equal right;
            load_integer_then_jump_i64_below_right: load_integer, jump_i64_below right;
            load_integer_then_jump_i64_below_equal_right: load_integer, jump_i64_below_equal right;
            load_integer_then_jump_i64_equal_right: load_integer, jump_i64_equal right;
            load_integer_then_jump_i64_less_right: load_integer, jump_i64_less right;
            load_integer_then_jump_i64_less_equal_right: load_integer, jump_i64_less_equal right;
            load_integer_then_jump_i64_not_equal_right: load_integer, jump_i64_not_equal right;
            load_integer_then_load_integer_then_load_integer: load_integer, load_integer, load_integer;
            load_integer_then_load_integer: load_integer, load_integer;
            load_integer_then_loop_i32_below_right: load_integer, loop_i32_below right;
            load_integer_then_loop_i32_less_right: load_integer, loop_i32_less right;
            load_integer_then_loop_i32_not_equal_right: load_integer, loop_i32_not_equal right;
            load_integer_then_loop_i64_below_right: load_integer, loop_i64_below right;
            load_integer_then_loop_i64_less_right: load_integer, loop_i64_less right;
            load_integer_then_loop_i64_not_equal_right: load_integer, loop_i64_not_equal right;
            load_integer_then_return_one_left: load_integer, return_one left;
            load_integer_then_store_32_right: load_integer, store_32 right;
            load_integer_then_store_64_right: load_integer, store_64 right;
            load_integer_then_store_8_right: load_integer, store_8 right;
            store_32_then_i32_add_constant: store_32, i32_add_constant;
            store_32_then_jump: store_32, jump;
            store_32_then_load_32: store_32, load_32;
            store_32_then_load_integer: store_32, load_integer;
            store_32_then_store_32: store_32, store_32;
            store_64_then_store_64: store_64, store_64;
            store_8_then_i32_add: store_8, i32_add;
            store_8_then_i32_add_constant: store_8, i32_add_constant;
            zero_numbers_then_get_global_then_i32_add_constant_left_then_set_global_left: zero_numbers, get_global, i32_add_constant left, set_global left;
        }
    };
}
#[cfg(all(target_arch = "x86_64", not(debug_assertions)))]
pub(super) use for_each_sequence;

/// A row of the list.
pub(super) struct Sequence {
    /// The first instruction.
    pub head: Opcode,
    /// The others, with marks.
    rest: &'static [usize],
}

macro_rules! mark {
    (left) => {
        LEFT
    };
    (right) => {
        RIGHT
    };
}

macro_rules! define_sequences {
    ($($name:ident: $head:ident $(, $next:ident $($mark:ident)*)+;)*) => {
        /// All sequences.
        pub(super) static SEQUENCES: [Sequence; [$(stringify!($name)),*].len()] =
            [$(Sequence { head: Opcode::$head, rest: &[$(Opcode::$next as usize $(| mark!($mark))*),+] }),*];
    };
}

for_each_sequence!(define_sequences);

/// In place of the number of a sequence: none.
const NONE: u16 = u16::MAX;

/// Of each opcode the first sequence that begins with it, and of each sequence the next that begins as it does.
static CHAINS: ([u16; Opcode::ALL.len()], [u16; SEQUENCES.len()]) = {
    let (mut first, mut next) = ([NONE; Opcode::ALL.len()], [NONE; SEQUENCES.len()]);
    let mut index = SEQUENCES.len();
    while index > 0 {
        index -= 1;
        let head = SEQUENCES[index].head as usize;
        next[index] = first[head];
        first[head] = index as u16;
    }
    (first, next)
};

/// Has one handler execute what is a sequence: `original` without marks, `code` with them.
pub(super) fn join(original: &[Word], code: &mut [Word]) {
    let mut at = 0;
    while let Some(length) = original.get(at..).and_then(length) {
        if let Some(sequence) = longest(original, code, at) {
            let number = Opcode::ALL.len() + sequence;
            code[at].0 = code[at].0 & !((1 << OPCODE_BITS) - 1) | number as u64;
        }
        at += length;
    }
}

/// The longest sequence that the code has there.
fn longest(original: &[Word], code: &[Word], at: usize) -> Option<usize> {
    let mut found: Option<usize> = None;
    let mut candidate = CHAINS.0[Opcode::of(original[at])? as usize];
    while candidate != NONE {
        let index = candidate as usize;
        let is_longer = found.is_none_or(|found| SEQUENCES[index].rest.len() > SEQUENCES[found].rest.len());
        if is_longer && is_there(&SEQUENCES[index], original, code, at) {
            found = Some(index);
        }
        candidate = CHAINS.1[index];
    }
    found
}

fn is_there(sequence: &Sequence, original: &[Word], code: &[Word], mut at: usize) -> bool {
    sequence.rest.iter().all(|&marked| {
        at += original.get(at..).and_then(length).unwrap_or(1);
        code.get(at).is_some_and(|word| word.0 as u16 as usize == marked)
    })
}
