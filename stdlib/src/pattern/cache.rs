//! Recently used patterns in compiled form.

use super::{Caret, MatchError, Pattern};
use crate::text_cache::TextCache;

/// A cache of compiled patterns, by what a caret means in them.
#[derive(Default)]
pub struct PatternCache([TextCache<Pattern>; 2]);

impl PatternCache {
    /// An empty cache.
    pub const fn new() -> Self {
        PatternCache([TextCache::new(), TextCache::new()])
    }

    /// `text`, which has this hash, compiled, now or before.
    #[inline]
    pub fn get(&mut self, text: &[u8], hash: u32, caret: Caret) -> Result<&Pattern, MatchError> {
        self.0[caret as usize].get(text, hash, |text| Pattern::compile(text, caret))
    }
}
