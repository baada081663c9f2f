//! Memory that is not the guest's, or not for that.

use super::*;

#[test]
fn there_is_no_memory_but_its_own() {
    let _neighbour = Neighbour::new();
    let nowhere = [
        0,
        0x800,
        SYSTEM_END,
        CHANNEL - 8,
        CHANNEL + PAGE_BYTES,
        STACK - 8,
        STACK_END,
        ARENA_START,
        IMAGE_END - 8,
        REGION_START,
        BASE_BYTES,
        TABLES,
        TABLES + TABLES_BYTES - 8,
        ARENA - 8,
        ARENA + ARENA_BYTES,
        REGION - 8,
        REGION + REGION_BYTES,
        // There is machine code where some was written.
        CODE - 8,
        CODE,
        CODE + CODE_BYTES,
        CODE_WRITTEN - 8,
        CODE_WRITTEN + CODE_BYTES,
        // What is in the monitor's own memory at such places.
        0x7fff_ffff_0000,
        0x5555_5555_4000,
        // The kernel's half.
        0xffff_8000_0000_0000,
        0xffff_8880_0000_0000,
        0xffff_ffff_8100_0000,
        0xffff_ffff_ff60_0000,
        0xffff_ffff_ffff_fff8,
        // Devices of a computer.
        0xb8000,
        0xfee0_0000,
        0xfec0_0000,
    ];
    for address in nowhere {
        assert_page_fault(end_of(&read(address)), READING, address);
        assert_page_fault(end_of(&write(address)), WRITING, address);
        assert_page_fault(end_of(&execute(address)), EXECUTING, address);
    }
    for address in [0x8000_0000_0000, 0x7fff_ffff_ffff_ffff, 0xffff_7fff_ffff_fff8] {
        for code in [read(address), write(address), execute(address)] {
            assert_refused(end_of(&code), &[12, 13], "an address that is none");
        }
    }
}

#[test]
fn the_processors_tables_are_out_of_reach() {
    let _neighbour = Neighbour::new();
    for address in [DESCRIPTORS, INTERRUPTS, TASK, TASK + 0x68, STUBS, STUB_STACK, SYSTEM_END - 8] {
        assert_page_fault(end_of(&read(address)), READING, address);
        assert_page_fault(end_of(&write(address)), WRITING, address);
        assert_page_fault(end_of(&execute(address)), EXECUTING, address);
    }
}

#[test]
fn code_is_not_written_and_data_not_executed() {
    let _neighbour = Neighbour::new();
    for address in [IMAGE, IMAGE + PAGE_BYTES, CONSTANTS] {
        assert_page_fault(end_of(&write(address)), WRITING, address);
    }
    let data = [CONSTANTS, VARIABLES, CHANNEL, OUTBOX, INBOX, STACK_END - 64, ARENA, REGION];
    // Growth: not there yet, and not executable when it is.
    let grown = [ARENA + (8 << 20), REGION + (8 << 20), CODE_WRITTEN];
    for address in data.into_iter().chain(grown) {
        assert_page_fault(end_of(&execute(address)), EXECUTING, address);
    }
    for address in data[1..].iter().copied().chain(grown) {
        // ret
        let code = with_address(address, &code!("mov byte ptr [rbx], 0xc3", "call rbx"));
        assert_page_fault(end_of(&code), EXECUTING, address);
    }
}

#[test]
fn machine_code_is_executed_elsewhere_than_it_is_written() {
    let _neighbour = Neighbour::new();
    const { assert!(CODE_WRITTEN - CODE == 0x1_0000_0000) };
    for offset in [0, LARGE_PAGE_BYTES, CODE_BYTES - PAGE_BYTES] {
        // ud2
        let executed = code!("mov word ptr [rbx], 0x0b0f", "mov rcx, 0x100000000", "sub rbx, rcx", "jmp rbx");
        let fault = fault(end_of(&with_address(CODE_WRITTEN + offset, &executed)), "machine code");
        assert_eq!((fault.vector, fault.instruction), (6, CODE + offset), "{fault}");
        let written = code!(
            "mov word ptr [rbx], 0x0b0f",
            "mov rcx, 0x100000000",
            "sub rbx, rcx",
            "mov ax, [rbx]",
            "mov [rbx], ax"
        );
        assert_page_fault(end_of(&with_address(CODE_WRITTEN + offset, &written)), WRITING, CODE + offset);
    }
}

#[test]
fn the_stack_has_an_end() {
    let _neighbour = Neighbour::new();
    assert_page_fault(end_of(&code!("2: call 2b")), WRITING, STACK - 8);
    assert_page_fault(end_of(&code!("mov rsp, 8", "2: push rax", "jmp 2b")), WRITING, 0);
    // An exception does not use the guest's stack, wherever it points.
    for stack in [0, STUB_STACK + 0x800, STUBS + 0x100, TASK + 8, 0xffff_8000_0000_0000, 0x8000_0000_0000] {
        let fault = fault(end_of(&with_address(stack, &code!("mov rsp, rbx", "ud2"))), "a stack");
        assert_eq!((fault.vector, fault.stack), (6, stack), "{fault}");
    }
}
