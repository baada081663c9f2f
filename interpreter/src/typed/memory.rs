//! Loads and stores of linear memory, and tables.
//!
//! The bounds are checked here: an access lies within if its address, offset and size together do not exceed the length,
//! which stands before the memory's first byte. Addresses of 32 bits are zero-extended, so that one form serves both widths.

use super::{
    slow,
    state::{Bits32, Bits64, Driver, Flow, Number, State},
};
use crate::dispatch::state::Operands;
use lunette_bytecode::instruction::Word;
use lunette_gc::typed::LinearMemory;

/// The address of `size` bytes of the memory in use; `None` if they do not lie within.
#[inline(always)]
pub(super) unsafe fn place<D: Driver>(s: State<D>, w: Word, size: usize) -> Option<*mut u8> {
    // SAFETY: operands are verified; the length lies before the memory.
    unsafe {
        let address: u64 = s.left(w.b());
        let length = *s.memory.sub(8).cast::<u64>();
        let (end, overflows) = address.overflowing_add((w.c() + size) as u64);
        (!overflows && end <= length).then(|| s.memory.add(address as usize).add(w.c()))
    }
}

macro_rules! loads {
    ($($name:ident: $type:ident |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the place lies in the memory.
            unsafe {
                let Some(place) = place(s, w, size_of::<$type>()) else { return s.slow(w, 0, slow::memory_out_of_bounds) };
                let $value = place.cast::<$type>().read_unaligned();
                Flow::Next($result.put(s, w.a()))
            }
        }
    )* };
}

macro_rules! stores {
    ($($name:ident: $type:ident $value_type:ident;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the place lies in the memory.
            unsafe {
                let Some(place) = place(s, w, size_of::<$type>()) else { return s.slow(w, 0, slow::memory_out_of_bounds) };
                place.cast::<$type>().write_unaligned(s.right::<$value_type>(w.a()) as $type);
            }
            Flow::Next(s)
        }
    )* };
}

loads! {
    load_8: u8 |value| u64::from(value);
    load_8_signed_32: i8 |value| (value as u32);
    load_8_signed_64: i8 |value| (value as u64);
    load_16: u16 |value| u64::from(value);
    load_16_signed_32: i16 |value| (value as u32);
    load_16_signed_64: i16 |value| (value as u64);
    load_32: u32 |value| Bits32(value);
    load_32_signed_64: i32 |value| (value as u64);
    load_64: u64 |value| Bits64(value);
}

stores! {
    store_8: u8 u32;
    store_16: u16 u32;
    store_32: u32 u32;
    store_64: u64 u64;
}

#[inline(always)]
pub(super) unsafe fn load_128<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the place lies in the memory.
    unsafe {
        let Some(place) = place(s, w, 16) else { return s.slow(w, 0, slow::memory_out_of_bounds) };
        s.set128(w.a(), place.cast::<u128>().read_unaligned());
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn store_128<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the place lies in the memory.
    unsafe {
        let Some(place) = place(s, w, 16) else { return s.slow(w, 0, slow::memory_out_of_bounds) };
        place.cast::<u128>().write_unaligned(s.get128(w.a()));
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn add_offset<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        match s.left::<u64>(w.b()).checked_add(s.literal(0)) {
            Some(address) => s.put(w.a(), address).next(1),
            None => s.slow(w, 1, slow::memory_out_of_bounds),
        }
    }
}

#[inline(always)]
pub(super) unsafe fn use_memory<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the verifier saw that the memory is there.
    unsafe {
        match s.element::<_, LinearMemory>((*s.instance()).memories, w.d() as usize) {
            Some(memory) => {
                let data = (*s.object(memory)).data.get();
                Flow::Next(State { memory: s.object(data).add(1).cast(), ..s })
            }
            None => s.slow(w, 0, slow::memory_out_of_bounds),
        }
    }
}

macro_rules! out_of_line {
    ($($name:ident $words:literal)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the state is the machine's.
            unsafe { s.call_out(w, $words, slow::$name) }
        }
    )* };
}

out_of_line! {
    memory_size 0
    memory_grow 1
    memory_fill 1
    memory_copy 1
    memory_initialize 1
    drop_data 0
    table_get 1
    table_set 1
    table_size 0
    table_grow 1
    table_fill 1
    table_copy 1
    table_initialize 1
    drop_elements 0
}
