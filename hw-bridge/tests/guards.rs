//! Places of linear memories, of which guests have parts guarded: what is guarded is out of reach at once, even if the processor
//! has used it before, and only that. What was there may be lost.

#[path = "support/hostile.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod hostile;

use hostile::{Attack, end_within};
use lunette_hw_bridge::{End, Exit, Fault, Hypervisor, Limits, Partition};
use lunette_hw_interface::{channel::*, layout::*};
use std::{mem::offset_of, time::Duration};

const END: u64 = PLACES + PLACE_BYTES;

/// What a guest does.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Writes to so many pages from an address on, into each its address.
    Touch(u64, u64),
    /// Looks whether such a page still holds that.
    Check(u64),
    /// Asks by a port for pages from an address to another one.
    Ask(u16, u64, u64),
    /// Has accesses to what is guarded reported to it: it goes on to `ud2` if that is right, to `int3` if not.
    Handle,
}

use Step::{Ask, Check, Handle, Touch};

/// Code with numbers in `rbx` and `rcx`, which goes on behind its end.
fn with([first, second]: [u64; 2], code: &[u8]) -> Vec<u8> {
    let code = code.strip_suffix(&[0x0f, 0x0b]).expect("code ends with an invalid instruction");
    [&[0x48, 0xbb], &first.to_le_bytes()[..], &[0x48, 0xb9], &second.to_le_bytes(), code].concat()
}

/// How a guest ends that does this, and then an invalid instruction.
fn end_of_steps(steps: &[Step]) -> Fault {
    let mut code = Vec::new();
    for &step in steps {
        code.extend(match step {
            Touch(start, pages) => {
                with([start, pages], &code!("2: mov [rbx], rbx", "add rbx, 4096", "dec rcx", "jnz 2b"))
            }
            Check(address) => with([address, 0], &code!("cmp [rbx], rbx", "je 2f", "int3", "2:")),
            Ask(port, start, end) => {
                let bytes = end.wrapping_sub(start);
                let send = code!(
                    "mov [{channel} + {from}], rbx", "mov [{channel} + {bytes}], rcx", "out dx, al";
                    channel = CHANNEL, from = offset_of!(Channel, pages_start), bytes = offset_of!(Channel, pages_bytes)
                );
                // mov edx, imm32
                [&[0xba], &u32::from(port).to_le_bytes()[..], &with([start, bytes], &send)].concat()
            }
            Handle => with(
                [0, 0],
                &code!(
                    "lea rax, [rip + 3f]", "mov [{channel} + {handler}], rax", "jmp 2f",
                    "3: cmp rsi, rbx", "jne 4f", "cmp dword ptr [rdi], 0x481b8948", "je 5f", "4: int3", "5: ud2", "2:";
                    channel = CHANNEL, handler = offset_of!(Channel, guard_handler)
                ),
            ),
        });
    }
    code.extend([0x0f, 0x0b]);
    // Where the processor is emulated, touching many pages takes long.
    match end_within(&code, Duration::from_secs(10)) {
        End::Fault(fault) => fault,
        other => panic!("{steps:x?}: {other}"),
    }
}

/// A guest that does this ends with a fault at an address.
fn assert_guarded(steps: &[Step], address: u64) {
    let fault = end_of_steps(steps);
    assert_eq!((fault.vector, fault.address), (14, Some(address)), "{steps:x?}: {fault}");
}

/// A guest can do this.
fn assert_done(steps: &[Step]) {
    let fault = end_of_steps(steps);
    assert_eq!(fault.vector, 6, "{steps:x?}: {fault}");
}

#[test]
fn what_is_guarded_is_out_of_reach_at_once() {
    // Three large pages that were used, and then some that were not.
    let used = Touch(PLACES, 3 * 512);
    for guard in
        [0, 0x1000, 0x1f_f000, 0x20_0000, 0x20_1000, 0x40_0000, 0x5f_f000, 0x60_0000, 0x81_0000].map(|at| PLACES + at)
    {
        assert_guarded(&[used, Ask(GUARD, guard, END), Touch(guard, 1)], guard);
        assert_guarded(&[used, Ask(GUARD, guard, END), Touch(END - PAGE_BYTES, 1)], END - PAGE_BYTES);
        if guard > PLACES {
            let before = guard - PAGE_BYTES;
            assert_done(&[
                used,
                Touch(before, 1),
                Ask(GUARD, guard, END),
                Check(before),
                Check(PLACES),
                Touch(before, 1),
            ]);
        }
        // Never used before, too.
        assert_guarded(&[Ask(GUARD, guard, END), Touch(guard, 1)], guard);
    }
}

#[test]
fn guards_move() {
    let used = Touch(PLACES, 3 * 512);
    let at = |bytes: u64| PLACES + bytes;
    // Up, in large and small steps, and down again; before the guard everything stays.
    let up = [
        used,
        Ask(GUARD, at(0x1000), END),
        Ask(UNGUARD, at(0x1000), at(0x3000)),
        Touch(at(0x2000), 1),
        Ask(UNGUARD, at(0x3000), at(0x40_2000)),
        Check(at(0)),
        Check(at(0x2000)),
        Touch(at(0x1f_f000), 2),
        Touch(at(0x40_1000), 1),
        Touch(PLACES, 0x402),
    ];
    assert_done(&up);
    assert_guarded(&[&up[..], &[Touch(at(0x40_2000), 1)]].concat(), at(0x40_2000));
    let beyond = [
        Ask(UNGUARD, at(0x40_2000), at(0x3000_0000)),
        Touch(at(0x100_0000), 1),
        Check(at(0x40_1000)),
        Touch(at(0x5f_f000), 1),
    ];
    assert_done(&[&up[..], &beyond].concat());
    assert_guarded(&[&up[..], &beyond, &[Touch(at(0x3000_0000), 1)]].concat(), at(0x3000_0000));
    let down = [Ask(GUARD, at(0x20_1000), END), Check(at(0x20_0000))];
    assert_done(&[&up[..], &beyond, &down].concat());
    for page in [0x20_1000, 0x20_2000, 0x40_0000, 0x100_0000] {
        assert_guarded(&[&up[..], &beyond, &down, &[Touch(at(page), 1)]].concat(), at(page));
    }
    // Away.
    let away =
        [Ask(UNGUARD, at(0x20_1000), END), Check(at(0x20_0000)), Touch(at(0x20_1000), 1), Touch(at(0x140_0000), 1)];
    assert_done(&[&up[..], &beyond, &down, &away].concat());
    // Those of other places are others.
    let second =
        [Touch(END, 2), Ask(GUARD, END + 0x1000, END + PLACE_BYTES), Check(at(0x20_1000)), Touch(at(0x20_1000), 1)];
    assert_done(&[&up[..], &beyond, &down, &away, &second].concat());
    assert_guarded(&[&up[..], &second[..2], &[Touch(END + 0x1000, 1)]].concat(), END + 0x1000);
}

#[test]
fn guards_can_begin_in_every_large_page() {
    // Up by a large page each time, twice 700 times. Some are used, and hold what they did when the next one is.
    let raise = code!(
        "mov ecx, 700",
        "2: mov [{channel} + {from}], rbx", "mov qword ptr [{channel} + {bytes}], {large}", "mov edx, {unguard}",
        "out dx, al", "add rbx, {large}", "test cl, 63", "jnz 4f", "cmp [r8], r8", "jne 3f", "lea r8, [rbx - 4096]",
        "mov [r8], r8", "4: dec ecx", "jnz 2b", "jmp 5f", "3: int3", "5:";
        channel = CHANNEL, from = offset_of!(Channel, pages_start), bytes = offset_of!(Channel, pages_bytes),
        unguard = UNGUARD, large = LARGE_PAGE_BYTES
    );
    let raise = raise.strip_suffix(&[0x0f, 0x0b]).expect("code ends with an invalid instruction");
    let guard = PLACES + 2 * PAGE_BYTES;
    let start = code!(
        // Memory for all of the place.
        "mov [rbx - 8], rbx", "mov [{channel} + {from}], rcx", "sub rbx, rcx", "mov [{channel} + {bytes}], rbx",
        "mov edx, {guard}", "out dx, al", "mov rbx, rcx", "lea r8, [rbx - 4096]", "mov [r8], r8";
        channel = CHANNEL, from = offset_of!(Channel, pages_start), bytes = offset_of!(Channel, pages_bytes), guard = GUARD
    );
    let start = with([END, guard], &start);
    let send = [0xe6, 0x10];
    let code = [&start[..], raise, &send, raise, &send, &code!("mov [rbx], rbx")].concat();
    let attack = Attack { code: &code, constants: &[], limits: Limits::default(), output: None };
    let settled = |partition: &mut Partition| {
        loop {
            match partition.run() {
                Ok(Exit::Signal) => {}
                other => return other,
            }
        }
    };
    let sends = |partition: &mut Partition| {
        let exit = settled(partition);
        assert!(matches!(exit, Ok(Exit::Send)), "{exit:?}");
    };
    let memory = PLACE_BYTES + (64 << 20);
    let mut first = attack.partition_with(memory);
    sends(&mut first);
    let template = first.freeze().expect("it can be frozen");
    sends(&mut first);
    let hypervisor = Hypervisor::open().expect("partitions are tested where KVM is");
    let mut clone = Partition::clone_of(&hypervisor, &template, memory).expect("it can be cloned");
    for _ in 0..3 {
        sends(&mut clone);
        let end = settled(&mut clone);
        let Err(End::Fault(fault)) = &end else { panic!("{end:?}") };
        assert_eq!(fault.address, Some(guard + 1400 * LARGE_PAGE_BYTES), "{fault}");
        clone.reset(&template).expect("it can be made as new");
    }
}

#[test]
fn guests_can_be_told() {
    let guarded = [Touch(PLACES, 20), Ask(GUARD, PLACES + 0x2000, END)];
    for page in [0x2000, 0x3000, 0x20_0000] {
        let fault = end_of_steps(&[&[Handle], &guarded[..], &[Touch(PLACES + page, 1)]].concat());
        assert_eq!(fault.vector, 6, "{fault}");
        // It ended in the handler.
        assert!(fault.instruction < IMAGE + 0x60, "{fault}");
    }
    // What is not guarded is memory, or none.
    assert_done(&[&[Handle], &guarded[..], &[Touch(PLACES, 2), Touch(END, 1)]].concat());
    assert_guarded(&[&[Handle], &guarded[..], &[Touch(END + 3 * PLACE_BYTES, 1)]].concat(), END + 3 * PLACE_BYTES);
}

#[test]
fn only_the_ends_of_places_can_be_guarded() {
    let refused = |steps: &[Step], start: u64, end: u64, port: u16| {
        let mut all = steps.to_vec();
        all.push(Ask(port, start, end));
        // The last step ends it.
        let code = std::panic::catch_unwind(|| end_of_steps(&all));
        let said = code.expect_err("it is refused");
        let said = said.downcast_ref::<String>().expect("it is said why");
        let bytes = end.wrapping_sub(start);
        assert!(said.ends_with(&format!("it guards {bytes:#x} bytes at {start:#x}")), "{said}");
    };
    for (start, end) in [
        (0, PAGE_BYTES),
        (CHANNEL, CHANNEL + PAGE_BYTES),
        (ARENA, ARENA + ARENA_BYTES),
        (REGION, PLACES),
        (REGION, END),
        (PLACES - PAGE_BYTES, END),
        (PLACES, END - PAGE_BYTES),
        (PLACES, END + PLACE_BYTES),
        (PLACES + 8, END),
        (PLACES, END - 8),
        (END + 2 * PLACE_BYTES, END + 3 * PLACE_BYTES),
        (PLACES, PLACES - PAGE_BYTES),
        (u64::MAX - 0xfff, 0),
    ] {
        refused(&[], start, end, GUARD);
    }
    let guarded = [Touch(PLACES, 8), Ask(GUARD, PLACES + 0x4000, END)];
    for (start, end) in [(PLACES, END), (PLACES + 0x5000, END), (PLACES + 0x3000, PLACES + 0x4000), (END, END + 0x1000)]
    {
        refused(&guarded, start, end, UNGUARD);
    }
}
