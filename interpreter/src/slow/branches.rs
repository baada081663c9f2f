//! Comparisons of strings, mixed numbers and objects with metamethods.

use crate::{
    compare::Comparison,
    dispatch::state::{Operands, Status},
    machine::{Machine, Outcome},
    metamethod::Event,
};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::value::Value;

/// The result of the comparison with which the instruction jumps.
pub(crate) fn sense_of(word: Word) -> bool {
    use Opcode as O;
    !matches!(
        Opcode::ALL[word.opcode_number() as usize],
        O::jump_not_equal
            | O::jump_not_equal_constant
            | O::jump_not_equal_integer
            | O::jump_not_less
            | O::jump_not_less_equal
            | O::jump_not_less_integer
            | O::jump_not_less_equal_integer
            | O::jump_not_greater_integer
            | O::jump_not_greater_equal_integer
    )
}

fn decide(machine: &mut Machine, word: Word, left: Value, right: Value, answer: Comparison) -> Outcome {
    match answer {
        Comparison::Known(condition) => {
            machine.branch(word, condition);
            Ok(Status::Reload)
        }
        Comparison::Call(handler) => machine.call_metamethod(handler, [left, right], 1),
        Comparison::Invalid => Err(machine.order_error(left, right)),
    }
}

/// `jump_equal`, `jump_not_equal`
pub(crate) fn equal(machine: &mut Machine, word: Word) -> Outcome {
    let (left, right) = (machine.register(word.a()), machine.register(word.b()));
    let answer = machine.equality(left, right);
    decide(machine, word, left, right, answer)
}

/// `jump_equal_constant`, `jump_not_equal_constant`
pub(crate) fn equal_constant(machine: &mut Machine, word: Word) -> Outcome {
    let left = machine.register(word.a());
    let right = machine.heap.constants(machine.running_prototype())[word.b() / 16].get();
    let answer = Comparison::Known(machine.raw_equal(left, right));
    decide(machine, word, left, right, answer)
}

/// The comparisons of order of two registers.
pub(crate) fn order(machine: &mut Machine, word: Word) -> Outcome {
    let event = match Opcode::ALL[word.opcode_number() as usize] {
        Opcode::jump_less | Opcode::jump_not_less => Event::Less,
        _ => Event::LessEqual,
    };
    let (left, right) = (machine.register(word.a()), machine.register(word.b()));
    let answer = machine.order(left, right, event);
    decide(machine, word, left, right, answer)
}

/// The comparisons of order of a register and an immediate.
pub(crate) fn order_integer(machine: &mut Machine, word: Word) -> Outcome {
    use Opcode as O;
    let (register, immediate) = (machine.register(word.a()), Value::Integer(word.b_signed()));
    let (event, left, right) = match Opcode::ALL[word.opcode_number() as usize] {
        O::jump_less_integer | O::jump_not_less_integer => (Event::Less, register, immediate),
        O::jump_less_equal_integer | O::jump_not_less_equal_integer => (Event::LessEqual, register, immediate),
        O::jump_greater_integer | O::jump_not_greater_integer => (Event::Less, immediate, register),
        _ => (Event::LessEqual, immediate, register),
    };
    let answer = machine.order(left, right, event);
    decide(machine, word, left, right, answer)
}
