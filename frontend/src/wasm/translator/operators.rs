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
            Operator::TryTable { ref try_table } => self.enter_try(try_table),
            Operator::Throw { tag_index } => self.throw(tag_index),
            Operator::ThrowRef => self.throw_reference(),
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
            Operator::StructNew { struct_type_index } => self.new_structure(struct_type_index),
            Operator::StructNewDefault { struct_type_index } => {
                self.get(Opcode::structure_new_default, GlobalKind::Reference, struct_type_index);
            }
            Operator::StructGet { struct_type_index, field_index }
            | Operator::StructGetU { struct_type_index, field_index } => {
                self.get_field(struct_type_index, field_index, false);
            }
            Operator::StructGetS { struct_type_index, field_index } => {
                self.get_field(struct_type_index, field_index, true);
            }
            Operator::StructSet { struct_type_index, field_index } => self.set_field(struct_type_index, field_index),
            Operator::ArrayNew { array_type_index } => self.new_array(array_type_index),
            Operator::ArrayNewDefault { array_type_index } => self.new_default_array(array_type_index),
            Operator::ArrayNewFixed { array_type_index, array_size } => {
                self.new_fixed_array(array_type_index, array_size);
            }
            Operator::ArrayNewData { array_type_index, array_data_index } => {
                self.new_array_from(Opcode::array_new_data, array_type_index, array_data_index);
            }
            Operator::ArrayNewElem { array_type_index, array_elem_index } => {
                self.new_array_from(Opcode::array_new_elements, array_type_index, array_elem_index);
            }
            Operator::ArrayGet { array_type_index } | Operator::ArrayGetU { array_type_index } => {
                self.get_element(array_type_index, false);
            }
            Operator::ArrayGetS { array_type_index } => self.get_element(array_type_index, true),
            Operator::ArraySet { array_type_index } => self.set_element(array_type_index),
            Operator::ArrayLen => self.number_of_reference(Opcode::array_length),
            Operator::ArrayFill { array_type_index } => self.fill_array(array_type_index),
            Operator::ArrayCopy { .. } => self.copy_array(),
            Operator::ArrayInitData { array_data_index, .. } => {
                self.initialize_array(Opcode::array_initialize_data, array_data_index);
            }
            Operator::ArrayInitElem { array_elem_index, .. } => {
                self.initialize_array(Opcode::array_initialize_elements, array_elem_index);
            }
            Operator::RefI31 => self.new_i31(),
            Operator::I31GetS => self.number_of_reference(Opcode::i31_get_signed),
            Operator::I31GetU => self.number_of_reference(Opcode::i31_get_unsigned),
            Operator::RefTestNonNull { hty } => self.test_type(hty, false, offset)?,
            Operator::RefTestNullable { hty } => self.test_type(hty, true, offset)?,
            Operator::RefCastNonNull { hty } => self.cast(hty, false, offset)?,
            Operator::RefCastNullable { hty } => self.cast(hty, true, offset)?,
            Operator::BrOnCast { relative_depth, to_ref_type, .. } => {
                self.branch_on_cast(relative_depth, to_ref_type, false, offset)?;
            }
            Operator::BrOnCastFail { relative_depth, to_ref_type, .. } => {
                self.branch_on_cast(relative_depth, to_ref_type, true, offset)?;
            }
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
            // ---- vectors ----
            Operator::V128Load8x8S { memarg } => self.load_memory(Opcode::load_8x8_signed, GlobalKind::Vector, memarg),
            Operator::V128Load8x8U { memarg } => {
                self.load_memory(Opcode::load_8x8_unsigned, GlobalKind::Vector, memarg)
            }
            Operator::V128Load16x4S { memarg } => {
                self.load_memory(Opcode::load_16x4_signed, GlobalKind::Vector, memarg)
            }
            Operator::V128Load16x4U { memarg } => {
                self.load_memory(Opcode::load_16x4_unsigned, GlobalKind::Vector, memarg)
            }
            Operator::V128Load32x2S { memarg } => {
                self.load_memory(Opcode::load_32x2_signed, GlobalKind::Vector, memarg)
            }
            Operator::V128Load32x2U { memarg } => {
                self.load_memory(Opcode::load_32x2_unsigned, GlobalKind::Vector, memarg)
            }
            Operator::V128Load8Splat { memarg } => self.load_memory(Opcode::load_8_splat, GlobalKind::Vector, memarg),
            Operator::V128Load16Splat { memarg } => self.load_memory(Opcode::load_16_splat, GlobalKind::Vector, memarg),
            Operator::V128Load32Splat { memarg } => self.load_memory(Opcode::load_32_splat, GlobalKind::Vector, memarg),
            Operator::V128Load64Splat { memarg } => self.load_memory(Opcode::load_64_splat, GlobalKind::Vector, memarg),
            Operator::V128Load32Zero { memarg } => self.load_memory(Opcode::load_32_zero, GlobalKind::Vector, memarg),
            Operator::V128Load64Zero { memarg } => self.load_memory(Opcode::load_64_zero, GlobalKind::Vector, memarg),
            Operator::V128Load8Lane { memarg, lane } => self.load_lane(Opcode::load_8_lane, memarg, lane),
            Operator::V128Load16Lane { memarg, lane } => self.load_lane(Opcode::load_16_lane, memarg, lane),
            Operator::V128Load32Lane { memarg, lane } => self.load_lane(Opcode::load_32_lane, memarg, lane),
            Operator::V128Load64Lane { memarg, lane } => self.load_lane(Opcode::load_64_lane, memarg, lane),
            Operator::V128Store8Lane { memarg, lane } => self.store_lane(Opcode::store_8_lane, memarg, lane),
            Operator::V128Store16Lane { memarg, lane } => self.store_lane(Opcode::store_16_lane, memarg, lane),
            Operator::V128Store32Lane { memarg, lane } => self.store_lane(Opcode::store_32_lane, memarg, lane),
            Operator::V128Store64Lane { memarg, lane } => self.store_lane(Opcode::store_64_lane, memarg, lane),
            Operator::I8x16Shuffle { lanes } => self.shuffle(lanes),
            Operator::I8x16Swizzle => self.vector_binary(Opcode::i8x16_swizzle),
            Operator::I8x16RelaxedSwizzle => self.vector_binary(Opcode::i8x16_swizzle),
            Operator::I8x16ExtractLaneS { lane } => self.extract_lane(Opcode::i8x16_extract_lane_signed, lane),
            Operator::I8x16ExtractLaneU { lane } => self.extract_lane(Opcode::i8x16_extract_lane_unsigned, lane),
            Operator::I16x8ExtractLaneS { lane } => self.extract_lane(Opcode::i16x8_extract_lane_signed, lane),
            Operator::I16x8ExtractLaneU { lane } => self.extract_lane(Opcode::i16x8_extract_lane_unsigned, lane),
            Operator::I32x4ExtractLane { lane } => self.extract_lane(Opcode::i32x4_extract_lane, lane),
            Operator::F32x4ExtractLane { lane } => self.extract_lane(Opcode::i32x4_extract_lane, lane),
            Operator::I64x2ExtractLane { lane } => self.extract_lane(Opcode::i64x2_extract_lane, lane),
            Operator::F64x2ExtractLane { lane } => self.extract_lane(Opcode::i64x2_extract_lane, lane),
            Operator::I8x16ReplaceLane { lane } => self.replace_lane(Opcode::i8x16_replace_lane, lane),
            Operator::I16x8ReplaceLane { lane } => self.replace_lane(Opcode::i16x8_replace_lane, lane),
            Operator::I32x4ReplaceLane { lane } => self.replace_lane(Opcode::i32x4_replace_lane, lane),
            Operator::F32x4ReplaceLane { lane } => self.replace_lane(Opcode::i32x4_replace_lane, lane),
            Operator::I64x2ReplaceLane { lane } => self.replace_lane(Opcode::i64x2_replace_lane, lane),
            Operator::F64x2ReplaceLane { lane } => self.replace_lane(Opcode::i64x2_replace_lane, lane),
            Operator::I8x16Splat => self.splat(Opcode::i8x16_splat),
            Operator::I16x8Splat => self.splat(Opcode::i16x8_splat),
            Operator::I32x4Splat => self.splat(Opcode::i32x4_splat),
            Operator::F32x4Splat => self.splat(Opcode::i32x4_splat),
            Operator::I64x2Splat => self.splat(Opcode::i64x2_splat),
            Operator::F64x2Splat => self.splat(Opcode::i64x2_splat),
            Operator::I8x16Eq => self.vector_binary(Opcode::i8x16_equal),
            Operator::I8x16Ne => self.vector_binary(Opcode::i8x16_not_equal),
            Operator::I8x16LtS => self.vector_binary(Opcode::i8x16_less),
            Operator::I8x16GtS => self.vector_binary_swapped(Opcode::i8x16_less),
            Operator::I8x16LeS => self.vector_binary(Opcode::i8x16_less_equal),
            Operator::I8x16GeS => self.vector_binary_swapped(Opcode::i8x16_less_equal),
            Operator::I8x16LtU => self.vector_binary(Opcode::i8x16_below),
            Operator::I8x16GtU => self.vector_binary_swapped(Opcode::i8x16_below),
            Operator::I8x16LeU => self.vector_binary(Opcode::i8x16_below_equal),
            Operator::I8x16GeU => self.vector_binary_swapped(Opcode::i8x16_below_equal),
            Operator::I16x8Eq => self.vector_binary(Opcode::i16x8_equal),
            Operator::I16x8Ne => self.vector_binary(Opcode::i16x8_not_equal),
            Operator::I16x8LtS => self.vector_binary(Opcode::i16x8_less),
            Operator::I16x8GtS => self.vector_binary_swapped(Opcode::i16x8_less),
            Operator::I16x8LeS => self.vector_binary(Opcode::i16x8_less_equal),
            Operator::I16x8GeS => self.vector_binary_swapped(Opcode::i16x8_less_equal),
            Operator::I16x8LtU => self.vector_binary(Opcode::i16x8_below),
            Operator::I16x8GtU => self.vector_binary_swapped(Opcode::i16x8_below),
            Operator::I16x8LeU => self.vector_binary(Opcode::i16x8_below_equal),
            Operator::I16x8GeU => self.vector_binary_swapped(Opcode::i16x8_below_equal),
            Operator::I32x4Eq => self.vector_binary(Opcode::i32x4_equal),
            Operator::I32x4Ne => self.vector_binary(Opcode::i32x4_not_equal),
            Operator::I32x4LtS => self.vector_binary(Opcode::i32x4_less),
            Operator::I32x4GtS => self.vector_binary_swapped(Opcode::i32x4_less),
            Operator::I32x4LeS => self.vector_binary(Opcode::i32x4_less_equal),
            Operator::I32x4GeS => self.vector_binary_swapped(Opcode::i32x4_less_equal),
            Operator::I32x4LtU => self.vector_binary(Opcode::i32x4_below),
            Operator::I32x4GtU => self.vector_binary_swapped(Opcode::i32x4_below),
            Operator::I32x4LeU => self.vector_binary(Opcode::i32x4_below_equal),
            Operator::I32x4GeU => self.vector_binary_swapped(Opcode::i32x4_below_equal),
            Operator::I64x2Eq => self.vector_binary(Opcode::i64x2_equal),
            Operator::I64x2Ne => self.vector_binary(Opcode::i64x2_not_equal),
            Operator::I64x2LtS => self.vector_binary(Opcode::i64x2_less),
            Operator::I64x2GtS => self.vector_binary_swapped(Opcode::i64x2_less),
            Operator::I64x2LeS => self.vector_binary(Opcode::i64x2_less_equal),
            Operator::I64x2GeS => self.vector_binary_swapped(Opcode::i64x2_less_equal),
            Operator::F32x4Eq => self.vector_binary(Opcode::f32x4_equal),
            Operator::F32x4Ne => self.vector_binary(Opcode::f32x4_not_equal),
            Operator::F32x4Lt => self.vector_binary(Opcode::f32x4_less),
            Operator::F32x4Gt => self.vector_binary_swapped(Opcode::f32x4_less),
            Operator::F32x4Le => self.vector_binary(Opcode::f32x4_less_equal),
            Operator::F32x4Ge => self.vector_binary_swapped(Opcode::f32x4_less_equal),
            Operator::F64x2Eq => self.vector_binary(Opcode::f64x2_equal),
            Operator::F64x2Ne => self.vector_binary(Opcode::f64x2_not_equal),
            Operator::F64x2Lt => self.vector_binary(Opcode::f64x2_less),
            Operator::F64x2Gt => self.vector_binary_swapped(Opcode::f64x2_less),
            Operator::F64x2Le => self.vector_binary(Opcode::f64x2_less_equal),
            Operator::F64x2Ge => self.vector_binary_swapped(Opcode::f64x2_less_equal),
            Operator::V128Not => self.vector_unary(Opcode::v128_not),
            Operator::V128And => self.vector_binary(Opcode::v128_and),
            Operator::V128AndNot => self.vector_binary(Opcode::v128_and_not),
            Operator::V128Or => self.vector_binary(Opcode::v128_or),
            Operator::V128Xor => self.vector_binary(Opcode::v128_xor),
            Operator::V128Bitselect
            | Operator::I8x16RelaxedLaneselect
            | Operator::I16x8RelaxedLaneselect
            | Operator::I32x4RelaxedLaneselect
            | Operator::I64x2RelaxedLaneselect => self.vector_select(),
            Operator::V128AnyTrue => self.vector_test(Opcode::v128_any_true),
            Operator::I8x16Abs => self.vector_unary(Opcode::i8x16_absolute),
            Operator::I8x16Neg => self.vector_unary(Opcode::i8x16_negate),
            Operator::I8x16Popcnt => self.vector_unary(Opcode::i8x16_count_ones),
            Operator::I8x16AllTrue => self.vector_test(Opcode::i8x16_all_true),
            Operator::I8x16Bitmask => self.vector_test(Opcode::i8x16_bitmask),
            Operator::I8x16NarrowI16x8S => self.vector_binary(Opcode::i8x16_narrow_signed),
            Operator::I8x16NarrowI16x8U => self.vector_binary(Opcode::i8x16_narrow_unsigned),
            Operator::I8x16Shl => self.vector_shift(Opcode::i8x16_shift_left),
            Operator::I8x16ShrS => self.vector_shift(Opcode::i8x16_shift_right_signed),
            Operator::I8x16ShrU => self.vector_shift(Opcode::i8x16_shift_right_unsigned),
            Operator::I8x16Add => self.vector_binary(Opcode::i8x16_add),
            Operator::I8x16Sub => self.vector_binary(Opcode::i8x16_subtract),
            Operator::I8x16AddSatS => self.vector_binary(Opcode::i8x16_add_saturate_signed),
            Operator::I8x16SubSatS => self.vector_binary(Opcode::i8x16_subtract_saturate_signed),
            Operator::I8x16AddSatU => self.vector_binary(Opcode::i8x16_add_saturate_unsigned),
            Operator::I8x16SubSatU => self.vector_binary(Opcode::i8x16_subtract_saturate_unsigned),
            Operator::I8x16AvgrU => self.vector_binary(Opcode::i8x16_average),
            Operator::I8x16MinS => self.vector_binary(Opcode::i8x16_minimum_signed),
            Operator::I8x16MaxS => self.vector_binary(Opcode::i8x16_maximum_signed),
            Operator::I8x16MinU => self.vector_binary(Opcode::i8x16_minimum_unsigned),
            Operator::I8x16MaxU => self.vector_binary(Opcode::i8x16_maximum_unsigned),
            Operator::I16x8Abs => self.vector_unary(Opcode::i16x8_absolute),
            Operator::I16x8Neg => self.vector_unary(Opcode::i16x8_negate),
            Operator::I16x8AllTrue => self.vector_test(Opcode::i16x8_all_true),
            Operator::I16x8Bitmask => self.vector_test(Opcode::i16x8_bitmask),
            Operator::I16x8NarrowI32x4S => self.vector_binary(Opcode::i16x8_narrow_signed),
            Operator::I16x8NarrowI32x4U => self.vector_binary(Opcode::i16x8_narrow_unsigned),
            Operator::I16x8ExtendLowI8x16S => self.vector_unary(Opcode::i16x8_extend_low_signed),
            Operator::I16x8ExtMulLowI8x16S => self.vector_binary(Opcode::i16x8_multiply_low_signed),
            Operator::I16x8ExtendLowI8x16U => self.vector_unary(Opcode::i16x8_extend_low_unsigned),
            Operator::I16x8ExtMulLowI8x16U => self.vector_binary(Opcode::i16x8_multiply_low_unsigned),
            Operator::I16x8ExtendHighI8x16S => self.vector_unary(Opcode::i16x8_extend_high_signed),
            Operator::I16x8ExtMulHighI8x16S => self.vector_binary(Opcode::i16x8_multiply_high_signed),
            Operator::I16x8ExtendHighI8x16U => self.vector_unary(Opcode::i16x8_extend_high_unsigned),
            Operator::I16x8ExtMulHighI8x16U => self.vector_binary(Opcode::i16x8_multiply_high_unsigned),
            Operator::I16x8ExtAddPairwiseI8x16S => self.vector_unary(Opcode::i16x8_add_pairs_signed),
            Operator::I16x8ExtAddPairwiseI8x16U => self.vector_unary(Opcode::i16x8_add_pairs_unsigned),
            Operator::I16x8Shl => self.vector_shift(Opcode::i16x8_shift_left),
            Operator::I16x8ShrS => self.vector_shift(Opcode::i16x8_shift_right_signed),
            Operator::I16x8ShrU => self.vector_shift(Opcode::i16x8_shift_right_unsigned),
            Operator::I16x8Add => self.vector_binary(Opcode::i16x8_add),
            Operator::I16x8Sub => self.vector_binary(Opcode::i16x8_subtract),
            Operator::I16x8AddSatS => self.vector_binary(Opcode::i16x8_add_saturate_signed),
            Operator::I16x8SubSatS => self.vector_binary(Opcode::i16x8_subtract_saturate_signed),
            Operator::I16x8AddSatU => self.vector_binary(Opcode::i16x8_add_saturate_unsigned),
            Operator::I16x8SubSatU => self.vector_binary(Opcode::i16x8_subtract_saturate_unsigned),
            Operator::I16x8AvgrU => self.vector_binary(Opcode::i16x8_average),
            Operator::I16x8Mul => self.vector_binary(Opcode::i16x8_multiply),
            Operator::I16x8MinS => self.vector_binary(Opcode::i16x8_minimum_signed),
            Operator::I16x8MaxS => self.vector_binary(Opcode::i16x8_maximum_signed),
            Operator::I16x8MinU => self.vector_binary(Opcode::i16x8_minimum_unsigned),
            Operator::I16x8MaxU => self.vector_binary(Opcode::i16x8_maximum_unsigned),
            Operator::I32x4Abs => self.vector_unary(Opcode::i32x4_absolute),
            Operator::I32x4Neg => self.vector_unary(Opcode::i32x4_negate),
            Operator::I32x4AllTrue => self.vector_test(Opcode::i32x4_all_true),
            Operator::I32x4Bitmask => self.vector_test(Opcode::i32x4_bitmask),
            Operator::I32x4ExtendLowI16x8S => self.vector_unary(Opcode::i32x4_extend_low_signed),
            Operator::I32x4ExtMulLowI16x8S => self.vector_binary(Opcode::i32x4_multiply_low_signed),
            Operator::I32x4ExtendLowI16x8U => self.vector_unary(Opcode::i32x4_extend_low_unsigned),
            Operator::I32x4ExtMulLowI16x8U => self.vector_binary(Opcode::i32x4_multiply_low_unsigned),
            Operator::I32x4ExtendHighI16x8S => self.vector_unary(Opcode::i32x4_extend_high_signed),
            Operator::I32x4ExtMulHighI16x8S => self.vector_binary(Opcode::i32x4_multiply_high_signed),
            Operator::I32x4ExtendHighI16x8U => self.vector_unary(Opcode::i32x4_extend_high_unsigned),
            Operator::I32x4ExtMulHighI16x8U => self.vector_binary(Opcode::i32x4_multiply_high_unsigned),
            Operator::I32x4ExtAddPairwiseI16x8S => self.vector_unary(Opcode::i32x4_add_pairs_signed),
            Operator::I32x4ExtAddPairwiseI16x8U => self.vector_unary(Opcode::i32x4_add_pairs_unsigned),
            Operator::I32x4Shl => self.vector_shift(Opcode::i32x4_shift_left),
            Operator::I32x4ShrS => self.vector_shift(Opcode::i32x4_shift_right_signed),
            Operator::I32x4ShrU => self.vector_shift(Opcode::i32x4_shift_right_unsigned),
            Operator::I32x4Add => self.vector_binary(Opcode::i32x4_add),
            Operator::I32x4Sub => self.vector_binary(Opcode::i32x4_subtract),
            Operator::I32x4Mul => self.vector_binary(Opcode::i32x4_multiply),
            Operator::I32x4MinS => self.vector_binary(Opcode::i32x4_minimum_signed),
            Operator::I32x4MaxS => self.vector_binary(Opcode::i32x4_maximum_signed),
            Operator::I32x4MinU => self.vector_binary(Opcode::i32x4_minimum_unsigned),
            Operator::I32x4MaxU => self.vector_binary(Opcode::i32x4_maximum_unsigned),
            Operator::I64x2Abs => self.vector_unary(Opcode::i64x2_absolute),
            Operator::I64x2Neg => self.vector_unary(Opcode::i64x2_negate),
            Operator::I64x2AllTrue => self.vector_test(Opcode::i64x2_all_true),
            Operator::I64x2Bitmask => self.vector_test(Opcode::i64x2_bitmask),
            Operator::I64x2ExtendLowI32x4S => self.vector_unary(Opcode::i64x2_extend_low_signed),
            Operator::I64x2ExtMulLowI32x4S => self.vector_binary(Opcode::i64x2_multiply_low_signed),
            Operator::I64x2ExtendLowI32x4U => self.vector_unary(Opcode::i64x2_extend_low_unsigned),
            Operator::I64x2ExtMulLowI32x4U => self.vector_binary(Opcode::i64x2_multiply_low_unsigned),
            Operator::I64x2ExtendHighI32x4S => self.vector_unary(Opcode::i64x2_extend_high_signed),
            Operator::I64x2ExtMulHighI32x4S => self.vector_binary(Opcode::i64x2_multiply_high_signed),
            Operator::I64x2ExtendHighI32x4U => self.vector_unary(Opcode::i64x2_extend_high_unsigned),
            Operator::I64x2ExtMulHighI32x4U => self.vector_binary(Opcode::i64x2_multiply_high_unsigned),
            Operator::I64x2Shl => self.vector_shift(Opcode::i64x2_shift_left),
            Operator::I64x2ShrS => self.vector_shift(Opcode::i64x2_shift_right_signed),
            Operator::I64x2ShrU => self.vector_shift(Opcode::i64x2_shift_right_unsigned),
            Operator::I64x2Add => self.vector_binary(Opcode::i64x2_add),
            Operator::I64x2Sub => self.vector_binary(Opcode::i64x2_subtract),
            Operator::I64x2Mul => self.vector_binary(Opcode::i64x2_multiply),
            Operator::I16x8Q15MulrSatS => self.vector_binary(Opcode::i16x8_multiply_fraction),
            Operator::I16x8RelaxedQ15mulrS => self.vector_binary(Opcode::i16x8_multiply_fraction),
            Operator::I32x4DotI16x8S => self.vector_binary(Opcode::i32x4_dot),
            Operator::I16x8RelaxedDotI8x16I7x16S => self.vector_binary(Opcode::i16x8_dot),
            Operator::I32x4RelaxedDotI8x16I7x16AddS => self.dot_add(),
            Operator::F32x4Ceil => self.vector_unary(Opcode::f32x4_ceiling),
            Operator::F32x4Floor => self.vector_unary(Opcode::f32x4_floor),
            Operator::F32x4Trunc => self.vector_unary(Opcode::f32x4_truncate),
            Operator::F32x4Nearest => self.vector_unary(Opcode::f32x4_nearest),
            Operator::F32x4Abs => self.vector_unary(Opcode::f32x4_absolute),
            Operator::F32x4Neg => self.vector_unary(Opcode::f32x4_negate),
            Operator::F32x4Sqrt => self.vector_unary(Opcode::f32x4_square_root),
            Operator::F32x4Add => self.vector_binary(Opcode::f32x4_add),
            Operator::F32x4Sub => self.vector_binary(Opcode::f32x4_subtract),
            Operator::F32x4Mul => self.vector_binary(Opcode::f32x4_multiply),
            Operator::F32x4Div => self.vector_binary(Opcode::f32x4_divide),
            Operator::F32x4Min => self.vector_binary(Opcode::f32x4_minimum),
            Operator::F32x4Max => self.vector_binary(Opcode::f32x4_maximum),
            Operator::F32x4PMin => self.vector_binary(Opcode::f32x4_choose_less),
            Operator::F32x4PMax => self.vector_binary(Opcode::f32x4_choose_greater),
            Operator::F32x4RelaxedMin => self.vector_binary(Opcode::f32x4_minimum),
            Operator::F32x4RelaxedMax => self.vector_binary(Opcode::f32x4_maximum),
            Operator::F32x4RelaxedMadd => self.multiply_add(Opcode::f32x4_multiply, Opcode::f32x4_add),
            Operator::F32x4RelaxedNmadd => self.multiply_add(Opcode::f32x4_multiply, Opcode::f32x4_subtract),
            Operator::F64x2Ceil => self.vector_unary(Opcode::f64x2_ceiling),
            Operator::F64x2Floor => self.vector_unary(Opcode::f64x2_floor),
            Operator::F64x2Trunc => self.vector_unary(Opcode::f64x2_truncate),
            Operator::F64x2Nearest => self.vector_unary(Opcode::f64x2_nearest),
            Operator::F64x2Abs => self.vector_unary(Opcode::f64x2_absolute),
            Operator::F64x2Neg => self.vector_unary(Opcode::f64x2_negate),
            Operator::F64x2Sqrt => self.vector_unary(Opcode::f64x2_square_root),
            Operator::F64x2Add => self.vector_binary(Opcode::f64x2_add),
            Operator::F64x2Sub => self.vector_binary(Opcode::f64x2_subtract),
            Operator::F64x2Mul => self.vector_binary(Opcode::f64x2_multiply),
            Operator::F64x2Div => self.vector_binary(Opcode::f64x2_divide),
            Operator::F64x2Min => self.vector_binary(Opcode::f64x2_minimum),
            Operator::F64x2Max => self.vector_binary(Opcode::f64x2_maximum),
            Operator::F64x2PMin => self.vector_binary(Opcode::f64x2_choose_less),
            Operator::F64x2PMax => self.vector_binary(Opcode::f64x2_choose_greater),
            Operator::F64x2RelaxedMin => self.vector_binary(Opcode::f64x2_minimum),
            Operator::F64x2RelaxedMax => self.vector_binary(Opcode::f64x2_maximum),
            Operator::F64x2RelaxedMadd => self.multiply_add(Opcode::f64x2_multiply, Opcode::f64x2_add),
            Operator::F64x2RelaxedNmadd => self.multiply_add(Opcode::f64x2_multiply, Opcode::f64x2_subtract),
            Operator::I32x4TruncSatF32x4S => self.vector_unary(Opcode::i32x4_saturate_f32x4_signed),
            Operator::I32x4RelaxedTruncF32x4S => self.vector_unary(Opcode::i32x4_saturate_f32x4_signed),
            Operator::I32x4TruncSatF64x2SZero => self.vector_unary(Opcode::i32x4_saturate_f64x2_signed),
            Operator::I32x4RelaxedTruncF64x2SZero => self.vector_unary(Opcode::i32x4_saturate_f64x2_signed),
            Operator::F32x4ConvertI32x4S => self.vector_unary(Opcode::f32x4_convert_i32x4_signed),
            Operator::F64x2ConvertLowI32x4S => self.vector_unary(Opcode::f64x2_convert_i32x4_signed),
            Operator::I32x4TruncSatF32x4U => self.vector_unary(Opcode::i32x4_saturate_f32x4_unsigned),
            Operator::I32x4RelaxedTruncF32x4U => self.vector_unary(Opcode::i32x4_saturate_f32x4_unsigned),
            Operator::I32x4TruncSatF64x2UZero => self.vector_unary(Opcode::i32x4_saturate_f64x2_unsigned),
            Operator::I32x4RelaxedTruncF64x2UZero => self.vector_unary(Opcode::i32x4_saturate_f64x2_unsigned),
            Operator::F32x4ConvertI32x4U => self.vector_unary(Opcode::f32x4_convert_i32x4_unsigned),
            Operator::F64x2ConvertLowI32x4U => self.vector_unary(Opcode::f64x2_convert_i32x4_unsigned),
            Operator::F32x4DemoteF64x2Zero => self.vector_unary(Opcode::f32x4_demote),
            Operator::F64x2PromoteLowF32x4 => self.vector_unary(Opcode::f64x2_promote),
            // Registers hold values as they are, and numbers of 32 bits have no other bits above.
            Operator::AnyConvertExtern
            | Operator::ExternConvertAny
            | Operator::I64ExtendI32U
            | Operator::I32ReinterpretF32
            | Operator::I64ReinterpretF64
            | Operator::F32ReinterpretI32
            | Operator::F64ReinterpretI64 => {}
            _ => return Err(WasmError::Unsupported { offset, what: "instruction" }),
        }
        Ok(())
    }
}
