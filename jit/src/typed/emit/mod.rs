//! From a function taken apart to Cranelift's intermediate form.
//!
//! ```text
//!   start:    to the entry that is asked for
//!   entry 0:  arguments of a compiled caller                   jump to the first block
//!   entry k:  registers that are read later <- frame          jump block
//!   block:    registers are variables of a kind               jump, or an exit
//!   exit:     frame <- registers that are read later           return, having noted where the interpreter goes on
//! ```
//!
//! Everything that compiled code cannot do by itself (traps, a poll that is due, what has no meaning here) is an exit at the
//! instruction concerned, which has not begun: the interpreter does it. When something that was called ends so the caller does,
//! too. So frames are the truth whenever anybody looks at them.
//!
//! A function in which that would be too much keeps everything in the frame: blocks load what they read first, and store what
//! they write at once.
//!
//! The data flows `mod` (entries, blocks, exits) → `calls`, `jumps`, `instructions` and `objects` (each by its meaning) →
//! `allocation`, `casts`, `packed`, `numbers`, `vectors` and `memory` → `guards` → `held` and `references` (which variables have a register's content).

mod allocation;
mod calls;
mod casts;
pub(crate) mod guards;
mod held;
mod instructions;
mod jumps;
mod memory;
mod numbers;
mod objects;
mod packed;
mod references;
pub(crate) mod vectors;

use crate::typed::{
    blocks::Code,
    kinds::find_kinds,
    meaning::{Kind, Meaning},
    registers::Set,
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use calls::PASSED;
use cranelift_codegen::{
    ir::{
        AbiParam, AliasRegion, AliasRegionData, Block, BlockCall, InstBuilder, JumpTableData, MemFlagsData, SigRef,
        Signature, StackSlotData, StackSlotKind, Type, Value, types,
    },
    isa::{CallConv, TargetFrontendConfig},
};
use cranelift_frontend::{FunctionBuilder, Variable};
use guards::Guards;
use lunette_interpreter::typed::native::layout;
use references::{Known, References};

/// The signature of compiled functions, as [`lunette_interpreter::typed::native::NativeCode`] says.
pub(crate) fn signature() -> Signature {
    signature_of(PASSED as usize)
}

/// The same of calls that pass so many numbers.
fn signature_of(passed: usize) -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    let parameters = [types::I64, types::I64, types::I32];
    signature.params = parameters.into_iter().chain(vec![types::I64; passed]).map(AbiParam::new).collect();
    signature.returns = [types::I64, types::I64].map(AbiParam::new).into();
    signature
}

/// Emits the body of a function. The entries' words, in their order, and those of accesses if it relies on guards.
pub(crate) fn emit(
    code: &Code<'_>,
    mut builder: FunctionBuilder<'_>,
    target: TargetFrontendConfig,
) -> (Vec<u32>, Option<Vec<u32>>) {
    let kinds = find_kinds(code);
    let called = core::array::from_fn(|passed| builder.import_signature(signature_of(passed)));
    let mut refuel = Signature::new(CallConv::SystemV);
    refuel.params = [types::I64; 2].map(AbiParam::new).into();
    refuel.returns = [types::I64].map(AbiParam::new).into();
    let refuel = builder.import_signature(refuel);
    let mut written = Signature::new(CallConv::PreserveAll);
    written.params = [types::I64; 4].map(AbiParam::new).into();
    let written = builder.import_signature(written);
    let mut provide_hole = Signature::new(CallConv::PreserveAll);
    provide_hole.params = [types::I64; 2].map(AbiParam::new).into();
    let provide_hole = builder.import_signature(provide_hole);
    let mut emitter = Emitter::new(code, builder, &kinds, called, [refuel, written, provide_hole]);
    let entries = emitter.emit_start();
    for block in 0..code.blocks.len() {
        if emitter.is_reachable[block] {
            emitter.emit_block(block);
        }
    }
    let entries = entries.into_iter().map(|(entry, block)| emitter.emit_entry(entry, block)).collect();
    emitter.emit_ended_call();
    emitter.emit_end();
    emitter.emit_fault_block();
    emitter.builder.seal_all_blocks();
    emitter.builder.finalize(target);
    (entries, emitter.guards.map(Guards::into_accesses))
}

fn type_of(kind: Kind) -> Type {
    match kind {
        Kind::I32 => types::I32,
        Kind::Any | Kind::I64 | Kind::High => types::I64,
        Kind::Vector => types::I8X16,
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

/// What is known of values.
#[derive(Clone, Default)]
struct Found {
    /// Of addresses how many bytes from there on are known to be in memory.
    checked: BTreeMap<Value, i64>,
    /// What reference registers refer to.
    known: BTreeMap<usize, Known>,
}

struct Emitter<'a, 'f, 'b> {
    code: &'a Code<'f>,
    builder: FunctionBuilder<'b>,
    kinds: &'a [Vec<Kind>],
    blocks: Vec<Block>,
    is_reachable: Vec<bool>,
    variables: Vec<[Option<Variable>; Kind::Vector as usize + 1]>,
    held: Vec<Held>,
    /// What checks have found out.
    found: Found,
    /// The same at the beginning of blocks that are come to from one other only.
    before: BTreeMap<usize, Found>,
    /// What is known of references at the beginning of entries that are else come to from one block only, by register.
    before_entries: BTreeMap<usize, BTreeMap<usize, Known>>,
    /// Blocks in which the interpreter goes on after others.
    goes_on_elsewhere: Set,
    /// Registers that are written anywhere: the frame may have an older content.
    written: Set,
    /// Those of the functions that are called, by how many numbers are passed.
    signatures: [SigRef; PASSED as usize + 1],
    refuel_signature: SigRef,
    written_signature: SigRef,
    provide_hole_signature: SigRef,
    /// The address of number register 0.
    base: Value,
    /// The address of reference register 0.
    slots: Value,
    /// The address of the memory in use.
    memory: Variable,
    /// The same in functions that keep their frames, in which nothing is held from one block to the next.
    memory_in_block: Option<Value>,
    /// What lies in linear memories, and nowhere else.
    memory_region: AliasRegion,
    references: References,
    /// Where the loop is noted to go on, with the word as the parameter.
    end: Option<Block>,
    /// Where it is noted in which call this was, with its word and how it has ended as parameters.
    ended_call: Option<Block>,
    /// If accesses to memory are not compared with its length.
    guards: Option<Guards>,
}

/// In chaos, compiled code is left by chance before one in so many instructions, and wherever it might be anyhow.
const LEFT_BY_CHANCE: usize = 3;

/// Accesses to frames, the machine and instances.
fn own() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Vectors in the frame, which are not aligned.
fn frame_vector() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// What nothing changes while compiled code runs.
fn fixed() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

impl<'a, 'f, 'b> Emitter<'a, 'f, 'b> {
    fn new(
        code: &'a Code<'f>,
        mut builder: FunctionBuilder<'b>,
        kinds: &'a [Vec<Kind>],
        signatures: [SigRef; PASSED as usize + 1],
        [refuel_signature, written_signature, provide_hole_signature]: [SigRef; 3],
    ) -> Self {
        let mut is_reachable: Vec<bool> = code.blocks.iter().map(|block| block.is_entry).collect();
        is_reachable[0] |= code.is_callable();
        let mut due: Vec<usize> = (0..code.blocks.len()).filter(|&block| is_reachable[block]).collect();
        while let Some(block) = due.pop() {
            for &next in &code.blocks[block].successors {
                if !is_reachable[next] {
                    is_reachable[next] = true;
                    due.push(next);
                }
            }
        }
        let mut written = Set::new(code.registers());
        for block in (0..code.blocks.len()).filter(|&block| is_reachable[block]) {
            for instruction in code.blocks[block].instructions.clone() {
                if code.instructions[instruction].meaning.is_some() {
                    code.visit(instruction, |_| {}, |register| written.add(register));
                }
            }
        }
        if code.is_callable() {
            // Compiled callers do not put these into the frame.
            (0..code.reference(0).min(PASSED as usize)).for_each(|register| written.add(register));
        }
        let mut goes_on_elsewhere = Set::new(code.blocks.len());
        code.blocks.iter().flat_map(|block| &block.others).for_each(|&other| goes_on_elsewhere.add(other));
        let blocks = code.blocks.iter().map(|_| builder.create_block()).collect();
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let parameters: Vec<Value> = builder.block_params(start).to_vec();
        let memory = builder.declare_var(types::I64);
        let of_memory = AliasRegionData { user_id: 0, description: "memory".into() };
        let memory_region = builder.func.dfg.alias_regions.insert(of_memory);
        let guards = code.relies_on_guards(&is_reachable).then(|| Guards::new(&mut builder));
        if let Some(bytes) = code.padding(&is_reachable) {
            builder.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3));
        }
        let mut emitter = Emitter {
            code,
            builder,
            kinds,
            blocks,
            is_reachable,
            variables: vec![[None; Kind::Vector as usize + 1]; code.reference(0)],
            held: Vec::new(),
            written,
            signatures,
            refuel_signature,
            written_signature,
            provide_hole_signature,
            found: Found::default(),
            before: BTreeMap::new(),
            before_entries: BTreeMap::new(),
            goes_on_elsewhere,
            base: parameters[0],
            slots: parameters[1],
            memory,
            memory_region,
            references: References::new(code.unit.function.registers.references as usize),
            end: None,
            ended_call: None,
            memory_in_block: None,
            guards,
        };
        emitter.note_frame();
        emitter
    }

    /// The beginning, from which it goes to the entry that is asked for. The entries, and the blocks that they go to.
    fn emit_start(&mut self) -> Vec<(Block, usize)> {
        let code = self.code;
        let Some(start) = self.builder.current_block() else { unreachable!("the first block is begun") };
        let chosen: Vec<usize> = (0..code.blocks.len()).filter(|&block| code.blocks[block].is_entry).collect();
        let entries: Vec<Block> = chosen.iter().map(|_| self.builder.create_block()).collect();
        entries.iter().for_each(|&entry| self.builder.set_cold_block(entry));
        let &[_, _, mut asked, first, second, third] = self.builder.block_params(start) else {
            unreachable!("the function has six parameters")
        };
        let numbers = [first, second, third];
        if entries.is_empty() {
            self.emit_native_entry(asked, numbers);
            return Vec::new();
        }
        if code.is_callable() {
            let (native, other) = (self.builder.create_block(), self.builder.create_block());
            self.builder.set_cold_block(other);
            self.builder.ins().brif(asked, other, [], native, []);
            self.seal([other, native]);
            self.builder.switch_to_block(native);
            self.emit_native_entry(asked, numbers);
            self.builder.switch_to_block(other);
        }
        asked = self.builder.ins().iadd_imm_s(asked, -1);
        // Nobody asks for it.
        let fault_block = self.guards.as_ref().map(|guards| guards.block).filter(|_| !code.is_callable());
        if let ([entry], None) = (&entries[..], fault_block) {
            let entry = *entry;
            self.builder.ins().jump(entry, []);
        } else {
            let calls: Vec<BlockCall> = entries.iter().map(|&entry| self.block_call(entry)).collect();
            let otherwise = match fault_block {
                Some(block) => self.block_call(block),
                None => calls[0],
            };
            let table = self.builder.create_jump_table(JumpTableData::new(otherwise, &calls));
            self.builder.ins().br_table(asked, table);
        }
        entries.into_iter().zip(chosen).collect()
    }

    /// The way from the interpreter into a block, and the word where that is.
    fn emit_entry(&mut self, entry: Block, block: usize) -> u32 {
        let code = self.code;
        self.builder.switch_to_block(entry);
        self.builder.seal_block(entry);
        self.load_memory();
        let loaded = if code.keeps_frame { None } else { Some(&code.blocks[block].live) };
        for register in loaded.into_iter().flat_map(Set::iter) {
            let Some(kind) = self.kinds[block].get(register).map(|kind| kind.held()) else {
                self.load_reference(register - code.reference(0));
                continue;
            };
            if let Some(vector) = kind.vector_of(register) {
                let value = self.load_vector(vector);
                let variable = self.variable(vector, Kind::Vector);
                self.builder.def_var(variable, value);
                continue;
            }
            let value = self.load_register(register, kind);
            let variable = self.variable(register, kind);
            self.builder.def_var(variable, value);
        }
        let first = code.blocks[block].instructions.start;
        let known = self.before_entries.get(&block).cloned().unwrap_or_default();
        if !known.is_empty() {
            let other = self.builder.create_block();
            self.builder.set_cold_block(other);
            known.into_iter().for_each(|(register, known)| self.check_known(register, known, other));
            self.builder.ins().jump(self.blocks[block], []);
            // The frame is not one that this function left.
            self.builder.switch_to_block(other);
            self.builder.seal_block(other);
            self.end_for_loop(first);
        } else {
            self.builder.ins().jump(self.blocks[block], []);
        }
        code.instructions[first].at as u32
    }

    /// The machine's address.
    fn machine(&mut self) -> Value {
        self.builder.ins().iconst(types::I64, self.code.unit.machine as i64)
    }

    /// Has the address of the memory in use in its variable. Where compiled code is entered or called, so that nothing holds it
    /// during calls.
    fn load_memory(&mut self) {
        if self.code.accesses_memory && !self.code.keeps_frame {
            let bytes = self.load_own(types::I64, layout::MEMORY);
            self.builder.def_var(self.memory, bytes);
        }
    }

    /// The address of the memory in use.
    fn memory(&mut self) -> Value {
        if !self.code.keeps_frame {
            return self.builder.use_var(self.memory);
        }
        if let Some(bytes) = self.memory_in_block {
            return bytes;
        }
        let bytes = self.load_own(types::I64, layout::MEMORY);
        self.use_memory(bytes);
        bytes
    }

    /// Another memory is in use.
    fn use_memory(&mut self, bytes: Value) {
        match self.code.keeps_frame {
            true => self.memory_in_block = Some(bytes),
            false => self.builder.def_var(self.memory, bytes),
        }
    }

    fn load_own(&mut self, kind: Type, offset: i32) -> Value {
        let machine = self.machine();
        self.builder.ins().load(kind, own(), machine, offset)
    }

    fn store_own(&mut self, value: Value, offset: i32) {
        let machine = self.machine();
        self.builder.ins().store(own(), value, machine, offset);
    }

    /// The content of a number register in the frame.
    fn load_register(&mut self, register: usize, kind: Kind) -> Value {
        self.builder.ins().load(type_of(kind), own(), self.base, 8 * register as i32)
    }

    /// All that go to these blocks have been emitted.
    fn seal<const COUNT: usize>(&mut self, blocks: [Block; COUNT]) {
        blocks.into_iter().for_each(|block| self.builder.seal_block(block));
    }

    fn block_call(&mut self, block: Block) -> BlockCall {
        self.builder.func.dfg.block_call(block, [])
    }

    fn emit_block(&mut self, block: usize) {
        let code = self.code;
        self.builder.switch_to_block(self.blocks[block]);
        self.found = match self.before.remove(&block) {
            Some(found) => {
                self.builder.seal_block(self.blocks[block]);
                found
            }
            None => Found::default(),
        };
        self.references.begin(!code.keeps_frame);
        self.memory_in_block = None;
        if let Some(known) = self.before_entries.get(&block) {
            self.found.known.clone_from(known);
        }
        self.held = self.kinds[block]
            .iter()
            .map(|kind| Held {
                kinds: if code.keeps_frame { 0 } else { 1 << kind.held() as u8 },
                kind: if code.keeps_frame { kind.of_half() } else { kind.held() },
                constant: None,
            })
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
            if code.unit.is_chaotic && instruction.is_multiple_of(LEFT_BY_CHANCE) {
                let never = self.builder.ins().iconst(types::I8, 0);
                self.leave_if(never, instruction, &live);
            }
            match code.instructions[instruction].meaning {
                Some(meaning @ (Meaning::Jump(_) | Meaning::Loop(_) | Meaning::JumpTable)) => {
                    self.prepare_successors(block);
                    self.emit_jump(block, instruction, meaning, &live);
                }
                Some(Meaning::Return(results)) => self.emit_return(instruction, results),
                Some(meaning) => {
                    match meaning {
                        Meaning::Call(call) => self.emit_call(instruction, call, &live, code.kept_during(block)),
                        _ => self.emit_instruction(block, instruction, meaning, &live),
                    }
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
        for &next in &code.blocks[block].successors {
            if next > block && !code.blocks[next].is_entry && code.blocks[next].predecessors == 1 {
                self.before.insert(next, self.found.clone());
            }
        }
    }

    /// Has the registers that are read in the blocks that may follow in the variables of the kinds in which they are
    /// expected there.
    fn prepare_successors(&mut self, block: usize) {
        if self.code.keeps_frame {
            return;
        }
        let code = self.code;
        for &next in &code.blocks[block].successors {
            for register in code.blocks[next].live.iter() {
                // References are held already.
                let Some(kind) = self.kinds[next].get(register).map(|kind| kind.held()) else { break };
                if let Some(vector) = kind.vector_of(register) {
                    self.hold_vector(vector);
                } else if self.held[register].kinds & 1 << kind as u8 == 0 {
                    self.read_into(register, kind);
                }
            }
            let is_entry = code.blocks[next].is_entry && !self.goes_on_elsewhere.has(next);
            if next > block && is_entry && code.blocks[next].predecessors == 1 {
                let live = |register: usize| code.blocks[next].live.has(code.reference(register));
                let known = self.found.known.iter().map(|(&register, &known)| (register, known));
                let known = known.filter(|&(register, known)| known.is_looked_at_again() && live(register)).collect();
                self.before_entries.insert(next, known);
            }
        }
    }

    /// Leaves compiled code before an instruction; `live` are the registers that are read from it on.
    fn leave(&mut self, instruction: usize, live: &Set) {
        self.store_registers(live);
        self.end_for_loop(instruction);
    }

    /// Puts registers into the frame.
    fn store_registers(&mut self, live: &Set) {
        if self.code.keeps_frame {
            return;
        }
        let mut stored = None;
        for register in live.iter() {
            if !self.written.has(register) {
                continue;
            }
            let vector = self.held.get(register).and_then(|held| held.kind.vector_of(register));
            // Both halves of a vector are stored at once.
            if vector.is_none() || vector != stored {
                self.store_register(register);
                stored = vector;
            }
        }
    }

    fn store_register(&mut self, register: usize) {
        if let Some(reference) = register.checked_sub(self.code.reference(0)) {
            return self.store_reference(reference);
        }
        if let Some(vector) = self.held[register].kind.vector_of(register) {
            let value = self.vector(vector);
            self.builder.ins().store(frame_vector(), value, self.base, 8 * vector as i32);
            return;
        }
        let kind = match self.held[register] {
            Held { constant: Some(_), .. } | Held { kind: Kind::I32 | Kind::F32, .. } => Kind::I64,
            Held { kind, .. } => kind,
        };
        let value = self.read(register, kind);
        self.builder.ins().store(own(), value, self.base, 8 * register as i32);
    }

    /// Leaves compiled code before an instruction that traps, if a condition holds: the one on which it does. After a trap
    /// nobody reads the frame's registers, so that those that the instruction reads are enough.
    fn trap_if(&mut self, condition: Value, instruction: usize) {
        let mut read = Set::new(self.code.registers());
        self.code.visit(instruction, |register| read.add(register), |_| {});
        self.leave_where(condition, instruction, &read);
    }

    /// A condition, which also holds by chance in chaos.
    fn or_by_chance(&mut self, condition: Value) -> Value {
        if !self.code.unit.is_chaotic {
            return condition;
        }
        let machine = self.machine();
        let is_due = crate::chance::is_due(&mut self.builder, machine);
        self.builder.ins().bor(condition, is_due)
    }

    /// Leaves compiled code before an instruction if a condition holds; `live` are the registers that are read from it on.
    fn leave_if(&mut self, condition: Value, instruction: usize, live: &Set) {
        let condition = self.or_by_chance(condition);
        self.leave_where(condition, instruction, live);
    }

    fn leave_where(&mut self, condition: Value, instruction: usize, live: &Set) {
        let (exit, next) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(exit);
        self.builder.ins().brif(condition, exit, [], next, []);
        self.seal([exit, next]);
        self.builder.switch_to_block(exit);
        self.leave(instruction, live);
        self.builder.switch_to_block(next);
    }
}
