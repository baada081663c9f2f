//! Arithmetic on strings that look like numbers: the metamethods of strings.

use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, metamethod::Event, native::Native};

macro_rules! metamethods {
    ($($function:ident $name:literal $event:ident,)*) => {
        /// The metamethods.
        pub(super) const METAMETHODS: &[Native] = &[$(Native::new($name, $function),)*];

        $(fn $function(machine: &mut Machine, frame: Frame) -> NativeResult {
            arithmetic(machine, frame, Event::$event, &$name["string.__".len()..])
        })*
    };
}

metamethods! {
    add "string.__add" Add,
    subtract "string.__sub" Subtract,
    multiply "string.__mul" Multiply,
    modulo "string.__mod" Modulo,
    power "string.__pow" Power,
    divide "string.__div" Divide,
    floor_divide "string.__idiv" FloorDivide,
    negate "string.__unm" Negate,
}

fn arithmetic(machine: &mut Machine, frame: Frame, event: Event, operation: &str) -> NativeResult {
    let (left, right) = (frame.argument_or_nil(machine, 0), frame.argument_or_nil(machine, 1));
    if let (Some(left), Some(right)) = (machine.to_number(left), machine.to_number(right)) {
        return match machine.arithmetic(event, left, right) {
            Some(result) => frame.return_one(machine, result),
            None if event == Event::Modulo => Err(machine.runtime_error(format_args!("attempt to perform 'n%0'"))),
            None => Err(machine.runtime_error(format_args!("attempt to divide by zero"))),
        };
    }
    let metamethod = machine.metamethod(right, event);
    if matches!(right, Value::String(_)) || metamethod.is_nil() {
        let (left, right) = (machine.type_name(left), machine.type_name(right));
        return Err(machine.native_error(format_args!("attempt to {operation} a '{left}' with a '{right}'")));
    }
    frame.tail_call(machine, metamethod, &[left, right])
}
