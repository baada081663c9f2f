//! Linking and instantiation.

use super::{
    constant::evaluate,
    modules::{machine_type, module_of, refused},
};
use alloc::{string::String, vec::Vec};
use core::cell::Cell;
use lunette_bytecode::typed::{
    function::GlobalKind,
    module::{
        ConstantOperator, Declarations, ElementItems, ElementSegment, ExternalKind, Import, MemoryType, SegmentMode,
        TableType, ValueType,
    },
    trap::Trap,
};
use lunette_gc::{
    object::{Header, Kind},
    reference::Ref,
    storage::SlotArray,
    typed::{CanonicalType, ExceptionTag, Global, Instance, LinearMemory, ReferenceTable, TypedFunction, TypedModule},
    value::Value,
};
use lunette_interpreter::{
    Machine, Throw,
    typed::{
        MOST_ELEMENTS, NewInstance,
        convert::Register,
        types::{decode, encode},
    },
};

/// What a module imports or exports.
#[derive(Clone, Copy, Debug)]
pub enum External {
    /// A function of WebAssembly.
    Function(Ref<TypedFunction>),
    /// A value of the dynamic world that can be called: a function of whatever type is wanted.
    Callable(Value),
    /// A table.
    Table(Ref<ReferenceTable>),
    /// A memory.
    Memory(Ref<LinearMemory>),
    /// A global.
    Global(Ref<Global>),
    /// A tag of exceptions.
    Tag(Ref<ExceptionTag>),
}

/// Why a module could not be instantiated.
#[derive(Debug)]
pub enum LinkError {
    /// An import is missing or of another type: the specification's words, and which.
    Import(&'static str, String),
    /// An error is pending.
    Throw(Throw),
}

impl From<Throw> for LinkError {
    fn from(throw: Throw) -> LinkError {
        LinkError::Throw(throw)
    }
}

impl From<lunette_gc::heap::OutOfMemory> for LinkError {
    fn from(_: lunette_gc::heap::OutOfMemory) -> LinkError {
        LinkError::Throw(Throw::Memory)
    }
}

/// Who finds imports. `None` if there is none.
pub type Resolver<'r> = dyn FnMut(&mut Machine, &Import) -> Result<Option<External>, Throw> + 'r;

struct Imported {
    functions: Vec<Ref<TypedFunction>>,
    tables: Vec<Ref<ReferenceTable>>,
    memories: Vec<Ref<LinearMemory>>,
    globals: Vec<Ref<Global>>,
    tags: Vec<Ref<ExceptionTag>>,
}

/// Makes an instance of a module, and initialises it, but for calling the start function, which is the caller's to do.
///
/// If a segment does not fit, the instance exists, as far as it came, but nobody gets it.
pub fn instantiate(
    machine: &mut Machine,
    module: Ref<TypedModule>,
    resolve: &mut Resolver<'_>,
) -> Result<(Ref<Instance>, Option<u32>), LinkError> {
    let parsed = module_of(machine, module).map_err(|error| refused(machine, &error))?;
    let declared = &parsed.declarations;
    let types = types_of(machine, module);
    let numbers: Vec<u32> = types.iter().map(|&kind| machine.heap.get(kind).number).collect();
    let mut imported = link(machine, declared, &types, &numbers, resolve)?;
    for memory in &declared.memories[imported.memories.len()..] {
        let new =
            machine.heap.new_linear_memory(memory.minimum, memory.maximum, memory.page_bits.into(), memory.is_64)?;
        imported.memories.push(new);
    }
    for table in &declared.tables[imported.tables.len()..] {
        imported.tables.push(new_table(machine, table.kind, &numbers)?);
    }
    for &kind in &declared.tags[imported.tags.len()..] {
        imported.tags.push(machine.heap.new_exception_tag(types[kind as usize])?);
    }
    let data: Vec<(u32, u32)> =
        declared.data.iter().map(|segment| (segment.bytes.start, segment.bytes.end - segment.bytes.start)).collect();
    let instance = machine.new_instance(NewInstance {
        module,
        functions: &imported.functions,
        tables: &imported.tables,
        memories: &imported.memories,
        globals: &imported.globals,
        tags: &imported.tags,
        global_count: declared.globals.len() as u32,
        data: &data,
        element_segments: declared.elements.len() as u32,
    })?;
    initialize_globals(machine, instance, declared, &imported)?;
    let first_own = declared.imported.tables as usize;
    for (table, declared) in imported.tables.iter().zip(&declared.tables).skip(first_own) {
        if let Some(initial) = &declared.initial {
            let value = constant(machine, instance, &parsed.declarations, initial)?.reference();
            let elements = machine.heap.get(*table).elements.get();
            machine.heap.slots(elements).iter().for_each(|slot| slot.set(value));
            machine.heap.barrier(elements);
        }
    }
    set_exports(machine, instance, declared, &numbers)?;
    initialize_elements(machine, instance, declared, &imported)?;
    initialize_memories(machine, instance, declared, &imported)?;
    Ok((instance, declared.start))
}

/// The machine's types for those of a module.
fn types_of(machine: &Machine, module: Ref<TypedModule>) -> Vec<Ref<CanonicalType>> {
    let types = machine.heap.refs(machine.heap.get(module).types);
    types.iter().filter_map(Cell::get).map(Ref::cast).collect()
}

fn new_table(machine: &mut Machine, kind: TableType, numbers: &[u32]) -> Result<Ref<ReferenceTable>, LinkError> {
    let length = u32::try_from(kind.minimum).ok().filter(|&length| length <= MOST_ELEMENTS).ok_or(Throw::Memory)?;
    let elements = machine.heap.new_slot_array(length)?;
    Ok(machine.heap.new_reference_table(ReferenceTable {
        header: Header::new(Kind::ReferenceTable, 0),
        elements: Cell::new(elements),
        length: Cell::new(length),
        maximum: kind.maximum.unwrap_or(u64::MAX),
        element_type: encode(machine_type(ValueType::Reference(kind.element), numbers)),
        is_64: kind.is_64.into(),
        has_maximum: kind.maximum.is_some().into(),
    })?)
}

fn link(
    machine: &mut Machine,
    declared: &Declarations,
    types: &[Ref<CanonicalType>],
    numbers: &[u32],
    resolve: &mut Resolver<'_>,
) -> Result<Imported, LinkError> {
    let mut imported = Imported {
        functions: Vec::new(),
        tables: Vec::new(),
        memories: Vec::new(),
        globals: Vec::new(),
        tags: Vec::new(),
    };
    for import in &declared.imports {
        let given = resolve(machine, import)?;
        let failure = |what| LinkError::Import(what, alloc::format!("{}.{}", import.module, import.name));
        let given = given.ok_or_else(|| failure("unknown import"))?;
        let mismatch = || failure("incompatible import type");
        match (import.kind, given) {
            (ExternalKind::Function, External::Function(function)) => {
                let wanted = types[declared.functions[imported.functions.len()] as usize];
                if !machine.heap.is_subtype(machine.heap.get(function).kind, wanted) {
                    return Err(mismatch());
                }
                imported.functions.push(function);
            }
            (ExternalKind::Function, External::Callable(value)) => {
                let wanted = types[declared.functions[imported.functions.len()] as usize];
                imported.functions.push(machine.new_typed_function(None, wanted, value)?);
            }
            (ExternalKind::Table, External::Table(table)) => {
                let wanted = declared.tables[imported.tables.len()].kind;
                if !fits_table(machine, table, wanted, numbers) {
                    return Err(mismatch());
                }
                imported.tables.push(table);
            }
            (ExternalKind::Memory, External::Memory(memory)) => {
                if !fits_memory(machine, memory, declared.memories[imported.memories.len()]) {
                    return Err(mismatch());
                }
                imported.memories.push(memory);
            }
            (ExternalKind::Global, External::Global(global)) => {
                let wanted = declared.globals[imported.globals.len()].kind;
                let given = machine.heap.get(global);
                let wanted_type = machine_type(wanted.value, numbers);
                let is_mutable = given.is_mutable != 0;
                let fits = match is_mutable {
                    true => given.value_type == encode(wanted_type),
                    false => machine.is_subtype(decode(given.value_type), wanted_type),
                };
                if is_mutable != wanted.is_mutable || !fits {
                    return Err(mismatch());
                }
                imported.globals.push(global);
            }
            (ExternalKind::Tag, External::Tag(tag)) => {
                if machine.heap.get(tag).kind != types[declared.tags[imported.tags.len()] as usize] {
                    return Err(mismatch());
                }
                imported.tags.push(tag);
            }
            _ => return Err(mismatch()),
        }
    }
    Ok(imported)
}

/// Whether the sizes that a table or memory may have are among those wanted.
fn fits_limits(size: u64, maximum: Option<u64>, wanted: (u64, Option<u64>)) -> bool {
    let (least, most) = wanted;
    size >= least && most.is_none_or(|most| maximum.is_some_and(|maximum| maximum <= most))
}

fn fits_table(machine: &Machine, table: Ref<ReferenceTable>, wanted: TableType, numbers: &[u32]) -> bool {
    let table = machine.heap.get(table);
    let maximum = (table.has_maximum != 0).then_some(table.maximum);
    table.element_type == encode(machine_type(ValueType::Reference(wanted.element), numbers))
        && (table.is_64 != 0) == wanted.is_64
        && fits_limits(table.length.get().into(), maximum, (wanted.minimum, wanted.maximum))
}

fn fits_memory(machine: &Machine, memory: Ref<LinearMemory>, wanted: MemoryType) -> bool {
    let memory = machine.heap.get(memory);
    let maximum = (memory.has_maximum != 0).then_some(memory.maximum);
    memory.page_shift == u32::from(wanted.page_bits)
        && (memory.is_64 != 0) == wanted.is_64
        && fits_limits(memory.pages.get(), maximum, (wanted.minimum, wanted.maximum))
}

/// The value of a constant expression in an instance whose globals before it are there.
fn constant(
    machine: &mut Machine,
    instance: Ref<Instance>,
    declared: &Declarations,
    expression: &[ConstantOperator],
) -> Result<Register, Throw> {
    let global = |machine: &Machine, number: u32| {
        let slots = match machine.heap.reference_at::<Global>(machine.heap.get(instance).imported_globals, number) {
            Some(global) => machine.heap.global_slots(global),
            None => &machine.heap.globals(instance)[2 * number as usize..][..2],
        };
        match declared.globals[number as usize].kind.value.kind() {
            GlobalKind::Number => Register::Number(slots[0].payload.get()),
            GlobalKind::Vector => Register::Vector([slots[0].payload.get(), slots[1].payload.get()]),
            GlobalKind::Reference => Register::Reference(slots[0].get()),
        }
    };
    evaluate(machine, instance, expression, &global)
}

fn initialize_globals(
    machine: &mut Machine,
    instance: Ref<Instance>,
    declared: &Declarations,
    imported: &Imported,
) -> Result<(), LinkError> {
    for (number, global) in declared.globals.iter().enumerate().skip(imported.globals.len()) {
        let value = constant(machine, instance, declared, &global.initial)?;
        let slots = &machine.heap.globals(instance)[2 * number..][..2];
        match value {
            Register::Number(value) => slots[0].payload.set(value),
            Register::Vector([low, high]) => {
                slots[0].payload.set(low);
                slots[1].payload.set(high);
            }
            Register::Reference(value) => {
                slots[0].set(value);
                machine.heap.barrier(instance);
            }
        }
    }
    Ok(())
}

/// Makes the table of exports, whose values are functions and objects that only the machine knows.
fn set_exports(
    machine: &mut Machine,
    instance: Ref<Instance>,
    declared: &Declarations,
    numbers: &[u32],
) -> Result<(), LinkError> {
    let exports = machine.heap.new_table(0, declared.exports.len() as u32)?;
    let object = |reference: Option<Ref<lunette_gc::object::AnyObject>>| reference.map_or(Value::Nil, Value::Internal);
    for export in &declared.exports {
        let parts = machine.heap.get(instance);
        let value = match export.kind {
            ExternalKind::Function => Value::TypedFunction(machine.function_reference(instance, export.index)?),
            ExternalKind::Table => {
                object(machine.heap.reference_at::<ReferenceTable>(parts.tables, export.index).map(Ref::cast))
            }
            ExternalKind::Memory => {
                object(machine.heap.reference_at::<LinearMemory>(parts.memories, export.index).map(Ref::cast))
            }
            ExternalKind::Global => {
                let known = machine.heap.reference_at::<Global>(parts.imported_globals, export.index);
                let global = match known {
                    Some(global) => global,
                    None => {
                        let kind = declared.globals[export.index as usize].kind;
                        let value_type = encode(machine_type(kind.value, numbers));
                        machine.heap.new_global(Some((instance, export.index)), value_type, kind.is_mutable)?
                    }
                };
                Value::Internal(global.cast())
            }
            ExternalKind::Tag => {
                object(machine.heap.reference_at::<ExceptionTag>(parts.tags, export.index).map(Ref::cast))
            }
        };
        let name = machine.new_string(export.name.as_bytes())?;
        machine.raw_set(exports, Value::String(name), value)?;
    }
    machine.heap.get(instance).exports.set(Some(exports));
    machine.heap.barrier(instance);
    Ok(())
}

fn elements_of(
    machine: &mut Machine,
    instance: Ref<Instance>,
    declared: &Declarations,
    segment: &ElementSegment,
) -> Result<Ref<SlotArray>, LinkError> {
    let mut values: Vec<Value> = Vec::new();
    match &segment.items {
        ElementItems::Functions(functions) => {
            for &number in functions {
                values.push(Value::TypedFunction(machine.function_reference(instance, number)?));
            }
        }
        ElementItems::Expressions(expressions) => {
            for expression in expressions {
                values.push(constant(machine, instance, declared, expression)?.reference());
            }
        }
    }
    let array = machine.heap.new_slot_array(values.len() as u32)?;
    for (slot, value) in machine.heap.slots(array).iter().zip(values) {
        slot.set(value);
    }
    Ok(array)
}

fn initialize_elements(
    machine: &mut Machine,
    instance: Ref<Instance>,
    declared: &Declarations,
    imported: &Imported,
) -> Result<(), LinkError> {
    for (number, segment) in declared.elements.iter().enumerate() {
        let elements = match segment.mode {
            SegmentMode::Declared => continue,
            _ => elements_of(machine, instance, declared, segment)?,
        };
        let SegmentMode::Active(table, offset) = &segment.mode else {
            let segments = machine.heap.get(instance).elements;
            machine.heap.refs(segments)[number].set(Some(elements.cast()));
            machine.heap.barrier(segments);
            continue;
        };
        let start = constant(machine, instance, declared, offset)?.number();
        let table = imported.tables[*table as usize];
        let (target, length) = (machine.heap.get(table).elements.get(), machine.heap.get(table).length.get());
        let elements = machine.heap.slots(elements);
        if start.checked_add(elements.len() as u64).is_none_or(|end| end > length.into()) {
            return Err(trap(machine, Trap::TableOutOfBounds).into());
        }
        for (from, to) in elements.iter().zip(&machine.heap.slots(target)[start as usize..]) {
            to.set(from.get());
        }
        machine.heap.barrier(target);
    }
    Ok(())
}

fn initialize_memories(
    machine: &mut Machine,
    instance: Ref<Instance>,
    declared: &Declarations,
    imported: &Imported,
) -> Result<(), LinkError> {
    for (number, segment) in declared.data.iter().enumerate() {
        let SegmentMode::Active(memory, offset) = &segment.mode else { continue };
        let start = constant(machine, instance, declared, offset)?.number();
        let memory = imported.memories[*memory as usize];
        let module = machine.heap.get(machine.heap.get(instance).module);
        let bytes = &machine.heap.bytes(module.bytes)[segment.bytes.start as usize..segment.bytes.end as usize];
        if !machine.heap.write_memory(memory, start, bytes) {
            return Err(trap(machine, Trap::MemoryOutOfBounds).into());
        }
        machine.spend_on_bytes(bytes.len());
        // It is as good as dropped.
        let data = machine.heap.get(instance).data;
        machine.heap.write_bytes(data, 8 * number, &[0; 8]);
    }
    Ok(())
}

fn trap(machine: &Machine, trap: Trap) -> Throw {
    machine.runtime_error(format_args!("{}", trap.message()))
}

/// An export of an instance.
pub fn export(machine: &mut Machine, instance: Ref<Instance>, name: &[u8]) -> Result<Option<External>, Throw> {
    let Some(exports) = machine.heap.get(instance).exports.get() else { return Ok(None) };
    let name = machine.new_string(name)?;
    Ok(external(machine, machine.heap.table_get(exports, Value::String(name))))
}

/// The external that a value of a table of exports is.
pub(super) fn external(machine: &Machine, value: Value) -> Option<External> {
    match value {
        Value::TypedFunction(function) => Some(External::Function(function)),
        Value::Internal(object) => {
            let kind = machine.heap.get(object).header.kind;
            if kind == Kind::ReferenceTable as u8 {
                Some(External::Table(object.cast()))
            } else if kind == Kind::LinearMemory as u8 {
                Some(External::Memory(object.cast()))
            } else if kind == Kind::Global as u8 {
                Some(External::Global(object.cast()))
            } else if kind == Kind::ExceptionTag as u8 {
                Some(External::Tag(object.cast()))
            } else {
                None
            }
        }
        _ => None,
    }
}
