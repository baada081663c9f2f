//! Searching without patterns.

use memchr::{memchr, memmem};

/// Whether `pattern` has a character with a meaning of its own; without one, a plain search finds the same.
pub fn has_specials(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| b"^$*+?.([%-".contains(byte))
}

/// So few bytes are searched without preparations.
const FEW: usize = 128;

/// Where `needle` first stands in `haystack`, in time linear in their lengths.
pub fn find_plain(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [byte] => memchr(*byte, haystack),
        [first, ..] if haystack.len() <= FEW => {
            let places = haystack.len().checked_sub(needle.len())? + 1;
            (0..places).find(|&place| haystack[place] == *first && haystack[place..].starts_with(needle))
        }
        _ => memmem::find(haystack, needle),
    }
}
