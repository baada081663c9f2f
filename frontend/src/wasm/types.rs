//! Types as `wasmparser` decodes them to those of the bytecode.

use lunette_bytecode::typed::module::{
    CompositeType, ExternalKind, FieldType, FunctionType, GlobalType, HeapType, MemoryType, ReferenceType, StorageType,
    TableType, Type, ValueType,
};
use wasmparser::{AbstractHeapType, CompositeInnerType, RefType, SubType, ValType};

/// A heap type; `None` if it is of no feature that is enabled.
pub(super) fn heap_type(heap: wasmparser::HeapType) -> Option<HeapType> {
    match heap {
        wasmparser::HeapType::Abstract { shared: false, ty } => Some(match ty {
            AbstractHeapType::Func => HeapType::Function,
            AbstractHeapType::Extern => HeapType::Extern,
            AbstractHeapType::Any => HeapType::Any,
            AbstractHeapType::None => HeapType::None,
            AbstractHeapType::NoExtern => HeapType::NoExtern,
            AbstractHeapType::NoFunc => HeapType::NoFunction,
            AbstractHeapType::Eq => HeapType::Equal,
            AbstractHeapType::Struct => HeapType::Structure,
            AbstractHeapType::Array => HeapType::Array,
            AbstractHeapType::I31 => HeapType::I31,
            AbstractHeapType::Exn => HeapType::Exception,
            AbstractHeapType::NoExn => HeapType::NoException,
            AbstractHeapType::Cont | AbstractHeapType::NoCont => return None,
        }),
        wasmparser::HeapType::Concrete(index) => index.as_module_index().map(HeapType::Concrete),
        _ => None,
    }
}

/// The type of references.
pub(super) fn reference_type(reference: RefType) -> Option<ReferenceType> {
    Some(ReferenceType { is_nullable: reference.is_nullable(), heap: heap_type(reference.heap_type())? })
}

/// The type of values.
pub(super) fn value_type(value: ValType) -> Option<ValueType> {
    Some(match value {
        ValType::I32 => ValueType::I32,
        ValType::I64 => ValueType::I64,
        ValType::F32 => ValueType::F32,
        ValType::F64 => ValueType::F64,
        ValType::V128 => ValueType::V128,
        ValType::Ref(reference) => ValueType::Reference(reference_type(reference)?),
    })
}

fn field_type(field: wasmparser::FieldType) -> Option<FieldType> {
    let storage = match field.element_type {
        wasmparser::StorageType::I8 => StorageType::I8,
        wasmparser::StorageType::I16 => StorageType::I16,
        wasmparser::StorageType::Val(value) => StorageType::Value(value_type(value)?),
    };
    Some(FieldType { storage, is_mutable: field.mutable })
}

/// A type of a recursion group of this place and length.
pub(super) fn sub_type(kind: &SubType, group: u32, group_length: u32) -> Option<Type> {
    let values = |types: &[ValType]| types.iter().copied().map(value_type).collect::<Option<_>>();
    let composite = match &kind.composite_type.inner {
        CompositeInnerType::Func(function) => CompositeType::Function(FunctionType {
            parameters: values(function.params())?,
            results: values(function.results())?,
        }),
        CompositeInnerType::Struct(structure) => {
            CompositeType::Structure(structure.fields.iter().copied().map(field_type).collect::<Option<_>>()?)
        }
        CompositeInnerType::Array(array) => CompositeType::Array(field_type(array.0)?),
        CompositeInnerType::Cont(_) => return None,
    };
    let supertype = match kind.supertype_idxs.first() {
        Some(index) => Some(index.as_module_index()?),
        None => None,
    };
    Some(Type { group, group_length, is_final: kind.is_final, supertype, composite })
}

/// The type of a table.
pub(super) fn table_type(table: wasmparser::TableType) -> Option<TableType> {
    Some(TableType {
        element: reference_type(table.element_type)?,
        is_64: table.table64,
        minimum: table.initial,
        maximum: table.maximum,
    })
}

/// The type of a memory.
pub(super) fn memory_type(memory: wasmparser::MemoryType) -> MemoryType {
    MemoryType {
        is_64: memory.memory64,
        minimum: memory.initial,
        maximum: memory.maximum,
        page_bits: memory.page_size_log2() as u8,
    }
}

/// The type of a global.
pub(super) fn global_type(global: wasmparser::GlobalType) -> Option<GlobalType> {
    Some(GlobalType { value: value_type(global.content_type)?, is_mutable: global.mutable })
}

/// The kind of an export.
pub(super) fn external_kind(kind: wasmparser::ExternalKind) -> ExternalKind {
    match kind {
        wasmparser::ExternalKind::Func | wasmparser::ExternalKind::FuncExact => ExternalKind::Function,
        wasmparser::ExternalKind::Table => ExternalKind::Table,
        wasmparser::ExternalKind::Memory => ExternalKind::Memory,
        wasmparser::ExternalKind::Global => ExternalKind::Global,
        wasmparser::ExternalKind::Tag => ExternalKind::Tag,
    }
}
