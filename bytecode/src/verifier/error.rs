//! What the verifier refuses.

use core::fmt;
use thiserror::Error;

/// Why and where a module was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct VerifyError {
    /// Number of the function.
    pub function: u32,
    /// Number of the instruction in the function, if it is one that is wrong.
    pub instruction: Option<u32>,
    /// The rule that is broken.
    pub kind: VerifyErrorKind,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "function {}", self.function)?;
        if let Some(instruction) = self.instruction {
            write!(formatter, ", instruction {instruction}")?;
        }
        write!(formatter, ": {}", self.kind)
    }
}

/// A rule that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyErrorKind {
    /// The module is empty.
    #[error("the module has no main function")]
    NoFunctions,
    /// The verifier itself got no memory.
    #[error("not enough memory to verify the module")]
    OutOfMemory,
    /// More than [`crate::instruction::MAX_REGISTERS`].
    #[error("{0} registers are too many")]
    TooManyRegisters(u16),
    /// A parameter would have no register.
    #[error("more parameters than registers")]
    ParametersBeyondRegisters,
    /// More than [`super::MAX_UPVALUES`].
    #[error("{0} upvalues are too many")]
    TooManyUpvalues(usize),
    /// The function has no instruction.
    #[error("no code")]
    NoCode,
    /// The instructions cannot be reached by jumps any more.
    #[error("too many instructions")]
    TooMuchCode,
    /// The line table does not fit the code.
    #[error("the number of lines differs from that of instructions")]
    LinesDiffer,
    /// A local variable lies outside of the frame.
    #[error("register of local variable {0} out of range")]
    LocalRegister(usize),
    /// A local variable is visible outside of the code.
    #[error("extent of local variable {0} out of range")]
    LocalExtent(usize),
    /// A site's key is no string.
    #[error("the key of site {0} is no string constant")]
    SiteKey(usize),
    /// No instruction closes over the function.
    #[error("no function closes over this one")]
    Orphan,
    /// An upvalue comes from nowhere.
    #[error("upvalue {0} is captured from what the enclosing function does not have")]
    Capture(usize),
    /// `closure` of a function that is not there.
    #[error("there is no function {0}")]
    NoSuchFunction(u32),
    /// `closure` of the function itself or one before it.
    #[error("function {0} does not come after the one that closes over it")]
    ClosureOfEarlierFunction(u32),
    /// Two functions close over the same one.
    #[error("function {0} is closed over by two functions")]
    SharedFunction(u32),

    /// Not in the instruction table.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u8),
    /// Bits that mean nothing: in unused fields, between scaled operands, in flags.
    #[error("the word has bits set that are not part of its operands")]
    StrayBits,
    /// A register operand, or what the instruction touches beyond them.
    #[error("register {0} out of range")]
    Register(u64),
    /// More registers in use after the instruction than there are.
    #[error("{0} registers cannot be in use")]
    Live(u64),
    /// A constant operand.
    #[error("there is no constant {0}")]
    Constant(u64),
    /// A constant that should be a number.
    #[error("constant {0} is no number")]
    ConstantKind(u64),
    /// An upvalue operand.
    #[error("there is no upvalue {0}")]
    Upvalue(u64),
    /// A site operand.
    #[error("there is no site {0}")]
    Site(u64),
    /// A site may have only one instruction.
    #[error("site {0} is used by another instruction as well")]
    SharedSite(u64),
    /// Every site must have an instruction.
    #[error("site {0} is used by no instruction")]
    UnusedSite(usize),
    /// A count below what the instruction needs.
    #[error("the count is too small")]
    Count,

    /// A jump out of the function.
    #[error("the jump leaves the function")]
    JumpTarget,
    /// Only back-edges, which poll, may go backward.
    #[error("this instruction may not jump backward")]
    BackwardJump,
    /// A back-edge that goes forward.
    #[error("this instruction must jump backward")]
    ForwardBackEdge,
    /// The last instruction lets control go on.
    #[error("control falls off the end of the function")]
    FallsOffEnd,
    /// An open list that is not taken by the next instruction.
    #[error("the open list is not used by the next instruction")]
    OpenListUnused,
    /// An instruction that takes an open list where none is, or one that begins after the list.
    #[error("no open list to use here")]
    NoOpenList,
    /// A jump to an instruction that takes an open list.
    #[error("jump into the middle of an open list")]
    JumpToOpenList,
    /// A loop instruction without its counterparts.
    #[error("the instruction is not part of a complete loop")]
    BrokenLoop,
}
