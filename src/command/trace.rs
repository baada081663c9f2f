//! Figures for people: `--stats`, `--jit-stats`, `--dump-ir` and the like, and `--trace-gc`.

use super::{arguments::Session as Options, report::tell};
use lunette::{
    Collection, Statistics, Tenant,
    machine_code::{ExitCause, Explanation, Function, MachineCode, Outcome},
};
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

/// The most lines of each part of what is said about machine code.
const MOST_LINES: usize = 20;

/// Prints what became machine code: the functions that took the longest to compile, the hottest ones that did not, and the
/// instructions before which it was left the most often.
pub fn print_machine_code(report: &MachineCode) {
    let mut compiled: Vec<(&Function, usize, Duration)> = Vec::new();
    let mut interpreted: Vec<(&Function, &str)> = Vec::new();
    for function in &report.functions {
        let reason = match function.outcome {
            Outcome::Compiled { bytes, time } => {
                compiled.push((function, bytes, time));
                continue;
            }
            Outcome::Interpreted => "not hot",
            Outcome::NothingGained => "nothing would be faster",
            Outcome::TooLarge => "too large",
            Outcome::NoRoom => "no room for machine code",
            _ => "cannot be compiled",
        };
        interpreted.push((function, reason));
    }
    let took = compiled.iter().map(|(_, _, time)| *time).sum();
    let (bytes, limit) = (size(report.bytes), size(report.limit));
    tell(format_args!("machine code       {} functions, {bytes} of {limit}", compiled.len()));
    tell(format_args!(
        "compiled           in {}, longest pause {}; {} evicted",
        time(took),
        time(report.longest_pause),
        report.evicted
    ));
    compiled.sort_by_key(|(_, _, time)| std::cmp::Reverse(*time));
    for (function, bytes, took) in compiled.iter().take(MOST_LINES) {
        let (words, bytes, took) = (function.words, size(*bytes as u64), time(*took));
        tell(format_args!("  {took:>10} {bytes:>10}  {} ({words} words)", function.name));
    }
    tell(format_args!("interpreted        slices of fuel that ended there, and why"));
    for (function, reason) in interpreted.iter().filter(|(function, _)| function.slices > 0).take(MOST_LINES) {
        let (slices, words) = (function.slices, function.words);
        tell(format_args!("  {slices:>10} {reason:>24}  {} ({words} words)", function.name));
    }
    tell(format_args!("not done           how often, what, in which function, and why"));
    for exit in report.exits.iter().take(MOST_LINES) {
        let offset = exit.offset.map(|offset| format!(" at {offset:#x}"));
        let place = offset.or(exit.line.map(|line| format!(" in line {line}"))).unwrap_or_default();
        let cause = match exit.cause {
            ExitCause::Unexpected => "left, unexpected",
            ExitCause::Performed => "performed",
            _ => "left",
        };
        tell(format_args!("  {:>10} {:>24}  {}{place}: {cause}", exit.count, exit.instruction, exit.function));
    }
}

/// The forms of functions that were asked for.
pub fn explanations(tenant: &mut Tenant, options: &Options) -> Vec<String> {
    type Form = fn(Explanation) -> String;
    let wanted: [(&Option<String>, Form); 3] = [
        (&options.dump_ir, |explanation| explanation.ir),
        (&options.dump_clif, |explanation| explanation.clif),
        (&options.dump_asm, |explanation| explanation.assembly),
    ];
    let mut texts = Vec::new();
    for (name, form) in wanted {
        let Some(name) = name else { continue };
        let Ok(explanations) = tenant.explain_machine_code(name) else { continue };
        if explanations.is_empty() {
            texts.push(format!("no function '{name}' was hot"));
        }
        texts.extend(explanations.into_iter().map(|explanation| format!("function '{name}'\n{}", form(explanation))));
    }
    texts
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
