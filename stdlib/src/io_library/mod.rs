//! `io`: files with buffers in the region.
//!
//! Every operation on a file is submitted to the host and completed later; a function that waits comes back in a phase
//! of its own and finds everything as it was, since the buffers are the file's and the rest is in locals.

mod file;
mod manage;
mod read;
mod results;
mod write;

pub use file::flush_files_from_host;
pub(crate) use results::{exit_result, file_result};

use crate::library::{Definition, native_value, set_field, set_functions};
use file::{File, FileKind};
use lunette_gc::{reference::Ref, table::Table, value::Value};
use lunette_interpreter::{Machine, Throw, host::Stream, native::Native};

/// The library.
pub(crate) const DEFINITION: Definition = Definition {
    name: "io",
    functions: &[
        manage::IO_CLOSE,
        write::IO_FLUSH,
        manage::INPUT,
        read::IO_LINES,
        manage::OPEN,
        manage::OUTPUT,
        manage::POPEN,
        read::IO_READ,
        manage::TMPFILE,
        Native::new("io.type", manage::type_),
        write::IO_WRITE,
    ],
    hidden: HIDDEN,
    complete,
};

const METHODS: &[Native] = &[
    read::READ,
    write::WRITE,
    Native::new("file.lines", read::lines),
    write::FLUSH,
    write::SEEK,
    manage::CLOSE,
    Native::new("file.setvbuf", write::setvbuf),
];

const METAMETHODS: &[Native] =
    &[manage::COLLECT, manage::CLOSE_VARIABLE, Native::new("file.__tostring", manage::to_string)];

const HIDDEN: &[Native] = &[
    METHODS[0],
    METHODS[1],
    METHODS[2],
    METHODS[3],
    METHODS[4],
    METHODS[5],
    METHODS[6],
    METAMETHODS[0],
    METAMETHODS[1],
    METAMETHODS[2],
    read::LINES_ITERATOR,
];

fn complete(machine: &mut Machine, library: Ref<Table>) -> Result<(), Throw> {
    let methods = machine.heap.new_table(0, METHODS.len() as u32)?;
    set_functions(machine, methods, METHODS)?;
    let metatable = machine.heap.new_table(0, METAMETHODS.len() as u32 + 2)?;
    set_functions(machine, metatable, METAMETHODS)?;
    set_field(machine, metatable, "__index", Value::Table(methods))?;
    let name = machine.new_string(file::TYPE_NAME.as_bytes())?;
    set_field(machine, metatable, "__name", Value::String(name))?;
    let registry = machine.registry();
    set_field(machine, registry, file::TYPE_NAME, Value::Table(metatable))?;
    let standard = [
        ("stdin", Stream::INPUT, Some(file::DEFAULT_INPUT)),
        ("stdout", Stream::OUTPUT, Some(file::DEFAULT_OUTPUT)),
        ("stderr", Stream::ERROR, None),
    ];
    for (name, stream, default) in standard {
        let file = File::new(machine)?;
        let is_input = stream == Stream::INPUT;
        file.open(machine, stream, FileKind::Standard, (is_input, !is_input));
        if stream == Stream::ERROR {
            file.set_buffering(machine, crate::output::Buffering::None);
        }
        let file = file.value();
        set_field(machine, library, name, file)?;
        if let Some(field) = default {
            set_field(machine, registry, field, file)?;
        }
    }
    Ok(())
}

/// The closure of a hidden native function with values.
fn closure(machine: &Machine, native: &Native, values: &[Value]) -> Result<Value, Throw> {
    native_value(machine, native.name, values)
}
