//! Instructions and exceptions that are not for guests.

use super::*;

/// Each of these lines is a guest of its own, which ends by one of these exceptions.
macro_rules! assert_each_refused {
    ($vectors:expr; $([$($line:literal),+]),+ $(,)?) => {
        $(assert_refused(end_of(&code!($($line),+)), &$vectors, concat!($($line, "; "),+));)+
    };
}

#[test]
fn privileged_instructions_are_refused() {
    let _neighbour = Neighbour::new();
    assert_each_refused!(
        [13, 6];
        ["hlt"], ["mov rax, cr0"], ["mov cr0, rax"], ["mov rax, cr2"], ["mov cr2, rax"], ["mov rax, cr3"],
        ["mov cr3, rax"], ["mov cr4, rax"], ["mov rax, cr8"], ["mov cr8, rax"], ["clts"], ["lmsw ax"],
        ["lgdt [rsp - 16]"], ["lidt [rsp - 16]"], ["lldt ax"], ["ltr ax"], ["xor ecx, ecx", "rdmsr"], ["wrmsr"],
        ["mov ecx, 0xc0000080", "rdmsr"], ["mov ecx, 0xc0000082", "wrmsr"], ["mov ecx, 0x4b564d00", "wrmsr"],
        ["rdpmc"], ["invlpg [rsp - 16]"], ["invd"], ["wbinvd"], ["invpcid rax, [rsp - 16]"], ["swapgs"],
        ["mov rax, dr0"], ["mov dr0, rax"], ["mov rax, dr7"], ["mov dr7, rax"], ["xor ecx, ecx", "xsetbv"],
        ["monitor"], ["mwait"], ["rsm"], ["getsec"], ["stac"], ["clac"], ["rdpkru"], ["rdfsbase rax"], ["wrfsbase rax"],
        ["sysretq"], ["sysexit"], ["sysenter"],
        ["vmrun rax"], ["vmload rax"], ["vmsave rax"], ["stgi"], ["clgi"], ["skinit eax"], ["invlpga rax, ecx"],
        ["vmxon [rsp - 16]"], ["vmptrld [rsp - 16]"], ["vmclear [rsp - 16]"], ["vmread rax, rax"], ["vmwrite rax, rax"],
        ["vmlaunch"], ["vmresume"], ["vmcall"], ["vmmcall"], ["vmfunc"],
    );
}

#[test]
fn there_is_no_way_to_cpl_0() {
    let _neighbour = Neighbour::new();
    assert_each_refused!(
        [1, 3, 6, 11, 13];
        ["int3"], [".byte 0xf1"], [".byte 0xce"], ["int 0"], ["int 1"], ["int 2"], ["int 8"], ["int 13"], ["int 14"],
        ["int 31"], ["int 32"], ["int 0x80"], ["int 255"],
        // Code of CPL 0, a task, and descriptors that are not there, by all ways there are to change the segment.
        ["push 0x10", "push 0x5ff0", "push 2", "push 8", "push 0x4000", "iretq"],
        ["push 0x2b", "push 0x5ff0", "push 2", "push 0x3b", "push 0x4000", "iretq"],
        ["sub rsp, 32", "mov qword ptr [rsp], 0x4000", "mov qword ptr [rsp + 8], 8", "retfq"],
        ["sub rsp, 32", "mov dword ptr [rsp], 0x4000", "mov word ptr [rsp + 4], 8", "ljmp [rsp]"],
        ["sub rsp, 32", "mov dword ptr [rsp], 0x4000", "mov word ptr [rsp + 4], 0x40", "ljmp [rsp]"],
        ["sub rsp, 32", "mov dword ptr [rsp], 0x4000", "mov word ptr [rsp + 4], 0x43", "lcall [rsp]"],
        ["mov eax, 0x10", "mov ss, eax"], ["mov eax, 0x10", "mov ds, eax"], ["mov eax, 8", "mov es, eax"],
        ["mov eax, 0x40", "mov fs, eax"], ["mov eax, 0x0f", "mov gs, eax"], ["xor eax, eax", "mov ss, eax"],
    );
    // A table of local descriptors, which there is none of, must not lie over the system's memory: one of its words is the
    // stack of a guest that met an exception, here a gate to CPL 0.
    for selector in [0x07u32, 0x0f, 0x1007, 0x100f, 0x2007, 0x3007, 0x5fd7, 0x5fdf, 0x5fe7, 0x5fef, 0x5ff7, 0xfff7] {
        let gate = u64::from(0x4000u16) | 8 << 16 | 0xec00 << 32;
        let code = [
            with_address(gate, &code!("mov r8, rsp", "mov rsp, rbx", "mov rcx, {grown}", "mov [rcx], rcx", "mov rsp, r8"; grown = ARENA + (4 << 20))),
            code!("2:"),
        ]
        .concat();
        let call = with_address(
            u64::from(selector),
            &code!("sub rsp, 32", "mov dword ptr [rsp], 0", "mov [rsp + 4], bx", "lcall [rsp]"),
        );
        // Without the `ud2` that ends each part.
        let end = end_of(&[&code[..code.len() - 4], &call].concat());
        assert_refused(end, &[13], &format!("a call by the selector {selector:#x}"));
    }
    // A fast system call would come with the guest's stack: into the stubs, the tables, or nowhere.
    for stack in [STACK_END - 64, STUBS + 0x100, STUB_STACK + 0x800, TASK + 16, 0] {
        match end_of(&with_address(stack, &code!("mov rsp, rbx", "syscall"))) {
            // Where `syscall` is emulated, it goes to page zero, which is not mapped.
            End::Fault(Fault { vector: 6, .. } | Fault { vector: 14, instruction: 0, address: Some(0), .. }) => {}
            other => panic!("syscall with its stack at {stack:#x}: {other}"),
        }
    }
    // A debug exception that is put off until after the next instruction.
    for next in [code!("int3"), code!("syscall"), code!("out 0x11, al"), code!("ud2")] {
        let trap = code!("mov ecx, ss", "pushfq", "or qword ptr [rsp], 0x100", "popfq", "mov ss, ecx");
        // Without the `ud2` that ends it.
        let end = end_of(&[&trap[..trap.len() - 2], &next].concat());
        assert!(matches!(end, End::Fault(_)), "{end}");
    }
}

#[test]
fn flags_lead_nowhere() {
    let _neighbour = Neighbour::new();
    assert_each_refused!([1]; ["pushfq", "or qword ptr [rsp], 0x100", "popfq", "nop", "nop"]);
    assert_each_refused!([13]; ["pushfq", "or qword ptr [rsp], 0x4000", "popfq", "iretq"]);
    // Unaligned access is checked by processors, not by all emulators.
    assert_each_refused!([17, 6]; ["pushfq", "or qword ptr [rsp], 0x40000", "popfq", "mov eax, [rsp - 7]"]);
    // Interrupts are the host's, whatever the guest thinks.
    assert_each_refused!([13, 6]; ["cli"], ["sti"]);
    // Nothing that the flags are at an exit disturbs the monitor, and growth gives none of the dangerous ones back:
    // afterwards they are arithmetic, direction and the privilege to use ports, and other registers are as they were.
    let end = end_of(&code!(
        "mov rcx, 0x11", "mov rdx, 0x22", "mov rsi, 0x33", "mov rdi, 0x44", "mov rbp, 0x55", "mov r8, 0x66",
        "mov r15, 0x77", "movq xmm7, rbp", "mov rbx, {grown}",
        "push 0x244cd5", "popfq", "mov [rbx], rcx", "pushfq", "pop rax",
        "and eax, 0x254dff", "cmp eax, 0xcd7", "jne 9f",
        "cmp rcx, 0x11", "jne 9f", "cmp rdx, 0x22", "jne 9f", "cmp rsi, 0x33", "jne 9f", "cmp rdi, 0x44", "jne 9f",
        "cmp r8, 0x66", "jne 9f", "cmp r15, 0x77", "jne 9f", "cmp rsp, {stack}", "jne 9f", "movq rax, xmm7",
        "cmp rax, 0x55", "jne 9f", "cmp rax, rbp", "jne 9f", "cmp [rbx], rcx", "jne 9f", "cmp qword ptr [rbx + 8], 0",
        "jne 9f", "mov word ptr [{outbox}], 0x6b6f", "mov dword ptr [{channel}], 2", "mov edx, {panic}", "std",
        "out dx, al", "9: ud2";
        grown = ARENA + (4 << 20), stack = STACK_END - 8, outbox = OUTBOX, channel = CHANNEL, panic = PANIC
    ));
    assert_eq!(end, End::Panic { message: "ok".into(), traceback: None });
}

#[test]
fn arithmetic_exceptions_are_reported() {
    let _neighbour = Neighbour::new();
    assert_each_refused!([0]; ["xor ecx, ecx", "div ecx"], ["mov eax, 0x80000000", "cdq", "mov ecx, -1", "idiv ecx"]);
    assert_each_refused!([16]; ["push 0", "fldcw [rsp]", "fldz", "fldz", "fdivp", "fwait"]);
    // Emulators don't raise the exceptions of vectors.
    assert_each_refused!([19, 6]; ["push 0", "ldmxcsr [rsp]", "xorps xmm0, xmm0", "divss xmm0, xmm0"]);
    assert_each_refused!([13, 6]; ["push -1", "ldmxcsr [rsp]"]);
}

#[test]
fn ports_are_not_for_use() {
    let _neighbour = Neighbour::new();
    let refused = |end: End, port: u16, what: &str| {
        let said = end.to_string();
        let is_refused = match end {
            End::Fault(fault) => fault.vector == 13,
            End::Violation(_) => said.contains(what) && said.contains(&format!("{port:#x}")),
            _ => false,
        };
        assert!(is_refused, "{what} port {port:#x}: {said}");
    };
    // mov edx, imm32
    let with_port = |port: u16, code: &[u8]| [&[0xba], &u32::from(port).to_le_bytes()[..], code].concat();
    let beyond = [0x100, 0x1f0, 0x2f8, 0x3c0, 0x3f8, 0x40b, 0x510, 0x5658, 0x604, 0xcf8, 0xcfc, 0x4d0, 0x8000, 0xffff];
    let stubs = EXCEPTION..EXCEPTION + EXCEPTIONS;
    for port in (0..0x100).step_by(3).chain(beyond).filter(|port| !PORTS.contains(port) && !stubs.contains(port)) {
        refused(end_of(&with_port(port, &code!("out dx, al"))), port, "writes");
    }
    for port in [0, 0x10, 0x20, 0x60, 0x64, 0x80, 0xcfc, 0xffff] {
        refused(end_of(&with_port(port, &code!("in al, dx"))), port, "reads");
        refused(end_of(&with_port(port, &code!("in eax, dx"))), port, "reads");
        let insert = code!("mov edi, {variables}", "mov ecx, 100", "rep insb"; variables = VARIABLES);
        refused(end_of(&with_port(port, &insert)), port, "reads");
    }
    for port in [0x20, 0x3f8, 0xffff] {
        let send = code!("mov esi, {constants}", "mov ecx, 100", "rep outsd"; constants = CONSTANTS);
        refused(end_of(&with_port(port, &send)), port, "writes");
    }
    // Messages have no content at the port: what is there is no message.
    let send = code!("mov esi, {constants}", "mov ecx, 100", "rep outsb"; constants = CONSTANTS);
    assert!(matches!(end_of(&with_port(SEND, &send)), End::Violation(_)));
}

#[test]
fn exceptions_are_not_to_be_pretended() {
    let _neighbour = Neighbour::new();
    for vector in 0..EXCEPTIONS {
        // mov al, imm8 gives the port's number; the stack is where the exception's would be.
        let code = [
            &[0xba][..],
            &u32::from(EXCEPTION + vector).to_le_bytes(),
            &code!("mov rsp, {stack}", "out dx, al"; stack = STUB_STACK + PAGE_BYTES - 48),
        ]
        .concat();
        match end_of(&code) {
            End::Fault(Fault { vector: 13, .. }) => {}
            End::Violation(said) => assert_eq!(said, format!("it pretends to have met exception {vector}")),
            other => panic!("exception {vector}: {other}"),
        }
    }
}
