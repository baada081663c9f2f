//! Structures, arrays and small integers.
//!
//! The verifier knows how many fields a structure of a type has and where they lie, but not what a register refers to: that
//! is seen here. A structure is of the type that the instruction names, or of a subtype; an array's elements take what the
//! instruction moves.

use super::{
    slow_objects as slow,
    state::{Driver, Flow, Stage, State, field},
};
use crate::dispatch::state::{INTEGER, NIL, Operands, Register};
use lunette_bytecode::{instruction::Word, typed::module::HeapType};
use lunette_gc::{
    object::Header,
    packed::PackedSlot,
    reference::Ref,
    typed::{CanonicalType, Form, TypedArray, TypedFunction, TypedObject},
    value::Tag,
};

const OBJECT: u32 = Tag::TypedObject as u32;
const FUNCTION: u32 = Tag::TypedFunction as u32;

impl<D: Driver> State<D> {
    /// The machine's form of a type of the module.
    #[inline(always)]
    unsafe fn type_of(self, number: u32) -> Ref<CanonicalType> {
        // SAFETY: the verifier saw that the type is there, and every type of a module has its form.
        unsafe { self.element((*self.instance()).types, number as usize).unwrap_unchecked() }
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

    /// The place of the field that the literal names, in the structure of a register; `None` if it is not of just the type
    /// that the instruction names.
    #[inline(always)]
    unsafe fn own_field_place(self, register: Register) -> Option<*mut u8> {
        // SAFETY: the verifier saw that structures of the type have the field there.
        unsafe {
            let literal = self.literal(0);
            let object = self.typed_object(register)?;
            let is_one = kind_of(object) == self.type_of(literal as u32).units();
            is_one.then(|| object.add(1).cast::<u8>().add((literal >> 32) as usize))
        }
    }

    /// The same in a structure of a subtype as well; `None` if it is none.
    #[inline(always)]
    unsafe fn field_place(self, register: Register) -> Option<*mut u8> {
        // SAFETY: the verifier saw that structures of the type have the field there, and those of subtypes do as well.
        unsafe {
            let literal = self.literal(0);
            let object = self.typed_object(register)?;
            let kind = Ref::from_units(kind_of(object)).unwrap_unchecked();
            let is_one = self.is_subtype(kind, self.type_of(literal as u32));
            is_one.then(|| object.add(1).cast::<u8>().add((literal >> 32) as usize))
        }
    }

    /// The place of an element of the array of a register; `None` if there is none of this form.
    #[inline(always)]
    unsafe fn element_place(self, register: Register, index: u32, form: Form) -> Option<*mut u8> {
        // SAFETY: the elements follow the fixed part.
        unsafe {
            let object = self.typed_object(register)?;
            let array = object.cast::<TypedArray>();
            if (*object).header.flags.get() != form as u8 || index >= (*array).length {
                return None;
            }
            Some(array.add(1).cast::<u8>().add(index as usize * form.element_bytes()))
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
                let kind = match tag {
                    OBJECT => self.typed_object(register).map(|object| kind_of(object)).and_then(Ref::from_units),
                    FUNCTION => {
                        let function = Ref::<TypedFunction>::from_units(register.payload() as u32);
                        function.map(|function| (*self.object(function)).kind)
                    }
                    _ => None,
                };
                return kind.is_some_and(|kind| self.is_subtype(kind, self.type_of(heap)));
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

/// The type of an object, in units of references.
#[inline(always)]
unsafe fn kind_of(object: *mut TypedObject) -> u32 {
    // SAFETY: it is one.
    unsafe { (*object).header.low.get() }
}

/// What a register holds as what a reference to an object takes; `None` if it is another value.
#[inline(always)]
unsafe fn held_object(register: Register) -> Option<u32> {
    // SAFETY: the caller's promise.
    unsafe {
        match register.tag() {
            OBJECT => Some(register.payload() as u32),
            NIL => Some(0),
            _ => None,
        }
    }
}

/// Has a register hold a reference to an object, or null.
#[inline(always)]
unsafe fn set_object(register: Register, units: u32) {
    // SAFETY: the caller's promise.
    unsafe { register.set(if units == 0 { NIL } else { OBJECT }, units.into()) }
}

/// Whether an integer has 31 bits.
#[inline(always)]
fn is_small(payload: u64) -> bool {
    payload.wrapping_add(1 << 30) < 1 << 31
}

/// `name Stage |s, w| register |place| access`: what is done with a field of a structure. The second stage is for those of
/// subtypes.
macro_rules! with_fields {
    ($($name:ident $stage:ident |$s:ident, $w:ident| $register:expr, $failure:ident, |$place:ident| $access:expr;)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
            // SAFETY: the field lies there.
            unsafe {
                match $s.own_field_place($register) {
                    Some($place) => $access,
                    None => D::stage::<$stage>($s, $w),
                }
            }
        }

        struct $stage;

        impl Stage for $stage {
            #[inline(always)]
            unsafe fn run<D: Driver>($s: State<D>, $w: Word) -> Flow<D> {
                // SAFETY: the field lies there.
                unsafe {
                    match $s.field_place($register) {
                        Some($place) => $access,
                        None => $s.slow($w, 1, slow::$failure),
                    }
                }
            }
        }
    )* };
}

macro_rules! structure_gets {
    ($($name:ident $stage:ident: $type:ident $set:ident |$value:ident| $result:expr;)*) => {
        with_fields! { $(
            $name $stage |s, w| s.reference(w.b()), no_structure_read, |place| {
                let $value = place.cast::<$type>().read_unaligned();
                s.$set(w.a(), $result);
                s.next(1)
            };
        )* }
    };
}

structure_gets! {
    structure_get_8_signed StructureGet8Signed: i8 set32 |value| value as u32;
    structure_get_8 StructureGet8: u8 set64 |value| value.into();
    structure_get_16_signed StructureGet16Signed: i16 set32 |value| value as u32;
    structure_get_16 StructureGet16: u16 set64 |value| value.into();
    structure_get_32 StructureGet32: u32 set64 |value| value.into();
    structure_get_64 StructureGet64: u64 set64 |value| value;
    structure_get_vector StructureGetVector: u128 set128 |value| value;
}

macro_rules! structure_sets {
    ($($name:ident $stage:ident: $type:ident $get:ident;)*) => {
        with_fields! { $(
            $name $stage |s, w| s.reference(w.a()), no_structure_write, |place| {
                place.cast::<$type>().write_unaligned(s.$get(w.b()) as $type);
                s.next(1)
            };
        )* }
    };
}

structure_sets! {
    structure_set_8 StructureSet8: u8 get32;
    structure_set_16 StructureSet16: u16 get32;
    structure_set_32 StructureSet32: u32 get32;
    structure_set_64 StructureSet64: u64 get64;
    structure_set_vector StructureSetVector: u128 get128;
}

with_fields! {
    structure_get_reference StructureGetReference |s, w| s.reference(w.b()), no_structure_read, |place| {
        match (*place.cast::<PackedSlot>()).take() {
            Some((tag, payload)) => {
                s.reference(w.a()).set(tag, payload);
                s.next(1)
            }
            None => s.call_out(w, 1, slow::structure_get_packed),
        }
    };
    structure_get_object StructureGetObject |s, w| s.reference(w.b()), no_structure_read, |place| {
        set_object(s.reference(w.a()), place.cast::<u32>().read());
        s.next(1)
    };
    structure_set_object StructureSetObject |s, w| s.reference(w.a()), no_structure_write, |place| {
        match held_object(s.reference(w.b())) {
            None => s.slow(w, 1, slow::other_kind),
            Some(units) => {
                place.cast::<u32>().write(units);
                if needs_barrier(s, s.reference(w.a())) {
                    s.call_out(w, 1, slow::structure_barrier)
                } else {
                    s.next(1)
                }
            }
        }
    };
    structure_set_reference StructureSetReference |s, w| s.reference(w.a()), no_structure_write, |place| {
        let value = s.reference(w.b());
        if !(*place.cast::<PackedSlot>()).put(value.tag(), value.payload()) {
            s.call_out(w, 1, slow::structure_set_packed)
        } else if needs_barrier(s, s.reference(w.a())) {
            s.call_out(w, 1, slow::structure_barrier)
        } else {
            s.next(1)
        }
    };
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
        match (*place.cast::<PackedSlot>()).take() {
            Some((tag, payload)) => s.reference(w.a()).set(tag, payload),
            None => return s.call_out(w, 0, slow::array_get_packed),
        }
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn array_get_object<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the element lies there, and is a reference to an object or null.
    unsafe {
        let Some(place) = s.element_place(s.reference(w.b()), s.get32(w.c()), Form::ArrayObject) else {
            return s.slow(w, 0, slow::no_element_read);
        };
        set_object(s.reference(w.a()), place.cast::<u32>().read());
    }
    Flow::Next(s)
}

#[inline(always)]
pub(super) unsafe fn array_set_object<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: the element lies there, and is a reference to an object or null.
    unsafe {
        let Some(place) = s.element_place(s.reference(w.a()), s.get32(w.b()), Form::ArrayObject) else {
            return s.slow(w, 0, slow::no_element_write);
        };
        let Some(units) = held_object(s.reference(w.c())) else { return s.slow(w, 0, slow::other_kind) };
        place.cast::<u32>().write(units);
        if needs_barrier(s, s.reference(w.a())) {
            return s.call_out(w, 0, slow::array_barrier);
        }
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
        let value = s.reference(w.c());
        if !(*place.cast::<PackedSlot>()).put(value.tag(), value.payload()) {
            return s.call_out(w, 0, slow::array_set_packed);
        }
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
                s.set32(w.a(), (*array.cast::<TypedArray>()).length);
                Flow::Next(s)
            }
            _ => s.slow(w, 0, slow::no_array),
        }
    }
}

/// Writes the reference in a register where there is room for one of the form; whether that is all there is to do.
#[inline(always)]
unsafe fn put(place: *mut u8, form: Form, value: Register) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if form != Form::ArrayObject {
            return (*place.cast::<PackedSlot>()).put(value.tag(), value.payload());
        }
        let units = held_object(value);
        place.cast::<u32>().write(units.unwrap_or(0));
        units.is_some()
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
        for &field in numbers {
            let value = s.get64((*list).into());
            list = list.add(1);
            let place = content.add(field.offset());
            match field.form() {
                Form::ArrayVector => {
                    Form::ArrayVector.write(place, value, s.get64((*list).into()));
                    list = list.add(1);
                }
                form => form.write(place, value, 0),
            }
        }
        for &field in references {
            if !put(content.add(field.offset()), field.form(), s.reference((*list).into())) {
                // The object is nobody's.
                return s.slow(w, 1 + w.c(), slow::structure_new);
            }
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
pub(super) unsafe fn array_new_fixed<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
    // SAFETY: operands are verified: all values are numbers, halves of vectors or references, as the elements are.
    unsafe {
        let literal = s.literal(0);
        let kind = s.type_of(literal as u32);
        let heap = &(*s.machine).heap;
        let form = heap.form(kind);
        let (numbers, references) = (field(literal, 2), field(literal, 3));
        let length = if form == Form::ArrayVector { numbers / 2 } else { numbers + references };
        let Some(object) = heap.cut_object(kind, form, length as u32, length * form.element_bytes()) else {
            return s.slow(w, 1 + w.c(), slow::array_new_fixed);
        };
        let content = s.object(object).cast::<TypedArray>().add(1).cast::<u8>();
        let list = s.pc.add(1).cast::<u16>();
        for index in 0..numbers {
            let value = s.get64((*list.add(index)).into());
            match form {
                Form::Array8 | Form::Array16 | Form::Array32 => {
                    form.write(content.add(index * form.element_bytes()), value, 0);
                }
                _ => content.cast::<u64>().add(index).write(value),
            }
        }
        for index in 0..references {
            let value = s.reference((*list.add(numbers + index)).into());
            if !put(content.add(index * form.element_bytes()), form, value) {
                return s.slow(w, 1 + w.c(), slow::array_new_fixed);
            }
        }
        s.reference(w.a()).set(OBJECT, object.units().into());
        s.next(1 + w.c())
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
    ($($name:ident)*) => { $(
        #[inline(always)]
        pub(super) unsafe fn $name<D: Driver>(s: State<D>, w: Word) -> Flow<D> {
            // SAFETY: the state is the machine's.
            unsafe { s.call_out(w, 1, slow::$name) }
        }
    )* };
}

out_of_line! {
    array_new
    array_new_vector
    array_new_reference
    array_new_default
    array_new_data
    array_new_elements
    array_fill
    array_fill_vector
    array_fill_reference
    array_copy
    array_initialize_data
    array_initialize_elements
}
