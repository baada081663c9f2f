//! A sampling profiler: when a slice of fuel has ended, and it is time, the functions on the stack are noted, those of the
//! coroutines that wait for the running one included.
//!
//! Fuel is what it is without: only where its slices end is not.

use crate::{machine::Machine, traceback::FrameView, variable_name::FunctionName};
use alloc::{borrow::ToOwned, collections::BTreeMap, format, string::String, vec::Vec};
use lunette_gc::{reference::Ref, typed::TypedPrototype, value::Value};

/// The most frames of a stack that are noted, the innermost ones.
const MOST_FRAMES: usize = 512;

/// The most functions on all stacks that are told apart. Of further ones only the innermost function is noted.
const MOST_NOTED: usize = 1 << 20;

/// The most bytes of a function's name.
const MOST_NAME: usize = 200;

/// What was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Profile {
    /// Names of functions.
    pub functions: Vec<String>,
    /// Stacks of functions, by their numbers, the outermost first, and how many intervals each stands for.
    pub stacks: Vec<(Vec<u32>, u64)>,
}

impl Profile {
    /// What there is of it that can be, if somebody else says that it was found out.
    pub fn within_bounds(mut self) -> Profile {
        self.functions.iter_mut().for_each(shorten);
        let mut noted = 0;
        self.stacks.retain_mut(|(stack, count)| {
            // So that no sum of them is too large.
            *count = (*count).min(u32::MAX.into());
            noted += stack.len();
            noted <= MOST_NOTED && stack.iter().all(|&number| (number as usize) < self.functions.len())
        });
        self
    }
}

/// Leaves the beginning of a name that is too long.
fn shorten(name: &mut String) {
    if name.len() > MOST_NAME {
        name.truncate(name.floor_char_boundary(MOST_NAME));
        name.push_str("...");
    }
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
    /// How long all of them are.
    noted: usize,
}

impl Profiler {
    fn new(interval: u64, now: u64) -> Profiler {
        let (numbers, seen, stacks) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Profiler { interval: interval.max(1), last: now, numbers, seen, stacks, noted: 0 }
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
        profiler.note(stack, intervals);
        profiler.last = now;
        self.budget.set(budget);
        self.limits.set_sample_time(Some(profiler.due()));
        self.profiler = Some(profiler);
    }

    /// The number of a frame's function; `None` if it is none of the program's.
    fn seen_function(&self, profiler: &mut Profiler, frame: FrameView) -> Option<u32> {
        let text = |bytes: &[u8]| {
            let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(2 * MOST_NAME)]).into_owned();
            shorten(&mut text);
            text
        };
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
    /// Notes a stack, the innermost function first.
    fn note(&mut self, mut stack: Vec<u32>, intervals: u64) {
        let omitted = self.number(Key::Omitted, || Seen { name: None, place: "...".to_owned() });
        if stack.len() == MOST_FRAMES {
            stack.push(omitted);
        }
        stack.reverse();
        let Some(&innermost) = stack.last() else { return };
        if self.noted + stack.len() > MOST_NOTED && !self.stacks.contains_key(&stack) {
            stack = [omitted, innermost].to_vec();
        }
        let length = stack.len();
        *self.stacks.entry(stack).or_insert_with(|| {
            self.noted += length;
            0
        }) += intervals;
    }

    /// The number of a function.
    fn number(&mut self, key: Key, see: impl FnOnce() -> Seen) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            self.seen.push(see());
            self.seen.len() as u32 - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_has_bounds() {
        let mut profiler = Profiler::new(1, 0);
        let functions: Vec<u32> = (0..300)
            .map(|number| profiler.number(Key::Native(number), || Seen { name: None, place: String::new() }))
            .collect();
        // Each stack is another one, and comes twice.
        for turn in (0..8000).flat_map(|turn| [turn, turn]) {
            let stack = functions.iter().map(|&number| (turn >> (number % 13)) & 1).collect();
            profiler.note(stack, 1);
        }
        let profile = profiler.finish();
        let frames: usize = profile.stacks.iter().map(|(stack, _)| stack.len()).sum();
        assert!((MOST_NOTED - 300..MOST_NOTED + 10).contains(&frames), "{frames} frames");
        assert_eq!(profile.stacks.iter().map(|(_, count)| count).sum::<u64>(), 16_000);
        let omitted = profile.functions.iter().position(|name| name == "...").expect("some were left out") as u32;
        assert!(profile.stacks.iter().any(|(stack, count)| stack.len() == 2 && stack[0] == omitted && *count > 1000));
        assert_eq!(profile.clone().within_bounds(), profile);
    }

    #[test]
    fn claims_are_held_to_the_bounds() {
        let claimed = Profile {
            functions: ["a".to_owned(), "\u{e9}".repeat(1000)].to_vec(),
            stacks: [([0, 1].to_vec(), 5), ([0, 2].to_vec(), 1), ([0].to_vec(), u64::MAX), ([0; 1 << 20].to_vec(), 1)]
                .to_vec(),
        };
        let profile = claimed.within_bounds();
        assert_eq!(profile.stacks, [([0, 1].to_vec(), 5), ([0].to_vec(), u32::MAX.into())]);
        assert!(profile.functions[1].len() <= MOST_NAME + 3);
    }
}
