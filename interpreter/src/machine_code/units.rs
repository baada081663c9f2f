//! What the compiler is told of a function: its code, what its instructions have met, and the functions that it calls and that
//! may be compiled in the place of the calls.

use super::{KnownCallee, Local, NativeCallee, SiteState, Template, Unit, tier::GENERATIONS};
use crate::{debug_info::CaptureTable, dispatch::state::Operands, feedback::Callee, machine::Machine, slow};
use alloc::{collections::BTreeMap, vec::Vec};
use lunette_bytecode::{
    instruction::{Opcode, Word},
    module::Capture,
};
use lunette_gc::{
    function::{Prototype, Site},
    reference::Ref,
    value::Value,
};

/// Functions of so many instructions may be compiled in the place of calls, so many instructions in all and so far within each
/// other.
const MOST_INLINED: usize = 30;
const MOST_INLINED_IN_ALL: usize = 200;
const MOST_DEPTH: usize = 3;

/// The function that is compiled, for those that are compiled in it.
struct Root<'r> {
    /// How often compiled code has to have been left at an instruction for it to go on there.
    often: u32,
    /// Whether it is compiled for the last time.
    is_last: bool,
    /// How many instructions may be added to it.
    room: &'r mut usize,
}

impl Machine {
    /// What the compiler needs to know of a function.
    pub(super) fn lua_unit(&mut self, prototype: Ref<Prototype>) -> Unit {
        let number = self.lua_number(prototype);
        let record = self.lua.record(number);
        let (often, is_last) = (record.often, record.generation + 1 >= GENERATIONS);
        let mut room = MOST_INLINED_IN_ALL;
        self.unit_within(&mut Root { often, is_last, room: &mut room }, prototype, &mut Vec::new())
    }

    /// The same, within `callers`.
    fn unit_within(
        &mut self,
        root: &mut Root<'_>,
        prototype: Ref<Prototype>,
        callers: &mut Vec<Ref<Prototype>>,
    ) -> Unit {
        let number = self.lua_number(prototype);
        self.note_sites(prototype, number);
        let function = self.function_of_prototype(prototype);
        callers.push(prototype);
        let callees = self.callees(root, prototype, number, &function.code, callers);
        callers.pop();
        let known_callees = self.known_callees(prototype, &function.code);
        let event_key = |&at: &u32| {
            let event = slow::event_of(function.code[at as usize])?;
            Some((at, self.event_name(event).units()))
        };
        let events = callees.keys().filter_map(event_key).collect();
        let object = self.heap.get(prototype);
        let record = self.lua.record(number);
        let instructions = 0..function.code.len() as u32;
        let goes_on = |at| root.is_last || record.exits.get(&at).is_some_and(|&count| count >= root.often);
        let feedback = self.feedback_of(prototype);
        let native_callee = |(number, word): (usize, &Word)| {
            let calls = [Opcode::call as u8, Opcode::tail_call as u8, Opcode::generic_for_call as u8];
            let is_call = calls.contains(&word.opcode_number());
            let Some(Callee::Native(native)) = feedback.filter(|_| is_call)?.callee(number) else { return None };
            let function = self.natives.get(native as usize)?;
            let (is_quick, builtin, role) = (function.quick.is_some(), function.builtin, function.role);
            let is_short = is_quick || builtin.is_some() || role.is_some();
            is_short.then_some((number as u32, NativeCallee { native, is_quick, builtin, role }))
        };
        Unit {
            number,
            code_start: object.code.units() + 1,
            prototype: prototype.units(),
            register_count: object.register_count,
            parameter_count: object.parameter_count,
            is_variadic: object.is_variadic != 0,
            is_chunk: object.is_variadic != 0 && object.number == 0 && !record.is_called_often(),
            entry_cost: object.entry_cost,
            constants: self.heap.constants(prototype).iter().map(|slot| (slot.tag.get(), slot.payload.get())).collect(),
            closures: self.templates(prototype, &function.code),
            callees,
            events,
            known_callees,
            native_callees: function.code.iter().enumerate().filter_map(native_callee).collect(),
            sites: record.sites.clone(),
            seen: instructions
                .clone()
                .map(|at| feedback.map_or_else(Default::default, |feedback| feedback.operands(at as usize)))
                .collect(),
            goes_on: instructions.map(goes_on).collect(),
            locals: function
                .locals
                .iter()
                .map(|local| Local { register: local.register, scope: local.start..local.end })
                .collect(),
            is_eager: self.lua.compiling().is_eager(),
            is_chaotic: self.lua.compiling().is_chaotic(),
            code: function.code,
        }
    }

    /// The functions that are called and may be compiled in the place of the calls, or of arithmetic whose metamethod they are:
    /// small ones without loops, which were seen to be the only ones that are called there.
    fn callees(
        &mut self,
        root: &mut Root<'_>,
        prototype: Ref<Prototype>,
        number: u32,
        code: &[Word],
        callers: &mut Vec<Ref<Prototype>>,
    ) -> BTreeMap<u32, Unit> {
        let mut callees = BTreeMap::new();
        if callers.len() > MOST_DEPTH {
            return callees;
        }
        for (at, &word) in code.iter().enumerate() {
            let is_called = slow::event_of(word).is_some() || is_closed_call(word);
            let Some(callee) = self.only_callee(prototype, at, word).filter(|_| is_called) else { continue };
            if self.lua.record(number).exits.get(&(at as u32)).is_some_and(|&count| count >= root.often) {
                continue;
            }
            let object = self.heap.get(callee);
            let words = self.heap.get(object.code).length() as usize / 8;
            if words > MOST_INLINED.min(*root.room) || object.is_variadic != 0 || callers.contains(&callee) {
                continue;
            }
            if !may_be_inlined(&self.function_of_prototype(callee).code) {
                continue;
            }
            *root.room -= words;
            let unit = self.unit_within(root, callee, callers);
            let mut tail_calls = (0..).zip(&unit.code).filter(|(_, word)| is_tail_call(**word)).map(|(at, _)| at);
            let is_quick = |at: u32| unit.calls_quick(at as usize);
            if tail_calls.all(|at| unit.callees.contains_key(&at) || is_quick(at)) {
                callees.insert(at as u32, unit);
            }
        }
        callees
    }

    /// The functions without further arguments that were seen to be the only ones that are called somewhere.
    fn known_callees(&mut self, prototype: Ref<Prototype>, code: &[Word]) -> BTreeMap<u32, KnownCallee> {
        let mut known = BTreeMap::new();
        for at in (0..code.len()).filter(|&at| code[at].opcode_number() == Opcode::call as u8) {
            let Some(callee) = self.only_callee(prototype, at, code[at]) else { continue };
            let object = self.heap.get(callee);
            let (parameter_count, is_variadic) = (object.parameter_count, object.is_variadic != 0);
            if !is_variadic {
                let number = self.lua_number(callee);
                known.insert(at as u32, KnownCallee { number, prototype: callee.units(), parameter_count });
            }
        }
        known
    }

    /// The function of Lua that was seen to be the only one that is called at an instruction, a metamethod where it is arithmetic.
    fn only_callee(&self, prototype: Ref<Prototype>, at: usize, word: Word) -> Option<Ref<Prototype>> {
        let feedback = self.feedback_of(prototype)?;
        let callee = match slow::event_of(word) {
            Some(_) => feedback.metamethod(at),
            None => feedback.callee(at),
        };
        let Some(Callee::Lua(callee)) = callee else { return None };
        let functions = self.heap.refs(self.heap.get(prototype).module);
        Some(functions.get(callee as usize)?.get()?.cast())
    }

    /// Adds what a function's sites remember to what they did when it was compiled before.
    fn note_sites(&mut self, prototype: Ref<Prototype>, number: u32) {
        let sites = self.heap.sites(prototype);
        let short_key = |site: &Site| match self.heap.constants(prototype)[site.key_number() as usize].get() {
            Value::String(key) if self.heap.get(key).is_short() => key.units(),
            _ => 0,
        };
        let known = &mut self.lua.record_mut(number).sites;
        known.resize(sites.len(), SiteState::default());
        for (known, site) in known.iter_mut().zip(sites.iter().rev()) {
            known.own |= site.shape.get().is_some();
            known.second |= site.other_shape.get().is_some();
            known.other |= site.next_shape.get().is_some();
            known.crowded |= site.key.get() & Site::CROWDED != 0;
            known.key = short_key(site);
        }
    }

    /// What the closures of a function are made of.
    fn templates(&self, prototype: Ref<Prototype>, code: &[Word]) -> BTreeMap<u32, Template> {
        let functions = self.heap.refs(self.heap.get(prototype).module);
        let closures = code.iter().filter(|word| word.opcode_number() == Opcode::closure as u8);
        let template = |word: &Word| {
            let reference: Ref<Prototype> = functions.get(word.d() as usize)?.get()?.cast();
            let object = self.heap.get(reference);
            let captures: Vec<Capture> = match object.captures {
                Some(captures) => CaptureTable::new(self.heap.bytes(captures)).collect(),
                None => Vec::new(),
            };
            let is_whole = captures.len() == usize::from(object.upvalue_count);
            is_whole.then(|| (word.d(), Template { prototype: reference.units(), captures }))
        };
        closures.filter_map(template).collect()
    }
}

/// Whether it is a call whose arguments are known in number, and the results if they are given to its function.
fn is_closed_call(word: Word) -> bool {
    word.b() != 0 && (word.opcode_number() == Opcode::call as u8 && word.c() != 0 || is_tail_call(word))
}

fn is_tail_call(word: Word) -> bool {
    word.opcode_number() == Opcode::tail_call as u8
}

/// Whether a function may be compiled in the place of a call: it gives results of a known number, or those of a tail call, and is
/// not worth being entered in the middle.
fn may_be_inlined(code: &[Word]) -> bool {
    use Opcode::*;
    code.iter().enumerate().all(|(at, &word)| match Opcode::from_number(word.opcode_number()) {
        Some(
            return_closing | to_be_closed | close | variable_arguments | loop_back | numeric_for_prepare
            | generic_for_prepare,
        )
        | None => false,
        Some(return_values) => word.b() != 0 || at.checked_sub(1).is_some_and(|before| is_tail_call(code[before])),
        Some(_) => true,
    })
}
