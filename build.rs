//! Has the program linked so that it starts sooner and takes less memory, where the tools and libraries of this machine can:
//! an empty one takes 400 KiB less.

use std::{env, path::Path, process::Command};

/// The first version of the GNU C library that knows packed relocations (RELR).
const FIRST_WITH_PACKED_RELOCATIONS: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(static_unwinder)");
    if env::var("TARGET") != env::var("HOST") {
        return;
    }
    if library_version().is_some_and(|version| version >= FIRST_WITH_PACKED_RELOCATIONS) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if has_static_unwinder() {
        println!("cargo::rustc-cfg=static_unwinder");
    }
}

/// The version of the GNU C library on this machine, if it has that.
fn library_version() -> Option<(u32, u32)> {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the library gives a text that ends with a zero and is never changed.
        let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
        let (major, minor) = version.to_str().ok()?.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    None
}

/// Whether the C compiler, which links, has the library that unwinds as an archive. Where not, it prints just the name.
fn has_static_unwinder() -> bool {
    let found = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    found.is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_absolute())
}
