//! The walls, as an attacker would test them: guests of raw machine code in place of the runtime.
//!
//! Whatever they try, the monitor says what it was and ends that partition; a neighbour in the same process runs a
//! program before and after, and the host gets its memory and descriptors back.
//!
//! Nothing here can race with the monitor: the guest's one processor stands while a request is read, and what is read is
//! copied first, then checked.

#[path = "../support/hostile.rs"]
mod hostile;
mod limits;
mod memory;
mod messages;
mod pages;
mod processor;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/mod.rs"]
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

fn violation(end: End) -> String {
    match end {
        End::Violation(said) => said,
        other => panic!("not a violation: {other}"),
    }
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("the second is the resident")
        * PAGE_BYTES
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
