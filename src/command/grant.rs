//! What the command line grants to partitions.

use lunette::{Directory, Environment, Files, Grants};
use std::{collections::BTreeMap, ffi::OsString, os::unix::ffi::OsStrExt};

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

/// What is granted to a program in a partition.
pub fn partition(directories: &[Directory], environment: &[OsString]) -> Grants {
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
    fn directories() {
        let granted = directory("/tmp::/data:ro");
        assert_eq!(granted, Ok(Directory { host: "/tmp".into(), guest: "/data".into(), is_writable: false }));
        for wrong in ["", "/tmp", "/tmp::data", "::/data", "/no such directory::/data"] {
            assert!(directory(wrong).is_err(), "{wrong}");
        }
    }
}
