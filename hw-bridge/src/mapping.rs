//! Memory of the host that partitions have: the unsafe side of it, behind safe functions.
//!
//! A mapping is anonymous, or a private copy of a part of a template's file, of which only pages that were written to take
//! memory of their own.

use crate::{error::Error, limits::processor_time};
use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::VmFd;
use lunette_gc::pages::PageSize;
use rustix::mm::{Advice, madvise};
use std::{
    fs::File,
    ops::Range,
    os::fd::AsRawFd,
    sync::{Arc, OnceLock},
};
use vm_memory::{FileOffset, GuestAddress, GuestRegionMmap, MmapRegion};

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

    /// Asks for large pages, which are cheaper where much is used.
    pub fn use_large_pages(&self) {
        // It is as good as nothing where there are none.
        // SAFETY: advice about this value's own memory, which does not change what is in it.
        let _ = unsafe { madvise(self.address.cast(), self.bytes, Advice::LinuxHugepage) };
    }

    /// Makes pages that are about to be written to.
    pub fn make_pages(&self, range: Range<usize>, size: &PageSize) {
        assert!(range.start <= range.end && range.end <= self.bytes, "the range lies in the mapping");
        let advise = |range: Range<usize>, advice| {
            // What is not known, or not to be had, is as good as nothing.
            // SAFETY: advice about this value's own memory, which does not change what is in it.
            let _ = unsafe { madvise(self.address.wrapping_add(range.start).cast(), range.len(), advice) };
        };
        let now = || u64::try_from(processor_time().as_nanos()).unwrap_or(u64::MAX);
        size.make(range, now, |range, is_large| {
            advise(range.clone(), if is_large { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage });
            advise(range, Advice::LinuxPopulateWrite);
        });
    }

    /// Tells a virtual machine that it has this memory at a physical address.
    ///
    /// The caller keeps the mapping for as long as the virtual machine lives.
    pub fn register(&self, vm: &VmFd, slot: u32, physical: u64) -> Result<(), Error> {
        let region = kvm_userspace_memory_region {
            slot,
            flags: 0,
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

    /// The ranges of pages that are not those of the file any more. `None` if the kernel cannot tell (before Linux 6.7).
    pub fn changed_pages(&self) -> Option<Vec<Range<usize>>> {
        const IS_FILE: u64 = 1 << 2;
        const IS_PRESENT: u64 = 1 << 3;
        const IS_SWAPPED: u64 = 1 << 4;
        /// `_IOWR('f', 16, struct pm_scan_arg)`
        const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;
        const MOST_RANGES: usize = 256;

        #[repr(C)]
        #[derive(Clone, Copy, Default)]
        struct Found {
            start: u64,
            end: u64,
            categories: u64,
        }

        #[repr(C)]
        #[derive(Default)]
        struct Scan {
            size: u64,
            flags: u64,
            start: u64,
            end: u64,
            walk_end: u64,
            found: u64,
            found_length: u64,
            most_pages: u64,
            inverted: u64,
            all_of: u64,
            any_of: u64,
            returned: u64,
        }

        let pagemap = pagemap()?;
        let (first, last) = (self.address as u64, self.address as u64 + self.bytes as u64);
        let mut ranges = Vec::new();
        let mut start = first;
        while start < last {
            let mut found = [Found::default(); MOST_RANGES];
            let mut scan = Scan {
                size: size_of::<Scan>() as u64,
                start,
                end: last,
                found: found.as_mut_ptr() as u64,
                found_length: MOST_RANGES as u64,
                inverted: IS_FILE,
                all_of: IS_FILE,
                any_of: IS_PRESENT | IS_SWAPPED,
                returned: IS_PRESENT,
                ..Scan::default()
            };
            // SAFETY: both structures have the kernel's layout and outlive the call, which writes to them only.
            let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut scan) };
            let count = usize::try_from(count).ok()?;
            let offset = |address: u64| (address.clamp(first, last) - first) as usize;
            ranges.extend(found.iter().take(count).map(|found| offset(found.start)..offset(found.end)));
            if scan.walk_end <= start {
                return None;
            }
            start = scan.walk_end;
        }
        Some(ranges)
    }
}

/// Opens what will be needed, for a process that will not be able to open files.
pub fn prepare() {
    pagemap();
}

/// The process's table of pages, opened once: a monitor cannot open files later.
fn pagemap() -> Option<&'static File> {
    static PAGEMAP: OnceLock<Option<File>> = OnceLock::new();
    PAGEMAP.get_or_init(|| File::open("/proc/self/pagemap").ok()).as_ref()
}
