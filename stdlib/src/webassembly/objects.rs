//! What Lua programs see of modules, memories, tables and globals: userdata with the object as their one user value.

use super::instantiate::{External, external};
use crate::{
    arguments::Arguments,
    library::{get_field, set_field, set_functions},
};
use alloc::vec::Vec;
use lunette_bytecode::typed::module::ValueType;
use lunette_gc::{
    object::{AnyObject, Kind},
    reference::Ref,
    table::Table,
    typed::{Global, LinearMemory, ReferenceTable, TypedModule},
    value::Value,
};
use lunette_interpreter::{
    Frame, Machine, NativeResult, Throw,
    machine::roots,
    native::Native,
    typed::{
        convert::{Register, from_number, to_register},
        types::decode,
    },
};

const MODULE: &str = "webassembly.module";
const MEMORY: &str = "webassembly.memory";
const TABLE: &str = "webassembly.table";
const GLOBAL: &str = "webassembly.global";
const TAG: &str = "webassembly.tag";
const EXCEPTION: &str = "webassembly.exception";

const MEMORY_METHODS: &[Native] = &[
    Native::new("memory:read", read),
    Native::new("memory:write", write),
    Native::new("memory:size", size),
    Native::new("memory:grow", grow),
];
const TABLE_METHODS: &[Native] = &[
    Native::new("reference_table:get", table_get),
    Native::new("reference_table:set", table_set),
    Native::new("reference_table:grow", table_grow),
    Native::new("reference_table:size", table_size),
];
const GLOBAL_METHODS: &[Native] = &[Native::new("global:get", global_get), Native::new("global:set", global_set)];

/// All methods, to be registered.
pub(super) const METHODS: [&[Native]; 3] = [MEMORY_METHODS, TABLE_METHODS, GLOBAL_METHODS];

/// Makes the metatables.
pub(super) fn make_metatables(machine: &mut Machine) -> Result<(), Throw> {
    for (name, methods) in [
        (MODULE, &[][..]),
        (MEMORY, MEMORY_METHODS),
        (TABLE, TABLE_METHODS),
        (GLOBAL, GLOBAL_METHODS),
        (TAG, &[]),
        (EXCEPTION, &[]),
    ] {
        let metatable = machine.heap.new_table(0, 2)?;
        let index = machine.heap.new_table(0, methods.len() as u32)?;
        set_functions(machine, index, methods)?;
        set_field(machine, metatable, "__index", Value::Table(index))?;
        let text = machine.new_string(name.as_bytes())?;
        set_field(machine, metatable, "__name", Value::String(text))?;
        let registry = machine.registry();
        set_field(machine, registry, name, Value::Table(metatable))?;
        if name == EXCEPTION {
            machine.heap.root(roots::EXCEPTIONS).set(Value::Table(metatable));
        }
    }
    Ok(())
}

/// The userdata for an object.
pub(super) fn wrap(machine: &mut Machine, object: Ref<AnyObject>) -> Result<Value, Throw> {
    let kind = machine.heap.get(object).header.kind;
    let name = if kind == Kind::LinearMemory as u8 {
        MEMORY
    } else if kind == Kind::ReferenceTable as u8 {
        TABLE
    } else if kind == Kind::Global as u8 {
        GLOBAL
    } else if kind == Kind::ExceptionTag as u8 {
        TAG
    } else {
        MODULE
    };
    let metatable = match get_field(machine, machine.registry(), name)? {
        Value::Table(metatable) => Some(metatable),
        _ => None,
    };
    let userdata = machine.heap.new_userdata(0, 1)?;
    machine.heap.user_values(userdata)[0].set(Value::Internal(object));
    machine.set_metatable(Value::Userdata(userdata), metatable)?;
    Ok(Value::Userdata(userdata))
}

/// The object of a userdata that was made by [`wrap`].
fn unwrap(machine: &Machine, value: Value) -> Option<Ref<AnyObject>> {
    let Value::Userdata(userdata) = value else { return None };
    match machine.heap.user_values(userdata).first()?.get() {
        Value::Internal(object) => Some(object),
        _ => None,
    }
}

/// The memory that a Lua value stands for.
pub fn memory_of(machine: &Machine, value: Value) -> Option<Ref<LinearMemory>> {
    let object = unwrap(machine, value)?;
    (machine.heap.get(object).header.kind == Kind::LinearMemory as u8).then(|| object.cast())
}

/// What a Lua value is as an import.
pub(super) fn import_of(machine: &Machine, value: Value) -> Option<External> {
    match value {
        Value::TypedFunction(function) => Some(External::Function(function)),
        value if value.is_function() => Some(External::Callable(value)),
        value => external(machine, Value::Internal(unwrap(machine, value)?)),
    }
}

/// A table of exports as programs see it.
pub(super) fn wrap_exports(machine: &mut Machine, exports: Ref<Table>) -> Result<Ref<Table>, Throw> {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    let mut cursor = 0;
    while let Some(step) = machine.heap.next_at(exports, cursor) {
        cursor = step.cursor;
        entries.push((Value::from_parts(step.key.0, step.key.1), Value::from_parts(step.value.0, step.value.1)));
    }
    let table = machine.heap.new_table(0, entries.len() as u32)?;
    for (name, value) in entries {
        let value = match value {
            Value::Internal(object) => wrap(machine, object)?,
            value => value,
        };
        machine.raw_set(table, name, value)?;
    }
    Ok(table)
}

/// The module of an argument, if it is one.
pub(super) fn module_argument(machine: &Machine, frame: Frame, index: u32) -> Option<Ref<TypedModule>> {
    let object = unwrap(machine, frame.argument_or_nil(machine, index))?;
    (machine.heap.get(object).header.kind == Kind::TypedModule as u8).then(|| object.cast())
}

fn self_of<T>(machine: &Machine, frame: Frame, kind: Kind, name: &str) -> Result<Ref<T>, Throw> {
    match unwrap(machine, frame.argument_or_nil(machine, 0)) {
        Some(object) if machine.heap.get(object).header.kind == kind as u8 => Ok(object.cast()),
        _ => Err(frame.type_error(machine, 0, name)),
    }
}

fn memory(machine: &Machine, frame: Frame) -> Result<Ref<LinearMemory>, Throw> {
    self_of(machine, frame, Kind::LinearMemory, MEMORY)
}

fn out_of_bounds(machine: &Machine, frame: Frame, index: u32) -> Throw {
    frame.argument_error(machine, index, format_args!("out of bounds"))
}

/// `memory:read(address, length)`: the bytes as a string.
fn read(machine: &mut Machine, frame: Frame) -> NativeResult {
    let memory = memory(machine, frame)?;
    let (address, length) = (frame.check_integer(machine, 1)?, frame.check_integer(machine, 2)?);
    let bytes = machine.heap.memory_bytes(memory).len();
    let range = usize::try_from(address).ok().zip(usize::try_from(length).ok());
    let Some((start, length)) = range.filter(|&(start, length)| start <= bytes && length <= bytes - start) else {
        return Err(out_of_bounds(machine, frame, 1));
    };
    machine.spend_on_bytes(length);
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(length).map_err(|_| Throw::Memory)?;
    buffer.resize(length, 0);
    machine.heap.read_memory(memory, start as u64, &mut buffer);
    crate::text::return_string(machine, frame, &buffer)
}

/// `memory:write(address, bytes)`
fn write(machine: &mut Machine, frame: Frame) -> NativeResult {
    let memory = memory(machine, frame)?;
    let address = frame.check_integer(machine, 1)?;
    let string = frame.check_string(machine, 2)?;
    let bytes = machine.bytes(string);
    machine.spend_on_bytes(bytes.len());
    let is_written = u64::try_from(address).is_ok_and(|address| machine.heap.write_memory(memory, address, bytes));
    if is_written { frame.return_none() } else { Err(out_of_bounds(machine, frame, 1)) }
}

/// `memory:size()`: its size in bytes, and in pages.
fn size(machine: &mut Machine, frame: Frame) -> NativeResult {
    let memory = memory(machine, frame)?;
    let bytes = machine.heap.memory_bytes(memory).len() as i64;
    let pages = machine.heap.get(memory).pages.get() as i64;
    frame.return_two(machine, Value::Integer(bytes), Value::Integer(pages))
}

/// `memory:grow(pages)`: its size in pages before; nil if it cannot grow.
fn grow(machine: &mut Machine, frame: Frame) -> NativeResult {
    let memory = memory(machine, frame)?;
    let pages = frame.check_integer(machine, 1)?;
    let before = u64::try_from(pages).ok().and_then(|pages| machine.grow_memory(memory, pages));
    frame.return_one(machine, before.map_or(Value::Nil, |before| Value::Integer(before as i64)))
}

fn table(machine: &Machine, frame: Frame) -> Result<Ref<ReferenceTable>, Throw> {
    self_of(machine, frame, Kind::ReferenceTable, TABLE)
}

fn element(machine: &Machine, frame: Frame) -> Result<(Ref<ReferenceTable>, usize), Throw> {
    let table = table(machine, frame)?;
    let index = frame.check_integer(machine, 1)?;
    match u32::try_from(index) {
        Ok(index) if index < machine.heap.get(table).length.get() => Ok((table, index as usize)),
        _ => Err(out_of_bounds(machine, frame, 1)),
    }
}

/// `table:get(index)`
fn table_get(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (table, index) = element(machine, frame)?;
    let elements = machine.heap.get(table).elements.get();
    frame.return_one(machine, visible(machine.heap.slots(elements)[index].get()))
}

/// A reference as programs may see it.
fn visible(value: Value) -> Value {
    if let Value::Internal(_) = value { Value::Nil } else { value }
}

/// The value of argument `index` as one of this type.
fn convert(machine: &Machine, frame: Frame, index: u32, wanted: ValueType) -> Result<Register, Throw> {
    let value = frame.argument_or_nil(machine, index);
    to_register(machine, value, wanted).map_err(|mismatch| {
        let given = machine.type_name(value);
        frame.argument_error(machine, index, format_args!("{mismatch} expected, got {given}"))
    })
}

fn reference(machine: &Machine, frame: Frame, index: u32, table: Ref<ReferenceTable>) -> Result<Value, Throw> {
    match convert(machine, frame, index, decode(machine.heap.get(table).element_type))? {
        Register::Reference(value) => Ok(value),
        _ => Ok(Value::Nil),
    }
}

/// `table:set(index, value)`
fn table_set(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (table, index) = element(machine, frame)?;
    let value = reference(machine, frame, 2, table)?;
    let elements = machine.heap.get(table).elements.get();
    machine.heap.slots(elements)[index].set(value);
    machine.heap.barrier(elements);
    frame.return_none()
}

/// `table:grow(count [, value])`: its length before; nil if it cannot grow.
fn table_grow(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = table(machine, frame)?;
    let count = frame.check_integer(machine, 1)?;
    let value = reference(machine, frame, 2, table)?;
    let before = u64::try_from(count).ok().and_then(|count| machine.grow_table(table, count, value));
    frame.return_one(machine, before.map_or(Value::Nil, |before| Value::Integer(before as i64)))
}

/// `table:size()`
fn table_size(machine: &mut Machine, frame: Frame) -> NativeResult {
    let table = table(machine, frame)?;
    frame.return_one(machine, Value::Integer(machine.heap.get(table).length.get().into()))
}

fn global(machine: &Machine, frame: Frame) -> Result<(Ref<Global>, ValueType), Throw> {
    let global: Ref<Global> = self_of(machine, frame, Kind::Global, GLOBAL)?;
    Ok((global, decode(machine.heap.get(global).value_type)))
}

/// The value of a global.
fn global_value(machine: &Machine, global: Ref<Global>) -> Result<Value, Throw> {
    let slots = machine.heap.global_slots(global);
    Ok(match decode(machine.heap.get(global).value_type) {
        ValueType::Reference(_) => slots[0].get(),
        ValueType::V128 => {
            let vector = u128::from(slots[0].payload.get()) | u128::from(slots[1].payload.get()) << 64;
            Value::String(machine.new_string(&vector.to_le_bytes())?)
        }
        number => from_number(slots[0].payload.get(), number),
    })
}

/// `global:get()`
fn global_get(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (global, _) = global(machine, frame)?;
    let value = visible(global_value(machine, global)?);
    frame.return_one(machine, value)
}

/// `global:set(value)`
fn global_set(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (global, value_type) = global(machine, frame)?;
    if machine.heap.get(global).is_mutable == 0 {
        return Err(frame.argument_error(machine, 0, format_args!("global is immutable")));
    }
    let register = convert(machine, frame, 1, value_type)?;
    let slots = machine.heap.global_slots(global);
    match register {
        Register::Number(bits) => slots[0].payload.set(bits),
        Register::Vector(halves) => {
            slots[0].payload.set(halves[0]);
            slots[1].payload.set(halves[1]);
        }
        Register::Reference(value) => slots[0].set(value),
    }
    match machine.heap.get(global).owner {
        Some(instance) => machine.heap.barrier(instance),
        None => machine.heap.barrier(global),
    }
    frame.return_none()
}
