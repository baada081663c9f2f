//! Templates: a partition as it was while it waited for a command, from which others are cloned.
//!
//! ```text
//!   file:   | magic | build | length | header |    up to 64 KiB
//!           | part 0: below the image | part 1: after it | page tables | variables | added ... |    holes where all is zero
//! ```
//!
//! Clones map the file privately, so they share what they do not change; constants and code are the image's own pages. A template is a raw image: it holds the build's
//! own code and layouts, and is used by the build that made it only.

use crate::{error::Error, image::Image, memory::Memory, state::State, tables::PageTables, windows::Windows};
use lunette_hw_interface::{layout::PAGE_BYTES, message};
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::Read,
    ops::Range,
    os::{fd::AsRawFd, unix::fs::FileExt},
    path::{Path, PathBuf},
    sync::Arc,
};
use vm_memory::{FileOffset, MmapRegion};

/// The first bytes of a template's file.
pub const MAGIC: [u8; 8] = *b"lunetmpl";
/// Names the build: the image, and what this crate consists of.
pub const BUILD: &[u8; 16] =
    env!("LUNETTE_GUEST_BUILD").as_bytes().as_array().expect("the build script gives 16 digits");
/// Where the memory begins in the file.
const HEADER_BYTES: usize = 1 << 16;
/// Bytes before the header proper.
const BEFORE_HEADER: usize = MAGIC.len() + BUILD.len() + 4;
/// Bytes that are looked at together.
const CHUNK: usize = 4096;

/// A part of the memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FrozenPart {
    /// Physical address.
    pub physical: u64,
    /// The guest's address, for memory that was added.
    pub address: Option<u64>,
    /// Where its content lies in the file.
    pub offset: u64,
    /// Bytes.
    pub bytes: u64,
}

/// What is said of the memory at the beginning of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    /// What is in the file.
    pub parts: Vec<FrozenPart>,
    /// The page tables.
    pub tables: PageTables,
    /// Where memory is and can be added.
    pub windows: Windows,
    /// Physical addresses, apart from memory that was added, that the guest can write to.
    pub writable: Vec<Range<u64>>,
    /// Registers.
    pub state: State,
}

/// A partition from which others are cloned.
#[derive(Debug)]
pub struct Template {
    /// The file, in memory.
    pub file: Arc<File>,
    /// What is in it.
    pub header: Header,
    /// The image that its partitions run.
    pub(crate) image: Image,
    view: View,
}

/// The file, mapped: its content never changes.
#[derive(Debug)]
struct View(MmapRegion);

fn failed(what: &'static str) -> impl Fn(std::io::Error) -> Error {
    move |error| Error::Memory { what, reason: error.to_string() }
}

fn new_file() -> Result<File, Error> {
    let descriptor = memfd_create("lunette-template", MemfdFlags::CLOEXEC);
    Ok(File::from(descriptor.map_err(|error| failed("save")(error.into()))?))
}

impl Template {
    /// A copy of the memory, with the registers that belong to it.
    pub(crate) fn new(memory: &Memory, state: State) -> Result<Template, Error> {
        let file = new_file()?;
        let mut parts = Vec::new();
        let mut offset = HEADER_BYTES as u64;
        let mut chunk = [0; CHUNK];
        for (physical, address, bytes) in memory.parts() {
            for start in (0..bytes).step_by(CHUNK) {
                memory.read(physical + start, &mut chunk)?;
                write_unless_zero(&file, &chunk, offset + start)?;
            }
            parts.push(FrozenPart { physical, address, offset, bytes });
            offset += bytes;
        }
        file.set_len(offset).map_err(failed("save"))?;
        let (tables, windows) = memory.shape();
        let writable = memory.writable();
        let header = Header { parts, tables, windows, writable, state };
        let encoded = message::append(&header, Vec::new());
        if encoded.len() > HEADER_BYTES - BEFORE_HEADER {
            return Err(failed("save")(std::io::Error::other("it consists of too many parts")));
        }
        let length = (encoded.len() as u32).to_le_bytes();
        let start = [&MAGIC[..], BUILD, &length, &encoded].concat();
        file.write_all_at(&start, 0).map_err(failed("save"))?;
        Template::of(file, header, memory.image().clone())
    }

    fn of(file: File, header: Header, image: Image) -> Result<Template, Error> {
        let file = Arc::new(file);
        let length = file.metadata().map_err(failed("map"))?.len();
        let size = usize::try_from(length).map_err(Error::memory("address"))?;
        let place = FileOffset::from_arc(file.clone(), 0);
        let view =
            MmapRegion::build(Some(place), size, libc::PROT_READ, libc::MAP_SHARED).map_err(Error::memory("map"))?;
        Ok(Template { file, header, image, view: View(view) })
    }

    /// Writes the template to a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let file = File::create(path)?;
        file.set_len(self.view.0.size() as u64)?;
        let mut offset = 0;
        while let Some(chunk) = self.view.slice(offset, CHUNK) {
            if chunk.iter().any(|&byte| byte != 0) {
                file.write_all_at(chunk, offset)?;
            }
            offset += CHUNK as u64;
        }
        file.sync_all()
    }

    /// Reads a template that this build has made, and that nobody else could have changed: it holds memory and registers
    /// as they are.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is another build's.
    pub fn load(path: &Path) -> Result<Template, Error> {
        let malformed = |reason: &str| Error::Template(format!("{}: {reason}", path.display()));
        let unreadable = |error: std::io::Error| malformed(&error.to_string());
        let mut source = File::open(path).map_err(unreadable)?;
        let mut start = [0; BEFORE_HEADER];
        source.read_exact(&mut start).map_err(|_| malformed("not a template"))?;
        let (magic, rest) = start.split_at(MAGIC.len());
        let (build, length) = rest.split_at(BUILD.len());
        if magic != MAGIC {
            return Err(malformed("not a template"));
        }
        if build != BUILD {
            return Err(malformed("the template was made by another build of this program"));
        }
        let length = length.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        let mut encoded = vec![0; length.min(HEADER_BYTES)];
        source.read_exact(&mut encoded).map_err(|_| malformed("the template is damaged"))?;
        let header: Header = message::read(&encoded).map_err(|_| malformed("the template is damaged"))?;
        let size = source.metadata().map_err(unreadable)?.len();
        let mut end = HEADER_BYTES as u64;
        for part in &header.parts {
            let is_whole = [part.physical, part.bytes].iter().all(|number| number.is_multiple_of(PAGE_BYTES));
            if part.offset != end || !is_whole || part.bytes > size - end {
                return Err(malformed("the template is damaged"));
            }
            end += part.bytes;
        }
        if end != size {
            return Err(malformed("the template is damaged"));
        }
        // A copy in memory: what clones share must not change under them.
        let file = new_file()?;
        let mut chunk = [0; CHUNK];
        for offset in (0..size).step_by(CHUNK) {
            source.read_exact_at(&mut chunk, offset).map_err(unreadable)?;
            write_unless_zero(&file, &chunk, offset)?;
        }
        file.set_len(size).map_err(failed("save"))?;
        Template::of(file, header, Image::built_in()?)
    }

    /// Where another process of the same user can load it from, while this value lives.
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// A range of the content.
    pub(crate) fn content(&self, offset: u64, bytes: usize) -> Result<&[u8], Error> {
        self.view.slice(offset, bytes).ok_or_else(|| Error::Memory { what: "read", reason: "out of range".to_owned() })
    }
}

fn write_unless_zero(file: &File, chunk: &[u8], offset: u64) -> Result<(), Error> {
    if chunk.iter().all(|&byte| byte == 0) {
        return Ok(());
    }
    file.write_all_at(chunk, offset).map_err(failed("save"))
}

impl View {
    fn slice(&self, offset: u64, bytes: usize) -> Option<&[u8]> {
        let offset = usize::try_from(offset).ok()?;
        let end = offset.checked_add(bytes).filter(|end| *end <= self.0.size())?;
        // SAFETY: the range lies in the mapping, which lives as long as this value; nobody writes to the file any more,
        // which belongs to the template, and clones have private copies.
        Some(unsafe { std::slice::from_raw_parts(self.0.as_ptr().add(offset), end - offset) })
    }
}
