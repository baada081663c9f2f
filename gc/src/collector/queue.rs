//! References that were found and are still to be marked, in the order in which they were found: between the two the objects
//! are fetched from memory.

/// Most references that are there.
const CAPACITY: usize = 32;

/// A queue of references in their units.
pub(super) struct Queue {
    entries: [u32; CAPACITY],
    /// How many were taken, and how many were added.
    taken: usize,
    added: usize,
}

impl Queue {
    pub const fn new() -> Queue {
        Queue { entries: [0; CAPACITY], taken: 0, added: 0 }
    }

    #[inline(always)]
    pub fn length(&self) -> usize {
        self.added.wrapping_sub(self.taken)
    }

    /// Whether so many more can be added.
    #[inline(always)]
    pub fn has_room(&self, count: usize) -> bool {
        self.length() + count <= CAPACITY
    }

    /// Adds a reference, for which there is room; null is none. Whether it is one is not branched on, as that is hard to
    /// predict.
    #[inline(always)]
    pub fn add(&mut self, units: u32) {
        self.entries[self.added % CAPACITY] = units;
        self.added = self.added.wrapping_add(usize::from(units != 0));
    }

    /// Takes the oldest reference of at least one.
    #[inline(always)]
    pub fn take(&mut self) -> u32 {
        let units = self.entries[self.taken % CAPACITY];
        self.taken = self.taken.wrapping_add(1);
        units
    }
}
