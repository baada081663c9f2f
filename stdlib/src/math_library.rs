//! `math`. The functions on floats are those of one library on all machines, so that results do not depend on the home.

use crate::{
    arguments::Arguments,
    library::{Definition, malformed_frame, native_value, set_field},
    quick,
    random::Random,
};
use lunette_bytecode::number::{float_to_integer_ceil, float_to_integer_exact, float_to_integer_floor};
use lunette_gc::{
    reference::Ref,
    table::Table,
    userdata::Userdata,
    value::{Slot, Value},
};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    compare::Comparison,
    host::{Request, Response},
    metamethod::Event,
    native::{Builtin, Native},
};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "math",
    functions: &[
        Native::new("math.abs", abs).with_quick(quick::abs),
        Native::new("math.acos", acos),
        Native::new("math.asin", asin),
        Native::new("math.atan", atan),
        // Deprecated, but there in the usual builds of PUC Lua.
        Native::new("math.atan2", atan),
        Native::new("math.ceil", ceil).with_quick(quick::ceil),
        Native::new("math.cos", cos).with_quick(quick::cos),
        Native::new("math.cosh", cosh),
        Native::new("math.deg", deg),
        Native::new("math.exp", exp).with_quick(quick::exp),
        Native::new("math.floor", floor).with_quick(quick::floor).with_builtin(Builtin::Floor),
        Native::new("math.fmod", fmod),
        Native::new("math.frexp", frexp),
        Native::new("math.ldexp", ldexp),
        Native::new("math.log", log),
        Native::new("math.log10", log10),
        Native::new("math.max", max)
            .with_locals(EXTREME_LOCALS)
            .unyieldable()
            .with_quick(quick::max)
            .with_builtin(Builtin::Maximum),
        Native::new("math.min", min)
            .with_locals(EXTREME_LOCALS)
            .unyieldable()
            .with_quick(quick::min)
            .with_builtin(Builtin::Minimum),
        Native::new("math.modf", modf),
        Native::new("math.pow", pow),
        Native::new("math.rad", rad),
        Native::new("math.sin", sin).with_quick(quick::sin),
        Native::new("math.sinh", sinh),
        Native::new("math.sqrt", sqrt).with_quick(quick::sqrt).with_builtin(Builtin::SquareRoot),
        Native::new("math.tan", tan),
        Native::new("math.tanh", tanh),
        Native::new("math.tointeger", tointeger),
        Native::new("math.type", type_),
        Native::new("math.ult", ult),
    ],
    hidden: &[
        Native::new("math.random", random).with_upvalues(1),
        Native::new("math.randomseed", randomseed).with_upvalues(1),
    ],
    complete,
};

/// Field of the registry: the generator's state.
const RANDOM: &str = "_RANDOM";

const PI: f64 = core::f64::consts::PI;

fn complete(machine: &mut Machine, library: Ref<Table>) -> Result<(), Throw> {
    for (name, value) in [("pi", PI), ("huge", f64::INFINITY)] {
        set_field(machine, library, name, Value::Float(value))?;
    }
    for (name, value) in [("maxinteger", i64::MAX), ("mininteger", i64::MIN)] {
        set_field(machine, library, name, Value::Integer(value))?;
    }
    let state = machine.heap.new_userdata(0, 4)?;
    set_field(machine, machine.registry(), RANDOM, Value::Userdata(state))?;
    for (name, native) in [("random", "math.random"), ("randomseed", "math.randomseed")] {
        let function = native_value(machine, native, &[Value::Userdata(state)])?;
        set_field(machine, library, name, function)?;
    }
    let ticket = machine.host.submit(Request::Entropy(16));
    let response = loop {
        if let Some(response) = machine.host.complete(ticket) {
            break response;
        }
    };
    let (first, second) = seeds(&response);
    store_random(machine, state, Random::seeded(first, second));
    Ok(())
}

/// Seeds the generator of `math.random` as `math.randomseed(first, second)` does.
pub fn seed_random(machine: &Machine, first: i64, second: i64) -> Result<(), Throw> {
    if let Value::Userdata(state) = crate::library::get_field(machine, machine.registry(), RANDOM)? {
        store_random(machine, state, Random::seeded(first as u64, second as u64));
    }
    Ok(())
}

fn seeds(response: &Response) -> (u64, u64) {
    let Response::Bytes(bytes) = response else { return (0, 0) };
    let half = |bytes: &[u8]| bytes.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte));
    let (first, second) = bytes.split_at(bytes.len().min(8));
    (half(first), half(second))
}

fn load_random(machine: &Machine, state: Ref<Userdata>) -> Random {
    let values = machine.heap.user_values(state);
    Random(core::array::from_fn(|index| match values.get(index).map(Slot::get) {
        Some(Value::Integer(word)) => word as u64,
        _ => 0,
    }))
}

fn store_random(machine: &Machine, state: Ref<Userdata>, random: Random) {
    for (slot, word) in machine.heap.user_values(state).iter().zip(random.0) {
        slot.set(Value::Integer(word as i64));
    }
}

/// The generator's state, which is a value of the function's.
#[inline]
fn random_state(machine: &Machine, frame: Frame) -> Result<Ref<Userdata>, Throw> {
    match frame.closure_value(machine, 0) {
        Value::Userdata(state) => Ok(state),
        _ => Err(malformed_frame(machine)),
    }
}

/// `math.random([m [, n]])`
fn random(machine: &mut Machine, frame: Frame) -> NativeResult {
    let state = random_state(machine, frame)?;
    let mut random = load_random(machine, state);
    let (low, high) = match frame.count() {
        0 => {
            let value = random.next_float();
            store_random(machine, state, random);
            return frame.return_one(machine, Value::Float(value));
        }
        1 => (1, frame.check_integer(machine, 0)?),
        2 => (frame.check_integer(machine, 0)?, frame.check_integer(machine, 1)?),
        _ => {
            random.next();
            store_random(machine, state, random);
            return Err(machine.native_error(format_args!("wrong number of arguments")));
        }
    };
    let value = if frame.count() == 1 && high == 0 { Some(random.next() as i64) } else { random.next_in(low, high) };
    store_random(machine, state, random);
    match value {
        Some(value) => frame.return_one(machine, Value::Integer(value)),
        None => Err(frame.argument_error(machine, 0, format_args!("interval is empty"))),
    }
}

/// `math.randomseed([x [, y]])`
fn randomseed(machine: &mut Machine, frame: Frame) -> NativeResult {
    const SEEDED: u32 = 1;
    let (first, second) = match machine.take_response() {
        Some(response) if frame.phase() == SEEDED => seeds(&response),
        _ if frame.count() == 0 => return frame.ask(machine, SEEDED, Request::Entropy(16)),
        _ => (frame.check_integer(machine, 0)? as u64, frame.optional_integer(machine, 1, 0)? as u64),
    };
    store_random(machine, random_state(machine, frame)?, Random::seeded(first, second));
    frame.return_two(machine, Value::Integer(first as i64), Value::Integer(second as i64))
}

macro_rules! functions {
    ($($(#[$meta:meta])* $name:ident $function:expr;)*) => {
        $($(#[$meta])*
        fn $name(machine: &mut Machine, frame: Frame) -> NativeResult {
            let argument = frame.check_float(machine, 0)?;
            let function: fn(f64) -> f64 = $function;
            frame.return_one(machine, Value::Float(function(argument)))
        })*
    };
}

functions! {
    acos libm::acos;
    asin libm::asin;
    cos libm::cos;
    cosh libm::cosh;
    deg |x| x * (180.0 / PI);
    exp libm::exp;
    log10 libm::log10;
    rad |x| x * (PI / 180.0);
    sin libm::sin;
    sinh libm::sinh;
    sqrt libm::sqrt;
    tan libm::tan;
    tanh libm::tanh;
}

fn abs(machine: &mut Machine, frame: Frame) -> NativeResult {
    let result = match frame.argument(machine, 0) {
        Some(Value::Integer(value)) => Value::Integer(value.wrapping_abs()),
        _ => Value::Float(libm::fabs(frame.check_float(machine, 0)?)),
    };
    frame.return_one(machine, result)
}

fn atan(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (y, x) = (frame.check_float(machine, 0)?, frame.optional_float(machine, 1, 1.0)?);
    frame.return_one(machine, Value::Float(libm::atan2(y, x)))
}

fn pow(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (x, y) = (frame.check_float(machine, 0)?, frame.check_float(machine, 1)?);
    frame.return_one(machine, Value::Float(libm::pow(x, y)))
}

fn frexp(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (fraction, exponent) = libm::frexp(frame.check_float(machine, 0)?);
    frame.return_two(machine, Value::Float(fraction), Value::Integer(exponent.into()))
}

fn ldexp(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (fraction, exponent) = (frame.check_float(machine, 0)?, frame.check_integer(machine, 1)?);
    frame.return_one(machine, Value::Float(libm::ldexp(fraction, exponent as i32)))
}

fn log(machine: &mut Machine, frame: Frame) -> NativeResult {
    let x = frame.check_float(machine, 0)?;
    let result = if frame.is_none_or_nil(machine, 1) {
        libm::log(x)
    } else {
        match frame.check_float(machine, 1)? {
            2.0 => libm::log2(x),
            10.0 => libm::log10(x),
            base => libm::log(x) / libm::log(base),
        }
    };
    frame.return_one(machine, Value::Float(result))
}

fn floor(machine: &mut Machine, frame: Frame) -> NativeResult {
    round(machine, frame, float_to_integer_floor, libm::floor)
}

fn ceil(machine: &mut Machine, frame: Frame) -> NativeResult {
    round(machine, frame, float_to_integer_ceil, libm::ceil)
}

#[inline(always)]
fn round(
    machine: &mut Machine,
    frame: Frame,
    to_integer: impl Fn(f64) -> Option<i64>,
    to_float: impl Fn(f64) -> f64,
) -> NativeResult {
    if let Some(value @ Value::Integer(_)) = frame.argument(machine, 0) {
        return frame.return_one(machine, value);
    }
    let value = frame.check_float(machine, 0)?;
    let result = match to_integer(value) {
        Some(integer) => Value::Integer(integer),
        None => Value::Float(to_float(value)),
    };
    frame.return_one(machine, result)
}

fn fmod(machine: &mut Machine, frame: Frame) -> NativeResult {
    let result = match (frame.argument_or_nil(machine, 0), frame.argument_or_nil(machine, 1)) {
        (Value::Integer(_), Value::Integer(0)) => {
            return Err(frame.argument_error(machine, 1, format_args!("zero")));
        }
        (Value::Integer(x), Value::Integer(y)) => Value::Integer(x.wrapping_rem(y)),
        _ => Value::Float(libm::fmod(frame.check_float(machine, 0)?, frame.check_float(machine, 1)?)),
    };
    frame.return_one(machine, result)
}

fn modf(machine: &mut Machine, frame: Frame) -> NativeResult {
    if let Some(value @ Value::Integer(_)) = frame.argument(machine, 0) {
        return frame.return_two(machine, value, Value::Float(0.0));
    }
    let value = frame.check_float(machine, 0)?;
    let whole = libm::trunc(value);
    let fraction = if value == whole { 0.0 } else { value - whole };
    let whole = float_to_integer_exact(whole).map_or(Value::Float(whole), Value::Integer);
    frame.return_two(machine, whole, Value::Float(fraction))
}

fn tointeger(machine: &mut Machine, frame: Frame) -> NativeResult {
    let value = frame.check_any(machine, 0)?;
    let result = machine.to_integer(value).map_or(Value::Nil, Value::Integer);
    frame.return_one(machine, result)
}

fn type_(machine: &mut Machine, frame: Frame) -> NativeResult {
    let name: &[u8] = match frame.check_any(machine, 0)? {
        Value::Integer(_) => b"integer",
        Value::Float(_) => b"float",
        _ => return frame.return_one(machine, Value::Nil),
    };
    let name = machine.new_string(name)?;
    frame.return_one(machine, Value::String(name))
}

fn ult(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (x, y) = (frame.check_integer(machine, 0)?, frame.check_integer(machine, 1)?);
    frame.return_one(machine, Value::Boolean((x as u64) < y as u64))
}

// Locals of `max` and `min`: numbers of the best argument so far and of the one it is compared with.
const BEST: u32 = 0;
const NEXT: u32 = 1;
const EXTREME_LOCALS: u32 = 2;

fn max(machine: &mut Machine, frame: Frame) -> NativeResult {
    extreme(machine, frame, |best, next| (best, next))
}

fn min(machine: &mut Machine, frame: Frame) -> NativeResult {
    extreme(machine, frame, |best, next| (next, best))
}

/// The argument that is best: `order` gives the two operands of the `<` that says whether the next one is better.
#[inline(always)]
fn extreme(machine: &mut Machine, frame: Frame, order: impl Fn(Value, Value) -> (Value, Value)) -> NativeResult {
    const COMPARED: u32 = 1;
    let (mut best, mut next) = (0, 1);
    if frame.phase() == COMPARED
        && let (Value::Integer(earlier), Value::Integer(compared)) =
            (frame.local(machine, BEST), frame.local(machine, NEXT))
    {
        best = if frame.result(machine, 0).is_falsy() { earlier as u32 } else { compared as u32 };
        next = compared as u32 + 1;
    }
    frame.check_any(machine, 0)?;
    while next < frame.count() {
        let (left, right) = order(machine.value(frame.base() + best), machine.value(frame.base() + next));
        match machine.order(left, right, Event::Less) {
            Comparison::Known(is_better) => best = if is_better { next } else { best },
            Comparison::Call(metamethod) => {
                frame.set_local(machine, BEST, Value::Integer(best.into()));
                frame.set_local(machine, NEXT, Value::Integer(next.into()));
                return frame.call(machine, COMPARED, metamethod, &[left, right]);
            }
            Comparison::Invalid => return Err(machine.order_error(left, right)),
        }
        next += 1;
    }
    frame.return_one(machine, machine.value(frame.base() + best))
}
