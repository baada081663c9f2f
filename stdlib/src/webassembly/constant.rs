//! Constant expressions: what globals and segments begin with.

use lunette_bytecode::typed::module::ConstantOperator;
use lunette_gc::{reference::Ref, typed::Instance, value::Value};
use lunette_interpreter::{Machine, Throw};

/// The value of a constant expression, in the form in which slots of globals have it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Constant {
    Number(u64),
    Vector(u64, u64),
    Reference(Value),
}

impl Constant {
    /// The number, for offsets.
    pub fn number(self) -> u64 {
        match self {
            // Of a global it is not known which of both it is.
            Constant::Number(value) | Constant::Vector(value, _) => value,
            Constant::Reference(_) => 0,
        }
    }

    /// The reference, for elements.
    pub fn reference(self) -> Value {
        match self {
            Constant::Reference(value) => value,
            _ => Value::Nil,
        }
    }
}

/// Evaluates a validated expression; globals are those of the instance.
pub(super) fn evaluate(
    machine: &mut Machine,
    instance: Ref<Instance>,
    expression: &[ConstantOperator],
    global: &dyn Fn(&Machine, u32) -> Constant,
) -> Result<Constant, Throw> {
    use ConstantOperator as Operator;
    let mut stack: alloc::vec::Vec<Constant> = alloc::vec::Vec::new();
    for &operator in expression {
        let mut binary = |operate: fn(u64, u64) -> u64| {
            let right = stack.pop().map_or(0, Constant::number);
            let left = stack.pop().map_or(0, Constant::number);
            Constant::Number(operate(left, right))
        };
        let value = match operator {
            Operator::I32(value) => Constant::Number(value as u32 as u64),
            Operator::I64(value) => Constant::Number(value as u64),
            Operator::F32(bits) => Constant::Number(bits.into()),
            Operator::F64(bits) => Constant::Number(bits),
            Operator::V128(low, high) => Constant::Vector(low, high),
            Operator::Global(number) => global(machine, number),
            Operator::Null(_) => Constant::Reference(Value::Nil),
            Operator::Function(number) => {
                Constant::Reference(Value::TypedFunction(machine.function_reference(instance, number)?))
            }
            Operator::I32Add => binary(|left, right| (left as u32).wrapping_add(right as u32).into()),
            Operator::I32Subtract => binary(|left, right| (left as u32).wrapping_sub(right as u32).into()),
            Operator::I32Multiply => binary(|left, right| (left as u32).wrapping_mul(right as u32).into()),
            Operator::I64Add => binary(u64::wrapping_add),
            Operator::I64Subtract => binary(u64::wrapping_sub),
            Operator::I64Multiply => binary(u64::wrapping_mul),
            _ => return Err(machine.runtime_error(format_args!("constant expression not supported"))),
        };
        stack.push(value);
    }
    Ok(stack.pop().unwrap_or(Constant::Number(0)))
}
