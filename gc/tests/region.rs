//! The region holds the whole state of a heap, and no addresses.

mod support;
use lunette_gc::{collector::Mode, heap::Heap, pages::Pages, value::Value};
use support::{TestPages, heap, scaled};

const ROOT: usize = 10;

/// Changes a heap in a way that depends on nothing but the heap's state and the numbers.
fn work(heap: &Heap, numbers: std::ops::Range<i64>) {
    let Value::Table(list) = heap.root(ROOT).get() else { panic!("no list") };
    for n in numbers {
        let table = heap.new_table(2, 1).unwrap();
        let key = heap.new_string(format!("key {}", n % 97).as_bytes()).unwrap();
        heap.table_set(table, Value::String(key), Value::Integer(n)).unwrap();
        heap.table_set(list, Value::Integer(n * 7919 % 20_011), Value::Table(table)).unwrap();
        if n % 50 == 0 {
            heap.register_finalizable(table.cast()).unwrap();
            heap.identity(table.cast());
        }
        // SAFETY: everything in use is in the roots.
        unsafe {
            match n % 5000 {
                100..=200 => drop(heap.collector().step(1)),
                300 => heap.collect_fully(),
                _ if heap.needs_collection() => drop(heap.collect_step()),
                _ => {}
            }
        }
        heap.next_pending_finalizer();
    }
}

fn start() -> Heap {
    let heap = heap(64);
    heap.root(ROOT).set(Value::Table(heap.new_table(0, 0).unwrap()));
    heap
}

fn bytes(heap: &Heap) -> &[u8] {
    // SAFETY: the touched part of the region, which nobody writes meanwhile.
    unsafe { std::slice::from_raw_parts(heap.region().0.as_ptr(), heap.touched_bytes()) }
}

fn copy(heap: &Heap) -> Heap {
    let size = heap.region().1;
    let base = TestPages.reserve(size).unwrap();
    // SAFETY: a fresh reservation of the same size.
    unsafe {
        base.as_ptr().copy_from_nonoverlapping(heap.region().0.as_ptr(), heap.touched_bytes());
        Heap::adopt(Box::new(TestPages), base, size).unwrap()
    }
}

#[test]
fn the_same_work_at_two_addresses_gives_the_same_bytes() {
    let (a, b) = (start(), start());
    assert_ne!(a.base(), b.base());
    for _ in 0..if cfg!(miri) { 1 } else { 4 } {
        work(&a, 0..scaled(30_000));
        work(&b, 0..scaled(30_000));
        assert!(bytes(&a) == bytes(&b));
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_copy_goes_on_like_the_original() {
    let original = start();
    let mut end = 0;
    // Copies are taken in all phases of a collection.
    for round in 0..40 {
        let first = end;
        end += 613 + round;
        work(&original, first..end);
        if round % 3 == 0 {
            // SAFETY: everything in use is in the roots.
            unsafe { original.collector().step(5) };
        }
        let copy = copy(&original);
        copy.verify().unwrap();
        work(&copy, end..end + 3000);
        let other = self::copy(&original);
        work(&other, end..end + 3000);
        assert!(bytes(&copy) == bytes(&other));
    }
    // SAFETY: as above.
    unsafe { original.collector().set_mode(Mode::Generational) };
    let copy = copy(&original);
    for heap in [&copy, &original] {
        work(heap, end..end + 20_000);
        heap.verify().unwrap();
    }
    assert!(bytes(&copy) == bytes(&original));
}

#[test]
fn a_region_of_another_layout_is_refused() {
    let heap = start();
    let size = heap.region().1;
    let base = TestPages.reserve(size).unwrap();
    // SAFETY: a fresh reservation, given back below.
    unsafe {
        assert!(Heap::adopt(Box::new(TestPages), base, size).is_none());
        TestPages.unreserve(base, size);
    }
}
