//! Threads: their stacks, the frames in them with resume points that name instructions, hooks, variables to be closed.

use super::{
    error::{ReadErrorKind, Refusal, WriteError},
    frames::FrameRecord,
    numbering::live_stack,
    reader::Reader,
    writer::Writer,
};
use crate::{
    coroutine,
    frame::{FRAME_SLOTS, HeaderSlot, NATIVE, VARIADIC, header_payload, header_tag, kind, wanted},
    machine::{MAX_STACK, Machine, STACK_EMERGENCY, STACK_RESERVE},
};
use alloc::vec::Vec;
use lunette_gc::{
    function::Prototype,
    reference::Ref,
    thread::Thread,
    value::{Tag, Value},
};

/// Slots of the smallest stack.
const LEAST_STACK: u32 = 64;
const CONSUMED: u8 = Tag::DeadKey as u8;

impl Machine {
    /// The bases of a thread's frames, the outermost first.
    pub(crate) fn frame_bases(&self, thread: Ref<Thread>) -> Vec<u32> {
        let mut base = self.heap.get(thread).base.get();
        let mut bases = alloc::vec![base];
        loop {
            let distance = self.thread_slot(thread, base - 1).distance();
            if distance == 0 {
                bases.reverse();
                return bases;
            }
            base -= distance;
            bases.push(base);
        }
    }

    /// The prototype of a thread's frame, if it is a Lua function's.
    pub(super) fn lua_frame(&self, thread: Ref<Thread>, base: u32) -> Option<Ref<Prototype>> {
        let header = self.thread_slot(thread, base - 1);
        match self.thread_slot(thread, base - FRAME_SLOTS).get() {
            Value::Closure(closure) if kind(header.tag.get()) & NATIVE == 0 => Some(self.prototype_of(closure)),
            _ => None,
        }
    }

    /// Where a prototype's code begins, in the units of resume points.
    pub(super) fn code_start(&self, prototype: Ref<Prototype>) -> u32 {
        self.heap.get(prototype).code.units() + 1
    }
}

impl Writer<'_, '_> {
    /// The content of the threads.
    pub fn threads(&mut self) -> Result<(), WriteError> {
        self.numbering.threads.objects.iter().try_for_each(|&thread| self.thread(thread))
    }

    fn thread(&mut self, thread: Ref<Thread>) -> Result<(), WriteError> {
        let machine = self.machine;
        let object = machine.heap.get(thread);
        let slots = live_stack(machine, thread);
        let bases = machine.frame_bases(thread);
        self.encoder.number(object.status.get().into())?;
        self.encoder.number(self.numbering.optional(object.resumer.get()).into())?;
        self.encoder.number(slots.len() as u64)?;
        self.encoder.number(object.open_top.get().min(slots.len() as u32).into())?;
        let stack_length = machine.heap.get(object.stack.get()).length();
        self.encoder.byte(u8::from(stack_length > MAX_STACK + STACK_RESERVE))?;
        self.encoder.number(object.native_depth.get().into())?;
        self.encoder.number(object.hook_mask.get().into())?;
        self.encoder.number(object.hook_count.get().into())?;
        self.encoder.number(object.hook_left.get().into())?;
        self.last_line_event(thread, &bases)?;
        self.slot(&object.hook)?;
        self.encoder.number(bases.len() as u64)?;
        let mut previous = 0;
        for &base in &bases {
            let header = machine.thread_slot(thread, base - 1);
            let tag = header.tag.get();
            self.encoder.number((base - previous).into())?;
            previous = base;
            self.encoder.byte(kind(tag) as u8)?;
            self.encoder.signed(wanted(tag).into())?;
            let (resume, count) = match machine.lua_frame(thread, base) {
                // The number of arguments of other Lua frames is whatever was there before.
                Some(prototype) => (
                    header.resume() - machine.code_start(prototype),
                    if kind(tag) & VARIADIC != 0 { header.argument_count() } else { 0 },
                ),
                None if kind(tag) & NATIVE == 0
                    && let Some((prototype, _)) = machine.typed_frame(thread, base) =>
                {
                    (header.resume() - machine.typed_code_start(prototype), header.argument_count())
                }
                None => (header.resume(), header.argument_count()),
            };
            self.encoder.number(resume.into())?;
            self.encoder.number(count.into())?;
        }
        let closing = machine.variables_to_close(thread);
        self.encoder.number(closing.len() as u64)?;
        for variable in closing {
            self.encoder.number(variable.into())?;
        }
        let mut headers = bases.iter().map(|base| base - 1).peekable();
        for (index, slot) in slots.iter().enumerate() {
            if headers.next_if_eq(&(index as u32)).is_some() {
                continue;
            }
            if slot.tag.get() == CONSUMED.into() {
                self.encoder.byte(CONSUMED)?;
            } else {
                self.slot(slot)?;
            }
        }
        self.number_registers(thread, &bases)
    }

    /// Where the last line event was: in which frame, counted from the innermost as 1, and at which instruction.
    fn last_line_event(&mut self, thread: Ref<Thread>, bases: &[u32]) -> Result<(), WriteError> {
        let machine = self.machine;
        let last = machine.heap.get(thread).hook_last.get();
        let place = bases.iter().rev().enumerate().find_map(|(number, &base)| {
            let prototype = machine.lua_frame(thread, base)?;
            let instruction = last.checked_sub(machine.code_start(prototype))?;
            let length = machine.heap.bytes(machine.heap.get(prototype).code).len() / 8;
            (last != 0 && (instruction as usize) < length).then_some((number as u64 + 1, instruction))
        });
        let (frame, instruction) = place.unwrap_or((0, 0));
        self.encoder.number(frame)?;
        self.encoder.number(instruction.into())
    }
}

impl Machine {
    /// The slots of a thread's variables that are to be closed, the innermost first.
    fn variables_to_close(&self, thread: Ref<Thread>) -> Vec<u32> {
        let first = Some(self.heap.get(thread).to_be_closed.get());
        let chain = core::iter::successors(first, |&index| Some(self.thread_slot(thread, index).spare.get()));
        chain.take_while(|&index| index != 0).collect()
    }
}

impl Reader<'_, '_> {
    /// Makes the threads, with stacks of the least size: those that they have come with their content.
    pub fn declare_threads(&mut self, count: u32) -> Result<(), Refusal> {
        for _ in 0..count {
            let thread = self.machine.heap.new_thread(LEAST_STACK);
            let thread = thread.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.threads.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            self.threads.push(thread);
        }
        Ok(())
    }

    /// Reads the content of the threads.
    pub fn threads(&mut self) -> Result<(), Refusal> {
        for number in 0..self.threads.len() {
            self.decoder.place = ("thread", number as u64 + 1);
            self.thread(self.threads[number])?;
        }
        Ok(())
    }

    fn thread(&mut self, thread: Ref<Thread>) -> Result<(), Refusal> {
        let status = self.decoder.small()?;
        if status > coroutine::NORMAL_CLOSING_FAILED {
            return Err(self.decoder.malformed("status of a thread"));
        }
        let resumer = self.decoder.small()?;
        let resumer = match self.value_numbered(Tag::Thread as u8, resumer)? {
            Value::Thread(resumer) => Some(resumer),
            _ => None,
        };
        let top = self.decoder.small()?;
        let open_top = self.decoder.small()?;
        let in_emergency = match self.decoder.byte()? {
            0 => false,
            // The room for handling an overflow is for stacks that are deep.
            1 => top > MAX_STACK / 2,
            _ => return Err(self.decoder.malformed("length of a stack")),
        };
        if !(FRAME_SLOTS..=MAX_STACK + STACK_EMERGENCY).contains(&top) || open_top > top {
            return Err(self.decoder.malformed("top of a stack"));
        }
        let object = self.machine.heap.get(thread);
        object.status.set(status);
        object.resumer.set(resumer);
        object.top.set(top);
        object.open_top.set(open_top);
        let numbers = [self.decoder.small()?, self.decoder.small()?, self.decoder.small()?, self.decoder.small()?];
        let (frame, instruction) = (self.decoder.small()?, self.decoder.small()?);
        let hook = self.value()?;
        let object = self.machine.heap.get(thread);
        for (cell, number) in
            [&object.native_depth, &object.hook_mask, &object.hook_count, &object.hook_left].into_iter().zip(numbers)
        {
            cell.set(number);
        }
        object.hook.set(Value::from_parts(hook.0, hook.1));
        let frames = self.frame_records(top)?;
        let closing = self.closing(top)?;
        let is_header = |variable: &u32| frames.binary_search_by_key(variable, |frame| frame.base - 1).is_ok();
        if closing.iter().any(is_header) {
            return Err(self.decoder.malformed("place of a variable to be closed"));
        }
        // Native frames may reach beyond the top.
        let reach = frames.last().map_or(top, |frame| frame.base.saturating_add(frame.count)).max(top);
        let most = MAX_STACK + STACK_RESERVE + STACK_EMERGENCY;
        let length = if in_emergency {
            most
        } else {
            let needed = u64::from(reach)
                + u64::from(STACK_RESERVE)
                + u64::from(lunette_bytecode::instruction::MAX_REGISTERS)
                + 1;
            u32::try_from(needed.next_power_of_two()).unwrap_or(most).clamp(LEAST_STACK, MAX_STACK + STACK_RESERVE)
        };
        if top + STACK_RESERVE > length {
            return Err(self.decoder.malformed("top of a stack"));
        }
        let stack = self.machine.heap.new_slot_array(length);
        let stack = stack.map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
        self.machine.heap.get(thread).stack.set(stack);
        let mut headers = frames.iter().map(|frame| frame.base - 1).peekable();
        for index in 0..top {
            if headers.next_if_eq(&index).is_some() {
                continue;
            }
            let tag = self.decoder.byte()?;
            let slot_value = if tag == CONSUMED { None } else { Some(self.value_of(tag)?) };
            let slot = &self.machine.heap.slots(stack)[index as usize];
            match slot_value {
                Some((tag, payload)) => slot.set(Value::from_parts(tag, payload)),
                None => slot.tag.set(CONSUMED.into()),
            }
        }
        let slots = self.machine.heap.slots(stack);
        for pair in closing.windows(2) {
            slots[pair[0] as usize].spare.set(pair[1]);
        }
        let object = self.machine.heap.get(thread);
        object.to_be_closed.set(closing.first().copied().unwrap_or(0));
        object.base.set(frames.last().map_or(FRAME_SLOTS, |frame| frame.base));
        self.place_frames(thread, &frames)?;
        if let Some(number) = (frame as usize).checked_sub(1)
            && let Some(record) = frames.iter().rev().nth(number)
            && let Some(prototype) = self.machine.lua_frame(thread, record.base)
        {
            let last = self.machine.code_start(prototype).checked_add(instruction);
            self.machine.heap.get(thread).hook_last.set(last.unwrap_or(0));
        }
        Ok(())
    }

    fn frame_records(&mut self, top: u32) -> Result<Vec<FrameRecord>, Refusal> {
        let count = self.decoder.small()?;
        let mut frames: Vec<FrameRecord> = Vec::new();
        let mut previous = 0u32;
        for number in 0..count {
            let distance = self.decoder.small()?;
            let base = previous.checked_add(distance).filter(|&base| base <= top && distance >= FRAME_SLOTS);
            let Some(base) = base.filter(|&base| number > 0 || base == FRAME_SLOTS) else {
                return Err(self.decoder.malformed("place of a frame"));
            };
            let (kind, wanted) = (self.decoder.byte()?, self.decoder.signed()?);
            let record = FrameRecord {
                base,
                distance: if number == 0 { 0 } else { distance },
                kind: kind.into(),
                wanted: i16::try_from(wanted).map_err(|_| self.decoder.malformed("number of results"))?.into(),
                resume: self.decoder.small()?,
                count: self.decoder.small()?,
            };
            previous = base;
            frames.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            frames.push(record);
        }
        if frames.is_empty() {
            return Err(self.decoder.malformed("a thread has no frame"));
        }
        Ok(frames)
    }

    /// Indices of the variables to be closed.
    fn closing(&mut self, top: u32) -> Result<Vec<u32>, Refusal> {
        let mut variables = Vec::new();
        let mut last = top;
        for _ in 0..self.decoder.small()? {
            let variable = self.decoder.small()?;
            if variable < FRAME_SLOTS || variable >= last {
                return Err(self.decoder.malformed("place of a variable to be closed"));
            }
            last = variable;
            variables.try_reserve(1).map_err(|_| self.decoder.error(ReadErrorKind::Memory))?;
            variables.push(variable);
        }
        Ok(variables)
    }

    /// Writes the headers of frames, whose functions are in the stack by now.
    fn place_frames(&mut self, thread: Ref<Thread>, frames: &[FrameRecord]) -> Result<(), Refusal> {
        for frame in frames {
            let header = self.machine.thread_slot(thread, frame.base - 1);
            header.tag.set(header_tag(frame.kind, frame.wanted));
            header.spare.set(frame.count);
            header.payload.set(header_payload(frame.resume, frame.distance));
            if let Some(prototype) = self.machine.lua_frame(thread, frame.base) {
                let resume = frame.resume.checked_add(self.machine.code_start(prototype));
                let Some(resume) = resume else { return Err(self.decoder.malformed("resume point of a frame")) };
                header.set_resume(resume);
            } else if frame.kind & NATIVE == 0
                && let Some((prototype, _)) = self.machine.typed_frame(thread, frame.base)
            {
                let resume = frame.resume.checked_add(self.machine.typed_code_start(prototype));
                let Some(resume) = resume else { return Err(self.decoder.malformed("resume point of a frame")) };
                header.set_resume(resume);
            }
        }
        self.number_registers(thread, frames)?;
        self.check_frames(thread, frames)
    }
}
