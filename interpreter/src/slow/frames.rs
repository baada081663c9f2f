//! Calls and returns that need more than moving a few values.

use super::after_allocation;
use crate::{
    dispatch::state::{Operands, Status},
    error::Throw,
    frame::{FRAME_SLOTS, HeaderSlot, Return, VARIADIC, kind},
    machine::{Machine, Outcome},
    native::{ArgumentList, CALL_COST, Frame, NativeFunction, NativeResult, Step, THROWN},
    roles::Call,
};
use lunette_bytecode::instruction::Word;
use lunette_gc::value::Value;

impl Machine {
    /// Number of arguments of the call window at slot `window`, from operand b.
    pub(crate) fn argument_count(&self, word: Word, window: u32) -> u32 {
        match word.b() {
            0 => self.open_top.saturating_sub(window + FRAME_SLOTS),
            count => count as u32 - 1,
        }
    }
}

/// `call`
pub(crate) fn call(machine: &mut Machine, word: Word) -> Outcome {
    let window = machine.register_index(word.a());
    let count = machine.argument_count(word, window);
    let wanted = word.c() as i32 - 1;
    let next = machine.push_call(window, count, wanted, Return::Call, 0)?;
    Ok(machine.drive(next))
}

/// `call`, or `tail_call`, of a native function in a thread without hook: if it returns at once, the loop goes on as it
/// was.
#[inline(always)]
pub(crate) fn call_native(machine: &mut Machine, word: Word) -> Outcome {
    let window = machine.register_index(word.a());
    let count = machine.argument_count(word, window);
    let Value::NativeClosure(closure) = machine.value(window) else {
        unreachable!("the caller has looked");
    };
    let wanted = word.c() as i32 - 1;
    if let Some(quick) = machine.natives[machine.heap.get(closure).native as usize].quick
        && matches!(wanted, 0 | 1)
        && !machine.hooked
        && machine.budget.get() >= CALL_COST as i64
        && let Some(value) = quick(machine, ArgumentList::new(window + FRAME_SLOTS, count))
    {
        machine.spend(CALL_COST);
        machine.set_value(window, value);
        return after_allocation(machine, word);
    }
    if let Some(next) = machine.call_by_role(Call { window, count, wanted }) {
        return Ok(machine.drive(next));
    }
    let caller = machine.base;
    let stack = machine.stack;
    let (frame, function) = machine.push_native(closure, window, count, wanted, Return::Call as u32)?;
    let result = function(machine, frame);
    if let Ok(Step::Return { first, count }) = result
        && !machine.hooked
    {
        machine.base = caller;
        machine.deliver(first, count, window, wanted);
        if machine.heap.needs_collection() {
            return Ok(machine.lua_safepoint(word));
        }
        return Ok(if machine.stack == stack { Status::Next } else { Status::Reload });
    }
    finish_native(machine, frame, function, &result)
}

/// Goes on with a native function that was called in phase 0 and did not return at once.
#[inline(never)]
fn finish_native(machine: &mut Machine, frame: Frame, function: NativeFunction, result: &NativeResult) -> Outcome {
    match result {
        Ok(step) => {
            let next = machine.take_step(frame, step).unwrap_or_else(|throw| machine.unwind(throw));
            Ok(machine.drive(next))
        }
        Err(Throw::Memory) => try_again(machine, frame, function),
        &Err(throw) => {
            machine.header(frame.base()).set_resume(THROWN);
            Ok(machine.raise(throw))
        }
    }
}

/// Calls a native function again that has failed for lack of memory.
#[cold]
fn try_again(machine: &mut Machine, frame: Frame, function: NativeFunction) -> Outcome {
    machine.collect_fully(frame.window());
    match function(machine, machine.native_frame()) {
        Err(throw) => {
            machine.header(frame.base()).set_resume(THROWN);
            Ok(machine.raise(throw))
        }
        result => finish_native(machine, frame, function, &result),
    }
}

/// `tail_call` of what is no Lua function, or of one whose frame takes more than moving a few values. A native function
/// is called above the frame, which its errors are to tell about.
pub(crate) fn tail_call(machine: &mut Machine, word: Word) -> Outcome {
    let window = machine.register_index(word.a());
    let count = machine.argument_count(word, window);
    let next = machine.with_function(window, count, |machine, count| match machine.value(window) {
        Value::NativeClosure(_) => machine.push_call(window, count, -1, Return::Call, 0),
        _ => Ok(machine.tail_call_from(window, count).unwrap_or_else(|throw| machine.unwind(throw))),
    })?;
    Ok(machine.drive(next))
}

/// `return_none`
pub(crate) fn return_none(machine: &mut Machine, _: Word) -> Outcome {
    let first = machine.base;
    leave(machine, first, 0)
}

/// `return_one`
pub(crate) fn return_one(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a());
    leave(machine, first, 1)
}

/// `return_values`
pub(crate) fn return_values(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a());
    let count = returned(machine, word, first);
    leave(machine, first, count)
}

fn returned(machine: &Machine, word: Word, first: u32) -> u32 {
    match word.b() {
        0 => machine.open_top.saturating_sub(first),
        count => count as u32 - 1,
    }
}

fn leave(machine: &mut Machine, first: u32, count: u32) -> Outcome {
    let next = machine.return_from(first, count).unwrap_or_else(|throw| machine.unwind(throw));
    Ok(machine.drive(next))
}

/// `return_closing`
pub(crate) fn return_closing(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a());
    let count = returned(machine, word, first);
    let top = machine.frame_top().max(first + count);
    let level = machine.base;
    match machine.close_variables(level, top)? {
        Some(next) => Ok(machine.drive(next)),
        None => leave(machine, first, count),
    }
}

/// `close`
pub(crate) fn close(machine: &mut Machine, word: Word) -> Outcome {
    let level = machine.register_index(word.a());
    let top = machine.frame_top();
    match machine.close_variables(level, top)? {
        Some(next) => Ok(machine.drive(next)),
        None => Ok(Status::Next),
    }
}

/// `to_be_closed`
pub(crate) fn to_be_closed(machine: &mut Machine, word: Word) -> Outcome {
    let index = machine.register_index(word.a());
    machine.mark_to_be_closed(index)?;
    Ok(Status::Next)
}

/// Values that are copied for one unit of fuel.
pub(crate) const VALUES_PER_UNIT: u64 = 4;

/// `variable_arguments`
pub(crate) fn variable_arguments(machine: &mut Machine, word: Word) -> Outcome {
    let stack = machine.stack;
    let header = machine.header(machine.base);
    let extra = if kind(header.tag.get()) & VARIADIC != 0 {
        let parameters = u32::from(machine.heap.get(machine.running_prototype()).parameter_count);
        header.argument_count().saturating_sub(parameters)
    } else {
        0
    };
    let source = machine.base - FRAME_SLOTS - extra;
    let target = machine.register_index(word.a());
    let wanted = match word.b() {
        0 => {
            machine.ensure_stack(target, extra)?;
            machine.open_top = target + extra;
            extra
        }
        count => count as u32 - 1,
    };
    let given = extra.min(wanted);
    machine.spend(u64::from(given) / VALUES_PER_UNIT);
    machine.copy_slots(source, target, given);
    for index in given..wanted {
        machine.set_value(target + index, Value::Nil);
    }
    Ok(if machine.stack == stack { Status::Next } else { Status::Reload })
}
