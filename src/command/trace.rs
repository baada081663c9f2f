//! Figures for people: `--stats` and `--trace-gc`.

use lunette::{Collection, Statistics};
use std::time::Duration;

/// Prints a line about a collection.
pub fn print_collection(collection: &Collection) {
    eprintln!(
        "[gc] {:<5} {:>9}  {} -> {}",
        format!("{:?}", collection.kind).to_lowercase(),
        time(collection.pause),
        size(collection.before),
        size(collection.after),
    );
}

/// Prints the figures of an instance.
pub fn print_statistics(statistics: &Statistics) {
    let pauses = &statistics.pauses;
    eprintln!("fuel used          {}", statistics.fuel_used);
    eprintln!("allocated          {}", size(statistics.allocated_bytes));
    eprintln!(
        "collections        {} minor, {} full in {} steps",
        statistics.minor_collections, statistics.full_collections, statistics.collection_steps
    );
    eprintln!(
        "pauses             {} in all, 50% {}, 90% {}, 99% {}, longest {}",
        time(pauses.total),
        time(pauses.percentile(50.0)),
        time(pauses.percentile(90.0)),
        time(pauses.percentile(99.0)),
        time(pauses.longest),
    );
    eprintln!("heap at the end    {}", size(statistics.used_bytes));
    eprintln!("peak heap          {}", size(statistics.peak_bytes));
    eprintln!("memory touched     {}", size(statistics.touched_bytes));
}

fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        1e-3.. => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{:.1} us", seconds * 1e6),
    }
}
