//! Calls that compiled code makes itself: of functions of the instance that take few numbers and return at most one. The
//! others it leaves to the interpreter.

use crate::typed::meaning::{Call, Kind, Target};
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::Signature,
        instruction::{Field, Opcode},
        module::FunctionType,
    },
};
use lunette_interpreter::typed::native::{MOST_ARGUMENTS, Unit};

/// Whether compiled code calls functions of a type.
pub(crate) fn is_callable(function_type: &FunctionType) -> bool {
    let Signature { parameters, results } = function_type.signature();
    parameters.references == 0
        && parameters.numbers <= MOST_ARGUMENTS
        && results.references == 0
        && results.numbers <= 1
}

/// The call that an instruction is, if compiled code makes it.
pub(crate) fn call_of(unit: &Unit, words: &[Word]) -> Option<Call> {
    let opcode = Opcode::of(words[0])?;
    let operand = |field| opcode.entry().operand(field).and_then(|operand| operand.read(words));
    let (function_type, target) = match opcode {
        Opcode::call | Opcode::call_general => {
            let field = if opcode == Opcode::call { Field::D } else { Field::L };
            let callee = unit.callees.get(&(operand(field)? as u32))?;
            (&callee.function_type, Target::Direct { number: callee.number, prototype: callee.prototype })
        }
        Opcode::call_indirect | Opcode::call_indirect_general => {
            (unit.types.get(&(operand(Field::P)? as u32))?, Target::Indirect)
        }
        _ => return None,
    };
    let arguments = function_type.signature().parameters.numbers;
    let result = function_type.results.first().map(|&result| Kind::of(result));
    is_callable(function_type).then_some(Call { target, arguments, result })
}
