//! Tables: against a simple model, and the properties that the other parts of the machine rely on.

mod support;

use lunette_gc::{
    heap::Heap,
    reference::Ref,
    string::Str,
    table::{HashEntry, Origin, Table, TableError, iteration::InvalidKey, shape::MAX_FIELDS},
    value::{Slot, Tag, Value},
};
use std::collections::HashMap;
use support::{heap, scaled};

/// A key of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Integer(i64),
    Float(u64),
    Boolean(bool),
    String(Vec<u8>),
    Object(u32),
}

/// A small generator of pseudo-random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 8) % bound
    }
}

fn string(heap: &Heap, text: &str) -> Ref<Str> {
    heap.new_string(text.as_bytes()).unwrap()
}

fn key_of(heap: &Heap, value: Value) -> Key {
    match value {
        Value::Integer(integer) => Key::Integer(integer),
        Value::Float(float) => Key::Float(float.to_bits()),
        Value::Boolean(boolean) => Key::Boolean(boolean),
        Value::String(string) => Key::String(heap.string_bytes(string).to_vec()),
        value => Key::Object(value.object().unwrap().units()),
    }
}

fn integer(value: Value) -> Option<i64> {
    match value {
        Value::Integer(integer) => Some(integer),
        Value::Nil => None,
        value => panic!("unexpected {value:?}"),
    }
}

fn entries(heap: &Heap, table: Ref<Table>) -> Vec<(Value, Value)> {
    let mut entries = Vec::new();
    let mut key = Value::Nil;
    while let Some(entry) = heap.table_next(table, key).unwrap() {
        entries.push(entry);
        key = entry.0;
    }
    entries
}

fn steps(heap: &Heap, table: Ref<Table>) -> Vec<(Value, Value)> {
    let mut entries = Vec::new();
    let mut cursor = 0;
    while let Some(step) = heap.next_at(table, cursor) {
        assert_eq!(heap.cursor_of(table, step.key, step.cursor), Ok(step.cursor));
        assert_eq!(heap.cursor_of(table, step.key, 0), Ok(step.cursor));
        assert_eq!(heap.cursor_of(table, step.key, step.cursor + 1), Ok(step.cursor));
        entries.push((Value::from_parts(step.key.0, step.key.1), Value::from_parts(step.value.0, step.value.1)));
        cursor = step.cursor;
    }
    entries
}

fn is_short(heap: &Heap, entry: &HashEntry) -> bool {
    match Value::from_parts(entry.key_tag.get(), entry.key_payload.get()) {
        Value::String(key) => heap.get(key).is_short(),
        _ => false,
    }
}

/// What must always hold.
fn check_invariants(heap: &Heap, table: Ref<Table>) {
    let length = heap.table_length(table);
    assert!(length == 0 || !heap.table_get_integer(table, length).is_nil());
    assert!(heap.table_get_integer(table, length + 1).is_nil());
    let object = heap.get(table);
    if let Some(array) = object.array.get() {
        let tags = heap.value_array_parts(array).1;
        assert!(length as usize <= tags.len());
        assert!(tags[length as usize..].iter().all(|tag| tag.get() == Tag::Nil as u8));
    }
    if let Some(part) = heap.names(object) {
        assert!(heap.hash_entries(part).iter().all(|entry| is_short(heap, entry)));
    }
    if let Some(part) = object.hash.get() {
        for entry in heap.hash_entries(part) {
            let key = Value::from_parts(entry.key_tag.get(), entry.key_payload.get());
            match key {
                Value::Integer(key) => assert!(key < 1 || key > length || entry.value_tag.get() == Tag::Nil as u8),
                Value::String(key) => assert!(!heap.get(key).is_short()),
                _ => {}
            }
        }
    }
}

fn check_against(heap: &Heap, table: Ref<Table>, model: &HashMap<Key, i64>) {
    check_invariants(heap, table);
    let found = entries(heap, table);
    assert_eq!(found.len(), model.len());
    for &(key, value) in &found {
        assert_eq!(model.get(&key_of(heap, key)).copied(), integer(value));
    }
    let cursors = steps(heap, table);
    assert!(found.iter().map(|e| key_of(heap, e.0)).eq(cursors.iter().map(|e| key_of(heap, e.0))));
}

fn random_key(heap: &Heap, random: &mut Random, objects: &[Ref<Table>], range: u64) -> Value {
    match random.below(12) {
        0..5 => Value::Integer(random.below(range) as i64 - 3),
        5 => Value::Float(random.below(range) as f64 / 2.0),
        6 => Value::Integer((random.next() as i64) >> random.below(64)),
        7 => Value::Boolean(random.below(2) == 0),
        8 => Value::Table(objects[random.below(objects.len() as u64) as usize]),
        9 => Value::String(string(heap, &format!("{:050}", random.below(20)))),
        _ => Value::String(string(heap, &format!("k{}", random.below(range)))),
    }
}

fn model_key(heap: &Heap, key: Value) -> Key {
    match key {
        Value::Float(float) if float == float.trunc() && float.abs() < 1e15 => Key::Integer(float as i64),
        key => key_of(heap, key),
    }
}

#[test]
fn behaves_like_a_map() {
    for seed in 1..=if cfg!(miri) { 1 } else { 60 } {
        let heap = heap(24);
        let mut random = Random(0x1234_5678_9abc_def1u64.wrapping_mul(seed));
        let objects: Vec<_> = (0..10).map(|_| heap.new_table(0, 0).unwrap()).collect();
        let table = heap.new_table(random.below(6) as u32, random.below(6) as u32).unwrap();
        let mut model = HashMap::new();
        let range = [8, 40, 200][seed as usize % 3];
        for round in 0..if cfg!(miri) { 30 } else { 3000 } {
            let key = random_key(&heap, &mut random, &objects, range);
            let expected = model.get(&model_key(&heap, key)).copied();
            assert_eq!(integer(heap.table_get(table, key)), expected, "{key:?}");
            // By turns more is added or removed.
            if random.below(10) < if round / 300 % 2 == 0 { 7 } else { 2 } {
                heap.table_set(table, key, Value::Integer(round)).unwrap();
                model.insert(model_key(&heap, key), round);
            } else {
                heap.table_set(table, key, Value::Nil).unwrap();
                model.remove(&model_key(&heap, key));
            }
            if random.below(8) == 0 {
                let length = heap.table_length(table);
                heap.table_set_integer(table, length + 1, Value::Integer(round)).unwrap();
                model.insert(Key::Integer(length + 1), round);
            }
            if round % 50 == 0 {
                check_against(&heap, table, &model);
            }
            check_invariants(&heap, table);
        }
        check_against(&heap, table, &model);
    }
}

#[test]
fn integers_in_any_order_end_in_the_array_part() {
    const COUNT: i64 = scaled(5000);
    let heap = heap(64);
    let mut random = Random(99);
    let mut shuffled: Vec<i64> = (1..=COUNT).collect();
    for at in (1..shuffled.len()).rev() {
        shuffled.swap(at, random.below(at as u64 + 1) as usize);
    }
    for keys in [(1..=COUNT).collect::<Vec<i64>>(), (1..=COUNT).rev().collect(), shuffled] {
        let table = heap.new_table(0, 0).unwrap();
        for &key in &keys {
            heap.table_set_integer(table, key, Value::Integer(key * 2)).unwrap();
            check_invariants(&heap, table);
        }
        assert_eq!(heap.table_length(table), COUNT);
        assert!((1..=COUNT).all(|key| integer(heap.table_get_integer(table, key)) == Some(key * 2)));
        assert!(entries(&heap, table).iter().map(|&(key, _)| integer(key)).eq((1..=COUNT).map(Some)));
    }
}

#[test]
fn a_queue_does_not_grow() {
    let heap = heap(128);
    let queue = heap.new_table(0, 0).unwrap();
    for tail in 1..=if cfg!(miri) { 100 } else { 500_000i64 } {
        heap.table_set_integer(queue, tail, Value::Integer(tail)).unwrap();
        if tail > 20 {
            assert_eq!(integer(heap.table_get_integer(queue, tail - 20)), Some(tail - 20));
            heap.table_set_integer(queue, tail - 20, Value::Nil).unwrap();
        }
        if tail % 1000 == 0 {
            check_invariants(&heap, queue);
            let capacity = heap.get(queue).array.get().map_or(0, |array| heap.get(array).length());
            let entries = heap.get(queue).hash.get().map_or(0, |part| heap.get(part).capacity());
            assert!(capacity + entries < 300, "{capacity} + {entries}");
        }
    }
}

#[test]
fn removing_the_last_elements_lowers_the_length() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    for key in 1..=10 {
        heap.table_set_integer(table, key, Value::Boolean(true)).unwrap();
    }
    for key in [8, 9, 5] {
        heap.table_set_integer(table, key, Value::Nil).unwrap();
        assert_eq!(heap.table_length(table), 10);
    }
    heap.table_set_integer(table, 10, Value::Nil).unwrap();
    assert_eq!(heap.table_length(table), 7);
    for key in [7, 6] {
        heap.table_set_integer(table, key, Value::Nil).unwrap();
    }
    assert_eq!(heap.table_length(table), 4);
    check_invariants(&heap, table);
}

#[test]
fn keys_are_normalized_or_refused() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    let one = Value::Integer(1);
    assert_eq!(heap.table_set(table, Value::Nil, one), Err(TableError::KeyIsNil));
    assert_eq!(heap.table_set(table, Value::Float(f64::NAN), one), Err(TableError::KeyIsNan));
    assert!(heap.table_get(table, Value::Nil).is_nil() && heap.table_get(table, Value::Float(f64::NAN)).is_nil());
    assert_eq!(heap.table_next(table, Value::Float(f64::NAN)).err(), Some(InvalidKey));
    for (float, same) in
        [(-0.0, 0), (1.0, 1), (-9_223_372_036_854_775_808.0, i64::MIN), (4_503_599_627_370_496.0, 1 << 52)]
    {
        heap.table_set(table, Value::Float(float), Value::Integer(same)).unwrap();
        assert_eq!(integer(heap.table_get_integer(table, same)), Some(same));
        assert_eq!(integer(heap.table_get(table, Value::Float(float))), Some(same));
    }
    for float in [9_223_372_036_854_775_808.0, 0.5, f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::MIN_POSITIVE] {
        assert!(heap.table_get(table, Value::Float(float)).is_nil());
        heap.table_set(table, Value::Float(float), Value::Integer(7)).unwrap();
        assert_eq!(integer(heap.table_get(table, Value::Float(float))), Some(7));
    }
    assert!(heap.table_get_integer(table, i64::MAX).is_nil());
    for key in [i64::MAX, i64::MAX - 1, i64::MIN + 1, -1] {
        heap.table_set_integer(table, key, Value::Integer(key)).unwrap();
        assert_eq!(integer(heap.table_get_integer(table, key)), Some(key));
    }
    check_invariants(&heap, table);
    assert_eq!(entries(&heap, table).len(), 14);
}

#[test]
fn long_strings_are_equal_by_content() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    let long = |fill: &str| string(&heap, &fill.repeat(100));
    heap.table_set_string(table, long("a"), Value::Integer(1), Origin::Computed).unwrap();
    heap.table_set_string(table, long("b"), Value::Integer(2), Origin::Named).unwrap();
    heap.table_set_string(table, long("a"), Value::Integer(3), Origin::Computed).unwrap();
    assert_eq!(integer(heap.table_get_string(table, long("a"))), Some(3));
    assert_eq!(integer(heap.table_get(table, Value::String(long("b")))), Some(2));
    assert!(heap.table_get_string(table, long("c")).is_nil());
    assert_eq!(entries(&heap, table).len(), 2);
    let after = heap.table_next(table, Value::String(long("a"))).unwrap().unwrap();
    assert_eq!(integer(after.1), Some(2));
}

#[test]
fn tables_built_alike_share_their_shape() {
    let heap = heap(4);
    let build = |names: &[&str], origin| {
        let table = heap.new_table(0, 0).unwrap();
        for (number, name) in names.iter().enumerate() {
            heap.table_set_string(table, string(&heap, name), Value::Integer(number as i64), origin).unwrap();
        }
        table
    };
    let shape = |table: Ref<Table>| heap.get(table).shape.get();
    let names = ["x", "y", "z", "w", "v"];
    let (a, b) = (build(&names, Origin::Named), build(&names, Origin::Computed));
    assert_eq!(shape(a), shape(b));
    assert_ne!(shape(a), shape(build(&["y", "x", "z", "w", "v"], Origin::Named)));
    for (number, name) in names.iter().enumerate() {
        assert_eq!(heap.find_field(shape(a), string(&heap, name)), Some(number as u32));
        assert_eq!(heap.field_key(shape(a), number as u32), Some(string(&heap, name)));
    }
    assert_eq!(heap.find_field(shape(a), string(&heap, "none")), None);
    let prefix = build(&names[..4], Origin::Named);
    assert_eq!(heap.transition(shape(prefix), string(&heap, "v")), Some(shape(a)));
    // A removed field keeps its place.
    heap.table_set_string(a, string(&heap, "y"), Value::Nil, Origin::Named).unwrap();
    assert_eq!(shape(a), shape(b));
    assert_eq!(entries(&heap, a).len(), 4);
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn many_fields_make_a_dictionary_in_order() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    heap.table_set(table, Value::Boolean(true), Value::Integer(-1)).unwrap();
    let names: Vec<_> = (0..MAX_FIELDS + 20).map(|number| string(&heap, &format!("name{number}"))).collect();
    for (number, &name) in names.iter().enumerate() {
        assert_eq!(heap.is_dictionary(heap.get(table).shape.get()), number > MAX_FIELDS as usize);
        heap.table_set_string(table, name, Value::Integer(number as i64), Origin::Named).unwrap();
        check_invariants(&heap, table);
    }
    for (number, &name) in names.iter().enumerate() {
        assert_eq!(integer(heap.table_get_string(table, name)), Some(number as i64));
        assert!(heap.find_name(heap.get(table), name).is_some());
    }
    // Short strings come before other keys in both modes.
    let order: Vec<_> = entries(&heap, table).iter().map(|&(_, value)| integer(value).unwrap()).collect();
    let expected = (0..names.len() as i64).chain([-1]);
    assert!(order.iter().copied().eq(expected), "{order:?}");
}

#[test]
fn computed_keys_make_few_shapes() {
    let heap = heap(64);
    for map in 0..scaled(2000) {
        let table = heap.new_table(0, 0).unwrap();
        for key in 0..20 {
            let key = Value::String(string(&heap, &format!("{}", map * 1000 + key * 7)));
            heap.table_set(table, key, Value::Integer(map)).unwrap();
        }
        assert!(heap.is_dictionary(heap.get(table).shape.get()));
    }
    assert!(heap.shape_count() < 8000, "{}", heap.shape_count());
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn transitions_may_be_cleared_at_any_time() {
    let heap = heap(16);
    let empty = heap.empty_shape().unwrap();
    let names: Vec<_> = (0..500).map(|number| string(&heap, &format!("field{number}"))).collect();
    let mut random = Random(7);
    for &name in names.iter().cycle().take(3000) {
        let table = heap.new_table(0, 0).unwrap();
        heap.table_set_string(table, name, Value::Integer(1), Origin::Named).unwrap();
        assert_eq!(heap.transition(empty, name), Some(heap.get(table).shape.get()));
        let places = heap.refs(heap.get(empty).transitions.get().unwrap());
        places[random.below(places.len() as u64) as usize].set(None);
    }
    for &name in &names {
        let places = heap.refs(heap.get(empty).transitions.get().unwrap());
        let count = places.iter().filter(|place| place.get().map(Ref::cast) == heap.transition(empty, name)).count();
        assert!(count <= 1 || heap.transition(empty, name).is_none());
    }
}

#[test]
fn hash_entries_keep_the_order_in_which_they_came() {
    let heap = heap(64);
    let table = heap.new_table(0, 0).unwrap();
    let mut random = Random(3);
    let mut order: Vec<Vec<u8>> = Vec::new();
    for number in 0..scaled(20_000) {
        let name = format!("w{}", random.below(6000));
        let key = string(&heap, &name);
        let is_there = !heap.table_get_string(table, key).is_nil();
        if is_there && random.below(3) == 0 {
            heap.table_set_string(table, key, Value::Nil, Origin::Computed).unwrap();
            order.retain(|other| other != name.as_bytes());
            // Removed for good: the place could otherwise be taken again.
            heap.table_set_string(table, string(&heap, &format!("x{number}")), Value::Integer(0), Origin::Computed)
                .unwrap();
            order.push(format!("x{number}").into_bytes());
        } else if !is_there && heap.find_name(heap.get(table), key).is_none() {
            heap.table_set_string(table, key, Value::Integer(0), Origin::Computed).unwrap();
            order.push(name.into_bytes());
        }
    }
    let found: Vec<_> = entries(&heap, table).iter().map(|&(key, _)| key_of(&heap, key)).collect();
    assert!(found.len() > scaled(2000) as usize);
    assert!(found.iter().eq(order.into_iter().map(Key::String).collect::<Vec<_>>().iter()));
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn entries_may_be_removed_and_changed_during_traversal() {
    let heap = heap(16);
    for remove_all in [true, false] {
        let table = heap.new_table(0, 0).unwrap();
        for number in 1..=100 {
            heap.table_set_integer(table, number, Value::Integer(number)).unwrap();
            heap.table_set_integer(table, number * 1_000_003, Value::Integer(number)).unwrap();
        }
        for number in 0..20 {
            let key = string(&heap, &format!("f{number}"));
            heap.table_set_string(table, key, Value::Integer(number), Origin::Named).unwrap();
        }
        let mut key = Value::Nil;
        let mut count = 0;
        while let Some((next, value)) = heap.table_next(table, key).unwrap() {
            count += 1;
            let change = if remove_all || count % 2 == 0 { Value::Nil } else { value };
            heap.table_set(table, next, change).unwrap();
            key = next;
        }
        assert_eq!(count, 220);
        assert_eq!(entries(&heap, table).len(), if remove_all { 0 } else { 110 });
        check_invariants(&heap, table);
    }
}

#[test]
fn dead_keys_are_known_to_next_only() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    let keys: Vec<_> = (0..5).map(|_| Value::Table(heap.new_table(0, 0).unwrap())).collect();
    for (number, &key) in keys.iter().enumerate() {
        heap.table_set(table, key, Value::Integer(number as i64)).unwrap();
    }
    // What the collector does to an entry that was removed.
    heap.table_set(table, keys[2], Value::Nil).unwrap();
    heap.hash_entries(heap.get(table).hash.get().unwrap())[2].key_tag.set(Tag::DeadKey as u8);
    assert!(heap.table_get(table, keys[2]).is_nil());
    assert_eq!(integer(heap.table_next(table, keys[2]).unwrap().unwrap().1), Some(3));
    let cursor = heap.cursor_of(table, keys[2].to_parts(), 3).unwrap();
    assert_eq!(cursor, 3);
    heap.table_set(table, keys[2], Value::Integer(22)).unwrap();
    let values: Vec<_> = entries(&heap, table).iter().map(|&(_, value)| integer(value).unwrap()).collect();
    assert_eq!(values, [0, 1, 3, 4, 22]);
    let stranger = Value::Table(heap.new_table(0, 0).unwrap());
    assert_eq!(heap.table_next(table, stranger).err(), Some(InvalidKey));
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_million_elements_and_entries() {
    let heap = heap(256);
    let (array, map) = (heap.new_table(0, 0).unwrap(), heap.new_table(0, 0).unwrap());
    for number in 1..=1_000_000i64 {
        heap.table_set_integer(array, heap.table_length(array) + 1, Value::Integer(number)).unwrap();
        heap.table_set_integer(map, number * -7, Value::Integer(number)).unwrap();
    }
    assert_eq!((heap.table_length(array), heap.table_length(map)), (1_000_000, 0));
    for number in 1..=1_000_000i64 {
        assert_eq!(integer(heap.table_get_integer(array, number)), Some(number));
        assert_eq!(integer(heap.table_get_integer(map, number * -7)), Some(number));
    }
    let mut cursor = 0;
    let mut sum = 0;
    while let Some(step) = heap.next_at(map, cursor) {
        cursor = step.cursor;
        sum += step.value.1;
    }
    assert_eq!(sum, 500_000_500_000);
}

#[test]
fn ranges_of_elements() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    let slots = |values: &[Option<i64>]| {
        let array = heap.new_slot_array(values.len() as u32).unwrap();
        for (slot, value) in heap.slots(array).iter().zip(values) {
            slot.set(value.map_or(Value::Nil, Value::Integer));
        }
        array
    };
    let content = |table: Ref<Table>| -> Vec<_> {
        (1..=heap.table_length(table)).map(|key| integer(heap.table_get_integer(table, key))).collect()
    };
    let set_list = |start, values: &[Option<i64>]| {
        let list: &[Slot] = heap.slots(slots(values));
        heap.set_list(table, start, list).unwrap();
        check_invariants(&heap, table);
    };
    set_list(1, &[Some(1), None]);
    set_list(3, &[Some(3), Some(4), None]);
    assert_eq!(content(table), [Some(1), None, Some(3), Some(4)]);
    set_list(2, &[Some(2), Some(3)]);
    assert_eq!(heap.array_insert(table, 1, Value::Integer(0).to_parts()), Ok(true));
    assert_eq!(heap.array_insert(table, 6, Value::Integer(5).to_parts()), Ok(true));
    assert_eq!(heap.array_insert(table, 8, Value::Integer(9).to_parts()), Ok(false));
    assert_eq!(content(table), (0..6).map(Some).collect::<Vec<_>>());
    assert_eq!(heap.array_remove(table, 2), Some(Value::Integer(1).to_parts()));
    assert_eq!(heap.array_remove(table, 5), Some(Value::Integer(5).to_parts()));
    assert_eq!(heap.array_remove(table, 5), None);
    assert_eq!(heap.array_remove(table, 0), None);
    assert_eq!(content(table), [Some(0), Some(2), Some(3), Some(4)]);
    check_invariants(&heap, table);
    assert_eq!(heap.array_copy((table, 1), 4, (table, 3)), Ok(true));
    assert_eq!(content(table), [0, 2, 0, 2, 3, 4].map(Some));
    assert_eq!(heap.array_copy((table, 3), 4, (table, 2)), Ok(true));
    assert_eq!(content(table), [0, 0, 2, 3, 4, 4].map(Some));
    let other = heap.new_table(0, 0).unwrap();
    assert_eq!(heap.array_copy((table, 2), 3, (other, 2)), Ok(false));
    assert_eq!(heap.array_copy((table, 2), 3, (other, 1)), Ok(true));
    assert_eq!(heap.array_copy((table, 5), 3, (other, 1)), Ok(false));
    assert_eq!(content(other), [0, 2, 3].map(Some));
    check_invariants(&heap, table);
    check_invariants(&heap, other);
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn caches_along_index_chains_are_told_of_changes() {
    let heap = heap(4);
    let class = heap.new_table(0, 0).unwrap();
    let set = |name: &str, value| {
        heap.table_set_string(class, string(&heap, name), value, Origin::Named).unwrap();
    };
    set("method", Value::Integer(1));
    set("__index", Value::Integer(1));
    let before = heap.prototype_epoch();
    set("other", Value::Integer(1));
    assert_eq!(heap.prototype_epoch(), before);
    heap.get(class).header.flags.set(Table::PROTOTYPE);
    let is_told = |change: &dyn Fn()| {
        let before = heap.prototype_epoch();
        heap.get(class).absent.set(!0);
        change();
        heap.prototype_epoch() != before
    };
    for round in 0..2 {
        assert!(!is_told(&|| set("method", Value::Integer(2))));
        assert_eq!(heap.get(class).absent.get(), !0);
        assert!(!is_told(&|| set("method", Value::Nil)));
        assert!(is_told(&|| set("method", Value::Integer(3))));
        assert_eq!(heap.get(class).absent.get(), 0);
        assert!(is_told(&|| set("__index", Value::Nil)));
        assert_eq!(heap.get(class).absent.get(), 0);
        assert!(is_told(&|| set("__index", Value::Integer(3))));
        assert!(is_told(&|| heap.set_metatable(class, Some(class))));
        assert!(!is_told(&|| heap.table_set_integer(class, 1, Value::Integer(1)).unwrap()));
        // The second round is in dictionary mode.
        assert!(is_told(&|| (0..MAX_FIELDS).for_each(|n| set(&format!("more{round}/{n}"), Value::Integer(1)))));
        assert!(heap.is_dictionary(heap.get(class).shape.get()));
        assert!(is_told(&|| set(&format!("new{}", heap.prototype_epoch()), Value::Integer(1))));
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn no_memory_leaves_the_table_as_it_was() {
    let heap = heap(1);
    let (array, map) = (heap.new_table(0, 0).unwrap(), heap.new_table(0, 0).unwrap());
    let mut count = 0;
    loop {
        let first = heap.table_set_integer(array, count + 1, Value::Integer(count));
        let second = heap.table_set_integer(map, -count, Value::Integer(count));
        if first.is_err() && second.is_err() {
            break;
        }
        assert_eq!(integer(heap.table_get_integer(array, count + 1)), first.is_ok().then_some(count));
        assert_eq!(integer(heap.table_get_integer(map, -count)), second.is_ok().then_some(count));
        count += 1;
    }
    check_invariants(&heap, array);
    check_invariants(&heap, map);
    assert!(matches!(
        heap.table_set_integer(array, heap.table_length(array) + 1, Value::Integer(0)),
        Err(TableError::OutOfMemory(_))
    ));
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn hints_make_room_but_promise_nothing() {
    let heap = heap(4);
    let table = heap.new_table(100, 10).unwrap();
    assert_eq!((heap.table_length(table), heap.field_capacity(table)), (0, 10));
    let array = heap.get(table).array.get();
    for key in 1..=100 {
        heap.table_set_integer(table, key, Value::Integer(key)).unwrap();
    }
    assert_eq!(heap.get(table).array.get(), array);
    let dictionary = heap.new_table(0, MAX_FIELDS + 1).unwrap();
    assert!(heap.is_dictionary(heap.get(dictionary).shape.get()));
    heap.table_reserve(dictionary, 0, 500).unwrap();
    let part = heap.names(heap.get(dictionary));
    for number in 0..500 {
        heap.table_set_string(dictionary, string(&heap, &number.to_string()), Value::Integer(1), Origin::Named)
            .unwrap();
    }
    assert_eq!(heap.names(heap.get(dictionary)), part);
    assert!(heap.new_table(1 << 25, 0).is_err() && heap.new_table(0, 1 << 25).is_err());
    // More than any table can have: no room is made.
    assert_eq!(heap.table_length(heap.new_table(u32::MAX, u32::MAX).unwrap()), 0);
}

#[test]
fn weak_elements_may_vanish() {
    let heap = heap(4);
    let table = heap.new_table(0, 0).unwrap();
    for key in 1..=10 {
        heap.table_set_integer(table, key, Value::Integer(key)).unwrap();
    }
    for index in [3, 8, 9] {
        heap.array_slices(table).1[index].set(Tag::Nil as u8);
    }
    heap.trim_array(heap.get(table));
    assert_eq!(heap.table_length(table), 8);
    check_invariants(&heap, table);
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_key_between_array_and_hash_part_joins_them() {
    let heap = heap(16);
    for gap in 1..40 {
        let table = heap.new_table(0, 0).unwrap();
        for key in (gap + 1..gap + 60).rev().chain(1..gap).chain([gap]) {
            heap.table_set_integer(table, key, Value::Integer(key)).unwrap();
            check_invariants(&heap, table);
        }
        assert_eq!(heap.table_length(table), gap + 59);
        assert!((1..gap + 60).all(|key| integer(heap.table_get_integer(table, key)) == Some(key)));
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn operations_that_fail_for_memory_change_nothing() {
    for seed in 1..=20u64 {
        let heap = heap(1);
        let mut random = Random(0x9876_5432_1234_5679u64.wrapping_mul(seed));
        let objects: Vec<_> = (0..10).map(|_| heap.new_table(0, 0).unwrap()).collect();
        let keys: Vec<_> = (0..300).map(|_| random_key(&heap, &mut random, &objects, 100)).collect();
        let tables: Vec<_> = (0..100).map(|_| heap.new_table(0, 0).unwrap()).collect();
        while heap.new_slot_array(4000).is_ok() {}
        let mut failures = 0;
        for table in tables {
            let mut model = HashMap::new();
            for round in 0..300 {
                let key = keys[random.below(300) as usize];
                match heap.table_set(table, key, Value::Integer(round)) {
                    Ok(()) => drop(model.insert(model_key(&heap, key), round)),
                    Err(error) => {
                        assert!(matches!(error, TableError::OutOfMemory(_)));
                        failures += 1;
                    }
                }
                let length = heap.table_length(table);
                if heap.table_set_integer(table, length + 1, Value::Integer(round)).is_ok() {
                    model.insert(Key::Integer(length + 1), round);
                }
                check_invariants(&heap, table);
            }
            check_against(&heap, table, &model);
        }
        assert!(failures > 100, "{failures}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn the_order_is_the_same_in_both_modes() {
    let heap = heap(16);
    let names: Vec<_> = (0..MAX_FIELDS - 1).map(|number| string(&heap, &format!("name{number}"))).collect();
    let mut random = Random(7);
    let mut dictionaries = 0;
    for round in 0..60 {
        let (shaped, dictionary) = (heap.new_table(0, 0).unwrap(), heap.new_table(0, MAX_FIELDS + 1).unwrap());
        let limit = 8 + 2 * round;
        for step in 0..600 {
            let name = names[(random.below(limit) + step / 8) as usize % names.len()];
            let value = if random.below(2) == 0 { Value::Nil } else { Value::Integer(step as i64) };
            for table in [shaped, dictionary] {
                heap.table_set_string(table, name, value, Origin::Named).unwrap();
            }
            let values = |table| entries(&heap, table).iter().map(|&(_, value)| integer(value)).collect::<Vec<_>>();
            assert_eq!(values(shaped), values(dictionary), "round {round}, step {step}");
        }
        dictionaries += u32::from(heap.is_dictionary(heap.get(shaped).shape.get()));
        check_invariants(&heap, shaped);
        check_invariants(&heap, dictionary);
    }
    assert!(dictionaries > 0, "no removed keys were dropped");
}

#[test]
fn borders_of_short_lists_with_holes() {
    let heap = heap(4);
    for (keys, border) in
        [(&[1, 3][..], 1), (&[1, 4], 1), (&[1, 2, 4], 4), (&[1, 2, 3, 5], 3), (&[1, 2, 3, 4, 5, 7], 7)]
    {
        let table = heap.new_table(0, 0).unwrap();
        for &key in keys {
            heap.table_set_integer(table, key, Value::Boolean(true)).unwrap();
        }
        assert_eq!(heap.table_length(table), border, "{keys:?}");
        check_invariants(&heap, table);
    }
}
