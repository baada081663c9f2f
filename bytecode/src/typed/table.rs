//! The typed section of the instruction table: what WebAssembly functions are translated to, each instruction declared
//! once.
//!
//! An instruction is one 64-bit little-endian word, with up to two literal words after it, and a list of operands after
//! those of calls:
//!
//! ```text
//!            63        48 47        32 31        16 15         0
//!           +------------+------------+------------+------------+
//!  word     |     c      |     b      |     a      |   opcode   |
//!           |            d            |            |            |
//!           +------------+------------+------------+------------+
//!  literal  |     h      |     g      |     f      |     e      |
//!           |            m            |            l            |
//!           |                         w                         |
//!           +------------+------------+------------+------------+
//!  second   |            q            |            p            |
//!           |                         x                         |
//!           +------------+------------+------------+------------+
//!  list     |    number registers, then reference registers: 16 bits each, four to a word (calls only)
//! ```
//!
//! `N[x]` is a number register of the running function: 8 bytes without a tag. 32-bit integers and floats stand in the low
//! half, and the high half is 0. `V[x]` is a vector: `N[x]` (its low half) and `N[x+1]`. `R[x]` is a reference register, a
//! slot. Parameters are the first registers of their kind. Each entry reads
//! `name(operands) flow F list(L) effects(...) "meaning";`, where `list` is `none`, or `arguments` for a list of as many
//! number and reference registers as operands g and h say; the rest is as in the dynamic section.
//!
//! A *result window* at `a` (and, in general calls, `e` or `b` for references) is where results go: consecutive registers.

/// Calls `$callback!` with the typed section of the instruction table. See the source of this module for the form of an
/// entry.
#[macro_export]
macro_rules! for_each_typed_instruction {
    ($callback:ident) => {
        $callback! {
            // ---- moves and constants ----
            copy(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b]";
            copy_vector(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b]";
            copy_reference(a: reference_write, b: reference_read) flow next list none effects() "R[a] = R[b]";
            copy_numbers(a: number_span, b: number_span, c: count) flow next list none effects() "N[a], ..., N[a+c-1] = N[b], ..., N[b+c-1], as if at once";
            copy_references(a: reference_span, b: reference_span, c: count) flow next list none effects() "R[a], ..., R[a+c-1] = R[b], ..., R[b+c-1], as if at once";
            copy_from_far(a: number_write, d: far_number) flow next list none effects() "N[a] = N[d]";
            copy_to_far(a: number_read, d: far_number) flow next list none effects() "N[d] = N[a]";
            copy_reference_from_far(a: reference_write, d: far_reference) flow next list none effects() "R[a] = R[d]";
            copy_reference_to_far(a: reference_read, d: far_reference) flow next list none effects() "R[d] = R[a]";
            load_integer(a: number_write, d: wide_integer) flow next list none effects() "N[a] = d, sign-extended";
            load_unsigned(a: number_write, d: wide_count) flow next list none effects() "N[a] = d, zero-extended";
            load_constant(a: number_write, w: literal) flow next list none effects() "N[a] = w";
            load_vector(a: vector_write, w: literal, x: literal) flow next list none effects() "V[a] = w, x";
            zero_numbers(a: number_window, d: wide_count) flow next list none effects() "N[a], ..., N[a+d-1] = 0";
            null_references(a: reference_window, d: wide_count) flow next list none effects() "R[a], ..., R[a+d-1] = null";
            select(a: number_write, b: number_read, c: number_read, e: number_read) flow next list none effects() "N[a] = N[b] if the low half of N[e] is not 0, else N[c]";
            select_vector(a: vector_write, b: vector_read, c: vector_read, e: number_read) flow next list none effects() "V[a] = V[b] if the low half of N[e] is not 0, else V[c]";
            select_reference(a: reference_write, b: reference_read, c: reference_read, e: number_read) flow next list none effects() "R[a] = R[b] if the low half of N[e] is not 0, else R[c]";

            // ---- jumps; those of names that begin with `loop` go back, the others forward ----
            jump(d: wide_jump) flow jump list none effects() "pc += d";
            loop_back(d: wide_back) flow jump list none effects(poll) "pc += d";
            jump_table(a: number_read, d: wide_count) flow table list none effects() "pc += min(N[a] as 32 bits, d): the d+1 words that follow are jumps";
            jump_if(a: number_read, d: wide_jump) flow branch list none effects() "if the low half of N[a] is not 0, pc += d";
            jump_if_zero(a: number_read, d: wide_jump) flow branch list none effects() "if the low half of N[a] is 0, pc += d";
            jump_if_null(a: reference_read, d: wide_jump) flow branch list none effects() "if R[a] is null, pc += d";
            jump_if_not_null(a: reference_read, d: wide_jump) flow branch list none effects() "if R[a] is not null, pc += d";
            jump_i32_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] == N[b], pc += c";
            jump_i32_not_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] != N[b], pc += c";
            jump_i32_less(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] < N[b] (signed), pc += c";
            jump_i32_less_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] <= N[b] (signed), pc += c";
            jump_i32_below(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] < N[b] (unsigned), pc += c";
            jump_i32_below_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] <= N[b] (unsigned), pc += c";
            jump_i32_equal_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] == b, pc += c";
            jump_i32_not_equal_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] != b, pc += c";
            jump_i32_less_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] < b (signed), pc += c";
            jump_i32_greater_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] > b (signed), pc += c";
            jump_i32_below_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] < b (unsigned, b sign-extended to 32 bits), pc += c";
            jump_i32_above_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] > b (unsigned, b sign-extended to 32 bits), pc += c";
            jump_i32_and(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] & N[b] has a bit, pc += c";
            jump_i32_and_zero(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] & N[b] is 0, pc += c";
            jump_i32_and_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] & b has a bit, pc += c";
            jump_i32_and_zero_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] & b is 0, pc += c";
            jump_i64_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] == N[b], pc += c";
            jump_i64_not_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] != N[b], pc += c";
            jump_i64_less(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] < N[b] (signed), pc += c";
            jump_i64_less_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] <= N[b] (signed), pc += c";
            jump_i64_below(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] < N[b] (unsigned), pc += c";
            jump_i64_below_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] <= N[b] (unsigned), pc += c";
            jump_i64_equal_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] == b, pc += c";
            jump_i64_not_equal_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] != b, pc += c";
            jump_i64_less_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] < b (signed), pc += c";
            jump_i64_greater_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] > b (signed), pc += c";
            jump_i64_below_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] < b (unsigned, b sign-extended), pc += c";
            jump_i64_above_constant(a: number_read, b: integer, c: jump) flow branch list none effects() "if N[a] > b (unsigned, b sign-extended), pc += c";
            jump_f32_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] == N[b], pc += c";
            jump_f32_not_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] != N[b], pc += c";
            jump_f32_less(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] < N[b], pc += c";
            jump_f32_not_less(a: number_read, b: number_read, c: jump) flow branch list none effects() "if not N[a] < N[b], pc += c";
            jump_f32_less_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] <= N[b], pc += c";
            jump_f32_not_less_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if not N[a] <= N[b], pc += c";
            jump_f64_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] == N[b], pc += c";
            jump_f64_not_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] != N[b], pc += c";
            jump_f64_less(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] < N[b], pc += c";
            jump_f64_not_less(a: number_read, b: number_read, c: jump) flow branch list none effects() "if not N[a] < N[b], pc += c";
            jump_f64_less_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if N[a] <= N[b], pc += c";
            jump_f64_not_less_equal(a: number_read, b: number_read, c: jump) flow branch list none effects() "if not N[a] <= N[b], pc += c";
            loop_if(a: number_read, d: wide_back) flow branch list none effects(poll) "if the low half of N[a] is not 0, pc += d";
            loop_if_zero(a: number_read, d: wide_back) flow branch list none effects(poll) "if the low half of N[a] is 0, pc += d";
            loop_i32_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] == N[b], pc += c";
            loop_i32_not_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] != N[b], pc += c";
            loop_i32_less(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] < N[b] (signed), pc += c";
            loop_i32_less_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] <= N[b] (signed), pc += c";
            loop_i32_below(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] < N[b] (unsigned), pc += c";
            loop_i32_below_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] <= N[b] (unsigned), pc += c";
            loop_i32_equal_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] == b, pc += c";
            loop_i32_not_equal_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] != b, pc += c";
            loop_i32_less_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] < b (signed), pc += c";
            loop_i32_greater_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] > b (signed), pc += c";
            loop_i32_below_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] < b (unsigned, b sign-extended to 32 bits), pc += c";
            loop_i32_above_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] > b (unsigned, b sign-extended to 32 bits), pc += c";
            loop_i64_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] == N[b], pc += c";
            loop_i64_not_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] != N[b], pc += c";
            loop_i64_less(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] < N[b] (signed), pc += c";
            loop_i64_less_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] <= N[b] (signed), pc += c";
            loop_i64_below(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] < N[b] (unsigned), pc += c";
            loop_i64_below_equal(a: number_read, b: number_read, c: back) flow branch list none effects(poll) "if N[a] <= N[b] (unsigned), pc += c";
            loop_i64_equal_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] == b, pc += c";
            loop_i64_not_equal_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] != b, pc += c";
            loop_i64_less_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] < b (signed), pc += c";
            loop_i64_greater_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] > b (signed), pc += c";
            loop_i64_below_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] < b (unsigned, b sign-extended), pc += c";
            loop_i64_above_constant(a: number_read, b: integer, c: back) flow branch list none effects(poll) "if N[a] > b (unsigned, b sign-extended), pc += c";

            // ---- calls and returns ----
            call(a: result_window, d: callee, e: argument, f: argument, g: argument, h: argument) flow next list none effects(call poll) "call function d, which has at most four number parameters and no references, with N[e], N[f], N[g], N[h]; results to N[a] and up";
            call_general(a: result_window, b: reference_result_window, c: list_words, l: callee, g: count, h: count) flow next list arguments effects(call poll) "call function l with g numbers and h references; results to N[a] and R[b] and up";
            call_indirect(a: result_window, b: number_read, e: argument, f: argument, g: argument, h: argument, p: signature, q: table) flow next list none effects(call poll) "as call, of the function in element N[b] of table q, which must be of type p";
            call_indirect_general(a: result_window, b: number_read, c: list_words, e: reference_result_window, g: count, h: count, p: signature, q: table) flow next list arguments effects(call poll) "as call_general, of the function in element N[b] of table q, which must be of type p";
            call_reference(a: result_window, b: reference_read, c: list_words, e: reference_result_window, g: count, h: count, p: signature) flow next list arguments effects(call poll) "as call_general, of function R[b], of type p; a trap if it is null";
            tail_call(c: list_words, l: callee, g: count, h: count) flow end list arguments effects(call poll) "return what function l returns for g numbers and h references";
            tail_call_indirect(b: number_read, c: list_words, g: count, h: count, p: signature, q: table) flow end list arguments effects(call poll) "as tail_call, of the function in element N[b] of table q, which must be of type p";
            tail_call_reference(b: reference_read, c: list_words, g: count, h: count, p: signature) flow end list arguments effects(call poll) "as tail_call, of function R[b], of type p; a trap if it is null";
            return_none() flow end list none effects() "return, from a function without results";
            return_one(a: number_read) flow end list none effects() "return N[a], from a function whose result is one number register";
            return_values(a: number_results, b: reference_results) flow end list none effects() "return the function's results from N[a] and R[b] on";
            throw(c: list_words, l: tag, g: count, h: count) flow end list arguments effects(allocate throw) "throw an exception of tag l with g numbers and h references";
            throw_reference(a: reference_read) flow end list none effects(throw) "throw the exception R[a]; a trap if it is null";
            trap(d: wide_count) flow end list none effects(throw) "trap of kind d";

            // ---- integers of 32 bits ----
            i32_add(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] + N[c]";
            i32_subtract(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] - N[c]";
            i32_multiply(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] * N[c]";
            i32_divide_signed(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] / N[c]";
            i32_divide_unsigned(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] / N[c]";
            i32_remainder_signed(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] % N[c]";
            i32_remainder_unsigned(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] % N[c]";
            i32_and(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] & N[c]";
            i32_or(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] | N[c]";
            i32_xor(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] ^ N[c]";
            i32_shift_left(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] << N[c]";
            i32_shift_right_signed(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] >> N[c]";
            i32_shift_right_unsigned(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] >> N[c]";
            i32_rotate_left(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] rotated left by N[c]";
            i32_rotate_right(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] rotated right by N[c]";
            i32_add_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] + c";
            i32_multiply_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] * c";
            i32_and_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] & c";
            i32_or_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] | c";
            i32_xor_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] ^ c";
            i32_shift_left_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] << c";
            i32_shift_right_signed_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] >> c";
            i32_shift_right_unsigned_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] >> c";
            i32_rotate_left_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] rotated left by c";
            i32_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] == N[c]";
            i32_not_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] != N[c]";
            i32_less(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] < N[c] (signed)";
            i32_less_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] <= N[c] (signed)";
            i32_below(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] < N[c] (unsigned)";
            i32_below_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] <= N[c] (unsigned)";
            i32_equal_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] == c";
            i32_not_equal_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] != c";
            i32_less_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] < c (signed)";
            i32_greater_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] > c (signed)";
            i32_below_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] < c (unsigned, c sign-extended to 32 bits)";
            i32_above_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] > c (unsigned, c sign-extended to 32 bits)";
            i32_count_leading_zeros(a: number_write, b: number_read) flow next list none effects() "N[a] = the number of leading zero bits of N[b]";
            i32_count_trailing_zeros(a: number_write, b: number_read) flow next list none effects() "N[a] = the number of trailing zero bits of N[b]";
            i32_count_ones(a: number_write, b: number_read) flow next list none effects() "N[a] = the number of one bits of N[b]";
            i32_extend_8(a: number_write, b: number_read) flow next list none effects() "N[a] = the low 8 bits of N[b], sign-extended";
            i32_extend_16(a: number_write, b: number_read) flow next list none effects() "N[a] = the low 16 bits of N[b], sign-extended";

            // ---- integers of 64 bits ----
            i64_add(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] + N[c]";
            i64_subtract(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] - N[c]";
            i64_multiply(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] * N[c]";
            i64_divide_signed(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] / N[c]";
            i64_divide_unsigned(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] / N[c]";
            i64_remainder_signed(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] % N[c]";
            i64_remainder_unsigned(a: number_write, b: number_read, c: number_read) flow next list none effects(throw) "N[a] = N[b] % N[c]";
            i64_and(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] & N[c]";
            i64_or(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] | N[c]";
            i64_xor(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] ^ N[c]";
            i64_shift_left(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] << N[c]";
            i64_shift_right_signed(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] >> N[c]";
            i64_shift_right_unsigned(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] >> N[c]";
            i64_rotate_left(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] rotated left by N[c]";
            i64_rotate_right(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] rotated right by N[c]";
            i64_add_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] + c";
            i64_multiply_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] * c";
            i64_and_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] & c";
            i64_or_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] | c";
            i64_xor_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] ^ c";
            i64_shift_left_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] << c";
            i64_shift_right_signed_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] >> c";
            i64_shift_right_unsigned_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] >> c";
            i64_rotate_left_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] rotated left by c";
            i64_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] == N[c]";
            i64_not_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] != N[c]";
            i64_less(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] < N[c] (signed)";
            i64_less_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] <= N[c] (signed)";
            i64_below(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] < N[c] (unsigned)";
            i64_below_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] <= N[c] (unsigned)";
            i64_equal_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] == c";
            i64_not_equal_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] != c";
            i64_less_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] < c (signed)";
            i64_greater_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] > c (signed)";
            i64_below_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] < c (unsigned, c sign-extended)";
            i64_above_constant(a: number_write, b: number_read, c: integer) flow next list none effects() "N[a] = N[b] > c (unsigned, c sign-extended)";
            i64_count_leading_zeros(a: number_write, b: number_read) flow next list none effects() "N[a] = the number of leading zero bits of N[b]";
            i64_count_trailing_zeros(a: number_write, b: number_read) flow next list none effects() "N[a] = the number of trailing zero bits of N[b]";
            i64_count_ones(a: number_write, b: number_read) flow next list none effects() "N[a] = the number of one bits of N[b]";
            i64_extend_8(a: number_write, b: number_read) flow next list none effects() "N[a] = the low 8 bits of N[b], sign-extended";
            i64_extend_16(a: number_write, b: number_read) flow next list none effects() "N[a] = the low 16 bits of N[b], sign-extended";
            i64_extend_32(a: number_write, b: number_read) flow next list none effects() "N[a] = the low 32 bits of N[b], sign-extended";

            // ---- floats ----
            f32_add(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] + N[c]";
            f32_subtract(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] - N[c]";
            f32_multiply(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] * N[c]";
            f32_divide(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] / N[c]";
            f32_minimum(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = the lesser of N[b] and N[c]; NaN if either is";
            f32_maximum(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = the greater of N[b] and N[c]; NaN if either is";
            f32_copy_sign(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] with the sign of N[c]";
            f32_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] == N[c]";
            f32_not_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] != N[c]";
            f32_less(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] < N[c]";
            f32_less_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] <= N[c]";
            f32_absolute(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] without its sign";
            f32_negate(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] with the other sign";
            f32_ceiling(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded up";
            f32_floor(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded down";
            f32_truncate(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded toward 0";
            f32_nearest(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded to the nearest integer, ties to even";
            f32_square_root(a: number_write, b: number_read) flow next list none effects() "N[a] = the square root of N[b]";
            f64_add(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] + N[c]";
            f64_subtract(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] - N[c]";
            f64_multiply(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] * N[c]";
            f64_divide(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] / N[c]";
            f64_minimum(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = the lesser of N[b] and N[c]; NaN if either is";
            f64_maximum(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = the greater of N[b] and N[c]; NaN if either is";
            f64_copy_sign(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] with the sign of N[c]";
            f64_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] == N[c]";
            f64_not_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] != N[c]";
            f64_less(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] < N[c]";
            f64_less_equal(a: number_write, b: number_read, c: number_read) flow next list none effects() "N[a] = N[b] <= N[c]";
            f64_absolute(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] without its sign";
            f64_negate(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] with the other sign";
            f64_ceiling(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded up";
            f64_floor(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded down";
            f64_truncate(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded toward 0";
            f64_nearest(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] rounded to the nearest integer, ties to even";
            f64_square_root(a: number_write, b: number_read) flow next list none effects() "N[a] = the square root of N[b]";

            // ---- conversions ----
            i32_wrap(a: number_write, b: number_read) flow next list none effects() "N[a] = the low 32 bits of N[b]";
            i32_truncate_f32_signed(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as a signed integer; a trap if there is none";
            i32_truncate_f32_unsigned(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as an unsigned integer; a trap if there is none";
            i32_truncate_f64_signed(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as a signed integer; a trap if there is none";
            i32_truncate_f64_unsigned(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as an unsigned integer; a trap if there is none";
            i64_truncate_f32_signed(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as a signed integer; a trap if there is none";
            i64_truncate_f32_unsigned(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as an unsigned integer; a trap if there is none";
            i64_truncate_f64_signed(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as a signed integer; a trap if there is none";
            i64_truncate_f64_unsigned(a: number_write, b: number_read) flow next list none effects(throw) "N[a] = N[b] as an unsigned integer; a trap if there is none";
            i32_saturate_f32_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = the signed integer closest to N[b]; 0 for NaN";
            i32_saturate_f32_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = the unsigned integer closest to N[b]; 0 for NaN";
            i32_saturate_f64_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = the signed integer closest to N[b]; 0 for NaN";
            i32_saturate_f64_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = the unsigned integer closest to N[b]; 0 for NaN";
            i64_saturate_f32_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = the signed integer closest to N[b]; 0 for NaN";
            i64_saturate_f32_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = the unsigned integer closest to N[b]; 0 for NaN";
            i64_saturate_f64_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = the signed integer closest to N[b]; 0 for NaN";
            i64_saturate_f64_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = the unsigned integer closest to N[b]; 0 for NaN";
            f32_convert_i32_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f32_convert_i32_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f32_convert_i64_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f32_convert_i64_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f32_demote(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b], a float of 64 bits, as one of 32";
            f64_convert_i32_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f64_convert_i32_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f64_convert_i64_signed(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f64_convert_i64_unsigned(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b] as a float";
            f64_promote(a: number_write, b: number_read) flow next list none effects() "N[a] = N[b], a float of 32 bits, as one of 64";

            // ---- linear memory: M is memory 0, or what use_memory chose ----
            load_8(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 8 bits";
            load_8_signed_32(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 8 bits sign-extended to 32";
            load_8_signed_64(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 8 bits sign-extended to 64";
            load_16(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 16 bits";
            load_16_signed_32(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 16 bits sign-extended to 32";
            load_16_signed_64(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 16 bits sign-extended to 64";
            load_32(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 32 bits";
            load_32_signed_64(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 32 bits sign-extended to 64";
            load_64(a: number_write, b: number_read, c: count) flow next list none effects(throw) "N[a] = M[N[b] + c], 64 bits";
            load_128(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 128 bits";
            store_8(a: number_read, b: number_read, c: count) flow next list none effects(throw) "M[N[b] + c] = N[a], 8 bits";
            store_16(a: number_read, b: number_read, c: count) flow next list none effects(throw) "M[N[b] + c] = N[a], 16 bits";
            store_32(a: number_read, b: number_read, c: count) flow next list none effects(throw) "M[N[b] + c] = N[a], 32 bits";
            store_64(a: number_read, b: number_read, c: count) flow next list none effects(throw) "M[N[b] + c] = N[a], 64 bits";
            store_128(a: vector_read, b: number_read, c: count) flow next list none effects(throw) "M[N[b] + c] = V[a], 128 bits";
            add_offset(a: number_write, b: number_read, w: literal) flow next list none effects(throw) "N[a] = N[b] + w; a trap if that is more than 64 bits: for offsets that do not fit loads and stores";
            use_memory(d: memory) flow next list none effects() "M is memory d, up to the next use_memory; nothing between the two may call";
            memory_size(a: number_write, d: memory) flow next list none effects() "N[a] = the pages of memory d";
            memory_grow(a: number_write, b: number_read, l: memory) flow next list none effects(allocate) "grow memory l by N[b] pages; N[a] = the pages before, or -1 (in the width of its addresses) if that cannot be";
            memory_fill(a: number_read, b: number_read, c: number_read, l: memory) flow next list none effects(throw poll) "N[c] bytes of memory l from N[a] on = N[b]";
            memory_copy(a: number_read, b: number_read, c: number_read, l: memory, m: memory) flow next list none effects(throw poll) "N[c] bytes of memory l from N[a] on = those of memory m from N[b] on";
            memory_initialize(a: number_read, b: number_read, c: number_read, l: memory, m: data_segment) flow next list none effects(throw poll) "N[c] bytes of memory l from N[a] on = those of data segment m from N[b] on";
            drop_data(d: data_segment) flow next list none effects() "data segment d has no bytes from here on";

            // ---- globals ----
            get_global(a: number_write, d: global) flow next list none effects() "N[a] = global d, of the instance's own";
            set_global(a: number_read, d: global) flow next list none effects() "global d, of the instance's own = N[a]";
            get_global_vector(a: vector_write, d: vector_global) flow next list none effects() "V[a] = global d";
            set_global_vector(a: vector_read, d: vector_global) flow next list none effects() "global d = V[a]";
            get_global_reference(a: reference_write, d: reference_global) flow next list none effects() "R[a] = global d";
            set_global_reference(a: reference_read, d: reference_global) flow next list none effects() "global d = R[a]";
            get_imported_global(a: number_write, d: imported_global) flow next list none effects() "N[a] = global d, an imported one";
            set_imported_global(a: number_read, d: imported_global) flow next list none effects() "global d, an imported one = N[a]";

            // ---- references and tables ----
            reference_null(a: reference_write) flow next list none effects() "R[a] = null";
            reference_function(a: reference_write, d: callee) flow next list none effects() "R[a] = function d";
            reference_is_null(a: number_write, b: reference_read) flow next list none effects() "N[a] = R[b] is null";
            reference_equal(a: number_write, b: reference_read, c: reference_read) flow next list none effects() "N[a] = R[b] and R[c] are the same";
            reference_as_non_null(a: reference_read) flow next list none effects(throw) "a trap if R[a] is null";
            table_get(a: reference_write, b: number_read, l: table) flow next list none effects(throw) "R[a] = element N[b] of table l";
            table_set(a: number_read, b: reference_read, l: table) flow next list none effects(throw) "element N[a] of table l = R[b]";
            table_size(a: number_write, d: table) flow next list none effects() "N[a] = the number of elements of table d";
            table_grow(a: number_write, b: reference_read, c: number_read, l: table) flow next list none effects(allocate) "grow table l by N[c] elements that are R[b]; N[a] = the number before, or -1 (in the width of its indices) if that cannot be";
            table_fill(a: number_read, b: reference_read, c: number_read, l: table) flow next list none effects(throw poll) "N[c] elements of table l from N[a] on = R[b]";
            table_copy(a: number_read, b: number_read, c: number_read, l: table, m: table) flow next list none effects(throw poll) "N[c] elements of table l from N[a] on = those of table m from N[b] on";
            table_initialize(a: number_read, b: number_read, c: number_read, l: table, m: element_segment) flow next list none effects(throw poll) "N[c] elements of table l from N[a] on = those of element segment m from N[b] on";
            drop_elements(d: element_segment) flow next list none effects() "element segment d has no elements from here on";

            // ---- vectors ----
            load_8x8_signed(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = 8 lanes of 8 bits from M[N[b] + c] on, sign-extended to 16";
            load_8x8_unsigned(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = 8 lanes of 8 bits from M[N[b] + c] on, zero-extended to 16";
            load_16x4_signed(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = 4 lanes of 16 bits from M[N[b] + c] on, sign-extended to 32";
            load_16x4_unsigned(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = 4 lanes of 16 bits from M[N[b] + c] on, zero-extended to 32";
            load_32x2_signed(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = 2 lanes of 32 bits from M[N[b] + c] on, sign-extended to 64";
            load_32x2_unsigned(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = 2 lanes of 32 bits from M[N[b] + c] on, zero-extended to 64";
            load_8_splat(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 8 bits, in all lanes";
            load_16_splat(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 16 bits, in all lanes";
            load_32_splat(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 32 bits, in all lanes";
            load_64_splat(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 64 bits, in all lanes";
            load_32_zero(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 32 bits, in the low lane, 0 in the others";
            load_64_zero(a: vector_write, b: number_read, c: count) flow next list none effects(throw) "V[a] = M[N[b] + c], 64 bits, in the low lane, 0 in the others";
            load_8_lane(a: vector_write, b: number_read, c: count, e: vector_read, f: lane_16) flow next list none effects(throw) "V[a] = V[e] with lane f = M[N[b] + c], 8 bits";
            load_16_lane(a: vector_write, b: number_read, c: count, e: vector_read, f: lane_8) flow next list none effects(throw) "V[a] = V[e] with lane f = M[N[b] + c], 16 bits";
            load_32_lane(a: vector_write, b: number_read, c: count, e: vector_read, f: lane_4) flow next list none effects(throw) "V[a] = V[e] with lane f = M[N[b] + c], 32 bits";
            load_64_lane(a: vector_write, b: number_read, c: count, e: vector_read, f: lane_2) flow next list none effects(throw) "V[a] = V[e] with lane f = M[N[b] + c], 64 bits";
            store_8_lane(a: vector_read, b: number_read, c: count, e: lane_16) flow next list none effects(throw) "M[N[b] + c] = lane e of V[a], 8 bits";
            store_16_lane(a: vector_read, b: number_read, c: count, e: lane_8) flow next list none effects(throw) "M[N[b] + c] = lane e of V[a], 16 bits";
            store_32_lane(a: vector_read, b: number_read, c: count, e: lane_4) flow next list none effects(throw) "M[N[b] + c] = lane e of V[a], 32 bits";
            store_64_lane(a: vector_read, b: number_read, c: count, e: lane_2) flow next list none effects(throw) "M[N[b] + c] = lane e of V[a], 64 bits";
            i8x16_shuffle(a: vector_write, b: vector_read, c: vector_read, w: literal, x: literal) flow next list none effects() "lane i of V[a] = the lane of V[b] and V[c], one after the other, that byte i of w and x says, modulo 32";
            i8x16_swizzle(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "lane i of V[a] = the lane of V[b] that lane i of V[c] says, 0 if there is none";
            i8x16_extract_lane_signed(a: number_write, b: vector_read, c: lane_16) flow next list none effects() "N[a] = lane c of V[b], sign-extended to 32 bits";
            i8x16_extract_lane_unsigned(a: number_write, b: vector_read, c: lane_16) flow next list none effects() "N[a] = lane c of V[b], zero-extended to 32 bits";
            i16x8_extract_lane_signed(a: number_write, b: vector_read, c: lane_8) flow next list none effects() "N[a] = lane c of V[b], sign-extended to 32 bits";
            i16x8_extract_lane_unsigned(a: number_write, b: vector_read, c: lane_8) flow next list none effects() "N[a] = lane c of V[b], zero-extended to 32 bits";
            i32x4_extract_lane(a: number_write, b: vector_read, c: lane_4) flow next list none effects() "N[a] = lane c of V[b]";
            i64x2_extract_lane(a: number_write, b: vector_read, c: lane_2) flow next list none effects() "N[a] = lane c of V[b]";
            i8x16_replace_lane(a: vector_write, b: vector_read, c: number_read, e: lane_16) flow next list none effects() "V[a] = V[b] with lane e = N[c]";
            i16x8_replace_lane(a: vector_write, b: vector_read, c: number_read, e: lane_8) flow next list none effects() "V[a] = V[b] with lane e = N[c]";
            i32x4_replace_lane(a: vector_write, b: vector_read, c: number_read, e: lane_4) flow next list none effects() "V[a] = V[b] with lane e = N[c]";
            i64x2_replace_lane(a: vector_write, b: vector_read, c: number_read, e: lane_2) flow next list none effects() "V[a] = V[b] with lane e = N[c]";
            i8x16_splat(a: vector_write, b: number_read) flow next list none effects() "V[a] = N[b] in all lanes";
            i16x8_splat(a: vector_write, b: number_read) flow next list none effects() "V[a] = N[b] in all lanes";
            i32x4_splat(a: vector_write, b: number_read) flow next list none effects() "V[a] = N[b] in all lanes";
            i64x2_splat(a: vector_write, b: number_read) flow next list none effects() "V[a] = N[b] in all lanes";
            i8x16_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] are equal, else 0";
            i8x16_not_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] differ, else 0";
            i8x16_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (signed), else 0";
            i8x16_less_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (signed), else 0";
            i8x16_below(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (unsigned), else 0";
            i8x16_below_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (unsigned), else 0";
            i16x8_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] are equal, else 0";
            i16x8_not_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] differ, else 0";
            i16x8_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (signed), else 0";
            i16x8_less_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (signed), else 0";
            i16x8_below(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (unsigned), else 0";
            i16x8_below_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (unsigned), else 0";
            i32x4_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] are equal, else 0";
            i32x4_not_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] differ, else 0";
            i32x4_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (signed), else 0";
            i32x4_less_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (signed), else 0";
            i32x4_below(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (unsigned), else 0";
            i32x4_below_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (unsigned), else 0";
            i64x2_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] are equal, else 0";
            i64x2_not_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] differ, else 0";
            i64x2_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c] (signed), else 0";
            i64x2_less_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c] (signed), else 0";
            f32x4_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] are equal, else 0";
            f32x4_not_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] differ, else 0";
            f32x4_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c], else 0";
            f32x4_less_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c], else 0";
            f64x2_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] are equal, else 0";
            f64x2_not_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if those of V[b] and V[c] differ, else 0";
            f64x2_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] < that of V[c], else 0";
            f64x2_less_equal(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "each lane of V[a] = all ones if that of V[b] <= that of V[c], else 0";
            v128_not(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the bits of V[b] that are 0";
            v128_and(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] & V[c]";
            v128_and_not(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] & ~V[c]";
            v128_or(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] | V[c]";
            v128_xor(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] ^ V[c]";
            v128_select(a: vector_write, b: vector_read, c: vector_read, e: vector_read) flow next list none effects() "V[a] = the bits of V[b] where V[e] has ones, those of V[c] elsewhere";
            v128_any_true(a: number_write, b: vector_read) flow next list none effects() "N[a] = V[b] has a bit";
            i8x16_absolute(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] without signs, in lanes of 8 bits";
            i8x16_negate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = -V[b], in lanes of 8 bits";
            i8x16_count_ones(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the number of one bits of V[b], in lanes of 8 bits";
            i8x16_all_true(a: number_write, b: vector_read) flow next list none effects() "N[a] = no lane of V[b] is 0";
            i8x16_bitmask(a: number_write, b: vector_read) flow next list none effects() "N[a] = the highest bit of each lane of V[b]";
            i8x16_narrow_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lanes of V[b] and V[c], of 16 bits, as the closest signed ones of 8";
            i8x16_narrow_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lanes of V[b] and V[c], of 16 bits, as the closest unsigned ones of 8";
            i8x16_shift_left(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] << N[c], in lanes of 8 bits";
            i8x16_shift_right_signed(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 8 bits";
            i8x16_shift_right_unsigned(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 8 bits";
            i8x16_add(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] + V[c], in lanes of 8 bits";
            i8x16_subtract(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] - V[c], in lanes of 8 bits";
            i8x16_add_saturate_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the signed integers closest to V[b] + V[c], in lanes of 8 bits";
            i8x16_subtract_saturate_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the signed integers closest to V[b] - V[c], in lanes of 8 bits";
            i8x16_add_saturate_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the unsigned integers closest to V[b] + V[c], in lanes of 8 bits";
            i8x16_subtract_saturate_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the unsigned integers closest to V[b] - V[c], in lanes of 8 bits";
            i8x16_average(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the means of V[b] and V[c] (unsigned), rounded up, in lanes of 8 bits";
            i8x16_minimum_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], in lanes of 8 bits";
            i8x16_maximum_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], in lanes of 8 bits";
            i8x16_minimum_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], in lanes of 8 bits";
            i8x16_maximum_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], in lanes of 8 bits";
            i16x8_absolute(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] without signs, in lanes of 16 bits";
            i16x8_negate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = -V[b], in lanes of 16 bits";
            i16x8_all_true(a: number_write, b: vector_read) flow next list none effects() "N[a] = no lane of V[b] is 0";
            i16x8_bitmask(a: number_write, b: vector_read) flow next list none effects() "N[a] = the highest bit of each lane of V[b]";
            i16x8_narrow_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lanes of V[b] and V[c], of 32 bits, as the closest signed ones of 16";
            i16x8_narrow_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lanes of V[b] and V[c], of 32 bits, as the closest unsigned ones of 16";
            i16x8_extend_low_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], of 8 bits, sign-extended to 16";
            i16x8_multiply_low_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the low lanes of V[b] and V[c], of 8 bits, signed, in 16 bits";
            i16x8_extend_low_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], of 8 bits, zero-extended to 16";
            i16x8_multiply_low_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the low lanes of V[b] and V[c], of 8 bits, unsigned, in 16 bits";
            i16x8_extend_high_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the high lanes of V[b], of 8 bits, sign-extended to 16";
            i16x8_multiply_high_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the high lanes of V[b] and V[c], of 8 bits, signed, in 16 bits";
            i16x8_extend_high_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the high lanes of V[b], of 8 bits, zero-extended to 16";
            i16x8_multiply_high_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the high lanes of V[b] and V[c], of 8 bits, unsigned, in 16 bits";
            i16x8_add_pairs_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = sums of two neighbouring lanes of V[b], of 8 bits, signed, in 16 bits";
            i16x8_add_pairs_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = sums of two neighbouring lanes of V[b], of 8 bits, unsigned, in 16 bits";
            i16x8_shift_left(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] << N[c], in lanes of 16 bits";
            i16x8_shift_right_signed(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 16 bits";
            i16x8_shift_right_unsigned(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 16 bits";
            i16x8_add(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] + V[c], in lanes of 16 bits";
            i16x8_subtract(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] - V[c], in lanes of 16 bits";
            i16x8_add_saturate_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the signed integers closest to V[b] + V[c], in lanes of 16 bits";
            i16x8_subtract_saturate_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the signed integers closest to V[b] - V[c], in lanes of 16 bits";
            i16x8_add_saturate_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the unsigned integers closest to V[b] + V[c], in lanes of 16 bits";
            i16x8_subtract_saturate_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the unsigned integers closest to V[b] - V[c], in lanes of 16 bits";
            i16x8_average(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the means of V[b] and V[c] (unsigned), rounded up, in lanes of 16 bits";
            i16x8_multiply(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] * V[c], in lanes of 16 bits";
            i16x8_minimum_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], in lanes of 16 bits";
            i16x8_maximum_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], in lanes of 16 bits";
            i16x8_minimum_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], in lanes of 16 bits";
            i16x8_maximum_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], in lanes of 16 bits";
            i32x4_absolute(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] without signs, in lanes of 32 bits";
            i32x4_negate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = -V[b], in lanes of 32 bits";
            i32x4_all_true(a: number_write, b: vector_read) flow next list none effects() "N[a] = no lane of V[b] is 0";
            i32x4_bitmask(a: number_write, b: vector_read) flow next list none effects() "N[a] = the highest bit of each lane of V[b]";
            i32x4_extend_low_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], of 16 bits, sign-extended to 32";
            i32x4_multiply_low_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the low lanes of V[b] and V[c], of 16 bits, signed, in 32 bits";
            i32x4_extend_low_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], of 16 bits, zero-extended to 32";
            i32x4_multiply_low_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the low lanes of V[b] and V[c], of 16 bits, unsigned, in 32 bits";
            i32x4_extend_high_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the high lanes of V[b], of 16 bits, sign-extended to 32";
            i32x4_multiply_high_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the high lanes of V[b] and V[c], of 16 bits, signed, in 32 bits";
            i32x4_extend_high_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the high lanes of V[b], of 16 bits, zero-extended to 32";
            i32x4_multiply_high_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the high lanes of V[b] and V[c], of 16 bits, unsigned, in 32 bits";
            i32x4_add_pairs_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = sums of two neighbouring lanes of V[b], of 16 bits, signed, in 32 bits";
            i32x4_add_pairs_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = sums of two neighbouring lanes of V[b], of 16 bits, unsigned, in 32 bits";
            i32x4_shift_left(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] << N[c], in lanes of 32 bits";
            i32x4_shift_right_signed(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 32 bits";
            i32x4_shift_right_unsigned(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 32 bits";
            i32x4_add(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] + V[c], in lanes of 32 bits";
            i32x4_subtract(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] - V[c], in lanes of 32 bits";
            i32x4_multiply(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] * V[c], in lanes of 32 bits";
            i32x4_minimum_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], in lanes of 32 bits";
            i32x4_maximum_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], in lanes of 32 bits";
            i32x4_minimum_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], in lanes of 32 bits";
            i32x4_maximum_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], in lanes of 32 bits";
            i64x2_absolute(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] without signs, in lanes of 64 bits";
            i64x2_negate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = -V[b], in lanes of 64 bits";
            i64x2_all_true(a: number_write, b: vector_read) flow next list none effects() "N[a] = no lane of V[b] is 0";
            i64x2_bitmask(a: number_write, b: vector_read) flow next list none effects() "N[a] = the highest bit of each lane of V[b]";
            i64x2_extend_low_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], of 32 bits, sign-extended to 64";
            i64x2_multiply_low_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the low lanes of V[b] and V[c], of 32 bits, signed, in 64 bits";
            i64x2_extend_low_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], of 32 bits, zero-extended to 64";
            i64x2_multiply_low_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the low lanes of V[b] and V[c], of 32 bits, unsigned, in 64 bits";
            i64x2_extend_high_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the high lanes of V[b], of 32 bits, sign-extended to 64";
            i64x2_multiply_high_signed(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the high lanes of V[b] and V[c], of 32 bits, signed, in 64 bits";
            i64x2_extend_high_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the high lanes of V[b], of 32 bits, zero-extended to 64";
            i64x2_multiply_high_unsigned(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the products of the high lanes of V[b] and V[c], of 32 bits, unsigned, in 64 bits";
            i64x2_shift_left(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] << N[c], in lanes of 64 bits";
            i64x2_shift_right_signed(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 64 bits";
            i64x2_shift_right_unsigned(a: vector_write, b: vector_read, c: number_read) flow next list none effects() "V[a] = V[b] >> N[c], in lanes of 64 bits";
            i64x2_add(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] + V[c], in lanes of 64 bits";
            i64x2_subtract(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] - V[c], in lanes of 64 bits";
            i64x2_multiply(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] * V[c], in lanes of 64 bits";
            i16x8_multiply_fraction(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] * V[c] as fractions of 15 bits, rounded and saturated, in lanes of 16 bits";
            i32x4_dot(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = sums of two neighbouring products of lanes of V[b] and V[c], of 16 bits, in 32 bits";
            i16x8_dot(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = sums of two neighbouring products of lanes of V[b] and V[c], of 8 bits, in 16 bits";
            f32x4_ceiling(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded up, in lanes of 32 bits";
            f32x4_floor(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded down, in lanes of 32 bits";
            f32x4_truncate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded toward 0, in lanes of 32 bits";
            f32x4_nearest(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded to the nearest integers, ties to even, in lanes of 32 bits";
            f32x4_absolute(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] without signs, in lanes of 32 bits";
            f32x4_negate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] with the other signs, in lanes of 32 bits";
            f32x4_square_root(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the square roots of V[b], in lanes of 32 bits";
            f32x4_add(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] + V[c], in lanes of 32 bits";
            f32x4_subtract(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] - V[c], in lanes of 32 bits";
            f32x4_multiply(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] * V[c], in lanes of 32 bits";
            f32x4_divide(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] / V[c], in lanes of 32 bits";
            f32x4_minimum(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], NaN if either is, in lanes of 32 bits";
            f32x4_maximum(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], NaN if either is, in lanes of 32 bits";
            f32x4_choose_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[c] if it is less than V[b], else V[b], in lanes of 32 bits";
            f32x4_choose_greater(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[c] if it is greater than V[b], else V[b], in lanes of 32 bits";
            f64x2_ceiling(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded up, in lanes of 64 bits";
            f64x2_floor(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded down, in lanes of 64 bits";
            f64x2_truncate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded toward 0, in lanes of 64 bits";
            f64x2_nearest(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] rounded to the nearest integers, ties to even, in lanes of 64 bits";
            f64x2_absolute(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] without signs, in lanes of 64 bits";
            f64x2_negate(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] with the other signs, in lanes of 64 bits";
            f64x2_square_root(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the square roots of V[b], in lanes of 64 bits";
            f64x2_add(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] + V[c], in lanes of 64 bits";
            f64x2_subtract(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] - V[c], in lanes of 64 bits";
            f64x2_multiply(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] * V[c], in lanes of 64 bits";
            f64x2_divide(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[b] / V[c], in lanes of 64 bits";
            f64x2_minimum(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the lesser of V[b] and V[c], NaN if either is, in lanes of 64 bits";
            f64x2_maximum(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = the greater of V[b] and V[c], NaN if either is, in lanes of 64 bits";
            f64x2_choose_less(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[c] if it is less than V[b], else V[b], in lanes of 64 bits";
            f64x2_choose_greater(a: vector_write, b: vector_read, c: vector_read) flow next list none effects() "V[a] = V[c] if it is greater than V[b], else V[b], in lanes of 64 bits";
            i32x4_saturate_f32x4_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the signed integers closest to V[b], 0 for NaN";
            i32x4_saturate_f64x2_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the signed integers closest to V[b], 0 for NaN, in the low lanes, 0 in the others";
            f32x4_convert_i32x4_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] as floats";
            f64x2_convert_i32x4_signed(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b] as floats";
            i32x4_saturate_f32x4_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the unsigned integers closest to V[b], 0 for NaN";
            i32x4_saturate_f64x2_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the unsigned integers closest to V[b], 0 for NaN, in the low lanes, 0 in the others";
            f32x4_convert_i32x4_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b] as floats";
            f64x2_convert_i32x4_unsigned(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b] as floats";
            f32x4_demote(a: vector_write, b: vector_read) flow next list none effects() "V[a] = V[b], floats of 64 bits, as ones of 32 in the low lanes, 0 in the others";
            f64x2_promote(a: vector_write, b: vector_read) flow next list none effects() "V[a] = the low lanes of V[b], floats of 32 bits, as ones of 64";

            // ---- structures, arrays and types of references ----
            structure_new(a: reference_write, c: list_words, l: structure, g: count, h: count) flow next list arguments effects(allocate) "R[a] = a new structure of type l, whose fields are g numbers and h references in the order of the fields of either kind";
            structure_new_default(a: reference_write, d: structure) flow next list none effects(allocate) "R[a] = a new structure of type d, whose fields are 0 and null";
            structure_get_8_signed(a: number_write, b: reference_read, c: field_8, l: structure, m: field_offset) flow next list none effects(throw) "N[a] = field c of R[b], of type l, at offset m, sign-extended to 32 bits; a trap if it is null";
            structure_get_8(a: number_write, b: reference_read, c: field_8, l: structure, m: field_offset) flow next list none effects(throw) "N[a] = field c of R[b], of type l, at offset m; a trap if it is null";
            structure_get_16_signed(a: number_write, b: reference_read, c: field_16, l: structure, m: field_offset) flow next list none effects(throw) "N[a] = field c of R[b], of type l, at offset m, sign-extended to 32 bits; a trap if it is null";
            structure_get_16(a: number_write, b: reference_read, c: field_16, l: structure, m: field_offset) flow next list none effects(throw) "N[a] = field c of R[b], of type l, at offset m; a trap if it is null";
            structure_get_32(a: number_write, b: reference_read, c: field_32, l: structure, m: field_offset) flow next list none effects(throw) "N[a] = field c of R[b], of type l, at offset m; a trap if it is null";
            structure_get_64(a: number_write, b: reference_read, c: field_64, l: structure, m: field_offset) flow next list none effects(throw) "N[a] = field c of R[b], of type l, at offset m; a trap if it is null";
            structure_get_vector(a: vector_write, b: reference_read, c: field_vector, l: structure, m: field_offset) flow next list none effects(throw) "V[a] = field c of R[b], of type l, at offset m; a trap if it is null";
            structure_get_reference(a: reference_write, b: reference_read, c: field_reference, l: structure, m: field_offset) flow next list none effects(throw) "R[a] = field c of R[b], of type l, at offset m; a trap if it is null";
            structure_set_8(a: reference_read, b: number_read, c: field_8, l: structure, m: field_offset) flow next list none effects(throw) "field c of R[a], of type l, at offset m = N[b]; a trap if it is null";
            structure_set_16(a: reference_read, b: number_read, c: field_16, l: structure, m: field_offset) flow next list none effects(throw) "field c of R[a], of type l, at offset m = N[b]; a trap if it is null";
            structure_set_32(a: reference_read, b: number_read, c: field_32, l: structure, m: field_offset) flow next list none effects(throw) "field c of R[a], of type l, at offset m = N[b]; a trap if it is null";
            structure_set_64(a: reference_read, b: number_read, c: field_64, l: structure, m: field_offset) flow next list none effects(throw) "field c of R[a], of type l, at offset m = N[b]; a trap if it is null";
            structure_set_vector(a: reference_read, b: vector_read, c: field_vector, l: structure, m: field_offset) flow next list none effects(throw) "field c of R[a], of type l, at offset m = V[b]; a trap if it is null";
            structure_set_reference(a: reference_read, b: reference_read, c: field_reference, l: structure, m: field_offset) flow next list none effects(throw) "field c of R[a], of type l, at offset m = R[b]; a trap if it is null";
            array_new(a: reference_write, b: number_read, c: number_read, l: array) flow next list none effects(allocate throw) "R[a] = a new array of type l, with N[c] elements that are N[b]";
            array_new_vector(a: reference_write, b: vector_read, c: number_read, l: array) flow next list none effects(allocate throw) "R[a] = a new array of type l, with N[c] elements that are V[b]";
            array_new_reference(a: reference_write, b: reference_read, c: number_read, l: array) flow next list none effects(allocate throw) "R[a] = a new array of type l, with N[c] elements that are R[b]";
            array_new_default(a: reference_write, b: number_read, l: array) flow next list none effects(allocate throw) "R[a] = a new array of type l, with N[b] elements that are 0 or null";
            array_new_fixed(a: reference_write, c: list_words, l: array, g: count, h: count) flow next list arguments effects(allocate) "R[a] = a new array of type l, whose elements are the g numbers or the h references";
            array_new_data(a: reference_write, b: number_read, c: number_read, l: array, m: data_segment) flow next list none effects(allocate throw) "R[a] = a new array of type l, with N[c] elements from byte N[b] of data segment m on";
            array_new_elements(a: reference_write, b: number_read, c: number_read, l: array, m: element_segment) flow next list none effects(allocate throw) "R[a] = a new array of type l, with N[c] elements, those of element segment m from N[b] on";
            array_get_8_signed(a: number_write, b: reference_read, c: number_read) flow next list none effects(throw) "N[a] = element N[c] of R[b], sign-extended to 32 bits; a trap if it is null";
            array_get_8(a: number_write, b: reference_read, c: number_read) flow next list none effects(throw) "N[a] = element N[c] of R[b]; a trap if it is null";
            array_get_16_signed(a: number_write, b: reference_read, c: number_read) flow next list none effects(throw) "N[a] = element N[c] of R[b], sign-extended to 32 bits; a trap if it is null";
            array_get_16(a: number_write, b: reference_read, c: number_read) flow next list none effects(throw) "N[a] = element N[c] of R[b]; a trap if it is null";
            array_get_32(a: number_write, b: reference_read, c: number_read) flow next list none effects(throw) "N[a] = element N[c] of R[b]; a trap if it is null";
            array_get_64(a: number_write, b: reference_read, c: number_read) flow next list none effects(throw) "N[a] = element N[c] of R[b]; a trap if it is null";
            array_get_vector(a: vector_write, b: reference_read, c: number_read) flow next list none effects(throw) "V[a] = element N[c] of R[b]; a trap if it is null";
            array_get_reference(a: reference_write, b: reference_read, c: number_read) flow next list none effects(throw) "R[a] = element N[c] of R[b]; a trap if it is null";
            array_set_8(a: reference_read, b: number_read, c: number_read) flow next list none effects(throw) "element N[b] of R[a] = N[c]; a trap if it is null";
            array_set_16(a: reference_read, b: number_read, c: number_read) flow next list none effects(throw) "element N[b] of R[a] = N[c]; a trap if it is null";
            array_set_32(a: reference_read, b: number_read, c: number_read) flow next list none effects(throw) "element N[b] of R[a] = N[c]; a trap if it is null";
            array_set_64(a: reference_read, b: number_read, c: number_read) flow next list none effects(throw) "element N[b] of R[a] = N[c]; a trap if it is null";
            array_set_vector(a: reference_read, b: number_read, c: vector_read) flow next list none effects(throw) "element N[b] of R[a] = V[c]; a trap if it is null";
            array_set_reference(a: reference_read, b: number_read, c: reference_read) flow next list none effects(throw) "element N[b] of R[a] = R[c]; a trap if it is null";
            array_length(a: number_write, b: reference_read) flow next list none effects(throw) "N[a] = the number of elements of R[b]; a trap if it is null";
            array_fill(a: reference_read, b: number_read, c: number_read, e: number_read) flow next list none effects(throw poll) "N[e] elements of R[a] from N[b] on = N[c]";
            array_fill_vector(a: reference_read, b: number_read, c: vector_read, e: number_read) flow next list none effects(throw poll) "N[e] elements of R[a] from N[b] on = V[c]";
            array_fill_reference(a: reference_read, b: number_read, c: reference_read, e: number_read) flow next list none effects(throw poll) "N[e] elements of R[a] from N[b] on = R[c]";
            array_copy(a: reference_read, b: number_read, c: reference_read, e: number_read, f: number_read) flow next list none effects(throw poll) "N[f] elements of R[a] from N[b] on = those of R[c] from N[e] on";
            array_initialize_data(a: reference_read, b: number_read, c: number_read, e: number_read, m: data_segment) flow next list none effects(throw poll) "N[e] elements of R[a] from N[b] on = those of data segment m from byte N[c] on";
            array_initialize_elements(a: reference_read, b: number_read, c: number_read, e: number_read, m: element_segment) flow next list none effects(throw poll) "N[e] elements of R[a] from N[b] on = those of element segment m from N[c] on";
            reference_i31(a: reference_write, b: number_read) flow next list none effects() "R[a] = the low 31 bits of N[b]";
            i31_get_signed(a: number_write, b: reference_read) flow next list none effects(throw) "N[a] = R[b], 31 bits sign-extended to 32; a trap if it is null";
            i31_get_unsigned(a: number_write, b: reference_read) flow next list none effects(throw) "N[a] = R[b], 31 bits; a trap if it is null";
            reference_test(a: number_write, b: reference_read, l: heap_type, m: wide_count) flow next list none effects() "N[a] = R[b] is of heap type l, or null and m is 1";
            reference_cast(a: reference_read, l: heap_type, m: wide_count) flow next list none effects(throw) "a trap unless R[a] is of heap type l, or null and m is 1";
            jump_if_type(a: reference_read, d: wide_jump, l: heap_type, m: wide_count) flow branch list none effects() "if R[a] is of heap type l, or null and m is 1, pc += d";
            jump_if_not_type(a: reference_read, d: wide_jump, l: heap_type, m: wide_count) flow branch list none effects() "unless R[a] is of heap type l, or null and m is 1, pc += d";
        }
    };
}
