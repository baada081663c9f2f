//! Where a program is: positions of frames, and tracebacks in the form of PUC's.

use crate::{
    frame::{HeaderSlot, Return, TAIL_CALLED, kind, return_kind},
    machine::{Machine, roots},
    variable_name::FunctionName,
};
use alloc::{string::String, vec::Vec};
use core::fmt::Write;
use lunette_bytecode::{chunk_name, number::format_integer};
use lunette_gc::{function::Prototype, reference::Ref, thread::Thread, value::Value};

/// Frames of a stack that are walked for one unit of fuel.
const FRAMES_PER_UNIT: u64 = 4;

/// Bytes for a line and a message, as they usually are.
const USUAL_MESSAGE: usize = 64;

/// A frame of a thread's stack, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameView {
    /// The thread.
    pub thread: Ref<Thread>,
    /// Index of register 0.
    pub base: u32,
}

/// Appends to a text of at most `room` bytes, if there is memory; whether it did.
fn append_within(room: u64, text: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let fits = (text.len() + bytes.len()) as u64 <= room
        && (text.try_reserve(bytes.len()).is_ok() || text.try_reserve_exact(bytes.len()).is_ok());
    if fits {
        text.extend_from_slice(bytes);
    }
    fits
}

impl Machine {
    /// The slot `index` of a thread's stack.
    pub(crate) fn thread_slot(&self, thread: Ref<Thread>, index: u32) -> &lunette_gc::value::Slot {
        &self.heap.slots(self.heap.get(thread).stack.get())[index as usize]
    }

    /// The frame at `level` of a thread: 0 is the innermost.
    pub fn frame_at(&self, thread: Ref<Thread>, level: u32) -> Option<FrameView> {
        let base = if thread == self.thread { self.base } else { self.heap.get(thread).base.get() };
        let mut frame = FrameView { thread, base };
        self.spend(u64::from(level.min(base)) / FRAMES_PER_UNIT);
        let mut left = level;
        loop {
            // The bottom frame belongs to nobody.
            if frame.base <= 2 && self.frame_function(frame).is_nil() {
                return None;
            }
            if left == 0 {
                return Some(frame);
            }
            left -= 1;
            let distance = self.frame_header(frame).distance();
            if distance == 0 || distance > frame.base {
                return None;
            }
            frame.base -= distance;
        }
    }

    /// The frame's caller on the same thread.
    pub fn caller_of(&self, frame: FrameView) -> Option<FrameView> {
        let distance = self.frame_header(frame).distance();
        let caller = FrameView { base: frame.base.checked_sub(distance)?, ..frame };
        if distance == 0 || caller.base <= 2 && self.frame_function(caller).is_nil() { None } else { Some(caller) }
    }

    pub(crate) fn frame_header(&self, frame: FrameView) -> &lunette_gc::value::Slot {
        self.thread_slot(frame.thread, frame.base - 1)
    }

    /// The function of a frame.
    pub fn frame_function(&self, frame: FrameView) -> Value {
        self.thread_slot(frame.thread, frame.base - 2).get()
    }

    /// Whether the frame was entered by a tail call.
    pub fn is_tail_called(&self, frame: FrameView) -> bool {
        kind(self.frame_header(frame).tag.get()) & TAIL_CALLED != 0
    }

    /// How the frame goes on when it returns.
    pub(crate) fn frame_return(&self, frame: FrameView) -> Return {
        return_kind(self.frame_header(frame).tag.get())
    }

    /// The prototype of a Lua frame and the number of the instruction it executes.
    pub fn lua_position(&self, frame: FrameView) -> Option<(Ref<Prototype>, u32)> {
        let Value::Closure(closure) = self.frame_function(frame) else {
            return None;
        };
        let prototype = self.prototype_of(closure);
        let code = self.heap.get(prototype).code.units() + 1;
        let next = self.frame_header(frame).resume();
        Some((prototype, next.saturating_sub(code).saturating_sub(1)))
    }

    /// The module of a typed frame, and the place in its file that is executed, if it is known.
    pub(crate) fn typed_position(&self, frame: FrameView) -> Option<(Vec<u8>, Option<u32>)> {
        let Value::Internal(prototype) = self.frame_function(frame) else { return None };
        Some(self.typed_place(prototype.cast(), self.frame_header(frame).resume()))
    }

    /// The line at which a Lua frame is.
    pub fn current_line(&self, frame: FrameView) -> Option<u32> {
        let (prototype, number) = self.lua_position(frame)?;
        self.line_of(prototype, number)
    }

    /// The short name of a prototype's chunk, as it begins messages.
    pub fn short_source(&self, prototype: Ref<Prototype>) -> Vec<u8> {
        chunk_name::short_source(self.bytes(self.heap.get(prototype).source))
    }

    /// `chunk:line:` of the frame at `level` of the running thread, followed by a space; empty for a native one's.
    /// Without lines the frame that failed itself has line -1, and others have no position.
    pub fn position_text(&self, level: u32) -> Vec<u8> {
        let Some(frame) = self.frame_at(self.thread, level) else {
            return Vec::new();
        };
        if let Some((mut place, offset)) = self.typed_position(frame) {
            if let Some(offset) = offset {
                place.extend_from_slice(alloc::format!(":{offset:#x}").as_bytes());
            }
            place.extend_from_slice(b": ");
            return place;
        }
        let Some((prototype, _)) = self.lua_position(frame) else {
            return Vec::new();
        };
        let line = match self.current_line(frame) {
            Some(line) => i64::from(line),
            None if level == 0 => -1,
            None => return Vec::new(),
        };
        let mut text = Vec::with_capacity(chunk_name::MAX_LENGTH + USUAL_MESSAGE);
        chunk_name::append_short_source(self.bytes(self.heap.get(prototype).source), &mut text);
        text.push(b':');
        text.extend_from_slice(&format_integer(line));
        text.extend_from_slice(b": ");
        text
    }

    /// The traceback of a thread from `level` on, after `message`.
    pub fn traceback(&self, thread: Ref<Thread>, message: Option<&[u8]>, level: u32) -> Vec<u8> {
        const FIRST: u32 = 10;
        const LAST: u32 = 11;
        let mut text = Vec::new();
        if let Some(message) = message {
            text.extend_from_slice(message);
            text.push(b'\n');
        }
        text.extend_from_slice(b"stack traceback:");
        // The outermost caller of the main thread is the host.
        let is_main = thread == self.main_thread();
        let mut total = u32::from(is_main);
        let mut frame = self.frame_at(thread, 0);
        while let Some(view) = frame {
            total += 1;
            frame = self.caller_of(view);
        }
        self.spend(u64::from(total) / FRAMES_PER_UNIT);
        let mut skip_from = u32::MAX;
        let mut skip_to = u32::MAX;
        if total > level + FIRST + LAST {
            skip_from = level + FIRST;
            skip_to = total - LAST;
        }
        let room = self.heap.memory_limit().saturating_sub(self.heap.used_bytes());
        let mut number = 0;
        let mut frame = self.frame_at(thread, 0);
        while let Some(view) = frame {
            if number == skip_from {
                // PUC Lua counts one level less than it skips.
                let line = alloc::format!("\n\t...\t(skipping {} levels)", skip_to - skip_from - 1);
                append_within(room, &mut text, line.as_bytes());
            }
            if number >= level && !(skip_from..skip_to).contains(&number) {
                // Names may be of any length.
                let mut line = Vec::new();
                self.append_frame(view, &mut line);
                if !append_within(room, &mut text, &line) {
                    break;
                }
            }
            number += 1;
            frame = self.caller_of(view);
        }
        if is_main && number >= level {
            append_within(room, &mut text, b"\n\t[C]: in ?");
        }
        text
    }

    fn append_frame(&self, frame: FrameView, text: &mut Vec<u8>) {
        let position = self.lua_position(frame);
        text.extend_from_slice(b"\n\t");
        if let Some((place, offset)) = self.typed_position(frame) {
            text.extend_from_slice(&place);
            if let Some(offset) = offset {
                text.extend_from_slice(alloc::format!(":{offset:#x}").as_bytes());
            }
            text.extend_from_slice(b": in function ");
            text.extend_from_slice(&self.typed_name(frame));
            return;
        }
        match position {
            Some((prototype, _)) => {
                text.extend_from_slice(&self.short_source(prototype));
                if let Some(line) = self.current_line(frame) {
                    let mut number = String::new();
                    let _ = write!(number, ":{line}");
                    text.extend_from_slice(number.as_bytes());
                }
                text.extend_from_slice(b": in ");
            }
            None => text.extend_from_slice(b"[C]: in "),
        }
        if let Some(name) = self.global_function_name(frame) {
            text.extend_from_slice(b"function '");
            text.extend_from_slice(&name);
            text.push(b'\'');
        } else if let Some(FunctionName { kind, name }) = self.function_name(frame) {
            text.extend_from_slice(kind.as_bytes());
            text.extend_from_slice(b" '");
            text.extend_from_slice(&name);
            text.push(b'\'');
        } else if let Some((prototype, _)) = position {
            let line = self.heap.get(prototype).line_defined;
            if line == 0 {
                text.extend_from_slice(b"main chunk");
            } else {
                text.extend_from_slice(b"function <");
                text.extend_from_slice(&self.short_source(prototype));
                let mut number = String::new();
                let _ = write!(number, ":{line}>");
                text.extend_from_slice(number.as_bytes());
            }
        } else {
            text.push(b'?');
        }
        if self.is_tail_called(frame) {
            text.extend_from_slice(b"\n\t(...tail calls...)");
        }
    }

    /// The name under which a loaded library or the globals have the frame's function.
    pub fn global_function_name(&self, frame: FrameView) -> Option<Vec<u8>> {
        let function = self.frame_function(frame);
        let loaded = match self.heap.root(roots::REGISTRY).get() {
            Value::Table(registry) => {
                let key = self.heap.new_string(b"_LOADED").ok()?;
                match self.heap.table_get_string(registry, key) {
                    Value::Table(loaded) => loaded,
                    _ => return None,
                }
            }
            _ => return None,
        };
        let mut cursor = 0;
        while let Some(step) = self.heap.next_at(loaded, cursor) {
            cursor = step.cursor;
            self.spend(1);
            let Value::String(library) = Value::from_parts(step.key.0, step.key.1) else {
                continue;
            };
            let functions = match Value::from_parts(step.value.0, step.value.1) {
                // A module can be a function itself.
                _ if step.value == function.to_parts() => return Some(self.bytes(library).to_vec()),
                Value::Table(functions) => functions,
                _ => continue,
            };
            let mut inner = 0;
            while let Some(entry) = self.heap.next_at(functions, inner) {
                inner = entry.cursor;
                self.spend(1);
                if entry.value == function.to_parts()
                    && let Value::String(name) = Value::from_parts(entry.key.0, entry.key.1)
                {
                    let library = self.bytes(library);
                    let mut full = Vec::new();
                    if library != b"_G" {
                        full.extend_from_slice(library);
                        full.push(b'.');
                    }
                    full.extend_from_slice(self.bytes(name));
                    return Some(full);
                }
            }
        }
        None
    }
}
