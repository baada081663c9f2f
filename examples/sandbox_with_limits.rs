//! Other people's code: limits on memory, time, fuel and output, and nothing of the outside world.
//!
//! `cargo run --example sandbox_with_limits`

use lunette::{AsContext, Configuration, Engine, Error, Result, StopReason};
use std::time::Duration;

fn main() -> Result<()> {
    let engine = Engine::new(
        Configuration::new()
            .memory_limit(8 << 20)
            .fuel(50_000_000)
            .time_limit(Duration::from_millis(200))
            .output_limit(64 << 10),
    );
    let hostile = [
        ("loops without end", "while true do end"),
        ("catches its own end", "while true do pcall(function() while true do end end) end"),
        ("allocates without end", "local t = {}; while true do t[#t + 1] = {} end"),
        ("makes a huge string", "return ('x'):rep(1 << 40)"),
        ("recurses without end", "local function f() return 1 + f() end; f()"),
        ("prints without end", "while true do print('spam') end"),
        ("looks for secrets", "return assert(io.open('/etc/passwd'))"),
        ("starts programs", "return assert(io.popen('id'))"),
    ];
    for (what, source) in hostile {
        // A fresh instance for everybody; it is gone afterwards, with all of its memory.
        let error = engine.instantiate()?.exec(source).unwrap_err();
        println!("{what:22} {error}");
        match error {
            Error::Memory | Error::Runtime(_) => {}
            Error::Stopped(StopReason::Fuel | StopReason::Time | StopReason::Output) => {}
            other => return Err(other),
        }
    }

    // From another thread, an instance can be stopped at any time.
    let mut instance = Engine::default().instantiate()?;
    let interrupt = instance.interrupt_handle();
    let running = std::thread::spawn(move || instance.exec("while true do end"));
    std::thread::sleep(Duration::from_millis(20));
    interrupt.interrupt();
    let stopped = running.join().expect("the thread ends");
    println!("{:22} {}", "is interrupted", stopped.unwrap_err());
    Ok(())
}
