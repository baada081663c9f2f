//! Verification for tests: walks everything that can be reached and checks what the collector relies on.

use super::{MARK, Phase, trace::size};
use crate::{
    block::BlockState,
    function::{Closure, NativeClosure, Prototype},
    heap::{Heap, ROOT_COUNT},
    object::{AnyObject, Header, Kind},
    reference::{REFERENCE_SCALE, Ref},
    region::{BLOCK_BYTES, FIRST_LINE, LINE_BYTES},
    storage::{ByteArray, SlotArray, ValueArray},
    string::Str,
    table::{HashPart, Shape, Table},
    thread::Thread,
    typed::{
        CanonicalType, ExceptionTag, Global, Instance, LinearMemory, MemoryData, ReferenceTable, TypedFunction,
        TypedModule, TypedObject, TypedPrototype,
    },
    userdata::Userdata,
    value::{FIRST_REFERENCE_TAG, Slot},
};
use alloc::{collections::BTreeSet, vec::Vec};

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("object {object:?} of kind {kind}: {problem}")]
pub struct Fault {
    /// The object.
    pub object: Ref<AnyObject>,
    /// The kind in its header.
    pub kind: u8,
    /// The problem.
    pub problem: &'static str,
}

/// What the walk found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reachable {
    /// Objects, storage included.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
}

struct Walk<'h> {
    heap: &'h Heap,
    seen: BTreeSet<u32>,
    open: Vec<(Ref<AnyObject>, Option<Ref<AnyObject>>)>,
    reachable: Reachable,
}

impl Heap {
    /// Checks all objects that can be reached from the roots, weak references included.
    pub fn verify(&self) -> Result<Reachable, Fault> {
        let mut walk = Walk { heap: self, seen: BTreeSet::new(), open: Vec::new(), reachable: Reachable::default() };
        for number in 0..ROOT_COUNT {
            walk.slot(self.root(number), None);
        }
        let state = self.state();
        for list in [&state.pending, &state.finalizable, &state.finalizable_old] {
            let mut position = list.start();
            while let Some(object) = self.list_next(list, &mut position).and_then(Ref::from_units) {
                walk.open.push((object, None));
            }
        }
        for entry in self.intern_entries() {
            if let Some(string) = entry.string.get()
                && self.phase() != Phase::Clearing
            {
                walk.open.push((string.cast(), None));
            }
        }
        while let Some((object, parent)) = walk.open.pop() {
            if walk.seen.insert(object.units()) {
                walk.visit(object)?;
            }
            walk.check_invariant(object, parent)?;
        }
        Ok(walk.reachable)
    }
}

impl Walk<'_> {
    fn slot(&mut self, slot: &Slot, parent: Option<Ref<AnyObject>>) {
        self.parts(slot.tag.get() as u8, slot.payload.get(), parent);
    }

    fn parts(&mut self, tag: u8, payload: u64, parent: Option<Ref<AnyObject>>) {
        if tag >= FIRST_REFERENCE_TAG
            && let Some(object) = Ref::from_units(payload as u32)
        {
            self.open.push((object, parent));
        }
    }

    fn reference<T>(&mut self, object: Option<Ref<T>>, parent: Ref<AnyObject>) {
        if let Some(object) = object {
            self.open.push((object.cast(), Some(parent)));
        }
    }

    fn fault(&self, object: Ref<AnyObject>, problem: &'static str) -> Fault {
        Fault { object, kind: self.heap.get(object).header.kind, problem }
    }

    /// An object that was scanned refers only to marked ones, unless it is to be scanned again.
    fn check_invariant(&self, object: Ref<AnyObject>, parent: Option<Ref<AnyObject>>) -> Result<(), Fault> {
        let Some(parent) = parent else { return Ok(()) };
        let state = self.heap.state();
        let header = &self.heap.get(parent).header;
        let is_strict = self.heap.phase() == Phase::Idle && state.is_generational.get() != 0;
        if !is_strict || state.needs_full.get() != 0 || header.kind == Kind::Thread as u8 {
            return Ok(());
        }
        let is_black = header.gc.get() & Header::BARRIER != 0 && self.heap.is_marked(parent);
        let is_remembered = self.heap.get(object).header.gc.get() & Header::REMEMBERED != 0;
        if is_black && !is_remembered && !self.heap.is_marked(object) {
            return Err(self.fault(object, "is young, but an old object refers to it without being logged"));
        }
        Ok(())
    }

    fn visit(&mut self, object: Ref<AnyObject>) -> Result<(), Fault> {
        let heap = self.heap;
        let start = object.units() as usize * REFERENCE_SCALE;
        let header = heap.header();
        let block = match heap.place_of(object) {
            Some(place) => heap.entry_of(place),
            None => (start / BLOCK_BYTES) as u32,
        };
        let is_place = heap.place_of_entry(block).is_some();
        if !is_place && !(header.first_block.get()..header.frontier.get()).contains(&block) {
            return Err(Fault { object, kind: 0, problem: "lies outside of the blocks in use" });
        }
        let entry = heap.block_entry(block);
        if entry.is(BlockState::Free) || entry.is(BlockState::Own) {
            return Err(Fault { object, kind: 0, problem: "lies in a block that has no objects" });
        }
        let header = &heap.get(object).header;
        let Some(kind) = Kind::from_number(header.kind) else {
            return Err(self.fault(object, "has no kind"));
        };
        if header.gc.get() & !(MARK | Header::BARRIER | Header::REMEMBERED) != 0 {
            return Err(self.fault(object, "has unknown bits of the collector"));
        }
        let bytes = self.visit_kind(object, kind);
        self.reachable.objects += 1;
        self.reachable.bytes += bytes.next_multiple_of(REFERENCE_SCALE) as u64;
        if entry.is(BlockState::Lines) {
            let line = start % BLOCK_BYTES / LINE_BYTES;
            if line < FIRST_LINE {
                return Err(self.fault(object, "lies in the line marks"));
            }
            if kind != Kind::Prototype && start % BLOCK_BYTES + bytes > BLOCK_BYTES {
                return Err(self.fault(object, "is larger than its block"));
            }
            let is_marked = heap.phase() != Phase::Marking && heap.is_marked(object);
            let last = (start % BLOCK_BYTES + bytes.clamp(1, LINE_BYTES) - 1) / LINE_BYTES;
            let marks = heap.line_marks((start / BLOCK_BYTES) as u32);
            if is_marked && kind != Kind::Prototype && (line..=last).any(|line| marks[line].get() == 0) {
                return Err(self.fault(object, "is marked, but its lines are not"));
            }
        }
        Ok(())
    }

    fn visit_kind(&mut self, object: Ref<AnyObject>, kind: Kind) -> usize {
        let heap = self.heap;
        let parent = Some(object);
        match kind {
            Kind::String => size_of::<Str>() + heap.get(object.cast::<Str>()).length as usize,
            Kind::Table => {
                let table = heap.get(object.cast::<Table>());
                self.reference(Some(table.shape.get()), object);
                self.reference(table.metatable.get(), object);
                self.reference(table.fields.get(), object);
                self.reference(table.array.get(), object);
                self.reference(table.hash.get(), object);
                // For the invariant the storage is a part of the table.
                heap.field_slots(table).iter().for_each(|slot| self.slot(slot, parent));
                if let Some(array) = table.array.get() {
                    let (payloads, tags) = heap.value_array_parts(array);
                    tags.iter().zip(payloads).for_each(|(tag, payload)| self.parts(tag.get(), payload.get(), parent));
                }
                let entries = heap.name_entries(table).iter().chain(heap.entries_of(table));
                for entry in entries.filter(|entry| entry.value_tag.get() != 0) {
                    self.parts(entry.key_tag.get(), entry.key_payload.get(), parent);
                    self.parts(entry.value_tag.get(), entry.value_payload.get(), parent);
                }
                size_of::<Table>()
            }
            Kind::Closure => {
                self.reference(Some(heap.get(object.cast::<Closure>()).prototype), object);
                let cells = heap.upvalue_cells(object.cast());
                cells.iter().for_each(|cell| self.reference(cell.get(), object));
                size_of::<Closure>() + size_of_val(cells)
            }
            Kind::NativeClosure => {
                let values = heap.native_values(object.cast());
                values.iter().for_each(|slot| self.slot(slot, parent));
                size_of::<NativeClosure>() + size_of_val(values)
            }
            Kind::Userdata => {
                let values = heap.user_values(object.cast());
                values.iter().for_each(|slot| self.slot(slot, parent));
                self.reference(heap.get(object.cast::<Userdata>()).metatable.get(), object);
                size_of::<Userdata>() + size_of_val(values)
            }
            Kind::Thread => {
                let thread = heap.get(object.cast::<Thread>());
                self.reference(thread.resumer.get(), object);
                self.reference(thread.numbers.get(), object);
                self.slot(&thread.hook, parent);
                // The slots above the top are not valid: only the live ones are followed.
                let slots = heap.slots(thread.stack.get());
                let live = slots.len().min(thread.top.get() as usize);
                slots[..live].iter().for_each(|slot| self.slot(slot, parent));
                self.reachable.objects += 1;
                self.reachable.bytes += size::slots(slots.len()) as u64;
                size_of::<Thread>()
            }
            Kind::Cell => {
                self.slot(&heap.get(object.cast::<crate::function::VariableCell>()).value, parent);
                size_of::<crate::function::VariableCell>()
            }
            Kind::Prototype => {
                let prototype = heap.get(object.cast::<Prototype>());
                self.reference(Some(prototype.code), object);
                self.reference(Some(prototype.module), object);
                self.reference(Some(prototype.source), object);
                self.reference(prototype.debug, object);
                self.reference(prototype.captures, object);
                self.reference(prototype.feedback.get(), object);
                heap.constants(object.cast()).iter().for_each(|slot| self.slot(slot, parent));
                for site in heap.sites(object.cast()) {
                    self.reference(site.shape.get(), object);
                    self.reference(site.next_shape.get(), object);
                    self.reference(site.other_shape.get(), object);
                    self.reference(site.metatable.get(), object);
                    self.reference(site.holder.get(), object);
                }
                size::prototype(prototype)
            }
            Kind::Shape => {
                let shape = heap.get(object.cast::<Shape>());
                self.reference(shape.parent, object);
                self.reference(shape.key, object);
                self.reference(shape.index.get(), object);
                self.reference(shape.transitions.get(), object);
                size_of::<Shape>()
            }
            Kind::HashPart => {
                for entry in heap.hash_entries(object.cast()) {
                    if entry.value_tag.get() != 0 {
                        self.parts(entry.key_tag.get(), entry.key_payload.get(), None);
                        self.parts(entry.value_tag.get(), entry.value_payload.get(), None);
                    }
                }
                heap.get(object.cast::<HashPart>()).bytes()
            }
            Kind::SlotArray => {
                let slots = heap.slots(object.cast::<SlotArray>());
                slots.iter().for_each(|slot| self.slot(slot, None));
                size::slots(slots.len())
            }
            Kind::ValueArray => {
                let (payloads, tags) = heap.value_array_parts(object.cast::<ValueArray>());
                tags.iter().zip(payloads).for_each(|(tag, payload)| self.parts(tag.get(), payload.get(), None));
                heap.get(object.cast::<ValueArray>()).bytes()
            }
            Kind::RefArray | Kind::Transitions => {
                let references = heap.refs(object.cast());
                references.iter().for_each(|reference| {
                    if let Some(object) = reference.get() {
                        self.open.push((object, None));
                    }
                });
                size::references(references.len())
            }
            Kind::ByteArray => size_of::<ByteArray>() + heap.bytes(object.cast()).len(),
            Kind::TypedFunction => {
                let function = heap.get(object.cast::<TypedFunction>());
                self.reference(Some(function.kind), object);
                self.reference(function.prototype, object);
                self.reference(function.instance, object);
                self.slot(&function.callee, parent);
                size_of::<TypedFunction>()
            }
            Kind::TypedModule => {
                let module = heap.get(object.cast::<TypedModule>());
                self.reference(Some(module.bytes), object);
                self.reference(Some(module.source), object);
                self.reference(Some(module.prototypes), object);
                self.reference(Some(module.types), object);
                size_of::<TypedModule>()
            }
            Kind::TypedPrototype => {
                let prototype = heap.get(object.cast::<TypedPrototype>());
                self.reference(prototype.code.get(), object);
                self.reference(prototype.offsets.get(), object);
                self.reference(prototype.catches.get(), object);
                self.reference(Some(prototype.module), object);
                self.reference(Some(prototype.kind), object);
                size_of::<TypedPrototype>()
            }
            Kind::Instance => {
                let instance = heap.get(object.cast::<Instance>());
                instance.parts().into_iter().for_each(|part| self.reference(Some(part), object));
                self.reference(instance.exports.get(), object);
                let globals = heap.globals(object.cast());
                globals.iter().for_each(|slot| self.slot(slot, parent));
                size_of::<Instance>() + size_of_val(globals)
            }
            Kind::ExceptionTag => {
                self.reference(Some(heap.get(object.cast::<ExceptionTag>()).kind), object);
                size_of::<ExceptionTag>()
            }
            Kind::TypedObject => {
                let typed: Ref<TypedObject> = object.cast();
                self.reference(Some(heap.type_of(typed)), object);
                for place in heap.references(typed) {
                    let (tag, payload) = place.parts();
                    self.parts(tag, payload, parent);
                }
                heap.object_bytes(typed)
            }
            Kind::CanonicalType => {
                let kind: Ref<CanonicalType> = object.cast();
                self.reference(Some(heap.get(kind).group), object);
                let supertypes = heap.supertypes(kind);
                supertypes.iter().for_each(|&supertype| self.reference(Some(supertype), object));
                let (numbers, references) = heap.fields(kind);
                size_of::<CanonicalType>() + 4 * (supertypes.len() + numbers.len() + references.len())
            }
            Kind::LinearMemory => {
                self.reference(Some(heap.get(object.cast::<LinearMemory>()).data.get()), object);
                size_of::<LinearMemory>()
            }
            Kind::MemoryData => size_of::<MemoryData>() + heap.get(object.cast::<MemoryData>()).length.get() as usize,
            Kind::ReferenceTable => {
                self.reference(Some(heap.get(object.cast::<ReferenceTable>()).elements.get()), object);
                size_of::<ReferenceTable>()
            }
            Kind::Global => {
                let global = heap.get(object.cast::<Global>());
                self.reference(global.owner, object);
                global.slots.iter().for_each(|slot| self.slot(slot, parent));
                size_of::<Global>()
            }
        }
    }
}
