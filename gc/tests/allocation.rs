//! Allocation without collections: layouts, strings, large objects, the limit.

mod support;
use lunette_gc::value::Value;
use support::{heap, scaled};

#[test]
fn equal_short_strings_are_one_object() {
    let heap = heap(16);
    let strings: Vec<_> = (0..scaled(20_000)).map(|n| heap.new_string(format!("key{n}").as_bytes()).unwrap()).collect();
    for (n, &string) in strings.iter().enumerate() {
        assert_eq!(heap.string_bytes(string), format!("key{n}").as_bytes());
        assert_eq!(heap.new_string_concat(&[b"key", n.to_string().as_bytes()]).unwrap(), string);
        assert!(heap.get(string).is_short());
    }
    assert_eq!(heap.new_string(b"").unwrap(), heap.new_string_concat(&[]).unwrap());
}

#[test]
fn strings_of_all_lengths_are_told_apart_by_each_byte() {
    let heap = heap(16);
    let most = if cfg!(miri) { 45 } else { 200 };
    for length in 0..most {
        let mut bytes: Vec<u8> = (0..length).map(|place| (place * 7 + 3) as u8).collect();
        let string = heap.new_string(&bytes).unwrap();
        for parts in [0, length / 3, length] {
            let (left, right) = bytes.split_at(parts);
            let same = heap.new_string_concat(&[left, right]).unwrap();
            assert_eq!(heap.string_bytes(same), bytes);
            assert_eq!(same == string, heap.get(string).is_short());
            assert_eq!(heap.get(same).hash, heap.get(string).hash);
        }
        for place in 0..length {
            bytes[place] ^= 0x80;
            let other = heap.new_string(&bytes).unwrap();
            assert_eq!(heap.string_bytes(other), bytes);
            assert_ne!(other, string);
            assert_ne!(heap.get(other).hash, heap.get(string).hash);
            bytes[place] ^= 0x80;
        }
    }
}

#[test]
fn long_strings_are_not_interned_but_hash_alike() {
    let heap = heap(16);
    let bytes = [b'x'; 41];
    let (a, b) = (heap.new_string(&bytes).unwrap(), heap.new_string_uninit(41, |target| target.fill(b'x')).unwrap());
    assert_ne!(a, b);
    assert!(!heap.get(a).is_short());
    assert_eq!(heap.get(a).hash, heap.get(b).hash);
    assert_eq!(heap.string_bytes(a), heap.string_bytes(b));
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn objects_of_all_sizes_do_not_overlap() {
    let heap = heap(64);
    let arrays: Vec<_> = (0..900u32).map(|n| (n, heap.new_slot_array(n * n % 5000).unwrap())).collect();
    for &(n, array) in &arrays {
        heap.slots(array).iter().for_each(|slot| slot.set(Value::Integer(n.into())));
    }
    for &(n, array) in &arrays {
        assert_eq!(heap.slots(array).len() as u32, n * n % 5000);
        assert!(heap.slots(array).iter().all(|slot| matches!(slot.get(), Value::Integer(m) if m == i64::from(n))));
    }
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn the_limit_is_exact_and_the_emergency_goes_beyond_it() {
    let heap = heap(16);
    heap.set_memory_limit(1 << 20);
    let (start, mut count) = (heap.used_bytes(), 0u64);
    while heap.new_cell(Value::Nil).is_ok() {
        count += 1;
    }
    assert_eq!(heap.used_bytes(), start + count * 24);
    assert!(heap.used_bytes() > (1 << 20) - 256, "{}", heap.used_bytes());
    assert!(heap.new_slot_array(1000).is_err());
    assert!(heap.new_slot_array(100_000).is_err());
    heap.enter_emergency();
    assert!(heap.new_slot_array(1000).is_ok());
    assert!(heap.new_slot_array(100_000).is_err());
    heap.leave_emergency();
    assert!(heap.new_slot_array(1000).is_err());
    heap.set_memory_limit(2 << 20);
    assert!(heap.new_slot_array(1000).is_ok());
}

#[test]
#[cfg_attr(miri, ignore = "too much work")]
fn a_full_region_is_out_of_memory() {
    let heap = heap(1);
    let mut arrays = 0;
    while heap.new_slot_array(5000).is_ok() {
        arrays += 1;
    }
    assert!(arrays > 5);
    while heap.new_string(&[7; 100]).is_ok() {}
    assert!(heap.new_string_uninit(usize::MAX, |_| ()).is_err());
}

#[test]
fn identities_are_given_once() {
    let heap = heap(1);
    let (a, b) = (heap.new_userdata(1, 2).unwrap(), heap.new_userdata(2, 0).unwrap());
    let identity = heap.identity(b.cast());
    assert_ne!(heap.identity(a.cast()), identity);
    assert_eq!(heap.identity(b.cast()), identity);
}
