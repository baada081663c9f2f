//! Registers of locals. Parameters come first, then other locals as long as they are near and leave room for values on the
//! stack, whose homes follow; the rest is far.

use alloc::vec::Vec;
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers},
    instruction::{MAX_NEAR_NUMBERS, MAX_NEAR_REFERENCES},
};

/// Near registers that locals may take.
const NEAR: Registers = Registers { numbers: MAX_NEAR_NUMBERS / 2, references: MAX_NEAR_REFERENCES / 2 };

/// Locals that are looked up by their number; others are searched for.
const DIRECT: usize = 64;

/// Where a local is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) kind: GlobalKind,
    /// Register of its kind; beyond the near ones it is far.
    pub(super) register: u32,
}

/// Locals of one kind, one after another.
#[derive(Clone, Copy)]
struct Run {
    first: u32,
    kind: GlobalKind,
    /// As if all locals stood one after another.
    register: u32,
}

/// The locals of a function.
pub(super) struct Locals {
    runs: Vec<Run>,
    direct: Vec<Local>,
    count: u32,
    /// Registers as if all locals stood one after another.
    all: Registers,
    /// Those of parameters.
    parameters: Registers,
}

impl Locals {
    pub(super) fn new() -> Locals {
        Locals {
            runs: Vec::new(),
            direct: Vec::new(),
            count: 0,
            all: Registers::default(),
            parameters: Registers::default(),
        }
    }

    /// Adds `count` locals of a kind.
    pub(super) fn declare(&mut self, kind: GlobalKind, count: u32) {
        if count == 0 {
            return;
        }
        let (register, size) = match kind {
            GlobalKind::Number => (&mut self.all.numbers, 1),
            GlobalKind::Vector => (&mut self.all.numbers, 2),
            GlobalKind::Reference => (&mut self.all.references, 1),
        };
        if self.runs.last().is_none_or(|run| run.kind != kind) {
            self.runs.push(Run { first: self.count, kind, register: *register });
        }
        let mut number = *register;
        *register += count * size;
        self.count += count;
        for _ in 0..(count as usize).min(DIRECT.saturating_sub(self.direct.len())) {
            self.direct.push(Local { kind, register: place(kind, number) });
            number += size;
        }
    }

    /// Says that all parameters have been declared.
    pub(super) fn end_parameters(&mut self) {
        self.parameters = self.all;
    }

    /// Registers of the parameters.
    pub(super) fn parameters(&self) -> Registers {
        self.parameters
    }

    /// The local of this number.
    #[inline]
    pub(super) fn get(&self, local: u32) -> Local {
        match self.direct.get(local as usize) {
            Some(&local) => local,
            None => self.search(local),
        }
    }

    fn search(&self, local: u32) -> Local {
        let index = self.runs.partition_point(|run| run.first <= local).saturating_sub(1);
        let Some(run) = self.runs.get(index) else {
            debug_assert!(false, "no locals");
            return Local { kind: GlobalKind::Number, register: 0 };
        };
        let size = if run.kind == GlobalKind::Vector { 2 } else { 1 };
        Local { kind: run.kind, register: place(run.kind, run.register + (local - run.first) * size) }
    }

    /// The first registers behind those of near locals.
    pub(super) fn near_end(&self) -> Registers {
        Registers { numbers: self.all.numbers.min(NEAR.numbers), references: self.all.references.min(NEAR.references) }
    }

    /// The first registers behind those of all locals.
    pub(super) fn end(&self) -> Registers {
        let end = |all: u32, near: u32, first_far: u32| if all <= near { all } else { all - near + first_far + 1 };
        Registers {
            numbers: end(self.all.numbers, NEAR.numbers, MAX_NEAR_NUMBERS),
            references: end(self.all.references, NEAR.references, MAX_NEAR_REFERENCES),
        }
    }
}

/// Whether a register is far.
pub(super) fn is_far(kind: GlobalKind, register: u32) -> bool {
    register >= if kind == GlobalKind::Reference { MAX_NEAR_REFERENCES } else { MAX_NEAR_NUMBERS }
}

/// Where a local is that would have this register if all stood one after another.
fn place(kind: GlobalKind, register: u32) -> u32 {
    let (near, first_far, size) = match kind {
        GlobalKind::Number => (NEAR.numbers, MAX_NEAR_NUMBERS, 1),
        GlobalKind::Vector => (NEAR.numbers, MAX_NEAR_NUMBERS, 2),
        GlobalKind::Reference => (NEAR.references, MAX_NEAR_REFERENCES, 1),
    };
    // A vector may begin one register before the first that is too much: hence the gap of one.
    if register + size <= near { register } else { register + 1 + first_far - near }
}
