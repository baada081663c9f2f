//! Errors of the operating system, in the words of C.

use lunette_interpreter::host::{HostError, Response};
use rustix::io::Errno;
use std::io;

/// The host's form of an error.
pub(super) fn host_error(error: &io::Error) -> HostError {
    let mut message = error.to_string();
    // Rust adds the number to the text of `strerror`.
    if let Some(end) = message.find(" (os error") {
        message.truncate(end);
    }
    HostError { message, code: error.raw_os_error().unwrap_or(Errno::IO.raw_os_error()) }
}

/// The response to a request that failed.
pub(super) fn failed(error: impl Into<io::Error>) -> Response {
    Response::Failed(host_error(&error.into()))
}

/// The response to a request for what is not granted.
pub(super) fn not_permitted() -> Response {
    Response::Failed(HostError::not_permitted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_c() {
        let error = host_error(&Errno::NOENT.into());
        assert_eq!((error.message.as_str(), error.code), ("No such file or directory", 2));
    }
}
