//! The region of an instance that leaves for another process: which of its pages are to be sent.

use super::Process;
use crate::error::{Error, Result};
use lunette_pages::{
    PageSet, WrittenPages,
    scan::{self, Kind},
};
use std::ops::Range;

/// A region, some of whose pages are to be sent.
#[derive(Debug)]
pub(super) struct LeavingRegion {
    written: WrittenPages,
    /// Its address.
    base: u64,
    /// Of each of its parts the offset up to which it was looked at.
    known: Vec<u64>,
    /// Offsets of the pages that are to be sent.
    pages: PageSet,
}

impl Process {
    /// Begins to keep note of what changes in a region, of which everything is to be sent.
    pub fn begin_leaving(&mut self, base: u64, bytes: u64) -> Result<()> {
        let written = WrittenPages::begin(base..base + bytes).map_err(Error::external)?;
        let mut pages = PageSet::default();
        pages.add_part(0, bytes);
        self.pages.note_released(true);
        self.leaving = Some(LeavingRegion { written, base, known: Vec::new(), pages });
        Ok(())
    }

    /// Does not do so any more.
    pub fn end_leaving(&mut self) {
        self.pages.note_released(false);
        self.leaving = None;
    }

    /// Offsets of pages of at most so many bytes that are to be sent, and bytes beyond these; how often everything was gone
    /// through. `touched` are the offsets of the parts of the region that may be used, always in the same order.
    pub fn take_changes(&mut self, touched: &[Range<u64>], most: u64) -> Result<(Vec<Range<u64>>, u64, u32)> {
        let Some(LeavingRegion { written, base, known, pages }) = &mut self.leaving else {
            return Ok((Vec::new(), 0, 0));
        };
        let base = *base;
        let mut insert = |range: &Range<u64>| pages.insert(range.start - base..range.end - base);
        self.pages.take_released().iter().for_each(&mut insert);
        known.resize(known.len().max(touched.len()), 0);
        for (part, known) in touched.iter().zip(known) {
            let (start, end) = (base + part.start, base + part.end);
            // Pages that were not looked at before count as written, whether or not they are there.
            let new = (base + *known).clamp(start, end)..end;
            let ranges = written.take(start..end).map_err(Error::external)?;
            let old = ranges.into_iter().map(|range| range.start..range.end.min(new.start));
            old.filter(|range| range.start < range.end).for_each(|range| insert(&range));
            match scan::pages(new.clone(), Kind::POPULATED) {
                Some(ranges) => ranges.iter().for_each(&mut insert),
                None => insert(&new),
            }
            *known = part.end.max(*known);
        }
        let ranges = pages.take(most);
        Ok((ranges, pages.bytes(), pages.sweeps()))
    }
}
