//! Figures about an instance.

use lunette_interpreter::Machine;

/// Figures about what has happened in an instance since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Units of fuel used: about one for each instruction.
    pub fuel_used: u64,
    /// Bytes of all objects that were allocated.
    pub allocated_bytes: u64,
    /// Bytes of objects in use.
    pub used_bytes: u64,
    /// Most bytes in use, as far as collections saw it.
    pub peak_bytes: u64,
    /// Bytes of addresses that were ever touched.
    pub touched_bytes: u64,
    /// Collections of young objects.
    pub minor_collections: u64,
    /// Collections of all objects.
    pub full_collections: u64,
    /// Steps in which they were done.
    pub collection_steps: u64,
}

impl Statistics {
    pub(crate) fn of(machine: &Machine) -> Statistics {
        let heap = machine.heap.statistics();
        Statistics {
            fuel_used: machine.fuel_used(),
            allocated_bytes: heap.allocated_bytes,
            used_bytes: heap.used_bytes,
            peak_bytes: heap.peak_bytes,
            touched_bytes: heap.touched_bytes,
            minor_collections: heap.minor_collections,
            full_collections: heap.full_collections,
            collection_steps: heap.steps,
        }
    }
}
