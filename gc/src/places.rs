//! Places for linear memories whose addresses have 32 bits: behind each there are so many addresses that no access leads
//! beyond them. What lies behind the memory's end can be made inaccessible, so that compiled code need not compare.
//!
//! ```text
//!   |------- a block -------|------- 4 GiB -------|-- almost 2 MiB --|
//!               MemoryData  | bytes     | guarded                    |
//!                             ^ 0       ^ length
//! ```
//!
//! An instance has few of them. Memories that find none lie among the other objects, without guards. What is guarded is no part
//! of the region's content: a copy of it has none.

use crate::{
    block::{BlockEntry, BlockState},
    heap::{Heap, OutOfMemory},
    object::{Header, Kind},
    pages::{LARGE_PAGE, Pages},
    reference::{REFERENCE_SCALE, Ref},
    region::{BLOCK_BYTES, MAXIMUM_REGION_BYTES, MOST_PLACES, RegionHeader},
    typed::{LinearMemory, MemoryData},
};
use core::{cell::Cell, ops::Range, ptr::NonNull};

/// Blocks of the addresses that an access can name.
const ADDRESSED_BLOCKS: u32 = ((1_u64 << 32) / BLOCK_BYTES as u64) as u32;
/// Blocks of a place: as many beside those as make it a multiple of large pages.
const PLACE_BLOCKS: u32 = ADDRESSED_BLOCKS + (LARGE_PAGE / BLOCK_BYTES) as u32;
/// Bytes of a place.
pub const PLACE_BYTES: usize = PLACE_BLOCKS as usize * BLOCK_BYTES;
/// An access that names an address and adds so much to it, its own size included, does not lead beyond a place.
pub const MOST_OFFSET: u32 = (PLACE_BLOCKS - 1 - ADDRESSED_BLOCKS) * BLOCK_BYTES as u32;

/// Bytes of a memory that are kept when it is gone, for the next one in its place.
const KEPT_BYTES: u64 = 1 << 20;
/// Bytes of a memory from which on large pages suit it.
const SMALL_PAGES_BYTES: usize = 16 << 20;

/// A place, by number.
#[derive(Clone, Copy)]
pub(crate) struct Place(u32);

/// A region with places, as it is to be.
pub(crate) struct RegionShape {
    /// Blocks beside those of places.
    pub blocks: u32,
    /// Places.
    pub places: u32,
    /// The block at which they begin.
    pub first_place: u32,
}

impl RegionShape {
    /// With so many places, in a region whose other part has at most so many bytes.
    pub fn new(pages: &dyn Pages, bytes: usize, places: u32) -> Option<RegionShape> {
        let place_bytes = places as usize * PLACE_BYTES;
        let bytes = bytes.min(MAXIMUM_REGION_BYTES - place_bytes) / BLOCK_BYTES * BLOCK_BYTES;
        let blocks = (bytes / BLOCK_BYTES) as u32;
        if places == 0 {
            return Some(RegionShape { blocks, places, first_place: blocks });
        }
        let start = pages.places(bytes, place_bytes).filter(|&start| start <= MAXIMUM_REGION_BYTES - place_bytes)?;
        Some(RegionShape { blocks, places, first_place: (start / BLOCK_BYTES) as u32 })
    }

    /// Bytes of the region.
    pub fn bytes(&self) -> usize {
        self.first_place as usize * BLOCK_BYTES + self.places as usize * PLACE_BYTES
    }

    /// Bytes of the block table.
    pub fn table_bytes(&self) -> usize {
        (self.blocks + self.places) as usize * size_of::<BlockEntry>()
    }
}

impl MemoryData {
    /// Bit of `flags` in the header: what lies behind the bytes is inaccessible.
    const GUARDED: u8 = 1;

    /// Whether accesses beyond the end fault.
    #[inline(always)]
    pub fn is_guarded(&self) -> bool {
        self.header.flags.get() & MemoryData::GUARDED != 0
    }

    fn set_guarded(&self, is_guarded: bool) {
        self.header.flags.set(if is_guarded { MemoryData::GUARDED } else { 0 });
    }
}

impl Heap {
    /// What the header says of the region.
    pub(crate) fn shape(header: &RegionHeader) -> RegionShape {
        RegionShape {
            blocks: header.block_count.get(),
            places: header.place_count.get(),
            first_place: header.first_place.get(),
        }
    }

    /// Whether there are places for linear memories.
    pub fn has_places(&self) -> bool {
        self.header().place_count.get() > 0
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        (0..self.header().place_count.get()).map(Place)
    }

    /// The number of a place's entry in the block table.
    pub(crate) fn entry_of(&self, place: Place) -> u32 {
        self.header().block_count.get() + place.0
    }

    /// The place of an entry in the block table.
    pub(crate) fn place_of_entry(&self, entry: u32) -> Option<Place> {
        entry.checked_sub(self.header().block_count.get()).map(Place)
    }

    /// The first block of a place.
    fn first_block_of(&self, place: Place) -> u32 {
        self.header().first_place.get() + place.0 * PLACE_BLOCKS
    }

    /// The place in which an object is.
    pub(crate) fn place_of<T>(&self, object: Ref<T>) -> Option<Place> {
        let block = (object.units() as usize * REFERENCE_SCALE / BLOCK_BYTES) as u32;
        let beyond = block.checked_sub(self.header().first_place.get())?;
        Some(Place(beyond / PLACE_BLOCKS)).filter(|place| place.0 < self.header().place_count.get())
    }

    /// The offset of a memory's bytes in a place.
    fn start_of(&self, place: Place) -> usize {
        (self.first_block_of(place) as usize + 1) * BLOCK_BYTES
    }

    fn touched(&self, place: Place) -> &Cell<u64> {
        &self.header().place_touched[place.0 as usize]
    }

    /// Makes a memory of zeros in a place; `None` if there is none left.
    pub(crate) fn new_placed_memory(&self, length: usize) -> Result<Option<Ref<MemoryData>>, OutOfMemory> {
        let is_free = |&place: &Place| !self.block_entry(self.entry_of(place)).is(BlockState::Large);
        let Some(place) = self.places().find(is_free) else { return Ok(None) };
        let bytes = size_of::<MemoryData>() + length;
        self.available_for(bytes).ok_or(OutOfMemory { requested: bytes })?;
        let entry = self.block_entry(self.entry_of(place));
        let units = ((self.start_of(place) - size_of::<MemoryData>()) / REFERENCE_SCALE) as u32;
        let data = Ref::<MemoryData>::from_units(units).ok_or(OutOfMemory { requested: bytes })?;
        entry.state.set(BlockState::Large as u8);
        entry.run.set(1);
        entry.link.set(units);
        self.touch(self.entry_of(place));
        // SAFETY: the place is nobody's, and begins with a block for this.
        unsafe {
            data.pointer(self.base())
                .write(MemoryData { header: Header::new(Kind::MemoryData, 0), length: Cell::new(length as u64) });
        }
        self.clear(place, 0..length);
        let used = &self.header().used_bytes;
        used.set(used.get() + bytes as u64);
        self.check_trigger();
        Ok(Some(data))
    }

    /// Makes a range of a memory zero that was not its part before.
    fn clear(&self, place: Place, range: Range<usize>) {
        let (start, touched) = (self.start_of(place), self.touched(place));
        self.zero(start + range.start, start + range.end, start + touched.get() as usize);
        touched.set(touched.get().max(range.end as u64));
    }

    /// Lengthens a memory in its place by zeros.
    pub(crate) fn grow_placed_memory(
        &self,
        place: Place,
        data: Ref<MemoryData>,
        length: usize,
    ) -> Result<(), OutOfMemory> {
        let object = self.get(data);
        let old = object.length.get() as usize;
        let failure = OutOfMemory { requested: length };
        if self.available_for(length - old).is_none() || (object.is_guarded() && !self.guard(place, old..length, false))
        {
            return Err(failure);
        }
        object.length.set(length as u64);
        if old < SMALL_PAGES_BYTES && length > SMALL_PAGES_BYTES {
            self.expect_growth_of(place);
        }
        self.clear(place, old..length);
        self.note_extended(data, length - old);
        Ok(())
    }

    fn expect_growth_of(&self, place: Place) {
        let start = (self.start_of(place) + SMALL_PAGES_BYTES).next_multiple_of(LARGE_PAGE);
        let end = (self.first_block_of(place) + PLACE_BLOCKS) as usize * BLOCK_BYTES / LARGE_PAGE * LARGE_PAGE;
        self.expect_growth_in(start..end);
    }

    /// Takes back the place of a memory that nothing refers to any more.
    pub(crate) fn free_place(&self, place: Place) {
        if let Some(memory) = self.placed_memory(place).filter(|memory| memory.is_guarded()) {
            // What cannot be made accessible stays taken.
            if !self.guard(place, memory.length.get() as usize..PLACE_BYTES - BLOCK_BYTES, false) {
                return;
            }
            memory.set_guarded(false);
        }
        self.block_entry(self.entry_of(place)).state.set(BlockState::Free as u8);
        let touched = self.touched(place).get();
        if touched > KEPT_BYTES {
            self.release_pages(self.first_block_of(place) + 1, touched.div_ceil(BLOCK_BYTES as u64) as u32);
            self.touched(place).set(0);
        }
    }

    /// Makes what lies behind the end of a memory inaccessible; whether it is.
    pub fn guard_memory(&self, memory: Ref<LinearMemory>) -> bool {
        let data = self.get(memory).data.get();
        let Some(place) = self.place_of(data) else { return false };
        let data = self.get(data);
        let end = data.length.get() as usize;
        let is_guarded = data.is_guarded() || self.guard(place, end..PLACE_BYTES - BLOCK_BYTES, true);
        data.set_guarded(is_guarded);
        is_guarded
    }

    /// Whether an address of the process lies where guards are, or could be.
    pub fn is_guard(&self, address: usize) -> bool {
        let offset = address.wrapping_sub(self.base() as usize);
        (self.header().first_place.get() as usize * BLOCK_BYTES..self.region().1).contains(&offset)
    }

    /// Makes a range of a place inaccessible, or accessible again.
    fn guard(&self, place: Place, range: Range<usize>, is_guarded: bool) -> bool {
        let start = self.base().wrapping_add(self.start_of(place) + range.start);
        let Some(start) = NonNull::new(start).filter(|_| !range.is_empty()) else { return true };
        // SAFETY: the range lies in the place, behind the end of a memory: nothing of it is used.
        unsafe { self.guard_pages(start, range.len(), is_guarded) }
    }

    /// A copy of a region has no guards.
    pub(crate) fn forget_guards(&self) {
        self.places().filter_map(|place| self.placed_memory(place)).for_each(|memory| memory.set_guarded(false));
    }

    /// The memory that is in a place.
    fn placed_memory(&self, place: Place) -> Option<&MemoryData> {
        let entry = self.block_entry(self.entry_of(place));
        let data = Ref::<MemoryData>::from_units(entry.link.get()).filter(|_| entry.is(BlockState::Large));
        data.map(|data| self.get(data))
    }

    /// Offsets of what is used of each place.
    pub fn used_places(&self) -> impl Iterator<Item = Range<usize>> {
        self.places().map(|place| {
            let (start, memory) = (self.start_of(place), self.placed_memory(place));
            let header = start - BLOCK_BYTES;
            header..memory.map_or(header, |memory| start + memory.length.get() as usize)
        })
    }

    /// Offsets of what is inaccessible.
    pub(crate) fn guards(&self) -> impl Iterator<Item = Range<usize>> {
        let guarded = |place| {
            let start = self.start_of(place);
            let memory = self.placed_memory(place).filter(|memory| memory.is_guarded())?;
            Some(start + memory.length.get() as usize..start - BLOCK_BYTES + PLACE_BYTES)
        };
        self.places().filter_map(guarded)
    }
}

const _: () = assert!(MOST_PLACES * PLACE_BYTES < MAXIMUM_REGION_BYTES / 2);
