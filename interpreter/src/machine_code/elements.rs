//! Elements of tables that compiled code has read and stored where it does not do that in line: in the hash part, absent, or
//! added. The usual cases take a short way, all others that of the loop.

use super::{Perform, performed};
use crate::{dispatch::state::Operands, machine::Machine};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{
    table::{NIL, Parts},
    value::{Slot, Value},
};

/// A register of the frame at `base`.
#[inline(always)]
unsafe fn register<'m>(base: *mut u8, operand: usize) -> &'m Slot {
    // SAFETY: the caller's operand is one of verified code.
    unsafe { &*base.add(operand).cast() }
}

/// The key in a register; `None` if looking for it costs fuel.
#[inline(always)]
fn plain_key(machine: &Machine, slot: &Slot) -> Option<Parts> {
    match slot.get() {
        Value::String(key) if !machine.heap.get(key).is_short() => None,
        key => Some(key.to_parts()),
    }
}

/// Performs `get_index` or `get_integer`; `otherwise` is the usual way.
#[inline(always)]
pub(crate) unsafe fn perform_get_index(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
    otherwise: Perform,
) -> u64 {
    // SAFETY: the caller is compiled code, for an instruction of its own; nothing moves.
    let is_done = unsafe {
        let (machine, word) = (&*machine, Word(*at).unmarked());
        let key = match word.opcode_number() == Opcode::get_integer as u8 {
            true => Some(Value::Integer(word.c() as i64).to_parts()),
            false => plain_key(machine, register(base, word.c())),
        };
        match (register(base, word.b()).get(), key) {
            (Value::Table(table), Some(key)) => {
                let (tag, payload) = machine.heap.table_get_parts(table, key);
                let is_found = tag != NIL.0 || machine.heap.get(table).metatable.get().is_none();
                if is_found {
                    let target = register(base, word.a());
                    target.payload.set(payload);
                    target.tag.set(tag.into());
                }
                is_found
            }
            _ => false,
        }
    };
    // SAFETY: as above.
    if is_done { performed::NEXT } else { unsafe { otherwise(machine, base, at) } }
}

/// Performs `set_index` or `set_integer` likewise.
#[inline(always)]
pub(crate) unsafe fn perform_set_index(
    machine: *mut Machine,
    base: *mut u8,
    at: *const u64,
    otherwise: Perform,
) -> u64 {
    // SAFETY: as above.
    let is_done = unsafe {
        let (machine, word) = (&*machine, Word(*at).unmarked());
        let key = match word.opcode_number() == Opcode::set_integer as u8 {
            true => Some(Value::Integer(word.b() as i64).to_parts()),
            false => plain_key(machine, register(base, word.b())),
        };
        match (register(base, word.a()).get(), key) {
            // What takes memory is followed by a collection, if one is due.
            (Value::Table(table), Some(key))
                if machine.heap.get(table).metatable.get().is_none() && !machine.heap.needs_collection() =>
            {
                machine.heap.table_set_parts(table, key, register(base, word.c()).get().to_parts()).is_ok()
            }
            _ => false,
        }
    };
    // SAFETY: as above.
    if is_done { performed::NEXT } else { unsafe { otherwise(machine, base, at) } }
}
