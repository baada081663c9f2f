//! Frames of WebAssembly functions: the number registers that they have on a stack of their own, and the checks that let
//! the machine go on with them.

use super::{
    error::{Refusal, WriteError},
    frames::FrameRecord,
    reader::Reader,
    writer::Writer,
};
use crate::{
    frame::{FRAME_SLOTS, NATIVE, VARIADIC},
    machine::Machine,
    typed::{MOST_NUMBERS, state::Link},
};
use alloc::vec::Vec;
use lunette_bytecode::typed::{function::Registers, instruction};
use lunette_gc::{
    object::Kind,
    reference::Ref,
    thread::Thread,
    typed::{Instance, TypedPrototype},
    value::Value,
};

impl Machine {
    /// The function and instance of a frame of a thread, if it is a WebAssembly function's.
    pub(super) fn typed_frame(&self, thread: Ref<Thread>, base: u32) -> Option<(Ref<TypedPrototype>, Ref<Instance>)> {
        let function = self.thread_slot(thread, base - FRAME_SLOTS).get();
        let instance = self.thread_slot(thread, base).get();
        let (Value::Internal(function), Value::Internal(instance)) = (function, instance) else { return None };
        let has_kinds = self.heap.get(function).header.kind == Kind::TypedPrototype as u8
            && self.heap.get(instance).header.kind == Kind::Instance as u8;
        has_kinds.then(|| (function.cast(), instance.cast()))
    }

    /// Where the code of a function begins, in the units of resume points.
    pub(super) fn typed_code_start(&self, prototype: Ref<TypedPrototype>) -> u32 {
        self.heap.get(prototype).code.get().map_or(0, |code| code.units() + 1)
    }

    fn typed_registers(&self, prototype: Ref<TypedPrototype>) -> Registers {
        let object = self.heap.get(prototype);
        Registers { numbers: object.numbers.get(), references: object.references.get() }
    }
}

impl Writer<'_, '_> {
    /// The number registers of the frames of a thread.
    pub fn number_registers(&mut self, thread: Ref<Thread>, bases: &[u32]) -> Result<(), WriteError> {
        let machine = self.machine;
        let Some(numbers) = machine.heap.get(thread).numbers.get() else { return Ok(()) };
        let (words, _) = machine.heap.bytes(numbers).as_chunks::<8>();
        let mut end = 0;
        for &base in bases {
            let Some((prototype, _)) = machine.typed_frame(thread, base) else { continue };
            let start = end + 1;
            end = start + machine.typed_registers(prototype).numbers as usize;
            for word in &words[start..end] {
                self.encoder.number(u64::from_ne_bytes(*word))?;
            }
        }
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// Reads the number registers of the frames of a thread, and makes its number stack.
    pub fn number_registers(&mut self, thread: Ref<Thread>, frames: &[FrameRecord]) -> Result<(), Refusal> {
        let mut words: Vec<u64> = Vec::new();
        let (mut below, mut base, mut caller) = (0, 0, None);
        for frame in frames {
            let typed = self.machine.typed_frame(thread, frame.base).filter(|_| frame.kind & NATIVE == 0);
            let called_by = core::mem::replace(&mut caller, typed);
            let Some((prototype, instance)) = typed else { continue };
            let registers = self.machine.typed_registers(prototype);
            let mut link = Link::new(registers.numbers, registers.references, below);
            if frame.kind & VARIADIC != 0 || called_by.is_none_or(|(_, caller)| caller != instance) {
                link = link.foreign();
            }
            words.try_reserve(registers.numbers as usize + 1).map_err(|_| self.memory_error())?;
            words.push(link.0);
            (below, base) = (registers.numbers, words.len() as u32);
            if words.len() as u64 + u64::from(below) > u64::from(MOST_NUMBERS) {
                return Err(self.decoder.malformed("too many number registers"));
            }
            for _ in 0..registers.numbers {
                let number = self.decoder.number()?;
                words.push(number);
            }
        }
        if words.is_empty() {
            return Ok(());
        }
        let made = self.machine.restore_numbers(thread, &words, base);
        made.map_err(|_| self.memory_error())
    }
}

impl Machine {
    /// A frame of a WebAssembly function by itself: its end.
    pub(super) fn check_typed_frame(
        &self,
        frame: &FrameRecord,
        (prototype, instance): (Ref<TypedPrototype>, Ref<Instance>),
    ) -> Result<u64, &'static str> {
        let object = self.heap.get(prototype);
        if object.code.get().is_none() {
            return Err("the function of a frame has no code");
        }
        if self.heap.get(instance).module != object.module {
            return Err("the instance of a frame");
        }
        let words = self.installed_words(prototype);
        let mut at = 0;
        while at < frame.resume as usize {
            at += instruction::length(words.get(at..).unwrap_or(&[])).unwrap_or(words.len()).max(1);
        }
        if at != frame.resume as usize || at >= words.len() {
            return Err("resume point of a frame");
        }
        Ok(u64::from(frame.base) + 1 + u64::from(object.references.get()))
    }

    /// A frame of a WebAssembly function that was called by one: what it leaves fits there.
    pub(super) fn check_typed_call(&self, thread: Ref<Thread>, caller: &FrameRecord, frame: &FrameRecord) -> bool {
        let callee = self.typed_frame(thread, frame.base).filter(|_| frame.kind & (NATIVE | VARIADIC) == 0);
        let (Some((callee, _)), Some((caller, _))) = (callee, self.typed_frame(thread, caller.base)) else {
            return false;
        };
        let (callee, room) = (self.heap.get(callee), self.typed_registers(caller));
        let fits = |start: u64, count: u32, room: u32| start + u64::from(count) <= u64::from(room);
        let fits_numbers = callee.result_numbers == 0
            || u64::try_from(frame.wanted).is_ok_and(|start| fits(start, callee.result_numbers, room.numbers));
        let fits_references =
            callee.result_references == 0 || fits(frame.count.into(), callee.result_references, room.references);
        fits_numbers && fits_references
    }
}
