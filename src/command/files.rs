//! Files as the command line names them.

use lunette::{Error, Result};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process,
};

/// A file's content and the name it gives a program.
pub fn read(path: &Path) -> Result<(Vec<u8>, Vec<u8>)> {
    if path == Path::new("-") {
        let mut content = Vec::new();
        std::io::stdin().lock().read_to_end(&mut content).map_err(|error| cannot("read", path, &error))?;
        return Ok((content, b"=stdin".to_vec()));
    }
    let mut content = Vec::new();
    let mut file = std::fs::File::open(path).map_err(|error| cannot("open", path, &error))?;
    file.read_to_end(&mut content).map_err(|error| cannot("read", path, &error))?;
    let mut name = b"@".to_vec();
    name.extend_from_slice(path.as_os_str().as_encoded_bytes());
    Ok((content, name))
}

/// The error of a file operation, in the words of `lua`.
pub fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or(&reason);
    Error::message(format_args!("cannot {what} {}: {reason}", path.display()))
}

/// A name beside the file's that no other process uses.
pub fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", process::id()));
    path.with_file_name(name)
}

/// Writes to a file, or to standard output for `-`.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = if path == Path::new("-") {
        let mut output = std::io::stdout().lock();
        output.write_all(bytes).and_then(|()| output.flush())
    } else {
        std::fs::write(path, bytes)
    };
    written.map_err(|error| cannot("write", path, &error))
}
