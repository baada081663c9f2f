//! Templates: a partition as it was while it waited for a command, from which others are cloned.
//!
//! ```text
//!   file:   | part 0: base memory | part 1: page tables | memory that was added ... |    holes where all is zero
//! ```
//!
//! Clones map the file privately, so they share what they do not change. A template is a raw image: it holds the build's
//! own code and layouts, and is used by the build that made it only.

use crate::{
    error::Error,
    memory::{Memory, Window},
    tables::PageTables,
};
use kvm_bindings::{kvm_fpu, kvm_regs, kvm_sregs};
use rustix::fs::{MemfdFlags, memfd_create};
use std::{fs::File, os::unix::fs::FileExt, sync::Arc};
use vm_memory::{FileOffset, MmapRegion};

/// Bytes that are looked at together.
const CHUNK: usize = 4096;

/// A part of the memory.
#[derive(Clone, Debug)]
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

/// The memory of a template.
#[derive(Debug)]
pub struct Frozen {
    /// The content.
    pub file: Arc<File>,
    /// What is in the file.
    pub parts: Vec<FrozenPart>,
    /// The page tables.
    pub tables: PageTables,
    /// Addresses that memory can be added to.
    pub windows: [Window; 2],
    /// Physical address of the next memory that is added.
    pub next: u64,
    /// The file, to read from.
    view: View,
}

/// The file, mapped: its content never changes.
#[derive(Debug)]
struct View(MmapRegion);

/// The registers of a template.
#[derive(Clone, Debug)]
pub struct Registers {
    /// General ones.
    pub general: kvm_regs,
    /// Those that say what kind of code runs.
    pub system: kvm_sregs,
    /// Of floating-point numbers and vectors.
    pub vector: kvm_fpu,
}

/// A partition from which others are cloned.
#[derive(Debug)]
pub struct Template {
    /// Its memory.
    pub memory: Frozen,
    /// Its registers.
    pub registers: Registers,
}

impl Frozen {
    /// A copy of the memory.
    pub fn new(memory: &Memory) -> Result<Frozen, Error> {
        let failed = |error: std::io::Error| Error::Memory { what: "save", reason: error.to_string() };
        let descriptor = memfd_create("lunette-template", MemfdFlags::CLOEXEC)
            .map_err(|error| failed(std::io::Error::from(error)))?;
        let file = File::from(descriptor);
        let mut parts = Vec::new();
        let mut offset = 0;
        let mut chunk = [0; CHUNK];
        for (physical, address, bytes) in memory.parts() {
            file.set_len(offset + bytes).map_err(failed)?;
            for start in (0..bytes).step_by(CHUNK) {
                memory.read(physical + start, &mut chunk)?;
                if chunk.iter().any(|&byte| byte != 0) {
                    file.write_all_at(&chunk, offset + start).map_err(failed)?;
                }
            }
            parts.push(FrozenPart { physical, address, offset, bytes });
            offset += bytes;
        }
        let (tables, windows, next) = memory.shape();
        let file = Arc::new(file);
        let place = FileOffset::from_arc(file.clone(), 0);
        let size = usize::try_from(offset).map_err(Error::memory("address"))?;
        let view =
            MmapRegion::build(Some(place), size, libc::PROT_READ, libc::MAP_SHARED).map_err(Error::memory("map"))?;
        Ok(Frozen { file, parts, tables, windows, next, view: View(view) })
    }

    /// A range of the content.
    pub fn content(&self, offset: u64, bytes: usize) -> Result<&[u8], Error> {
        self.view.slice(offset, bytes).ok_or_else(|| Error::Memory { what: "read", reason: "out of range".to_owned() })
    }
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
