//! Handles: how Rust code outside of the region holds on to objects in it.
//!
//! ```text
//!   Handle { index, table } ---> HandleTable (outside the region, shared)     counts:  2 0 1 ...
//!                                 root array HANDLES (in the region)          slots:   | table | nil | string | ...
//! ```
//!
//! A handle is a counted claim to one slot of an array that is a root, so what it stands for can neither die nor be
//! another object later. Dropping the last claim needs no access to the instance: the slot is emptied when the instance
//! makes its next handle or collects.

use crate::error::{Error, Result};
use lunette_gc::{heap::OutOfMemory, reference::Ref, storage::SlotArray, value::Value};
use lunette_interpreter::{Machine, machine::roots};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The claims to an instance's handle slots.
#[derive(Debug, Default)]
pub(crate) struct HandleTable(Mutex<Claims>);

#[derive(Debug, Default)]
struct Claims {
    /// Claims to each slot.
    counts: Vec<u32>,
    /// Slots that are empty.
    free: Vec<u32>,
    /// Slots without a claim that are to be emptied.
    released: Vec<u32>,
}

impl HandleTable {
    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle to a value.
    pub fn insert(self: &Arc<Self>, machine: &Machine, value: Value) -> std::result::Result<Handle, OutOfMemory> {
        let mut claims = self.claims();
        let array = claims.empty_released(machine);
        let index = match claims.free.pop() {
            Some(index) => index,
            None => {
                let index = claims.counts.len() as u32;
                if index as usize == machine.heap.slots(array).len() {
                    grow(machine, array)?;
                }
                claims.counts.push(0);
                index
            }
        };
        claims.counts[index as usize] = 1;
        machine.heap.slots(slots(machine))[index as usize].set(value);
        Ok(Handle { table: self.clone(), index })
    }

    /// Empties the slots that nobody claims any more, so that a collection can free what was in them.
    pub fn empty_released(&self, machine: &Machine) {
        self.claims().empty_released(machine);
    }
}

impl Claims {
    fn empty_released(&mut self, machine: &Machine) -> Ref<SlotArray> {
        let array = slots(machine);
        for index in self.released.drain(..) {
            machine.heap.slots(array)[index as usize].set(Value::Nil);
            self.free.push(index);
        }
        array
    }
}

/// The array of the handles' slots.
fn slots(machine: &Machine) -> Ref<SlotArray> {
    match machine.heap.root(roots::HANDLES).get() {
        Value::Cell(array) => array.cast(),
        other => unreachable!("the root of the handles is an array, not {other:?}"),
    }
}

fn grow(machine: &Machine, array: Ref<SlotArray>) -> std::result::Result<(), OutOfMemory> {
    let old = machine.heap.slots(array);
    let larger = machine.heap.new_slot_array(old.len() as u32 * 2)?;
    for (from, to) in old.iter().zip(machine.heap.slots(larger)) {
        to.set(from.get());
    }
    machine.heap.root_array(roots::HANDLES, larger);
    Ok(())
}

/// Empties the slots of an instance that comes from another process, whose claims are not here.
#[cfg(feature = "migration")]
pub(crate) fn forget_claims(machine: &Machine) {
    machine.heap.slots(slots(machine)).iter().for_each(|slot| slot.set(Value::Nil));
}

/// A claim to a slot.
pub(crate) struct Handle {
    table: Arc<HandleTable>,
    index: u32,
}

impl Handle {
    /// The value it stands for, if it belongs to the instance with this table.
    pub fn value(&self, machine: &Machine, table: &Arc<HandleTable>) -> Result<Value> {
        if !Arc::ptr_eq(&self.table, table) {
            return Err(Error::ForeignHandle);
        }
        Ok(machine.heap.slots(slots(machine))[self.index as usize].get())
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        self.table.claims().counts[self.index as usize] += 1;
        Handle { table: self.table.clone(), index: self.index }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut claims = self.table.claims();
        let count = &mut claims.counts[self.index as usize];
        *count -= 1;
        if *count == 0 {
            claims.released.push(self.index);
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.index)
    }
}
