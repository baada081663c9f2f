//! What the command line grants to programs: to Lua programs in the process all that the process may use, unless it says
//! what; to others, and in partitions, only what it says.

use super::arguments::Session;
use lunette::{Directory, Environment, Files, Grants};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs::File,
    io::Read,
    os::unix::ffi::OsStrExt,
};

/// The first bytes of WebAssembly files.
const WEBASSEMBLY: [u8; 4] = *b"\0asm";

/// A directory: `HOST::GUEST`, with `:ro` at the end for reading only.
pub fn directory(text: &str) -> Result<Directory, String> {
    let (text, is_writable) = match text.strip_suffix(":ro") {
        Some(text) => (text, false),
        None => (text, true),
    };
    match text.split_once("::") {
        Some((host, guest)) if !host.is_empty() && guest.starts_with('/') => {
            if std::path::Path::new(host).is_dir() {
                Ok(Directory { host: host.into(), guest: guest.into(), is_writable })
            } else {
                Err(format!("{host} is not a directory"))
            }
        }
        _ => Err("a directory is given as HOST::GUEST, where GUEST begins with /".into()),
    }
}

/// A variable: `NAME`, or `NAME=VALUE`.
pub fn variable(text: OsString) -> Result<OsString, &'static str> {
    if text.is_empty() || text.as_bytes().starts_with(b"=") { Err("a variable has a name") } else { Ok(text) }
}

/// What is granted to a program, which is the first of `script`; its arguments follow.
pub fn of_program(options: &Session, script: &[OsString]) -> Grants {
    let says_what = !options.directories.is_empty() || !options.environment.is_empty();
    let is_webassembly = script.first().is_some_and(|path| is_webassembly(path));
    let grants = match options.isolate || says_what || is_webassembly {
        true => only(&options.directories, &options.environment),
        false => Grants::ALL,
    };
    let arguments = script.iter().map(|argument| argument.as_bytes().to_vec()).collect();
    Grants { arguments, ..grants }
}

fn is_webassembly(path: &OsStr) -> bool {
    let mut first = [0; WEBASSEMBLY.len()];
    // Who runs the program says what is wrong with its file, if anything is.
    File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok() && first == WEBASSEMBLY
}

/// These directories and variables, the clock and random numbers.
pub fn only(directories: &[Directory], environment: &[OsString]) -> Grants {
    let mut variables = BTreeMap::new();
    for variable in environment {
        let bytes = variable.as_bytes();
        match bytes.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                variables.insert(bytes[..at].to_vec(), bytes[at + 1..].to_vec());
            }
            None => {
                if let Some(value) = std::env::var_os(variable) {
                    variables.insert(bytes.to_vec(), value.as_bytes().to_vec());
                }
            }
        }
    }
    Grants {
        files: if directories.is_empty() { Files::None } else { Files::Directories(directories.to_vec()) },
        environment: if variables.is_empty() { Environment::None } else { Environment::Only(variables) },
        processes: false,
        clock: true,
        entropy: true,
        arguments: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables() {
        assert!(["A", "A=", "A=1", "A==1"].into_iter().all(|text| variable(text.into()).is_ok()));
        assert!(["", "=", "=1"].into_iter().all(|text| variable(text.into()).is_err()));
    }

    #[test]
    fn directories() {
        let granted = directory("/tmp::/data:ro");
        assert_eq!(granted, Ok(Directory { host: "/tmp".into(), guest: "/data".into(), is_writable: false }));
        for wrong in ["", "/tmp", "/tmp::data", "::/data", "/no such directory::/data"] {
            assert!(directory(wrong).is_err(), "{wrong}");
        }
    }
}
