//! Making and reading the objects of WebAssembly.

use crate::{
    heap::{Heap, OutOfMemory},
    object::{Header, Kind, Object},
    reference::Ref,
    storage::RefArray,
    typed::{
        CanonicalType, ExceptionTag, Global, Instance, ReferenceTable, TypedFunction, TypedModule, TypedPrototype,
    },
    value::{Slot, Tag},
};
use core::cell::Cell;

/// A slot for a global that is a number, or for nothing.
const fn number_slot() -> Slot {
    Slot { payload: Cell::new(0), tag: Cell::new(Tag::Integer as u32), spare: Cell::new(0) }
}

impl Heap {
    pub(crate) fn make<T: Object>(&self, value: T) -> Result<Ref<T>, OutOfMemory> {
        let object = self.allocate::<T>(size_of::<T>(), 0)?;
        // SAFETY: just allocated.
        unsafe {
            object.pointer(self.base()).write(value);
            object.pointer(self.base()).cast::<Header>().write(Header::new(T::KIND, 0));
        }
        Ok(object)
    }

    /// A module.
    pub fn new_typed_module(&self, module: TypedModule) -> Result<Ref<TypedModule>, OutOfMemory> {
        self.make(module)
    }

    /// A function of a module.
    pub fn new_typed_prototype(&self, prototype: TypedPrototype) -> Result<Ref<TypedPrototype>, OutOfMemory> {
        self.make(prototype)
    }

    /// A reference to a function.
    pub fn new_typed_function(&self, function: TypedFunction) -> Result<Ref<TypedFunction>, OutOfMemory> {
        self.make(function)
    }

    /// A table of references.
    pub fn new_reference_table(&self, table: ReferenceTable) -> Result<Ref<ReferenceTable>, OutOfMemory> {
        self.make(table)
    }

    /// A tag of exceptions.
    pub fn new_exception_tag(&self, kind: Ref<CanonicalType>) -> Result<Ref<ExceptionTag>, OutOfMemory> {
        self.make(ExceptionTag { header: Header::new(Kind::ExceptionTag, 0), kind, padding: 0 })
    }

    /// A global as others than its instance see it. Its value is 0.
    pub fn new_global(
        &self,
        owner: Option<(Ref<Instance>, u32)>,
        value_type: u64,
        is_mutable: bool,
    ) -> Result<Ref<Global>, OutOfMemory> {
        self.make(Global {
            header: Header::new(Kind::Global, 0),
            owner: owner.map(|(instance, _)| instance),
            index: owner.map_or(0, |(_, index)| index),
            value_type,
            is_mutable: is_mutable.into(),
            padding: 0,
            slots: [number_slot(), number_slot()],
        })
    }

    /// An instance like `template`, whose globals are 0.
    pub fn new_instance(&self, template: Instance) -> Result<Ref<Instance>, OutOfMemory> {
        let globals = 2 * template.global_count as usize;
        let instance = self.allocate::<Instance>(size_of::<Instance>() + globals * size_of::<Slot>(), 0)?;
        // SAFETY: just allocated; the slots follow the fixed part.
        unsafe {
            instance.pointer(self.base()).write(template);
            instance.pointer(self.base()).cast::<Header>().write(Header::new(Kind::Instance, 0));
            let slots: *mut Slot = self.content(instance);
            for number in 0..globals {
                slots.add(number).write(number_slot());
            }
        }
        Ok(instance)
    }

    /// The slots of an instance's globals, two each.
    pub fn globals(&self, instance: Ref<Instance>) -> &[Slot] {
        let count = 2 * self.get(instance).global_count as usize;
        // SAFETY: the slots follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(instance), count) }
    }

    /// The slots of a global's value.
    pub fn global_slots(&self, global: Ref<Global>) -> &[Slot] {
        let global = self.get(global);
        match global.owner {
            Some(instance) => &self.globals(instance)[2 * global.index as usize..][..2],
            None => &global.slots,
        }
    }

    /// Element `index` of an array of references to objects of one kind.
    pub fn reference_at<T: Object>(&self, array: Ref<RefArray>, index: u32) -> Option<Ref<T>> {
        self.refs(array).get(index as usize)?.get().map(Ref::cast)
    }
}
