//! What instructions do when the fast path does not serve. Each function finds the frame saved, may move anything, and
//! is tried again after a collection if it fails for memory: it takes memory before it changes anything.

mod arithmetic;
mod barriers;
mod branches;
mod concat;
mod construct;
mod frames;
mod loops;

pub(crate) use crate::index::{get_field, get_index, get_method, initialize_field, set_field, set_index};
pub(crate) use arithmetic::{arithmetic, event_of, handler, length, operands};
pub(crate) use barriers::{cell_barrier, element_barrier, table_barrier, upvalue_barrier};
pub(crate) use branches::{equal, equal_constant, order, order_integer, sense_of};
pub(crate) use concat::concat;
pub(crate) use construct::{closure, new_cell, new_table, not_a_cell, set_list, set_list_open};
pub(crate) use frames::{
    VALUES_PER_UNIT, call, call_native, close, return_closing, return_none, return_one, return_values, tail_call,
    to_be_closed, variable_arguments,
};
pub(crate) use loops::{generic_for_call, generic_for_prepare, numeric_for_prepare, place_iterator, poll, traverse};

use crate::{
    dispatch::state::Status,
    machine::{Machine, Outcome},
};
use lunette_bytecode::instruction::Word;

/// What an instruction that has taken memory does last.
#[inline(always)]
pub(crate) fn after_allocation(machine: &mut Machine, word: Word) -> Outcome {
    Ok(if machine.heap.needs_collection() { machine.lua_safepoint(word) } else { Status::Next })
}
