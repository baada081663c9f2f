//! The guest's page tables. They only ever gain entries while the guest lives, but for those of places.
//!
//! Neither the processor nor KVM notices that an entry was taken away, until what it led to is taken away from KVM, too. And KVM
//! may remember what a table was for: one that is in use is never used for other addresses.
//!
//! ```text
//!   TABLES   | root | 512 GiB | further tables, in the order in which they were needed ...
//!
//!   a place  | large pages, and tables where a guard was | a table, up to the guard | nothing
//! ```

use crate::error::Error;
use lunette_hw_interface::layout::{
    LARGE_PAGE_BYTES, MORE_TABLES_BYTES, MOST_TABLES_BYTES, PAGE_BYTES, REGION_BYTES, TABLES, TABLES_BYTES,
};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// Accessed and dirty, so that the processor need not write to the tables.
const USED: u64 = 3 << 5;
const LARGE: u64 = 1 << 7;
/// Of an entry that leads to a further table.
const TABLE: u64 = USED | USER | WRITABLE | PRESENT;
const NOT_EXECUTABLE: u64 = 1 << 63;
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What the guest may do with pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The processor's own tables.
    System,
    /// The stubs.
    SystemCode,
    /// Constants.
    Read,
    /// Data.
    Write,
    /// Code.
    Execute,
}

impl Access {
    fn bits(self) -> u64 {
        USED | PRESENT
            | match self {
                Access::System => WRITABLE | NOT_EXECUTABLE,
                Access::SystemCode => 0,
                Access::Read => USER | NOT_EXECUTABLE,
                Access::Write => USER | WRITABLE | NOT_EXECUTABLE,
                Access::Execute => USER,
            }
    }
}

/// The tables of one partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageTables {
    /// Physical address of the next table.
    next: u64,
    /// End of the memory for tables.
    end: u64,
}

/// Memory for so many tables is there whenever anything is mapped: for each GiB of the largest window, and for a guard.
const ENOUGH_TABLES: u64 = 64;
const _: () = assert!(REGION_BYTES.div_ceil(1 << 30) * 2 <= ENOUGH_TABLES);

impl PageTables {
    /// An empty root in zeroed memory at [`TABLES`].
    pub fn new() -> PageTables {
        PageTables { next: TABLES + PAGE_BYTES, end: TABLES + TABLES_BYTES }
    }

    /// The physical addresses at which memory is to be added before anything more is mapped, if there is too little left.
    pub fn missing(&self) -> Option<Range<u64>> {
        let is_enough = self.end - self.next >= ENOUGH_TABLES * PAGE_BYTES;
        let end = self.end + MORE_TABLES_BYTES;
        (!is_enough && end <= TABLES + MOST_TABLES_BYTES).then_some(self.end..end)
    }

    /// Notes that [`PageTables::missing`] memory was added.
    pub fn add(&mut self, memory: Range<u64>) {
        self.end = memory.end;
    }

    /// Whether a part of physical memory is for tables.
    pub fn are_in(physical: u64) -> bool {
        (TABLES..TABLES + MOST_TABLES_BYTES).contains(&physical)
    }

    /// Maps a range of addresses, which are multiples of the page size, to physical memory.
    pub fn map(
        &mut self,
        memory: &GuestMemoryMmap,
        start: u64,
        bytes: u64,
        physical: u64,
        access: Access,
    ) -> Result<(), Error> {
        for offset in (0..bytes).step_by(PAGE_BYTES as usize) {
            let table = self.table(memory, start + offset, 12)?;
            self.set(memory, table, (start + offset) >> 12, (physical + offset) | access.bits())?;
        }
        Ok(())
    }

    /// As [`PageTables::map`], in large pages.
    pub fn map_large(
        &mut self,
        memory: &GuestMemoryMmap,
        start: u64,
        bytes: u64,
        physical: u64,
        access: Access,
    ) -> Result<(), Error> {
        for offset in (0..bytes).step_by(LARGE_PAGE_BYTES as usize) {
            let table = self.table(memory, start + offset, 21)?;
            self.set(memory, table, (start + offset) >> 21, (physical + offset) | access.bits() | LARGE)?;
        }
        Ok(())
    }

    /// Maps so many bytes of a large page of a place, from its beginning on, and no more of it.
    pub fn map_part(
        &mut self,
        memory: &GuestMemoryMmap,
        (start, bytes): (u64, u64),
        physical: u64,
    ) -> Result<(), Error> {
        let table = self.table(memory, start, 21)?;
        let bits = Access::Write.bits();
        let entry: u64 = memory.read_obj(entry_address(table, start >> 21)).map_err(Error::memory("read"))?;
        let pages = match (entry & PRESENT != 0 && entry & LARGE == 0, bytes) {
            (true, _) => entry & ADDRESS,
            (false, 0) => return self.set(memory, table, start >> 21, 0),
            (false, LARGE_PAGE_BYTES) => return self.set(memory, table, start >> 21, physical | bits | LARGE),
            (false, _) => self.take_table()?,
        };
        for offset in (0..LARGE_PAGE_BYTES).step_by(PAGE_BYTES as usize) {
            let entry = if offset < bytes { (physical + offset) | bits } else { 0 };
            self.set(memory, pages, offset >> 12, entry)?;
        }
        self.set(memory, table, start >> 21, pages | TABLE)
    }

    fn take_table(&mut self) -> Result<u64, Error> {
        let new = self.next;
        if new >= self.end {
            return Err(Error::Memory { what: "map", reason: "too many page tables".to_owned() });
        }
        self.next += PAGE_BYTES;
        Ok(new)
    }

    /// The table that has the entries for units of `2^shift` bytes at this address.
    fn table(&mut self, memory: &GuestMemoryMmap, address: u64, shift: u32) -> Result<u64, Error> {
        let mut table = TABLES;
        let mut level = 39;
        while level > shift {
            let place = entry_address(table, address >> level);
            let entry: u64 = memory.read_obj(place).map_err(Error::memory("read"))?;
            table = if entry & PRESENT != 0 {
                entry & ADDRESS
            } else {
                let new = self.take_table()?;
                memory.write_obj(new | TABLE, place).map_err(Error::memory("write"))?;
                new
            };
            level -= 9;
        }
        Ok(table)
    }

    fn set(&self, memory: &GuestMemoryMmap, table: u64, index: u64, entry: u64) -> Result<(), Error> {
        memory.write_obj(entry, entry_address(table, index)).map_err(Error::memory("write"))
    }
}

fn entry_address(table: u64, index: u64) -> GuestAddress {
    GuestAddress(table + (index & 511) * 8)
}
