//! Calls of compiled code by compiled code, and returns to it.

use super::{Emitter, of_frame, of_machine, of_object, values::place};
use crate::dynamic::operands::Operands;
use alloc::vec::Vec;
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::{Opcode, Word};
use lunette_interpreter::{
    frame,
    machine_code::{
        KnownCallee,
        layout::{self, tag},
        performed, status,
    },
};

impl Emitter<'_, '_, '_> {
    /// The way from a compiled caller into the first block.
    pub(super) fn emit_native_entry(&mut self) {
        let refused = self.cold_block();
        let end = self.builder.ins().iadd_imm_s(self.base, i64::from(place(self.code.registers())));
        let limit = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::SLOT_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.go_if(is_over, refused);
        let stack = self.builder.ins().get_stack_pointer(types::I64);
        let limit = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::STACK_END);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedLessThan, stack, limit);
        self.go_if(is_over, refused);
        self.take_budget();
        self.pay(self.code.unit.entry_cost.into(), refused);
        self.builder.ins().jump(self.blocks[0], []);
        self.seal(refused);
        self.builder.switch_to_block(refused);
        self.end(status::REFUSED);
    }

    /// The address of what there is to know to call a closure with so many arguments (32 bits); if it cannot be called so, to a
    /// block.
    fn known(&mut self, function: Value, arguments: Value, slow: Block) -> Value {
        let closure = self.object(function);
        let reference = self.builder.ins().uload32(of_object(), closure, layout::CLOSURE_PROTOTYPE);
        let prototype = self.object(reference);
        let number = self.builder.ins().uload32(of_object(), prototype, layout::PROTOTYPE_NUMBER);
        let number = self.builder.ins().iadd_imm_s(number, -1);
        let count = self.builder.ins().uload32(of_machine(), self.machine, layout::KNOWN_COUNT);
        let is_unknown = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, number, count);
        self.go_if(is_unknown, slow);
        let known = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::KNOWN);
        let distance = self.builder.ins().imul_imm_s(number, layout::KNOWN_BYTES);
        let known = self.builder.ins().iadd(known, distance);
        let known_prototype = self.builder.ins().uload32(of_machine(), known, layout::KNOWN_PROTOTYPE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, known_prototype, reference);
        self.go_if(is_other, slow);
        let parameters = self.builder.ins().load(types::I32, of_machine(), known, layout::KNOWN_PARAMETERS);
        let are_more = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, parameters, arguments);
        self.go_if(are_more, slow);
        known
    }

    /// The function that is likely to be called, if it takes so many arguments.
    fn known_callee(&self, instruction: usize, arguments: usize) -> Option<KnownCallee> {
        let at = self.code.at(instruction) as u32;
        let callee = self.code.unit_of(instruction).known_callees.get(&at).copied();
        callee.filter(|callee| usize::from(callee.parameter_count) <= arguments && !self.code.goes_on(instruction))
    }

    /// The address of what there is to know of a function, if that is what a closure is of; if not, control goes to a block.
    fn known_as(&mut self, function: Value, callee: KnownCallee, slow: Block) -> Value {
        let closure = self.object(function);
        let reference = self.builder.ins().load(types::I32, of_object(), closure, layout::CLOSURE_PROTOTYPE);
        self.go_if_not(reference, callee.prototype, slow);
        let known = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::KNOWN);
        self.builder.ins().iadd_imm_s(known, i64::from(callee.number - 1) * layout::KNOWN_BYTES)
    }

    /// Notes where this function goes on behind a call, and makes the header of the other one's frame.
    pub(super) fn store_headers(&mut self, call: Word) {
        self.store_resume(1);
        let window = place(call.a() + frame::FRAME_SLOTS as usize);
        let distance = window - self.frame_place(0);
        let payload = frame::header_payload(0, (distance / layout::SLOT_BYTES) as u32);
        let payload = self.builder.ins().iconst(types::I64, payload as i64);
        self.builder.ins().store(of_frame(), payload, self.base, window + layout::HEADER);
        let header = self.builder.ins().iconst(types::I32, layout::header_tag(call.c_count() as i32 - 1));
        self.builder.ins().store(of_frame(), header, self.base, window + layout::HEADER + layout::TAG);
    }

    pub(super) fn emit_call(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let (a, arguments, results) = (word.a(), word.b_count(), word.c_count());
        if let Some((builtin, kind)) = self.code.builtin(instruction, &self.kinds_held()) {
            return self.emit_builtin(instruction, builtin, kind);
        }
        if results > 0
            && let Some(native) = self.quick_callee(instruction, results - 1)
        {
            return self.emit_quick_call(a, arguments.checked_sub(1), native);
        }
        if let Some((native, role)) = self.role_callee(instruction) {
            return self.emit_role_call(instruction, native, role);
        }
        if arguments == 0 {
            return self.perform_here();
        }
        let slow = self.slow();
        let (found, function) = (self.tag_of(a), self.payload_of(a));
        self.store_live_here();
        self.put_budget();
        self.go_if_not(found, tag::CLOSURE, slow);
        let known = match self.known_callee(instruction, arguments - 1) {
            Some(callee) => self.known_as(function, callee, slow),
            None => {
                let count = self.builder.ins().iconst(types::I32, arguments as i64 - 1);
                self.known(function, count, slow)
            }
        };
        let address = self.builder.ins().load(types::I64, of_machine(), known, layout::KNOWN_ADDRESS);
        self.store_headers(word);
        let window = place(a + frame::FRAME_SLOTS as usize);
        let base = self.builder.ins().iadd_imm_s(self.base, i64::from(window));
        let entry = self.builder.ins().iconst(types::I32, 0);
        let arguments = [base, self.machine, self.region, entry];
        let called = self.builder.ins().call_indirect(self.signatures.compiled, address, &arguments);
        let ended = self.builder.inst_results(called)[0];
        let (other, here) = (self.cold_block(), self.builder.create_block());
        self.builder.ins().brif(ended, other, [], here, []);
        self.seal(other);
        self.builder.switch_to_block(other);
        let is_refused = self.builder.ins().icmp_imm_s(IntCC::Equal, ended, status::REFUSED as i64);
        self.go_if(is_refused, slow);
        let go_on = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::GO_ON);
        let called = self.builder.ins().call_indirect(self.signatures.go_on, go_on, &[self.machine, ended]);
        let ended = self.builder.inst_results(called)[0];
        let elsewhere = self.cold_block();
        self.builder.ins().brif(ended, elsewhere, [], here, []);
        self.seal(elsewhere);
        self.builder.switch_to_block(elsewhere);
        self.end_as(ended);
        self.seal(here);
        self.builder.switch_to_block(here);
        self.take_budget();
        self.reload_live();
    }

    /// What is called takes the place of this function, if it is compiled; whoever called has it go on.
    pub(super) fn emit_tail_call(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let (a, arguments) = (word.a(), word.b_count().checked_sub(1));
        if self.code.unit.is_variadic {
            return self.perform_tail_call();
        }
        if let Some(native) = self.quick_callee(instruction, 1) {
            self.emit_quick_call(a, arguments, native);
            let slow = self.take_slow();
            self.return_results(a, 1, None);
            if let Some(slow) = slow {
                self.begin_slow(slow);
                self.perform_tail_call();
            }
            return;
        }
        let slow = self.cold_block();
        let (found, function) = (self.tag_of(a), self.payload_of(a));
        let first = a + frame::FRAME_SLOTS as usize;
        let values: Vec<(Value, Value)> = match arguments {
            Some(count) => {
                (first..first + count).map(|register| (self.tag_of(register), self.payload_of(register))).collect()
            }
            None => {
                self.store_live_here();
                Vec::new()
            }
        };
        self.go_if_not(found, tag::CLOSURE, slow);
        let count = match arguments {
            Some(count) => self.builder.ins().iconst(types::I32, count as i64),
            None => self.open_count(first),
        };
        let known = self.known(function, count, slow);
        let registers = self.builder.ins().uload32(of_machine(), known, layout::KNOWN_REGISTERS);
        let bytes = self.builder.ins().imul_imm_s(registers, i64::from(layout::SLOT_BYTES));
        let end = self.builder.ins().iadd(self.base, bytes);
        let limit = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::SLOT_LIMIT);
        let is_over = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, end, limit);
        self.go_if(is_over, slow);
        let cost = self.builder.ins().uload32(of_machine(), known, layout::KNOWN_COST);
        let budget = self.budget();
        let left = self.builder.ins().isub(budget, cost);
        let is_over = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.go_if(is_over, slow);
        self.builder.ins().store(of_machine(), left, self.machine, layout::BUDGET);
        let header = self.builder.ins().load(types::I32, of_frame(), self.base, layout::HEADER + layout::TAG);
        let header = self.builder.ins().bor_imm_s(header, layout::TAIL_CALLED);
        self.builder.ins().store(of_frame(), header, self.base, layout::HEADER + layout::TAG);
        self.builder.ins().store(of_frame(), function, self.base, layout::FUNCTION);
        self.builder.ins().store(of_frame(), found, self.base, layout::FUNCTION + layout::TAG);
        for (register, (tag, payload)) in values.into_iter().enumerate() {
            self.builder.ins().store(of_frame(), payload, self.base, place(register));
            self.builder.ins().store(of_frame(), tag, self.base, place(register) + layout::TAG);
        }
        if arguments.is_none() {
            self.move_arguments(first, known);
        }
        let address = self.builder.ins().load(types::I64, of_machine(), known, layout::KNOWN_ADDRESS);
        self.builder.ins().store(of_machine(), address, self.machine, layout::NEXT);
        self.builder.ins().store(of_machine(), self.base, self.machine, layout::EXIT_BASE);
        self.end(status::TAILED);
        self.seal(slow);
        self.builder.switch_to_block(slow);
        self.perform_tail_call();
    }

    /// Moves as many values from register `first` on as a function has parameters to the beginning of the frame.
    fn move_arguments(&mut self, first: usize, known: Value) {
        let [next, moving, done] = core::array::from_fn(|_| self.builder.create_block());
        let target = self.builder.append_block_param(next, types::I64);
        let parameters = self.builder.ins().uload32(of_machine(), known, layout::KNOWN_PARAMETERS);
        let bytes = self.builder.ins().ishl_imm_u(parameters, 4);
        let end = self.builder.ins().iadd(self.base, bytes);
        self.builder.ins().jump(next, &[self.base.into()]);
        self.builder.switch_to_block(next);
        let is_done = self.builder.ins().icmp(IntCC::Equal, target, end);
        self.builder.ins().brif(is_done, done, [], moving, []);
        self.seal(moving);
        self.builder.switch_to_block(moving);
        let payload = self.builder.ins().load(types::I64, of_frame(), target, place(first));
        let found = self.builder.ins().load(types::I32, of_frame(), target, place(first) + layout::TAG);
        self.builder.ins().store(of_frame(), payload, target, 0);
        self.builder.ins().store(of_frame(), found, target, layout::TAG);
        let following = self.builder.ins().iadd_imm_s(target, i64::from(layout::SLOT_BYTES));
        self.builder.ins().jump(next, &[following.into()]);
        self.seal(next);
        self.seal(done);
        self.builder.switch_to_block(done);
    }

    /// The interpreter makes the frame that takes the place of this one, or calls what is no function of Lua.
    fn perform_tail_call(&mut self) {
        self.store_live_here();
        let outcome = self.call_perform();
        let [other, replaced] = core::array::from_fn(|_| self.cold_block());
        self.go_if(outcome, other);
        let Some(here) = self.builder.current_block() else { unreachable!("a block is being emitted") };
        self.seal(other);
        self.builder.switch_to_block(other);
        let is_replaced = self.builder.ins().icmp_imm_s(IntCC::Equal, outcome, performed::REPLACED as i64);
        self.go_if(is_replaced, replaced);
        self.end(status::PERFORMED);
        self.seal(replaced);
        self.builder.switch_to_block(replaced);
        self.end(status::REPLACED);
        self.builder.switch_to_block(here);
        self.take_budget();
        self.forget_written();
    }

    /// Returns as the caller wants it, or has the interpreter do that.
    pub(super) fn emit_return(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let count = match word.opcode() {
            Opcode::return_none => Some(0),
            Opcode::return_one => Some(1),
            // A list that is open.
            _ => word.b_count().checked_sub(1),
        };
        let Some(count) = count else { return self.emit_open_return() };
        let otherwise = self.cold_block();
        self.return_results(word.a(), count, Some(otherwise));
        self.seal(otherwise);
        self.builder.switch_to_block(otherwise);
        self.perform_return();
    }

    /// The bits of a header's tag that are not set if the frame returns plainly. That of a function that takes further arguments
    /// lies above them.
    fn not_plain(&self) -> i64 {
        layout::NOT_PLAIN & if self.code.unit.is_variadic { !layout::VARIADIC } else { -1 }
    }

    /// Returns a list that is open.
    fn emit_open_return(&mut self) {
        let paused = self.paused();
        let header = self.builder.ins().load(types::I32, of_frame(), self.base, layout::HEADER + layout::TAG);
        let not_plain = self.not_plain();
        let other = self.builder.ins().band_imm_s(header, not_plain);
        self.go_if(other, paused);
        self.perform_return();
    }

    /// The address that register 0 would have if the frame lay where its caller has made the window: above that are results.
    fn window_base(&mut self) -> Value {
        if !self.code.unit.is_variadic {
            return self.base;
        }
        let arguments = self.builder.ins().uload32(of_frame(), self.base, layout::HEADER + layout::SPARE);
        let slots = self.builder.ins().iadd_imm_s(arguments, i64::from(frame::FRAME_SLOTS));
        let bytes = self.builder.ins().ishl_imm_u(slots, 4);
        self.builder.ins().isub(self.base, bytes)
    }

    /// Returns the values from register `first` on. Where that is more than moving a few of them, control goes to a block, or the
    /// machine does it.
    fn return_results(&mut self, first: usize, count: usize, otherwise: Option<Block>) {
        let called_back = self.cold_block();
        let header = self.builder.ins().load(types::I32, of_frame(), self.base, layout::HEADER + layout::TAG);
        let not_plain = self.not_plain();
        let other = self.builder.ins().band_imm_s(header, not_plain);
        self.go_if(other, called_back);
        let base = self.window_base();
        let wanted = self.builder.ins().ushr_imm_u(header, layout::WANTED_SHIFT);
        let [one, not_one, done] = core::array::from_fn(|_| self.builder.create_block());
        let is_one = self.builder.ins().icmp_imm_s(IntCC::Equal, wanted, 1);
        self.builder.ins().brif(is_one, one, [], not_one, []);
        self.seal(one);
        self.builder.switch_to_block(one);
        let before = self.held.clone();
        let (found, payload) = if count == 0 {
            let nil = self.builder.ins().iconst(types::I32, i64::from(tag::NIL));
            (nil, self.builder.ins().iconst(types::I64, 0))
        } else {
            (self.tag_of(first), self.payload_of(first))
        };
        self.builder.ins().store(of_frame(), payload, base, layout::FUNCTION);
        self.builder.ins().store(of_frame(), found, base, layout::FUNCTION + layout::TAG);
        self.builder.ins().jump(done, []);
        self.seal(not_one);
        self.builder.switch_to_block(not_one);
        self.held.clone_from(&before);
        if count >= 2 {
            let [two, none] = core::array::from_fn(|_| self.builder.create_block());
            let is_two = self.builder.ins().icmp_imm_s(IntCC::Equal, wanted, 2);
            self.builder.ins().brif(is_two, two, [], none, []);
            self.seal(two);
            self.seal(none);
            self.builder.switch_to_block(two);
            for (index, target) in [layout::FUNCTION, layout::HEADER].into_iter().enumerate() {
                let (found, payload) = (self.tag_of(first + index), self.payload_of(first + index));
                self.builder.ins().store(of_frame(), payload, base, target);
                self.builder.ins().store(of_frame(), found, base, target + layout::TAG);
            }
            self.builder.ins().jump(done, []);
            self.builder.switch_to_block(none);
            self.held.clone_from(&before);
        }
        if count <= 2 {
            let [open, not_open] = core::array::from_fn(|_| self.builder.create_block());
            let is_open = self.builder.ins().icmp_imm_s(IntCC::Equal, wanted, i64::from(layout::WANTS_ALL));
            self.builder.ins().brif(is_open, open, [], not_open, []);
            self.seal(open);
            self.seal(not_open);
            self.builder.switch_to_block(open);
            self.return_all(base, first, count);
            self.builder.ins().jump(done, []);
            self.builder.switch_to_block(not_open);
            self.held.clone_from(&before);
        }
        self.builder.ins().brif(wanted, otherwise.unwrap_or(called_back), [], done, []);
        self.seal(done);
        self.builder.switch_to_block(done);
        self.put_budget();
        let status = self.builder.ins().iconst(types::I64, status::RETURNED as i64);
        self.builder.ins().return_(&[status]);
        self.held = before;
        self.give_results(called_back, first, count);
    }

    /// Gives the results from register `first` on to a caller who wants all: they are an open list in its window.
    fn return_all(&mut self, base: Value, first: usize, count: usize) {
        for (index, target) in [layout::FUNCTION, layout::HEADER].into_iter().enumerate().take(count) {
            let (found, payload) = (self.tag_of(first + index), self.payload_of(first + index));
            self.builder.ins().store(of_frame(), payload, base, target);
            self.builder.ins().store(of_frame(), found, base, target + layout::TAG);
        }
        let stack = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::STACK);
        let end = i64::from(layout::FUNCTION) + count as i64 * i64::from(layout::SLOT_BYTES);
        let end = self.builder.ins().iadd_imm_s(base, end);
        let end = self.builder.ins().isub(end, stack);
        let end = self.builder.ins().ushr_imm_u(end, 4);
        self.builder.ins().istore32(of_machine(), end, self.machine, layout::OPEN_TOP);
    }

    /// In a block: leaves the results from register `first` on to the machine, which gives them to whoever has called.
    fn give_results(&mut self, block: Block, first: usize, count: usize) {
        self.seal(block);
        self.builder.switch_to_block(block);
        (first..first + count).for_each(|register| self.store_number(register));
        let results = self.builder.ins().iadd_imm_s(self.base, i64::from(place(first)));
        self.builder.ins().store(of_machine(), results, self.machine, layout::RESULTS);
        let count = self.builder.ins().iconst(types::I32, count as i64);
        self.builder.ins().store(of_machine(), count, self.machine, layout::RESULT_COUNT);
        self.leave_stored(status::RETURNS);
    }

    /// Has the interpreter return to the function that called.
    fn perform_return(&mut self) {
        self.store_live_here();
        let outcome = self.call_perform();
        let (returned, elsewhere) = (self.builder.create_block(), self.cold_block());
        let is_returned = self.builder.ins().icmp_imm_s(IntCC::Equal, outcome, performed::RETURNED as i64);
        self.builder.ins().brif(is_returned, returned, [], elsewhere, []);
        self.seal(returned);
        self.seal(elsewhere);
        self.builder.switch_to_block(returned);
        self.end(status::RETURNED);
        self.builder.switch_to_block(elsewhere);
        self.end(status::PERFORMED);
    }
}
