//! Functions that were translated ahead of time: they stand in the module's own file, in its last section, a custom one that
//! other runtimes pass over.
//!
//! ```text
//!   version | checksum of the file before the section | functions | number, end of its record | ... | record | ...
//!   2 bytes | 8 bytes                                 | 4 bytes   | 4 + 4 bytes, by number    |     |
//! ```
//!
//! A record is that of a function in `bytecode::file`; ends are counted from the first record. A section of another version,
//! one that something follows, or one whose module was changed, does not count.

use super::WasmError;
use alloc::vec::Vec;
use core::ops::Range;
use lunette_bytecode::{
    file::{self, checksum, read_typed_function, write_typed_function},
    typed::function::Function,
};
use wasmparser::{Parser, Payload};

/// The section's name.
const NAME: &str = "lunette";
const HEAD_BYTES: usize = 14;
const ENTRY_BYTES: usize = 8;

/// Where the section with translated functions begins, and where its content lies, if the file ends with one.
fn section(file: &[u8]) -> Option<(usize, Range<usize>)> {
    let mut start = 8;
    let mut last = None;
    for payload in Parser::new(0).parse_all(file) {
        let range = match payload.ok()? {
            Payload::CustomSection(custom) => {
                let end = custom.range().end as usize;
                if custom.name() == NAME && end == file.len() {
                    last = Some((start, end - custom.data().len()..end));
                }
                custom.range()
            }
            Payload::End(_) => break,
            other => match other.as_section() {
                Some((_, range)) => range,
                None => continue,
            },
        };
        start = range.end as usize;
    }
    last
}

/// The place of the content of a section with translated functions, if the file ends with one that belongs to it.
pub(super) fn find(file: &[u8]) -> Option<Range<u32>> {
    let (start, content) = section(file)?;
    let head = file.get(content.clone())?.first_chunk::<HEAD_BYTES>()?;
    let version = u16::from_le_bytes([head[0], head[1]]);
    let sum = u64::from_le_bytes(core::array::from_fn(|index| head[2 + index]));
    let is_right = version == file::VERSION && sum == checksum(&file[..start]);
    is_right.then_some(content.start as u32..content.end as u32)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// A function, if it is there. It is not verified.
pub(super) fn function(file: &[u8], content: &Range<u32>, number: u32) -> Option<Result<Function, WasmError>> {
    let bytes = file.get(content.start as usize..content.end as usize)?;
    let count = word(bytes, HEAD_BYTES - 4)? as usize;
    let entries = bytes.get(HEAD_BYTES..HEAD_BYTES.checked_add(count.checked_mul(ENTRY_BYTES)?)?)?;
    let (entries, _) = entries.as_chunks::<ENTRY_BYTES>();
    let place = entries.binary_search_by_key(&number, |entry| word(entry, 0).unwrap_or(0)).ok()?;
    let end_of = |place: usize| word(&entries[place], 4).map(|end| end as usize);
    let start = place.checked_sub(1).map_or(Some(0), end_of)?;
    let records = &bytes[HEAD_BYTES + count * ENTRY_BYTES..];
    let record = records.get(start..end_of(place)?)?;
    // Words and their places take four times the bytes they have in the record at most.
    let function = read_typed_function(record, record.len().saturating_mul(4));
    Some(function.map_err(|error| WasmError::Invalid {
        offset: u64::from(content.start) + (HEAD_BYTES + count * ENTRY_BYTES + start + error.offset) as u64,
        reason: alloc::format!("translated function {number}: {}", error.kind),
    }))
}

/// The file with these functions, in the order of their numbers, in its last section.
pub(super) fn add(
    file: &[u8],
    functions: impl Iterator<Item = Result<(u32, Function), WasmError>>,
) -> Result<Vec<u8>, WasmError> {
    let file = section(file).map_or(file, |(start, _)| &file[..start]);
    let (mut entries, mut records) = (Vec::new(), Vec::new());
    for function in functions {
        let (number, function) = function?;
        records.extend(write_typed_function(&function));
        entries.extend(number.to_le_bytes());
        entries.extend((records.len() as u32).to_le_bytes());
    }
    let mut head = Vec::new();
    head.push(NAME.len() as u8);
    head.extend(NAME.as_bytes());
    head.extend(file::VERSION.to_le_bytes());
    head.extend(checksum(file).to_le_bytes());
    head.extend(((entries.len() / ENTRY_BYTES) as u32).to_le_bytes());
    let mut whole = file.to_vec();
    whole.push(0);
    let mut length = head.len() + entries.len() + records.len();
    while length >= 0x80 {
        whole.push(length as u8 | 0x80);
        length >>= 7;
    }
    whole.push(length as u8);
    whole.extend(head);
    whole.extend(entries);
    whole.extend(records);
    Ok(whole)
}
