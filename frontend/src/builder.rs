//! What the grammar's actions do: they put the tree together from the bottom up.
//!
//! Parts of a list wait on a stack of their own until the list is complete and moves to the tree in one piece. Lists
//! nest like brackets, so the parts of an inner list always lie above those of the outer one.

use crate::ast::*;
use crate::error::Failure;
use crate::memory::Memory;
use crate::operators::Pending;
use crate::strings::StringId;
use alloc::vec::Vec;
use lunette_bytecode::module::Attribute;

/// How deep statements and subexpressions may nest: what a chunk has left of the reference implementation's 200 levels
/// of C when a script loads it.
const MAX_LEVEL: u32 = 198;

/// A bracket or block that is being read.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    /// Level of the expressions directly in it.
    level: u32,
    /// Where its expression begins among the pending ones.
    pub(crate) first_pending: usize,
    /// Where its statements begin among those waiting.
    first_statement: usize,
    /// How many targets after the first its assignment has so far.
    targets: u32,
}

/// A primary expression and how many suffixes wait for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    primary: ExpressionId,
    suffixes: u32,
}

/// The parameters of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) first: LocalId,
    pub(crate) count: u32,
    pub(crate) is_variadic: bool,
}

/// Arguments of a call, with the offsets after what begins them and after their end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments {
    pub(crate) list: ListId,
    pub(crate) opening: u32,
    pub(crate) end: u32,
}

/// The state of the parser's actions.
pub(crate) struct Builder<'m> {
    pub(crate) ast: Ast,
    pub(crate) memory: &'m Memory,
    frames: Vec<Frame>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) links: Vec<Link>,
    items: Vec<u32>,
    suffixes: Vec<Suffix>,
    fields: Vec<Field>,
    clauses: Vec<Clause>,
    statements: Vec<Statement>,
    /// Whether each function that is being read is variadic.
    variadic: Vec<bool>,
}

type Done = Result<(), Failure>;

impl<'m> Builder<'m> {
    pub(crate) fn new(memory: &'m Memory) -> Result<Self, Failure> {
        let mut ast = Ast::default();
        // The empty list, and the variable outside of the main function that its upvalue is.
        memory.push(&mut ast.lists, 0)?;
        let environment = Local {
            name: StringId::ENVIRONMENT,
            position: 0,
            attribute: Attribute::Regular,
            is_captured: true,
            constant: None,
        };
        memory.push(&mut ast.locals, environment)?;
        let mut frames = Vec::new();
        memory.push(&mut frames, Frame { level: 2, first_pending: 0, first_statement: 0, targets: 0 })?;
        let mut variadic = Vec::new();
        memory.push(&mut variadic, true)?;
        Ok(Builder {
            variadic,
            ast,
            memory,
            frames,
            pending: Vec::new(),
            links: Vec::new(),
            items: Vec::new(),
            suffixes: Vec::new(),
            fields: Vec::new(),
            clauses: Vec::new(),
            statements: Vec::new(),
        })
    }

    // ---- nesting ----

    pub(crate) fn frame(&self) -> Frame {
        self.frames[self.frames.len() - 1]
    }

    /// Whether targets of an assignment after the first are being read.
    pub(crate) fn is_in_target_list(&self) -> bool {
        self.frame().targets > 0
    }

    /// Checks that an expression `inner` levels within the current frame is not too deep.
    pub(crate) fn check_level(&self, inner: u32) -> Done {
        let frame = self.frame();
        if frame.level + frame.targets + inner >= MAX_LEVEL { Err(Failure::TooDeep) } else { Ok(()) }
    }

    fn push_frame(&mut self, level: u32) -> Done {
        let frame =
            Frame { level, first_pending: self.pending.len(), first_statement: self.statements.len(), targets: 0 };
        Ok(self.memory.push(&mut self.frames, frame)?)
    }

    /// Level of the innermost subexpression that is being read.
    fn level(&self) -> u32 {
        let frame = self.frame();
        frame.level + frame.targets + (self.pending.len() - frame.first_pending).saturating_sub(1) as u32
    }

    /// Enters a bracket with expressions in it.
    pub(crate) fn enter_bracket(&mut self) -> Done {
        let level = self.level() + 1;
        if level >= MAX_LEVEL {
            return Err(Failure::TooDeep);
        }
        self.push_frame(level)
    }

    /// Enters a block of a statement.
    pub(crate) fn enter_block(&mut self) -> Done {
        let level = self.frame().level;
        // The statement stands one level above its expressions.
        if level > MAX_LEVEL {
            return Err(Failure::TooDeep);
        }
        self.push_frame(level + 1)
    }

    /// Enters an expression that is a function; the block of its body is entered next.
    pub(crate) fn enter_function(&mut self) -> Done {
        self.check_level(0)?;
        self.push_frame(self.level() + 1)
    }

    pub(crate) fn leave(&mut self) {
        self.frames.pop();
    }

    // ---- expressions ----

    pub(crate) fn node(&mut self, kind: ExpressionKind, position: u32) -> Result<ExpressionId, Failure> {
        Ok(ExpressionId(append(&mut self.ast.expressions, Expression { kind, position }, self.memory)?))
    }

    pub(crate) fn integer(&mut self, value: i64, position: u32) -> Result<ExpressionId, Failure> {
        let kind = match i32::try_from(value) {
            Ok(small) => ExpressionKind::SmallInteger(small),
            Err(_) => ExpressionKind::Integer(append(&mut self.ast.integers, value, self.memory)?),
        };
        self.node(kind, position)
    }

    pub(crate) fn float(&mut self, value: f64, position: u32) -> Result<ExpressionId, Failure> {
        let number = append(&mut self.ast.floats, value, self.memory)?;
        self.node(ExpressionKind::Float(number), position)
    }

    pub(crate) fn push_item(&mut self, expression: ExpressionId) -> Done {
        Ok(self.memory.push(&mut self.items, expression.0)?)
    }

    /// The list of the last `count` items.
    fn take_list(&mut self, count: u32) -> Result<ListId, Failure> {
        if count == 0 {
            return Ok(ListId::EMPTY);
        }
        let first = self.items.len() - count as usize;
        let list = append(&mut self.ast.lists, count, self.memory)?;
        self.memory.extend(&mut self.ast.lists, &self.items[first..])?;
        self.items.truncate(first);
        Ok(ListId(list))
    }

    pub(crate) fn parenthesized(&mut self, inner: ExpressionId, position: u32) -> Result<Prefix, Failure> {
        self.leave();
        let primary = self.node(ExpressionKind::Parenthesized(inner), position)?;
        Ok(Prefix { primary, suffixes: 0 })
    }

    pub(crate) fn named(&mut self, name: StringId, position: u32) -> Result<Prefix, Failure> {
        let primary = self.node(ExpressionKind::Name(name), position)?;
        Ok(Prefix { primary, suffixes: 0 })
    }

    pub(crate) fn suffix(&mut self, prefix: Prefix, kind: SuffixKind, position: u32) -> Result<Prefix, Failure> {
        self.memory.push(&mut self.suffixes, Suffix { kind, position })?;
        Ok(Prefix { suffixes: prefix.suffixes + 1, ..prefix })
    }

    pub(crate) fn index(&mut self, prefix: Prefix, key: ExpressionId, position: u32) -> Result<Prefix, Failure> {
        self.leave();
        self.suffix(prefix, SuffixKind::Index(key), position)
    }

    pub(crate) fn call(&mut self, prefix: Prefix, arguments: Arguments) -> Result<Prefix, Failure> {
        let Arguments { list, opening, end } = arguments;
        self.suffix(prefix, SuffixKind::Call { arguments: list, opening }, end)
    }

    /// Arguments in parentheses.
    pub(crate) fn arguments(&mut self, count: u32, opening: u32, end: u32) -> Result<Arguments, Failure> {
        self.leave();
        Ok(Arguments { list: self.take_list(count)?, opening, end })
    }

    /// A string or table as the only argument.
    pub(crate) fn argument(&mut self, value: ExpressionId, opening: u32, end: u32) -> Result<Arguments, Failure> {
        self.push_item(value)?;
        Ok(Arguments { list: self.take_list(1)?, opening, end })
    }

    /// The expression that a prefix is when no more suffixes follow.
    pub(crate) fn suffixed(&mut self, prefix: Prefix) -> Result<ExpressionId, Failure> {
        let Prefix { primary, suffixes } = prefix;
        if suffixes == 0 {
            return Ok(primary);
        }
        let first = self.suffixes.len() - suffixes as usize;
        let position = self.suffixes[self.suffixes.len() - 1].position;
        let first_suffix = self.ast.suffixes.len() as u32;
        self.memory.extend(&mut self.ast.suffixes, &self.suffixes[first..])?;
        self.suffixes.truncate(first);
        let node = Suffixed { primary, first_suffix, length: suffixes };
        let id = append(&mut self.ast.suffixed, node, self.memory)?;
        self.node(ExpressionKind::Suffixed(SuffixedId(id)), position)
    }

    pub(crate) fn push_field(&mut self, key: FieldKey, value: ExpressionId) -> Done {
        Ok(self.memory.push(&mut self.fields, Field { key, value })?)
    }

    /// The table of the last `count` fields.
    pub(crate) fn table(&mut self, count: u32, position: u32) -> Result<ExpressionId, Failure> {
        self.leave();
        let first = self.fields.len() - count as usize;
        let first_field = self.ast.fields.len() as u32;
        self.memory.extend(&mut self.ast.fields, &self.fields[first..])?;
        self.fields.truncate(first);
        let table = append(&mut self.ast.tables, (first_field, count), self.memory)?;
        self.node(ExpressionKind::Table(TableId(table)), position)
    }

    /// A function expression.
    pub(crate) fn function(&mut self, function: FunctionId, position: u32) -> Result<ExpressionId, Failure> {
        self.leave();
        self.node(ExpressionKind::Function(function), position)
    }

    // ---- declarations ----

    pub(crate) fn declare(&mut self, name: StringId, position: u32) -> Result<LocalId, Failure> {
        let local = Local { name, position, attribute: Attribute::Regular, is_captured: false, constant: None };
        Ok(LocalId(append(&mut self.ast.locals, local, self.memory)?))
    }

    /// Gives a local variable the attribute of this name, whose closing bracket ends at `position`.
    pub(crate) fn named_attribute(&mut self, local: LocalId, name: StringId, position: u32) -> Done {
        self.ast.locals[local.0 as usize].attribute = match name {
            StringId::CONST => Attribute::Constant,
            StringId::CLOSE => Attribute::ToBeClosed,
            _ => return Err(Failure::UnknownAttribute(name, position)),
        };
        Ok(())
    }

    /// The first of the `count` local variables declared last.
    pub(crate) fn first_of(&self, count: u32) -> LocalId {
        LocalId(self.ast.locals.len() as u32 - count)
    }

    /// The parameters that were declared last. The function's body follows.
    pub(crate) fn parameters(&mut self, count: u32, is_variadic: bool) -> Result<Parameters, Failure> {
        self.memory.push(&mut self.variadic, is_variadic)?;
        Ok(Parameters { first: self.first_of(count), count, is_variadic })
    }

    /// `...` as an expression, between these offsets.
    pub(crate) fn variable_arguments(&mut self, start: u32, end: u32) -> Result<ExpressionId, Failure> {
        match self.variadic.last() {
            Some(true) => self.node(ExpressionKind::VariableArguments, end),
            _ => Err(Failure::near("cannot use '...' outside a vararg function", start)),
        }
    }

    /// A function body.
    pub(crate) fn function_body(&mut self, body: FunctionBody) -> Result<FunctionId, Failure> {
        self.leave();
        self.variadic.pop();
        Ok(FunctionId(append(&mut self.ast.functions, body, self.memory)?))
    }

    // ---- statements ----

    pub(crate) fn statement(&mut self, kind: StatementKind, position: u32) -> Done {
        // A statement stands one level above its expressions.
        if self.frame().level > MAX_LEVEL {
            return Err(Failure::TooDeep);
        }
        Ok(self.memory.push(&mut self.statements, Statement { kind, position })?)
    }

    /// The block of the current frame.
    pub(crate) fn block(&mut self) -> Result<BlockId, Failure> {
        let first_waiting = self.frame().first_statement;
        let first = self.ast.statements.len() as u32;
        let length = (self.statements.len() - first_waiting) as u32;
        self.memory.extend(&mut self.ast.statements, &self.statements[first_waiting..])?;
        self.statements.truncate(first_waiting);
        Ok(BlockId(append(&mut self.ast.blocks, Block { first, length }, self.memory)?))
    }

    /// Another target of an assignment.
    pub(crate) fn push_target(&mut self, target: Prefix) -> Done {
        let target = self.suffixed(target)?;
        self.push_item(target)
    }

    /// The comma before another target.
    pub(crate) fn target_comma(&mut self) -> Done {
        if let Some(frame) = self.frames.last_mut() {
            frame.targets += 1;
            if frame.level + frame.targets > MAX_LEVEL {
                return Err(Failure::TooDeep);
            }
        }
        Ok(())
    }

    pub(crate) fn assign(&mut self, targets: u32, values: u32, position: u32) -> Done {
        let values = self.take_list(values)?;
        let targets = self.take_list(targets)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.targets = 0;
        }
        self.statement(StatementKind::Assign { targets, values }, position)
    }

    pub(crate) fn call_statement(&mut self, call: Prefix, position: u32) -> Done {
        let call = self.suffixed(call)?;
        self.statement(StatementKind::Call(call), position)
    }

    /// `local` with `count` variables from `first` on.
    pub(crate) fn local(&mut self, first: LocalId, count: u32, values: u32, position: u32) -> Done {
        let values = self.take_list(values)?;
        self.statement(StatementKind::Local { first, count, values }, position)
    }

    pub(crate) fn push_clause(&mut self, clause: Clause) -> Done {
        Ok(self.memory.push(&mut self.clauses, clause)?)
    }

    pub(crate) fn if_statement(&mut self, clauses: u32, otherwise: Option<BlockId>, position: u32) -> Done {
        let first_waiting = self.clauses.len() - clauses as usize;
        let first_clause = self.ast.clauses.len() as u32;
        self.memory.extend(&mut self.ast.clauses, &self.clauses[first_waiting..])?;
        self.clauses.truncate(first_waiting);
        let node = If { first_clause, length: clauses, otherwise };
        let id = append(&mut self.ast.ifs, node, self.memory)?;
        self.statement(StatementKind::If(IfId(id)), position)
    }

    /// A loop over the last `count` items.
    pub(crate) fn for_loop(&mut self, values: u32, mut node: For) -> Result<ForId, Failure> {
        node.values = self.take_list(values)?;
        Ok(ForId(append(&mut self.ast.fors, node, self.memory)?))
    }

    pub(crate) fn return_statement(&mut self, values: u32, position: u32) -> Done {
        let values = self.take_list(values)?;
        self.statement(StatementKind::Return(values), position)
    }
}
