//! What is out of line of an instruction: exits to the interpreter, and having it perform the instruction.

use super::{Emitter, of_frame, of_machine, values::Held};
use crate::dynamic::{kinds::Kind, registers::Set};
use alloc::vec::Vec;
use core::ops::Range;
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_interpreter::machine_code::{layout, performed, status};

/// Of the instruction that is emitted.
#[derive(Default)]
pub(super) struct Outside {
    pub instruction: usize,
    /// Registers that are needed from it on.
    pub live: Set,
    /// What registers held before it.
    before: Vec<Held>,
    /// Where compiled code is left, for what was met, and for other reasons.
    left: Option<Block>,
    paused: Option<Block>,
    /// Where the instruction is performed, and compiled code goes on.
    slow: Option<Block>,
    /// The site that it uses.
    pub site: Option<usize>,
    /// Jumps that put registers where they are expected first: the target, and what registers hold.
    edges: Vec<(Block, usize, Vec<Held>)>,
}

impl Outside {
    /// More is known by now of what registers hold, before anything was done.
    pub fn settle(&mut self, held: &[Held]) {
        self.before.clear();
        self.before.extend_from_slice(held);
    }

    /// Whether a register was of a kind before the instruction did anything.
    pub fn was(&self, register: usize, kind: Kind) -> bool {
        self.before[register].kind == kind
    }
}

impl Emitter<'_, '_, '_> {
    pub(super) fn begin_instruction(&mut self, instruction: usize, live: Set) {
        let before = self.held.clone();
        self.outside = Outside { instruction, live, before, ..Outside::default() };
    }

    /// Where compiled code is left before the instruction since it has met something unexpected; or, where that happened
    /// often, the instruction is performed.
    pub(super) fn unexpected(&mut self) -> Block {
        if self.code.goes_on(self.outside.instruction) {
            return self.slow();
        }
        match self.outside.left {
            Some(block) => block,
            None => {
                let block = self.cold_block();
                self.outside.left = Some(block);
                self.go_by_chance(block);
                block
            }
        }
    }

    /// Where the instruction is performed.
    pub(super) fn slow(&mut self) -> Block {
        match self.outside.slow {
            Some(block) => block,
            None => {
                let block = self.cold_block();
                self.outside.slow = Some(block);
                self.go_by_chance(block);
                block
            }
        }
    }

    /// Where compiled code is left before the instruction, which is not its.
    pub(super) fn paused(&mut self) -> Block {
        match self.outside.paused {
            Some(block) => block,
            None => {
                let block = self.cold_block();
                self.outside.paused = Some(block);
                self.go_by_chance(block);
                block
            }
        }
    }

    /// In chaos, goes to a block by chance, which is one for what is not expected.
    fn go_by_chance(&mut self, block: Block) {
        if self.code.unit.is_chaotic {
            let is_due = crate::chance::is_due(&mut self.builder, self.machine);
            self.go_if(is_due, block);
        }
    }

    pub(super) fn cold_block(&mut self) -> Block {
        let block = self.builder.create_block();
        self.builder.set_cold_block(block);
        block
    }

    /// Ends before the instruction.
    pub(super) fn pause(&mut self) {
        self.leave(status::PAUSED);
    }

    /// A block that goes to another, with what that expects.
    pub(super) fn edge(&mut self, next: usize) -> Block {
        let block = self.builder.create_block();
        self.outside.edges.push((block, next, self.held.clone()));
        block
    }

    /// Goes to a block if a condition holds, and on in a new one if not.
    pub(super) fn go_if(&mut self, condition: Value, block: Block) {
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, block, [], next, []);
        self.seal(next);
        self.builder.switch_to_block(next);
    }

    /// Goes to a block if a number is another one than this, and on in a new one if not.
    pub(super) fn go_if_not(&mut self, value: Value, wanted: u32, block: Block) {
        let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, value, i64::from(wanted));
        self.go_if(is_other, block);
    }

    /// The register has this kind, or control goes to a block.
    pub(super) fn guard(&mut self, register: usize, kind: Kind, otherwise: Block) {
        if self.held[register].kind == kind {
            return;
        }
        let tag = self.tag_of(register);
        self.go_if_not(tag, kind.tag().unwrap_or_default(), otherwise);
        if self.held[register].kind == Kind::Any {
            self.refine(register, kind);
        }
    }

    /// Puts the numbers into the frame that are needed from the instruction on.
    fn store_live(&mut self) {
        for register in self.outside.live.iter() {
            if register < self.held.len() {
                self.store_number(register);
            }
        }
    }

    /// The same, where control goes on.
    pub(super) fn store_live_here(&mut self) {
        self.store_live();
        for register in self.outside.live.iter() {
            if let Some(held) = self.held.get_mut(register) {
                held.is_stored = true;
            }
        }
    }

    /// Behind a call, reads what is in the frame by now and was not written there: so nothing else has to be kept through it, and
    /// where calls are rare loops have all of the processor's registers.
    pub(super) fn reload_live(&mut self) {
        let written = self.code.written(self.outside.instruction);
        for register in self.outside.live.iter().filter(|register| !written.contains(register)) {
            if self.held.get(register).is_some_and(|held| held.kind != Kind::Any) {
                self.reload(register);
            }
        }
    }

    fn leave(&mut self, status: u64) {
        self.store_live();
        self.leave_stored(status);
    }

    /// Ends before the instruction, where the frame has everything.
    pub(super) fn leave_stored(&mut self, status: u64) {
        let leaving = match self.leaving {
            Some(leaving) => leaving,
            None => {
                let leaving = self.cold_block();
                for part in [types::I64, types::I32, types::I64] {
                    self.builder.append_block_param(leaving, part);
                }
                *self.leaving.insert(leaving)
            }
        };
        let resume = self.instruction_place(0);
        let resume = self.builder.ins().iconst(types::I32, resume);
        let base = self.frame_base();
        let status = self.builder.ins().iconst(types::I64, status as i64);
        self.builder.ins().jump(leaving, &[base.into(), resume.into(), status.into()]);
    }

    /// Emits how functions end that all exits share: it would take a third of the machine code.
    pub(super) fn emit_ends(&mut self) {
        if let Some(leaving) = self.leaving {
            self.builder.switch_to_block(leaving);
            let &[base, resume, status] = self.builder.block_params(leaving) else {
                unreachable!("the block has three parameters")
            };
            self.builder.ins().store(of_frame(), resume, base, layout::HEADER);
            self.put_budget();
            self.builder.ins().store(of_machine(), base, self.machine, layout::EXIT_BASE);
            let number = self.builder.ins().iconst(types::I32, i64::from(self.code.unit.number));
            self.builder.ins().store(of_machine(), number, self.machine, layout::EXIT_NUMBER);
            self.end_as(status);
        }
        if let Some(ending) = self.ending {
            self.builder.switch_to_block(ending);
            let status = self.builder.block_params(ending)[0];
            self.builder.ins().return_(&[status]);
        }
    }

    /// Where the instruction that is so far behind this one is, from the region's address on, in units of references.
    fn instruction_place(&self, behind: usize) -> i64 {
        let instruction = self.outside.instruction;
        i64::from(self.code.unit_of(instruction).code_start) + (self.code.at(instruction) + behind) as i64
    }

    /// Notes in the frame that the interpreter goes on with this instruction, or so far behind it.
    pub(super) fn store_resume(&mut self, behind: usize) {
        let resume = self.instruction_place(behind);
        let resume = self.builder.ins().iconst(types::I32, resume);
        let header = self.frame_place(layout::HEADER);
        self.builder.ins().store(of_frame(), resume, self.base, header);
    }

    pub(super) fn end(&mut self, status: u64) {
        let status = self.builder.ins().iconst(types::I64, status as i64);
        self.end_as(status);
    }

    /// Ends with a status.
    pub(super) fn end_as(&mut self, status: Value) {
        let ending = match self.ending {
            Some(ending) => ending,
            None => {
                let ending = self.cold_block();
                self.builder.append_block_param(ending, types::I64);
                *self.ending.insert(ending)
            }
        };
        self.builder.ins().jump(ending, &[status.into()]);
    }

    /// Has a helper, or the interpreter, do the instruction, which is not a jump; the numbers it reads are in the frame.
    fn perform(&mut self) {
        let helped = self.call_helper_before();
        match self.is_metamethod_likely() {
            true => self.call_metamethod(),
            false => self.perform_plainly(),
        }
        if let Some(helped) = helped {
            self.builder.ins().jump(helped, []);
            self.seal(helped);
            self.builder.switch_to_block(helped);
            self.take_budget();
        }
    }

    /// Has the instruction performed by the interpreter.
    pub(super) fn perform_plainly(&mut self) {
        let outcome = self.call_perform();
        let elsewhere = self.cold_block();
        self.go_if(outcome, elsewhere);
        let Some(here) = self.builder.current_block() else { unreachable!("a block is being emitted") };
        self.seal(elsewhere);
        self.builder.switch_to_block(elsewhere);
        self.end(status::PERFORMED);
        self.builder.switch_to_block(here);
        self.take_budget();
    }

    pub(super) fn call_perform(&mut self) -> Value {
        self.put_budget();
        let functions = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::PERFORMERS);
        let opcode = i32::from(self.code.word(self.outside.instruction).opcode_number());
        let function = self.builder.ins().load(types::I64, of_machine(), functions, 8 * opcode);
        let at = self.instruction_address();
        let arguments = [self.machine, self.frame_base(), at];
        let called = self.builder.ins().call_indirect(self.signatures.perform, function, &arguments);
        self.builder.inst_results(called)[0]
    }

    /// Where the instruction is.
    pub(super) fn instruction_address(&mut self) -> Value {
        let at = self.instruction_place(0);
        self.builder.ins().iadd_imm_s(self.region, at << layout::REFERENCE_SHIFT)
    }

    /// Has the instruction performed, on the way that is usual.
    pub(super) fn perform_here(&mut self) {
        self.store_live_here();
        self.perform();
        self.reload_live();
        self.forget_written();
    }

    /// Has a jump performed.
    pub(super) fn perform_jump(&mut self, jumped: Block, following: Block) {
        self.store_live_here();
        self.perform_jump_stored(jumped, following);
    }

    fn perform_jump_stored(&mut self, jumped: Block, following: Block) {
        let outcome = self.call_perform();
        let elsewhere = self.cold_block();
        let is_elsewhere = self.builder.ins().icmp_imm_s(IntCC::Equal, outcome, performed::ELSEWHERE as i64);
        self.go_if(is_elsewhere, elsewhere);
        self.take_budget();
        self.builder.ins().brif(outcome, jumped, [], following, []);
        self.seal(elsewhere);
        self.builder.switch_to_block(elsewhere);
        self.end(status::PERFORMED);
    }

    /// What the instruction wrote is in the frame, and nothing is known of it.
    pub(super) fn forget_written(&mut self) {
        for register in self.code.written(self.outside.instruction) {
            if let Some(held) = self.held.get_mut(register) {
                *held = Held::default();
            }
        }
    }

    /// Behind an instruction that was performed on some way, the registers that it writes are in the frame, and nothing is
    /// known of them, or of what was looked at on the other way.
    pub(super) fn join_performed(&mut self, written: Range<usize>) {
        let Some(slow) = self.outside.slow.take() else { return };
        for register in written.clone().filter(|&register| register < self.code.registers()) {
            // Numbers that the way here has made.
            self.store_number(register);
        }
        let join = self.builder.create_block();
        self.builder.ins().jump(join, []);
        self.seal(slow);
        self.builder.switch_to_block(slow);
        let here = core::mem::replace(&mut self.held, self.outside.before.clone());
        if let Some(site) = self.outside.site.filter(|_| !self.code.goes_on(self.outside.instruction)) {
            self.leave_if_site_knows_more(site);
        }
        self.store_live();
        self.perform();
        self.reload_live();
        self.builder.ins().jump(join, []);
        self.seal(join);
        self.builder.switch_to_block(join);
        // What was stored on the usual way only is stored again.
        for (register, held) in here.iter().enumerate() {
            if written.contains(&register) {
                self.held[register] = Held::default();
            } else {
                self.held[register].is_stored &= held.is_stored;
            }
        }
    }

    /// The block in which the instruction is to be performed, for who does that otherwise than usual.
    pub(super) fn take_slow(&mut self) -> Option<Block> {
        self.outside.slow.take()
    }

    /// Begins such a block.
    pub(super) fn begin_slow(&mut self, slow: Block) {
        self.seal(slow);
        self.builder.switch_to_block(slow);
        self.held.clone_from(&self.outside.before);
    }

    /// The same for a jump: it goes where the usual way would.
    pub(super) fn join_jump(&mut self, jumped: usize, following: usize) {
        let Some(slow) = self.outside.slow.take() else { return };
        self.seal(slow);
        self.builder.switch_to_block(slow);
        self.held.clone_from(&self.outside.before);
        self.store_live_here();
        let (jumped, following) = (self.edge(jumped), self.edge(following));
        self.perform_jump_stored(jumped, following);
    }

    /// Emits the blocks to which the instruction goes, and goes on behind it unless control does not.
    pub(super) fn finish_outside(&mut self, has_ended: bool) {
        if self.outside.left.is_none() && self.outside.paused.is_none() && self.outside.edges.is_empty() {
            return;
        }
        let after = core::mem::take(&mut self.held);
        let next = (!has_ended).then(|| self.builder.create_block());
        if let Some(next) = next {
            self.builder.ins().jump(next, []);
            self.seal(next);
        }
        for (block, status) in [(self.outside.left, status::LEFT), (self.outside.paused, status::PAUSED)] {
            if let Some(block) = block {
                self.seal(block);
                self.builder.switch_to_block(block);
                self.held.clone_from(&self.outside.before);
                self.leave(status);
            }
        }
        while let Some((block, next, held)) = self.outside.edges.pop() {
            self.seal(block);
            self.builder.switch_to_block(block);
            self.held = held;
            self.emit_edge(next);
        }
        self.held = after;
        if let Some(next) = next {
            self.builder.switch_to_block(next);
        }
    }
}
