//! Calls that compiled code makes itself: of functions of the instance that take few numbers and return at most one. The
//! others it leaves to the interpreter.

use crate::meaning::{Call, Target};
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::{Registers, Signature},
        instruction::{Field, Opcode},
    },
};
use lunette_interpreter::typed::native::{MOST_ARGUMENTS, Unit};

/// Whether compiled code calls functions of a type.
pub(crate) fn is_callable(signature: Signature) -> bool {
    let Signature { parameters, results } = signature;
    parameters.references == 0
        && parameters.numbers <= MOST_ARGUMENTS
        && results.references == 0
        && results.numbers <= 1
}

/// The call that an instruction is, if compiled code makes it.
pub(crate) fn call_of(unit: &Unit, words: &[Word]) -> Option<Call> {
    let opcode = Opcode::of(words[0])?;
    let operand = |field| opcode.entry().operand(field).and_then(|operand| operand.read(words));
    let (signature, target) = match opcode {
        Opcode::call | Opcode::call_general => {
            let field = if opcode == Opcode::call { Field::D } else { Field::L };
            let callee = unit.callees.get(&(operand(field)? as u32))?;
            (callee.signature, Target::Direct { number: callee.number, prototype: callee.prototype })
        }
        Opcode::call_indirect | Opcode::call_indirect_general => {
            (*unit.signatures.get(&(operand(Field::P)? as u32))?, Target::Indirect)
        }
        _ => return None,
    };
    let Registers { numbers, .. } = signature.parameters;
    is_callable(signature).then_some(Call { target, arguments: numbers, has_result: signature.results.numbers == 1 })
}
