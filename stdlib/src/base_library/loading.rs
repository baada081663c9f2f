//! `load`, `loadfile` and `dofile`: from text or a module file to a function.

use crate::{
    arguments::Arguments,
    file_reading::{self, Progress},
    library::malformed_frame,
    text,
};
use alloc::{format, vec::Vec};
use lunette_bytecode::{
    file::{self, MAGIC, WEBASSEMBLY_MAGIC},
    module::Module,
};
use lunette_gc::value::Value;
use lunette_interpreter::{
    Frame, Machine, NativeResult, Step, Throw,
    load::LoadError,
    native::{CAUGHT, Native},
};

/// `load(chunk, chunkname, mode, env)`
pub(super) const LOAD: Native = Native::new("load", load).with_locals(1).unyieldable().catching();
/// `loadfile(filename, mode, env)`
pub(super) const LOADFILE: Native = Native::new("loadfile", loadfile).with_locals(file_reading::LOCALS);
/// `dofile(filename)`
pub(super) const DOFILE: Native = Native::new("dofile", dofile).with_locals(file_reading::LOCALS);

/// A function, or the message why there is none.
pub(crate) type Loaded = Result<Value, Vec<u8>>;

/// The first byte of binary chunks.
const ESCAPE: u8 = MAGIC[0];

/// Makes a function of a chunk, text or binary as `mode` allows. Its first upvalue is `environment`.
pub(crate) fn load_chunk(
    machine: &mut Machine,
    chunk: &[u8],
    chunk_name: &[u8],
    mode: &[u8],
    environment: Value,
) -> Result<Loaded, Throw> {
    // As in C, the name ends at a zero byte.
    let chunk_name = chunk_name.split(|&byte| byte == 0).next().unwrap_or_default();
    let is_webassembly = chunk.starts_with(&WEBASSEMBLY_MAGIC);
    let is_binary = is_webassembly || chunk.first() == Some(&ESCAPE);
    let (letter, kind) = if is_binary { (b'b', "binary") } else { (b't', "text") };
    if !mode.contains(&letter) {
        let mut message = format!("attempt to load a {kind} chunk (mode is '").into_bytes();
        message.extend_from_slice(mode);
        message.extend_from_slice(b"')");
        return Ok(Err(message));
    }
    // Work and memory are bounded by the length, with the factor of what a byte can become.
    machine.charge(chunk.len() as u64)?;
    if is_webassembly {
        return load_webassembly(machine, chunk, chunk_name);
    }
    let memory = free_memory(machine);
    let module = if is_binary {
        file::read(chunk, memory).map_err(|error| bad_format(chunk_name, &format!("{error}")))
    } else {
        compile(chunk, chunk_name, memory)?
    };
    let module = match module {
        Ok(module) => module,
        Err(message) => return Ok(Err(message)),
    };
    match machine.load(&module, environment) {
        Ok(closure) => Ok(Ok(Value::Closure(closure))),
        Err(LoadError::Memory) => Err(Throw::Memory),
        Err(error @ LoadError::Malformed(_)) => Ok(Err(bad_format(chunk_name, &format!("{error}")))),
    }
}

/// A WebAssembly file as a function that runs it.
#[cfg(feature = "compiler")]
fn load_webassembly(machine: &mut Machine, chunk: &[u8], chunk_name: &[u8]) -> Result<Loaded, Throw> {
    match crate::webassembly::load_program(machine, chunk, chunk_name) {
        Ok(function) => Ok(Ok(function)),
        Err(crate::webassembly::LoadError::Refused(error)) => Ok(Err(bad_format(chunk_name, &format!("{error}")))),
        Err(crate::webassembly::LoadError::Throw(throw)) => Err(throw),
    }
}

#[cfg(not(feature = "compiler"))]
fn load_webassembly(_: &mut Machine, _: &[u8], _: &[u8]) -> Result<Loaded, Throw> {
    Ok(Err(b"attempt to load a WebAssembly chunk without a compiler".to_vec()))
}

#[cfg(feature = "compiler")]
fn compile(text: &[u8], chunk_name: &[u8], memory: usize) -> Result<Result<Module, Vec<u8>>, Throw> {
    use lunette_frontend::{CompileError, Limits};
    match lunette_frontend::compile(text, chunk_name, Limits { memory }) {
        Ok(module) => Ok(Ok(module)),
        Err(CompileError::Syntax(error)) => Ok(Err(error.full_message(chunk_name))),
        Err(CompileError::Memory) => Err(Throw::Memory),
    }
}

#[cfg(not(feature = "compiler"))]
fn compile(_: &[u8], _: &[u8], _: usize) -> Result<Result<Module, Vec<u8>>, Throw> {
    Ok(Err(b"attempt to load a text chunk without a compiler".to_vec()))
}

/// Bytes that the instance may still take.
fn free_memory(machine: &Machine) -> usize {
    let heap = &machine.heap;
    usize::try_from(heap.memory_limit().saturating_sub(heap.used_bytes())).unwrap_or(usize::MAX)
}

fn bad_format(chunk_name: &[u8], reason: &str) -> Vec<u8> {
    let mut message = match chunk_name {
        [b'@' | b'=', name @ ..] => name.to_vec(),
        [ESCAPE, ..] => b"binary string".to_vec(),
        name => name.to_vec(),
    };
    message.extend_from_slice(format!(": bad binary format ({reason})").as_bytes());
    message
}

/// As [`load_chunk`] for the content of a file, which may begin with a byte order mark and a line for Unix.
pub(crate) fn load_file_text(
    machine: &mut Machine,
    content: &[u8],
    path: Value,
    mode: &[u8],
    environment: Value,
) -> Result<Loaded, Throw> {
    let chunk = file::code_of_file(content);
    let chunk_name = match path {
        Value::String(path) => [b"@", machine.bytes(path)].concat(),
        _ => b"=stdin".to_vec(),
    };
    load_chunk(machine, chunk, &chunk_name, mode, environment)
}

/// Returns a function, or nil and a message.
fn return_loaded(machine: &Machine, frame: Frame, loaded: Loaded) -> NativeResult {
    match loaded {
        Ok(function) => frame.return_one(machine, function),
        Err(message) => {
            let message = machine.new_string(&message)?;
            frame.return_two(machine, Value::Nil, Value::String(message))
        }
    }
}

/// The environment that argument `index` gives, or the globals if there is none.
fn environment(machine: &Machine, frame: Frame, index: u32) -> Value {
    frame.argument(machine, index).unwrap_or(Value::Table(machine.globals()))
}

fn mode(machine: &Machine, frame: Frame, index: u32) -> Result<Vec<u8>, Throw> {
    Ok(frame.optional_string(machine, index)?.map_or(b"bt".to_vec(), |mode| machine.bytes(mode).to_vec()))
}

/// Local of `load`: table of the pieces that the reader gave.
const PIECES: u32 = 0;

fn load(machine: &mut Machine, frame: Frame) -> NativeResult {
    const READ: u32 = 1;
    let chunk = match frame.phase() {
        CAUGHT => return frame.return_two(machine, Value::Nil, machine.pending_error()),
        READ => {
            let pieces = match frame.local(machine, PIECES) {
                Value::Table(pieces) => pieces,
                _ => return Err(malformed_frame(machine)),
            };
            let piece = match frame.result(machine, 0) {
                Value::Nil => None,
                Value::String(piece) => Some(piece),
                number @ (Value::Integer(_) | Value::Float(_)) => Some(text::number_string(machine, number)?),
                _ => {
                    let throw = machine.native_error(format_args!("reader function must return a string"));
                    return if throw == Throw::Error {
                        frame.return_two(machine, Value::Nil, machine.pending_error())
                    } else {
                        Err(throw)
                    };
                }
            };
            match piece.filter(|&piece| !machine.bytes(piece).is_empty()) {
                None => file_reading::join(machine, pieces)?,
                Some(piece) => {
                    let index = machine.heap.table_length(pieces) + 1;
                    machine.raw_set(pieces, Value::Integer(index), Value::String(piece))?;
                    return frame.call(machine, READ, frame.argument_or_nil(machine, 0), &[]);
                }
            }
        }
        _ => {
            mode(machine, frame, 2)?;
            if !matches!(frame.argument(machine, 0), Some(Value::String(_) | Value::Integer(_) | Value::Float(_))) {
                frame.optional_string(machine, 1)?;
                let reader = frame.check_function(machine, 0)?;
                frame.set_local(machine, PIECES, Value::Table(machine.heap.new_table(0, 0)?));
                return frame.call(machine, READ, reader, &[]);
            }
            let string = frame.check_string(machine, 0)?;
            machine.bytes(string).to_vec()
        }
    };
    let chunk_name = match frame.optional_string(machine, 1)? {
        Some(name) => machine.bytes(name).to_vec(),
        None if frame.phase() == READ => b"=(load)".to_vec(),
        None => chunk.clone(),
    };
    let mode = mode(machine, frame, 2)?;
    let environment = environment(machine, frame, 3);
    let loaded = load_chunk(machine, &chunk, &chunk_name, &mode, environment)?;
    return_loaded(machine, frame, loaded)
}

/// Goes on reading the file that the first argument names, and loads it.
fn load_file(
    machine: &mut Machine,
    frame: Frame,
    mode: &[u8],
    environment: Value,
) -> Result<Result<Loaded, Step>, Throw> {
    if frame.phase() == 0 {
        let path = frame.optional_string(machine, 0)?.map_or(Value::Nil, Value::String);
        frame.set_local(machine, file_reading::PATH, path);
        return file_reading::begin(machine, frame).map(Err);
    }
    let path = frame.local(machine, file_reading::PATH);
    match file_reading::step(machine, frame)? {
        Progress::Waiting(step) => Ok(Err(step)),
        Progress::Failed(what, error) => Ok(Ok(Err(file_reading::error_message(machine, path, what, &error)))),
        Progress::Done(content) => load_file_text(machine, &content, path, mode, environment).map(Ok),
    }
}

fn loadfile(machine: &mut Machine, frame: Frame) -> NativeResult {
    let mode = mode(machine, frame, 1)?;
    match load_file(machine, frame, &mode, environment(machine, frame, 2))? {
        Ok(loaded) => return_loaded(machine, frame, loaded),
        Err(step) => Ok(step),
    }
}

fn dofile(machine: &mut Machine, frame: Frame) -> NativeResult {
    const RETURNED: u32 = 1;
    if frame.phase() == RETURNED {
        return Ok(Step::Return { first: frame.window(), count: frame.result_count(machine) });
    }
    match load_file(machine, frame, b"bt", Value::Table(machine.globals()))? {
        Ok(Ok(function)) => frame.call(machine, RETURNED, function, &[]),
        Ok(Err(message)) => Err(machine.throw_text(&message)),
        Err(step) => Ok(step),
    }
}
