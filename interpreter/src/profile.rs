//! A sampling profiler: when a slice of fuel has ended, and it is time, the functions on the stack are noted, those of the
//! coroutines that wait for the running one included.
//!
//! Fuel is what it is without: only where its slices end is not.

use crate::{machine::Machine, traceback::FrameView, variable_name::FunctionName};
use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};
use lunette_gc::{reference::Ref, typed::TypedPrototype, value::Value};

/// The most frames of a stack that are noted, the innermost ones.
const MOST_FRAMES: usize = 512;

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Names of functions.
    pub functions: Vec<String>,
    /// Stacks of functions, by their numbers, the outermost first, and how many intervals each stands for.
    pub stacks: Vec<(Vec<u32>, u64)>,
}

/// Which function it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// What called those that are noted.
    Omitted,
    /// A function of Lua: its chunk, and the line at which it begins.
    Lua(Vec<u8>, u32),
    /// A function of WebAssembly: where its file is and how long, and its number.
    Typed(u32, usize, u32),
    /// A function of the library or the embedder.
    Native(u32),
}

/// A function that was seen.
#[derive(Clone, Debug)]
struct Seen {
    /// What it was called by.
    name: Option<String>,
    /// Where it is.
    place: String,
}

/// The profiler of a machine.
#[derive(Debug)]
pub(crate) struct Profiler {
    /// Nanoseconds from one sample to the next.
    interval: u64,
    /// When the last one was taken.
    last: u64,
    numbers: BTreeMap<Key, u32>,
    seen: Vec<Seen>,
    stacks: BTreeMap<Vec<u32>, u64>,
}

impl Profiler {
    fn new(interval: u64, now: u64) -> Profiler {
        let (numbers, seen, stacks) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Profiler { interval: interval.max(1), last: now, numbers, seen, stacks }
    }

    /// The time of the next sample.
    fn due(&self) -> u64 {
        self.last.saturating_add(self.interval)
    }

    fn finish(self) -> Profile {
        let text = |seen: Seen| match seen.name {
            Some(name) if seen.place.is_empty() => name,
            // Of a chunk without a file.
            Some(name) if seen.place.starts_with('(') => format!("{name} {}", seen.place),
            Some(name) => format!("{name} ({})", seen.place),
            None => seen.place,
        };
        Profile { functions: self.seen.into_iter().map(text).collect(), stacks: self.stacks.into_iter().collect() }
    }
}

impl Machine {
    /// Notes from now on, after each so many nanoseconds, which functions are on the stack.
    pub fn start_profile(&mut self, interval: u64) {
        let profiler = Profiler::new(interval, self.host.monotonic());
        self.limits.set_sample_time(Some(profiler.due()));
        self.profiler = Some(profiler);
    }

    /// Ends what [`Machine::start_profile`] began; nothing if it was not.
    pub fn take_profile(&mut self) -> Profile {
        self.limits.set_sample_time(None);
        self.profiler.take().map_or_else(Profile::default, Profiler::finish)
    }

    /// Takes the sample that is due.
    pub(crate) fn take_profile_sample(&mut self) {
        let Some(mut profiler) = self.profiler.take() else { return };
        // Looking at the stack is not the program's work.
        let budget = self.budget.get();
        let now = self.host.monotonic();
        // What took longer, and could not be interrupted, was called from here.
        let intervals = (now.saturating_sub(profiler.last) / profiler.interval).max(1);
        let mut stack = Vec::new();
        let mut thread = Some(self.thread);
        while let Some(running) = thread {
            let mut frame = self.frame_at(running, 0);
            while let Some(view) = frame {
                if stack.len() == MOST_FRAMES {
                    break;
                }
                if let Some(number) = self.seen_function(&mut profiler, view) {
                    stack.push(number);
                }
                frame = self.caller_of(view);
            }
            thread = self.heap.get(running).resumer.get();
        }
        if stack.len() == MOST_FRAMES {
            stack.push(profiler.number(Key::Omitted, || Seen { name: None, place: "...".to_owned() }));
        }
        stack.reverse();
        if !stack.is_empty() {
            *profiler.stacks.entry(stack).or_default() += intervals;
        }
        profiler.last = now;
        self.budget.set(budget);
        self.limits.set_sample_time(Some(profiler.due()));
        self.profiler = Some(profiler);
    }

    /// The number of a frame's function; `None` if it is none of the program's.
    fn seen_function(&self, profiler: &mut Profiler, frame: FrameView) -> Option<u32> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let number = match self.frame_function(frame) {
            Value::Closure(closure) => {
                let prototype = self.prototype_of(closure);
                let (source, line) = (self.short_source(prototype), self.heap.get(prototype).line_defined);
                let chunk = text(&source);
                profiler.number(Key::Lua(source, line), || match line {
                    0 => Seen { name: Some("main chunk".to_owned()), place: chunk },
                    _ => Seen { name: None, place: format!("{chunk}:{line}") },
                })
            }
            Value::NativeClosure(closure) => {
                let number = self.heap.get(closure).native;
                let name = || Some(self.natives[number as usize].name.to_owned());
                profiler.number(Key::Native(number), || Seen { name: name(), place: String::new() })
            }
            Value::Internal(prototype) => {
                let prototype: Ref<TypedPrototype> = prototype.cast();
                let object = self.heap.get(prototype);
                let file = self.heap.get(object.module).bytes;
                let key = Key::Typed(file.units(), self.heap.bytes(file).len(), object.number);
                profiler.number(key, || Seen {
                    name: Some(text(&self.typed_name(frame)).trim_matches('\'').to_owned()),
                    place: text(&self.typed_place(prototype, 0).0),
                })
            }
            _ => return None,
        };
        let seen = &mut profiler.seen[number as usize];
        if seen.name.is_none()
            && let Some(FunctionName { name, .. }) = self.function_name(frame)
        {
            seen.name = Some(text(&name));
        }
        Some(number)
    }
}

impl Profiler {
    /// The number of a function.
    fn number(&mut self, key: Key, see: impl FnOnce() -> Seen) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            self.seen.push(see());
            self.seen.len() as u32 - 1
        })
    }
}
