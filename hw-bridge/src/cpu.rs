//! The processor's state and tables: long mode at CPL 3, from the first instruction on.
//!
//! The guest leaves by `out`. What allows it depends on the kind of KVM: the map of ports in the task state where the
//! processor is emulated, the I/O privilege level on hardware, where every port reaches the monitor. Exceptions go to stubs at CPL 0 of two instructions, which tell the monitor and change nothing:
//! when the monitor has mapped what was missing, it lets the guest go on as it was.

use crate::error::{End, Fault};
use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};
use lunette_hw_interface::{
    channel::{EXCEPTION, EXCEPTIONS, PORTS},
    layout::{DESCRIPTORS, INTERRUPTS, PAGE_BYTES, STACK_END, STUB_STACK, STUBS, TASK},
};

const SYSTEM_CODE: u16 = 0x08;
const USER_DATA: u16 = 0x2b;
const USER_CODE: u16 = 0x33;
const TASK_SELECTOR: u16 = 0x40;
/// Where the map of ports begins in the task state, with a bit for each that is denied.
const PORT_MAP: usize = 0x68;
/// Bytes of that map: 256 ports, and the byte of ones that must follow. Ports beyond are denied.
const PORT_MAP_BYTES: usize = 33;
const TASK_LIMIT: u64 = (PORT_MAP + PORT_MAP_BYTES) as u64 - 1;
/// Bytes from one stub to the next.
const STUB_BYTES: usize = 16;
/// I/O privilege level 3, and the bit that is always set.
const FLAGS: u64 = 0x3002;
/// Flags that a guest may have set when it comes back from an exception: arithmetic and direction.
const USER_FLAGS: u64 = 0xcd5;
/// Exceptions that push an error code.
const WITH_CODE: [u8; 10] = [8, 10, 11, 12, 13, 14, 17, 21, 29, 30];

/// What the processor finds in memory, with the addresses.
pub fn tables() -> [(u64, Vec<u8>); 4] {
    let mut interrupts = Vec::new();
    let mut stubs = Vec::new();
    for vector in 0..EXCEPTIONS {
        let stub = STUBS + u64::from(vector) * STUB_BYTES as u64;
        // An interrupt gate for CPL 0, present.
        let low = stub & 0xffff | u64::from(SYSTEM_CODE) << 16 | 0x8e << 40 | (stub >> 16 & 0xffff) << 48;
        interrupts.extend_from_slice(&low.to_le_bytes());
        interrupts.extend_from_slice(&(stub >> 32).to_le_bytes());
        // out imm8, al; hlt
        let mut code = vec![0xe6, (EXCEPTION + vector) as u8, 0xf4];
        code.resize(STUB_BYTES, 0xf4);
        stubs.extend_from_slice(&code);
    }
    let mut descriptors = [0u64; 16];
    // Code for CPL 0; data; data and code for CPL 3; the task state.
    descriptors[1] = 0x00af_9b00_0000_ffff;
    descriptors[2] = 0x00cf_9300_0000_ffff;
    descriptors[5] = 0x00cf_f300_0000_ffff;
    descriptors[6] = 0x00af_fb00_0000_ffff;
    descriptors[8] = 0x8900_0000_0000 | TASK_LIMIT | TASK << 16;
    let mut task = vec![0; PORT_MAP];
    // The stack for exceptions.
    task[4..12].copy_from_slice(&(STUB_STACK + PAGE_BYTES).to_le_bytes());
    task[0x66..0x68].copy_from_slice(&(PORT_MAP as u16).to_le_bytes());
    task.resize(PORT_MAP + PORT_MAP_BYTES, 0xff);
    for port in PORTS {
        task[PORT_MAP + usize::from(port / 8)] &= !(1 << (port % 8));
    }
    let descriptors = descriptors.iter().flat_map(|descriptor| descriptor.to_le_bytes()).collect();
    [(DESCRIPTORS, descriptors), (INTERRUPTS, interrupts), (TASK, task), (STUBS, stubs)]
}

/// The registers that say what kind of code runs, from those of a new processor.
pub fn system_registers(new: kvm_sregs, page_tables: u64) -> kvm_sregs {
    let flat = kvm_segment { limit: u32::MAX, present: 1, dpl: 3, s: 1, g: 1, ..kvm_segment::default() };
    let data = kvm_segment { selector: USER_DATA, type_: 3, db: 1, ..flat };
    let mut registers = kvm_sregs {
        cr3: page_tables,
        // Physical address extension, SSE and its exceptions.
        cr4: 1 << 5 | 1 << 9 | 1 << 10,
        cr0: 0x8005_0033,
        // Long mode, and pages that are not executed; no `syscall`, which would come to CPL 0 with the guest's own stack.
        efer: 0xd00,
        cs: kvm_segment { selector: USER_CODE, type_: 11, l: 1, ..flat },
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: kvm_segment {
            base: TASK,
            limit: TASK_LIMIT as u32,
            selector: TASK_SELECTOR,
            type_: 11,
            present: 1,
            ..Default::default()
        },
        // None: a new processor's would lie at address 0, over the tables and the stack of the stubs.
        ldt: kvm_segment { type_: 2, unusable: 1, ..kvm_segment::default() },
        ..new
    };
    registers.idt.base = INTERRUPTS;
    registers.idt.limit = EXCEPTIONS * 16 - 1;
    registers.gdt.base = DESCRIPTORS;
    registers.gdt.limit = 0x7f;
    registers
}

/// The registers with which the guest starts.
pub fn start_registers(entry: u64) -> kvm_regs {
    kvm_regs { rip: entry, rsp: STACK_END - 8, rflags: FLAGS, ..kvm_regs::default() }
}

/// Registers that a guest had, with flags that it may have.
pub fn guest_registers(registers: kvm_regs) -> kvm_regs {
    kvm_regs { rflags: registers.rflags & USER_FLAGS | FLAGS, ..registers }
}

/// What an exception left on its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExceptionFrame {
    /// The error code, 0 if there is none.
    pub code: u64,
    /// Address of the instruction.
    pub instruction: u64,
    /// Flags.
    pub flags: u64,
    /// The guest's stack.
    pub stack: u64,
    /// Whether it came from CPL 3.
    pub is_user: bool,
}

impl ExceptionFrame {
    /// Number of words on the stack.
    pub fn words(vector: u8) -> usize {
        if WITH_CODE.contains(&vector) { 6 } else { 5 }
    }

    /// From the words, lowest address first.
    pub fn read(words: &[u64]) -> ExceptionFrame {
        let (code, rest) = match words {
            [code, rest @ ..] if rest.len() == 5 => (*code, rest),
            rest => (0, rest),
        };
        let word = |index: usize| rest.get(index).copied().unwrap_or(0);
        ExceptionFrame { code, instruction: word(0), flags: word(2), stack: word(3), is_user: word(1) & 3 == 3 }
    }

    /// How it ends the guest.
    pub fn end(&self, vector: u8, address: Option<u64>) -> End {
        let &ExceptionFrame { code, instruction, stack, .. } = self;
        End::Fault(Fault { vector, code, instruction, stack, address, traceback: None })
    }

    /// The registers with which the guest goes on where the exception was.
    pub fn resume(&self, registers: kvm_regs) -> kvm_regs {
        kvm_regs { rip: self.instruction, rsp: self.stack, rflags: self.flags & USER_FLAGS | FLAGS, ..registers }
    }
}
