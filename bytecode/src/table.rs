//! The instruction table: every instruction of the machine, declared once.
//!
//! An instruction is one 64-bit little-endian word:
//!
//! ```text
//!   63        48 47        32 31        16 15     8 7      0
//!  +------------+------------+------------+--------+--------+
//!  |     c      |     b      |     a      |   k    | opcode |
//!  +------------+------------+------------+--------+--------+
//!  |            d            |            |        |        |   (b and c together)
//! ```
//!
//! Each entry reads `name(operands) flow F extent(E) effects(...) "meaning";` where
//!
//! * `operands` are `field: kind` pairs; the kinds are those of [`OperandKind`](crate::instruction::OperandKind);
//! * `flow` is where control goes: `next`, `branch` (next or the jump target), `jump` (only the target), `end`
//!   (leaves the function);
//! * `extent` is one more than the highest register the instruction touches beyond its `read`, `write` and `update`
//!   operands, 0 where there is none;
//! * `effects` name what the slow path of the instruction may do: `call` (run other functions, so also yield, allocate,
//!   collect and throw), `allocate` (take memory, collect, throw the memory error), `throw`, `poll` (charge fuel, be
//!   interrupted).
//!
//! `R[x]` is a register of the running function, `K[x]` a constant, `U[x]` an upvalue's variable, `pc` the next
//! instruction. A *call window* at register `x` is: the function in `R[x]`, `R[x+1]` kept free for the frame header,
//! the arguments from `R[x+2]` on. Results come to `R[x]` and up. `top` is the end of an open list of values: it is set
//! by the instruction that made the list and used by the next one.

/// Calls `$callback!` with the whole instruction table. See the source of this module for the form of an entry.
#[macro_export]
macro_rules! for_each_instruction {
    ($callback:ident) => {
        $callback! {
            // ---- core: moves, constants, jumps, calls ----
            copy(a: write, b: read) flow next extent(0) effects() "R[a] = R[b]";
            load_nil(a: write, b: count) flow next extent(a + b) effects() "R[a], ..., R[a+b-1] = nil";
            load_false(a: write) flow next extent(0) effects() "R[a] = false";
            load_true(a: write) flow next extent(0) effects() "R[a] = true";
            load_integer(a: write, d: wide_integer) flow next extent(0) effects() "R[a] = integer d";
            load_constant(a: write, d: wide_constant) flow next extent(0) effects() "R[a] = K[d]";
            jump(d: wide_jump) flow jump extent(0) effects() "pc += d, where d >= 0";
            loop_back(d: wide_jump) flow jump extent(0) effects(poll) "pc += d, where d < 0: the back-edge of a loop";
            jump_if(a: read, d: wide_jump) flow branch extent(0) effects() "if R[a] is neither nil nor false, pc += d";
            jump_if_not(a: read, d: wide_jump) flow branch extent(0) effects() "if R[a] is nil or false, pc += d";
            jump_equal(a: read, b: read, c: jump) flow branch extent(0) effects(call) "if R[a] == R[b], pc += c";
            jump_not_equal(a: read, b: read, c: jump) flow branch extent(0) effects(call) "if not (R[a] == R[b]), pc += c";
            jump_less(a: read, b: read, c: jump) flow branch extent(0) effects(call) "if R[a] < R[b], pc += c";
            jump_not_less(a: read, b: read, c: jump) flow branch extent(0) effects(call) "if not (R[a] < R[b]), pc += c";
            jump_less_equal(a: read, b: read, c: jump) flow branch extent(0) effects(call) "if R[a] <= R[b], pc += c";
            jump_not_less_equal(a: read, b: read, c: jump) flow branch extent(0) effects(call) "if not (R[a] <= R[b]), pc += c";
            jump_equal_integer(a: read, b: integer, c: jump) flow branch extent(0) effects() "if R[a] == b, pc += c";
            jump_not_equal_integer(a: read, b: integer, c: jump) flow branch extent(0) effects() "if not (R[a] == b), pc += c";
            jump_less_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if R[a] < b, pc += c";
            jump_not_less_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if not (R[a] < b), pc += c";
            jump_less_equal_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if R[a] <= b, pc += c";
            jump_not_less_equal_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if not (R[a] <= b), pc += c";
            jump_greater_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if R[a] > b, pc += c";
            jump_not_greater_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if not (R[a] > b), pc += c";
            jump_greater_equal_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if R[a] >= b, pc += c";
            jump_not_greater_equal_integer(a: read, b: integer, c: jump) flow branch extent(0) effects(call) "if not (R[a] >= b), pc += c";
            jump_equal_constant(a: read, b: constant, c: jump) flow branch extent(0) effects() "if R[a] == K[b] (raw), pc += c";
            jump_not_equal_constant(a: read, b: constant, c: jump) flow branch extent(0) effects() "if not (R[a] == K[b]) (raw), pc += c";
            call(a: read, b: count, c: count) flow next extent(a + max(2 + max(b, 1) - 1, max(c, 1) - 1)) effects(call poll) "call the window at a with b-1 arguments, or those up to top if b is 0; c-1 results to R[a] and up, or all of them and set top if c is 0";
            tail_call(a: read, b: count) flow next extent(a + 2 + max(b, 1) - 1) effects(call poll) "return the call of the window at a with b-1 arguments, or those up to top if b is 0, if the callee is a Lua function: the frame is then the callee's. Else as call with c = 0; the next instruction is to return what it made";
            return_values(a: range, b: count) flow end extent(a + max(b, 1) - 1) effects() "return R[a], ..., R[a+b-2], or those up to top if b is 0";
            return_none() flow end extent(0) effects() "return no value";
            return_one(a: read) flow end extent(0) effects() "return R[a]";
            return_closing(a: range, b: count) flow end extent(a + max(b, 1) - 1) effects(call) "as return_values, after closing the function's to-be-closed variables";
            variable_arguments(a: range, b: count) flow next extent(a + max(b, 1) - 1) effects(throw) "R[a], ..., R[a+b-2] = the extra arguments, padded with nil; all of them and set top if b is 0";

            // ---- dynamic: Lua's operations ----
            add(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] + R[c]";
            subtract(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] - R[c]";
            multiply(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] * R[c]";
            divide(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] / R[c]";
            modulo(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] % R[c]";
            power(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] ^ R[c]";
            floor_divide(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] // R[c]";
            bit_and(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] & R[c]";
            bit_or(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] | R[c]";
            bit_xor(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] ~ R[c]";
            shift_left(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] << R[c]";
            shift_right(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b] >> R[c]";
            add_integer(a: write, b: read, c: integer, k: swapped) flow next extent(0) effects(call) "R[a] = R[b] + c (c + R[b] if k)";
            add_constant(a: write, b: read, c: number, k: swapped) flow next extent(0) effects(call) "R[a] = R[b] + K[c] (K[c] + R[b] if k)";
            subtract_integer(a: write, b: read, c: integer) flow next extent(0) effects(call) "R[a] = R[b] - c";
            subtract_constant(a: write, b: read, c: number) flow next extent(0) effects(call) "R[a] = R[b] - K[c]";
            multiply_constant(a: write, b: read, c: number, k: swapped) flow next extent(0) effects(call) "R[a] = R[b] * K[c] (K[c] * R[b] if k)";
            divide_constant(a: write, b: read, c: number) flow next extent(0) effects(call) "R[a] = R[b] / K[c]";
            modulo_constant(a: write, b: read, c: number) flow next extent(0) effects(call) "R[a] = R[b] % K[c]";
            power_constant(a: write, b: read, c: number) flow next extent(0) effects(call) "R[a] = R[b] ^ K[c]";
            floor_divide_constant(a: write, b: read, c: number) flow next extent(0) effects(call) "R[a] = R[b] // K[c]";
            bit_and_constant(a: write, b: read, c: number, k: swapped) flow next extent(0) effects(call) "R[a] = R[b] & K[c] (K[c] & R[b] if k)";
            bit_or_constant(a: write, b: read, c: number, k: swapped) flow next extent(0) effects(call) "R[a] = R[b] | K[c] (K[c] | R[b] if k)";
            bit_xor_constant(a: write, b: read, c: number, k: swapped) flow next extent(0) effects(call) "R[a] = R[b] ~ K[c] (K[c] ~ R[b] if k)";
            shift_left_integer(a: write, b: read, c: integer) flow next extent(0) effects(call) "R[a] = R[b] << c";
            shift_right_integer(a: write, b: read, c: integer) flow next extent(0) effects(call) "R[a] = R[b] >> c";
            negate(a: write, b: read) flow next extent(0) effects(call) "R[a] = -R[b]";
            bit_not(a: write, b: read) flow next extent(0) effects(call) "R[a] = ~R[b]";
            not(a: write, b: read) flow next extent(0) effects() "R[a] = not R[b]";
            length(a: write, b: read) flow next extent(0) effects(call) "R[a] = #R[b]";
            concat(a: update, b: count, k: live) flow next extent(a + b) effects(call) "R[a] = R[a] .. ... .. R[a+b-1], from the right; the other registers are lost";
            new_table(a: write, b: count, c: count, k: live) flow next extent(0) effects(allocate) "R[a] = {}, with room for b array elements and c fields";
            set_list(a: read, k: small_count, d: wide_count) flow next extent(a + 1 + k) effects(allocate) "R[a][d+i] = R[a+1+i] for i in 0 .. k (raw; R[a] is a new table)";
            set_list_open(a: read, d: wide_count) flow next extent(a + 1) effects(allocate) "as set_list with the values from R[a+1] up to top";
            get_field(a: write, b: read, c: site) flow next extent(0) effects(call) "R[a] = R[b][key of site c]";
            set_field(a: read, b: read, c: site, k: live) flow next extent(0) effects(call) "R[a][key of site c] = R[b]";
            initialize_field(a: read, b: read, c: site, k: live) flow next extent(0) effects(call) "as set_field, where R[a] is the new table of a constructor: a nil value, too, gives the key its place";
            get_upvalue_field(a: write, b: upvalue, c: site) flow next extent(0) effects(call) "R[a] = U[b][key of site c]";
            set_upvalue_field(a: read, b: upvalue, c: site, k: live) flow next extent(0) effects(call) "U[b][key of site c] = R[a]";
            get_index(a: write, b: read, c: read) flow next extent(0) effects(call) "R[a] = R[b][R[c]]";
            set_index(a: read, b: read, c: read, k: live) flow next extent(0) effects(call) "R[a][R[b]] = R[c]";
            get_integer(a: write, b: read, c: count) flow next extent(0) effects(call) "R[a] = R[b][c]";
            set_integer(a: read, b: count, c: read, k: live) flow next extent(0) effects(call) "R[a][b] = R[c]";
            get_method(a: write, b: read, c: site) flow next extent(a + 3) effects(call) "R[a+2] = R[b]; R[a] = R[b][key of site c]: the function and first argument of the call window at a";
            closure(a: write, d: function, k: live) flow next extent(0) effects(allocate) "R[a] = a closure of function d of the module, with its upvalues captured as it describes";
            get_upvalue(a: write, b: upvalue) flow next extent(0) effects() "R[a] = U[b]";
            set_upvalue(a: read, b: upvalue) flow next extent(0) effects() "U[b] = R[a]";
            new_cell(a: update, k: live) flow next extent(0) effects(allocate) "R[a] = a new cell holding R[a]: the variable in R[a] may be captured from here on";
            get_cell(a: write, b: read) flow next extent(0) effects(throw) "R[a] = content of the cell in R[b]";
            set_cell(a: read, b: read) flow next extent(0) effects(throw) "content of the cell in R[a] = R[b]";
            numeric_for_prepare(a: range, d: wide_jump) flow branch extent(a + 4) effects(throw) "check and prepare R[a] (initial), R[a+1] (limit), R[a+2] (step); if the loop does not run, pc += d, else R[a+3] = the first value";
            numeric_for_loop(a: range, d: wide_jump) flow branch extent(a + 4) effects(poll) "step the loop; if it goes on, R[a+3] = the next value and pc += d, where d < 0";
            generic_for_prepare(a: range, d: wide_jump) flow jump extent(a + 4) effects(throw) "R[a+3] is to be closed; pc += d";
            generic_for_call(a: range, b: count) flow next extent(a + 4 + max(b, 4)) effects(call poll) "R[a+4], ..., R[a+3+b] = R[a](R[a+1], R[a+2])";
            generic_for_loop(a: range, d: wide_jump) flow branch extent(a + 5) effects(poll) "if R[a+4] is not nil, R[a+2] = R[a+4] and pc += d, where d < 0";
            to_be_closed(a: read) flow next extent(0) effects(throw) "mark the variable in R[a] as to be closed; an error if its value is not false or nil and has no __close";
            close(a: range) flow next extent(0) effects(call) "close all to-be-closed variables in R[a] and up, the last one first";
        }
    };
}
