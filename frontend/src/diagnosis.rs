//! What to say about an error: the parser's state in the words of the reference implementation, and where it is.

use crate::error::{Failure, Problem, SyntaxError};
use crate::lexer::{Lexer, Spanned};
use crate::lines::LineTable;
use crate::memory::Memory;
use crate::resolver::MAX_LOCALS;
use crate::strings::{StringId, Strings};
use crate::token::{Symbol, Token};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Everything that looking up the place of an error needs.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) strings: Strings,
    pub(crate) lines: LineTable,
    pub(crate) memory: &'a Memory,
}

impl Source<'_> {
    /// A lexer that begins at the offset `position`.
    pub(crate) fn lexer(&mut self, position: u32) -> Lexer<'_> {
        Lexer::new(self.text, position as usize, &mut self.strings, &mut self.lines, self.memory)
    }

    /// Finds the place of a problem that a later stage has found.
    pub(crate) fn locate(&mut self, problem: &Problem) -> Failure {
        let mut lexer = self.lexer(problem.after);
        match lexer.next_token() {
            Err(failure) => failure,
            Ok((start, token, end)) => {
                let mut message = problem.message.clone();
                if problem.near {
                    append_near(&mut message, &lexer, start, token);
                }
                let at_end = problem.near && token == Token::EndOfSource;
                self.error(message, (start, token, end), at_end)
            }
        }
    }

    /// An error at `token`.
    fn error(&self, message: Vec<u8>, (start, _, end): Spanned, at_end: bool) -> Failure {
        Failure::Syntax(Box::new(SyntaxError {
            message,
            line: self.lines.line(end),
            column: self.lines.column(start),
            range: start as usize..end as usize,
            at_end,
        }))
    }

    /// The error of a chunk whose levels are exhausted, which has no place.
    pub(crate) fn too_deep() -> Failure {
        let message = b"C stack overflow".to_vec();
        Failure::Syntax(Box::new(SyntaxError { message, line: 0, column: 0, range: 0..0, at_end: false }))
    }

    /// The error of a variable with an unknown attribute.
    pub(crate) fn unknown_attribute(&mut self, name: StringId, position: u32) -> Failure {
        let message = [b"unknown attribute '", self.strings.get(name), b"'"].concat();
        self.locate(&Problem { message, after: position, near: false })
    }

    /// The error of a token that the grammar does not allow where these ones are `expected`.
    pub(crate) fn unexpected_token(
        &mut self,
        offender: Spanned,
        expected: &[String],
        is_in_target_list: bool,
    ) -> Failure {
        let (start, token, _) = offender;
        if let Err(failure) = self.check_local_lists(start) {
            return failure;
        }
        let complaint = match complaint(Expected(expected), token, is_in_target_list) {
            Complaint::Text(text) => text.into(),
            Complaint::Expected(what) => alloc::format!("'{what}' expected"),
            Complaint::Unclosed => match self.unclosed(offender) {
                Ok(text) => text,
                Err(failure) => return failure,
            },
        };
        let mut lexer = self.lexer(start);
        match lexer.next_token() {
            Err(failure) => failure,
            Ok(offender) => {
                let mut message = complaint.into_bytes();
                append_near(&mut message, &lexer, start, token);
                self.error(message, offender, token == Token::EndOfSource)
            }
        }
    }

    /// What to say if the innermost bracket or block before `offender` should be closed.
    fn unclosed(&mut self, (start, _, end): Spanned) -> Result<String, Failure> {
        let line = self.lines.line(end);
        let Some(Open { symbol, position, is_parameter_list, .. }) = self.innermost_open(start)? else {
            return Ok("<eof> expected".into());
        };
        let closing = match symbol {
            Symbol::ParenthesisOpen => ")",
            Symbol::BraceOpen => "}",
            Symbol::Repeat => "until",
            _ => "end",
        };
        let opening_line = self.lines.line(position);
        Ok(if opening_line == line || is_parameter_list {
            alloc::format!("'{closing}' expected")
        } else {
            alloc::format!("'{closing}' expected (to close '{}' at line {opening_line})", symbol.text())
        })
    }

    /// The error of a list of local variables before the offset `limit` that is longer than a function may have: Lua
    /// meets it before the token it is about to complain of. The resolver, which counts all variables, has not run.
    fn check_local_lists(&mut self, limit: u32) -> Result<(), Failure> {
        let mut lexer = self.lexer(0);
        let mut count = None;
        let mut previous = None;
        loop {
            let (start, token, end) = lexer.next_token()?;
            if start >= limit {
                return Ok(());
            }
            count = match (token, count) {
                (Token::Symbol(Symbol::Local), _) => Some(0),
                // Names of attributes stand after `<`.
                (Token::Name(_), Some(count)) if previous != Some(Token::Symbol(Symbol::Less)) => Some(count + 1),
                (Token::Name(_) | Token::Symbol(Symbol::Comma | Symbol::Less | Symbol::Greater), count) => count,
                _ => None,
            };
            if count > Some(MAX_LOCALS) {
                let mut message = alloc::format!("too many local variables (limit is {MAX_LOCALS}) in ");
                match self.innermost_function(start)? {
                    None => message.push_str("main function"),
                    Some(line) => message.push_str(&alloc::format!("function at line {line}")),
                }
                return Err(self.locate(&Problem { message: message.into_bytes(), after: end, near: true }));
            }
            previous = Some(token);
        }
    }

    /// The line of the innermost function at the offset `limit`; `None` in the main function.
    fn innermost_function(&mut self, limit: u32) -> Result<Option<u32>, Failure> {
        let open = self.open_at(limit)?;
        let function = open.iter().rev().find(|open| open.symbol == Symbol::Function);
        Ok(function.map(|open| self.lines.line(open.position)))
    }

    /// The innermost bracket or block that is open at the offset `limit`. All before `limit` is correct.
    fn innermost_open(&mut self, limit: u32) -> Result<Option<Open>, Failure> {
        Ok(self.open_at(limit)?.pop())
    }

    /// The brackets and blocks that are open at the offset `limit`, the innermost last.
    fn open_at(&mut self, limit: u32) -> Result<Vec<Open>, Failure> {
        let memory = self.memory;
        let mut lexer = self.lexer(0);
        let mut open: Vec<Open> = Vec::new();
        let mut previous = None;
        let mut is_local = false;
        loop {
            let (start, token, _) = lexer.next_token()?;
            if start >= limit {
                return Ok(open);
            }
            let innermost = open.last_mut();
            match token {
                Token::Symbol(Symbol::Do) if innermost.as_ref().is_some_and(|open| open.awaits_do()) => {
                    open.last_mut().into_iter().for_each(|open| open.is_head = false);
                }
                Token::Symbol(
                    symbol
                    @ (Symbol::If | Symbol::For | Symbol::While | Symbol::Repeat | Symbol::Do | Symbol::Function),
                ) => {
                    is_local = previous == Some(Token::Symbol(Symbol::Local));
                    memory.push(&mut open, Open { is_head: true, ..Open::new(symbol, start) })?;
                }
                Token::Symbol(symbol @ (Symbol::ParenthesisOpen | Symbol::BraceOpen | Symbol::BracketOpen)) => {
                    let function = innermost.filter(|open| open.symbol == Symbol::Function && open.is_head);
                    let is_parameter_list = function.is_some();
                    if let Some(function) = function {
                        function.is_head = false;
                        if !function.is_named {
                            // Functions without a name and local ones count from their parameters on.
                            function.position = start;
                        }
                    }
                    memory.push(&mut open, Open { is_parameter_list, ..Open::new(symbol, start) })?;
                }
                Token::Symbol(
                    Symbol::End | Symbol::Until | Symbol::ParenthesisClose | Symbol::BraceClose | Symbol::BracketClose,
                ) => {
                    open.pop();
                }
                Token::Name(_) if previous == Some(Token::Symbol(Symbol::Function)) && !is_local => {
                    innermost.into_iter().for_each(|function| function.is_named = true);
                }
                _ => {}
            }
            previous = Some(token);
        }
    }
}

/// Appends which token the message is about. The reference implementation takes a zero byte for no token.
fn append_near(message: &mut Vec<u8>, lexer: &Lexer, start: u32, token: Token) {
    if token != Token::Unknown(0) {
        message.extend_from_slice(b" near ");
        message.extend_from_slice(&lexer.name_token(start, token));
    }
}

/// A bracket or block that is open.
struct Open {
    symbol: Symbol,
    /// Offset that tells its line.
    position: u32,
    /// Whether the `do` of a loop or the parameters of a function are still to come.
    is_head: bool,
    /// Whether it is a function whose name is part of the statement.
    is_named: bool,
    is_parameter_list: bool,
}

impl Open {
    fn new(symbol: Symbol, position: u32) -> Self {
        Open { symbol, position, is_head: false, is_named: false, is_parameter_list: false }
    }

    fn awaits_do(&self) -> bool {
        self.is_head && matches!(self.symbol, Symbol::For | Symbol::While)
    }
}

/// The reference implementation's ways to complain about a token.
enum Complaint {
    /// These words.
    Text(&'static str),
    /// This should stand here.
    Expected(&'static str),
    /// The innermost bracket or block should be closed here.
    Unclosed,
}

/// The terminals that the grammar would have allowed.
#[derive(Clone, Copy)]
struct Expected<'a>(&'a [String]);

impl Expected<'_> {
    fn has(self, terminal: &str) -> bool {
        self.0.iter().any(|expected| expected.trim_matches('"') == terminal)
    }

    fn begins_expression(self) -> bool {
        self.has("<integer>")
    }

    fn begins_statement(self) -> bool {
        self.has("while")
    }

    /// An operand has just ended.
    fn has_operators(self) -> bool {
        self.has("+")
    }

    /// Something that can be called has just ended.
    fn has_suffixes(self) -> bool {
        self.has("<string>")
    }
}

/// Chooses the complaint about `token`. The allowed terminals tell how far the reference implementation's recursive
/// descent would have come.
fn complaint(expected: Expected, token: Token, is_in_target_list: bool) -> Complaint {
    let ends_block = matches!(
        token,
        Token::EndOfSource | Token::Symbol(Symbol::Else | Symbol::Elseif | Symbol::End | Symbol::Until)
    );
    if expected.begins_expression() {
        return Complaint::Text("unexpected symbol");
    }
    if expected.begins_statement() {
        let is_call_statement = expected.has_suffixes() && !expected.has_operators();
        return match token {
            Token::Symbol(Symbol::Equal | Symbol::Comma) if is_call_statement => Complaint::Text("syntax error"),
            _ if ends_block => Complaint::Unclosed,
            _ => Complaint::Text("unexpected symbol"),
        };
    }
    if expected.has_suffixes() && !expected.has_operators() {
        return if !expected.has(".") {
            Complaint::Text("function arguments expected")
        } else if is_in_target_list && expected.has("=") {
            Complaint::Expected("=")
        } else {
            Complaint::Text("syntax error")
        };
    }
    const SINGLE: [&str; 4] = ["then", "do", "]", "::"];
    if let Some(terminal) = SINGLE.into_iter().find(|terminal| expected.has(terminal)) {
        return Complaint::Expected(terminal);
    }
    if expected.has("<name>") {
        return Complaint::Text(match () {
            () if expected.has("...") => "<name> or '...' expected",
            () if expected.has("(") => "unexpected symbol",
            () => "<name> expected",
        });
    }
    match () {
        () if expected.has("}") => Complaint::Unclosed,
        () if expected.has(")") => Complaint::Unclosed,
        () if expected.has("end") || expected.has("until") || expected.has("<eof>") => Complaint::Unclosed,
        () if expected.has("in") && expected.has("=") => Complaint::Text("'=' or 'in' expected"),
        () if expected.has("in") => Complaint::Expected("in"),
        () if expected.has("(") && !expected.has_operators() => Complaint::Expected("("),
        () if expected.has(">") && !expected.has_operators() => Complaint::Expected(">"),
        () if expected.has(",") => Complaint::Expected(","),
        () => Complaint::Expected("="),
    }
}
