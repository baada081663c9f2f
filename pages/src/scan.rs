//! What the kernel says of a process's own pages (`PAGEMAP_SCAN`, from Linux 6.7 on).

use std::{fs::File, ops::Range, os::fd::AsRawFd, sync::OnceLock};

/// Pages of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// Flags that are turned around before they are looked at.
    inverted: u64,
    /// All of these are set.
    all_of: u64,
    /// One of these is set, if there are any.
    any_of: u64,
    /// What is done: see the kernel's `PM_SCAN_*`.
    flags: u64,
}

const IS_WRITTEN: u64 = 1 << 1;
const IS_FILE: u64 = 1 << 2;
const IS_PRESENT: u64 = 1 << 3;
const IS_SWAPPED: u64 = 1 << 4;
/// `PM_SCAN_WP_MATCHING`
const PROTECT: u64 = 1;
/// `_IOWR('f', 16, struct pm_scan_arg)`
pub const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;
/// Ranges that are asked for at once.
const MOST_RANGES: usize = 512;

impl Kind {
    /// Pages that take memory.
    pub const POPULATED: Kind = Kind { inverted: 0, all_of: 0, any_of: IS_PRESENT | IS_SWAPPED, flags: 0 };
    /// Pages of a private mapping of a file that are not the file's any more.
    pub const CHANGED: Kind = Kind { inverted: IS_FILE, all_of: IS_FILE, any_of: IS_PRESENT | IS_SWAPPED, flags: 0 };
    /// Pages that were written to since they were looked at for this before, where that is tracked; they begin anew.
    pub const WRITTEN: Kind = Kind { inverted: 0, all_of: IS_WRITTEN, any_of: 0, flags: PROTECT };
}

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

/// The ranges of addresses, in a range of whole pages of this process, whose pages are of a kind. `None` if the kernel
/// cannot tell.
pub fn pages(addresses: Range<u64>, kind: Kind) -> Option<Vec<Range<u64>>> {
    let pagemap = pagemap()?;
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut start = addresses.start;
    while start < addresses.end {
        let mut found = [Found::default(); MOST_RANGES];
        let mut scan = Scan {
            size: size_of::<Scan>() as u64,
            flags: kind.flags,
            start,
            end: addresses.end,
            found: found.as_mut_ptr() as u64,
            found_length: MOST_RANGES as u64,
            inverted: kind.inverted,
            all_of: kind.all_of,
            any_of: kind.any_of,
            returned: kind.all_of | kind.any_of,
            ..Scan::default()
        };
        // SAFETY: both structures have the kernel's layout and outlive the call, which writes to them only; protecting
        // pages anew changes nothing that the process can see.
        let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut scan) };
        let count = usize::try_from(count).ok()?;
        for found in found.iter().take(count) {
            match ranges.last_mut() {
                Some(last) if last.end == found.start => last.end = found.end,
                _ => ranges.push(found.start..found.end),
            }
        }
        if scan.walk_end <= start {
            return None;
        }
        start = scan.walk_end;
    }
    Some(ranges)
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
