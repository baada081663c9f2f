//! Memory on its way to a partition elsewhere: pages are sent while the guest runs, those that it writes to meanwhile once
//! more, until few are left.

use super::{Memory, slot};
use crate::error::{End, Error};
use kvm_ioctls::VmFd;
use lunette_hw_interface::layout::PAGE_BYTES;
use lunette_pages::{Batch, PageSet};
use std::{cell::RefCell, ops::Range};

/// Memory of a guest that leaves.
#[derive(Debug)]
pub(super) struct Leaving {
    /// Pages that are to be sent.
    pages: RefCell<PageSet>,
    /// Parts that the other end knows of.
    known: usize,
}

impl Leaving {
    /// There is more memory now.
    pub fn add_part(&mut self, physical: u64, bytes: u64) {
        self.pages.get_mut().add_part(physical, bytes);
    }

    /// The monitor has written to memory, which KVM does not log.
    pub fn note(&self, range: Range<u64>) {
        self.pages.borrow_mut().insert(range);
    }
}

impl Memory {
    /// Begins to note what changes: everything that the guest can write to is to be sent, and what it writes to from now
    /// on is to be sent again.
    pub fn begin_leaving(&mut self, vm: &VmFd) -> Result<(), Error> {
        let mut pages = PageSet::default();
        for range in self.movable() {
            pages.add_part(range.start, range.end - range.start);
        }
        for (number, part) in self.parts.iter().enumerate() {
            part.mapping.register(vm, slot(number), part.physical, true)?;
            let populated = match part.offset {
                None => part.mapping.populated_pages(),
                // What was never touched is as in the file.
                Some(_) => None,
            };
            match populated {
                Some(ranges) => ranges.iter().for_each(|range| {
                    pages.insert(part.physical + range.start as u64..part.physical + range.end as u64)
                }),
                None => pages.insert(part.physical..part.physical + part.mapping.bytes() as u64),
            }
        }
        self.leaving = Some(Leaving { pages: RefCell::new(pages), known: 0 });
        Ok(())
    }

    /// Does not note changes any more: the guest stays.
    pub fn end_leaving(&mut self, vm: &VmFd) -> Result<(), Error> {
        if self.leaving.take().is_some() {
            for (number, part) in self.parts.iter().enumerate() {
                part.mapping.register(vm, slot(number), part.physical, false)?;
            }
        }
        Ok(())
    }

    /// Looks for what the guest has written to; bytes that are to be sent.
    pub fn collect_changes(&mut self, vm: &VmFd) -> Result<u64, Error> {
        let Some(leaving) = &mut self.leaving else { return Ok(0) };
        let pages = leaving.pages.get_mut();
        for (number, part) in self.parts.iter().enumerate() {
            let log = vm.get_dirty_log(slot(number), part.mapping.bytes()).map_err(Error::kvm("log changes"))?;
            for range in set_bits(&log) {
                pages.insert(part.physical + range.start * PAGE_BYTES..part.physical + range.end * PAGE_BYTES);
            }
        }
        Ok(pages.bytes())
    }

    /// Takes pages of at most so many bytes that are to be sent, and all memory that was added; how often everything was
    /// gone through.
    pub fn take_changes(&mut self, most: u64) -> Result<(Batch, u32), Error> {
        let mut batch = Batch::default();
        let Some(leaving) = &mut self.leaving else { return Ok((batch, 0)) };
        let added = self.parts.iter().skip(leaving.known);
        batch.added = added.filter_map(|part| Some((part.address?, part.mapping.bytes() as u64))).collect();
        leaving.known = self.parts.len();
        let pages = leaving.pages.get_mut();
        let (ranges, sweeps) = (pages.take(most), pages.sweeps());
        for range in ranges {
            batch.add(range, |physical, bytes| self.read(physical, bytes))?;
        }
        Ok((batch, sweeps))
    }

    /// Takes up memory of a guest that arrives.
    pub fn place(&mut self, vm: &VmFd, batch: &Batch) -> Result<(), End> {
        let malformed =
            |address: u64| End::Violation(format!("it comes with memory at {address:#x} that it cannot have"));
        for &(address, bytes) in &batch.added {
            let growth = self.windows.growth_by(address, bytes).ok_or_else(|| malformed(address))?;
            self.extend(vm, &growth)?;
        }
        let movable = self.movable();
        for (run, content) in batch.parts().map_err(|_| malformed(0))? {
            let end = run.start + run.bytes;
            let mut start = run.start;
            while start < end {
                let range = movable.iter().find(|range| range.contains(&start)).ok_or_else(|| malformed(start))?;
                let piece = start..end.min(range.end);
                match content {
                    Some(content) => {
                        let place = (piece.start - run.start) as usize..(piece.end - run.start) as usize;
                        self.write(piece.start, &content[place])?;
                    }
                    None => self.zero_physical(piece.clone())?,
                }
                start = piece.end;
            }
        }
        Ok(())
    }

    /// Physical addresses that the guest can write to: what it consists of beside its registers, the image and its page
    /// tables, which are the same wherever it runs.
    fn movable(&self) -> Vec<Range<u64>> {
        let added = self.parts.iter().filter(|part| part.address.is_some());
        let added = added.map(|part| part.physical..part.physical + part.mapping.bytes() as u64);
        self.writable.iter().cloned().chain(added).collect()
    }
}

/// The ranges of bits that are set.
fn set_bits(words: &[u64]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for (index, &word) in words.iter().enumerate() {
        let mut rest = word;
        while rest != 0 {
            let bit = index as u64 * 64 + u64::from(rest.trailing_zeros());
            rest &= rest - 1;
            match ranges.last_mut() {
                Some(last) if last.end == bit => last.end += 1,
                _ => ranges.push(bit..bit + 1),
            }
        }
    }
    ranges
}
