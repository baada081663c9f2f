//! Figures for people: `--stats` and `--trace-gc`.

use super::report::tell;
use lunette::{Collection, Statistics};
use std::time::Duration;

/// Prints a line about a collection.
pub fn print_collection(collection: &Collection) {
    tell(format_args!(
        "[gc] {:<5} {:>9}  {} -> {}",
        format!("{:?}", collection.kind).to_lowercase(),
        time(collection.pause),
        size(collection.before),
        size(collection.after),
    ));
}

/// Prints the figures of an instance.
pub fn print_statistics(statistics: &Statistics) {
    let pauses = &statistics.pauses;
    tell(format_args!("fuel used          {}", statistics.fuel_used));
    tell(format_args!("allocated          {}", size(statistics.allocated_bytes)));
    tell(format_args!(
        "collections        {} minor, {} full in {} steps",
        statistics.minor_collections, statistics.full_collections, statistics.collection_steps
    ));
    tell(format_args!(
        "pauses             {} in all, 50% {}, 90% {}, 99% {}, longest {}",
        time(pauses.total),
        time(pauses.percentile(50.0)),
        time(pauses.percentile(90.0)),
        time(pauses.percentile(99.0)),
        time(pauses.longest),
    ));
    tell(format_args!("heap at the end    {}", size(statistics.used_bytes)));
    tell(format_args!("peak heap          {}", size(statistics.peak_bytes)));
    tell(format_args!("machine code       {} functions", statistics.native_functions));
    tell(format_args!("memory touched     {}", size(statistics.touched_bytes)));
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
