//! Scanning: which references an object of each kind holds.
//!
//! Storage that belongs to one object (a table's parts, a thread's stack, a shape's index) is marked and scanned with
//! its owner. Large storage is scanned in slices, between which the program may run: if it writes, the barrier has the
//! owner scanned again.

use super::mark::Marker;
use crate::{
    function::{Closure, NativeClosure, Prototype, Site, VariableCell},
    heap::Heap,
    object::{AnyObject, Header, Kind},
    reference::{REFERENCE_SCALE, Ref},
    storage::{ByteArray, RefArray, SlotArray, ValueArray},
    string::Str,
    table::{HashEntry, HashPart, Shape, Table},
    thread::Thread,
    typed::{
        CanonicalType, ExceptionTag, Form, Global, Instance, LinearMemory, MemoryData, ReferenceTable, TypedFunction,
        TypedModule, TypedObject, TypedPrototype,
    },
    userdata::Userdata,
    value::{FIRST_REFERENCE_TAG, Slot, Tag},
};
use core::cell::Cell;

/// Elements scanned at once.
const SLICE: usize = 1024;
/// A bit that is set in the tags of references and in no others.
const REFERENCE_BIT: u8 = 0x08;
const _: () = assert!(FIRST_REFERENCE_TAG == REFERENCE_BIT && (Tag::Bytes as u8) < 2 * REFERENCE_BIT);
const _: () = assert!(Tag::TypedFunction as u8 & Tag::Internal as u8 & Tag::TypedObject as u8 & REFERENCE_BIT != 0);

impl Kind {
    /// The kind of a number in a header.
    pub(crate) fn from_number(number: u8) -> Option<Kind> {
        const KINDS: [Kind; 26] = [
            Kind::String,
            Kind::Table,
            Kind::Closure,
            Kind::NativeClosure,
            Kind::Userdata,
            Kind::Thread,
            Kind::TypedFunction,
            Kind::Cell,
            Kind::TypedObject,
            Kind::Prototype,
            Kind::Shape,
            Kind::HashPart,
            Kind::SlotArray,
            Kind::ValueArray,
            Kind::RefArray,
            Kind::ByteArray,
            Kind::Transitions,
            Kind::TypedModule,
            Kind::TypedPrototype,
            Kind::Instance,
            Kind::LinearMemory,
            Kind::MemoryData,
            Kind::ReferenceTable,
            Kind::Global,
            Kind::ExceptionTag,
            Kind::CanonicalType,
        ];
        KINDS.get(usize::from(number).wrapping_sub(1)).copied()
    }
}

/// Bytes of objects with a variable part.
pub(crate) mod size {
    use super::*;

    pub fn slots(count: usize) -> usize {
        size_of::<SlotArray>() + count * size_of::<Slot>()
    }

    pub fn references(count: usize) -> usize {
        size_of::<RefArray>() + count * 4
    }

    pub fn prototype(prototype: &Prototype) -> usize {
        size_of::<Prototype>()
            + prototype.site_count as usize * size_of::<Site>()
            + prototype.constant_count as usize * size_of::<Slot>()
    }
}

impl Marker<'_> {
    /// Scans a marked object. `is_first` says that it was not scanned before in this collection.
    pub fn scan(&mut self, object: Ref<AnyObject>, is_first: bool) {
        let heap = self.heap;
        let header = &heap.get(object).header;
        header.gc.set(header.gc.get() | Header::BARRIER);
        if self.is_resolving && is_first {
            self.release_waiting(object.units());
        }
        let (start, bytes) = match Kind::from_number(header.kind) {
            Some(Kind::Table) => {
                self.scan_table(object.cast());
                (object.units(), size_of::<Table>())
            }
            Some(Kind::Closure) => {
                let closure: Ref<Closure> = object.cast();
                self.discover(heap.get(closure).prototype.units());
                let cells = heap.upvalue_cells(closure);
                for cell in cells {
                    self.discover_ref(cell.get());
                }
                (object.units(), size_of::<Closure>() + size_of_val(cells))
            }
            Some(Kind::Cell) => {
                self.scan_slots(core::slice::from_ref(&heap.get(object.cast::<VariableCell>()).value));
                (object.units(), size_of::<VariableCell>())
            }
            Some(Kind::NativeClosure) => {
                let values = heap.native_values(object.cast());
                self.scan_slots(values);
                (object.units(), size_of::<NativeClosure>() + size_of_val(values))
            }
            Some(Kind::Userdata) => {
                let userdata: Ref<Userdata> = object.cast();
                let values = heap.user_values(userdata);
                self.discover_ref(heap.get(userdata).metatable.get());
                self.scan_slots(values);
                (object.units(), size_of::<Userdata>() + size_of_val(values))
            }
            Some(Kind::Thread) => {
                self.scan_thread(object.cast());
                (object.units(), size_of::<Thread>())
            }
            Some(Kind::Prototype) => {
                let prototype: Ref<Prototype> = object.cast();
                self.scan_prototype(prototype);
                let object = heap.get(prototype);
                let sites = object.site_count as usize * size_of::<Site>() / REFERENCE_SCALE;
                (prototype.units() - sites as u32, size::prototype(object))
            }
            Some(Kind::Shape) => {
                self.scan_shape(object.cast());
                self.state.shapes_alive.set(self.state.shapes_alive.get() + u32::from(is_first));
                (object.units(), size_of::<Shape>())
            }
            Some(Kind::SlotArray) => {
                let slots = heap.slots(object.cast());
                self.scan_first_part(object, slots.len());
                (object.units(), size::slots(slots.len()))
            }
            Some(Kind::ValueArray) => {
                let array = heap.get(object.cast::<ValueArray>());
                self.scan_first_part(object, array.length() as usize);
                (object.units(), array.bytes())
            }
            Some(Kind::RefArray) => {
                let references = heap.refs(object.cast());
                self.scan_first_part(object, references.len());
                (object.units(), size::references(references.len()))
            }
            Some(Kind::ByteArray) => {
                let length = heap.get(object.cast::<ByteArray>()).length() as usize;
                (object.units(), size_of::<ByteArray>() + length)
            }
            Some(Kind::TypedFunction) => {
                let function = heap.get(object.cast::<TypedFunction>());
                self.discover(function.kind.units());
                self.discover_ref(function.prototype);
                self.discover_ref(function.instance);
                self.scan_slots(core::slice::from_ref(&function.callee));
                (object.units(), size_of::<TypedFunction>())
            }
            Some(Kind::TypedModule) => {
                let module = heap.get(object.cast::<TypedModule>());
                self.discover(module.bytes.units());
                self.discover(module.source.units());
                self.discover(module.prototypes.units());
                self.discover(module.types.units());
                (object.units(), size_of::<TypedModule>())
            }
            Some(Kind::TypedPrototype) => {
                let prototype = heap.get(object.cast::<TypedPrototype>());
                self.discover_ref(prototype.code.get());
                self.discover_ref(prototype.offsets.get());
                self.discover_ref(prototype.catches.get());
                self.discover(prototype.module.units());
                self.discover(prototype.kind.units());
                (object.units(), size_of::<TypedPrototype>())
            }
            Some(Kind::Instance) => {
                let reference: Ref<Instance> = object.cast();
                let instance = heap.get(reference);
                for part in instance.parts() {
                    self.discover(part.units());
                }
                self.discover_ref(instance.exports.get());
                let globals = heap.globals(reference);
                self.scan_slots(globals);
                (object.units(), size_of::<Instance>() + size_of_val(globals))
            }
            Some(Kind::LinearMemory) => {
                self.discover(heap.get(object.cast::<LinearMemory>()).data.get().units());
                (object.units(), size_of::<LinearMemory>())
            }
            Some(Kind::MemoryData) => {
                let length = heap.get(object.cast::<MemoryData>()).length.get() as usize;
                (object.units(), size_of::<MemoryData>() + length)
            }
            Some(Kind::ReferenceTable) => {
                self.discover(heap.get(object.cast::<ReferenceTable>()).elements.get().units());
                (object.units(), size_of::<ReferenceTable>())
            }
            Some(Kind::Global) => {
                let global = heap.get(object.cast::<Global>());
                self.discover_ref(global.owner);
                self.scan_slots(&global.slots);
                (object.units(), size_of::<Global>())
            }
            Some(Kind::ExceptionTag) => {
                self.discover(heap.get(object.cast::<ExceptionTag>()).kind.units());
                (object.units(), size_of::<ExceptionTag>())
            }
            Some(Kind::TypedObject) => {
                self.scan_typed_object(object.cast());
                (object.units(), heap.object_bytes(object.cast()))
            }
            Some(Kind::CanonicalType) => {
                let kind: Ref<CanonicalType> = object.cast();
                self.discover(heap.get(kind).group.units());
                let supertypes = heap.supertypes(kind);
                supertypes.iter().for_each(|supertype| self.discover(supertype.units()));
                let (numbers, references) = heap.fields(kind);
                let words = supertypes.len() + numbers.len() + references.len();
                (object.units(), size_of::<CanonicalType>() + 4 * words)
            }
            Some(Kind::String | Kind::HashPart | Kind::Transitions) | None => {
                debug_assert!(false, "{object:?} is no object to be scanned");
                return;
            }
        };
        if is_first {
            self.account(start, bytes);
        } else {
            self.work += bytes;
        }
    }

    fn scan_typed_object(&mut self, object: Ref<TypedObject>) {
        let heap = self.heap;
        let kind = heap.type_of(object);
        // It is nearly always marked.
        if !heap.is_marked(kind.cast()) {
            self.discover(kind.units());
        }
        match heap.form_of(object) {
            Form::Structure => {
                for &field in heap.fields(kind).1 {
                    let (tag, payload) = heap.reference_field(object, field).parts();
                    self.discover_parts(tag, payload);
                }
            }
            Form::ArrayReference | Form::ArrayObject => {
                self.scan_first_part(object.cast(), heap.reference_count(object));
            }
            _ => {}
        }
    }

    /// Scans the first slice of a large object, or of the storage of one.
    fn scan_first_part(&mut self, object: Ref<AnyObject>, length: usize) {
        if length > 0 {
            self.scan_part(object, 0);
        }
    }

    /// Scans elements of an object from `index` on, and leaves the rest to a further slice.
    pub fn scan_part(&mut self, object: Ref<AnyObject>, index: usize) {
        let heap = self.heap;
        let length = match Kind::from_number(heap.get(object).header.kind) {
            Some(Kind::SlotArray) => {
                let slots = heap.slots(object.cast());
                self.scan_slots(part(slots, index));
                slots.len()
            }
            Some(Kind::ValueArray) => {
                let (payloads, tags) = heap.value_array_parts(object.cast());
                self.scan_values(part(payloads, index), part(tags, index));
                tags.len()
            }
            Some(Kind::RefArray) => {
                let references = heap.refs(object.cast());
                part(references, index).iter().for_each(|reference| self.discover_ref(reference.get()));
                references.len()
            }
            Some(Kind::HashPart) => {
                let entries = heap.hash_entries(object.cast());
                self.scan_entries(object.cast(), part(entries, index), true);
                entries.len()
            }
            Some(Kind::Thread) => {
                let slots = live_stack(heap, object.cast());
                self.scan_slots(part(slots, index));
                slots.len()
            }
            Some(Kind::TypedObject) => {
                let (array, count) = (object.cast(), heap.reference_count(object.cast()));
                for element in heap.reference_elements(array, index..count.min(index + SLICE)) {
                    let (tag, payload) = element.parts();
                    self.discover_parts(tag, payload);
                }
                count
            }
            Some(Kind::Prototype) => {
                let constants = heap.constants(object.cast());
                self.scan_slots(part(constants, index));
                constants.len()
            }
            _ => 0,
        };
        self.work += 8 * length.saturating_sub(index).min(SLICE);
        if index + SLICE < length {
            self.push_slice(object, index + SLICE);
        }
    }

    pub fn scan_slots(&mut self, slots: &[Slot]) {
        for slot in slots {
            self.discover_parts(slot.tag.get() as u8, slot.payload.get());
        }
    }

    /// Scans values split into payloads and tags.
    pub fn scan_values(&mut self, payloads: &[Cell<u64>], tags: &[Cell<u8>]) {
        const GROUP: usize = 16;
        for (payloads, tags) in payloads.chunks(GROUP).zip(tags.chunks(GROUP)) {
            if tags.iter().fold(0, |union, tag| union | tag.get()) & REFERENCE_BIT != 0 {
                for (payload, tag) in payloads.iter().zip(tags) {
                    self.discover_parts(tag.get(), payload.get());
                }
            }
        }
    }

    /// Scans entries of a hash part that hold their keys alive, and their values, too, if those are not weak.
    ///
    /// A removed entry gets its place back when its key is stored again. So that it does so whether there was a
    /// collection or not, the key stays what it is; only if it is an object or a long string, whose removed entries are
    /// not used again, and found dead it becomes a dead key.
    pub fn scan_entries(&mut self, part: Ref<HashPart>, entries: &[HashEntry], with_values: bool) {
        let mut has_removed = false;
        for entry in entries {
            let (tag, key) = (entry.key_tag.get(), entry.key_payload.get());
            if entry.value_tag.get() != Tag::Nil as u8 || self.is_short_string(tag, key) {
                self.discover_parts(tag, key);
            } else {
                has_removed |= tag >= FIRST_REFERENCE_TAG;
            }
            if with_values {
                self.discover_parts(entry.value_tag.get(), entry.value_payload.get());
            }
        }
        if has_removed && self.heap.list_push(&self.state.removed, part.units()).is_err() {
            self.state.is_incomplete.set(1);
        }
    }

    fn is_short_string(&self, tag: u8, payload: u64) -> bool {
        tag == Tag::String as u8
            && Ref::<Str>::from_units(payload as u32).is_some_and(|string| self.heap.get(string).is_short())
    }

    fn scan_table(&mut self, table: Ref<Table>) {
        let object = self.heap.get(table);
        self.discover(object.shape.get().units());
        if let Some(metatable) = object.metatable.get() {
            self.discover(metatable.units());
            if self.scan_weak_table(table, metatable) {
                return;
            }
        }
        self.claim_parts(object);
        if let Some(fields) = object.fields.get() {
            self.scan_part(fields, 0);
        }
        if let Some(array) = object.array.get() {
            self.scan_part(array.cast(), 0);
        }
        if let Some(hash) = object.hash.get() {
            self.scan_part(hash.cast(), 0);
        }
    }

    /// Marks the storage of a table.
    pub fn claim_parts(&mut self, table: &Table) {
        match (self.heap.names(table), table.fields.get()) {
            (Some(names), _) => self.claim(names, self.heap.get(names).bytes()),
            (None, Some(fields)) => self.claim(fields, size::slots(self.heap.field_slots(table).len())),
            (None, None) => {}
        }
        if let Some(array) = table.array.get() {
            self.claim(array, self.heap.get(array).bytes());
        }
        if let Some(hash) = table.hash.get() {
            self.claim(hash, self.heap.get(hash).bytes());
        }
    }

    fn scan_shape(&mut self, shape: Ref<Shape>) {
        let object = self.heap.get(shape);
        self.discover_ref(object.parent);
        self.discover_ref(object.key);
        // The index holds keys of the shape and its parents only.
        for storage in [object.index.get(), object.transitions.get()].into_iter().flatten() {
            self.claim(storage, size::references(self.heap.get(storage).length() as usize));
        }
        if object.transitions.get().is_some() && self.heap.list_push(&self.state.shapes, shape.units()).is_err() {
            self.state.is_incomplete.set(1);
        }
    }

    fn scan_prototype(&mut self, prototype: Ref<Prototype>) {
        let object = self.heap.get(prototype);
        self.discover(object.code.units());
        self.discover(object.module.units());
        self.discover(object.source.units());
        self.discover_ref(object.debug);
        self.discover_ref(object.captures);
        self.discover_ref(object.feedback.get());
        self.scan_part(prototype.cast(), 0);
        self.note_sites(prototype);
    }

    /// Scans the fixed part of a thread and its stack, and clears what lies above the top of that.
    fn scan_thread(&mut self, thread: Ref<Thread>) {
        let object = self.heap.get(thread);
        let stack = object.stack.get();
        let slots = self.heap.slots(stack);
        self.claim(stack, size::slots(slots.len()));
        self.discover_ref(object.resumer.get());
        self.discover_ref(object.numbers.get());
        self.scan_slots(core::slice::from_ref(&object.hook));
        let live = live_stack(self.heap, thread).len();
        for slot in &slots[live..] {
            if slot.tag.get() != Tag::Nil as u32 || slot.payload.get() != 0 {
                slot.payload.set(0);
                slot.tag.set(Tag::Nil as u32);
            }
        }
        self.work += size_of_val(&slots[live..]) / 4;
        self.scan_part(thread.cast(), 0);
    }
}

/// The slots of a thread's stack below its top.
fn live_stack(heap: &Heap, thread: Ref<Thread>) -> &[Slot] {
    let object = heap.get(thread);
    let slots = heap.slots(object.stack.get());
    &slots[..slots.len().min(object.top.get() as usize)]
}

/// At most a slice of elements from `index` on.
fn part<T>(elements: &[T], index: usize) -> &[T] {
    let start = index.min(elements.len());
    &elements[start..elements.len().min(start + SLICE)]
}

/// Marks the key of a removed entry as dead, so that nobody follows it.
pub(super) fn bury_key(entry: &HashEntry) {
    if entry.key_tag.get() >= FIRST_REFERENCE_TAG {
        entry.key_tag.set(Tag::DeadKey as u8);
    }
}
