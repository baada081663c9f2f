//! Where `perf` looks for the names of functions that no file has: `/tmp/perf-PID.map`, a line for each.
//!
//! ```text
//!   address (hexadecimal) | bytes (hexadecimal) | name, to the end of the line
//! ```

use rustix::fs::{Mode, OFlags};
use std::{
    fs::File,
    io::{self, Write as _},
    ptr::NonNull,
    sync::{Mutex, OnceLock, PoisonError},
};

/// The file of this process, once an instance wants one.
static FILE: OnceLock<File> = OnceLock::new();
/// Held while it is made: making it empties it.
static MAKING: Mutex<()> = Mutex::new(());

/// Makes the file, if there is none yet. One that another process has left in its place is taken over, but for a link.
pub(crate) fn open() -> io::Result<()> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if FILE.get().is_none() {
        let path = format!("/tmp/perf-{}.map", std::process::id());
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(path.as_str(), flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| io::Error::other(format!("cannot write '{path}' ({})", io::Error::from(error))))?;
        let _ = FILE.set(file.into());
    }
    Ok(())
}

/// Notes machine code. What cannot be written is missing, which does the program no harm.
pub(super) fn note(address: NonNull<u8>, length: usize, name: &[u8]) {
    if let Some(mut file) = FILE.get() {
        let name = String::from_utf8_lossy(name).replace(char::is_control, "?");
        let _ = file.write_all(format!("{:x} {length:x} {name}\n", address.addr()).as_bytes());
    }
}
