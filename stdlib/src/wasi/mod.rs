//! WASI preview 1: what WebAssembly programs ask of the system.
//!
//! The functions are native functions like those of Lua's library. Their parameters are the frame's arguments, integers of
//! 32 bits being extended by zeros; what they return is the error number. They reach the memory of the module that calls
//! them by way of `memory`, and the outside, as everything does, by requests to the host.
//!
//! `wasi_unstable` is the version before, of which some programs make use yet: it has some numbers and layouts otherwise.

mod call;
mod clocks;
mod descriptors;
mod directories;
mod errno;
mod memory;
mod paths;
mod poll;
mod process;
mod rights;
mod status;
mod stream;
mod strings;
mod transfer;

pub use call::Version;
pub use errno::Errno;

use call::{Call, LOCALS};
use lunette_interpreter::{
    Machine,
    native::{Native, NativeFunction},
};

/// The type of a parameter or result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// An integer of 32 bits.
    I32,
    /// An integer of 64 bits.
    I64,
}

use Type::{I32, I64};

/// A function of WASI.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters.
    pub parameters: &'static [Type],
    /// Its results: the error number, but for the function that does not return.
    pub results: &'static [Type],
    preview1: Native,
    unstable: Native,
}

/// A native function that may wait.
const fn native(name: &'static str, function: NativeFunction) -> Native {
    Native::new(name, function).with_locals(LOCALS)
}

macro_rules! functions {
    ($($name:literal ($($parameter:ident)*) -> ($($result:ident)*) = $body:path;)*) => {
        /// The functions.
        pub const FUNCTIONS: &[Function] = &[$(
            Function {
                name: $name,
                parameters: &[$($parameter),*],
                results: &[$($result),*],
                preview1: native(concat!("wasi_snapshot_preview1.", $name), |machine, frame| {
                    Call { frame, version: Version::Preview1 }.run(machine, $body)
                }),
                unstable: native(concat!("wasi_unstable.", $name), |machine, frame| {
                    Call { frame, version: Version::Unstable }.run(machine, $body)
                }),
            },
        )*];
    };
}

functions! {
    "args_get" (I32 I32) -> (I32) = strings::args_get;
    "args_sizes_get" (I32 I32) -> (I32) = strings::args_sizes_get;
    "clock_res_get" (I32 I32) -> (I32) = clocks::clock_res_get;
    "clock_time_get" (I32 I64 I32) -> (I32) = clocks::clock_time_get;
    "environ_get" (I32 I32) -> (I32) = strings::environ_get;
    "environ_sizes_get" (I32 I32) -> (I32) = strings::environ_sizes_get;
    "fd_advise" (I32 I64 I64 I32) -> (I32) = stream::fd_advise;
    "fd_allocate" (I32 I64 I64) -> (I32) = stream::fd_allocate;
    "fd_close" (I32) -> (I32) = stream::fd_close;
    "fd_datasync" (I32) -> (I32) = stream::fd_datasync;
    "fd_fdstat_get" (I32 I32) -> (I32) = status::fd_fdstat_get;
    "fd_fdstat_set_flags" (I32 I32) -> (I32) = status::fd_fdstat_set_flags;
    "fd_fdstat_set_rights" (I32 I64 I64) -> (I32) = status::fd_fdstat_set_rights;
    "fd_filestat_get" (I32 I32) -> (I32) = status::fd_filestat_get;
    "fd_filestat_set_size" (I32 I64) -> (I32) = status::fd_filestat_set_size;
    "fd_filestat_set_times" (I32 I64 I64 I32) -> (I32) = status::fd_filestat_set_times;
    "fd_pread" (I32 I32 I32 I64 I32) -> (I32) = transfer::fd_pread;
    "fd_prestat_dir_name" (I32 I32 I32) -> (I32) = directories::fd_prestat_dir_name;
    "fd_prestat_get" (I32 I32) -> (I32) = directories::fd_prestat_get;
    "fd_pwrite" (I32 I32 I32 I64 I32) -> (I32) = transfer::fd_pwrite;
    "fd_read" (I32 I32 I32 I32) -> (I32) = transfer::fd_read;
    "fd_readdir" (I32 I32 I32 I64 I32) -> (I32) = directories::fd_readdir;
    "fd_renumber" (I32 I32) -> (I32) = stream::fd_renumber;
    "fd_seek" (I32 I64 I32 I32) -> (I32) = stream::fd_seek;
    "fd_sync" (I32) -> (I32) = stream::fd_sync;
    "fd_tell" (I32 I32) -> (I32) = stream::fd_tell;
    "fd_write" (I32 I32 I32 I32) -> (I32) = transfer::fd_write;
    "path_create_directory" (I32 I32 I32) -> (I32) = paths::path_create_directory;
    "path_filestat_get" (I32 I32 I32 I32 I32) -> (I32) = status::path_filestat_get;
    "path_filestat_set_times" (I32 I32 I32 I32 I64 I64 I32) -> (I32) = status::path_filestat_set_times;
    "path_link" (I32 I32 I32 I32 I32 I32 I32) -> (I32) = paths::path_link;
    "path_open" (I32 I32 I32 I32 I32 I64 I64 I32 I32) -> (I32) = paths::path_open;
    "path_readlink" (I32 I32 I32 I32 I32 I32) -> (I32) = paths::path_readlink;
    "path_remove_directory" (I32 I32 I32) -> (I32) = paths::path_remove_directory;
    "path_rename" (I32 I32 I32 I32 I32 I32) -> (I32) = paths::path_rename;
    "path_symlink" (I32 I32 I32 I32 I32) -> (I32) = paths::path_symlink;
    "path_unlink_file" (I32 I32 I32) -> (I32) = paths::path_unlink_file;
    "poll_oneoff" (I32 I32 I32 I32) -> (I32) = poll::poll_oneoff;
    "proc_exit" (I32) -> () = process::proc_exit;
    "proc_raise" (I32) -> (I32) = process::proc_raise;
    "random_get" (I32 I32) -> (I32) = process::random_get;
    "sched_yield" () -> (I32) = process::sched_yield;
    "sock_accept" (I32 I32 I32) -> (I32) = process::socket;
    "sock_recv" (I32 I32 I32 I32 I32 I32) -> (I32) = process::socket;
    "sock_send" (I32 I32 I32 I32 I32) -> (I32) = process::socket;
    "sock_shutdown" (I32 I32) -> (I32) = process::socket;
}

impl Version {
    /// The version that a module of this name has.
    pub fn of_module(name: &[u8]) -> Option<Version> {
        match name {
            b"wasi_snapshot_preview1" => Some(Version::Preview1),
            b"wasi_unstable" => Some(Version::Unstable),
            _ => None,
        }
    }
}

/// The function that an import means, and the number of its native function.
pub fn import(machine: &mut Machine, version: Version, name: &[u8]) -> Option<(&'static Function, u32)> {
    let function = FUNCTIONS.iter().find(|function| function.name.as_bytes() == name)?;
    register(machine);
    let native = match version {
        Version::Preview1 => &function.preview1,
        Version::Unstable => &function.unstable,
    };
    machine.find_native(native.name).map(|number| (function, number))
}

/// Registers the native functions, unless they are.
pub(crate) fn register(machine: &mut Machine) {
    if machine.find_native(FUNCTIONS[0].preview1.name).is_none() {
        for function in FUNCTIONS {
            machine.register_native(function.preview1);
            machine.register_native(function.unstable);
        }
    }
}
