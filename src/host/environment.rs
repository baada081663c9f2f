//! Environment variables, as far as they are granted.

use super::grants::Environment;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

/// The value of a variable; names that no variable can have give nothing.
pub(super) fn variable(granted: &Environment, name: &[u8]) -> Option<Vec<u8>> {
    match granted {
        Environment::None => None,
        Environment::Only(variables) => variables.get(name).cloned(),
        Environment::All if name.is_empty() || name.contains(&b'=') || name.contains(&0) => None,
        Environment::All => std::env::var_os(OsStr::from_bytes(name)).map(|value| value.as_bytes().to_vec()),
    }
}

/// All variables, as `NAME=VALUE`.
pub(super) fn variables(granted: &Environment) -> Vec<Vec<u8>> {
    let line = |name: &[u8], value: &[u8]| [name, value].join(&b'=');
    match granted {
        Environment::None => Vec::new(),
        Environment::Only(variables) => variables.iter().map(|(name, value)| line(name, value)).collect(),
        Environment::All => std::env::vars_os().map(|(name, value)| line(name.as_bytes(), value.as_bytes())).collect(),
    }
}
