//! Memory of the host that partitions have: the unsafe side of it, behind safe functions.
//!
//! A mapping is anonymous, or a private copy of a part of a template's file, of which only pages that were written to take
//! memory of their own. Constant pages are as they are for ever, and shared by all that have them.

use crate::error::Error;
use kvm_bindings::{KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;
use lunette_hw_interface::layout::PAGE_BYTES;
use lunette_pages::{
    PageSize,
    scan::{self, Kind},
    worker::Worker,
};
use rustix::mm::{Advice, madvise};
use std::{fs::File, ops::Range, sync::Arc};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestRegionMmap, MmapRegion, VolatileMemory};

/// Memory of one partition, which KVM may know.
#[derive(Clone, Debug)]
pub struct Mapping {
    region: Arc<GuestRegionMmap>,
    address: *mut u8,
    bytes: usize,
}

// SAFETY: the address is that of memory which `region` owns; it is used for system calls only.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Zeroed memory at a physical address of the guest.
    pub fn zeroed(physical: u64, bytes: u64) -> Result<Mapping, Error> {
        let bytes = usize::try_from(bytes).map_err(Error::memory("address"))?;
        Mapping::new(MmapRegion::new(bytes).map_err(Error::memory("reserve"))?, physical)
    }

    /// A private copy of a part of a file.
    pub fn copy_of(file: &Arc<File>, offset: u64, physical: u64, bytes: u64) -> Result<Mapping, Error> {
        let bytes = usize::try_from(bytes).map_err(Error::memory("address"))?;
        let place = FileOffset::from_arc(file.clone(), offset);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE;
        let region = MmapRegion::build(Some(place), bytes, protection, flags).map_err(Error::memory("map"))?;
        Mapping::new(region, physical)
    }

    fn new(region: MmapRegion, physical: u64) -> Result<Mapping, Error> {
        let (address, bytes) = (region.as_ptr(), region.size());
        let region = GuestRegionMmap::new(region, GuestAddress(physical))
            .ok_or_else(|| Error::Memory { what: "address", reason: "beyond the end".to_owned() })?;
        Ok(Mapping { region: Arc::new(region), address, bytes })
    }

    /// The region, for checked accesses.
    pub fn region(&self) -> Arc<GuestRegionMmap> {
        self.region.clone()
    }

    /// Bytes of it.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Asks for large pages, which are cheaper where much is used, or for small ones, from now on.
    pub fn use_pages(&self, are_large: bool) {
        self.advise(0..self.bytes, if are_large { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage });
    }

    /// Gives advice that does not change what is in memory. What is not known, or not to be had, is as good as nothing.
    fn advise(&self, range: Range<usize>, advice: Advice) {
        assert!(range.start <= range.end && range.end <= self.bytes, "the range lies in the mapping");
        // SAFETY: the range lies in this value's own memory; callers give such advice only.
        let _ = unsafe { madvise(self.address.wrapping_add(range.start).cast(), range.len(), advice) };
    }

    /// Has a worker make pages that are about to be written to.
    pub fn make_pages(&self, range: Range<usize>, size: &Arc<PageSize>, worker: &Worker) {
        let (mapping, size) = (self.clone(), size.clone());
        worker.run(move || {
            size.make(range, |range, is_large| {
                if !is_large {
                    mapping.use_pages(false);
                }
                mapping.advise(range, Advice::LinuxPopulateWrite);
            });
        });
    }

    /// Tells a virtual machine that it has this memory at a physical address, and whether it is to keep a log of the pages
    /// that its guest writes to.
    ///
    /// The caller keeps the mapping for as long as the virtual machine lives.
    pub fn register(&self, vm: &VmFd, slot: u32, physical: u64, is_logged: bool) -> Result<(), Error> {
        let region = kvm_userspace_memory_region {
            slot,
            flags: if is_logged { KVM_MEM_LOG_DIRTY_PAGES } else { 0 },
            guest_phys_addr: physical,
            memory_size: self.bytes as u64,
            userspace_addr: self.address as u64,
        };
        // SAFETY: the memory is as large as said, and belongs to this value, which a partition drops after its virtual
        // machine. The host reaches it by checked accesses to raw memory only.
        unsafe { vm.set_user_memory_region(region) }.map_err(Error::kvm("add memory"))
    }

    /// Makes pages as they were when the mapping was made, and gives their memory back.
    pub fn drop_pages(&self, range: Range<usize>) -> Result<(), Error> {
        assert!(range.start <= range.end && range.end <= self.bytes, "the range lies in the mapping");
        // SAFETY: the range lies in this value's own memory, of which the host keeps no references.
        let dropped = unsafe {
            madvise(self.address.wrapping_add(range.start).cast(), range.end - range.start, Advice::LinuxDontNeed)
        };
        dropped.map_err(Error::memory("discard"))
    }

    /// The ranges of pages that are not those of the file any more. `None` if the kernel cannot tell.
    pub fn changed_pages(&self) -> Option<Vec<Range<usize>>> {
        self.pages(Kind::CHANGED)
    }

    /// The ranges of pages that take memory. `None` if the kernel cannot tell.
    pub fn populated_pages(&self) -> Option<Vec<Range<usize>>> {
        self.pages(Kind::POPULATED)
    }

    fn pages(&self, kind: Kind) -> Option<Vec<Range<usize>>> {
        let first = self.address as u64;
        let ranges = scan::pages(first..first + self.bytes as u64, kind)?;
        Some(ranges.into_iter().map(|range| (range.start - first) as usize..(range.end - first) as usize).collect())
    }
}

/// What takes pages that have nothing else in them.
#[repr(C, align(4096))]
pub struct Paged<T: ?Sized>(pub T);

/// Pages that nothing writes to, which any number of virtual machines have.
#[derive(Clone, Debug)]
pub struct ConstantPages(Arc<MmapRegion>);

impl ConstantPages {
    /// Pages of the program.
    pub(crate) fn of_static(content: &'static Paged<[u8]>) -> Result<ConstantPages, Error> {
        let (start, size) = (content.0.as_ptr().cast_mut(), size_of_val(content));
        // SAFETY: the pages live as long as the program, and are only read: that is all that `register` lets guests do, and
        // nothing else reaches the region.
        let region = unsafe { MmapRegion::build_raw(start, size, libc::PROT_READ, libc::MAP_PRIVATE) };
        Ok(ConstantPages(Arc::new(region.map_err(Error::memory("map"))?)))
    }

    /// Pages that begin with these bytes; zeros follow.
    pub fn copy_of(bytes: &[u8]) -> Result<ConstantPages, Error> {
        let size = bytes.len().max(1).next_multiple_of(PAGE_BYTES as usize);
        let region = MmapRegion::new(size).map_err(Error::memory("reserve"))?;
        region.as_volatile_slice().write_slice(bytes, 0).map_err(Error::memory("write"))?;
        Ok(ConstantPages(Arc::new(region)))
    }

    /// Tells a virtual machine that it has so many bytes of these pages, from one on, at a physical address, to be read only.
    ///
    /// The caller keeps the pages for as long as the virtual machine lives.
    pub fn register(&self, vm: &VmFd, slot: u32, physical: u64, first: usize, bytes: u64) -> Result<(), Error> {
        let start = first as u64 * PAGE_BYTES;
        assert!(start + bytes <= self.0.size() as u64, "the range lies in the pages");
        let region = kvm_userspace_memory_region {
            slot,
            flags: KVM_MEM_READONLY,
            guest_phys_addr: physical,
            memory_size: bytes,
            userspace_addr: self.0.as_ptr() as u64 + start,
        };
        // SAFETY: the range lies in the region, which a partition drops after its virtual machine; guests only read it.
        unsafe { vm.set_user_memory_region(region) }.map_err(Error::kvm("add memory"))
    }
}
