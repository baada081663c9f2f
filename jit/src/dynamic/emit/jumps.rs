//! Jumps, what they depend on, and loops.

use super::Emitter;
use crate::dynamic::{
    kinds::{Kind, Plan, Source, sources},
    operands::Operands,
};
use cranelift_codegen::ir::{
    Block, InstBuilder, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::layout::{self, tag};

impl Emitter<'_, '_, '_> {
    pub(super) fn emit_jump(&mut self, block: usize, instruction: usize) {
        use Opcode::*;
        let code = self.code;
        let word = code.word(instruction);
        let successors = &code.blocks[block].successors;
        match word.opcode() {
            jump => {
                if code.finishes(instruction) {
                    self.leave_metamethod();
                }
                self.emit_edge(successors[0])
            }
            loop_back => self.emit_back(word.d_signed(), successors[0]),
            jump_if | jump_if_not => {
                let tag = self.tag_of(word.a());
                let (jumped, following) = (self.edge(successors[0]), self.edge(successors[1]));
                let is_true =
                    self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, tag, i64::from(tag::TRUE));
                match word.opcode() {
                    jump_if => self.builder.ins().brif(is_true, jumped, [], following, []),
                    _ => self.builder.ins().brif(is_true, following, [], jumped, []),
                };
            }
            numeric_for_prepare => self.emit_loop_prepare(instruction, successors),
            numeric_for_loop => self.emit_loop(instruction, successors),
            generic_for_prepare => {
                let tag = self.tag_of(word.a() + 3);
                let paused = self.paused();
                self.go_if_not(tag, tag::NIL, paused);
                // The place of the cursor.
                let nothing = self.builder.ins().iconst(types::I32, 0);
                let place = super::values::place(word.a() + 2) + layout::SPARE;
                self.store_number(word.a() + 2);
                self.builder.ins().store(super::of_frame(), nothing, self.base, place);
                self.emit_edge(successors[0]);
            }
            generic_for_loop => {
                let first = word.a() + 4;
                let tag = self.tag_of(first);
                let following = self.edge(successors[1]);
                let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, i64::from(tag::NIL));
                self.go_if(is_nil, following);
                // Where there is no fuel nothing has happened yet.
                self.charge(-word.d_signed());
                self.copy(word.a() + 2, first);
                self.emit_edge(successors[0]);
            }
            opcode => unreachable!("{opcode:?} does not jump"),
        }
    }

    /// Goes back, which costs fuel.
    fn emit_back(&mut self, distance: i64, next: usize) {
        self.charge(-distance);
        self.emit_edge(next);
    }

    /// Charges fuel, or ends before the instruction.
    pub(super) fn charge(&mut self, cost: i64) {
        let paused = self.paused();
        self.pay(cost, paused);
    }

    fn emit_loop_prepare(&mut self, instruction: usize, successors: &[usize]) {
        let a = self.code.word(instruction).a();
        let kinds = self.kinds_held();
        if !self.code.is_integer_loop(instruction, &kinds) {
            return self.pause();
        }
        let unexpected = self.unexpected();
        let constant = self.held[a + 2].constant;
        for register in a..a + 3 {
            self.guard(register, Kind::Integer, unexpected);
        }
        let [initial, limit, step] = [a, a + 1, a + 2].map(|register| self.read(register));
        if constant == Some(0) {
            // An error.
            return self.pause();
        }
        let is_down = constant.is_some_and(|step| step < 0);
        if constant.is_none() {
            let is_other = self.builder.ins().icmp_imm_s(IntCC::SignedLessThanOrEqual, step, 0);
            let paused = self.paused();
            self.go_if(is_other, paused);
        }
        // Behind a loop that does not run nobody reads that.
        self.write(a + 3, Kind::Integer, initial);
        let skipped = self.edge(successors[0]);
        let is_past = if is_down { IntCC::SignedLessThan } else { IntCC::SignedGreaterThan };
        let is_past = self.builder.ins().icmp(is_past, initial, limit);
        self.go_if(is_past, skipped);
        let distance = match is_down {
            true => self.builder.ins().isub(initial, limit),
            false => self.builder.ins().isub(limit, initial),
        };
        let count = match constant.map(i64::unsigned_abs) {
            Some(1) => distance,
            Some(step) => {
                let step = self.builder.ins().iconst(types::I64, step as i64);
                self.builder.ins().udiv(distance, step)
            }
            None => self.builder.ins().udiv(distance, step),
        };
        self.write(a + 1, Kind::Integer, count);
        self.emit_edge(successors[1]);
    }

    fn emit_loop(&mut self, instruction: usize, successors: &[usize]) {
        let word = self.code.word(instruction);
        let a = word.a();
        let kinds = self.kinds_held();
        let kind = self.code.loop_kind(instruction, &kinds);
        if !matches!(kind, Kind::Integer | Kind::Float) {
            return self.pause();
        }
        let unexpected = match self.code.goes_on(instruction) {
            true => self.paused(),
            false => self.unexpected(),
        };
        for register in a..a + 3 {
            self.guard(register, kind, unexpected);
        }
        let [index, count, step] = [a, a + 1, a + 2].map(|register| self.read(register));
        // Behind the loop nobody reads that.
        self.write(a + 3, kind, index);
        let following = self.edge(successors[1]);
        if kind == Kind::Integer {
            let is_done = self.builder.ins().icmp_imm_s(IntCC::Equal, count, 0);
            self.go_if(is_done, following);
            self.charge(-word.d_signed());
            let left = self.builder.ins().iadd_imm_s(count, -1);
            let next = self.builder.ins().iadd(index, step);
            self.write(a + 1, kind, left);
            self.write(a, kind, next);
            self.write(a + 3, kind, next);
        } else {
            let next = self.builder.ins().fadd(index, step);
            let nothing = self.builder.ins().f64const(0.0);
            let is_up = self.builder.ins().fcmp(FloatCC::GreaterThan, step, nothing);
            let is_below = self.builder.ins().fcmp(FloatCC::LessThanOrEqual, next, count);
            let is_above = self.builder.ins().fcmp(FloatCC::LessThanOrEqual, count, next);
            let goes_on = self.builder.ins().select(is_up, is_below, is_above);
            let is_done = self.builder.ins().icmp_imm_s(IntCC::Equal, goes_on, 0);
            self.go_if(is_done, following);
            self.charge(-word.d_signed());
            self.write(a, kind, next);
            self.write(a + 3, kind, next);
        }
        self.emit_edge(successors[0]);
    }

    /// A jump that depends on a comparison.
    pub(super) fn emit_comparison(&mut self, block: usize, instruction: usize, opcode: Opcode) {
        let code = self.code;
        let Some(operands) = sources(code, instruction) else { unreachable!("a comparison has operands") };
        let &[jumped, following] = &code.blocks[block].successors[..] else {
            unreachable!("a comparison goes to two places")
        };
        let kinds = self.kinds_held();
        let plan = code.plan(instruction, operands, &kinds);
        let Some((condition, sense)) = order(opcode) else {
            let sense = matches!(opcode, Opcode::jump_equal | Opcode::jump_equal_constant | Opcode::jump_equal_integer);
            return self.emit_equality(operands, sense, jumped, following);
        };
        match plan {
            Plan::Integers => {
                let [left, right] = operands.map(|source| self.integer(source));
                let holds = self.builder.ins().icmp(condition, left, right);
                self.go(holds, sense, jumped, following);
            }
            Plan::Floats => {
                let expected = operands.map(|source| code.expected(instruction, source, &kinds));
                let left = self.float(operands[0], expected[0]);
                let right = self.float(operands[1], expected[1]);
                let holds = self.builder.ins().fcmp(of_floats(condition), left, right);
                self.go(holds, sense, jumped, following);
            }
            Plan::Numbers => {
                let slow = self.slow();
                let [left, right] = operands.map(|source| self.parts(source));
                let [same, integers, other] = core::array::from_fn(|_| self.builder.create_block());
                let is_same = self.builder.ins().icmp(IntCC::Equal, left.0, right.0);
                self.builder.ins().brif(is_same, same, [], slow, []);
                self.seal(same);
                self.builder.switch_to_block(same);
                let is_integer = self.builder.ins().icmp_imm_s(IntCC::Equal, left.0, i64::from(tag::INTEGER));
                self.builder.ins().brif(is_integer, integers, [], other, []);
                self.seal(integers);
                self.seal(other);
                self.builder.switch_to_block(integers);
                let holds = self.builder.ins().icmp(condition, left.1, right.1);
                self.go(holds, sense, jumped, following);
                self.builder.switch_to_block(other);
                self.go_if_not(left.0, tag::FLOAT, slow);
                let [left, right] = [left.1, right.1].map(|payload| self.as_float(payload));
                let holds = self.builder.ins().fcmp(of_floats(condition), left, right);
                self.go(holds, sense, jumped, following);
            }
            Plan::Performed => {
                let (jumped, following) = (self.edge(jumped), self.edge(following));
                self.perform_jump(jumped, following);
            }
        }
        self.join_jump(jumped, following);
    }

    pub(super) fn as_float(&mut self, payload: Value) -> Value {
        let flags = cranelift_codegen::ir::MemFlagsData::new();
        self.builder.ins().bitcast(types::F64, flags, payload)
    }

    /// Jumps if a condition is as it is wanted.
    fn go(&mut self, holds: Value, sense: bool, jumped: usize, following: usize) {
        let (jumped, following) = (self.edge(jumped), self.edge(following));
        let (holds_to, fails_to) = if sense { (jumped, following) } else { (following, jumped) };
        self.builder.ins().brif(holds, holds_to, [], fails_to, []);
    }

    fn emit_equality(&mut self, operands: [Source; 2], sense: bool, jumped: usize, following: usize) {
        let known = operands.map(|source| match source {
            Source::Register(register, _) => self.held[register].kind,
            Source::Constant(kind, _) => kind,
        });
        if known == [Kind::Integer; 2] {
            let [(_, left), (_, right)] = operands.map(|source| self.parts(source));
            let holds = self.builder.ins().icmp(IntCC::Equal, left, right);
            return self.go(holds, sense, jumped, following);
        }
        let parts = operands.map(|source| match source {
            Source::Constant(Kind::Any, _) => None,
            source => Some(self.parts(source)),
        });
        let [Some((left_tag, left)), right] = parts else { unreachable!("the first operand is in a register") };
        let (right_tag, right) = match right {
            Some(parts) => parts,
            None => self.constant_parts(),
        };
        let slow = self.slow();
        let [same, other, different] = core::array::from_fn(|_| self.builder.create_block());
        let is_same = self.builder.ins().icmp(IntCC::Equal, left_tag, right_tag);
        self.builder.ins().brif(is_same, same, [], different, []);
        self.seal(same);
        self.seal(different);
        self.builder.switch_to_block(same);
        let is_float = self.builder.ins().icmp_imm_s(IntCC::Equal, left_tag, i64::from(tag::FLOAT));
        let floats = self.builder.create_block();
        self.builder.ins().brif(is_float, floats, [], other, []);
        self.seal(floats);
        self.seal(other);
        self.builder.switch_to_block(floats);
        let [first, second] = [left, right].map(|payload| self.as_float(payload));
        let holds = self.builder.ins().fcmp(FloatCC::Equal, first, second);
        self.go(holds, sense, jumped, following);
        self.builder.switch_to_block(other);
        // Strings may be long and equal; tables and userdata may have a metamethod.
        let is_equal = self.builder.ins().icmp(IntCC::Equal, left, right);
        let equal = self.edge(if sense { jumped } else { following });
        self.go_if(is_equal, equal);
        let is_plain = self.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, left_tag, i64::from(tag::STRING));
        let unequal = self.edge(if sense { following } else { jumped });
        let references = self.builder.create_block();
        self.builder.ins().brif(is_plain, unequal, [], references, []);
        self.seal(references);
        self.builder.switch_to_block(references);
        self.compare_references(left_tag, [left, right], unequal, slow);
        self.builder.switch_to_block(different);
        // Of different types only an integer and a float can be equal.
        let unequal = self.edge(if sense { following } else { jumped });
        match operands[1] {
            Source::Constant(Kind::Integer, integer)
                if (integer as i64).unsigned_abs() <= 1 << f64::MANTISSA_DIGITS =>
            {
                let floats = self.builder.create_block();
                let is_float = self.builder.ins().icmp_imm_s(IntCC::Equal, left_tag, i64::from(tag::FLOAT));
                self.builder.ins().brif(is_float, floats, [], unequal, []);
                self.seal(floats);
                self.builder.switch_to_block(floats);
                let left = self.as_float(left);
                let right = self.builder.ins().f64const(integer as i64 as f64);
                let holds = self.builder.ins().fcmp(FloatCC::Equal, left, right);
                self.go(holds, sense, jumped, following);
            }
            _ => {
                let tags = self.builder.ins().bxor(left_tag, right_tag);
                let are_numbers = i64::from(tag::INTEGER ^ tag::FLOAT);
                let are_numbers = self.builder.ins().icmp_imm_s(IntCC::Equal, tags, are_numbers);
                self.builder.ins().brif(are_numbers, slow, [], unequal, []);
            }
        }
        self.join_jump(jumped, following);
    }

    /// Compares two objects of the same type that are not the same.
    fn compare_references(&mut self, tag: Value, objects: [Value; 2], unequal: Block, slow: Block) {
        let [strings, others, tables] = core::array::from_fn(|_| self.builder.create_block());
        let is_string = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, i64::from(tag::STRING));
        self.builder.ins().brif(is_string, strings, [], others, []);
        self.seal(strings);
        self.seal(others);
        self.builder.switch_to_block(strings);
        let string = self.object(objects[0]);
        let flags = self.builder.ins().uload8(types::I32, super::of_object(), string, layout::FLAGS);
        let is_short = self.builder.ins().band_imm_s(flags, layout::SHORT_BIT);
        self.builder.ins().brif(is_short, unequal, [], slow, []);
        self.builder.switch_to_block(others);
        let is_table = self.builder.ins().icmp_imm_s(IntCC::Equal, tag, i64::from(tag::TABLE));
        self.builder.ins().brif(is_table, tables, [], slow, []);
        self.seal(tables);
        self.builder.switch_to_block(tables);
        let [left, right] = objects.map(|object| {
            let table = self.object(object);
            self.builder.ins().load(types::I32, super::of_object(), table, layout::TABLE_METATABLE)
        });
        let either = self.builder.ins().bor(left, right);
        self.builder.ins().brif(either, slow, [], unequal, []);
    }

    /// Tag and payload of the constant with which something is compared.
    fn constant_parts(&mut self) -> (Value, Value) {
        let word = self.code.word(self.outside.instruction);
        let Some(&(tag, payload)) = self.code.unit_of(self.outside.instruction).constants.get(word.b()) else {
            unreachable!("a verified instruction has its constants")
        };
        let tag = self.builder.ins().iconst(types::I32, i64::from(tag));
        (tag, self.builder.ins().iconst(types::I64, payload as i64))
    }
}

/// What a jump compares, and whether it jumps if that holds.
fn order(opcode: Opcode) -> Option<(IntCC, bool)> {
    use Opcode::*;
    Some(match opcode {
        jump_less | jump_less_integer => (IntCC::SignedLessThan, true),
        jump_not_less | jump_not_less_integer => (IntCC::SignedLessThan, false),
        jump_less_equal | jump_less_equal_integer => (IntCC::SignedLessThanOrEqual, true),
        jump_not_less_equal | jump_not_less_equal_integer => (IntCC::SignedLessThanOrEqual, false),
        jump_greater_integer => (IntCC::SignedGreaterThan, true),
        jump_not_greater_integer => (IntCC::SignedGreaterThan, false),
        jump_greater_equal_integer => (IntCC::SignedGreaterThanOrEqual, true),
        jump_not_greater_equal_integer => (IntCC::SignedGreaterThanOrEqual, false),
        _ => return None,
    })
}

fn of_floats(condition: IntCC) -> FloatCC {
    match condition {
        IntCC::SignedLessThan => FloatCC::LessThan,
        IntCC::SignedLessThanOrEqual => FloatCC::LessThanOrEqual,
        IntCC::SignedGreaterThan => FloatCC::GreaterThan,
        IntCC::SignedGreaterThanOrEqual => FloatCC::GreaterThanOrEqual,
        _ => unreachable!("{condition:?} is no order"),
    }
}
