//! Text that grows while a native function calls back: an array of bytes in the region, kept in two of its locals.

use crate::workspace::allowance;
use lunette_gc::{reference::Ref, storage::ByteArray, value::Value};
use lunette_interpreter::{Frame, Machine, Throw};

/// The least room.
const MIN_CAPACITY: usize = 64;

/// A text. What is appended counts once it is stored: a function that fails for lack of memory before that finds the
/// text as it was.
#[derive(Clone, Copy)]
pub(crate) struct Accumulator {
    storage: Ref<ByteArray>,
    length: usize,
}

impl Accumulator {
    /// Number of locals that hold a text.
    pub const LOCALS: u32 = 2;

    /// An empty text with room for about this many bytes.
    pub fn new(machine: &Machine, capacity: usize) -> Result<Accumulator, Throw> {
        let capacity = u32::try_from(capacity.max(MIN_CAPACITY)).map_err(|_| Throw::Memory)?;
        Ok(Accumulator { storage: machine.heap.new_zeroed_byte_array(capacity)?, length: 0 })
    }

    /// The text that was stored in the locals from number `local` on.
    pub fn load(machine: &Machine, frame: Frame, local: u32) -> Option<Accumulator> {
        match (frame.local(machine, local), frame.local(machine, local + 1)) {
            (Value::Bytes(storage), Value::Integer(length)) => {
                // Programs that look at the locals of functions can change them.
                let length =
                    usize::try_from(length).ok().filter(|&length| length <= machine.heap.bytes(storage).len())?;
                Some(Accumulator { storage, length })
            }
            _ => None,
        }
    }

    /// Stores the text in the locals from number `local` on.
    pub fn store(self, machine: &Machine, frame: Frame, local: u32) {
        frame.set_local(machine, local, Value::Bytes(self.storage));
        frame.set_local(machine, local + 1, Value::Integer(self.length as i64));
    }

    /// Appends.
    pub fn append(&mut self, machine: &Machine, bytes: &[u8]) -> Result<(), Throw> {
        let old = machine.heap.bytes(self.storage);
        let needed = self.length + bytes.len();
        if needed > old.len() {
            if needed > allowance(&machine.heap).saturating_add(old.len()) {
                return Err(Throw::Memory);
            }
            let capacity = u32::try_from(needed.max(old.len() * 2)).map_err(|_| Throw::Memory)?;
            let storage = machine.heap.new_zeroed_byte_array(capacity)?;
            machine.heap.write_bytes(storage, 0, &old[..self.length]);
            self.storage = storage;
        }
        machine.heap.write_bytes(self.storage, self.length, bytes);
        self.length = needed;
        Ok(())
    }

    /// The text.
    pub fn bytes(self, machine: &Machine) -> &[u8] {
        &machine.heap.bytes(self.storage)[..self.length]
    }
}
