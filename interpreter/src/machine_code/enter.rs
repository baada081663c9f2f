//! From the loop into compiled code and back, and from compiled code to single instructions.

use super::{Compiled, performed, status};
use crate::{
    dispatch::{self, state::Status},
    frame::HeaderSlot,
    machine::Machine,
};
use lunette_bytecode::instruction::{Flow, Opcode, Word};
use lunette_gc::{
    function::{Closure, Prototype},
    reference::Ref,
    value::Slot,
};

/// The loop is to execute the instruction at the running frame's resume point, whatever mark it has.
pub(crate) const EXECUTE: u64 = 0;
/// The loop is to go on in the machine's running frame.
pub(crate) const RESUME: u64 = 1;
/// The loop is to be left; the machine knows why.
pub(crate) const LEAVE: u64 = 2;

/// Enters compiled code at the marked instruction `at` of the Lua frame at `base`; says how the loop goes on.
///
/// # Safety
/// The frame is the machine's running one, of verified code, and the instruction is one of its function's.
pub(crate) unsafe fn enter(machine: *mut Machine, base: *mut u8, at: *const u64) -> u64 {
    // SAFETY: the frame's function slot has the closure; compiled code keeps to `Compiled`. No reference to the machine is
    // alive while it runs.
    unsafe {
        let region = (*machine).heap.base();
        (*machine).save(base, at);
        let prototype = running_prototype(region, base);
        let object: *mut Prototype = prototype.pointer(region);
        let first: *const u64 = (*object).code.pointer(region).add(1).cast();
        let number = (*object).native.get();
        let Some((address, entry)) = (*machine).lua.entry(prototype, number, at.offset_from(first) as usize) else {
            // The machine code is elsewhere.
            at.cast_mut().write(Word(*at).unmarked().0);
            (*machine).forget_machine_code(prototype);
            return EXECUTE;
        };
        // Results may take the header's place, and what was called is the machine's running frame in between.
        let caller = (*machine).base - (*base.sub(16).cast::<Slot>()).distance();
        let compiled: Compiled = core::mem::transmute(address);
        match compiled(base, machine, region, entry) {
            status::RETURNED => {
                (*machine).base = caller;
                RESUME
            }
            status::PERFORMED => (*machine).lua.outcome,
            status::REPLACED => RESUME,
            ended => {
                let base = (*machine).lua.exit_base;
                (*machine).base = ((base as usize - (*machine).stack as usize) >> 4) as u32;
                if (*machine).lua.records.is_some() {
                    (*machine).record_lua_exit();
                }
                if ended == status::LEFT {
                    (*machine).left_machine_code();
                }
                EXECUTE
            }
        }
    }
}

unsafe fn running_prototype(region: *mut u8, base: *mut u8) -> Ref<Prototype> {
    // SAFETY: the caller's frame has its closure in the function slot.
    unsafe {
        let closure = base.sub(32).cast::<u64>().read() as usize;
        (*region.add(closure * 8).cast::<Closure>()).prototype
    }
}

/// See [`super::Perform`].
///
/// # Safety
/// The frame is of verified code, the instruction is one of its function's, and everything that it reads is in the frame.
pub(super) unsafe extern "sysv64" fn perform(machine: *mut Machine, base: *mut u8, at: *const u64) -> u64 {
    // SAFETY: the caller's promise.
    let (word, stack) = unsafe { (Word(*at).unmarked(), (*machine).stack) };
    // SAFETY: as above.
    let whole = unsafe { dispatch::finish_whole(machine, base, at, word) };
    if whole == Some(Status::Next) {
        return performed::NEXT;
    }
    // SAFETY: as above; nothing else refers to the machine.
    let machine = unsafe { &mut *machine };
    let frame = ((base as usize - stack as usize) >> 4) as u32;
    // SAFETY: the instruction is in the region.
    let first = unsafe { at.add(1).offset_from(machine.heap.base().cast()) } as u32;
    // SAFETY: the stack is still there, and the frame has its header.
    let caller = frame - unsafe { (*base.sub(16).cast::<Slot>()).distance() };
    let goes_on = match whole {
        Some(status) => status == Status::Reload,
        None => {
            machine.save(base, at);
            dispatch::step_unhooked(machine)
        }
    };
    machine.lua.outcome = RESUME;
    if !goes_on {
        machine.lua.outcome = LEAVE;
        return performed::ELSEWHERE;
    }
    if machine.stack != stack {
        return performed::ELSEWHERE;
    }
    let resume = machine.header(machine.base).resume();
    if machine.base == frame {
        let jump = word.jump_distance().unwrap_or_default();
        return match resume {
            resume if resume == first => performed::NEXT,
            _ if word.opcode_number() == Opcode::tail_call as u8 => performed::REPLACED,
            resume if i64::from(resume) == i64::from(first) + jump => performed::JUMPED,
            _ => performed::ELSEWHERE,
        };
    }
    let is_return = matches!(Opcode::from_number(word.opcode_number()), Some(opcode) if opcode.entry().flow == Flow::End);
    if is_return && machine.base == caller {
        return performed::RETURNED;
    }
    if !is_return && machine.base > frame && !machine.called_by_machine_code() {
        machine.lua.outcome = LEAVE;
    }
    performed::ELSEWHERE
}

/// See [`super::GoOn`].
///
/// # Safety
/// The machine's running frame is one of verified code, at its function's beginning, and nothing refers to the machine.
pub(super) unsafe extern "sysv64" fn go_on(machine: *mut Machine) -> u64 {
    // SAFETY: the caller's promise; compiled code keeps to `Compiled`.
    unsafe {
        loop {
            let region = (*machine).heap.base();
            let base = (*machine).stack.add((*machine).base as usize * 16);
            let prototype = running_prototype(region, base);
            let number = (*prototype.pointer(region)).native.get();
            (*machine).lua.outcome = RESUME;
            let Some((address, entry)) = (*machine).lua.entry(prototype, number, 0) else {
                return status::PERFORMED;
            };
            let compiled: Compiled = core::mem::transmute(address);
            match compiled(base, machine, region, entry) {
                status::REPLACED => {}
                ended => return ended,
            }
        }
    }
}
