//! The memory of the module that calls.

use super::errno::Errno;
use alloc::{vec, vec::Vec};
use lunette_gc::{heap::Heap, reference::Ref, storage::ByteArray, value::Value};
use lunette_interpreter::{Frame, Machine};

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

/// The memory of the module instance that calls the function of the frame.
///
/// This is the only place that knows how it is found: as the first value of the function's closure.
pub(super) fn caller_memory(machine: &Machine, frame: Frame) -> Result<impl GuestMemory + '_, Errno> {
    match frame.closure_value(machine, 0) {
        Value::Bytes(bytes) => Ok(ByteMemory { heap: &machine.heap, bytes }),
        _ => Err(Errno::FAULT),
    }
}

/// An array of bytes in the region as a memory.
struct ByteMemory<'m> {
    heap: &'m Heap,
    bytes: Ref<ByteArray>,
}

impl GuestMemory for ByteMemory<'_> {
    fn length(&self) -> u64 {
        self.heap.bytes(self.bytes).len() as u64
    }

    fn read(&self, address: u64, into: &mut [u8]) -> Option<()> {
        let start = usize::try_from(address).ok()?;
        into.copy_from_slice(self.heap.bytes(self.bytes).get(start..start.checked_add(into.len())?)?);
        Some(())
    }

    fn write(&self, address: u64, bytes: &[u8]) -> Option<()> {
        let start = usize::try_from(address).ok()?;
        self.heap.bytes(self.bytes).get(start..start.checked_add(bytes.len())?)?;
        self.heap.write_bytes(self.bytes, start, bytes);
        Some(())
    }
}
