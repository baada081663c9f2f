//! The guest image: a static ELF, carried in this program.

use crate::error::Error;
use elf::{ElfBytes, abi::PT_LOAD, endian::LittleEndian};
use lunette_hw_interface::layout::{IMAGE, IMAGE_END, PAGE_BYTES};

/// The image that the build script made.
pub const BUILT_IN: &[u8] = include_bytes!(env!("LUNETTE_GUEST_IMAGE"));

/// An image, taken apart.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    /// Where the guest starts.
    pub entry: u64,
    /// What is loaded.
    pub segments: Vec<Segment<'a>>,
}

/// A part of the image with one kind of access.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// Where it lies.
    pub start: u64,
    /// What is in it; zeros follow.
    pub content: &'a [u8],
    /// Bytes it takes.
    pub bytes: u64,
    /// Whether the guest may write to it.
    pub is_writable: bool,
    /// Whether the guest may execute it.
    pub is_executable: bool,
}

impl<'a> Image<'a> {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// It is malformed, or asks for what no image may have: memory outside of its place, or memory that is written and
    /// executed.
    pub fn read(file: &'a [u8]) -> Result<Image<'a>, Error> {
        let malformed = |message: &str| Error::Image(message.to_owned());
        let elf = ElfBytes::<LittleEndian>::minimal_parse(file).map_err(|error| Error::Image(error.to_string()))?;
        let headers = elf.segments().ok_or_else(|| malformed("no segments"))?;
        let mut segments: Vec<Segment<'a>> = Vec::new();
        for header in headers.iter().filter(|header| header.p_type == PT_LOAD) {
            let content = elf.segment_data(&header).map_err(|error| Error::Image(error.to_string()))?;
            let segment = Segment {
                start: header.p_vaddr,
                content,
                bytes: header.p_memsz,
                is_writable: header.p_flags & elf::abi::PF_W != 0,
                is_executable: header.p_flags & elf::abi::PF_X != 0,
            };
            let end = segment.start.checked_add(segment.bytes).filter(|end| *end <= IMAGE_END);
            if segment.start < IMAGE || end.is_none() || content.len() as u64 > segment.bytes {
                return Err(malformed("a segment lies outside of the image's place"));
            }
            if segment.is_writable && segment.is_executable {
                return Err(malformed("a segment is writable and executable"));
            }
            if let Some(last) = segments.last()
                && last.last_page() >= segment.start / PAGE_BYTES
                && (last.is_writable, last.is_executable) != (segment.is_writable, segment.is_executable)
            {
                return Err(malformed("segments of different access share a page"));
            }
            segments.push(segment);
        }
        Ok(Image { entry: elf.ehdr.e_entry, segments })
    }
}

impl Segment<'_> {
    /// Number of the last page that it touches.
    pub fn last_page(&self) -> u64 {
        (self.start + self.bytes.max(1) - 1) / PAGE_BYTES
    }
}
