//! Memory that the process has from its start on and needs no more.
//!
//! The kernel maps a program's file in pieces of many pages, so that nearly all of the program and of the C library is
//! resident once the command line is parsed and the script is compiled. A program that runs on needs a fraction of it,
//! and nothing of what the compiler has allocated.

use rustix::mm::{Advice, madvise};
use std::{
    ffi::{c_int, c_void},
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
    #[cfg(feature = "mimalloc")]
    unsafe {
        libmimalloc_sys::mi_collect(true);
    }
}

/// Takes the code and constants of the program and its libraries out of the process's resident set. What is used again
/// is mapped again, from the kernel's cache of the file.
fn release_code() {
    // A debugger's breakpoints, which are changes of the pages, would be lost.
    if cfg!(debug_assertions) {
        return;
    }
    // SAFETY: the callback has the type that is asked for and needs no data.
    unsafe { libc::dl_iterate_phdr(Some(release_constant_segments), std::ptr::null_mut()) };
}

/// Releases the segments of one program or library that nothing can have written to.
unsafe extern "C" fn release_constant_segments(info: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    // SAFETY: the loader describes an object that is loaded, whose segments are mapped for as long as this runs.
    let (base, headers) = unsafe {
        let info = &*info;
        (info.dlpi_addr, slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    // The kernel has mapped whole pages.
    // SAFETY: a question that touches nothing.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = (base + header.p_vaddr) as usize & !(page - 1);
        let length = (base + header.p_vaddr + header.p_memsz) as usize - start;
        // SAFETY: the pages are those of a file, mapped private and not written to, so that they read the same again.
        // If the advice is not taken they stay.
        let _ = unsafe { madvise(start as *mut c_void, length, Advice::LinuxDontNeed) };
    }
    0
}
