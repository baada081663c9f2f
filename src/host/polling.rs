//! Waiting for several streams at a time.

use super::{
    Process,
    stream::{OpenStream, PATIENCE},
};
use lunette_interpreter::host::{Direction, FileKind, Interest, Readiness};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{fstat, tell},
    io::{Errno, ioctl_fionread},
};
use std::time::Instant;

/// Waits for a while; `None` if nothing has come and it is not too late yet.
pub(super) fn wait(
    process: &Process,
    interests: &[Interest],
    deadline: Option<Instant>,
) -> Result<Option<Vec<Readiness>>, Errno> {
    let mut ready = Vec::new();
    let mut slow = Vec::new();
    for (number, interest) in interests.iter().enumerate() {
        let number = number as u32;
        match process.open_stream(interest.stream) {
            Err(error) => {
                ready.push(Readiness { interest: number, bytes: 0, is_hung_up: false, error: error.raw_os_error() });
            }
            Ok(stream) => match stream.slow_descriptor() {
                Some(descriptor) => {
                    let flags = match interest.direction {
                        Direction::Read => PollFlags::IN,
                        Direction::Write => PollFlags::OUT,
                    };
                    slow.push((number, PollFd::from_borrowed_fd(descriptor, flags)));
                }
                None => ready.push(Readiness {
                    interest: number,
                    bytes: available(stream, interest.direction),
                    is_hung_up: false,
                    error: 0,
                }),
            },
        }
    }
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let patience = match left {
        _ if !ready.is_empty() => Timespec::default(),
        Some(left) => Timespec::try_from(left).map_or(PATIENCE, |left| left.min(PATIENCE)),
        None => PATIENCE,
    };
    let (numbers, mut descriptors): (Vec<u32>, Vec<PollFd<'_>>) = slow.into_iter().unzip();
    match poll(&mut descriptors, Some(&patience)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error),
    }
    for (number, descriptor) in numbers.into_iter().zip(descriptors) {
        let events = descriptor.revents();
        if events.is_empty() {
            continue;
        }
        let interest = interests[number as usize];
        let bytes = process.open_stream(interest.stream).map_or(0, |stream| available(stream, interest.direction));
        ready.push(Readiness {
            interest: number,
            bytes,
            is_hung_up: events.contains(PollFlags::HUP),
            error: if events.contains(PollFlags::NVAL) { Errno::BADF.raw_os_error() } else { 0 },
        });
    }
    ready.sort_by_key(|readiness| readiness.interest);
    let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    Ok((is_over || !ready.is_empty()).then_some(ready))
}

/// Bytes that are known to be there for reading.
fn available(stream: &OpenStream, direction: Direction) -> u64 {
    let Some(descriptor) = stream.descriptor().filter(|_| direction == Direction::Read) else {
        return 0;
    };
    match stream.kind() {
        FileKind::Regular => match (fstat(descriptor), tell(descriptor)) {
            (Ok(status), Ok(position)) => (status.st_size as u64).saturating_sub(position),
            _ => 0,
        },
        FileKind::Directory => 0,
        _ => ioctl_fionread(descriptor).unwrap_or(0),
    }
}
