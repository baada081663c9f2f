//! Protected calls of functions of Lua.

use super::Call;
use crate::{
    call::{MAX_NATIVE_DEPTH, Next},
    frame::{COUNTED, FRAME_SLOTS, Return},
    machine::Machine,
    native::{CALL_COST, PASS_ON_TRUE},
};
use lunette_gc::value::Value;

impl Machine {
    /// Has the running native function, which has caught the pending error, return `false` and that.
    pub(crate) fn return_error(&mut self) -> Next {
        let window = self.frame_top();
        self.set_value(window, Value::Boolean(false));
        self.set_value(window + 1, self.pending_error());
        self.return_from(window, 2).unwrap_or_else(|throw| self.unwind(throw))
    }

    /// Calls the first argument of a function that catches errors with those behind the first `skipped`.
    #[inline(always)]
    pub(crate) fn call_protected(&mut self, call: Call, skipped: u32) -> Option<Next> {
        let count = call.count.checked_sub(skipped)?;
        let arguments = call.window + FRAME_SLOTS;
        let Value::Closure(closure) = self.value(arguments) else { return None };
        if skipped > 1 && !self.value(arguments + 1).is_function() {
            return None;
        }
        let reference = self.prototype_of(closure);
        let prototype = self.heap.get(reference);
        let window = arguments + call.count;
        let slots = FRAME_SLOTS + count + FRAME_SLOTS + u32::from(prototype.register_count);
        let cost = prototype.entry_cost;
        let depth = self.get_thread().native_depth.get();
        if self.budget.get() < (CALL_COST + u64::from(cost)) as i64
            || !self.has_room(window, slots)
            || (depth & 0xffff) + 1 >= MAX_NATIVE_DEPTH
        {
            return None;
        }
        self.write_native_frame(call, PASS_ON_TRUE);
        self.spend(cost.into());
        self.get_thread().native_depth.set(depth + 1);
        self.copy_slot(arguments, window);
        self.copy_slots(arguments + skipped, window + FRAME_SLOTS, count);
        self.base = self.place_frame(reference, window, count, -1, Return::Native as u32 | COUNTED);
        self.lua.begun = self.base;
        Some(Next::Lua)
    }
}
