//! Measures the memory manager without an interpreter: short-lived objects beside a large live set, per mode.
//!
//! `cargo run --release -p lunette-gc --example churn [live-mebibytes]`

use lunette_gc::{
    collector::{Mode, Progress},
    heap::{Heap, ROOT_CURRENT_THREAD},
    pages::{Pages, REGION_ALIGNMENT},
    reference::Ref,
    table::Table,
    value::Value,
};
use std::{
    ffi::{c_int, c_void},
    ptr::NonNull,
    time::{Duration, Instant},
};

unsafe extern "C" {
    fn mmap(
        address: *mut c_void,
        bytes: usize,
        protection: c_int,
        flags: c_int,
        file: c_int,
        offset: i64,
    ) -> *mut c_void;
    fn munmap(address: *mut c_void, bytes: usize) -> c_int;
    fn madvise(address: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    fn clock_gettime(clock: c_int, time: *mut [i64; 2]) -> c_int;
}

/// Processor time of this thread, which other programs of the machine don't disturb as much as the time of day.
fn now() -> Duration {
    let mut time = [0; 2];
    // SAFETY: two integers, seconds and nanoseconds.
    unsafe { clock_gettime(3, &mut time) };
    Duration::new(time[0] as u64, time[1] as u32)
}

/// Pages of the operating system (Linux).
struct MappedPages;

// SAFETY: anonymous private mappings.
unsafe impl Pages for MappedPages {
    fn reserve(&self, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: a new mapping, read and write, private, anonymous, without reservation of swap.
        let start = unsafe { mmap(std::ptr::null_mut(), bytes + REGION_ALIGNMENT, 3, 0x4022, -1, 0) };
        let aligned = (start as usize).next_multiple_of(REGION_ALIGNMENT) as *mut u8;
        if start as isize == -1 { None } else { NonNull::new(aligned) }
    }

    unsafe fn release(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { madvise(start.as_ptr().cast(), bytes, 4) };
    }

    unsafe fn unreserve(&self, start: NonNull<u8>, bytes: usize) {
        // SAFETY: the caller's promise.
        unsafe { munmap(start.as_ptr().cast(), bytes) };
    }
}

/// Pauses from this one on are reported one by one.
const LONG_PAUSE: Duration = Duration::from_micros(1500);

struct Bench {
    heap: Heap,
    pauses: Vec<Duration>,
    x: Value,
    y: Value,
}

impl Bench {
    fn new(mode: Option<Mode>) -> Bench {
        let heap = Heap::new(Box::new(MappedPages), 4 << 30).expect("a region");
        if let Some(mode) = mode {
            // SAFETY: there is nothing yet.
            unsafe { heap.collector().set_mode(mode) };
        }
        let thread = heap.new_thread(64).expect("memory");
        heap.root(ROOT_CURRENT_THREAD).set(Value::Thread(thread));
        heap.get(thread).top.set(64);
        let [x, y] = ["x", "y"].map(|name| Value::String(heap.new_string(name.as_bytes()).expect("memory")));
        heap.root(11).set(x);
        heap.root(12).set(y);
        Bench { heap, pauses: Vec::new(), x, y }
    }

    fn safepoint(&mut self) {
        if self.heap.needs_collection() {
            let (start, by_clock, phase) = (now(), Instant::now(), self.heap.collector().phase());
            // SAFETY: everything in use is in the roots.
            let progress = unsafe { self.heap.collect_step() };
            if progress != Progress::Nothing {
                // Either clock alone shows pauses that are not the collector's.
                let pause = (now() - start).min(by_clock.elapsed());
                if pause > LONG_PAUSE {
                    println!("  {pause:?} from {phase:?} to {:?}: {progress:?}", self.heap.collector().phase());
                }
                self.pauses.push(pause);
            }
        }
    }

    fn stack(&self, index: usize, value: Value) {
        let Value::Thread(thread) = self.heap.root(ROOT_CURRENT_THREAD).get() else { return };
        self.heap.slots(self.heap.get(thread).stack.get())[index].set(value);
    }

    fn pair(&mut self, x: Value, y: Value) -> Ref<Table> {
        let table = self.heap.new_table(0, 2).expect("memory");
        self.heap.table_set(table, self.x, x).expect("memory");
        self.heap.table_set(table, self.y, y).expect("memory");
        table
    }

    fn tree(&mut self, depth: usize) -> Ref<Table> {
        if depth == 0 {
            let leaf = self.pair(Value::Integer(1), Value::Integer(2));
            self.stack(0, Value::Table(leaf));
            self.safepoint();
            return leaf;
        }
        let left = self.tree(depth - 1);
        self.stack(2 * depth, Value::Table(left));
        let right = self.tree(depth - 1);
        self.stack(2 * depth + 1, Value::Table(right));
        let node = self.pair(Value::Table(left), Value::Table(right));
        self.stack(0, Value::Table(node));
        self.safepoint();
        node
    }

    fn report(&mut self, name: &str, start: Duration, operations: u64) {
        let elapsed = now() - start;
        let collecting: Duration = self.pauses.iter().sum();
        self.pauses.sort();
        let at = |share: f64| self.pauses.get((self.pauses.len() as f64 * share) as usize).copied().unwrap_or_default();
        let statistics = self.heap.statistics();
        println!(
            "{name:32} {:7.1} ms, {:5.1} ns each, collecting {:6.1} ms, pauses {:6} p50 {:4.0} us p99 {:5.0} us max {:6.0} us, \
             minor {:4} full {:3}, live {:4} MiB peak {:4} MiB touched {:4} MiB",
            elapsed.as_secs_f64() * 1e3,
            elapsed.as_secs_f64() * 1e9 / operations as f64,
            collecting.as_secs_f64() * 1e3,
            self.pauses.len(),
            at(0.5).as_secs_f64() * 1e6,
            at(0.99).as_secs_f64() * 1e6,
            self.pauses.last().copied().unwrap_or_default().as_secs_f64() * 1e6,
            statistics.minor_collections,
            statistics.full_collections,
            statistics.live_bytes >> 20,
            statistics.peak_bytes >> 20,
            statistics.touched_bytes >> 20,
        );
        self.pauses.clear();
    }
}

fn main() {
    let live: u64 = std::env::args().nth(1).and_then(|argument| argument.parse().ok()).unwrap_or(200);
    for (name, mode) in
        [("automatic", None), ("incremental", Some(Mode::Incremental)), ("generational", Some(Mode::Generational))]
    {
        println!("{name}:");
        let mut bench = Bench::new(mode);
        let start = now();
        for _ in 0..60 {
            bench.tree(14);
        }
        bench.report("trees of 32767 pairs", start, 60 * 32767);

        let start = now();
        for n in 0..5_000_000i64 {
            let pair = bench.pair(Value::Integer(n), Value::Nil);
            bench.stack(1, Value::Table(pair));
            bench.safepoint();
        }
        bench.report("short-lived pairs", start, 5_000_000);

        let start = now();
        for n in 0..3_000_000u64 {
            let string = bench.heap.new_string(&n.to_le_bytes()).expect("memory");
            bench.stack(1, Value::String(string));
            bench.safepoint();
        }
        bench.report("short-lived strings", start, 3_000_000);

        let start = now();
        let list = bench.heap.new_table(0, 0).expect("memory");
        bench.heap.root(20).set(Value::Table(list));
        let count = live * (1 << 20) / 120;
        for n in 0..count {
            let name = bench.heap.new_string(format!("object {n}").as_bytes()).expect("memory");
            let pair = bench.pair(Value::Integer(n as i64), Value::String(name));
            bench.heap.table_set(list, Value::Integer(n as i64 + 1), Value::Table(pair)).expect("memory");
            bench.safepoint();
        }
        bench.report("building the live set", start, count);

        let start = now();
        for n in 0..10_000_000u64 {
            let pair = bench.pair(Value::Integer(n as i64), Value::Nil);
            bench.stack(1, Value::Table(pair));
            if n % 8 == 0 {
                // Some of the live set is replaced.
                let place = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) % count;
                bench.heap.table_set(list, Value::Integer(place as i64 + 1), Value::Table(pair)).expect("memory");
            }
            bench.safepoint();
        }
        bench.report("pairs beside the live set", start, 10_000_000);

        let start = now();
        for _ in 0..5 {
            let start = now();
            // SAFETY: everything in use is in the roots.
            unsafe { bench.heap.collect_fully() };
            bench.pauses.push(now() - start);
        }
        bench.report("full collections at once", start, 5);
    }
}
