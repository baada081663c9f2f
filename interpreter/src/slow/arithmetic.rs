//! Arithmetic on strings, mixed numbers and objects with metamethods.

use crate::{
    dispatch::state::{Operands, Status},
    machine::{Machine, Outcome},
    metamethod::Event,
    number,
};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::value::Value;

/// The form of the second operand.
enum Second {
    Register,
    Constant,
    Immediate,
}

fn describe(opcode: Opcode) -> Option<(Event, Second)> {
    use Opcode as O;
    use Second::{Constant, Immediate, Register};
    Some(match opcode {
        O::add => (Event::Add, Register),
        O::add_integer => (Event::Add, Immediate),
        O::add_constant => (Event::Add, Constant),
        O::subtract => (Event::Subtract, Register),
        O::subtract_integer => (Event::Subtract, Immediate),
        O::subtract_constant => (Event::Subtract, Constant),
        O::multiply => (Event::Multiply, Register),
        O::multiply_constant => (Event::Multiply, Constant),
        O::divide => (Event::Divide, Register),
        O::divide_constant => (Event::Divide, Constant),
        O::modulo => (Event::Modulo, Register),
        O::modulo_constant => (Event::Modulo, Constant),
        O::power => (Event::Power, Register),
        O::power_constant => (Event::Power, Constant),
        O::floor_divide => (Event::FloorDivide, Register),
        O::floor_divide_constant => (Event::FloorDivide, Constant),
        O::bit_and => (Event::BitAnd, Register),
        O::bit_and_constant => (Event::BitAnd, Constant),
        O::bit_or => (Event::BitOr, Register),
        O::bit_or_constant => (Event::BitOr, Constant),
        O::bit_xor => (Event::BitXor, Register),
        O::bit_xor_constant => (Event::BitXor, Constant),
        O::shift_left => (Event::ShiftLeft, Register),
        O::shift_left_integer => (Event::ShiftLeft, Immediate),
        O::shift_right => (Event::ShiftRight, Register),
        O::shift_right_integer => (Event::ShiftRight, Immediate),
        _ => return None,
    })
}

/// The event of an arithmetic or bit instruction, if it is one.
pub(crate) fn event_of(word: Word) -> Option<Event> {
    match Opcode::from_number(word.opcode_number())? {
        Opcode::negate => Some(Event::Negate),
        Opcode::bit_not => Some(Event::BitNot),
        opcode => describe(opcode).map(|(event, _)| event),
    }
}

/// The event of an arithmetic or bit instruction of the running frame, and its operands: for a unary one the same twice.
#[inline(always)]
pub(crate) fn operands(machine: &Machine, word: Word) -> (Event, Value, Value) {
    let opcode = Opcode::ALL[word.opcode_number() as usize];
    if matches!(opcode, Opcode::negate | Opcode::bit_not) {
        let operand = machine.register(word.b());
        return (if opcode == Opcode::negate { Event::Negate } else { Event::BitNot }, operand, operand);
    }
    let Some((event, second)) = describe(opcode) else { unreachable!("not an operator: {opcode:?}") };
    let left = machine.register(word.b());
    let right = match second {
        Second::Register => machine.register(word.c()),
        Second::Constant => machine.heap.constants(machine.running_prototype())[word.c() / 16].get(),
        Second::Immediate => Value::Integer(word.c_signed()),
    };
    let swapped = !matches!(second, Second::Register) && word.k() != 0;
    let (left, right) = if swapped { (right, left) } else { (left, right) };
    (event, left, right)
}

/// The metamethod for an event with two operands; nil if there is none.
#[inline(always)]
pub(crate) fn handler(machine: &Machine, event: Event, left: Value, right: Value) -> Value {
    let handler = machine.metamethod(left, event);
    if handler.is_nil() { machine.metamethod(right, event) } else { handler }
}

/// All arithmetic and bit instructions.
pub(crate) fn arithmetic(machine: &mut Machine, word: Word) -> Outcome {
    let (event, left, right) = operands(machine, word);
    if let (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_)) = (left, right) {
        match machine.arithmetic(event, left, right) {
            Some(result) => {
                machine.set_register(word.a(), result);
                return Ok(Status::Next);
            }
            None if matches!(event, Event::Modulo) => {
                return Err(machine.runtime_error(format_args!("attempt to perform 'n%0'")));
            }
            None if matches!(event, Event::FloorDivide) => {
                return Err(machine.runtime_error(format_args!("attempt to divide by zero")));
            }
            None => return Err(machine.arithmetic_error(event, left, right)),
        }
    }
    let handler = handler(machine, event, left, right);
    if !handler.is_nil() {
        return machine.call_metamethod(handler, [left, right], 1);
    }
    Err(machine.arithmetic_error(event, left, right))
}

/// `length`.
pub(crate) fn length(machine: &mut Machine, word: Word) -> Outcome {
    let operand = machine.register(word.b());
    let handler = machine.metamethod(operand, Event::Length);
    if !handler.is_nil() {
        return machine.call_metamethod(handler, [operand, operand], 1);
    }
    match operand {
        Value::Table(table) => {
            let length = machine.heap.table_length(table);
            machine.set_register(word.a(), Value::Integer(length));
            Ok(Status::Next)
        }
        _ => Err(machine.operand_error(operand, "get length of")),
    }
}

impl Machine {
    /// The result of an operator on two numbers (of a unary one, on the same number twice); `None` if there is none:
    /// division of integers by zero, bit operations on floats without integer value.
    pub fn arithmetic(&self, event: Event, left: Value, right: Value) -> Option<Value> {
        let integers = match (left, right) {
            (Value::Integer(left), Value::Integer(right)) => Some((left, right)),
            _ => None,
        };
        let bits = |operation: fn(i64, i64) -> i64| {
            Some(Value::Integer(operation(self.to_integer(left)?, self.to_integer(right)?)))
        };
        let floats =
            |operation: fn(f64, f64) -> f64| Some(Value::Float(operation(self.to_float(left)?, self.to_float(right)?)));
        match (event, integers) {
            (Event::Add, Some((x, y))) => Some(Value::Integer(x.wrapping_add(y))),
            (Event::Add, None) => floats(|x, y| x + y),
            (Event::Subtract, Some((x, y))) => Some(Value::Integer(x.wrapping_sub(y))),
            (Event::Subtract, None) => floats(|x, y| x - y),
            (Event::Multiply, Some((x, y))) => Some(Value::Integer(x.wrapping_mul(y))),
            (Event::Multiply, None) => floats(|x, y| x * y),
            (Event::Modulo, Some((x, y))) => number::integer_modulo(x, y).map(Value::Integer),
            (Event::Modulo, None) => floats(number::float_modulo),
            (Event::FloorDivide, Some((x, y))) => number::integer_floor_divide(x, y).map(Value::Integer),
            (Event::FloorDivide, None) => floats(number::float_floor_divide),
            (Event::Divide, _) => floats(|x, y| x / y),
            (Event::Power, _) => floats(number::power),
            (Event::BitAnd, _) => bits(|x, y| x & y),
            (Event::BitOr, _) => bits(|x, y| x | y),
            (Event::BitXor, _) => bits(|x, y| x ^ y),
            (Event::ShiftLeft, _) => bits(number::shift_left),
            (Event::ShiftRight, _) => bits(number::shift_right),
            (Event::Negate, Some((x, _))) => Some(Value::Integer(x.wrapping_neg())),
            (Event::Negate, None) => floats(|x, _| -x),
            (Event::BitNot, _) => bits(|x, _| !x),
            _ => None,
        }
    }
}
