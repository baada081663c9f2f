//! What follows a store into an object of which the collector wants to know.

use crate::{
    dispatch::state::{Operands, Status},
    index,
    machine::{Machine, Outcome},
};
use lunette_bytecode::instruction::Word;
use lunette_gc::value::Value;

/// After a store into a table.
pub(crate) fn table_barrier(machine: &mut Machine, word: Word) -> Outcome {
    let object =
        if index::is_upvalue_field(word) { index::upvalue(machine, word.b()) } else { machine.register(word.a()) };
    if let Value::Table(table) = object {
        machine.heap.barrier(table);
    }
    Ok(Status::Next)
}

/// After a reference was stored into an element of a table.
pub(crate) fn element_barrier(machine: &mut Machine, word: Word) -> Outcome {
    if let Value::Table(table) = machine.register(word.a()) {
        machine.heap.barrier_value(table, machine.register(word.c()).to_parts());
    }
    Ok(Status::Next)
}

/// After `set_upvalue`.
pub(crate) fn upvalue_barrier(machine: &mut Machine, word: Word) -> Outcome {
    if let Value::Closure(closure) = machine.function_of(machine.base)
        && let Some(cell) = machine.heap.upvalue_cells(closure)[word.b()].get()
    {
        machine.heap.barrier(cell);
    }
    Ok(Status::Next)
}

/// After `set_cell`.
pub(crate) fn cell_barrier(machine: &mut Machine, word: Word) -> Outcome {
    if let Value::Cell(cell) = machine.register(word.a()) {
        machine.heap.barrier(cell);
    }
    Ok(Status::Next)
}
