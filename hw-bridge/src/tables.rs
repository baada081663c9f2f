//! The guest's page tables. They only ever gain entries while the guest lives, as its processor does not notice others.
//!
//! ```text
//!   TABLES   | root | 512 GiB | further tables, in the order in which they were needed ...
//! ```

use crate::error::Error;
use lunette_hw_interface::layout::{LARGE_PAGE_BYTES, PAGE_BYTES, TABLES, TABLES_BYTES};
use serde::{Deserialize, Serialize};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const USER: u64 = 1 << 2;
/// Accessed and dirty, so that the processor need not write to the tables.
const USED: u64 = 3 << 5;
const LARGE: u64 = 1 << 7;
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
}

impl PageTables {
    /// An empty root in zeroed memory at [`TABLES`].
    pub fn new() -> PageTables {
        PageTables { next: TABLES + PAGE_BYTES }
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
                let new = self.next;
                if new >= TABLES + TABLES_BYTES {
                    return Err(Error::Memory { what: "map", reason: "too many page tables".to_owned() });
                }
                self.next += PAGE_BYTES;
                let entry = new | USED | USER | WRITABLE | PRESENT;
                memory.write_obj(entry, place).map_err(Error::memory("write"))?;
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
