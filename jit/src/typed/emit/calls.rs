//! Calls of compiled code by compiled code, and returns to it.

use super::{Emitter, fixed, own, references::Reference};
use crate::typed::{
    calls::reference_result,
    meaning::{Call, Kind, Results, Target},
    operands::{argument, listed_reference, operand},
    registers::Set,
};
use alloc::vec::Vec;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::typed::instruction::Field;
use lunette_interpreter::typed::native::{MOST_ARGUMENTS, layout, status};

/// Arguments that are passed in parameters; the others are in the frame.
pub(super) const PASSED: u32 = 3;

impl Emitter<'_, '_, '_> {
    /// The way from a compiled caller into the first block.
    pub(super) fn emit_native_entry(&mut self, asked: Value, parameters: [Value; PASSED as usize]) {
        let code = self.code;
        let registers = code.unit.function.registers;
        let [refused, narrow, roomy] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(refused);
        self.builder.set_cold_block(narrow);
        let budget = self.builder.ins().get_pinned_reg(types::I64);
        let budget = self.builder.ins().iadd_imm_s(budget, -i64::from(code.entry_cost()));
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, budget, 0);
        self.go_if(is_over, refused, &[]);
        let stack = self.builder.ins().get_stack_pointer(types::I64);
        let limit = self.load_own(types::I64, layout::ROOM_END);
        let is_narrow = self.builder.ins().icmp(IntCC::UnsignedLessThan, stack, limit);
        self.builder.ins().brif(is_narrow, narrow, [], roomy, []);
        self.builder.seal_block(narrow);
        self.builder.switch_to_block(narrow);
        // How much is left of each stack, negative if it is not enough: one comparison for all.
        let end = self.builder.ins().iadd_imm_s(self.base, 8 * i64::from(registers.numbers));
        let limit = self.load_own(types::I64, layout::NUMBER_LIMIT);
        let numbers = self.builder.ins().isub(limit, end);
        let top = self.builder.ins().iadd_imm_s(self.slots, layout::slot_top(registers.references));
        let limit = self.load_own(types::I64, layout::SLOT_LIMIT);
        let slots = self.builder.ins().isub(limit, top);
        let limit = self.load_own(types::I64, layout::STACK_END);
        let stack = self.builder.ins().isub(stack, limit);
        let least = self.builder.ins().bor(numbers, slots);
        let least = self.builder.ins().bor(least, stack);
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, least, 0);
        self.builder.ins().brif(is_over, refused, [], roomy, []);
        self.seal([roomy]);
        self.builder.switch_to_block(roomy);
        self.builder.ins().set_pinned_reg(budget);
        self.load_memory();
        let mut vectors = Vec::new();
        for register in code.blocks[0].live.iter() {
            let Some(kind) = self.kinds[0].get(register).map(|kind| kind.held()) else {
                if !code.keeps_frame {
                    self.load_reference(register - code.reference(0));
                }
                continue;
            };
            let value = match parameters.get(register) {
                Some(&value) if code.keeps_frame => {
                    self.builder.ins().store(own(), value, self.base, 8 * register as i32);
                    continue;
                }
                None if code.keeps_frame => continue,
                passed if kind.vector_of(register).is_some() => {
                    if let Some(&value) = passed {
                        self.builder.ins().store(own(), value, self.base, 8 * register as i32);
                    }
                    vectors.extend(kind.vector_of(register));
                    continue;
                }
                Some(&value) => self.convert(value, Kind::I64, kind),
                None => self.load_register(register, kind),
            };
            let variable = self.variable(register, kind);
            self.builder.def_var(variable, value);
        }
        for vector in vectors {
            let value = self.load_vector(vector);
            let variable = self.variable(vector, Kind::Vector);
            self.builder.def_var(variable, value);
        }
        self.builder.ins().jump(self.blocks[0], []);
        self.builder.switch_to_block(refused);
        // The caller takes what it has passed from there.
        let numbers = code.unit.function_type.signature().parameters.numbers;
        for (index, &value) in parameters.iter().enumerate().take(numbers as usize) {
            self.builder.ins().store(own(), value, self.base, 8 * index as i32);
        }
        if let Some(fault_block) = self.guards.as_ref().map(|guards| guards.block) {
            // Entry 0 is asked for here: nobody comes to the other block so.
            let next = self.builder.create_block();
            self.builder.set_cold_block(next);
            self.builder.ins().brif(asked, fault_block, [], next, []);
            self.builder.switch_to_block(next);
        }
        self.end(status::REFUSED as i64);
    }

    /// Returns without a number.
    pub(super) fn end(&mut self, status: i64) {
        let status = self.builder.ins().iconst(types::I64, status);
        self.builder.ins().return_(&[status, self.base]);
    }

    /// Charges fuel; goes to a block, and nothing was charged, if there is not enough left. Where nothing is held in the
    /// processor's registers, a new slice is taken by a call: elsewhere that would have them saved around the whole loop.
    pub(super) fn emit_charge(&mut self, cost: i64, unpaid: Block) {
        let budget = self.builder.ins().get_pinned_reg(types::I64);
        let left = self.builder.ins().iadd_imm_s(budget, -cost);
        self.builder.ins().set_pinned_reg(left);
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let [over, paid] = core::array::from_fn(|_| self.builder.create_block());
        self.builder.set_cold_block(over);
        self.builder.ins().brif(is_over, over, [], paid, []);
        self.seal([over]);
        self.builder.switch_to_block(over);
        let left = self.builder.ins().get_pinned_reg(types::I64);
        let budget = self.builder.ins().iadd_imm_s(left, cost);
        if self.code.keeps_frame {
            self.store_own(budget, layout::BUDGET);
            let refuel = self.load_own(types::I64, layout::REFUEL);
            let cost = self.builder.ins().iconst(types::I64, cost);
            let machine = self.machine();
            let called = self.builder.ins().call_indirect(self.refuel_signature, refuel, &[machine, cost]);
            let is_paid = self.builder.inst_results(called)[0];
            let budget = self.load_own(types::I64, layout::BUDGET);
            self.builder.ins().set_pinned_reg(budget);
            self.builder.ins().brif(is_paid, paid, [], unpaid, []);
        } else {
            self.builder.ins().set_pinned_reg(budget);
            self.builder.ins().jump(unpaid, []);
        }
        self.seal([paid]);
        self.builder.switch_to_block(paid);
    }

    /// Notes that the loop goes on with an instruction of this function, and returns: in a block that all share, since there
    /// are many.
    pub(super) fn end_for_loop(&mut self, instruction: usize) {
        let word = self.builder.ins().iconst(types::I64, self.code.instructions[instruction].at as i64);
        let end = self.end_block();
        self.builder.ins().jump(end, &[word.into()]);
    }

    /// Notes in which call this function was when what was called has ended otherwise than by returning, and returns, or has the loop
    /// call if it has not begun: in a block that all share, too.
    fn end_during_call(&mut self, instruction: usize, status: Value) {
        let word = self.builder.ins().iconst(types::I64, self.code.instructions[instruction].at as i64);
        let ended = *self.ended_call.get_or_insert_with(|| {
            let ended = self.builder.create_block();
            [types::I64; 2].into_iter().for_each(|kind| {
                self.builder.append_block_param(ended, kind);
            });
            self.builder.set_cold_block(ended);
            ended
        });
        self.builder.ins().jump(ended, &[word.into(), status.into()]);
    }

    /// Emits the block in which functions end during a call.
    pub(super) fn emit_ended_call(&mut self) {
        let Some(ended) = self.ended_call else { return };
        self.builder.switch_to_block(ended);
        let &[word, status] = self.builder.block_params(ended) else { unreachable!("it has two parameters") };
        let end = self.end_block();
        let left = self.builder.create_block();
        self.builder.set_cold_block(left);
        let is_left = self.builder.ins().icmp_imm_s(IntCC::Equal, status, status::LEFT as i64);
        self.builder.ins().brif(is_left, left, [], end, &[word.into()]);
        self.builder.switch_to_block(left);
        let called = self.load_own(types::I64, layout::EXIT_PROTOTYPE);
        let noted = self.builder.ins().bor(called, word);
        let above = layout::frame_above(self.code.unit.function.registers.numbers);
        self.builder.ins().store(own(), noted, self.base, above as i32 - 8);
        self.note_prototype();
        self.end(status::LEFT as i64);
    }

    /// The block in which functions end for the loop, with the word as its parameter.
    fn end_block(&mut self) -> Block {
        *self.end.get_or_insert_with(|| {
            let end = self.builder.create_block();
            self.builder.append_block_param(end, types::I64);
            self.builder.set_cold_block(end);
            end
        })
    }

    /// Emits that block.
    pub(super) fn emit_end(&mut self) {
        let Some(end) = self.end else { return };
        self.builder.switch_to_block(end);
        let word = self.builder.block_params(end)[0];
        self.store_own(word, layout::EXIT_WORD);
        self.store_own(self.base, layout::EXIT_BASE);
        self.note_prototype();
        self.end(status::LEFT as i64);
    }

    /// Notes that this function is the one that was left last.
    pub(super) fn note_prototype(&mut self) {
        let prototype = i64::from(self.code.unit.prototype) << layout::CALL_PROTOTYPE_SHIFT;
        let prototype = self.builder.ins().iconst(types::I64, prototype);
        self.store_own(prototype, layout::EXIT_PROTOTYPE);
    }

    pub(super) fn emit_return(&mut self, instruction: usize, results: Results) {
        let words = self.code.words(instruction);
        let at = self.code.instructions[instruction].at as u64;
        let how = (at << status::BITS | status::RETURNED) as i64;
        let mut status = self.builder.ins().iconst(types::I64, how);
        let value = match results {
            // Not a constant, which would be held in a register from the function's beginning on.
            Results::Nothing => self.base,
            Results::Number(_) => self.read(operand(words, Field::A), Kind::I64),
            Results::Reference => {
                let Reference { tag, payload } = self.read_reference(operand(words, Field::B));
                let tag = self.builder.ins().uextend(types::I64, tag);
                let tag = self.builder.ins().ishl_imm_u(tag, status::TAG_SHIFT);
                status = self.builder.ins().bor_imm_s(tag, how);
                payload
            }
        };
        self.builder.ins().return_(&[status, value]);
    }

    /// Calls; `live` are the registers that are read from the call on, and `kept` those that are read after it. Of the others the loop
    /// needs, if it is to call, the arguments, which are above the frame then: they are not held during the call.
    pub(super) fn emit_call(&mut self, instruction: usize, call: Call, live: &Set, mut kept: Set) {
        let address = match call.target {
            Target::Direct { place } => {
                let place = self.builder.ins().iconst(types::I64, place as i64);
                self.builder.ins().load(types::I64, own(), place, layout::CALLEE_ADDRESS)
            }
            Target::Indirect | Target::Reference => {
                let outside = self.builder.create_block();
                self.builder.set_cold_block(outside);
                let called = operand(self.code.words(instruction), Field::B);
                let function = match call.target {
                    Target::Reference => self.read_reference(called),
                    _ => self.emit_lookup(instruction, outside),
                };
                let address = self.emit_target(instruction, function, outside);
                let Some(found) = self.builder.current_block() else {
                    unreachable!("the call was emitted into a block")
                };
                self.builder.switch_to_block(outside);
                self.builder.seal_block(outside);
                self.leave(instruction, live);
                self.builder.switch_to_block(found);
                if call.target == Target::Reference {
                    kept.add(self.code.reference(called));
                } else if !self.code.keeps_frame && self.written.has(called) && !kept.has(called) {
                    self.store_register(called);
                }
                address
            }
        };
        let outside = self.builder.create_block();
        self.builder.set_cold_block(outside);
        let above = layout::frame_above(self.code.unit.function.registers.numbers);
        let base = self.builder.ins().iadd_imm_s(self.base, above);
        let mut passed = [None; PASSED as usize];
        for index in 0..call.arguments.min(MOST_ARGUMENTS) {
            let value = self.read(argument(self.code.words(instruction), index), Kind::I64);
            match passed.get_mut(index as usize) {
                Some(place) => *place = Some(value),
                None => {
                    self.builder.ins().store(own(), value, base, 8 * index as i32);
                }
            }
        }
        let numbers = call.arguments as usize;
        let slots_above = layout::slot_bytes(self.code.unit.function.registers.references);
        for index in 0..call.references as usize {
            let reference = self.read_reference(listed_reference(self.code.words(instruction), numbers, index));
            let place = slots_above + layout::SLOT_BYTES * index as i64;
            self.store_slot(self.slots, place as i32, reference);
        }
        let entry = self.builder.ins().iconst(types::I32, 0);
        let slots = self.builder.ins().iadd_imm_s(self.slots, slots_above);
        let arguments: Vec<Value> = [base, slots, entry].into_iter().chain(passed.into_iter().flatten()).collect();
        // What is in further parameters does not matter.
        let signature = self.signatures[arguments.len() - 3];
        let called = self.builder.ins().call_indirect(signature, address, &arguments);
        let results = self.builder.inst_results(called);
        let (ended, value) = (results[0], results[1]);
        let how = self.builder.ins().band_imm_s(ended, (1 << status::BITS) - 1);
        self.go_if(how, outside, &[]);
        let Some(returned) = self.builder.current_block() else { unreachable!("the call was emitted into a block") };
        self.builder.switch_to_block(outside);
        self.builder.seal_block(outside);
        self.store_registers(&kept);
        self.store_arguments(instruction, call, &kept);
        self.end_during_call(instruction, how);
        self.builder.switch_to_block(returned);
        self.load_memory();
        match call.result {
            Results::Nothing => {}
            Results::Number(kind) => {
                let value = self.convert(value, Kind::I64, kind.held());
                self.write(operand(self.code.words(instruction), Field::A), kind.held(), value);
            }
            Results::Reference => {
                let tag = self.builder.ins().ushr_imm_u(ended, status::TAG_SHIFT);
                let tag = self.builder.ins().ireduce(types::I32, tag);
                let register = reference_result(self.code.words(instruction));
                self.write_reference(register, Reference { tag, payload: value });
            }
        }
    }

    /// Puts the arguments of a call that has not begun into the registers from which it takes them, but for those that are there.
    fn store_arguments(&mut self, instruction: usize, call: Call, kept: &Set) {
        if self.code.keeps_frame {
            return;
        }
        let above = layout::frame_above(self.code.unit.function.registers.numbers) as i32;
        for index in 0..call.arguments {
            let register = argument(self.code.words(instruction), index);
            if self.written.has(register) && !kept.has(register) {
                let value = self.builder.ins().load(types::I64, own(), self.base, above + 8 * index as i32);
                self.builder.ins().store(own(), value, self.base, 8 * register as i32);
            }
        }
        let above = layout::slot_bytes(self.code.unit.function.registers.references) as i32;
        for index in 0..call.references as usize {
            let register = listed_reference(self.code.words(instruction), call.arguments as usize, index);
            let place = layout::SLOT_BYTES as i32 * register as i32;
            let of_all = self.code.reference(register);
            if self.written.has(of_all) && !kept.has(of_all) {
                let value = self.load_slot(self.slots, above + layout::SLOT_BYTES as i32 * index as i32);
                self.store_slot(self.slots, place, value);
            }
        }
    }

    /// What is in a table's element; to `outside` if there is none.
    fn emit_lookup(&mut self, instruction: usize, outside: Block) -> Reference {
        let table = operand(self.code.words(instruction), Field::Q) as i32;
        let (instance, region) = (self.instance(), self.region());
        let index = self.read(operand(self.code.words(instruction), Field::B), Kind::I64);
        let tables = self.builder.ins().load(types::I32, fixed(), instance, layout::TABLES);
        let tables = self.object(region, tables);
        let table = self.builder.ins().load(types::I32, fixed(), tables, layout::FIRST_ELEMENT + 4 * table);
        let table = self.object(region, table);
        let length = self.builder.ins().uload32(own(), table, layout::TABLE_LENGTH);
        let is_outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, length);
        self.go_if(is_outside, outside, &[]);
        let elements = self.builder.ins().load(types::I32, own(), table, layout::TABLE_ELEMENTS);
        let elements = self.object(region, elements);
        let distance = self.builder.ins().imul_imm_s(index, layout::SLOT_BYTES);
        let element = self.builder.ins().iadd(elements, distance);
        self.load_slot(element, layout::FIRST_ELEMENT)
    }

    /// The address of a function that is called by reference; if it cannot be called from here, to `outside`. It may be known since the
    /// last time.
    fn emit_target(&mut self, instruction: usize, function: Reference, outside: Block) -> Value {
        let number = operand(self.code.words(instruction), Field::P) as u32;
        let Some(kind) = self.code.unit.objects.get(&number).map(|kind| kind.kind) else {
            return self.emit_function(instruction, function, outside);
        };
        let Reference { tag, payload } = function;
        let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::FUNCTION_TAG);
        self.go_if(is_other, outside, &[]);
        let kind = self.builder.ins().iconst(types::I64, i64::from(kind) << 32);
        let wanted = self.builder.ins().bor(payload, kind);
        let number = self.builder.ins().band_imm_s(payload, layout::TARGETS - 1);
        let distance = self.builder.ins().imul_imm_s(number, layout::TARGET_BYTES);
        let machine = self.machine();
        let place = self.builder.ins().iadd(machine, distance);
        let found = self.builder.ins().load(types::I64, own(), place, layout::TARGET);
        let [known, unknown, joined] = core::array::from_fn(|_| self.builder.create_block());
        let address = self.builder.append_block_param(joined, types::I64);
        self.builder.set_cold_block(unknown);
        let is_known = self.builder.ins().icmp(IntCC::Equal, found, wanted);
        self.builder.ins().brif(is_known, known, [], unknown, []);
        self.seal([known, unknown]);
        self.builder.switch_to_block(unknown);
        let looked_up = self.emit_function(instruction, function, outside);
        self.builder.ins().store(own(), wanted, place, layout::TARGET);
        self.builder.ins().store(own(), looked_up, place, layout::TARGET + layout::TARGET_ADDRESS);
        let yes = self.builder.ins().iconst(types::I64, 1);
        self.store_own(yes, layout::HAS_TARGETS);
        self.builder.ins().jump(joined, &[looked_up.into()]);
        self.builder.switch_to_block(known);
        let remembered = self.builder.ins().load(types::I64, own(), place, layout::TARGET + layout::TARGET_ADDRESS);
        self.builder.ins().jump(joined, &[remembered.into()]);
        self.seal([joined]);
        self.builder.switch_to_block(joined);
        address
    }

    /// The same, of a function of which nothing is known.
    fn emit_function(&mut self, instruction: usize, function: Reference, outside: Block) -> Value {
        let Reference { tag, payload } = function;
        let kind = operand(self.code.words(instruction), Field::P) as i32;
        let (instance, region) = (self.instance(), self.region());
        let is_other = self.builder.ins().icmp_imm_s(IntCC::NotEqual, tag, layout::FUNCTION_TAG);
        self.go_if(is_other, outside, &[]);
        let function = self.builder.ins().ireduce(types::I32, payload);
        let function = self.object(region, function);
        let function_instance = self.builder.ins().load(types::I32, own(), function, layout::FUNCTION_INSTANCE);
        let function_instance = self.object(region, function_instance);
        let is_foreign = self.builder.ins().icmp(IntCC::NotEqual, function_instance, instance);
        let types_ = self.builder.ins().load(types::I32, fixed(), instance, layout::TYPES);
        let types_ = self.object(region, types_);
        let wanted = self.builder.ins().load(types::I32, fixed(), types_, layout::FIRST_ELEMENT + 4 * kind);
        let found = self.builder.ins().load(types::I32, own(), function, layout::FUNCTION_TYPE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, found, wanted);
        let is_other = self.builder.ins().bor(is_foreign, is_other);
        self.go_if(is_other, outside, &[]);
        let prototype = self.builder.ins().load(types::I32, own(), function, layout::FUNCTION_PROTOTYPE);
        let object = self.object(region, prototype);
        let number = self.builder.ins().load(types::I32, own(), object, layout::PROTOTYPE_NUMBER);
        let number = self.builder.ins().iadd_imm_s(number, -1);
        let count = self.load_own(types::I32, layout::CALLEE_COUNT);
        let is_unknown = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, number, count);
        self.go_if(is_unknown, outside, &[]);
        let number = self.builder.ins().uextend(types::I64, number);
        let distance = self.builder.ins().imul_imm_s(number, layout::CALLEE_PLACE_BYTES);
        let callees = self.load_own(types::I64, layout::CALLEES);
        let place = self.builder.ins().iadd(callees, distance);
        let callee = self.builder.ins().load(types::I64, own(), place, 0);
        let known = self.builder.ins().load(types::I32, own(), callee, layout::CALLEE_PROTOTYPE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, known, prototype);
        self.go_if(is_other, outside, &[]);
        self.builder.ins().load(types::I64, own(), callee, layout::CALLEE_ADDRESS)
    }

    /// Goes to a block if a condition holds, and on in a new one if not.
    pub(super) fn go_if(&mut self, condition: Value, block: Block, arguments: &[BlockArg]) {
        let next = self.builder.create_block();
        self.builder.ins().brif(condition, block, arguments, next, []);
        self.builder.seal_block(next);
        self.builder.switch_to_block(next);
    }
}
