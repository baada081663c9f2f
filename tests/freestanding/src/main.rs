//! Proof that the runtime is freestanding: a program without std and without C's library, with nothing but the kernel's
//! `mmap`, `madvise`, `munmap`, `write` and `exit`, that compiles a Lua program, sends it through the module file, and
//! runs it. It only links if nothing in the crates needs more than `core` and `alloc`.
#![no_std]
#![no_main]
extern crate alloc;

mod memory;
mod system;

use alloc::{boxed::Box, format, string::String};
use lunette_bytecode::{file, verifier};
use lunette_gc::{pages::Pages, value::Value};
use lunette_interpreter::{
    Configuration, Machine,
    host::{Host, HostError, Request, Response, Ticket},
};

const PROGRAM: &[u8] = include_bytes!("../program.lua");

/// A home with memory and output, and nothing else.
struct Home {
    response: Option<Response>,
}

impl Host for Home {
    fn pages(&self) -> Box<dyn Pages + Send> {
        Box::new(memory::KernelPages)
    }

    fn submit(&mut self, request: Request<'_>) -> Ticket {
        self.response = Some(match request {
            Request::Write(_, bytes) => {
                system::write(bytes);
                Response::Count(bytes.len())
            }
            _ => Response::Failed(HostError { message: String::from("Function not implemented"), code: 38 }),
        });
        Ticket(0)
    }

    fn complete(&mut self, _: Ticket) -> Option<Response> {
        self.response.take()
    }

    fn monotonic(&self) -> u64 {
        0
    }
}

fn run() -> Result<(), String> {
    let module = lunette_frontend::compile(PROGRAM, b"=program", lunette_frontend::Limits::default())
        .map_err(|error| format!("{error}"))?;
    let module = file::read(&file::write(&module), usize::MAX).map_err(|error| format!("{error}"))?;
    verifier::verify(&module).map_err(|error| format!("{error}"))?;

    let configuration = Configuration { region_bytes: 1 << 30, memory_limit: 64 << 20 };
    let home = Box::new(Home { response: None });
    let mut machine = Machine::new(home, configuration).map_err(|error| format!("{error}"))?;
    lunette_stdlib::open_all(&mut machine).map_err(|throw| format!("{throw:?}"))?;
    let globals = Value::Table(machine.globals());
    let main = machine.load(&module, globals).map_err(|error| format!("{error}"))?;
    machine.call(Value::Closure(main), &[]).map_err(|throw| match machine.pending_error() {
        Value::String(message) => String::from_utf8_lossy(machine.bytes(message)).into_owned(),
        _ => format!("{throw:?}"),
    })?;
    lunette_stdlib::output::flush_from_host(&mut machine).map_err(|error| error.message)
}

/// Where `system` goes on after the kernel has started the program; gives the exit status.
pub(crate) fn main() -> i32 {
    match run() {
        Ok(()) => 0,
        Err(message) => {
            system::write(message.as_bytes());
            system::write(b"\n");
            1
        }
    }
}
