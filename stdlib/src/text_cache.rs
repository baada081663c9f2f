//! What was made of texts that programs use again and again: patterns, formats.

use alloc::boxed::Box;

const ENTRIES: usize = 64;

/// What is made of longer texts is made for every use, so that the cache stays small.
const MAX_LENGTH: usize = 128;

/// A direct-mapped cache. It lies outside the instance's region and can be dropped at any time.
pub(crate) struct TextCache<T> {
    entries: [Option<Entry<T>>; ENTRIES],
    uncached: Option<T>,
}

struct Entry<T> {
    text: Box<[u8]>,
    value: T,
}

impl<T> Default for TextCache<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> TextCache<T> {
    /// An empty cache.
    pub const fn new() -> Self {
        TextCache { entries: [const { None }; ENTRIES], uncached: None }
    }

    /// What `make` makes of `text`, which has this hash, now or before.
    #[inline]
    pub fn get<E>(&mut self, text: &[u8], hash: u32, make: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<&T, E> {
        if text.len() > MAX_LENGTH {
            return Ok(self.uncached.insert(make(text)?));
        }
        let place = &mut self.entries[hash as usize % ENTRIES];
        if place.as_ref().is_some_and(|entry| *entry.text != *text) {
            *place = None;
        }
        match place {
            Some(entry) => Ok(&entry.value),
            vacant => Ok(&vacant.insert(Entry { text: text.into(), value: make(text)? }).value),
        }
    }
}
