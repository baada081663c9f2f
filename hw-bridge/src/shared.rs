//! Memory that an owner and its monitor share: what is long lies there instead of going through the socket.
//!
//! ```text
//!   | owner to monitor (MOST_SENT) | another, by turns | monitor to owner (MOST_SENT) | another, by turns |
//! ```
//!
//! Who is told that something lies there copies it before it is looked at, as the other can change it at any time. A
//! place is used again when the other has said that it has what was there: of the owner's two, when the guest has sent
//! something after it was given what lay in the other.

use lunette_hw_interface::channel::MOST_SENT;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    sync::Arc,
};
use vm_memory::{
    Bytes, FileOffset, MmapRegion, ReadVolatile, VolatileMemory, VolatileMemoryError, VolatileSlice,
    bitmap::BitmapSlice,
};

/// Fewer bytes go through the socket, with the message that tells of them.
const LEAST: usize = 1 << 14;

/// How many messages the monitor may send before the owner has the first; for the owner's there are as many places.
pub const AHEAD: usize = 2;
/// Bytes of all places.
const BYTES: usize = 2 * AHEAD * MOST_SENT;

/// Where a message lies: places take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    is_owners: bool,
    turn: usize,
}

impl Place {
    /// That of the first message to the monitor.
    pub const TO_MONITOR: Place = Place { is_owners: false, turn: 0 };
    /// That of the first message to the owner.
    pub const TO_OWNER: Place = Place { is_owners: true, turn: 0 };

    /// Takes the place, and turns to the next.
    pub fn take(&mut self) -> Place {
        let taken = *self;
        self.turn = (self.turn + 1) % AHEAD;
        taken
    }

    fn start(self) -> usize {
        (if self.is_owners { AHEAD } else { 0 } + self.turn) * MOST_SENT
    }
}

/// A message that lies in the memory, to be copied elsewhere.
pub struct Lying<'s>(VolatileSlice<'s>);

impl ReadVolatile for Lying<'_> {
    fn read_volatile<B: BitmapSlice>(
        &mut self,
        place: &mut VolatileSlice<'_, B>,
    ) -> Result<usize, VolatileMemoryError> {
        let count = self.0.len().min(place.len());
        self.0.copy_to_volatile_slice(place.subslice(0, count)?);
        self.0 = self.0.offset(count)?;
        Ok(count)
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

    /// The message of so many bytes that the other has put there.
    ///
    /// # Errors
    /// There cannot be so many.
    pub fn message(&self, place: Place, length: usize) -> io::Result<Lying<'_>> {
        if length > MOST_SENT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let message = self.region.as_volatile_slice().subslice(place.start(), length);
        Ok(Lying(message.map_err(io::Error::other)?))
    }

    /// Copies so many bytes that the other has put there, in the place of others.
    ///
    /// # Errors
    /// There cannot be so many.
    pub fn copy(&self, place: Place, length: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut message = self.message(place, length)?;
        bytes.resize(length, 0);
        message.read_exact_volatile(&mut VolatileSlice::from(&mut bytes[..])).map_err(io::Error::other)
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
        let (mut next_to_owner, mut next_to_monitor) = (Place::TO_OWNER, Place::TO_MONITOR);
        let (first, second) = (next_to_owner.take(), next_to_owner.take());
        let (here, there) = (next_to_monitor.take(), next_to_monitor.take());
        monitor.put(second, &[2; MOST_SENT]).unwrap();
        owner.put(here, &[1; MOST_SENT]).unwrap();
        owner.put(there, &[3; MOST_SENT]).unwrap();
        monitor.put(first, b"answer").unwrap();
        for (place, content) in [(here, 1), (there, 3)] {
            monitor.copy(place, MOST_SENT, &mut copy).unwrap();
            assert!(copy.len() == MOST_SENT && copy.iter().all(|&byte| byte == content));
        }
        owner.copy(first, 6, &mut copy).unwrap();
        assert_eq!(copy, b"answer");
        owner.copy(second, MOST_SENT, &mut copy).unwrap();
        assert!(copy.len() == MOST_SENT && copy.iter().all(|&byte| byte == 2));
        assert!(next_to_owner == first && next_to_monitor == here);
        assert!(owner.put(here, &[1; MOST_SENT + 1]).is_err());
        assert!(owner.copy(second, MOST_SENT + 1, &mut copy).is_err());
        // Nobody can take memory away that the other looks at.
        assert!(monitor.file.set_len(0).is_err() && monitor.file.set_len(1 << 30).is_err());
    }
}
