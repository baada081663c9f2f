//! What each operator becomes.

use super::{
    Translator, WasmError,
    calls::Callee,
    numeric::{Constant, Relation, Width},
    registers::number,
};
use lunette_bytecode::typed::{function::GlobalKind, instruction::Opcode, trap::Trap};
use wasmparser::Operator;

impl Translator<'_> {
    /// Translates an operator, which has been validated. Where control does not come to, only blocks matter.
    pub(super) fn operator(&mut self, operator: &Operator<'_>, offset: u64) -> Result<(), WasmError> {
        if !self.is_reachable && self.skip(operator) {
            return Ok(());
        }
        self.keep_in_reach(0);
        self.live_operator(operator, offset)
    }

    /// Whether an operator that control does not come to needs nothing done.
    fn skip(&mut self, operator: &Operator<'_>) -> bool {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                self.dead_frames += 1;
                true
            }
            Operator::Else => self.dead_frames > 0,
            Operator::End if self.dead_frames > 0 => {
                self.dead_frames -= 1;
                true
            }
            Operator::End => false,
            _ => true,
        }
    }

    fn live_operator(&mut self, operator: &Operator<'_>, offset: u64) -> Result<(), WasmError> {
        match *operator {
            Operator::Nop => {}
            Operator::Unreachable => self.trap(Trap::Unreachable),
            Operator::Block { blockty } => self.block(blockty),
            Operator::Loop { blockty } => self.enter_loop(blockty),
            Operator::If { blockty } => self.enter_if(blockty),
            Operator::Else => self.enter_else(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.branch(relative_depth),
            Operator::BrIf { relative_depth } => self.branch_if(relative_depth),
            Operator::BrTable { ref targets } => self.branch_table(targets)?,
            Operator::BrOnNull { relative_depth } => self.branch_on_null(relative_depth, true),
            Operator::BrOnNonNull { relative_depth } => self.branch_on_null(relative_depth, false),
            Operator::Return => self.leave(),
            Operator::Call { function_index } => self.call(Callee::Function(function_index)),
            Operator::CallIndirect { type_index, table_index } => {
                self.call(Callee::Element { kind: type_index, table: table_index });
            }
            Operator::CallRef { type_index } => self.call(Callee::Reference(type_index)),
            Operator::ReturnCall { function_index } => self.tail_call(Callee::Function(function_index)),
            Operator::ReturnCallIndirect { type_index, table_index } => {
                self.tail_call(Callee::Element { kind: type_index, table: table_index });
            }
            Operator::ReturnCallRef { type_index } => self.tail_call(Callee::Reference(type_index)),
            Operator::Drop => {
                self.stack.pop();
            }
            Operator::Select | Operator::TypedSelect { .. } => self.select(),
            Operator::LocalGet { local_index } => self.get_local(local_index),
            Operator::LocalSet { local_index } => self.set_local(local_index, false),
            Operator::LocalTee { local_index } => self.set_local(local_index, true),
            Operator::GlobalGet { global_index } => self.get_global(global_index),
            Operator::GlobalSet { global_index } => self.set_global(global_index),
            Operator::I32Const { value } => self.constant(u64::from(value as u32)),
            Operator::I64Const { value } => self.constant(value as u64),
            Operator::F32Const { value } => self.constant(value.bits().into()),
            Operator::F64Const { value } => self.constant(value.bits()),
            Operator::V128Const { value } => {
                let bits = u128::from_le_bytes(*value.bytes());
                let home = self.push_home(GlobalKind::Vector);
                self.code.abc(Opcode::load_vector, number(home), 0, 0);
                self.code.literal(bits as u64);
                self.code.literal((bits >> 64) as u64);
            }
            Operator::I32Load { memarg } => self.load_memory(Opcode::load_32, GlobalKind::Number, memarg),
            Operator::I64Load { memarg } => self.load_memory(Opcode::load_64, GlobalKind::Number, memarg),
            Operator::F32Load { memarg } => self.load_memory(Opcode::load_32, GlobalKind::Number, memarg),
            Operator::F64Load { memarg } => self.load_memory(Opcode::load_64, GlobalKind::Number, memarg),
            Operator::I32Load8S { memarg } => self.load_memory(Opcode::load_8_signed_32, GlobalKind::Number, memarg),
            Operator::I32Load8U { memarg } => self.load_memory(Opcode::load_8, GlobalKind::Number, memarg),
            Operator::I32Load16S { memarg } => self.load_memory(Opcode::load_16_signed_32, GlobalKind::Number, memarg),
            Operator::I32Load16U { memarg } => self.load_memory(Opcode::load_16, GlobalKind::Number, memarg),
            Operator::I64Load8S { memarg } => self.load_memory(Opcode::load_8_signed_64, GlobalKind::Number, memarg),
            Operator::I64Load8U { memarg } => self.load_memory(Opcode::load_8, GlobalKind::Number, memarg),
            Operator::I64Load16S { memarg } => self.load_memory(Opcode::load_16_signed_64, GlobalKind::Number, memarg),
            Operator::I64Load16U { memarg } => self.load_memory(Opcode::load_16, GlobalKind::Number, memarg),
            Operator::I64Load32S { memarg } => self.load_memory(Opcode::load_32_signed_64, GlobalKind::Number, memarg),
            Operator::I64Load32U { memarg } => self.load_memory(Opcode::load_32, GlobalKind::Number, memarg),
            Operator::V128Load { memarg } => self.load_memory(Opcode::load_128, GlobalKind::Vector, memarg),
            Operator::I32Store { memarg } => self.store_memory(Opcode::store_32, memarg),
            Operator::I64Store { memarg } => self.store_memory(Opcode::store_64, memarg),
            Operator::F32Store { memarg } => self.store_memory(Opcode::store_32, memarg),
            Operator::F64Store { memarg } => self.store_memory(Opcode::store_64, memarg),
            Operator::I32Store8 { memarg } => self.store_memory(Opcode::store_8, memarg),
            Operator::I32Store16 { memarg } => self.store_memory(Opcode::store_16, memarg),
            Operator::I64Store8 { memarg } => self.store_memory(Opcode::store_8, memarg),
            Operator::I64Store16 { memarg } => self.store_memory(Opcode::store_16, memarg),
            Operator::I64Store32 { memarg } => self.store_memory(Opcode::store_32, memarg),
            Operator::V128Store { memarg } => self.store_memory(Opcode::store_128, memarg),
            Operator::MemorySize { mem } => self.get(Opcode::memory_size, GlobalKind::Number, mem),
            Operator::MemoryGrow { mem } => self.grow_memory(mem),
            Operator::MemoryFill { mem } => self.bulk(Opcode::memory_fill, mem, 0),
            Operator::MemoryCopy { dst_mem, src_mem } => self.bulk(Opcode::memory_copy, dst_mem, src_mem),
            Operator::MemoryInit { data_index, mem } => self.bulk(Opcode::memory_initialize, mem, data_index),
            Operator::DataDrop { data_index } => self.code.ad(Opcode::drop_data, 0, data_index),
            Operator::TableGet { table } => self.get_table(table),
            Operator::TableSet { table } => self.set_table(table),
            Operator::TableSize { table } => self.get(Opcode::table_size, GlobalKind::Number, table),
            Operator::TableGrow { table } => self.grow_table(table),
            Operator::TableFill { table } => self.bulk(Opcode::table_fill, table, 0),
            Operator::TableCopy { dst_table, src_table } => self.bulk(Opcode::table_copy, dst_table, src_table),
            Operator::TableInit { elem_index, table } => self.bulk(Opcode::table_initialize, table, elem_index),
            Operator::ElemDrop { elem_index } => self.code.ad(Opcode::drop_elements, 0, elem_index),
            Operator::RefNull { .. } => self.null(),
            Operator::RefFunc { function_index } => {
                self.get(Opcode::reference_function, GlobalKind::Reference, function_index);
            }
            Operator::RefIsNull => self.is_null(),
            Operator::RefEq => self.are_same(),
            Operator::RefAsNonNull => self.check_non_null(),
            Operator::I32Add => self.integer(Width::I32, Opcode::i32_add, Constant::Either(Opcode::i32_add_constant)),
            Operator::I32Sub => {
                self.integer(Width::I32, Opcode::i32_subtract, Constant::Negated(Opcode::i32_add_constant))
            }
            Operator::I32Mul => {
                self.integer(Width::I32, Opcode::i32_multiply, Constant::Either(Opcode::i32_multiply_constant))
            }
            Operator::I32DivS => self.integer(Width::I32, Opcode::i32_divide_signed, Constant::None),
            Operator::I32DivU => self.integer(Width::I32, Opcode::i32_divide_unsigned, Constant::None),
            Operator::I32RemS => self.integer(Width::I32, Opcode::i32_remainder_signed, Constant::None),
            Operator::I32RemU => self.integer(Width::I32, Opcode::i32_remainder_unsigned, Constant::None),
            Operator::I32And => self.integer(Width::I32, Opcode::i32_and, Constant::Either(Opcode::i32_and_constant)),
            Operator::I32Or => self.integer(Width::I32, Opcode::i32_or, Constant::Either(Opcode::i32_or_constant)),
            Operator::I32Xor => self.integer(Width::I32, Opcode::i32_xor, Constant::Either(Opcode::i32_xor_constant)),
            Operator::I32Shl => {
                self.integer(Width::I32, Opcode::i32_shift_left, Constant::Count(Opcode::i32_shift_left_constant))
            }
            Operator::I32ShrS => self.integer(
                Width::I32,
                Opcode::i32_shift_right_signed,
                Constant::Count(Opcode::i32_shift_right_signed_constant),
            ),
            Operator::I32ShrU => self.integer(
                Width::I32,
                Opcode::i32_shift_right_unsigned,
                Constant::Count(Opcode::i32_shift_right_unsigned_constant),
            ),
            Operator::I32Rotl => {
                self.integer(Width::I32, Opcode::i32_rotate_left, Constant::Count(Opcode::i32_rotate_left_constant))
            }
            Operator::I32Rotr => self.integer(
                Width::I32,
                Opcode::i32_rotate_right,
                Constant::OtherCount(Opcode::i32_rotate_left_constant),
            ),
            Operator::I32Eq => self.compare(Width::I32, Relation::Equal),
            Operator::I32Ne => self.compare(Width::I32, Relation::NotEqual),
            Operator::I32LtS => self.compare(Width::I32, Relation::Less),
            Operator::I32LtU => self.compare(Width::I32, Relation::Below),
            Operator::I32GtS => self.compare(Width::I32, Relation::Greater),
            Operator::I32GtU => self.compare(Width::I32, Relation::Above),
            Operator::I32LeS => self.compare(Width::I32, Relation::LessEqual),
            Operator::I32LeU => self.compare(Width::I32, Relation::BelowEqual),
            Operator::I32GeS => self.compare(Width::I32, Relation::GreaterEqual),
            Operator::I32GeU => self.compare(Width::I32, Relation::AboveEqual),
            Operator::I32Eqz => self.is_zero(Width::I32),
            Operator::I64Add => self.integer(Width::I64, Opcode::i64_add, Constant::Either(Opcode::i64_add_constant)),
            Operator::I64Sub => {
                self.integer(Width::I64, Opcode::i64_subtract, Constant::Negated(Opcode::i64_add_constant))
            }
            Operator::I64Mul => {
                self.integer(Width::I64, Opcode::i64_multiply, Constant::Either(Opcode::i64_multiply_constant))
            }
            Operator::I64DivS => self.integer(Width::I64, Opcode::i64_divide_signed, Constant::None),
            Operator::I64DivU => self.integer(Width::I64, Opcode::i64_divide_unsigned, Constant::None),
            Operator::I64RemS => self.integer(Width::I64, Opcode::i64_remainder_signed, Constant::None),
            Operator::I64RemU => self.integer(Width::I64, Opcode::i64_remainder_unsigned, Constant::None),
            Operator::I64And => self.integer(Width::I64, Opcode::i64_and, Constant::Either(Opcode::i64_and_constant)),
            Operator::I64Or => self.integer(Width::I64, Opcode::i64_or, Constant::Either(Opcode::i64_or_constant)),
            Operator::I64Xor => self.integer(Width::I64, Opcode::i64_xor, Constant::Either(Opcode::i64_xor_constant)),
            Operator::I64Shl => {
                self.integer(Width::I64, Opcode::i64_shift_left, Constant::Count(Opcode::i64_shift_left_constant))
            }
            Operator::I64ShrS => self.integer(
                Width::I64,
                Opcode::i64_shift_right_signed,
                Constant::Count(Opcode::i64_shift_right_signed_constant),
            ),
            Operator::I64ShrU => self.integer(
                Width::I64,
                Opcode::i64_shift_right_unsigned,
                Constant::Count(Opcode::i64_shift_right_unsigned_constant),
            ),
            Operator::I64Rotl => {
                self.integer(Width::I64, Opcode::i64_rotate_left, Constant::Count(Opcode::i64_rotate_left_constant))
            }
            Operator::I64Rotr => self.integer(
                Width::I64,
                Opcode::i64_rotate_right,
                Constant::OtherCount(Opcode::i64_rotate_left_constant),
            ),
            Operator::I64Eq => self.compare(Width::I64, Relation::Equal),
            Operator::I64Ne => self.compare(Width::I64, Relation::NotEqual),
            Operator::I64LtS => self.compare(Width::I64, Relation::Less),
            Operator::I64LtU => self.compare(Width::I64, Relation::Below),
            Operator::I64GtS => self.compare(Width::I64, Relation::Greater),
            Operator::I64GtU => self.compare(Width::I64, Relation::Above),
            Operator::I64LeS => self.compare(Width::I64, Relation::LessEqual),
            Operator::I64LeU => self.compare(Width::I64, Relation::BelowEqual),
            Operator::I64GeS => self.compare(Width::I64, Relation::GreaterEqual),
            Operator::I64GeU => self.compare(Width::I64, Relation::AboveEqual),
            Operator::I64Eqz => self.is_zero(Width::I64),
            Operator::F32Add => self.binary(Opcode::f32_add),
            Operator::F32Sub => self.binary(Opcode::f32_subtract),
            Operator::F32Mul => self.binary(Opcode::f32_multiply),
            Operator::F32Div => self.binary(Opcode::f32_divide),
            Operator::F32Min => self.binary(Opcode::f32_minimum),
            Operator::F32Max => self.binary(Opcode::f32_maximum),
            Operator::F32Copysign => self.binary(Opcode::f32_copy_sign),
            Operator::F32Eq => self.binary(Opcode::f32_equal),
            Operator::F32Ne => self.binary(Opcode::f32_not_equal),
            Operator::F32Lt => self.binary(Opcode::f32_less),
            Operator::F32Le => self.binary(Opcode::f32_less_equal),
            Operator::F32Gt => self.binary_swapped(Opcode::f32_less),
            Operator::F32Ge => self.binary_swapped(Opcode::f32_less_equal),
            Operator::F64Add => self.binary(Opcode::f64_add),
            Operator::F64Sub => self.binary(Opcode::f64_subtract),
            Operator::F64Mul => self.binary(Opcode::f64_multiply),
            Operator::F64Div => self.binary(Opcode::f64_divide),
            Operator::F64Min => self.binary(Opcode::f64_minimum),
            Operator::F64Max => self.binary(Opcode::f64_maximum),
            Operator::F64Copysign => self.binary(Opcode::f64_copy_sign),
            Operator::F64Eq => self.binary(Opcode::f64_equal),
            Operator::F64Ne => self.binary(Opcode::f64_not_equal),
            Operator::F64Lt => self.binary(Opcode::f64_less),
            Operator::F64Le => self.binary(Opcode::f64_less_equal),
            Operator::F64Gt => self.binary_swapped(Opcode::f64_less),
            Operator::F64Ge => self.binary_swapped(Opcode::f64_less_equal),
            Operator::I32Clz => self.unary_low(Opcode::i32_count_leading_zeros),
            Operator::I32Ctz => self.unary_low(Opcode::i32_count_trailing_zeros),
            Operator::I32Popcnt => self.unary_low(Opcode::i32_count_ones),
            Operator::I64Clz => self.unary(Opcode::i64_count_leading_zeros),
            Operator::I64Ctz => self.unary(Opcode::i64_count_trailing_zeros),
            Operator::I64Popcnt => self.unary(Opcode::i64_count_ones),
            Operator::I32Extend8S => self.unary_low(Opcode::i32_extend_8),
            Operator::I32Extend16S => self.unary_low(Opcode::i32_extend_16),
            Operator::I64Extend8S => self.unary_low(Opcode::i64_extend_8),
            Operator::I64Extend16S => self.unary_low(Opcode::i64_extend_16),
            Operator::I64Extend32S => self.unary_low(Opcode::i64_extend_32),
            Operator::I64ExtendI32S => self.unary_low(Opcode::i64_extend_32),
            Operator::I32WrapI64 => self.unary(Opcode::i32_wrap),
            Operator::F32DemoteF64 => self.unary(Opcode::f32_demote),
            Operator::F64PromoteF32 => self.unary(Opcode::f64_promote),
            Operator::F32Abs => self.unary(Opcode::f32_absolute),
            Operator::F32Neg => self.unary(Opcode::f32_negate),
            Operator::F32Ceil => self.unary(Opcode::f32_ceiling),
            Operator::F32Floor => self.unary(Opcode::f32_floor),
            Operator::F32Trunc => self.unary(Opcode::f32_truncate),
            Operator::F32Nearest => self.unary(Opcode::f32_nearest),
            Operator::F32Sqrt => self.unary(Opcode::f32_square_root),
            Operator::I32TruncF32S => self.unary(Opcode::i32_truncate_f32_signed),
            Operator::I32TruncSatF32S => self.unary(Opcode::i32_saturate_f32_signed),
            Operator::F32ConvertI32S => self.unary_low(Opcode::f32_convert_i32_signed),
            Operator::I32TruncF32U => self.unary(Opcode::i32_truncate_f32_unsigned),
            Operator::I32TruncSatF32U => self.unary(Opcode::i32_saturate_f32_unsigned),
            Operator::F32ConvertI32U => self.unary_low(Opcode::f32_convert_i32_unsigned),
            Operator::I64TruncF32S => self.unary(Opcode::i64_truncate_f32_signed),
            Operator::I64TruncSatF32S => self.unary(Opcode::i64_saturate_f32_signed),
            Operator::F32ConvertI64S => self.unary(Opcode::f32_convert_i64_signed),
            Operator::I64TruncF32U => self.unary(Opcode::i64_truncate_f32_unsigned),
            Operator::I64TruncSatF32U => self.unary(Opcode::i64_saturate_f32_unsigned),
            Operator::F32ConvertI64U => self.unary(Opcode::f32_convert_i64_unsigned),
            Operator::F64Abs => self.unary(Opcode::f64_absolute),
            Operator::F64Neg => self.unary(Opcode::f64_negate),
            Operator::F64Ceil => self.unary(Opcode::f64_ceiling),
            Operator::F64Floor => self.unary(Opcode::f64_floor),
            Operator::F64Trunc => self.unary(Opcode::f64_truncate),
            Operator::F64Nearest => self.unary(Opcode::f64_nearest),
            Operator::F64Sqrt => self.unary(Opcode::f64_square_root),
            Operator::I32TruncF64S => self.unary(Opcode::i32_truncate_f64_signed),
            Operator::I32TruncSatF64S => self.unary(Opcode::i32_saturate_f64_signed),
            Operator::F64ConvertI32S => self.unary_low(Opcode::f64_convert_i32_signed),
            Operator::I32TruncF64U => self.unary(Opcode::i32_truncate_f64_unsigned),
            Operator::I32TruncSatF64U => self.unary(Opcode::i32_saturate_f64_unsigned),
            Operator::F64ConvertI32U => self.unary_low(Opcode::f64_convert_i32_unsigned),
            Operator::I64TruncF64S => self.unary(Opcode::i64_truncate_f64_signed),
            Operator::I64TruncSatF64S => self.unary(Opcode::i64_saturate_f64_signed),
            Operator::F64ConvertI64S => self.unary(Opcode::f64_convert_i64_signed),
            Operator::I64TruncF64U => self.unary(Opcode::i64_truncate_f64_unsigned),
            Operator::I64TruncSatF64U => self.unary(Opcode::i64_saturate_f64_unsigned),
            Operator::F64ConvertI64U => self.unary(Opcode::f64_convert_i64_unsigned),
            // Registers hold bits, and those of 32 bits have no others above.
            Operator::I64ExtendI32U
            | Operator::I32ReinterpretF32
            | Operator::I64ReinterpretF64
            | Operator::F32ReinterpretI32
            | Operator::F64ReinterpretI64 => {}
            _ => return Err(WasmError::Unsupported { offset, what: "instruction" }),
        }
        Ok(())
    }
}
