//! Where the lines of the source begin, so that everything else can speak of byte offsets.

use crate::memory::{Memory, OutOfMemory};
use alloc::vec::Vec;
use core::cell::Cell;

/// Offsets at which lines begin, ascending. Looking up is quick near the last place looked up.
pub(crate) struct LineTable {
    starts: Vec<u32>,
    recent: Cell<usize>,
}

impl LineTable {
    /// A table of one line, the first.
    pub(crate) fn new(memory: &Memory) -> Result<Self, OutOfMemory> {
        let mut starts = Vec::new();
        memory.push(&mut starts, 0)?;
        Ok(LineTable { starts, recent: Cell::new(0) })
    }

    /// Notes that a line begins at `offset`, unless that is known: after an error the source is read once more.
    pub(crate) fn begin_line(&mut self, offset: u32, memory: &Memory) -> Result<(), OutOfMemory> {
        if self.starts.last().is_none_or(|&last| last < offset) {
            memory.push(&mut self.starts, offset)?;
        }
        Ok(())
    }

    /// The line of `offset`, from 1.
    pub(crate) fn line(&self, offset: u32) -> u32 {
        let recent = self.recent.get();
        if self.is_in(recent, offset) {
            return recent as u32 + 1;
        }
        let index = if self.is_in(recent + 1, offset) {
            recent + 1
        } else {
            self.starts.partition_point(|&start| start <= offset).saturating_sub(1)
        };
        self.recent.set(index);
        index as u32 + 1
    }

    /// The column of `offset` in its line, from 1, in bytes.
    pub(crate) fn column(&self, offset: u32) -> u32 {
        let start = self.starts.get(self.line(offset) as usize - 1).copied().unwrap_or(0);
        offset.saturating_sub(start) + 1
    }

    fn is_in(&self, index: usize, offset: u32) -> bool {
        self.starts.get(index).is_some_and(|&start| start <= offset)
            && self.starts.get(index + 1).is_none_or(|&next| offset < next)
    }
}
