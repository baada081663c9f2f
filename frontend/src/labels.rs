//! Labels and gotos of one function while it is being resolved.

use crate::ast::LabelId;
use crate::memory::{Memory, OutOfMemory};
use crate::strings::StringId;
use alloc::vec::Vec;
use hashbrown::HashMap;

/// A goto whose label has not been seen yet, or a `break` outside of loops.
#[derive(Clone, Copy)]
pub(crate) struct Goto {
    pub(crate) name: StringId,
    pub(crate) line_position: u32,
    /// Its number among the tree's statements.
    pub(crate) statement: u32,
    /// How many local variables are in scope at it and in all blocks that have ended since.
    pub(crate) level: u32,
    /// The previous goto of the same name.
    previous: Option<u32>,
    pub(crate) is_resolved: bool,
}

#[derive(Default)]
pub(crate) struct Labels {
    visible: HashMap<StringId, LabelId>,
    /// Names of the visible labels, in the order of their definition.
    names: Vec<StringId>,
    pub(crate) gotos: Vec<Goto>,
    /// The last goto of each name.
    last_gotos: HashMap<StringId, u32>,
    pub(crate) loop_depth: u32,
}

/// How many labels and gotos there were when a block began.
#[derive(Clone, Copy)]
pub(crate) struct BlockStart {
    labels: usize,
    gotos: usize,
}

impl Labels {
    pub(crate) fn enter_block(&self) -> BlockStart {
        BlockStart { labels: self.names.len(), gotos: self.gotos.len() }
    }

    /// Ends a block that began with `level` variables in scope.
    pub(crate) fn leave_block(&mut self, start: BlockStart, level: u32) {
        for name in self.names.drain(start.labels..) {
            self.visible.remove(&name);
        }
        for goto in &mut self.gotos[start.gotos..] {
            goto.level = goto.level.min(level);
        }
    }

    pub(crate) fn find(&self, name: StringId) -> Option<LabelId> {
        self.visible.get(&name).copied()
    }

    pub(crate) fn define(&mut self, name: StringId, label: LabelId, memory: &Memory) -> Result<(), OutOfMemory> {
        memory.push(&mut self.names, name)?;
        memory.insert(&mut self.visible, name, label)
    }

    pub(crate) fn push_goto(
        &mut self,
        name: StringId,
        line_position: u32,
        statement: u32,
        level: u32,
        memory: &Memory,
    ) -> Result<(), OutOfMemory> {
        let number = self.gotos.len() as u32;
        let previous = self.last_gotos.get(&name).copied();
        memory.insert(&mut self.last_gotos, name, number)?;
        let goto = Goto { name, line_position, statement, level, previous, is_resolved: false };
        memory.push(&mut self.gotos, goto)
    }

    /// Takes a goto to `name` from the block that began at `start`, the last one first.
    pub(crate) fn take_goto(&mut self, name: StringId, start: BlockStart) -> Option<Goto> {
        let &number = self.last_gotos.get(&name)?;
        if (number as usize) < start.gotos {
            return None;
        }
        let goto = &mut self.gotos[number as usize];
        goto.is_resolved = true;
        match goto.previous {
            Some(previous) => self.last_gotos.insert(name, previous),
            None => self.last_gotos.remove(&name),
        };
        Some(*goto)
    }
}
