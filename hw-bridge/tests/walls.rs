//! The walls, as an attacker would test them: guests of raw machine code in place of the runtime.
//!
//! Whatever they try, the monitor says what it was and ends that partition; a neighbour in the same process runs a
//! program before and after, and the host gets its memory and descriptors back.
//!
//! Nothing here can race with the monitor: the guest's one processor stands while a request is read, and what is read is
//! copied first, then checked.

#[path = "support/hostile.rs"]
mod hostile;
#[allow(dead_code, reason = "shared with other tests")]
mod support;

use hostile::{Attack, CONSTANTS, MEMORY, Nobody, Sent, VARIABLES, end_of, end_of_sending, frame, framed};
use lunette_hw_bridge::{
    End, Exit, Fault, Hypervisor, Limits, Partition,
    message::{Cause, FromGuest, Outcome, Token, append},
};
use lunette_hw_interface::{channel::*, layout::*};
use lunette_interpreter::host::{Clock, Direction, Interest, Location, Origin, Removal, Request, Stream, Target};
use std::{
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};
use support::Tenant;

/// A tenant next door, in the same process: nothing that happens to others changes its answers.
struct Neighbour<G> {
    tenant: Tenant,
    count: i64,
    _turn: G,
}

/// Tests that measure the process run alone.
static TURNS: RwLock<()> = RwLock::new(());

impl Neighbour<RwLockReadGuard<'static, ()>> {
    fn new() -> Self {
        Neighbour::with(TURNS.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Neighbour<RwLockWriteGuard<'static, ()>> {
    /// The only one in the process.
    fn alone() -> Self {
        Neighbour::with(TURNS.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<G> Neighbour<G> {
    fn with(turn: G) -> Self {
        let mut tenant = Tenant::new();
        tenant.run("secret = 'moon' count = 0");
        Neighbour { tenant, count: 0, _turn: turn }
    }

    fn answers(&mut self) {
        self.count += 1;
        let outcome = self.tenant.run("count = count + 1 return count, secret");
        let expected = vec![Token::Integer(self.count), Token::String(b"moon".to_vec())];
        assert_eq!(outcome, Outcome::Returned(expected));
    }
}

impl<G> Drop for Neighbour<G> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.answers();
        }
    }
}

fn limit(milliseconds: u64) -> Limits {
    Limits { time: Some(Duration::from_millis(milliseconds)), ..Limits::default() }
}

fn fault(end: End, what: &str) -> Fault {
    match end {
        End::Fault(fault) => fault,
        other => panic!("{what}: {other}"),
    }
}

const READING: u64 = 0;
const WRITING: u64 = 2;
const EXECUTING: u64 = 16;

/// It ended with a page fault of this kind at this address.
fn assert_page_fault(end: End, access: u64, address: u64) {
    let fault = fault(end, &format!("access {access} to {address:#x}"));
    assert_eq!((fault.vector, fault.address), (14, Some(address)), "{fault}");
    assert_eq!(fault.code & (WRITING | EXECUTING), access, "{fault}");
}

/// It ended with an exception of one of these numbers, or was said to use a port. Kinds of KVM differ in which.
fn assert_refused(end: End, vectors: &[u8], what: &str) {
    match end {
        End::Fault(fault) => assert!(vectors.contains(&fault.vector), "{what}: {fault}"),
        other => panic!("{what}: {other}"),
    }
}

fn read(address: u64) -> Vec<u8> {
    with_address(address, &code!("mov al, [rbx]"))
}

fn write(address: u64) -> Vec<u8> {
    with_address(address, &code!("mov byte ptr [rbx], 0x90"))
}

fn execute(address: u64) -> Vec<u8> {
    with_address(address, &code!("jmp rbx"))
}

/// Code with an address in `rbx`.
fn with_address(address: u64, code: &[u8]) -> Vec<u8> {
    // movabs rbx, imm64
    [&[0x48, 0xbb], &address.to_le_bytes()[..], code].concat()
}

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

#[test]
fn nothing_runs_longer_than_it_may() {
    let _neighbour = Neighbour::new();
    macro_rules! assert_each_ends { ($([$($line:literal),+]),+ $(,)?) => {
        $(let start = Instant::now();
        let end = end_of(&code!($($line),+));
        let what = concat!($($line, "; "),+);
        // Where interrupts are not the guest's to turn off, it ends at once.
        assert!(matches!(end, End::Time | End::Fault(Fault { vector: 13, .. })), "{what}: {end}");
        assert!(start.elapsed() < Duration::from_secs(5), "{what}");)+
    } }
    assert_each_ends!(
        ["2: jmp 2b"],
        ["cli", "2: jmp 2b"],
        ["2: cpuid", "jmp 2b"],
        // Sending nothing; discarding nothing.
        ["2: out 0x11, al", "jmp 2b"],
        ["mov rax, 0x1000000000", "mov [0x100018], rax", "2: out 0x13, al", "jmp 2b"],
        ["mov ecx, -1", "mov edx, 0x11", "mov esi, 0x600000", "rep outsb"],
        ["2: mov rcx, 0x100000", "mov edi, 0x600000", "rep stosb", "jmp 2b"],
    );
}

#[test]
fn an_interrupt_ends_what_does_not_react() {
    let _neighbour = Neighbour::new();
    let mut owner = Nobody::interrupting(3);
    let attack = Attack { code: &code!("2: jmp 2b"), constants: &[], limits: Limits::default(), output: None };
    let start = Instant::now();
    assert_eq!(attack.run(&mut owner), End::Interrupt);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_share_of_the_processor_is_kept() {
    fn processor_time() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
    let _neighbour = Neighbour::alone();
    let used_by = |code: &[u8]| {
        let limits = Limits { share: Some(0.1), ..limit(1500) };
        let attack = Attack { code, constants: &[], limits, output: None };
        let (start, processor) = (Instant::now(), processor_time());
        let end = attack.run(&mut Nobody::default());
        (end, processor_time() - processor, start.elapsed())
    };
    // Making the partition is not the guest's, and takes long where the processor is emulated.
    let (_, made, _) = used_by(&code!("ud2"));
    let (end, used, elapsed) = used_by(&code!("2: jmp 2b"));
    assert_eq!(end, End::Time);
    let share = used.saturating_sub(made).as_secs_f64() / elapsed.as_secs_f64();
    assert!(share < 0.3, "it used {share} of a processor");
}

#[test]
fn memory_has_a_limit_and_goes_back() {
    let _neighbour = Neighbour::alone();
    // Touching all of it may take a while.
    let end_of =
        |code: &[u8]| Attack { code, constants: &[], limits: limit(20_000), output: None }.run(&mut Nobody::default());
    let touch_upwards = |window: u64| with_address(window, &code!("2: mov [rbx], rbx", "add rbx, 0x1000", "jmp 2b"));
    let last = |window: u64, bytes: u64| with_address(window + bytes - 8, &code!("mov [rbx], rbx"));
    let (resident, descriptors) = (resident_bytes(), open_descriptors());
    for _ in 0..4 {
        for code in [touch_upwards(ARENA), touch_upwards(REGION), last(ARENA, ARENA_BYTES), last(REGION, REGION_BYTES)]
        {
            assert_eq!(end_of(&code), End::Memory);
        }
        let far_first = with_address(
            REGION + MEMORY - (4 << 20),
            &code!(
                "mov [rbx], rbx",
                "shr rbx, 1",
                "add rbx, 0x2000000",
                "mov rbx, 0x1000000000",
                "2: mov [rbx], rbx",
                "add rbx, 0x1000",
                "jmp 2b"
            ),
        );
        assert_eq!(end_of(&far_first), End::Memory);
    }
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown < MEMORY / 4, "{grown} bytes did not go back");
    assert_eq!(open_descriptors(), descriptors);
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("the second is the resident")
        * PAGE_BYTES
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

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

/// What becomes of a guest that sends these frames, the last with a question.
fn end_of_frames(frames: &[Vec<u8>]) -> End {
    end_of_sending(&[Sent::new(SEND, frames.concat())], limit(500), None, &mut Nobody::default())
}

fn violation(end: End) -> String {
    match end {
        End::Violation(said) => said,
        other => panic!("not a violation: {other}"),
    }
}

/// What becomes of a guest that says that its outbox and its inbox are there, of so many bytes. If its message is to be
/// in the outbox, it puts it there.
fn end_of_boxes(outbox: (u64, u32), inbox: (u64, u64), has_message: bool) -> (End, usize) {
    let message = frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, b"moon")));
    let length = if has_message { message.len() as u64 } else { 0 };
    let numbers = [outbox.0, outbox.1.into(), inbox.0, inbox.1, length];
    let mut constants: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    constants.extend_from_slice(&message);
    let code = code!(
        "mov ebp, {constants}", "mov rdi, [rbp]", "mov [{channel} + {outbox}], rdi", "mov eax, [rbp + 8]",
        "mov [{channel}], eax", "mov rbx, [rbp + 16]", "mov [{channel} + {inbox}], rbx", "mov rax, [rbp + 24]",
        "mov [{channel} + {room}], rax", "lea rsi, [rbp + 40]", "mov rcx, [rbp + 32]", "rep movsb",
        // The answer: that four bytes were written.
        "out 0x10, al", "mov eax, [rbx]", "test eax, eax", "jz 2f", "ud2", "2: hlt";
        constants = CONSTANTS, channel = CHANNEL, outbox = std::mem::offset_of!(Channel, outbox_start),
        inbox = std::mem::offset_of!(Channel, inbox_start), room = std::mem::offset_of!(Channel, inbox_room)
    );
    let mut nobody = Nobody::default();
    let end = Attack { code: &code, constants: &constants, limits: limit(500), output: None }.run(&mut nobody);
    (end, nobody.written)
}

#[test]
fn messages_lie_in_memory_of_its_own() {
    let _neighbour = Neighbour::new();
    let message = frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, b"moon"))).len() as u32;
    let boxes = |outbox, inbox| end_of_boxes((outbox, message), (inbox, 64), true);
    // Anywhere in arena and region, across their parts, where memory is or can be.
    for place in [ARENA, ARENA + ARENA_START_BYTES - 2, ARENA + (9 << 20), REGION + 0x1001, REGION + (17 << 20), INBOX]
    {
        for (outbox, inbox) in [(place, INBOX), (OUTBOX, place), (place, place)] {
            let (end, written) = boxes(outbox, inbox);
            assert_eq!(fault(end, &format!("{outbox:#x}, {inbox:#x}")).vector, 6);
            assert_eq!(written, 4);
        }
    }
    let elsewhere = [
        0,
        8,
        DESCRIPTORS,
        STUB_STACK,
        CHANNEL,
        OUTBOX - 8,
        INBOX + INBOX_BYTES as u64 - 2,
        STACK,
        CONSTANTS,
        VARIABLES,
        ARENA_START,
        REGION_START,
        TABLES,
        ARENA - 8,
        ARENA + ARENA_BYTES - 8,
        ARENA + ARENA_BYTES,
        REGION - 8,
        REGION + REGION_BYTES - 8,
        1 << 63,
        u64::MAX - 8,
        u64::MAX,
    ];
    for place in elsewhere {
        let (end, written) = end_of_boxes((place, message), (INBOX, 64), false);
        assert_eq!(violation(end), format!("its outbox is said to hold {message} bytes at {place:#x}"));
        assert_eq!(written, 0);
        let end = boxes(OUTBOX, place).0;
        match end {
            End::Memory => assert!(place > ARENA && place < REGION + REGION_BYTES, "{place:#x}"),
            end => assert_eq!(violation(end), format!("its inbox is said to take 64 bytes at {place:#x}")),
        }
    }
    // Where no memory is yet, there is nothing to be read; and what is more than may be sent at once.
    for (place, length) in [
        (ARENA + ARENA_START_BYTES, 1),
        (ARENA + ARENA_START_BYTES - 8, 9),
        (REGION, MOST_SENT as u32 + 1),
        (REGION, u32::MAX),
    ] {
        let (end, _) = end_of_boxes((place, length), (INBOX, 64), false);
        assert_eq!(violation(end), format!("its outbox is said to hold {length} bytes at {place:#x}"));
    }
    // An inbox without room; and one with more than there is.
    assert_eq!(
        violation(end_of_boxes((OUTBOX, message), (INBOX, 0), true).0),
        format!("its inbox is said to take 0 bytes at {INBOX:#x}")
    );
    assert_eq!(fault(end_of_boxes((OUTBOX, message), (REGION, u64::MAX), true).0, "room").vector, 6);
}

#[test]
fn malformed_messages_are_told_from_others() {
    let _neighbour = Neighbour::new();
    let booted = frame(&FromGuest::Await(Outcome::Booted));
    let post = frame(&FromGuest::Post(Stream::OUTPUT, b"x"));
    let ask = frame(&FromGuest::Ask(Request::Time(Clock::Realtime)));
    let returned = append(&FromGuest::Await(Outcome::Returned(vec![Token::Nil; 3])), Vec::new());
    let malformed = "its message is malformed";
    let out_of_order = "it asks before it has an answer";
    let no_question = "it waits for an answer and has not asked";
    let no_answer = "it asks and does not wait for the answer";
    let incomplete = "it waits before its message is complete";
    let too_long = "its message is too long";
    let cases: &[(&[Vec<u8>], &str)] = &[
        (&[], no_question),
        (&[vec![0; 3]], incomplete),
        (std::slice::from_ref(&post), no_question),
        (&[booted[..booted.len() - 1].to_vec()], incomplete),
        (&[post.clone(), vec![1, 0]], incomplete),
        (&[framed(b"")], malformed),
        (&[framed(&[200])], malformed),
        (&[framed(&[0xff; 40])], malformed),
        (&[framed(&[3, 1])], malformed),
        (&[framed(&[&returned[..], &[0]].concat())], malformed),
        (&[framed(&returned[..returned.len() - 1])], malformed),
        // More values than bytes.
        (
            &[framed(&[&returned[..2], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]].concat())],
            malformed,
        ),
        (&[framed(&[&returned[..2], &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]].concat())], malformed),
        // A post whose bytes are said to be more than there are.
        (&[framed(&[0, 1, 100, b'x'])], malformed),
        (&[vec![0xff; 4]], too_long),
        (&[(MEMORY as u32 + 1).to_le_bytes().to_vec()], too_long),
        (&[ask.clone(), ask.clone()], out_of_order),
        (&[ask.clone(), post.clone()], out_of_order),
        (&[booted.clone(), booted.clone()], out_of_order),
        (&[frame(&FromGuest::AskAgain)], "it asks again for what it has not asked for"),
        (&[framed(&returned)], "it does not begin as it should"),
    ];
    for (frames, said) in cases {
        assert_eq!(violation(end_of_frames(frames)), *said, "{frames:?}");
    }
    let nobody = &mut Nobody::default();
    let part = |bytes: &Vec<u8>| Sent::new(SEND_PART, bytes.clone());
    for (sent, said) in [
        (vec![part(&ask)], no_answer),
        (vec![part(&booted)], no_answer),
        (vec![part(&vec![0; 2]), Sent::new(SEND, vec![0; 1])], incomplete),
        (vec![Sent::new(RECEIVE_PART, vec![])], "it wants more than there is"),
        (
            vec![Sent { length: OUTBOX_BYTES as u32 + 1, ..part(&post) }],
            "its outbox is said to hold 65537 bytes at 0x110000",
        ),
        (
            vec![Sent { length: u32::MAX, ..Sent::new(SEND, post.clone()) }],
            "its outbox is said to hold 4294967295 bytes at 0x110000",
        ),
        (
            vec![Sent { length: u32::MAX, ..Sent::new(PANIC, vec![]) }],
            "its outbox is said to hold 4294967295 bytes at 0x110000",
        ),
        (vec![Sent::new(REPORT, b"all is well".to_vec())], "it reports what it was not asked for"),
    ] {
        assert_eq!(violation(end_of_sending(&sent, limit(500), None, nobody)), said);
    }
    // Snapshots and images that nobody asked for.
    for message in [
        FromGuest::Image(b"bytes"),
        FromGuest::ImageBody,
        FromGuest::Written(Ok(())),
        FromGuest::ReadImage(u32::MAX),
        FromGuest::ReadImageBody(u16::MAX),
        FromGuest::Offer(Cause::Program),
        FromGuest::Withdraw,
    ] {
        let port = if message.is_posted() { SEND_PART } else { SEND };
        let end = end_of_sending(&[Sent::new(port, frame(&message))], limit(500), None, nobody);
        assert!(matches!(end, End::Violation(_) | End::Fault(Fault { vector: 6, .. })), "{message:?}: {end}");
    }
    // What is well-formed is taken, though the streams are none and the numbers absurd.
    let mut sent: Vec<Sent> = [
        Request::Read(Stream(u32::MAX), usize::MAX),
        Request::Seek(Stream::INPUT, Origin::End, i64::MIN),
        Request::Close(Stream(7)),
        Request::Open(Location::granted(&[0xff; 5000]), Default::default()),
        Request::Remove(Location::beneath(Stream::INPUT, b"../.."), Removal::Any),
        Request::Status(Target::Open(Stream(u32::MAX))),
        Request::WriteAt(Stream::OUTPUT, u64::MAX, b"x"),
        Request::ReadDirectory(Stream::ERROR, u64::MAX, usize::MAX),
        Request::Poll {
            interests: vec![Interest { stream: Stream(99), direction: Direction::Write }; 9000].into(),
            timeout: Some(u64::MAX),
        },
        Request::Entropy(usize::MAX),
    ]
    .into_iter()
    .map(|request| Sent::new(SEND, frame(&FromGuest::Ask(request))))
    .collect();
    sent.push(Sent::new(
        SEND,
        frame(&FromGuest::Call { function: u32::MAX, arguments: vec![Token::Table(u32::MAX); 9] }),
    ));
    sent.push(Sent::new(SEND_PART, frame(&FromGuest::Post(Stream(99), b"x"))));
    assert_eq!(fault(end_of_sending(&sent, limit(500), None, nobody), "requests").vector, 6);
}

#[test]
fn endless_messages_end() {
    let _neighbour = Neighbour::alone();
    let resident = peak_bytes_from_now();
    // A message as long as may be, of which ever more comes, as fast as may be.
    let code = code!(
        "mov dword ptr [{outbox}], {length}", "mov dword ptr [{channel}], {bytes}", "2: out 0x11, al",
        "mov dword ptr [{outbox}], -1", "jmp 2b";
        outbox = OUTBOX, length = MEMORY as u32, channel = CHANNEL, bytes = OUTBOX_BYTES
    );
    let end = violation(
        Attack { code: &code, constants: &[], limits: limit(20_000), output: None }.run(&mut Nobody::default()),
    );
    assert!(["its message is malformed", "its message is too long"].contains(&end.as_str()), "{end}");
    // Values that take more room than their bytes: 32 million of nothing, which would be 800 MB.
    const PARTS: u32 = 512;
    const LENGTH: u32 = PARTS * OUTBOX_BYTES as u32 - 4;
    let mut begin = LENGTH.to_le_bytes().to_vec();
    begin.extend_from_slice(&append(&FromGuest::Await(Outcome::Returned(Vec::new())), Vec::new())[..2]);
    let count = LENGTH - 6;
    begin.extend((0..4).map(|index| (count >> (7 * index)) as u8 | if index < 3 { 0x80 } else { 0 }));
    let code = code!(
        "mov esi, {constants}", "mov edi, {outbox}", "mov ecx, 10", "rep movsb", "mov dword ptr [{channel}], {bytes}",
        "mov ecx, {parts} - 1", "2: out 0x11, al", "mov qword ptr [{outbox}], 0", "mov qword ptr [{outbox} + 8], 0",
        "dec ecx", "jnz 2b", "out 0x10, al";
        constants = CONSTANTS, outbox = OUTBOX, channel = CHANNEL, bytes = OUTBOX_BYTES, parts = PARTS
    );
    let end = violation(
        Attack { code: &code, constants: &begin, limits: limit(20_000), output: None }.run(&mut Nobody::default()),
    );
    assert_eq!(end, "its message is malformed");
    let peak = peak_bytes() - resident;
    assert!(peak < 4 * MEMORY, "the monitor took {peak} bytes");
}

/// Forgets the most memory that was resident; what is resident now.
fn peak_bytes_from_now() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux has it");
    resident_bytes()
}

/// The most memory that was resident.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

#[test]
fn output_has_a_limit() {
    let _neighbour = Neighbour::new();
    // Ever more posted writes; and a long one at once.
    for (bytes, stream) in [(100, Stream::OUTPUT), (OUTBOX_BYTES - 100, Stream::ERROR)] {
        let mut nobody = Nobody::default();
        let posts = (0..1000).map(|_| Sent::new(SEND_PART, frame(&FromGuest::Post(stream, &vec![b'x'; bytes]))));
        let sent: Vec<Sent> = posts.take(0xf_0000 / (bytes + 20)).collect();
        assert_eq!(end_of_sending(&sent, limit(2000), Some(1000), &mut nobody), End::Output);
        assert!(nobody.written <= 1000 + (1 << 16), "{} bytes were written", nobody.written);
    }
    let mut nobody = Nobody::default();
    let write = Sent::new(SEND, frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, &[b'x'; 50_000]))));
    let sent = [write, Sent::new(SEND, frame(&FromGuest::Ask(Request::Write(Stream::OUTPUT, &[b'x'; 50_000]))))];
    assert_eq!(end_of_sending(&sent, limit(2000), Some(1000), &mut nobody), End::Output);
}

#[test]
fn output_that_nobody_takes_holds_nothing_up() {
    let _neighbour = Neighbour::new();
    let post = || [Sent::new(SEND_PART, frame(&FromGuest::Post(Stream::OUTPUT, b"x")))];
    let mut nobody = Nobody::stuck();
    assert_eq!(end_of_sending(&post(), limit(100), None, &mut nobody), End::Time);
    let mut nobody = Nobody::stuck();
    nobody.interrupts = 3;
    assert_eq!(end_of_sending(&post(), Limits::default(), None, &mut nobody), End::Interrupt);
}

#[test]
fn what_one_tenant_leaves_the_next_does_not_find() {
    let _neighbour = Neighbour::new();
    // From the template's exit on: looks for a mark everywhere, then leaves it everywhere.
    let code = code!(
        "xor eax, eax", "pxor xmm7, xmm7", "mov r15, rax", "mov r9, rsp", "out 0x10, al",
        // Registers, then memory.
        "test r15, r15", "jnz 9f", "movq rax, xmm7", "test rax, rax", "jnz 9f", "ldmxcsr [rip + 8f]",
        "mov esi, {constants}", "2: mov rbx, [rsi]", "test rbx, rbx", "jz 3f", "cmp qword ptr [rbx], 0", "jne 9f",
        "add rsi, 8", "jmp 2b",
        "3: mov r15, 0x6b72616d", "movq xmm7, r15", "mov esi, {constants}",
        "4: mov rbx, [rsi]", "test rbx, rbx", "jz 5f", "mov [rbx], r15", "add rsi, 8", "jmp 4b",
        "5: mov rsp, {stack}", "push 0x40000", "popfq", "std", "out 0x10, al",
        "9: mov dword ptr [{outbox}], 0x6b72616d", "mov dword ptr [{channel}], 4", "out 0x14, al",
        "8: .long 0x1f80";
        constants = CONSTANTS, outbox = OUTBOX, channel = CHANNEL, stack = STACK + 4096
    );
    let places = [
        CHANNEL + 0x800,
        OUTBOX + 0x100,
        INBOX + 0x100,
        STACK,
        STACK + 0x8000,
        VARIABLES,
        VARIABLES + 0xf_fff8,
        ARENA,
        ARENA + ARENA_START_BYTES - 8,
        REGION + 0x1000,
        // Memory that the template does not have.
        ARENA + (3 << 20),
        ARENA + (17 << 20),
        REGION + (9 << 20),
    ];
    let constants: Vec<u8> = places.iter().chain(&[0]).flat_map(|place| place.to_le_bytes()).collect();
    let attack = Attack { code: &code, constants: &constants, limits: limit(1000), output: None };
    let hypervisor = Hypervisor::open().expect("partitions are tested where KVM is");
    let settled = |partition: &mut Partition| {
        loop {
            match partition.run() {
                Ok(Exit::Signal) => {}
                other => return other,
            }
        }
    };
    let mut first = attack.partition();
    assert!(matches!(settled(&mut first), Ok(Exit::Send)));
    let template = first.freeze().expect("it can be frozen");
    let mut clone = Partition::clone_of(&hypervisor, &template, MEMORY).expect("it can be cloned");
    for round in 0..3 {
        let exit = settled(&mut clone);
        assert!(matches!(exit, Ok(Exit::Send)), "round {round}: {exit:?}");
        clone.reset(&template).expect("it can be made as new");
    }
    // Nor does another clone, nor the template's own partition.
    let mut other = Partition::clone_of(&hypervisor, &template, MEMORY).expect("it can be cloned");
    assert!(matches!(settled(&mut other), Ok(Exit::Send)));
    assert!(matches!(settled(&mut first), Ok(Exit::Send)));
}
