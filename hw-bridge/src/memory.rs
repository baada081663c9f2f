//! A partition's memory: what it has from the start, and what it is given when it touches more.
//!
//! The one module of this crate with unsafe code: it tells KVM where the host has the memory, and gives pages back to the
//! host. See `lunette_hw_interface::layout` for a drawing.

use crate::{
    cpu,
    error::{End, Error},
    image::Image,
    tables::{Access, PageTables},
};
use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::VmFd;
use lunette_hw_interface::layout::*;
use rustix::mm::{Advice, madvise};
use std::sync::Arc;
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestRegionMmap, MmapRegion};

/// Addresses of the guest that memory can be added to.
#[derive(Clone, Debug)]
struct Window {
    start: u64,
    /// End of the addresses that are mapped.
    mapped: u64,
    /// End of the addresses.
    end: u64,
    /// Parts: address, physical address, bytes.
    parts: Vec<(u64, u64, u64)>,
}

/// The least that is added.
const LEAST_GROWTH: u64 = 4 * LARGE_PAGE_BYTES;
/// The most that is added at a time.
const MOST_GROWTH: u64 = 1 << 30;

/// The memory of one partition.
#[derive(Debug)]
pub struct Memory {
    guest: GuestMemoryMmap,
    tables: PageTables,
    windows: [Window; 2],
    slots: u32,
    /// Physical address of the next memory that is added.
    next: u64,
    /// Bytes added.
    grown: u64,
    /// The most bytes that may be added.
    limit: u64,
}

impl Memory {
    /// Memory with the image and the processor's tables, known to the virtual machine.
    pub fn new(vm: &VmFd, image: &Image<'_>, limit: u64) -> Result<Memory, Error> {
        let window = |start: u64, bytes: u64, physical: u64, present: u64| Window {
            start,
            mapped: start + present,
            end: start + bytes,
            parts: vec![(start, physical, present)],
        };
        let mut memory = Memory {
            guest: GuestMemoryMmap::new(),
            tables: PageTables::new(),
            windows: [
                window(ARENA, ARENA_BYTES, ARENA_START, ARENA_START_BYTES),
                window(REGION, REGION_BYTES, REGION_START, REGION_START_BYTES),
            ],
            slots: 0,
            next: GROWTH,
            grown: 0,
            limit,
        };
        memory.add(vm, 0, BASE_BYTES)?;
        memory.add(vm, TABLES, TABLES_BYTES)?;
        for (address, bytes) in cpu::tables() {
            memory.write(address, &bytes)?;
        }
        for segment in &image.segments {
            memory.write(segment.start, segment.content)?;
        }
        memory.map_base(image)?;
        Ok(memory)
    }

    /// Makes the tables for everything that is there from the start.
    fn map_base(&mut self, image: &Image<'_>) -> Result<(), Error> {
        let mut map = |start, bytes, physical, access| self.tables.map(&self.guest, start, bytes, physical, access);
        map(DESCRIPTORS, STUBS - DESCRIPTORS, DESCRIPTORS, Access::System)?;
        map(STUBS, PAGE_BYTES, STUBS, Access::SystemCode)?;
        map(STUB_STACK, SYSTEM_END - STUB_STACK, STUB_STACK, Access::System)?;
        map(CHANNEL, PAGE_BYTES, CHANNEL, Access::Write)?;
        map(OUTBOX, OUTBOX_BYTES as u64, OUTBOX, Access::Write)?;
        map(INBOX, INBOX_BYTES as u64, INBOX, Access::Write)?;
        map(STACK, STACK_END - STACK, STACK, Access::Write)?;
        map(ARENA, ARENA_START_BYTES, ARENA_START, Access::Write)?;
        map(REGION, REGION_START_BYTES, REGION_START, Access::Write)?;
        for segment in &image.segments {
            let access = match (segment.is_writable, segment.is_executable) {
                (true, _) => Access::Write,
                (false, true) => Access::Execute,
                (false, false) => Access::Read,
            };
            let start = segment.start / PAGE_BYTES * PAGE_BYTES;
            map(start, (segment.last_page() + 1) * PAGE_BYTES - start, start, access)?;
        }
        Ok(())
    }

    /// Adds zeroed memory at a physical address.
    fn add(&mut self, vm: &VmFd, physical: u64, bytes: u64) -> Result<(), Error> {
        let size = usize::try_from(bytes).map_err(Error::memory("address"))?;
        let mapping = MmapRegion::new(size).map_err(Error::memory("reserve"))?;
        let address = mapping.as_ptr();
        if physical >= GROWTH {
            // SAFETY: advice about the mapping just made; its content stays.
            let _ = unsafe { madvise(address.cast(), size, Advice::LinuxHugepage) };
        }
        let region = GuestRegionMmap::new(mapping, GuestAddress(physical))
            .ok_or_else(|| Error::Memory { what: "address", reason: "beyond the end".to_owned() })?;
        self.guest = self.guest.insert_region(Arc::new(region)).map_err(Error::memory("add"))?;
        let region = kvm_userspace_memory_region {
            slot: self.slots,
            flags: 0,
            guest_phys_addr: physical,
            memory_size: bytes,
            userspace_addr: address as u64,
        };
        // SAFETY: the mapping is as large as said and belongs to `guest`, which outlives the virtual machine: a partition
        // drops its machine first. Nothing else refers to it but by the checked accesses of `vm_memory`.
        unsafe { vm.set_user_memory_region(region) }.map_err(Error::kvm("add memory"))?;
        self.slots += 1;
        Ok(())
    }

    /// The page tables' root.
    pub fn root(&self) -> u64 {
        TABLES
    }

    /// Writes to physical memory.
    pub fn write(&self, physical: u64, bytes: &[u8]) -> Result<(), Error> {
        self.guest.write_slice(bytes, GuestAddress(physical)).map_err(Error::memory("write"))
    }

    /// Reads from physical memory.
    pub fn read(&self, physical: u64, bytes: &mut [u8]) -> Result<(), Error> {
        self.guest.read_slice(bytes, GuestAddress(physical)).map_err(Error::memory("read"))
    }

    /// Whether memory can be added at this address.
    pub fn is_growable(&self, address: u64) -> bool {
        self.windows.iter().any(|window| (window.mapped..window.end).contains(&address))
    }

    /// Adds memory up to an address at which it can be.
    pub fn grow(&mut self, vm: &VmFd, address: u64) -> Result<(), End> {
        let Some(number) = self.windows.iter().position(|window| (window.mapped..window.end).contains(&address)) else {
            return Err(End::Memory);
        };
        let window = &self.windows[number];
        let least = (address + 1 - window.mapped).next_multiple_of(LARGE_PAGE_BYTES);
        let left = (self.limit.saturating_sub(self.grown)).min(window.end - window.mapped) / LARGE_PAGE_BYTES
            * LARGE_PAGE_BYTES;
        if least > left {
            return Err(End::Memory);
        }
        let wanted = (window.mapped - window.start).next_multiple_of(LARGE_PAGE_BYTES);
        let bytes = wanted.clamp(LEAST_GROWTH, MOST_GROWTH).clamp(least, left);
        let (start, physical) = (window.mapped, self.next);
        self.add(vm, physical, bytes)?;
        self.tables.map_large(&self.guest, start, bytes, physical)?;
        let window = &mut self.windows[number];
        window.mapped += bytes;
        window.parts.push((start, physical, bytes));
        self.next += bytes;
        self.grown += bytes;
        Ok(())
    }

    /// Makes pages that the guest does not use read as zero, and gives them back to the host where that can be.
    pub fn discard(&self, start: u64, bytes: u64) -> Result<(), End> {
        let aligned = start % PAGE_BYTES == 0 && bytes % PAGE_BYTES == 0;
        let end = start.checked_add(bytes).filter(|_| aligned);
        let window =
            self.windows.iter().find(|window| end.is_some_and(|end| window.start <= start && end <= window.mapped));
        let (Some(window), Some(end)) = (window, end) else {
            return Err(End::Violation(format!("it discards {bytes:#x} bytes at {start:#x}")));
        };
        for &(part, physical, size) in &window.parts {
            let (from, to) = (start.max(part), end.min(part + size));
            if from < to {
                self.discard_physical(physical + (from - part), (to - from) as usize)?;
            }
        }
        Ok(())
    }

    fn discard_physical(&self, physical: u64, bytes: usize) -> Result<(), End> {
        let slice = self.guest.get_slice(GuestAddress(physical), bytes);
        let slice = slice.map_err(Error::memory("find"))?;
        // SAFETY: the pages lie in the partition's anonymous memory, as the slice shows, and the host keeps no reference
        // to any of it.
        let dropped = unsafe { madvise(slice.ptr_guard_mut().as_ptr().cast(), bytes, Advice::LinuxDontNeed) };
        dropped.map_err(|error| End::from(Error::Memory { what: "discard", reason: error.to_string() }))
    }
}
