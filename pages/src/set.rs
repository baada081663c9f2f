//! Pages that are to be sent, in address order, round and round.

use crate::PAGE_BYTES;
use std::ops::Range;

const PAGE: u64 = PAGE_BYTES as u64;
/// Pages of a word.
const WORD: u64 = u64::BITS as u64;

/// A contiguous range of addresses.
#[derive(Debug)]
struct Part {
    start: u64,
    end: u64,
    /// A bit for each page.
    pages: Vec<u64>,
}

/// A set of pages of some ranges of addresses.
///
/// ```
/// use lunette_pages::PageSet;
/// let mut set = PageSet::default();
/// set.add_part(0x10_0000, 0x4000);
/// set.insert(0x10_1000..0x10_3000);
/// set.insert(0x10_2fff..0x10_3001);
/// assert_eq!(set.bytes(), 0x3000);
/// assert_eq!(set.take(0x2000), [0x10_1000..0x10_3000]);
/// set.insert(0x10_0000..0x10_1000);
/// // Those that come later are next; then it begins anew.
/// assert_eq!(set.take(0x1000), [0x10_3000..0x10_4000]);
/// assert_eq!((set.sweeps(), set.take(0x1000).len(), set.sweeps()), (0, 1, 1));
/// ```
#[derive(Debug, Default)]
pub struct PageSet {
    parts: Vec<Part>,
    count: u64,
    /// Part and page from which the next are taken.
    cursor: (usize, u64),
    sweeps: u32,
}

impl PageSet {
    /// Adds a range of addresses, whole pages, none of which is in the set yet.
    pub fn add_part(&mut self, start: u64, bytes: u64) {
        let words = (bytes / PAGE).div_ceil(WORD) as usize;
        self.parts.push(Part { start, end: start + bytes, pages: vec![0; words] });
    }

    /// Adds the pages that a range of addresses touches, as far as they lie in the parts.
    pub fn insert(&mut self, range: Range<u64>) {
        for part in &mut self.parts {
            let (from, to) = (range.start.max(part.start), range.end.min(part.end));
            if from >= to {
                continue;
            }
            for page in (from - part.start) / PAGE..(to - part.start).div_ceil(PAGE) {
                let (word, bit) = (&mut part.pages[(page / WORD) as usize], 1 << (page % WORD));
                self.count += u64::from(*word & bit == 0);
                *word |= bit;
            }
        }
    }

    /// Bytes of the pages in the set.
    pub fn bytes(&self) -> u64 {
        self.count * PAGE
    }

    /// How often all parts were gone through.
    pub fn sweeps(&self) -> u32 {
        self.sweeps
    }

    /// Takes pages of at most so many bytes out of the set, the next in order; as ranges of addresses.
    pub fn take(&mut self, most: u64) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        let mut left = most / PAGE;
        while left > 0 && self.count > 0 {
            let (number, page) = self.cursor;
            let Some(part) = self.parts.get_mut(number) else {
                self.cursor = (0, 0);
                self.sweeps += 1;
                continue;
            };
            let Some(word) = part.pages.get_mut((page / WORD) as usize) else {
                self.cursor = (number + 1, 0);
                continue;
            };
            let ahead = *word >> (page % WORD);
            if ahead == 0 {
                self.cursor.1 = (page / WORD + 1) * WORD;
                continue;
            }
            let page = page + u64::from(ahead.trailing_zeros());
            *word &= !(1 << (page % WORD));
            self.cursor.1 = page + 1;
            self.count -= 1;
            left -= 1;
            let address = part.start + page * PAGE;
            match ranges.last_mut() {
                Some(last) if last.end == address => last.end += PAGE,
                _ => ranges.push(address..address + PAGE),
            }
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_taken_once() {
        let mut set = PageSet::default();
        set.add_part(0, 1 << 20);
        set.add_part(1 << 30, 3 << 20);
        set.insert(0..1 << 20);
        set.insert((1 << 30) - PAGE..(1 << 30) + 65 * PAGE);
        assert_eq!(set.bytes(), (256 + 65) * PAGE);
        let mut taken = 0;
        while set.bytes() > 0 {
            let ranges = set.take(7 * PAGE);
            let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            assert!(bytes > 0 && bytes <= 7 * PAGE);
            taken += bytes;
        }
        assert_eq!(taken, (256 + 65) * PAGE);
        assert!(set.take(1 << 30).is_empty());
    }
}
