//! Waiting for several streams, and clocks.

use super::{CREATE, Folder, ask, grants, with_directory};
use crate::host::{Input, Process, Streams};
use lunette_interpreter::host::{Clock, Direction, Host, Interest, OpenMode, Readiness, Request, Response, Stream};
use std::time::{Duration, Instant};

fn poll(interests: &[(Stream, Direction)], timeout: Option<u64>) -> Request<'static> {
    let interests: Vec<_> = interests.iter().map(|&(stream, direction)| Interest { stream, direction }).collect();
    Request::Poll { interests: interests.into(), timeout }
}

fn ready(process: &mut Process, request: Request<'_>) -> Vec<Readiness> {
    match ask(process, request) {
        Response::Ready(ready) => ready,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_ready_is_told_and_what_is_not_is_waited_for() {
    let folder = Folder::new();
    let (mut process, directory) = with_directory(&folder.path(""), true);
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path("pipe"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let both = super::open(&mut process, directory, "pipe", OpenMode { write: true, ..CREATE }).unwrap();
    let file = super::open(&mut process, directory, "file", CREATE).unwrap();
    ask(&mut process, Request::Write(file, b"12345"));
    ask(&mut process, Request::Seek(file, lunette_interpreter::host::Origin::Start, 2));

    let start = Instant::now();
    let nothing = ready(&mut process, poll(&[(both, Direction::Read)], Some(120_000_000)));
    assert!(nothing.is_empty() && start.elapsed() >= Duration::from_millis(120));

    let told = ready(
        &mut process,
        poll(
            &[
                (both, Direction::Read),
                (file, Direction::Read),
                (both, Direction::Write),
                (Stream(99), Direction::Read),
            ],
            None,
        ),
    );
    let told: Vec<_> = told.iter().map(|ready| (ready.interest, ready.bytes, ready.error)).collect();
    assert_eq!(told, [(1, 3, 0), (2, 0, 0), (3, 0, rustix::io::Errno::BADF.raw_os_error())]);

    let writer = std::thread::spawn({
        let path = folder.path("pipe");
        move || {
            std::thread::sleep(Duration::from_millis(100));
            std::fs::write(path, "text").unwrap();
        }
    });
    let told = ready(&mut process, poll(&[(both, Direction::Read)], None));
    writer.join().unwrap();
    assert_eq!((told.len(), told[0].interest, told[0].bytes), (1, 0, 4));
}

#[test]
fn waiting_is_done_in_parts_and_can_be_given_up() {
    let mut process = Process::new(grants(Vec::new()), Streams::none());
    let start = Instant::now();
    let ticket = process.submit(poll(&[], None));
    assert_eq!(process.complete(ticket), None);
    assert!(start.elapsed() < Duration::from_millis(500));
    assert!(process.withdraw(ticket));
    assert!(matches!(process.complete(ticket), Some(Response::Failed(_))));
    let input = Input::Reader(Box::new(std::io::empty()));
    let mut process = Process::new(grants(Vec::new()), Streams { input, ..Streams::none() });
    let told = ready(&mut process, poll(&[(Stream::INPUT, Direction::Read), (Stream::OUTPUT, Direction::Write)], None));
    assert_eq!(told.len(), 2);
    let many = vec![(Stream::INPUT, Direction::Read); 100_000];
    assert!(matches!(ask(&mut process, poll(&many, None)), Response::Failed(_)));
}

#[test]
fn clocks() {
    let mut process = Process::new(grants(Vec::new()), Streams::none());
    let mut time = |request| match ask(&mut process, request) {
        Response::Time(time) => time.as_nanoseconds(),
        other => panic!("{other:?}"),
    };
    for clock in [Clock::Realtime, Clock::Monotonic, Clock::Process, Clock::Thread] {
        assert!(time(Request::Resolution(clock)) > 0);
        let (first, second) = (time(Request::Time(clock)), time(Request::Time(clock)));
        assert!(first <= second, "{clock:?}");
    }
    let mut none = Process::new(super::Grants::NONE, Streams::none());
    assert!(matches!(ask(&mut none, Request::Time(Clock::Monotonic)), Response::Failed(_)));
}
