//! Runs generated WebAssembly modules in Lunette and in wasmtime, and compares results, traps, memories and globals.
//!
//!   against-wasmtime [SECONDS [SEED]]     ends with status 1 at the first difference, and keeps the module in a file
//!
//! Every exported function whose parameters are numbers is called with several lists of arguments, in the same order on
//! both sides. Loops end because the generator counts their rounds; where a stack is exhausted, the module is left.

use arbitrary::Unstructured;
use lunette::{AsContext, Configuration, Engine as Lunette, Jit, Value, Variadic, webassembly};
use std::{
    error::Error,
    time::{Duration, Instant},
};
use wasm_smith::{Config, Module as Generated};
use wasmtime::{Engine, ExternType, Instance, Module, Store, Val, ValType};

/// The calls of each function.
const CALLS: usize = 3;
/// Rounds of loops and calls that a generated module may make.
const ROUNDS: u32 = 1000;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A sequence of numbers from a seed: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number that is often at an edge of something.
    fn interesting(&mut self) -> u64 {
        const EDGES: [u64; 12] = [
            0,
            1,
            u64::MAX,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            i64::MAX as u64,
            1 << 63,
            0x3ff0_0000_0000_0000,
            0x7ff0_0000_0000_0000,
            0x3f80_0000,
            0x7f80_0000,
        ];
        match self.next() % 4 {
            0 => EDGES[(self.next() % EDGES.len() as u64) as usize],
            1 => self.next() % 70_000,
            _ => self.next(),
        }
    }
}

fn configuration(random: &mut Random) -> Config {
    let few = |random: &mut Random, most: u64| (random.next() % (most + 1)) as usize;
    Config {
        allow_start_export: false,
        canonicalize_nans: true,
        export_everything: true,
        exceptions_enabled: false,
        max_exports: 100,
        max_funcs: 1 + few(random, 15),
        min_funcs: 1,
        max_imports: 0,
        max_instructions: 20 + few(random, 400),
        max_memories: few(random, 2),
        max_memory32_bytes: 1 << 20,
        max_memory64_bytes: 1 << 20,
        max_tables: few(random, 2),
        max_table_elements: 1000,
        memory64_enabled: random.next().is_multiple_of(4),
        memory_max_size_required: true,
        relaxed_simd_enabled: false,
        simd_enabled: random.next().is_multiple_of(2),
        gc_enabled: random.next().is_multiple_of(2),
        table_max_size_required: true,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        compact_imports_enabled: false,
        ..Config::default()
    }
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(60), |text| text.parse())?;
    let first: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let mut settings = wasmtime::Config::new();
    settings
        .wasm_memory64(true)
        .wasm_multi_memory(true)
        .wasm_function_references(true)
        .wasm_gc(true)
        .wasm_tail_call(true);
    // The generator gives NaN one form, but where formats change: there both do what the processor does.
    settings.wasm_wide_arithmetic(false).cranelift_nan_canonicalization(false);
    let engine = Engine::new(&settings)?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut modules, mut calls) = (0_u64, 0_u64);
    for seed in first.. {
        if Instant::now() > end {
            break;
        }
        let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let bytes: Vec<u8> = (0..4096).flat_map(|_| random.next().to_le_bytes()).collect();
        let mut input = Unstructured::new(&bytes);
        let Ok(mut generated) = Generated::new(configuration(&mut random), &mut input) else { continue };
        if generated.ensure_termination(ROUNDS).is_err() {
            continue;
        }
        let file = generated.to_bytes();
        match compare(&engine, &file, &mut random) {
            Ok(made) => calls += made,
            Err(difference) => {
                let path = std::env::temp_dir().join(format!("difference-{seed}.wasm"));
                std::fs::write(&path, &file)?;
                return Err(format!("seed {seed}: {difference}; the module is in {}", path.display()).into());
            }
        }
        modules += 1;
    }
    println!("{modules} modules, {calls} calls: no difference");
    Ok(())
}

/// What a call came to, in a form that is the same for both.
#[derive(Clone, Debug, PartialEq)]
enum CallOutcome {
    Values(Vec<Bits>),
    Trap(&'static str),
    /// A stack or a memory came to its end, which the specification leaves open.
    Exhausted,
}

/// A value: bits of numbers; of references only whether they are null.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bits {
    Number(u64),
    Vector(u128),
    Reference(bool),
}

/// The kinds of traps by words that both have in their messages.
const TRAPS: [(&str, &str); 14] = [
    // There it says "undefined element: out of bounds table access" in either case.
    ("undefined element", "beyond a table"),
    ("out of bounds memory access", "out of bounds memory access"),
    ("out of bounds table access", "beyond a table"),
    ("out of bounds array access", "out of bounds array access"),
    ("uninitialized element", "uninitialized element"),
    ("indirect call type mismatch", "indirect call type mismatch"),
    ("integer divide by zero", "integer divide by zero"),
    ("integer overflow", "integer overflow"),
    ("invalid conversion to integer", "invalid conversion to integer"),
    ("unreachable", "unreachable"),
    ("cast failure", "cast failure"),
    ("null", "null reference"),
    ("allocation size too large", "allocation size too large"),
    ("undefined table", "beyond a table"),
];

fn trap_of(message: &str) -> Option<CallOutcome> {
    let is_exhausted = ["stack", "not enough memory", "GC heap", "allocation", "limit"];
    if is_exhausted.iter().any(|word| message.contains(word)) {
        return Some(CallOutcome::Exhausted);
    }
    TRAPS.iter().find(|(word, _)| message.contains(word)).map(|&(_, kind)| CallOutcome::Trap(kind))
}

fn compare(engine: &Engine, file: &[u8], random: &mut Random) -> Outcome<u64> {
    let module = Module::new(engine, file).map_err(|error| format!("wasmtime refuses it: {error:#}"))?;
    let mut store = Store::new(engine, ());
    let theirs = Instance::new(&mut store, &module, &[]);
    let jit = [Jit::Off, Jit::Eager, Jit::Eager, Jit::Chaos][random.next() as usize % 4];
    let mut instance = Lunette::new(Configuration::new().memory_limit(256 << 20).jit(jit)).instantiate()?;
    let ours =
        webassembly::Module::new(&mut instance, file, "=m").map_err(|error| format!("Lunette refuses it: {error}"))?;
    let ours = ours.instantiate(&mut instance, None);
    let (theirs, ours) = match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => (theirs, ours),
        (Err(their), Err(our)) => {
            let (their, our) = (trap_of(&format!("{their:?}")), trap_of(&our.to_string()));
            return if their == our || [&their, &our].contains(&&Some(CallOutcome::Exhausted)) {
                Ok(0)
            } else {
                Err(format!("instantiation: {their:?} there, {our:?} here").into())
            };
        }
        (Ok(_), Err(error)) => {
            return match trap_of(&error.to_string()) {
                Some(CallOutcome::Exhausted) => Ok(0),
                _ => Err(format!("instantiation fails here only: {error}").into()),
            };
        }
        (Err(error), Ok(_)) => return Err(format!("instantiation fails there only: {error:?}").into()),
    };
    let mut calls = 0;
    for export in module.exports() {
        let ExternType::Func(kind) = export.ty() else { continue };
        let parameters: Vec<ValType> = kind.params().collect();
        let is_number = |kind: &ValType| !matches!(kind, ValType::Ref(_));
        if !parameters.iter().all(is_number) {
            continue;
        }
        for _ in 0..CALLS {
            let bits: Vec<(u64, u64)> = parameters.iter().map(|_| (random.interesting(), random.next())).collect();
            let name = export.name();
            let their = call_theirs(&mut store, &theirs, name, &parameters, &bits, kind.results().len())?;
            let our = call_ours(&mut instance, &ours, name, &parameters, &bits, &kind.results().collect::<Vec<_>>())?;
            calls += 1;
            if their == CallOutcome::Exhausted || our == CallOutcome::Exhausted {
                return Ok(calls);
            }
            if their != our {
                return Err(format!("{name}{bits:x?}: {their:x?} there, {our:x?} here").into());
            }
            compare_state(&module, &mut store, &theirs, &mut instance, &ours)
                .map_err(|error| format!("after {name}{bits:x?}: {error}"))?;
        }
    }
    Ok(calls)
}

fn call_theirs(
    store: &mut Store<()>,
    theirs: &Instance,
    name: &str,
    parameters: &[ValType],
    bits: &[(u64, u64)],
    results: usize,
) -> Outcome<CallOutcome> {
    let function = theirs.get_func(&mut *store, name).ok_or("no such function there")?;
    let values: Vec<Val> = parameters
        .iter()
        .zip(bits)
        .map(|(kind, &(low, high))| match kind {
            ValType::I32 => Val::I32(low as i32),
            ValType::I64 => Val::I64(low as i64),
            ValType::F32 => Val::F32(quiet32(low as u32)),
            ValType::F64 => Val::F64(quiet64(low)),
            _ => Val::V128((u128::from(low) | u128::from(high) << 64).into()),
        })
        .collect();
    let mut given = vec![Val::I32(0); results];
    Ok(match function.call(&mut *store, &values, &mut given) {
        Ok(()) => CallOutcome::Values(given.iter().map(their_bits).collect()),
        Err(error) => {
            let message = format!("{error:?}");
            trap_of(&message).ok_or_else(|| format!("a trap of which nothing is known: {message}"))?
        }
    })
}

fn their_bits(value: &Val) -> Bits {
    match value {
        Val::I32(value) => Bits::Number(*value as u32 as u64),
        Val::I64(value) => Bits::Number(*value as u64),
        Val::F32(bits) => Bits::Number(quiet32(*bits).into()),
        Val::F64(bits) => Bits::Number(quiet64(*bits)),
        Val::V128(value) => Bits::Vector(value.as_u128()),
        Val::FuncRef(reference) => Bits::Reference(reference.is_none()),
        Val::ExternRef(reference) => Bits::Reference(reference.is_none()),
        Val::AnyRef(reference) => Bits::Reference(reference.is_none()),
        _ => Bits::Reference(true),
    }
}

/// NaN has one form on its way through Lua's numbers.
fn quiet32(bits: u32) -> u32 {
    if f32::from_bits(bits).is_nan() { 0x7fc0_0000 } else { bits }
}

fn quiet64(bits: u64) -> u64 {
    if f64::from_bits(bits).is_nan() { 0x7ff8_0000_0000_0000 } else { bits }
}

fn call_ours(
    instance: &mut lunette::Instance,
    ours: &webassembly::Exports,
    name: &str,
    parameters: &[ValType],
    bits: &[(u64, u64)],
    results: &[ValType],
) -> Outcome<CallOutcome> {
    let function: lunette::Function = ours.table().get(instance, name)?;
    let mut values = Vec::new();
    for (kind, &(low, high)) in parameters.iter().zip(bits) {
        values.push(match kind {
            ValType::I32 => Value::Integer(i64::from(low as i32)),
            ValType::I64 => Value::Integer(low as i64),
            ValType::F32 => Value::Float(f32::from_bits(quiet32(low as u32)).into()),
            ValType::F64 => Value::Float(f64::from_bits(quiet64(low))),
            _ => {
                let bytes = (u128::from(low) | u128::from(high) << 64).to_le_bytes();
                Value::String(instance.string(bytes)?)
            }
        });
    }
    match function.call::<Variadic<Value>>(instance, Variadic(values)) {
        Ok(Variadic(given)) => {
            let bits = results.iter().zip(given).map(|(kind, value)| our_bits(instance, kind, &value));
            Ok(CallOutcome::Values(bits.collect::<Outcome<_>>()?))
        }
        Err(error) => {
            let message = error.to_string();
            Ok(trap_of(&message).ok_or_else(|| format!("an error of which nothing is known: {message}"))?)
        }
    }
}

fn our_bits(instance: &mut lunette::Instance, kind: &ValType, value: &Value) -> Outcome<Bits> {
    Ok(match (kind, value) {
        (ValType::I32, Value::Integer(value)) => Bits::Number(*value as u32 as u64),
        (ValType::I64, Value::Integer(value)) => Bits::Number(*value as u64),
        (ValType::F32, Value::Float(value)) => Bits::Number(quiet32((*value as f32).to_bits()).into()),
        (ValType::F64, Value::Float(value)) => Bits::Number(quiet64(value.to_bits())),
        (ValType::V128, Value::String(text)) => {
            let bytes = text.to_bytes(instance)?;
            Bits::Vector(u128::from_le_bytes(bytes.as_slice().try_into()?))
        }
        (ValType::Ref(_), value) => Bits::Reference(matches!(value, Value::Nil)),
        (kind, value) => return Err(format!("{value:?} as {kind}").into()),
    })
}

/// Compares all memories and globals.
fn compare_state(
    module: &Module,
    store: &mut Store<()>,
    theirs: &Instance,
    instance: &mut lunette::Instance,
    ours: &webassembly::Exports,
) -> Outcome<()> {
    for export in module.exports() {
        let name = export.name();
        match export.ty() {
            ExternType::Memory(_) => {
                let memory = theirs.get_memory(&mut *store, name).ok_or("no such memory there")?;
                let own = ours.memory(instance, name)?;
                let their = memory.data(&*store);
                let mut our = vec![0; own.size(instance)? as usize];
                own.read(instance, 0, &mut our)?;
                if their != our {
                    let place = their.iter().zip(&our).position(|(their, our)| their != our);
                    return Err(format!(
                        "memory {name}: {} bytes there, {} here, they differ at {place:?}",
                        their.len(),
                        our.len()
                    )
                    .into());
                }
            }
            ExternType::Global(kind) => {
                let their = theirs.get_global(&mut *store, name).ok_or("no such global there")?.get(&mut *store);
                let global: Value = ours.table().get(instance, name)?;
                let get: lunette::Function = instance.eval("return function(global) return global:get() end")?;
                let our: Value = get.call(instance, global)?;
                let (their, our) = (their_bits(&their), our_bits(instance, kind.content(), &our)?);
                if their != our {
                    return Err(format!("global {name}: {their:x?} there, {our:x?} here").into());
                }
            }
            _ => {}
        }
    }
    Ok(())
}
