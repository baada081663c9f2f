//! Switches between coroutines: values go from one Lua frame to the other. The first resume, and what is not a function of the
//! library on the other side, take [`crate::coroutine`].

use super::Call;
use crate::{
    call::{MAX_NATIVE_DEPTH, Next},
    coroutine::SUSPENDED,
    frame::{COUNTED, FRAME_SLOTS, HeaderSlot, NATIVE, Return, kind, wanted},
    machine::{Machine, STACK_RESERVE},
    native::{PASS_ON, PASS_ON_TRUE, Role},
};
use lunette_gc::{
    function::{NativeClosure, Prototype},
    reference::Ref,
    thread::Thread,
    value::{Slot, Tag, Value},
};

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
    /// The thread that a call of a function of this role resumes, and how many arguments that one is not given.
    #[inline(always)]
    pub(crate) fn resumed_thread(
        &self,
        role: Role,
        closure: Ref<NativeClosure>,
        call: Call,
    ) -> Option<(Ref<Thread>, u32)> {
        let (place, skipped) = match role {
            Role::Resume if call.count > 0 => (self.slot(call.window + FRAME_SLOTS), 1),
            Role::Wrapped => (self.heap.native_values(closure).first()?, 0),
            _ => return None,
        };
        match place.get() {
            Value::Thread(thread) => Some((thread, skipped)),
            _ => None,
        }
    }

    /// Of a thread whose innermost frame passes on what comes to it, the function of the Lua frame that goes on, and where.
    #[inline(always)]
    pub(crate) fn resume_point(&self, thread: Ref<Thread>) -> Option<(Ref<Prototype>, u32)> {
        let object = self.heap.get(thread);
        let slots = self.heap.slots(object.stack.get());
        let base = object.base.get();
        let frame = (base - slots.get(base as usize - 1)?.distance()) as usize;
        let (function, header) = (slots.get(frame - FRAME_SLOTS as usize)?, slots.get(frame - 1)?);
        if function.tag.get() != Tag::Closure as u32 {
            return None;
        }
        let Value::Closure(closure) = function.get() else { return None };
        Some((self.prototype_of(closure), header.resume()))
    }

    /// Resumes a thread with the arguments of a call but for the first `skipped`.
    #[inline(always)]
    pub(crate) fn switch_to(&mut self, thread: Ref<Thread>, call: Call, skipped: u32) -> Option<Next> {
        let (own, object) = (self.get_thread(), self.heap.get(thread));
        let depth = own.native_depth.get() & 0xffff;
        if object.status.get() != SUSPENDED || object.hook_mask.get() != 0 || depth + 1 >= MAX_NATIVE_DEPTH {
            return None;
        }
        let (first, count) = (call.window + FRAME_SLOTS + skipped, call.count - skipped);
        let arrival = self.land(self.landing(thread, count)?, first, count);
        let phase = if skipped == 0 { PASS_ON } else { PASS_ON_TRUE };
        if skipped == 0 {
            // The local of the function.
            self.set_value(first + count, Value::Nil);
        }
        self.write_native_frame(call, phase);
        self.store_thread(first + count);
        self.set_normal();
        let object = self.heap.get(thread);
        object.resumer.set(Some(self.thread));
        object.native_depth.set(object.native_depth.get().wrapping_add(depth + 1));
        Some(self.go_on_in(thread, arrival))
    }

    /// Suspends the running thread with the arguments of a call.
    #[inline(always)]
    pub(crate) fn switch_from(&mut self, call: Call) -> Option<Next> {
        let object = self.get_thread();
        let resumer = object.resumer.get()?;
        if object.native_depth.get() >> 16 != 0 || self.heap.get(resumer).hook_mask.get() != 0 {
            return None;
        }
        let first = call.window + FRAME_SLOTS;
        let arrival = self.land(self.landing(resumer, call.count)?, first, call.count);
        self.write_native_frame(call, PASS_ON);
        self.store_thread(first + call.count);
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
