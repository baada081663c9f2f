//! `table.sort`: PUC Lua's quicksort as a state machine of plain integers, so that a comparator written in Lua can be
//! called between its steps, interrupted, and the whole saved and restored.
//!
//! The comparisons and swaps are PUC Lua's, in its order: median of three, the pivot parked before the range's end, the
//! smaller part first. Only the pivot it takes at random, after a badly unbalanced partition of a large range, comes
//! from a fixed sequence here.

/// The longest array that can be sorted.
pub const MAX_LENGTH: u32 = i32::MAX as u32 - 1;

/// The most ranges that wait at a time: each is at least as long as the one that is sorted before it.
pub const MAX_PENDING: usize = 31;

/// Ranges longer than this may take a pivot at random.
const LARGE: u32 = 100;

/// What the sort needs done before the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Compare elements: is the first less than the second? The answer goes to the next step.
    Compare(u32, u32),
    /// Swap elements.
    Swap(u32, u32),
    /// Nothing: the array is sorted.
    Done,
    /// Nothing: the comparisons contradict each other.
    Invalid,
}

/// The comparisons contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid order function for sorting")]
pub struct InvalidOrder;

/// A range that waits to be sorted. Indices count from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    low: u32,
    high: u32,
    seed: u32,
}

impl Range {
    /// The range in two words.
    pub fn to_words(self) -> [u64; 2] {
        [u64::from(self.low) | u64::from(self.high) << 32, u64::from(self.seed)]
    }

    /// The range from [`Range::to_words`].
    pub fn from_words([bounds, seed]: [u64; 2]) -> Self {
        Range { low: bounds as u32, high: (bounds >> 32) as u32, seed: seed as u32 }
    }
}

/// Where ranges wait: a stack of at most [`MAX_PENDING`], which the caller keeps.
pub trait Pending {
    /// Pushes a range.
    fn push(&mut self, range: Range);
    /// Pops the latest range.
    fn pop(&mut self) -> Option<Range>;
}

/// A stack of ranges in an array.
#[derive(Clone, Debug, Default)]
pub struct PendingArray {
    ranges: [Range; MAX_PENDING],
    length: usize,
}

impl Pending for PendingArray {
    fn push(&mut self, range: Range) {
        self.ranges[self.length] = range;
        self.length += 1;
    }

    fn pop(&mut self) -> Option<Range> {
        self.length = self.length.checked_sub(1)?;
        Some(self.ranges[self.length])
    }
}

/// What the next step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    NextRange,
    StartRange,
    EndsCompared,
    EndsOrdered,
    PivotAndLowCompared,
    PivotAndHighCompared,
    MedianPlaced,
    PivotParked,
    AscendingCompared,
    DescendingCompared,
    PairSwapped,
    Partitioned,
    Done,
    Invalid,
}

const PHASES: [Phase; 14] = [
    Phase::NextRange,
    Phase::StartRange,
    Phase::EndsCompared,
    Phase::EndsOrdered,
    Phase::PivotAndLowCompared,
    Phase::PivotAndHighCompared,
    Phase::MedianPlaced,
    Phase::PivotParked,
    Phase::AscendingCompared,
    Phase::DescendingCompared,
    Phase::PairSwapped,
    Phase::Partitioned,
    Phase::Done,
    Phase::Invalid,
];

/// The state of a sort, without the ranges that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    phase: Phase,
    low: u32,
    high: u32,
    pivot: u32,
    /// All before it, from `low` on, are at most the pivot.
    ascending: u32,
    /// All after it, up to `high`, are at least the pivot.
    descending: u32,
    /// Chooses the pivot of large ranges; 0 takes the middle.
    seed: u32,
}

impl Sort {
    /// The sort of the elements `1..=length`.
    pub fn new(length: u32) -> Self {
        Sort { phase: Phase::StartRange, low: 1, high: length, pivot: 0, ascending: 0, descending: 0, seed: 0 }
    }

    /// The state in four words.
    #[inline(always)]
    pub fn to_words(&self) -> [u64; 4] {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        [
            pair(self.low, self.high),
            pair(self.ascending, self.descending),
            pair(self.pivot, self.seed),
            self.phase as u64,
        ]
    }

    /// The state from [`Sort::to_words`]. Any words give one: a state that no sort was in leads to elements that are not
    /// there, or nowhere.
    #[inline(always)]
    pub fn from_words(words: [u64; 4]) -> Self {
        let phase = PHASES.get(words[3] as usize).copied().unwrap_or(Phase::Invalid);
        let [[low, high], [ascending, descending], [pivot, seed]] =
            [words[0], words[1], words[2]].map(|word| [word as u32, (word >> 32) as u32]);
        Sort { phase, low, high, pivot, ascending, descending, seed }
    }

    /// Goes on to what has to be done next. `less` is the answer if the last action was [`Action::Compare`], and is not
    /// looked at otherwise.
    #[inline(always)]
    pub fn step(&mut self, less: bool, pending: &mut impl Pending) -> Action {
        loop {
            match self.phase {
                Phase::NextRange => match pending.pop() {
                    Some(Range { low, high, seed }) => {
                        (self.low, self.high, self.seed) = (low, high, seed);
                        self.phase = Phase::StartRange;
                    }
                    None => self.phase = Phase::Done,
                },
                Phase::StartRange => {
                    if self.low < self.high {
                        return self.act(Phase::EndsCompared, Action::Compare(self.high, self.low));
                    }
                    self.phase = Phase::NextRange;
                }
                Phase::EndsCompared => {
                    self.phase = Phase::EndsOrdered;
                    if less {
                        return Action::Swap(self.low, self.high);
                    }
                }
                Phase::EndsOrdered => {
                    if self.length() == 1 {
                        self.phase = Phase::NextRange;
                        continue;
                    }
                    self.pivot = self.choose_pivot();
                    return self.act(Phase::PivotAndLowCompared, Action::Compare(self.pivot, self.low));
                }
                Phase::PivotAndLowCompared => {
                    if less {
                        return self.act(Phase::MedianPlaced, Action::Swap(self.pivot, self.low));
                    }
                    return self.act(Phase::PivotAndHighCompared, Action::Compare(self.high, self.pivot));
                }
                Phase::PivotAndHighCompared => {
                    self.phase = Phase::MedianPlaced;
                    if less {
                        return Action::Swap(self.pivot, self.high);
                    }
                }
                Phase::MedianPlaced => {
                    if self.length() == 2 {
                        self.phase = Phase::NextRange;
                        continue;
                    }
                    return self.act(Phase::PivotParked, Action::Swap(self.pivot, self.parking()));
                }
                Phase::PivotParked => {
                    (self.ascending, self.descending) = (self.low, self.parking());
                    return self.ascend();
                }
                Phase::AscendingCompared => {
                    if !less {
                        return self.descend();
                    }
                    if self.ascending == self.parking() {
                        self.phase = Phase::Invalid;
                        continue;
                    }
                    return self.ascend();
                }
                Phase::DescendingCompared => {
                    if less {
                        if self.descending < self.ascending {
                            self.phase = Phase::Invalid;
                            continue;
                        }
                        return self.descend();
                    }
                    if self.descending < self.ascending {
                        return self.act(Phase::Partitioned, Action::Swap(self.parking(), self.ascending));
                    }
                    return self.act(Phase::PairSwapped, Action::Swap(self.ascending, self.descending));
                }
                Phase::PairSwapped => return self.ascend(),
                Phase::Partitioned => {
                    self.partitioned(pending);
                    self.phase = Phase::StartRange;
                }
                Phase::Done => return Action::Done,
                Phase::Invalid => return Action::Invalid,
            }
        }
    }

    #[inline(always)]
    fn act(&mut self, next: Phase, action: Action) -> Action {
        self.phase = next;
        action
    }

    #[inline(always)]
    fn ascend(&mut self) -> Action {
        self.ascending = self.ascending.wrapping_add(1);
        self.act(Phase::AscendingCompared, Action::Compare(self.ascending, self.parking()))
    }

    #[inline(always)]
    fn descend(&mut self) -> Action {
        self.descending = self.descending.wrapping_sub(1);
        self.act(Phase::DescendingCompared, Action::Compare(self.parking(), self.descending))
    }

    /// Elements of the range but one.
    #[inline(always)]
    fn length(&self) -> u32 {
        self.high.wrapping_sub(self.low)
    }

    /// The place before the range's end, where the pivot is parked.
    #[inline(always)]
    fn parking(&self) -> u32 {
        self.high.wrapping_sub(1)
    }

    fn choose_pivot(&self) -> u32 {
        let length = self.length();
        if length < LARGE || self.seed == 0 {
            return self.low.wrapping_add(length / 2);
        }
        let quarter = length / 4;
        (self.seed % (quarter * 2)).wrapping_add(self.low).wrapping_add(quarter)
    }

    /// Goes on with the smaller part of the range; the other waits.
    #[inline(always)]
    fn partitioned(&mut self, pending: &mut impl Pending) {
        let Sort { low, high, ascending: pivot, .. } = *self;
        let before = Range { low, high: pivot.wrapping_sub(1), seed: self.seed };
        let after = Range { low: pivot.wrapping_add(1), high, seed: self.seed };
        let (size_before, size_after) = (pivot.wrapping_sub(low), high.wrapping_sub(pivot));
        let (smaller, mut larger, size) =
            if size_before < size_after { (before, after, size_before) } else { (after, before, size_after) };
        // Unbalanced by far: leave the order that brought that about.
        if larger.high.saturating_sub(larger.low) / 128 > size {
            larger.seed = next_seed(self.seed ^ larger.high);
        }
        if larger.low < larger.high {
            pending.push(larger);
        }
        (self.low, self.high) = (smaller.low, smaller.high);
    }
}

/// A step of a xorshift generator; never 0.
fn next_seed(seed: u32) -> u32 {
    let mut seed = if seed == 0 { 0x9E37_79B9 } else { seed };
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^ seed << 5
}

/// An array that can be compared and rearranged in place. Indices count from one.
pub trait Elements {
    /// What stops the sort: an interruption, or two elements that have no order.
    type Error: From<InvalidOrder>;
    /// Whether element `left` is less than element `right`.
    fn less(&mut self, left: u32, right: u32) -> Result<bool, Self::Error>;
    /// Swaps two elements.
    fn swap(&mut self, left: u32, right: u32);
}

/// Sorts `1..=length` of `elements` without leaving. The order of elements that are equal but not the same (1 and 1.0)
/// is that of [`Sort`].
pub fn sort_by<E: Elements>(elements: &mut E, length: u32) -> Result<(), E::Error> {
    let mut sort = Sort::new(length);
    let mut pending = PendingArray::default();
    let mut less = false;
    loop {
        match sort.step(less, &mut pending) {
            Action::Compare(left, right) => less = elements.less(left, right)?,
            Action::Swap(left, right) => elements.swap(left, right),
            Action::Done => return Ok(()),
            Action::Invalid => return Err(InvalidOrder.into()),
        }
    }
}
