//! What compiled code calls of the runtime. Nothing of this collects, or looks at what compiled code holds in registers.
//!
//! Helpers that are called where hardly anybody comes by keep every register as it is (`preserving`): a call of another kind,
//! however rare, would have the registers of the loop around it saved.

use crate::machine::Machine;
use core::arch::naked_asm;
use lunette_gc::{
    object::{AnyObject, Kind},
    reference::Ref,
    typed::{Form, Instance, TypedObject},
};

/// A function that keeps every register; what it takes says the helper it stands for.
pub(super) type Preserving = unsafe extern "sysv64" fn();

/// Takes a new slice of fuel, from which so much is taken; gives 0, and nothing has changed, if the loop is to do it.
pub(super) type Refuel = unsafe extern "sysv64" fn(*mut Machine, u64) -> u64;

/// Slices of fuel that compiled code takes itself until the loop does, which looks for hot functions then.
const REFUELS: u32 = 8;

pub(super) unsafe extern "sysv64" fn refuel(machine: *mut Machine, cost: u64) -> u64 {
    // SAFETY: compiled code that runs in the machine has no reference to it.
    let machine = unsafe { &mut *machine };
    machine.native.refuels += 1;
    if machine.native.refuels < REFUELS && machine.renew_quietly(cost) {
        machine.stretch_slice();
        return 1;
    }
    machine.native.refuels = 0;
    0
}

/// A function that does what a helper does and keeps every register.
macro_rules! preserving {
    ($(#[$meta:meta])* $name:ident, $helper:ident) => {
        $(#[$meta])*
        #[unsafe(naked)]
        pub(super) unsafe extern "sysv64" fn $name() {
            naked_asm!(
                "push rax",
                "push rcx",
                "push rdx",
                "push rsi",
                "push rdi",
                "push r8",
                "push r9",
                "push r10",
                "push r11",
                "sub rsp, 256",
                "movaps [rsp], xmm0",
                "movaps [rsp + 16], xmm1",
                "movaps [rsp + 32], xmm2",
                "movaps [rsp + 48], xmm3",
                "movaps [rsp + 64], xmm4",
                "movaps [rsp + 80], xmm5",
                "movaps [rsp + 96], xmm6",
                "movaps [rsp + 112], xmm7",
                "movaps [rsp + 128], xmm8",
                "movaps [rsp + 144], xmm9",
                "movaps [rsp + 160], xmm10",
                "movaps [rsp + 176], xmm11",
                "movaps [rsp + 192], xmm12",
                "movaps [rsp + 208], xmm13",
                "movaps [rsp + 224], xmm14",
                "movaps [rsp + 240], xmm15",
                "call {helper}",
                "movaps xmm0, [rsp]",
                "movaps xmm1, [rsp + 16]",
                "movaps xmm2, [rsp + 32]",
                "movaps xmm3, [rsp + 48]",
                "movaps xmm4, [rsp + 64]",
                "movaps xmm5, [rsp + 80]",
                "movaps xmm6, [rsp + 96]",
                "movaps xmm7, [rsp + 112]",
                "movaps xmm8, [rsp + 128]",
                "movaps xmm9, [rsp + 144]",
                "movaps xmm10, [rsp + 160]",
                "movaps xmm11, [rsp + 176]",
                "movaps xmm12, [rsp + 192]",
                "movaps xmm13, [rsp + 208]",
                "movaps xmm14, [rsp + 224]",
                "movaps xmm15, [rsp + 240]",
                "add rsp, 256",
                "pop r11",
                "pop r10",
                "pop r9",
                "pop r8",
                "pop rdi",
                "pop rsi",
                "pop rdx",
                "pop rcx",
                "pop rax",
                "ret",
                helper = sym $helper,
            )
        }
    };
}

preserving!(
    /// Tells the collector that a reference was written into an object: of the machine's address, the object's reference, and
    /// the tag and the payload of what was written.
    written,
    tell_written
);

unsafe extern "sysv64" fn tell_written(machine: *mut Machine, object: u64, tag: u64, payload: u64) {
    // SAFETY: compiled code that runs in the machine has no reference to it, and has written to an object that it refers to.
    unsafe {
        let heap = &(*machine).heap;
        let Some(object) = Ref::<AnyObject>::from_units(object as u32) else { return };
        let header = &heap.get(object).header;
        if header.kind != Kind::TypedObject as u8 {
            heap.barrier::<Instance>(object.cast());
        } else if Form::from_number(header.flags.get()).is_array() {
            heap.barrier_element(object.cast(), (tag as u8, payload));
        } else {
            heap.barrier::<TypedObject>(object.cast());
        }
    }
}

preserving!(
    /// Looks for a hole with room for an object, which may not be there afterwards: of the machine's address, and bytes.
    provide_hole,
    look_for_hole
);

unsafe extern "sysv64" fn look_for_hole(machine: *mut Machine, bytes: u64) {
    // SAFETY: compiled code that runs in the machine has no reference to it.
    unsafe { (*machine).heap.provide_hole(bytes as usize) };
}
