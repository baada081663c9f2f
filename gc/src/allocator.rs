//! Allocation: objects are cut off the current hole, a range of free lines; when it is used up the next one is looked
//! for in the same block, then in a block with free lines, then in a free block.
//!
//! Objects of more than 128 bytes that don't fit the hole go to the overflow hole, so that one of them doesn't waste many
//! small holes. Nothing here collects: the allocator only notes that a collection is due.

use crate::{
    heap::{Heap, OutOfMemory},
    object::{Header, Object},
    reference::{REFERENCE_SCALE, Ref},
    region::{BLOCK_BYTES, FIRST_LINE, Hole, LINE_BYTES, MEDIUM_BYTES, SMALL_BYTES},
};

/// Bytes beyond the limit that an emergency may use.
const EMERGENCY_BYTES: u64 = 64 << 10;

impl Hole {
    /// Bytes cut off so far.
    fn taken(&self) -> u64 {
        self.cursor.get() - self.start.get()
    }

    /// Bytes that can still be cut off.
    fn rest(&self) -> u64 {
        self.limit.get().saturating_sub(self.cursor.get())
    }

    fn set(&self, start: u64, limit: u64) {
        self.start.set(start);
        self.cursor.set(start);
        self.limit.set(limit);
    }

    /// Cuts `bytes` off; the offset of what was cut off.
    #[inline(always)]
    pub(crate) fn cut(&self, bytes: usize) -> Option<u64> {
        let start = self.cursor.get();
        let end = start + bytes as u64;
        (end <= self.limit.get()).then(|| {
            self.cursor.set(end);
            start
        })
    }
}

/// Allocation of objects.
impl Heap {
    /// Takes `bytes` bytes, whose content is arbitrary, for an object and writes its header.
    #[inline(always)]
    pub(crate) fn allocate<T: Object>(&self, bytes: usize, low: u32) -> Result<Ref<T>, OutOfMemory> {
        let object: Ref<T> = self.allocate_bytes(bytes)?;
        // SAFETY: the range was just taken from the region and is not smaller than a header.
        unsafe { object.pointer(self.base()).cast::<Header>().write(Header::new(T::KIND, low)) };
        Ok(object)
    }

    /// Takes bytes for an object whose header the caller writes.
    #[inline(always)]
    pub(crate) fn allocate_bytes<T>(&self, bytes: usize) -> Result<Ref<T>, OutOfMemory> {
        let bytes = bytes.next_multiple_of(REFERENCE_SCALE);
        let start = match self.header().hole.cut(bytes) {
            Some(start) => start,
            None => self.allocate_slow(bytes)?,
        };
        Ref::from_units((start / REFERENCE_SCALE as u64) as u32).ok_or(OutOfMemory { requested: bytes })
    }

    #[cold]
    #[inline(never)]
    fn allocate_slow(&self, bytes: usize) -> Result<u64, OutOfMemory> {
        let header = self.header();
        if header.stress_every.get() == 0 {
            return self.allocate_unhurried(bytes);
        }
        header.stress_left.set(header.stress_left.get().saturating_sub(1));
        if header.stress_left.get() == 0 {
            header.collection_due.set(1);
        }
        header.hole.limit.set(header.stress_limit.get());
        let result = match header.hole.cut(bytes) {
            Some(start) => Ok(start),
            None => self.allocate_unhurried(bytes),
        };
        header.stress_limit.set(header.hole.limit.replace(0));
        result
    }

    /// Has the hole have room for a small object, if no collection is due and allocating one would find room for it.
    pub fn provide_hole(&self, bytes: usize) {
        let header = self.header();
        let is_due = header.collection_due.get() != 0 || self.used_bytes() >= header.trigger.get();
        if is_due || header.stress_every.get() != 0 || bytes > SMALL_BYTES {
            return;
        }
        while header.hole.rest() < bytes as u64 {
            if self.take_hole(bytes).is_err() {
                return;
            }
        }
    }

    fn allocate_unhurried(&self, bytes: usize) -> Result<u64, OutOfMemory> {
        let header = self.header();
        let failure = OutOfMemory { requested: bytes };
        if bytes > MEDIUM_BYTES {
            return self.allocate_large(bytes);
        }
        if bytes > SMALL_BYTES {
            if let Some(start) = header.overflow.cut(bytes) {
                return Ok(start);
            }
            if self.take_overflow_block(bytes) {
                return header.overflow.cut(bytes).ok_or(failure);
            }
        }
        loop {
            self.take_hole(bytes)?;
            if let Some(start) = header.hole.cut(bytes) {
                return Ok(start);
            }
        }
    }

    /// Makes a free block the overflow hole, or what is left of the old one if that is more than what will be left.
    fn take_overflow_block(&self, bytes: usize) -> bool {
        let Some(available) = self.available_for(bytes) else { return false };
        let Some(block) = self.take_block_of_lines() else { return false };
        self.touch(block);
        let overflow = &self.header().overflow;
        self.retire(overflow);
        let start = (block as usize * BLOCK_BYTES + FIRST_LINE * LINE_BYTES) as u64;
        overflow.set(start, start + available.min(MEDIUM_BYTES as u64));
        self.check_trigger();
        true
    }

    /// Makes the next range of free lines the hole.
    fn take_hole(&self, wanted: usize) -> Result<(), OutOfMemory> {
        let header = self.header();
        self.retire(&header.hole);
        let available = self.available_for(wanted).ok_or(OutOfMemory { requested: wanted })?;
        loop {
            if header.block.get() != 0
                && let Some((first, end)) = self.find_hole(header.block.get(), header.line.get())
            {
                let block = u64::from(header.block.get()) * BLOCK_BYTES as u64;
                let start = block + u64::from(first) * LINE_BYTES as u64;
                let limit = (block + u64::from(end) * LINE_BYTES as u64).min(start + available);
                header.line.set(((limit - block).div_ceil(LINE_BYTES as u64)) as u32);
                header.hole.set(start, limit);
                self.check_trigger();
                return Ok(());
            }
            let block = match header.recyclable.get() {
                0 => self.take_free_or_swept_block().ok_or(OutOfMemory { requested: wanted })?,
                block => {
                    header.recyclable.set(self.block_entry(block).next.get());
                    block
                }
            };
            self.touch(block);
            header.block.set(block);
            header.line.set(FIRST_LINE as u32);
        }
    }

    /// Notes that objects are allocated into a block, or a large object, in this cycle.
    pub(crate) fn touch(&self, block: u32) {
        self.block_entry(block).cycle.set(self.cycle());
        if self.list_push(&self.state().touched, block).is_err() {
            // It is not swept by a minor collection then.
            self.state().needs_full.set(1);
        }
    }

    /// Counts what was cut off a hole and gives the rest of it up.
    pub(crate) fn retire(&self, hole: &Hole) {
        let used = &self.header().used_bytes;
        used.set(used.get() + hole.taken());
        hole.set(0, 0);
    }

    /// The bytes that the limit leaves to new objects if they are at least `bytes`.
    pub(crate) fn available_for(&self, bytes: usize) -> Option<u64> {
        if self.available() < bytes as u64 {
            self.retire_holes();
        }
        Some(self.available()).filter(|&available| available >= bytes as u64)
    }

    /// The limit without the bytes in use and the holes, which are as good as used.
    fn available(&self) -> u64 {
        let header = self.header();
        let limit = header.memory_limit.get().saturating_add(header.emergency_bytes.get());
        let promised = header.hole.rest() + header.overflow.rest();
        (limit & !(REFERENCE_SCALE as u64 - 1)).saturating_sub(self.used_bytes() + promised)
    }

    /// Gives what is left of the holes up.
    pub(crate) fn retire_holes(&self) {
        self.retire(&self.header().hole);
        self.retire(&self.header().overflow);
        self.header().stress_limit.set(0);
    }

    /// Bytes of all objects that are alive or were not found dead yet.
    pub fn used_bytes(&self) -> u64 {
        let header = self.header();
        header.used_bytes.get() + header.hole.taken() + header.overflow.taken()
    }

    /// Notes that a collection is due if so many bytes are in use; the current holes count in full.
    pub(crate) fn check_trigger(&self) {
        let header = self.header();
        if self.used_bytes() >= header.trigger.get() {
            header.collection_due.set(1);
        }
    }

    /// Sets the most bytes of objects there may be.
    pub fn set_memory_limit(&self, bytes: u64) {
        self.header().memory_limit.set(bytes);
        self.retire_holes();
    }

    /// The most bytes of objects there may be.
    pub fn memory_limit(&self) -> u64 {
        self.header().memory_limit.get()
    }

    /// Lets allocations exceed the memory limit by 64 KiB, so that running out of memory can be reported.
    pub fn enter_emergency(&self) {
        self.header().emergency_bytes.set(EMERGENCY_BYTES);
    }

    /// Ends what [`Heap::enter_emergency`] began.
    pub fn leave_emergency(&self) {
        self.header().emergency_bytes.set(0);
        self.retire_holes();
    }

    /// Makes a full collection due after every `every_n_allocations`-th allocation; 0 ends that.
    pub fn set_stress(&self, every_n_allocations: u32) {
        self.set_stress_of_kind(every_n_allocations, false);
    }

    /// Makes, after every `every_n_allocations`-th allocation, a minor collection or a small step of a full one due, so
    /// that a missing barrier shows; 0 ends that.
    pub fn set_partial_stress(&self, every_n_allocations: u32) {
        self.set_stress_of_kind(every_n_allocations, true);
    }

    fn set_stress_of_kind(&self, every_n_allocations: u32, is_partial: bool) {
        let header = self.header();
        header.stress_is_partial.set(is_partial.into());
        match (header.stress_every.replace(every_n_allocations), every_n_allocations) {
            (0, 1..) => header.stress_limit.set(header.hole.limit.replace(0)),
            (1.., 0) => header.hole.limit.set(header.stress_limit.get()),
            _ => {}
        }
        header.stress_left.set(every_n_allocations);
    }
}
