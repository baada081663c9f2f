//! Where values are when instructions need them: in registers, put there if they are not, and where results go.

use super::{
    Translator,
    code::{NUMBER_BYTES, REFERENCE_BYTES},
    locals::{Local, is_far},
    stack::{Entry, Source},
};
use lunette_bytecode::typed::{
    function::{GlobalKind, Registers},
    instruction::{Opcode, OperandKind},
};

/// More values than these that branches take along are copied as one.
const FEW: usize = 4;

/// A number register as an operand.
pub(super) fn number(register: u32) -> u16 {
    (register * NUMBER_BYTES) as u16
}

/// A reference register as an operand.
pub(super) fn reference(register: u32) -> u16 {
    (register * REFERENCE_BYTES) as u16
}

/// A register of this kind as an operand.
pub(super) fn operand(kind: GlobalKind, register: u32) -> u16 {
    if kind == GlobalKind::Reference { reference(register) } else { number(register) }
}

/// How operands are called that write registers of this kind.
fn write_kind(kind: GlobalKind) -> OperandKind {
    match kind {
        GlobalKind::Number => OperandKind::NumberWrite,
        GlobalKind::Vector => OperandKind::VectorWrite,
        GlobalKind::Reference => OperandKind::ReferenceWrite,
    }
}

impl Translator<'_> {
    /// Pushes a value; its home.
    #[inline]
    pub(super) fn push(&mut self, kind: GlobalKind, source: Source) -> u32 {
        let home = self.stack.push(kind, source);
        while let Some(index) = self.stack.too_deep() {
            self.send_home(index);
        }
        home
    }

    /// Puts a value of the stack into its home.
    pub(super) fn send_home(&mut self, index: usize) {
        if let Some(entry) = self.stack.entry(index) {
            self.move_to(entry, entry.home);
            self.stack.set_home(index);
        }
    }

    /// Puts the top values into their homes.
    pub(super) fn send_top_home(&mut self, count: usize) {
        let height = self.stack.height();
        for index in height.saturating_sub(count)..height {
            self.send_home(index);
        }
    }

    /// Puts values below this height into their homes that are in locals: what follows may set those, and need not run.
    pub(super) fn leave_locals(&mut self, height: usize) {
        let mut from = 0;
        while let Some(index) = self.stack.in_local(from, height) {
            self.send_home(index);
            from = index + 1;
        }
        self.stack.raise_floor(height);
    }

    /// Loads bits into a register.
    pub(super) fn load(&mut self, register: u32, bits: u64) {
        if let Ok(integer) = i32::try_from(bits as i64) {
            self.code.ad(Opcode::load_integer, number(register), integer as u32);
        } else if let Ok(unsigned) = u32::try_from(bits) {
            self.code.ad(Opcode::load_unsigned, number(register), unsigned);
        } else {
            self.code.abc(Opcode::load_constant, number(register), 0, 0);
            self.code.literal(bits);
        }
    }

    /// Puts a value into a near register; nothing happens if it is there.
    pub(super) fn move_to(&mut self, entry: Entry, register: u32) {
        let from = match entry.source {
            Source::Constant(bits) => return self.load(register, bits),
            Source::Home => entry.home,
            Source::Local(from) => from,
        };
        if from != register {
            self.copy(entry.kind, register, from);
        }
    }

    fn copy(&mut self, kind: GlobalKind, to: u32, from: u32) {
        let opcode = match kind {
            GlobalKind::Number => Opcode::copy,
            GlobalKind::Vector => Opcode::copy_vector,
            GlobalKind::Reference => Opcode::copy_reference,
        };
        self.code.abc(opcode, operand(kind, to), operand(kind, from), 0);
    }

    /// A value's register. A constant gets into its home.
    pub(super) fn register(&mut self, entry: Entry) -> u32 {
        match entry.source {
            Source::Home => entry.home,
            Source::Local(register) => register,
            Source::Constant(bits) => {
                self.load(entry.home, bits);
                entry.home
            }
        }
    }

    /// Pops a value; its register as an operand.
    pub(super) fn pop(&mut self) -> u16 {
        let entry = self.stack.pop();
        operand(entry.kind, self.register(entry))
    }

    /// As `register`, for an operand of which only the low half is looked at: that of a wrapped integer will do.
    pub(super) fn low_register(&mut self, entry: Entry) -> u32 {
        if entry.source == Source::Home
            && let Some(last) = self.code.last()
            && last.opcode == Opcode::i32_wrap
            && last.a == number(entry.home)
        {
            self.code.remove_last();
            return u32::from(last.b) / NUMBER_BYTES;
        }
        self.register(entry)
    }

    /// Has the latest instruction write its result, which is `entry` that was popped, to `register` at once. Whether it
    /// could be done.
    pub(super) fn redirect(&mut self, entry: Entry, register: u32) -> bool {
        entry.source == Source::Home
            && self.code.redirect_last(
                write_kind(entry.kind),
                operand(entry.kind, entry.home),
                operand(entry.kind, register),
            )
    }

    /// `local.get`
    pub(super) fn get_local(&mut self, local: u32) {
        let Local { kind, register } = self.locals.get(local);
        self.note_local(kind, register, false);
        if !is_far(kind, register) {
            self.push(kind, Source::Local(register));
            return;
        }
        let home = self.push_home(kind);
        match kind {
            GlobalKind::Reference => self.code.ad(Opcode::copy_reference_from_far, reference(home), register),
            _ => self.code.ad(Opcode::copy_from_far, number(home), register),
        }
        if kind == GlobalKind::Vector {
            self.code.ad(Opcode::copy_from_far, number(home + 1), register + 1);
        }
    }

    /// `local.set`, and `local.tee`, which keeps the value on the stack.
    pub(super) fn set_local(&mut self, local: u32, keeps: bool) {
        let Local { kind, register } = self.locals.get(local);
        self.note_local(kind, register, true);
        let mut entry = self.stack.pop();
        if is_far(kind, register) {
            let from = self.register(entry);
            match kind {
                GlobalKind::Reference => self.code.ad(Opcode::copy_reference_to_far, reference(from), register),
                _ => self.code.ad(Opcode::copy_to_far, number(from), register),
            }
            if kind == GlobalKind::Vector {
                self.code.ad(Opcode::copy_to_far, number(from + 1), register + 1);
            }
            // A constant was loaded to its home, and may as well be read from there.
        } else if let Some(index) = self.stack.in_this_local(register, kind == GlobalKind::Reference) {
            // The old value is still wanted.
            self.send_home(index);
            while let Some(index) = self.stack.in_this_local(register, kind == GlobalKind::Reference) {
                self.send_home(index);
            }
            self.move_to(entry, register);
        } else if self.redirect(entry, register) {
            entry.source = Source::Local(register);
        } else {
            self.move_to(entry, register);
        }
        if keeps {
            self.push(kind, entry.source);
        }
    }

    fn note_local(&mut self, kind: GlobalKind, register: u32, is_write: bool) {
        if kind != GlobalKind::Reference {
            let own = register.checked_sub(self.locals.parameters().numbers);
            self.first_writes.note(own, is_write);
            if kind == GlobalKind::Vector {
                self.first_writes.note(own.map(|own| own + 1), is_write);
            }
        }
    }

    /// Has the top values ready to be taken along by a branch, which may be one of many: many values go to their homes.
    pub(super) fn prepare_values(&mut self, count: usize) {
        if count > FEW {
            self.send_top_home(count);
        }
    }

    /// Whether the top values are where they should be if their homes began at `base`.
    pub(super) fn are_in_place(&self, count: usize, base: Registers) -> bool {
        let top = self.stack.top(count);
        top.iter().all(|entry| entry.source == Source::Home)
            && homes(top, base).all(|(entry, register)| entry.home == register)
    }

    /// Copies the top values to where their homes would be if they began at `base`. The stack stays as it is; the homes
    /// are those of values that are done with. They are at most as high as the values' own, so that no value is
    /// overwritten that is still to be copied.
    pub(super) fn copy_values(&mut self, count: usize, base: Registers) {
        if count > FEW {
            self.copy_many(count, base);
            return;
        }
        let mut moves = [None; FEW];
        for (slot, pair) in moves.iter_mut().zip(homes(self.stack.top(count), base)) {
            *slot = Some(pair);
        }
        for (entry, register) in moves.into_iter().flatten() {
            self.move_to(entry, register);
        }
    }

    /// As `copy_values`, for values that are in their homes.
    fn copy_many(&mut self, count: usize, base: Registers) {
        let top = self.stack.top(count);
        let mut size = Registers::default();
        let (mut first_number, mut first_reference) = (None, None);
        for entry in top {
            let own = entry.size();
            size = Registers { numbers: size.numbers + own.numbers, references: size.references + own.references };
            match entry.kind {
                GlobalKind::Reference => first_reference = first_reference.or(Some(entry.home)),
                _ => first_number = first_number.or(Some(entry.home)),
            }
        }
        if let Some(first) = first_number.filter(|&first| first != base.numbers) {
            self.code.abc(Opcode::copy_numbers, number(base.numbers), number(first), size.numbers as u16);
        }
        if let Some(first) = first_reference.filter(|&first| first != base.references) {
            self.code.abc(
                Opcode::copy_references,
                reference(base.references),
                reference(first),
                size.references as u16,
            );
        }
    }
}

/// Each value with the register that would be its home if the homes began at `base`.
pub(super) fn homes(entries: &[Entry], base: Registers) -> impl Iterator<Item = (Entry, u32)> {
    let mut next = base;
    entries.iter().map(move |&entry| {
        let size = entry.size();
        let register = if entry.kind == GlobalKind::Reference { next.references } else { next.numbers };
        next = Registers { numbers: next.numbers + size.numbers, references: next.references + size.references };
        (entry, register)
    })
}
