//! How long it takes to make an instance of a WebAssembly module that is loaded, and to make, run and drop one.
//!
//! `webassembly_instances [COUNT]` prints microseconds of the clock, medians of batches of a hundred.

use lunette::{Engine, Result, webassembly::Module};
use std::time::Instant;

/// `(module (memory (export "memory") 1) (global (mut i32) (i32.const 0))
/// (func (export "count") (result i32) global.get 0 i32.const 1 i32.add global.set 0 global.get 0))`
const COUNTER: &[u8] =
    b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x05\x03\x01\0\x01\x06\x06\x01\x7f\x01\x41\0\x0b\
    \x07\x12\x02\x06memory\x02\0\x05count\0\0\x0a\x0d\x01\x0b\0\x23\0\x41\x01\x6a\x24\0\x23\0\x0b";

const BATCH: u32 = 100;

/// The median time of `work` in microseconds.
fn median(count: u32, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..count.div_ceil(BATCH).max(1) {
        let start = Instant::now();
        for _ in 0..BATCH {
            work()?;
        }
        times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH));
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn main() -> Result<()> {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let mut instance = Engine::default().instantiate()?;
    let module = Module::new(&mut instance, COUNTER, "@counter.wasm")?;
    let made = median(count, || module.instantiate(&mut instance, None).map(drop))?;
    let run = median(count, || {
        let exports = module.instantiate(&mut instance, None)?;
        let counted = exports.function::<(), i32>(&mut instance, "count")?.call(&mut instance, ())?;
        assert_eq!(counted, 1);
        Ok(())
    })?;
    println!("made: {made:.2} us; made, run and dropped: {run:.2} us");
    Ok(())
}
