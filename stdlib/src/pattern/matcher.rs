//! Walking a compiled pattern along a subject.

use super::character_class::Class;
use super::compile::{CaptureKind, Operation, Pattern};
use super::{MAX_CAPTURES, MatchError, Poll};
use alloc::vec::Vec;

/// The number of steps (operations tried and bytes looked at) between two calls of the poll function.
pub const POLL_INTERVAL: u64 = 4096;

/// The depth of PUC Lua's recursion at which a pattern is too complex: one level for the match, one for every
/// repetition and capture on the way.
pub(super) const MAX_DEPTH: usize = 200;

/// Long runs are looked at in pieces of this size, with a poll after each.
const CHUNK: usize = 1 << 16;

/// A match: `subject[start..end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where it starts.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
}

/// The value of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// `subject[start..end]`.
    Text {
        /// Where it starts.
        start: usize,
        /// Where it ends, exclusive.
        end: usize,
    },
    /// A position, counted from zero.
    Position(usize),
}

/// The working memory of matching: captures, the stack of repetitions that can give way, steps not yet reported. Made
/// once and used again, it does not allocate.
#[derive(Debug)]
pub struct Matcher {
    frames: Vec<Frame>,
    captures: [Match; MAX_CAPTURES],
    steps: u64,
}

/// A choice that can be made otherwise when the rest of the pattern fails.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Index of the operation that made the choice.
    operation: u32,
    /// The shortest that a greedy repetition may end.
    minimum: usize,
    /// Where the repetition ends now; for an optional item, where it starts.
    at: usize,
}

impl Default for Matcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Matcher {
    /// A matcher that has matched nothing.
    pub const fn new() -> Self {
        Matcher { frames: Vec::new(), captures: [Match { start: 0, end: 0 }; MAX_CAPTURES], steps: 0 }
    }

    /// The steps done since the poll function was last called, which are then considered reported.
    pub fn take_steps(&mut self) -> u64 {
        core::mem::take(&mut self.steps)
    }

    /// The first match of `pattern` that starts at `from` or later and does not end at `previous_end`, where `gsub` and
    /// `gmatch` found the last one.
    pub fn find(
        &mut self,
        pattern: &Pattern,
        subject: &[u8],
        from: usize,
        previous_end: Option<usize>,
        poll: Poll,
    ) -> Result<Option<Match>, MatchError> {
        let mut run = Run { pattern, subject, matcher: self, poll };
        let mut start = from;
        while start <= subject.len() {
            if let Some(class) = pattern.first
                && !pattern.anchored
            {
                match run.first(class, start)? {
                    Some(candidate) => start = candidate,
                    None => return Ok(None),
                }
            }
            match run.match_at(start)? {
                Some(end) if previous_end != Some(end) => return Ok(Some(Match { start, end })),
                _ if pattern.anchored => return Ok(None),
                _ => start += 1,
            }
        }
        Ok(None)
    }

    /// The value number `index`, counted from zero, of the match `found`, which must be the last that this matcher found
    /// and by `pattern`. A pattern without captures has the whole match as its only value.
    #[inline]
    pub fn value(&self, pattern: &Pattern, found: Match, index: usize) -> Result<Capture, MatchError> {
        if index >= pattern.capture_count() {
            return match index {
                0 => Ok(Capture::Text { start: found.start, end: found.end }),
                _ => Err(MatchError::InvalidCaptureIndex(index as u8 + 1)),
            };
        }
        let Match { start, end } = self.captures[index];
        match pattern.captures[index] {
            CaptureKind::Text => Ok(Capture::Text { start, end }),
            CaptureKind::Position => Ok(Capture::Position(start)),
            CaptureKind::Unfinished => Err(MatchError::UnfinishedCapture),
        }
    }
}

/// One search.
struct Run<'r> {
    pattern: &'r Pattern,
    subject: &'r [u8],
    matcher: &'r mut Matcher,
    poll: Poll<'r>,
}

impl Run<'_> {
    /// Where the match that starts at `start` ends.
    fn match_at(&mut self, start: usize) -> Result<Option<usize>, MatchError> {
        self.matcher.frames.clear();
        let Pattern { operations, sets, .. } = self.pattern;
        let subject = self.subject;
        let mut at = start;
        let mut index = 0;
        loop {
            self.spend(1)?;
            let matched = match operations[index] {
                Operation::Single(class) => match subject.get(at) {
                    Some(&byte) if class.contains(sets, byte) => {
                        at += 1;
                        true
                    }
                    _ => false,
                },
                Operation::Literal { start, length } => {
                    let literal = &self.pattern.literals[start as usize..][..length as usize];
                    let matched = subject[at..].starts_with(literal);
                    self.spend(u64::from(length) / 8)?;
                    at += if matched { literal.len() } else { 0 };
                    matched
                }
                Operation::Optional(class) => {
                    if subject.get(at).is_some_and(|&byte| class.contains(sets, byte)) {
                        self.push(index, at, at)?;
                        at += 1;
                    }
                    true
                }
                Operation::Greedy { class, minimum, follow } => {
                    let end = self.run_end(class, at)?;
                    if end == at {
                        minimum == 0 && self.follows(follow, at)
                    } else {
                        let shortest = at + usize::from(minimum);
                        let ending =
                            if self.follows(follow, end) { Some(end) } else { self.retreat(follow, shortest, end)? };
                        match ending {
                            Some(end) => {
                                self.push(index, shortest, end)?;
                                at = end;
                                true
                            }
                            None => false,
                        }
                    }
                }
                Operation::Lazy { class, follow } => match self.advance(class, follow, at)? {
                    Some(end) => {
                        // As in PUC Lua, a repetition that cannot even begin takes no level.
                        if end > at || subject.get(at).is_some_and(|&byte| class.contains(sets, byte)) {
                            self.push(index, at, end)?;
                        }
                        at = end;
                        true
                    }
                    None => false,
                },
                Operation::CaptureStart(capture) => {
                    self.matcher.captures[usize::from(capture)].start = at;
                    self.count_level(index, at)?;
                    true
                }
                Operation::CaptureEnd(capture) => {
                    self.matcher.captures[usize::from(capture)].end = at;
                    self.count_level(index, at)?;
                    true
                }
                Operation::Balance(open, close) => match self.balance(open, close, at)? {
                    Some(end) => {
                        at = end;
                        true
                    }
                    None => false,
                },
                Operation::Frontier(class) => {
                    let previous = if at == 0 { 0 } else { subject[at - 1] };
                    let next = subject.get(at).copied().unwrap_or(0);
                    !class.contains(sets, previous) && class.contains(sets, next)
                }
                Operation::BackReference(capture) => {
                    let Match { start, end } = self.matcher.captures[usize::from(capture)];
                    let text = &subject[start..end];
                    let matched = subject[at..].starts_with(text);
                    self.spend(text.len() as u64 / 8)?;
                    at += if matched { text.len() } else { 0 };
                    matched
                }
                Operation::EndOfSubject => at == subject.len(),
                Operation::Never => false,
                Operation::Error(error) => return Err(error),
                Operation::End => return Ok(Some(at)),
            };
            if matched {
                index += 1;
            } else {
                match self.backtrack()? {
                    Some(choice) => (index, at) = choice,
                    None => return Ok(None),
                }
            }
        }
    }

    /// Makes the latest choice that can be made otherwise otherwise: the operation and position to go on with.
    #[inline]
    fn backtrack(&mut self) -> Result<Option<(usize, usize)>, MatchError> {
        let Pattern { operations, sets, .. } = self.pattern;
        while let Some(&Frame { operation, minimum, at }) = self.matcher.frames.last() {
            self.spend(1)?;
            let next = operation as usize + 1;
            let other = match operations[operation as usize] {
                Operation::Optional(_) => {
                    self.matcher.frames.pop();
                    return Ok(Some((next, at)));
                }
                Operation::Greedy { follow, .. } if at > minimum => self.retreat(follow, minimum, at - 1)?,
                Operation::Lazy { class, follow } => match self.subject.get(at) {
                    Some(&byte) if class.contains(sets, byte) => self.advance(class, follow, at + 1)?,
                    _ => None,
                },
                _ => None,
            };
            if let Some(at) = other {
                if let Some(frame) = self.matcher.frames.last_mut() {
                    frame.at = at;
                }
                return Ok(Some((next, at)));
            }
            self.matcher.frames.pop();
        }
        Ok(None)
    }

    #[inline(always)]
    fn push(&mut self, operation: usize, minimum: usize, at: usize) -> Result<(), MatchError> {
        if self.matcher.frames.len() == MAX_DEPTH - 1 {
            return Err(MatchError::TooComplex);
        }
        self.matcher.frames.push(Frame { operation: operation as u32, minimum, at });
        Ok(())
    }

    /// A capture is no choice, but it takes a level of PUC Lua's recursion; only deep patterns need the account.
    #[inline(always)]
    fn count_level(&mut self, operation: usize, at: usize) -> Result<(), MatchError> {
        if self.pattern.deep { self.push(operation, at, at) } else { Ok(()) }
    }

    #[inline(always)]
    fn spend(&mut self, steps: u64) -> Result<(), MatchError> {
        self.matcher.steps += steps;
        if self.matcher.steps < POLL_INTERVAL { Ok(()) } else { self.report() }
    }

    #[cold]
    fn report(&mut self) -> Result<(), MatchError> {
        let steps = self.matcher.take_steps();
        Ok((self.poll)(steps)?)
    }

    /// Whether a byte of the class that must follow stands at `at`.
    #[inline(always)]
    fn follows(&self, follow: Option<Class>, at: usize) -> bool {
        match (follow, self.subject.get(at)) {
            (None, _) => true,
            (Some(class), Some(&byte)) => class.contains(&self.pattern.sets, byte),
            (Some(_), None) => false,
        }
    }

    /// The first byte of `class` from `at` on.
    #[inline]
    fn first(&mut self, class: Class, mut at: usize) -> Result<Option<usize>, MatchError> {
        loop {
            let chunk = &self.subject[at..self.subject.len().min(at + CHUNK)];
            let found = class.first(&self.pattern.sets, chunk);
            self.spend(found.unwrap_or(chunk.len()) as u64)?;
            match found {
                Some(offset) => return Ok(Some(at + offset)),
                None if chunk.len() < CHUNK => return Ok(None),
                None => at += CHUNK,
            }
        }
    }

    /// Where the run of bytes of `class` that starts at `at` ends.
    #[inline]
    fn run_end(&mut self, class: Class, mut at: usize) -> Result<usize, MatchError> {
        loop {
            let chunk = &self.subject[at..self.subject.len().min(at + CHUNK)];
            let length = class.run_length(&self.pattern.sets, chunk);
            self.spend(length as u64)?;
            at += length;
            if length < CHUNK {
                return Ok(at);
            }
        }
    }

    /// The last place in `minimum..=end` where a repetition can end.
    #[inline]
    fn retreat(&mut self, follow: Option<Class>, minimum: usize, mut end: usize) -> Result<Option<usize>, MatchError> {
        if self.follows(follow, end) {
            return Ok(Some(end));
        }
        let Some(class) = follow else { return Ok(None) };
        while end > minimum {
            let start = minimum.max(end.saturating_sub(CHUNK));
            let found = class.last(&self.pattern.sets, &self.subject[start..end]);
            self.spend((end - start - found.unwrap_or(0)) as u64)?;
            match found {
                Some(offset) => return Ok(Some(start + offset)),
                None => end = start,
            }
        }
        Ok(None)
    }

    /// The first place from `at` on where a lazy repetition of `class` can end.
    #[inline]
    fn advance(&mut self, class: Class, follow: Option<Class>, mut at: usize) -> Result<Option<usize>, MatchError> {
        let Some(follow) = follow else { return Ok(Some(at)) };
        if class == Class::Any {
            return self.first(follow, at);
        }
        let sets = &self.pattern.sets;
        loop {
            let chunk = &self.subject[at..self.subject.len().min(at + CHUNK)];
            let stop = chunk.iter().position(|&byte| follow.contains(sets, byte) || !class.contains(sets, byte));
            self.spend(stop.unwrap_or(chunk.len()) as u64)?;
            match stop {
                Some(offset) => {
                    at += offset;
                    return Ok(follow.contains(sets, self.subject[at]).then_some(at));
                }
                None if chunk.len() < CHUNK => return Ok(None),
                None => at += CHUNK,
            }
        }
    }

    /// Where the balanced text that starts at `at` ends.
    fn balance(&mut self, open: u8, close: u8, at: usize) -> Result<Option<usize>, MatchError> {
        if self.subject.get(at) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1usize;
        let mut offset = at + 1;
        for chunk in self.subject[offset..].chunks(CHUNK) {
            for (index, &byte) in chunk.iter().enumerate() {
                if byte == close {
                    depth -= 1;
                    if depth == 0 {
                        self.spend(index as u64)?;
                        return Ok(Some(offset + index + 1));
                    }
                } else if byte == open {
                    depth += 1;
                }
            }
            self.spend(chunk.len() as u64)?;
            offset += chunk.len();
        }
        Ok(None)
    }
}
