//! The lines of a text: the module's, its functions' and their parts'.

use super::code::Code;
use super::tokens::{Token, Tokens};
use super::{AssembleError, AssembleErrorKind};
use crate::module::{Attribute, Bytes, Capture, Constant, Function, Local, Module, Upvalue};
use crate::number::{Number, parse_number};
use alloc::{string::String, vec::Vec};
use core::str::{FromStr, Lines};

/// Reads a text line by line.
pub(super) struct Parser<'text> {
    lines: Lines<'text>,
    /// Number of the line that was read last.
    line: u32,
}

impl<'text> Parser<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        Parser { lines: text.lines(), line: 0 }
    }

    /// The next line that is not blank; `None` at the end of the text.
    fn next_line(&mut self) -> Option<Tokens<'text>> {
        loop {
            self.line += 1;
            let tokens = Tokens::new(self.lines.next()?, self.line);
            if !tokens.is_at_end() {
                return Some(tokens);
            }
        }
    }

    fn expect_line(&mut self, expected: &'static str) -> Result<Tokens<'text>, AssembleError> {
        match self.next_line() {
            Some(tokens) => Ok(tokens),
            None => Err(AssembleError { line: self.line, column: 1, kind: AssembleErrorKind::Expected(expected) }),
        }
    }

    pub(super) fn module(&mut self) -> Result<Module, AssembleError> {
        let mut tokens = self.expect_line("`module`")?;
        expect_keyword(&mut tokens, "module", "`module`")?;
        let mut module = Module { source: bytes(&mut tokens)?, functions: Vec::new() };
        tokens.end()?;
        while let Some(mut tokens) = self.next_line() {
            expect_keyword(&mut tokens, "function", "`function`")?;
            expect_number(&mut tokens, "f", module.functions.len())?;
            tokens.end()?;
            module.functions.push(self.function()?);
        }
        Ok(module)
    }

    fn function(&mut self) -> Result<Function, AssembleError> {
        const EXPECTED: &str = "a part of a function or `code`";
        let mut function = Function::default();
        loop {
            let mut tokens = self.expect_line(EXPECTED)?;
            let start = tokens.position();
            match tokens.word(EXPECTED)? {
                "defined" => {
                    function.line_defined = number(&mut tokens, "")?;
                    function.last_line_defined = number(&mut tokens, "")?;
                }
                "parameters" => {
                    function.parameter_count = number(&mut tokens, "")?;
                    if !tokens.is_at_end() {
                        expect_keyword(&mut tokens, "variadic", "`variadic`")?;
                        function.is_variadic = true;
                    }
                }
                "registers" => function.register_count = number(&mut tokens, "")?,
                "upvalue" => {
                    expect_number(&mut tokens, "u", function.upvalues.len())?;
                    function.upvalues.push(upvalue(&mut tokens)?);
                }
                "constant" => {
                    expect_number(&mut tokens, "k", function.constants.len())?;
                    function.constants.push(constant(&mut tokens)?);
                }
                "site" => {
                    expect_number(&mut tokens, "site", function.sites.len())?;
                    function.sites.push(number(&mut tokens, "k")?);
                }
                "local" => function.locals.push(Local {
                    name: name(&mut tokens)?,
                    register: number(&mut tokens, "r")?,
                    start: number(&mut tokens, "")?,
                    end: number(&mut tokens, "")?,
                }),
                "code" => {
                    tokens.end()?;
                    self.code(&mut function)?;
                    return Ok(function);
                }
                _ => return Err(tokens.error_at(start, AssembleErrorKind::Expected(EXPECTED))),
            }
            tokens.end()?;
        }
    }

    fn code(&mut self, function: &mut Function) -> Result<(), AssembleError> {
        const EXPECTED: &str = "an instruction, a label, `line` or `end`";
        let mut code = Code::default();
        loop {
            let mut tokens = self.expect_line(EXPECTED)?;
            let start = tokens.position();
            match tokens.word(EXPECTED)? {
                "end" => {
                    tokens.end()?;
                    return code.finish(function);
                }
                "line" => {
                    let line = number(&mut tokens, "")?;
                    code.set_line(line).map_err(|kind| tokens.error_at(start, kind))?;
                }
                word => match word.strip_suffix(':') {
                    Some(label) => code.define_label(label).map_err(|kind| tokens.error_at(start, kind))?,
                    None => code.instruction(word, start, &mut tokens)?,
                },
            }
            tokens.end()?;
        }
    }
}

fn expect_keyword(tokens: &mut Tokens<'_>, keyword: &str, expected: &'static str) -> Result<(), AssembleError> {
    let start = tokens.position();
    if tokens.word(expected)? == keyword {
        return Ok(());
    }
    Err(tokens.error_at(start, AssembleErrorKind::Expected(expected)))
}

/// A number with `prefix` before it.
pub(super) fn number<T: FromStr>(tokens: &mut Tokens<'_>, prefix: &'static str) -> Result<T, AssembleError> {
    let expected = match prefix {
        "" => "a number",
        "r" => "a register, such as `r0`",
        "k" => "a constant, such as `k0`",
        "site" => "a site, such as `site0`",
        "u" => "an upvalue, such as `u0`",
        "f" => "a function, such as `f0`",
        _ => "a number, such as `#0`",
    };
    let start = tokens.position();
    let error = |tokens: &Tokens<'_>, kind| Err(tokens.error_at(start, kind));
    let Some(digits) = tokens.word(expected)?.strip_prefix(prefix) else {
        return error(tokens, AssembleErrorKind::Expected(expected));
    };
    let magnitude = digits.strip_prefix('-').unwrap_or(digits);
    if magnitude.is_empty() || !magnitude.bytes().all(|byte| byte.is_ascii_digit()) {
        return error(tokens, AssembleErrorKind::Expected(expected));
    }
    match digits.parse() {
        Ok(number) => Ok(number),
        Err(_) => error(tokens, AssembleErrorKind::OutOfRange),
    }
}

/// The number of an element, which has to be `next`.
fn expect_number(tokens: &mut Tokens<'_>, prefix: &'static str, next: usize) -> Result<(), AssembleError> {
    let start = tokens.position();
    if number::<usize>(tokens, prefix)? == next {
        return Ok(());
    }
    Err(tokens.error_at(start, AssembleErrorKind::WrongNumber(next)))
}

fn bytes(tokens: &mut Tokens<'_>) -> Result<Bytes, AssembleError> {
    let start = tokens.position();
    match tokens.next()? {
        Some(Token::String(bytes)) => Ok(bytes.into()),
        _ => Err(tokens.error_at(start, AssembleErrorKind::Expected("a string"))),
    }
}

fn name(tokens: &mut Tokens<'_>) -> Result<String, AssembleError> {
    let start = tokens.position();
    String::from_utf8(bytes(tokens)?.into()).map_err(|_| tokens.error_at(start, AssembleErrorKind::InvalidName))
}

fn upvalue(tokens: &mut Tokens<'_>) -> Result<Upvalue, AssembleError> {
    let name = name(tokens)?;
    let mut probe = tokens.clone();
    let capture = if matches!(probe.next()?, Some(Token::Word(word)) if word.starts_with('u')) {
        Capture::Upvalue(number(tokens, "u")?)
    } else {
        Capture::Register(number(tokens, "r")?)
    };
    let mut attribute = Attribute::Regular;
    if !tokens.is_at_end() {
        const EXPECTED: &str = "`constant` or `to_be_closed`";
        let start = tokens.position();
        attribute = match tokens.word(EXPECTED)? {
            "constant" => Attribute::Constant,
            "to_be_closed" => Attribute::ToBeClosed,
            _ => return Err(tokens.error_at(start, AssembleErrorKind::Expected(EXPECTED))),
        };
    }
    Ok(Upvalue { name, capture, attribute })
}

fn constant(tokens: &mut Tokens<'_>) -> Result<Constant, AssembleError> {
    let start = tokens.position();
    let constant = match tokens.next()? {
        Some(Token::String(bytes)) => Some(Constant::String(bytes.into())),
        Some(Token::Word("nil")) => Some(Constant::Nil),
        Some(Token::Word("true")) => Some(Constant::Boolean(true)),
        Some(Token::Word("false")) => Some(Constant::Boolean(false)),
        Some(Token::Word("inf")) => Some(Constant::Float(f64::INFINITY)),
        Some(Token::Word("-inf")) => Some(Constant::Float(f64::NEG_INFINITY)),
        Some(Token::Word(word)) => match word.strip_prefix("nan:0x") {
            Some(bits) => u64::from_str_radix(bits, 16)
                .ok()
                .map(f64::from_bits)
                .filter(|value| value.is_nan())
                .map(Constant::Float),
            None => parse_number(word.as_bytes()).map(|number| match number {
                Number::Integer(value) => Constant::Integer(value),
                Number::Float(value) => Constant::Float(value),
            }),
        },
        _ => None,
    };
    constant.ok_or_else(|| tokens.error_at(start, AssembleErrorKind::Expected("a constant")))
}
