//! The heap: the region, its root slots, allocation of every layout, and access to objects.

use crate::{
    function::{Closure, NativeClosure, Prototype, Site, VariableCell},
    object::{AnyObject, Header, Kind, Object},
    pages::Pages,
    reference::{REFERENCE_SCALE, Ref},
    storage::{ByteArray, RefArray, SlotArray, ValueArray},
    string::Str,
    userdata::Userdata,
    value::{Slot, Tag, Value},
};
use alloc::boxed::Box;
use core::{cell::Cell, ptr::NonNull};

/// The number of root slots.
pub const ROOT_COUNT: usize = 64;

/// The instance's memory limit does not allow what was asked for, even after a collection if there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not enough memory")]
pub struct OutOfMemory {
    /// The bytes that were asked for.
    pub requested: usize,
}

/// The first bytes of the region: all of the heap's own state.
#[repr(C)]
struct RegionHeader {
    roots: [Slot; ROOT_COUNT],
    cursor: Cell<u64>,
}

/// The heap of an instance.
pub struct Heap {
    base: NonNull<u8>,
    bytes: usize,
    pages: Box<dyn Pages + Send>,
}

// SAFETY: the heap owns its region; nothing in it is shared with other threads.
unsafe impl Send for Heap {}

impl Heap {
    /// Makes an empty heap in a region of `bytes` bytes.
    pub fn new(pages: Box<dyn Pages + Send>, bytes: usize) -> Result<Heap, OutOfMemory> {
        let base = pages.reserve(bytes).ok_or(OutOfMemory { requested: bytes })?;
        let heap = Heap { base, bytes, pages };
        heap.header().cursor.set(size_of::<RegionHeader>() as u64);
        Ok(heap)
    }

    fn header(&self) -> &RegionHeader {
        // SAFETY: the region begins with its header, and zeroed memory is a valid one.
        unsafe { self.base.cast::<RegionHeader>().as_ref() }
    }

    /// The region's base address.
    #[inline(always)]
    pub fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// A root slot: the collector keeps what it refers to. Their meaning is the machine's.
    pub fn root(&self, number: usize) -> &Slot {
        &self.header().roots[number]
    }

    /// The object of a reference.
    #[inline(always)]
    pub fn get<T>(&self, object: Ref<T>) -> &T {
        // SAFETY: references to live objects of this region are the only ones there are (see `Ref`).
        unsafe { &*object.pointer(self.base()) }
    }

    /// Takes `bytes` zeroed or reused bytes for an object and writes its header.
    fn allocate<T: Object>(&self, bytes: usize, low: u32) -> Result<Ref<T>, OutOfMemory> {
        let bytes = bytes.next_multiple_of(REFERENCE_SCALE);
        let start = self.header().cursor.get() as usize;
        if bytes > self.bytes - start {
            return Err(OutOfMemory { requested: bytes });
        }
        self.header().cursor.set((start + bytes) as u64);
        let object = Ref::<T>::from_units((start / REFERENCE_SCALE) as u32).ok_or(OutOfMemory { requested: bytes })?;
        let header = Header {
            kind: T::KIND as u8,
            gc: Cell::new(0),
            flags: Cell::new(0),
            identity_high: Cell::new(0),
            low: Cell::new(low),
        };
        // SAFETY: the range was just taken from the region.
        unsafe { object.pointer(self.base()).cast::<Header>().write(header) };
        Ok(object)
    }

    /// Must be called after a reference was written into the object (not for threads' stacks).
    #[inline(always)]
    pub fn barrier<T: Object>(&self, parent: Ref<T>) {
        let header = &self.get(parent.cast::<AnyObject>()).header;
        if header.gc.get() & Header::BARRIER != 0 {
            self.barrier_slow(parent.cast());
        }
    }

    #[cold]
    fn barrier_slow(&self, _parent: Ref<AnyObject>) {}

    /// Whether a collection step is due at the next safepoint.
    #[inline(always)]
    pub fn needs_collection(&self) -> bool {
        false
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: the region is ours and nothing can refer into it any more.
        unsafe { self.pages.unreserve(self.base, self.bytes) };
    }
}

/// Storage and its elements.
impl Heap {
    /// An array of `length` nil slots.
    pub fn new_slot_array(&self, length: u32) -> Result<Ref<SlotArray>, OutOfMemory> {
        let array = self.allocate::<SlotArray>(8 + 16 * length as usize, length)?;
        for slot in self.slots(array) {
            slot.set(Value::Nil);
            slot.spare.set(0);
        }
        Ok(array)
    }

    /// The slots of an array.
    #[inline(always)]
    pub fn slots(&self, array: Ref<SlotArray>) -> &[Slot] {
        let header = self.get(array);
        // SAFETY: the slots follow the header.
        unsafe {
            core::slice::from_raw_parts(core::ptr::from_ref(header).add(1).cast::<Slot>(), header.length() as usize)
        }
    }

    /// An array of `capacity` nil values, split into payloads and tags.
    pub fn new_value_array(&self, capacity: u32) -> Result<Ref<ValueArray>, OutOfMemory> {
        let array = self.allocate::<ValueArray>(8 + 9 * capacity as usize, capacity)?;
        for tag in self.value_array_parts(array).1 {
            tag.set(Tag::Nil as u8);
        }
        Ok(array)
    }

    /// Payloads and tags of a value array.
    #[inline(always)]
    pub fn value_array_parts(&self, array: Ref<ValueArray>) -> (&[Cell<u64>], &[Cell<u8>]) {
        let header = self.get(array);
        let length = header.length() as usize;
        // SAFETY: the payloads follow the header, the tags follow them.
        unsafe {
            let payloads = core::ptr::from_ref(header).add(1).cast::<Cell<u64>>();
            (
                core::slice::from_raw_parts(payloads, length),
                core::slice::from_raw_parts(payloads.add(length).cast::<Cell<u8>>(), length),
            )
        }
    }

    /// An array of `length` absent references.
    pub fn new_ref_array(&self, length: u32) -> Result<Ref<RefArray>, OutOfMemory> {
        let array = self.allocate::<RefArray>(8 + 4 * length as usize, length)?;
        for reference in self.refs(array) {
            reference.set(None);
        }
        Ok(array)
    }

    /// The references of an array.
    #[inline(always)]
    pub fn refs(&self, array: Ref<RefArray>) -> &[Cell<Option<Ref<AnyObject>>>] {
        let header = self.get(array);
        // SAFETY: the references follow the header.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(header).add(1).cast(), header.length() as usize) }
    }

    /// An array of bytes.
    pub fn new_byte_array(&self, bytes: &[u8]) -> Result<Ref<ByteArray>, OutOfMemory> {
        let length = u32::try_from(bytes.len()).map_err(|_| OutOfMemory { requested: bytes.len() })?;
        let array = self.allocate::<ByteArray>(8 + bytes.len(), length)?;
        // SAFETY: the bytes follow the header and were just allocated.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), array.pointer(self.base()).cast::<u8>().add(8), bytes.len());
        }
        Ok(array)
    }

    /// The bytes of an array.
    pub fn bytes(&self, array: Ref<ByteArray>) -> &[u8] {
        let header = self.get(array);
        // SAFETY: the bytes follow the header.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(header).add(1).cast(), header.length() as usize) }
    }
}

/// Strings.
impl Heap {
    /// A string of these bytes; interned if it is short.
    pub fn new_string(&self, bytes: &[u8]) -> Result<Ref<Str>, OutOfMemory> {
        let length = u32::try_from(bytes.len()).map_err(|_| OutOfMemory { requested: bytes.len() })?;
        let string = self.allocate::<Str>(size_of::<Str>() + bytes.len(), 0)?;
        // SAFETY: just allocated; the bytes follow the fixed part.
        unsafe {
            let pointer = string.pointer(self.base());
            (*pointer).hash = 0;
            (*pointer).length = length;
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), pointer.add(1).cast::<u8>(), bytes.len());
        }
        Ok(string)
    }

    /// The bytes of a string.
    #[inline(always)]
    pub fn string_bytes(&self, string: Ref<Str>) -> &[u8] {
        let object = self.get(string);
        // SAFETY: the bytes follow the fixed part.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(object).add(1).cast(), object.length as usize) }
    }
}

/// Functions and userdata.
impl Heap {
    /// A cell holding `value`.
    pub fn new_cell(&self, value: Value) -> Result<Ref<VariableCell>, OutOfMemory> {
        let cell = self.allocate::<VariableCell>(size_of::<VariableCell>(), 0)?;
        let slot = &self.get(cell).value;
        slot.spare.set(0);
        slot.set(value);
        Ok(cell)
    }

    /// A Lua closure whose upvalues are still to be set with [`Heap::set_upvalue_cell`] before the next safepoint.
    pub fn new_closure(&self, prototype: Ref<Prototype>, upvalue_count: u32) -> Result<Ref<Closure>, OutOfMemory> {
        let closure = self.allocate::<Closure>(size_of::<Closure>() + 4 * upvalue_count as usize, 0)?;
        // SAFETY: just allocated.
        unsafe {
            let pointer = closure.pointer(self.base());
            (*pointer).prototype = prototype;
            (*pointer).upvalue_count = upvalue_count;
        }
        for cell in self.upvalue_cells(closure) {
            cell.set(None);
        }
        Ok(closure)
    }

    /// The cells of a closure's upvalues.
    #[inline(always)]
    pub fn upvalue_cells(&self, closure: Ref<Closure>) -> &[Cell<Option<Ref<VariableCell>>>] {
        let object = self.get(closure);
        // SAFETY: the references follow the fixed part.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(object).add(1).cast(), object.upvalue_count as usize) }
    }

    /// A native closure with `value_count` nil values.
    pub fn new_native_closure(&self, native: u32, value_count: u32) -> Result<Ref<NativeClosure>, OutOfMemory> {
        let closure = self.allocate::<NativeClosure>(size_of::<NativeClosure>() + 16 * value_count as usize, 0)?;
        // SAFETY: just allocated.
        unsafe {
            let pointer = closure.pointer(self.base());
            (*pointer).native = native;
            (*pointer).value_count = value_count;
        }
        for slot in self.native_values(closure) {
            slot.spare.set(0);
            slot.set(Value::Nil);
        }
        Ok(closure)
    }

    /// The values of a native closure.
    pub fn native_values(&self, closure: Ref<NativeClosure>) -> &[Slot] {
        let object = self.get(closure);
        // SAFETY: the slots follow the fixed part.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(object).add(1).cast(), object.value_count as usize) }
    }

    /// A userdata with `value_count` nil user values.
    pub fn new_userdata(&self, handle: u64, value_count: u32) -> Result<Ref<Userdata>, OutOfMemory> {
        let userdata = self.allocate::<Userdata>(size_of::<Userdata>() + 16 * value_count as usize, 0)?;
        // SAFETY: just allocated.
        unsafe {
            let pointer = userdata.pointer(self.base());
            (*pointer).handle = Cell::new(handle);
            (*pointer).metatable = Cell::new(None);
            (*pointer).value_count = value_count;
        }
        for slot in self.user_values(userdata) {
            slot.spare.set(0);
            slot.set(Value::Nil);
        }
        Ok(userdata)
    }

    /// The user values of a userdata.
    pub fn user_values(&self, userdata: Ref<Userdata>) -> &[Slot] {
        let object = self.get(userdata);
        // SAFETY: the slots follow the fixed part.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(object).add(1).cast(), object.value_count as usize) }
    }
}

/// Prototypes.
impl Heap {
    /// A prototype like `template` (whose counts are set) with empty sites of these keys and nil constants.
    pub fn new_prototype(&self, template: Prototype, site_keys: &[u32]) -> Result<Ref<Prototype>, OutOfMemory> {
        let before = size_of::<Site>() * template.site_count as usize;
        let after = size_of::<Prototype>() + 16 * template.constant_count as usize;
        let start = self.allocate::<Prototype>(before + after, 0)?;
        let prototype = Ref::from_units(start.units() + (before / REFERENCE_SCALE) as u32).unwrap_or(start);
        // SAFETY: all of it lies in what was just allocated.
        unsafe {
            let pointer: *mut Prototype = prototype.pointer(self.base());
            pointer.write(template);
            (*pointer).header = Header {
                kind: Kind::Prototype as u8,
                gc: Cell::new(0),
                flags: Cell::new(0),
                identity_high: Cell::new(0),
                low: Cell::new(0),
            };
            for (number, &key) in site_keys.iter().enumerate() {
                pointer.cast::<Site>().sub(number + 1).write(Site {
                    shape: Cell::new(None),
                    metatable: Cell::new(None),
                    holder: Cell::new(None),
                    offset: Cell::new(0),
                    epoch: Cell::new(0),
                    holder_offset: Cell::new(0),
                    next_shape: Cell::new(None),
                    key,
                });
            }
        }
        for slot in self.constants(prototype) {
            slot.spare.set(0);
            slot.set(Value::Nil);
        }
        Ok(prototype)
    }

    /// The constants of a prototype.
    #[inline(always)]
    pub fn constants(&self, prototype: Ref<Prototype>) -> &[Slot] {
        let object = self.get(prototype);
        // SAFETY: the slots follow the fixed part.
        unsafe {
            core::slice::from_raw_parts(core::ptr::from_ref(object).add(1).cast(), object.constant_count as usize)
        }
    }
}
