//! Guests that come from elsewhere, as an attacker would send them: only what a guest can write to anyway is taken.

use lunette_hw_bridge::{
    Batch, End, Hypervisor, Partition,
    image::{Content, Image, Segment},
};
use lunette_hw_interface::layout::*;
use lunette_pages::Run;

const LIMIT: u64 = 64 << 20;

fn partition() -> Partition {
    Partition::new(&Hypervisor::open().unwrap(), &Image::built_in().unwrap(), LIMIT).unwrap()
}

/// One run of pages, full of ones or of zeros.
fn pages(start: u64, bytes: u64, is_zero: bool) -> Batch {
    let content = if is_zero { Vec::new() } else { vec![1; bytes as usize] };
    Batch { added: Vec::new(), runs: vec![Run { start, bytes, is_zero }], content }
}

fn added(address: u64, bytes: u64) -> Batch {
    Batch { added: vec![(address, bytes)], ..Batch::default() }
}

#[test]
fn only_what_a_guest_can_write_to_arrives() {
    let segments = Image::built_in().unwrap().segments;
    let is_code = |segment: &&Segment| matches!(segment.content, Content::Constant { is_executable: true, .. });
    let text = segments.iter().find(is_code).unwrap().pages().start;
    for is_zero in [false, true] {
        for (start, bytes) in [
            (0, PAGE_BYTES),
            (DESCRIPTORS, PAGE_BYTES),
            (INTERRUPTS, PAGE_BYTES),
            (TASK, PAGE_BYTES),
            (STUBS, PAGE_BYTES),
            (STUB_STACK, PAGE_BYTES),
            (CHANNEL - PAGE_BYTES, 2 * PAGE_BYTES),
            (STACK - PAGE_BYTES, PAGE_BYTES),
            (text, PAGE_BYTES),
            (REGION_START + REGION_START_BYTES - PAGE_BYTES, 2 * PAGE_BYTES),
            (TABLES, PAGE_BYTES),
            (TABLES + TABLES_BYTES - PAGE_BYTES, PAGE_BYTES),
            (GROWTH, PAGE_BYTES),
            (u64::MAX - 2 * PAGE_BYTES + 1, PAGE_BYTES),
        ] {
            let outcome = partition().place(&pages(start, bytes, is_zero));
            assert!(matches!(outcome, Err(End::Violation(_))), "{start:#x}: {outcome:?}");
        }
        for (start, bytes) in
            [(CHANNEL, PAGE_BYTES), (STACK, STACK_END - STACK + ARENA_START_BYTES), (REGION_START, REGION_START_BYTES)]
        {
            assert_eq!(partition().place(&pages(start, bytes, is_zero)), Ok(()), "{start:#x}");
        }
    }
}

#[test]
fn memory_is_added_within_its_limit_where_it_can_be() {
    let arena = ARENA + ARENA_START_BYTES;
    for (address, bytes) in [
        (arena, 0),
        (arena, PAGE_BYTES),
        (arena, LIMIT + LARGE_PAGE_BYTES),
        (arena, u64::MAX / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES),
        (arena + LARGE_PAGE_BYTES, LARGE_PAGE_BYTES),
        (REGION, LARGE_PAGE_BYTES),
        (0, LARGE_PAGE_BYTES),
    ] {
        let outcome = partition().place(&added(address, bytes));
        assert!(matches!(outcome, Err(End::Violation(_))), "{address:#x} {bytes:#x}: {outcome:?}");
    }
    let mut partition = partition();
    assert_eq!(partition.place(&added(arena, LIMIT / 2)), Ok(()));
    assert_eq!(partition.place(&pages(GROWTH, LIMIT / 2, false)), Ok(()));
    assert_eq!(partition.place(&added(REGION + REGION_START_BYTES, LIMIT / 2)), Ok(()));
    assert!(partition.place(&added(arena + LIMIT / 2, LARGE_PAGE_BYTES)).is_err(), "there is a limit");
    // Pages of what was added one after the other.
    assert_eq!(partition.place(&pages(GROWTH + LIMIT / 2 - PAGE_BYTES, 2 * PAGE_BYTES, false)), Ok(()));
    assert!(partition.place(&pages(GROWTH + LIMIT - PAGE_BYTES, 2 * PAGE_BYTES, true)).is_err());
}

#[test]
fn malformed_batches_are_refused() {
    let mut short = pages(CHANNEL, PAGE_BYTES, false);
    short.content.pop();
    let mut long = pages(CHANNEL, PAGE_BYTES, true);
    long.content.push(0);
    let uneven = Batch { runs: vec![Run { start: CHANNEL + 1, bytes: PAGE_BYTES, is_zero: true }], ..Batch::default() };
    for batch in [short, long, uneven] {
        assert!(matches!(partition().place(&batch), Err(End::Violation(_))));
    }
}
