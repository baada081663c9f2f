//! The operand stack at translation time. Each value has a home, a register that its place on the stack gives it; but as
//! long as it can, a value stays where it came from: in a local, or as a constant.

use alloc::vec::Vec;
use lunette_bytecode::typed::function::{GlobalKind, Registers};
use wasmparser::ValType;

/// At most so many values at the top are looked through for a local; deeper ones are in their homes.
const LAZY_DEPTH: usize = 32;

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In its home.
    Home,
    /// In the register of a local.
    Local(u32),
    /// Nowhere: bits of a number.
    Constant(u64),
}

/// A value on the stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) source: Source,
    /// Register of its kind.
    pub(super) home: u32,
    pub(super) kind: GlobalKind,
}

impl Entry {
    /// Registers that the value takes.
    pub(super) fn size(&self) -> Registers {
        registers_of(self.kind)
    }

    /// The register it is in, if it is in one.
    pub(super) fn register(&self) -> Option<u32> {
        match self.source {
            Source::Home => Some(self.home),
            Source::Local(register) => Some(register),
            Source::Constant(_) => None,
        }
    }

    pub(super) fn is_constant(self) -> bool {
        matches!(self.source, Source::Constant(_))
    }
}

/// Registers that a value of this kind takes.
pub(super) fn registers_of(kind: GlobalKind) -> Registers {
    match kind {
        GlobalKind::Number => Registers { numbers: 1, references: 0 },
        GlobalKind::Vector => Registers { numbers: 2, references: 0 },
        GlobalKind::Reference => Registers { numbers: 0, references: 1 },
    }
}

/// The kind of register for values of a type.
pub(super) fn kind_of(value: ValType) -> GlobalKind {
    match value {
        ValType::V128 => GlobalKind::Vector,
        ValType::Ref(_) => GlobalKind::Reference,
        _ => GlobalKind::Number,
    }
}

/// The stack.
pub(super) struct Stack {
    entries: Vec<Entry>,
    /// The first registers that are no value's home.
    next: Registers,
    /// The most registers that were ever needed.
    pub(super) most: Registers,
    /// Values below this height are not in locals.
    floor: usize,
}

impl Stack {
    /// An empty stack whose values' homes begin at `base`.
    pub(super) fn new(base: Registers) -> Stack {
        Stack { entries: Vec::new(), next: base, most: base, floor: 0 }
    }

    pub(super) fn height(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn next(&self) -> Registers {
        self.next
    }

    /// Pushes a value; its home.
    #[inline]
    pub(super) fn push(&mut self, kind: GlobalKind, source: Source) -> u32 {
        let home = match kind {
            GlobalKind::Reference => &mut self.next.references,
            _ => &mut self.next.numbers,
        };
        let entry = Entry { source, home: *home, kind };
        *home += if kind == GlobalKind::Vector { 2 } else { 1 };
        self.most.numbers = self.most.numbers.max(self.next.numbers);
        self.most.references = self.most.references.max(self.next.references);
        self.entries.push(entry);
        entry.home
    }

    /// The value that has come to lie too deep for its source, if there is one.
    #[inline]
    pub(super) fn too_deep(&mut self) -> Option<usize> {
        while self.entries.len() > self.floor + LAZY_DEPTH {
            self.floor += 1;
            if matches!(self.entries[self.floor - 1].source, Source::Local(_)) {
                return Some(self.floor - 1);
            }
        }
        None
    }

    /// Pops a value. Validation has found that there is one.
    #[inline]
    pub(super) fn pop(&mut self) -> Entry {
        let Some(entry) = self.entries.pop() else {
            debug_assert!(false, "the stack is empty");
            return Entry { source: Source::Constant(0), home: self.next.numbers, kind: GlobalKind::Number };
        };
        match entry.kind {
            GlobalKind::Reference => self.next.references = entry.home,
            _ => self.next.numbers = entry.home,
        }
        self.floor = self.floor.min(self.entries.len());
        entry
    }

    /// Pops values down to a height at which the first free registers were these.
    pub(super) fn truncate(&mut self, height: usize, next: Registers) {
        self.entries.truncate(height);
        self.next = next;
        self.floor = self.floor.min(height);
    }

    pub(super) fn entry(&self, index: usize) -> Option<Entry> {
        self.entries.get(index).copied()
    }

    /// The top `count` values, the deepest first.
    pub(super) fn top(&self, count: usize) -> &[Entry] {
        &self.entries[self.entries.len().saturating_sub(count)..]
    }

    /// Says that a value is in its home now.
    pub(super) fn set_home(&mut self, index: usize) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.source = Source::Home;
        }
    }

    /// The first value from `from` on, below `end`, that is in a local.
    pub(super) fn in_local(&self, from: usize, end: usize) -> Option<usize> {
        let from = from.max(self.floor);
        let is_in_local = |entry: &Entry| matches!(entry.source, Source::Local(_));
        Some(from + self.entries.get(from..end)?.iter().position(is_in_local)?)
    }

    /// The first value that is in the local of this register and kind of register.
    pub(super) fn in_this_local(&self, register: u32, is_reference: bool) -> Option<usize> {
        let is_so = |entry: &Entry| {
            entry.source == Source::Local(register) && (entry.kind == GlobalKind::Reference) == is_reference
        };
        Some(self.floor + self.entries[self.floor..].iter().position(is_so)?)
    }

    /// Says that values below `height` are not in locals.
    pub(super) fn raise_floor(&mut self, height: usize) {
        self.floor = self.floor.max(height);
    }
}
