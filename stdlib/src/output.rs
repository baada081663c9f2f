//! Standard output, buffered.
//!
//! What `print` and `io.write` write is collected in one array of bytes in the region, which is a root, and handed to the
//! host in large pieces. A function that writes goes on like this, from a phase of its own:
//!
//! ```text
//!   append(bytes) -> n < bytes.len()  -> flush() -> Wait: return Step::Wait, come back in the same phase, flush() again
//!                 -> all taken, done             -> Done: append the rest
//! ```

use lunette_bytecode::number::NumberText;
use lunette_gc::{heap::OutOfMemory, reference::Ref, storage::ByteArray, string::Str, value::Value};
use lunette_interpreter::{
    Machine, Throw,
    host::{HostError, Request, Response, Stream, Ticket},
    limits::StopReason,
    machine::roots,
};

/// Size of the buffer.
const CAPACITY: usize = 16 << 10;

/// When the buffer is given to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffering {
    /// When it is full.
    Full = 0,
    /// At the end of a function that wrote a line's end, as for terminals.
    Line = 1,
    /// At the end of every function that wrote.
    None = 2,
}

/// What [`flush`] did.
#[derive(Debug)]
pub(crate) enum Flush {
    /// The buffer is empty.
    Done,
    /// The function must wait, and call [`flush`] again when it comes back.
    Wait(Ticket),
    /// The host does not take the bytes, which are lost.
    Failed(HostError),
}

/// Makes the buffer.
pub(crate) fn open(machine: &Machine) -> Result<(), OutOfMemory> {
    let buffer = machine.heap.new_zeroed_byte_array(CAPACITY as u32)?;
    let slot = machine.heap.root(roots::OUTPUT_BUFFER);
    slot.set(Value::Bytes(buffer));
    slot.spare.set(0);
    set_buffering(machine, Buffering::Full);
    Ok(())
}

/// Sets when the buffer is given to the host.
pub fn set_buffering(machine: &Machine, buffering: Buffering) {
    machine.heap.root(roots::OUTPUT_MODE).set(Value::Integer(buffering as i64));
}

fn buffering(machine: &Machine) -> Buffering {
    match machine.heap.root(roots::OUTPUT_MODE).get() {
        Value::Integer(1) => Buffering::Line,
        Value::Integer(2) => Buffering::None,
        _ => Buffering::Full,
    }
}

fn buffer(machine: &Machine) -> Option<Ref<ByteArray>> {
    match machine.heap.root(roots::OUTPUT_BUFFER).get() {
        Value::Bytes(buffer) => Some(buffer),
        _ => None,
    }
}

/// Number of bytes that wait for the host.
pub(crate) fn pending(machine: &Machine) -> usize {
    machine.heap.root(roots::OUTPUT_BUFFER).spare.get() as usize
}

/// Takes as many of the bytes as there is room for, and says how many. Bytes beyond the output limit stop the instance;
/// what was written before will still reach the host.
pub(crate) fn append(machine: &mut Machine, bytes: &[u8]) -> Result<usize, Throw> {
    let room = take_room(machine, bytes.len());
    if let Some((buffer, start)) = room.place {
        machine.heap.write_bytes(buffer, start, &bytes[..room.granted]);
    }
    room.finish(machine)
}

/// What a program writes.
pub(crate) enum Written {
    /// The bytes of a string.
    String(Ref<Str>),
    /// A number, as text.
    Number(NumberText),
}

impl Written {
    /// The bytes.
    pub fn bytes<'a>(&'a self, machine: &'a Machine) -> &'a [u8] {
        match self {
            Written::String(string) => machine.bytes(*string),
            Written::Number(text) => text,
        }
    }
}

/// As [`append`], for what is written from byte `offset` on.
pub(crate) fn append_written(machine: &mut Machine, written: &Written, offset: usize) -> Result<usize, Throw> {
    let offset = offset.min(written.bytes(machine).len());
    let room = take_room(machine, written.bytes(machine).len() - offset);
    if let Some((buffer, start)) = room.place {
        machine.heap.write_bytes(buffer, start, &written.bytes(machine)[offset..offset + room.granted]);
    }
    room.finish(machine)
}

/// Room in the buffer.
struct Room {
    /// The buffer, and where the room begins.
    place: Option<(Ref<ByteArray>, usize)>,
    /// Number of bytes that count as written.
    taken: usize,
    /// Number of them that the limit allows.
    granted: usize,
}

fn take_room(machine: &mut Machine, wanted: usize) -> Room {
    let Some(buffer) = buffer(machine) else {
        return Room { place: None, taken: wanted, granted: wanted };
    };
    let capacity = machine.heap.bytes(buffer).len();
    let start = pending(machine).min(capacity);
    let taken = wanted.min(capacity - start);
    let granted = machine.charge_output(taken);
    machine.heap.root(roots::OUTPUT_BUFFER).spare.set((start + granted) as u32);
    Room { place: Some((buffer, start)), taken, granted }
}

impl Room {
    fn finish(self, machine: &mut Machine) -> Result<usize, Throw> {
        if self.granted < self.taken { Err(machine.stop(StopReason::Output)) } else { Ok(self.taken) }
    }
}

/// Whether a function that has written these bytes last must flush before it returns.
pub(crate) fn must_flush(machine: &Machine, last: &[u8]) -> bool {
    match buffering(machine) {
        Buffering::Full => false,
        Buffering::Line => last.contains(&b'\n'),
        Buffering::None => true,
    }
}

/// Gives the buffer to the host, or goes on with that.
pub(crate) fn flush(machine: &mut Machine) -> Result<Flush, Throw> {
    let Some(buffer) = buffer(machine) else {
        return Ok(Flush::Done);
    };
    match machine.take_response() {
        Some(Response::Count(count)) => {
            let end = pending(machine).min(machine.heap.bytes(buffer).len());
            let count = count.min(end);
            machine.heap.move_bytes_down(buffer, count, end);
            machine.heap.root(roots::OUTPUT_BUFFER).spare.set((end - count) as u32);
        }
        Some(Response::Failed(error)) => {
            machine.heap.root(roots::OUTPUT_BUFFER).spare.set(0);
            return Ok(Flush::Failed(error));
        }
        _ => {}
    }
    let length = pending(machine);
    if length == 0 {
        return Ok(Flush::Done);
    }
    let bytes = machine.heap.bytes(buffer);
    let bytes = &bytes[..length.min(bytes.len())];
    Ok(Flush::Wait(machine.host.submit(Request::Write(Stream::OUTPUT, bytes))))
}

/// Asks the host for something and waits, from outside of the instance.
pub(crate) fn ask_from_host(machine: &mut Machine, request: Request<'_>) -> Response {
    let ticket = machine.host.submit(request);
    wait_from_host(machine, ticket)
}

fn wait_from_host(machine: &mut Machine, ticket: Ticket) -> Response {
    loop {
        if let Some(response) = machine.host.complete(ticket) {
            return response;
        }
    }
}

/// Gives the buffer to the host and waits, from outside of the instance: after its program has ended, however it did.
pub fn flush_from_host(machine: &mut Machine) -> Result<(), HostError> {
    // What a stopped function was waiting for is nothing to this.
    machine.take_response();
    loop {
        match flush(machine) {
            Ok(Flush::Wait(ticket)) => {
                let response = wait_from_host(machine, ticket);
                machine.put_back_response(response);
            }
            Ok(Flush::Failed(error)) => return Err(error),
            Ok(Flush::Done) | Err(_) => return Ok(()),
        }
    }
}
