//! Monitors that were taken over: shell scripts in place of the monitor's program.

use lunette_hw_bridge::{
    Answer, Connection, End, Limits, RemoteGuest, Sent, Signals,
    message::{Command as Order, ToGuest, append},
};
use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// A monitor that says it is ready, then does this; its standard input is the socket.
fn monitor(script: &str, time: Option<Duration>) -> RemoteGuest {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("printf '\\001\\000\\000\\000\\000' >&0; {script}; exec sleep 60")]);
    RemoteGuest::new(command, 1 << 20, Limits { time, ..Limits::default() }, None).expect("it says that it is ready")
}

/// How a conversation ends, and that it does soon.
fn end_of(guest: &mut RemoteGuest, message: Vec<u8>, interrupts: bool) -> End {
    let start = Instant::now();
    let answer = Answer { message: Some(&message), ..Answer::default() };
    let end = guest
        .begin()
        .and_then(|()| {
            let mut take_signals = || Signals { interrupt: interrupts, snapshot: false };
            guest.answer(answer)?;
            guest.receive(&mut Sent::default(), &mut take_signals)
        })
        .expect_err("it is no monitor");
    assert!(start.elapsed() < Duration::from_secs(20), "{end}");
    end
}

#[test]
fn silence_does_not_outlast_the_limits() {
    let order = || append(&ToGuest::Command(Order::Statistics), Vec::new());
    let time = Some(Duration::from_millis(100));
    // All of them wait, so they wait together.
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(end_of(&mut monitor("true", time), order(), false), End::Time));
        scope.spawn(|| assert_eq!(end_of(&mut monitor("true", None), order(), true), End::Interrupt));
        // A byte now and then is no better.
        let dribble = "while printf '\\000\\000\\010\\000' >&0; do sleep 0.01; done";
        scope.spawn(move || assert_eq!(end_of(&mut monitor(dribble, time), order(), false), End::Time));
        // What it does not read must not hold its owner up.
        let long = vec![0; 16 << 20];
        scope.spawn(|| assert!(matches!(end_of(&mut monitor("true", None), long, false), End::Failed(_))));
    });
}

#[test]
fn nonsense_ends_the_partition() {
    let order = || append(&ToGuest::Command(Order::Statistics), Vec::new());
    for script in [
        "printf '\\377\\377\\377\\377' >&0",
        "printf '\\001\\000\\000\\000\\377' >&0",
        "printf '\\005\\000\\000\\000\\002\\377\\377\\377\\377' >&0",
        // That it is ready, once more; that it is not.
        "printf '\\001\\000\\000\\000\\000' >&0",
        "printf '\\002\\000\\000\\000\\001\\000' >&0",
        // That messages lie in the shared memory, more than there is room for.
        "printf '\\006\\000\\000\\000\\003\\200\\200\\200\\001\\001' >&0",
        "exit",
    ] {
        let end = end_of(&mut monitor(script, None), order(), false);
        assert!(matches!(end, End::Failed(_) | End::Violation(_)), "{script}: {end}");
    }
}
