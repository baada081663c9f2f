//! Structures, arrays and small integers.
//!
//! The verifier knows how many fields a structure of a type has and where they lie, but not what a register refers to: that
//! is seen here. A structure is of the type that the instruction names, or of a subtype; an array's elements take what the
//! instruction moves.

use super::{
    slow_objects as slow,
    state::{Driver, Flow, State},
};
use crate::dispatch::state::{INTEGER, NIL, Operands, Register};
use lunette_bytecode::{instruction::Word, typed::module::HeapType};
use lunette_gc::{
    object::Header,
    reference::Ref,
    typed::{CanonicalType, Form, TypedObject},
    value::{Slot, Tag},
};

const OBJECT: u32 = Tag::TypedObject as u32;
const FUNCTION: u32 = Tag::TypedFunction as u32;

impl<D: Driver> State<D> {
    /// The machine's form of a type of the module.
    #[inline(always)]
    unsafe fn type_of(self, number: u32) -> Ref<CanonicalType> {
        // SAFETY: the verifier saw that the type is there, and every type of a module has its form.
        unsafe { self.element((*self.instance).types, number as usize).unwrap_unchecked() }
    }

    /// The object that a register refers to, if it does.
    #[inline(always)]
    unsafe fn typed_object(self, register: Register) -> Option<*mut TypedObject> {
        // SAFETY: a slot with this tag refers to an object of this kind.
        unsafe {
            if register.tag() != OBJECT {
                return None;
            }
            Some(self.object(Ref::from_units(register.payload() as u32).unwrap_unchecked()))
        }
    }

    /// The place of the field that the literal names, in the structure of a register; `None` if there is none.
    #[inline(always)]
    unsafe fn field_place(self, register: Register) -> Option<*mut u8> {
        // SAFETY: the verifier saw that structures of the type have the field there, and those of subtypes do as well.
        unsafe {
            let literal = self.literal(0);
            let object = self.typed_object(register)?;
            let is_one = self.is_subtype((*object).kind, self.type_of(literal as u32));
            is_one.then(|| object.add(1).cast::<u8>().add((literal >> 32) as usize))
        }
    }

    /// The place of an element of the array of a register; `None` if there is none of this form.
    #[inline(always)]
    unsafe fn element_place(self, register: Register, index: u32, form: Form) -> Option<*mut u8> {
        // SAFETY: the elements follow the fixed part.
        unsafe {
            let object = self.typed_object(register)?;
            if (*object).header.flags.get() != form as u8 || index >= (*object).length {
                return None;
            }
            Some(object.add(1).cast::<u8>().add(index as usize * form.element_bytes()))
        }
    }

    /// Whether what a register holds is of the heap type that the literal names, or null if it says so.
    #[inline(always)]
    unsafe fn is_of_type(self, register: Register) -> bool {
        // SAFETY: operands are verified.
        unsafe {
            let literal = self.literal(0);
            let (heap, tag) = (literal as u32, register.tag());
            if tag == NIL {
                return literal >> 32 != 0;
            }
            if HeapType::is_concrete(heap) {
                if tag != OBJECT && tag != FUNCTION {
                    return false;
                }
                // Functions have their type in the same place.
                let object: *mut TypedObject =
                    self.object(Ref::from_units(register.payload() as u32).unwrap_unchecked());
                return self.is_subtype((*object).kind, self.type_of(heap));
            }
            let is_i31 = tag == INTEGER && is_small(register.payload());
            let has_form = |is_form: fn(u8) -> bool| match self.typed_object(register) {
                Some(object) => is_form((*object).header.flags.get()),
                None => false,
            };
            match HeapType::decode(heap) {
                HeapType::I31 => is_i31,
                HeapType::Structure => has_form(|form| form == Form::Structure as u8),
                HeapType::Array => has_form(|form| form < Form::Structure as u8),
                HeapType::Equal => is_i31 || tag == OBJECT,
                HeapType::Function => tag == FUNCTION,
                HeapType::Any | HeapType::Extern | HeapType::Exception => true,
                _ => false,
            }
        }
    }
}

/// Whether an integer has 31 bits.
#[inline(always)]
fn is_small(payload: u64) -> bool {
    payload.wrapping_add(1 << 30) < 1 << 31
}

macro_rules! structure_gets {
    ($($name:ident: $type:ident $set:ident |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the field lies there.
            unsafe {
                let Some(place) = s.field_place(s.reference(w.b())) else { return s.slow(w, 1, slow::no_structure_read) };
                let $value = place.cast::<$type>().read_unaligned();
                s.$set(w.a(), $result);
            }
            s.next(1)
        }
    )* };
}

structure_gets! {
    structure_get_8_signed: i8 set32 |value| value as u32;
    structure_get_8: u8 set64 |value| value.into();
    structure_get_16_signed: i16 set32 |value| value as u32;
    structure_get_16: u16 set64 |value| value.into();
    structure_get_32: u32 set64 |value| value.into();
    structure_get_64: u64 set64 |value| value;
    structure_get_vector: u128 set128 |value| value;
}

#[inline(always)]
pub(super) unsafe fn structure_get_reference<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the field lies there, and is a slot.
    unsafe {
        let Some(place) = s.field_place(s.reference(w.b())) else { return s.slow(w, 1, slow::no_structure_read) };
        s.reference(w.a()).copy_from(Register(place.cast()));
    }
    s.next(1)
}

macro_rules! structure_sets {
    ($($name:ident: $type:ident $get:ident;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the field lies there.
            unsafe {
                let Some(place) = s.field_place(s.reference(w.a())) else { return s.slow(w, 1, slow::no_structure_write) };
                place.cast::<$type>().write_unaligned(s.$get(w.b()) as $type);
            }
            s.next(1)
        }
    )* };
}

structure_sets! {
    structure_set_8: u8 get32;
    structure_set_16: u16 get32;
    structure_set_32: u32 get32;
    structure_set_64: u64 get64;
    structure_set_vector: u128 get128;
}

/// Whether the collector must be told of a write into the object of a register.
#[inline(always)]
unsafe fn needs_barrier<D: Driver>(s: State<D>, register: Register) -> bool {
    // SAFETY: the register refers to an object.
    unsafe {
        let object: *mut TypedObject = s.object(Ref::from_units(register.payload() as u32).unwrap_unchecked());
        (*object).header.gc.get() & Header::BARRIER != 0
    }
}

#[inline(always)]
pub(super) unsafe fn structure_set_reference<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the field lies there, and is a slot.
    unsafe {
        let Some(place) = s.field_place(s.reference(w.a())) else { return s.slow(w, 1, slow::no_structure_write) };
        Register(place.cast()).copy_from(s.reference(w.b()));
        if needs_barrier(s, s.reference(w.a())) {
            return s.call_out(w, 1, slow::structure_barrier);
        }
    }
    s.next(1)
}

macro_rules! array_gets {
    ($($name:ident: $form:ident $type:ident $set:ident |$value:ident| $result:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the element lies there.
            unsafe {
                let Some(place) = s.element_place(s.reference(w.b()), s.get32(w.c()), Form::$form) else {
                    return s.slow(w, 0, slow::no_element_read);
                };
                let $value = place.cast::<$type>().read_unaligned();
                s.$set(w.a(), $result);
            }
            Flow::Next(s)
        }
    )* };
}

array_gets! {
    array_get_8_signed: Array8 i8 set32 |value| value as u32;
    array_get_8: Array8 u8 set64 |value| value.into();
    array_get_16_signed: Array16 i16 set32 |value| value as u32;
    array_get_16: Array16 u16 set64 |value| value.into();
    array_get_32: Array32 u32 set64 |value| value.into();
    array_get_64: Array64 u64 set64 |value| value;
    array_get_vector: ArrayVector u128 set128 |value| value;
}

#[inline(always)]
pub(super) unsafe fn array_get_reference<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the element lies there, and is a slot.
    unsafe {
        let Some(place) = s.element_place(s.reference(w.b()), s.get32(w.c()), Form::ArrayReference) else {
            return s.slow(w, 0, slow::no_element_read);
        };
        s.reference(w.a()).copy_from(Register(place.cast()));
    }
    Flow::Next(s)
}

macro_rules! array_sets {
    ($($name:ident: $form:ident $type:ident $get:ident;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the element lies there.
            unsafe {
                let Some(place) = s.element_place(s.reference(w.a()), s.get32(w.b()), Form::$form) else {
                    return s.slow(w, 0, slow::no_element_write);
                };
                place.cast::<$type>().write_unaligned(s.$get(w.c()) as $type);
            }
            Flow::Next(s)
        }
    )* };
}

array_sets! {
    array_set_8: Array8 u8 get32;
    array_set_16: Array16 u16 get32;
    array_set_32: Array32 u32 get32;
    array_set_64: Array64 u64 get64;
    array_set_vector: ArrayVector u128 get128;
}

#[inline(always)]
pub(super) unsafe fn array_set_reference<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the element lies there, and is a slot.
    unsafe {
        let Some(place) = s.element_place(s.reference(w.a()), s.get32(w.b()), Form::ArrayReference) else {
            return s.slow(w, 0, slow::no_element_write);
        };
        Register(place.cast()).copy_from(s.reference(w.c()));
        if needs_barrier(s, s.reference(w.a())) {
            return s.call_out(w, 0, slow::array_barrier);
        }
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn array_length<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        match s.typed_object(s.reference(w.b())) {
            Some(array) if (*array).header.flags.get() < Form::Structure as u8 => {
                s.set32(w.a(), (*array).length);
                Flow::Next(s)
            }
            _ => s.slow(w, 0, slow::no_array),
        }
    }
}

#[inline(always)]
pub(super) unsafe fn structure_new<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified; all fields are written.
    unsafe {
        let literal = s.literal(0);
        let kind = s.type_of(literal as u32);
        let heap = &(*s.machine).heap;
        let Some(object) = heap.cut_object(kind, Form::Structure, 0, heap.get(kind).bytes as usize) else {
            return s.slow(w, 1 + w.c(), slow::structure_new);
        };
        let content = s.object(object).add(1).cast::<u8>();
        let (numbers, references) = heap.fields(kind);
        // A list of 16-bit offsets of registers.
        let mut list = s.pc.add(1).cast::<u16>();
        for &word in numbers {
            let value = s.get64((*list).into());
            list = list.add(1);
            let place = content.add((word >> 3) as usize);
            match Form::from_number((word & 7) as u8) {
                Form::ArrayVector => {
                    Form::ArrayVector.write(place, value, s.get64((*list).into()));
                    list = list.add(1);
                }
                form => form.write(place, value, 0),
            }
        }
        for &place in references {
            let field = content.add(place as usize).cast::<Slot>();
            Register(field).copy_from(s.reference((*list).into()));
            list = list.add(1);
        }
        s.reference(w.a()).set(OBJECT, object.units().into());
        s.next(1 + w.c())
    }
}

#[inline(always)]
pub(super) unsafe fn structure_new_default<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified; all fields are written.
    unsafe {
        let kind = s.type_of(w.d());
        let heap = &(*s.machine).heap;
        let bytes = heap.get(kind).bytes as usize;
        let Some(object) = heap.cut_object(kind, Form::Structure, 0, bytes) else {
            return s.slow(w, 0, slow::structure_new_default);
        };
        s.object(object).add(1).cast::<u8>().write_bytes(0, bytes);
        s.reference(w.a()).set(OBJECT, object.units().into());
        Flow::Next(s)
    }
}

#[inline(always)]
pub(super) unsafe fn reference_i31<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let bits = s.get32(w.b()) << 1;
        s.reference(w.a()).set(INTEGER, (bits as i32 >> 1) as u64);
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn i31_get_signed<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let register = s.reference(w.b());
        if register.tag() != INTEGER {
            return s.slow(w, 0, slow::no_i31);
        }
        s.set32(w.a(), register.payload() as u32);
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn i31_get_unsigned<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe {
        let register = s.reference(w.b());
        if register.tag() != INTEGER {
            return s.slow(w, 0, slow::no_i31);
        }
        s.set32(w.a(), register.payload() as u32 & 0x7fff_ffff);
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn reference_test<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { s.set32(w.a(), s.is_of_type(s.reference(w.b())).into()) }
    s.next(1)
}

#[inline(always)]
pub(super) unsafe fn reference_cast<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    unsafe { if s.is_of_type(s.reference(w.a())) { s.next(1) } else { s.slow(w, 1, slow::cast_failure) } }
}

#[inline(always)]
pub(super) unsafe fn jump_if_type<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    let is_taken = unsafe { s.is_of_type(s.reference(w.a())) };
    Flow::Next(s.past(1).jumped(if is_taken { w.d_signed() } else { 0 }))
}

#[inline(always)]
pub(super) unsafe fn jump_if_not_type<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified.
    let is_taken = unsafe { !s.is_of_type(s.reference(w.a())) };
    Flow::Next(s.past(1).jumped(if is_taken { w.d_signed() } else { 0 }))
}

macro_rules! out_of_line {
    ($($name:ident $words:literal $has_list:literal)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            let list = if $has_list { w.c() } else { 0 };
            // SAFETY: the state is the machine's.
            unsafe { s.call_out(w, $words + list, slow::$name) }
        }
    )* };
}

out_of_line! {
    array_new 1 false
    array_new_vector 1 false
    array_new_reference 1 false
    array_new_default 1 false
    array_new_fixed 1 true
    array_new_data 1 false
    array_new_elements 1 false
    array_fill 1 false
    array_fill_vector 1 false
    array_fill_reference 1 false
    array_copy 1 false
    array_initialize_data 1 false
    array_initialize_elements 1 false
}
