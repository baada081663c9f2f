//! Memory that an owner and its monitor share: what is long lies there instead of going through the socket.
//!
//! ```text
//!   | owner to monitor (MOST_SENT) | monitor to owner (MOST_SENT) | another, by turns (MOST_SENT) |
//! ```
//!
//! Who is told that something lies there copies it before it is looked at, as the other can change it at any time. A
//! place is used again when the other has said that it has what was there.

use lunette_hw_interface::channel::MOST_SENT;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::Arc,
};
use vm_memory::{Bytes, FileOffset, MmapRegion, VolatileMemory};

/// Fewer bytes go through the socket, with the message that tells of them.
const LEAST: usize = 1 << 14;

/// How many messages the monitor may send before the owner has the first.
pub const AHEAD: usize = 2;
/// Bytes of all places.
const BYTES: usize = (1 + AHEAD) * MOST_SENT;

/// Where a message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One for the monitor.
    ToMonitor,
    /// One for the owner: places take turns.
    ToOwner(usize),
}

impl Place {
    /// The place of the next after one for the owner.
    pub fn next(self) -> Place {
        match self {
            Place::ToMonitor => Place::ToMonitor,
            Place::ToOwner(number) => Place::ToOwner((number + 1) % AHEAD),
        }
    }

    fn start(self) -> usize {
        match self {
            Place::ToMonitor => 0,
            Place::ToOwner(number) => (1 + number) * MOST_SENT,
        }
    }
}

/// The memory.
#[derive(Debug)]
pub struct Shared {
    region: MmapRegion,
    file: Arc<File>,
}

impl Shared {
    /// New memory, which takes none as long as nothing was written to it.
    ///
    /// # Errors
    /// The system has none.
    pub fn new() -> io::Result<Shared> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(memfd_create("lunette-messages", flags)?);
        file.set_len(BYTES as u64)?;
        // Memory that the other cuts off would end who looks at it.
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Shared::map(file)
    }

    /// The memory that [`Shared::path`] names.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Shared> {
        Shared::map(File::options().read(true).write(true).open(path)?)
    }

    fn map(file: File) -> io::Result<Shared> {
        let file = Arc::new(file);
        let place = FileOffset::from_arc(file.clone(), 0);
        let region = MmapRegion::from_file(place, BYTES).map_err(io::Error::other)?;
        Ok(Shared { region, file })
    }

    /// Where a process that this one starts opens it.
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Whether so many bytes are to lie here.
    pub fn takes(bytes: usize) -> bool {
        (LEAST..=MOST_SENT).contains(&bytes)
    }

    /// Puts bytes in the place of others.
    ///
    /// # Errors
    /// There is no room for them.
    pub fn put(&self, place: Place, bytes: &[u8]) -> io::Result<()> {
        let memory = self.region.as_volatile_slice().subslice(place.start(), MOST_SENT).map_err(io::Error::other)?;
        memory.write_slice(bytes, 0).map_err(io::Error::other)
    }

    /// Copies so many bytes that the other has put there, in the place of others.
    ///
    /// # Errors
    /// There cannot be so many.
    pub fn copy(&self, place: Place, length: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        let memory = self.region.as_volatile_slice().subslice(place.start(), MOST_SENT).map_err(io::Error::other)?;
        if length > MOST_SENT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        bytes.resize(length, 0);
        memory.read_slice(bytes, 0).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_puts_the_other_copies() {
        let owner = Shared::new().unwrap();
        let monitor = Shared::open(&owner.path()).unwrap();
        let mut copy = vec![9; 3];
        let (first, second) = (Place::ToOwner(0), Place::ToOwner(0).next());
        monitor.put(second, &[2; MOST_SENT]).unwrap();
        owner.put(Place::ToMonitor, &[1; MOST_SENT]).unwrap();
        monitor.put(first, b"answer").unwrap();
        monitor.copy(Place::ToMonitor, MOST_SENT, &mut copy).unwrap();
        assert!(copy.len() == MOST_SENT && copy.iter().all(|&byte| byte == 1));
        owner.copy(first, 6, &mut copy).unwrap();
        assert_eq!(copy, b"answer");
        owner.copy(second, MOST_SENT, &mut copy).unwrap();
        assert!(copy.len() == MOST_SENT && copy.iter().all(|&byte| byte == 2));
        assert_eq!(second.next(), first);
        assert!(owner.put(Place::ToMonitor, &[1; MOST_SENT + 1]).is_err());
        assert!(owner.copy(second, MOST_SENT + 1, &mut copy).is_err());
        // Nobody can take memory away that the other looks at.
        assert!(monitor.file.set_len(0).is_err() && monitor.file.set_len(1 << 30).is_err());
    }
}
