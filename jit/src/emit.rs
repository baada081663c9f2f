//! From a function taken apart to Cranelift's intermediate form.
//!
//! ```text
//!   start:    to the entry that the interpreter asks for
//!   entry k:  registers that are read later <- frame          jump block
//!   block:    registers are variables of a kind               jump, or an exit
//!   exit:     frame <- registers that are read later           return (where the interpreter goes on, the memory in use)
//! ```
//!
//! Everything that compiled code cannot do by itself (calls, traps, a poll that is due, what has no meaning here) is an exit
//! at the instruction concerned, which has not begun: the interpreter does it. So the frame is the truth whenever anybody
//! looks at it.

use crate::{
    blocks::Code,
    kinds::{find_kinds, loaded, operand, signed_operand},
    meaning::{Binary, Condition, Kind, Meaning, Test, Unary},
    registers::{Set, visit},
};
use alloc::{vec, vec::Vec};
use cranelift_codegen::ir::{
    self, Block, BlockCall, InstBuilder, JumpTableData, MemFlagsData, Type, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::{FunctionBuilder, Variable};
use lunette_bytecode::typed::instruction::Field;
use lunette_interpreter::typed::native::layout;

/// Emits the body of a function of four parameters (base, memory, machine, entry) and two results (word, memory). The
/// entries' words, in their order.
pub(crate) fn emit(code: &Code<'_>, builder: FunctionBuilder<'_>, target: TargetFrontendConfig) -> Vec<u32> {
    let kinds = find_kinds(code);
    let mut emitter = Emitter::new(code, builder, &kinds);
    let entries = emitter.emit_entries();
    for block in 0..code.blocks.len() {
        if emitter.is_reachable[block] {
            emitter.emit_block(block);
        }
    }
    emitter.builder.seal_all_blocks();
    emitter.builder.finalize(target);
    entries
}

fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::I32 => types::I32,
        Kind::Any | Kind::I64 => types::I64,
        Kind::F32 => types::F32,
        Kind::F64 => types::F64,
    }
}

/// Where a register's content is.
#[derive(Clone, Copy)]
struct Held {
    /// The variables that have it, a bit for each kind.
    kinds: u8,
    /// The kind in which it was written.
    kind: Kind,
    /// It, if it is known.
    constant: Option<u64>,
}

struct Emitter<'a, 'f, 'b> {
    code: &'a Code<'f>,
    builder: FunctionBuilder<'b>,
    kinds: &'a [Vec<Kind>],
    blocks: Vec<Block>,
    is_reachable: Vec<bool>,
    variables: Vec<[Option<Variable>; 5]>,
    held: Vec<Held>,
    /// Registers that are written anywhere: the frame may have an older content.
    written: Set,
    base: Value,
    machine: Value,
    memory: Variable,
}

/// Accesses to frames, the machine and instances.
fn own() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// What nothing changes while compiled code runs.
fn fixed() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// Accesses to linear memory, whose bounds were checked.
fn linear() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl<'a, 'f, 'b> Emitter<'a, 'f, 'b> {
    fn new(code: &'a Code<'f>, mut builder: FunctionBuilder<'b>, kinds: &'a [Vec<Kind>]) -> Self {
        let registers = code.function.registers.numbers as usize;
        let mut is_reachable: Vec<bool> = code.blocks.iter().map(|block| block.is_entry).collect();
        let mut due: Vec<usize> = (0..code.blocks.len()).filter(|&block| is_reachable[block]).collect();
        while let Some(block) = due.pop() {
            for &next in &code.blocks[block].successors {
                if !is_reachable[next] {
                    is_reachable[next] = true;
                    due.push(next);
                }
            }
        }
        let mut written = Set::new(registers);
        for block in (0..code.blocks.len()).filter(|&block| is_reachable[block]) {
            for instruction in code.blocks[block].instructions.clone() {
                if code.instructions[instruction].meaning.is_some() {
                    visit(code.words(instruction), code.results, |_| {}, |register| written.add(register));
                }
            }
        }
        let blocks = code.blocks.iter().map(|_| builder.create_block()).collect();
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let parameters: Vec<Value> = builder.block_params(start).to_vec();
        let memory = builder.declare_var(types::I64);
        builder.def_var(memory, parameters[1]);
        Emitter {
            code,
            builder,
            kinds,
            blocks,
            is_reachable,
            variables: vec![[None; 5]; registers],
            held: Vec::new(),
            written,
            base: parameters[0],
            machine: parameters[2],
            memory,
        }
    }

    /// The way from the interpreter into blocks.
    fn emit_entries(&mut self) -> Vec<u32> {
        let code = self.code;
        let Some(start) = self.builder.current_block() else { unreachable!("the first block is begun") };
        let chosen: Vec<usize> = (0..code.blocks.len()).filter(|&block| code.blocks[block].is_entry).collect();
        let entries: Vec<Block> = chosen.iter().map(|_| self.builder.create_block()).collect();
        let asked = self.builder.block_params(start)[3];
        if let [entry] = entries[..] {
            self.builder.ins().jump(entry, []);
        } else {
            let calls: Vec<BlockCall> = entries.iter().map(|&entry| self.block_call(entry)).collect();
            let table = self.builder.create_jump_table(JumpTableData::new(calls[0], &calls));
            self.builder.ins().br_table(asked, table);
        }
        for (&entry, &block) in entries.iter().zip(&chosen) {
            self.builder.switch_to_block(entry);
            for register in code.blocks[block].live.iter() {
                let kind = self.kinds[block][register].held();
                let value = self.builder.ins().load(type_of(kind), own(), self.base, 8 * register as i32);
                let variable = self.variable(register, kind);
                self.builder.def_var(variable, value);
            }
            self.builder.ins().jump(self.blocks[block], []);
        }
        let word = |&block: &usize| code.instructions[code.blocks[block].instructions.start].at as u32;
        chosen.iter().map(word).collect()
    }

    fn block_call(&mut self, block: Block) -> BlockCall {
        self.builder.func.dfg.block_call(block, [])
    }

    fn variable(&mut self, register: usize, kind: Kind) -> Variable {
        match self.variables[register][kind as usize] {
            Some(variable) => variable,
            None => {
                let variable = self.builder.declare_var(type_of(kind));
                self.variables[register][kind as usize] = Some(variable);
                variable
            }
        }
    }

    fn emit_block(&mut self, block: usize) {
        let code = self.code;
        self.builder.switch_to_block(self.blocks[block]);
        self.held = self.kinds[block]
            .iter()
            .map(|kind| Held { kinds: 1 << kind.held() as u8, kind: kind.held(), constant: None })
            .collect();
        let range = code.blocks[block].instructions.clone();
        // What is read after each instruction began, backward.
        let mut live = code.live_after(block);
        let mut lives = Vec::with_capacity(range.len());
        for instruction in range.clone().rev() {
            code.live_before(instruction, &mut live);
            for &other in &code.blocks[block].others {
                live.unite(&code.blocks[other].live);
            }
            lives.push(live.clone());
        }
        let last = range.end - 1;
        for instruction in range {
            let Some(live) = lives.pop() else { unreachable!("there is a set for each instruction") };
            match code.instructions[instruction].meaning {
                Some(meaning @ (Meaning::Jump(_) | Meaning::Loop(_) | Meaning::JumpTable)) => {
                    self.prepare_successors(block);
                    self.emit_jump(block, instruction, meaning, &live);
                }
                Some(meaning) => {
                    self.emit_instruction(block, instruction, meaning);
                    if instruction == last {
                        self.prepare_successors(block);
                        match code.blocks[block].successors[..] {
                            [next] => self.builder.ins().jump(self.blocks[next], []),
                            _ => unreachable!("verified code does not end without a return"),
                        };
                    }
                }
                None => self.leave(instruction, &live),
            }
        }
    }

    /// Has the registers that are read in the blocks that may follow in the variables of the kinds in which they are
    /// expected there.
    fn prepare_successors(&mut self, block: usize) {
        for &next in &self.code.blocks[block].successors {
            for register in self.code.blocks[next].live.iter() {
                let kind = self.kinds[next][register].held();
                if self.held[register].kinds & 1 << kind as u8 == 0 {
                    self.read_into(register, kind);
                }
            }
        }
    }

    /// Leaves compiled code before an instruction; `live` are the registers that are read from it on.
    fn leave(&mut self, instruction: usize, live: &Set) {
        for register in live.iter() {
            if !self.written.has(register) {
                continue;
            }
            let kind = match self.held[register] {
                Held { constant: Some(_), .. } | Held { kind: Kind::I32 | Kind::F32, .. } => Kind::I64,
                Held { kind, .. } => kind,
            };
            let value = self.read(register, kind);
            self.builder.ins().store(own(), value, self.base, 8 * register as i32);
        }
        let at = self.code.instructions[instruction].at;
        let word = self.builder.ins().iconst(types::I64, at as i64);
        let memory = self.builder.use_var(self.memory);
        self.builder.ins().return_(&[word, memory]);
    }

    /// Leaves compiled code before an instruction that traps, if a condition holds: the one on which it does. After a trap
    /// nobody reads the frame's registers, so that those that the instruction reads are enough.
    fn trap_if(&mut self, condition: Value, instruction: usize) {
        let mut read = Set::new(self.code.function.registers.numbers as usize);
        visit(self.code.words(instruction), self.code.results, |register| read.add(register), |_| {});
        self.leave_if(condition, instruction, &read);
    }

    /// Leaves compiled code before an instruction if a condition holds; `live` are the registers that are read from it on.
    fn leave_if(&mut self, condition: Value, instruction: usize, live: &Set) {
        let (exit, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(exit);
        self.builder.ins().brif(condition, exit, [], next, []);
        self.builder.switch_to_block(exit);
        self.leave(instruction, live);
        self.builder.switch_to_block(next);
    }

    /// The content of a register as a number of a kind.
    fn read(&mut self, register: usize, kind: Kind) -> Value {
        let kind = kind.held();
        let held = self.held[register];
        if let Some(constant) = held.constant {
            return self.constant(kind, constant);
        }
        if held.kinds & 1 << kind as u8 != 0 {
            let variable = self.variable(register, kind);
            return self.builder.use_var(variable);
        }
        let variable = self.variable(register, held.kind);
        let value = self.builder.use_var(variable);
        self.convert(value, held.kind, kind)
    }

    /// The same; it is held in that kind, too, from here on.
    fn read_into(&mut self, register: usize, kind: Kind) -> Value {
        let value = self.read(register, kind);
        if self.held[register].kinds & 1 << kind as u8 == 0 {
            let variable = self.variable(register, kind);
            self.builder.def_var(variable, value);
            self.held[register].kinds |= 1 << kind as u8;
        }
        value
    }

    fn write(&mut self, register: usize, kind: Kind, value: Value) {
        let variable = self.variable(register, kind);
        self.builder.def_var(variable, value);
        self.held[register] = Held { kinds: 1 << kind as u8, kind, constant: None };
    }

    fn write_constant(&mut self, register: usize, constant: u64) {
        self.held[register] = Held { kinds: 0, kind: Kind::Any, constant: Some(constant) };
    }

    fn constant(&mut self, kind: Kind, bits: u64) -> Value {
        match kind {
            Kind::I32 => self.builder.ins().iconst(types::I32, i64::from(bits as u32)),
            Kind::Any | Kind::I64 => self.builder.ins().iconst(types::I64, bits as i64),
            Kind::F32 => self.builder.ins().f32const(ir::immediates::Ieee32::with_bits(bits as u32)),
            Kind::F64 => self.builder.ins().f64const(ir::immediates::Ieee64::with_bits(bits)),
        }
    }

    /// The same bits as a number of another kind.
    fn convert(&mut self, value: Value, from: Kind, to: Kind) -> Value {
        let flags = MemFlagsData::new();
        match (from, to) {
            (Kind::F64, _) => {
                let bits = self.builder.ins().bitcast(types::I64, flags, value);
                if to == Kind::I64 { bits } else { self.convert(bits, Kind::I64, to) }
            }
            (Kind::F32, _) => {
                let bits = self.builder.ins().bitcast(types::I32, flags, value);
                if to == Kind::I32 { bits } else { self.convert(bits, Kind::I32, to) }
            }
            (Kind::I32, Kind::F32) => self.builder.ins().bitcast(types::F32, flags, value),
            (Kind::I64, Kind::F64) => self.builder.ins().bitcast(types::F64, flags, value),
            (Kind::I32, Kind::I64) => self.builder.ins().uextend(types::I64, value),
            (Kind::I64, Kind::I32) => self.builder.ins().ireduce(types::I32, value),
            (Kind::I32, Kind::F64) => {
                let wide = self.builder.ins().uextend(types::I64, value);
                self.convert(wide, Kind::I64, Kind::F64)
            }
            (Kind::I64, Kind::F32) => {
                let low = self.builder.ins().ireduce(types::I32, value);
                self.convert(low, Kind::I32, Kind::F32)
            }
            _ => value,
        }
    }

    /// Puts the content of a register into another.
    fn copy(&mut self, to: usize, from: usize) {
        match self.held[from] {
            Held { constant: Some(constant), .. } => self.write_constant(to, constant),
            Held { kind, .. } => {
                let value = self.read(from, kind);
                self.write(to, kind, value);
            }
        }
    }

    fn emit_jump(&mut self, block: usize, instruction: usize, meaning: Meaning, live: &Set) {
        let successors = &self.code.blocks[block].successors;
        match meaning {
            Meaning::JumpTable => {
                let index = self.read(operand(self.code, instruction, Field::A), Kind::I32);
                let targets: Vec<Block> = successors.iter().map(|&next| self.blocks[next]).collect();
                let calls: Vec<BlockCall> = targets.iter().map(|&target| self.block_call(target)).collect();
                let Some((&last, first)) = calls.split_last() else { unreachable!("a table has a jump") };
                let table = self.builder.create_jump_table(JumpTableData::new(last, first));
                self.builder.ins().br_table(index, table);
            }
            Meaning::Jump(Test::Always) => {
                self.builder.ins().jump(self.blocks[successors[0]], []);
            }
            Meaning::Loop(Test::Always) => self.emit_back(instruction, successors[0], live),
            Meaning::Jump(test) => {
                let (jumped, following) = (self.blocks[successors[0]], self.blocks[successors[1]]);
                let condition = self.test(instruction, test);
                self.builder.ins().brif(condition, jumped, [], following, []);
            }
            Meaning::Loop(test) => {
                let (jumped, following) = (successors[0], self.blocks[successors[1]]);
                let condition = self.test(instruction, test);
                let back = self.builder.create_block();
                self.builder.ins().brif(condition, back, [], following, []);
                self.builder.switch_to_block(back);
                self.emit_back(instruction, jumped, live);
            }
            _ => unreachable!("{meaning:?} does not jump"),
        }
    }

    /// Goes back, which costs the words that are gone back over; if there is no fuel for that the interpreter does it.
    fn emit_back(&mut self, instruction: usize, target: usize, live: &Set) {
        let code = self.code;
        let end = code.instructions[instruction].at + code.instructions[instruction].length;
        let start = code.instructions[code.blocks[target].instructions.start].at;
        let budget = self.builder.ins().load(types::I64, own(), self.machine, layout::BUDGET);
        let left = self.builder.ins().iadd_imm_s(budget, -((end - start) as i64));
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.leave_if(is_over, instruction, live);
        self.builder.ins().store(own(), left, self.machine, layout::BUDGET);
        self.builder.ins().jump(self.blocks[target], []);
    }

    fn test(&mut self, instruction: usize, test: Test) -> Value {
        let register = |field| operand(self.code, instruction, field);
        let constant = |field| signed_operand(self.code, instruction, field);
        match test {
            Test::Always => unreachable!("there is nothing to test"),
            Test::NotZero => self.read(register(Field::A), Kind::I32),
            Test::Zero => {
                let value = self.read(register(Field::A), Kind::I32);
                self.builder.ins().icmp_imm_s(IntCC::Equal, value, 0)
            }
            Test::Compare(condition, kind) => {
                let (left, right) = (self.read(register(Field::A), kind), self.read(register(Field::B), kind));
                self.compare(condition, left, right)
            }
            Test::CompareConstant(condition, kind) => {
                let left = self.read(register(Field::A), kind);
                let right = self.constant(kind, constant(Field::B) as u64);
                self.compare(condition, left, right)
            }
            Test::And | Test::AndZero | Test::AndConstant | Test::AndZeroConstant => {
                let left = self.read(register(Field::A), Kind::I32);
                let right = match test {
                    Test::And | Test::AndZero => self.read(register(Field::B), Kind::I32),
                    _ => self.constant(Kind::I32, constant(Field::B) as u64),
                };
                let common = self.builder.ins().band(left, right);
                let wanted = if matches!(test, Test::And | Test::AndConstant) { IntCC::NotEqual } else { IntCC::Equal };
                self.builder.ins().icmp_imm_s(wanted, common, 0)
            }
        }
    }

    fn compare(&mut self, condition: Condition, left: Value, right: Value) -> Value {
        match condition {
            Condition::Integer(condition) => self.builder.ins().icmp(condition, left, right),
            Condition::Float(condition) => self.builder.ins().fcmp(condition, left, right),
        }
    }

    fn emit_instruction(&mut self, block: usize, instruction: usize, meaning: Meaning) {
        let register = |field| operand(self.code, instruction, field);
        let number = |field| signed_operand(self.code, instruction, field);
        match meaning {
            Meaning::Copy => self.copy(register(Field::A), register(Field::B)),
            Meaning::CopyFromFar => self.copy(register(Field::A), register(Field::D)),
            Meaning::CopyToFar => self.copy(register(Field::D), register(Field::A)),
            Meaning::CopyNumbers => {
                let (to, from, count) = (register(Field::A), register(Field::B), register(Field::C));
                let forward = to <= from;
                for index in 0..count {
                    let index = if forward { index } else { count - 1 - index };
                    self.copy(to + index, from + index);
                }
            }
            Meaning::LoadInteger => self.write_constant(register(Field::A), number(Field::D) as u64),
            Meaning::LoadUnsigned => self.write_constant(register(Field::A), number(Field::D) as u64),
            Meaning::LoadConstant => self.write_constant(register(Field::A), number(Field::W) as u64),
            Meaning::ZeroNumbers => {
                let (first, count) = (register(Field::A), register(Field::D));
                (first..first + count).for_each(|register| self.write_constant(register, 0));
            }
            Meaning::Select => {
                let (yes, no) = (register(Field::B), register(Field::C));
                let kind = self.kind_of(yes).join(self.kind_of(no)).held();
                let condition = self.read(register(Field::E), Kind::I32);
                let (yes, no) = (self.read(yes, kind), self.read(no, kind));
                let value = self.builder.ins().select(condition, yes, no);
                self.write(register(Field::A), kind, value);
            }
            Meaning::Binary(operation, kind) => {
                let (left, right) = (self.read(register(Field::B), kind), self.read(register(Field::C), kind));
                let value = self.binary(operation, left, right);
                self.write(register(Field::A), kind, value);
            }
            Meaning::BinaryConstant(operation, kind) => {
                let left = self.read(register(Field::B), kind);
                let right = self.constant(kind, number(Field::C) as u64);
                let value = self.binary(operation, left, right);
                self.write(register(Field::A), kind, value);
            }
            Meaning::Compare(condition, kind) => {
                let (left, right) = (self.read(register(Field::B), kind), self.read(register(Field::C), kind));
                self.write_truth(register(Field::A), condition, left, right);
            }
            Meaning::CompareConstant(condition, kind) => {
                let left = self.read(register(Field::B), kind);
                let right = self.constant(kind, number(Field::C) as u64);
                self.write_truth(register(Field::A), condition, left, right);
            }
            Meaning::Unary(operation, from, to) => {
                let value = self.read(register(Field::B), from);
                let value = self.unary(operation, to, value);
                self.write(register(Field::A), to, value);
            }
            Meaning::Divide { kind, is_signed, is_remainder } => {
                let (left, right) = (self.read(register(Field::B), kind), self.read(register(Field::C), kind));
                let known = self.held[register(Field::C)].constant;
                let value = self.divide(instruction, (left, right), known, (kind, is_signed, is_remainder));
                self.write(register(Field::A), kind, value);
            }
            Meaning::Truncate { from, to, is_signed, low, high } => {
                let value = self.read(register(Field::B), from);
                let (low, high) = match from {
                    Kind::F32 => (u64::from((low as f32).to_bits()), u64::from((high as f32).to_bits())),
                    _ => (low.to_bits(), high.to_bits()),
                };
                for (bound, outside) in
                    [(low, FloatCC::UnorderedOrLessThanOrEqual), (high, FloatCC::UnorderedOrGreaterThanOrEqual)]
                {
                    let bound = self.constant(from, bound);
                    let is_outside = self.builder.ins().fcmp(outside, value, bound);
                    self.trap_if(is_outside, instruction);
                }
                let value = match is_signed {
                    true => self.builder.ins().fcvt_to_sint_sat(type_of(to), value),
                    false => self.builder.ins().fcvt_to_uint_sat(type_of(to), value),
                };
                self.write(register(Field::A), to, value);
            }
            Meaning::Load { bytes, is_signed, kind } => {
                let offset = register(Field::C);
                let place = self.place(instruction, bytes);
                let to = register(Field::A);
                let kind = if kind == Kind::Any { loaded(self.code, block, instruction, to, bytes) } else { kind };
                let (flags, offset) = (linear(), offset as i32);
                let (wide, ins) = (type_of(kind), self.builder.ins());
                let value = match (bytes, is_signed, kind) {
                    (1, false, _) => ins.uload8(wide, flags, place, offset),
                    (1, true, _) => ins.sload8(wide, flags, place, offset),
                    (2, false, _) => ins.uload16(wide, flags, place, offset),
                    (2, true, _) => ins.sload16(wide, flags, place, offset),
                    (4, false, Kind::I64) => ins.uload32(flags, place, offset),
                    (4, true, _) => ins.sload32(flags, place, offset),
                    _ => ins.load(wide, flags, place, offset),
                };
                self.write(to, kind, value);
            }
            Meaning::Store { bytes } => {
                let (offset, from) = (register(Field::C), register(Field::A));
                let place = self.place(instruction, bytes);
                let kind = match (bytes, self.held[from].kind) {
                    (4, Kind::F32) => Kind::F32,
                    (8, Kind::F64) => Kind::F64,
                    (8, _) => Kind::I64,
                    _ => Kind::I32,
                };
                let value = self.read(from, kind);
                let (flags, offset) = (linear(), offset as i32);
                match bytes {
                    1 => self.builder.ins().istore8(flags, value, place, offset),
                    2 => self.builder.ins().istore16(flags, value, place, offset),
                    _ => self.builder.ins().store(flags, value, place, offset),
                };
            }
            Meaning::AddOffset => {
                let address = self.read(register(Field::B), Kind::I64);
                let end = self.builder.ins().iadd_imm_s(address, number(Field::W));
                let is_over = self.builder.ins().icmp(IntCC::UnsignedLessThan, end, address);
                self.trap_if(is_over, instruction);
                self.write(register(Field::A), Kind::I64, end);
            }
            Meaning::UseMemory => {
                let instance = self.instance();
                let region = self.region();
                let memories = self.builder.ins().load(types::I32, fixed(), instance, layout::MEMORIES);
                let memories = self.object(region, memories);
                let place = layout::FIRST_ELEMENT + 4 * register(Field::D) as i32;
                let memory = self.builder.ins().load(types::I32, fixed(), memories, place);
                let memory = self.object(region, memory);
                let data = self.builder.ins().load(types::I32, fixed(), memory, layout::MEMORY_DATA);
                let data = self.object(region, data);
                let bytes = self.builder.ins().iadd_imm_s(data, layout::DATA_BYTES);
                self.builder.def_var(self.memory, bytes);
            }
            Meaning::GetGlobal => {
                let (instance, place) = (self.instance(), layout::global(register(Field::D)));
                let value = self.builder.ins().load(types::I64, own(), instance, place);
                self.write(register(Field::A), Kind::I64, value);
            }
            Meaning::SetGlobal => {
                let from = register(Field::A);
                let value = self.read(from, Kind::I64);
                let (instance, place) = (self.instance(), layout::global(register(Field::D)));
                self.builder.ins().store(own(), value, instance, place);
            }
            Meaning::Jump(_) | Meaning::Loop(_) | Meaning::JumpTable => unreachable!("{meaning:?} jumps"),
        }
    }

    /// The kind in which a register's content is held; any if it is a constant.
    fn kind_of(&self, register: usize) -> Kind {
        if self.held[register].constant.is_some() { Kind::Any } else { self.held[register].kind }
    }

    fn instance(&mut self) -> Value {
        self.builder.ins().load(types::I64, fixed(), self.machine, layout::INSTANCE)
    }

    fn region(&mut self) -> Value {
        self.builder.ins().load(types::I64, fixed(), self.machine, layout::REGION)
    }

    /// The address of an object from a reference to it.
    fn object(&mut self, region: Value, reference: Value) -> Value {
        let wide = self.builder.ins().uextend(types::I64, reference);
        let distance = self.builder.ins().ishl_imm_u(wide, layout::REFERENCE_SHIFT);
        self.builder.ins().iadd(region, distance)
    }

    fn write_truth(&mut self, register: usize, condition: Condition, left: Value, right: Value) {
        let truth = self.compare(condition, left, right);
        let value = self.builder.ins().uextend(types::I32, truth);
        self.write(register, Kind::I32, value);
    }

    /// The place in memory that an instruction accesses, without its offset, if all of it lies within.
    fn place(&mut self, instruction: usize, bytes: u8) -> Value {
        let address = operand(self.code, instruction, Field::B);
        let is_narrow = self.held[address].kind == Kind::I32;
        let address = self.read(address, Kind::I64);
        let memory = self.builder.use_var(self.memory);
        let length = self.builder.ins().load(types::I64, fixed(), memory, layout::MEMORY_LENGTH);
        let size = operand(self.code, instruction, Field::C) as i64 + i64::from(bytes);
        let end = self.builder.ins().iadd_imm_s(address, size);
        let mut is_outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, length);
        if !is_narrow {
            let overflows = self.builder.ins().icmp(IntCC::UnsignedLessThan, end, address);
            is_outside = self.builder.ins().bor(is_outside, overflows);
        }
        self.trap_if(is_outside, instruction);
        self.builder.ins().iadd(memory, address)
    }

    fn binary(&mut self, operation: Binary, left: Value, right: Value) -> Value {
        let is_float = self.builder.func.dfg.value_type(left).is_float();
        let ins = self.builder.ins();
        match operation {
            Binary::Add if is_float => ins.fadd(left, right),
            Binary::Subtract if is_float => ins.fsub(left, right),
            Binary::Multiply if is_float => ins.fmul(left, right),
            Binary::Add => ins.iadd(left, right),
            Binary::Subtract => ins.isub(left, right),
            Binary::Multiply => ins.imul(left, right),
            Binary::And => ins.band(left, right),
            Binary::Or => ins.bor(left, right),
            Binary::Xor => ins.bxor(left, right),
            Binary::ShiftLeft => ins.ishl(left, right),
            Binary::ShiftRightSigned => ins.sshr(left, right),
            Binary::ShiftRightUnsigned => ins.ushr(left, right),
            Binary::RotateLeft => ins.rotl(left, right),
            Binary::RotateRight => ins.rotr(left, right),
            Binary::Divide => ins.fdiv(left, right),
            Binary::Minimum => ins.fmin(left, right),
            Binary::Maximum => ins.fmax(left, right),
            Binary::CopySign => ins.fcopysign(left, right),
        }
    }

    fn unary(&mut self, operation: Unary, to: Kind, value: Value) -> Value {
        let wide = type_of(to);
        let extend = |builder: &mut FunctionBuilder<'_>, narrow| {
            let low = builder.ins().ireduce(narrow, value);
            builder.ins().sextend(wide, low)
        };
        match operation {
            Unary::LeadingZeros => self.builder.ins().clz(value),
            Unary::TrailingZeros => self.builder.ins().ctz(value),
            Unary::Ones => self.builder.ins().popcnt(value),
            Unary::Extend8 => extend(&mut self.builder, types::I8),
            Unary::Extend16 => extend(&mut self.builder, types::I16),
            Unary::Extend32 => extend(&mut self.builder, types::I32),
            Unary::Absolute => self.builder.ins().fabs(value),
            Unary::Negate => self.builder.ins().fneg(value),
            Unary::Ceiling => self.builder.ins().ceil(value),
            Unary::Floor => self.builder.ins().floor(value),
            Unary::Truncate => self.builder.ins().trunc(value),
            Unary::Nearest => self.builder.ins().nearest(value),
            Unary::SquareRoot => self.builder.ins().sqrt(value),
            Unary::Wrap => self.builder.ins().ireduce(wide, value),
            Unary::SaturateSigned => self.builder.ins().fcvt_to_sint_sat(wide, value),
            Unary::SaturateUnsigned => self.builder.ins().fcvt_to_uint_sat(wide, value),
            Unary::ConvertSigned => self.builder.ins().fcvt_from_sint(wide, value),
            Unary::ConvertUnsigned => self.builder.ins().fcvt_from_uint(wide, value),
            Unary::Demote => self.builder.ins().fdemote(wide, value),
            Unary::Promote => self.builder.ins().fpromote(wide, value),
        }
    }

    fn divide(
        &mut self,
        instruction: usize,
        (left, right): (Value, Value),
        known: Option<u64>,
        (kind, is_signed, is_remainder): (Kind, bool, bool),
    ) -> Value {
        let mask = if kind == Kind::I32 { u64::from(u32::MAX) } else { u64::MAX };
        let known = known.map(|divisor| divisor & mask);
        if known.is_none_or(|divisor| divisor == 0) {
            let is_zero = self.builder.ins().icmp_imm_s(IntCC::Equal, right, 0);
            self.trap_if(is_zero, instruction);
        }
        if is_signed && !is_remainder && known.is_none_or(|divisor| divisor == mask) {
            let least = if kind == Kind::I32 { i64::from(i32::MIN) } else { i64::MIN };
            let is_least = self.builder.ins().icmp_imm_s(IntCC::Equal, left, least);
            let is_minus_one = self.builder.ins().icmp_imm_s(IntCC::Equal, right, -1);
            let overflows = self.builder.ins().band(is_least, is_minus_one);
            self.trap_if(overflows, instruction);
        }
        match (is_signed, is_remainder) {
            (true, false) => self.builder.ins().sdiv(left, right),
            (false, false) => self.builder.ins().udiv(left, right),
            (true, true) => self.builder.ins().srem(left, right),
            (false, true) => self.builder.ins().urem(left, right),
        }
    }
}
