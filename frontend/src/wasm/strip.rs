//! Modules without what is for debugging and for tools: their custom sections.

use alloc::vec::Vec;
use wasmparser::{Parser, Payload};

/// The file without its custom sections, which do not change what a module does. With them goes what was translated ahead of
/// time, as it has places in this file. What cannot be read stays as it is.
pub fn stripped(file: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    // Where what comes next begins.
    let mut start = 0;
    for payload in Parser::new(0).parse_all(file) {
        let (range, is_kept) = match &payload {
            Ok(Payload::Version { range, .. }) => (range.clone(), true),
            Ok(Payload::CustomSection(section)) => (section.range(), false),
            Ok(payload) => match payload.as_section() {
                Some((_, range)) => (range, true),
                None => continue,
            },
            Err(_) => break,
        };
        let Some(section) = file.get(start..range.end as usize) else { break };
        if is_kept {
            kept.extend_from_slice(section);
        }
        start += section.len();
    }
    kept.extend_from_slice(&file[start..]);
    kept
}
