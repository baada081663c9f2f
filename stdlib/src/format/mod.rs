//! `string.format`: reading the format string, and C's `printf` conversions of integers and strings. Floats are
//! converted by [`lunette_bytecode::float_format`].

mod compiled;
mod literal;
mod write;

pub use compiled::{Content, Format, Part};
pub use literal::{write_quoted_float, write_quoted_integer, write_quoted_string};
pub use write::{
    ContainsZeros, check_zeros, write_character, write_decimal, write_float, write_integer, write_pointer, write_string,
};

use alloc::vec::Vec;
use core::fmt;
use lunette_bytecode::float_format;
use memchr::memchr;

/// The longest specification, from after its `%` to its letter.
const MAX_SPECIFICATION: usize = 21;

/// A part of a format string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'f> {
    /// Text to take as it is.
    Text(&'f [u8]),
    /// A directive, which takes an argument.
    Directive(Directive),
}

/// A directive: `%`, flags, width, precision, letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive {
    /// What the letter says.
    pub conversion: Conversion,
    /// What stands before it. PUC Lua looks at some arguments before it checks this, so an error in it waits here.
    pub specification: Result<Specification, FormatError>,
}

/// What a directive's letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// `c`: a byte.
    Character,
    /// `d`, `i`: a signed integer.
    Decimal,
    /// `u`: an unsigned integer.
    Unsigned,
    /// `o`: an unsigned integer in octal.
    Octal,
    /// `x`, `X`: an unsigned integer in hexadecimal.
    Hexadecimal {
        /// The letter is a capital.
        uppercase: bool,
    },
    /// `a`, `A`, `e`, `E`, `f`, `g`, `G`: a float.
    Float {
        /// The letter's meaning.
        conversion: float_format::Conversion,
        /// The letter is a capital.
        uppercase: bool,
    },
    /// `p`: an object's identity.
    Pointer,
    /// `q`: a value as a literal of the language.
    Quoted,
    /// `s`: a value as a string.
    String,
}

impl Conversion {
    fn from_letter(letter: u8) -> Option<Self> {
        let uppercase = letter.is_ascii_uppercase();
        let float = |conversion| Conversion::Float { conversion, uppercase };
        Some(match letter {
            b'c' => Conversion::Character,
            b'd' | b'i' => Conversion::Decimal,
            b'u' => Conversion::Unsigned,
            b'o' => Conversion::Octal,
            b'x' | b'X' => Conversion::Hexadecimal { uppercase },
            b'a' | b'A' => float(float_format::Conversion::Hexadecimal),
            b'e' | b'E' => float(float_format::Conversion::Exponent),
            b'f' => float(float_format::Conversion::Fixed),
            b'g' | b'G' => float(float_format::Conversion::General),
            b'p' => Conversion::Pointer,
            b'q' => Conversion::Quoted,
            b's' => Conversion::String,
            _ => return None,
        })
    }

    /// The flags that may be given, and whether a precision may.
    fn allows(self) -> (&'static [u8], bool) {
        match self {
            Conversion::Character | Conversion::Pointer => (b"-", false),
            Conversion::Decimal => (b"-+0 ", true),
            Conversion::Unsigned => (b"-0", true),
            Conversion::Octal | Conversion::Hexadecimal { .. } => (b"-#0", true),
            Conversion::Float { .. } => (b"-+#0 ", true),
            Conversion::Quoted => (b"", false),
            Conversion::String => (b"-", true),
        }
    }
}

/// What stands between `%` and the letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Specification {
    /// `-`: pad on the right.
    pub left: bool,
    /// `+`: a sign also for positive numbers.
    pub plus: bool,
    /// ` `: a space in place of the plus sign.
    pub space: bool,
    /// `#`: the alternate form.
    pub alternate: bool,
    /// `0`: pad with zeros after the sign.
    pub zero: bool,
    /// The least number of characters.
    pub width: u8,
    /// The precision.
    pub precision: Option<u8>,
}

impl Specification {
    /// Whether nothing stands there.
    #[inline]
    pub fn is_plain(&self) -> bool {
        *self == Specification::default()
    }

    #[inline]
    fn parse(text: &[u8], conversion: Conversion) -> Result<Self, FormatError> {
        let mut specification = Specification::default();
        if text.is_empty() {
            return Ok(specification);
        }
        if conversion == Conversion::Quoted {
            return Err(FormatError::QuotedModifiers);
        }
        let (flags, allows_precision) = conversion.allows();
        let mut rest = text;
        while let [flag, tail @ ..] = rest
            && flags.contains(flag)
        {
            let field = match flag {
                b'-' => &mut specification.left,
                b'+' => &mut specification.plus,
                b' ' => &mut specification.space,
                b'#' => &mut specification.alternate,
                _ => &mut specification.zero,
            };
            *field = true;
            rest = tail;
        }
        if rest.first() != Some(&b'0') {
            specification.width = two_digits(&mut rest);
            if let [b'.', tail @ ..] = rest
                && allows_precision
            {
                rest = tail;
                specification.precision = Some(two_digits(&mut rest));
            }
        }
        if rest.is_empty() { Ok(specification) } else { Err(FormatError::InvalidSpecification(Quote::default())) }
    }
}

/// Takes up to two digits from the start of `text`.
fn two_digits(text: &mut &[u8]) -> u8 {
    let mut value = 0;
    for _ in 0..2 {
        if let [digit @ b'0'..=b'9', rest @ ..] = *text {
            value = value * 10 + (digit - b'0');
            *text = rest;
        }
    }
    value
}

/// Why a format string is wrong. [`FormatError::write_message`] gives PUC Lua's message, which can quote any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A specification is too long.
    TooLong,
    /// The letter does not take these flags, this width or this precision.
    InvalidSpecification(Quote),
    /// There is no such letter.
    InvalidConversion(Quote),
    /// `%q` takes none.
    QuotedModifiers,
}

impl FormatError {
    /// Appends the message to `out`.
    pub fn write_message(&self, out: &mut Vec<u8>) {
        let (before, quote, after): (&[u8], &[u8], &[u8]) = match self {
            FormatError::TooLong => (b"invalid format (too long)", b"", b""),
            FormatError::InvalidSpecification(quote) => (b"invalid conversion specification: '%", quote.bytes(), b"'"),
            FormatError::InvalidConversion(quote) => (b"invalid conversion '%", quote.bytes(), b"' to 'format'"),
            FormatError::QuotedModifiers => (b"specifier '%q' cannot have modifiers", b"", b""),
        };
        for part in [before, quote, after] {
            out.extend_from_slice(part);
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut message = Vec::new();
        self.write_message(&mut message);
        formatter.write_str(&alloc::string::String::from_utf8_lossy(&message))
    }
}

impl core::error::Error for FormatError {}

/// The text of a faulty directive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    bytes: [u8; MAX_SPECIFICATION],
    length: u8,
}

impl Quote {
    /// Quotes up to the first zero, where C's strings end.
    fn new(text: &[u8]) -> Self {
        let mut quote = Quote::default();
        let end = memchr(0, text).unwrap_or(text.len()).min(MAX_SPECIFICATION);
        quote.bytes[..end].copy_from_slice(&text[..end]);
        quote.length = end as u8;
        quote
    }

    /// The text after `%`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// Reads a format string part by part.
#[derive(Clone, Debug)]
pub struct Pieces<'f> {
    rest: &'f [u8],
}

impl<'f> Pieces<'f> {
    /// The parts of `format`.
    pub fn new(format: &'f [u8]) -> Self {
        Pieces { rest: format }
    }

    /// What has not been read. PUC Lua looks for a directive's argument before it reads the directive: when this starts
    /// with a `%` that is not doubled, the next piece needs an argument.
    pub fn rest(&self) -> &'f [u8] {
        self.rest
    }

    /// The directive after a `%`.
    #[inline]
    fn directive(&mut self, text: &'f [u8]) -> Result<Directive, FormatError> {
        let length =
            text.iter().take_while(|byte| matches!(byte, b'-' | b'+' | b'#' | b' ' | b'0'..=b'9' | b'.')).count();
        if length >= MAX_SPECIFICATION {
            return Err(FormatError::TooLong);
        }
        let quote = || Quote::new(&text[..text.len().min(length + 1)]);
        let conversion = text.get(length).and_then(|&letter| Conversion::from_letter(letter));
        let conversion = conversion.ok_or_else(|| FormatError::InvalidConversion(quote()))?;
        self.rest = &text[length + 1..];
        let specification = Specification::parse(&text[..length], conversion).map_err(|error| match error {
            FormatError::InvalidSpecification(_) => FormatError::InvalidSpecification(quote()),
            other => other,
        });
        Ok(Directive { conversion, specification })
    }
}

impl<'f> Iterator for Pieces<'f> {
    type Item = Result<Piece<'f>, FormatError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.rest {
            [] => None,
            [b'%', b'%', rest @ ..] => {
                let text = &self.rest[..1];
                self.rest = rest;
                Some(Ok(Piece::Text(text)))
            }
            [b'%', rest @ ..] => {
                self.rest = &[];
                Some(self.directive(rest).map(Piece::Directive))
            }
            text => {
                let end = memchr(b'%', text).unwrap_or(text.len());
                self.rest = &text[end..];
                Some(Ok(Piece::Text(&text[..end])))
            }
        }
    }
}
