//! Recently used patterns in compiled form.

use super::{Caret, MatchError, Pattern};
use alloc::boxed::Box;

const ENTRIES: usize = 64;

/// Patterns longer than this are compiled for every use, so that the cache stays small.
const MAX_LENGTH: usize = 128;

/// A direct-mapped cache of compiled patterns. It lies outside the instance's region and can be dropped at any time.
pub struct PatternCache {
    entries: [Option<Entry>; ENTRIES],
    uncached: Option<Pattern>,
}

struct Entry {
    text: Box<[u8]>,
    caret: Caret,
    pattern: Pattern,
}

impl Default for PatternCache {
    fn default() -> Self {
        Self::new()
    }
}

impl PatternCache {
    /// An empty cache.
    pub const fn new() -> Self {
        PatternCache { entries: [const { None }; ENTRIES], uncached: None }
    }

    /// `text` compiled, now or before.
    #[inline]
    pub fn get(&mut self, text: &[u8], caret: Caret) -> Result<&Pattern, MatchError> {
        if text.len() > MAX_LENGTH {
            return Ok(self.uncached.insert(Pattern::compile(text, caret)?));
        }
        let entry = &mut self.entries[slot(text, caret)];
        if !matches!(entry, Some(found) if found.caret == caret && *found.text == *text) {
            *entry = Some(Entry { text: text.into(), caret, pattern: Pattern::compile(text, caret)? });
        }
        match entry {
            Some(entry) => Ok(&entry.pattern),
            None => Err(MatchError::OutOfMemory),
        }
    }
}

fn slot(text: &[u8], caret: Caret) -> usize {
    let seed = text.len() as u32 ^ (caret as u32) << 16;
    let hash = text.iter().fold(seed, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ hash >> 15) as usize % ENTRIES
}
