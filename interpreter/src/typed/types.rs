//! Types of WebAssembly, as the machine knows them: one object for all types that are the same, in whatever modules. In a
//! type of the machine, the number of a concrete type is the machine's and not a module's.
//!
//! The registry is a table at a root of the heap, from descriptions of recursion groups to the numbers of their first types,
//! and from numbers to the objects. A description is a string, that of each type after the other:
//!
//! ```text
//!   form, bits: u32 | number of the supertype: u32 | parameters or fields: u32 | results: u32 | the types of these: u64 each
//! ```
//!
//! The number of a type of the same group is its place there.

use crate::{
    error::Throw,
    machine::{Machine, roots},
};
use alloc::vec::Vec;
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers, Signature},
    layout::{Field, Layout, Storage, arrays, structures},
    module::{CompositeType, FieldType, FunctionType, HeapType, ReferenceType, StorageType, Type, ValueType},
};
use lunette_gc::{
    object::{Header, Kind},
    reference::Ref,
    string::Str,
    table::Table,
    typed::{CanonicalType, FieldPlace, Form},
    value::Value,
};

/// Bit of an encoded type: its number is a place in the recursion group.
const IS_RELATIVE: u64 = 1 << 9;
/// Bit of an encoded field: it can be set.
const IS_MUTABLE: u64 = 1 << 10;
/// What I8 and I16 are encoded as.
const PACKED: [u64; 2] = [6, 7];

/// Bits of a description.
const IS_FINAL: u32 = 1 << 8;
const HAS_SUPERTYPE: u32 = 1 << 9;
const HAS_RELATIVE_SUPERTYPE: u32 = 1 << 10;

/// Bytes of a description before the types.
const HEAD_BYTES: usize = 16;

/// The type in 64 bits.
pub fn encode(value: ValueType) -> u64 {
    let reference = match value {
        ValueType::I32 => return 0,
        ValueType::I64 => return 1,
        ValueType::F32 => return 2,
        ValueType::F64 => return 3,
        ValueType::V128 => return 4,
        ValueType::Reference(reference) => reference,
    };
    5 | u64::from(reference.is_nullable) << 8 | u64::from(reference.heap.encode()) << 32
}

/// The type that was encoded.
pub fn decode(bits: u64) -> ValueType {
    match bits as u8 {
        0 => ValueType::I32,
        1 => ValueType::I64,
        2 => ValueType::F32,
        3 => ValueType::F64,
        4 => ValueType::V128,
        _ => ValueType::Reference(ReferenceType {
            is_nullable: bits >> 8 & 1 != 0,
            heap: HeapType::decode((bits >> 32) as u32),
        }),
    }
}

/// A function type in the registry.
#[derive(Clone, Copy, Debug)]
pub struct TypeView<'m> {
    bytes: &'m [u8],
    first: u32,
}

impl<'m> TypeView<'m> {
    fn count(self, index: usize) -> usize {
        self.bytes
            .get(4 * index..4 * index + 4)
            .map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize)
    }

    fn types(self, from: usize, count: usize) -> impl Iterator<Item = ValueType> + 'm {
        (from..from + count).map(move |index| {
            let at = HEAD_BYTES + 8 * index;
            let word = self.bytes.get(at..at + 8).map_or([0; 8], |bytes| core::array::from_fn(|index| bytes[index]));
            let bits = u64::from_le_bytes(word);
            decode(if bits & IS_RELATIVE != 0 { bits + (u64::from(self.first) << 32) } else { bits })
        })
    }

    /// Types of the parameters.
    pub fn parameters(self) -> impl Iterator<Item = ValueType> + 'm {
        self.types(0, self.count(2))
    }

    /// Types of the results.
    pub fn results(self) -> impl Iterator<Item = ValueType> + 'm {
        self.types(self.count(2), self.count(3))
    }

    /// The registers that the results take.
    pub fn result_registers(self) -> Registers {
        self.results().fold(Registers::default(), |registers, value| registers.with(value.kind()))
    }

    /// The type as far as calls are concerned.
    pub fn signature(self) -> Signature {
        let parameters = self.parameters().fold(Registers::default(), |registers, value| registers.with(value.kind()));
        Signature { parameters, results: self.result_registers() }
    }

    /// The type.
    pub fn to_type(self) -> FunctionType {
        FunctionType { parameters: self.parameters().collect(), results: self.results().collect() }
    }
}

/// What a recursion group's description is made with.
struct Describer<'t> {
    /// The types of the module before the group.
    known: &'t [Ref<CanonicalType>],
    /// Their numbers in the machine.
    numbers: &'t [u32],
    bytes: Vec<u8>,
}

impl Describer<'_> {
    /// The number in the machine of a type of the module, or its place in the group and that it is one.
    fn number(&self, number: u32) -> (u32, bool) {
        match self.numbers.get(number as usize) {
            Some(&number) => (number, false),
            None => (number - self.known.len() as u32, true),
        }
    }

    fn value(&self, value: ValueType) -> u64 {
        let ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) }) = value else {
            return encode(value);
        };
        let (number, is_relative) = self.number(number);
        let value = ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) });
        encode(value) | if is_relative { IS_RELATIVE } else { 0 }
    }

    fn field(&self, field: FieldType) -> u64 {
        let storage = match field.storage {
            StorageType::I8 => PACKED[0],
            StorageType::I16 => PACKED[1],
            StorageType::Value(value) => self.value(value),
        };
        storage | if field.is_mutable { IS_MUTABLE } else { 0 }
    }

    fn describe(&mut self, kind: &Type) {
        let mut bits = form_number(&kind.composite) | if kind.is_final { IS_FINAL } else { 0 };
        let mut supertype = 0;
        if let Some(number) = kind.supertype {
            let (number, is_relative) = self.number(number);
            bits |= HAS_SUPERTYPE | if is_relative { HAS_RELATIVE_SUPERTYPE } else { 0 };
            supertype = number;
        }
        let (first, second) = match &kind.composite {
            CompositeType::Function(function) => (function.parameters.len(), function.results.len()),
            CompositeType::Structure(fields) => (fields.len(), 0),
            CompositeType::Array(_) => (1, 0),
        };
        for word in [bits, supertype, first as u32, second as u32] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        let mut words = Vec::new();
        match &kind.composite {
            CompositeType::Function(function) => {
                words.extend(function.parameters.iter().chain(&function.results).map(|&value| self.value(value)));
            }
            CompositeType::Structure(fields) => words.extend(fields.iter().map(|&field| self.field(field))),
            CompositeType::Array(element) => words.push(self.field(*element)),
        }
        words.iter().for_each(|word| self.bytes.extend_from_slice(&word.to_le_bytes()));
    }
}

const FUNCTION: u32 = 0;
const STRUCTURE: u32 = 1;
const ARRAY: u32 = 2;

/// What a type is, in a description.
fn form_number(composite: &CompositeType) -> u32 {
    match composite {
        CompositeType::Function(_) => FUNCTION,
        CompositeType::Structure(_) => STRUCTURE,
        CompositeType::Array(_) => ARRAY,
    }
}

/// What objects of a type of a module are; `array` is what elements take.
fn form_of(composite: &CompositeType, array: Option<Storage>) -> Form {
    match (composite, array) {
        (CompositeType::Function(_), _) => Form::Function,
        (CompositeType::Array(_), Some(storage)) => Form::from_number(storage as u8),
        (CompositeType::Structure(_) | CompositeType::Array(_), _) => Form::Structure,
    }
}

/// The most fields of a structure and the most supertypes of a type, as the front end has them.
const MOST_FIELDS: usize = 10_000;
const MOST_SUPERTYPES: usize = 63;

/// Appends the types of a recursion group by its description; their numbers are those in the list.
fn parse_group(mut bytes: &[u8], types: &mut Vec<Type>) -> Option<()> {
    let first = types.len() as u32;
    let absolute = |number: u32, is_relative: bool| if is_relative { number.wrapping_add(first) } else { number };
    let value = |bits: u64| match decode(bits) {
        ValueType::Reference(ReferenceType { is_nullable, heap: HeapType::Concrete(number) }) => {
            let heap = HeapType::Concrete(absolute(number, bits & IS_RELATIVE != 0));
            ValueType::Reference(ReferenceType { is_nullable, heap })
        }
        value => value,
    };
    let field = |bits: u64| {
        let storage = match u64::from(bits as u8) {
            byte if byte == PACKED[0] => StorageType::I8,
            byte if byte == PACKED[1] => StorageType::I16,
            _ => StorageType::Value(value(bits)),
        };
        FieldType { storage, is_mutable: bits & IS_MUTABLE != 0 }
    };
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (head, _) = head.as_chunks();
        let [bits, supertype, parameters, results] = [0, 1, 2, 3].map(|index| u32::from_le_bytes(head[index]));
        let count = (parameters as usize).checked_add(results as usize)?;
        let (words, rest) = rest.split_at_checked(count.checked_mul(8)?)?;
        let (words, _) = words.as_chunks();
        let words = || words.iter().map(|&word| u64::from_le_bytes(word));
        let composite = match u32::from(bits as u8) {
            FUNCTION => CompositeType::Function(FunctionType {
                parameters: words().take(parameters as usize).map(value).collect(),
                results: words().skip(parameters as usize).map(value).collect(),
            }),
            STRUCTURE => CompositeType::Structure(words().map(field).collect()),
            ARRAY => CompositeType::Array(words().map(field).next()?),
            _ => return None,
        };
        let supertype = absolute(supertype, bits & HAS_RELATIVE_SUPERTYPE != 0);
        types.push(Type {
            group: first,
            group_length: 0,
            is_final: bits & IS_FINAL != 0,
            supertype: (bits & HAS_SUPERTYPE != 0).then_some(supertype),
            composite,
        });
        bytes = rest;
    }
    let length = types.len() as u32 - first;
    types[first as usize..].iter_mut().for_each(|kind| kind.group_length = length);
    (length > 0).then_some(())
}

/// Whether a type refers to types that are there, and values of it can be used as those of its supertype.
fn is_sound(types: &[Type], number: usize) -> bool {
    let kind = &types[number];
    let is_there = |value: ValueType| match value {
        ValueType::Reference(ReferenceType { heap: HeapType::Concrete(number), .. }) => {
            number < kind.group + kind.group_length
        }
        _ => true,
    };
    let is_field_there = |field: &FieldType| match field.storage {
        StorageType::Value(value) => is_there(value),
        _ => true,
    };
    let are_there = match &kind.composite {
        CompositeType::Function(function) => {
            function.parameters.iter().chain(&function.results).all(|&value| is_there(value))
        }
        CompositeType::Structure(fields) => fields.len() <= MOST_FIELDS && fields.iter().all(is_field_there),
        CompositeType::Array(element) => is_field_there(element),
    };
    let Some(supertype) = kind.supertype.map(|number| number as usize) else { return are_there };
    let above = |&number: &usize| types[number].supertype.map(|number| number as usize);
    if supertype >= number
        || types[supertype].is_final
        || core::iter::successors(Some(supertype), above).nth(MOST_SUPERTYPES).is_some()
    {
        return false;
    }
    let storage = |field: &FieldType| Storage::of(field.storage, types);
    let is_usable = |(field, own): (&FieldType, &FieldType)| storage(own).is_usable_as(storage(field));
    are_there
        && match (&types[supertype].composite, &kind.composite) {
            (CompositeType::Function(supertype), CompositeType::Function(own)) => {
                supertype.signature() == own.signature()
            }
            (CompositeType::Structure(supertype), CompositeType::Structure(own)) => {
                supertype.len() <= own.len() && supertype.iter().zip(own).all(is_usable)
            }
            (CompositeType::Array(supertype), CompositeType::Array(own)) => is_usable((supertype, own)),
            _ => false,
        }
}

/// A structure's fields: first those that are numbers, then references; and how many are numbers.
fn places(layout: &Layout) -> (Vec<FieldPlace>, usize) {
    let is_number = |field: &&Field| field.storage.kind() != GlobalKind::Reference;
    let place = |field: &Field| FieldPlace::new(field.offset, Form::from_number(field.storage as u8));
    let mut places: Vec<FieldPlace> = layout.fields.iter().filter(is_number).map(place).collect();
    let count = places.len();
    places.extend(layout.fields.iter().filter(|field| !is_number(field)).map(place));
    (places, count)
}

impl Machine {
    /// The machine's types for those of a module, whose structures have these layouts and whose arrays these elements.
    pub fn register_types(
        &mut self,
        types: &[Type],
        structures: &[Option<Layout>],
        arrays: &[Option<Storage>],
    ) -> Result<Vec<Ref<CanonicalType>>, Throw> {
        let mut known: Vec<Ref<CanonicalType>> = Vec::new();
        let mut numbers: Vec<u32> = Vec::new();
        while let Some(first) = types.get(known.len()) {
            let range = known.len()..known.len() + (first.group_length.max(1) as usize).min(types.len() - known.len());
            let group = &types[range.clone()];
            let mut describer = Describer { known: &known, numbers: &numbers, bytes: Vec::new() };
            let mut places = Vec::new();
            for kind in group {
                places.push(describer.bytes.len() as u32);
                describer.describe(kind);
            }
            let bytes = describer.bytes;
            let objects =
                self.register_group(group, (&structures[range.clone()], &arrays[range]), &bytes, &places, &known)?;
            numbers.extend(objects.iter().map(|&kind| self.heap.get(kind).number));
            known.extend(objects);
        }
        Ok(known)
    }

    fn register_group(
        &mut self,
        group: &[Type],
        (structures, arrays): (&[Option<Layout>], &[Option<Storage>]),
        description: &[u8],
        starts: &[u32],
        known: &[Ref<CanonicalType>],
    ) -> Result<Vec<Ref<CanonicalType>>, Throw> {
        let table = self.type_table()?;
        let key = self.new_string(description)?;
        if let Value::Integer(first) = self.heap.table_get(table, Value::String(key)) {
            let of = |number: u32| self.canonical_type(first as u32 + number);
            return Ok((0..group.len() as u32).filter_map(of).collect());
        }
        let first = self.heap.table_length(table) as u32;
        let mut objects: Vec<Ref<CanonicalType>> = Vec::new();
        for ((number, kind), ((structure, &array), &place)) in
            (first..).zip(group).zip(structures.iter().zip(arrays).zip(starts))
        {
            // Supertypes come first.
            let of = |number: u32| known.iter().chain(&objects).nth(number as usize).copied();
            let supertypes = kind.supertype.and_then(of).map_or(&[][..], |kind| self.heap.supertypes(kind));
            let (words, number_fields) = structure.as_ref().map_or_else(Default::default, places);
            let template = CanonicalType {
                header: Header::new(Kind::CanonicalType, 0),
                number,
                depth: 0,
                form: form_of(&kind.composite, array) as u32,
                bytes: structure.as_ref().map_or(0, |layout| layout.bytes),
                number_fields: number_fields as u32,
                reference_fields: (words.len() - number_fields) as u32,
                group: key,
                first,
                place,
                is_final: kind.is_final.into(),
            };
            objects.push(self.heap.new_canonical_type(template, supertypes, &words)?);
        }
        let numbers = || objects.iter().zip(i64::from(first) + 1..);
        let set = |(&object, number): (&Ref<CanonicalType>, i64)| {
            self.heap.table_set_integer(table, number, Value::Internal(object.cast()))
        };
        let done = numbers().try_for_each(set);
        let done = done
            .and_then(|()| self.heap.table_set(table, Value::String(key), Value::Integer(first.into())).map(|_| ()));
        if done.is_err() {
            // All of them have numbers, or none.
            for (_, number) in numbers() {
                let _ = self.heap.table_set_integer(table, number, Value::Nil);
            }
            return Err(Throw::Memory);
        }
        Ok(objects)
    }

    /// The descriptions of the recursion groups of all types, in the order of their numbers.
    pub(crate) fn type_groups(&self) -> Vec<Ref<Str>> {
        let types = (0..).map_while(|number| self.canonical_type(number)).map(|kind| self.heap.get(kind));
        types.filter(|kind| kind.first == kind.number).map(|kind| kind.group).collect()
    }

    /// Gives numbers to the types of recursion groups of which these are the descriptions; `false` if they are malformed,
    /// or have numbers.
    pub(crate) fn restore_types(&mut self, groups: &[Vec<u8>]) -> Result<bool, Throw> {
        let mut types = Vec::new();
        for group in groups {
            if parse_group(group, &mut types).is_none() {
                return Ok(false);
            }
        }
        if !(0..types.len()).all(|number| is_sound(&types, number)) {
            return Ok(false);
        }
        let objects = self.register_types(&types, &structures(&types), &arrays(&types))?;
        Ok(objects.iter().zip(0..).all(|(&kind, number)| self.heap.get(kind).number == number))
    }

    /// Whether these bits encode a type of values.
    pub(crate) fn is_value_type(&self, bits: u64) -> bool {
        let value = decode(bits);
        let is_known = match value {
            ValueType::Reference(ReferenceType { heap: HeapType::Concrete(number), .. }) => {
                self.canonical_type(number).is_some()
            }
            _ => true,
        };
        is_known && encode(value) == bits
    }

    fn type_table(&mut self) -> Result<Ref<Table>, Throw> {
        if let Value::Table(table) = self.heap.root(roots::TYPES).get() {
            return Ok(table);
        }
        let table = self.heap.new_table(0, 0)?;
        self.heap.root(roots::TYPES).set(Value::Table(table));
        Ok(table)
    }

    /// The type of this number.
    pub fn canonical_type(&self, number: u32) -> Option<Ref<CanonicalType>> {
        let Value::Table(table) = self.heap.root(roots::TYPES).get() else { return None };
        match self.heap.table_get_integer(table, i64::from(number) + 1) {
            Value::Internal(kind) => Some(kind.cast()),
            _ => None,
        }
    }

    /// What a function type describes.
    pub fn function_type(&self, kind: Ref<CanonicalType>) -> TypeView<'_> {
        let kind = self.heap.get(kind);
        TypeView { bytes: self.bytes(kind.group).get(kind.place as usize..).unwrap_or_default(), first: kind.first }
    }

    /// Whether the type of this number is a function's.
    pub(super) fn is_function_type(&self, number: u32) -> bool {
        self.canonical_type(number).is_some_and(|kind| self.heap.form(kind) == Form::Function)
    }

    /// Whether all values of a type of the machine are values of another.
    pub fn is_subtype(&self, value: ValueType, of: ValueType) -> bool {
        match (value, of) {
            (ValueType::Reference(value), ValueType::Reference(of)) => {
                (of.is_nullable || !value.is_nullable) && self.is_heap_subtype(value.heap, of.heap)
            }
            _ => value == of,
        }
    }

    fn is_heap_subtype(&self, value: HeapType, of: HeapType) -> bool {
        use HeapType::{
            Any, Array, Concrete, Equal, Exception, Extern, Function, I31, NoException, NoExtern, NoFunction, None,
            Structure,
        };
        let form = |number| self.canonical_type(number).map(|kind| self.heap.form(kind));
        match (value, of) {
            (value, of) if value == of => true,
            (Concrete(value), Concrete(of)) => match (self.canonical_type(value), self.canonical_type(of)) {
                (Some(value), Some(of)) => self.heap.is_subtype(value, of),
                _ => false,
            },
            (Concrete(number), Function) => form(number) == Some(Form::Function),
            (Concrete(number), Structure) => form(number) == Some(Form::Structure),
            (Concrete(number), Array) => form(number).is_some_and(Form::is_array),
            (Concrete(number), Any | Equal) => form(number).is_some_and(|form| form != Form::Function),
            (None, Concrete(number)) => form(number).is_some_and(|form| form != Form::Function),
            (NoFunction, Concrete(number)) => form(number) == Some(Form::Function),
            (NoFunction, Function) | (NoExtern, Extern) | (NoException, Exception) => true,
            (Equal | I31 | Structure | Array | None, Any) => true,
            (I31 | Structure | Array | None, Equal) => true,
            (None, I31 | Structure | Array) => true,
            _ => false,
        }
    }

    /// Whether a value that is not null is of a heap type of the machine.
    pub fn is_of(&self, value: Value, heap: HeapType) -> bool {
        match heap {
            HeapType::Concrete(number) => {
                let given = match value {
                    Value::TypedObject(object) => self.heap.type_of(object),
                    Value::TypedFunction(function) => self.heap.get(function).kind,
                    _ => return false,
                };
                self.canonical_type(number).is_some_and(|of| self.heap.is_subtype(given, of))
            }
            HeapType::Function => matches!(value, Value::TypedFunction(_)),
            HeapType::Extern | HeapType::Any | HeapType::Exception => true,
            HeapType::Equal => matches!(value, Value::TypedObject(_)) || is_i31(value),
            HeapType::I31 => is_i31(value),
            HeapType::Structure => {
                matches!(value, Value::TypedObject(object) if self.heap.form_of(object) == Form::Structure)
            }
            HeapType::Array => {
                matches!(value, Value::TypedObject(object) if self.heap.form_of(object).is_array())
            }
            HeapType::None | HeapType::NoFunction | HeapType::NoExtern | HeapType::NoException => false,
        }
    }
}

/// Whether a value is a small integer: one of 31 bits.
pub(super) fn is_i31(value: Value) -> bool {
    matches!(value, Value::Integer(-0x4000_0000..=0x3fff_ffff))
}
