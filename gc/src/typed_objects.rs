//! Structures and arrays of WebAssembly, and the types that tell which of their bytes are references.

use crate::{
    heap::{Heap, OutOfMemory},
    object::{Header, Kind},
    packed::{PackedSlot, ReferencePlace, Unwritten},
    reference::{REFERENCE_SCALE, Ref},
    region::BLOCK_BYTES,
    typed::{CanonicalType, FieldPlace, Form, TypedArray, TypedObject},
    value::Value,
};
use core::{cell::Cell, ops::Range};

/// Types.
impl Heap {
    /// A type like `template`, but for its depth. Of a structure, `places` has the number fields and then the reference
    /// fields.
    pub fn new_canonical_type(
        &self,
        template: CanonicalType,
        supertypes: &[Ref<CanonicalType>],
        places: &[FieldPlace],
    ) -> Result<Ref<CanonicalType>, OutOfMemory> {
        let (numbers, references) = places.split_at(template.number_fields as usize);
        let ends = places.iter().map(|field| field.offset() + field.form().element_bytes());
        assert!(ends.max().unwrap_or(0) <= template.bytes as usize, "fields beyond the end of a structure");
        assert!(references.len() == template.reference_fields as usize, "fields that are not there");
        assert!(!numbers.iter().any(|field| field.form().has_references()), "references among the numbers");
        assert!(references.iter().all(|field| field.form().has_references()), "numbers among the references");
        assert!(
            references.iter().all(|field| field.offset() % field.form().element_bytes() == 0),
            "misaligned references"
        );
        let words = supertypes.len() + 1 + places.len();
        let kind = self.allocate::<CanonicalType>(size_of::<CanonicalType>() + 4 * words, 0)?;
        let depth = supertypes.len() as u32;
        let header = Header::new(Kind::CanonicalType, 0);
        // SAFETY: just allocated, with room for the words behind the fixed part.
        unsafe {
            kind.pointer(self.base()).write(CanonicalType { header, depth, ..template });
            let content: *mut Ref<CanonicalType> = self.content(kind);
            for (index, &supertype) in supertypes.iter().chain([&kind]).enumerate() {
                content.add(index).write(supertype);
            }
            let content = content.add(supertypes.len() + 1).cast::<FieldPlace>();
            for (index, &place) in places.iter().enumerate() {
                content.add(index).write(place);
            }
        }
        Ok(kind)
    }

    /// The supertypes of a type, the outermost first, and itself.
    #[inline(always)]
    pub fn supertypes(&self, kind: Ref<CanonicalType>) -> &[Ref<CanonicalType>] {
        // SAFETY: the references follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.content(kind), self.get(kind).depth as usize + 1) }
    }

    /// Number fields and reference fields of structures of a type.
    #[inline(always)]
    pub fn fields(&self, kind: Ref<CanonicalType>) -> (&[FieldPlace], &[FieldPlace]) {
        let object = self.get(kind);
        let (numbers, references) = (object.number_fields as usize, object.reference_fields as usize);
        // SAFETY: the fields follow the supertypes.
        unsafe {
            let first = self.content::<_, FieldPlace>(kind).add(object.depth as usize + 1);
            (core::slice::from_raw_parts(first, numbers), core::slice::from_raw_parts(first.add(numbers), references))
        }
    }

    /// Whether a type is another one or a subtype of it.
    #[inline(always)]
    pub fn is_subtype(&self, kind: Ref<CanonicalType>, of: Ref<CanonicalType>) -> bool {
        kind == of || self.supertypes(kind).get(self.get(of).depth as usize) == Some(&of)
    }

    /// What a type describes.
    pub fn form(&self, kind: Ref<CanonicalType>) -> Form {
        Form::from_number(self.get(kind).form as u8)
    }
}

/// Objects.
impl Heap {
    /// A structure, whose length is 0, or an array with `bytes` bytes of fields or elements, if that is a matter of
    /// moving a cursor.
    ///
    /// # Safety
    /// The form and size are those of the type, and the content is written before the next safepoint.
    #[inline(always)]
    pub unsafe fn cut_object(
        &self,
        kind: Ref<CanonicalType>,
        form: Form,
        length: u32,
        bytes: usize,
    ) -> Option<Ref<TypedObject>> {
        let bytes = (form.head_bytes() + bytes).next_multiple_of(REFERENCE_SCALE);
        let start = self.header().hole.cut(bytes)?;
        let object = Ref::<TypedObject>::from_units((start / REFERENCE_SCALE as u64) as u32)?;
        self.write_head(object, kind, form, length);
        Some(object)
    }

    #[inline(always)]
    fn write_head(&self, object: Ref<TypedObject>, kind: Ref<CanonicalType>, form: Form, length: u32) {
        let header = Header::new(Kind::TypedObject, kind.units());
        header.flags.set(form as u8);
        let head = TypedObject { header };
        // SAFETY: the object was just allocated.
        unsafe {
            if form.is_array() {
                let array = TypedArray { object: head, length, padding: 0 };
                object.pointer(self.base()).cast::<TypedArray>().write(array);
            } else {
                object.pointer(self.base()).write(head);
            }
        }
    }

    /// A structure, whose length is 0, or an array whose fields or elements are 0 and null.
    pub fn new_object(&self, kind: Ref<CanonicalType>, length: u32) -> Result<Ref<TypedObject>, OutOfMemory> {
        let form = self.form(kind);
        let content = self.get(kind).bytes as usize + length as usize * form.element_bytes();
        let bytes = form.head_bytes() + content;
        if bytes as u64 > self.header().block_count.get() as u64 * BLOCK_BYTES as u64 {
            return Err(OutOfMemory { requested: bytes });
        }
        let frontier = self.header().frontier.get();
        let object = self.allocate_bytes::<TypedObject>(bytes)?;
        self.write_head(object, kind, form, length);
        let start = object.units() as usize * REFERENCE_SCALE;
        self.zero(start + form.head_bytes(), start + bytes, frontier as usize * BLOCK_BYTES);
        Ok(object)
    }

    /// What an object is.
    #[inline(always)]
    pub fn form_of(&self, object: Ref<TypedObject>) -> Form {
        Form::from_number(self.get(object).header.flags.get())
    }

    /// The type of an object.
    #[inline(always)]
    pub fn type_of(&self, object: Ref<TypedObject>) -> Ref<CanonicalType> {
        let units = self.get(object).header.low.get();
        // SAFETY: every structure and every array has its type there.
        unsafe { Ref::from_units(units).unwrap_unchecked() }
    }

    /// The number of elements of an array; 0 of a structure.
    #[inline(always)]
    pub fn length_of(&self, object: Ref<TypedObject>) -> u32 {
        if self.form_of(object).is_array() { self.get(object.cast::<TypedArray>()).length } else { 0 }
    }

    /// Bytes of an object.
    #[inline(always)]
    pub(crate) fn object_bytes(&self, object: Ref<TypedObject>) -> usize {
        let form = self.form_of(object);
        let content = match form {
            Form::Structure => self.get(self.type_of(object)).bytes as usize,
            array => self.length_of(object) as usize * array.element_bytes(),
        };
        form.head_bytes() + content
    }

    /// The reference field of a structure at an offset; `None` if there is none.
    pub fn reference_at_offset(&self, structure: Ref<TypedObject>, offset: u32) -> Option<ReferencePlace<'_>> {
        let is_structure = self.form_of(structure) == Form::Structure;
        let fields = if is_structure { self.fields(self.type_of(structure)).1 } else { &[] };
        let field = fields.iter().find(|field| field.offset() == offset as usize)?;
        Some(self.reference_field(structure, *field))
    }

    /// A reference field of a structure.
    #[inline(always)]
    pub(crate) fn reference_field(&self, structure: Ref<TypedObject>, field: FieldPlace) -> ReferencePlace<'_> {
        // SAFETY: it lies in the structure.
        unsafe {
            let place = self.content::<_, u8>(structure).add(field.offset());
            match field.form() {
                Form::ArrayObject => ReferencePlace::Object(&*place.cast()),
                _ => ReferencePlace::Packed(&*place.cast()),
            }
        }
    }

    /// Sets the fields of a new structure: of either kind in their order, vectors as two numbers.
    pub fn set_fields(
        &self,
        structure: Ref<TypedObject>,
        mut number: impl FnMut() -> u64,
        mut reference: impl FnMut() -> Value,
    ) -> Result<(), Unwritten> {
        let (numbers, references) = self.fields(self.type_of(structure));
        for &field in numbers {
            let (low, high) = (number(), if field.form() == Form::ArrayVector { number() } else { 0 });
            // SAFETY: the field lies in the structure.
            unsafe { field.form().write(self.content::<_, u8>(structure).add(field.offset()), low, high) };
        }
        for &field in references {
            self.set_reference(self.reference_field(structure, field), reference())?;
        }
        Ok(())
    }

    /// The places of all reference fields or elements of an object.
    pub fn references(&self, object: Ref<TypedObject>) -> impl Iterator<Item = ReferencePlace<'_>> {
        let fields = match self.form_of(object) {
            Form::Structure => self.fields(self.type_of(object)).1,
            _ => &[],
        };
        let fields = fields.iter().map(move |&field| self.reference_field(object, field));
        fields.chain(self.reference_elements(object, 0..self.reference_count(object)))
    }

    /// The numbers in the number fields of a structure: of vectors both halves.
    pub fn numbers(&self, structure: Ref<TypedObject>) -> impl Iterator<Item = u64> {
        let places = match self.form_of(structure) {
            Form::Structure => self.fields(self.type_of(structure)).0,
            _ => &[],
        };
        places.iter().flat_map(move |&field| {
            // SAFETY: the field lies in the structure.
            let (low, high) = unsafe { field.form().read(self.content::<_, u8>(structure).add(field.offset())) };
            core::iter::once(low).chain(high)
        })
    }

    /// The elements of an array of the form, of which they are cells; none of another object.
    ///
    /// # Safety
    /// They are.
    #[inline(always)]
    unsafe fn elements<T>(&self, array: Ref<TypedObject>, form: Form) -> &[T] {
        if self.form_of(array) != form {
            return &[];
        }
        // SAFETY: the elements follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.elements_of(array), self.length_of(array) as usize) }
    }

    /// The address of the first element of an array, from which its others may be reached.
    #[inline(always)]
    fn elements_of<T>(&self, array: Ref<TypedObject>) -> *mut T {
        self.content(array.cast::<TypedArray>())
    }

    /// The elements of an array of packed slots; none of another object.
    #[inline(always)]
    pub fn element_slots(&self, array: Ref<TypedObject>) -> &[PackedSlot] {
        // SAFETY: that is what they are.
        unsafe { self.elements(array, Form::ArrayReference) }
    }

    /// The elements of an array of references to structures and arrays; none of another object.
    #[inline(always)]
    pub fn element_objects(&self, array: Ref<TypedObject>) -> &[Cell<Option<Ref<TypedObject>>>] {
        // SAFETY: that is what they are.
        unsafe { self.elements(array, Form::ArrayObject) }
    }

    /// The number of elements of an array of references; 0 of another object.
    #[inline(always)]
    pub fn reference_count(&self, array: Ref<TypedObject>) -> usize {
        if self.form_of(array).has_references() { self.length_of(array) as usize } else { 0 }
    }

    /// Elements of an array of references, those that are there.
    pub fn reference_elements(
        &self,
        array: Ref<TypedObject>,
        range: Range<usize>,
    ) -> impl Iterator<Item = ReferencePlace<'_>> {
        let slots = self.element_slots(array).get(range.clone()).unwrap_or_default();
        let objects = self.element_objects(array).get(range).unwrap_or_default();
        slots.iter().map(ReferencePlace::Packed).chain(objects.iter().map(ReferencePlace::Object))
    }

    /// The bytes of the elements of an array of numbers or vectors; none of another object.
    pub fn element_bytes(&self, array: Ref<TypedObject>) -> &[Cell<u8>] {
        let form = self.form_of(array);
        if !form.is_array() || form.has_references() {
            return &[];
        }
        let bytes = self.length_of(array) as usize * form.element_bytes();
        // SAFETY: the elements follow the fixed part.
        unsafe { core::slice::from_raw_parts(self.elements_of(array), bytes) }
    }

    /// Sets elements of an array of numbers or vectors, whose halves these are.
    pub fn fill_elements(&self, array: Ref<TypedObject>, range: Range<usize>, low: u64, high: u64) {
        let form = self.form_of(array);
        let size = form.element_bytes();
        let cells = &self.element_bytes(array)[range.start * size..range.end * size];
        if size == 1 {
            cells.iter().for_each(|cell| cell.set(low as u8));
            return;
        }
        for element in cells.chunks_exact(size) {
            // SAFETY: the element lies in the array, whose cells may be written.
            unsafe { form.write(element.as_ptr().cast_mut().cast(), low, high) };
        }
    }

    /// Copies elements from one array to another of the same form, as if by way of a third place, or references to one that
    /// has them in the other form. `false` if they are not of such forms or do not lie within, and nothing is copied then; or
    /// if there is what the other form cannot hold, and what stands before it is copied then. The write barrier is the
    /// caller's business, in any case.
    pub fn copy_elements(
        &self,
        (target, to): (Ref<TypedObject>, usize),
        (source, from): (Ref<TypedObject>, usize),
        count: usize,
    ) -> bool {
        let form = self.form_of(target);
        let fits = |array: Ref<TypedObject>, start: usize| {
            start.checked_add(count).is_some_and(|end| end <= self.length_of(array) as usize)
        };
        if !form.is_array() || !fits(target, to) || !fits(source, from) {
            return false;
        }
        if self.form_of(source) != form {
            let are_references = form.has_references() && self.form_of(source).has_references();
            let targets = self.reference_elements(target, to..to + count);
            let mut pairs = targets.zip(self.reference_elements(source, from..from + count));
            return are_references
                && pairs.all(|(place, held)| self.set_reference(place, self.reference(held)).is_ok());
        }
        let size = form.element_bytes();
        // SAFETY: in range of both arrays, which may be the same.
        unsafe {
            let from = self.elements_of::<u8>(source).add(from * size);
            core::ptr::copy(from, self.elements_of::<u8>(target).add(to * size), count * size);
        }
        true
    }

    /// Overwrites bytes of the elements of an array of numbers or vectors, from a byte on.
    pub fn write_elements(&self, array: Ref<TypedObject>, start: usize, bytes: &[u8]) {
        let cells = &self.element_bytes(array)[start..start + bytes.len()];
        // SAFETY: in range of the array, which the bytes are no part of, or nobody could have borrowed them as such.
        unsafe { core::ptr::copy(bytes.as_ptr(), cells.as_ptr().cast_mut().cast(), bytes.len()) };
    }
}

impl Form {
    /// Reads a number, or the halves of a vector.
    ///
    /// # Safety
    /// It lies there.
    unsafe fn read(self, place: *const u8) -> (u64, Option<u64>) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Form::Array8 => (place.read().into(), None),
                Form::Array16 => (place.cast::<u16>().read_unaligned().into(), None),
                Form::Array32 => (place.cast::<u32>().read_unaligned().into(), None),
                Form::Array64 => (place.cast::<u64>().read_unaligned(), None),
                _ => (place.cast::<u64>().read_unaligned(), Some(place.cast::<u64>().add(1).read_unaligned())),
            }
        }
    }

    /// Writes a number or vector as elements of this form have it.
    ///
    /// # Safety
    /// There is room for it.
    #[inline(always)]
    pub unsafe fn write(self, place: *mut u8, low: u64, high: u64) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Form::Array8 => place.write(low as u8),
                Form::Array16 => place.cast::<u16>().write_unaligned(low as u16),
                Form::Array32 => place.cast::<u32>().write_unaligned(low as u32),
                Form::Array64 => place.cast::<u64>().write_unaligned(low),
                _ => {
                    place.cast::<u64>().write_unaligned(low);
                    place.cast::<u64>().add(1).write_unaligned(high);
                }
            }
        }
    }
}
