//! Making closures, cells and tables.

use super::after_allocation;
use crate::{
    debug_info::CaptureTable,
    dispatch::state::Operands,
    machine::{Machine, Outcome},
};
use lunette_bytecode::{instruction::Word, module::Capture};
use lunette_gc::value::Value;

/// `closure`
pub(crate) fn closure(machine: &mut Machine, word: Word) -> Outcome {
    let running = machine.heap.get(machine.running_prototype());
    let Some(child) = machine.heap.refs(running.module)[word.d() as usize].get() else {
        return Err(machine.runtime_error(format_args!("malformed bytecode: no such function")));
    };
    let child = child.cast();
    let prototype: &lunette_gc::function::Prototype = machine.heap.get(child);
    let count = u32::from(prototype.upvalue_count);
    let closure = machine.heap.new_closure(child, count)?;
    if let Some(captures) = prototype.captures {
        let Value::Closure(enclosing) = machine.function_of(machine.base) else {
            unreachable!("a Lua frame has a closure");
        };
        let cells = machine.heap.upvalue_cells(closure);
        for (cell, capture) in cells.iter().zip(CaptureTable::new(machine.heap.bytes(captures))) {
            let source = match capture {
                Capture::Register(register) => match machine.value(machine.base + u32::from(register)) {
                    Value::Cell(source) => Some(source),
                    _ => None,
                },
                Capture::Upvalue(number) => machine.heap.upvalue_cells(enclosing)[usize::from(number)].get(),
            };
            if source.is_none() {
                return not_a_cell(machine, word);
            }
            cell.set(source);
        }
    }
    machine.set_register(word.a(), Value::Closure(closure));
    after_allocation(machine, word)
}

/// `new_cell`
pub(crate) fn new_cell(machine: &mut Machine, word: Word) -> Outcome {
    let value = match machine.register(word.a()) {
        // Only malformed code boxes a box.
        Value::Cell(_) => return not_a_cell(machine, word),
        value => value,
    };
    let cell = machine.heap.new_cell(value)?;
    machine.set_register(word.a(), Value::Cell(cell));
    after_allocation(machine, word)
}

/// Code that passed the verifier but was not made by the compiler.
pub(crate) fn not_a_cell(machine: &mut Machine, _: Word) -> Outcome {
    Err(machine.runtime_error(format_args!("malformed bytecode: a register holds no captured variable")))
}

/// `new_table`
pub(crate) fn new_table(machine: &mut Machine, word: Word) -> Outcome {
    let table = machine.heap.new_table(word.b() as u32, word.c() as u32)?;
    machine.set_register(word.a(), Value::Table(table));
    after_allocation(machine, word)
}

/// `set_list`
pub(crate) fn set_list(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a()) + 1;
    store_list(machine, word, first, word.k() as u32)
}

/// `set_list_open`
pub(crate) fn set_list_open(machine: &mut Machine, word: Word) -> Outcome {
    let first = machine.register_index(word.a()) + 1;
    let count = machine.open_top.saturating_sub(first);
    store_list(machine, word, first, count)
}

fn store_list(machine: &mut Machine, word: Word, first: u32, count: u32) -> Outcome {
    let Value::Table(table) = machine.register(word.a()) else {
        return Err(machine.runtime_error(format_args!("malformed bytecode: a register holds no table")));
    };
    let slots = &machine.stack_slots()[first as usize..(first + count) as usize];
    machine.heap.set_list(table, word.d().into(), slots).map_err(|error| machine.table_error(error))?;
    machine.charge(u64::from(count))?;
    after_allocation(machine, word)
}
