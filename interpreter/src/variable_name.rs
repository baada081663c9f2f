//! Names for error messages: what a register or a called function is called in the source, by symbolic execution of the
//! code before the instruction that failed.

use crate::{
    closing::Afterwards,
    finish::is_consumed,
    frame::Return,
    machine::Machine,
    metamethod::{EVENTS, Event},
    traceback::FrameView,
};
use alloc::vec::Vec;
use lunette_bytecode::instruction::{Opcode, OperandKind, Word};
use lunette_gc::{function::Prototype, reference::Ref, value::Value};

/// What something is called, and what kind of name it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// `global`, `local`, `method`, `field`, `upvalue`, `constant`, `metamethod`, `for iterator`, `hook`.
    pub kind: &'static str,
    /// The name.
    pub name: Vec<u8>,
}

impl FunctionName {
    fn new(kind: &'static str, name: &[u8]) -> FunctionName {
        FunctionName { kind, name: name.to_vec() }
    }
}

struct Operands(Word);

impl Operands {
    fn a(&self) -> u32 {
        ((self.0.0 >> 16) as u16 / 16).into()
    }
    fn b(&self) -> u32 {
        ((self.0.0 >> 32) as u16 / 16).into()
    }
    fn c(&self) -> u32 {
        ((self.0.0 >> 48) as u16 / 16).into()
    }
    fn raw_b(&self) -> u32 {
        ((self.0.0 >> 32) as u16).into()
    }
    fn raw_c(&self) -> u32 {
        ((self.0.0 >> 48) as u16).into()
    }
    fn d(&self) -> u32 {
        (self.0.0 >> 32) as u32
    }
}

fn opcode_of(word: Word) -> Opcode {
    Opcode::ALL[word.opcode_number() as usize]
}

/// Whether the instruction changes the register.
fn changes(word: Word, register: u32) -> bool {
    let operands = Operands(word);
    let opcode = opcode_of(word);
    match opcode {
        Opcode::load_nil => (operands.a()..operands.a() + operands.raw_b()).contains(&register),
        Opcode::call | Opcode::tail_call | Opcode::variable_arguments | Opcode::concat => register >= operands.a(),
        Opcode::generic_for_call => register >= operands.a() + 4,
        Opcode::numeric_for_prepare | Opcode::numeric_for_loop => register == operands.a() + 3,
        Opcode::get_method => register == operands.a() || register == operands.a() + 2,
        // A cell in the place of its variable's value changes no name.
        Opcode::new_cell => false,
        _ => opcode.entry().operands.iter().any(|&operand| {
            matches!(operand.kind, OperandKind::Write | OperandKind::Update)
                && word.operand(operand) == i64::from(register)
        }),
    }
}

impl Machine {
    fn code(&self, prototype: Ref<Prototype>, number: u32) -> Word {
        let bytes = self.heap.bytes(self.heap.get(prototype).code);
        let at = number as usize * 8;
        bytes
            .get(at..at + 8)
            .map_or(Word(0), |chunk| Word(u64::from_ne_bytes(chunk.try_into().unwrap_or_default())).unmarked())
    }

    /// The last instruction before `number` that set the register for certain.
    fn setter(&self, prototype: Ref<Prototype>, number: u32, register: u32) -> Option<u32> {
        let mut setter = None;
        // Code below this may be skipped by a jump.
        let mut jump_target = 0;
        for at in 0..number {
            let word = self.code(prototype, at);
            let opcode = opcode_of(word);
            if let Some(distance) = word.jump_distance()
                && !matches!(opcode, Opcode::numeric_for_loop | Opcode::generic_for_loop | Opcode::loop_back)
            {
                let target = (i64::from(at) + 1 + distance) as u32;
                if target <= number && target > jump_target {
                    jump_target = target;
                }
            }
            if changes(word, register) {
                setter = if at < jump_target { None } else { Some(at) };
            }
        }
        setter
    }

    /// What the register is called at instruction `number`.
    pub(crate) fn register_name(&self, prototype: Ref<Prototype>, number: u32, register: u32) -> Option<FunctionName> {
        if let Some(local) = self.local_in_register(prototype, register, number) {
            return Some(FunctionName::new("local", local.name));
        }
        let setter = self.setter(prototype, number, register)?;
        let word = self.code(prototype, setter);
        let operands = Operands(word);
        match opcode_of(word) {
            Opcode::copy if operands.b() < operands.a() => self.register_name(prototype, setter, operands.b()),
            Opcode::get_upvalue_field => {
                let is_environment = self.upvalue_name(prototype, operands.raw_b()) == Some(b"_ENV");
                Some(self.field_name(prototype, operands.raw_c(), is_environment))
            }
            Opcode::get_field => {
                let is_environment = self.is_environment(prototype, setter, operands.b());
                Some(self.field_name(prototype, operands.raw_c(), is_environment))
            }
            Opcode::get_index => {
                let is_environment = self.is_environment(prototype, setter, operands.b());
                let name = match self.register_name(prototype, setter, operands.c()) {
                    Some(FunctionName { kind: "constant", name }) => name,
                    _ => b"?".to_vec(),
                };
                Some(FunctionName { kind: if is_environment { "global" } else { "field" }, name })
            }
            Opcode::get_integer => Some(FunctionName::new("field", b"integer index")),
            Opcode::get_upvalue => {
                Some(FunctionName::new("upvalue", self.upvalue_name(prototype, operands.raw_b()).unwrap_or(b"?")))
            }
            Opcode::get_cell => self
                .local_in_register(prototype, operands.b(), setter)
                .map(|local| FunctionName::new("local", local.name)),
            Opcode::load_constant => match self.heap.constants(prototype).get(operands.d() as usize)?.get() {
                Value::String(string) => Some(FunctionName::new("constant", self.bytes(string))),
                _ => None,
            },
            Opcode::get_method => {
                Some(FunctionName { kind: "method", ..self.field_name(prototype, operands.raw_c(), false) })
            }
            _ => None,
        }
    }

    fn is_environment(&self, prototype: Ref<Prototype>, number: u32, register: u32) -> bool {
        matches!(
            self.register_name(prototype, number, register),
            Some(FunctionName { kind: "local" | "upvalue", name }) if name == b"_ENV"
        )
    }

    fn field_name(&self, prototype: Ref<Prototype>, site: u32, is_environment: bool) -> FunctionName {
        let key = self.heap.site_keys(prototype).get(site as usize).copied().unwrap_or(u32::MAX);
        let name = match self.heap.constants(prototype).get(key as usize).map(|slot| slot.get()) {
            Some(Value::String(string)) => self.bytes(string),
            _ => b"?",
        };
        FunctionName::new(if is_environment { "global" } else { "field" }, name)
    }

    /// What the operand of the running instruction that holds `culprit` is called.
    pub(crate) fn operand_name(&self, culprit: Value) -> Option<FunctionName> {
        let frame = FrameView { thread: self.thread, base: self.base };
        let (prototype, number) = self.lua_position(frame)?;
        let word = self.code(prototype, number);
        let operands = Operands(word);
        let opcode = opcode_of(word);
        match opcode {
            Opcode::get_upvalue_field | Opcode::set_upvalue_field => {
                let Value::Closure(running) = self.function_of(self.base) else { return None };
                let cell = self.heap.upvalue_cells(running)[operands.raw_b() as usize].get()?;
                // What an `__index` gave has no name.
                let is_culprit = self.heap.get(cell).value.get().to_parts() == culprit.to_parts();
                let name = self.upvalue_name(prototype, operands.raw_b()).unwrap_or(b"?");
                return is_culprit.then(|| FunctionName::new("upvalue", name));
            }
            Opcode::concat => {
                let operand = |register: u32| self.slot(self.base + register);
                let mut right = operands.a() + operands.raw_b() - 1;
                while right > operands.a() && is_consumed(operand(right)) {
                    right -= 1;
                }
                // Of two operands that are the same value, the left one is meant.
                return [right.saturating_sub(1).max(operands.a()), right]
                    .into_iter()
                    .find(|&register| self.value(self.base + register).to_parts() == culprit.to_parts())
                    .and_then(|register| self.register_name(prototype, number, register));
            }
            _ => {}
        }
        for &operand in opcode.entry().operands {
            match operand.kind {
                OperandKind::Read => {
                    let register = word.operand(operand) as u32;
                    if self.value(self.base + register).to_parts() == culprit.to_parts() {
                        return self.register_name(prototype, number, register);
                    }
                }
                OperandKind::Constant | OperandKind::Number => {
                    let constant = self.heap.constants(prototype)[word.operand(operand) as usize].get();
                    if let Value::String(string) = constant
                        && constant.to_parts() == culprit.to_parts()
                    {
                        return Some(FunctionName::new("constant", self.bytes(string)));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// What the function of a frame is called where it was called.
    pub fn function_name(&self, frame: FrameView) -> Option<FunctionName> {
        let how = self.frame_return(frame);
        if how == Return::Closing {
            return Some(FunctionName::new("metamethod", b"close"));
        }
        if how == Return::Interlude {
            let mode = self.thread_slot(frame.thread, self.frame_window(frame) - 1).get();
            let finalizing = matches!(mode, Value::Integer(mode) if mode == Afterwards::GoOnFinalized as i64);
            return Some(if finalizing {
                FunctionName::new("metamethod", b"__gc")
            } else {
                FunctionName::new("hook", b"?")
            });
        }
        if self.is_tail_called(frame) {
            return None;
        }
        if let Value::NativeClosure(closure) =
            self.caller_of(frame).map_or(Value::Nil, |caller| self.frame_function(caller))
            && self.natives[self.heap.get(closure).native as usize].name == "run_finalizers"
        {
            return Some(FunctionName::new("metamethod", b"__gc"));
        }
        let caller = self.caller_of(frame)?;
        let (prototype, number) = self.lua_position(caller)?;
        self.called_name(prototype, number, how)
    }

    pub(crate) fn frame_window(&self, frame: FrameView) -> u32 {
        use crate::frame::{FRAME_SLOTS, HeaderSlot, VARIADIC, kind};
        let header = self.frame_header(frame);
        let function = frame.base - FRAME_SLOTS;
        if kind(header.tag.get()) & VARIADIC != 0 { function - header.argument_count() - FRAME_SLOTS } else { function }
    }

    /// What the function that instruction `number` calls is called.
    fn called_name(&self, prototype: Ref<Prototype>, number: u32, how: Return) -> Option<FunctionName> {
        let word = self.code(prototype, number);
        let opcode = opcode_of(word);
        match opcode {
            Opcode::call | Opcode::tail_call if how == Return::Call => {
                self.register_name(prototype, number, Operands(word).a())
            }
            Opcode::generic_for_call => Some(FunctionName::new("for iterator", b"for iterator")),
            _ => {
                let event = event_of(opcode)?;
                Some(FunctionName::new("metamethod", &EVENTS[event as usize].as_bytes()[2..]))
            }
        }
    }

    /// What the value called by the running instruction is called.
    pub(crate) fn callee_name(&self) -> Option<FunctionName> {
        let frame = FrameView { thread: self.thread, base: self.base };
        let (prototype, number) = self.lua_position(frame)?;
        self.called_name(prototype, number, Return::Call)
    }
}

/// The event whose metamethod the instruction may call.
fn event_of(opcode: Opcode) -> Option<Event> {
    use Opcode as O;
    Some(match opcode {
        O::get_field | O::get_upvalue_field | O::get_index | O::get_integer | O::get_method => Event::Index,
        O::set_field | O::initialize_field | O::set_upvalue_field | O::set_index | O::set_integer => Event::NewIndex,
        O::add | O::add_integer | O::add_constant => Event::Add,
        O::subtract | O::subtract_integer | O::subtract_constant => Event::Subtract,
        O::multiply | O::multiply_constant => Event::Multiply,
        O::divide | O::divide_constant => Event::Divide,
        O::modulo | O::modulo_constant => Event::Modulo,
        O::power | O::power_constant => Event::Power,
        O::floor_divide | O::floor_divide_constant => Event::FloorDivide,
        O::bit_and | O::bit_and_constant => Event::BitAnd,
        O::bit_or | O::bit_or_constant => Event::BitOr,
        O::bit_xor | O::bit_xor_constant => Event::BitXor,
        O::shift_left | O::shift_left_integer => Event::ShiftLeft,
        O::shift_right | O::shift_right_integer => Event::ShiftRight,
        O::negate => Event::Negate,
        O::bit_not => Event::BitNot,
        O::length => Event::Length,
        O::concat => Event::Concat,
        O::jump_equal | O::jump_not_equal => Event::Equal,
        O::jump_less
        | O::jump_not_less
        | O::jump_less_integer
        | O::jump_not_less_integer
        | O::jump_greater_integer
        | O::jump_not_greater_integer => Event::Less,
        O::jump_less_equal
        | O::jump_not_less_equal
        | O::jump_less_equal_integer
        | O::jump_not_less_equal_integer
        | O::jump_greater_equal_integer
        | O::jump_not_greater_equal_integer => Event::LessEqual,
        O::close | O::return_closing => Event::Close,
        _ => return None,
    })
}
