//! Chances that compiled code takes in chaos, by which tests find exits that are wrong although nothing leads there but rarely.
//! They come from a generator in the machine, so that runs are the same.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, condcodes::IntCC, types};
use cranelift_frontend::FunctionBuilder;
use lunette_interpreter::typed::native::layout;

/// One chance in 2 to the power of this is taken.
const RARITY: i64 = 5;

/// Whether the next chance is taken; the machine's address is known.
pub(crate) fn is_due(builder: &mut FunctionBuilder<'_>, machine: Value) -> Value {
    let flags = MemFlagsData::trusted();
    let state = builder.ins().load(types::I32, flags, machine, layout::CHANCE);
    // A linear congruential generator, whose high bits are good enough.
    let state = builder.ins().imul_imm_s(state, 1_664_525);
    let state = builder.ins().iadd_imm_s(state, 1_013_904_223);
    builder.ins().store(flags, state, machine, layout::CHANCE);
    let high = builder.ins().ushr_imm_u(state, 32 - RARITY);
    builder.ins().icmp_imm_s(IntCC::Equal, high, 0)
}
