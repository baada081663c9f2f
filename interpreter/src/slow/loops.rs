//! Loops: preparation of numeric `for`, calls of iterators, polls.

use crate::{
    call::Next,
    dispatch::state::{Operands, Status},
    error::Throw,
    frame::{FRAME_SLOTS, Return},
    machine::{Machine, Outcome},
    roles::Call,
};
use lunette_bytecode::{
    instruction::Word,
    number::{float_to_integer_ceil, float_to_integer_floor},
};
use lunette_gc::{table::NIL, value::Value};

/// The budget of fuel is used up.
pub(crate) fn poll(machine: &mut Machine, _: Word) -> Outcome {
    machine.look_at_limits()?;
    Ok(machine.drive(Next::Lua))
}

/// `numeric_for_prepare` of anything but integers that count upwards.
pub(crate) fn numeric_for_prepare(machine: &mut Machine, word: Word) -> Outcome {
    let index = machine.register_index(word.a());
    let (initial, limit, step) = (machine.value(index), machine.value(index + 1), machine.value(index + 2));
    let runs = if let (Value::Integer(initial), Value::Integer(step)) = (initial, step) {
        if step == 0 {
            return Err(machine.runtime_error(format_args!("'for' step is zero")));
        }
        match integer_limit(machine, initial, limit, step)? {
            None => false,
            Some(limit) => {
                let distance = if step > 0 {
                    (limit as u64).wrapping_sub(initial as u64)
                } else {
                    (initial as u64).wrapping_sub(limit as u64)
                };
                machine.set_value(index + 1, Value::Integer((distance / step.unsigned_abs()) as i64));
                machine.set_value(index + 3, Value::Integer(initial));
                true
            }
        }
    } else {
        let limit = machine.for_number(limit, "limit")?;
        let step = machine.for_number(step, "step")?;
        let initial = machine.for_number(initial, "initial value")?;
        if step == 0.0 {
            return Err(machine.runtime_error(format_args!("'for' step is zero")));
        }
        // A NaN is behind no limit yet: such a loop runs once.
        let is_past = if step > 0.0 { limit < initial } else { initial < limit };
        machine.set_value(index, Value::Float(initial));
        machine.set_value(index + 1, Value::Float(limit));
        machine.set_value(index + 2, Value::Float(step));
        machine.set_value(index + 3, Value::Float(initial));
        !is_past
    };
    if !runs {
        machine.jump_by(word.d_signed());
    }
    Ok(Status::Reload)
}

/// The limit of an integer loop, clipped; `None` if the loop does not run.
fn integer_limit(machine: &Machine, initial: i64, limit: Value, step: i64) -> Result<Option<i64>, Throw> {
    let limit = match limit {
        Value::Integer(limit) => limit,
        other => {
            let limit = machine.for_number(other, "limit")?;
            let clipped = if step > 0 { float_to_integer_floor(limit) } else { float_to_integer_ceil(limit) };
            match clipped {
                Some(limit) => limit,
                None if limit > 0.0 => {
                    if step < 0 {
                        return Ok(None);
                    }
                    i64::MAX
                }
                // Below all integers, or NaN, which the reference takes for that.
                None => {
                    if step > 0 {
                        return Ok(None);
                    }
                    i64::MIN
                }
            }
        }
    };
    let runs = if step > 0 { initial <= limit } else { initial >= limit };
    Ok(runs.then_some(limit))
}

impl Machine {
    /// A number that a `for` loop needs.
    fn for_number(&self, value: Value, what: &str) -> Result<f64, Throw> {
        self.to_float(value).ok_or_else(|| {
            let name = self.type_name_of(value);
            self.runtime_error_bytes(&[b"bad 'for' ", what.as_bytes(), b" (number expected, got ", &name, b")"])
        })
    }
}

/// `generic_for_prepare` with a closing value.
pub(crate) fn generic_for_prepare(machine: &mut Machine, word: Word) -> Outcome {
    let index = machine.register_index(word.a());
    machine.mark_to_be_closed(index + 3)?;
    machine.slot(index + 2).spare.set(0);
    machine.jump_by(word.d_signed());
    Ok(Status::Reload)
}

/// `generic_for_call`
pub(crate) fn generic_for_call(machine: &mut Machine, word: Word) -> Outcome {
    let index = machine.register_index(word.a());
    let wanted = word.b() as u32;
    if traverse(machine, index, wanted) {
        return Ok(Status::Next);
    }
    let window = place_iterator(machine, word);
    let next = match machine.call_by_role(Call { window, count: 2, wanted: wanted as i32 }) {
        Some(next) => next,
        None => machine.push_call(window, 2, wanted as i32, Return::Call, 0)?,
    };
    Ok(machine.drive(next))
}

/// Puts the iterator of a `generic_for_call` and its arguments into a window; at which slot that is.
#[inline(always)]
pub(crate) fn place_iterator(machine: &Machine, word: Word) -> u32 {
    let index = machine.register_index(word.a());
    let window = index + 4;
    machine.copy_slot(index, window);
    machine.copy_slot(index + 1, window + FRAME_SLOTS);
    machine.copy_slot(index + 2, window + FRAME_SLOTS + 1);
    window
}

/// Makes the next step of a traversal that `pairs` or `ipairs` has made, of the loop whose state begins at slot `index`; `false`
/// if that takes a call of the iterator.
///
/// For `next` the slot of the control variable holds the cursor of the traversal in its `spare`, which is only a hint: the key
/// tells whether it is right.
pub(crate) fn traverse(machine: &mut Machine, index: u32, wanted: u32) -> bool {
    let [iterator, object, control] = machine.slots::<3>(index);
    let (Value::NativeClosure(iterator), Value::Table(table)) = (iterator.get(), object.get()) else { return false };
    let native = machine.heap.get(iterator).native;
    let (key, value) = if native == machine.next_native {
        let before = (control.tag.get() as u8, control.payload.get());
        match machine.heap.next_after(table, before, control.spare.get()) {
            Ok(Some(step)) => {
                control.spare.set(step.cursor);
                (step.key, step.value)
            }
            Ok(None) => (NIL, NIL),
            Err(_) => return false,
        }
    } else if native == machine.ipairs_native
        && let Value::Integer(number) = control.get()
    {
        let number = number.wrapping_add(1);
        let value = machine.heap.table_get_integer_parts(table, number);
        if value.0 == NIL.0 {
            if machine.heap.get(table).metatable.get().is_some() {
                return false;
            }
            (NIL, NIL)
        } else {
            (Value::Integer(number).to_parts(), value)
        }
    } else {
        return false;
    };
    for (slot, (tag, payload)) in machine.slots::<2>(index + 4).iter().zip([key, value]) {
        slot.payload.set(payload);
        slot.tag.set(tag.into());
    }
    for extra in 2..wanted {
        machine.set_value(index + 4 + extra, Value::Nil);
    }
    true
}
