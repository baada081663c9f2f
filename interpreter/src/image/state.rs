//! What is neither object nor root: limits, the collector's settings, what the machine was doing.

use super::{
    error::{ReadErrorKind, Refusal, WriteError},
    format::state as flag,
    numbering::image_roots,
    reader::Reader,
    writer::Writer,
};
use crate::{
    frame::FRAME_SLOTS,
    limits::StopReason,
    machine::{Machine, roots},
};
use lunette_gc::{
    collector::Parameters,
    image::CollectorSettings,
    object::AnyObject,
    reference::Ref,
    value::{Tag, Value},
};

impl Machine {
    /// Whether a program runs, which a restored machine goes on with.
    pub fn is_running(&self) -> bool {
        self.thread != self.main_thread() || self.base != FRAME_SLOTS
    }
}

impl Machine {
    /// Whether a restored program stands still, and nothing else can run before it goes on.
    pub fn is_suspended(&self) -> bool {
        self.host_calls == 0 && self.is_running()
    }
}

impl Writer<'_, '_> {
    /// The root slots and what is a root beside them.
    pub fn roots(&mut self) -> Result<(), WriteError> {
        let heap = &self.machine.heap;
        for root in image_roots() {
            self.slot(heap.root(root))?;
        }
        self.encoder.number(heap.root(roots::OUTPUT_BUFFER).spare.get().into())?;
        self.slots(heap.slots(self.machine.metatables))
    }

    /// Objects with a finalizer, and those whose finalizer is due.
    pub fn finalizers(&mut self) -> Result<(), WriteError> {
        let (registered, pending) = self.machine.heap.finalizable_objects();
        for list in [registered, pending] {
            self.encoder.number(list.len() as u64)?;
            for object in list {
                let kind = self.machine.heap.get(object).header.kind;
                let is_table = kind == lunette_gc::object::Kind::Table as u8;
                let tag = if is_table { Tag::Table } else { Tag::Userdata };
                self.encoder.value((tag as u8, self.numbering.number(object).into()))?;
            }
        }
        Ok(())
    }

    /// The state of the machine.
    pub fn state(&mut self) -> Result<(), WriteError> {
        let machine = self.machine;
        let (fuel, output) = (machine.fuel_left(), machine.output_left());
        let exit = machine.exit_in_progress();
        let flags = [
            (machine.is_running(), flag::RUNNING),
            (machine.is_finalizing(), flag::FINALIZING),
            (fuel.is_some(), flag::HAS_FUEL),
            (output.is_some(), flag::HAS_OUTPUT),
            (exit.is_some(), flag::EXITING),
            (machine.exit_closes(), flag::EXIT_CLOSES),
            (machine.is_trap.get(), flag::TRAP),
        ];
        self.encoder.byte(flags.into_iter().map(|(is_set, bit)| if is_set { bit } else { 0 }).sum())?;
        self.encoder.number(machine.fuel_used())?;
        self.encoder.number(fuel.unwrap_or(0))?;
        self.encoder.number(output.unwrap_or(0))?;
        self.encoder.signed(exit.unwrap_or(0).into())?;
        let settings = machine.heap.collector_settings();
        self.encoder.byte(settings.policy)?;
        self.encoder.byte(u8::from(settings.is_stopped) | u8::from(settings.is_closing) << 1)?;
        let Parameters { pause, step_multiplier, minor_multiplier, major_multiplier } = settings.parameters;
        for parameter in [pause, step_multiplier, minor_multiplier, major_multiplier] {
            self.encoder.number(parameter.into())?;
        }
        self.encoder.number(if settings.is_stopped { 0 } else { settings.growth })?;
        Ok(())
    }
}

impl Reader<'_, '_> {
    /// Reads the root slots and what is a root beside them.
    pub fn roots(&mut self) -> Result<(), Refusal> {
        for root in image_roots() {
            self.decoder.place = ("root", root as u64);
            let (tag, payload) = self.value()?;
            let value = Value::from_parts(tag, payload);
            let is_right = match root {
                roots::CURRENT_THREAD | roots::MAIN_THREAD => matches!(value, Value::Thread(_)),
                roots::GLOBALS | roots::REGISTRY => matches!(value, Value::Table(_)),
                roots::OUTPUT_BUFFER => matches!(value, Value::Bytes(_) | Value::Nil),
                _ => !matches!(value, Value::Cell(_) | Value::Bytes(_) | Value::Internal(_)),
            };
            if !is_right {
                return Err(self.decoder.malformed("a root is of another type"));
            }
            let slot = self.machine.heap.root(root);
            slot.set(value);
            slot.spare.set(0);
        }
        let used = self.decoder.small()?;
        let slot = self.machine.heap.root(roots::OUTPUT_BUFFER);
        let room = match slot.get() {
            Value::Bytes(buffer) => self.machine.heap.get(buffer).length(),
            _ => 0,
        };
        if used > room {
            return Err(self.decoder.malformed("more output than room for it"));
        }
        slot.spare.set(used);
        for index in 0..self.machine.heap.slots(self.machine.metatables).len() {
            self.decoder.place = ("metatable of a type", index as u64);
            let (tag, payload) = self.value()?;
            let value = Value::from_parts(tag, payload);
            if !matches!(value, Value::Table(_) | Value::Nil) {
                return Err(self.decoder.malformed("a metatable is no table"));
            }
            self.machine.heap.slots(self.machine.metatables)[index].set(value);
        }
        Ok(())
    }

    /// Reads which objects have finalizers.
    pub fn finalizers(&mut self) -> Result<(), Refusal> {
        for part in ["object with a finalizer", "object whose finalizer is due"] {
            for number in 0..self.decoder.number()? {
                self.decoder.place = (part, number + 1);
                let (tag, payload) = self.value()?;
                let object = match Value::from_parts(tag, payload) {
                    value @ (Value::Table(_) | Value::Userdata(_)) => value.object(),
                    _ => None,
                };
                let Some(object) = object.filter(|&object| !self.machine.heap.is_finalizable(object)) else {
                    return Err(self.decoder.malformed("finalizer of an object"));
                };
                self.add_finalizer(object, part != "object with a finalizer")?;
            }
        }
        Ok(())
    }

    fn add_finalizer(&mut self, object: Ref<AnyObject>, is_due: bool) -> Result<(), Refusal> {
        let heap = &self.machine.heap;
        let added =
            if is_due { heap.add_pending_finalizer(object).is_ok() } else { heap.register_finalizable(object).is_ok() };
        if added { Ok(()) } else { Err(self.decoder.error(ReadErrorKind::Memory)) }
    }

    /// Reads the state of the machine; whether it was running.
    pub fn state(&mut self) -> Result<bool, Refusal> {
        self.decoder.place = ("state", 0);
        let flags = self.decoder.byte()?;
        if flags & !flag::ALL != 0 {
            return Err(self.decoder.malformed("flags of the machine"));
        }
        let has = |flag: u8| flags & flag != 0;
        let (used, fuel, output) = (self.decoder.number()?, self.decoder.number()?, self.decoder.number()?);
        let exit = self.decoder.signed()?;
        let exit = i32::try_from(exit).map_err(|_| self.decoder.malformed("exit status"))?;
        let (policy, switches) = (self.decoder.byte()?, self.decoder.byte()?);
        if policy > 2 || switches > 3 {
            return Err(self.decoder.malformed("settings of the collector"));
        }
        let parameters = Parameters {
            pause: self.decoder.small()?,
            step_multiplier: self.decoder.small()?,
            minor_multiplier: self.decoder.small()?,
            major_multiplier: self.decoder.small()?,
        };
        let growth = self.decoder.number()?;
        let machine = &mut *self.machine;
        machine.set_finalizing(has(flag::FINALIZING));
        machine.is_trap.set(has(flag::TRAP));
        machine.restore_limits(used, has(flag::HAS_FUEL).then_some(fuel), has(flag::HAS_OUTPUT).then_some(output));
        if has(flag::EXITING) {
            // What was asked for goes on: the variables of the main thread are being closed.
            let _ = machine.exit(exit, has(flag::EXIT_CLOSES));
        }
        let settings = CollectorSettings {
            policy,
            is_stopped: switches & 1 != 0,
            is_closing: switches & 2 != 0,
            parameters,
            growth,
        };
        machine.heap.restore_collector(settings);
        Ok(has(flag::RUNNING))
    }
}

impl Machine {
    /// The status of the exit that the program has asked for, while its variables are being closed.
    fn exit_in_progress(&self) -> Option<i32> {
        match self.limits.reason {
            Some(StopReason::Exit(status)) => Some(status),
            _ => None,
        }
    }
}
