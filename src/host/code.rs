//! Machine code: mappings that are written first, and can be executed, but not written to, from then on.

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::{ffi::c_void, ptr::NonNull};

/// The most bytes of machine code that an instance may have.
const MOST_CODE: usize = 64 << 20;

/// The machine code of an instance.
#[derive(Debug, Default)]
pub(super) struct InstalledCode {
    pieces: Vec<(NonNull<u8>, usize)>,
    bytes: usize,
}

// SAFETY: nothing but its owner has the mappings.
unsafe impl Send for InstalledCode {}

impl InstalledCode {
    /// Puts machine code where it can be executed; its address, or `None` if the system or the limit has no room for it.
    pub fn install(&mut self, code: &[u8]) -> Option<NonNull<u8>> {
        let length = code.len().checked_next_multiple_of(rustix::param::page_size())?;
        if length == 0 || length > MOST_CODE - self.bytes {
            return None;
        }
        // SAFETY: a new mapping, in no existing one's place.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).ok()?
        };
        // SAFETY: the mapping is as long, and nobody else's.
        let is_protected = unsafe {
            start.cast::<u8>().copy_from_nonoverlapping(code.as_ptr(), code.len());
            mprotect(start, length, MprotectFlags::READ | MprotectFlags::EXEC).is_ok()
        };
        if !is_protected {
            // SAFETY: it was mapped above.
            unsafe { unmap(start, length) };
            return None;
        }
        let start = NonNull::new(start.cast::<u8>())?;
        self.pieces.push((start, length));
        self.bytes += length;
        Some(start)
    }
}

impl Drop for InstalledCode {
    fn drop(&mut self) {
        for &(start, length) in &self.pieces {
            // SAFETY: the machine is gone, which alone executes it.
            unsafe { unmap(start.as_ptr().cast(), length) };
        }
    }
}

/// # Safety
/// Nobody uses the mapping any more.
unsafe fn unmap(start: *mut c_void, length: usize) {
    // SAFETY: the caller's promise. If it fails the mapping stays.
    let _ = unsafe { munmap(start, length) };
}
