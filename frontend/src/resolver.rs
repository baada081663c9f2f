//! Finds out what each name means: which local variable, upvalue or global variable, and which label.
//!
//! The tree is changed in place. Afterwards every variable knows whether some inner function captures it, so that the
//! generator can give it a cell at once, and names of compile-time constants have turned into the constants.

use crate::ast::*;
use crate::error::Failure;
use crate::fold::Constant;
use crate::labels::{BlockStart, Goto, Labels};
use crate::lines::LineTable;
use crate::memory::Memory;
use crate::strings::{StringId, Strings};
use alloc::string::String;
use alloc::vec::Vec;
use lunette_bytecode::module::Attribute;

pub(crate) const MAX_LOCALS: u32 = 200;
const MAX_UPVALUES: u32 = 255;
/// Variables that a numeric and a generic loop keep for themselves.
pub(crate) const NUMERIC_STATE: u32 = 3;
pub(crate) const GENERIC_STATE: u32 = 4;

/// No variable.
const NONE: LocalId = LocalId(u32::MAX);
/// The variable outside of the main function that `_ENV` is.
const ENVIRONMENT: LocalId = LocalId(0);

/// A variable in scope.
#[derive(Clone, Copy)]
struct Active {
    local: LocalId,
    /// The variable of the same name that it hides.
    hidden: LocalId,
}

/// A function that is being resolved.
struct Scope {
    id: FunctionId,
    /// Where its variables begin among the active ones.
    first_active: usize,
    upvalues: Vec<Upvalue>,
    labels: Labels,
}

pub(crate) struct Resolver<'a> {
    ast: &'a mut Ast,
    strings: &'a Strings,
    lines: &'a LineTable,
    memory: &'a Memory,
    /// The innermost variable of each name.
    bindings: Vec<LocalId>,
    /// Depth of the function that declares each local variable.
    depths: Vec<u16>,
    active: Vec<Active>,
    functions: Vec<Scope>,
}

type Done = Result<(), Failure>;

/// Resolves all names of `main` and the functions in it.
pub(crate) fn resolve(
    ast: &mut Ast,
    main: FunctionId,
    strings: &Strings,
    lines: &LineTable,
    memory: &Memory,
) -> Result<(), Failure> {
    let mut bindings = Vec::new();
    memory.reserve(&mut bindings, strings.len())?;
    bindings.resize(strings.len(), NONE);
    bindings[StringId::ENVIRONMENT.0 as usize] = ENVIRONMENT;
    let mut depths = Vec::new();
    memory.reserve(&mut depths, ast.locals.len())?;
    depths.resize(ast.locals.len(), 0);
    let mut resolver =
        Resolver { ast, strings, lines, memory, bindings, depths, active: Vec::new(), functions: Vec::new() };
    resolver.function(main)?;
    memory.release(resolver.bindings);
    memory.release(resolver.depths);
    Ok(())
}

impl Resolver<'_> {
    fn function(&mut self, id: FunctionId) -> Done {
        let mut upvalues = Vec::new();
        if self.functions.is_empty() {
            self.memory.push(&mut upvalues, Upvalue { local: ENVIRONMENT, from: None })?;
        }
        let first_active = self.active.len();
        self.memory.push(&mut self.functions, Scope { id, first_active, upvalues, labels: Labels::default() })?;
        let &FunctionBody { first_parameter, parameter_count, body, end, .. } = self.ast.function(id);
        for number in 0..parameter_count {
            let parameter = LocalId(first_parameter.0 + number);
            self.check_count(1, parameter)?;
            self.declare(parameter)?;
        }
        self.block(body, None)?;
        self.hide(first_active);
        if let Some(Scope { upvalues, labels, .. }) = self.functions.pop() {
            self.check_gotos(&labels, end)?;
            self.ast.functions[id.0 as usize].upvalues = upvalues;
        }
        Ok(())
    }

    // ---- scopes ----

    fn scope(&mut self) -> &mut Scope {
        let innermost = self.functions.len() - 1;
        &mut self.functions[innermost]
    }

    /// How many variables of the function are in scope.
    fn level(&self) -> u32 {
        let first = self.functions.last().map_or(0, |scope| scope.first_active);
        (self.active.len() - first) as u32
    }

    /// Checks that there may be `additional` more variables, the last of which is `local`.
    fn check_count(&self, additional: u32, local: LocalId) -> Done {
        if self.level() + additional <= MAX_LOCALS {
            return Ok(());
        }
        let function = self.functions[self.functions.len() - 1].id;
        Err(Failure::near(self.limit_message("local variables", MAX_LOCALS, function), self.ast.local(local).position))
    }

    fn limit_message(&self, what: &str, limit: u32, function: FunctionId) -> String {
        let place = match self.ast.function(function).definition {
            None => "main function".into(),
            Some(definition) => alloc::format!("function at line {}", self.lines.line(definition)),
        };
        alloc::format!("too many {what} (limit is {limit}) in {place}")
    }

    /// Brings a variable into scope.
    fn declare(&mut self, local: LocalId) -> Done {
        self.depths[local.0 as usize] = self.functions.len() as u16;
        let binding = &mut self.bindings[self.ast.local(local).name.0 as usize];
        self.memory.push(&mut self.active, Active { local, hidden: *binding })?;
        *binding = local;
        Ok(())
    }

    /// Brings `count` variables without names that can be found into scope.
    fn declare_state(&mut self, count: u32) -> Done {
        for _ in 0..count {
            self.memory.push(&mut self.active, Active { local: NONE, hidden: NONE })?;
        }
        Ok(())
    }

    /// Ends the scope of all variables beyond the first `count`.
    fn hide(&mut self, count: usize) {
        while self.active.len() > count {
            let Some(Active { local, hidden }) = self.active.pop() else { break };
            if local != NONE {
                let name = self.ast.local(local).name;
                self.bindings[name.0 as usize] = hidden;
            }
        }
    }

    // ---- names ----

    /// The variable of this name, which ends at `position`; `None` if it is global.
    fn find(&mut self, name: StringId, position: u32) -> Result<Option<ExpressionKind>, Failure> {
        let local = self.bindings[name.0 as usize];
        if local == NONE {
            return Ok(None);
        }
        let constant = self.ast.local(local).constant;
        if constant.is_some() {
            return Ok(constant);
        }
        let depth = usize::from(self.depths[local.0 as usize]);
        if depth == self.functions.len() {
            return Ok(Some(ExpressionKind::Local(local)));
        }
        let is_found = |upvalue: &Upvalue| upvalue.local == local;
        if let Some(number) = self.scope().upvalues.iter().position(is_found) {
            return Ok(Some(ExpressionKind::Upvalue(number as u8)));
        }
        self.ast.locals[local.0 as usize].is_captured = true;
        let mut from = None;
        for function in depth..self.functions.len() {
            let upvalues = &mut self.functions[function].upvalues;
            let number = match upvalues.iter().position(is_found) {
                Some(number) => number,
                None if upvalues.len() == MAX_UPVALUES as usize => {
                    let function = self.functions[function].id;
                    return Err(Failure::near(self.limit_message("upvalues", MAX_UPVALUES, function), position));
                }
                None => {
                    self.memory.push(upvalues, Upvalue { local, from })?;
                    upvalues.len() - 1
                }
            };
            from = Some(number as u8);
        }
        Ok(from.map(ExpressionKind::Upvalue))
    }

    fn name(&mut self, name: StringId, position: u32) -> Result<ExpressionKind, Failure> {
        if let Some(kind) = self.find(name, position)? {
            return Ok(kind);
        }
        Ok(match self.find(StringId::ENVIRONMENT, position)? {
            Some(ExpressionKind::Upvalue(number)) => ExpressionKind::UpvalueGlobal(number, name),
            environment => {
                let environment = environment.unwrap_or(ExpressionKind::Nil);
                let global = append(&mut self.ast.globals, Global { environment, name }, self.memory)?;
                ExpressionKind::Global(GlobalId(global))
            }
        })
    }

    /// Checks that the variable `target` may be assigned to. `after` is the end of the token passed last.
    fn check_assignable(&self, target: ExpressionId, after: u32) -> Done {
        let ExpressionKind::Name(name) = self.ast.expression(target).kind else { return Ok(()) };
        let local = self.bindings[name.0 as usize];
        if local == NONE || self.ast.local(local).attribute == Attribute::Regular {
            return Ok(());
        }
        let message = [b"attempt to assign to const variable '", self.strings.get(name), b"'"].concat();
        Err(Failure::at(message, after))
    }

    // ---- expressions ----

    fn list(&mut self, list: ListId) -> Done {
        for number in 0..self.ast.list_length(list) {
            self.expression(self.ast.element(list, number))?;
        }
        Ok(())
    }

    fn expression(&mut self, id: ExpressionId) -> Done {
        let Expression { kind, position } = self.ast.expression(id);
        match kind {
            ExpressionKind::Name(name) => {
                let kind = self.name(name, position)?;
                self.ast.expressions[id.0 as usize].kind = kind;
            }
            ExpressionKind::Function(function) => self.function(function)?,
            ExpressionKind::Table(table) => self.table(table)?,
            ExpressionKind::Parenthesized(inner) | ExpressionKind::Unary(_, inner) => self.expression(inner)?,
            ExpressionKind::Chain(chain) => {
                let chain = self.ast.chain(chain);
                self.expression(chain.head)?;
                for number in 0..chain.length {
                    self.expression(self.ast.link(chain, number).operand)?;
                }
            }
            ExpressionKind::Suffixed(suffixed) => self.suffixed(suffixed)?,
            ExpressionKind::Nil
            | ExpressionKind::True
            | ExpressionKind::False
            | ExpressionKind::VariableArguments
            | ExpressionKind::SmallInteger(_)
            | ExpressionKind::Integer(_)
            | ExpressionKind::Float(_)
            | ExpressionKind::String(_)
            | ExpressionKind::Local(_)
            | ExpressionKind::Upvalue(_)
            | ExpressionKind::UpvalueGlobal(..)
            | ExpressionKind::Global(_) => {}
        }
        Ok(())
    }

    fn table(&mut self, id: TableId) -> Done {
        let (first, length) = self.ast.tables[id.0 as usize];
        for number in first..first + length {
            let Field { key, value } = self.ast.fields[number as usize];
            if let FieldKey::Expression(key) = key {
                self.expression(key)?;
            }
            self.expression(value)?;
        }
        Ok(())
    }

    fn suffixed(&mut self, id: SuffixedId) -> Done {
        let Suffixed { primary, first_suffix, length } = self.ast.suffixed[id.0 as usize];
        self.expression(primary)?;
        for number in first_suffix..first_suffix + length {
            match self.ast.suffixes[number as usize].kind {
                SuffixKind::Index(key) => self.expression(key)?,
                SuffixKind::Call { arguments, .. } => self.list(arguments)?,
                SuffixKind::Field(_) | SuffixKind::Method(_) => {}
            }
        }
        Ok(())
    }

    // ---- statements ----

    /// Resolves a block, and the condition after it, in its scope, if it is that of a `repeat` loop.
    fn block(&mut self, id: BlockId, condition: Option<ExpressionId>) -> Done {
        let first_active = self.active.len();
        let level = self.level();
        let start = self.scope().labels.enter_block();
        let statements = self.ast.block(id);
        let mut next = statements.start;
        while next < statements.end {
            if !self.is_label(next) {
                self.statement(next)?;
                next += 1;
                continue;
            }
            let run = next;
            while next < statements.end && self.is_label(next) {
                next += 1;
            }
            // Variables are out of scope at the end of a block, but not where a condition follows.
            let is_last = next == statements.end && condition.is_none();
            let label_level = if is_last { level } else { self.level() };
            let after = self.ast.statements[next - 1].position;
            // The reference implementation looks at the labels of a run from the last to the first.
            for statement in (run..next).rev() {
                self.label(statement, label_level, start, after)?;
            }
        }
        if let Some(condition) = condition {
            self.expression(condition)?;
        }
        self.hide(first_active);
        self.scope().labels.leave_block(start, level);
        Ok(())
    }

    fn is_label(&self, statement: usize) -> bool {
        matches!(self.ast.statements[statement].kind, StatementKind::Label { .. })
    }

    fn statement(&mut self, number: usize) -> Done {
        match self.ast.statements[number].kind {
            StatementKind::Call(call) => self.expression(call),
            StatementKind::Assign { targets, values } => {
                for number in 0..self.ast.list_length(targets) {
                    let target = self.ast.element(targets, number);
                    self.check_assignable(target, self.ast.expression(target).position)?;
                    self.expression(target)?;
                }
                self.list(values)
            }
            StatementKind::Local { first, count, values } => self.local(first, count, values),
            StatementKind::LocalFunction { local, function } => {
                self.check_count(1, local)?;
                self.declare(local)?;
                self.function(function)
            }
            StatementKind::Function { target, function, .. } => {
                self.check_assignable(target, self.ast.function(function).end)?;
                self.expression(target)?;
                self.function(function)
            }
            StatementKind::Do(body) => self.block(body, None),
            StatementKind::While { condition, body } => {
                self.expression(condition)?;
                self.looping(|resolver| resolver.block(body, None))
            }
            StatementKind::Repeat { body, condition } => self.looping(|resolver| resolver.block(body, Some(condition))),
            StatementKind::If(id) => {
                let If { first_clause, length, otherwise } = self.ast.ifs[id.0 as usize];
                for number in first_clause..first_clause + length {
                    let Clause { condition, body, .. } = self.ast.clauses[number as usize];
                    self.expression(condition)?;
                    self.block(body, None)?;
                }
                otherwise.map_or(Ok(()), |body| self.block(body, None))
            }
            StatementKind::NumericFor(id) => self.for_loop(id, NUMERIC_STATE),
            StatementKind::GenericFor(id) => self.for_loop(id, GENERIC_STATE),
            StatementKind::Goto { name, line_position } => self.goto(number, name, line_position),
            StatementKind::Break { line_position } => {
                let (level, memory) = (self.level(), self.memory);
                let labels = &mut self.scope().labels;
                if labels.loop_depth == 0 {
                    labels.push_goto(StringId::BREAK, line_position, number as u32, level, memory)?;
                }
                Ok(())
            }
            StatementKind::Return(values) => self.list(values),
            StatementKind::Label { .. } | StatementKind::ResolvedLabel(_) | StatementKind::ResolvedGoto(_) => Ok(()),
        }
    }

    fn looping(&mut self, resolve: impl FnOnce(&mut Self) -> Done) -> Done {
        self.scope().labels.loop_depth += 1;
        resolve(self)?;
        self.scope().labels.loop_depth -= 1;
        Ok(())
    }

    fn local(&mut self, first: LocalId, count: u32, values: ListId) -> Done {
        let mut is_to_be_closed = false;
        for number in 0..count {
            let local = LocalId(first.0 + number);
            self.check_count(1 + number, local)?;
            let Local { attribute, position, .. } = *self.ast.local(local);
            if attribute == Attribute::ToBeClosed {
                if is_to_be_closed {
                    return Err(Failure::at("multiple to-be-closed variables in local list", position));
                }
                is_to_be_closed = true;
            }
        }
        self.list(values)?;
        let last = LocalId(first.0 + count - 1);
        if self.ast.local(last).attribute == Attribute::Constant && self.ast.list_length(values) == count {
            let value = self.ast.constant(self.ast.element(values, count - 1));
            self.ast.locals[last.0 as usize].constant = match value {
                Some(value) => Some(self.literal(value)?),
                None => None,
            };
        }
        for number in 0..count {
            self.declare(LocalId(first.0 + number))?;
        }
        Ok(())
    }

    /// The node that stands for a constant.
    fn literal(&mut self, constant: Constant) -> Result<ExpressionKind, Failure> {
        Ok(match constant {
            Constant::Nil => ExpressionKind::Nil,
            Constant::Boolean(false) => ExpressionKind::False,
            Constant::Boolean(true) => ExpressionKind::True,
            Constant::Integer(value) => match i32::try_from(value) {
                Ok(small) => ExpressionKind::SmallInteger(small),
                Err(_) => ExpressionKind::Integer(append(&mut self.ast.integers, value, self.memory)?),
            },
            Constant::Float(value) => ExpressionKind::Float(append(&mut self.ast.floats, value, self.memory)?),
            Constant::String(id) => ExpressionKind::String(id),
        })
    }

    fn for_loop(&mut self, id: ForId, state: u32) -> Done {
        let For { first, count, values, body, .. } = self.ast.fors[id.0 as usize];
        for number in 0..count {
            self.check_count(state + 1 + number, LocalId(first.0 + number))?;
        }
        self.list(values)?;
        let first_active = self.active.len();
        let level = self.level();
        let start = self.scope().labels.enter_block();
        self.declare_state(state)?;
        for number in 0..count {
            self.declare(LocalId(first.0 + number))?;
        }
        self.looping(|resolver| resolver.block(body, None))?;
        self.hide(first_active);
        self.scope().labels.leave_block(start, level);
        Ok(())
    }

    // ---- labels ----

    /// Defines the label of a statement. `after` is the end of the token passed last.
    fn label(&mut self, statement: usize, level: u32, start: BlockStart, after: u32) -> Done {
        let StatementKind::Label { name, line_position } = self.ast.statements[statement].kind else { return Ok(()) };
        if let Some(other) = self.scope().labels.find(name) {
            let line = self.lines.line(self.ast.labels[other.0 as usize].line_position);
            let message = [b"label '", self.strings.get(name), b"' already defined on line "].concat();
            return Err(Failure::at([message, alloc::format!("{line}").into_bytes()].concat(), after));
        }
        let memory = self.memory;
        let label = LabelId(append(&mut self.ast.labels, Label { line_position, level }, memory)?);
        self.ast.statements[statement].kind = StatementKind::ResolvedLabel(label);
        self.scope().labels.define(name, label, memory)?;
        let mut intruder = None;
        while let Some(goto) = self.scope().labels.take_goto(name, start) {
            if goto.level < level {
                intruder = Some(goto);
            }
            self.ast.statements[goto.statement as usize].kind = StatementKind::ResolvedGoto(label);
        }
        intruder.map_or(Ok(()), |goto| Err(self.jump_into_scope(&goto, after)))
    }

    fn jump_into_scope(&mut self, goto: &Goto, after: u32) -> Failure {
        let first = self.scope().first_active;
        let entered = self.active.get(first + goto.level as usize).map(|active| active.local);
        let entered = entered.filter(|&local| local != NONE).map_or(StringId::FOR_STATE, |id| self.ast.local(id).name);
        let line = self.lines.line(goto.line_position);
        let middle = alloc::format!("> at line {line} jumps into the scope of local '");
        let name = self.strings.get(goto.name);
        Failure::at([b"<goto ", name, middle.as_bytes(), self.strings.get(entered), b"'"].concat(), after)
    }

    fn goto(&mut self, statement: usize, name: StringId, line_position: u32) -> Done {
        let (level, memory) = (self.level(), self.memory);
        match self.scope().labels.find(name) {
            Some(label) => self.ast.statements[statement].kind = StatementKind::ResolvedGoto(label),
            None => self.scope().labels.push_goto(name, line_position, statement as u32, level, memory)?,
        }
        Ok(())
    }

    /// Checks at the end of a function that all its gotos have labels.
    fn check_gotos(&self, labels: &Labels, after: u32) -> Done {
        let Some(goto) = labels.gotos.iter().find(|goto| !goto.is_resolved) else { return Ok(()) };
        let line = self.lines.line(goto.line_position);
        let message = if goto.name == StringId::BREAK {
            alloc::format!("break outside loop at line {line}").into_bytes()
        } else {
            let name = self.strings.get(goto.name);
            [b"no visible label '", name, alloc::format!("' for <goto> at line {line}").as_bytes()].concat()
        };
        Err(Failure::at(message, after))
    }
}
