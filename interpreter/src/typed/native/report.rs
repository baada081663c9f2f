//! What was compiled, what was not and why, and where compiled code is left for the loop: for people who make programs fast.

use super::{Refusal, Unit};
use crate::{
    machine::Machine,
    typed::{forwarding::unmarked, trap::decode_offsets},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use lunette_bytecode::{instruction::Word, typed::instruction::Opcode};
use lunette_gc::{reference::Ref, typed::TypedPrototype};

/// What came of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NativeOutcome {
    /// It was not hot yet.
    #[default]
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

/// A function that slices of fuel ended in, or that was compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

/// Why compiled code did not do an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NativeExitCause {
    /// It never does, or there was no fuel: it was left.
    Left,
    /// It has met something else than was seen when it was compiled: it was left.
    Unexpected,
    /// It had it performed, and went on.
    Performed,
}

/// An instruction that compiled code did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NativeExitReport {
    /// The function's name as in tracebacks.
    pub name: Vec<u8>,
    /// The instruction's name.
    pub instruction: String,
    /// Where the operator that it was made for lies in the file, if that is known.
    pub offset: Option<u32>,
    /// The line that it was made for, if that is known.
    pub line: Option<u32>,
    /// Why.
    pub cause: NativeExitCause,
    /// How often.
    pub count: u64,
}

/// What is kept for reports beyond what is needed.
#[derive(Default)]
pub(super) struct Records {
    /// Where compiled code was left, by function and word.
    exits: BTreeMap<(u32, u32), NativeExitReport>,
    /// The functions that were compiled, or were to be.
    units: Vec<(Vec<u8>, Unit)>,
    /// Functions that are gone.
    gone: Vec<NativeFunctionReport>,
}

impl Records {
    pub fn keep(&mut self, name: Vec<u8>, unit: Unit) {
        self.units.push((name, unit));
    }

    pub fn keep_report(&mut self, report: NativeFunctionReport) {
        if !report.name.is_empty() {
            self.gone.push(report);
        }
    }
}

impl Machine {
    /// Keeps from now on what [`Self::native_exit_reports`] and [`Self::native_units`] need, which makes compiled code slower.
    pub fn record_native(&mut self) {
        self.native.records.get_or_insert_default();
    }

    /// All functions that slices of fuel ended in, or that were compiled; in no order. Those that the collector has freed are
    /// among them if that is recorded.
    pub fn native_function_reports(&self) -> Vec<NativeFunctionReport> {
        let gone = self.native.records.iter().flat_map(|records| records.gone.iter().cloned());
        self.native.reports().chain(gone).collect()
    }

    /// Where compiled code was left, if that is recorded; in no order.
    pub fn native_exit_reports(&self) -> Vec<NativeExitReport> {
        self.native.records.iter().flat_map(|records| records.exits.values().cloned()).collect()
    }

    /// The functions of this name that were compiled, or were to be, as the compiler saw them, if that is recorded.
    pub fn native_units(&self, name: &str) -> impl Iterator<Item = &Unit> {
        let quoted = alloc::format!("'{name}'").into_bytes();
        let units = self.native.records.iter().flat_map(|records| &records.units);
        units.filter(move |(name, _)| *name == quoted).map(|(_, unit)| unit)
    }

    /// Compiled code was left before an instruction.
    #[cold]
    pub(super) fn record_exit(&mut self, prototype: Ref<TypedPrototype>, word: u32) {
        let Some(mut records) = self.native.records.take() else { return };
        let object = self.heap.get(prototype);
        let exit = records.exits.entry((object.native.get(), word)).or_insert_with(|| {
            let bytes = object.code.get().and_then(|code| self.heap.bytes(code).get(8 * word as usize..));
            let first = bytes.and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_ne_bytes(*bytes));
            let offsets = object.offsets.get().map(|offsets| decode_offsets(self.heap.bytes(offsets)));
            NativeExitReport {
                name: self.prototype_name(prototype),
                instruction: Opcode::of(unmarked(Word(first))).map_or("", Opcode::name).into(),
                offset: offsets.and_then(|mut offsets| offsets.nth(word as usize)),
                line: None,
                cause: NativeExitCause::Left,
                count: 0,
            }
        });
        exit.count += 1;
        self.native.records = Some(records);
    }
}
