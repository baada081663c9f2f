//! Blocks, and the jumps to their ends and starts.

use super::{
    Translator,
    condition::{Condition, ConditionalJump},
    stack::{kind_of, registers_of},
};
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers},
    instruction::Opcode,
    module::ValueType,
    trap::Trap,
};
use wasmparser::BlockType;

/// Stands for no jump.
const NONE: u32 = u32::MAX;

/// Bit of what is no jump, but something that catches exceptions.
const CATCH: u32 = 1 << 31;

/// Words that short jumps are sure to reach over.
const REACH: u32 = 0x7f00;

/// Words that the translation of one operator may take, but for those that say so.
const MOST_WORDS: u32 = 0x1400;

/// A jump whose target is not known yet.
pub(super) struct Fixup {
    /// The jump's place, or [`CATCH`] and the number of a catch; `NONE` when it is done.
    at: u32,
    /// The next jump to the same target.
    next: u32,
}

/// Jumps to the same target, which is to come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(u32);

impl Label {
    pub(super) const NEW: Label = Label(NONE);

    fn is_used(self) -> bool {
        self.0 != NONE
    }
}

/// What kind of block it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    Block,
    /// Branches go to this place.
    Loop(u32),
    /// The label is that of `else`.
    If(Label),
    /// Exceptions are caught from this place on, by the open catches from this one on.
    Try {
        start: u32,
        first: usize,
    },
}

/// Types of values.
#[derive(Clone, Copy)]
pub(super) enum Values<'m> {
    None,
    One(GlobalKind),
    Many(&'m [ValueType]),
}

impl<'m> Values<'m> {
    pub(super) fn count(self) -> usize {
        match self {
            Values::None => 0,
            Values::One(_) => 1,
            Values::Many(types) => types.len(),
        }
    }

    /// The kinds of registers that they need.
    pub(super) fn kinds(self) -> impl Iterator<Item = GlobalKind> + 'm {
        let (one, many) = match self {
            Values::None => (None, &[] as &[ValueType]),
            Values::One(kind) => (Some(kind), &[] as &[ValueType]),
            Values::Many(types) => (None, types),
        };
        one.into_iter().chain(many.iter().map(|value| value.kind()))
    }

    fn registers(self) -> Registers {
        let mut registers = Registers::default();
        for kind in self.kinds() {
            let own = registers_of(kind);
            registers.numbers += own.numbers;
            registers.references += own.references;
        }
        registers
    }
}

/// A block that is open.
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    /// Its type.
    block: BlockType,
    /// Height of the stack below its parameters.
    pub(super) height: usize,
    /// The first home there.
    pub(super) base: Registers,
    /// Jumps to its end.
    label: Label,
    /// Jumps to where branches to the block take their values along: see `branch`.
    pub(super) stub: Label,
}

impl<'m> Translator<'m> {
    fn parameters(&self, block: BlockType) -> Values<'m> {
        match block {
            BlockType::FuncType(kind) => {
                self.declarations.function_type(kind).map_or(Values::None, |kind| Values::Many(&kind.parameters))
            }
            _ => Values::None,
        }
    }

    fn results_of(&self, block: BlockType) -> Values<'m> {
        match block {
            BlockType::Empty => Values::None,
            BlockType::Type(kind) => Values::One(kind_of(kind)),
            BlockType::FuncType(kind) => {
                self.declarations.function_type(kind).map_or(Values::None, |kind| Values::Many(&kind.results))
            }
        }
    }

    /// Opens the block that is the function.
    pub(super) fn open_function(&mut self, kind: u32) {
        self.frames.push(Frame {
            kind: FrameKind::Block,
            block: BlockType::FuncType(kind),
            height: 0,
            base: self.stack.next(),
            label: Label::NEW,
            stub: Label::NEW,
        });
    }

    pub(super) fn open(&mut self, kind: FrameKind, block: BlockType) {
        let parameters = self.parameters(block);
        let height = self.stack.height().saturating_sub(parameters.count());
        let mut base = self.stack.next();
        let own = parameters.registers();
        base.numbers = base.numbers.saturating_sub(own.numbers);
        base.references = base.references.saturating_sub(own.references);
        self.frames.push(Frame { kind, block, height, base, label: Label::NEW, stub: Label::NEW });
    }

    pub(super) fn height_below(&self, block: BlockType) -> usize {
        self.stack.height().saturating_sub(self.parameters(block).count())
    }

    /// `block`
    pub(super) fn block(&mut self, block: BlockType) {
        self.leave_locals(self.height_below(block));
        self.open(FrameKind::Block, block);
    }

    /// `loop`
    pub(super) fn enter_loop(&mut self, block: BlockType) {
        self.leave_locals(self.height_below(block));
        self.send_top_home(self.parameters(block).count());
        self.code.barrier();
        self.open(FrameKind::Loop(self.code.position()), block);
    }

    /// `if`
    pub(super) fn enter_if(&mut self, block: BlockType) {
        let condition = self.pop_condition();
        self.leave_locals(self.height_below(block));
        self.send_top_home(self.parameters(block).count());
        let mut label = Label::NEW;
        let jump = self.forward_jump(condition.negated());
        self.jump_forward(jump, &mut label);
        self.first_writes.is_over = true;
        self.open(FrameKind::If(label), block);
    }

    /// `else`
    pub(super) fn enter_else(&mut self) {
        let Some(frame) = self.frames.last() else { return };
        let (block, FrameKind::If(label)) = (frame.block, frame.kind) else { return };
        if self.is_reachable {
            self.send_top_home(self.results_of(block).count());
            self.jump_to_end(self.frames.len() - 1);
        }
        self.bind(label);
        self.reset_stack(self.parameters(block));
        if let Some(frame) = self.frames.last_mut() {
            frame.kind = FrameKind::Block;
        }
    }

    /// `end`
    pub(super) fn end(&mut self) {
        let Some(frame) = self.frames.last() else { return };
        let (kind, block) = (frame.kind, frame.block);
        let is_function = self.frames.len() == 1;
        let alternative = if let FrameKind::If(label) = kind { label } else { Label::NEW };
        let results = self.results_of(block);
        if let FrameKind::Try { start, first } = kind {
            self.end_try(start, first);
        }
        let Some(label) = self.frames.last().map(|frame| frame.label) else { return };
        if is_function {
            // Branches with values return on their own.
            if self.is_reachable || label.is_used() {
                self.bind(label);
                self.emit_return();
            }
            self.frames.pop();
            return;
        }
        if label.is_used() || alternative.is_used() {
            if self.is_reachable {
                self.send_top_home(results.count());
            }
            self.bind(alternative);
            self.bind(label);
            self.reset_stack(results);
        } else if !self.is_reachable {
            self.reset_stack(results);
        }
        self.frames.pop();
    }

    /// Has the stack as it is below the innermost block, and these values on it, in their homes.
    fn reset_stack(&mut self, values: Values<'_>) {
        let Some(frame) = self.frames.last() else { return };
        self.stack.truncate(frame.height, frame.base);
        for kind in values.kinds() {
            self.push_home(kind);
        }
    }

    /// Values that branches to a block take along.
    pub(super) fn branch_values(&self, frame: usize) -> usize {
        self.frames.get(frame).map_or(0, |frame| match frame.kind {
            FrameKind::Loop(_) => self.parameters(frame.block).count(),
            _ => self.results_of(frame.block).count(),
        })
    }

    /// Has the jumps of a label come here.
    pub(super) fn bind(&mut self, label: Label) {
        let target = self.code.position();
        let mut next = label.0;
        while let Some(fixup) = self.fixups.get_mut(next as usize) {
            if fixup.at & CATCH == 0 {
                self.code.set_target(fixup.at, target);
            } else if let Some(catch) = self.catches.get_mut((fixup.at & !CATCH) as usize) {
                catch.target = target;
            }
            fixup.at = NONE;
            next = fixup.next;
        }
        if label.is_used() {
            self.is_reachable = true;
            self.code.barrier();
        }
    }

    /// Notes that the instruction that comes next jumps to a label.
    fn add_fixup(&mut self, label: &mut Label, is_short: bool) {
        let index = self.fixups.len() as u32;
        self.fixups.push(Fixup { at: self.code.position(), next: label.0 });
        label.0 = index;
        if is_short {
            self.short.push_back(index);
            self.reach = self.reach.min(self.code.position() + (REACH - MOST_WORDS));
        }
    }

    /// Has an exception go to the end of a block.
    pub(super) fn catch_to_end(&mut self, catch: usize, frame: usize) {
        let Some(frame) = self.frames.get_mut(frame) else { return };
        let index = self.fixups.len() as u32;
        self.fixups.push(Fixup { at: CATCH | catch as u32, next: frame.label.0 });
        frame.label.0 = index;
    }

    /// Jumps to a label if a condition holds.
    pub(super) fn jump_forward(&mut self, jump: ConditionalJump, label: &mut Label) {
        self.add_fixup(label, jump.is_short);
        if jump.is_short {
            self.code.abc(jump.opcode, jump.a, jump.b, 0);
        } else {
            self.code.ad(jump.opcode, jump.a, 0);
        }
        if let Some(literal) = jump.literal {
            self.code.literal(literal);
        }
    }

    /// Jumps to a label.
    pub(super) fn jump_always(&mut self, label: &mut Label) {
        self.add_fixup(label, false);
        self.code.ad(Opcode::jump, 0, 0);
    }

    /// Jumps to the end of a block.
    pub(super) fn jump_to_end(&mut self, frame: usize) {
        let Some(&Frame { mut label, .. }) = self.frames.get(frame) else { return };
        self.jump_always(&mut label);
        self.frames[frame].label = label;
    }

    /// Jumps to the end of a block if a condition holds.
    pub(super) fn jump_to_end_if(&mut self, condition: Condition, frame: usize) {
        let jump = self.forward_jump(condition);
        let Some(&Frame { mut label, .. }) = self.frames.get(frame) else { return };
        self.jump_forward(jump, &mut label);
        self.frames[frame].label = label;
    }

    /// Distance of a jump of one word, which comes next, back to `start`.
    pub(super) fn distance_back(&self, start: u32) -> u32 {
        start.wrapping_sub(self.code.position() + 1)
    }

    /// Jumps back to `start`.
    pub(super) fn jump_back(&mut self, start: u32) {
        self.code.ad(Opcode::loop_back, 0, self.distance_back(start));
    }

    /// Jumps back to `start` if a condition holds.
    pub(super) fn jump_back_if(&mut self, condition: Condition, start: u32) {
        let is_near = self.code.position() - start < REACH;
        match self.backward_jump(condition, is_near) {
            Some(jump) if jump.is_short => {
                self.code.abc(jump.opcode, jump.a, jump.b, self.distance_back(start) as u16);
            }
            Some(jump) => self.code.ad(jump.opcode, jump.a, self.distance_back(start)),
            None => {
                let mut over = Label::NEW;
                let jump = self.forward_jump(condition.negated());
                self.jump_forward(jump, &mut over);
                self.jump_back(start);
                self.bind(over);
            }
        }
    }

    /// Short jumps that could not reach beyond the next `words` get wide ones on their way.
    #[inline]
    pub(super) fn keep_in_reach(&mut self, words: u32) {
        if self.code.position().saturating_add(words) >= self.reach {
            self.lengthen_short_jumps(words);
        }
    }

    #[cold]
    fn lengthen_short_jumps(&mut self, words: u32) {
        let end = self.code.position().saturating_add(words).saturating_add(MOST_WORDS);
        loop {
            let oldest = self.short.front().map_or(NONE, |&oldest| self.fixups[oldest as usize].at);
            if oldest == NONE && self.short.pop_front().is_some() {
                continue;
            }
            self.reach = oldest.saturating_add(REACH - MOST_WORDS);
            if end - MOST_WORDS < self.reach {
                return;
            }
            break;
        }
        // All that have come half of the way, so that this happens seldom.
        let mut over = Label::NEW;
        let was_reachable = self.is_reachable;
        if was_reachable {
            self.jump_always(&mut over);
        }
        while let Some(&oldest) = self.short.front() {
            let at = self.fixups[oldest as usize].at;
            if at != NONE {
                let position = self.code.position();
                if end - at < REACH / 2 {
                    break;
                }
                self.code.set_target(at, position);
                self.fixups[oldest as usize].at = position;
                self.code.ad(Opcode::jump, 0, 0);
            }
            self.short.pop_front();
        }
        self.bind(over);
        self.is_reachable = was_reachable;
        self.code.barrier();
        self.reach = 0;
    }

    /// `unreachable`
    pub(super) fn trap(&mut self, trap: Trap) {
        self.code.ad(Opcode::trap, 0, trap as u32);
        self.end_reachable();
    }

    /// Says that control does not come here.
    pub(super) fn end_reachable(&mut self) {
        self.is_reachable = false;
        self.first_writes.is_over = true;
        self.code.barrier();
    }
}
