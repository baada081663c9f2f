//! The syntax tree: flat arrays of nodes that name each other by number.
//!
//! What a source can make long is a list here (statements of a block, operands of a chain of operators, suffixes of a
//! call or index, clauses of an `if`); only what Lua limits in depth is nested. So walks may recurse.

use crate::memory::{Memory, OutOfMemory};
use crate::strings::StringId;
use alloc::vec::Vec;
use core::ops::Range;
use lunette_bytecode::module::Attribute;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
            pub(crate) struct $name(pub(crate) u32);
        )*
    };
}

ids! {
    /// An expression.
    ExpressionId
    /// A list of numbers of expressions.
    ListId
    /// A function body.
    FunctionId
    /// A local variable.
    LocalId
    /// A label.
    LabelId
    /// A run of operators of like kind, see [`Chain`].
    ChainId
    /// A primary expression with suffixes, see [`Suffixed`].
    SuffixedId
    /// A table constructor.
    TableId
    /// An `if` statement.
    IfId
    /// A `for` loop.
    ForId
    /// A global variable whose environment is a local variable or a constant.
    GlobalId
    /// A block.
    BlockId
}

/// An expression. `position` is the offset of its end, for lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    pub(crate) position: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ExpressionKind {
    Nil,
    True,
    False,
    VariableArguments,
    SmallInteger(i32),
    /// Index into [`Ast::integers`].
    Integer(u32),
    /// Index into [`Ast::floats`].
    Float(u32),
    String(StringId),
    /// A variable that has not been resolved yet.
    Name(StringId),
    Local(LocalId),
    Upvalue(u8),
    /// A global variable whose environment is this upvalue.
    UpvalueGlobal(u8, StringId),
    Global(GlobalId),
    Function(FunctionId),
    Table(TableId),
    Parenthesized(ExpressionId),
    Unary(UnaryOperator, ExpressionId),
    Chain(ChainId),
    Suffixed(SuffixedId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Negate,
    BitNot,
    Not,
    Length,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Or,
    And,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    NotEqual,
    Equal,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Concatenate,
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

/// `((head op operand) op operand) ...`. The operators never bind tighter to the right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain {
    pub(crate) head: ExpressionId,
    pub(crate) first_link: u32,
    pub(crate) length: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) operator: BinaryOperator,
    /// Offset of the operator's end.
    pub(crate) position: u32,
    pub(crate) operand: ExpressionId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Suffixed {
    pub(crate) primary: ExpressionId,
    pub(crate) first_suffix: u32,
    pub(crate) length: u32,
}

/// `position` is the offset of the suffix's end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Suffix {
    pub(crate) kind: SuffixKind,
    pub(crate) position: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum SuffixKind {
    Field(StringId),
    Index(ExpressionId),
    /// `opening` is the offset after the parenthesis, brace or string that begins the arguments.
    Call {
        arguments: ListId,
        opening: u32,
    },
    /// `:name`; a call follows.
    Method(StringId),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) key: FieldKey,
    pub(crate) value: ExpressionId,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldKey {
    Positional,
    Name(StringId),
    Expression(ExpressionId),
}

/// A statement. `position` is the offset of its end; the statement's own offsets mean what Lua takes their lines for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) kind: StatementKind,
    pub(crate) position: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum StatementKind {
    Call(ExpressionId),
    Assign {
        targets: ListId,
        values: ListId,
    },
    Local {
        first: LocalId,
        count: u32,
        values: ListId,
    },
    LocalFunction {
        local: LocalId,
        function: FunctionId,
    },
    Function {
        target: ExpressionId,
        function: FunctionId,
        keyword: u32,
    },
    Do(BlockId),
    While {
        condition: ExpressionId,
        body: BlockId,
    },
    Repeat {
        body: BlockId,
        condition: ExpressionId,
    },
    If(IfId),
    NumericFor(ForId),
    GenericFor(ForId),
    /// `line_position` is in the line that messages name.
    Label {
        name: StringId,
        line_position: u32,
    },
    /// A label after it was resolved.
    ResolvedLabel(LabelId),
    Goto {
        name: StringId,
        line_position: u32,
    },
    /// A goto after it was resolved.
    ResolvedGoto(LabelId),
    Break {
        line_position: u32,
    },
    Return(ListId),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct If {
    pub(crate) first_clause: u32,
    pub(crate) length: u32,
    pub(crate) otherwise: Option<BlockId>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clause {
    pub(crate) condition: ExpressionId,
    pub(crate) body: BlockId,
    /// Offset of the end of `then`.
    pub(crate) position: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct For {
    pub(crate) first: LocalId,
    pub(crate) count: u32,
    /// Initial value, limit and perhaps step, or the iterator's values.
    pub(crate) values: ListId,
    pub(crate) body: BlockId,
    /// Offset of the keyword `for`, or of the first value of a generic loop.
    pub(crate) line_position: u32,
    /// Offset of the end of `do`.
    pub(crate) do_position: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) first: u32,
    pub(crate) length: u32,
}

/// A local variable, parameters included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Local {
    pub(crate) name: StringId,
    /// Offset of the end of the name.
    pub(crate) position: u32,
    pub(crate) attribute: Attribute,
    /// Whether some inner function uses it.
    pub(crate) is_captured: bool,
    /// What it stands for if it is a compile-time constant.
    pub(crate) constant: Option<ExpressionKind>,
}

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct FunctionBody {
    pub(crate) first_parameter: LocalId,
    pub(crate) parameter_count: u32,
    pub(crate) is_variadic: bool,
    pub(crate) body: BlockId,
    /// Offset whose line is the one the function is defined at; `None` in the main function.
    pub(crate) definition: Option<u32>,
    /// Offset of the end of `)`.
    pub(crate) opening: u32,
    /// Offset of the end of `end`.
    pub(crate) end: u32,
    /// Its upvalues, once resolved.
    pub(crate) upvalues: Vec<Upvalue>,
}

/// An upvalue of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upvalue {
    pub(crate) local: LocalId,
    /// The enclosing function's upvalue, or `None` if the variable is its own.
    pub(crate) from: Option<u8>,
}

/// A label that gotos have been resolved to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    /// Offset in the line of its definition.
    pub(crate) line_position: u32,
    /// How many local variables of the function are in scope at it.
    pub(crate) level: u32,
}

/// A global variable whose environment is no upvalue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Global {
    pub(crate) environment: ExpressionKind,
    pub(crate) name: StringId,
}

/// The tree.
#[derive(Default)]
pub(crate) struct Ast {
    pub(crate) expressions: Vec<Expression>,
    pub(crate) integers: Vec<i64>,
    pub(crate) floats: Vec<f64>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) links: Vec<Link>,
    pub(crate) suffixed: Vec<Suffixed>,
    pub(crate) suffixes: Vec<Suffix>,
    /// First field and number of fields.
    pub(crate) tables: Vec<(u32, u32)>,
    pub(crate) fields: Vec<Field>,
    pub(crate) functions: Vec<FunctionBody>,
    /// Lists, each led by its length.
    pub(crate) lists: Vec<u32>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) statements: Vec<Statement>,
    pub(crate) ifs: Vec<If>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) fors: Vec<For>,
    pub(crate) locals: Vec<Local>,
    pub(crate) labels: Vec<Label>,
    pub(crate) globals: Vec<Global>,
}

impl ListId {
    /// The list without elements, which every tree has.
    pub(crate) const EMPTY: ListId = ListId(0);
}

/// Appends to an array of the tree and gives the number of the new element.
pub(crate) fn append<T>(vector: &mut Vec<T>, value: T, memory: &Memory) -> Result<u32, OutOfMemory> {
    let number = u32::try_from(vector.len()).map_err(|_| OutOfMemory)?;
    memory.push(vector, value)?;
    Ok(number)
}

impl Ast {
    pub(crate) fn expression(&self, id: ExpressionId) -> Expression {
        self.expressions[id.0 as usize]
    }

    pub(crate) fn local(&self, id: LocalId) -> &Local {
        &self.locals[id.0 as usize]
    }

    pub(crate) fn function(&self, id: FunctionId) -> &FunctionBody {
        &self.functions[id.0 as usize]
    }

    pub(crate) fn chain(&self, id: ChainId) -> Chain {
        self.chains[id.0 as usize]
    }

    /// Link `number` of `chain`.
    pub(crate) fn link(&self, chain: Chain, number: u32) -> Link {
        self.links[(chain.first_link + number) as usize]
    }

    pub(crate) fn list_length(&self, id: ListId) -> u32 {
        self.lists[id.0 as usize]
    }

    /// Element `number` of a list.
    pub(crate) fn element(&self, id: ListId, number: u32) -> ExpressionId {
        ExpressionId(self.lists[(id.0 + 1 + number) as usize])
    }

    pub(crate) fn block(&self, id: BlockId) -> Range<usize> {
        let Block { first, length } = self.blocks[id.0 as usize];
        first as usize..(first + length) as usize
    }

    /// Whether the expression can give any number of values.
    pub(crate) fn is_multiple(&self, id: ExpressionId) -> bool {
        match self.expression(id).kind {
            ExpressionKind::VariableArguments => true,
            ExpressionKind::Suffixed(suffixed) => self.is_call(suffixed),
            _ => false,
        }
    }

    /// Whether the last suffix is a call.
    pub(crate) fn is_call(&self, id: SuffixedId) -> bool {
        let Suffixed { first_suffix, length, .. } = self.suffixed[id.0 as usize];
        let last = (first_suffix + length).checked_sub(1).and_then(|last| self.suffixes.get(last as usize));
        length > 0 && matches!(last, Some(Suffix { kind: SuffixKind::Call { .. }, .. }))
    }
}
