//! A program that does a little of everything, while the collector runs often: small enough for Miri. The compiler would be
//! most of the work there; so Miri reads the module that a run without it has left.

mod support;

use lunette_bytecode::{file, module::Module};

#[cfg(not(miri))]
const SOURCE: &[u8] = br#"
local log = {}
local function note(...) log[#log + 1] = table.concat({ ... }, ' ') end

-- Numbers, strings, comparison.
local i, f = 7, 2.5
note(i + f, i // 2, i % 4, -i, i / 2, f ^ 2, i & 3, i | 8, ~i, i << 2, '10' + 1, #'four', i .. f)
note(tostring(i < f), tostring('a' < 'b'), tostring(i == 7.0), tostring(not nil), math.type(3))

-- Tables: fields, array part, hash part, removal, traversal.
local t = { 1, 2, 3, x = 1, y = 2, [true] = 4, [1.5] = 5 }
for n = 4, 12 do t[n] = n end
for n = 1, 40 do t['k' .. n] = {} end
for n = 1, 40 do t['k' .. n] = nil end
t.x, t[2], t[true] = nil, nil, nil
local sum, count = 0, 0
for _, v in pairs(t) do sum, count = sum + v, count + 1 end
note(sum, count, #t, table.remove(t), table.unpack(t, 3, 5))

-- Functions: variable arguments, tail calls, upvalues, recursion, a stack that grows.
local function counter() local n = 0 return function(...) n = n + select('#', ...) return n end end
local c = counter()
c(1, 2) c()
local function loop(n) if n == 0 then return 'end' end return loop(n - 1) end
local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
note(c(nil), loop(9), deep(40))

-- Metamethods, methods along `__index`, `__close`, `__gc`.
local class = { get = function(self) return self.value end }
class.__index = class
class.__add = function(a, b) return setmetatable({ value = a.value + b.value }, class) end
class.__concat = function(a, b) return 'joined' end
class.__call = function(self, x) return x end
class.__lt = function(a, b) return a.value < b.value end
class.__newindex = function(t, k, v) rawset(t, k, v and v * 2) end
local a, b = setmetatable({ value = 1 }, class), setmetatable({ value = 2 }, class)
a.other = 4
note((a + b):get(), a .. 'x', a(9), tostring(a < b), a.other, ('x'):rep(3))
do local closed <close> = setmetatable({}, { __close = function() note('closed') end }) end
setmetatable({}, { __gc = function() note('finalized') end })
collectgarbage()

-- Errors and coroutines.
note(select(2, pcall(error, 'thrown')), select(2, pcall(function() return nil + 1 end)))
note(select(2, xpcall(function() local x = nil; x() end, function(m) return 'handled: ' .. m end)))
local generate = coroutine.wrap(function(first)
    for n = first, first + 2 do coroutine.yield(n) end
    return 'last'
end)
note(generate(5), generate(), generate(), generate())

-- Weak tables, sorting, formatting, loading.
local weak = setmetatable({ {}, a, k = {} }, { __mode = 'v' })
local keys = setmetatable({ [{}] = 1, [b] = 2 }, { __mode = 'k' })
collectgarbage() collectgarbage('step', 1)
note(tostring(weak[1]), tostring(weak[2] == a), tostring(weak.k), keys[b])
local list = { 3, 1, 2 }
table.sort(list, function(x, y) return x > y end)
note(table.concat(list, ','), ('%5.1f|%q'):format(1.25, 'x'), ('key=value'):match('(%w+)=(%w+)'))
note(load(string.dump(function(...) local a = ... return a * 2 end))(21))
goto done
note('never')
::done::
print(table.concat(log, '\n'))
"#;

const EXPECTED: &str = "\
9.5 3 3 -7 3.5 6.25 3 15 -8 28 11 4 72.5
false true true true integer
83 13 12 12 3 4 5
3 end 40
3 joined 9 true 8 xxx
closed
finalized
thrown every_kind:44: attempt to perform arithmetic on a nil value
handled: every_kind:45: attempt to call a nil value (local 'x')
5 6 7 last
nil true nil 2
3,2,1   1.2|\"x\" key value
42
";

#[cfg(not(miri))]
fn module() -> Module {
    let module = support::compile(SOURCE, "=every_kind").unwrap();
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/every_kind.lbc"), file::write(&module)).unwrap();
    module
}

#[cfg(miri)]
fn module() -> Module {
    let path = std::env::var_os("LUNETTE_EVERY_KIND").expect("the path of what a run without Miri has left");
    file::read(&std::fs::read(path).unwrap(), usize::MAX).unwrap()
}

#[test]
fn a_little_of_everything() {
    let written = support::Written::default();
    let mut machine = support::machine(Some(written.clone()));
    machine.heap.set_stress(if cfg!(miri) { 400 } else { 7 });
    support::execute(&mut machine, &module()).unwrap();
    assert_eq!(written.text(), EXPECTED);
}
