//! The regions' memory: anonymous private mappings of the process. One of the modules of the library with unsafe code, as are
//! `code` and `faults`.
//!
//! ```text
//!   mapped, of which the ends are given back at once:
//!   |--- to the next large page ---|======= the reservation =======|--- rest ---|
//! ```

#[cfg(feature = "migration")]
use lunette_gc::heap::Heap;
use lunette_gc::pages::{LARGE_PAGE, Pages, REGION_ALIGNMENT};
use lunette_pages::{PageSize, worker::Worker};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::{
    ffi::c_void,
    ops::Range,
    ptr::NonNull,
    sync::{Arc, Mutex, PoisonError},
};

/// Memory mapped from the operating system.
#[derive(Clone, Debug, Default)]
pub struct MappedPages {
    page_size: Arc<PageSize>,
    /// Who makes pages ahead.
    worker: Arc<Worker>,
    /// While somebody wants to know: ranges of addresses whose memory was given back.
    released: Arc<Mutex<Option<Vec<Range<u64>>>>>,
}

impl MappedPages {
    /// Keeps note of what is given back, or does so no more.
    #[cfg(feature = "migration")]
    pub fn note_released(&self, is_wanted: bool) {
        *self.released.lock().unwrap_or_else(PoisonError::into_inner) = is_wanted.then(Vec::new);
    }

    /// What was given back since this was asked last.
    #[cfg(feature = "migration")]
    pub fn take_released(&self) -> Vec<Range<u64>> {
        let mut released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        released.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// Where pages are to be made, for another thread.
#[derive(Clone, Copy)]
struct Address(NonNull<u8>);

// SAFETY: it is used for advice to the system only.
unsafe impl Send for Address {}

impl Address {
    fn get(self) -> *mut u8 {
        self.0.as_ptr()
    }
}

/// Alignment of reservations.
const ALIGNMENT: usize = if LARGE_PAGE > REGION_ALIGNMENT { LARGE_PAGE } else { REGION_ALIGNMENT };

// SAFETY: a mapping belongs to nobody else until it is unmapped; its pages read as zero when they are new and after
// `MADV_DONTNEED`.
unsafe impl Pages for MappedPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        let mapped = bytes.checked_add(ALIGNMENT)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), mapped, protection, MapFlags::PRIVATE | MapFlags::NORESERVE)
        };
        let start = start.ok()?.cast::<u8>();
        let before = start.align_offset(ALIGNMENT);
        let region = start.wrapping_add(before);
        let after = mapped - before - bytes;
        // What cannot be given back stays reserved, which costs addresses only.
        // SAFETY: both ends belong to the mapping just made and nothing refers to them; the region lies between them.
        unsafe {
            if before > 0 {
                let _ = munmap(start.cast::<c_void>(), before);
            }
            if after > 0 {
                let _ = munmap(region.wrapping_add(bytes).cast::<c_void>(), after);
            }
        }
        NonNull::new(region)
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        if let Some(released) = &mut *self.released.lock().unwrap_or_else(PoisonError::into_inner) {
            let start = start.as_ptr() as u64;
            released.push(start..start + bytes as u64);
        }
        // SAFETY: the caller says that the range lies in a reservation and is not used.
        let released = unsafe { madvise(start.as_ptr().cast::<c_void>(), bytes, Advice::LinuxDontNeed) };
        if released.is_err() {
            // The contract wants zeros; locked pages, for one, cannot be dropped.
            // SAFETY: as above; reservations are readable and writable.
            unsafe { start.as_ptr().write_bytes(0, bytes) };
        }
    }

    unsafe fn prepare(&self, start: NonNull<u8>, bytes: usize) {
        let (start, size) = (Address(start), self.page_size.clone());
        // Another thread makes them, while this one writes to those before.
        self.worker.run(move || {
            let advise = |range: Range<usize>, advice| {
                let start = start.get().wrapping_add(range.start);
                // Where it is not known, or there is no memory, pages are made when they are touched.
                // SAFETY: the caller says that the range lies in a reservation, whose end waits for this thread; its
                // content does not change.
                let _ = unsafe { madvise(start.cast::<c_void>(), range.len(), advice) };
            };
            size.make(0..bytes, |range, is_large| {
                advise(range.clone(), if is_large { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage });
                advise(range, Advice::LinuxPopulateWrite);
            });
        });
    }

    fn places(&self, bytes: usize, _: usize) -> Option<usize> {
        cfg!(all(feature = "jit", target_arch = "x86_64")).then_some(bytes.next_multiple_of(LARGE_PAGE))
    }

    #[cfg(all(feature = "jit", target_arch = "x86_64"))]
    unsafe fn guard(&self, start: NonNull<u8>, bytes: usize, is_guarded: bool) -> bool {
        use rustix::mm::{MprotectFlags, mprotect};
        let flags = if is_guarded { MprotectFlags::empty() } else { MprotectFlags::READ | MprotectFlags::WRITE };
        // SAFETY: the caller says that the range lies in a reservation, and that nothing in it is used.
        super::faults::handle() && unsafe { mprotect(start.as_ptr().cast::<c_void>(), bytes, flags).is_ok() }
    }

    unsafe fn expect_growth(&self, start: NonNull<u8>, bytes: usize) {
        // Where large pages are not known, small ones are made.
        // SAFETY: the caller says that the range lies in a reservation; the advice changes nothing of what is in it.
        let _ = unsafe { madvise(start.as_ptr().cast::<c_void>(), bytes, Advice::LinuxHugepage) };
    }

    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize) {
        self.worker.wait();
        // An error would leave the addresses reserved.
        // SAFETY: the caller says that the range is a reservation and is not used any more.
        let _ = unsafe { munmap(start.as_ptr().cast::<c_void>(), bytes) };
    }
}

/// Whether the system gives a region of this size.
pub(super) fn is_reservable(bytes: usize) -> bool {
    NewRegion::reserve(bytes).is_some()
}

/// A region that is being filled from elsewhere.
pub(crate) struct NewRegion {
    pages: MappedPages,
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: the memory is this value's own.
unsafe impl Send for NewRegion {}

impl NewRegion {
    /// A region that reads as zero. `None` if the system has no room for it.
    pub fn reserve(bytes: usize) -> Option<NewRegion> {
        let pages = MappedPages::default();
        let start = pages.reserve(bytes)?;
        Some(NewRegion { pages, start, bytes })
    }

    /// Writes bytes from an offset on, or zeros if there are none. `None` if they go beyond the end.
    #[cfg(feature = "migration")]
    pub fn write(&mut self, range: Range<u64>, content: Option<&[u8]>) -> Option<()> {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        if start > end || end > self.bytes || content.is_some_and(|content| content.len() != end - start) {
            return None;
        }
        // SAFETY: the range lies in the region, of which nobody else knows.
        unsafe {
            let place = self.start.add(start);
            match content {
                Some(content) => place.copy_from_nonoverlapping(NonNull::from(content).cast(), content.len()),
                None => self.pages.release(place, end - start),
            }
        }
        Some(())
    }

    /// The region as a heap; `None` if it is none.
    ///
    /// # Safety
    /// It holds what the region of a heap of this build held.
    #[cfg(feature = "migration")]
    pub unsafe fn into_heap(self) -> Option<Heap> {
        let region = std::mem::ManuallyDrop::new(self);
        let pages = Box::new(region.pages.clone());
        // SAFETY: the region was reserved from these pages and belongs to nobody else; the caller says what is in it.
        unsafe { Heap::adopt(pages, region.start, region.bytes) }
    }
}

impl Drop for NewRegion {
    fn drop(&mut self) {
        // SAFETY: nobody else knows of the region.
        unsafe { self.pages.unreserve(self.start, self.bytes) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_are_aligned_zeroed_and_released() {
        let bytes = 4 * REGION_ALIGNMENT;
        let pages = MappedPages::default();
        let start = pages.reserve(bytes).unwrap();
        assert_eq!(start.as_ptr().align_offset(REGION_ALIGNMENT), 0);
        // SAFETY: inside of the reservation, which nobody else uses.
        unsafe {
            let last = start.as_ptr().add(bytes - 1);
            assert_eq!(last.read(), 0);
            last.write(7);
            pages.release(start.add(bytes - REGION_ALIGNMENT), REGION_ALIGNMENT);
            assert_eq!(last.read(), 0);
            pages.unreserve(start, bytes);
        }
    }

    #[test]
    fn prepared_pages_are_there_and_zero() {
        let bytes = 3 * LARGE_PAGE;
        let pages = MappedPages::default();
        let start = pages.reserve(bytes).unwrap();
        // SAFETY: inside of the reservation, which nobody else uses.
        unsafe {
            pages.prepare(start, bytes);
            pages.worker.wait();
            let range = std::slice::from_raw_parts(start.as_ptr(), bytes);
            assert!(range.iter().all(|&byte| byte == 0));
            start.as_ptr().write(7);
            pages.prepare(start, LARGE_PAGE);
            pages.worker.wait();
            assert_eq!(start.as_ptr().read(), 7);
            pages.unreserve(start, bytes);
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert!(MappedPages::default().reserve(usize::MAX - 1).is_none());
        assert!(MappedPages::default().reserve(1 << 60).is_none());
    }
}
