//! Constant expressions: what globals and segments begin with.

use alloc::vec::Vec;
use lunette_bytecode::typed::module::ConstantOperator;
use lunette_gc::{
    reference::Ref,
    typed::{CanonicalType, Instance, TypedObject},
    value::Value,
};
use lunette_interpreter::{
    Machine, Throw,
    typed::{convert::Register, i31},
};

/// Evaluates a validated expression; globals are those of the instance.
pub(super) fn evaluate(
    machine: &mut Machine,
    instance: Ref<Instance>,
    expression: &[ConstantOperator],
    global: &dyn Fn(&Machine, u32) -> Register,
) -> Result<Register, Throw> {
    use ConstantOperator as Operator;
    let object = |object: Ref<TypedObject>| Register::Reference(Value::TypedObject(object));
    let mut stack: Vec<Register> = Vec::new();
    for &operator in expression {
        let mut binary = |operate: fn(u64, u64) -> u64| {
            let right = stack.pop().map_or(0, Register::number);
            let left = stack.pop().map_or(0, Register::number);
            Register::Number(operate(left, right))
        };
        let value = match operator {
            Operator::I32(value) => Register::Number(value as u32 as u64),
            Operator::I64(value) => Register::Number(value as u64),
            Operator::F32(bits) => Register::Number(bits.into()),
            Operator::F64(bits) => Register::Number(bits),
            Operator::V128(low, high) => Register::Vector([low, high]),
            Operator::Global(number) => global(machine, number),
            Operator::Null(_) => Register::Reference(Value::Nil),
            Operator::Function(number) => {
                Register::Reference(Value::TypedFunction(machine.function_reference(instance, number)?))
            }
            Operator::I32Add => binary(|left, right| (left as u32).wrapping_add(right as u32).into()),
            Operator::I32Subtract => binary(|left, right| (left as u32).wrapping_sub(right as u32).into()),
            Operator::I32Multiply => binary(|left, right| (left as u32).wrapping_mul(right as u32).into()),
            Operator::I64Add => binary(u64::wrapping_add),
            Operator::I64Subtract => binary(u64::wrapping_sub),
            Operator::I64Multiply => binary(u64::wrapping_mul),
            Operator::StructureNew(number) => {
                let kind = type_of(machine, instance, number);
                let (numbers, references) = machine.heap.fields(kind);
                let count = numbers.len() + references.len();
                let fields = stack.split_off(stack.len().saturating_sub(count));
                object(machine.new_structure(kind, &fields)?)
            }
            Operator::StructureNewDefault(number) => {
                let kind = type_of(machine, instance, number);
                object(machine.heap.new_object(kind, 0)?)
            }
            Operator::ArrayNew(number) => {
                let kind = type_of(machine, instance, number);
                let length = stack.pop().map_or(0, Register::number) as u32;
                let element = stack.pop().unwrap_or(Register::Number(0));
                machine.spend(length.into());
                let array = machine.heap.new_object(kind, length)?;
                machine.fill_array(array, 0..length as usize, element)?;
                object(array)
            }
            Operator::ArrayNewDefault(number) => {
                let kind = type_of(machine, instance, number);
                let length = stack.pop().map_or(0, Register::number) as u32;
                machine.spend(length.into());
                object(machine.heap.new_object(kind, length)?)
            }
            Operator::ArrayNewFixed(number, length) => {
                let kind = type_of(machine, instance, number);
                let elements = stack.split_off(stack.len().saturating_sub(length as usize));
                let array = machine.heap.new_object(kind, length)?;
                for (index, &element) in elements.iter().enumerate() {
                    machine.fill_array(array, index..index + 1, element)?;
                }
                object(array)
            }
            Operator::ReferenceI31 => {
                let number = stack.pop().map_or(0, Register::number);
                Register::Reference(i31(number))
            }
            Operator::AnyConvertExtern | Operator::ExternConvertAny => continue,
        };
        stack.push(value);
    }
    Ok(stack.pop().unwrap_or(Register::Number(0)))
}

/// The machine's form of a type of an instance's module, which is an object's.
fn type_of(machine: &Machine, instance: Ref<Instance>, number: u32) -> Ref<CanonicalType> {
    match machine.heap.reference_at(machine.heap.get(instance).types, number) {
        Some(kind) => kind,
        None => unreachable!("validated expressions name types that are there"),
    }
}
