//! From a function's blocks to Cranelift's form.
//!
//! ```text
//!   start:    the entry that was asked for                     jump to it
//!   entry 0:  room, and fuel for a compiled caller's call      jump to the first block, or return
//!   entry k:  numbers that are known to be such <- frame       jump block
//!   block:    numbers and tables are variables of a kind       jump, an exit, or a performed instruction
//!   exit:     frame <- numbers that are needed later           return, having noted where the interpreter goes on
//! ```
//!
//! The data flows `mod` (entries, blocks) → `calls`, `roles`, `inlined`, `jumps`, `numbers`, `fields`, `tables`, `allocation`,
//! `variadic`, `builtins`, `lists`, `traversal` and `library` (instructions) → `arrays` (array parts), `outside` (exits, and
//! instructions that are performed) → `pushed` → `budget` (fuel), `values` (what registers hold).

mod allocation;
mod arrays;
mod budget;
mod builtins;
mod calls;
mod fields;
mod inlined;
mod jumps;
mod library;
mod lists;
mod numbers;
mod outside;
mod pushed;
mod roles;
mod tables;
mod traversal;
mod values;
mod variadic;

use super::{
    arrays::HeldArrays,
    blocks::{Code, is_left},
    inlining::is_call,
    kinds::Kind,
    operands::Operands,
    registers::Set,
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use arrays::Array;
use cranelift_codegen::{
    ir::{
        AbiParam, AliasRegion, AliasRegionData, Block, BlockCall, InstBuilder, JumpTableData, MemFlagsData, SigRef,
        Signature, Type, Value, types,
    },
    isa::{CallConv, TargetFrontendConfig},
};
use cranelift_frontend::{FunctionBuilder, Variable};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::status;
use outside::Outside;
use values::Held;

/// The signature of compiled functions: see [`lunette_interpreter::machine_code::NativeCode`].
pub(crate) fn signature() -> Signature {
    let mut signature = Signature::new(CallConv::SystemV);
    signature.params = [types::I64, types::I64, types::I64, types::I32].map(AbiParam::new).into();
    signature.returns = [types::I64].map(AbiParam::new).into();
    signature
}

/// Emits the body of a function. The entries' instructions, in their order.
pub(crate) fn emit(
    code: &Code<'_>,
    kinds: &[Option<Vec<Kind>>],
    mut builder: FunctionBuilder<'_>,
    target: TargetFrontendConfig,
) -> Vec<u32> {
    for (memory, description) in Memory::ALL {
        let region = AliasRegionData { user_id: memory as u32, description: description.into() };
        let region = builder.func.dfg.alias_regions.insert(region);
        debug_assert_eq!(region.as_u32(), memory as u32);
    }
    let signatures = Signatures::new(&mut builder);
    let mut emitter = Emitter::new(code, builder, kinds, signatures);
    let entries = emitter.emit_entries();
    for (block, kinds) in kinds.iter().enumerate() {
        if let Some(kinds) = kinds.as_ref().filter(|_| !code.blocks[block].is_left_out) {
            emitter.emit_block(block, kinds);
        }
    }
    emitter.emit_ends();
    emitter.builder.seal_all_blocks();
    emitter.builder.finalize(target);
    entries
}

/// The signatures of what compiled code calls.
struct Signatures {
    compiled: SigRef,
    perform: SigRef,
    go_on: SigRef,
    find_field: SigRef,
    call_quick: SigRef,
    traverse: SigRef,
    find_element: SigRef,
    end_role: SigRef,
    find_handler: SigRef,
}

impl Signatures {
    fn new(builder: &mut FunctionBuilder<'_>) -> Signatures {
        use types::{I32, I64};
        let mut import = |parameters: &[Type]| {
            let mut signature = Signature::new(CallConv::SystemV);
            signature.params = parameters.iter().copied().map(AbiParam::new).collect();
            signature.returns = [I64].map(AbiParam::new).into();
            builder.import_signature(signature)
        };
        Signatures {
            compiled: import(&[I64, I64, I64, I32]),
            perform: import(&[I64; 3]),
            go_on: import(&[I64; 2]),
            find_field: import(&[I64; 4]),
            call_quick: import(&[I64, I64, I32, I32]),
            traverse: import(&[I64, I64, I32]),
            find_element: import(&[I64, I32, I64, I64]),
            end_role: import(&[I64, I64, I64, I64, I64, I32]),
            find_handler: import(&[I64, I64, I32]),
        }
    }
}

struct Emitter<'a, 'f, 'b> {
    code: &'a Code<'f>,
    builder: FunctionBuilder<'b>,
    kinds: &'a [Option<Vec<Kind>>],
    blocks: Vec<Block>,
    variables: Vec<[Option<Variable>; 4]>,
    held: Vec<Held>,
    /// Where exits go, and all that ends with a status.
    leaving: Option<Block>,
    ending: Option<Block>,
    /// How much fuel is left of the slice, if that is not in the machine all the time.
    budget: Option<Variable>,
    /// The loops in which array parts are held, that of the block that is emitted, and where they are.
    arrays: HeldArrays,
    present_loop: Option<usize>,
    array_variables: BTreeMap<(usize, usize), Array<Variable>>,
    /// Of each body in the place of a call, the reference to its closure.
    closures: Vec<Option<Value>>,
    /// What is out of line of the instruction that is emitted.
    outside: Outside,
    signatures: Signatures,
    base: Value,
    machine: Value,
    region: Value,
}

/// What memory is accessed: what is stored in one is never read as another.
#[derive(Clone, Copy)]
enum Memory {
    Frame,
    Machine,
    Object,
    Content,
}

impl Memory {
    const ALL: [(Memory, &str); 4] = [
        (Memory::Frame, "frames"),
        (Memory::Machine, "the machine"),
        (Memory::Object, "objects"),
        (Memory::Content, "contents"),
    ];

    fn flags(self) -> MemFlagsData {
        MemFlagsData::trusted().with_alias_region(Some(AliasRegion::from_u32(self as u32)))
    }
}

/// Accesses to frames.
fn of_frame() -> MemFlagsData {
    Memory::Frame.flags()
}

/// Accesses to the machine.
fn of_machine() -> MemFlagsData {
    Memory::Machine.flags()
}

/// Accesses to objects, but for what programs store in them.
fn of_object() -> MemFlagsData {
    Memory::Object.flags()
}

/// Accesses to fields and elements of tables, and to cells.
fn of_content() -> MemFlagsData {
    Memory::Content.flags()
}

/// What nothing changes while compiled code runs in a frame.
fn fixed() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

impl<'a, 'f, 'b> Emitter<'a, 'f, 'b> {
    fn new(
        code: &'a Code<'f>,
        mut builder: FunctionBuilder<'b>,
        kinds: &'a [Option<Vec<Kind>>],
        signatures: Signatures,
    ) -> Self {
        let blocks = code.blocks.iter().map(|_| builder.create_block()).collect();
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let &[base, machine, region, _] = builder.block_params(start) else {
            unreachable!("the function has four parameters")
        };
        let budget = code.has_loops().then(|| builder.declare_var(types::I64));
        Emitter {
            code,
            builder,
            kinds,
            leaving: None,
            ending: None,
            budget,
            blocks,
            variables: vec![[None; 4]; code.registers()],
            held: Vec::new(),
            arrays: HeldArrays::find(code, kinds),
            present_loop: None,
            array_variables: BTreeMap::new(),
            closures: vec![None; code.bodies.len()],
            outside: Outside::default(),
            signatures,
            base,
            machine,
            region,
        }
    }

    /// The ways into blocks from outside.
    fn emit_entries(&mut self) -> Vec<u32> {
        let code = self.code;
        let Some(start) = self.builder.current_block() else { unreachable!("the first block is begun") };
        let &[_, _, _, asked] = self.builder.block_params(start) else {
            unreachable!("the function has four parameters")
        };
        let chosen: Vec<usize> = (0..code.blocks.len())
            .filter(|&block| code.blocks[block].is_entry && !code.blocks[block].is_left_out)
            .take(u16::MAX.into())
            .collect();
        let entries: Vec<Block> = chosen.iter().map(|_| self.builder.create_block()).collect();
        let (native, others) = (self.builder.create_block(), self.cold_block());
        let calls: Vec<BlockCall> =
            [native].iter().chain(&entries).map(|&entry| self.builder.func.dfg.block_call(entry, [])).collect();
        let table = self.builder.create_jump_table(JumpTableData::new(calls[0], &calls));
        // Calls, from compiled code and others, are what the processor foresees best.
        self.go_if_not(asked, 0, others);
        self.builder.ins().jump(native, []);
        self.seal(others);
        self.builder.switch_to_block(others);
        self.builder.ins().br_table(asked, table);
        self.seal(native);
        self.builder.switch_to_block(native);
        match code.blocks[0].is_left_out {
            false => self.emit_native_entry(),
            true => self.end(status::REFUSED),
        }
        for (&entry, &block) in entries.iter().zip(&chosen) {
            self.builder.switch_to_block(entry);
            self.seal(entry);
            self.held = vec![Held::default(); code.registers()];
            let live = code.blocks[block].live;
            self.begin_instruction(code.blocks[block].instructions.start, live);
            self.take_budget();
            self.check_room();
            for register in live.iter() {
                let kind = self.kind_at(block, register);
                if kind != Kind::Any {
                    let paused = self.paused();
                    self.guard(register, kind, paused);
                }
            }
            self.emit_edge(block);
            self.finish_outside(true);
        }
        chosen.iter().map(|&block| code.at(code.blocks[block].instructions.start) as u32).collect()
    }

    /// All that go to a block have been emitted.
    fn seal(&mut self, block: Block) {
        self.builder.seal_block(block);
    }

    /// What is known of a register at the beginning of a block.
    fn kind_at(&self, block: usize, register: usize) -> Kind {
        self.kinds[block].as_ref().and_then(|kinds| kinds.get(register)).copied().unwrap_or(Kind::Any)
    }

    fn emit_block(&mut self, block: usize, kinds: &[Kind]) {
        let code = self.code;
        self.builder.switch_to_block(self.blocks[block]);
        self.present_loop = self.arrays.loop_of(block);
        self.held = kinds.iter().map(|&kind| Held::of_kind(kind)).collect();
        let range = code.blocks[block].instructions.clone();
        // What is needed from each instruction on, backward.
        let mut live = code.live_after(block);
        let mut lives = Vec::with_capacity(range.len());
        for instruction in range.clone().rev() {
            code.live_before(instruction, &mut live);
            lives.push(live);
        }
        let last = range.end - 1;
        for instruction in range {
            let Some(live) = lives.pop() else { unreachable!("there is a set for each instruction") };
            self.begin_instruction(instruction, live);
            let has_ended = self.emit_instruction(block, instruction);
            if !has_ended {
                let word = code.word(instruction);
                self.join_performed(code.written(instruction));
                match word.opcode() {
                    Opcode::new_table => self.refine(word.a(), Kind::Table),
                    Opcode::get_method if self.outside.was(word.b(), Kind::Table) => {
                        self.refine(word.a() + 2, Kind::Table)
                    }
                    _ => {}
                }
            }
            self.finish_outside(has_ended);
            if instruction == last && !has_ended {
                match code.blocks[block].successors[..] {
                    [next] => self.emit_edge(next),
                    _ => unreachable!("verified code does not end without a return"),
                }
            }
        }
    }

    /// Emits an instruction; whether control does not go on behind it.
    fn emit_instruction(&mut self, block: usize, instruction: usize) -> bool {
        use Opcode::*;
        let word = self.code.word(instruction);
        if let Some(body) = self.code.entered(instruction) {
            match is_call(word) {
                true => self.emit_inlined(block, instruction, body),
                false => self.emit_inlined_metamethod(block, instruction, body),
            }
            return true;
        }
        match word.opcode() {
            opcode if is_left(opcode) => {
                self.pause();
                return true;
            }
            tail_call | return_none | return_one | return_values if self.code.body_number(instruction) != 0 => {
                self.emit_inlined_return(block, instruction);
                return true;
            }
            copy => self.copy(word.a(), word.b()),
            load_nil => (word.a()..word.a() + word.b_count()).for_each(|register| self.write_nil(register)),
            load_false => self.write_boolean(word.a(), false),
            load_true => self.write_boolean(word.a(), true),
            load_integer => self.write_integer_constant(word.a(), word.d_signed()),
            load_constant => self.emit_constant(word.a(), word.d_signed() as usize),
            jump | loop_back | jump_if | jump_if_not | numeric_for_prepare | numeric_for_loop | generic_for_prepare
            | generic_for_loop => {
                self.emit_jump(block, instruction);
                return true;
            }
            opcode if word.jump_distance().is_some() => {
                self.emit_comparison(block, instruction, opcode);
                return true;
            }
            add
            | subtract
            | multiply
            | divide
            | modulo
            | power
            | floor_divide
            | bit_and
            | bit_or
            | bit_xor
            | shift_left
            | shift_right
            | add_constant
            | subtract_constant
            | multiply_constant
            | divide_constant
            | modulo_constant
            | power_constant
            | floor_divide_constant
            | bit_and_constant
            | bit_or_constant
            | bit_xor_constant
            | add_integer
            | subtract_integer
            | shift_left_integer
            | shift_right_integer => {
                self.emit_operation(instruction);
            }
            negate | bit_not => self.emit_unary(instruction),
            not => self.emit_not(word.a(), word.b()),
            length => self.emit_length(instruction),
            get_index | get_integer => self.emit_get_index(block, instruction),
            set_index | set_integer => self.emit_set_index(instruction),
            get_field | get_upvalue_field => self.emit_get_field(block, instruction),
            set_field | set_upvalue_field | initialize_field => self.emit_set_field(instruction),
            get_method => self.emit_get_method(instruction),
            variable_arguments => self.emit_variable_arguments(instruction),
            get_upvalue | get_cell => self.emit_get_variable(block, instruction),
            set_upvalue | set_cell => self.emit_set_variable(instruction),
            new_table => self.emit_new_table(instruction),
            set_list => self.emit_set_list(instruction),
            closure => self.emit_closure(instruction),
            new_cell => self.emit_new_cell(instruction),
            close => self.emit_close(),
            call => self.emit_call(instruction),
            generic_for_call => self.emit_generic_for_call(instruction),
            tail_call => self.emit_tail_call(instruction),
            return_none | return_one | return_values => {
                self.emit_return(instruction);
                return true;
            }
            _ => self.perform_here(),
        }
        false
    }

    /// Goes to the beginning of a block, with what it expects.
    fn emit_edge(&mut self, next: usize) {
        let live: Set = self.code.blocks[next].live;
        for register in live.iter() {
            match (self.held[register].kind, self.kind_at(next, register)) {
                (held, expected) if held == expected => {}
                (Kind::Any, Kind::Integer | Kind::Float | Kind::Table) => {
                    unreachable!("what is expected was followed on all ways")
                }
                _ => self.store_number(register),
            }
        }
        if let Some(number) = self.arrays.loop_of(next).filter(|&number| self.present_loop != Some(number)) {
            self.look_up_arrays(number);
        }
        self.builder.ins().jump(self.blocks[next], []);
    }
}
