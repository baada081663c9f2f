//! Machines that go on in another process of the same build, with their region as it lies in memory.

use crate::{host::Host, limits::StopReason, machine::Machine};
use alloc::boxed::Box;
use lunette_gc::heap::Heap;

/// What a machine is beside its region and its host.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MachineState {
    fuel_used: u64,
    fuel_left: Option<u64>,
    output_left: Option<u64>,
    /// The status with which the program ends, and whether the instance is closed then.
    exit: Option<(i32, bool)>,
    is_finalizing: bool,
}

impl Machine {
    /// Puts into the region what belongs there, and gives the rest. The machine stands where it offers a snapshot.
    pub fn leave_state(&mut self) -> MachineState {
        let top = self.snapshot_top();
        self.store_thread(top);
        MachineState {
            fuel_used: self.fuel_used(),
            fuel_left: self.fuel_left(),
            output_left: self.output_left(),
            exit: match self.limits.reason {
                Some(StopReason::Exit(status)) => Some((status, self.exit_closes())),
                _ => None,
            },
            is_finalizing: self.is_finalizing(),
        }
    }

    /// A machine that goes on with a heap and a state which another one has left. Native functions are to be registered
    /// as they were there. `None` if the heap is not a machine's.
    pub fn arrive(host: Box<dyn Host>, heap: Heap, state: &MachineState) -> Option<Machine> {
        let mut machine = Machine::of_heap(host, heap)?;
        machine.set_finalizing(state.is_finalizing);
        machine.restore_limits(state.fuel_used, state.fuel_left, state.output_left);
        if let Some((status, closes)) = state.exit {
            // What was asked for goes on: the variables of the main thread are being closed.
            let _ = machine.exit(status, closes);
        }
        machine.adopt_roots();
        Some(machine)
    }
}
