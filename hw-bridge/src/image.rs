//! The guest image: a static ELF, carried in this program.
//!
//! ```text
//!   file                           | constants | code | variables |     at the beginning of a page
//!                                    same pages  same pages  copied
//!   physical memory of partitions  | constants | code | variables, zeros |
//! ```
//!
//! What no guest can write to is not copied: all partitions have the same pages of the host.

use crate::{
    error::Error,
    mapping::{ConstantPages, Paged},
};
use elf::{ElfBytes, abi::PT_LOAD, endian::LittleEndian};
use lunette_hw_interface::layout::{IMAGE, IMAGE_END, PAGE_BYTES};
use std::ops::Range;

static FILE: &Paged<[u8]> = &Paged(*include_bytes!(env!("LUNETTE_GUEST_IMAGE")));

/// The image that the build script made.
pub static BUILT_IN: &[u8] = &FILE.0;

/// The most segments that an image may have.
pub const MOST_SEGMENTS: usize = 8;

/// An image, taken apart.
#[derive(Clone, Debug)]
pub struct Image {
    /// Where the guest starts.
    pub entry: u64,
    /// What is loaded: at most [`MOST_SEGMENTS`], which share no pages.
    pub segments: Vec<Segment>,
}

/// A part of the image with one kind of access.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it lies.
    pub start: u64,
    /// Bytes it takes.
    pub bytes: u64,
    /// What is in it.
    pub content: Content,
}

/// What is in a segment.
#[derive(Clone, Debug)]
pub enum Content {
    /// What the guest can read only: the pages from this one on, in which the segment lies as in its own.
    Constant {
        /// Whether the guest may execute it.
        is_executable: bool,
        /// The pages.
        pages: ConstantPages,
        /// Number of the first one.
        first: usize,
    },
    /// What the guest can write to begins with this; zeros follow.
    Variable(Vec<u8>),
}

impl Image {
    /// The image that the build script made.
    ///
    /// # Errors
    /// It is malformed.
    pub fn built_in() -> Result<Image, Error> {
        Image::of_file(BUILT_IN, &ConstantPages::of_static(FILE)?)
    }

    /// Reads an ELF file.
    ///
    /// # Errors
    /// It is malformed, or asks for what no image may have: memory outside of its place, or memory that is written and
    /// executed.
    pub fn read(file: &[u8]) -> Result<Image, Error> {
        Image::of_file(file, &ConstantPages::copy_of(file)?)
    }

    fn of_file(file: &[u8], pages: &ConstantPages) -> Result<Image, Error> {
        let malformed = |message: &str| Error::Image(message.to_owned());
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|error| Error::Image(error.to_string()))?;
        let headers = elf.segments().ok_or_else(|| malformed("no segments"))?;
        let mut segments: Vec<Segment> = Vec::new();
        for header in headers.iter().filter(|header| header.p_type == PT_LOAD && header.p_memsz != 0) {
            let (start, bytes) = (header.p_vaddr, header.p_memsz);
            let bytes_of_file = elf.segment_data(&header).map_err(|error| Error::Image(error.to_string()))?;
            let end = start.checked_add(bytes).filter(|end| *end <= IMAGE_END);
            if start < IMAGE || end.is_none() || bytes_of_file.len() as u64 > bytes {
                return Err(malformed("a segment lies outside of the image's place"));
            }
            let is_writable = header.p_flags & elf::abi::PF_W != 0;
            let is_executable = header.p_flags & elf::abi::PF_X != 0;
            let content = match (is_writable, is_executable) {
                (true, true) => return Err(malformed("a segment is writable and executable")),
                (true, false) => Content::Variable(bytes_of_file.to_vec()),
                (false, _) => {
                    if bytes_of_file.len() as u64 != bytes || header.p_offset % PAGE_BYTES != start % PAGE_BYTES {
                        return Err(malformed("constants or code do not lie in the file as in memory"));
                    }
                    let first = (header.p_offset / PAGE_BYTES) as usize;
                    Content::Constant { is_executable, pages: pages.clone(), first }
                }
            };
            let segment = Segment { start, bytes, content };
            if segments.last().is_some_and(|last| last.pages().end > segment.pages().start) {
                return Err(malformed("segments share a page, or are not in order"));
            }
            segments.push(segment);
        }
        if segments.len() > MOST_SEGMENTS {
            return Err(malformed("too many segments"));
        }
        Ok(Image { entry: elf.ehdr.e_entry, segments })
    }
}

impl Segment {
    /// Addresses of the pages that it touches.
    pub fn pages(&self) -> Range<u64> {
        let end = self.start + self.bytes;
        self.start / PAGE_BYTES * PAGE_BYTES..end.next_multiple_of(PAGE_BYTES)
    }
}
