//! Fields of tables, by the inline caches of the interpreter.

use super::{Emitter, of_content, of_machine, of_object};
use crate::dynamic::{kinds::Kind, operands::Operands};
use cranelift_codegen::ir::{Block, InstBuilder, Value, condcodes::IntCC, types};
use lunette_bytecode::instruction::Opcode;
use lunette_interpreter::machine_code::{
    SiteState,
    layout::{self, tag},
};

impl Emitter<'_, '_, '_> {
    /// The address of a site.
    pub(super) fn site(&mut self, number: usize) -> Value {
        let prototype = i64::from(self.code.unit_of(self.outside.instruction).prototype) << layout::REFERENCE_SHIFT;
        self.builder.ins().iadd_imm_s(self.region, prototype + layout::site(number))
    }

    /// The slot of a field of a table's own that a site remembers; if it remembers others, to a block.
    fn own_field(&mut self, table: Value, number: usize, site: Value, otherwise: Block) -> Value {
        let (is_first, is_known) = self.is_own(table, number, site);
        let is_other = self.builder.ins().bxor_imm_s(is_known, 1);
        self.go_if(is_other, otherwise);
        self.own_slot(table, number, site, is_first)
    }

    /// Whether a site remembers a field of a table's own: in its first entry, or at all.
    fn is_own(&mut self, table: Value, number: usize, site: Value) -> (Value, Value) {
        let shape = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_SHAPE);
        let known = self.builder.ins().load(types::I32, of_object(), site, layout::SITE_SHAPE);
        let is_first = self.builder.ins().icmp(IntCC::Equal, shape, known);
        if !self.site_state(number).second {
            return (is_first, is_first);
        }
        let known = self.builder.ins().load(types::I32, of_object(), site, layout::SITE_OTHER_SHAPE);
        let is_second = self.builder.ins().icmp(IntCC::Equal, shape, known);
        (is_first, self.builder.ins().bor(is_first, is_second))
    }

    /// The slot of a field that one of the first two entries of a site remembers.
    fn own_slot(&mut self, table: Value, number: usize, site: Value, is_first: Value) -> Value {
        let fields = self.referred(table, layout::TABLE_FIELDS);
        let mut offset = self.builder.ins().uload32(of_object(), site, layout::SITE_OFFSET);
        if self.site_state(number).second {
            let second = self.builder.ins().uload32(of_object(), site, layout::SITE_OTHER_OFFSET);
            offset = self.builder.ins().select(is_first, offset, second);
        }
        self.builder.ins().iadd(fields, offset)
    }

    fn site_state(&self, number: usize) -> SiteState {
        self.code.unit_of(self.outside.instruction).sites.get(number).copied().unwrap_or_default()
    }

    /// Leaves compiled code where a site has entries by now that this was not compiled for: it is to be compiled anew.
    pub(super) fn leave_if_site_knows_more(&mut self, number: usize) {
        let state = self.site_state(number);
        let site = self.site(number);
        let left = self.unexpected();
        for (is_known, entry) in [
            (state.own, layout::SITE_SHAPE),
            (state.second, layout::SITE_OTHER_SHAPE),
            (state.other, layout::SITE_NEXT_SHAPE),
        ] {
            if !is_known {
                let shape = self.builder.ins().load(types::I32, of_object(), site, entry);
                self.go_if(shape, left);
            }
        }
    }

    /// Whether a site knows what is along `__index` for a table; if not, to a block.
    fn check_inherited(&mut self, table: Value, site: Value, otherwise: Block) {
        let region = self.region;
        let pairs = [
            (table, layout::TABLE_SHAPE, layout::SITE_NEXT_SHAPE),
            (table, layout::TABLE_METATABLE, layout::SITE_METATABLE),
            (region, layout::EPOCH, layout::SITE_EPOCH),
        ];
        for (object, offset, known) in pairs {
            let found = self.builder.ins().load(types::I32, of_object(), object, offset);
            let known = self.builder.ins().load(types::I32, of_object(), site, known);
            let is_other = self.builder.ins().icmp(IntCC::NotEqual, found, known);
            self.go_if(is_other, otherwise);
        }
    }

    /// The slot of a field that a site remembers along `__index`. If there is none, that of the table itself, or of nil; for a
    /// method, to the block.
    fn inherited_field(&mut self, table: Value, site: Value, is_method: bool, otherwise: Block) -> Value {
        self.check_inherited(table, site, otherwise);
        let reference = self.builder.ins().uload32(of_object(), site, layout::SITE_HOLDER);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, reference, 0);
        if is_method {
            self.go_if(is_none, otherwise);
        }
        let holder = self.object(reference);
        let holder = if is_method { holder } else { self.builder.ins().select(is_none, table, holder) };
        // A table without fields of its own has something else of the region there, which is not used.
        let fields = self.referred(holder, layout::TABLE_FIELDS);
        let offset = self.builder.ins().uload32(of_object(), site, layout::SITE_HOLDER_OFFSET);
        let slot = self.builder.ins().iadd(fields, offset);
        if is_method {
            return slot;
        }
        let nil = self.builder.ins().iadd_imm_s(self.machine, i64::from(layout::NIL_SLOT));
        let is_absent = self.builder.ins().icmp_imm_s(IntCC::Equal, offset, 0);
        self.builder.ins().select(is_absent, nil, slot)
    }

    /// The slot of the field that an instruction reads, as its site remembers it, or has met so many that it does not.
    fn field(&mut self, number: usize, table: Value, site: Value, is_method: bool, otherwise: Block) -> Value {
        let state = self.site_state(number);
        if state.crowded && state.key != 0 {
            let missed = self.cold_block();
            let found = self.cached_field(state.key, table, missed);
            return self.found_or(found, missed, (number, table, site), layout::FIND_FIELD, otherwise);
        }
        let is_polymorphic = if is_method { state.other } else { state.second || state.own && state.other };
        if !is_polymorphic && !self.code.goes_on(self.outside.instruction) {
            return self.remembered_field(number, table, site, is_method, otherwise);
        }
        let missed = self.cold_block();
        let found = self.remembered_field(number, table, site, is_method, missed);
        self.found_or(found, missed, (number, table, site), layout::FIND_FIELD, otherwise)
    }

    /// The slot of a field of a table that the cache of fields knows, if it is not nil; if not, to a block.
    fn cached_field(&mut self, key: u32, table: Value, otherwise: Block) -> Value {
        let entry = self.cache_entry(key, table, otherwise);
        let holder = self.builder.ins().uload32(of_object(), entry, layout::FIELD_CACHE_HOLDER);
        let is_own = self.builder.ins().icmp_imm_s(IntCC::Equal, holder, 0);
        let holder = self.object(holder);
        let holder = self.builder.ins().select(is_own, table, holder);
        self.cached_slot(entry, holder, otherwise)
    }

    /// The same of a field of the table's own.
    pub(super) fn cached_own_field(&mut self, key: u32, table: Value, otherwise: Block) -> Value {
        let entry = self.cache_entry(key, table, otherwise);
        let holder = self.builder.ins().load(types::I32, of_object(), entry, layout::FIELD_CACHE_HOLDER);
        self.go_if(holder, otherwise);
        self.cached_slot(entry, table, otherwise)
    }

    /// The entry that the cache of fields has for a table and a key; if it has none, to a block.
    fn cache_entry(&mut self, key: u32, table: Value, otherwise: Block) -> Value {
        let tables = self.builder.ins().load(types::I64, of_object(), table, layout::TABLE_SHAPE);
        let mixed = self.builder.ins().iconst(types::I64, layout::mixed_key(key) as i64);
        let mixed = self.builder.ins().bxor(tables, mixed);
        let factor = self.builder.ins().iconst(types::I64, layout::FIELD_CACHE_FACTOR);
        let mixed = self.builder.ins().imul(mixed, factor);
        let place = self.builder.ins().ushr_imm_u(mixed, layout::FIELD_CACHE_SHIFT);
        let place = self.builder.ins().imul_imm_s(place, layout::FIELD_CACHE_BYTES);
        let entries = self.builder.ins().load(types::I64, of_machine(), self.machine, layout::FIELD_CACHE);
        let entry = self.builder.ins().iadd(entries, place);
        let known = self.builder.ins().load(types::I64, of_object(), entry, layout::FIELD_CACHE_TABLES);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, tables, known);
        self.go_if(is_other, otherwise);
        let known = self.builder.ins().load(types::I32, of_object(), entry, layout::FIELD_CACHE_KEY);
        self.go_if_not(known, key, otherwise);
        let known = self.builder.ins().load(types::I32, of_object(), entry, layout::FIELD_CACHE_EPOCH);
        let epoch = self.builder.ins().load(types::I32, of_object(), self.region, layout::EPOCH);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, epoch, known);
        self.go_if(is_other, otherwise);
        entry
    }

    /// The slot of the field of a holder that an entry of the cache of fields is about.
    fn cached_slot(&mut self, entry: Value, holder: Value, otherwise: Block) -> Value {
        // Where there is no field, this is the header of what holds fields, or something else of the region.
        let fields = self.referred(holder, layout::TABLE_FIELDS);
        let offset = self.builder.ins().uload32(of_object(), entry, layout::FIELD_CACHE_OFFSET);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, offset, 0);
        self.go_if(is_none, otherwise);
        let slot = self.builder.ins().iadd(fields, offset);
        let found = self.builder.ins().load(types::I32, of_content(), slot, layout::TAG);
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
        self.go_if(is_nil, otherwise);
        slot
    }

    /// The slot that was found, or, from the block where it was not remembered, what a function finds; if it does not, to another
    /// block.
    fn found_or(
        &mut self,
        found: Value,
        missed: Block,
        (number, table, site): (usize, Value, Value),
        function: i32,
        otherwise: Block,
    ) -> Value {
        let join = self.builder.create_block();
        let slot = self.builder.append_block_param(join, types::I64);
        self.builder.ins().jump(join, &[found.into()]);
        self.seal(missed);
        self.builder.switch_to_block(missed);
        if !self.code.goes_on(self.outside.instruction) {
            self.leave_if_site_knows_more(number);
        }
        let prototype = i64::from(self.code.unit_of(self.outside.instruction).prototype) << layout::REFERENCE_SHIFT;
        let prototype = self.builder.ins().iadd_imm_s(self.region, prototype);
        let find = self.builder.ins().load(types::I64, of_machine(), self.machine, function);
        let arguments = [self.machine, prototype, table, site];
        let called = self.builder.ins().call_indirect(self.signatures.find_field, find, &arguments);
        let found = self.builder.inst_results(called)[0];
        self.builder.ins().brif(found, join, &[found.into()], otherwise, []);
        self.seal(join);
        self.builder.switch_to_block(join);
        slot
    }

    /// The slot of the field that an instruction is about: of the table's own, or else along `__index`, as its site has met.
    fn remembered_field(
        &mut self,
        number: usize,
        table: Value,
        site: Value,
        is_method: bool,
        otherwise: Block,
    ) -> Value {
        let state = self.site_state(number);
        match (state.own, state.other) {
            (_, false) => self.own_field(table, number, site, otherwise),
            (false, true) => self.inherited_field(table, site, is_method, otherwise),
            (true, true) => {
                let [own, inherited, join] = core::array::from_fn(|_| self.builder.create_block());
                let slot = self.builder.append_block_param(join, types::I64);
                let (is_first, is_known) = self.is_own(table, number, site);
                self.builder.ins().brif(is_known, own, [], inherited, []);
                self.seal(own);
                self.seal(inherited);
                self.builder.switch_to_block(own);
                let found = self.own_slot(table, number, site, is_first);
                self.builder.ins().jump(join, &[found.into()]);
                self.builder.switch_to_block(inherited);
                let found = self.inherited_field(table, site, is_method, otherwise);
                self.builder.ins().jump(join, &[found.into()]);
                self.seal(join);
                self.builder.switch_to_block(join);
                slot
            }
        }
    }

    /// Where a field is nil, it is so if nothing along `__index` has another value; if that is not known, to a block.
    fn check_absent(&mut self, slot: Value, found: Value, table: Value, site: Value, otherwise: Block) {
        let (nil, next) = (self.cold_block(), self.builder.create_block());
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
        self.builder.ins().brif(is_nil, nil, [], next, []);
        self.seal(nil);
        self.builder.switch_to_block(nil);
        let absent = self.builder.ins().iadd_imm_s(self.machine, i64::from(layout::NIL_SLOT));
        let is_absent = self.builder.ins().icmp(IntCC::Equal, slot, absent);
        self.go_if(is_absent, next);
        let metatable = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_METATABLE);
        let has_metatable = self.cold_block();
        self.builder.ins().brif(metatable, has_metatable, [], next, []);
        self.seal(has_metatable);
        self.builder.switch_to_block(has_metatable);
        self.check_inherited(table, site, otherwise);
        let holder = self.builder.ins().load(types::I32, of_object(), site, layout::SITE_HOLDER);
        self.builder.ins().brif(holder, otherwise, [], next, []);
        self.seal(next);
        self.builder.switch_to_block(next);
    }

    /// The address of the table in one of the function's variables.
    fn upvalue_table(&mut self, number: usize, otherwise: Block) -> Value {
        let cell = self.upvalue(number);
        let (found, payload) = self.load(cell, layout::CELL_VALUE);
        self.go_if_not(found, tag::TABLE, otherwise);
        self.object(payload)
    }

    pub(super) fn emit_get_field(&mut self, block: usize, instruction: usize) {
        let word = self.code.word(instruction);
        let is_register = word.opcode() == Opcode::get_field;
        if is_register {
            self.settle(instruction, word.b(), None);
        }
        let kinds = self.kinds_held();
        if is_register && !self.code.may_be_table(instruction, word.b(), 0, &kinds) {
            return self.perform_here();
        }
        let loaded = self.code.loaded(block, instruction, word.a());
        let otherwise = self.otherwise(loaded);
        let table = match is_register {
            true => self.table(word.b(), otherwise),
            false => self.upvalue_table(word.b_count(), otherwise),
        };
        let number = word.c_count();
        self.outside.site = Some(number);
        let site = self.site(number);
        let slot = self.field(number, table, site, false, otherwise);
        let (found, payload) = self.load(slot, 0);
        if loaded == Kind::Any {
            self.check_absent(slot, found, table, site, otherwise);
        }
        self.write_value(word.a(), loaded, found, payload, otherwise);
    }

    pub(super) fn emit_set_field(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        let is_register = word.opcode() != Opcode::set_upvalue_field;
        if is_register {
            self.settle(instruction, word.a(), None);
        }
        let kinds = self.kinds_held();
        if is_register && !self.code.may_be_table(instruction, word.a(), 0, &kinds) {
            return self.perform_here();
        }
        let slow = self.slow();
        let (table, value) = match is_register {
            true => (self.table(word.a(), slow), word.b()),
            false => (self.upvalue_table(word.b_count(), slow), word.a()),
        };
        let number = word.c_count();
        // Whatever initializes a field adds it.
        let adds = word.opcode() == Opcode::initialize_field;
        self.outside.site = (!adds).then_some(number);
        let site = self.site(number);
        let value = self.value(value);
        let state = self.site_state(number);
        match (state.own, state.other) {
            _ if adds => self.add_field(table, site, value, slow),
            (true, _) if state.crowded && state.key != 0 => {
                let missed = self.cold_block();
                let found = self.cached_own_field(state.key, table, missed);
                let otherwise = if state.other { self.builder.create_block() } else { slow };
                let slot = self.found_or(found, missed, (number, table, site), layout::FIND_TARGET, otherwise);
                self.replace_field(table, slot, value, slow);
                if state.other {
                    let join = self.builder.create_block();
                    self.builder.ins().jump(join, []);
                    self.seal(otherwise);
                    self.builder.switch_to_block(otherwise);
                    self.add_field(table, site, value, slow);
                    self.builder.ins().jump(join, []);
                    self.seal(join);
                    self.builder.switch_to_block(join);
                }
            }
            (false, true) => self.add_field(table, site, value, slow),
            (_, false) if state.second => {
                let missed = self.cold_block();
                let found = self.own_field(table, number, site, missed);
                let slot = self.found_or(found, missed, (number, table, site), layout::FIND_TARGET, slow);
                self.replace_field(table, slot, value, slow);
            }
            (_, false) => {
                let slot = self.own_field(table, number, site, slow);
                self.replace_field(table, slot, value, slow);
            }
            (true, true) => {
                let [own, added, join] = core::array::from_fn(|_| self.builder.create_block());
                let (is_first, is_known) = self.is_own(table, number, site);
                self.builder.ins().brif(is_known, own, [], added, []);
                self.seal(own);
                self.seal(added);
                self.builder.switch_to_block(own);
                let slot = self.own_slot(table, number, site, is_first);
                self.replace_field(table, slot, value, slow);
                self.builder.ins().jump(join, []);
                self.builder.switch_to_block(added);
                self.add_field(table, site, value, slow);
                self.builder.ins().jump(join, []);
                self.seal(join);
                self.builder.switch_to_block(join);
            }
        }
    }

    /// Stores into a field of a table's own.
    fn replace_field(&mut self, table: Value, slot: Value, value: (Value, Value, bool), slow: Block) {
        let found = self.builder.ins().load(types::I32, of_content(), slot, layout::TAG);
        let (nil, next) = (self.cold_block(), self.builder.create_block());
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
        self.builder.ins().brif(is_nil, nil, [], next, []);
        self.seal(nil);
        self.builder.switch_to_block(nil);
        let flags = self.builder.ins().uload8(types::I32, of_object(), table, layout::FLAGS);
        let is_prototype = self.builder.ins().band_imm_s(flags, layout::PROTOTYPE_BIT);
        self.go_if(is_prototype, slow);
        self.go_unless_wanted(table, next, slow);
        self.seal(next);
        self.builder.switch_to_block(next);
        self.store_value(table, slot, 0, value, slow);
    }

    /// Goes to a block if nobody wants to know of a field of a table that is nil and set; else to another.
    fn go_unless_wanted(&mut self, table: Value, plain: Block, slow: Block) {
        let metatable = self.builder.ins().uload32(of_object(), table, layout::TABLE_METATABLE);
        let has_metatable = self.builder.create_block();
        self.builder.ins().brif(metatable, has_metatable, [], plain, []);
        self.seal(has_metatable);
        self.builder.switch_to_block(has_metatable);
        let metatable = self.object(metatable);
        let absent = self.builder.ins().load(types::I32, of_object(), metatable, layout::TABLE_ABSENT);
        let is_absent = self.builder.ins().band_imm_s(absent, layout::NEW_INDEX_BIT);
        self.builder.ins().brif(is_absent, plain, [], slow, []);
    }

    /// Adds the field that a site remembers to have been added to tables of this shape.
    fn add_field(
        &mut self,
        table: Value,
        site: Value,
        (value_tag, payload, is_plain): (Value, Value, bool),
        slow: Block,
    ) {
        let shape = self.builder.ins().load(types::I32, of_object(), table, layout::TABLE_SHAPE);
        let known = self.builder.ins().load(types::I32, of_object(), site, layout::SITE_NEXT_SHAPE);
        let is_other = self.builder.ins().icmp(IntCC::NotEqual, shape, known);
        self.go_if(is_other, slow);
        if !is_plain {
            let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, value_tag, i64::from(tag::NIL));
            self.go_if(is_nil, slow);
        }
        // The table refers to its shape, too.
        let bits = self.builder.ins().uload8(types::I32, of_object(), table, layout::BARRIER);
        let is_wanted = self.builder.ins().band_imm_s(bits, layout::BARRIER_BIT);
        let flags = self.builder.ins().uload8(types::I32, of_object(), table, layout::FLAGS);
        let is_prototype = self.builder.ins().band_imm_s(flags, layout::PROTOTYPE_BIT);
        let either = self.builder.ins().bor(is_wanted, is_prototype);
        self.go_if(either, slow);
        let plain = self.builder.create_block();
        self.go_unless_wanted(table, plain, slow);
        self.seal(plain);
        self.builder.switch_to_block(plain);
        let fields = self.builder.ins().uload32(of_object(), table, layout::TABLE_FIELDS);
        let is_none = self.builder.ins().icmp_imm_s(IntCC::Equal, fields, 0);
        self.go_if(is_none, slow);
        let fields = self.object(fields);
        let offset = self.builder.ins().uload32(of_object(), site, layout::SITE_HOLDER_OFFSET);
        let room = self.builder.ins().uload32(of_object(), fields, layout::ARRAY_LENGTH);
        let room = self.builder.ins().ishl_imm_u(room, 4);
        let end = self.builder.ins().iadd_imm_s(room, i64::from(layout::ARRAY_PAYLOADS));
        let is_outside = self.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, offset, end);
        self.go_if(is_outside, slow);
        let shape = self.builder.ins().load(types::I32, of_object(), site, layout::SITE_HOLDER);
        self.builder.ins().store(of_object(), shape, table, layout::TABLE_SHAPE);
        let slot = self.builder.ins().iadd(fields, offset);
        self.builder.ins().store(of_content(), payload, slot, 0);
        self.builder.ins().store(of_content(), value_tag, slot, layout::TAG);
    }

    pub(super) fn emit_get_method(&mut self, instruction: usize) {
        let word = self.code.word(instruction);
        self.settle(instruction, word.b(), None);
        let kinds = self.kinds_held();
        if !self.code.may_be_table(instruction, word.b(), 0, &kinds) {
            return self.emit_string_method(instruction);
        }
        let slow = self.slow();
        let object = word.b();
        let table = self.table(object, slow);
        let number = word.c_count();
        self.outside.site = Some(number);
        let site = self.site(number);
        let slot = self.field(number, table, site, true, slow);
        let (found, payload) = self.load(slot, 0);
        let is_nil = self.builder.ins().icmp_imm_s(IntCC::Equal, found, i64::from(tag::NIL));
        self.go_if(is_nil, slow);
        // The object first: the method may take its place.
        let reference = self.read(object);
        self.write_as_any(word.a() + 2, Kind::Table, reference);
        self.write_any(word.a(), found, payload);
    }
}
