//! `webassembly.imports` and `webassembly.exports`: what a module wants and gives, with its types.

use super::{
    modules::{module_of, refused},
    objects,
};
use crate::{arguments::Arguments, library::set_field};
use alloc::string::ToString;
use lunette_bytecode::typed::module::{Declarations, ExternalKind, ValueType};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Throw};

/// `webassembly.imports(module)`: a list of what it imports.
pub(super) fn imports(machine: &mut Machine, frame: Frame) -> NativeResult {
    let parsed = parsed(machine, frame)?;
    let declared = &parsed.declarations;
    let list = machine.heap.new_table(declared.imports.len() as u32, 0)?;
    frame.set_local(machine, LIST, Value::Table(list));
    let mut counts = [0; 5];
    for (number, import) in (1..).zip(&declared.imports) {
        let index = &mut counts[import.kind as usize];
        let entry = new_entry(machine, list, number, &import.name)?;
        set_text(machine, entry, "module", &import.module)?;
        describe(machine, entry, declared, import.kind, *index)?;
        *index += 1;
    }
    frame.return_one(machine, Value::Table(list))
}

/// `webassembly.exports(module)`: a list of what it exports.
pub(super) fn exports(machine: &mut Machine, frame: Frame) -> NativeResult {
    let parsed = parsed(machine, frame)?;
    let declared = &parsed.declarations;
    let list = machine.heap.new_table(declared.exports.len() as u32, 0)?;
    frame.set_local(machine, LIST, Value::Table(list));
    for (number, export) in (1..).zip(&declared.exports) {
        let entry = new_entry(machine, list, number, &export.name)?;
        describe(machine, entry, declared, export.kind, export.index)?;
    }
    frame.return_one(machine, Value::Table(list))
}

/// Local: the list.
const LIST: u32 = 0;
/// Locals of both functions.
pub(super) const LOCALS: u32 = 1;

fn parsed(machine: &mut Machine, frame: Frame) -> Result<alloc::sync::Arc<lunette_frontend::wasm::Module>, Throw> {
    let Some(module) = objects::module_argument(machine, frame, 0) else {
        return Err(frame.type_error(machine, 0, "webassembly.module"));
    };
    let parsed = module_of(machine, module).map_err(|error| refused(machine, &error))?;
    machine.charge((parsed.declarations.imports.len() + parsed.declarations.exports.len()) as u64)?;
    Ok(parsed)
}

/// A table in the list at this number.
fn new_entry(machine: &mut Machine, list: Ref<Table>, number: i64, name: &str) -> Result<Ref<Table>, Throw> {
    let entry = machine.heap.new_table(0, 4)?;
    machine.raw_set(list, Value::Integer(number), Value::Table(entry))?;
    set_text(machine, entry, "name", name)?;
    Ok(entry)
}

fn set_text(machine: &mut Machine, table: Ref<Table>, field: &str, text: &str) -> Result<(), Throw> {
    let text = machine.new_string(text.as_bytes())?;
    set_field(machine, table, field, Value::String(text))
}

/// Names of types as a list in a field.
fn set_types(machine: &mut Machine, table: Ref<Table>, field: &str, types: &[ValueType]) -> Result<(), Throw> {
    let list = machine.heap.new_table(types.len() as u32, 0)?;
    set_field(machine, table, field, Value::Table(list))?;
    for (number, kind) in (1..).zip(types) {
        let text = machine.new_string(kind.to_string().as_bytes())?;
        machine.raw_set(list, Value::Integer(number), Value::String(text))?;
    }
    Ok(())
}

fn set_limits(machine: &mut Machine, table: Ref<Table>, minimum: u64, maximum: Option<u64>) -> Result<(), Throw> {
    let limit = |limit: u64| Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
    set_field(machine, table, "minimum", limit(minimum))?;
    maximum.map_or(Ok(()), |maximum| set_field(machine, table, "maximum", limit(maximum)))
}

/// Says of which kind a member is, and its type.
fn describe(
    machine: &mut Machine,
    entry: Ref<Table>,
    declared: &Declarations,
    kind: ExternalKind,
    index: u32,
) -> Result<(), Throw> {
    let index = index as usize;
    let name = match kind {
        ExternalKind::Function => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    };
    set_text(machine, entry, "kind", name)?;
    match kind {
        ExternalKind::Function | ExternalKind::Tag => {
            let types = if kind == ExternalKind::Tag { &declared.tags } else { &declared.functions };
            if let Some(function) = types.get(index).and_then(|&number| declared.function_type(number)) {
                set_types(machine, entry, "parameters", &function.parameters)?;
                set_types(machine, entry, "results", &function.results)?;
            }
        }
        ExternalKind::Table => {
            if let Some(table) = declared.tables.get(index) {
                set_text(machine, entry, "type", &table.kind.element.to_string())?;
                set_limits(machine, entry, table.kind.minimum, table.kind.maximum)?;
            }
        }
        ExternalKind::Memory => {
            if let Some(memory) = declared.memories.get(index) {
                set_limits(machine, entry, memory.minimum, memory.maximum)?;
            }
        }
        ExternalKind::Global => {
            if let Some(global) = declared.globals.get(index) {
                set_text(machine, entry, "type", &global.kind.value.to_string())?;
                set_field(machine, entry, "mutable", Value::Boolean(global.kind.is_mutable))?;
            }
        }
    }
    Ok(())
}
