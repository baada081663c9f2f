//! `debug.sethook` and `debug.gethook`.

use super::thread_argument;
use crate::arguments::Arguments;
use crate::library::weak_registry_table;
use alloc::vec::Vec;
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, hook};

/// Field of the registry: the hooks by their threads, for programs to see, as in the reference implementation.
const HOOKS: &str = "_HOOKKEY";

/// The letters of the events in a mask.
const LETTERS: [(u8, u32); 3] = [(b'c', hook::CALL), (b'r', hook::RETURN), (b'l', hook::LINE)];

/// `debug.sethook([thread,] hook, mask, count)`
pub(super) fn sethook(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (thread, first) = thread_argument(machine, frame);
    let hooks = weak_registry_table(machine, HOOKS)?;
    if frame.is_none_or_nil(machine, first) {
        machine.set_hook(thread, Value::Nil, 0, 0);
        machine.raw_set(hooks, Value::Thread(thread), Value::Nil)?;
        return frame.return_none();
    }
    let letters = frame.check_string(machine, first + 1)?;
    let function = frame.check_function(machine, first)?;
    let count = frame.optional_integer(machine, first + 2, 0)?;
    let letters = machine.bytes(letters);
    let mut mask = LETTERS.iter().filter(|(letter, _)| letters.contains(letter)).map(|(_, event)| event).sum();
    let count = count.clamp(0, i64::from(u32::MAX)) as u32;
    if count > 0 {
        mask |= hook::COUNT;
    }
    let function = if mask == 0 { Value::Nil } else { function };
    machine.set_hook(thread, function, mask, count);
    machine.raw_set(hooks, Value::Thread(thread), function)?;
    frame.return_none()
}

/// `debug.gethook([thread])`
pub(super) fn gethook(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (thread, _) = thread_argument(machine, frame);
    let (function, mask, count) = machine.get_hook(thread);
    if function.is_nil() {
        return frame.return_one(machine, Value::Nil);
    }
    let letters: Vec<u8> = LETTERS.iter().filter(|(_, event)| mask & event != 0).map(|&(letter, _)| letter).collect();
    let letters = machine.new_string(&letters)?;
    frame.return_values(machine, &[function, Value::String(letters), Value::Integer(count.into())])
}
