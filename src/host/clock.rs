//! Time and time zone.

use lunette_interpreter::host::{Clock, Response, Timestamp};
use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
use std::path::{Component, Path, PathBuf};

const ZONES: &str = "/usr/share/zoneinfo";
const LOCAL_ZONE: &str = "/etc/localtime";
/// No real time zone's file is larger.
const MOST_ZONE_BYTES: u64 = 1 << 20;

/// The time of a clock.
pub(super) fn time(clock: Clock) -> Response {
    response(clock_gettime(number(clock)))
}

/// How finely a clock tells times apart.
pub(super) fn resolution(clock: Clock) -> Response {
    response(clock_getres(number(clock)))
}

fn number(clock: Clock) -> ClockId {
    match clock {
        Clock::Realtime => ClockId::Realtime,
        Clock::Monotonic => ClockId::Monotonic,
        Clock::Process => ClockId::ProcessCPUTime,
        Clock::Thread => ClockId::ThreadCPUTime,
    }
}

fn response(time: Timespec) -> Response {
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Response::Time(Timestamp { seconds: time.tv_sec, nanoseconds })
}

/// The local time zone as a TZif file; empty for UTC.
///
/// The variable `TZ` names a file, or is a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`; without it the system's zone
/// counts.
pub(super) fn time_zone() -> Vec<u8> {
    let Some(zone) = std::env::var_os("TZ") else {
        return read_zone(Path::new(LOCAL_ZONE)).unwrap_or_default();
    };
    let zone = zone.to_string_lossy();
    let name = zone.strip_prefix(':').unwrap_or(&zone);
    if name.is_empty() {
        return Vec::new();
    }
    let path = Path::new(name);
    let is_plain = path.components().all(|component| matches!(component, Component::Normal(_) | Component::RootDir));
    let path: PathBuf = if path.is_absolute() { path.into() } else { Path::new(ZONES).join(path) };
    let file = if is_plain { read_zone(&path) } else { None };
    file.unwrap_or_else(|| rule_file(name))
}

fn read_zone(path: &Path) -> Option<Vec<u8>> {
    let size = std::fs::metadata(path).ok()?.len();
    if size > MOST_ZONE_BYTES { None } else { std::fs::read(path).ok() }
}

/// A TZif file without transitions, whose footer is the rule.
fn rule_file(rule: &str) -> Vec<u8> {
    let mut file = Vec::new();
    // The same block for readers of 32-bit and of 64-bit times.
    for _ in 0..2 {
        file.extend_from_slice(b"TZif2");
        file.extend_from_slice(&[0; 15]);
        // Indicators, leap seconds, transitions, types, characters of abbreviations.
        for count in [0u32, 0, 0, 0, 1, 4] {
            file.extend_from_slice(&count.to_be_bytes());
        }
        // The only type: offset 0, no summer time, abbreviation at 0.
        file.extend_from_slice(&[0; 6]);
        file.extend_from_slice(b"UTC\0");
    }
    file.push(b'\n');
    file.extend_from_slice(rule.as_bytes());
    file.push(b'\n');
    file
}
