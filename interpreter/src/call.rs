//! Calls and returns that the dispatch loop does not do itself.

use crate::{
    dispatch::state::Status,
    error::Throw,
    execute::Exit,
    feedback::Sampling,
    frame::{
        COUNTED, FRAME_SLOTS, HeaderSlot, NATIVE, Return, TAIL_CALLED, UNYIELDABLE, VARIADIC, header_payload,
        header_tag, kind, return_kind, wanted,
    },
    host::Ticket,
    machine::{MAX_STACK, Machine, Outcome, STACK_EMERGENCY, STACK_RESERVE},
    metamethod::Event,
    native::{CALL_COST, Frame, Left, Native, NativeFunction, PASS_ON, PASS_ON_TRUE, Step, THROWN},
};
use lunette_gc::{
    function::{Closure, NativeClosure, Prototype},
    reference::Ref,
    value::Value,
};

/// Which frame runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The running frame is a Lua function's.
    Lua,
    /// The running frame is a WebAssembly function's.
    Typed,
    /// The running frame is a native function's, to be called in its phase.
    Native,
    /// None: the loop is left.
    Leave,
}

/// Levels of nested native calls that are allowed, as PUC's `LUAI_MAXCCALLS`.
pub(crate) const MAX_NATIVE_DEPTH: u32 = 200;
/// Fuel for a request to the host.
const REQUEST_COST: u64 = 500;

impl Machine {
    /// Runs native frames until a Lua frame runs or the loop is to be left.
    #[inline(always)]
    pub(crate) fn drive(&mut self, next: Next) -> Status {
        let is_plain = !self.limits.is_stop_due()
            && !self.hooked
            && self.limits.sampling != Sampling::Due
            && !self.may_begin_machine_code();
        if next == Next::Lua && is_plain { Status::Reload } else { self.drive_apart(next) }
    }

    #[inline(never)]
    fn drive_apart(&mut self, mut next: Next) -> Status {
        loop {
            if self.limits.is_sample_due {
                self.take_profile_sample();
            }
            if self.limits.is_snapshot_due {
                next = self.offer_due_snapshot(next);
            }
            match next {
                Next::Lua if self.hooked => return Status::Leave,
                Next::Lua if self.limits.sampling == Sampling::Due => return self.sample(),
                Next::Lua if self.may_begin_machine_code() => match self.run_called_back() {
                    Some(after) => next = after,
                    None => return Status::Reload,
                },
                Next::Lua | Next::Typed => return Status::Reload,
                Next::Leave => return Status::Leave,
                Next::Native => next = self.step_native().unwrap_or_else(|throw| self.unwind(throw)),
            }
        }
    }

    /// Handles an error of the running Lua frame.
    pub(crate) fn raise(&mut self, throw: Throw) -> Status {
        let next = self.unwind(throw);
        self.drive(next)
    }

    /// Makes room for `slots` slots from slot `from` on, and the reserve.
    #[inline]
    pub fn ensure_stack(&mut self, from: u32, slots: u32) -> Result<(), Throw> {
        let needed = u64::from(from) + u64::from(slots) + u64::from(STACK_RESERVE);
        if needed <= u64::from(self.stack_length) { Ok(()) } else { self.grow_stack(needed) }
    }

    /// Whether there are so many slots from slot `from` on.
    pub(crate) fn has_room(&self, from: u32, slots: u32) -> bool {
        u64::from(from) + u64::from(slots) + u64::from(STACK_RESERVE) <= u64::from(self.stack_length)
    }

    /// As many slots as a native function wants from slot `from` on; `false` if no stack may have them.
    pub fn reserve_slots(&mut self, from: u32, slots: u64) -> Result<bool, Throw> {
        if slots > u64::from(MAX_STACK) || u64::from(from) + slots > u64::from(MAX_STACK) {
            return Ok(false);
        }
        self.ensure_stack(from, slots as u32)?;
        Ok(true)
    }

    #[cold]
    fn grow_stack(&mut self, needed: u64) -> Result<(), Throw> {
        if needed > u64::from(MAX_STACK + STACK_RESERVE) {
            // In the emergency room already: the overflow happened while an overflow was handled.
            if self.is_overflowing() && needed <= u64::from(self.stack_length) {
                return Ok(());
            }
            self.open_emergency_room()?;
            return Err(self.runtime_error(format_args!("stack overflow")));
        }
        let length = needed.max(u64::from(self.stack_length) * 2).min(u64::from(MAX_STACK + STACK_RESERVE));
        self.resize_stack(length as u32)
    }

    /// Whether the stack has the room in which an overflow is handled.
    pub(crate) fn is_overflowing(&self) -> bool {
        self.stack_length > MAX_STACK + STACK_RESERVE
    }

    /// Gives the stack, of which nothing is left, room for an overflow to be handled in. An error if that is used up, too.
    pub(crate) fn open_emergency_room(&mut self) -> Result<(), Throw> {
        if self.is_overflowing() {
            return Err(self.error_in_error_handling());
        }
        self.resize_stack(MAX_STACK + STACK_RESERVE + STACK_EMERGENCY)
    }

    /// Gives the running thread a stack of `length` slots with the same content.
    pub(crate) fn resize_stack(&mut self, length: u32) -> Result<(), Throw> {
        let new = self.heap.new_slot_array(length)?;
        let old = self.get_thread().stack.get();
        for (from, to) in self.heap.slots(old).iter().zip(self.heap.slots(new)) {
            to.payload.set(from.payload.get());
            to.tag.set(from.tag.get());
            to.spare.set(from.spare.get());
        }
        self.get_thread().stack.set(new);
        self.heap.barrier(self.thread);
        self.adopt_stack();
        Ok(())
    }

    /// Counts one more level of native nesting, and one more that cannot be yielded across if `unyieldable`; gives the
    /// bits for the frame's kind. The levels beyond the limit are for error handlers.
    #[inline(always)]
    pub(crate) fn enter_native_level(&mut self, unyieldable: bool, handler: bool) -> Result<u32, Throw> {
        let depth = self.get_thread().native_depth.get();
        if (depth & 0xffff) + 1 >= MAX_NATIVE_DEPTH {
            self.check_native_depth((depth & 0xffff) + 1, handler)?;
        }
        self.get_thread().native_depth.set(depth.wrapping_add(1 + (u32::from(unyieldable) << 16)));
        Ok(COUNTED | if unyieldable { UNYIELDABLE } else { 0 })
    }

    #[cold]
    fn check_native_depth(&self, level: u32, handler: bool) -> Result<(), Throw> {
        if level == MAX_NATIVE_DEPTH && !handler {
            return Err(self.runtime_error(format_args!("C stack overflow")));
        }
        if level >= MAX_NATIVE_DEPTH / 10 * 11 {
            return Err(self.error_in_error_handling());
        }
        Ok(())
    }

    /// Uncounts what the frame's kind says was counted.
    #[inline(always)]
    pub(crate) fn leave_native_level(&mut self, kind: u32) {
        if kind & COUNTED != 0 {
            let thread = self.get_thread();
            let unyieldable = u32::from(kind & UNYIELDABLE != 0);
            thread.native_depth.set(thread.native_depth.get().wrapping_sub(1 + (unyieldable << 16)));
        }
    }

    /// Enters the function in slot `function` with `count` arguments from two slots above it on.
    ///
    /// The running frame becomes the callee's; its caller is the frame that runs now, whose header must hold its
    /// resume point.
    pub(crate) fn push_call(
        &mut self,
        function: u32,
        count: u32,
        wanted: i32,
        return_kind: Return,
        flags: u32,
    ) -> Result<Next, Throw> {
        self.push_call_of_kind(function, count, wanted, return_kind as u32 | flags)
    }

    /// As `push_call`, with all bits of the frame's kind in one.
    pub(crate) fn push_call_of_kind(
        &mut self,
        function: u32,
        count: u32,
        wanted: i32,
        kind: u32,
    ) -> Result<Next, Throw> {
        match self.value(function) {
            Value::Closure(closure) => self.push_lua(closure, function, count, wanted, kind),
            Value::NativeClosure(closure) => {
                self.push_native(closure, function, count, wanted, kind)?;
                Ok(Next::Native)
            }
            Value::TypedFunction(typed) => self.push_typed(typed, function, count, wanted, kind),
            _ => self.with_function(function, count, |machine, count| {
                machine.push_call_of_kind(function, count, wanted, kind)
            }),
        }
    }

    /// Enters, by `enter`, what `__call` leads to from a callee that may be no function; `enter` is told the number of
    /// arguments. If that fails the window is as it was, so that the call can be tried again.
    pub(crate) fn with_function(
        &mut self,
        function: u32,
        count: u32,
        enter: impl FnOnce(&mut Machine, u32) -> Result<Next, Throw>,
    ) -> Result<Next, Throw> {
        let mut resolved = count;
        let entered = self.resolve_callee(function, &mut resolved).and_then(|()| enter(self, resolved));
        if entered.is_err() && resolved > count {
            let arguments = function + FRAME_SLOTS + resolved - count;
            self.copy_slot(arguments - 1, function);
            self.copy_slots(arguments, function + FRAME_SLOTS, count);
        }
        entered
    }

    /// Puts what `__call` leads to in the place of a callee that is no function, which becomes the first of the `count`
    /// arguments.
    fn resolve_callee(&mut self, function: u32, count: &mut u32) -> Result<(), Throw> {
        loop {
            let callee = self.value(function);
            if callee.is_function() {
                return Ok(());
            }
            let metamethod = self.metamethod(callee, Event::Call);
            if metamethod.is_nil() {
                return Err(self.call_error(function));
            }
            // Such a chain may be endless.
            self.charge(u64::from(*count) + 1)?;
            self.ensure_stack(function + FRAME_SLOTS, *count + 1)?;
            self.copy_slots(function + FRAME_SLOTS, function + FRAME_SLOTS + 1, *count);
            self.set_value(function + FRAME_SLOTS, callee);
            self.set_value(function, metamethod);
            *count += 1;
        }
    }

    /// Makes the frame of a native function; gives it and the function's code.
    #[inline(always)]
    pub(crate) fn push_native(
        &mut self,
        closure: Ref<NativeClosure>,
        function: u32,
        count: u32,
        wanted: i32,
        kind: u32,
    ) -> Result<(Frame, NativeFunction), Throw> {
        let Native { function: code, slots, .. } = self.natives[self.heap.get(closure).native as usize];
        let base = function + FRAME_SLOTS;
        self.ensure_stack(base, count + slots)?;
        self.charge(CALL_COST)?;
        let window = base + count + slots;
        for local in base + count..window {
            self.set_value(local, Value::Nil);
        }
        let header = self.slot(base - 1);
        header.payload.set(header_payload(0, base - self.base));
        header.tag.set(header_tag(kind | NATIVE, wanted));
        header.spare.set(count);
        self.base = base;
        Ok((Frame::new(base, count, 0, window), code))
    }

    #[inline(always)]
    fn push_lua(
        &mut self,
        closure: Ref<Closure>,
        function: u32,
        count: u32,
        wanted: i32,
        kind: u32,
    ) -> Result<Next, Throw> {
        let reference = self.prototype_of(closure);
        let prototype = self.heap.get(reference);
        let registers = u32::from(prototype.register_count);
        let slots = if prototype.is_variadic != 0 { count + FRAME_SLOTS + registers } else { registers.max(count) };
        let cost = prototype.entry_cost;
        self.ensure_stack(function + FRAME_SLOTS, slots)?;
        self.charge(cost.into())?;
        self.base = self.place_frame(reference, function, count, wanted, kind);
        self.lua.begun = self.base;
        if self.hooked {
            // The frame is there: an error of the hook is the callee's.
            let hook = self.call_hook(kind & TAIL_CALLED != 0);
            return Ok(hook.map_or_else(|throw| self.unwind(throw), |next| next.unwrap_or(Next::Lua)));
        }
        Ok(Next::Lua)
    }

    /// Makes the frame of a function of Lua, for which there is room; its register 0. The running frame is the caller.
    #[inline(always)]
    pub(crate) fn place_frame(
        &self,
        prototype: Ref<Prototype>,
        function: u32,
        count: u32,
        wanted: i32,
        mut kind: u32,
    ) -> u32 {
        let prototype = self.heap.get(prototype);
        let parameters = u32::from(prototype.parameter_count);
        let code = prototype.code.units() + 1;
        let mut base = function + FRAME_SLOTS;
        if prototype.is_variadic != 0 {
            let arguments = base;
            base += count + FRAME_SLOTS;
            self.copy_slot(function, base - FRAME_SLOTS);
            for index in 0..parameters {
                if index < count {
                    self.copy_slot(arguments + index, base + index);
                    self.set_value(arguments + index, Value::Nil);
                } else {
                    self.set_value(base + index, Value::Nil);
                }
            }
            // The slot of the unused header must not be taken for one.
            self.set_value(function + 1, Value::Nil);
            kind |= VARIADIC;
        } else {
            for index in count..parameters {
                self.set_value(base + index, Value::Nil);
            }
        }
        let header = self.slot(base - 1);
        header.payload.set(header_payload(code, base - self.base));
        header.tag.set(header_tag(kind, wanted));
        header.spare.set(count);
        base
    }

    /// Calls a function from the middle of an instruction, which `finish` finishes with the result.
    pub(crate) fn call_metamethod<const COUNT: usize>(
        &mut self,
        function: Value,
        arguments: [Value; COUNT],
        wanted: i32,
    ) -> Outcome {
        let next = self.push_metamethod(function, arguments, wanted)?;
        Ok(self.drive(next))
    }

    /// As `call_metamethod`, but the caller drives.
    #[inline(always)]
    pub(crate) fn push_metamethod<const COUNT: usize>(
        &mut self,
        function: Value,
        arguments: [Value; COUNT],
        wanted: i32,
    ) -> Result<Next, Throw> {
        let window = self.place_metamethod(function, arguments);
        let flags = self.enter_native_level(false, false)?;
        let kind = Return::Finish as u32 | flags;
        let count = COUNT as u32;
        let pushed = match function {
            Value::Closure(closure) => self.push_lua(closure, window, count, wanted, kind),
            _ => self.push_call_of_kind(window, count, wanted, kind),
        };
        pushed.inspect_err(|_| self.leave_native_level(flags))
    }

    /// Puts a function and its arguments above the running frame, which is a Lua function's; at which slot that is.
    #[inline(always)]
    pub(crate) fn place_metamethod<const COUNT: usize>(&self, function: Value, arguments: [Value; COUNT]) -> u32 {
        let registers = self.heap.get(self.running_prototype()).register_count;
        let window = self.base + u32::from(registers);
        // Frames leave room for this.
        self.set_value(window, function);
        for (slot, argument) in self.slots::<COUNT>(window + FRAME_SLOTS).iter().zip(arguments) {
            slot.set(argument);
        }
        window
    }

    /// Calls a function with a few arguments in the window at slot `window`.
    pub(crate) fn push_values_at(
        &mut self,
        window: u32,
        function: Value,
        arguments: &[Value],
        wanted: i32,
        return_kind: Return,
        unyieldable: bool,
    ) -> Result<Next, Throw> {
        // Frames leave room for this.
        self.set_value(window, function);
        for (index, &value) in arguments.iter().enumerate() {
            self.set_value(window + FRAME_SLOTS + index as u32, value);
        }
        let flags = self.enter_native_level(unyieldable, return_kind == Return::Handler)?;
        match self.push_call(window, arguments.len() as u32, wanted, return_kind, flags) {
            Ok(next) => Ok(next),
            Err(throw) => {
                self.leave_native_level(flags);
                Err(throw)
            }
        }
    }

    /// The running native frame.
    pub(crate) fn native_frame(&self) -> Frame {
        let header = self.header(self.base);
        Frame::new(self.base, header.argument_count(), header.resume(), self.frame_top())
    }

    /// Calls the running native frame's function in its phase and does what it says.
    #[inline(always)]
    fn step_native(&mut self) -> Result<Next, Throw> {
        let Some(closure) = self.native_closure_of(self.base) else {
            return Ok(Next::Leave);
        };
        let Native { function, slots, yieldable, .. } = self.natives[self.heap.get(closure).native as usize];
        let header = self.header(self.base);
        let (count, phase) = (header.argument_count(), header.resume());
        let frame = Frame::new(self.base, count, phase, self.base + count + slots);
        if self.hooked
            && phase == 0
            && let Some(next) = self.call_hook(kind(header.tag.get()) & TAIL_CALLED != 0)?
        {
            return Ok(next);
        }
        if matches!(phase, PASS_ON | PASS_ON_TRUE) {
            let (first, count) = self.passed_on(phase, frame.window(), frame.result_count(self));
            return self.return_from(first, count);
        }
        let mut result = function(self, frame);
        if result.is_err_and(|throw| throw == Throw::Memory) {
            self.collect_fully(self.native_top(frame));
            result = {
                let frame = self.native_frame();
                function(self, frame)
            };
        }
        match &result {
            &Ok(Step::Call { count }) => self.call_back(frame, count, yieldable),
            Ok(step) => self.take_step(frame, step),
            &Err(throw) => {
                self.header(frame.base()).set_resume(THROWN);
                Err(throw)
            }
        }
    }

    /// Does what a native function says. The step is read where it was written: a copy of it would wait for the stores.
    #[inline(always)]
    pub(crate) fn take_step(&mut self, frame: Frame, step: &Step) -> Result<Next, Throw> {
        match *step {
            Step::Return { first, count } => self.return_from(first, count),
            Step::Call { count } => {
                let native = self.heap.get(frame.closure(self)).native;
                self.call_back(frame, count, self.natives[native as usize].yieldable)
            }
            Step::TailCall { count } => self.tail_call_from(frame.window(), count),
            Step::Yield { first, count } => self.yield_values(frame, first, count),
            Step::Resume { thread, first, count } => self.resume_thread(thread, first, count),
            Step::CloseThread { thread } => self.close_thread(thread),
            Step::Wait(ticket) => self.wait(ticket),
            Step::Snapshot => self.snapshot_for_program(),
            Step::Continue => self.go_on(frame),
            Step::Left(Left(next)) => Ok(next),
        }
    }

    /// Calls the function in a native function's window, to come back to it.
    #[inline(always)]
    fn call_back(&mut self, frame: Frame, count: u32, yieldable: bool) -> Result<Next, Throw> {
        let flags = self.enter_native_level(!yieldable, false)?;
        let pushed = match self.value(frame.window()) {
            Value::Closure(closure) => self.push_lua(closure, frame.window(), count, -1, Return::Native as u32 | flags),
            _ => self.push_call(frame.window(), count, -1, Return::Native, flags),
        };
        match pushed {
            Ok(next) => Ok(next),
            Err(throw) => self.push_again(throw, frame.window(), count, -1, Return::Native, flags),
        }
    }

    /// Makes a call again that has failed by `throw`, after a collection if memory was lacking; no instruction is tried
    /// again for it. If it fails for good, what was counted for it is uncounted.
    #[cold]
    fn push_again(
        &mut self,
        throw: Throw,
        function: u32,
        count: u32,
        wanted: i32,
        return_kind: Return,
        flags: u32,
    ) -> Result<Next, Throw> {
        let mut pushed = Err(throw);
        if throw == Throw::Memory {
            self.collect_fully(function + FRAME_SLOTS + count);
            pushed = self.push_call(function, count, wanted, return_kind, flags);
        }
        pushed.inspect_err(|_| self.leave_native_level(flags))
    }

    /// Waits for the host's answer to a native function's request, and calls the function again.
    fn wait(&mut self, ticket: Ticket) -> Result<Next, Throw> {
        self.charge(REQUEST_COST)?;
        while self.response.is_none() {
            self.response = self.host.complete(ticket);
            if self.response.is_none() {
                self.look_at_limits()?;
                // Without an answer the function asks again, here or where a snapshot is restored.
                if self.limits.is_snapshot_due && self.host.withdraw(ticket) {
                    break;
                }
            }
        }
        Ok(Next::Native)
    }

    /// Calls a native function again, after a safepoint.
    fn go_on(&mut self, frame: Frame) -> Result<Next, Throw> {
        self.charge(1)?;
        Ok(if self.heap.needs_collection() { self.safepoint(frame.window(), Next::Native) } else { Next::Native })
    }

    /// Replaces the running frame by a call of the function in slot `window`.
    pub(crate) fn tail_call_from(&mut self, window: u32, count: u32) -> Result<Next, Throw> {
        let header = self.header(self.base);
        let (tag, distance) = (header.tag.get(), header.distance());
        let function = self.window_of(self.base);
        let previous = self.base - distance;
        self.copy_slots(window, function, 1);
        self.copy_slots(window + FRAME_SLOTS, function + FRAME_SLOTS, count);
        let flags = kind(tag) & (COUNTED | UNYIELDABLE) | TAIL_CALLED;
        self.base = previous;
        let (wanted, return_kind) = (wanted(tag), return_kind(tag));
        match self.push_call(function, count, wanted, return_kind, flags) {
            Ok(next) => Ok(next),
            // The frame is gone: this is all that can be tried again.
            Err(throw) => self.push_again(throw, function, count, wanted, return_kind, flags),
        }
    }

    /// Slot of the function of the frame's call window: where its results go.
    #[inline(always)]
    pub(crate) fn window_of(&self, base: u32) -> u32 {
        let header = self.header(base);
        let function = base - FRAME_SLOTS;
        if kind(header.tag.get()) & VARIADIC != 0 { function - header.argument_count() - FRAME_SLOTS } else { function }
    }

    /// Moves results to where the caller wants them and sets the open top if it wants all.
    #[inline(always)]
    pub(crate) fn deliver(&mut self, first: u32, count: u32, to: u32, wanted: i32) {
        if wanted == 1 && count >= 1 {
            self.copy_slot(first, to);
        } else if wanted != 0 {
            self.deliver_list(first, count, to, wanted);
        }
    }

    fn deliver_list(&mut self, first: u32, count: u32, to: u32, wanted: i32) {
        if wanted < 0 {
            self.copy_slots(first, to, count);
            self.open_top = to + count;
            return;
        }
        let wanted = wanted as u32;
        let given = count.min(wanted);
        self.copy_slots(first, to, given);
        for index in given..wanted {
            self.set_value(to + index, Value::Nil);
        }
    }

    /// What a function in a phase of passing on returns when `count` values have come back, from slot `first` on. The
    /// slot before them is the header of a frame that was left, or needed no more by the function.
    #[inline(always)]
    pub(crate) fn passed_on(&self, phase: u32, first: u32, count: u32) -> (u32, u32) {
        if phase != PASS_ON_TRUE {
            return (first, count);
        }
        self.set_value(first - 1, Value::Boolean(true));
        (first - 1, count + 1)
    }

    /// Leaves the running frame with `count` results from slot `first` on.
    pub(crate) fn return_from(&mut self, mut first: u32, mut count: u32) -> Result<Next, Throw> {
        while !self.hooked {
            let header = self.header(self.base);
            let tag = header.tag.get();
            let caller = self.base - header.distance();
            let to = self.window_of(self.base);
            match return_kind(tag) {
                Return::Native => {}
                Return::Finish if !self.is_typed(caller) => {
                    let result = if count == 0 { Value::Nil } else { self.value(first) };
                    self.leave_native_level(kind(tag));
                    self.base = caller;
                    return self.finish_instruction(result);
                }
                Return::Call => {
                    self.leave_native_level(kind(tag));
                    return Ok(self.return_to_lua(first, count, to));
                }
                _ => break,
            }
            let phase = self.header(caller).resume();
            self.leave_native_level(kind(tag));
            self.base = caller;
            if !matches!(phase, PASS_ON | PASS_ON_TRUE) {
                return Ok(self.return_to_native(first, count, to));
            }
            (first, count) = self.passed_on(phase, first, count);
        }
        self.return_to(first, count)
    }

    /// Gives results to the running native frame, in its window at slot `to`.
    #[inline(always)]
    fn return_to_native(&mut self, first: u32, count: u32, to: u32) -> Next {
        self.copy_slots(first, to, count);
        self.open_top = to + count;
        if self.heap.needs_collection() { self.safepoint(self.open_top, Next::Native) } else { Next::Native }
    }

    /// Leaves the running frame for that of Lua which has called it, and wants the results in its window at slot `to`.
    #[inline(always)]
    fn return_to_lua(&mut self, first: u32, count: u32, to: u32) -> Next {
        let header = self.header(self.base);
        let (tag, caller) = (header.tag.get(), self.base - header.distance());
        self.base = caller;
        self.deliver(first, count, to, wanted(tag));
        // Lua functions have safepoints of their own.
        if kind(tag) & NATIVE == 0 || !self.heap.needs_collection() {
            return Next::Lua;
        }
        let top = u32::try_from(wanted(tag)).map_or(self.open_top, |wanted| to + wanted);
        self.safepoint(top, Next::Lua)
    }

    /// Leaves the running frame for the one below, which is to take the results itself.
    #[inline(never)]
    fn return_to(&mut self, first: u32, count: u32) -> Result<Next, Throw> {
        let base = self.base;
        if self.hooked
            && let Some(next) = self.return_hook(first, count)?
        {
            return Ok(next);
        }
        let header = self.header(base);
        let (tag, distance) = (header.tag.get(), header.distance());
        let to = self.window_of(base);
        self.leave_native_level(kind(tag));
        let caller = base - distance;
        match return_kind(tag) {
            Return::Call => Ok(self.return_to_lua(first, count, to)),
            Return::Native => {
                self.base = caller;
                Ok(self.return_to_native(first, count, to))
            }
            Return::Finish => {
                self.base = caller;
                if self.is_typed_frame() {
                    return self.finish_host_call(first, count, to);
                }
                let result = if count == 0 { Value::Nil } else { self.value(first) };
                self.finish_instruction(result)
            }
            Return::Exit => {
                self.base = caller;
                self.deliver(first, count, to, -1);
                self.exit = Exit::Returned { first: to, count };
                Ok(Next::Leave)
            }
            Return::Closing | Return::Interlude => {
                self.base = caller;
                self.end_interlude(to)
            }
            Return::Handler => {
                let result = if count == 0 { Value::Nil } else { self.value(first) };
                self.base = caller;
                self.throw(result);
                Ok(self.unwind_frames())
            }
            Return::Coroutine => self.finish_thread(first, count),
        }
    }
}
