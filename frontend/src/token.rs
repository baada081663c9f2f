//! The tokens of Lua.

use crate::strings::StringId;

/// A token with its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token {
    Name(StringId),
    String(StringId),
    Integer(i64),
    Float(f64),
    /// A keyword or an operator, by its number among [`Symbol`].
    Symbol(Symbol),
    /// A byte that begins no token of Lua.
    Unknown(u8),
    EndOfSource,
}

macro_rules! symbols {
    ($($name:ident $text:literal)*) => {
        /// The tokens of fixed spelling.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Symbol {
            $(#[doc = $text] $name,)*
        }

        impl Symbol {
            /// How it is written.
            pub(crate) fn text(self) -> &'static str {
                match self {
                    $(Symbol::$name => $text,)*
                }
            }
        }
    };
}

symbols! {
    And "and"
    Break "break"
    Do "do"
    Else "else"
    Elseif "elseif"
    End "end"
    False "false"
    For "for"
    Function "function"
    Goto "goto"
    If "if"
    In "in"
    Local "local"
    Nil "nil"
    Not "not"
    Or "or"
    Repeat "repeat"
    Return "return"
    Then "then"
    True "true"
    Until "until"
    While "while"
    Plus "+"
    Minus "-"
    Star "*"
    Slash "/"
    SlashSlash "//"
    Percent "%"
    Caret "^"
    Hash "#"
    Ampersand "&"
    Tilde "~"
    Pipe "|"
    LessLess "<<"
    GreaterGreater ">>"
    EqualEqual "=="
    TildeEqual "~="
    LessEqual "<="
    GreaterEqual ">="
    Less "<"
    Greater ">"
    Equal "="
    ParenthesisOpen "("
    ParenthesisClose ")"
    BraceOpen "{"
    BraceClose "}"
    BracketOpen "["
    BracketClose "]"
    ColonColon "::"
    Semicolon ";"
    Colon ":"
    Comma ","
    Dot "."
    DotDot ".."
    Ellipsis "..."
}

/// The keyword that `name` is, if it is one.
pub(crate) fn keyword(name: &[u8]) -> Option<Symbol> {
    Some(match name {
        b"and" => Symbol::And,
        b"break" => Symbol::Break,
        b"do" => Symbol::Do,
        b"else" => Symbol::Else,
        b"elseif" => Symbol::Elseif,
        b"end" => Symbol::End,
        b"false" => Symbol::False,
        b"for" => Symbol::For,
        b"function" => Symbol::Function,
        b"goto" => Symbol::Goto,
        b"if" => Symbol::If,
        b"in" => Symbol::In,
        b"local" => Symbol::Local,
        b"nil" => Symbol::Nil,
        b"not" => Symbol::Not,
        b"or" => Symbol::Or,
        b"repeat" => Symbol::Repeat,
        b"return" => Symbol::Return,
        b"then" => Symbol::Then,
        b"true" => Symbol::True,
        b"until" => Symbol::Until,
        b"while" => Symbol::While,
        _ => return None,
    })
}
