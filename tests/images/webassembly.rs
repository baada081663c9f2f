//! Programs with WebAssembly in them go on like others.

use super::{image_of, run_frozen, run_plainly, sealed};
use lunette::{Engine, Error};
use std::fmt::Write;

/// Everything that an instance can have, and calls of all kinds in both directions.
const MODULE: &str = r#"(module $everything
  (type $unary (func (param i32) (result i64)))
  (type $bytes (array (mut i8)))
  (type $list (array (mut anyref)))
  (rec
    (type $node (sub (struct (field $number (mut i32)) (field $small i8) (field $wide v128)
      (field $next (mut (ref null $node))) (field $value (mut anyref)))))
    (type $named (sub $node (struct (field (mut i32)) (field i8) (field v128)
      (field (mut (ref null $node))) (field (mut anyref))
      (field i64) (field $bytes (ref $bytes)) (field $list (ref $list))))))
  (import "env" "visit" (func $visit (param i32 f64 externref) (result i64 externref)))
  (import "env" "limit" (global $limit i32))
  (import "env" "shared" (memory $shared 1 2))
  (tag $error (export "error") (param i32 f64 externref))
  (memory $own (export "memory") 1 8)
  (table $table (export "table") 3 6 funcref)
  (table $objects 2 externref)
  (global $count (mut i64) (i64.const -5))
  (global $vector (mut v128) (v128.const i64x2 0x0102030405060708 -2))
  (global $kept (export "kept") (mut externref) (ref.null extern))
  (global $function (mut (ref null $unary)) (ref.null $unary))
  (global $nodes (mut (ref null $node)) (struct.new_default $node))
  (data $text "passive bytes")
  (data (memory $own) (i32.const 70) "active")
  (elem $some funcref (ref.func $fib) (ref.func $twice) (ref.null func))
  (elem declare func $twice)

  (func $fib (type $unary)
    (if (result i64) (i32.lt_u (local.get 0) (i32.const 2))
      (then (i64.extend_i32_u (local.get 0)))
      (else (i64.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $twice (type $unary) (i64.mul (i64.const 2) (i64.extend_i32_s (local.get 0))))
  (func $down (param $n i32) (param $sum i64) (result i64)
    (if (result i64) (local.get $n)
      (then (return_call $down (i32.sub (local.get $n) (i32.const 1)) (i64.add (local.get $sum) (i64.const 3))))
      (else (local.get $sum))))

  ;; Asks the host in a loop, with values of all kinds alive across the call.
  (func $ask (export "ask") (param $n i32) (param $object externref) (result i64 externref v128)
    (local $sum i64) (local $wide v128)
    (local.set $wide (i64x2.splat (i64.const 3)))
    (loop $again
      (call $visit (local.get $n) (f64.convert_i32_s (local.get $n)) (local.get $object))
      (local.set $object)
      (local.set $sum (i64.add (local.get $sum)))
      (local.set $wide (i64x2.add (local.get $wide) (global.get $vector)))
      (global.set $vector (local.get $wide))
      (table.set $objects (i32.const 1) (local.get $object))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum) (table.get $objects (i32.const 1)) (local.get $wide))

  (func (export "start")
    (table.init $table $some (i32.const 0) (i32.const 0) (i32.const 2))
    (memory.init $own $text (i32.const 8) (i32.const 0) (i32.const 7))
    (data.drop $text)
    (global.set $function (ref.func $twice))
    (drop (memory.grow $own (i32.const 2)))
    (i32.store $own (i32.const 190000) (i32.const 77))
    (i32.store8 $shared (i32.const 9) (i32.const 65)))

  (func (export "work") (param $n i32) (result i64)
    (local $i i32)
    (loop $again
      (global.set $count (i64.add (global.get $count)
        (call_indirect $table (type $unary) (local.get $i) (i32.and (local.get $i) (i32.const 1)))))
      (memory.fill $own (local.get $i) (local.get $i) (i32.const 50))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (global.set $count (call $down (local.get $n) (global.get $count)))
    (i64.add (global.get $count) (i64.add
      (call_ref $unary (i32.const 21) (global.get $function))
      (i64.extend_i32_u (i32.load $own (i32.const 190000))))))

  ;; Catches what it or the host throws; traps go on.
  (func (export "try") (param $n i32) (param $object externref) (result i32)
    (local $x f64)
    (block $caught (result i32 f64 externref)
      (block $any (result exnref)
        (try_table (catch $error $caught) (catch_all_ref $any)
          (call $ask (local.get $n) (local.get $object))
          (drop) (drop) (drop)
          (throw $error (global.get $limit) (f64.const 0.5) (local.get $object)))
        (unreachable))
      (throw_ref))
    (global.set $kept)
    (local.set $x)
    (i32.add (i32.trunc_f64_s (f64.mul (local.get $x) (f64.const 100)))))
  ;; Structures and arrays.
  (func (export "push") (param $n i32) (param $value anyref) (result anyref)
    (global.set $nodes (struct.new $named
      (local.get $n) (i32.const -3) (v128.const i64x2 5 6) (global.get $nodes) (local.get $value) (i64.const -7)
      (array.new $bytes (local.get $n) (i32.const 5))
      (array.new_fixed $list 2 (local.get $value) (ref.i31 (local.get $n)))))
    (global.get $nodes))
  (func (export "walk") (result i64 anyref)
    (local $node (ref null $node)) (local $named (ref null $named)) (local $sum i64) (local $last anyref)
    (local.set $node (global.get $nodes))
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.add
        (i64.extend_i32_s (i32.add
          (struct.get $node $number (local.get $node)) (struct.get_s $node $small (local.get $node))))
        (i64x2.extract_lane 1 (struct.get $node $wide (local.get $node))))))
      (if (ref.test (ref $named) (local.get $node)) (then
        (local.set $named (ref.cast (ref $named) (local.get $node)))
        (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u
          (array.get_u $bytes (struct.get $named $bytes (local.get $named)) (i32.const 4)))))
        (local.set $last (array.get $list (struct.get $named $list (local.get $named)) (i32.const 1)))))
      (br_if $again (i32.eqz (ref.is_null
        (local.tee $node (struct.get $node $next (local.get $node)))))))
    (local.get $sum) (local.get $last))
  (func (export "value") (param anyref) (result anyref)
    (struct.get $node $value (ref.cast (ref $node) (local.get 0))))
  (func (export "trap") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
)"#;

const PROGRAM: &str = r#"
local log = {}
local function note(...)
  local texts = table.pack(...)
  for i = 1, texts.n do texts[i] = math.type(texts[i]) and texts[i] or tostring(texts[i]):gsub("0x%x+", "?") end
  log[#log + 1] = table.concat(texts, " ")
end
local module = webassembly.load(MODULE, "@everything.wasm")
local helper = webassembly.instantiate(webassembly.load(HELPER))
local calls = 0
local mode
local instance
instance = webassembly.instantiate(module, { env = {
  limit = helper.limit,
  shared = helper.memory,
  visit = function(n, x, object)
    calls = calls + 1
    assert(math.type(x) == "float")
    if mode == "yield" then object = coroutine.yield(n) or object end
    if mode == "again" and n == 2 then mode = nil object = select(2, instance.ask(3, object)) end
    if mode == "error" and n == 1 then error("from the host") end
    if mode == "trap" and n == 1 then instance.trap(1, 0) end
    if mode == "close" and n == 1 then local c <close> = setmetatable({}, {__close = function(_, e)
      note("closed", e) instance.work(2) end}) instance.trap(7, 0) end
    if mode == "sort" then local list = {3, 1, 2} table.sort(list, function(a, b) return instance.work(a) < instance.work(b) end) end
    return n * 10, object
  end,
} })
instance.start()
note("work", instance.work(12), instance.work(3))
note("ask", instance.ask(4, "object"))
mode = "yield"
local thread = coroutine.wrap(function(...) return instance.ask(...) end)
local step = thread(3, "first")
while math.type(step) == "integer" and step < 10 do note("step", step) step = thread({} and "step " .. step) end
note("done", step)
mode = "again"
note("again", (instance.ask(3, nil)))
mode = "sort"
note("sort", (instance.ask(2, nil)))
for _, how in ipairs {"plain", "error", "trap", "close"} do
  mode = how
  note(how, pcall(instance.try, 3, how))
end
note("kept", instance.kept:get(), instance.memory:size())
note("memory", instance.memory:read(8, 4), instance.memory:read(189999, 6):byte(1, -1))
note("shared", helper.memory:read(8, 3):byte(1, -1))
note("table", instance.table:size(), instance.table:get(0) == instance.table:get(0), (instance.table:get(1)(4)))
local named = {}
for i = 1, 4 do
  local node = instance.push(i, i % 2 == 0 and "text " .. i or i / 2)
  named[node] = i
  named[i] = node
end
local texts = {}
for i = 1, 4, 2 do texts[i] = tostring(named[i]) end
note("walk", instance.walk())
for i = 1, 4 do note("node", named[named[i]], instance.value(named[i]), type(named[i])) end
for i = 1, 4 do texts[i + 4] = tostring(named[i]) end
collectgarbage()
note("same", texts[1] == texts[5], texts[3] == texts[7], texts[5] == texts[6], texts[7] == texts[8])
note("identity", texts[1]:match("0x%x+") == ("%p"):format(named[1]), texts[1]:match("^userdata: "))
note("cast", pcall(instance.value, 7))
note("calls", calls)
print(table.concat(log, "\n"))
"#;

const HELPER: &str = r#"(module
  (memory (export "memory") 1 2)
  (global (export "limit") i32 (i32.const 17)))"#;

fn source() -> String {
    let mut source = String::new();
    for (name, text) in [("MODULE", MODULE), ("HELPER", HELPER)] {
        let bytes = wat::parse_str(text).unwrap();
        let escaped = bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "\\{byte:03}").unwrap();
            text
        });
        writeln!(source, "local {name} = \"{escaped}\"").unwrap();
    }
    source + PROGRAM
}

#[test]
fn frozen_anywhere_it_prints_the_same() {
    let source = source();
    let expected = run_plainly(&source);
    assert!(expected.contains("\nkept plain"), "{expected}");
    assert!(expected.contains("\nsame true true false false\nidentity true userdata: "), "{expected}");
    for interval in [1, 7] {
        let (printed, count) = run_frozen(&source, interval);
        assert_eq!(printed, expected, "frozen at every chance of {interval}");
        assert!(count > 100 / interval, "{count} images only");
    }
}

#[test]
fn equal_runs_give_equal_images() {
    let program = source().replace("print(table", "lunette.snapshot() print(table");
    let (one, other) = (image_of(&Engine::default(), &program), image_of(&Engine::default(), &program));
    assert!(one == other);
    let mut again = Vec::new();
    Engine::default().restore(&one[..]).unwrap().snapshot(&mut again).unwrap();
    assert!(again == one);
}

#[test]
fn damage_is_found() {
    let program = source().replace("print(table", "lunette.snapshot() print(table");
    let image = image_of(&Engine::default(), &program);
    for place in (20..image.len() - 8).step_by(7) {
        let mut damaged = image.clone();
        damaged[place] ^= 1 << (place % 8);
        let damaged = sealed(&damaged);
        // Whatever became of it is refused, or goes on within limits.
        let engine = Engine::new(lunette::Configuration::new().fuel(100_000).memory_limit(64 << 20));
        match engine.restore(&damaged[..]) {
            Ok(mut instance) => drop(instance.resume::<()>()),
            Err(Error::Image(_) | Error::Memory | Error::Malformed(_)) => {}
            Err(error) => panic!("byte {place}: {error}"),
        }
    }
}
