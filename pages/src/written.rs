//! Pages of this process that were written to (`userfaultfd` with asynchronous write protection, from Linux 6.7 on).

use crate::scan::{self, Kind};
use rustix::mm::{UserfaultfdFlags, userfaultfd};
use std::{
    io,
    ops::Range,
    os::fd::{AsRawFd, OwnedFd},
    sync::OnceLock,
};

/// The kernel's interface, see its `linux/userfaultfd.h`.
const API: u64 = 0xaa;
/// What everybody may ask for: faults of the process itself.
const USER_MODE_ONLY: UserfaultfdFlags = UserfaultfdFlags::from_bits_retain(1);
const FEATURE_WP_UNPOPULATED: u64 = 1 << 13;
const FEATURE_WP_ASYNC: u64 = 1 << 15;
const REGISTER_MODE_WP: u64 = 1 << 1;
const UFFDIO_API: libc::c_ulong = 0xc018_aa3f;
const UFFDIO_REGISTER: libc::c_ulong = 0xc020_aa00;

/// Keeps note of the pages of a range of addresses that are written to, until it is dropped.
///
/// The kernel protects the pages against writing and takes the protection away by itself when one is written to: the
/// process notices nothing, but for the time it takes.
#[derive(Debug)]
pub struct WrittenPages {
    range: Range<u64>,
    /// Protection ends when this is closed.
    _descriptor: OwnedFd,
}

impl WrittenPages {
    /// Begins, for a range of whole pages of private memory without a file. All pages count as written at first, those
    /// that take no memory included.
    ///
    /// # Errors
    /// The kernel cannot do it, or does not allow it.
    pub fn begin(range: Range<u64>) -> io::Result<WrittenPages> {
        let flags = UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::NONBLOCK | USER_MODE_ONLY;
        // SAFETY: no fault is ever reported, so none waits for an answer.
        let descriptor = unsafe { userfaultfd(flags) }?;
        let mut api = [API, FEATURE_WP_ASYNC | FEATURE_WP_UNPOPULATED, 0];
        // SAFETY: the structure has the kernel's layout: version, features, requests.
        if unsafe { libc::ioctl(descriptor.as_raw_fd(), UFFDIO_API, api.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let mut register = [range.start, range.end - range.start, REGISTER_MODE_WP, 0];
        // SAFETY: the structure has the kernel's layout: start, length, mode, requests. Protection that ends by itself
        // does not change what the process sees.
        if unsafe { libc::ioctl(descriptor.as_raw_fd(), UFFDIO_REGISTER, register.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(WrittenPages { range, _descriptor: descriptor })
    }

    /// Whether the kernel can do it at all.
    pub fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE
            .get_or_init(|| WrittenPages::begin(0..0).is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput))
    }

    /// The pages, of a part of the range, that were written to since this was asked last for them.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn take(&self, part: Range<u64>) -> io::Result<Vec<Range<u64>>> {
        let part = part.start.max(self.range.start)..part.end.min(self.range.end);
        scan::pages(part, Kind::WRITTEN).ok_or_else(|| io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAGE_BYTES;
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

    const PAGE: u64 = PAGE_BYTES as u64;

    #[test]
    fn pages_that_were_written_to_are_found_once() {
        let bytes = 64 * PAGE_BYTES;
        // SAFETY: a new mapping, of which nobody else knows.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE).unwrap()
        };
        // SAFETY: in the mapping.
        let write = |page: usize| unsafe { start.cast::<u8>().add(page * PAGE_BYTES).write_volatile(1) };
        let base = start as u64;
        write(3);
        if !WrittenPages::is_available() {
            eprintln!("not on this kernel: it needs Linux 6.7 or later");
            return;
        }
        let written = WrittenPages::begin(base..base + bytes as u64).unwrap();
        // Numbers of pages.
        let take = |bytes: usize| {
            let ranges = written.take(base..base + bytes as u64).unwrap();
            ranges.iter().map(|range| ((range.start - base) / PAGE, (range.end - base) / PAGE)).collect::<Vec<_>>()
        };
        assert_eq!(take(50 * PAGE_BYTES), [(0, 50)]);
        assert_eq!(take(bytes), [(50, 64)]);
        assert_eq!(take(bytes), []);
        write(3);
        write(10);
        write(11);
        assert_eq!(take(bytes), [(3, 4), (10, 12)]);
        write(40);
        assert_eq!(take(32 * PAGE_BYTES), []);
        assert_eq!(take(bytes), [(40, 41)]);
        // The kernel writes as well.
        // SAFETY: in the mapping.
        let rest = unsafe { std::slice::from_raw_parts_mut(start.cast::<u8>().add(20 * PAGE_BYTES), PAGE_BYTES) };
        std::io::Read::read_exact(&mut std::fs::File::open("/dev/zero").unwrap(), rest).unwrap();
        assert_eq!(take(bytes), [(20, 21)]);
        drop(written);
        // SAFETY: nothing refers to it any more.
        unsafe { munmap(start, bytes).unwrap() };
    }
}
