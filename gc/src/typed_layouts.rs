//! Making and reading the objects of WebAssembly.

use crate::{
    heap::{Heap, OutOfMemory},
    object::{Header, Kind, Object},
    reference::{REFERENCE_SCALE, Ref},
    region::BLOCK_BYTES,
    storage::RefArray,
    typed::{
        CanonicalType, ExceptionTag, Global, Instance, LinearMemory, MemoryData, ReferenceTable, TypedFunction,
        TypedModule, TypedPrototype,
    },
    value::{Slot, Tag},
};
use core::cell::Cell;

/// From how many bytes on memory that was used before is given back and taken anew instead of being overwritten.
const RELEASED_BYTES: usize = 1 << 20;

/// A slot for a global that is a number, or for nothing.
const fn number_slot() -> Slot {
    Slot { payload: Cell::new(0), tag: Cell::new(Tag::Integer as u32), spare: Cell::new(0) }
}

impl Heap {
    fn make<T: Object>(&self, value: T) -> Result<Ref<T>, OutOfMemory> {
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

/// Linear memories.
impl Heap {
    /// A linear memory of zeros, as `template` describes it but for its bytes.
    pub fn new_linear_memory(
        &self,
        pages: u64,
        maximum: Option<u64>,
        page_shift: u32,
        is_64: bool,
    ) -> Result<Ref<LinearMemory>, OutOfMemory> {
        let failure = OutOfMemory { requested: usize::MAX };
        let bytes = pages.checked_shl(page_shift).filter(|bytes| bytes >> page_shift == pages).ok_or(failure)?;
        let data = self.new_memory_data(usize::try_from(bytes).map_err(|_| failure)?)?;
        self.make(LinearMemory {
            header: Header::new(Kind::LinearMemory, 0),
            data: Cell::new(data),
            is_64: is_64.into(),
            pages: Cell::new(pages),
            maximum: maximum.unwrap_or(u64::MAX),
            has_maximum: maximum.is_some().into(),
            page_shift,
        })
    }

    fn new_memory_data(&self, length: usize) -> Result<Ref<MemoryData>, OutOfMemory> {
        let failure = OutOfMemory { requested: length };
        let bytes = length.checked_add(size_of::<MemoryData>()).ok_or(failure)?;
        if bytes as u64 > self.header().block_count.get() as u64 * BLOCK_BYTES as u64 {
            return Err(failure);
        }
        let frontier = self.header().frontier.get();
        let data = self.allocate::<MemoryData>(bytes, 0)?;
        self.get(data).length.set(length as u64);
        let start = data.units() as usize * REFERENCE_SCALE;
        self.zero(start + size_of::<MemoryData>(), start + bytes, frontier);
        Ok(data)
    }

    /// Makes bytes zero, of which those in blocks from `frontier` on were never used.
    pub(crate) fn zero(&self, start: usize, end: usize, frontier: u32) {
        let end = end.min(frontier as usize * BLOCK_BYTES);
        if start >= end {
            return;
        }
        let (first, last) = (start.next_multiple_of(BLOCK_BYTES), end / BLOCK_BYTES * BLOCK_BYTES);
        let clear = |start: usize, end: usize| {
            // SAFETY: the range lies in an object that was just allocated or lengthened.
            unsafe { self.base().add(start).write_bytes(0, end - start) };
        };
        if first + RELEASED_BYTES <= last {
            clear(start, first);
            self.release_pages((first / BLOCK_BYTES) as u32, ((last - first) / BLOCK_BYTES) as u32);
            clear(last, end);
        } else {
            clear(start, end);
        }
    }

    /// Lengthens a linear memory by `pages` pages of zeros. It may move.
    pub fn grow_linear_memory(&self, memory: Ref<LinearMemory>, pages: u64) -> Result<(), OutOfMemory> {
        let object = self.get(memory);
        let failure = OutOfMemory { requested: usize::MAX };
        let total = object.pages.get().checked_add(pages).ok_or(failure)?;
        let shift = object.page_shift;
        let length = total.checked_shl(shift).filter(|bytes| bytes >> shift == total).ok_or(failure)? as usize;
        let old = object.data.get();
        let old_length = self.get(old).length.get() as usize;
        let bytes = |length: usize| size_of::<MemoryData>().saturating_add(length);
        if bytes(length) as u64 > self.header().block_count.get() as u64 * BLOCK_BYTES as u64 {
            return Err(failure);
        }
        let frontier = self.header().frontier.get();
        if self.extend(old, bytes(old_length), bytes(length)) {
            let start = old.units() as usize * REFERENCE_SCALE;
            self.get(old).length.set(length as u64);
            self.zero(start + bytes(old_length), start + bytes(length), frontier);
        } else {
            let new = self.new_memory_data(length)?;
            // SAFETY: both are as long at least, and apart.
            unsafe {
                let (from, to) = (self.content::<_, u8>(old), self.content::<_, u8>(new));
                core::ptr::copy_nonoverlapping(from, to, old_length);
            }
            object.data.set(new);
            self.barrier(memory);
            self.discard(old, bytes(old_length));
        }
        object.pages.set(total);
        Ok(())
    }

    /// The bytes of a linear memory.
    pub fn memory_bytes(&self, memory: Ref<LinearMemory>) -> &[Cell<u8>] {
        let data = self.get(memory).data.get();
        // SAFETY: the bytes follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(data), self.get(data).length.get() as usize) }
    }

    /// The address of byte 0 of a linear memory; the 8 bytes before it are its length.
    #[inline(always)]
    pub fn memory_base(&self, memory: Ref<LinearMemory>) -> *mut u8 {
        self.content(self.get(memory).data.get())
    }

    /// Copies bytes into a linear memory; `false`, and nothing is written, if they do not lie within it.
    pub fn write_memory(&self, memory: Ref<LinearMemory>, address: u64, bytes: &[u8]) -> bool {
        let length = self.get(self.get(memory).data.get()).length.get();
        if address.checked_add(bytes.len() as u64).is_none_or(|end| end > length) {
            return false;
        }
        // SAFETY: in range of the memory; the bytes are not part of it, or nobody could have borrowed them as such.
        unsafe { core::ptr::copy(bytes.as_ptr(), self.memory_base(memory).add(address as usize), bytes.len()) };
        true
    }

    /// Copies bytes out of a linear memory; `false` if they do not lie within it.
    pub fn read_memory(&self, memory: Ref<LinearMemory>, address: u64, buffer: &mut [u8]) -> bool {
        let length = self.get(self.get(memory).data.get()).length.get();
        if address.checked_add(buffer.len() as u64).is_none_or(|end| end > length) {
            return false;
        }
        // SAFETY: in range of the memory, which the buffer is not part of.
        unsafe {
            let source = self.memory_base(memory).add(address as usize);
            core::ptr::copy_nonoverlapping(source, buffer.as_mut_ptr(), buffer.len());
        }
        true
    }

    /// Copies `count` bytes from one place of linear memories to another; `false` if they do not lie within them.
    pub fn copy_memory(&self, target: (Ref<LinearMemory>, u64), source: (Ref<LinearMemory>, u64), count: u64) -> bool {
        let fits = |(memory, address): (Ref<LinearMemory>, u64)| {
            address.checked_add(count).is_some_and(|end| end <= self.get(self.get(memory).data.get()).length.get())
        };
        if !fits(target) || !fits(source) {
            return false;
        }
        // SAFETY: in range of both memories, which may be the same.
        unsafe {
            let from = self.memory_base(source.0).add(source.1 as usize);
            core::ptr::copy(from, self.memory_base(target.0).add(target.1 as usize), count as usize);
        }
        true
    }

    /// Sets `count` bytes of a linear memory; `false` if they do not lie within it.
    pub fn fill_memory(&self, memory: Ref<LinearMemory>, address: u64, byte: u8, count: u64) -> bool {
        let length = self.get(self.get(memory).data.get()).length.get();
        if address.checked_add(count).is_none_or(|end| end > length) {
            return false;
        }
        // SAFETY: in range of the memory.
        unsafe { self.memory_base(memory).add(address as usize).write_bytes(byte, count as usize) };
        true
    }
}
