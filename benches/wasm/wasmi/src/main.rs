//! Runs a program in wasmi, with as much of WASI as the programs here need: output, arguments, clocks, the exit status.

use std::{
    error::Error,
    io::Write,
    process,
    time::{SystemTime, UNIX_EPOCH},
};
use wasmi::{Caller, Engine, ExternType, Linker, Module, Store, Val};

const SUCCESS: i32 = 0;
const BAD_DESCRIPTOR: i32 = 8;
const INVALID: i32 = 28;
const NOT_SUPPORTED: i32 = 52;

type Host<'a> = Caller<'a, Vec<Vec<u8>>>;

fn write(caller: &mut Host<'_>, address: i32, bytes: &[u8]) -> i32 {
    let memory = caller.get_export("memory").and_then(|memory| memory.into_memory());
    let written = memory.map(|memory| memory.write(caller, address as u32 as usize, bytes));
    if matches!(written, Some(Ok(()))) { SUCCESS } else { INVALID }
}

fn read(caller: &Host<'_>, address: i32, buffer: &mut [u8]) -> bool {
    let memory = caller.get_export("memory").and_then(|memory| memory.into_memory());
    memory.is_some_and(|memory| memory.read(caller, address as u32 as usize, buffer).is_ok())
}

fn word(caller: &Host<'_>, address: i32) -> i32 {
    let mut bytes = [0; 4];
    if read(caller, address, &mut bytes) { i32::from_le_bytes(bytes) } else { 0 }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = arguments.first() else { return Err("usage: wasmi-runner PROGRAM [ARGUMENTS]".into()) };
    let engine = Engine::default();
    let module = Module::new(&engine, std::fs::read(path)?)?;
    let texts = arguments.iter().map(|argument| [argument.as_bytes(), b"\0"].concat()).collect();
    let mut store = Store::new(&engine, texts);
    let mut linker = Linker::new(&engine);
    let wasi = "wasi_snapshot_preview1";
    // What a program may ask for is not there, but for what follows.
    linker.allow_shadowing(true);
    for import in module.imports().filter(|import| import.module() == wasi) {
        if let ExternType::Func(kind) = import.ty() {
            linker.func_new(wasi, import.name(), kind.clone(), |_: Host<'_>, _, results| {
                results.iter_mut().for_each(|result| *result = Val::I32(NOT_SUPPORTED));
                Ok(())
            })?;
        }
    }
    linker.func_wrap(
        wasi,
        "fd_write",
        |mut caller: Host<'_>, fd: i32, vectors: i32, count: i32, written: i32| -> i32 {
            let mut total = 0;
            for vector in 0..count {
                let (start, length) = (word(&caller, vectors + 8 * vector), word(&caller, vectors + 8 * vector + 4));
                let mut bytes = vec![0; length as u32 as usize];
                if !read(&caller, start, &mut bytes) {
                    return INVALID;
                }
                let result = match fd {
                    1 => std::io::stdout().write_all(&bytes),
                    2 => std::io::stderr().write_all(&bytes),
                    _ => return BAD_DESCRIPTOR,
                };
                if result.is_err() {
                    return INVALID;
                }
                total += length;
            }
            write(&mut caller, written, &total.to_le_bytes())
        },
    )?;
    linker.func_wrap(wasi, "fd_fdstat_get", |mut caller: Host<'_>, fd: i32, address: i32| -> i32 {
        // A character device with all rights.
        let mut status = [0xff; 24];
        status[..8].copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0]);
        if (0..3).contains(&fd) { write(&mut caller, address, &status) } else { BAD_DESCRIPTOR }
    })?;
    linker.func_wrap(wasi, "fd_close", |_: Host<'_>, _: i32| -> i32 { SUCCESS })?;
    linker.func_wrap(wasi, "fd_seek", |_: Host<'_>, _: i32, _: i64, _: i32, _: i32| -> i32 { INVALID })?;
    linker.func_wrap(wasi, "fd_read", |_: Host<'_>, _: i32, _: i32, _: i32, _: i32| -> i32 { INVALID })?;
    linker.func_wrap(wasi, "fd_prestat_get", |_: Host<'_>, _: i32, _: i32| -> i32 { BAD_DESCRIPTOR })?;
    linker.func_wrap(wasi, "fd_prestat_dir_name", |_: Host<'_>, _: i32, _: i32, _: i32| -> i32 { BAD_DESCRIPTOR })?;
    linker.func_wrap(wasi, "environ_sizes_get", |mut caller: Host<'_>, count: i32, bytes: i32| -> i32 {
        write(&mut caller, count, &[0; 4]) | write(&mut caller, bytes, &[0; 4])
    })?;
    linker.func_wrap(wasi, "environ_get", |_: Host<'_>, _: i32, _: i32| -> i32 { SUCCESS })?;
    linker.func_wrap(wasi, "args_sizes_get", |mut caller: Host<'_>, count: i32, bytes: i32| -> i32 {
        let number = caller.data().len() as u32;
        let total = caller.data().iter().map(Vec::len).sum::<usize>() as u32;
        write(&mut caller, count, &number.to_le_bytes()) | write(&mut caller, bytes, &total.to_le_bytes())
    })?;
    linker.func_wrap(wasi, "args_get", |mut caller: Host<'_>, places: i32, mut bytes: i32| -> i32 {
        for (number, text) in caller.data().clone().iter().enumerate() {
            if write(&mut caller, places + 4 * number as i32, &bytes.to_le_bytes()) | write(&mut caller, bytes, text)
                != 0
            {
                return INVALID;
            }
            bytes += text.len() as i32;
        }
        SUCCESS
    })?;
    linker.func_wrap(wasi, "clock_time_get", |mut caller: Host<'_>, _: i32, _: i64, address: i32| -> i32 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
        write(&mut caller, address, &now.to_le_bytes())
    })?;
    linker.func_wrap(wasi, "proc_exit", |_: Host<'_>, status: i32| -> () { process::exit(status) })?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&store, "_start")?.call(&mut store, ())?;
    Ok(())
}
