//! The numbers of objects: every object that can be reached gets one, in the order in which it is first met.
//!
//! Objects of each kind have numbers of their own, from 1. They are looked through kind by kind: the oldest object of the
//! first kind that has one left, so that the order depends on nothing but what the objects hold.

use super::{
    error::WriteError,
    format::internal,
    places::{Places, Reached},
};
use crate::{
    frame::FRAME_SLOTS,
    machine::{Machine, roots},
};
use alloc::vec::Vec;
use lunette_gc::{
    function::{Closure, NativeClosure, Prototype, VariableCell},
    heap::ROOT_COUNT,
    image::entry_parts,
    object::{AnyObject, Kind},
    reference::{REFERENCE_SCALE, Ref},
    storage::{ByteArray, RefArray, SlotArray},
    string::Str,
    table::{Parts, Shape, Table, shape::FIRST_TABLE_ROOT},
    thread::Thread,
    typed::{
        ExceptionTag, Global, Instance, LinearMemory, ReferenceTable, TypedFunction, TypedModule, TypedObject,
        TypedPrototype,
    },
    userdata::Userdata,
    value::{FIRST_REFERENCE_TAG, Slot, Tag, Value},
};

type Result<T> = core::result::Result<T, WriteError>;

/// The objects of one kind in the order of their numbers, and how many of them were looked through.
pub(super) struct Queue<T> {
    pub objects: Vec<Ref<T>>,
    scanned: usize,
    /// Numbers of objects that have an identity, and those.
    pub identities: Vec<(u32, u64)>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { objects: Vec::new(), scanned: 0, identities: Vec::new() }
    }
}

impl<T> Queue<T> {
    fn next(&mut self) -> Option<Ref<T>> {
        let object = *self.objects.get(self.scanned)?;
        self.scanned += 1;
        Some(object)
    }
}

/// All objects that can be reached.
#[derive(Default)]
pub(super) struct Numbering {
    /// While they are looked for.
    reached: Reached,
    /// When all are found.
    places: Places,
    pub strings: Queue<Str>,
    pub byte_arrays: Queue<ByteArray>,
    pub modules: Queue<RefArray>,
    pub layouts: Queue<Shape>,
    pub cells: Queue<VariableCell>,
    pub closures: Queue<Closure>,
    pub natives: Queue<NativeClosure>,
    pub userdata: Queue<Userdata>,
    pub threads: Queue<Thread>,
    pub tables: Queue<Table>,
    pub typed_functions: Queue<TypedFunction>,
    pub instances: Queue<Instance>,
    pub reference_tables: Queue<ReferenceTable>,
    pub globals: Queue<Global>,
    pub typed_modules: Queue<TypedModule>,
    pub memories: Queue<LinearMemory>,
    pub exception_tags: Queue<ExceptionTag>,
    pub typed_objects: Queue<TypedObject>,
}

/// Numbers of the root slots that an image has: not those that every machine fills by itself, those of the tables, the
/// handles of Rust code, and what belongs to WebAssembly modules.
pub(super) fn image_roots() -> impl Iterator<Item = usize> {
    (0..ROOT_COUNT.min(FIRST_TABLE_ROOT)).filter(|root| !MADE_ANEW.contains(root))
}

const MADE_ANEW: [usize; 5] = [roots::NAMES, roots::METATABLES, roots::HANDLES, roots::TYPES, roots::LOADED_MODULES];

macro_rules! kinds {
    ($($name:ident $queue:ident $type:ty;)*) => {
        $(
            fn $name(&mut self, machine: &Machine, object: Ref<$type>) -> Result<()> {
                if self.reached.insert(object.units())? {
                    let queue = &mut self.$queue;
                    queue.objects.try_reserve(1).map_err(|_| WriteError::Memory)?;
                    queue.objects.push(object);
                    if let Some(identity) = machine.heap.known_identity(object.cast()) {
                        queue.identities.try_reserve(1).map_err(|_| WriteError::Memory)?;
                        queue.identities.push((queue.objects.len() as u32, identity));
                    }
                }
                Ok(())
            }
        )*

        /// Gives the objects their numbers.
        fn number_all(&mut self) -> Result<()> {
            self.places = core::mem::take(&mut self.reached).into_places()?;
            $( self.places.number(&self.$queue.objects); )*
            Ok(())
        }
    };
}

impl Numbering {
    kinds! {
        string strings Str;
        byte_array byte_arrays ByteArray;
        module modules RefArray;
        layout layouts Shape;
        cell cells VariableCell;
        closure closures Closure;
        native natives NativeClosure;
        userdata userdata Userdata;
        thread threads Thread;
        table tables Table;
        typed_function typed_functions TypedFunction;
        instance instances Instance;
        reference_table reference_tables ReferenceTable;
        global globals Global;
        typed_module typed_modules TypedModule;
        memory memories LinearMemory;
        exception_tag exception_tags ExceptionTag;
        typed_object typed_objects TypedObject;
    }

    /// Numbers everything that can be reached.
    pub fn of(machine: &Machine) -> Result<Numbering> {
        let units = machine.heap.touched_bytes() / REFERENCE_SCALE;
        let mut numbering = Numbering { reached: Reached::new(units)?, ..Numbering::default() };
        for root in image_roots() {
            numbering.slot(machine, machine.heap.root(root))?;
        }
        for slot in machine.heap.slots(machine.metatables) {
            numbering.slot(machine, slot)?;
        }
        let (registered, pending) = machine.heap.finalizable_objects();
        for object in registered.into_iter().chain(pending) {
            numbering.finalizable(machine, object)?;
        }
        while numbering.scan_next(machine)? {}
        numbering.number_all()?;
        Ok(numbering)
    }

    fn finalizable(&mut self, machine: &Machine, object: Ref<AnyObject>) -> Result<()> {
        if machine.heap.get(object).header.kind == Kind::Table as u8 {
            self.table(machine, object.cast())
        } else {
            self.userdata(machine, object.cast())
        }
    }

    /// The number of an object, 0 if it has none.
    pub fn number<T>(&self, object: Ref<T>) -> u32 {
        self.places.get(object.units())
    }

    /// The number of an object that may be absent; 0 if it is.
    pub fn optional<T>(&self, object: Option<Ref<T>>) -> u32 {
        object.map_or(0, |object| self.number(object))
    }

    /// A value in the form of an image. What is no value of programs becomes nil.
    #[inline]
    pub fn parts(&self, machine: &Machine, (tag, payload): Parts) -> Parts {
        const NIL: u8 = Tag::Nil as u8;
        const FALSE: u8 = Tag::False as u8;
        const TRUE: u8 = Tag::True as u8;
        const FRAME: u8 = Tag::Frame as u8;
        const DEAD: u8 = Tag::DeadKey as u8;
        const INTERNAL: u8 = Tag::Internal as u8;
        match tag {
            INTERNAL => self.internal_parts(machine, payload),
            FIRST_REFERENCE_TAG.. => match Ref::<AnyObject>::from_units(payload as u32) {
                Some(object) => (tag, self.number(object).into()),
                None => (NIL, 0),
            },
            NIL | FALSE | TRUE => (tag, 0),
            FRAME | DEAD => (NIL, 0),
            _ => (tag, payload),
        }
    }

    fn internal_parts(&self, machine: &Machine, payload: u64) -> Parts {
        let Some(object) = Ref::<AnyObject>::from_units(payload as u32) else { return (Tag::Nil as u8, 0) };
        if let Some(prototype) = prototype_of(machine, object) {
            let prototype = machine.heap.get(prototype);
            let module = u64::from(self.number(prototype.module));
            return (internal::PROTOTYPE, module << 32 | u64::from(prototype.number));
        }
        let kind = machine.heap.get(object).header.kind;
        match INTERNAL_KINDS.iter().find(|&&(own, _)| own as u8 == kind) {
            Some(&(_, tag)) => (tag, self.number(object).into()),
            None => (Tag::Nil as u8, 0),
        }
    }

    #[inline]
    fn slot(&mut self, machine: &Machine, slot: &Slot) -> Result<()> {
        self.meet(machine, (slot.tag.get() as u8, slot.payload.get()))
    }

    #[inline(always)]
    fn meet(&mut self, machine: &Machine, (tag, payload): Parts) -> Result<()> {
        if tag < FIRST_REFERENCE_TAG { Ok(()) } else { self.meet_object(machine, (tag, payload)) }
    }

    fn meet_object(&mut self, machine: &Machine, (tag, payload): Parts) -> Result<()> {
        match Value::from_parts(tag, payload) {
            Value::String(object) => self.string(machine, object),
            Value::Table(object) => self.table(machine, object),
            Value::Closure(object) => self.closure(machine, object),
            Value::NativeClosure(object) => self.native(machine, object),
            Value::Userdata(object) => self.userdata(machine, object),
            Value::Thread(object) => self.thread(machine, object),
            Value::Cell(object) => self.cell(machine, object),
            Value::Bytes(object) => self.byte_array(machine, object),
            Value::TypedFunction(object) => self.typed_function(machine, object),
            Value::TypedObject(object) => self.typed_object(machine, object),
            Value::Internal(object) => self.internal(machine, object),
            _ => Ok(()),
        }
    }

    fn internal(&mut self, machine: &Machine, object: Ref<AnyObject>) -> Result<()> {
        if let Some(prototype) = prototype_of(machine, object) {
            return self.typed_module(machine, machine.heap.get(prototype).module);
        }
        let kind = machine.heap.get(object).header.kind;
        match INTERNAL_KINDS.iter().find(|&&(own, _)| own as u8 == kind).map(|&(kind, _)| kind) {
            Some(Kind::TypedModule) => self.typed_module(machine, object.cast()),
            Some(Kind::Instance) => self.instance(machine, object.cast()),
            Some(Kind::LinearMemory) => self.memory(machine, object.cast()),
            Some(Kind::ReferenceTable) => self.reference_table(machine, object.cast()),
            Some(Kind::Global) => self.global(machine, object.cast()),
            Some(Kind::ExceptionTag) => self.exception_tag(machine, object.cast()),
            _ => Ok(()),
        }
    }

    fn slots(&mut self, machine: &Machine, slots: &[Slot]) -> Result<()> {
        slots.iter().try_for_each(|slot| self.slot(machine, slot))
    }

    /// Looks through the next object; `false` if there is none.
    fn scan_next(&mut self, machine: &Machine) -> Result<bool> {
        let heap = &machine.heap;
        if let Some(table) = self.tables.next() {
            self.scan_table(machine, table)?;
        } else if let Some(closure) = self.closures.next() {
            self.module(machine, heap.get(heap.get(closure).prototype).module)?;
            for cell in heap.upvalue_cells(closure).iter().filter_map(|cell| cell.get()) {
                self.cell(machine, cell)?;
            }
        } else if let Some(cell) = self.cells.next() {
            self.slot(machine, &heap.get(cell).value)?;
        } else if let Some(native) = self.natives.next() {
            self.slots(machine, heap.native_values(native))?;
        } else if let Some(userdata) = self.userdata.next() {
            if let Some(metatable) = heap.get(userdata).metatable.get() {
                self.table(machine, metatable)?;
            }
            self.slots(machine, heap.user_values(userdata))?;
        } else if let Some(thread) = self.threads.next() {
            let object = heap.get(thread);
            if let Some(resumer) = object.resumer.get() {
                self.thread(machine, resumer)?;
            }
            self.slot(machine, &object.hook)?;
            self.slots(machine, live_stack(machine, thread))?;
        } else if let Some(module) = self.modules.next() {
            self.scan_module(machine, module)?;
        } else if let Some(layout) = self.layouts.next() {
            let mut keys = Vec::new();
            heap.shape_keys(layout, &mut keys);
            keys.into_iter().try_for_each(|key| self.string(machine, key))?;
        } else {
            return self.scan_next_typed(machine);
        }
        Ok(true)
    }

    /// Looks through the next object that belongs to WebAssembly; `false` if there is none.
    fn scan_next_typed(&mut self, machine: &Machine) -> Result<bool> {
        let heap = &machine.heap;
        if let Some(function) = self.typed_functions.next() {
            let object = heap.get(function);
            match object.instance {
                Some(instance) => self.instance(machine, instance)?,
                None => self.slot(machine, &object.callee)?,
            }
        } else if let Some(instance) = self.instances.next() {
            self.scan_instance(machine, instance)?;
        } else if let Some(table) = self.reference_tables.next() {
            self.slots(machine, reference_table_elements(machine, table))?;
        } else if let Some(global) = self.globals.next() {
            let object = heap.get(global);
            match object.owner {
                Some(owner) => self.instance(machine, owner)?,
                None => self.slots(machine, &object.slots)?,
            }
        } else if let Some(object) = self.typed_objects.next() {
            heap.references(object).try_for_each(|place| self.meet(machine, heap.reference(place).to_parts()))?;
        } else if let Some(module) = self.typed_modules.next() {
            self.string(machine, heap.get(module).source)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn scan_instance(&mut self, machine: &Machine, instance: Ref<Instance>) -> Result<()> {
        let heap = &machine.heap;
        let object = heap.get(instance);
        self.typed_module(machine, object.module)?;
        for function in objects(machine, object.functions) {
            self.typed_function(machine, function)?;
        }
        for memory in objects(machine, object.memories) {
            self.memory(machine, memory)?;
        }
        for table in objects(machine, object.tables) {
            self.reference_table(machine, table)?;
        }
        for tag in objects(machine, object.tags) {
            self.exception_tag(machine, tag)?;
        }
        for global in objects(machine, object.imported_globals) {
            self.global(machine, global)?;
        }
        for segment in objects::<SlotArray>(machine, object.elements) {
            self.slots(machine, heap.slots(segment))?;
        }
        if let Some(exports) = object.exports.get() {
            self.table(machine, exports)?;
        }
        self.slots(machine, heap.globals(instance))
    }

    fn scan_table(&mut self, machine: &Machine, table: Ref<Table>) -> Result<()> {
        let heap = &machine.heap;
        let object = heap.get(table);
        if let Some(metatable) = object.metatable.get() {
            self.table(machine, metatable)?;
        }
        if heap.is_dictionary(object.shape.get()) {
            for entry in heap.short_key_entries(table) {
                let (key, value) = entry_parts(entry);
                self.meet(machine, key)?;
                self.meet(machine, value)?;
            }
        } else if heap.get(object.shape.get()).count > 0 {
            self.layout(machine, object.shape.get())?;
            self.slots(machine, heap.field_slots(object))?;
        }
        let (payloads, tags) = heap.array_slices(table);
        if tags.iter().fold(0, |all, tag| all | tag.get()) >= FIRST_REFERENCE_TAG {
            for (payload, tag) in payloads.iter().zip(tags) {
                self.meet(machine, (tag.get(), payload.get()))?;
            }
        }
        if let Some(hash) = object.hash.get() {
            for entry in heap.hash_entries(hash) {
                let (key, value) = entry_parts(entry);
                // The key of a removed entry is in the image only if it can be reached otherwise.
                if value.0 != Tag::Nil as u8 {
                    self.meet(machine, key)?;
                    self.meet(machine, value)?;
                }
            }
        }
        Ok(())
    }

    fn scan_module(&mut self, machine: &Machine, module: Ref<RefArray>) -> Result<()> {
        let heap = &machine.heap;
        let functions = heap.refs(module).iter().filter_map(|function| function.get());
        for (number, function) in functions.enumerate() {
            let function: Ref<Prototype> = function.cast();
            if number == 0 {
                self.string(machine, heap.get(function).source)?;
            }
            self.slots(machine, heap.constants(function))?;
        }
        Ok(())
    }
}

/// What slots refer to by the tag of what is internal, with its tag in an image. References to prototypes have another form.
const INTERNAL_KINDS: [(Kind, u8); 6] = [
    (Kind::TypedModule, internal::MODULE),
    (Kind::Instance, internal::INSTANCE),
    (Kind::LinearMemory, internal::MEMORY),
    (Kind::ReferenceTable, internal::TABLE),
    (Kind::Global, internal::GLOBAL),
    (Kind::ExceptionTag, internal::EXCEPTION_TAG),
];

fn prototype_of(machine: &Machine, object: Ref<AnyObject>) -> Option<Ref<TypedPrototype>> {
    let kind = machine.heap.get(object).header.kind;
    (kind == Kind::TypedPrototype as u8).then(|| object.cast())
}

/// The objects of an array of references, without the places where there is none.
fn objects<T>(machine: &Machine, array: Ref<RefArray>) -> impl Iterator<Item = Ref<T>> {
    machine.heap.refs(array).iter().filter_map(|place| place.get().map(Ref::cast))
}

/// The elements of a table of references.
pub(super) fn reference_table_elements(machine: &Machine, table: Ref<ReferenceTable>) -> &[Slot] {
    let object = machine.heap.get(table);
    &machine.heap.slots(object.elements.get())[..object.length.get() as usize]
}

/// The slots of a thread's stack that are in use.
pub(super) fn live_stack(machine: &Machine, thread: Ref<Thread>) -> &[Slot] {
    let object = machine.heap.get(thread);
    let slots = machine.heap.slots(object.stack.get());
    &slots[..slots.len().min(object.top.get().max(FRAME_SLOTS) as usize)]
}
