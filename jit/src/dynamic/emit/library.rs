//! What compiled code does by calling helpers: quick forms of the library's functions, traversals, elements of tables by any key,
//! methods of strings, further arguments.

use super::{Emitter, of_machine, of_object, values::place};
use crate::dynamic::operands::Operands;
use alloc::vec;
use cranelift_codegen::ir::{Block, InstBuilder, SigRef, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::{
    frame,
    machine_code::layout::{self, tag},
    native::Builtin,
};

impl Emitter<'_, '_, '_> {
    /// The number of the function of the library that is called, if it has a quick form that is good for so many results.
    pub(super) fn quick_callee(&self, instruction: usize, results: usize) -> Option<u32> {
        let callee = self.code.native_callee(instruction).filter(|callee| callee.is_quick && results <= 1)?;
        Some(callee.native)
    }

    /// Calls a helper; if it has done nothing, control goes where the instruction is performed.
    fn call_helper(&mut self, signature: SigRef, helper: i32, arguments: &[Value]) {
        let slow = self.slow();
        self.put_budget();
        let helper = self.builder.ins().load(types::I64, of_machine(), self.machine, helper);
        let called = self.builder.ins().call_indirect(signature, helper, arguments);
        let is_done = self.builder.inst_results(called)[0];
        let done = self.builder.create_block();
        self.builder.ins().brif(is_done, done, [], slow, []);
        self.seal(done);
        self.builder.switch_to_block(done);
        self.take_budget();
    }

    /// The address of a register.
    fn address(&mut self, register: usize) -> Value {
        self.builder.ins().iadd_imm_s(self.base, i64::from(place(register)))
    }

    /// Calls the quick form of a function of the library, with so many arguments or an open list of them: its result is in the
    /// window's first register.
    pub(super) fn emit_quick_call(&mut self, window: usize, arguments: Option<usize>, native: u32) {
        let slow = self.slow();
        self.store_live_here();
        self.check_native(window, native, slow);
        let first = self.address(window);
        let count = match arguments {
            Some(count) => self.builder.ins().iconst(types::I32, count as i64),
            None => self.open_count(window + frame::FRAME_SLOTS as usize),
        };
        let number = self.builder.ins().iconst(types::I32, i64::from(native));
        self.call_helper(self.signatures.call_quick, layout::CALL_QUICK, &[self.machine, first, count, number]);
        self.reload_live();
        self.forget_written();
    }

    /// A register has this native function, or control goes to a block.
    pub(super) fn check_native(&mut self, register: usize, native: u32, otherwise: Block) {
        let (found, function) = (self.tag_of(register), self.payload_of(register));
        self.go_if_not(found, tag::NATIVE_CLOSURE, otherwise);
        let closure = self.object(function);
        let number = self.builder.ins().load(types::I32, of_object(), closure, layout::NATIVE_NUMBER);
        self.go_if_not(number, native, otherwise);
    }

    /// How many values an open list has from a register on, 32 bits.
    pub(super) fn open_count(&mut self, first: usize) -> Value {
        let stack = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::STACK);
        let first = self.address(first);
        let bytes = self.builder.ins().isub(first, stack);
        let first = self.builder.ins().ushr_imm_u(bytes, 4);
        let top = self.builder.ins().uload32(of_machine(), self.machine, layout::OPEN_TOP);
        let count = self.builder.ins().isub(top, first);
        self.builder.ins().ireduce(types::I32, count)
    }

    /// Where the instruction is performed as it is not done in line, there may be a helper that does it; the block to which control
    /// goes then.
    pub(super) fn call_helper_before(&mut self) -> Option<Block> {
        let instruction = self.outside.instruction;
        let word = self.code.word(instruction);
        let (signature, helper, arguments) = match word.opcode() {
            Opcode::generic_for_call => {
                let wanted = self.builder.ins().iconst(types::I32, word.b_count() as i64);
                (self.signatures.traverse, layout::TRAVERSE, vec![self.machine, self.address(word.a()), wanted])
            }
            Opcode::call => {
                let callee = self.code.native_callee(instruction)?;
                if !matches!(callee.builtin, Some(Builtin::Insert | Builtin::Remove)) {
                    return None;
                }
                let count = self.builder.ins().iconst(types::I32, word.b_count() as i64 - 1);
                let native = self.builder.ins().iconst(types::I32, i64::from(callee.native));
                let arguments = vec![self.machine, self.address(word.a()), count, native];
                (self.signatures.call_quick, layout::CALL_QUICK, arguments)
            }
            Opcode::get_method if !self.code.may_be_table(instruction, word.b(), 0, &self.kinds_held()) => {
                let arguments = vec![self.machine, self.frame_base(), self.instruction_address()];
                (self.signatures.perform, layout::STRING_METHOD, arguments)
            }
            _ => return None,
        };
        self.put_budget();
        let helper = self.builder.ins().load(types::I64, of_machine(), self.machine, helper);
        let called = self.builder.ins().call_indirect(signature, helper, &arguments);
        let is_done = self.builder.inst_results(called)[0];
        let done = self.builder.create_block();
        self.go_if(is_done, done);
        Some(done)
    }

    /// Reads a method of a string, as the site remembers it.
    pub(super) fn emit_string_method(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let slow = self.slow();
        let (found, string) = (self.tag_of(word.b()), self.payload_of(word.b()));
        self.go_if_not(found, tag::STRING, slow);
        let metatables = self.builder.ins().uload32(of_machine(), self.machine, layout::METATABLES);
        let metatables = self.object(metatables);
        let (metatable_tag, metatable) = self.load(metatables, layout::STRING_METATABLE);
        self.go_if_not(metatable_tag, tag::TABLE, slow);
        let site = self.site(word.c_count());
        let reference = self.builder.ins().ireduce(types::I32, metatable);
        let metatable = self.object(metatable);
        let shape = self.builder.ins().load(types::I32, of_object(), metatable, layout::TABLE_SHAPE);
        let epoch = self.builder.ins().load(types::I32, of_object(), self.region, layout::EPOCH);
        let remembered =
            [(shape, layout::SITE_NEXT_SHAPE), (reference, layout::SITE_METATABLE), (epoch, layout::SITE_EPOCH)];
        for (value, place) in remembered {
            let known = self.builder.ins().load(types::I32, of_object(), site, place);
            let is_other = self.builder.ins().icmp(IntCC::NotEqual, value, known);
            self.go_if(is_other, slow);
        }
        let holder = self.builder.ins().uload32(of_object(), site, layout::SITE_HOLDER);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, holder, 0);
        self.go_if(is_none, slow);
        let holder = self.object(holder);
        let fields = self.referred(holder, layout::TABLE_FIELDS);
        let offset = self.builder.ins().uload32(of_object(), site, layout::SITE_HOLDER_OFFSET);
        let slot = self.builder.ins().iadd(fields, offset);
        let (method_tag, method) = self.load(slot, 0);
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, method_tag, i64::from(tag::NIL));
        self.go_if(is_nil, slow);
        // The string first: the method may take its place.
        self.write_any(word.a() + 2, found, string);
        self.write_any(word.a(), method_tag, method);
    }

    /// Reads an element of a table by a key of any type.
    pub(super) fn emit_find_element(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let slow = self.slow();
        self.store_number(word.c());
        let (found, table) = (self.tag_of(word.b()), self.payload_of(word.b()));
        self.go_if_not(found, tag::TABLE, slow);
        let table = self.builder.ins().ireduce(types::I32, table);
        let (key, target) = (self.address(word.c()), self.address(word.a()));
        self.call_helper(self.signatures.find_element, layout::FIND_ELEMENT, &[self.machine, table, key, target]);
        self.forget_written();
    }

    /// Variables are closed by the interpreter, if there are any.
    pub(super) fn emit_close(&mut self) {
        let slow = self.slow();
        let thread = self.builder.ins().uload32(of_machine(), self.machine, layout::THREAD);
        let thread = self.object(thread);
        let variable = self.builder.ins().load(types::I32, of_object(), thread, layout::TO_BE_CLOSED);
        self.go_if(variable, slow);
    }
}
