//! Many tenants, one after the other and all at once: each in a partition of its own, cloned from a template.
//!
//! `cargo run --release --example partition_pool [ROUNDS] [LIVE]` prints what it costs.

use lunette::{Captured, Configuration, Engine, Home, Output, Streams, Tenant};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let rounds = numbers.next().transpose()?.unwrap_or(200).max(1);
    let live = numbers.next().transpose()?.unwrap_or(20);

    let engine = Engine::new(Configuration::new().home(Home::Partition).memory_limit(64 << 20));
    let start = Instant::now();
    let template = engine.template(|_| Ok(()))?;
    println!("template                 {:9.2?}", start.elapsed());

    // One after the other: the partition is made as new after each.
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        let output = Captured::new();
        let mut tenant = template.tenant(captured(&output))?;
        tenant.execute_file("print('hello')", "=hello", &[])?;
        tenant.close()?;
        times.push(start.elapsed());
        assert_eq!(output.take(), b"hello\n");
    }
    times.sort();
    println!("hello by reset, median   {:9.2?}", times[rounds / 2]);

    // All at once.
    let before = memory()?;
    let start = Instant::now();
    let mut tenants = Vec::new();
    for number in 0..live {
        let mut tenant = template.tenant(Streams::none())?;
        tenant.set("number", &(number as i64).into())?;
        tenants.push(tenant);
    }
    let each = |duration: Duration| duration / live.max(1) as u32;
    println!("{live} live, each started {:9.2?}", each(start.elapsed()));
    println!("memory of each           {:6} KiB", (memory()? - before) / live.max(1) as u64);
    let start = Instant::now();
    for (number, tenant) in tenants.iter_mut().enumerate() {
        assert_eq!(tenant.get("number")?, (number as i64).into());
    }
    println!("{live} live, each answers {:9.2?}", each(start.elapsed()));
    tenants.into_iter().try_for_each(Tenant::close)?;
    Ok(())
}

fn captured(output: &Captured) -> Streams {
    Streams { output: Output::Captured(output.clone()), ..Streams::none() }
}

/// KiB of memory that the process has for itself.
fn memory() -> Result<u64, Box<dyn std::error::Error>> {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup")?;
    let kib = |name: &str| {
        rollup.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
    };
    Ok(kib("Private_Dirty:").unwrap_or(0u64) + kib("Private_Clean:").unwrap_or(0u64))
}
