//! From a pattern's text to its list of operations.

use super::character_class::{Class, Set};
use super::matcher::MAX_DEPTH;
use super::{MAX_CAPTURES, MatchError};
use alloc::vec::Vec;

/// What a `^` at the start of a pattern means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caret {
    /// The match must begin where the search begins (`find`, `match`, `gsub`).
    Anchor,
    /// Itself (`gmatch`).
    Literal,
}

/// One operation. They run one after the other; there are no jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// One byte of the class.
    Single(Class),
    /// The bytes of the pattern's literals from `start` on.
    Literal { start: u32, length: u32 },
    /// `?`
    Optional(Class),
    /// `*` and `+`, which has a `minimum` of 1. `follow` is the class that the next byte must have.
    Greedy { class: Class, minimum: u8, follow: Option<Class> },
    /// `-`, with `follow` as above.
    Lazy { class: Class, follow: Option<Class> },
    /// `(`, and `()` whole.
    CaptureStart(u8),
    /// `)`
    CaptureEnd(u8),
    /// `%b`
    Balance(u8, u8),
    /// `%f`
    Frontier(Class),
    /// `%1` to `%9`, counted from zero.
    BackReference(u8),
    /// `$` at the end of the pattern.
    EndOfSubject,
    /// No subject matches.
    Never,
    /// The pattern has an error here.
    Error(MatchError),
    /// The end of the pattern.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CaptureKind {
    Text,
    Position,
    Unfinished,
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub(super) operations: Vec<Operation>,
    pub(super) sets: Vec<Set>,
    pub(super) literals: Vec<u8>,
    pub(super) captures: [CaptureKind; MAX_CAPTURES],
    pub(super) capture_count: u8,
    pub(super) anchored: bool,
    /// Has so many repetitions and captures that a match may run into [`MAX_DEPTH`].
    pub(super) deep: bool,
    /// The class that the match's first byte must have.
    pub(super) first: Option<Class>,
}

impl Pattern {
    /// Compiles `text`. Errors in the text become part of the pattern and are reported by a match that reaches them;
    /// the only error here is that memory is short.
    pub fn compile(text: &[u8], caret: Caret) -> Result<Pattern, MatchError> {
        let anchored = caret == Caret::Anchor && text.first() == Some(&b'^');
        let pattern = Pattern {
            operations: Vec::new(),
            sets: Vec::new(),
            literals: Vec::new(),
            captures: [CaptureKind::Unfinished; MAX_CAPTURES],
            capture_count: 0,
            anchored,
            deep: false,
            first: None,
        };
        let mut compiler = Compiler { text: &text[usize::from(anchored)..], position: 0, pattern };
        compiler.compile()?;
        Ok(compiler.pattern)
    }

    /// The number of values a successful match gives: its captures, or the whole match if there are none.
    pub fn value_count(&self) -> usize {
        usize::from(self.capture_count).max(1)
    }

    /// The number of captures.
    pub fn capture_count(&self) -> usize {
        usize::from(self.capture_count)
    }

    /// Whether a match can begin only where the search begins.
    pub fn is_anchored(&self) -> bool {
        self.anchored
    }

    /// An upper bound on the memory that compiling a text of `length` bytes takes.
    pub const fn memory_bound(length: usize) -> usize {
        let per_byte = 2 * size_of::<Operation>() + size_of::<Set>() + 2;
        length.saturating_add(4).saturating_mul(per_byte)
    }
}

struct Compiler<'t> {
    text: &'t [u8],
    position: usize,
    pattern: Pattern,
}

impl Compiler<'_> {
    fn compile(&mut self) -> Result<(), MatchError> {
        if u32::try_from(self.text.len()).is_err() {
            return Err(MatchError::OutOfMemory);
        }
        while self.position < self.text.len() {
            let operation = match self.item() {
                Ok(operation) => operation,
                Err(MatchError::OutOfMemory) => return Err(MatchError::OutOfMemory),
                // Nothing gets past an error.
                Err(error) => {
                    push(&mut self.pattern.operations, Operation::Error(error))?;
                    break;
                }
            };
            self.emit(operation)?;
        }
        push(&mut self.pattern.operations, Operation::End)?;
        self.look_ahead();
        Ok(())
    }

    fn peek(&self, distance: usize) -> Option<u8> {
        self.text.get(self.position + distance).copied()
    }

    fn item(&mut self) -> Result<Operation, MatchError> {
        match (self.peek(0), self.peek(1)) {
            (Some(b'('), Some(b')')) => {
                self.position += 2;
                self.capture(CaptureKind::Position)
            }
            (Some(b'('), _) => {
                self.position += 1;
                self.capture(CaptureKind::Unfinished)
            }
            (Some(b')'), _) => {
                self.position += 1;
                let open = self.captures().iter().rposition(|&kind| kind == CaptureKind::Unfinished);
                let index = open.ok_or(MatchError::InvalidPatternCapture)?;
                self.pattern.captures[index] = CaptureKind::Text;
                Ok(Operation::CaptureEnd(index as u8))
            }
            (Some(b'$'), None) => {
                self.position += 1;
                Ok(Operation::EndOfSubject)
            }
            (Some(b'%'), Some(b'b')) => {
                let (Some(open), Some(close)) = (self.peek(2), self.peek(3)) else {
                    return Err(MatchError::MissingBalanceArguments);
                };
                self.position += 4;
                Ok(Operation::Balance(open, close))
            }
            (Some(b'%'), Some(b'f')) => {
                if self.peek(2) != Some(b'[') {
                    return Err(MatchError::MissingFrontierSet);
                }
                self.position += 2;
                Ok(Operation::Frontier(self.class()?))
            }
            (Some(b'%'), Some(digit @ b'0'..=b'9')) => {
                self.position += 2;
                let kind = digit.checked_sub(b'1').and_then(|index| self.captures().get(usize::from(index)));
                match kind {
                    None | Some(CaptureKind::Unfinished) => Err(MatchError::InvalidCaptureIndex(digit - b'0')),
                    Some(CaptureKind::Position) => Ok(Operation::Never),
                    Some(CaptureKind::Text) => Ok(Operation::BackReference(digit - b'1')),
                }
            }
            _ => {
                let class = self.class()?;
                let operation = match self.peek(0) {
                    Some(b'?') => Operation::Optional(class),
                    Some(b'*') => Operation::Greedy { class, minimum: 0, follow: None },
                    Some(b'+') => Operation::Greedy { class, minimum: 1, follow: None },
                    Some(b'-') => Operation::Lazy { class, follow: None },
                    _ => return Ok(Operation::Single(class)),
                };
                self.position += 1;
                Ok(operation)
            }
        }
    }

    fn captures(&self) -> &[CaptureKind] {
        &self.pattern.captures[..usize::from(self.pattern.capture_count)]
    }

    fn capture(&mut self, kind: CaptureKind) -> Result<Operation, MatchError> {
        let index = self.pattern.capture_count;
        let slot = self.pattern.captures.get_mut(usize::from(index)).ok_or(MatchError::TooManyCaptures)?;
        *slot = kind;
        self.pattern.capture_count += 1;
        Ok(Operation::CaptureStart(index))
    }

    /// The class at the position, without what may follow it.
    fn class(&mut self) -> Result<Class, MatchError> {
        let byte = self.text[self.position];
        self.position += 1;
        match byte {
            b'.' => Ok(Class::Any),
            b'[' => self.set(),
            b'%' => {
                let letter = self.peek(0).ok_or(MatchError::EndsWithEscape)?;
                self.position += 1;
                Ok(Class::escaped(letter))
            }
            _ => Ok(Class::Byte(byte)),
        }
    }

    /// A set, from after its bracket on. A `]` that comes first is a member.
    fn set(&mut self) -> Result<Class, MatchError> {
        let complement = self.peek(0) == Some(b'^');
        self.position += usize::from(complement);
        let start = self.position;
        let mut end = start;
        loop {
            match self.text.get(end) {
                None => return Err(MatchError::MissingBracket),
                Some(b']') if end > start => break,
                Some(b'%') if end + 1 < self.text.len() => end += 2,
                Some(_) => end += 1,
            }
        }
        self.position = end + 1;

        let mut set = Set::EMPTY;
        let mut members = &self.text[start..end];
        loop {
            members = match *members {
                [] => break,
                [b'%', letter, ref rest @ ..] => {
                    set.insert_escaped(letter);
                    rest
                }
                [from, b'-', to, ref rest @ ..] => {
                    set.insert_range(from, to);
                    rest
                }
                [byte, ref rest @ ..] => {
                    set.insert(byte);
                    rest
                }
            };
        }
        if complement {
            set.complement();
        }
        if let Some(class) = set.simplify() {
            return Ok(class);
        }
        push(&mut self.pattern.sets, set)?;
        Ok(Class::Set(self.pattern.sets.len() as u32 - 1))
    }

    /// Appends `operation`, joining neighbouring bytes to a literal.
    fn emit(&mut self, operation: Operation) -> Result<(), MatchError> {
        let pattern = &mut self.pattern;
        if let Operation::Single(Class::Byte(byte)) = operation {
            match pattern.operations.last_mut() {
                Some(Operation::Literal { length, .. }) => {
                    *length += 1;
                    return push(&mut pattern.literals, byte);
                }
                Some(last) => {
                    if let Operation::Single(Class::Byte(before)) = *last {
                        *last = Operation::Literal { start: pattern.literals.len() as u32, length: 2 };
                        push(&mut pattern.literals, before)?;
                        return push(&mut pattern.literals, byte);
                    }
                }
                None => {}
            }
        }
        push(&mut pattern.operations, operation)
    }

    /// Tells each repetition which byte must come after it, so that it need not try other places. A pattern that may
    /// run into the limit of complexity goes without, because PUC Lua meets the limit before it looks at that byte.
    fn look_ahead(&mut self) {
        let pattern = &mut self.pattern;
        let nesting = |operation: &&Operation| {
            use Operation::*;
            matches!(operation, Optional(_) | Greedy { .. } | Lazy { .. } | CaptureStart(_) | CaptureEnd(_))
        };
        pattern.deep = pattern.operations.iter().filter(nesting).count() >= MAX_DEPTH;
        if pattern.deep {
            return;
        }
        let mut next = None;
        for operation in pattern.operations.iter_mut().rev() {
            next = match operation {
                Operation::Single(class) => Some(*class),
                Operation::Literal { start, .. } => Some(Class::Byte(pattern.literals[*start as usize])),
                Operation::Greedy { class, minimum, follow } => {
                    *follow = next;
                    (*minimum > 0).then_some(*class)
                }
                Operation::Lazy { follow, .. } => {
                    *follow = next;
                    None
                }
                Operation::CaptureStart(_) | Operation::CaptureEnd(_) => next,
                Operation::Balance(open, _) => Some(Class::Byte(*open)),
                _ => None,
            };
        }
        pattern.first = next;
    }
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<(), MatchError> {
    list.try_reserve(1).map_err(|_| MatchError::OutOfMemory)?;
    list.push(item);
    Ok(())
}
