//! Calls that compiled code makes itself: of functions of the instance that take few values and return at most one. The
//! others it leaves to the interpreter.

use crate::typed::meaning::{Call, Kind, Results, Target};
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::{Registers, Signature},
        instruction::{Field, Opcode},
        module::FunctionType,
    },
};
use lunette_interpreter::typed::native::{MOST_ARGUMENTS, MOST_REFERENCES, Unit};

/// What a function of a type returns; `None` if compiled code does not return that.
pub(crate) fn results_of(function_type: &FunctionType) -> Option<Results> {
    match function_type.signature().results {
        Registers { numbers: 0, references: 0 } => Some(Results::Nothing),
        Registers { numbers: 0, references: 1 } => Some(Results::Reference),
        Registers { numbers: 1, references: 0 } => Some(Results::Number(Kind::of(*function_type.results.first()?))),
        _ => None,
    }
}

/// Whether compiled code calls functions of a type.
pub(crate) fn is_callable(function_type: &FunctionType) -> bool {
    let Signature { parameters, .. } = function_type.signature();
    parameters.references <= MOST_REFERENCES
        && parameters.numbers <= MOST_ARGUMENTS
        && results_of(function_type).is_some()
}

/// The call that an instruction is, if compiled code makes it.
pub(crate) fn call_of(unit: &Unit, words: &[Word]) -> Option<Call> {
    let opcode = Opcode::of(words[0])?;
    let operand = |field| opcode.entry().operand(field).and_then(|operand| operand.read(words));
    let (function_type, target) = match opcode {
        Opcode::call | Opcode::call_general => {
            let field = if opcode == Opcode::call { Field::D } else { Field::L };
            let callee = unit.callees.get(&(operand(field)? as u32))?;
            (&callee.function_type, Target::Direct { place: callee.place })
        }
        Opcode::call_indirect | Opcode::call_indirect_general => {
            (unit.types.get(&(operand(Field::P)? as u32))?, Target::Indirect)
        }
        Opcode::call_reference => (unit.types.get(&(operand(Field::P)? as u32))?, Target::Reference),
        _ => return None,
    };
    if !is_callable(function_type) {
        return None;
    }
    let Registers { numbers, references } = function_type.signature().parameters;
    Some(Call { target, arguments: numbers, references, result: results_of(function_type)? })
}

/// The reference register to which the result of a call goes.
pub(crate) fn reference_result(words: &[Word]) -> usize {
    let opcode = Opcode::of(words[0]);
    let field = if opcode == Some(Opcode::call_general) { Field::B } else { Field::E };
    super::operands::operand(words, field)
}
