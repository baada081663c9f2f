//! Where compiled code finds things: offsets in bytes.

use super::tier::{Exit, KnownFunction, KnownTarget, NUMBERS_OF_STACK, NativeTier, ROOM_KEPT, Targets};
use crate::machine::Machine;
pub use crate::machine_code::layout::{BARRIER, BARRIER_BIT, HOLE_CURSOR, HOLE_LIMIT};
use core::mem::offset_of;
use lunette_bytecode::typed::function::Registers;
use lunette_gc::{
    heap::Heap,
    object::{Header, Object},
    packed::PackedSlot,
    reference::REFERENCE_SCALE,
    typed::{
        CanonicalType, Form, Instance, LinearMemory, MemoryData, ReferenceTable, TypedArray, TypedFunction,
        TypedObject, TypedPrototype,
    },
    value::{Slot, Tag},
};

const fn native(offset: usize) -> i32 {
    (offset_of!(Machine, native) + offset) as i32
}

/// In the machine, the fuel that is left of the slice: 64 bits, signed.
pub const BUDGET: i32 = offset_of!(Machine, budget) as i32;
/// In the machine, the state of the generator of chances: 32 bits.
pub const CHANCE: i32 = offset_of!(Machine, chance) as i32;
/// In the machine, the address of the instance.
pub const INSTANCE: i32 = offset_of!(Machine, instance) as i32;
/// In the machine, the address of the region.
pub const REGION: i32 = (offset_of!(Machine, heap) + Heap::BASE_OFFSET) as i32;
/// In the machine, the address that number registers may not pass.
pub const NUMBER_LIMIT: i32 = offset_of!(Machine, number_limit) as i32;
/// In the machine, the address that slots of frames may not pass.
pub const SLOT_LIMIT: i32 = offset_of!(Machine, stack_limit) as i32;
/// In the machine, the address that the processor's stack may not pass.
pub const STACK_END: i32 = native(offset_of!(NativeTier, stack_end));
/// In the machine, the address that the processor's stack may not pass as long as there is room on the other stacks in any case, if
/// functions take as much of it as [`stack_taken`] says.
pub const ROOM_END: i32 = native(offset_of!(NativeTier, room_end));
/// In the machine, the address of a list of the places of functions that compiled code may call.
pub const CALLEES: i32 = native(offset_of!(NativeTier, known));
/// In the machine, the number of those functions: 32 bits.
pub const CALLEE_COUNT: i32 = native(offset_of!(NativeTier, known_count));
/// Bytes of a place in that list.
pub const CALLEE_PLACE_BYTES: i64 = size_of::<*const KnownFunction>() as i64;
/// In the place of such a function, its address.
pub const CALLEE_ADDRESS: i32 = offset_of!(KnownFunction, address) as i32;
/// In the place of such a function, its prototype: 32 bits.
pub const CALLEE_PROTOTYPE: i32 = offset_of!(KnownFunction, prototype) as i32;
/// In the machine, what was called by reference lately: [`TARGETS`] places, each of [`TARGET_BYTES`]. A place has the function (32 bits) and
/// the type as which it was called (32 bits), and then the address of its machine code.
pub const TARGET: i32 = native(offset_of!(NativeTier, targets) + offset_of!(Targets, places));
/// See [`TARGET`].
pub const TARGETS: i64 = super::tier::TARGETS as i64;
/// See [`TARGET`].
pub const TARGET_BYTES: i64 = size_of::<KnownTarget>() as i64;
/// See [`TARGET`].
pub const TARGET_ADDRESS: i32 = offset_of!(KnownTarget, address) as i32;
/// In the machine, not 0 if there is anything at [`TARGET`]: 64 bits.
pub const HAS_TARGETS: i32 = native(offset_of!(NativeTier, targets) + offset_of!(Targets, is_used));
/// In the machine, the address of a function that takes a new slice of fuel: of the C convention, of the machine's address and of
/// what it costs to go on, it returns 0 if the loop is to do it.
pub const REFUEL: i32 = native(offset_of!(NativeTier, refuel));
/// In the machine, where the loop goes on: the word of the function.
pub const EXIT_WORD: i32 = native(offset_of!(NativeTier, exit) + offset_of!(Exit, word));
/// In the machine, where the loop goes on: the address of number register 0.
pub const EXIT_BASE: i32 = native(offset_of!(NativeTier, exit) + offset_of!(Exit, base));
/// In the machine, the prototype of the function that was left last: 64 bits, those of its reference the high ones, as what is noted for
/// its frame has them.
pub const EXIT_PROTOTYPE: i32 = native(offset_of!(NativeTier, exit) + offset_of!(Exit, prototype));
/// In the machine, the address of the memory that is in use.
pub const MEMORY: i32 = native(offset_of!(NativeTier, exit) + offset_of!(Exit, memory));
/// In the machine, not 0 if an access where the loop goes on has faulted: 64 bits.
pub const EXIT_IS_FAULT: i32 = native(offset_of!(NativeTier, exit) + offset_of!(Exit, is_fault));
/// In an instance, the reference to its memories.
pub const MEMORIES: i32 = offset_of!(Instance, memories) as i32;
/// In an instance, the reference to its tables.
pub const TABLES: i32 = offset_of!(Instance, tables) as i32;
/// In an instance, the reference to its types.
pub const TYPES: i32 = offset_of!(Instance, types) as i32;
/// In an array of references, the first.
pub const FIRST_ELEMENT: i32 = 8;
/// In a table, the number of elements: 32 bits.
pub const TABLE_LENGTH: i32 = offset_of!(ReferenceTable, length) as i32;
/// In a table, the reference to its elements.
pub const TABLE_ELEMENTS: i32 = offset_of!(ReferenceTable, elements) as i32;
/// Bytes of an element of a table.
pub const SLOT_BYTES: i64 = size_of::<Slot>() as i64;
/// In a slot, what it holds: 32 bits.
pub const SLOT_TAG: i32 = offset_of!(Slot, tag) as i32;
/// See [`SLOT_TAG`]: nothing.
pub const NULL_TAG: i64 = Tag::Nil as i64;
/// See [`SLOT_TAG`]: a function.
pub const FUNCTION_TAG: i64 = Tag::TypedFunction as i64;
/// See [`SLOT_TAG`]: a structure or an array.
pub const OBJECT_TAG: i64 = Tag::TypedObject as i64;
/// See [`SLOT_TAG`]: an integer, which may have 31 bits.
pub const INTEGER_TAG: i64 = Tag::Integer as i64;
/// See [`SLOT_TAG`]: in a packed slot, what does not fit; the instruction is left to the interpreter.
pub const CELL_TAG: i64 = Tag::Cell as i64;
/// From [`INTEGER_TAG`] on, how many tags there are of what may not fit into a packed slot: an integer does if it has 32 bits,
/// floats and light userdata do not.
pub const NUMBER_TAGS: i64 = 3;
const _: () = assert!(Tag::Float as i64 == INTEGER_TAG + 1 && Tag::LightUserdata as i64 == INTEGER_TAG + 2);
/// In a slot, the integer, or the reference, extended by zeros: 64 bits.
pub const SLOT_PAYLOAD: i32 = offset_of!(Slot, payload) as i32;
/// In a packed slot, a field or an element of an object, what it holds: 32 bits.
pub const PACKED_TAG: i32 = offset_of!(PackedSlot, tag) as i32;
/// In a packed slot, an integer of 32 bits, or a reference.
pub const PACKED_PAYLOAD: i32 = offset_of!(PackedSlot, payload) as i32;
/// In an object, its form, in the byte of the flags.
pub const OBJECT_FORM: i32 = offset_of!(Header, flags) as i32;
/// In a structure or an array, the reference to its type.
pub const OBJECT_TYPE: i32 = offset_of!(Header, low) as i32;
/// In an array, the number of elements: 32 bits.
pub const OBJECT_LENGTH: i32 = offset_of!(TypedArray, length) as i32;
/// In a structure, the first field.
pub const OBJECT_FIELDS: i32 = Form::Structure.head_bytes() as i32;
/// In an array, the first element.
pub const OBJECT_ELEMENTS: i32 = Form::Array8.head_bytes() as i32;
/// In a type, how many supertypes it has.
pub const TYPE_DEPTH: i32 = offset_of!(CanonicalType, depth) as i32;
/// In a type, the reference to the outermost supertype; the others and itself follow, 4 bytes each.
pub const TYPE_SUPERTYPES: i32 = size_of::<CanonicalType>() as i32;
/// In the machine, the address of a function that is called after a reference was written into a structure, an array or an
/// instance, if [`BARRIER_BIT`] says so: of the machine's address, the object's reference, and the tag and the payload of what was
/// written. It takes its parameters as in the C convention, and keeps every register.
pub const WRITTEN: i32 = native(offset_of!(NativeTier, written));
/// In the machine, the address of a function that is called where the hole is too small for an object, and looks for one that
/// is not: of the machine's address and bytes. It takes its parameters as in the C convention, and keeps every register.
pub const PROVIDE_HOLE: i32 = native(offset_of!(NativeTier, provide_hole));
/// In an instance, the reference to the array of its imported globals.
pub const IMPORTED_GLOBALS: i32 = offset_of!(Instance, imported_globals) as i32;
/// In an array of references, how many there are: 32 bits.
pub const ARRAY_LENGTH: i32 = offset_of!(Header, low) as i32;
/// In a function, the reference to its type.
pub const FUNCTION_TYPE: i32 = offset_of!(TypedFunction, kind) as i32;
/// In a function, the reference to its instance.
pub const FUNCTION_INSTANCE: i32 = offset_of!(TypedFunction, instance) as i32;
/// In a function, the reference to its prototype.
pub const FUNCTION_PROTOTYPE: i32 = offset_of!(TypedFunction, prototype) as i32;
/// In a prototype, one more than its number among those that compiled code may call; 0 if it has none.
pub const PROTOTYPE_NUMBER: i32 = offset_of!(TypedPrototype, native) as i32;
/// In a memory, the reference to its bytes.
pub const MEMORY_DATA: i32 = offset_of!(LinearMemory, data) as i32;
/// In the object of a memory's bytes, the first.
pub const DATA_BYTES: i64 = size_of::<MemoryData>() as i64;
/// From a memory's first byte, how many there are: 64 bits.
pub const MEMORY_LENGTH: i32 = offset_of!(MemoryData, length) as i32 - DATA_BYTES as i32;
/// A reference shifted so is the distance from the region's address.
pub const REFERENCE_SHIFT: i64 = REFERENCE_SCALE.trailing_zeros() as i64;

/// In an instance, the number of a global of its own.
pub const fn global(number: usize) -> i32 {
    (size_of::<Instance>() + number * super::super::moves::GLOBAL_BYTES) as i32
}

/// From number register 0 of a frame to that of one that it calls, which has so many registers.
pub const fn frame_above(numbers: u32) -> i64 {
    numbers as i64 * 8 + 8
}

/// Bytes of slots that a frame with so many reference registers takes.
pub const fn slot_bytes(references: u32) -> i64 {
    (references + super::super::calls::FIXED_SLOTS) as i64 * SLOT_BYTES
}

/// The least bytes of the processor's stack that a function with so many registers takes. One that calls no others takes what it needs as
/// long as there is room for its frame in any case.
pub fn stack_taken(registers: Registers, calls: bool) -> u32 {
    let Registers { numbers, references } = registers;
    let (numbers, slots) = (frame_above(numbers) as u64, slot_bytes(references) as u64);
    if !calls && numbers <= ROOM_KEPT && slots <= ROOM_KEPT {
        return 0;
    }
    (numbers / NUMBERS_OF_STACK).max(slots) as u32
}

/// The first 8 bytes of a structure or an array of a type.
pub const fn object_header(form: Form, kind: u32) -> i64 {
    TypedObject::KIND as i64 | (form as i64) << (8 * OBJECT_FORM) | (kind as i64) << (8 * OBJECT_TYPE)
}
const _: () = assert!(offset_of!(Header, kind) == 0 && offset_of!(Header, low) == 4);

/// From reference register 0 of a frame with so many to the end of its slots.
pub const fn slot_top(references: u32) -> i64 {
    references as i64 * SLOT_BYTES - SLOT_BYTES
}

/// What is noted in the link above a frame that was left during a call: the word of the call, and the callee's prototype
/// above it.
pub const CALL_PROTOTYPE_SHIFT: u32 = 32;
