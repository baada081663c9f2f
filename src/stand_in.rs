//! Stands in for the standard library until it is there.
use lunette_gc::value::Value;
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, native::Native};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library { Base, String }
impl Library { pub const ALL: [Library; 1] = [Library::Base]; }
pub fn register_all(machine: &mut Machine) { machine.register_native(Native::new("print", print)); }
pub fn open(machine: &mut Machine, _: Library) -> Result<(), Throw> {
    let number = machine.find_native("print").unwrap();
    let closure = machine.heap.new_native_closure(number, 0)?;
    let name = machine.new_string(b"print")?;
    machine.raw_set(machine.globals(), Value::String(name), Value::NativeClosure(closure))
}
fn print(machine: &mut Machine, frame: Frame) -> NativeResult {
    use std::io::Write;
    let mut line = Vec::new();
    for index in 0..frame.count {
        if index > 0 { line.push(b'\t'); }
        let value = frame.argument_or_nil(machine, index);
        if !machine.append_text(value, &mut line) {
            match value { Value::Nil => line.extend(b"nil"), Value::Boolean(b) => line.extend(b.to_string().as_bytes()), other => line.extend(machine.type_name(other).as_bytes()) }
        }
    }
    line.push(b'\n');
    let _ = std::io::stdout().write_all(&line);
    frame.return_none()
}
pub mod output {
    pub fn flush_from_host(_: &mut super::Machine) -> Result<(), lunette_interpreter::host::HostError> { Ok(()) }
}
