//! When functions of Lua are compiled: when they are hot, and anew where their machine code was left often.

use super::tier::GENERATIONS;
use crate::{
    code_cache::Owner,
    frame::HeaderSlot,
    machine::Machine,
    traceback::FrameView,
    typed::native::{Refusal, report::NativeOutcome},
};
use lunette_gc::{function::Prototype, reference::Ref, thread::Thread, value::Value};

/// A function is hot when so many slices of fuel have ended in it, and one more for two instructions: half of what compiling takes.
/// Entries come back after so many, and after twice as many each time if no other function was compiled meanwhile.
const HOT: u32 = 4;
/// Or in functions that it has called, which are compiled: so many frames from it.
const MOST_CALLERS: u32 = 8;
/// And when compiled code has called it so often.
pub(super) const HOT_CALLS: u32 = 2000;
/// A function is compiled anew when it was left so often, and so often for each instruction; twice as often each time.
const LEFT: u32 = 200;
const LEFT_FOR_WORD: u32 = 20;
/// In chaos, functions are compiled anew after so few times, so that tests have what was learnt.
const LEFT_IN_CHAOS: u32 = 16;
/// What was hot and had no room is to be hotter by a factor of two to the power of this.
const NO_ROOM: u32 = 8;

impl Machine {
    /// Whether samples of a function tell nothing new: it was compiled, or will not be.
    pub(crate) fn is_found_out(&self, prototype: Ref<Prototype>) -> bool {
        let function = self.lua.function(prototype, self.heap.get(prototype).native.get());
        function.is_some_and(|function| !function.is_interpreted())
    }

    /// Whether a function has just become hot enough to be compiled, when a slice of fuel has ended in it.
    pub(crate) fn heat_lua(&mut self, prototype: Ref<Prototype>) -> bool {
        if self.lua.compile.is_none() {
            return false;
        }
        let (number, slices) = (self.lua_number(prototype), self.ended_slices());
        let compiled_count = self.lua.compiled_count;
        let function = self.lua.record_mut(number);
        function.heat = function.heat.saturating_add(slices);
        let function = self.lua.record(number);
        let needed = match function.address {
            None if function.outcome == NativeOutcome::Refused(Refusal::NoRoom) => (HOT + function.words) << NO_ROOM,
            None => HOT + function.words / 2,
            Some(_) if function.compiled_before != compiled_count => HOT,
            Some(_) => HOT << function.retreats.min(8),
        };
        let is_hot = function.heat >= needed;
        is_hot && (function.is_partial || function.is_interpreted() && self.may_compile(Owner::Lua(number)))
    }

    /// A slice of fuel has ended where Lua is interpreted. If the running function is compiled, it is its callers' code that is
    /// missing: they become hotter, up to the first that is not compiled, past native functions and into the resumer. The one that has
    /// just become hot, which may not have been sampled yet.
    pub(crate) fn heat_callers(&mut self) -> Option<Ref<Prototype>> {
        let mut frame = FrameView { thread: self.thread, base: self.base };
        for _ in 0..=MOST_CALLERS {
            match self.frame_function(frame) {
                Value::Closure(closure) => {
                    let prototype = self.prototype_of(closure);
                    let function = self.lua.function(prototype, self.heap.get(prototype).native.get());
                    let is_compiled = function.is_some_and(|function| !function.is_interpreted());
                    function.inspect(|function| function.is_used.set(true));
                    let is_running = frame.base == self.base && frame.thread == self.thread;
                    if !is_running && self.heat_lua(prototype) {
                        return Some(prototype);
                    }
                    if !is_compiled {
                        return None;
                    }
                }
                Value::NativeClosure(_) => {}
                _ => return None,
            }
            frame = self.caller_of(frame).or_else(|| self.resuming_frame(frame.thread))?;
        }
        None
    }

    /// The innermost frame of the thread that has resumed another.
    fn resuming_frame(&self, thread: Ref<Thread>) -> Option<FrameView> {
        let thread = self.heap.get(thread).resumer.get()?;
        Some(FrameView { thread, base: self.heap.get(thread).base.get() })
    }

    /// Compiled code has called the running function of Lua, which is not compiled. `false` if the loop is to be left.
    pub(super) fn called_by_machine_code(&mut self) -> bool {
        let prototype = self.running_prototype();
        let number = self.lua_number(prototype);
        let function = self.lua.record_mut(number);
        function.calls = function.calls.saturating_add(1);
        let is_called_often = function.is_called_often();
        let (outcome, is_last) = (function.outcome, function.generation >= GENERATIONS);
        if !is_called_often || !self.may_compile(Owner::Lua(number)) {
            return true;
        }
        match outcome {
            NativeOutcome::Interpreted => self.sample_and_compile(prototype),
            // A chunk, of which there are only the loops.
            NativeOutcome::Compiled { .. } if !is_last => {
                self.compile_lua(prototype);
                true
            }
            _ => true,
        }
    }

    /// Compiled code was left before the instruction at the running frame's resume point, for what it has met.
    #[cold]
    pub(super) fn left_machine_code(&mut self) {
        self.observe();
        let prototype = self.running_prototype();
        let word = self.header(self.base).resume() - (self.heap.get(prototype).code.units() + 1);
        let number = self.lua_number(prototype);
        *self.lua.record_mut(number).exits.entry(word).or_default() += 1;
        let is_chaotic = self.lua.compiling().is_chaotic();
        let function = self.lua.record_mut(self.lua.exit_number);
        function.left += 1;
        let enough = if is_chaotic { LEFT_IN_CHAOS } else { LEFT + LEFT_FOR_WORD * function.words };
        if function.generation < GENERATIONS
            && function.left >= enough << function.generation
            && let Some(prototype) = function.prototype
        {
            self.compile_lua(prototype);
        }
    }

    /// A function is hot: it is compiled, or its entries come back.
    pub(crate) fn make_lua_native(&mut self, prototype: Ref<Prototype>) {
        let number = self.lua_number(prototype);
        let function = self.lua.record_mut(number);
        function.heat = 0;
        match function.address {
            None => self.compile_lua(prototype),
            Some(_) => self.mark_entries(prototype, number),
        }
    }
}
