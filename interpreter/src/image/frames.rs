//! Whether the frames of a thread that was read can be gone on with: the machine trusts its frames.
//!
//! What the verifier is to code, this is to frames. A frame goes on where an instruction of its function begins; what its
//! callee leaves goes where the instruction before that expects it, and nothing lies outside of the stack. What native
//! functions find in their locals is their own business: programs, too, can change that by way of the library `debug`.

use super::{error::Refusal, reader::Reader};
use crate::{
    closing::{Afterwards, INTERLUDE_SLOTS},
    coroutine::{
        CLOSING, CLOSING_FAILED, DEAD, FAILED, NORMAL, NORMAL_CLOSING, NORMAL_CLOSING_FAILED, RUNNING, SUSPENDED,
    },
    frame::{COUNTED, FRAME_SLOTS, NATIVE, Return, UNYIELDABLE, VARIADIC, return_kind},
    machine::{Machine, STACK_RESERVE},
    native::PASS_ON,
};
use lunette_bytecode::instruction::{Effect, Opcode, Word};
use lunette_gc::{function::Prototype, reference::Ref, thread::Thread, value::Value};

/// A frame as an image has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameRecord {
    /// Index of register 0.
    pub base: u32,
    /// Slots from the caller's register 0; 0 for the bottom frame.
    pub distance: u32,
    /// A [`Return`] and the bits beside it.
    pub kind: u32,
    /// Number of results that the caller wants.
    pub wanted: i32,
    /// Number of the next instruction, or the phase of a native function.
    pub resume: u32,
    /// Number of arguments.
    pub count: u32,
}

impl FrameRecord {
    fn returns(&self) -> Return {
        return_kind(self.kind << 8)
    }

    fn is_native(&self) -> bool {
        self.kind & NATIVE != 0
    }

    /// Slot of the function of its call window.
    fn window(&self) -> Option<u32> {
        let function = self.base.checked_sub(FRAME_SLOTS)?;
        if self.kind & VARIADIC == 0 {
            Some(function)
        } else {
            function.checked_sub(self.count)?.checked_sub(FRAME_SLOTS)
        }
    }
}

type Rule = Result<(), &'static str>;

fn ensure(condition: bool, rule: &'static str) -> Rule {
    if condition { Ok(()) } else { Err(rule) }
}

impl Reader<'_, '_> {
    /// Checks the frames of a thread.
    pub(super) fn check_frames(&self, thread: Ref<Thread>, frames: &[FrameRecord]) -> Result<(), Refusal> {
        self.machine.check_thread(thread, frames).map_err(|rule| self.decoder.malformed(rule))
    }

    /// Checks how the threads hang together, when all of them and the roots are read. `is_running` says that the machine
    /// is to go on.
    pub(super) fn check_threads(&self, is_running: bool) -> Result<(), Refusal> {
        self.machine.check_chain(&self.threads, is_running).map_err(|rule| self.decoder.malformed(rule))
    }
}

impl Machine {
    fn check_thread(&self, thread: Ref<Thread>, frames: &[FrameRecord]) -> Rule {
        let object = self.heap.get(thread);
        let is_main = match self.heap.root(crate::machine::roots::MAIN_THREAD).get() {
            Value::Thread(main) => main == thread,
            _ => false,
        };
        let length = self.heap.get(object.stack.get()).length();
        let (mut counted, mut unyieldable) = (0, 0);
        let mut was_left = false;
        for (number, frame) in frames.iter().enumerate() {
            // A native function that has put its result in its place is only left, when the hook for that has run.
            ensure(!was_left || self.runs_at_return(thread, frame), "the function of a frame")?;
            was_left = number > 0 && self.is_left(thread, frame);
            ensure(frame.kind & !0xff == 0, "kind of a frame")?;
            ensure(frame.kind & UNYIELDABLE == 0 || frame.kind & COUNTED != 0, "kind of a frame")?;
            counted += u32::from(frame.kind & COUNTED != 0);
            unyieldable += u32::from(frame.kind & UNYIELDABLE != 0);
            let end = match number.checked_sub(1) {
                None => self.check_bottom(thread, frame, is_main)?,
                Some(caller) => {
                    let end = self.check_frame(thread, frame)?;
                    self.check_return(thread, (&frames[caller], caller), frame, is_main)?;
                    end
                }
            };
            ensure(end + u64::from(STACK_RESERVE) <= length.into(), "a frame is larger than its stack")?;
        }
        ensure(!was_left, "the function of a frame")?;
        let depth = object.native_depth.get();
        let is_deep_enough = depth & 0xffff >= counted && depth >> 16 >= unyieldable;
        ensure(is_deep_enough && depth & 0xffff < 0x8000 && depth >> 16 < 0x8000, "depth of native calls")?;
        self.check_innermost(thread, frames)
    }

    /// The frame below all others, which is nobody's.
    fn check_bottom(&self, thread: Ref<Thread>, frame: &FrameRecord, is_main: bool) -> Result<u64, &'static str> {
        let returns = if is_main { Return::Exit } else { Return::Coroutine };
        ensure(frame.kind == returns as u32 | NATIVE, "kind of the bottom frame")?;
        ensure(frame.count == 0, "the bottom frame has arguments")?;
        ensure(self.thread_slot(thread, frame.base - FRAME_SLOTS).get().is_nil(), "the bottom frame has a function")?;
        Ok(frame.base.into())
    }

    /// A frame by itself: its end.
    fn check_frame(&self, thread: Ref<Thread>, frame: &FrameRecord) -> Result<u64, &'static str> {
        let function = self.thread_slot(thread, frame.base - FRAME_SLOTS).get();
        match function {
            Value::Closure(closure) if !frame.is_native() => {
                let prototype = self.heap.get(self.prototype_of(closure));
                let length = self.heap.bytes(prototype.code).len() / 8;
                ensure(frame.resume as usize <= length, "resume point of a frame")?;
                ensure((frame.kind & VARIADIC != 0) == (prototype.is_variadic != 0), "kind of a frame")?;
                Ok(u64::from(frame.base) + u64::from(prototype.register_count))
            }
            Value::NativeClosure(closure) if frame.is_native() => {
                ensure(frame.kind & VARIADIC == 0, "kind of a frame")?;
                let slots = self.native(self.heap.get(closure).native).slots;
                Ok(u64::from(frame.base) + u64::from(frame.count) + u64::from(slots))
            }
            Value::Internal(_) if !frame.is_native() => match self.typed_frame(thread, frame.base) {
                Some(typed) => self.check_typed_frame(frame, typed),
                None => Err("the function of a frame"),
            },
            _ if self.is_left(thread, frame) => Ok(u64::from(frame.base) + u64::from(frame.count)),
            _ => Err("the function of a frame"),
        }
    }

    /// Whether the frame is that of a native function in whose place there is a result.
    fn is_left(&self, thread: Ref<Thread>, frame: &FrameRecord) -> bool {
        let function = self.thread_slot(thread, frame.base - FRAME_SLOTS).get();
        frame.is_native() && !matches!(function, Value::NativeClosure(_) | Value::Internal(_))
    }

    /// Whether the frame is that of a hook that runs when its caller has returned.
    fn runs_at_return(&self, thread: Ref<Thread>, frame: &FrameRecord) -> bool {
        let mode =
            frame.window().and_then(|window| window.checked_sub(1)).map(|slot| self.thread_slot(thread, slot).get());
        frame.returns() == Return::Interlude
            && matches!(mode, Some(Value::Integer(mode)) if mode == Afterwards::Return as i64)
    }

    fn lua_code(&self, thread: Ref<Thread>, frame: &FrameRecord) -> Option<(Ref<Prototype>, &[u8])> {
        let prototype = self.lua_frame(thread, frame.base)?;
        Some((prototype, self.heap.bytes(self.heap.get(prototype).code)))
    }

    /// The instruction before a Lua frame's resume point.
    fn executed(&self, thread: Ref<Thread>, frame: &FrameRecord) -> Option<(Opcode, Word)> {
        let (_, code) = self.lua_code(thread, frame)?;
        let (words, _) = code.as_chunks::<8>();
        let word = Word(u64::from_ne_bytes(*words.get((frame.resume as usize).checked_sub(1)?)?)).unmarked();
        Some((Opcode::from_number(word.opcode_number())?, word))
    }

    /// Whether a frame that is not native has an instruction at its resume point.
    fn goes_on(&self, thread: Ref<Thread>, frame: &FrameRecord) -> bool {
        // That of a WebAssembly function always has: it was looked at with the frame itself.
        self.lua_code(thread, frame).is_none_or(|(_, code)| (frame.resume as usize) < code.len() / 8)
    }

    /// How a frame goes on with its caller, which is number `number`.
    fn check_return(
        &self,
        thread: Ref<Thread>,
        (caller, number): (&FrameRecord, usize),
        frame: &FrameRecord,
        is_main: bool,
    ) -> Rule {
        const RULE: &str = "a frame does not fit its caller";
        let window = frame.window().filter(|&window| window >= caller.base).ok_or(RULE)?;
        let is_bottom = number == 0;
        let is_native = caller.is_native();
        let is_typed = !is_native && self.typed_frame(thread, caller.base).is_some();
        match frame.returns() {
            // Only a call within WebAssembly leaves its results in registers.
            Return::Call if is_typed => ensure(self.check_typed_call(thread, caller, frame), RULE),
            _ if frame.kind & (NATIVE | VARIADIC) == 0 && self.typed_frame(thread, frame.base).is_some() => Err(RULE),
            // The function of the host and the place of its results are looked at when it returns.
            Return::Finish if is_typed => {
                ensure(u64::from(window) == self.check_frame(thread, caller)? + u64::from(FRAME_SLOTS), RULE)
            }
            Return::Call => self.check_call(thread, caller, window, frame.wanted),
            Return::Finish => {
                let (opcode, _) = self.executed(thread, caller).ok_or(RULE)?;
                let calls = opcode.entry().effects.contains(&Effect::Call) && !is_call(opcode);
                ensure(calls && u64::from(window) == self.check_frame(thread, caller)?, RULE)
            }
            Return::Native => {
                ensure(is_native && !is_bottom && frame.wanted == -1, RULE)?;
                ensure(u64::from(window) == self.check_frame(thread, caller)?, RULE)
            }
            Return::Exit => ensure(is_main && is_bottom, "a frame returns to the host"),
            Return::Coroutine => ensure(!is_main && is_bottom && window == FRAME_SLOTS, RULE),
            Return::Handler => ensure(!is_bottom && (is_native || caller.resume >= 1), RULE),
            Return::Closing | Return::Interlude => {
                self.check_interlude(thread, (caller, is_bottom, is_typed), window, frame)
            }
        }
    }

    /// A call of a Lua frame: the instruction before its resume point made it.
    fn check_call(&self, thread: Ref<Thread>, caller: &FrameRecord, window: u32, wanted: i32) -> Rule {
        const RULE: &str = "a call does not fit the instruction that made it";
        let (opcode, word) = self.executed(thread, caller).ok_or(RULE)?;
        let operand = |index: usize| opcode.entry().operands.get(index).map_or(0, |&operand| word.operand(operand));
        let (offset, results) = match opcode {
            Opcode::call => (0, operand(2) - 1),
            Opcode::tail_call => (0, -1),
            Opcode::generic_for_call => (4, operand(1)),
            _ => return Err(RULE),
        };
        let expected = i64::from(caller.base) + operand(0) + offset;
        ensure(i64::from(window) == expected && i64::from(wanted) == results, RULE)
    }

    /// A call that was put in between: the two slots below its window say how its caller goes on.
    fn check_interlude(
        &self,
        thread: Ref<Thread>,
        (caller, is_bottom, is_typed): (&FrameRecord, bool, bool),
        window: u32,
        frame: &FrameRecord,
    ) -> Rule {
        const RULE: &str = "what a finalizer, hook or closing handler is to go on with";
        ensure(window >= caller.base + INTERLUDE_SLOTS && frame.wanted == 0, RULE)?;
        let saved = self.thread_slot(thread, window - INTERLUDE_SLOTS).get();
        let Value::Integer(mode) = self.thread_slot(thread, window - 1).get() else { return Err(RULE) };
        if mode == Afterwards::Unwind as i64 || mode == Afterwards::UnwindTrap as i64 {
            return Ok(());
        }
        let Value::Integer(saved) = saved else { return Err(RULE) };
        let is_native = caller.is_native();
        ensure(!is_bottom, RULE)?;
        if mode == Afterwards::Return as i64 {
            let (first, count) = (saved >> 32, saved & 0xffff_ffff);
            let limit = i64::from(window - INTERLUDE_SLOTS);
            ensure(!is_typed || caller.kind & VARIADIC != 0, RULE)?;
            return ensure(first >= i64::from(caller.base) - 2 && first + count <= limit, RULE);
        }
        ensure((0..=i64::from(window)).contains(&saved), RULE)?;
        match mode {
            _ if mode == Afterwards::GoOnHooked as i64 => ensure(is_native || !is_typed && caller.resume >= 1, RULE),
            _ if mode == Afterwards::GoOn as i64 || mode == Afterwards::GoOnFinalized as i64 => {
                ensure(is_native || self.goes_on(thread, caller), RULE)
            }
            _ => Err(RULE),
        }
    }

    /// The innermost frame, as the thread's status has it.
    fn check_innermost(&self, thread: Ref<Thread>, frames: &[FrameRecord]) -> Rule {
        const RULE: &str = "the innermost frame of a thread does not fit its status";
        let object = self.heap.get(thread);
        let Some(frame) = frames.last() else { return Err(RULE) };
        let is_bottom = frames.len() == 1;
        let top = object.top.get();
        match object.status.get() {
            SUSPENDED if is_bottom => ensure(top == FRAME_SLOTS + 1, RULE),
            SUSPENDED => ensure(frame.is_native() && frame.resume == PASS_ON, RULE),
            NORMAL | NORMAL_CLOSING | NORMAL_CLOSING_FAILED => ensure(frame.is_native() && !is_bottom, RULE),
            DEAD => ensure(is_bottom, RULE),
            FAILED => ensure(object.open_top.get() < top, RULE),
            // Whether the machine goes on with it is seen to by `check_chain`.
            RUNNING | CLOSING | CLOSING_FAILED => {
                ensure(is_bottom || frame.is_native() || self.goes_on(thread, frame), RULE)
            }
            _ => Err(RULE),
        }
    }

    /// How the threads have resumed each other.
    fn check_chain(&self, threads: &[Ref<Thread>], is_running: bool) -> Rule {
        const RULE: &str = "the threads do not fit together";
        let main = self.main_thread();
        let current = match self.heap.root(crate::machine::roots::CURRENT_THREAD).get() {
            Value::Thread(current) => current,
            _ => return Err(RULE),
        };
        let mut active = 0;
        let mut thread = current;
        loop {
            let object = self.heap.get(thread);
            active += 1;
            let status = object.status.get();
            let is_running = matches!(status, RUNNING | CLOSING | CLOSING_FAILED);
            ensure(if thread == current { is_running } else { self.thread_status(thread) == NORMAL }, RULE)?;
            ensure(active <= threads.len(), RULE)?;
            match object.resumer.get() {
                Some(resumer) if thread != main => thread = resumer,
                None if thread == main => break,
                _ => return Err(RULE),
            }
        }
        // All others rest.
        let is_active = |thread: &&Ref<Thread>| {
            let object = self.heap.get(**thread);
            object.resumer.get().is_some() || !matches!(object.status.get(), SUSPENDED | DEAD | FAILED)
        };
        ensure(threads.iter().filter(is_active).count() == active, RULE)?;
        let is_idle = self.heap.get(current).base.get() == FRAME_SLOTS;
        ensure(is_running != is_idle && (is_running || current == main), RULE)
    }
}

/// Whether the instruction calls in other ways than for a metamethod whose result it finishes with.
fn is_call(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::call | Opcode::tail_call | Opcode::generic_for_call | Opcode::close | Opcode::return_closing
    )
}
