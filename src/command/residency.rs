//! Memory that the process has from its start on and needs no more.
//!
//! The kernel maps a program's file in pieces of many pages, so that nearly all of the program and of the C library is
//! resident once the command line is parsed and the script is compiled. A program that runs on needs a fraction of it,
//! and nothing of what the compiler has allocated.

use rustix::mm::{Advice, madvise};
use std::{
    ffi::{c_int, c_void},
    fs::File,
    os::unix::fs::FileExt,
    slice,
};

/// Gives back what only the start needed.
pub fn release() {
    release_code();
    release_allocations();
}

/// Gives back what the program's allocator keeps of freed memory.
pub fn release_allocations() {
    // SAFETY: the allocator may be told so at any time.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Takes the code and constants of the program and its libraries out of the process's resident set. What is used again
/// is mapped again, from the kernel's cache of the file. Pages that were changed stay, as a debugger's breakpoints do.
fn release_code() {
    let Ok(pagemap) = File::open("/proc/self/pagemap") else { return };
    for (start, pages) in constant_segments() {
        let mut entries = vec![0; pages * size_of::<u64>()];
        let offset = (start / page_bytes() * size_of::<u64>()) as u64;
        if pagemap.read_exact_at(&mut entries, offset).is_err() {
            return;
        }
        let entries = entries.as_chunks().0.iter().map(|entry| u64::from_ne_bytes(*entry));
        let is_of_file: Vec<bool> = entries.map(|entry| entry & PRESENT_AND_OF_FILE == PRESENT_AND_OF_FILE).collect();
        let mut page = 0;
        for run in is_of_file.chunk_by(|one, next| one == next) {
            if run[0] {
                let address = start + page * page_bytes();
                // SAFETY: the pages are those of a file, mapped private and not changed, so that they read the same
                // again. If the advice is not taken they stay.
                let _ = unsafe { madvise(address as *mut c_void, run.len() * page_bytes(), Advice::LinuxDontNeed) };
            }
            page += run.len();
        }
    }
}

/// Bits of an entry of `/proc/self/pagemap`: the page is there, and is a page of a file.
const PRESENT_AND_OF_FILE: u64 = 1 << 63 | 1 << 61;

fn page_bytes() -> usize {
    rustix::param::page_size()
}

/// Address and number of pages of the segments that nothing can write to, of the program and its libraries.
fn constant_segments() -> Vec<(usize, usize)> {
    let mut segments = Vec::new();
    // SAFETY: the callback has the type that is asked for, and gets the vector it expects.
    unsafe { libc::dl_iterate_phdr(Some(add_segments), (&raw mut segments).cast()) };
    segments
}

/// Adds those of one program or library.
unsafe extern "C" fn add_segments(info: *mut libc::dl_phdr_info, _: usize, segments: *mut c_void) -> c_int {
    // SAFETY: the loader describes an object that is loaded; the vector is the caller's, which waits.
    let (base, headers, segments) = unsafe {
        let info = &*info;
        let headers = slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into());
        (info.dlpi_addr, headers, &mut *segments.cast::<Vec<(usize, usize)>>())
    };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0) {
        // The kernel has mapped whole pages.
        let start = (base + header.p_vaddr) as usize / page_bytes() * page_bytes();
        let end = ((base + header.p_vaddr + header.p_memsz) as usize).next_multiple_of(page_bytes());
        segments.push((start, (end - start) / page_bytes()));
    }
    0
}
