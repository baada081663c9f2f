//! Constant expressions.

use super::{WasmError, types::heap_type};
use alloc::vec::Vec;
use lunette_bytecode::typed::module::{ConstantExpression, ConstantOperator};
use wasmparser::{ConstExpr, Operator};

/// Decodes an expression that has been validated.
pub(super) fn expression(expression: &ConstExpr<'_>) -> Result<ConstantExpression, WasmError> {
    let mut operators = Vec::with_capacity(1);
    for operator in expression.get_operators_reader().into_iter_with_offsets() {
        let (operator, offset) = operator?;
        let unsupported = WasmError::Unsupported { offset, what: "constant expression" };
        operators.push(match operator {
            Operator::End => break,
            Operator::I32Const { value } => ConstantOperator::I32(value),
            Operator::I64Const { value } => ConstantOperator::I64(value),
            Operator::F32Const { value } => ConstantOperator::F32(value.bits()),
            Operator::F64Const { value } => ConstantOperator::F64(value.bits()),
            Operator::V128Const { value } => {
                let bits = u128::from_le_bytes(*value.bytes());
                ConstantOperator::V128(bits as u64, (bits >> 64) as u64)
            }
            Operator::GlobalGet { global_index } => ConstantOperator::Global(global_index),
            Operator::RefNull { hty } => ConstantOperator::Null(heap_type(hty).ok_or(unsupported)?),
            Operator::RefFunc { function_index } => ConstantOperator::Function(function_index),
            Operator::I32Add => ConstantOperator::I32Add,
            Operator::I32Sub => ConstantOperator::I32Subtract,
            Operator::I32Mul => ConstantOperator::I32Multiply,
            Operator::I64Add => ConstantOperator::I64Add,
            Operator::I64Sub => ConstantOperator::I64Subtract,
            Operator::I64Mul => ConstantOperator::I64Multiply,
            Operator::StructNew { struct_type_index } => ConstantOperator::StructureNew(struct_type_index),
            Operator::StructNewDefault { struct_type_index } => {
                ConstantOperator::StructureNewDefault(struct_type_index)
            }
            Operator::ArrayNew { array_type_index } => ConstantOperator::ArrayNew(array_type_index),
            Operator::ArrayNewDefault { array_type_index } => ConstantOperator::ArrayNewDefault(array_type_index),
            Operator::ArrayNewFixed { array_type_index, array_size } => {
                ConstantOperator::ArrayNewFixed(array_type_index, array_size)
            }
            Operator::RefI31 => ConstantOperator::ReferenceI31,
            Operator::AnyConvertExtern => ConstantOperator::AnyConvertExtern,
            Operator::ExternConvertAny => ConstantOperator::ExternConvertAny,
            _ => return Err(unsupported),
        });
    }
    Ok(operators.into_boxed_slice())
}
