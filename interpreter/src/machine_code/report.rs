//! What was compiled, and where compiled code is left for the loop: for people who make programs fast.

use super::Unit;
use crate::{
    frame::HeaderSlot,
    machine::Machine,
    typed::native::report::{NativeExitCause, NativeExitReport, NativeFunctionReport},
};
use alloc::{collections::BTreeMap, vec::Vec};
use lunette_bytecode::instruction::Opcode;

/// What is kept for reports beyond what is needed.
#[derive(Default)]
pub(super) struct Records {
    /// What compiled code did not do, by function, instruction and cause.
    exits: BTreeMap<(u32, u32, NativeExitCause), NativeExitReport>,
    /// The functions that were compiled, or were to be, with their names.
    units: Vec<(Vec<u8>, Unit)>,
    /// Functions that are gone.
    gone: Vec<NativeFunctionReport>,
}

impl Records {
    pub fn keep(&mut self, name: Vec<u8>, unit: Unit) {
        self.units.push((name, unit));
    }

    pub fn keep_report(&mut self, report: NativeFunctionReport) {
        self.gone.push(report);
    }
}

impl Machine {
    /// Keeps from now on what [`Self::lua_exit_reports`] and [`Self::lua_units`] need, which makes compiled code slower.
    pub fn record_lua(&mut self) {
        self.lua.records.get_or_insert_default();
    }

    /// The functions of Lua that slices of fuel ended in; in no order. Those that the collector has freed are among them if that
    /// is recorded.
    pub fn lua_function_reports(&self) -> impl Iterator<Item = NativeFunctionReport> + '_ {
        let gone = self.lua.records.iter().flat_map(|records| records.gone.iter().cloned());
        self.lua.reports().chain(gone)
    }

    /// Where compiled code was left, if that is recorded; in no order.
    pub fn lua_exit_reports(&self) -> impl Iterator<Item = NativeExitReport> + '_ {
        self.lua.records.iter().flat_map(|records| records.exits.values().cloned())
    }

    /// The functions of this name (the file's and the line's) that were compiled, or were to be, as the compiler saw them, if
    /// that is recorded.
    pub fn lua_units(&self, name: &str) -> impl Iterator<Item = &Unit> {
        let units = self.lua.records.iter().flat_map(|records| &records.units);
        units.filter(move |(known, _)| known == name.as_bytes()).map(|(_, unit)| unit)
    }

    /// Compiled code was left before the instruction at the running frame's resume point, or had it performed.
    #[cold]
    pub(crate) fn record_lua_exit(&mut self, cause: NativeExitCause) {
        let Some(mut records) = self.lua.records.take() else { return };
        let prototype = self.running_prototype();
        let object = self.heap.get(prototype);
        let word = self.header(self.base).resume() - (object.code.units() + 1);
        let exit = records.exits.entry((prototype.units(), word, cause)).or_insert_with(|| {
            let function = self.function_of_prototype(prototype);
            NativeExitReport {
                name: self.name_of_prototype(prototype),
                instruction: Opcode::from_number(function.code[word as usize].opcode_number())
                    .map_or("", |opcode| opcode.entry().name)
                    .into(),
                offset: None,
                line: self.line_of(prototype, word),
                cause,
                count: 0,
            }
        });
        exit.count += 1;
        self.lua.records = Some(records);
    }
}
