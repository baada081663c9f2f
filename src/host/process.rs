//! Commands run by the shell.

use super::stream::{Backing, OpenStream, PATIENCE};
use lunette_interpreter::host::Response;
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use std::{
    ffi::OsStr,
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, process::ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// The shell that runs commands.
pub(super) const SHELL: &str = "/bin/sh";

fn shell(command: &[u8]) -> Command {
    let mut shell = Command::new(SHELL);
    shell.arg("-c").arg(OsStr::from_bytes(command));
    shell
}

/// Starts a command.
pub(super) fn start(command: &[u8]) -> io::Result<Child> {
    shell(command).spawn()
}

/// Starts a command with a pipe to or from it.
pub(super) fn open_process(command: &[u8], write: bool) -> io::Result<OpenStream> {
    let mut shell = shell(command);
    let shell = if write { shell.stdin(Stdio::piped()) } else { shell.stdout(Stdio::piped()) };
    let mut child = shell.spawn()?;
    let pipe: Option<OwnedFd> =
        if write { child.stdin.take().map(OwnedFd::from) } else { child.stdout.take().map(OwnedFd::from) };
    let pipe = pipe.ok_or(io::ErrorKind::BrokenPipe)?;
    Ok(OpenStream::new(Backing::Process { child, pipe }))
}

/// Waits a while for the end of a process; `None` if it has not ended.
pub(super) fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    if let Some(status) = child.try_wait()? {
        return Ok(Some(status));
    }
    let handle = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    match handle.map(|process| pidfd_open(process, PidfdFlags::empty())) {
        Some(Ok(descriptor)) => {
            let _ = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&PATIENCE));
        }
        // Older kernels.
        _ => std::thread::sleep(Duration::from_millis(2)),
    }
    child.try_wait()
}

/// How a process ended.
pub(super) fn exited(status: ExitStatus) -> Response {
    match (status.code(), status.signal()) {
        (Some(code), _) => Response::Exited { signaled: false, code },
        (None, signal) => Response::Exited { signaled: true, code: signal.unwrap_or(0) },
    }
}
