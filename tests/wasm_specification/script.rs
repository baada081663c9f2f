//! Specification tests in the text format, as data for `runner.lua`.

use lunette::Data;
use wast::{
    QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, WastRet,
    core::{NanPattern, V128Pattern, WastArgCore, WastRetCore},
    token::{F32, F64, Id},
};

fn table<const N: usize>(fields: [(&str, Data); N]) -> Data {
    Data::Table(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn name(id: Option<Id<'_>>) -> Data {
    id.map_or(Data::Nil, |id| id.name().into())
}

/// The bits of a float of 32 bits when it has 64. What NaN carries must not change on the way.
fn widen(bits: u32) -> u64 {
    match f32::from_bits(bits) {
        nan if nan.is_nan() => {
            let bits = u64::from(bits);
            (bits & 1 << 31) << 32 | 0x7ff << 52 | (bits & 0x7f_ffff) << 29
        }
        number => f64::from(number).to_bits(),
    }
}

fn argument(argument: &WastArg<'_>) -> Data {
    let WastArg::Core(argument) = argument else { panic!("unknown argument: {argument:?}") };
    match argument {
        WastArgCore::I32(value) => (*value).into(),
        WastArgCore::I64(value) => (*value).into(),
        WastArgCore::F32(value) => Data::Float(f64::from_bits(widen(value.bits))),
        WastArgCore::F64(value) => Data::Float(f64::from_bits(value.bits)),
        WastArgCore::V128(value) => value.to_le_bytes()[..].into(),
        WastArgCore::RefNull(_) => Data::Nil,
        WastArgCore::RefExtern(number) | WastArgCore::RefHost(number) => Data::from_iter([(*number).into()]),
    }
}

fn invoke(invoke: &WastInvoke<'_>) -> Data {
    let arguments = (1..).map(Data::Integer).zip(invoke.args.iter().map(argument));
    table([
        ("kind", "invoke".into()),
        ("instance", name(invoke.module)),
        ("export", invoke.name.into()),
        ("count", (invoke.args.len() as i64).into()),
        ("arguments", Data::Table(arguments.filter(|(_, value)| *value != Data::Nil).collect())),
    ])
}

fn action(action: WastExecute<'_>) -> Result<Data, wast::Error> {
    Ok(match action {
        WastExecute::Invoke(call) => invoke(&call),
        WastExecute::Wat(mut module) => table([("kind", "instantiate".into()), ("file", module.encode()?.into())]),
        WastExecute::Get { module, global, .. } => {
            table([("kind", "get".into()), ("instance", name(module)), ("export", global.into())])
        }
    })
}

/// Bits, and those of them that count.
struct Pattern {
    mask: u64,
    bits: u64,
}

impl Pattern {
    fn exactly(bits: u64) -> Pattern {
        Pattern { mask: !0, bits }
    }

    fn f32(pattern: &NanPattern<F32>) -> Pattern {
        match pattern {
            NanPattern::CanonicalNan => Pattern { mask: !(1 << 31), bits: 0x7fc0_0000 },
            NanPattern::ArithmeticNan => Pattern { mask: 0x7fc0_0000, bits: 0x7fc0_0000 },
            NanPattern::Value(value) => Pattern::exactly(value.bits.into()),
        }
    }

    fn f64(pattern: &NanPattern<F64>) -> Pattern {
        match pattern {
            NanPattern::CanonicalNan => Pattern { mask: !(1 << 63), bits: 0x7ff8 << 48 },
            NanPattern::ArithmeticNan => Pattern { mask: 0x7ff8 << 48, bits: 0x7ff8 << 48 },
            NanPattern::Value(value) => Pattern::exactly(value.bits),
        }
    }

    /// A float of 32 bits as one of 64, which it is in Lua.
    fn widened(pattern: &NanPattern<F32>) -> Pattern {
        match pattern {
            NanPattern::CanonicalNan => Pattern::f64(&NanPattern::CanonicalNan),
            NanPattern::ArithmeticNan => Pattern::f64(&NanPattern::ArithmeticNan),
            NanPattern::Value(value) => Pattern::exactly(widen(value.bits)),
        }
    }
}

/// The two halves of a vector.
fn vector(pattern: &V128Pattern) -> [Pattern; 2] {
    fn halves<T>(lanes: &[T], lane: impl Fn(&T) -> Pattern) -> [Pattern; 2] {
        let width = 128 / lanes.len();
        [0, 1].map(|half| {
            let mut whole = Pattern { mask: 0, bits: 0 };
            for (index, value) in lanes[half * lanes.len() / 2..][..lanes.len() / 2].iter().enumerate() {
                let Pattern { mask, bits } = lane(value);
                let own = !0 >> (64 - width);
                whole.mask |= (mask & own) << (index * width);
                whole.bits |= (bits & own) << (index * width);
            }
            whole
        })
    }
    match pattern {
        V128Pattern::I8x16(lanes) => halves(lanes, |&lane| Pattern::exactly(lane as u64)),
        V128Pattern::I16x8(lanes) => halves(lanes, |&lane| Pattern::exactly(lane as u64)),
        V128Pattern::I32x4(lanes) => halves(lanes, |&lane| Pattern::exactly(lane as u64)),
        V128Pattern::I64x2(lanes) => halves(lanes, |&lane| Pattern::exactly(lane as u64)),
        V128Pattern::F32x4(lanes) => halves(lanes, Pattern::f32),
        V128Pattern::F64x2(lanes) => halves(lanes, Pattern::f64),
    }
}

fn patterns(kind: &str, patterns: &[Pattern]) -> Data {
    let numbers = patterns.iter().flat_map(|pattern| [pattern.mask, pattern.bits]);
    let mut fields = vec![("kind".into(), kind.into())];
    fields.extend((1..).map(Data::Integer).zip(numbers.map(|bits| Data::Integer(bits as i64))));
    Data::Table(fields)
}

fn result(expected: &WastRetCore<'_>) -> Data {
    let integer = |value: i64| table([("kind", "integer".into()), ("value", value.into())]);
    let reference = |name: &str| table([("kind", "reference".into()), ("type", name.into())]);
    match expected {
        WastRetCore::I32(value) => integer((*value).into()),
        WastRetCore::I64(value) => integer(*value),
        WastRetCore::F32(pattern) => patterns("float", &[Pattern::widened(pattern)]),
        WastRetCore::F64(pattern) => patterns("float", &[Pattern::f64(pattern)]),
        WastRetCore::V128(pattern) => patterns("vector", &vector(pattern)),
        WastRetCore::RefNull(_) => table([("kind", "null".into())]),
        WastRetCore::RefExtern(None) => table([("kind", "present".into())]),
        WastRetCore::RefExtern(Some(number)) | WastRetCore::RefHost(number) => {
            table([("kind", "host".into()), ("value", (*number).into())])
        }
        WastRetCore::RefFunc(_) => reference("func"),
        WastRetCore::RefI31 | WastRetCore::RefI31Shared => reference("i31"),
        WastRetCore::RefAny => reference("any"),
        WastRetCore::RefEq => reference("eq"),
        WastRetCore::RefStruct => reference("struct"),
        WastRetCore::RefArray => reference("array"),
        WastRetCore::Either(all) => {
            let mut fields = vec![("kind".into(), "either".into())];
            fields.extend((1..).map(Data::Integer).zip(all.iter().map(result)));
            Data::Table(fields)
        }
    }
}

fn results(expected: &[WastRet<'_>]) -> Data {
    let core = |expected: &WastRet<'_>| match expected {
        WastRet::Core(expected) => result(expected),
        other => panic!("unknown result: {other:?}"),
    };
    expected.iter().map(core).collect()
}

/// What must be refused: a file, if the text can be made one.
fn refused(line: i64, module: &mut QuoteWat<'_>) -> Option<Data> {
    let file = module.encode().ok()?;
    Some(table([("line", line.into()), ("kind", "is_refused".into()), ("file", file.into())]))
}

/// A directive of a test, in a line; `None` if it is about the text format, of which instances know nothing.
pub fn directive(line: i64, directive: WastDirective<'_>) -> Result<Option<Data>, wast::Error> {
    let line_field = ("line", Data::from(line));
    let failing = |line, action: Data, message: &str| {
        table([line, ("kind", "fails".into()), ("action", action), ("message", message.into())])
    };
    Ok(Some(match directive {
        WastDirective::Module(mut module) => {
            let name = name(module.name());
            table([line_field, ("kind", "module".into()), ("name", name), ("file", module.encode()?.into())])
        }
        WastDirective::ModuleDefinition(mut module) => {
            let name = name(module.name());
            table([line_field, ("kind", "definition".into()), ("name", name), ("file", module.encode()?.into())])
        }
        WastDirective::ModuleInstance { instance, module, .. } => {
            table([line_field, ("kind", "instance".into()), ("name", name(instance)), ("module", name(module))])
        }
        WastDirective::Register { name: registered, module, .. } => {
            table([line_field, ("kind", "register".into()), ("name", registered.into()), ("instance", name(module))])
        }
        WastDirective::Invoke(call) => table([line_field, ("kind", "act".into()), ("action", invoke(&call))]),
        WastDirective::AssertReturn { exec, results: expected, .. } => {
            table([line_field, ("kind", "returns".into()), ("action", action(exec)?), ("results", results(&expected))])
        }
        WastDirective::AssertTrap { exec, message, .. } => failing(line_field, action(exec)?, message),
        WastDirective::AssertExhaustion { call, message, .. } => failing(line_field, invoke(&call), message),
        WastDirective::AssertUnlinkable { module, message, .. } => {
            failing(line_field, action(WastExecute::Wat(module))?, message)
        }
        WastDirective::AssertException { exec, .. } => {
            table([line_field, ("kind", "throws".into()), ("action", action(exec)?)])
        }
        WastDirective::AssertInvalid { mut module, .. } | WastDirective::AssertMalformed { mut module, .. } => {
            return Ok(refused(line, &mut module));
        }
        WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => return Ok(None),
        other => panic!("unknown directive: {other:?}"),
    }))
}
