//! A host for tests: files of the process, standard output kept in memory or passed on.
#![allow(dead_code, reason = "each test uses a part of it")]

use lunette_bytecode::module::Module;
use lunette_gc::{
    pages::{Pages, REGION_ALIGNMENT},
    value::Value,
};
use lunette_interpreter::{
    Machine,
    host::{FileKind, Host, HostError, Location, OpenMode, Origin, Request, Response, Stream, Ticket, Timestamp},
    machine::Configuration,
};
use std::{
    alloc::Layout,
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    ptr::NonNull,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

/// Bytes of a test's region; Miri has no memory that is only taken when it is touched.
const REGION: usize = if cfg!(miri) { 1 << 24 } else { 1 << 30 };

struct TestPages;

/// The alignment of the memory of which a region is a part.
const ALIGNMENT: usize = align_of::<*mut u8>();

fn zeroed(bytes: usize) -> Option<*mut u8> {
    let layout = Layout::from_size_align(bytes, ALIGNMENT).ok()?;
    // SAFETY: the size is not 0.
    Some(unsafe { std::alloc::alloc_zeroed(layout) })
}

// SAFETY: zeroed memory of the allocator; released memory is zeroed.
unsafe impl Pages for TestPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        // The allocator gives memory that is only taken when it is touched if no large alignment is asked for.
        let start = NonNull::new(zeroed(bytes + REGION_ALIGNMENT)?)?;
        let offset = REGION_ALIGNMENT - start.as_ptr() as usize % REGION_ALIGNMENT;
        // SAFETY: the region ends within the memory, and there is room for an address before it.
        unsafe {
            let region = start.as_ptr().add(offset);
            region.cast::<*mut u8>().sub(1).write(start.as_ptr());
            NonNull::new(region)
        }
    }
    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { start.as_ptr().write_bytes(0, bytes) }
    }
    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise; the address of the memory stands before the region.
        unsafe {
            let memory = start.as_ptr().cast::<*mut u8>().sub(1).read();
            std::alloc::dealloc(memory, Layout::from_size_align_unchecked(bytes + REGION_ALIGNMENT, ALIGNMENT));
        }
    }
}

/// What the instance wrote to its standard streams.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// All of it so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

struct TestHost {
    written: Option<Written>,
    files: HashMap<u32, File>,
    next: u32,
    response: Option<Response>,
}

fn failed(error: &std::io::Error) -> Response {
    let message = error.to_string();
    let message = message.split(" (os error").next().unwrap_or_default().to_owned();
    Response::Failed(HostError { message, code: error.raw_os_error().unwrap_or(0) })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl TestHost {
    fn answer(&mut self, request: Request<'_>) -> std::io::Result<Response> {
        Ok(match request {
            Request::Read(Stream::INPUT, count) => {
                let mut bytes = vec![0; count];
                let count = std::io::stdin().read(&mut bytes)?;
                bytes.truncate(count);
                Response::Bytes(bytes)
            }
            Request::Read(stream, count) => {
                let mut bytes = Vec::new();
                self.file(stream)?.take(count as u64).read_to_end(&mut bytes)?;
                Response::Bytes(bytes)
            }
            Request::Write(stream @ (Stream::OUTPUT | Stream::ERROR), bytes) => {
                match &self.written {
                    Some(written) => written.0.lock().unwrap().extend_from_slice(bytes),
                    None if stream == Stream::OUTPUT => std::io::stdout().write_all(bytes)?,
                    None => std::io::stderr().write_all(bytes)?,
                }
                Response::Count(bytes.len())
            }
            Request::Write(stream, bytes) => Response::Count(self.file(stream)?.write(bytes)?),
            Request::Seek(stream, origin, offset) => Response::Position(self.file(stream)?.seek(match origin {
                Origin::Start => SeekFrom::Start(offset as u64),
                Origin::Current => SeekFrom::Current(offset),
                Origin::End => SeekFrom::End(offset),
            })?),
            Request::Open(Location { path, .. }, mode) => {
                let OpenMode { read, write, append, truncate, create, .. } = mode;
                let file = File::options()
                    .read(read)
                    .write(write && !append)
                    .append(append)
                    .truncate(truncate)
                    .create(create)
                    .open(text(path))?;
                self.keep(file)
            }
            Request::OpenTemporary => {
                let path = self.temporary_name();
                let file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
                std::fs::remove_file(&path)?;
                self.keep(file)
            }
            Request::TemporaryName => {
                let path = self.temporary_name();
                File::create(&path)?;
                Response::Bytes(path.into_bytes())
            }
            Request::Close(stream) => {
                self.files.remove(&stream.0);
                Response::Done
            }
            Request::Remove(Location { path, .. }, _) => {
                std::fs::remove_file(text(path))?;
                Response::Done
            }
            Request::Rename(from, to) => {
                std::fs::rename(text(from.path), text(to.path))?;
                Response::Done
            }
            Request::Environment(_) => Response::Failed(HostError::not_permitted()),
            Request::Time(_) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Response::Time(Timestamp { seconds: now.as_secs() as i64, nanoseconds: now.subsec_nanos() })
            }
            Request::TimeZone => Response::Bytes(Vec::new()),
            Request::Entropy(count) => Response::Bytes(vec![7; count]),
            _ => Response::Failed(HostError::not_permitted()),
        })
    }

    fn temporary_name(&mut self) -> String {
        self.next += 1;
        format!("{}/lunette-test-{}-{}", std::env::temp_dir().display(), std::process::id(), self.next)
    }

    fn keep(&mut self, file: File) -> Response {
        self.next += 1;
        self.files.insert(self.next, file);
        Response::Opened(Stream(self.next), FileKind::Regular)
    }

    fn file(&mut self, stream: Stream) -> std::io::Result<&mut File> {
        self.files.get_mut(&stream.0).ok_or_else(|| std::io::Error::from_raw_os_error(9))
    }
}

impl Host for TestHost {
    fn pages(&self) -> Box<dyn Pages + Send> {
        Box::new(TestPages)
    }
    fn submit(&mut self, request: Request<'_>) -> Ticket {
        self.response = Some(self.answer(request).unwrap_or_else(|error| failed(&error)));
        Ticket(0)
    }
    fn complete(&mut self, _: Ticket) -> Option<Response> {
        self.response.take()
    }
    fn monotonic(&self) -> u64 {
        0
    }
}

/// A machine with all libraries. What it writes is kept in `written`, or passed on if there is none.
pub fn machine(written: Option<Written>) -> Machine {
    let host = TestHost { written, files: HashMap::new(), next: 100, response: None };
    let configuration = Configuration { region_bytes: REGION, memory_limit: REGION as u64 / 2 };
    let mut machine = Machine::new(Box::new(host), configuration).expect("memory for an instance");
    lunette_stdlib::open_all(&mut machine).expect("memory for the library");
    machine
}

/// Compiles a chunk.
#[cfg(feature = "compiler")]
pub fn compile(source: &[u8], name: &str) -> Result<Module, String> {
    let source = lunette_bytecode::file::code_of_file(source);
    lunette_frontend::compile(source, name.as_bytes(), lunette_frontend::Limits::default())
        .map_err(|error| format!("{name}: {error}"))
}

/// Compiles and runs a chunk; gives the error as text.
#[cfg(feature = "compiler")]
pub fn run(machine: &mut Machine, source: &[u8], name: &str) -> Result<(), String> {
    execute(machine, &compile(source, name)?)
}

/// Runs a module; gives the error as text, with the traceback if the machine keeps one.
pub fn execute(machine: &mut Machine, module: &Module) -> Result<(), String> {
    let globals = Value::Table(machine.globals());
    let main = machine.load(module, globals).map_err(|error| error.to_string())?;
    let result = machine.call(Value::Closure(main), &[]);
    lunette_stdlib::output::flush_from_host(machine).map_err(|error| error.message)?;
    result.map(|_| ()).map_err(|throw| {
        let error = machine.pending_error();
        let mut text = Vec::new();
        machine.append_text(error, &mut text);
        format!("{throw:?} {} ({error:?})", String::from_utf8_lossy(&text))
    })
}
