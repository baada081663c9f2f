//! Where compiled code finds things: offsets in bytes.

use super::{
    helpers::Helpers,
    tier::{Known, LuaTier},
};
use crate::{
    field_cache::layout as cache,
    frame,
    machine::Machine,
    metamethod::{Event, STRING_TYPE},
    native::Role,
};
use core::mem::offset_of;
use lunette_gc::{
    function::{Closure, NativeClosure, Prototype, Site, VariableCell},
    heap::Heap,
    object::{Header, Object},
    region::{HOLE_OFFSET, Hole},
    storage::{SlotArray, ValueArray},
    string::Str,
    table::Table,
    thread::Thread,
    value::{Slot, Tag},
};

pub use crate::typed::native::layout::{BUDGET, CHANCE, REFERENCE_SHIFT, SLOT_LIMIT, STACK_END};

const fn tier(offset: usize) -> i32 {
    (offset_of!(Machine, lua) + offset) as i32
}

/// In the machine, the address of the first function that compiled code may call.
pub const KNOWN: i32 = tier(offset_of!(LuaTier, known_address));
/// In the machine, how many there are: 32 bits.
pub const KNOWN_COUNT: i32 = tier(offset_of!(LuaTier, known_count));
/// Bytes of each, and where in it its address, its prototype and the number of its parameters are (32 bits each).
pub const KNOWN_BYTES: i64 = size_of::<Known>() as i64;
/// See [`KNOWN_BYTES`].
pub const KNOWN_ADDRESS: i32 = offset_of!(Known, address) as i32;
/// See [`KNOWN_BYTES`].
pub const KNOWN_PROTOTYPE: i32 = offset_of!(Known, prototype) as i32;
/// See [`KNOWN_BYTES`].
pub const KNOWN_PARAMETERS: i32 = offset_of!(Known, parameters) as i32;
/// Likewise how many registers it has, and the fuel that is charged when it is entered (32 bits each).
pub const KNOWN_REGISTERS: i32 = offset_of!(Known, registers) as i32;
/// See [`KNOWN_REGISTERS`].
pub const KNOWN_COST: i32 = offset_of!(Known, cost) as i32;
/// In the machine, the machine code of the function that a tail call has called.
pub const NEXT: i32 = tier(offset_of!(LuaTier, next));
/// In the machine, the number of the entry of what [`super::PushRole`] has found at [`NEXT`] (32 bits).
pub const NEXT_ENTRY: i32 = tier(offset_of!(LuaTier, next_entry));
/// In the machine, the address of register 0 of the frame in which the loop goes on.
pub const EXIT_BASE: i32 = tier(offset_of!(LuaTier, exit_base));
/// In the machine, the number of the function whose machine code is left there (32 bits).
pub const EXIT_NUMBER: i32 = tier(offset_of!(LuaTier, exit_number));
/// In the machine, the address of the first value that is given to what is no call, and how many there are (32 bits).
pub const RESULTS: i32 = tier(offset_of!(LuaTier, results));
/// See [`RESULTS`].
pub const RESULT_COUNT: i32 = tier(offset_of!(LuaTier, result_count));
/// In the machine, the address of the first [`super::Perform`]: there is one for each opcode.
pub const PERFORMERS: i32 = tier(offset_of!(LuaTier, performers));
/// In the machine, the address of [`super::GoOn`].
pub const GO_ON: i32 = tier(offset_of!(LuaTier, go_on));
/// In the machine, the addresses of [`super::FindField`] for instructions that read and for those that set.
pub const FIND_FIELD: i32 = tier(offset_of!(LuaTier, find_field));
/// See [`FIND_FIELD`].
pub const FIND_TARGET: i32 = tier(offset_of!(LuaTier, find_target));

/// In the machine, the addresses of [`super::CallQuick`], [`super::Traverse`] and [`super::FindElement`].
pub const CALL_QUICK: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, call_quick));
/// See [`CALL_QUICK`].
pub const TRAVERSE: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, traverse));
/// See [`CALL_QUICK`].
pub const FIND_ELEMENT: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, find_element));
/// In the machine, the address of [`super::Shortcut`] for `get_method` of strings.
pub const STRING_METHOD: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, string_method));
/// In the machine, the address of [`super::PushFrame`] for metamethods of arithmetic.
pub const PUSH_METAMETHOD: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, push_metamethod));
/// In the machine, the address of [`super::PushRole`] for a role.
pub const fn push_role(role: Role) -> i32 {
    tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, push_roles) + role as usize * size_of::<super::PushRole>())
}
/// In the machine, the address of [`super::PushRole`] for an iterator of a loop that resumes a coroutine.
pub const PUSH_RESUMING_ITERATOR: i32 =
    tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, push_resuming_iterator));
/// In the machine, the address of [`super::EndRole`].
pub const END_ROLE: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, end_role));
/// In the machine, how often frames were changed from outside (32 bits).
pub const MOVES: i32 = tier(offset_of!(LuaTier, moves));
/// In the machine, the address of [`super::FindHandler`].
pub const FIND_HANDLER: i32 = tier(offset_of!(LuaTier, helpers) + offset_of!(Helpers, find_handler));
/// Fuel that a call of a native function costs.
pub const NATIVE_CALL_COST: i64 = crate::native::CALL_COST as i64;
/// In the machine, the reference to the metatables of types (32 bits); in those, the slot with that of strings.
pub const METATABLES: i32 = offset_of!(Machine, metatables) as i32;
/// See [`METATABLES`].
pub const STRING_METATABLE: i32 = ARRAY_PAYLOADS + STRING_TYPE as i32 * SLOT_BYTES;
/// In a native closure, the number of its function (32 bits).
pub const NATIVE_NUMBER: i32 = offset_of!(NativeClosure, native) as i32;
/// In a native closure, the slot of its first value.
pub const NATIVE_VALUES: i32 = size_of::<NativeClosure>() as i32;
/// In the machine, the numbers of the functions by which `pairs` and `ipairs` go on (32 bits each).
pub const NEXT_NATIVE: i32 = offset_of!(Machine, next_native) as i32;
/// See [`NEXT_NATIVE`].
pub const IPAIRS_NATIVE: i32 = offset_of!(Machine, ipairs_native) as i32;

/// In the machine, the reference to the running thread (32 bits), and in that, not 0 if variables are to be closed (32 bits).
pub const THREAD: i32 = offset_of!(Machine, thread) as i32;
/// See [`THREAD`].
pub const TO_BE_CLOSED: i32 = offset_of!(Thread, to_be_closed) as i32;

/// In a thread, the depth of native nesting (32 bits).
pub const NATIVE_DEPTH: i32 = offset_of!(Thread, native_depth) as i32;
/// Of that, the bits that count, and what they may not reach.
pub const DEPTH_BITS: i64 = 0xffff;
/// See [`DEPTH_BITS`].
pub const MOST_DEPTH: i64 = crate::call::MAX_NATIVE_DEPTH as i64;

/// So many values that are copied cost a unit of fuel.
pub const VALUES_PER_UNIT: i64 = crate::slow::VALUES_PER_UNIT as i64;

/// In the machine, the address of the running stack; and how many slots from there an open list ends (32 bits).
pub const STACK: i32 = offset_of!(Machine, stack) as i32;
/// See [`STACK`].
pub const OPEN_TOP: i32 = offset_of!(Machine, open_top) as i32;

/// In the machine, a slot that is nil.
pub const NIL_SLOT: i32 = tier(offset_of!(LuaTier, nil));

/// Of a slot, and of a register: its tag (32 bits), and what belongs to the place.
pub const TAG: i32 = offset_of!(Slot, tag) as i32;
/// See [`TAG`].
pub const SPARE: i32 = offset_of!(Slot, spare) as i32;
/// Bytes of a register.
pub const SLOT_BYTES: i32 = size_of::<Slot>() as i32;
/// From register 0 to the frame's function.
pub const FUNCTION: i32 = -(frame::FRAME_SLOTS as i32) * SLOT_BYTES;
/// From register 0 to the frame's header, whose payload is the resume point and, 4 bytes on, the distance.
pub const HEADER: i32 = -SLOT_BYTES;
/// See [`HEADER`]: from register 0 to the distance, in slots.
pub const DISTANCE: i32 = HEADER + 4;
/// Bits of the header's tag that are not set in frames which return plainly to a Lua function.
pub const NOT_PLAIN: i64 = frame::PLAIN_RETURN_MASK as i64;
/// Of these, the bit of frames that lie above their arguments.
pub const VARIADIC: i64 = frame::VARIADIC_MASK as i64;
/// In the header's tag, the bit of frames that were entered by a tail call.
pub const TAIL_CALLED: i64 = frame::TAIL_CALLED_MASK as i64;
/// Where in the header's tag the number of results is that the caller wants.
pub const WANTED_SHIFT: i64 = 16;

/// That number where the caller wants all.
pub const WANTS_ALL: u32 = u16::MAX as u32;

/// The tag of the header of a frame that returns plainly, to a caller who wants so many results; -1 for all.
pub const fn header_tag(wanted: i32) -> i64 {
    frame::header_tag(frame::Return::Call as u32, wanted) as i64
}

/// The tag of the header of a metamethod's frame, whose result finishes an instruction of the frame below.
pub const METAMETHOD_HEADER: i64 = frame::header_tag(frame::Return::Finish as u32 | frame::COUNTED, 1) as i64;

/// In a closure, the reference to its prototype.
pub const CLOSURE_PROTOTYPE: i32 = offset_of!(Closure, prototype) as i32;
/// In a closure, the reference to the first of its variables.
pub const CLOSURE_CELLS: i32 = size_of::<Closure>() as i32;
/// In a closure, how many there are (32 bits).
pub const CLOSURE_COUNT: i32 = offset_of!(Closure, upvalue_count) as i32;
/// In a cell, its value.
pub const CELL_VALUE: i32 = offset_of!(VariableCell, value) as i32;
/// In a prototype, its number among the machine's.
pub const PROTOTYPE_NUMBER: i32 = offset_of!(Prototype, native) as i32;

/// From the region's address, the offset in it at which the next object is allocated, and the end of what there is for that.
pub const HOLE_CURSOR: i32 = (HOLE_OFFSET + offset_of!(Hole, cursor)) as i32;
/// See [`HOLE_CURSOR`].
pub const HOLE_LIMIT: i32 = (HOLE_OFFSET + offset_of!(Hole, limit)) as i32;
/// From the region's address, the reference to the shape of new tables.
pub const EMPTY_SHAPE: i32 = Heap::EMPTY_SHAPE_OFFSET as i32;
/// Bytes of a table, and of a cell.
pub const TABLE_BYTES: usize = size_of::<Table>();
/// See [`TABLE_BYTES`].
pub const CELL_BYTES: usize = size_of::<VariableCell>();
/// The first 8 bytes of a new table, of an array of slots, of one of payloads and tags, and of a cell; the length of an array is
/// in the upper half.
pub const TABLE_HEADER: i64 = Table::KIND as i64;
/// See [`TABLE_HEADER`].
pub const SLOTS_HEADER: i64 = SlotArray::KIND as i64;
/// See [`TABLE_HEADER`].
pub const VALUES_HEADER: i64 = ValueArray::KIND as i64;
/// See [`TABLE_HEADER`].
pub const CELL_HEADER: i64 = VariableCell::KIND as i64;
/// See [`TABLE_HEADER`]: of a closure.
pub const CLOSURE_HEADER: i64 = Closure::KIND as i64;
const _: () = assert!(offset_of!(Header, kind) == 0 && offset_of!(Header, low) == 4 && tag::NIL == 0);

/// In an object, the byte of its flags.
pub const FLAGS: i32 = offset_of!(Header, flags) as i32;
/// Of a table's flags, the bit of those on whose keys inline caches of others depend.
pub const PROTOTYPE_BIT: i64 = Table::PROTOTYPE as i64;
/// In a metatable, 32 bits: what it is known to lack; and the bit of `__newindex`.
pub const TABLE_ABSENT: i32 = offset_of!(Table, absent) as i32;
/// See [`TABLE_ABSENT`].
pub const NEW_INDEX_BIT: i64 = 1 << Event::NewIndex as u32;
/// The same of `__gc`.
pub const GC_BIT: i64 = 1 << Event::Gc as u32;
/// In an object, the byte that says whether the collector wants to know of references that are stored into it; and the bit.
pub const BARRIER: i32 = offset_of!(Header, gc) as i32;
/// See [`BARRIER`].
pub const BARRIER_BIT: i64 = Header::BARRIER as i64;

/// In a table, its shape (32 bits), metatable, fields, array (references, 0 for none), and its hash.
pub const TABLE_SHAPE: i32 = offset_of!(Table, shape) as i32;
/// See [`TABLE_SHAPE`].
pub const TABLE_METATABLE: i32 = offset_of!(Table, metatable) as i32;
/// See [`TABLE_SHAPE`].
pub const TABLE_FIELDS: i32 = offset_of!(Table, fields) as i32;
/// See [`TABLE_SHAPE`].
pub const TABLE_ARRAY: i32 = offset_of!(Table, array) as i32;
/// See [`TABLE_SHAPE`].
pub const TABLE_HASH: i32 = offset_of!(Table, hash) as i32;
/// In a table, how many elements are in use; in an array, for how many there is room.
pub const TABLE_LENGTH: i32 = offset_of!(Table, array_length) as i32;
/// In a table, the reference to the tags of its elements, a byte each.
pub const TABLE_TAGS: i32 = offset_of!(Table, array_tags) as i32;
/// In an array, the number of elements.
pub const ARRAY_LENGTH: i32 = offset_of!(Header, low) as i32;
/// In an array, the first payload.
pub const ARRAY_PAYLOADS: i32 = size_of::<Header>() as i32;
/// Of a string's flags, the bit of those that are equal only if they are the same.
pub const SHORT_BIT: i64 = Str::SHORT as i64;
/// In a string, the number of bytes.
pub const STRING_LENGTH: i32 = offset_of!(Str, length) as i32;
/// In a string, its first byte.
pub const STRING_BYTES: i32 = size_of::<Str>() as i32;

/// From a prototype to a site of it.
pub const fn site(number: usize) -> i64 {
    -((number as i64 + 1) * size_of::<Site>() as i64)
}
/// In a site, what it remembers of a table's own field: shape, and where the field is.
pub const SITE_SHAPE: i32 = offset_of!(Site, shape) as i32;
/// See [`SITE_SHAPE`].
pub const SITE_OFFSET: i32 = offset_of!(Site, offset) as i32;
/// In a site, the same of tables of another shape.
pub const SITE_OTHER_SHAPE: i32 = offset_of!(Site, other_shape) as i32;
/// See [`SITE_OTHER_SHAPE`].
pub const SITE_OTHER_OFFSET: i32 = offset_of!(Site, other_offset) as i32;
/// In a site, what it remembers of a field found along `__index`: shape and metatable of the table, the epoch, the holder and
/// where the field is in it. Of an instruction that sets, what it remembers of a field that is added: the shape without it, and
/// in the holder's place that with it.
pub const SITE_NEXT_SHAPE: i32 = offset_of!(Site, next_shape) as i32;
/// See [`SITE_NEXT_SHAPE`].
pub const SITE_METATABLE: i32 = offset_of!(Site, metatable) as i32;
/// See [`SITE_NEXT_SHAPE`].
pub const SITE_EPOCH: i32 = offset_of!(Site, epoch) as i32;
/// See [`SITE_NEXT_SHAPE`].
pub const SITE_HOLDER: i32 = offset_of!(Site, holder) as i32;
/// See [`SITE_NEXT_SHAPE`].
pub const SITE_HOLDER_OFFSET: i32 = offset_of!(Site, holder_offset) as i32;
/// From the region's address, the epoch of prototypes (32 bits).
pub const EPOCH: i32 = Heap::PROTOTYPE_EPOCH_OFFSET as i32;

/// In the machine, the address of the first entry of the cache of fields.
pub const FIELD_CACHE: i32 = (offset_of!(Machine, field_cache) + cache::ENTRIES) as i32;
/// Bytes of an entry. It is the one whose number is what [`FIELD_CACHE_SHIFT`] leaves of the product of [`FIELD_CACHE_FACTOR`] and
/// the table's 8 bytes of shape and metatable, each bit of which is another one where [`mixed_key`] has a bit.
pub const FIELD_CACHE_BYTES: i64 = cache::BYTES as i64;
/// See [`FIELD_CACHE_BYTES`].
pub const FIELD_CACHE_SHIFT: i64 = cache::SHIFT as i64;
/// See [`FIELD_CACHE_BYTES`].
pub const FIELD_CACHE_FACTOR: i64 = crate::field_cache::FACTOR as i64;
pub use cache::mixed_key;
/// In an entry, what it is for: shape and metatable as they lie in a table, the key, the epoch (32 bits each).
pub const FIELD_CACHE_TABLES: i32 = cache::TABLES as i32;
/// See [`FIELD_CACHE_TABLES`].
pub const FIELD_CACHE_KEY: i32 = cache::KEY as i32;
/// See [`FIELD_CACHE_TABLES`].
pub const FIELD_CACHE_EPOCH: i32 = cache::EPOCH as i32;
/// In an entry, the holder, 0 if it is the table itself, and where the field is in it, 0 if there is none.
pub const FIELD_CACHE_HOLDER: i32 = cache::HOLDER as i32;
/// See [`FIELD_CACHE_HOLDER`].
pub const FIELD_CACHE_OFFSET: i32 = cache::OFFSET as i32;
const _: () = assert!(TABLE_METATABLE == TABLE_SHAPE + 4 && TABLE_SHAPE % 8 == 0);

/// Tags of values.
pub mod tag {
    use super::Tag;
    /// See [`Tag`].
    pub const NIL: u32 = Tag::Nil as u32;
    /// See [`Tag`].
    pub const FALSE: u32 = Tag::False as u32;
    /// See [`Tag`].
    pub const TRUE: u32 = Tag::True as u32;
    /// See [`Tag`].
    pub const INTEGER: u32 = Tag::Integer as u32;
    /// See [`Tag`].
    pub const FLOAT: u32 = Tag::Float as u32;
    /// See [`Tag`].
    pub const STRING: u32 = Tag::String as u32;
    /// See [`Tag`].
    pub const TABLE: u32 = Tag::Table as u32;
    /// See [`Tag`].
    pub const CLOSURE: u32 = Tag::Closure as u32;
    /// See [`Tag`].
    pub const NATIVE_CLOSURE: u32 = Tag::NativeClosure as u32;
    /// See [`Tag`].
    pub const CELL: u32 = Tag::Cell as u32;
}
