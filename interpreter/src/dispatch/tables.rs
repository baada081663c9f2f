//! Table access through inline caches, and construction.

use super::state::{Driver, Flow, INTEGER, NIL, Operands, Register, STRING, Stage, State, TABLE, TRUE};
use crate::{metamethod::Event, slow};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{function::Site, reference::Ref, storage::SlotArray, table::Table, value::Slot};

/// The field of `table` that the site's first entry remembers.
#[inline(always)]
unsafe fn first_field<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Option<Register> {
    // SAFETY: tables and sites lie in the region; the offset was found for this shape, whose tables have that field.
    unsafe {
        if (*site).shape.get() != Some((*table).shape.get()) {
            return None;
        }
        Some(field(s, table, (*site).offset.get()))
    }
}

/// The field of `table` that the site's first or second entry remembers.
#[inline(always)]
unsafe fn own_field<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Option<Register> {
    // SAFETY: as for `first_field`.
    unsafe {
        if (*site).other_shape.get() == Some((*table).shape.get()) {
            return Some(field(s, table, (*site).other_offset.get()));
        }
        first_field(s, table, site)
    }
}

/// The field at byte `offset` of the fields of `table`.
#[inline(always)]
unsafe fn field<D: Driver>(s: State<D>, table: *mut Table, offset: u32) -> Register {
    // SAFETY: the caller's table has that field.
    unsafe {
        let fields: Option<Ref<SlotArray>> = (*table).fields.get();
        let start: *mut u8 =
            s.region.wrapping_add(core::mem::transmute::<Option<Ref<SlotArray>>, u32>(fields) as usize * 8);
        Register(start.wrapping_add(offset as usize).cast::<Slot>())
    }
}

/// The value that the site remembers along `__index`: where it is, or that there is none.
enum Inherited {
    Field(Register),
    Absent,
    Unknown,
}

#[inline(always)]
unsafe fn inherited_field<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Inherited {
    // SAFETY: as for `own_field`; the epoch says that nothing changed on the way to the holder.
    unsafe {
        if (*site).next_shape.get() == Some((*table).shape.get())
            && (*site).metatable.get() == (*table).metatable.get()
            && (*site).epoch.get() == (*s.machine).heap.prototype_epoch()
        {
            return match (*site).holder.get() {
                Some(holder) => Inherited::Field(field(s, s.resolve(holder), (*site).holder_offset.get())),
                None => Inherited::Absent,
            };
        }
        Inherited::Unknown
    }
}

#[inline(always)]
unsafe fn get_cached<D: Driver>(s: State<D>, w: Word, object: Register) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        if object.tag() == TABLE
            && let Some(found) = first_field(s, s.object(object.payload()), s.site(w.c()))
            && found.tag() != NIL
        {
            s.register(w.a()).copy_from(found);
            return Flow::Next(s);
        }
        D::stage::<GetField>(s, w)
    }
}

/// The other entries of a site that gets.
struct GetField;

impl Stage for GetField {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified.
        unsafe {
            let object =
                if w.opcode_number() == Opcode::get_field as u8 { s.register(w.b()) } else { s.upvalue(w.b()) };
            let target = s.register(w.a());
            if object.tag() == TABLE {
                let table: *mut Table = s.object(object.payload());
                let site = s.site(w.c());
                if let Some(found) = own_field(s, table, site)
                    && (found.tag() != NIL || (*table).metatable.get().is_none())
                {
                    target.copy_from(found);
                    return Flow::Next(s);
                }
                match inherited_field(s, table, site) {
                    Inherited::Field(found) if found.tag() != NIL => {
                        target.copy_from(found);
                        return Flow::Next(s);
                    }
                    Inherited::Absent => {
                        target.set(NIL, 0);
                        return Flow::Next(s);
                    }
                    _ => {}
                }
            }
            s.call_out(w, slow::get_field)
        }
    }
}

#[inline(always)]
pub(super) unsafe fn get_field<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { get_cached(s, w, s.register(w.b())) }
}

#[inline(always)]
pub(super) unsafe fn get_upvalue_field<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { get_cached(s, w, s.upvalue(w.b())) }
}

#[inline(always)]
pub(super) unsafe fn get_method<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let object = s.register(w.b());
        if object.tag() == TABLE
            && let Inherited::Field(found) = inherited_field(s, s.object(object.payload()), s.site(w.c()))
            && found.tag() != NIL
        {
            s.register_after(w.a(), 2).copy_from(object);
            s.register(w.a()).copy_from(found);
            return Flow::Next(s);
        }
        D::stage::<GetMethod>(s, w)
    }
}

/// The entries of a site that gets a method for fields of the table itself.
struct GetMethod;

impl Stage for GetMethod {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified.
        unsafe {
            let object = s.register(w.b());
            if object.tag() == TABLE
                && let Some(found) = own_field(s, s.object(object.payload()), s.site(w.c()))
                && found.tag() != NIL
            {
                s.register_after(w.a(), 2).copy_from(object);
                s.register(w.a()).copy_from(found);
                return Flow::Next(s);
            }
            s.call_out(w, slow::get_method)
        }
    }
}

/// Whether a field of `table` that is nil can be set without looking further: no `__newindex` may want it, and no inline
/// cache may depend on its absence.
#[inline(always)]
unsafe fn may_revive<D: Driver>(s: State<D>, table: *mut Table) -> bool {
    // SAFETY: the caller's table lies in the region.
    unsafe {
        if (*table).header.flags.get() & Table::PROTOTYPE != 0 {
            return false;
        }
        match (*table).metatable.get() {
            None => true,
            Some(metatable) => (*s.resolve(metatable)).absent.get() & (1 << Event::NewIndex as u32) != 0,
        }
    }
}

#[inline(always)]
unsafe fn set_cached<D: Driver>(s: State<D>, w: Word, object: Register, value: Register) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        if object.tag() == TABLE {
            let table: *mut Table = s.object(object.payload());
            if let Some(found) = first_field(s, table, s.site(w.c()))
                && found.tag() != NIL
            {
                found.copy_from(value);
                if value.tag() >= STRING && s.needs_barrier(&raw const (*table).header) {
                    return s.slow(w, slow::table_barrier);
                }
                return Flow::Next(s);
            }
        }
        D::stage::<SetField>(s, w)
    }
}

/// The other entries of a site that sets.
struct SetField;

impl Stage for SetField {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified.
        unsafe {
            let (object, value) = if w.opcode_number() == Opcode::set_field as u8 {
                (s.register(w.a()), s.register(w.b()))
            } else {
                (s.upvalue(w.b()), s.register(w.a()))
            };
            if object.tag() == TABLE {
                let table: *mut Table = s.object(object.payload());
                let site = s.site(w.c());
                if let Some(found) = own_field(s, table, site) {
                    if found.tag() != NIL || may_revive(s, table) {
                        found.copy_from(value);
                        if s.needs_barrier(&raw const (*table).header) {
                            return s.slow(w, slow::table_barrier);
                        }
                        return Flow::Next(s);
                    }
                } else if (*site).next_shape.get() == Some((*table).shape.get())
                    && may_revive(s, table)
                    && let Some(fields) = (*table).fields.get()
                    && let Some(shape) = (*site).added_shape()
                {
                    // The field is new: the site remembers the shape with it.
                    let fields: *mut SlotArray = s.resolve(fields);
                    let offset = (*site).holder_offset.get();
                    if (offset as usize) < 8 + 16 * (*fields).length() as usize && value.tag() != NIL {
                        Register(fields.cast::<u8>().add(offset as usize).cast()).copy_from(value);
                        (*table).shape.set(shape);
                        if s.needs_barrier(&raw const (*table).header) {
                            return s.slow(w, slow::table_barrier);
                        }
                        return Flow::Next(s);
                    }
                }
            }
            s.call_out(w, slow::set_field)
        }
    }
}

#[inline(always)]
pub(super) unsafe fn set_field<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { set_cached(s, w, s.register(w.a()), s.register(w.b())) }
}

#[inline(always)]
pub(super) unsafe fn set_upvalue_field<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { set_cached(s, w, s.upvalue(w.b()), s.register(w.a())) }
}

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
            return s.call_out(w, slow::get_string_index);
        }
        s.call_out(w, slow::get_index)
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
        s.call_out(w, slow::set_index)
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
