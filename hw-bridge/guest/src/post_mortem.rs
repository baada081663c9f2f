//! What the guest can still say when it broke: which Lua functions were running.
//!
//! The monitor starts it once more, at `post_mortem`, with all of its memory as it was. Nothing can be relied upon: the
//! stack may have overflowed, and the allocator may have been at work. So this has a stack and an allocator of its own,
//! and only reads what the machine has; if that breaks as well, the monitor does without.

use crate::{
    arena,
    channel::{self, LastWords},
};
use core::{
    arch::global_asm,
    cell::UnsafeCell,
    ptr::null_mut,
    sync::atomic::{AtomicPtr, Ordering},
};
use lunette_hw_interface::channel::REPORT;
use lunette_interpreter::Machine;

const STACK_BYTES: usize = 1 << 16;

#[repr(align(16))]
struct Stack(#[allow(dead_code, reason = "only the assembler names it")] UnsafeCell<[u8; STACK_BYTES]>);

// SAFETY: there is one thread.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new([0; STACK_BYTES]));
static MACHINE: AtomicPtr<Machine> = AtomicPtr::new(null_mut());

unsafe extern "C" {
    fn post_mortem();
}

global_asm!(
    ".globl post_mortem",
    "post_mortem:",
    "lea rsp, [rip + {stack} + {bytes}]",
    "call {report}",
    stack = sym STACK,
    bytes = const STACK_BYTES,
    report = sym report,
);

/// Tells the monitor where to start.
pub fn offer() {
    channel::shared().post_mortem.store(post_mortem as *const () as u64, Ordering::Relaxed);
}

/// The machine whose functions are of interest from now on; it stays where it is.
pub fn watch(machine: &mut Machine) {
    MACHINE.store(machine, Ordering::Relaxed);
}

extern "C" fn report() -> ! {
    // SAFETY: none of the code that was running will go on.
    unsafe { arena::begin_anew() };
    let mut words = LastWords::default();
    // SAFETY: the machine is where it was, and nobody else looks at it any more. It may be in any state; what it makes of
    // that stays in the partition.
    if let Some(machine) = unsafe { MACHINE.load(Ordering::Relaxed).as_ref() } {
        words.add(&machine.traceback(machine.current_thread(), None, 0));
    }
    words.send(REPORT)
}
