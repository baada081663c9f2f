//! Functions of the library that are done in line, as long as nobody has put another function in their place. With other
//! arguments than they usually have, compiled code is left.

use super::{Emitter, of_content, of_object, values::Held};
use crate::dynamic::{kinds::Kind, operands::Operands};
use cranelift_codegen::ir::{
    Block, InstBuilder, Value,
    condcodes::{FloatCC, IntCC},
    types,
};
use lunette_interpreter::{
    frame::FRAME_SLOTS,
    machine_code::layout::{self, tag},
    native::Builtin,
};

/// What a function gives: tag and payload.
type Parts = (Value, Value);

impl Emitter<'_, '_, '_> {
    /// Does what the native function does that is called, whose result is of this kind.
    pub(super) fn emit_builtin(&mut self, call: usize, builtin: Builtin, kind: Kind) {
        if builtin == Builtin::Select {
            // Done before it.
            return;
        }
        let window = self.code.word(call).a();
        let unexpected = self.unexpected();
        self.check_callee(call, unexpected);
        let first = window + FRAME_SLOTS as usize;
        match builtin {
            Builtin::Byte => {
                let (found, payload) = self.byte(first, unexpected);
                self.charge(layout::NATIVE_CALL_COST);
                self.forget_written();
                return self.write_any(window, found, payload);
            }
            Builtin::Pairs | Builtin::IntegerPairs => {
                return self.emit_pairs(call, builtin == Builtin::IntegerPairs, unexpected);
            }
            Builtin::SetMetatable => {
                let reference = self.set_metatable(first, unexpected);
                self.charge(layout::NATIVE_CALL_COST);
                self.forget_written();
                return self.write_loaded(window, Kind::Table, reference);
            }
            Builtin::Insert => return self.emit_insert(first),
            Builtin::Remove => return self.emit_remove(window),
            _ => {}
        }
        let value = match builtin {
            Builtin::SquareRoot => {
                let number = self.float_argument(first, unexpected);
                self.builder.ins().sqrt(number)
            }
            Builtin::Floor => self.floor(first, unexpected),
            _ => self.extreme([first, first + 1], kind, builtin == Builtin::Minimum),
        };
        self.charge(layout::NATIVE_CALL_COST);
        self.forget_written();
        self.write(window, kind, value);
    }

    /// What is called is the native function that was seen, or control goes to a block.
    pub(super) fn check_callee(&mut self, call: usize, otherwise: Block) {
        let Some(callee) = self.code.native_callee(call) else { unreachable!("a builtin is a native function") };
        self.check_native(self.code.word(call).a(), callee.native, otherwise);
    }

    /// Begins a traversal: the function that the closure holds, the argument, and what is before the first key.
    fn emit_pairs(&mut self, call: usize, by_integers: bool, unexpected: Block) {
        let word = self.code.word(call);
        let window = word.a();
        let argument = window + FRAME_SLOTS as usize;
        if !by_integers {
            // It may have a metamethod.
            let table = self.table(argument, unexpected);
            let metatable = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_METATABLE);
            self.go_if(metatable, unexpected);
        }
        let value = (self.tag_of(argument), self.payload_of(argument));
        let closure = self.payload_of(window);
        let closure = self.object(closure);
        let function = self.load(closure, layout::NATIVE_VALUES);
        self.charge(layout::NATIVE_CALL_COST);
        self.forget_written();
        self.write_any(window, function.0, function.1);
        self.write_any(window + 1, value.0, value.1);
        match by_integers {
            true => self.write_integer_constant(window + 2, 0),
            false => self.write_nil(window + 2),
        }
        self.store_number(window + 2);
        self.held[window + 2] = Held::default();
        (window + 3..window + word.c_count() - 1).for_each(|register| self.write_nil(register));
    }

    /// An argument that is a number, as a float; where nothing is known of it, it has to be one.
    fn float_argument(&mut self, register: usize, unexpected: Block) -> Value {
        if self.held[register].kind == Kind::Integer {
            let integer = self.read(register);
            return self.builder.ins().fcvt_from_sint(types::F64, integer);
        }
        self.guard(register, Kind::Float, unexpected);
        self.read(register)
    }

    fn floor(&mut self, register: usize, unexpected: Block) -> Value {
        if self.held[register].kind == Kind::Integer {
            return self.read(register);
        }
        self.guard(register, Kind::Float, unexpected);
        let number = self.read(register);
        let floor = self.builder.ins().floor(number);
        // From -2^63 on, and less than 2^63.
        let [least, end] = [i64::MIN as f64, -(i64::MIN as f64)].map(|bound| self.builder.ins().f64const(bound));
        let is_below = self.builder.ins().fcmp(FloatCC::UnorderedOrLessThan, floor, least);
        self.go_if(is_below, unexpected);
        let is_above = self.builder.ins().fcmp(FloatCC::GreaterThanOrEqual, floor, end);
        self.go_if(is_above, unexpected);
        self.builder.ins().fcvt_to_sint_sat(types::I64, floor)
    }

    /// The smaller or the greater one of two numbers of the same kind: the first one, unless the second one is better.
    fn extreme(&mut self, registers: [usize; 2], kind: Kind, is_minimum: bool) -> Value {
        let [first, second] = registers.map(|register| self.read(register));
        let (left, right) = if is_minimum { (second, first) } else { (first, second) };
        let is_better = match kind {
            Kind::Float => self.builder.ins().fcmp(FloatCC::LessThan, left, right),
            _ => self.builder.ins().icmp(IntCC::SignedLessThan, left, right),
        };
        self.builder.ins().select(is_better, second, first)
    }

    /// Gives the table in a register the metatable in the next one, if it has none yet and nobody wants to know; the reference to it.
    fn set_metatable(&mut self, register: usize, unexpected: Block) -> Value {
        let paused = self.paused();
        let table = self.table(register, unexpected);
        let metatable = self.table(register + 1, unexpected);
        let found = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_METATABLE);
        self.go_if(found, unexpected);
        let absent = self.builder.ins().load(types::I32, of_object(), metatable, layout::TABLE_ABSENT);
        let is_absent = self.builder.ins().band_imm_s(absent, layout::GC_BIT);
        let is_wanted = self.builder.ins().icmp_imm_s(IntCC::Equal, is_absent, 0);
        self.go_if(is_wanted, unexpected);
        let bits = self.builder.ins().uload8(types::I32, of_object(), table, layout::BARRIER);
        let is_wanted = self.builder.ins().band_imm_s(bits, layout::BARRIER_BIT);
        let flags = self.builder.ins().uload8(types::I32, of_object(), table, layout::FLAGS);
        let is_prototype = self.builder.ins().band_imm_s(flags, layout::PROTOTYPE_BIT);
        let either = self.builder.ins().bor(is_wanted, is_prototype);
        self.go_if(either, paused);
        let reference = self.read(register + 1);
        let reference = self.builder.ins().ireduce(types::I32, reference);
        self.builder.ins().store(of_object(), reference, table, layout::TABLE_METATABLE);
        self.read(register)
    }

    /// The byte of the string in a register, at the position in the next one, or at 1; nil behind the end.
    fn byte(&mut self, register: usize, unexpected: Block) -> Parts {
        let has_position = self.code.word(self.outside.instruction).b_count() > 2;
        let (found, string) = (self.tag_of(register), self.payload_of(register));
        self.go_if_not(found, tag::STRING, unexpected);
        let string = self.object(string);
        let length = self.builder.ins().uload32(of_object(), string, layout::STRING_LENGTH);
        let index = match has_position {
            true => {
                self.guard(register + 1, Kind::Integer, unexpected);
                let position = self.read(register + 1);
                self.builder.ins().iadd_imm_s(position, -1)
            }
            false => self.builder.ins().iconst(types::I64, 0),
        };
        let [inside, outside, past, join] = core::array::from_fn(|_| self.builder.create_block());
        let parts =
            (self.builder.append_block_param(join, types::I32), self.builder.append_block_param(join, types::I64));
        let is_inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, length);
        self.builder.ins().brif(is_inside, inside, [], outside, []);
        self.seal(inside);
        self.seal(outside);
        self.builder.switch_to_block(outside);
        // Others count from the end.
        let is_before = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, index, 0);
        self.builder.ins().brif(is_before, unexpected, [], past, []);
        self.seal(past);
        self.builder.switch_to_block(past);
        let nil = self.builder.ins().iconst(types::I32, i64::from(tag::NIL));
        let nothing = self.builder.ins().iconst(types::I64, 0);
        self.builder.ins().jump(join, &[nil.into(), nothing.into()]);
        self.builder.switch_to_block(inside);
        let at = self.builder.ins().iadd(string, index);
        let byte = self.builder.ins().uload8(types::I64, of_content(), at, layout::STRING_BYTES);
        let integer = self.builder.ins().iconst(types::I32, i64::from(tag::INTEGER));
        self.builder.ins().jump(join, &[integer.into(), byte.into()]);
        self.seal(join);
        self.builder.switch_to_block(join);
        parts
    }
}
