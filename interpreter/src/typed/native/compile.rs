//! Functions are compiled: what the compiler is told, and where what it gives is entered.

use super::{Callee, NativeCode, ObjectType, Refusal, Unit, report::NativeOutcome};
use crate::{
    code_cache::{BlockNumber, Owner},
    compiling::{Compiling, Task},
    machine::Machine,
    typed::forwarding::ENTRY,
};
use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};
use core::ptr;
use lunette_bytecode::{
    instruction::Word,
    typed::{
        function::{Function, Registers},
        instruction::{Opcode, OperandKind, length},
        module::HeapType,
    },
};
use lunette_gc::{
    reference::Ref,
    typed::{CanonicalType, TypedPrototype},
};

impl Machine {
    /// A function has got its code.
    pub(in crate::typed) fn compile_eagerly(&mut self, prototype: Ref<TypedPrototype>) {
        if self.native.compiling.is_eager() {
            self.compile(prototype);
        }
    }

    /// Compiles a function.
    pub(super) fn compile(&mut self, prototype: Ref<TypedPrototype>) {
        let Some(compile) = self.native.compile else { return };
        let start = self.host.monotonic();
        if !self.native.is_settled() {
            self.native.settle().into_iter().for_each(|block| self.retire(block));
        }
        let number = self.named_native(prototype);
        let owner = Owner::Typed(number as u32);
        if !self.may_compile(owner) {
            return;
        }
        let unit = Box::new(self.unit(prototype));
        let name = Vec::from(self.native.name(number as u32));
        if let Some(records) = &mut self.native.records {
            records.keep(name, Unit::clone(&unit));
        }
        self.begin_compiling(owner, Task::Typed(compile, unit), self.native.compiling, start);
    }

    /// Whether what was compiled still fits: the machine has not moved since, and there may still be guards where they are relied
    /// on.
    pub(crate) fn is_current(&self, unit: &Unit) -> bool {
        let module = Ref::<TypedPrototype>::from_units(unit.prototype).map(|prototype| self.heap.get(prototype).module);
        unit.machine == ptr::from_ref(self).addr()
            && (!unit.is_guarded || module.is_some_and(|module| self.native.may_guard(module)))
    }

    /// A function that is alive was compiled, and has its machine code installed, or not.
    pub(crate) fn install_typed(
        &mut self,
        number: u32,
        unit: Unit,
        outcome: Result<(NativeCode, BlockNumber), Refusal>,
        nanoseconds: u64,
    ) {
        let number = number as usize;
        let (native, block) = match outcome {
            Ok(compiled) => compiled,
            Err(refusal) => return self.native.refuse(number, refusal),
        };
        let mut words = unit.function.code;
        let mut entries = vec![0; words.len()];
        for (entry, &word) in (1..=u16::MAX).zip(&native.entries) {
            entries[word as usize] = entry;
            words[word as usize].0 |= ENTRY as u64;
        }
        let prototype = self.native.prototype(number);
        let Some(code) = prototype.and_then(|prototype| self.heap.get(prototype).code.get()) else { return };
        for (index, word) in words.iter().enumerate() {
            self.heap.write_bytes(code, 8 * index, &word.0.to_ne_bytes());
        }
        let outcome = NativeOutcome::Compiled { bytes: native.bytes.len(), nanoseconds };
        let place = (block, self.code.address(block));
        let before = self.native.install(number, outcome, place, entries, native.is_callable);
        if let Some(before) = before {
            self.retire(before);
        }
        self.native.note_guards(number, native.faults);
    }

    /// What the compiler needs to know of a function.
    fn unit(&mut self, prototype: Ref<TypedPrototype>) -> Unit {
        let object = self.heap.get(prototype);
        let (module, kind) = (self.heap.get(object.module), object.kind);
        let is_guarded = self.heap.has_places() && self.native.may_guard(object.module);
        let (prototypes, types) = (module.prototypes, module.types);
        let function = Function {
            registers: Registers { numbers: object.numbers.get(), references: object.references.get() },
            code: self.installed_words(prototype),
            catches: self.installed_catches(prototype),
            offsets: Vec::new(),
        };
        let (mut callees, mut called_types, mut objects) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (kind, number) in named(&function.code) {
            if kind == OperandKind::Callee {
                if let Some(callee) = self.heap.reference_at::<TypedPrototype>(prototypes, number) {
                    let function_type = self.function_type(self.heap.get(callee).kind).to_type();
                    let known = self.native_number(callee);
                    callees.insert(number, Callee { place: self.native.place(known), function_type });
                }
                continue;
            }
            let Some(named) = self.heap.reference_at(types, number) else { continue };
            if kind == OperandKind::Signature {
                called_types.insert(number, self.function_type(named).to_type());
            }
            objects.insert(number, self.object_type(named));
        }
        let function_type = self.function_type(kind).to_type();
        Unit {
            function,
            machine: ptr::from_ref(self).addr(),
            prototype: prototype.units(),
            function_type,
            is_eager: self.native.compiling.is_eager(),
            is_chaotic: self.native.compiling == Compiling::Chaos,
            is_guarded,
            callees,
            types: called_types,
            objects,
        }
    }

    fn object_type(&self, kind: Ref<CanonicalType>) -> ObjectType {
        let object = self.heap.get(kind);
        let (numbers, references) = self.heap.fields(kind);
        ObjectType {
            kind: kind.units(),
            depth: object.depth,
            is_final: object.is_final != 0,
            form: self.heap.form(kind),
            bytes: object.bytes,
            numbers: numbers.to_vec(),
            references: references.to_vec(),
        }
    }
}

/// The functions and types that a code names, by number.
fn named(code: &[Word]) -> Vec<(OperandKind, u32)> {
    let mut named = Vec::new();
    let mut at = 0;
    while let Some(length) = code.get(at..).and_then(length) {
        let words = &code[at..at + length];
        for operand in Opcode::of(words[0]).iter().flat_map(|opcode| opcode.entry().operands()) {
            let Some(number) = operand.read(words).map(|number| number as u32) else { continue };
            match operand.kind {
                OperandKind::HeapType if !HeapType::is_concrete(number) => {}
                OperandKind::Callee
                | OperandKind::Signature
                | OperandKind::Structure
                | OperandKind::Array
                | OperandKind::HeapType => named.push((operand.kind, number)),
                _ => {}
            }
        }
        at += length;
    }
    named
}
