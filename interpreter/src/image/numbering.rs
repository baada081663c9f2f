//! The numbers of objects: every object that can be reached gets one, in the order in which it is first met.
//!
//! Objects of each kind have numbers of their own, from 1. They are looked through kind by kind: the oldest object of the
//! first kind that has one left, so that the order depends on nothing but what the objects hold.

use super::error::WriteError;
use crate::{
    frame::FRAME_SLOTS,
    machine::{Machine, roots},
};
use alloc::{boxed::Box, vec::Vec};
use lunette_gc::{
    function::{Closure, NativeClosure, Prototype, VariableCell},
    heap::ROOT_COUNT,
    image::entry_parts,
    object::AnyObject,
    reference::Ref,
    storage::{ByteArray, RefArray},
    string::Str,
    table::{Parts, Shape, Table, shape::FIRST_TABLE_ROOT},
    thread::Thread,
    userdata::Userdata,
    value::{FIRST_REFERENCE_TAG, Slot, Tag, Value},
};

type Result<T> = core::result::Result<T, WriteError>;

/// Units of references that one page of numbers is for.
const PAGE: usize = 1 << 12;

/// The numbers by the place of the object, in pages that are made when there is something in them.
#[derive(Default)]
struct Places(Vec<Option<Box<[u32]>>>);

impl Places {
    fn get(&self, units: u32) -> u32 {
        let page = self.0.get(units as usize / PAGE).and_then(Option::as_deref);
        page.map_or(0, |page| page[units as usize % PAGE])
    }

    /// The number's place.
    #[inline]
    fn place(&mut self, units: u32) -> Result<&mut u32> {
        let page = units as usize / PAGE;
        if page >= self.0.len() {
            self.0.try_reserve(page + 1 - self.0.len()).map_err(|_| WriteError::Memory)?;
            self.0.resize_with(page + 1, || None);
        }
        let entry = &mut self.0[page];
        if entry.is_none() {
            *entry = Some(new_page()?);
        }
        match entry {
            Some(page) => Ok(&mut page[units as usize % PAGE]),
            None => Err(WriteError::Memory),
        }
    }
}

#[cold]
fn new_page() -> Result<Box<[u32]>> {
    let mut page = Vec::new();
    page.try_reserve_exact(PAGE).map_err(|_| WriteError::Memory)?;
    page.resize(PAGE, 0);
    Ok(page.into_boxed_slice())
}

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
}

/// Numbers of the root slots that an image has: not those that every machine fills by itself, those of the tables, the
/// handles of Rust code, and the types, which are made anew with modules.
pub(super) fn image_roots() -> impl Iterator<Item = usize> {
    (0..ROOT_COUNT.min(FIRST_TABLE_ROOT))
        .filter(|root| ![roots::NAMES, roots::METATABLES, roots::HANDLES, roots::TYPES].contains(root))
}

macro_rules! meet {
    ($($name:ident $queue:ident $type:ty;)*) => { $(
        fn $name(&mut self, machine: &Machine, object: Ref<$type>) -> Result<()> {
            let place = self.places.place(object.units())?;
            if *place == 0 {
                let queue = &mut self.$queue;
                let number = queue.objects.len() as u32 + 1;
                *place = number;
                queue.objects.try_reserve(1).map_err(|_| WriteError::Memory)?;
                queue.objects.push(object);
                if let Some(identity) = machine.heap.known_identity(object.cast()) {
                    queue.identities.try_reserve(1).map_err(|_| WriteError::Memory)?;
                    queue.identities.push((number, identity));
                }
            }
            Ok(())
        }
    )* };
}

impl Numbering {
    meet! {
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
    }

    /// Numbers everything that can be reached.
    pub fn of(machine: &Machine) -> Result<Numbering> {
        let mut numbering = Numbering::default();
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
        Ok(numbering)
    }

    fn finalizable(&mut self, machine: &Machine, object: Ref<AnyObject>) -> Result<()> {
        if machine.heap.get(object).header.kind == lunette_gc::object::Kind::Table as u8 {
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
    pub fn parts(&self, (tag, payload): Parts) -> Parts {
        const NIL: u8 = Tag::Nil as u8;
        const FALSE: u8 = Tag::False as u8;
        const TRUE: u8 = Tag::True as u8;
        const FRAME: u8 = Tag::Frame as u8;
        const DEAD: u8 = Tag::DeadKey as u8;
        match tag {
            FIRST_REFERENCE_TAG.. => match Ref::<AnyObject>::from_units(payload as u32) {
                Some(object) => (tag, self.number(object).into()),
                None => (NIL, 0),
            },
            NIL | FALSE | TRUE => (tag, 0),
            FRAME | DEAD => (NIL, 0),
            _ => (tag, payload),
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
            Value::TypedFunction(_) | Value::TypedObject(_) | Value::Internal(_) => Err(WriteError::WebAssembly),
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
            return Ok(false);
        }
        Ok(true)
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

/// The slots of a thread's stack that are in use.
pub(super) fn live_stack(machine: &Machine, thread: Ref<Thread>) -> &[Slot] {
    let object = machine.heap.get(thread);
    let slots = machine.heap.slots(object.stack.get());
    &slots[..slots.len().min(object.top.get().max(FRAME_SLOTS) as usize)]
}
