//! Table access by computed keys, and construction.

use super::state::{Driver, Flow, INTEGER, NIL, Operands, Register, STRING, Stage, State, TABLE, TRUE};
use crate::slow;
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{
    reference::Ref,
    storage::ValueArray,
    string::Str,
    table::{Parts, Table},
};

/// Payload and tag of array element `index` (from 0), if it is in use.
#[inline(always)]
unsafe fn element<D: Driver>(s: State<D>, table: *mut Table, index: u64) -> Option<(*mut u64, *mut u8)> {
    // SAFETY: elements below `array_length` lie in the array part, which is there then.
    unsafe {
        if index >= u64::from((*table).array_length.get()) {
            return None;
        }
        let array = (*table).array.as_ptr().cast::<u32>().read();
        let payloads = s.object::<u64>(u64::from(array) + 1);
        let tags = s.object::<u8>((*table).array_tags.get().into());
        Some((payloads.add(index as usize), tags.add(index as usize)))
    }
}

#[inline(always)]
unsafe fn get_element<D: Driver>(s: State<D>, w: Word, object: Register, key: i64) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        if object.tag() == TABLE
            && let Some((payload, tag)) = element(s, s.object(object.payload()), (key as u64).wrapping_sub(1))
            && *tag != NIL as u8
        {
            // Nil and the booleans have no payload in arrays.
            let payload = if u32::from(*tag) <= TRUE { 0 } else { *payload };
            s.register(w.a()).set(u32::from(*tag), payload);
            return Flow::Next(s);
        }
        s.call_out(w, slow::get_index)
    }
}

#[inline(always)]
pub(super) unsafe fn get_index<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let key = s.register(w.c());
        if key.tag() == INTEGER {
            return get_element(s, w, s.register(w.b()), key.integer());
        }
        if key.tag() == STRING {
            return D::stage::<GetNamed>(s, w);
        }
        s.call_out(w, slow::get_index)
    }
}

/// A short string in a register.
#[inline(always)]
unsafe fn short_string<D: Driver>(s: State<D>, key: Register) -> Option<Ref<Str>> {
    // SAFETY: the caller's register holds a string.
    unsafe {
        let string: *mut Str = s.object(key.payload());
        if (*string).is_short() { Ref::from_units(key.payload() as u32) } else { None }
    }
}

/// A table in a register.
#[inline(always)]
unsafe fn table(object: Register) -> Option<Ref<Table>> {
    // SAFETY: the caller's register lies in the frame.
    unsafe { if object.tag() == TABLE { Ref::from_units(object.payload() as u32) } else { None } }
}

/// `get_index` with a string.
struct GetNamed;

impl Stage for GetNamed {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified; the key is a string.
        unsafe {
            let heap = &(*s.machine).heap;
            if let Some(table) = table(s.register(w.b()))
                && let Some(key) = short_string(s, s.register(w.c()))
                && let Some((tag, payload)) = heap.peek_short_parts(table, key)
                && (u32::from(tag) != NIL || heap.get(table).metatable.get().is_none())
            {
                s.register(w.a()).set(tag.into(), payload);
                return Flow::Next(s);
            }
            s.call_out(w, slow::get_index)
        }
    }
}

#[inline(always)]
pub(super) unsafe fn get_integer<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { get_element(s, w, s.register(w.b()), w.c() as i64) }
}

#[inline(always)]
unsafe fn set_element<D: Driver>(s: State<D>, w: Word, object: Register, key: i64, value: Register) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        if object.tag() == TABLE {
            let table: *mut Table = s.object(object.payload());
            // The last element must not become nil here, nor may a nil one be set past a `__newindex`.
            if let Some((payload, tag)) = element(s, table, (key as u64).wrapping_sub(1))
                && *tag != NIL as u8
                && value.tag() != NIL
            {
                *tag = value.tag() as u8;
                if value.tag() <= TRUE {
                    return Flow::Next(s);
                }
                *payload = value.payload();
                if value.tag() >= STRING && s.needs_barrier(&raw const (*table).header) {
                    return s.slow(w, slow::element_barrier);
                }
                return Flow::Next(s);
            }
        }
        D::stage::<SetElement>(s, w)
    }
}

/// `set_index` and `set_integer` where an element comes or goes.
struct SetElement;

impl Stage for SetElement {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified; elements below the capacity lie in the array part.
        unsafe {
            let key =
                if w.opcode_number() == Opcode::set_index as u8 { s.register(w.b()).integer() } else { w.b() as i64 };
            let (object, value) = (s.register(w.a()), s.register(w.c()));
            let index = (key as u64).wrapping_sub(1);
            if object.tag() == TABLE {
                let table: *mut Table = s.object(object.payload());
                let length = u64::from((*table).array_length.get());
                // All but a store that makes the array part longer than its room, or shorter.
                if (*table).metatable.get().is_none()
                    && let Some(array) = (*table).array.get()
                    && (index < length && (value.tag() != NIL || index + 1 != length)
                        || index == length && value.tag() != NIL && (*table).hash.get().is_none())
                    && index < u64::from((*s.resolve::<ValueArray>(array)).length())
                {
                    if index == length {
                        (*table).array_length.set(length as u32 + 1);
                    }
                    let tags = s.object::<u8>((*table).array_tags.get().into());
                    *tags.add(index as usize) = value.tag() as u8;
                    if value.tag() <= TRUE {
                        return Flow::Next(s);
                    }
                    let payloads = s.resolve(array).add(1).cast::<u64>();
                    *payloads.add(index as usize) = value.payload();
                    if value.tag() >= STRING && s.needs_barrier(&raw const (*table).header) {
                        return s.slow(w, slow::element_barrier);
                    }
                    return Flow::Next(s);
                }
            }
            s.call_out(w, slow::set_index)
        }
    }
}

/// `set_index` with a string.
struct SetNamed;

impl Stage for SetNamed {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified; the key is a string.
        unsafe {
            let heap = &(*s.machine).heap;
            let value = s.register(w.c());
            let parts: Parts = (value.tag() as u8, value.payload());
            if value.tag() != NIL
                && let Some(table) = table(s.register(w.a()))
                && let Some(key) = short_string(s, s.register(w.b()))
                && heap.replace_short_parts(table, key, parts)
            {
                if value.tag() >= STRING && s.needs_barrier(&raw const heap.get(table).header) {
                    return s.slow(w, slow::element_barrier);
                }
                return Flow::Next(s);
            }
            s.call_out(w, slow::set_index)
        }
    }
}

#[inline(always)]
pub(super) unsafe fn set_index<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let key = s.register(w.b());
        if key.tag() == INTEGER {
            return set_element(s, w, s.register(w.a()), key.integer(), s.register(w.c()));
        }
        if key.tag() == STRING {
            return D::stage::<SetNamed>(s, w);
        }
        s.call_out(w, slow::set_index)
    }
}

#[inline(always)]
pub(super) unsafe fn set_integer<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { set_element(s, w, s.register(w.a()), w.b() as i64, s.register(w.c())) }
}

#[inline(always)]
pub(super) unsafe fn new_table<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::new_table) }
}

#[inline(always)]
pub(super) unsafe fn set_list<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::set_list) }
}

#[inline(always)]
pub(super) unsafe fn set_list_open<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the state is the machine's.
    unsafe { s.call_out(w, slow::set_list_open) }
}
