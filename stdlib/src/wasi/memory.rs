//! The memory of the module that calls.

use super::errno::Errno;
use alloc::{vec, vec::Vec};
use lunette_gc::{heap::Heap, object::Kind, reference::Ref, typed::LinearMemory, value::Value};
use lunette_interpreter::Machine;

/// A memory, as much as functions of WASI need of it.
pub(super) trait GuestMemory {
    /// Number of bytes.
    fn length(&self) -> u64;
    /// Fills `into` from an address on; `None` if that is not all in the memory.
    fn read(&self, address: u64, into: &mut [u8]) -> Option<()>;
    /// Writes bytes from an address on; `None`, and nothing is written, if that is not all in the memory.
    fn write(&self, address: u64, bytes: &[u8]) -> Option<()>;

    /// Fails if a part is not all in the memory.
    fn check(&self, address: u64, length: u64) -> Result<(), Errno> {
        match address.checked_add(length) {
            Some(end) if end <= self.length() => Ok(()),
            _ => Err(Errno::FAULT),
        }
    }

    /// So many bytes, no more than callers are ready to allocate.
    fn bytes(&self, address: u64, length: usize) -> Result<Vec<u8>, Errno> {
        self.check(address, length as u64)?;
        let mut bytes = vec![0; length];
        self.read(address, &mut bytes).ok_or(Errno::FAULT)?;
        Ok(bytes)
    }

    /// Writes bytes.
    fn put(&self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.write(address, bytes).ok_or(Errno::FAULT)
    }
}

/// The memory of the module instance that calls the running function: the one that it exports by the name that the
/// interface has for it.
pub(super) fn caller_memory(machine: &Machine) -> Result<impl GuestMemory + '_, Errno> {
    let instance = machine.calling_instance().ok_or(Errno::FAULT)?;
    let exports = machine.heap.get(instance).exports.get().ok_or(Errno::FAULT)?;
    let name = machine.new_string(b"memory").map_err(|_| Errno::NOMEM)?;
    match machine.heap.table_get_string(exports, name) {
        Value::Internal(object) if machine.heap.get(object).header.kind == Kind::LinearMemory as u8 => {
            Ok(CallerMemory { heap: &machine.heap, memory: object.cast() })
        }
        _ => Err(Errno::FAULT),
    }
}

/// A linear memory in the region.
struct CallerMemory<'m> {
    heap: &'m Heap,
    memory: Ref<LinearMemory>,
}

impl GuestMemory for CallerMemory<'_> {
    fn length(&self) -> u64 {
        self.heap.memory_bytes(self.memory).len() as u64
    }

    fn read(&self, address: u64, into: &mut [u8]) -> Option<()> {
        self.heap.read_memory(self.memory, address, into).then_some(())
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Option<()> {
        self.heap.write_memory(self.memory, address, bytes).then_some(())
    }
}
