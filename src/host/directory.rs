//! Reading directories.

use super::status;
use lunette_interpreter::host::DirectoryEntry;
use rustix::{
    fs::{RawDir, SeekFrom, seek},
    io::Errno,
};
use std::{mem::MaybeUninit, os::fd::BorrowedFd};

/// The most bytes of entries that are read at once, and the fewest that are sure to take one.
const MOST_BYTES: usize = 1 << 15;
const FEWEST_BYTES: usize = 1 << 10;

/// Reads entries of a directory, from where one said that the next is.
pub(super) fn read(directory: BorrowedFd<'_>, start: u64, wanted: usize) -> Result<Vec<DirectoryEntry>, Errno> {
    seek(directory, SeekFrom::Start(start))?;
    let mut buffer = vec![MaybeUninit::uninit(); wanted.clamp(FEWEST_BYTES, MOST_BYTES)];
    let mut reader = RawDir::new(directory, &mut buffer);
    let mut entries = Vec::new();
    while let Some(entry) = reader.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        entries.push(DirectoryEntry {
            next: entry.next_entry_cookie(),
            // It may be one that the program is not to know of.
            inode: if name == b".." { 0 } else { entry.ino() },
            kind: status::of_type(entry.file_type()),
            name: name.to_vec(),
        });
        if reader.is_buffer_empty() {
            break;
        }
    }
    Ok(entries)
}
