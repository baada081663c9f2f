//! `string.format`: reading the format string, and C's `printf` conversions of integers and strings. Floats are
//! converted by [`lunette_bytecode::float_format`].

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

    /// Whether the next piece is a directive, sound or not.
    #[inline]
    pub fn at_directive(&self) -> bool {
        matches!(self.rest, [b'%', rest @ ..] if rest.first() != Some(&b'%'))
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

/// Digits of an integer, written from the end of an array that holds the longest, 22 octal ones.
struct Digits {
    bytes: [u8; 22],
    start: usize,
}

impl Digits {
    #[inline]
    fn decimal(mut value: u64) -> Self {
        const PAIRS: &[u8; 200] = &pairs();
        let mut digits = Digits { bytes: [0; 22], start: 22 };
        while value >= 100 {
            let pair = (value % 100) as usize * 2;
            value /= 100;
            digits.push(PAIRS[pair + 1]);
            digits.push(PAIRS[pair]);
        }
        if value >= 10 {
            digits.push(b'0' + (value % 10) as u8);
            value /= 10;
        }
        digits.push(b'0' + value as u8);
        digits
    }

    fn power_of_two(mut value: u64, bits: u32, uppercase: bool) -> Self {
        let alphabet = if uppercase { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let mut digits = Digits { bytes: [0; 22], start: 22 };
        loop {
            digits.push(alphabet[(value & ((1 << bits) - 1)) as usize]);
            value >>= bits;
            if value == 0 {
                return digits;
            }
        }
    }

    #[inline(always)]
    fn push(&mut self, digit: u8) {
        self.start -= 1;
        self.bytes[self.start] = digit;
    }

    #[inline(always)]
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

const fn pairs() -> [u8; 200] {
    let mut pairs = [0; 200];
    let mut value = 0;
    while value < 100 {
        pairs[value * 2] = b'0' + (value / 10) as u8;
        pairs[value * 2 + 1] = b'0' + (value % 10) as u8;
        value += 1;
    }
    pairs
}

/// Appends `value` in decimal.
#[inline]
pub fn write_decimal(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(Digits::decimal(value.unsigned_abs()).as_bytes());
}

/// Appends `value` by one of the integer conversions. Other conversions count as [`Conversion::Decimal`].
pub fn write_integer(out: &mut Vec<u8>, value: i64, conversion: Conversion, specification: &Specification) {
    let bits = value as u64;
    let (mut prefix, digits): (&[u8], Digits) = match conversion {
        Conversion::Unsigned => (b"", Digits::decimal(bits)),
        Conversion::Octal => (b"", Digits::power_of_two(bits, 3, false)),
        Conversion::Hexadecimal { uppercase } => {
            let prefix: &[u8] = match (specification.alternate && value != 0, uppercase) {
                (false, _) => b"",
                (true, false) => b"0x",
                (true, true) => b"0X",
            };
            (prefix, Digits::power_of_two(bits, 4, uppercase))
        }
        _ => (sign(value < 0, specification), Digits::decimal(value.unsigned_abs())),
    };
    let mut digits = digits.as_bytes();
    if value == 0 && specification.precision == Some(0) {
        digits = b"";
    }
    let mut zeros = usize::from(specification.precision.unwrap_or(1)).saturating_sub(digits.len());
    if conversion == Conversion::Octal && specification.alternate && zeros == 0 && digits.first() != Some(&b'0') {
        prefix = b"0";
    }
    let length = prefix.len() + zeros + digits.len();
    let padding = usize::from(specification.width).saturating_sub(length);
    let fill_zeros = specification.zero && !specification.left && specification.precision.is_none();
    if fill_zeros {
        zeros += padding;
    } else if !specification.left {
        write_repeated(out, b' ', padding);
    }
    out.extend_from_slice(prefix);
    write_repeated(out, b'0', zeros);
    out.extend_from_slice(digits);
    if specification.left {
        write_repeated(out, b' ', padding);
    }
}

fn sign(negative: bool, specification: &Specification) -> &'static [u8] {
    match (negative, specification.plus, specification.space) {
        (true, _, _) => b"-",
        (false, true, _) => b"+",
        (false, false, true) => b" ",
        (false, false, false) => b"",
    }
}

#[inline]
fn write_repeated(out: &mut Vec<u8>, byte: u8, count: usize) {
    out.resize(out.len() + count, byte);
}

/// Appends `text` padded to the width.
fn write_padded(out: &mut Vec<u8>, text: &[u8], specification: &Specification) {
    let padding = usize::from(specification.width).saturating_sub(text.len());
    if !specification.left {
        write_repeated(out, b' ', padding);
    }
    out.extend_from_slice(text);
    if specification.left {
        write_repeated(out, b' ', padding);
    }
}

/// Appends the byte that `%c` makes of `value`.
pub fn write_character(out: &mut Vec<u8>, value: i64, specification: &Specification) {
    write_padded(out, &[value as u8], specification);
}

/// A string with zeros was given to a `%s` with a width or precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("string contains zeros")]
pub struct ContainsZeros;

/// The check that PUC Lua makes of the argument of a `%s` that is not plain, even if that is faulty.
pub fn check_zeros(text: &[u8]) -> Result<(), ContainsZeros> {
    if memchr(0, text).is_some() { Err(ContainsZeros) } else { Ok(()) }
}

/// Appends `text` as `%s` does.
#[inline]
pub fn write_string(out: &mut Vec<u8>, text: &[u8], specification: &Specification) {
    let length = specification.precision.map_or(text.len(), |precision| text.len().min(usize::from(precision)));
    write_padded(out, &text[..length], specification);
}

/// Appends an object's identity as `%p` does; none for a value without.
pub fn write_pointer(out: &mut Vec<u8>, identity: Option<u64>, specification: &Specification) {
    match identity {
        None => write_padded(out, b"(null)", specification),
        Some(identity) => {
            let specification = Specification { alternate: true, ..*specification };
            write_integer(out, identity as i64, Conversion::Hexadecimal { uppercase: false }, &specification);
        }
    }
}

/// Appends a float.
#[inline]
pub fn write_float(
    out: &mut Vec<u8>,
    value: f64,
    conversion: float_format::Conversion,
    uppercase: bool,
    specification: &Specification,
) {
    let &Specification { left, plus, space, alternate, zero, width, precision } = specification;
    let specification =
        float_format::Specification { conversion, uppercase, left, plus, space, alternate, zero, width, precision };
    out.extend_from_slice(&float_format::format(value, &specification));
}

/// Appends `text` as a literal of the language.
pub fn write_quoted_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\') || byte.is_ascii_control()) {
        out.extend_from_slice(&rest[..plain]);
        let byte = rest[plain];
        rest = &rest[plain + 1..];
        out.push(b'\\');
        match byte {
            b'"' | b'\\' | b'\n' => out.push(byte),
            // A digit that follows must not become part of the escape.
            _ => {
                let precision = if rest.first().is_some_and(u8::is_ascii_digit) { 3 } else { 1 };
                let specification = Specification { precision: Some(precision), ..Specification::default() };
                write_integer(out, i64::from(byte), Conversion::Decimal, &specification);
            }
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends `value` as a literal of the language. The least integer has no decimal literal.
pub fn write_quoted_integer(out: &mut Vec<u8>, value: i64) {
    if value == i64::MIN {
        out.extend_from_slice(b"0x8000000000000000");
    } else {
        write_decimal(out, value);
    }
}

/// Appends `value` as an expression of the language that gives it exactly.
pub fn write_quoted_float(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"(0/0)");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"1e9999" } else { b"-1e9999" });
    } else {
        let specification = float_format::Specification::new(float_format::Conversion::Hexadecimal);
        out.extend_from_slice(&float_format::format(value, &specification));
    }
}
