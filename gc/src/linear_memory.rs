//! Linear memories: their bytes are an object of their own, in a place with guards (`places`) or among the others.

use crate::{
    heap::{Heap, OutOfMemory},
    object::{Header, Kind},
    reference::{REFERENCE_SCALE, Ref},
    region::BLOCK_BYTES,
    typed::{LinearMemory, MemoryData},
};
use core::cell::Cell;

/// From how many bytes on memory that was used before is given back and taken anew instead of being overwritten.
const RELEASED_BYTES: usize = 1 << 20;
/// Pages of the size that all memories had once are multiples of those of the processor, as guards must be.
const GUARDED_PAGE_SHIFT: u32 = 16;

impl Heap {
    /// A linear memory of zeros, as `template` describes it but for its bytes.
    pub fn new_linear_memory(
        &self,
        pages: u64,
        maximum: Option<u64>,
        page_shift: u32,
        is_64: bool,
    ) -> Result<Ref<LinearMemory>, OutOfMemory> {
        let failure = OutOfMemory { requested: usize::MAX };
        let bytes = pages.checked_shl(page_shift).filter(|bytes| bytes >> page_shift == pages).ok_or(failure)?;
        let length = usize::try_from(bytes).map_err(|_| failure)?;
        let placed = if is_64 || page_shift != GUARDED_PAGE_SHIFT { None } else { self.new_placed_memory(length)? };
        let data = placed.map_or_else(|| self.new_memory_data(length), Ok)?;
        self.make(LinearMemory {
            header: Header::new(Kind::LinearMemory, 0),
            data: Cell::new(data),
            is_64: is_64.into(),
            pages: Cell::new(pages),
            maximum: maximum.unwrap_or(u64::MAX),
            has_maximum: maximum.is_some().into(),
            page_shift,
        })
    }

    fn new_memory_data(&self, length: usize) -> Result<Ref<MemoryData>, OutOfMemory> {
        let failure = OutOfMemory { requested: length };
        let bytes = length.checked_add(size_of::<MemoryData>()).ok_or(failure)?;
        if bytes as u64 > self.header().block_count.get() as u64 * BLOCK_BYTES as u64 {
            return Err(failure);
        }
        let frontier = self.header().frontier.get();
        let data = self.allocate::<MemoryData>(bytes, 0)?;
        self.get(data).length.set(length as u64);
        let start = data.units() as usize * REFERENCE_SCALE;
        self.zero(start + size_of::<MemoryData>(), start + bytes, frontier as usize * BLOCK_BYTES);
        Ok(data)
    }

    /// Makes bytes zero, of which those from the offset `used` on are so already.
    pub(crate) fn zero(&self, start: usize, end: usize, used: usize) {
        let end = end.min(used);
        if start >= end {
            return;
        }
        let (first, last) = (start.next_multiple_of(BLOCK_BYTES), end / BLOCK_BYTES * BLOCK_BYTES);
        let clear = |start: usize, end: usize| {
            // SAFETY: the range lies in an object that was just allocated or lengthened.
            unsafe { self.base().add(start).write_bytes(0, end - start) };
        };
        if first + RELEASED_BYTES <= last {
            clear(start, first);
            self.release_pages((first / BLOCK_BYTES) as u32, ((last - first) / BLOCK_BYTES) as u32);
            clear(last, end);
        } else {
            clear(start, end);
        }
    }

    /// Lengthens a linear memory by `pages` pages of zeros. It may move.
    pub fn grow_linear_memory(&self, memory: Ref<LinearMemory>, pages: u64) -> Result<(), OutOfMemory> {
        let object = self.get(memory);
        let failure = OutOfMemory { requested: usize::MAX };
        let total = object.pages.get().checked_add(pages).ok_or(failure)?;
        let shift = object.page_shift;
        let length = total.checked_shl(shift).filter(|bytes| bytes >> shift == total).ok_or(failure)? as usize;
        let old = object.data.get();
        let old_length = self.get(old).length.get() as usize;
        if let Some(place) = self.place_of(old) {
            self.grow_placed_memory(place, old, length)?;
            object.pages.set(total);
            return Ok(());
        }
        let bytes = |length: usize| size_of::<MemoryData>().saturating_add(length);
        if bytes(length) as u64 > self.header().block_count.get() as u64 * BLOCK_BYTES as u64 {
            return Err(failure);
        }
        let frontier = self.header().frontier.get();
        if self.extend(old, bytes(old_length), bytes(length)) {
            let start = old.units() as usize * REFERENCE_SCALE;
            self.get(old).length.set(length as u64);
            self.zero(start + bytes(old_length), start + bytes(length), frontier as usize * BLOCK_BYTES);
        } else {
            let new = self.new_memory_data(length)?;
            // SAFETY: both are as long at least, and apart.
            unsafe {
                let (from, to) = (self.content::<_, u8>(old), self.content::<_, u8>(new));
                core::ptr::copy_nonoverlapping(from, to, old_length);
            }
            object.data.set(new);
            self.barrier(memory);
            self.discard(old, bytes(old_length));
        }
        object.pages.set(total);
        Ok(())
    }

    /// The bytes of a linear memory.
    pub fn memory_bytes(&self, memory: Ref<LinearMemory>) -> &[Cell<u8>] {
        let data = self.get(memory).data.get();
        // SAFETY: the bytes follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(data), self.get(data).length.get() as usize) }
    }

    /// The address of byte 0 of a linear memory; the 8 bytes before it are its length.
    #[inline(always)]
    pub fn memory_base(&self, memory: Ref<LinearMemory>) -> *mut u8 {
        self.content(self.get(memory).data.get())
    }

    /// Copies bytes into a linear memory; `false`, and nothing is written, if they do not lie within it.
    pub fn write_memory(&self, memory: Ref<LinearMemory>, address: u64, bytes: &[u8]) -> bool {
        let length = self.get(self.get(memory).data.get()).length.get();
        if address.checked_add(bytes.len() as u64).is_none_or(|end| end > length) {
            return false;
        }
        // SAFETY: in range of the memory; the bytes are not part of it, or nobody could have borrowed them as such.
        unsafe { core::ptr::copy(bytes.as_ptr(), self.memory_base(memory).add(address as usize), bytes.len()) };
        true
    }

    /// Copies bytes out of a linear memory; `false` if they do not lie within it.
    pub fn read_memory(&self, memory: Ref<LinearMemory>, address: u64, buffer: &mut [u8]) -> bool {
        let length = self.get(self.get(memory).data.get()).length.get();
        if address.checked_add(buffer.len() as u64).is_none_or(|end| end > length) {
            return false;
        }
        // SAFETY: in range of the memory, which the buffer is not part of.
        unsafe {
            let source = self.memory_base(memory).add(address as usize);
            core::ptr::copy_nonoverlapping(source, buffer.as_mut_ptr(), buffer.len());
        }
        true
    }

    /// Copies `count` bytes from one place of linear memories to another; `false` if they do not lie within them.
    pub fn copy_memory(&self, target: (Ref<LinearMemory>, u64), source: (Ref<LinearMemory>, u64), count: u64) -> bool {
        let fits = |(memory, address): (Ref<LinearMemory>, u64)| {
            address.checked_add(count).is_some_and(|end| end <= self.get(self.get(memory).data.get()).length.get())
        };
        if !fits(target) || !fits(source) {
            return false;
        }
        // SAFETY: in range of both memories, which may be the same.
        unsafe {
            let from = self.memory_base(source.0).add(source.1 as usize);
            core::ptr::copy(from, self.memory_base(target.0).add(target.1 as usize), count as usize);
        }
        true
    }

    /// Sets `count` bytes of a linear memory; `false` if they do not lie within it.
    pub fn fill_memory(&self, memory: Ref<LinearMemory>, address: u64, byte: u8, count: u64) -> bool {
        let length = self.get(self.get(memory).data.get()).length.get();
        if address.checked_add(count).is_none_or(|end| end > length) {
            return false;
        }
        // SAFETY: in range of the memory.
        unsafe { self.memory_base(memory).add(address as usize).write_bytes(byte, count as usize) };
        true
    }
}
