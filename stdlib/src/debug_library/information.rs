//! `debug.getinfo`.

use super::thread_argument;
use crate::{arguments::Arguments, library::set_field};
use lunette_gc::{function::Prototype, reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, traceback::FrameView};

const OPTIONS: &[u8] = b"SlnrutLf";

/// `debug.getinfo([thread,] f, what)`
pub(super) fn getinfo(machine: &mut Machine, frame: Frame) -> NativeResult {
    let (thread, first) = thread_argument(machine, frame);
    let options = match frame.optional_string(machine, first + 1)? {
        Some(options) => machine.bytes(options).to_vec(),
        None => b"flnSrtu".to_vec(),
    };
    if options.first() == Some(&b'>') {
        return Err(frame.argument_error(machine, first + 1, format_args!("invalid option '>'")));
    }
    let (function, view) = match frame.argument(machine, first) {
        Some(function) if function.is_function() => (function, None),
        _ => {
            let level = frame.check_integer(machine, first)?;
            let view = u32::try_from(level).ok().and_then(|level| machine.frame_at(thread, level));
            match view {
                Some(view) => (machine.frame_function(view), Some(view)),
                None => return frame.return_one(machine, Value::Nil),
            }
        }
    };
    if !options.iter().all(|option| OPTIONS.contains(option)) {
        return Err(frame.argument_error(machine, first + 1, format_args!("invalid option")));
    }
    let table = machine.heap.new_table(0, 0)?;
    let mut information = Information { machine, table, function, view };
    for option in OPTIONS.iter().filter(|option| options.contains(option)) {
        information.add(*option)?;
    }
    frame.return_one(machine, Value::Table(table))
}

/// The table being filled.
struct Information<'m> {
    machine: &'m Machine,
    table: Ref<Table>,
    function: Value,
    /// The activation asked about, if not the function was.
    view: Option<FrameView>,
}

impl Information<'_> {
    fn set(&mut self, name: &str, value: Value) -> Result<(), Throw> {
        set_field(self.machine, self.table, name, value)
    }

    fn set_text(&mut self, name: &str, text: &[u8]) -> Result<(), Throw> {
        let text = self.machine.new_string(text)?;
        self.set(name, Value::String(text))
    }

    fn set_number(&mut self, name: &str, number: i64) -> Result<(), Throw> {
        self.set(name, Value::Integer(number))
    }

    fn prototype(&self) -> Option<Ref<Prototype>> {
        self.machine.prototype_of_value(self.function)
    }

    fn add(&mut self, option: u8) -> Result<(), Throw> {
        match option {
            b'S' => self.add_source(),
            b'l' => {
                let line = self.view.and_then(|view| self.machine.current_line(view));
                self.set_number("currentline", line.map_or(-1, i64::from))
            }
            b'n' => self.add_name(),
            b'r' => {
                let (first, count) = self.view.and_then(|view| self.machine.transfer_of(view)).unwrap_or((0, 0));
                self.set_number("ftransfer", first.into())?;
                self.set_number("ntransfer", count.into())
            }
            b'u' => self.add_upvalues(),
            b't' => {
                let is_tail_call = self.view.is_some_and(|view| self.machine.is_tail_called(view));
                self.set("istailcall", Value::Boolean(is_tail_call))
            }
            b'L' => self.add_lines(),
            _ => self.set("func", self.function),
        }
    }

    fn add_source(&mut self) -> Result<(), Throw> {
        let machine = self.machine;
        let Some(prototype) = self.prototype() else {
            self.set_text("source", b"=[C]")?;
            self.set_text("short_src", b"[C]")?;
            self.set_number("linedefined", -1)?;
            self.set_number("lastlinedefined", -1)?;
            return self.set_text("what", b"C");
        };
        let object = machine.heap.get(prototype);
        self.set("source", Value::String(object.source))?;
        self.set_text("short_src", &machine.short_source(prototype))?;
        self.set_number("linedefined", object.line_defined.into())?;
        self.set_number("lastlinedefined", object.last_line_defined.into())?;
        self.set_text("what", if object.line_defined == 0 { b"main" } else { b"Lua" })
    }

    fn add_name(&mut self) -> Result<(), Throw> {
        match self.view.and_then(|view| self.machine.function_name(view)) {
            Some(name) => {
                self.set_text("name", &name.name)?;
                self.set_text("namewhat", name.kind.as_bytes())
            }
            None => self.set_text("namewhat", b""),
        }
    }

    fn add_upvalues(&mut self) -> Result<(), Throw> {
        let heap = &self.machine.heap;
        let (upvalues, parameters, is_variadic) = match self.function {
            Value::Closure(closure) => {
                let prototype = heap.get(heap.get(closure).prototype);
                (heap.get(closure).upvalue_count, prototype.parameter_count, prototype.is_variadic != 0)
            }
            Value::NativeClosure(closure) => (self.machine.native_upvalue_count(closure), 0, true),
            _ => (0, 0, true),
        };
        self.set_number("nups", upvalues.into())?;
        self.set_number("nparams", parameters.into())?;
        self.set("isvararg", Value::Boolean(is_variadic))
    }

    fn add_lines(&mut self) -> Result<(), Throw> {
        let Some(prototype) = self.prototype() else {
            return Ok(());
        };
        let lines = self.machine.heap.new_table(0, 0)?;
        for line in self.machine.lines_of(prototype) {
            self.machine.spend(1);
            self.machine.raw_set(lines, Value::Integer(line.into()), Value::Boolean(true))?;
        }
        self.set("activelines", Value::Table(lines))
    }
}
