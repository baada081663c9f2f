//! The functions of WASI on files of the process, each called by a function of a module that does nothing else.

use super::{Folder, granted, grants};
use crate::{AsContext, Captured, Configuration, Engine, Environment, Grants, Input, Instance, Output, Streams};
use lunette_gc::{reference::Ref, typed::LinearMemory, value::Value};
use lunette_interpreter::{Throw, limits::StopReason};
use lunette_stdlib::wasi::{self, Errno, FUNCTIONS, Function, Type, Version};
use std::{fs, os::unix::fs::symlink, time::Instant};

const MEMORY: u32 = 1 << 20;
/// Where results are put.
const RESULT: u64 = 0x100;
/// Where names are put.
const NAME: u64 = 0x1000;
const OTHER_NAME: u64 = 0x2000;
/// Where lists of buffers are put, and the buffers.
const LIST: u64 = 0x4000;
const BUFFER: u64 = 0x10000;

/// The granted directory.
const DATA: u64 = 3;

const CREATE: u64 = 1;
const DIRECTORY: u64 = 2;
const EXCLUSIVE: u64 = 4;
const TRUNCATE: u64 = 8;
const READ: u64 = 1 << 1;
const SEEK: u64 = 1 << 2;
const TELL: u64 = 1 << 5;
const WRITE: u64 = 1 << 6;
const STATUS: u64 = 1 << 21;
const READ_WRITE: u64 = READ | WRITE | SEEK | TELL | STATUS;
const APPEND: u64 = 1;

/// A number in the form that modules have.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Bytes after their number.
fn counted(bytes: &[u8]) -> Vec<u8> {
    [number(bytes.len()), bytes.to_vec()].concat()
}

/// Items after their number, as a section of a module.
fn section(kind: u8, items: &[Vec<u8>]) -> Vec<u8> {
    let content = [number(items.len()), items.concat()].concat();
    [vec![kind], counted(&content)].concat()
}

/// A module that imports all functions, and has a function for each that calls it.
fn module(version: Version) -> Vec<u8> {
    let interface = match version {
        Version::Preview1 => "wasi_snapshot_preview1",
        Version::Unstable => "wasi_unstable",
    };
    let types = |types: &[Type]| {
        counted(&types.iter().map(|kind| if *kind == Type::I32 { 0x7f } else { 0x7e }).collect::<Vec<u8>>())
    };
    let each = |item: &dyn Fn(usize, &Function) -> Vec<u8>| -> Vec<Vec<u8>> {
        FUNCTIONS.iter().enumerate().map(|(index, function)| item(index, function)).collect()
    };
    let mut exports =
        each(&|index, function| [counted(function.name.as_bytes()), vec![0], number(FUNCTIONS.len() + index)].concat());
    exports.push([counted(b"memory"), vec![2, 0]].concat());
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &each(&|_, function| [vec![0x60], types(function.parameters), types(function.results)].concat())),
        section(
            2,
            &each(&|index, function| {
                [counted(interface.as_bytes()), counted(function.name.as_bytes()), vec![0], number(index)].concat()
            }),
        ),
        section(3, &each(&|index, _| number(index))),
        section(5, &[[vec![0], number(MEMORY as usize >> 16)].concat()]),
        section(7, &exports),
        section(
            10,
            &each(&|index, function| {
                let parameters = (0..function.parameters.len()).flat_map(|parameter| [0x20, parameter as u8]);
                let body: Vec<u8> =
                    [0].into_iter().chain(parameters).chain([0x10]).chain(number(index)).chain([0x0b]).collect();
                counted(&body)
            }),
        ),
    ]
    .concat()
}

/// An instance with that module, whose exports are the global `wasi`.
struct Program {
    instance: Instance,
}

impl Program {
    fn new(grants: Grants, streams: Streams) -> Program {
        Program::with(Configuration::new().grants(grants), streams)
    }

    fn with(configuration: Configuration, streams: Streams) -> Program {
        let instance = Engine::new(configuration).instantiate_with(streams).unwrap();
        let mut program = Program { instance };
        program.load(Version::Preview1);
        program
    }

    fn in_folder(folder: &Folder) -> Program {
        Program::new(grants(vec![granted(&folder.path(""), "/data", true)]), Streams::none())
    }

    fn load(&mut self, version: Version) {
        let bytes = self.instance.as_context().string(module(version)).unwrap();
        self.instance.set("bytes", &bytes).unwrap();
        self.instance.exec("wasi = webassembly.instantiate(webassembly.load(bytes)); bytes = nil").unwrap();
    }

    fn export(&mut self, name: &str) -> Value {
        let machine = self.instance.machine();
        let (wasi, name) = (machine.new_string(b"wasi").unwrap(), machine.new_string(name.as_bytes()).unwrap());
        match machine.heap.table_get_string(machine.globals(), wasi) {
            Value::Table(exports) => machine.heap.table_get_string(exports, name),
            other => panic!("{other:?}"),
        }
    }

    fn memory(&mut self) -> Ref<LinearMemory> {
        let Value::Userdata(memory) = self.export("memory") else { panic!("no memory") };
        match self.instance.machine().heap.user_values(memory)[0].get() {
            Value::Internal(memory) => memory.cast(),
            other => panic!("{other:?}"),
        }
    }

    fn try_call(&mut self, name: &str, arguments: &[u64]) -> Result<Errno, Throw> {
        let function = self.export(name);
        let machine = self.instance.machine();
        let (declared, _) = wasi::import(machine, Version::Preview1, name.as_bytes()).unwrap();
        let arguments: Vec<Value> = declared
            .parameters
            .iter()
            .zip(arguments)
            .map(|(kind, &argument)| match kind {
                Type::I32 => Value::Integer((argument as u32).into()),
                Type::I64 => Value::Integer(argument as i64),
            })
            .collect();
        assert_eq!(arguments.len(), declared.parameters.len(), "{name}");
        let (first, count) = machine.call(function, &arguments)?;
        assert_eq!(count, 1);
        match machine.value(first) {
            Value::Integer(errno) => Ok(Errno(errno as u16)),
            other => panic!("{other:?}"),
        }
    }

    fn call(&mut self, name: &str, arguments: &[u64]) -> Errno {
        self.try_call(name, arguments).unwrap_or_else(|throw| panic!("{name}: {throw:?}"))
    }

    fn succeed(&mut self, name: &str, arguments: &[u64]) {
        assert_eq!(self.call(name, arguments), Errno::SUCCESS, "{name}");
    }

    fn put(&mut self, address: u64, bytes: &[u8]) {
        let memory = self.memory();
        assert!(self.instance.machine().heap.write_memory(memory, address, bytes));
    }

    fn get(&mut self, address: u64, length: usize) -> Vec<u8> {
        let memory = self.memory();
        let mut bytes = vec![0; length];
        assert!(self.instance.machine().heap.read_memory(memory, address, &mut bytes));
        bytes
    }

    fn int(&mut self, address: u64) -> u32 {
        u32::from_le_bytes(self.get(address, 4).try_into().unwrap())
    }

    fn long(&mut self, address: u64) -> u64 {
        u64::from_le_bytes(self.get(address, 8).try_into().unwrap())
    }

    /// Puts a name into memory: its address and length.
    fn name(&mut self, name: &str) -> [u64; 2] {
        self.put(NAME, name.as_bytes());
        [NAME, name.len() as u64]
    }

    fn other_name(&mut self, name: &str) -> [u64; 2] {
        self.put(OTHER_NAME, name.as_bytes());
        [OTHER_NAME, name.len() as u64]
    }

    /// A function on a directory and a path.
    fn on_path(&mut self, function: &str, directory: u64, path: &str) -> Errno {
        let [address, length] = self.name(path);
        self.call(function, &[directory, address, length])
    }

    fn open(&mut self, directory: u64, path: &str, how: u64, rights: u64, flags: u64) -> Result<u64, Errno> {
        self.open_link(directory, path, 0, how, rights, flags)
    }

    fn open_link(
        &mut self,
        directory: u64,
        path: &str,
        follow: u64,
        how: u64,
        rights: u64,
        flags: u64,
    ) -> Result<u64, Errno> {
        let [address, length] = self.name(path);
        let arguments = [directory, follow, address, length, how, rights, rights, flags, RESULT];
        match self.call("path_open", &arguments) {
            Errno::SUCCESS => Ok(self.int(RESULT).into()),
            errno => Err(errno),
        }
    }

    /// Puts buffers of these lengths into memory, one after the other.
    fn buffers(&mut self, lengths: &[u32]) -> [u64; 2] {
        let mut address = BUFFER;
        for (number, &length) in lengths.iter().enumerate() {
            let buffer = address | u64::from(length) << 32;
            self.put(LIST + 8 * number as u64, &buffer.to_le_bytes());
            address += u64::from(length);
        }
        [LIST, lengths.len() as u64]
    }

    fn write(&mut self, descriptor: u64, text: &str) -> Result<u32, Errno> {
        self.put(BUFFER, text.as_bytes());
        let [list, count] = self.buffers(&[text.len() as u32]);
        match self.call("fd_write", &[descriptor, list, count, RESULT]) {
            Errno::SUCCESS => Ok(self.int(RESULT)),
            errno => Err(errno),
        }
    }

    fn read(&mut self, descriptor: u64, lengths: &[u32]) -> Result<String, Errno> {
        let [list, count] = self.buffers(lengths);
        match self.call("fd_read", &[descriptor, list, count, RESULT]) {
            Errno::SUCCESS => {
                let length = self.int(RESULT) as usize;
                Ok(String::from_utf8(self.get(BUFFER, length)).unwrap())
            }
            errno => Err(errno),
        }
    }

    /// Kind, flags and rights of a descriptor.
    fn descriptor(&mut self, descriptor: u64) -> Result<(u8, u16, u64, u64), Errno> {
        match self.call("fd_fdstat_get", &[descriptor, RESULT]) {
            Errno::SUCCESS => {
                let kind = self.get(RESULT, 1)[0];
                let flags = self.int(RESULT) >> 16;
                Ok((kind, flags as u16, self.long(RESULT + 8), self.long(RESULT + 16)))
            }
            errno => Err(errno),
        }
    }

    /// Bytes of what is known of a path.
    fn status(&mut self, path: &str) -> Result<Vec<u8>, Errno> {
        let [address, length] = self.name(path);
        match self.call("path_filestat_get", &[DATA, 0, address, length, RESULT]) {
            Errno::SUCCESS => Ok(self.get(RESULT, 64)),
            errno => Err(errno),
        }
    }
}

#[test]
fn every_function_has_its_two_names() {
    assert_eq!(FUNCTIONS.len(), 46);
    let mut program = Program::new(Grants::NONE, Streams::none());
    let machine = program.instance.machine();
    for function in FUNCTIONS {
        for version in [Version::Preview1, Version::Unstable] {
            assert!(wasi::import(machine, version, function.name.as_bytes()).is_some(), "{}", function.name);
        }
    }
    assert!(wasi::import(machine, Version::Preview1, b"fd_nothing").is_none());
    assert_eq!(Version::of_module(b"wasi_unstable"), Some(Version::Unstable));
    assert_eq!(Version::of_module(b"wasi_snapshot_preview2"), None);
}

#[test]
fn arguments_and_variables() {
    let environment =
        Environment::Only([(b"A".to_vec(), b"text".to_vec()), (b"B".to_vec(), b"new\nline".to_vec())].into());
    let arguments = vec![b"program".to_vec(), b"the \"second\"".to_vec(), Vec::new()];
    let mut program = Program::new(Grants { arguments, environment, ..Grants::NONE }, Streams::none());
    program.succeed("args_sizes_get", &[RESULT, RESULT + 4]);
    assert_eq!((program.int(RESULT), program.int(RESULT + 4)), (3, 22));
    program.succeed("args_get", &[RESULT, NAME]);
    let addresses: Vec<u32> = (0..3).map(|number| program.int(RESULT + 4 * number)).collect();
    assert_eq!(addresses, [0x1000, 0x1008, 0x1015]);
    assert_eq!(program.get(NAME, 22), b"program\0the \"second\"\0\0");
    program.succeed("environ_sizes_get", &[RESULT, RESULT + 4]);
    assert_eq!((program.int(RESULT), program.int(RESULT + 4)), (2, 18));
    program.succeed("environ_get", &[RESULT, NAME]);
    assert_eq!(program.get(NAME, 18), b"A=text\0B=new\nline\0");
    assert_eq!(program.call("args_get", &[RESULT, u64::from(MEMORY) - 3]), Errno::FAULT);

    let mut program = Program::new(Grants::NONE, Streams::none());
    program.succeed("args_sizes_get", &[RESULT, RESULT + 4]);
    assert_eq!(program.long(RESULT), 0);
    program.succeed("environ_sizes_get", &[RESULT, RESULT + 4]);
    assert_eq!(program.long(RESULT), 0);
}

#[test]
fn without_grants_there_are_the_standard_streams() {
    let output = Captured::new();
    let streams =
        Streams { input: Input::Bytes(b"input".to_vec()), output: Output::Captured(output.clone()), ..Streams::none() };
    let mut program = Program::new(Grants::NONE, streams);
    assert_eq!(program.write(1, "hello"), Ok(5));
    assert_eq!(program.read(0, &[2, 0, 100]), Ok("input".into()));
    assert_eq!(program.read(0, &[100]), Ok(String::new()));
    assert_eq!(program.write(0, "x"), Err(Errno::NOTCAPABLE));
    assert_eq!(program.read(1, &[1]), Err(Errno::NOTCAPABLE));
    for descriptor in [3, 100, u64::from(u32::MAX)] {
        assert_eq!(program.call("fd_prestat_get", &[descriptor, RESULT]), Errno::BADF);
        assert_eq!(program.write(descriptor, "x"), Err(Errno::BADF));
        assert_eq!(program.call("sock_shutdown", &[descriptor, 1]), Errno::BADF);
    }
    assert_eq!(program.call("sock_shutdown", &[1, 1]), Errno::NOTSOCK);
    assert_eq!(program.call("random_get", &[BUFFER, 1]), Errno::PERM);
    assert_eq!(program.call("clock_time_get", &[0, 0, RESULT]), Errno::PERM);
    assert_eq!(program.call("proc_raise", &[6]), Errno::NOTSUP);
    program.succeed("sched_yield", &[]);
    // What the Lua library still holds comes first.
    output.take();
    program.put(BUFFER, b" and WASI");
    program.buffers(&[9]);
    program.instance.exec(format!("io.write('Lua'); assert(wasi.fd_write(1, {LIST}, 1, {RESULT}) == 0)")).unwrap();
    assert_eq!(output.take_text(), "Lua and WASI");
    program.succeed("fd_close", &[1]);
    assert_eq!(program.write(1, "x"), Err(Errno::BADF));
    program.instance.exec("print('still there')").unwrap();
    assert_eq!(output.take_text(), "still there\n");
}

#[test]
fn granted_directories_have_names() {
    let folder = Folder::new();
    let directories = vec![granted(&folder.path(""), "/data", true), granted(&std::env::temp_dir(), "/t", false)];
    let mut program = Program::new(grants(directories), Streams::none());
    for (descriptor, name) in [(3, "/data"), (4, "/t")] {
        program.succeed("fd_prestat_get", &[descriptor, RESULT]);
        assert_eq!((program.int(RESULT), program.int(RESULT + 4)), (0, name.len() as u32));
        let length = name.len() as u64;
        assert_eq!(program.call("fd_prestat_dir_name", &[descriptor, NAME, length - 1]), Errno::NAMETOOLONG);
        program.succeed("fd_prestat_dir_name", &[descriptor, NAME, length + 1]);
        assert_eq!(program.get(NAME, name.len()), name.as_bytes());
        assert_eq!(program.descriptor(descriptor).unwrap().0, 3);
    }
    assert_eq!(program.call("fd_prestat_get", &[5, RESULT]), Errno::BADF);
    assert_eq!(program.call("fd_prestat_get", &[1, RESULT]), Errno::BADF);
    assert_eq!(program.open(4, "new", CREATE, WRITE, 0), Err(Errno::ROFS));
    // Directories have no rights of files.
    for (function, count) in [("fd_seek", 4), ("fd_tell", 2), ("fd_read", 4), ("fd_write", 4), ("fd_allocate", 3)] {
        let arguments: Vec<u64> = [DATA, 0, 0, RESULT].into_iter().take(count).collect();
        assert_eq!(program.call(function, &arguments), Errno::NOTCAPABLE, "{function}");
    }
    program.succeed("fd_close", &[3]);
    assert_eq!(program.descriptor(3), Err(Errno::BADF));
}

#[test]
fn files_are_written_and_read() {
    let folder = Folder::new();
    let mut program = Program::in_folder(&folder);
    let file = program.open(DATA, "file", CREATE | EXCLUSIVE, READ_WRITE, 0).unwrap();
    assert_eq!(file, 4);
    assert_eq!(program.open(DATA, "file", CREATE | EXCLUSIVE, READ, 0), Err(Errno::EXIST));
    program.put(BUFFER, b"0123456789");
    let [list, count] = program.buffers(&[3, 0, 4, 3]);
    program.succeed("fd_write", &[file, list, count, RESULT]);
    assert_eq!(program.int(RESULT), 10);
    program.succeed("fd_tell", &[file, RESULT]);
    assert_eq!(program.long(RESULT), 10);
    program.succeed("fd_seek", &[file, -4i64 as u64, 1, RESULT]);
    assert_eq!(program.long(RESULT), 6);
    assert_eq!(program.read(file, &[1, 100]), Ok("6789".into()));
    assert_eq!(program.call("fd_seek", &[file, -40i64 as u64, 1, RESULT]), Errno::INVAL);
    assert_eq!(program.call("fd_seek", &[file, 0, 3, RESULT]), Errno::INVAL);
    program.put(BUFFER, b"abc");
    let [list, count] = program.buffers(&[1, 2]);
    program.succeed("fd_pwrite", &[file, list, count, 2, RESULT]);
    program.succeed("fd_pread", &[file, list, count, 1, RESULT]);
    assert_eq!((program.int(RESULT), program.get(BUFFER, 3)), (3, b"1ab".to_vec()));
    assert_eq!(folder.read("file"), "01abc56789");

    let status = program.status("file").unwrap();
    assert_eq!((status[16], &status[24..40]), (4, &[&1u64.to_le_bytes()[..], &10u64.to_le_bytes()].concat()[..]));
    program.succeed("fd_filestat_get", &[file, RESULT]);
    assert_eq!(program.get(RESULT, 64), status);
    let sized = program.open(DATA, "file", 0, READ_WRITE | 1 << 22 | 1 << 23 | 1 << 8 | 1 << 7, 0).unwrap();
    program.succeed("fd_filestat_set_size", &[sized, 3]);
    program.succeed("fd_allocate", &[sized, 0, 5]);
    program.succeed("fd_advise", &[sized, 0, 5, 1]);
    assert_eq!(program.call("fd_advise", &[sized, 0, 5, 9]), Errno::INVAL);
    assert_eq!(folder.read("file"), "01a\0\0");
    program.succeed("fd_filestat_set_times", &[sized, 1_000_000_007, 5, 1]);
    assert_eq!(program.call("fd_filestat_set_times", &[sized, 1, 5, 3]), Errno::INVAL);
    let status = program.status("file").unwrap();
    assert_eq!(status[40..48], 1_000_000_007u64.to_le_bytes());
    assert_eq!(program.call("fd_filestat_set_size", &[file, 3]), Errno::NOTCAPABLE);

    let append = program.open(DATA, "file", TRUNCATE, READ_WRITE | 1 << 3, APPEND).unwrap();
    assert_eq!(program.descriptor(append).unwrap(), (4, 1, READ_WRITE | 1 << 3, 0));
    assert_eq!(program.write(append, "one"), Ok(3));
    program.succeed("fd_seek", &[append, 0, 0, RESULT]);
    assert_eq!(program.write(append, "two"), Ok(3));
    assert_eq!(program.call("fd_fdstat_set_flags", &[append, 0x10]), Errno::INVAL);
    program.succeed("fd_fdstat_set_flags", &[append, 0]);
    program.succeed("fd_seek", &[append, 0, 0, RESULT]);
    assert_eq!(program.write(append, "1"), Ok(1));
    assert_eq!(folder.read("file"), "1netwo");
    program.succeed("fd_close", &[append]);
    assert_eq!(program.call("fd_close", &[append]), Errno::BADF);
}

#[test]
fn large_transfers_are_whole() {
    let folder = Folder::new();
    let mut program = Program::in_folder(&folder);
    let text: String = (0..100_000).map(|number| format!("{:05}", number % 100_000)).collect();
    let file = program.open(DATA, "file", CREATE, READ_WRITE, 0).unwrap();
    assert_eq!(program.write(file, &text), Ok(500_000));
    assert_eq!(folder.read("file"), text);
    program.succeed("fd_seek", &[file, 0, 0, RESULT]);
    program.put(BUFFER, &[0; 500_000]);
    assert_eq!(program.read(file, &[100_000, 1, 65_535, 400_000]), Ok(text));
}

#[test]
fn rights_are_kept_and_given_up() {
    let folder = Folder::new();
    let mut program = Program::in_folder(&folder);
    let file = program.open(DATA, "file", CREATE, READ_WRITE, 0).unwrap();
    program.write(file, "text").unwrap();
    program.succeed("fd_fdstat_set_rights", &[file, SEEK | TELL, 0]);
    assert_eq!(program.write(file, "x"), Err(Errno::NOTCAPABLE));
    assert_eq!(program.read(file, &[1]), Err(Errno::NOTCAPABLE));
    assert_eq!(program.call("fd_fdstat_set_rights", &[file, READ | SEEK, 0]), Errno::NOTCAPABLE);
    let reader = program.open(DATA, "file", 0, READ, 0).unwrap();
    assert_eq!(program.write(reader, "x"), Err(Errno::NOTCAPABLE));
    // A directory that may only open files for reading.
    let (_, _, base, inheriting) = program.descriptor(DATA).unwrap();
    program.succeed("fd_fdstat_set_rights", &[DATA, base & !(1 << 10 | 1 << 19), inheriting & !WRITE]);
    assert_eq!(program.open(DATA, "file", 0, READ | WRITE, 0), Err(Errno::NOTCAPABLE));
    assert_eq!(program.open(DATA, "new", CREATE, READ, 0), Err(Errno::NOTCAPABLE));
    assert_eq!(program.open(DATA, "file", TRUNCATE, READ, 0), Err(Errno::NOTCAPABLE));
    assert!(program.open(DATA, "file", 0, READ, 0).is_ok());
    // Rights that what is opened cannot have are left out.
    fs::create_dir(folder.path("sub")).unwrap();
    let sub = program.open(DATA, "sub", DIRECTORY, SEEK | 1 << 14, 0).unwrap();
    assert_eq!(program.descriptor(sub).unwrap().2, 1 << 14);
    assert_eq!(program.open(DATA, "sub", DIRECTORY, !WRITE, 0).map(|_| ()), Ok(()));
    assert_eq!(program.open(sub, "x", 0, READ, 0), Err(Errno::NOTCAPABLE));
}

#[test]
fn numbers_of_descriptors_change() {
    let folder = Folder::new();
    let mut program = Program::in_folder(&folder);
    let one = program.open(DATA, "one", CREATE, READ_WRITE, 0).unwrap();
    let two = program.open(DATA, "two", CREATE, READ_WRITE, 0).unwrap();
    program.succeed("fd_renumber", &[one, two]);
    assert_eq!(program.call("fd_close", &[one]), Errno::BADF);
    assert_eq!(program.call("fd_renumber", &[two, one]), Errno::BADF);
    assert_eq!(program.call("fd_renumber", &[two, 100]), Errno::BADF);
    program.succeed("fd_renumber", &[two, two]);
    program.write(two, "text").unwrap();
    assert_eq!((folder.read("one"), folder.read("two")), ("text".into(), String::new()));
    // The lowest number that is free is given next.
    assert_eq!(program.open(DATA, "three", CREATE, READ, 0), Ok(one));
    for standard in [0, 1, 2] {
        let file = program.open(DATA, "file", CREATE, 0, 0).unwrap();
        program.succeed("fd_renumber", &[standard, file]);
        assert!(program.descriptor(file).is_ok());
        assert_eq!(program.descriptor(standard), Err(Errno::BADF));
    }
    program.succeed("fd_renumber", &[two, DATA]);
    assert_eq!(program.call("fd_prestat_get", &[DATA, RESULT]), Errno::BADF);
}

#[test]
fn paths_and_their_errors() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("inside")).unwrap();
    folder.write("secret", "secret");
    let mut program = Program::new(grants(vec![granted(&folder.path("inside"), "/data", true)]), Streams::none());
    for path in ["dir", "dir/nested"] {
        assert_eq!(program.on_path("path_create_directory", DATA, path), Errno::SUCCESS);
    }
    let file = program.open(DATA, "dir/nested/file", CREATE, 0, 0).unwrap();
    program.succeed("fd_close", &[file]);
    assert!(program.open(DATA, "dir/.//nested/../../dir/nested/../nested///./file", 0, 0, 0).is_ok());
    assert!(program.open(DATA, "dir/nested///", 0, 0, 0).is_ok());
    for (path, errno) in [
        ("/dir/nested/file", Errno::PERM),
        ("dir/nested/../../../inside/dir", Errno::PERM),
        ("dir/nested/file\0", Errno::INVAL),
        ("dir/nested/file/", Errno::NOTDIR),
        ("dir/nested/none", Errno::NOENT),
        ("", Errno::NOENT),
    ] {
        assert_eq!(program.open(DATA, path, 0, 0, 0), Err(errno), "{path}");
    }
    assert_eq!(program.open(DATA, &"x".repeat(5000), 0, 0, 0), Err(Errno::NAMETOOLONG));
    assert_eq!(program.open(DATA, ".", DIRECTORY, READ | WRITE, 0), Err(Errno::ISDIR));
    assert_eq!(program.open(DATA, "dir", CREATE | 0x10, 0, 0), Err(Errno::INVAL));
    assert_eq!(program.open(file, "x", CREATE, 0, 0), Err(Errno::NOTDIR));
    assert_eq!(program.on_path("path_unlink_file", DATA, "dir"), Errno::ISDIR);
    assert_eq!(program.on_path("path_unlink_file", DATA, "dir/nested/file/"), Errno::NOTDIR);
    assert_eq!(program.on_path("path_remove_directory", DATA, "dir"), Errno::NOTEMPTY);
    assert_eq!(program.on_path("path_remove_directory", DATA, "dir/nested/file"), Errno::NOTDIR);

    let two = |program: &mut Program, function: &str, from: &str, to: &str| {
        let ([a, b], [c, d]) = (program.name(from), program.other_name(to));
        match function {
            "path_rename" => program.call(function, &[DATA, a, b, DATA, c, d]),
            "path_link" => program.call(function, &[DATA, 0, a, b, DATA, c, d]),
            "path_symlink" => program.call(function, &[a, b, DATA, c, d]),
            other => panic!("{other}"),
        }
    };
    for (function, from, to, errno) in [
        ("path_link", "dir/nested/file", "link", Errno::SUCCESS),
        ("path_link", "dir/nested/file", "link", Errno::EXIST),
        ("path_link", "dir/nested/file", "new/", Errno::NOENT),
        ("path_link", "dir", "new", Errno::PERM),
        ("path_link", "dir/", "new", Errno::PERM),
        ("path_link", "../secret", "new", Errno::PERM),
        ("path_symlink", "/", "new", Errno::PERM),
        ("path_symlink", "target", "new/", Errno::NOENT),
        ("path_symlink", "target", "dir/", Errno::EXIST),
        ("path_symlink", "target", "dir/nested/file/", Errno::NOTDIR),
        ("path_symlink", "symbolic", "symbolic", Errno::SUCCESS),
        ("path_symlink", "link", "to_link", Errno::SUCCESS),
        ("path_symlink", "../secret", "to_secret", Errno::SUCCESS),
        ("path_rename", "dir/nested", "link", Errno::NOTDIR),
        ("path_rename", "link", "dir", Errno::ISDIR),
        ("path_rename", "dir/nested/", "moved/", Errno::SUCCESS),
        ("path_rename", "link", "../link", Errno::PERM),
    ] {
        assert_eq!(two(&mut program, function, from, to), errno, "{function} {from} {to}");
    }
    let ([a, b], [c, d]) = (program.name("to_link"), program.other_name("new"));
    assert_eq!(program.call("path_link", &[DATA, 1, a, b, DATA, c, d]), Errno::INVAL);
    assert_eq!(program.open(DATA, "symbolic", 0, 0, 0), Err(Errno::LOOP));
    assert_eq!(program.open_link(DATA, "symbolic", 1, 0, 0, 0), Err(Errno::LOOP));
    assert_eq!(program.open(DATA, "to_link", 0, 0, 0), Err(Errno::LOOP));
    assert!(program.open_link(DATA, "to_link", 1, 0, READ, 0).is_ok());
    assert_eq!(program.open_link(DATA, "to_secret", 1, 0, READ, 0), Err(Errno::PERM));
    assert_eq!(program.status("to_link").unwrap()[16], 7);
    let [address, length] = program.name("to_secret");
    program.put(BUFFER, &[b'.'; 12]);
    program.succeed("path_readlink", &[DATA, address, length, BUFFER, 6, RESULT]);
    assert_eq!((program.int(RESULT), program.get(BUFFER, 8)), (6, b"../sec..".to_vec()));
    let link = program.status("to_link").unwrap();
    let [address, length] = program.name("to_link");
    program.succeed("path_filestat_set_times", &[DATA, 0, address, length, 0, 1234, 4]);
    assert_eq!(program.status("to_link").unwrap()[48..56], 1234u64.to_le_bytes());
    assert_eq!(program.status("link").unwrap()[48..56].len(), link[48..56].len());
    assert_eq!(folder.read("secret"), "secret");
}

#[test]
fn directories_are_read_in_parts() {
    let folder = Folder::new();
    for number in 0..100 {
        folder.write(&format!("file.{number}"), "");
    }
    symlink("file.1", folder.path("link")).unwrap();
    let mut program = Program::in_folder(&folder);
    program.succeed("fd_filestat_get", &[DATA, RESULT]);
    let inode = program.long(RESULT + 8);
    for room in [60, 256, 100_000] {
        let mut names = Vec::new();
        let mut cookie = 0;
        loop {
            program.succeed("fd_readdir", &[DATA, BUFFER, room, cookie, RESULT]);
            let used = u64::from(program.int(RESULT));
            assert!(used <= room);
            let bytes = program.get(BUFFER, used as usize);
            let mut rest = &bytes[..];
            while let Some((header, after)) = rest.split_at_checked(24) {
                let length = u32::from_le_bytes(header[16..20].try_into().unwrap()) as usize;
                let Some((name, after)) = after.split_at_checked(length) else { break };
                cookie = u64::from_le_bytes(header[..8].try_into().unwrap());
                let (kind, number) = (header[20], u64::from_le_bytes(header[8..16].try_into().unwrap()));
                match name {
                    b"." => assert_eq!((kind, number), (3, inode)),
                    b".." => assert_eq!((kind, number), (3, 0)),
                    b"link" => assert_eq!(kind, 7),
                    _ => assert_eq!(kind, 4),
                }
                names.push(name.to_vec());
                rest = after;
            }
            if used < room {
                break;
            }
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 103, "{room}");
    }
    let file = program.open(DATA, "file.1", 0, READ | 1 << 14, 0).unwrap();
    assert_eq!(program.call("fd_readdir", &[file, BUFFER, 100, 0, RESULT]), Errno::NOTDIR);
}

/// A subscription's bytes.
fn subscription(userdata: u64, kind: u8, words: [u64; 4]) -> Vec<u8> {
    let mut bytes = userdata.to_le_bytes().to_vec();
    bytes.extend([kind, 0, 0, 0, 0, 0, 0, 0]);
    words.into_iter().for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes
}

#[test]
fn polling_waits_for_clocks_and_streams() {
    const MILLISECOND: u64 = 1_000_000;
    let folder = Folder::new();
    let mut program = Program::in_folder(&folder);
    let poll = |program: &mut Program, subscriptions: &[Vec<u8>]| {
        program.put(BUFFER, &subscriptions.concat());
        program.succeed("poll_oneoff", &[BUFFER, NAME, subscriptions.len() as u64, RESULT]);
        let count = program.int(RESULT);
        (0..u64::from(count))
            .map(|number| {
                let event = NAME + 32 * number;
                let errno = u16::from_le_bytes(program.get(event + 8, 2).try_into().unwrap());
                (program.long(event), Errno(errno), program.get(event + 10, 1)[0], program.long(event + 16))
            })
            .collect::<Vec<_>>()
    };
    let clock = |id: u64, time: u64, flags: u64| subscription(id + 10, 0, [id, time, 0, flags]);
    let start = Instant::now();
    let events = poll(&mut program, &[clock(1, 30 * MILLISECOND, 0), clock(0, 20_000 * MILLISECOND, 0)]);
    assert_eq!(events, [(11, Errno::SUCCESS, 0, 0)]);
    assert!(start.elapsed().as_millis() >= 30 && start.elapsed().as_millis() < 5000);
    // Longer than the host is asked to wait at a time.
    assert_eq!(poll(&mut program, &[clock(0, 1_200 * MILLISECOND, 0)]), [(10, Errno::SUCCESS, 0, 0)]);
    assert!(start.elapsed().as_millis() >= 1230);

    program.succeed("clock_time_get", &[1, 0, RESULT]);
    let monotonic = program.long(RESULT);
    program.succeed("clock_time_get", &[0, 0, RESULT]);
    let day = program.long(RESULT);
    let start = Instant::now();
    assert_eq!(poll(&mut program, &[clock(1, monotonic + 50 * MILLISECOND, 1)]).len(), 1);
    assert_eq!(poll(&mut program, &[clock(0, day + 100 * MILLISECOND, 1)]).len(), 1);
    assert!(start.elapsed().as_millis() >= 90);
    assert_eq!(poll(&mut program, &[clock(0, 1, 1), clock(1, 1, 1)]).len(), 2);
    assert_eq!(poll(&mut program, &[clock(2, 1, 0)]), [(12, Errno::NOTSUP, 0, 0)]);

    let file = program.open(DATA, "file", CREATE, READ_WRITE | 1 << 27, 0).unwrap();
    program.write(file, "text").unwrap();
    program.succeed("fd_seek", &[file, 1, 0, RESULT]);
    let stream = |userdata, kind, descriptor| subscription(userdata, kind, [descriptor, 0, 0, 0]);
    let mut events =
        poll(&mut program, &[stream(1, 1, file), stream(2, 2, 1), stream(3, 1, 99), clock(1, 20_000 * MILLISECOND, 0)]);
    events.sort_by_key(|event| event.0);
    assert_eq!(events, [(1, Errno::SUCCESS, 1, 3), (2, Errno::SUCCESS, 2, 0), (3, Errno::BADF, 1, 0)]);

    for (count, kind) in [(0, 0), (1, 3), (2000, 0), (u64::from(u32::MAX), 0)] {
        program.put(BUFFER, &subscription(1, kind, [0; 4]));
        assert_eq!(program.call("poll_oneoff", &[BUFFER, NAME, count, RESULT]), Errno::INVAL);
    }
    assert_eq!(program.call("poll_oneoff", &[BUFFER, u64::from(MEMORY) - 10, 1, RESULT]), Errno::FAULT);
}

#[test]
fn the_version_before_has_other_layouts() {
    let folder = Folder::new();
    folder.write("file", "0123456789");
    let mut program = Program::in_folder(&folder);
    let status = program.status("file").unwrap();
    program.load(Version::Unstable);
    let old = program.status("file").unwrap();
    assert_eq!(old[..17], status[..17]);
    assert_eq!(old[20..24], status[24..28]);
    assert_eq!(old[24..56], status[32..64]);
    let file = program.open(DATA, "file", 0, READ_WRITE, 0).unwrap();
    for (whence, offset, position) in [(2, 5, 5), (0, 1, 6), (1, -2i64 as u64, 8)] {
        program.succeed("fd_seek", &[file, offset, whence, RESULT]);
        assert_eq!(program.long(RESULT), position);
    }
    let mut clock = subscription(7, 0, [99, 1, 1_000_000, 0]);
    clock.extend(0u64.to_le_bytes());
    let mut read = subscription(8, 1, [file, 0, 0, 0]);
    read.extend(0u64.to_le_bytes());
    program.put(BUFFER, &[clock.clone(), read].concat());
    program.succeed("poll_oneoff", &[BUFFER, NAME, 2, RESULT]);
    assert_eq!((program.int(RESULT), program.long(NAME)), (1, 8));
    program.put(BUFFER, &clock);
    program.succeed("poll_oneoff", &[BUFFER, NAME, 1, RESULT]);
    assert_eq!((program.int(RESULT), program.long(NAME)), (1, 7));
}

#[test]
fn random_bytes_of_any_number() {
    let mut program = Program::new(grants(Vec::new()), Streams::none());
    program.succeed("random_get", &[BUFFER, 200_000]);
    let bytes = program.get(BUFFER, 200_001);
    assert!(bytes[199_000..200_000].iter().any(|&byte| byte != 0));
    assert_eq!(bytes[200_000], 0);
    program.succeed("random_get", &[u64::from(MEMORY), 0]);
    assert_eq!(program.call("random_get", &[BUFFER, u64::from(MEMORY)]), Errno::FAULT);
    assert_eq!(program.call("random_get", &[u64::from(u32::MAX), u64::from(u32::MAX)]), Errno::FAULT);
}

#[test]
fn the_end_is_that_of_the_instance() {
    let mut program = Program::new(Grants::NONE, Streams::none());
    assert_eq!(program.try_call("proc_exit", &[33]), Err(Throw::Stop));
    let reason = program.instance.machine().take_stop_reason();
    assert_eq!(reason, Some(StopReason::Exit(33)));
}

#[test]
fn limits_hold() {
    let folder = Folder::new();
    let granted = grants(vec![granted(&folder.path(""), "/data", true)]);
    let configuration = Configuration::new().grants(granted.clone()).output_limit(100_000);
    let mut program = Program::with(configuration, Streams::none());
    let file = program.open(DATA, "file", CREATE, READ_WRITE, 0).unwrap();
    assert_eq!(program.write(file, &"x".repeat(90_000)), Ok(90_000));
    let [list, count] = program.buffers(&[90_000]);
    assert_eq!(program.try_call("fd_write", &[file, list, count, RESULT]), Err(Throw::Stop));
    let reason = program.instance.machine().take_stop_reason();
    assert_eq!(reason, Some(StopReason::Output));
    assert_eq!(folder.read("file").len(), 100_000);

    let configuration = Configuration::new().grants(granted).fuel(20_000);
    let mut program = Program::with(configuration, Streams::none());
    let stopped = (0..100).find_map(|_| program.try_call("random_get", &[BUFFER, 100_000]).err());
    assert_eq!(stopped, Some(Throw::Stop));
    let reason = program.instance.machine().take_stop_reason();
    assert_eq!(reason, Some(StopReason::Fuel));
}

#[test]
fn hostile_parameters_give_errors() {
    let folder = Folder::new();
    let mut program = Program::in_folder(&folder);
    // Lists and names that are all over the place.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let bytes: Vec<u8> = (0..MEMORY).map(|_| (next() >> 40) as u8 & 0x8f).collect();
    program.put(0, &bytes);
    let numbers =
        [0, 1, 2, 3, 4, 5, 8, 16, 100, 4095, u64::from(MEMORY) - 1, u64::from(MEMORY), 1 << 31, 0xffff_ffff, u64::MAX];
    for round in 0..40_000 {
        if round % 1000 == 999 {
            // Most of what was open is closed by now.
            program = Program::in_folder(&folder);
            program.put(0, &bytes);
        }
        let function = &FUNCTIONS[round % FUNCTIONS.len()];
        if matches!(function.name, "proc_exit" | "poll_oneoff") {
            continue;
        }
        let arguments: Vec<u64> = (0..function.parameters.len())
            .map(|_| {
                let number = next();
                if number % 8 < 5 { numbers[(number >> 8) as usize % numbers.len()] } else { number >> 44 }
            })
            .collect();
        // Nothing here may take much of the disk.
        if matches!(function.name, "fd_allocate" | "fd_filestat_set_size" | "fd_pwrite" | "fd_seek") {
            continue;
        }
        let errno = program.call(function.name, &arguments);
        assert!(errno.0 <= 76, "{}", function.name);
    }
    // As many buffers as there can be, of all of memory.
    for count in [1025, 1 << 20, 1 << 29, u64::from(u32::MAX)] {
        assert_eq!(program.call("fd_write", &[1, 0, count, RESULT]), Errno::INVAL);
    }
    let whole = u64::from(MEMORY) << 32;
    for number in 0..16 {
        program.put(LIST + 8 * number, &whole.to_le_bytes());
    }
    program.succeed("fd_write", &[2, LIST, 16, RESULT]);
    assert_eq!(program.int(RESULT), 1 << 24);
}

#[test]
fn images_have_what_is_open() {
    let folder = Folder::new();
    let configuration = Configuration::new().grants(grants(vec![granted(&folder.path(""), "/data", true)]));
    let mut program = Program::with(configuration.clone(), Streams::none());
    fs::create_dir(folder.path("sub")).unwrap();
    let sub = program.open(DATA, "sub", DIRECTORY, !WRITE, 0).unwrap();
    let file = program.open(sub, "file", CREATE, READ_WRITE & !WRITE, 0).unwrap();
    let file_rights = program.descriptor(file).unwrap();
    folder.write("sub/file", "0123456789");
    program.succeed("fd_seek", &[file, 4, 0, RESULT]);
    program.succeed("clock_time_get", &[1, 0, RESULT]);
    let time = program.long(RESULT);
    program.instance.exec("wasi = nil; collectgarbage()").unwrap();
    let mut image = Vec::new();
    program.instance.snapshot(&mut image).unwrap();
    drop(program);
    let mut program = Program { instance: Engine::new(configuration).restore(&image[..]).unwrap() };
    lunette_stdlib::webassembly::register_front_end(program.instance.machine());
    program.load(Version::Preview1);
    assert_eq!(program.descriptor(file).unwrap(), file_rights);
    assert_eq!(program.read(file, &[100]), Ok("456789".into()));
    assert!(program.open(sub, "file", 0, READ, 0).is_ok());
    program.succeed("fd_prestat_get", &[DATA, RESULT]);
    program.succeed("clock_time_get", &[1, 0, RESULT]);
    assert!(program.long(RESULT) >= time);
}
