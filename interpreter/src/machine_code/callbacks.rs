//! Calls that native functions have made at once, without being left for it: of functions that are compiled, where nothing is in
//! the way. The frames are those that a call by [`Step::Call`] would have, so that whatever ends otherwise than by a return is
//! left to the machine, which calls the native function again when its callee has returned.

use super::{
    enter::{Begun, LEAVE, RESUME},
    status,
};
use crate::{
    call::{MAX_NATIVE_DEPTH, Next},
    feedback::Sampling,
    frame::{COUNTED, FRAME_SLOTS, Return, UNYIELDABLE},
    machine::Machine,
    native::{Frame, Left, Step},
};
use lunette_gc::value::Value;

impl Machine {
    /// Calls the function in the window of a native function, which has prepared everything for [`Step::Call`] with so many
    /// arguments: if there is no step to be returned, the results are in the window.
    #[inline(always)]
    pub fn call_at_once(&mut self, frame: Frame, count: u32, yieldable: bool) -> Option<Step> {
        if self.lua.known_count == 0
            || self.lua.is_departed
            || self.hooked
            || self.limits.is_stop_due()
            || self.limits.sampling == Sampling::Due
        {
            return Some(Step::Call { count });
        }
        match self.run_callback(frame, count, yieldable) {
            Callback::Returned => None,
            Callback::Refused => Some(Step::Call { count }),
            Callback::Left(next) => Some(Step::Left(Left(next))),
        }
    }

    fn run_callback(&mut self, frame: Frame, count: u32, yieldable: bool) -> Callback {
        let Value::Closure(closure) = self.value(frame.window()) else { return Callback::Refused };
        let reference = self.prototype_of(closure);
        let prototype = self.heap.get(reference);
        let slots = FRAME_SLOTS + count + FRAME_SLOTS + u32::from(prototype.register_count);
        let depth = self.get_thread().native_depth.get();
        let Some(entry) = self.lua.first_entry(reference, prototype.native.get()) else { return Callback::Refused };
        if !self.has_room(frame.window(), slots)
            || (depth & 0xffff) + 1 >= MAX_NATIVE_DEPTH
            || self.budget.get() < i64::from(prototype.entry_cost)
        {
            return Callback::Refused;
        }
        self.spend(prototype.entry_cost.into());
        let flags = COUNTED | if yieldable { 0 } else { UNYIELDABLE };
        self.get_thread().native_depth.set(depth.wrapping_add(1 + (u32::from(!yieldable) << 16)));
        self.base = self.place_frame(reference, frame.window(), count, -1, Return::Native as u32 | flags);
        let (thread, callee) = (self.thread, self.stack.wrapping_add(self.base as usize * 16));
        self.lua.outcome = RESUME;
        let begun = match self.call_at(entry) {
            Some(status::RETURNS)
                if self.lua.exit_base == callee
                    && self.thread == thread
                    && !self.hooked
                    && !self.heap.needs_collection() =>
            {
                // Nothing is to be done but to take the results.
                self.lua.is_departed = false;
                self.base = frame.base();
                self.get_thread().native_depth.set(depth);
                self.copy_slots(self.first_result(), frame.window(), self.lua.result_count);
                self.open_top = frame.window() + self.lua.result_count;
                return Callback::Returned;
            }
            Some(ended) => self.begun(ended, frame.base()),
            None => Begun::Left,
        };
        match begun {
            Begun::Ran(Next::Native) if self.base == frame.base() && self.thread == thread => Callback::Returned,
            Begun::Ran(next) => Callback::Left(next),
            _ if self.lua.outcome == LEAVE => Callback::Left(Next::Leave),
            _ => {
                // It goes on, and does not begin.
                self.lua.begun = u32::MAX;
                Callback::Left(self.next_of_frame())
            }
        }
    }
}

/// What has become of a call.
enum Callback {
    /// The callee has returned to the native function.
    Returned,
    /// Nothing was done.
    Refused,
    /// This frame runs next.
    Left(Next),
}
