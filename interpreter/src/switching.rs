//! Switches between coroutines where nothing is in the way of them, which is nearly always: the functions of the library are not
//! called then. The frames that they would have are written, and values go from one Lua frame to the other. Whatever takes more
//! (errors, hooks, the first resume, a stack that is too small) is theirs, and [`crate::coroutine`]'s.

use crate::{
    call::{MAX_NATIVE_DEPTH, Next},
    coroutine::SUSPENDED,
    frame::{COUNTED, FRAME_SLOTS, HeaderSlot, NATIVE, Return, header_payload, header_tag, kind, wanted},
    machine::{Machine, STACK_RESERVE},
    native::{CALL_COST, PASS_ON, PASS_ON_TRUE, Switch},
};
use lunette_gc::{
    function::NativeClosure,
    reference::Ref,
    thread::Thread,
    value::{Slot, Value},
};

/// A call of a native function by the running Lua frame.
#[derive(Clone, Copy)]
struct Call {
    /// The slot of the function.
    window: u32,
    /// The number of arguments.
    count: u32,
    /// The results that are wanted; -1 for all.
    wanted: i32,
}

/// Where values go on the stack of a thread that goes on.
struct Landing<'a> {
    /// The slots for all that are wanted.
    targets: &'a [Slot],
    /// Whether the first of them is `true`, by the function that passes them on.
    adds_true: bool,
    arrival: Arrival,
}

/// Where a thread goes on.
#[derive(Clone, Copy)]
struct Arrival {
    /// The Lua frame.
    frame: u32,
    /// The slot above what it is given.
    end: u32,
    /// Whether that is an open list.
    is_open: bool,
}

impl Machine {
    /// Calls the function in slot `window`, for the running Lua frame, if that switches to another coroutine and no more is to be
    /// done for it. Which frame runs next; `None`, with nothing done, if the function is to be called.
    #[inline(always)]
    pub(crate) fn switch_by_call(&mut self, window: u32, count: u32, wanted: i32) -> Option<Next> {
        let Value::NativeClosure(closure) = self.value(window) else { return None };
        let switch = self.natives[self.heap.get(closure).native as usize].switch?;
        self.switch(switch, closure, Call { window, count, wanted })
    }

    #[inline(never)]
    fn switch(&mut self, switch: Switch, closure: Ref<NativeClosure>, call: Call) -> Option<Next> {
        let base = call.window + FRAME_SLOTS;
        if self.hooked || self.budget.get() < CALL_COST as i64 || !self.has_room(base, call.count + 1) {
            return None;
        }
        self.lua.is_departed = false;
        match switch {
            Switch::Resume if call.count == 0 => None,
            Switch::Resume => match self.value(base) {
                Value::Thread(thread) => self.switch_to(thread, call, 1),
                _ => None,
            },
            Switch::Wrapped => match self.heap.native_values(closure).first()?.get() {
                Value::Thread(thread) => {
                    self.set_value(base + call.count, Value::Nil);
                    self.switch_to(thread, call, 0)
                }
                _ => None,
            },
            Switch::Yield => self.switch_from(call),
        }
    }

    /// Resumes a thread with the arguments of a call but for the first `skipped`.
    #[inline(always)]
    fn switch_to(&mut self, thread: Ref<Thread>, call: Call, skipped: u32) -> Option<Next> {
        let (own, object) = (self.get_thread(), self.heap.get(thread));
        let depth = own.native_depth.get() & 0xffff;
        if object.status.get() != SUSPENDED || object.hook_mask.get() != 0 || depth + 1 >= MAX_NATIVE_DEPTH {
            return None;
        }
        let (first, count) = (call.window + FRAME_SLOTS + skipped, call.count - skipped);
        let arrival = self.land(self.landing(thread, count)?, first, count);
        let phase = if skipped == 0 { PASS_ON } else { PASS_ON_TRUE };
        self.write_native_frame(call, phase, first + count);
        self.set_normal();
        let object = self.heap.get(thread);
        object.resumer.set(Some(self.thread));
        object.native_depth.set(object.native_depth.get().wrapping_add(depth + 1));
        Some(self.go_on_in(thread, arrival))
    }

    /// Suspends the running thread with the arguments of a call.
    #[inline(always)]
    fn switch_from(&mut self, call: Call) -> Option<Next> {
        let object = self.get_thread();
        let resumer = object.resumer.get()?;
        if object.native_depth.get() >> 16 != 0 || self.heap.get(resumer).hook_mask.get() != 0 {
            return None;
        }
        let first = call.window + FRAME_SLOTS;
        let arrival = self.land(self.landing(resumer, call.count)?, first, call.count);
        self.write_native_frame(call, PASS_ON, first + call.count);
        let object = self.get_thread();
        object.status.set(SUSPENDED);
        object.resumer.set(None);
        let depth = self.heap.get(resumer).native_depth.get() & 0xffff;
        object.native_depth.set(object.native_depth.get().saturating_sub(depth + 1));
        self.heap.barrier(self.thread);
        self.lua.is_departed = true;
        Some(self.go_on_in(resumer, arrival))
    }

    /// Where a thread whose innermost frame passes on what comes to it takes so many values.
    #[inline(always)]
    fn landing(&self, thread: Ref<Thread>, count: u32) -> Option<Landing<'_>> {
        let object = self.heap.get(thread);
        let slots = self.heap.slots(object.stack.get());
        let base = object.base.get();
        let header = slots.get(base as usize - 1)?;
        let (tag, phase) = (header.tag.get(), header.resume());
        let adds_true = phase == PASS_ON_TRUE;
        if !adds_true && phase != PASS_ON || kind(tag) & (COUNTED | NATIVE | 7) != Return::Call as u32 | NATIVE {
            return None;
        }
        let first = base - FRAME_SLOTS;
        let (end, is_open) = match u32::try_from(wanted(tag)) {
            Ok(wanted) => (first + wanted, false),
            Err(_) => (first + count + u32::from(adds_true), true),
        };
        // An open list leaves the room that frames leave.
        if is_open && (end + STACK_RESERVE) as usize > slots.len() {
            return None;
        }
        let arrival = Arrival { frame: base - header.distance(), end, is_open };
        Some(Landing { targets: slots.get(first as usize..end as usize)?, adds_true, arrival })
    }

    /// Puts `count` values from slot `first` on where they go.
    #[inline(always)]
    fn land(&self, landing: Landing<'_>, first: u32, count: u32) -> Arrival {
        let mut targets = landing.targets.iter();
        if landing.adds_true
            && let Some(target) = targets.next()
        {
            target.set(Value::Boolean(true));
        }
        for index in first..first + count {
            let Some(target) = targets.next() else { break };
            target.copy_from(self.slot(index));
        }
        targets.for_each(|target| target.set(Value::Nil));
        landing.arrival
    }

    /// Writes the frame of a function that passes on what comes to it, and notes in the running thread that it is the running
    /// one, with the slots below `top` in use.
    #[inline(always)]
    fn write_native_frame(&mut self, call: Call, phase: u32, top: u32) {
        self.spend(CALL_COST);
        let base = call.window + FRAME_SLOTS;
        let header = self.slot(base - 1);
        header.payload.set(header_payload(phase, base - self.base));
        header.tag.set(header_tag(Return::Call as u32 | NATIVE, call.wanted));
        header.spare.set(call.count);
        self.base = base;
        self.store_thread(top);
    }

    /// Makes a thread the running one, which goes on in a Lua frame.
    #[inline(always)]
    fn go_on_in(&mut self, thread: Ref<Thread>, Arrival { frame, end, is_open }: Arrival) -> Next {
        self.load_thread(thread);
        self.base = frame;
        if is_open {
            self.open_top = end;
        }
        if self.heap.needs_collection() { self.safepoint(end, Next::Lua) } else { Next::Lua }
    }
}
