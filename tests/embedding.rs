//! The embedding API where its parts meet: lifetimes of objects, errors across both languages, panics, limits.

use lunette::{
    AnyUserdata, AsContext, Configuration, Engine, Error, Function, Instance, Methods, StopReason, Table, Userdata,
    UserdataRef, Value, Variadic,
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

fn instance() -> Instance {
    Engine::default().instantiate().unwrap()
}

/// Counts how often it was dropped.
struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Userdata for Counted {
    fn add_methods(methods: &mut Methods<Self>) {
        methods.method("use", |context, _, f: Function| f.call::<()>(context, ()));
        methods.method_mut("change", |context, _, f: Function| f.call::<()>(context, ()));
    }
}

#[test]
fn objects_and_functions_are_dropped_with_what_stands_for_them() {
    let drops = Arc::new(AtomicU32::new(0));
    let mut instance = instance();
    let (object, captured, kept) = (Counted(drops.clone()), Counted(drops.clone()), Counted(drops.clone()));
    instance.set("object", object).unwrap();
    let function = instance.function(move |_, ()| Ok(Arc::strong_count(&captured.0) as u32)).unwrap();
    instance.set("f", &function).unwrap();
    let kept = instance.userdata(kept).unwrap();
    drop(function);
    instance.exec("object:use(f)").unwrap();
    instance.collect_garbage().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    instance.exec("object, f = nil").unwrap();
    instance.collect_garbage().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 2);
    drop(kept);
    drop(instance);
    assert_eq!(drops.load(Ordering::SeqCst), 3);
}

#[test]
fn handles_keep_objects_and_are_used_again() {
    let mut instance = Engine::new(Configuration::new().collection_stress(1)).instantiate().unwrap();
    let tables: Vec<Table> = (0..100)
        .map(|number| {
            let table = instance.table().unwrap();
            table.set(&mut instance, "number", number).unwrap();
            table.clone()
        })
        .collect();
    instance.collect_garbage().unwrap();
    for (number, table) in tables.iter().enumerate() {
        assert_eq!(table.get::<usize>(&mut instance, "number").unwrap(), number);
    }
    drop(tables);
    instance.collect_garbage().unwrap();
    let before = instance.memory_used();
    for _ in 0..10_000 {
        instance.table().unwrap();
    }
    instance.collect_garbage().unwrap();
    assert!(instance.memory_used() <= before + 4096);
}

#[test]
fn calls_of_library_functions_alone_collect_garbage() {
    let mut instance = instance();
    let library: Table = instance.get("table").unwrap();
    let pack: Function = library.get(&mut instance, "pack").unwrap();
    for number in 0..100_000 {
        let _: Table = pack.call(&mut instance, (number, number)).unwrap();
    }
    assert!(instance.memory_used() < 4 << 20, "{} bytes", instance.memory_used());
}

#[test]
fn finalized_objects_cannot_be_used() {
    let mut instance = instance();
    instance.set("object", Counted(Arc::default())).unwrap();
    // The finalizer of the table, which is newer, keeps an object that is finalized as well.
    instance
        .exec(
            "setmetatable({object = object}, {__gc = function(self) saved = self.object end})
             object = nil; collectgarbage(); collectgarbage()",
        )
        .unwrap();
    let error = instance.exec("saved:use(print)").unwrap_err();
    assert!(error.to_string().ends_with("userdata is finalized"), "{error}");
}

#[test]
fn values_of_other_instances_are_refused() {
    let (mut one, mut other) = (instance(), instance());
    let function = one.function(|_, ()| Ok(1)).unwrap();
    assert!(matches!(other.set("f", &function), Err(Error::ForeignHandle)));
    assert!(matches!(function.call::<i64>(&mut other, ()), Err(Error::ForeignHandle)));
    let table = one.table().unwrap();
    drop(one);
    assert!(matches!(table.get::<Value>(&mut other, 1), Err(Error::ForeignHandle)));
}

#[test]
fn error_values_go_through_both_languages_unchanged() {
    let mut instance = instance();
    let relay = instance.function(|context, f: Function| f.call::<Variadic<Value>>(context, ())).unwrap();
    instance.set("relay", &relay).unwrap();
    let same: bool = instance
        .eval("local e = {}; local ok, got = pcall(relay, function() error(e) end); return not ok and got == e")
        .unwrap();
    assert!(same);
    let Err(Error::Runtime(error)) = instance.exec("relay(function() error({code = 7}) end)") else {
        panic!("an error was expected")
    };
    let Value::Table(value) = &error.value else { panic!("a table was expected") };
    assert_eq!(value.get::<i64>(&mut instance, "code").unwrap(), 7);
    assert!(error.traceback.contains("'relay'"), "{}", error.traceback);
}

#[test]
fn errors_of_rust_functions_keep_their_cause() {
    let mut instance = instance();
    let parse = instance.function(|_, text: String| text.parse::<i64>().map_err(Error::external)).unwrap();
    instance.set("parse", &parse).unwrap();
    let has_cause = |error: &Error| error.downcast_ref::<std::num::ParseIntError>().is_some();
    for code in ["parse('x')", "local ok, e = pcall(parse, 'x'); error(e, 0)", "coroutine.resume(1, pcall(parse, 'x'))"]
    {
        let error = instance.exec(code).unwrap_err();
        assert_eq!(has_cause(&error), !code.starts_with("coroutine"), "{code}: {error}");
    }
    // What another error says is not taken for it.
    assert!(!has_cause(&instance.exec("pcall(parse, 'x'); error('other', 0)").unwrap_err()));
    let Err(error @ Error::Runtime(_)) = instance.exec("parse('x')") else { panic!() };
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert!(source.is_none() || source.as_deref() == Some("invalid digit found in string"));
}

#[test]
fn closures_that_change_do_not_run_inside_themselves() {
    let mut instance = instance();
    let mut depth = 0;
    let down = instance
        .function_mut(move |context, f: Option<Function>| {
            depth += 1;
            f.map_or(Ok(()), |f| f.call(context, ())).map(|()| depth)
        })
        .unwrap();
    instance.set("down", &down).unwrap();
    assert_eq!(instance.eval::<i64>("down(); return down()").unwrap(), 2);
    let error = instance.exec("down(down)").unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
    assert_eq!(instance.eval::<i64>("return down()").unwrap(), 4);
}

#[test]
fn coroutines_are_closed_with_their_variables() {
    let mut instance = instance();
    let thread: lunette::Thread = instance
        .eval(
            "local function closer(f) return setmetatable({}, {__close = f}) end
             local co = coroutine.create(function()
                 local first <close> = closer(function() log = (log or '') .. 'first' end)
                 local second <close> = closer(function() log = 'second '; error('in close', 0) end)
                 coroutine.yield()
             end)
             coroutine.resume(co)
             return co",
        )
        .unwrap();
    assert_eq!(thread.close(&mut instance).unwrap_err().to_string(), "in close");
    assert_eq!(instance.get::<String>("log").unwrap(), "second first");
    assert_eq!(thread.status(&mut instance).unwrap(), lunette::ThreadStatus::Dead);
    let running: lunette::Thread = instance.eval("return (coroutine.running())").unwrap();
    assert!(running.close(&mut instance).is_err());
}

#[test]
fn environments_are_apart() {
    let engine = Engine::default();
    let program = engine.compile("x = (x or 0) + 1; return x, print", "=count").unwrap();
    let mut instance = engine.instantiate().unwrap();
    let (one, other) = (instance.table().unwrap(), instance.table().unwrap());
    let (first, second) = (instance.load_in(&program, &one).unwrap(), instance.load_in(&program, &other).unwrap());
    for (function, count) in [(&first, 1), (&first, 2), (&second, 1)] {
        let (x, print): (i64, Value) = function.call(&mut instance, ()).unwrap();
        assert_eq!(x, count);
        assert!(print.is_nil());
    }
    assert!(instance.get::<Value>("x").unwrap().is_nil());
    let mut stranger = engine.instantiate().unwrap();
    assert!(matches!(stranger.load_in(&program, &one), Err(Error::ForeignHandle)));
}

#[test]
fn conversions_there_and_back() {
    use std::{borrow::Cow, collections::BTreeSet};
    let mut instance = instance();
    let set = BTreeSet::from([1, 2, 3]);
    let value = instance.pack(set.clone()).unwrap();
    assert_eq!(instance.unpack::<BTreeSet<i32>>(value.clone()).unwrap(), set);
    assert_eq!(instance.unpack::<[u8; 3]>(value.clone()).unwrap(), [1, 2, 3]);
    let error = instance.unpack::<[u8; 2]>(value).unwrap_err();
    assert_eq!(error.to_string(), "2 elements expected, got 3");
    let (letter, text) = (instance.pack('é').unwrap(), instance.pack(Cow::Borrowed("two")).unwrap());
    assert_eq!(instance.unpack::<char>(letter).unwrap(), 'é');
    assert!(instance.unpack::<char>(text).is_err());
}

#[test]
fn memory_limits_can_change_but_not_beyond_the_first() {
    let mut instance = Engine::new(Configuration::new().memory_limit(4 << 20)).instantiate().unwrap();
    let take = |instance: &mut Instance, bytes: u32| instance.exec(format!("local s = ('x'):rep({bytes})"));
    instance.set_memory_limit(Some(1 << 20));
    assert!(matches!(take(&mut instance, 2 << 20), Err(Error::Memory)));
    instance.set_memory_limit(None);
    assert!(take(&mut instance, 2 << 20).is_ok());
    instance.set_memory_limit(Some(1 << 30));
    assert!(matches!(take(&mut instance, 5 << 20), Err(Error::Memory)));
}

/// Bytes of memory that the process has.
fn resident() -> usize {
    let statistics = std::fs::read_to_string("/proc/self/statm").unwrap();
    statistics.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn instances_give_their_memory_back() {
    let engine = Engine::default();
    let program = engine.compile("for i = 1, 100 do t[i] = {f, object} end", "=work").unwrap();
    let work = || {
        let mut instance = engine.instantiate().unwrap();
        let f = instance.function(|_, ()| Ok(1)).unwrap();
        instance.set("f", &f).unwrap();
        instance.set("object", Counted(Arc::default())).unwrap();
        instance.set("t", Vec::<i64>::new()).unwrap();
        instance.run::<()>(&program, ()).unwrap();
    };
    (0..200).for_each(|_| work());
    let before = resident();
    (0..2000).for_each(|_| work());
    let growth = resident().saturating_sub(before);
    assert!(growth < 4 << 20, "{growth} bytes for 2000 instances");
}

#[test]
fn a_panic_ends_the_instance_and_nothing_else() {
    let mut instance = instance();
    let panics = instance.function(|_, ()| -> lunette::Result<()> { panic!("broken {}", "here") }).unwrap();
    instance.set("panics", &panics).unwrap();
    let outcome = instance.exec("while true do pcall(panics) end");
    assert!(matches!(&outcome, Err(Error::Panicked(message)) if message == "broken here"), "{outcome:?}");
    assert!(matches!(instance.eval::<i64>("return 1"), Err(Error::Panicked(_))));
    assert_eq!(self::instance().eval::<i64>("return 1").unwrap(), 1);
}

#[test]
fn objects_in_use_are_not_changed() {
    let mut instance = instance();
    instance.set("a", Counted(Arc::default())).unwrap();
    instance.exec("a:use(function() a:use(function() end) end)").unwrap();
    for code in ["a:use(function() a:change(print) end)", "a:change(function() a:use(print) end)"] {
        let error = instance.exec(code).unwrap_err();
        assert!(error.to_string().ends_with("userdata is in use"), "{error}");
    }
    instance.exec("a:change(function() end)").unwrap();
    for code in ["a.use(1)", "getmetatable(a).__gc(a)", "a.x = 1", "return a.use(io.stdout, print)"] {
        assert!(matches!(instance.exec(code), Err(Error::Runtime(_))), "{code}");
    }
    let object: AnyUserdata = instance.get("a").unwrap();
    assert!(object.object::<Counted>(&mut instance).is_ok());
    let file: AnyUserdata = instance.eval("return io.stdout").unwrap();
    assert!(matches!(file.object::<Counted>(&mut instance), Err(Error::Conversion(_))));
    assert!(instance.get::<UserdataRef<Counted>>("print").is_err());
}

#[test]
fn rust_calls_lua_calls_rust_many_times_over() {
    let mut instance = instance();
    let down = instance
        .function(|context, (f, depth): (Function, i64)| match depth {
            0 => Ok(0),
            _ => f.call::<i64>(context, depth - 1).map(|result| result + 1),
        })
        .unwrap();
    instance.set("down", &down).unwrap();
    instance.exec("function go(depth) return down(go, depth) end").unwrap();
    assert_eq!(instance.call::<i64>("go", 50).unwrap(), 50);
    // Deeper than PUC's limit of native calls, which is an error and not the end of the process.
    let error = instance.call::<i64>("go", 100_000).unwrap_err();
    assert!(error.to_string().contains("stack overflow"), "{error}");
    assert_eq!(instance.call::<i64>("go", 50).unwrap(), 50);
}

#[test]
fn each_stack_overflow_is_the_same_error() {
    let mut instance = instance();
    instance.exec("function endless() return 1 + endless() end").unwrap();
    for _ in 0..3 {
        let error = instance.call::<i64>("endless", ()).unwrap_err();
        assert!(error.to_string().contains("stack overflow"), "{error}");
    }
}

#[test]
fn yields_across_rust_functions_are_errors() {
    let mut instance = instance();
    let relay = instance.function(|context, f: Function| f.call::<()>(context, ())).unwrap();
    instance.set("relay", &relay).unwrap();
    let error: String = instance
        .eval("return select(2, coroutine.resume(coroutine.create(function() relay(coroutine.yield) end)))")
        .unwrap();
    assert!(error.contains("attempt to yield across a C-call boundary"), "{error}");
}

#[test]
fn an_instance_goes_on_after_a_stop() {
    let mut instance = Engine::new(Configuration::new().memory_limit(8 << 20)).instantiate().unwrap();
    for _ in 0..3 {
        instance.set_fuel(Some(10_000));
        let stopped = instance.exec("local ok = pcall(function() while true do end end)");
        assert!(matches!(stopped, Err(Error::Stopped(StopReason::Fuel))));
        instance.set_fuel(None);
        assert!(matches!(instance.exec("local t = {}; while true do t[#t + 1] = t end"), Err(Error::Memory)));
        assert_eq!(instance.eval::<i64>("return #('x'):rep(1000)").unwrap(), 1000);
    }
}

#[test]
fn many_arguments_and_results() {
    let mut instance = instance();
    let all: Vec<i64> = (0..5000).collect();
    let relay = instance.function(|_, values: Variadic<i64>| Ok(values)).unwrap();
    let back: Variadic<i64> = relay.call(&mut instance, Variadic(all.clone())).unwrap();
    assert_eq!(back.0, all);
}

#[test]
fn a_thousand_instances() {
    let engine = Engine::default();
    let program = engine.compile("x = (x or 0) + ...; return x", "=count").unwrap();
    let mut instances: Vec<Instance> = (0..1000).map(|_| engine.instantiate().unwrap()).collect();
    for (number, instance) in instances.iter_mut().enumerate() {
        assert_eq!(instance.run::<usize>(&program, number).unwrap(), number);
    }
}
