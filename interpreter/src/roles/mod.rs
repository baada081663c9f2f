//! What the machine does for functions of the library that change which frame runs ([`Role`]): switches between coroutines, and
//! protected calls. Where nothing is in the way, which is nearly always, the functions are not called: the frames that they would
//! have are written, in the phase in which they pass on what comes back. Whatever takes more (errors, hooks, limits, a stack that
//! is too small) is theirs.

mod protection;
mod switching;

use crate::{
    call::Next,
    frame::{FRAME_SLOTS, NATIVE, Return, header_payload, header_tag},
    machine::Machine,
    native::{CALL_COST, Role},
};
use lunette_gc::{function::NativeClosure, reference::Ref, value::Value};

/// A call of a native function by the running Lua frame.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// The slot of the function.
    pub window: u32,
    /// The number of arguments.
    pub count: u32,
    /// The results that are wanted; -1 for all.
    pub wanted: i32,
}

impl Machine {
    /// Calls a function for the running Lua frame, if it has a role and no more is to be done for it. Which frame runs next;
    /// `None`, with nothing done, if the function is to be called.
    #[inline(always)]
    pub(crate) fn call_by_role(&mut self, call: Call) -> Option<Next> {
        let Value::NativeClosure(closure) = self.value(call.window) else { return None };
        let role = self.natives[self.heap.get(closure).native as usize].role?;
        self.play(role, closure, call)
    }

    /// Whether nothing is in the way of any role: no hook, and fuel and room for the function's frame.
    #[inline(always)]
    pub(crate) fn is_plain_role(&self, call: Call) -> bool {
        !self.hooked
            && self.budget.get() >= CALL_COST as i64
            && self.has_room(call.window + FRAME_SLOTS, call.count + 1)
    }

    #[inline(never)]
    fn play(&mut self, role: Role, closure: Ref<NativeClosure>, call: Call) -> Option<Next> {
        if !self.is_plain_role(call) {
            return None;
        }
        self.lua.is_departed = false;
        match role {
            Role::Yield => self.switch_from(call),
            Role::Resume | Role::Wrapped => {
                let (thread, skipped) = self.resumed_thread(role, closure, call)?;
                self.switch_to(thread, call, skipped)
            }
            Role::Protect => self.call_protected(call, 1),
            Role::ProtectHandled => self.call_protected(call, 2),
        }
    }

    /// Makes the frame of a native function, which is in a phase of passing on, the running one, and takes fuel for it.
    #[inline(always)]
    fn write_native_frame(&mut self, call: Call, phase: u32) {
        self.spend(CALL_COST);
        let base = call.window + FRAME_SLOTS;
        let header = self.slot(base - 1);
        header.payload.set(header_payload(phase, base - self.base));
        header.tag.set(header_tag(Return::Call as u32 | NATIVE, call.wanted));
        header.spare.set(call.count);
        self.base = base;
    }
}
