//! Which parts of a home's room for machine code are in use.

use alloc::collections::BTreeMap;

/// Where functions begin: at a multiple of this.
const ALIGNMENT: usize = 32;

/// Room for machine code, in offsets from its beginning.
///
/// ```text
///   | function | free | function | function | free       | never used
///   0                                                    end
/// ```
#[derive(Debug, Default)]
pub struct CodeSpace {
    /// Free parts below the end, by offset: their bytes. No two of them touch, and none touches the end.
    free: BTreeMap<usize, usize>,
    end: usize,
}

impl CodeSpace {
    /// Takes room for so many bytes, all of it below `limit`; its offset.
    pub fn take(&mut self, bytes: usize, limit: usize) -> Option<usize> {
        let bytes = rounded(bytes)?;
        let fits = |(&offset, &room): (&usize, &usize)| room >= bytes && offset + bytes <= limit;
        if let Some((&offset, &room)) = self.free.iter().find(|&part| fits(part)) {
            self.free.remove(&offset);
            if room > bytes {
                self.free.insert(offset + bytes, room - bytes);
            }
            return Some(offset);
        }
        let end = self.end.checked_add(bytes).filter(|&end| end <= limit)?;
        Some(core::mem::replace(&mut self.end, end))
    }

    /// Gives back what was taken for so many bytes.
    pub fn give_back(&mut self, offset: usize, bytes: usize) {
        let (mut start, mut end) = (offset, offset + rounded(bytes).unwrap_or(bytes));
        if let Some((&before, &room)) = self.free.range(..start).next_back()
            && before + room == start
        {
            self.free.remove(&before);
            start = before;
        }
        if let Some(room) = self.free.remove(&end) {
            end += room;
        }
        if end == self.end {
            self.end = start;
        } else {
            self.free.insert(start, end - start);
        }
    }
}

fn rounded(bytes: usize) -> Option<usize> {
    bytes.checked_next_multiple_of(ALIGNMENT).filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_taken_again() {
        let mut space = CodeSpace::default();
        let places: [usize; 4] = core::array::from_fn(|_| space.take(40, 256).unwrap());
        assert_eq!(places, [0, 64, 128, 192]);
        assert!(space.take(1, 256).is_none() && space.take(0, 1 << 20).is_none());
        assert!(space.take(usize::MAX, usize::MAX).is_none());
        space.give_back(64, 40);
        assert!(space.take(65, 256).is_none());
        assert_eq!(space.take(20, 256), Some(64));
        space.give_back(128, 40);
        // The rest of the second one and the third one are one part now.
        assert_eq!(space.take(96, 256), Some(96));
        space.give_back(96, 96);
        space.give_back(192, 40);
        assert_eq!(space.take(160, 256), Some(96));
        space.give_back(64, 20);
        space.give_back(96, 160);
        space.give_back(0, 40);
        assert_eq!((space.end, space.free.len()), (0, 0));
    }

    #[test]
    fn a_lower_limit_holds_for_what_is_taken_later() {
        let mut space = CodeSpace::default();
        assert_eq!((space.take(32, 96), space.take(32, 96), space.take(32, 96)), (Some(0), Some(32), Some(64)));
        space.give_back(32, 32);
        assert_eq!((space.take(32, 32), space.take(32, 64)), (None, Some(32)));
    }
}
