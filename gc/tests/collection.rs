//! What collections keep, what they free, and in which order.

mod support;
use lunette_gc::{
    collector::{Mode, Progress},
    heap::{Heap, ROOT_CURRENT_THREAD},
    object::AnyObject,
    reference::Ref,
    string::Str,
    table::Table,
    value::Value,
};
use support::heap;

const ROOT: usize = 10;

fn table(heap: &Heap) -> Ref<Table> {
    heap.new_table(0, 0).unwrap()
}

fn string(heap: &Heap, text: &str) -> Ref<Str> {
    heap.new_string(text.as_bytes()).unwrap()
}

fn set(heap: &Heap, table: Ref<Table>, key: Value, value: Value) {
    heap.table_set(table, key, value).unwrap();
}

fn weak(heap: &Heap, mode: &str) -> Ref<Table> {
    let (weak, metatable) = (table(heap), table(heap));
    set(heap, metatable, Value::String(string(heap, "__mode")), Value::String(string(heap, mode)));
    heap.set_metatable(weak, Some(metatable));
    weak
}

fn full(heap: &Heap) {
    // SAFETY: tests keep what they use in roots.
    unsafe { heap.collect_fully() };
    heap.verify().unwrap();
}

fn minor(heap: &Heap) {
    let before = heap.statistics().minor_collections;
    // SAFETY: as above.
    unsafe {
        heap.collector().set_mode(Mode::Generational);
        heap.collector().step(0);
    }
    assert_eq!(heap.statistics().minor_collections, before + 1);
    heap.verify().unwrap();
}

fn same<T>(value: Value, object: Ref<T>) -> bool {
    value.object() == Some(object.cast::<AnyObject>())
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn garbage_goes_and_what_can_be_reached_stays() {
    const COUNT: i64 = 1000;
    for collect in [full, minor] {
        let heap = heap(16);
        table(&heap);
        collect(&heap);
        let start = heap.used_bytes();
        let kept = table(&heap);
        heap.root(ROOT).set(Value::Table(kept));
        for n in 0..COUNT {
            let child = table(&heap);
            set(&heap, child, Value::Integer(1), Value::String(string(&heap, &format!("value {n}"))));
            let _garbage = (table(&heap), heap.new_slot_array(50).unwrap(), string(&heap, &format!("garbage {n}")));
            set(&heap, kept, Value::Integer(n), Value::Table(child));
        }
        let before = heap.used_bytes();
        collect(&heap);
        assert!(heap.used_bytes() < before - 800 * COUNT as u64, "{before} {}", heap.used_bytes());
        for n in 0..COUNT {
            let Value::Table(child) = heap.table_get(kept, Value::Integer(n)) else { panic!("child is gone") };
            let Value::String(text) = heap.table_get(child, Value::Integer(1)) else { panic!("string is gone") };
            assert_eq!(heap.string_bytes(text), format!("value {n}").as_bytes());
            assert_eq!(string(&heap, &format!("value {n}")), text);
        }
        heap.root(ROOT).set(Value::Nil);
        full(&heap);
        assert_eq!(heap.used_bytes(), start);
    }
}

#[test]
fn old_objects_are_seen_to_refer_to_young_ones() {
    let heap = heap(16);
    let old = table(&heap);
    heap.root(ROOT).set(Value::Table(old));
    minor(&heap);
    for n in 0..if cfg!(miri) { 2 } else { 100 } {
        let young = table(&heap);
        set(&heap, old, Value::Integer(n % 7), Value::Table(young));
        set(&heap, young, Value::Boolean(true), Value::Integer(n));
        minor(&heap);
        let Value::Table(found) = heap.table_get(old, Value::Integer(n % 7)) else { panic!("gone") };
        assert!(matches!(heap.table_get(found, Value::Boolean(true)), Value::Integer(m) if m == n));
    }
}

#[test]
fn the_current_thread_needs_no_barrier_and_is_cleared_above_its_top() {
    let heap = heap(16);
    let thread = heap.new_thread(100).unwrap();
    heap.root(ROOT_CURRENT_THREAD).set(Value::Thread(thread));
    let resumer = heap.new_thread(10).unwrap();
    heap.get(thread).resumer.set(Some(resumer));
    minor(&heap);
    for collect in [minor, full] {
        let slots = heap.slots(heap.get(thread).stack.get());
        let resumers = heap.slots(heap.get(resumer).stack.get());
        slots[4].set(Value::Table(table(&heap)));
        slots[5].set(Value::Table(table(&heap)));
        resumers[0].set(Value::String(string(&heap, "in the resumer")));
        heap.get(thread).top.set(5);
        heap.get(resumer).top.set(1);
        collect(&heap);
        let slots = heap.slots(heap.get(thread).stack.get());
        assert!(matches!(slots[4].get(), Value::Table(_)));
        assert!(slots[5].get().is_nil());
        let Value::String(text) = heap.slots(heap.get(resumer).stack.get())[0].get() else { panic!("gone") };
        assert_eq!(heap.string_bytes(text), b"in the resumer");
    }
}

#[test]
fn weak_values_go_and_strings_stay() {
    for collect in [full, minor] {
        let heap = heap(16);
        let weak = weak(&heap, "v");
        heap.root(ROOT).set(Value::Table(weak));
        let alive = table(&heap);
        heap.root(ROOT + 1).set(Value::Table(alive));
        let dead = table(&heap);
        let key = table(&heap);
        for (key, value) in [
            (Value::Integer(1), Value::Table(alive)),
            (Value::Integer(2), Value::Table(dead)),
            (Value::Integer(3), Value::String(string(&heap, "a string"))),
            (Value::Integer(4), Value::Table(dead)),
            (Value::String(string(&heap, "dead")), Value::Table(dead)),
            (Value::String(string(&heap, "alive")), Value::Table(alive)),
            (Value::Boolean(true), Value::Table(dead)),
            (Value::Boolean(false), Value::Integer(7)),
            (Value::Table(key), Value::Integer(8)),
        ] {
            set(&heap, weak, key, value);
        }
        collect(&heap);
        assert!(same(heap.table_get(weak, Value::Integer(1)), alive));
        assert!(heap.table_get(weak, Value::Integer(2)).is_nil());
        assert!(matches!(heap.table_get(weak, Value::Integer(3)), Value::String(_)));
        assert_eq!(heap.table_length(weak), 3);
        assert!(heap.table_get(weak, Value::String(string(&heap, "dead"))).is_nil());
        assert!(same(heap.table_get(weak, Value::String(string(&heap, "alive"))), alive));
        assert!(heap.table_get(weak, Value::Boolean(true)).is_nil());
        assert!(matches!(heap.table_get(weak, Value::Boolean(false)), Value::Integer(7)));
        assert!(matches!(heap.table_get(weak, Value::Table(key)), Value::Integer(8)));
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_chain_of_ephemerons_lives_and_dies_with_its_first_key() {
    const COUNT: i64 = 5000;
    for collect in [full, minor] {
        let heap = heap(64);
        let ephemeron = weak(&heap, "k");
        heap.root(ROOT).set(Value::Table(ephemeron));
        let first = table(&heap);
        heap.root(ROOT + 1).set(Value::Table(first));
        let keys: Vec<_> = (0..COUNT).map(|_| table(&heap)).collect();
        // Against the order of the entries, so that going over them again and again would take quadratic time.
        for pair in keys.windows(2).rev() {
            set(&heap, ephemeron, Value::Table(pair[0]), Value::Table(pair[1]));
        }
        set(&heap, ephemeron, Value::Table(first), Value::Table(keys[0]));
        // A key that only its own value refers to is dead.
        let lonely = table(&heap);
        set(&heap, lonely, Value::Integer(1), Value::Table(lonely));
        set(&heap, ephemeron, Value::Table(lonely), Value::Table(lonely));
        collect(&heap);
        assert!(heap.table_get(ephemeron, Value::Table(lonely)).is_nil());
        for pair in keys.windows(2) {
            assert!(same(heap.table_get(ephemeron, Value::Table(pair[0])), pair[1]));
        }
        let before = heap.used_bytes();
        heap.root(ROOT + 1).set(Value::Nil);
        full(&heap);
        assert!(heap.used_bytes() <= before - COUNT as u64 * 40);
        assert!(heap.table_next(ephemeron, Value::Nil).unwrap().is_none());
    }
}

#[test]
fn all_weak_entries_need_both() {
    let heap = heap(16);
    let weak = weak(&heap, "kv");
    heap.root(ROOT).set(Value::Table(weak));
    let (alive, dead) = (table(&heap), table(&heap));
    heap.root(ROOT + 1).set(Value::Table(alive));
    set(&heap, weak, Value::Table(alive), Value::Table(alive));
    set(&heap, weak, Value::Table(dead), Value::Table(alive));
    set(&heap, weak, Value::Integer(-1), Value::Table(dead));
    full(&heap);
    assert!(same(heap.table_get(weak, Value::Table(alive)), alive));
    assert!(heap.table_get(weak, Value::Integer(-1)).is_nil());
    let (key, _) = heap.table_next(weak, Value::Nil).unwrap().unwrap();
    assert!(same(key, alive));
    assert!(heap.table_next(weak, key).unwrap().is_none());
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn finalizers_come_in_reverse_order_and_once() {
    for collect in [full, minor] {
        let heap = heap(16);
        let objects: Vec<_> = (0..3000).map(|_| table(&heap)).collect();
        let held = table(&heap);
        set(&heap, objects[7], Value::Integer(1), Value::Table(held));
        set(&heap, held, Value::Integer(1), Value::Integer(77));
        for &object in &objects {
            heap.register_finalizable(object.cast()).unwrap();
            heap.register_finalizable(object.cast()).unwrap();
        }
        heap.root(ROOT).set(Value::Table(objects[5]));
        collect(&heap);
        for (n, &object) in objects.iter().enumerate().rev() {
            if n != 5 {
                assert!(same(heap.next_pending_finalizer().unwrap(), object));
            }
        }
        assert!(heap.next_pending_finalizer().is_none());
        assert!(matches!(heap.table_get(held, Value::Integer(1)), Value::Integer(77)));
        heap.register_finalizable(objects[9].cast()).unwrap();
        full(&heap);
        assert!(same(heap.next_pending_finalizer().unwrap(), objects[9]));
        assert!(heap.next_pending_finalizer().is_none());
        full(&heap);
        assert!(heap.next_pending_finalizer().is_none());
        heap.take_all_finalizable();
        assert!(same(heap.next_pending_finalizer().unwrap(), objects[5]));
        // At the end there are no new finalizers.
        heap.register_finalizable(objects[5].cast()).unwrap();
        heap.root(ROOT).set(Value::Nil);
        full(&heap);
        assert!(heap.next_pending_finalizer().is_none());
    }
}

#[test]
fn values_go_before_finalizers_run_and_keys_after() {
    let heap = heap(16);
    let (values, keys) = (weak(&heap, "v"), weak(&heap, "k"));
    heap.root(ROOT).set(Value::Table(values));
    heap.root(ROOT + 1).set(Value::Table(keys));
    let object = table(&heap);
    set(&heap, values, Value::Integer(1), Value::Table(object));
    set(&heap, keys, Value::Table(object), Value::Integer(42));
    heap.register_finalizable(object.cast()).unwrap();
    full(&heap);
    assert!(heap.table_get(values, Value::Integer(1)).is_nil());
    assert!(matches!(heap.table_get(keys, Value::Table(object)), Value::Integer(42)));
    assert!(same(heap.next_pending_finalizer().unwrap(), object));
    full(&heap);
    assert!(heap.table_next(keys, Value::Nil).unwrap().is_none());
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn dead_shapes_leave_the_tree() {
    let heap = heap(16);
    table(&heap);
    full(&heap);
    let shapes = heap.shape_count();
    for round in 0..3 {
        for n in 0..10 {
            let table = table(&heap);
            heap.root(ROOT).set(Value::Table(table));
            let key = string(&heap, &format!("field {n}"));
            set(&heap, table, Value::String(key), Value::Integer(round));
        }
        assert!(heap.shape_count() > shapes + 1);
        full(&heap);
        assert_eq!(heap.shape_count(), shapes + 1);
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn incremental_marking_sees_what_is_written_meanwhile() {
    const COUNT: i64 = 20_000;
    let heap = heap(64);
    // SAFETY: tests keep what they use in roots.
    unsafe { heap.collector().set_mode(Mode::Incremental) };
    let thread = heap.new_thread(10).unwrap();
    heap.root(ROOT_CURRENT_THREAD).set(Value::Thread(thread));
    heap.get(thread).top.set(2);
    let list = table(&heap);
    heap.root(ROOT).set(Value::Table(list));
    for n in 1..=COUNT {
        set(&heap, list, Value::Integer(n), Value::Table(table(&heap)));
    }
    let mut steps = 0;
    // Between steps: move each object from a place not yet scanned to one that is, by way of the stack.
    for n in 1..=COUNT / 2 {
        let (from, to) = (Value::Integer(COUNT + 1 - n), Value::Integer(n));
        let moved = heap.table_get(list, from);
        heap.slots(heap.get(thread).stack.get())[1].set(moved);
        set(&heap, list, from, Value::Integer(0));
        if n % 10 == 0 {
            // SAFETY: as above.
            steps += usize::from(!unsafe { heap.collector().step(1) });
        }
        let moved = heap.slots(heap.get(thread).stack.get())[1].get();
        set(&heap, list, to, moved);
    }
    assert!(steps > COUNT as usize / 200, "{steps}");
    full(&heap);
    for n in 1..=COUNT / 2 {
        assert!(matches!(heap.table_get(list, Value::Integer(n)), Value::Table(_)));
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn large_objects_are_freed_and_their_room_is_used_again() {
    let heap = heap(8);
    for n in 0..200 {
        let array = heap.new_slot_array(20_000 + n * 10);
        if array.is_err() {
            full(&heap);
            heap.new_slot_array(20_000 + n * 10).unwrap();
        }
    }
    full(&heap);
    let free = heap.statistics().free_block_bytes;
    assert!(heap.new_slot_array(250_000).is_ok() && free > 4 << 20);
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn the_collector_runs_when_it_is_due_and_keeps_the_heap_small() {
    for mode in [None, Some(Mode::Incremental), Some(Mode::Generational)] {
        let heap = heap(64);
        if let Some(mode) = mode {
            // SAFETY: tests keep what they use in roots.
            unsafe { heap.collector().set_mode(mode) };
        }
        let list = table(&heap);
        heap.root(ROOT).set(Value::Table(list));
        let mut minors = 0;
        for n in 0..2_000_000i64 {
            let cell = heap.new_cell(Value::Integer(n)).unwrap();
            set(&heap, list, Value::Integer(n % 5000), Value::Integer(n));
            if n % 100 == 0 {
                let kept = table(&heap);
                set(&heap, list, Value::Integer(n % 5000), Value::Table(kept));
            }
            let _ = cell;
            if heap.needs_collection() {
                // SAFETY: as above.
                minors += usize::from(unsafe { heap.collect_step() } == Progress::Minor);
            }
        }
        assert_eq!(minors > 0, mode != Some(Mode::Incremental));
        assert!(heap.statistics().peak_bytes < 3 << 20, "{mode:?} {:?}", heap.statistics());
        heap.verify().unwrap();
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_stopped_collector_is_not_due() {
    let heap = heap(64);
    heap.collector().stop();
    assert!(!heap.collector().is_running());
    for _ in 0..100_000 {
        heap.new_cell(Value::Nil).unwrap();
        assert!(!heap.needs_collection());
    }
    heap.collector().restart();
    assert!(heap.collector().is_running());
    while !heap.needs_collection() {
        heap.new_cell(Value::Nil).unwrap();
    }
}

/// A large table is treated in another way than small ones by the barrier.
#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn large_tables_that_grow_and_change_keep_their_content() {
    const COUNT: i64 = 60_000;
    for mode in [None, Some(Mode::Incremental), Some(Mode::Generational)] {
        for hashed in [false, true] {
            let heap = heap(128);
            if let Some(mode) = mode {
                // SAFETY: tests keep what they use in roots.
                unsafe { heap.collector().set_mode(mode) };
            }
            let key = |n: i64| Value::Integer(if hashed { n * 1_000_003 } else { n });
            let list = table(&heap);
            heap.root(ROOT).set(Value::Table(list));
            let mut model = vec![None; COUNT as usize + 1];
            let mut random = 1u64;
            for n in 1..=COUNT * 5 {
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                let place = if n <= COUNT { n } else { (random >> 33) as i64 % COUNT + 1 };
                match random >> 60 {
                    0..8 => {
                        let value = table(&heap);
                        set(&heap, value, Value::Integer(1), Value::Integer(n));
                        set(&heap, list, key(place), Value::Table(value));
                        model[place as usize] = Some(n);
                    }
                    8..10 => {
                        set(&heap, list, key(place), Value::Boolean(true));
                        model[place as usize] = None;
                    }
                    10 if !hashed && n % 16 == 0 => {
                        let removed = heap.array_remove(list, place);
                        if removed.is_some() {
                            let length = heap.table_length(list) as usize;
                            model[place as usize..=length + 1].rotate_left(1);
                            model[length + 1] = None;
                        }
                    }
                    11 => {
                        let from = (random >> 20) as i64 % n.min(COUNT) + 1;
                        let value = heap.table_get(list, key(from));
                        if !value.is_nil() {
                            set(&heap, list, key(place), value);
                            model[place as usize] = model[from as usize];
                        }
                    }
                    _ => {}
                }
                // SAFETY: as above.
                unsafe {
                    if heap.needs_collection() {
                        heap.collect_step();
                    } else if n % 64 == 0 && mode.is_some() {
                        heap.collector().step(if n % 8192 == 0 { 0 } else { (random >> 12) as usize % 3 + 1 });
                    }
                }
                if n % 50_000 == 0 {
                    heap.verify().unwrap();
                }
            }
            for (n, expected) in model.iter().enumerate().skip(1) {
                let found = match heap.table_get(list, key(n as i64)) {
                    Value::Table(value) => match heap.table_get(value, Value::Integer(1)) {
                        Value::Integer(n) => Some(n),
                        other => panic!("{other:?}"),
                    },
                    _ => None,
                };
                assert_eq!(found, *expected, "element {n}, {mode:?}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_removed_key_keeps_its_place_as_long_as_it_lives() {
    for collect in [full, minor] {
        let heap = heap(16);
        let list = table(&heap);
        heap.root(ROOT).set(Value::Table(list));
        let alive = table(&heap);
        heap.root(ROOT + 1).set(Value::Table(alive));
        let keys = |heap: &Heap| {
            let text = Value::String(heap.new_string(&[b'x'; 60]).unwrap());
            [Value::Table(alive), text, Value::Integer(1 << 40), Value::Boolean(true)]
        };
        for key in keys(&heap) {
            set(&heap, list, key, Value::Boolean(true));
        }
        let dead = table(&heap);
        set(&heap, list, Value::Table(dead), Value::Boolean(true));
        set(&heap, list, Value::Table(dead), Value::Nil);
        for key in &keys(&heap)[..3] {
            set(&heap, list, *key, Value::Nil);
        }
        collect(&heap);
        // A new object where the dead one was is another key.
        for _ in 0..1000 {
            let other = table(&heap);
            assert!(heap.table_get(list, Value::Table(other)).is_nil());
            set(&heap, other, Value::Integer(1), Value::Integer(2));
        }
        for key in &keys(&heap)[..3] {
            set(&heap, list, *key, Value::Integer(5));
        }
        // The long string has lost its place: whether it was collected must not matter.
        let [alive_key, text, integer, boolean] = keys(&heap);
        let mut key = Value::Nil;
        for expected in [alive_key, integer, boolean, text] {
            key = heap.table_next(list, key).unwrap().unwrap().0;
            let bytes = |value| match value {
                Value::String(string) => heap.string_bytes(string).to_vec(),
                other => format!("{other:?}").into_bytes(),
            };
            assert_eq!(bytes(key), bytes(expected));
        }
        assert!(heap.table_next(list, key).unwrap().is_none());
        full(&heap);
    }
}

/// A key that comes back to life only by being stored again is seen by the collector.
#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_removed_key_that_is_stored_again_is_kept() {
    let heap = heap(64);
    // SAFETY: tests keep what they use in roots.
    unsafe { heap.collector().set_mode(Mode::Incremental) };
    let thread = heap.new_thread(10).unwrap();
    heap.root(ROOT_CURRENT_THREAD).set(Value::Thread(thread));
    heap.get(thread).top.set(2);
    let (list, ballast) = (table(&heap), table(&heap));
    heap.root(ROOT).set(Value::Table(list));
    heap.root(ROOT + 1).set(Value::Table(ballast));
    for n in 1..=5000 {
        set(&heap, ballast, Value::Integer(n), Value::Table(table(&heap)));
    }
    for round in 0..50 {
        let key = table(&heap);
        set(&heap, key, Value::Integer(1), Value::Integer(round));
        heap.slots(heap.get(thread).stack.get())[1].set(Value::Table(key));
        set(&heap, list, Value::Table(key), Value::Integer(0));
        set(&heap, list, Value::Table(key), Value::Nil);
        full(&heap);
        for _ in 0..=round {
            // SAFETY: as above.
            unsafe { heap.collector().step(1) };
        }
        set(&heap, list, Value::Table(key), Value::Integer(round));
        heap.slots(heap.get(thread).stack.get())[1].set(Value::Nil);
        // SAFETY: as above.
        while !unsafe { heap.collector().step(100) } {}
        let mut found = 0;
        let mut key = Value::Nil;
        while let Some((next, value)) = heap.table_next(list, key).unwrap() {
            let Value::Table(table) = next else { panic!("{next:?}") };
            let (Value::Integer(number), Value::Integer(value)) = (heap.table_get(table, Value::Integer(1)), value)
            else {
                panic!("{value:?}")
            };
            assert_eq!(number, value);
            found += 1;
            key = next;
        }
        assert_eq!(found, round + 1);
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_large_table_grows_where_it_lies() {
    for hashed in [false, true] {
        let heap = heap(64);
        let list = table(&heap);
        heap.root(ROOT).set(Value::Table(list));
        let key = |n: i64| Value::Integer(if hashed { n * 1_000_003 } else { n });
        for n in 1..=400_000 {
            set(&heap, list, key(n), Value::Integer(-n));
            if n == 100_000 {
                full(&heap);
            }
        }
        for n in 1..=400_000 {
            assert!(matches!(heap.table_get(list, key(n)), Value::Integer(value) if value == -n));
        }
        let statistics = heap.statistics();
        assert!(
            statistics.touched_bytes < statistics.used_bytes / 4 * 5,
            "{} bytes touched for {}",
            statistics.touched_bytes,
            statistics.used_bytes
        );
        let used = statistics.used_bytes;
        full(&heap);
        assert_eq!(heap.statistics().used_bytes, used, "what was added is counted");
        minor(&heap);
        assert_eq!(heap.statistics().used_bytes, used);
    }
}

/// Nothing is allocated but the growing table, so that it grows where it lies, between the steps of collections.
#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn what_grows_where_it_lies_while_marking_goes_on_keeps_its_content() {
    const COUNT: i64 = 70_000;
    for (hashed, removing) in [(false, false), (true, false), (true, true)] {
        let heap = heap(64);
        let (pool, list) = (table(&heap), table(&heap));
        heap.root(ROOT).set(Value::Table(pool));
        heap.root(ROOT + 1).set(Value::Table(list));
        let key = |n: i64| Value::Integer(if hashed { n * 1_000_003 } else { n });
        for n in 1..=COUNT {
            let value = table(&heap);
            set(&heap, value, Value::Integer(1), Value::Integer(n));
            set(&heap, pool, Value::Integer(n), Value::Table(value));
        }
        let is_removed = |n: i64| removing && n % 3 == 0;
        for n in (1..=COUNT).rev() {
            let place = COUNT + 1 - n;
            let value = heap.table_get(pool, Value::Integer(n));
            set(&heap, list, key(place), value);
            set(&heap, pool, Value::Integer(n), Value::Nil);
            if place > 100 && is_removed(place - 100) {
                set(&heap, list, key(place - 100), Value::Nil);
            }
            if n % 16 == 0 {
                // SAFETY: tests keep what they use in roots.
                unsafe { heap.collector().step(0) };
            }
        }
        full(&heap);
        for n in 0..COUNT {
            // Takes the room of what was freed though it lives.
            let value = table(&heap);
            set(&heap, value, Value::Integer(1), Value::Integer(-n));
        }
        for place in 1..=COUNT {
            match heap.table_get(list, key(place)) {
                Value::Table(value) => {
                    let number = heap.table_get(value, Value::Integer(1));
                    assert!(matches!(number, Value::Integer(number) if number == COUNT + 1 - place));
                }
                other => assert!(matches!(other, Value::Nil) && is_removed(place), "{place}: {other:?}"),
            }
        }
    }
}

/// One object of a block survives each minor collection and is garbage by the next.
#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn little_that_survives_does_not_hold_many_blocks() {
    let heap = heap(64);
    let mut count = 0;
    while heap.statistics().minor_collections < 400 {
        let array = heap.new_slot_array(64).unwrap();
        heap.root(ROOT).set(Value::Cell(array.cast()));
        count += 1;
        if heap.needs_collection() {
            // SAFETY: what is used is in a root.
            unsafe { heap.collector().collect_due() };
        }
    }
    heap.verify().unwrap();
    let statistics = heap.statistics();
    assert!(count > 100_000 && statistics.touched_bytes < 5 << 20, "{count}, {}", statistics.touched_bytes);
}
