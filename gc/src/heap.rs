//! The heap: the region of an instance, its root slots, and access to objects.

use crate::{
    object::{AnyObject, Kind},
    pages::{LARGE_PAGE, Pages},
    places::RegionShape,
    reference::Ref,
    region::{BLOCK_BYTES, MAGIC, MAXIMUM_REGION_BYTES, MOST_PLACES, RegionHeader},
    storage::SlotArray,
    value::{Slot, Tag},
};
use alloc::boxed::Box;
use core::{ops::Range, ptr::NonNull};

pub use crate::region::ROOT_COUNT;

/// The root slot that holds the running thread.
pub const ROOT_CURRENT_THREAD: usize = 0;
/// Bytes of blocks from which on large pages are asked for.
const SMALL_PAGES_BYTES: usize = 16 << 20;

/// The instance's memory limit does not allow what was asked for, even after a collection if there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not enough memory")]
pub struct OutOfMemory {
    /// The bytes that were asked for.
    pub requested: usize,
}

/// The heap of an instance.
pub struct Heap {
    base: NonNull<u8>,
    bytes: usize,
    pages: Box<dyn Pages + Send>,
}

// SAFETY: the heap owns its region; nothing in it is shared with other threads.
unsafe impl Send for Heap {}

impl Heap {
    /// Where in a heap the region's base address is, for compiled code.
    pub const BASE_OFFSET: usize = core::mem::offset_of!(Heap, base);

    /// The bytes of the smallest region that serves an instance of this memory limit: what is lost to holes between
    /// objects and what the collector needs for itself come on top of the limit.
    pub const fn region_bytes(memory_limit: u64) -> usize {
        const LEAST: u64 = 1 << 20;
        let bytes = memory_limit.saturating_mul(2).saturating_add(LEAST);
        if bytes > MAXIMUM_REGION_BYTES as u64 { MAXIMUM_REGION_BYTES } else { bytes as usize }
    }

    /// Makes an empty heap in a region of `bytes` bytes, which only take memory as they are used. Places for linear memories
    /// come on top, if the home has guards and enough addresses; where they would not be addressed, `bytes` is less.
    pub fn new(pages: Box<dyn Pages + Send>, bytes: usize) -> Result<Heap, OutOfMemory> {
        const FEWEST_BLOCKS: usize = 8;
        const RESERVED: u32 = 8;
        let failure = OutOfMemory { requested: bytes };
        if bytes / BLOCK_BYTES < FEWEST_BLOCKS {
            return Err(failure);
        }
        let reserve = |places: u32| {
            let shape = RegionShape::new(&*pages, bytes, places)?;
            Some((pages.reserve(shape.bytes())?, shape))
        };
        let reserved = (0..=MOST_PLACES as u32).rev().find_map(reserve);
        let (base, shape) = reserved.ok_or(failure)?;
        let heap = Heap { base, bytes: shape.bytes(), pages };
        let header = heap.header();
        let table_blocks = shape.table_bytes().div_ceil(BLOCK_BYTES) as u32;
        let blocks = shape.blocks;
        header.magic.set(MAGIC);
        header.block_count.set(blocks);
        header.place_count.set(shape.places);
        header.first_place.set(shape.first_place);
        header.first_block.set(1 + table_blocks);
        header.frontier.set(1 + table_blocks);
        header.reserved_blocks.set(blocks / RESERVED);
        header.memory_limit.set(u64::from(blocks) * BLOCK_BYTES as u64);
        heap.initialize_segments();
        heap.initialize_strings();
        heap.initialize_collector()?;
        heap.expect_growth();
        Ok(heap)
    }

    /// Lets programs that need much have large pages: they touch memory in fewer faults, and the collector finds addresses
    /// faster. Small ones stay small.
    fn expect_growth(&self) {
        let first = self.header().first_block.get() as usize * BLOCK_BYTES;
        let start = (first + SMALL_PAGES_BYTES).next_multiple_of(LARGE_PAGE);
        let end = self.header().block_count.get() as usize * BLOCK_BYTES / LARGE_PAGE * LARGE_PAGE;
        self.expect_growth_in(start..end);
    }

    /// The same for a range of the region, multiples of the size of large pages.
    pub(crate) fn expect_growth_in(&self, range: Range<usize>) {
        assert!(range.end <= self.bytes, "the range lies in the region");
        if range.start < range.end {
            // SAFETY: the range lies in the region.
            unsafe { self.pages.expect_growth(self.base.add(range.start), range.end - range.start) };
        }
    }

    /// The heap of a region that is a copy of another heap's, at whatever address. `None`, and nothing is taken over, if
    /// it has another size or layout.
    ///
    /// # Safety
    /// The region is memory of `pages` that belongs to nobody else, and its bytes are what [`Heap::region`] of a heap
    /// of the same build gave.
    pub unsafe fn adopt(pages: Box<dyn Pages + Send>, base: NonNull<u8>, bytes: usize) -> Option<Heap> {
        // SAFETY: the region begins with a header.
        let header = unsafe { base.cast::<RegionHeader>().as_ref() };
        let shape = Heap::shape(header);
        let fits = header.magic.get() == MAGIC && shape.places as usize <= MOST_PLACES && shape.bytes() == bytes;
        let heap = fits.then(|| Heap { base, bytes, pages })?;
        heap.forget_guards();
        heap.expect_growth();
        Some(heap)
    }

    /// The region's start and size in bytes; what lies behind [`Heap::touched_bytes`] was never written, but for
    /// [`Heap::used_places`].
    pub fn region(&self) -> (NonNull<u8>, usize) {
        (self.base, self.bytes)
    }

    /// The bytes from the region's start that may have been written since it was made.
    pub fn touched_bytes(&self) -> usize {
        self.header().frontier.get() as usize * BLOCK_BYTES
    }

    /// Copies bytes of the region, from an offset on; what is inaccessible reads as zero.
    pub fn copy_region(&self, offset: usize, buffer: &mut [u8]) {
        assert!(offset <= self.bytes && buffer.len() <= self.bytes - offset, "the range lies in the region");
        let end = offset + buffer.len();
        let mut at = offset;
        for guard in self.guards().filter(|guard| guard.start < end && guard.end > offset) {
            let (start, after) = (guard.start.max(offset), guard.end.min(end));
            self.copy_accessible(at, &mut buffer[at - offset..start - offset]);
            buffer[start - offset..after - offset].fill(0);
            at = after;
        }
        self.copy_accessible(at, &mut buffer[at - offset..]);
    }

    fn copy_accessible(&self, offset: usize, buffer: &mut [u8]) {
        // SAFETY: the range lies in the region, in what is readable of it and apart from the buffer, and nobody writes to it
        // while the heap is borrowed.
        unsafe { self.base.as_ptr().add(offset).copy_to_nonoverlapping(buffer.as_mut_ptr(), buffer.len()) };
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &RegionHeader {
        // SAFETY: the region begins with its header, and zeroed memory is a valid one.
        unsafe { self.base.cast::<RegionHeader>().as_ref() }
    }

    /// The region's base address.
    #[inline(always)]
    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// A root slot: the collector keeps what it refers to. Their meaning is the machine's, but for
    /// [`ROOT_CURRENT_THREAD`].
    pub fn root(&self, number: usize) -> &Slot {
        &self.header().roots[number]
    }

    /// Makes an array of slots a root: what is written into it needs no barrier.
    pub fn root_array(&self, number: usize, array: Ref<SlotArray>) {
        let slot = self.root(number);
        slot.payload.set(array.units().into());
        // The tag of references that programs never see.
        slot.tag.set(Tag::Cell as u32);
    }

    /// The object of a reference.
    #[inline(always)]
    pub fn get<T>(&self, object: Ref<T>) -> &T {
        // SAFETY: references to live objects of this region are the only ones there are (see `Ref`).
        unsafe { &*object.pointer(self.base()) }
    }

    /// The address of what follows an object's fixed part. It comes from the region's base, because a reference to the
    /// object allows access to the fixed part alone.
    #[inline(always)]
    pub(crate) fn content<T, E>(&self, object: Ref<T>) -> *mut E {
        // SAFETY: as for `get`; the object ends behind the fixed part, if not later.
        unsafe { object.pointer(self.base()).add(1).cast() }
    }

    /// A number below 2^40 that stands for the object as long as it lives; 0 for storage, structures and arrays.
    pub fn identity(&self, object: Ref<AnyObject>) -> u64 {
        let header = &self.get(object).header;
        if header.kind > Kind::Cell as u8 {
            return 0;
        }
        let known = u64::from(header.identity_high.get()) << 32 | u64::from(header.low.get());
        if known != 0 {
            return known;
        }
        let identity = self.new_identity();
        header.low.set(identity as u32);
        header.identity_high.set((identity >> 32) as u8);
        identity
    }

    /// The next identity, which no object has.
    pub fn new_identity(&self) -> u64 {
        let identities = &self.header().identities;
        identities.set(identities.get() + 1);
        identities.get()
    }

    /// Whether the machine should call the collector at its next safepoint.
    #[inline(always)]
    pub fn needs_collection(&self) -> bool {
        self.header().collection_due.get() != 0
    }

    /// Gives the memory of free blocks back.
    pub(crate) fn release_pages(&self, first: u32, count: u32) {
        let start = self.base().wrapping_add(first as usize * BLOCK_BYTES);
        let Some(start) = NonNull::new(start) else { return };
        // SAFETY: free blocks of the region.
        unsafe { self.pages.release(start, count as usize * BLOCK_BYTES) };
    }

    /// Makes pages of the region inaccessible, or accessible again; whether that was done.
    ///
    /// # Safety
    /// They lie in the region and nothing in them is used.
    pub(crate) unsafe fn guard_pages(&self, start: NonNull<u8>, bytes: usize, is_guarded: bool) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.pages.guard(start, bytes, is_guarded) }
    }
}

impl Heap {
    pub(crate) fn prepare_pages(&self, range: Range<usize>) {
        assert!(range.start <= range.end && range.end <= self.bytes, "the range lies in the region");
        let Some(start) = NonNull::new(self.base().wrapping_add(range.start)) else { return };
        // SAFETY: the range lies in the region.
        unsafe { self.pages.prepare(start, range.end - range.start) };
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: the region is ours and nothing can refer into it any more.
        unsafe { self.pages.unreserve(self.base, self.bytes) };
    }
}
