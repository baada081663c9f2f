//! Frames of compiled functions that compiled code calls: of metamethods for it to enter ([`super::PushFrame`]), and of others for
//! calls that are performed. Nothing is changed before it is certain that the function can be called so, and nothing moves.

use super::running::running;
use crate::{
    call::MAX_NATIVE_DEPTH,
    frame::{COUNTED, FRAME_SLOTS, Return},
    machine::Machine,
    slow,
};
use core::ptr::null_mut;
use lunette_gc::{function::Closure, reference::Ref, value::Value};

/// For arithmetic and bit instructions.
pub(super) unsafe extern "sysv64" fn push_metamethod(machine: *mut Machine, base: *mut u8, at: *const u64) -> *mut u8 {
    // SAFETY: the caller is compiled code, for an instruction of its own.
    let (machine, word) = unsafe { running(machine, base, at) };
    let (event, left, right) = slow::operands(machine, word);
    let is_number = |value| matches!(value, Value::Integer(_) | Value::Float(_));
    if is_number(left) && is_number(right) {
        // Whatever metatable numbers have.
        return null_mut();
    }
    let handler = slow::handler(machine, event, left, right);
    let Value::Closure(closure) = handler else { return null_mut() };
    let depth = machine.get_thread().native_depth.get();
    if (depth & 0xffff) + 1 >= MAX_NATIVE_DEPTH {
        return null_mut();
    }
    let window = machine.place_metamethod(handler, [left, right]);
    let pushed = machine.push_compiled(closure, window, 2, 1, Return::Finish as u32 | COUNTED);
    if !pushed.is_null() {
        machine.get_thread().native_depth.set(depth + 1);
    }
    pushed
}

impl Machine {
    /// Makes the frame of a function that is called with `count` arguments from two slots above slot `function` on, if the
    /// function is compiled, and there is fuel and room for it. The running frame stays the caller's.
    pub(super) fn push_compiled(
        &mut self,
        closure: Ref<Closure>,
        function: u32,
        count: u32,
        wanted: i32,
        kind: u32,
    ) -> *mut u8 {
        let reference = self.prototype_of(closure);
        let prototype = self.heap.get(reference);
        let slots = FRAME_SLOTS + count + FRAME_SLOTS + u32::from(prototype.register_count);
        let here = 0u8;
        let Some((address, _)) = self.lua.first_entry(reference, prototype.native.get()) else { return null_mut() };
        if !self.has_room(function, slots)
            || (&raw const here) < self.native.stack_end
            || self.budget.get() < i64::from(prototype.entry_cost)
        {
            return null_mut();
        }
        self.spend(prototype.entry_cost.into());
        let base = self.place_frame(reference, function, count, wanted, kind);
        self.lua.next = address;
        self.stack.wrapping_add(base as usize * 16)
    }
}
