//! Access to fields by names in the program, through inline caches.

use super::{
    matched::Matched,
    state::{Driver, Flow, NIL, Operands, Register, STRING, Stage, State, TABLE},
};
use crate::{
    field_cache::{Place, Question},
    machine::Machine,
    metamethod::{Event, STRING_TYPE},
    method_cache::Inherited as Remembered,
    slow,
};
use core::{
    marker::PhantomData,
    ptr::{null, null_mut},
};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_gc::{
    function::{Prototype, Site},
    object::AnyObject,
    reference::Ref,
    storage::SlotArray,
    string::Str,
    table::{Shape, Table},
    value::Slot,
};

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
        let fields: Option<Ref<AnyObject>> = (*table).fields.get();
        let start: *mut u8 =
            s.region.wrapping_add(core::mem::transmute::<Option<Ref<AnyObject>>, u32>(fields) as usize * 8);
        Register(start.wrapping_add(offset as usize).cast::<Slot>())
    }
}

/// What the site's third entry remembers.
enum Inherited {
    /// The value is here, unless it is nil by now.
    Field(Register),
    /// There is none along `__index`, so it is what the table itself has.
    Own(Register),
    /// There is none at all.
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
            return match ((*site).holder.get(), (*site).holder_offset.get()) {
                (Some(holder), offset) => Inherited::Field(field(s, s.resolve(holder), offset)),
                (None, 0) => Inherited::Absent,
                (None, offset) => Inherited::Own(field(s, table, offset)),
            };
        }
        Inherited::Unknown
    }
}

/// The key of a site, if it is a short string: shapes have no others.
#[inline(always)]
unsafe fn short_key<D: Driver>(s: State<D>, site: *mut Site) -> Option<Ref<Str>> {
    // SAFETY: the verifier has seen that the constant is a string.
    unsafe {
        let key = s.constant((*site).key_number() as usize * 16).payload();
        if (*s.object::<Str>(key)).is_short() { Ref::from_units(key as u32) } else { None }
    }
}

/// What a site that has met other tables gives for one more.
enum Polymorphic {
    /// The value, which is not nil, in a field of the table itself.
    Own(Register),
    /// What is found along `__index`.
    Inherited(Inherited),
}

/// Looks the key of the site up in the cache of fields, then in the index of the table's shape and in the cache of what is found
/// along `__index`. The site remembers the former in its first entry, the latter, now and then, in its third: but where a table has the key
/// with nil, whose field may be set, only that there is nothing else.
#[inline(always)]
unsafe fn polymorphic_field<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Polymorphic {
    const UNKNOWN: Polymorphic = Polymorphic::Inherited(Inherited::Unknown);
    // SAFETY: as for `first_field`.
    unsafe {
        let machine = &*s.machine;
        let shape = (*table).shape.get();
        let Some(key) = short_key(s, site) else { return UNKNOWN };
        let (metatable, epoch) = ((*table).metatable.get(), machine.heap.prototype_epoch());
        let question = Question { shape, metatable, key, epoch };
        if let Some(place) = machine.field_cache.get(question)
            && let Some(found) = placed_field(s, table, site, place)
            && !machine.field_cache.is_turn()
        {
            return found;
        }
        let Some(own) = machine.heap.peek_field_offset(shape, key) else { return UNKNOWN };
        if let Some(offset) = own {
            let found = field(s, table, offset);
            if found.tag() != NIL {
                machine.field_cache.set(question, Place::Own(offset));
                return if remember_field(s, site, shape, offset) { Polymorphic::Own(found) } else { UNKNOWN };
            }
        }
        let Some(metatable) = metatable else {
            return Polymorphic::Inherited(Inherited::Absent);
        };
        let Some(found) = machine.method_cache.get(shape, metatable, key, epoch) else { return UNKNOWN };
        if own.is_none() {
            machine.field_cache.set(question, Place::Inherited(found));
        }
        if (own.is_none() || matches!(found, Remembered::Absent))
            && !remember_inherited(s, site, (shape, metatable, epoch), own, found)
        {
            return UNKNOWN;
        }
        Polymorphic::Inherited(remembered_field(s, found))
    }
}

#[inline(always)]
unsafe fn remembered_field<D: Driver>(s: State<D>, found: Remembered) -> Inherited {
    // SAFETY: what is remembered in this epoch is so.
    unsafe {
        match found {
            Remembered::Field(holder, offset) => Inherited::Field(field(s, s.resolve(holder), offset)),
            Remembered::Absent => Inherited::Absent,
        }
    }
}

/// What the cache of fields says of a table, if that is all there is to know, and the site remembers others of its kind.
#[inline(always)]
unsafe fn placed_field<D: Driver>(
    s: State<D>,
    table: *mut Table,
    site: *mut Site,
    place: Place,
) -> Option<Polymorphic> {
    // SAFETY: tables of this shape have the field.
    unsafe {
        match place {
            Place::Own(offset) => {
                let found = field(s, table, offset);
                let is_known = found.tag() != NIL && (*site).other_shape.get().is_some();
                is_known.then_some(Polymorphic::Own(found))
            }
            Place::Inherited(found) => {
                (*site).next_shape.get().map(|_| Polymorphic::Inherited(remembered_field(s, found)))
            }
        }
    }
}

/// Makes what was found along `__index` of tables of this shape and metatable the third entry of a site, if that is of no use
/// or its turn has come: of tables that take turns, none is worth the stores each time. `false` if the entry is empty, and filling
/// it takes more than can be done here.
#[inline(always)]
unsafe fn remember_inherited<D: Driver>(
    s: State<D>,
    site: *mut Site,
    (shape, metatable, epoch): (Ref<Shape>, Ref<Table>, u32),
    own: Option<u32>,
    found: Remembered,
) -> bool {
    // SAFETY: the site is one of the running prototype, which does not want a barrier.
    unsafe {
        let is_used = (*site).next_shape.get().is_some() && (*site).epoch.get() == epoch;
        if is_used {
            (*site).set_crowded();
        }
        if is_used && (*s.machine).budget.get() & 7 != 0 {
            return true;
        }
        if s.needs_barrier(&raw const (*s.prototype).header) {
            return (*site).next_shape.get().is_some();
        }
        let (holder, offset) = match found {
            Remembered::Field(holder, offset) => (Some(holder), offset),
            Remembered::Absent => (None, own.unwrap_or(0)),
        };
        (*site).next_shape.set(Some(shape));
        (*site).metatable.set(Some(metatable));
        (*site).holder.set(holder);
        (*site).holder_offset.set(offset);
        (*site).epoch.set(epoch);
        true
    }
}

/// Makes a field the first entry of a site, and what was the first the second. `false` if that is empty, and filling it takes
/// more than can be done here.
#[inline(always)]
unsafe fn remember_field<D: Driver>(s: State<D>, site: *mut Site, shape: Ref<Shape>, offset: u32) -> bool {
    // SAFETY: the site is one of the running prototype, which does not want a barrier.
    unsafe {
        if s.needs_barrier(&raw const (*s.prototype).header) {
            return (*site).other_shape.get().is_some();
        }
        (*site).remember_own(shape, offset);
        true
    }
}

/// The method of strings that the site remembers, as if the metatable of strings were a table without fields.
#[inline(always)]
unsafe fn string_method<D: Driver>(s: State<D>, site: *mut Site) -> Option<Register> {
    // SAFETY: the machine's array of metatables has a slot for each type.
    unsafe {
        let metatables: *mut SlotArray = s.resolve((*s.machine).metatables);
        let metatable = Register(metatables.add(1).cast::<Slot>().add(STRING_TYPE));
        if metatable.tag() != TABLE {
            return None;
        }
        let table: *mut Table = s.object(metatable.payload());
        if (*site).next_shape.get() == Some((*table).shape.get())
            && (*site).metatable.get() == Ref::from_units(metatable.payload() as u32)
            && (*site).epoch.get() == (*s.machine).heap.prototype_epoch()
            && let Some(holder) = (*site).holder.get()
        {
            return Some(field(s, s.resolve(holder), (*site).holder_offset.get()));
        }
        None
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
                let mut inherited = inherited_field(s, table, site);
                if matches!(inherited, Inherited::Unknown) {
                    match polymorphic_field(s, table, site) {
                        Polymorphic::Own(found) => {
                            target.copy_from(found);
                            return Flow::Next(s);
                        }
                        Polymorphic::Inherited(found) => inherited = found,
                    }
                }
                match inherited {
                    Inherited::Field(found) if found.tag() != NIL => {
                        target.copy_from(found);
                        return Flow::Next(s);
                    }
                    Inherited::Own(found) => {
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

/// The other entries of a site that gets a method.
struct GetMethod;

impl Stage for GetMethod {
    #[inline(always)]
    unsafe fn run<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
        // SAFETY: operands are verified.
        unsafe {
            let object = s.register(w.b());
            let site = s.site(w.c());
            let found = match object.tag() {
                TABLE => {
                    let table = s.object(object.payload());
                    match own_field(s, table, site) {
                        Some(found) if found.tag() != NIL => Some(found),
                        _ => match polymorphic_field(s, table, site) {
                            Polymorphic::Own(found) | Polymorphic::Inherited(Inherited::Field(found)) => Some(found),
                            Polymorphic::Inherited(_) => None,
                        },
                    }
                }
                STRING => string_method(s, site),
                _ => None,
            };
            if let Some(found) = found
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

/// The state for a look at a function's sites, without an instruction.
///
/// # Safety
/// The machine is alive, and the prototype is of its heap.
#[inline(always)]
unsafe fn outside(machine: *mut Machine, prototype: *mut Prototype) -> State<Matched> {
    // SAFETY: the caller's machine is alive.
    let region = unsafe { (*machine).heap.base() };
    State { pc: null(), base: null_mut(), region, machine, prototype, driver: PhantomData }
}

/// See [`crate::machine_code::FindField`].
///
/// # Safety
/// The site is one of the prototype's and for reading; it, the table and the prototype are of the machine's heap.
pub(crate) unsafe extern "sysv64" fn find_field(
    machine: *mut Machine,
    prototype: *mut Prototype,
    table: *mut Table,
    site: *mut Site,
) -> *const Slot {
    // SAFETY: the caller's promise; without an instruction, the state's is not looked at.
    unsafe {
        let state = outside(machine, prototype);
        let own = known_own(table, site);
        remember_known(state, table, site, own.map(Place::Own).or_else(|| known_inherited(state, table, site)));
        match polymorphic_field(state, table, site) {
            Polymorphic::Own(found) => found.0,
            Polymorphic::Inherited(Inherited::Field(found)) if found.tag() != NIL => found.0,
            Polymorphic::Inherited(Inherited::Absent) => &raw const (*machine).lua.nil,
            Polymorphic::Inherited(_) => null(),
        }
    }
}

/// The method of strings that a site remembers: its tag and payload.
///
/// # Safety
/// The site is one of the prototype's, which is of the machine's heap.
pub(crate) unsafe fn find_string_method(
    machine: *mut Machine,
    prototype: *mut Prototype,
    site: usize,
) -> Option<(u8, u64)> {
    // SAFETY: the caller's promise; without an instruction, the state's is not looked at.
    unsafe {
        let state = outside(machine, prototype);
        let found = string_method(state, state.site(site))?;
        Some((found.tag() as u8, found.payload()))
    }
}

/// See [`crate::machine_code::FindField`]: for an instruction that sets.
///
/// # Safety
/// The site is one of the prototype's and for setting; it, the table and the prototype are of the machine's heap.
pub(crate) unsafe extern "sysv64" fn find_target(
    machine: *mut Machine,
    prototype: *mut Prototype,
    table: *mut Table,
    site: *mut Site,
) -> *const Slot {
    // SAFETY: the caller's promise; without an instruction, the state's is not looked at.
    unsafe {
        let state = outside(machine, prototype);
        remember_known(state, table, site, known_own(table, site).map(Place::Own));
        polymorphic_target(state, table, site).map_or(null(), |found| found.0)
    }
}

/// Where the first or the second entry of a site says that the field is.
#[inline(always)]
unsafe fn known_own(table: *mut Table, site: *mut Site) -> Option<u32> {
    // SAFETY: tables and sites lie in the region.
    unsafe {
        let shape = Some((*table).shape.get());
        match () {
            () if (*site).shape.get() == shape => Some((*site).offset.get()),
            () if (*site).other_shape.get() == shape => Some((*site).other_offset.get()),
            () => None,
        }
    }
}

/// Where the third entry of a site that gets says that the field is, of tables whose shape does not have it.
#[inline(always)]
unsafe fn known_inherited<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Option<Place> {
    // SAFETY: as for `known_own`.
    unsafe {
        let is_it = (*site).next_shape.get() == Some((*table).shape.get())
            && (*site).metatable.get() == (*table).metatable.get()
            && (*site).epoch.get() == (*s.machine).heap.prototype_epoch();
        match ((*site).holder.get(), (*site).holder_offset.get()) {
            _ if !is_it => None,
            (Some(holder), offset) => Some(Place::Inherited(Remembered::Field(holder, offset))),
            (None, 0) => Some(Place::Inherited(Remembered::Absent)),
            (None, _) => None,
        }
    }
}

/// Has the cache of fields know what a site does: compiled code looks into it alone.
#[inline(always)]
unsafe fn remember_known<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site, place: Option<Place>) {
    // SAFETY: as for `known_own`.
    unsafe {
        if let (Some(place), Some(key)) = (place, short_key(s, site)) {
            let (shape, metatable) = ((*table).shape.get(), (*table).metatable.get());
            let question = Question { shape, metatable, key, epoch: (*s.machine).heap.prototype_epoch() };
            (*s.machine).field_cache.set(question, place);
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

/// The field of a table that a site which has met others is to set, if it is not nil. The site remembers it.
#[inline(always)]
unsafe fn polymorphic_target<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Option<Register> {
    // SAFETY: as for `first_field`.
    unsafe {
        let shape = (*table).shape.get();
        let machine = &*s.machine;
        let (key, metatable, epoch) = (short_key(s, site)?, (*table).metatable.get(), machine.heap.prototype_epoch());
        let question = Question { shape, metatable, key, epoch };
        if let Some(Place::Own(offset)) = machine.field_cache.get(question)
            && (*site).other_shape.get().is_some()
            && !machine.field_cache.is_turn()
        {
            let found = field(s, table, offset);
            return (found.tag() != NIL).then_some(found);
        }
        let offset = machine.heap.peek_field_offset(shape, key)??;
        let found = field(s, table, offset);
        if found.tag() == NIL {
            return None;
        }
        machine.field_cache.set(question, Place::Own(offset));
        remember_field(s, site, shape, offset).then_some(found)
    }
}

/// The place for a field that the site remembers to be added to tables of this shape, and their shape with it.
#[inline(always)]
unsafe fn added_field<D: Driver>(s: State<D>, table: *mut Table, site: *mut Site) -> Option<(Register, Ref<Shape>)> {
    // SAFETY: as for `first_field`; the place lies within the fields that the table has.
    unsafe {
        if (*site).next_shape.get() != Some((*table).shape.get()) {
            return None;
        }
        let fields: *mut SlotArray = s.resolve((*table).fields.get()?.cast());
        let shape = (*site).added_shape()?;
        let offset = (*site).holder_offset.get() as usize;
        if offset >= 8 + 16 * (*fields).length() as usize {
            return None;
        }
        Some((Register(fields.cast::<u8>().add(offset).cast()), shape))
    }
}

/// Sets a field of `table`, or adds it if the table's shape has just become one with it.
#[inline(always)]
unsafe fn store<D: Driver>(s: State<D>, w: Word, table: *mut Table, place: Register, value: Register) -> Flow<D> {
    // SAFETY: the caller's place is one of the table's.
    unsafe {
        place.copy_from(value);
        if s.needs_barrier(&raw const (*table).header) {
            return s.slow(w, slow::table_barrier);
        }
        Flow::Next(s)
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
                        return store(s, w, table, found, value);
                    }
                } else if let Some((place, shape)) = added_field(s, table, site) {
                    if value.tag() != NIL && may_revive(s, table) {
                        (*table).shape.set(shape);
                        return store(s, w, table, place, value);
                    }
                } else if (*site).shape.get().is_some()
                    && let Some(found) = polymorphic_target(s, table, site)
                {
                    return store(s, w, table, found, value);
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
pub(super) unsafe fn initialize_field<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let (object, value) = (s.register(w.a()), s.register(w.b()));
        if object.tag() == TABLE {
            let table: *mut Table = s.object(object.payload());
            let site = s.site(w.c());
            if let Some((place, shape)) = added_field(s, table, site)
                && may_revive(s, table)
            {
                (*table).shape.set(shape);
                return store(s, w, table, place, value);
            }
        }
        s.call_out(w, slow::initialize_field)
    }
}

#[inline(always)]
pub(super) unsafe fn set_upvalue_field<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { set_cached(s, w, s.upvalue(w.b()), s.register(w.a())) }
}
