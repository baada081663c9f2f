//! Making and reading objects of every layout but strings' and tables' making.

use crate::{
    function::{Closure, NativeClosure, Prototype, Site, VariableCell},
    heap::{Heap, OutOfMemory},
    object::{AnyObject, Header, Kind},
    reference::{REFERENCE_SCALE, Ref},
    storage::{ByteArray, RefArray, SlotArray, ValueArray},
    string::Str,
    thread::Thread,
    userdata::Userdata,
    value::{Slot, Tag, Value},
};
use alloc::vec::Vec;
use core::cell::Cell;

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
        // SAFETY: the slots follow the header.
        unsafe { core::slice::from_raw_parts(self.content(array), self.get(array).length() as usize) }
    }

    /// An array of `capacity` nil values, split into payloads and tags.
    pub fn new_value_array(&self, capacity: u32) -> Result<Ref<ValueArray>, OutOfMemory> {
        let array = self.allocate::<ValueArray>(8 + 9 * capacity as usize, capacity)?;
        for tag in self.value_array_parts(array).1 {
            tag.set(Tag::Nil as u8);
        }
        Ok(array)
    }

    /// Gives a value array room for `capacity` values where it lies, if there is memory behind it; whether there is.
    pub(crate) fn extend_value_array(&self, array: Ref<ValueArray>, capacity: u32) -> bool {
        let header = self.get(array);
        let old = header.length();
        let bytes = |capacity: u32| 8 + 9 * capacity as usize;
        if capacity < old || !self.extend(array, bytes(old), bytes(capacity)) {
            return false;
        }
        header.header.low.set(capacity);
        // SAFETY: the object has room for `capacity` payloads and tags, and nobody refers to its content.
        unsafe {
            let payloads = self.content::<_, u64>(array);
            let tags = payloads.add(capacity as usize).cast::<u8>();
            core::ptr::copy(payloads.add(old as usize).cast::<u8>(), tags, old as usize);
            tags.add(old as usize).write_bytes(Tag::Nil as u8, (capacity - old) as usize);
        }
        true
    }

    /// Payloads and tags of a value array.
    #[inline(always)]
    pub fn value_array_parts(&self, array: Ref<ValueArray>) -> (&[Cell<u64>], &[Cell<u8>]) {
        let length = self.get(array).length() as usize;
        // SAFETY: the payloads follow the header, the tags follow them.
        unsafe {
            let payloads = self.content::<_, Cell<u64>>(array);
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
        // SAFETY: the references follow the header.
        unsafe { core::slice::from_raw_parts(self.content(array), self.get(array).length() as usize) }
    }

    /// An array of bytes.
    pub fn new_byte_array(&self, bytes: &[u8]) -> Result<Ref<ByteArray>, OutOfMemory> {
        let length = u32::try_from(bytes.len()).map_err(|_| OutOfMemory { requested: bytes.len() })?;
        let array = self.allocate::<ByteArray>(8 + bytes.len(), length)?;
        // SAFETY: the bytes follow the header and were just allocated.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.content(array), bytes.len()) };
        Ok(array)
    }

    /// An array of `length` zero bytes.
    pub fn new_zeroed_byte_array(&self, length: u32) -> Result<Ref<ByteArray>, OutOfMemory> {
        let array = self.allocate::<ByteArray>(8 + length as usize, length)?;
        // SAFETY: the bytes follow the header and were just allocated.
        unsafe { self.content::<_, u8>(array).write_bytes(0, length as usize) };
        Ok(array)
    }

    /// Overwrites bytes of an array from `start` on with bytes from elsewhere.
    pub fn write_bytes(&self, array: Ref<ByteArray>, start: usize, bytes: &[u8]) {
        let length = self.get(array).length() as usize;
        assert!(start <= length && bytes.len() <= length - start, "bytes beyond the end of an array");
        // SAFETY: in range of the bytes that follow the header.
        unsafe {
            let target = self.content::<_, u8>(array).add(start);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len());
        }
    }

    /// Moves the bytes of an array from `start` up to `end` to its beginning.
    pub fn move_bytes_down(&self, array: Ref<ByteArray>, start: usize, end: usize) {
        assert!(start <= end && end <= self.get(array).length() as usize, "bytes beyond the end of an array");
        // SAFETY: in range of the bytes that follow the header.
        unsafe {
            let bytes = self.content::<_, u8>(array);
            core::ptr::copy(bytes.add(start), bytes, end - start);
        }
    }

    /// The bytes of an array.
    pub fn bytes(&self, array: Ref<ByteArray>) -> &[u8] {
        // SAFETY: the bytes follow the header.
        unsafe { core::slice::from_raw_parts(self.content(array), self.get(array).length() as usize) }
    }
}

/// Strings.
impl Heap {
    /// The bytes of a string.
    #[inline(always)]
    pub fn string_bytes(&self, string: Ref<Str>) -> &[u8] {
        // SAFETY: the bytes follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(string), self.get(string).length as usize) }
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

    /// A Lua closure whose upvalues are still to be set through [`Heap::upvalue_cells`] before the next safepoint.
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
        // SAFETY: the references follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(closure), self.get(closure).upvalue_count as usize) }
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
        // SAFETY: the slots follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(closure), self.get(closure).value_count as usize) }
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
        // SAFETY: the slots follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(userdata), self.get(userdata).value_count as usize) }
    }
}

/// Threads.
impl Heap {
    /// A thread with a stack of `stack_length` nil slots, none of them in use.
    pub fn new_thread(&self, stack_length: u32) -> Result<Ref<Thread>, OutOfMemory> {
        let stack = self.new_slot_array(stack_length)?;
        let thread = self.allocate::<Thread>(size_of::<Thread>(), 0)?;
        let new = Thread {
            header: Header::new(Kind::Thread, 0),
            stack: Cell::new(stack),
            resumer: Cell::new(None),
            base: Cell::new(0),
            top: Cell::new(0),
            open_top: Cell::new(0),
            to_be_closed: Cell::new(0),
            status: Cell::new(0),
            native_depth: Cell::new(0),
            hook_mask: Cell::new(0),
            hook_count: Cell::new(0),
            hook_left: Cell::new(0),
            hook_last: Cell::new(0),
            hook: Slot { payload: Cell::new(0), tag: Cell::new(Tag::Nil as u32), spare: Cell::new(0) },
            numbers: Cell::new(None),
            number_base: Cell::new(0),
        };
        // SAFETY: just allocated.
        unsafe { thread.pointer(self.base()).write(new) };
        Ok(thread)
    }
}

/// Prototypes.
impl Heap {
    /// A prototype like `template` (whose counts are set) with empty sites of these keys and nil constants.
    pub fn new_prototype(&self, template: Prototype, site_keys: &[u32]) -> Result<Ref<Prototype>, OutOfMemory> {
        let before = size_of::<Site>() * template.site_count as usize;
        let after = size_of::<Prototype>() + 16 * template.constant_count as usize;
        let start: Ref<Prototype> = self.allocate_bytes(before + after)?;
        let prototype = Ref::from_units(start.units() + (before / REFERENCE_SCALE) as u32).unwrap_or(start);
        self.set_large_reference(start, prototype.cast());
        // SAFETY: all of it lies in what was just allocated.
        unsafe {
            let pointer: *mut Prototype = prototype.pointer(self.base());
            pointer.write(template);
            (*pointer).header = Header::new(Kind::Prototype, 0);
            for (number, &key) in site_keys.iter().enumerate() {
                pointer.cast::<Site>().sub(number + 1).write(Site {
                    shape: Cell::new(None),
                    metatable: Cell::new(None),
                    holder: Cell::new(None),
                    offset: Cell::new(0),
                    epoch: Cell::new(0),
                    holder_offset: Cell::new(0),
                    next_shape: Cell::new(None),
                    other_shape: Cell::new(None),
                    other_offset: Cell::new(0),
                    key: Cell::new(key),
                });
            }
        }
        for slot in self.constants(prototype) {
            slot.spare.set(0);
            slot.set(Value::Nil);
        }
        Ok(prototype)
    }

    /// The sites of a prototype, the last one first.
    pub fn sites(&self, prototype: Ref<Prototype>) -> &[Site] {
        let count = self.get(prototype).site_count as usize;
        // SAFETY: the sites lie before the fixed part.
        unsafe { core::slice::from_raw_parts(prototype.pointer(self.base()).cast::<Site>().sub(count), count) }
    }

    /// The numbers of the constants that are the keys of a prototype's sites.
    pub fn site_keys(&self, prototype: Ref<Prototype>) -> Vec<u32> {
        self.sites(prototype).iter().rev().map(Site::key_number).collect()
    }

    /// The constants of a prototype.
    #[inline(always)]
    pub fn constants(&self, prototype: Ref<Prototype>) -> &[Slot] {
        // SAFETY: the slots follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(prototype), self.get(prototype).constant_count as usize) }
    }
}
