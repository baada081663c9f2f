//! Structures and arrays of WebAssembly: which of their bytes the collector follows.

mod support;
use lunette_gc::{
    collector::Mode,
    heap::Heap,
    object::{Header, Kind},
    packed::Unwritten,
    reference::Ref,
    typed::{CanonicalType, FieldPlace, Form, TypedObject},
    value::Value,
};
use support::{heap, scaled};

const ROOT: usize = 10;
const TYPE_ROOT: usize = 11;

fn new_type(
    heap: &Heap,
    form: Form,
    bytes: u32,
    supertypes: &[Ref<CanonicalType>],
    numbers: &[FieldPlace],
    references: &[FieldPlace],
) -> Ref<CanonicalType> {
    let template = CanonicalType {
        header: Header::new(Kind::CanonicalType, 0),
        number: 0,
        depth: 0,
        form: form as u32,
        bytes,
        number_fields: numbers.len() as u32,
        reference_fields: references.len() as u32,
        group: heap.new_string(b"a group").unwrap(),
        first: 0,
        place: 0,
        is_final: 0,
    };
    heap.new_canonical_type(template, supertypes, &[numbers, references].concat()).unwrap()
}

const NUMBERS: [FieldPlace; 1] = [FieldPlace::new(12, Form::Array32)];
const REFERENCES: [FieldPlace; 2] = [FieldPlace::new(8, Form::ArrayObject), FieldPlace::new(0, Form::ArrayReference)];

/// A reference to an object, a number of 32 bits and a reference to anything.
fn node_type(heap: &Heap) -> Ref<CanonicalType> {
    new_type(heap, Form::Structure, 16, &[], &NUMBERS, &REFERENCES)
}

fn node(heap: &Heap, kind: Ref<CanonicalType>, number: u64, left: Value, right: Value) -> Ref<TypedObject> {
    let object = heap.new_object(kind, 0).unwrap();
    let mut fields = [left, right].into_iter();
    heap.set_fields(object, || number, || fields.next().unwrap()).unwrap();
    object
}

fn full(heap: &Heap) {
    // SAFETY: tests keep what they use in roots.
    unsafe { heap.collect_fully() };
    heap.verify().unwrap();
}

#[test]
fn what_fields_refer_to_stays_and_numbers_are_no_references() {
    let heap = heap(8);
    let kind = node_type(&heap);
    heap.root(TYPE_ROOT).set(Value::Internal(kind.cast()));
    let dead = heap.new_string(b"nobody holds this long string, which is longer than forty bytes").unwrap();
    let mut list = Value::Nil;
    for number in 0..scaled(4000).max(10) {
        let name = heap.new_string(format!("a string of its own, number {number}").as_bytes()).unwrap();
        let units = u64::from(dead.units());
        list = Value::TypedObject(node(&heap, kind, units, list, Value::String(name)));
    }
    heap.root(ROOT).set(list);
    full(&heap);
    let with_list = heap.used_bytes();
    let reachable = heap.verify().unwrap();
    assert!(reachable.bytes <= with_list);
    heap.root(ROOT).set(Value::Nil);
    full(&heap);
    assert!(heap.used_bytes() < with_list / 2);
}

#[test]
fn a_type_lives_as_long_as_its_objects() {
    let heap = heap(8);
    let outer = node_type(&heap);
    let kind = new_type(&heap, Form::Structure, 16, &[outer], &NUMBERS, &REFERENCES);
    heap.root(ROOT).set(Value::TypedObject(node(&heap, kind, 1, Value::Nil, Value::Nil)));
    full(&heap);
    assert_eq!(heap.supertypes(kind), [outer, kind]);
    assert!(heap.is_subtype(kind, outer) && !heap.is_subtype(outer, kind));
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn writes_into_scanned_objects_are_seen_by_minor_collections() {
    let heap = heap(16);
    let kind = node_type(&heap);
    let forms = [Form::ArrayReference, Form::ArrayObject];
    let [slots, objects] = forms.map(|form| new_type(&heap, form, 0, &[], &[], &[]));
    let types = [kind, slots, objects].map(|kind| Value::Internal(kind.cast()));
    for (root, kind) in (TYPE_ROOT..).zip(types) {
        heap.root(root).set(kind);
    }
    for (references, length) in [(slots, 4_u32), (slots, 20_000), (objects, 4), (objects, 20_000)] {
        let element = |array, index| heap.reference_elements(array, index..index + 1).next().unwrap();
        let array = heap.new_object(references, length).unwrap();
        heap.root(ROOT).set(Value::TypedObject(array));
        full(&heap);
        // SAFETY: what is used is in roots.
        unsafe { heap.collector().set_mode(Mode::Generational) };
        for round in 0..3 {
            for index in [0, length as usize - 1] {
                let young = Value::TypedObject(node(&heap, kind, round, Value::Nil, Value::Nil));
                heap.set_reference(element(array, index), young).unwrap();
                heap.barrier_element(array, young.to_parts());
            }
            // SAFETY: as above.
            unsafe { heap.collector().step(0) };
            heap.verify().unwrap();
            for index in [0, length as usize - 1] {
                let Value::TypedObject(young) = heap.reference(element(array, index)) else { panic!("a node") };
                assert_eq!(heap.type_of(young), kind);
            }
        }
    }
}

#[test]
fn arrays_of_numbers_are_not_followed() {
    let heap = heap(8);
    for form in [Form::Array8, Form::Array16, Form::Array32, Form::Array64, Form::ArrayVector] {
        let kind = new_type(&heap, form, 0, &[], &[], &[]);
        let array = heap.new_object(kind, 100).unwrap();
        heap.fill_elements(array, 0..100, u64::MAX, u64::MAX);
        assert_eq!(heap.element_bytes(array).len(), 100 * form.element_bytes());
        assert_eq!(heap.references(array).count(), 0);
        heap.root(ROOT).set(Value::TypedObject(array));
        full(&heap);
        assert!(heap.element_bytes(array).iter().all(|byte| byte.get() == 0xff));
    }
}

#[test]
fn what_is_too_large_is_out_of_memory() {
    let heap = heap(8);
    let kind = new_type(&heap, Form::ArrayVector, 0, &[], &[], &[]);
    assert!(heap.new_object(kind, u32::MAX).is_err());
    assert!(heap.new_object(kind, 1 << 20).is_err());
    assert!(heap.new_object(kind, 1 << 10).is_ok());
}

#[test]
fn what_does_not_fit_has_a_cell() {
    let heap = heap(16);
    let kind = new_type(&heap, Form::ArrayReference, 0, &[], &[], &[]);
    let values = [
        Value::Nil,
        Value::Boolean(true),
        Value::Integer(-1),
        Value::Integer(i64::from(i32::MIN)),
        Value::Integer(1 << 31),
        Value::Integer(i64::MIN),
        Value::Float(0.5),
        Value::LightUserdata(u64::MAX),
        Value::TypedObject(heap.new_object(kind, 1).unwrap()),
    ];
    let array = heap.new_object(kind, values.len() as u32).unwrap();
    heap.root(ROOT).set(Value::TypedObject(array));
    for (slot, value) in heap.element_slots(array).iter().zip(values) {
        heap.set_packed(slot, value).unwrap();
    }
    heap.barrier(array);
    for _ in 0..2 {
        full(&heap);
        // SAFETY: what is used is in roots.
        unsafe { heap.collector().set_mode(Mode::Generational) };
        for (slot, value) in heap.element_slots(array).iter().zip(values) {
            assert_eq!(heap.packed(slot).to_parts(), value.to_parts());
        }
    }
}

#[test]
fn objects_take_what_their_fields_take_and_eight_bytes() {
    let heap = heap(8);
    let bytes_of = |kind, length| {
        let before = heap.used_bytes();
        heap.new_object(kind, length).unwrap();
        heap.used_bytes() - before
    };
    let fields = [0, 4].map(|offset| FieldPlace::new(offset, Form::ArrayObject));
    let pair = new_type(&heap, Form::Structure, 8, &[], &[], &fields);
    let empty = new_type(&heap, Form::Structure, 0, &[], &[], &[]);
    let array = new_type(&heap, Form::ArrayObject, 0, &[], &[], &[]);
    assert_eq!((bytes_of(pair, 0), bytes_of(empty, 0), bytes_of(array, 6)), (16, 8, 40));
}

#[test]
fn references_are_copied_from_one_form_to_the_other() {
    let heap = heap(8);
    let [slots, objects] =
        [Form::ArrayReference, Form::ArrayObject].map(|form| new_type(&heap, form, 0, &[], &[], &[]));
    let [from, to, back] = [objects, slots, objects].map(|kind| heap.new_object(kind, 3).unwrap());
    let values = [Value::TypedObject(from), Value::Nil, Value::TypedObject(to)];
    for (place, value) in heap.references(from).zip(values) {
        heap.set_reference(place, value).unwrap();
    }
    assert!(heap.copy_elements((to, 0), (from, 0), 3) && heap.copy_elements((back, 0), (to, 0), 3));
    for array in [to, back] {
        assert!(heap.references(array).zip(values).all(|(place, value)| place.parts() == value.to_parts()));
    }
    heap.set_reference(heap.references(to).next().unwrap(), Value::Integer(1)).unwrap();
    assert!(!heap.copy_elements((back, 0), (to, 0), 3) && !heap.copy_elements((back, 1), (to, 0), 3));
}

#[test]
fn a_place_of_objects_takes_nothing_else() {
    let heap = heap(8);
    let kind = node_type(&heap);
    let object = heap.new_object(kind, 0).unwrap();
    let place = heap.references(object).next().unwrap();
    let string = Value::String(heap.new_string(b"no object").unwrap());
    for value in [string, Value::Integer(1), Value::Boolean(true), Value::Float(0.5)] {
        assert!(matches!(heap.set_reference(place, value), Err(Unwritten::OtherKind)));
        assert_eq!(heap.reference(place).to_parts(), Value::Nil.to_parts());
    }
    for value in [Value::TypedObject(object), Value::Nil] {
        heap.set_reference(place, value).unwrap();
        assert_eq!(heap.reference(place).to_parts(), value.to_parts());
    }
}
