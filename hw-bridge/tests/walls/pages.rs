//! Pages that are prepared and discarded by name.

use super::*;

/// What becomes of a guest that names pages by a port.
fn end_of_pages(port: u16, start: u64, bytes: u64) -> End {
    let code = code!(
        "mov [{channel} + {from}], rbx", "mov rax, [rip + 8f]", "mov [{channel} + {bytes}], rax", "mov edx, [rip + 9f]",
        "out dx, al", "ud2", "8:", ".quad 0", "9:";
        channel = CHANNEL, from = std::mem::offset_of!(Channel, pages_start),
        bytes = std::mem::offset_of!(Channel, pages_bytes)
    );
    let code = with_address(start, &code[..code.len() - 10]);
    end_of(&[code, bytes.to_le_bytes().to_vec(), u32::from(port).to_le_bytes().to_vec()].concat())
}

#[test]
fn only_its_own_pages_can_be_prepared() {
    let _neighbour = Neighbour::new();
    for (start, bytes) in [
        (0, PAGE_BYTES),
        (CHANNEL, PAGE_BYTES),
        (TABLES, PAGE_BYTES),
        (ARENA_START, PAGE_BYTES),
        (ARENA, 0),
        (ARENA, 8),
        (ARENA + 8, PAGE_BYTES),
        (ARENA - PAGE_BYTES, 2 * PAGE_BYTES),
        (ARENA, MOST_PREPARED + PAGE_BYTES),
        (ARENA, ARENA_BYTES),
        (ARENA + ARENA_BYTES - PAGE_BYTES, 2 * PAGE_BYTES),
        (REGION + REGION_BYTES, PAGE_BYTES),
        (REGION, u64::MAX - 0xfff),
        (u64::MAX - 0xfff, PAGE_BYTES),
    ] {
        let end = violation(end_of_pages(PREPARE, start, bytes));
        assert_eq!(end, format!("it prepares {bytes:#x} bytes at {start:#x}"));
    }
    // What it may have, across what it has; and what is more than that, which is not missed before it is touched.
    for (start, bytes) in [
        (ARENA, MOST_PREPARED),
        (REGION + REGION_START_BYTES - PAGE_BYTES, 2 * PAGE_BYTES),
        (REGION + (9 << 20), PAGE_BYTES),
        (REGION + MEMORY, MOST_PREPARED),
        (REGION + REGION_BYTES - PAGE_BYTES, PAGE_BYTES),
    ] {
        assert_eq!(fault(end_of_pages(PREPARE, start, bytes), "pages").vector, 6);
    }
}

#[test]
fn only_its_own_pages_can_be_discarded() {
    let _neighbour = Neighbour::new();
    for (start, bytes) in [
        (0, PAGE_BYTES),
        (IMAGE, PAGE_BYTES),
        (STUBS, PAGE_BYTES),
        (TABLES, PAGE_BYTES),
        (ARENA_START, PAGE_BYTES),
        (ARENA + 8, PAGE_BYTES),
        (ARENA, 8),
        (ARENA - PAGE_BYTES, 2 * PAGE_BYTES),
        (ARENA, ARENA_BYTES + PAGE_BYTES),
        (REGION, PLACES - REGION + PAGE_BYTES),
        (REGION + REGION_BYTES, PAGE_BYTES),
        (ARENA, u64::MAX - 0xfff),
        (ARENA, (u64::MAX - ARENA + 1) & !0xfff),
        (u64::MAX - 0xfff, PAGE_BYTES),
        (u64::MAX - 0xfff, 2 * PAGE_BYTES),
    ] {
        match end_of_pages(DISCARD, start, bytes) {
            End::Violation(said) => assert_eq!(said, format!("it discards {bytes:#x} bytes at {start:#x}")),
            other => panic!("{bytes:#x} bytes at {start:#x}: {other}"),
        }
    }
    // Where there is no memory yet, there is nothing to be discarded.
    for (start, bytes) in [
        (ARENA, ARENA_START_BYTES),
        (REGION + PAGE_BYTES, PAGE_BYTES),
        (REGION, 0),
        (ARENA, ARENA_START_BYTES + PAGE_BYTES),
        (ARENA, ARENA_BYTES),
        (ARENA + ARENA_START_BYTES, PAGE_BYTES),
        (PLACES, PLACE_BYTES),
    ] {
        assert_eq!(fault(end_of_pages(DISCARD, start, bytes), "its own pages").vector, 6);
    }
}
