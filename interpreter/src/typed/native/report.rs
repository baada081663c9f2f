//! What was compiled, what was not and why, and where compiled code is left for the loop: for people who make programs fast.

use super::{Refusal, Unit};
use crate::{machine::Machine, typed::trap::decode_offsets};
use alloc::{collections::BTreeMap, vec::Vec};
use lunette_bytecode::{instruction::Word, typed::instruction::Opcode};
use lunette_gc::{reference::Ref, typed::TypedPrototype};

/// What came of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NativeOutcome {
    /// It was not hot yet.
    Interpreted,
    /// It was compiled.
    Compiled {
        /// Bytes of machine code.
        bytes: usize,
        /// How long that took.
        nanoseconds: u64,
    },
    /// It was hot, but was not compiled.
    Refused(Refusal),
}

/// A function that slices of fuel ended in, or that compiled code calls.
#[derive(Clone, Debug)]
pub struct NativeFunctionReport {
    /// Its name as in tracebacks.
    pub name: Vec<u8>,
    /// Words of its code.
    pub words: u32,
    /// Slices of fuel that ended in it when it was interpreted.
    pub slices: u32,
    /// What came of it.
    pub outcome: NativeOutcome,
}

/// An instruction before which compiled code was left.
#[derive(Clone, Debug)]
pub struct NativeExitReport {
    /// The function's name as in tracebacks.
    pub name: Vec<u8>,
    /// The instruction's name.
    pub instruction: &'static str,
    /// Where the operator that it was made for lies in the file, if that is known.
    pub offset: Option<u32>,
    /// How often.
    pub count: u64,
}

/// How often compiled code was left, by function and word.
pub(super) type Exits = BTreeMap<(u32, u32), u64>;

impl Machine {
    /// Counts from now on where compiled code is left, which makes it slower.
    pub fn count_native_exits(&mut self) {
        self.native.exits.get_or_insert_default();
    }

    /// All functions of which something is known here, in no order.
    pub fn native_function_reports(&self) -> Vec<NativeFunctionReport> {
        self.native
            .functions()
            .map(|(prototype, slices, outcome)| {
                let words = self.heap.get(prototype).code.get().map_or(0, |code| self.heap.get(code).length() / 8);
                NativeFunctionReport { name: self.prototype_name(prototype), words, slices, outcome }
            })
            .collect()
    }

    /// Where compiled code was left, if that was counted; in no order.
    pub fn native_exit_reports(&self) -> Vec<NativeExitReport> {
        let exits = self.native.exits.iter().flatten();
        let report = |(&(number, word), &count): (&(u32, u32), &u64)| {
            let prototype = self.native.prototype(number)?;
            let object = self.heap.get(prototype);
            let bytes = self.heap.bytes(object.code.get()?).get(8 * word as usize..)?.first_chunk()?;
            let opcode = Opcode::of(super::super::forwarding::unmarked(Word(u64::from_ne_bytes(*bytes))))?;
            let offset = decode_offsets(self.heap.bytes(object.offsets.get()?)).nth(word as usize);
            Some(NativeExitReport { name: self.prototype_name(prototype), instruction: opcode.name(), offset, count })
        };
        exits.filter_map(report).collect()
    }

    /// The functions with this name, quoted in tracebacks, of which something is known here, as the compiler sees them.
    pub fn native_units(&mut self, name: &str) -> Vec<Unit> {
        let quoted = alloc::format!("'{name}'").into_bytes();
        let prototypes: Vec<_> = self.native.functions().map(|(prototype, ..)| prototype).collect();
        let named = prototypes.into_iter().filter(|&prototype| self.prototype_name(prototype) == quoted);
        let named: Vec<_> = named.filter(|&prototype| self.heap.get(prototype).code.get().is_some()).collect();
        named.into_iter().map(|prototype| self.unit(prototype)).collect()
    }

    /// Compiled code was left before an instruction.
    #[cold]
    pub(super) fn count_exit(&mut self, prototype: Ref<TypedPrototype>, word: u32) {
        let number = self.heap.get(prototype).native.get().wrapping_sub(1);
        if let Some(exits) = &mut self.native.exits {
            *exits.entry((number, word)).or_default() += 1;
        }
    }
}
