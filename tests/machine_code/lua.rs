//! Functions of Lua as machine code. (`corpus` runs the whole corpus so, `differential` generated programs.)

use super::{ALL, COMPILED, run_frozen};
use lunette::{AsContext, Captured, Configuration, Engine, Error, Function, Jit, Output, StopReason, Streams};
use std::{fs, path::Path, time::Duration};

/// What a program writes, and the fuel that it uses.
fn run(source: &str, jit: Jit) -> (Vec<u8>, u64) {
    let captured = Captured::default();
    let streams = Streams { output: Output::Captured(captured.clone()), ..Streams::none() };
    let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate_with(streams).unwrap();
    instance.exec(source).unwrap_or_else(|error| panic!("{jit:?}: {error}"));
    let fuel = instance.statistics().fuel_used;
    drop(instance);
    (captured.take(), fuel)
}

pub(super) fn is_same_in_all(source: &str) {
    let interpreted = run(source, Jit::Off);
    assert!(!interpreted.0.is_empty());
    for jit in COMPILED {
        let (output, fuel) = run(source, jit);
        assert_eq!(String::from_utf8_lossy(&output), String::from_utf8_lossy(&interpreted.0), "{jit:?}");
        assert_eq!(fuel, interpreted.1, "{jit:?}");
    }
}

#[test]
fn programs_write_the_same_for_the_same_fuel() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua/programs");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "lua") {
            is_same_in_all(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn functions_of_the_library_cost_the_same() {
    is_same_in_all(
        r#"
        local long, meta, sum = ("x"):rep(200), { __index = { size = 3 } }, 0
        local function new(x) return setmetatable({ x = x }, meta) end
        local function count(...) return select('#', ...) + (select(-1, ...)) end
        for i = 1, 20000 do
            local list = { i, i + 1 }
            table.insert(list, i % 7)
            sum = sum + math.max(i % 10, 4, 2) + math.floor(i / 3) + (type(i) == 'number' and 1 or 0) + #list
            sum = sum + (long:byte(i % 300) or 7) + #long:sub(i % 50, i % 90) + #long:sub(2) + new(i).size + count(i, nil, 3)
            sum = sum + table.remove(list) + rawlen(list) + rawget(list, 1) + (next(list) or 0) + string.len(long)
            if i % 1000 == 0 then sum = sum + (pcall(math.floor, {}) and 1 or 0) + (pcall(table.insert, list, 9, 9) and 1 or 0) end
            for _, value in ipairs(list) do sum = sum + value end
            for key, value in pairs({ a = 1, [2.5] = 2, [long] = 3 }) do sum = sum + value + (list[key] or 0) end
        end
        print(sum)
        "#,
    );
}

#[test]
fn functions_of_the_library_give_the_same_at_their_edges() {
    is_same_in_all(
        r#"
        local floor, sqrt, max, min, byte = math.floor, math.sqrt, math.max, math.min, string.byte
        local floats = { 0.0, -0.0, 1.5, -1.5, 2^52 + 0.5, 2^62, -2^62, 1e300 }
        local rare = { 2^63, -2^63, 1/0, -1/0, 0/0, '7.5', 3, math.maxinteger, math.mininteger }
        local text, found, sum = ("lunette"):rep(3), {}, 0
        local function all(x, y, i)
            local a, b = floor(x), sqrt(x)
            local half, other = x / 2, y / 3
            local c, d = max(half, other), min(half, other)
            local e, f = max(i, 7), min(i * 2, 90)
            local g, h = byte(text, i % 30 + 1), text:byte()
            return a, b, c, d, e, f, g, h
        end
        local function note(...) found[#found + 1] = table.concat({ ... }, ' '):gsub('%-nan', 'nan') end
        local function show(...) local list = table.pack(...) for i = 1, list.n do list[i] = tostring(list[i]) end note(table.unpack(list)) end
        for i = 1, 30000 do
            local x, y = floats[i % #floats + 1], floats[i % 3 + 1]
            if i > 20000 and i % 500 == 0 then x = rare[i // 500 % #rare + 1] y = 0 / 0 end
            if i > 29000 and i % 3 == 0 then y = 0 / 0 end
            if i == 25000 then floor = function(x) return 'mine' end elseif i == 25010 then floor = math.floor end
            local a, b, c, d, e, f, g, h = all(x, y, i)
            sum = (sum + e + f + (g or 1000) + h) % 1000003
            if i % 500 == 0 or i > 29990 or i > 24995 and i < 25012 then show(a, b, c, d, e, f, g, h) end
        end
        print(table.concat(found, '\n'))
        local function at(i) return byte(text, i) end
        for i = 1, 5000 do sum = sum + (at(i % 21 + 1)) end
        for i = -25, 25 do sum = sum + (at(i) or 3) end
        print(sum, pcall(all, {}, 1, 1), pcall(all, nil, 1, 1), pcall(at, 1.5), pcall(at, '2'))
        "#,
    );
}

#[test]
fn short_searches_and_conversions_cost_the_same() {
    is_same_in_all(
        r##"
        local long, sum = ("word "):rep(1000) .. "end", 0
        local function first(text, pattern, ...) return (text:find(pattern, ...)) or 0, (text:match(pattern)) end
        for i = 1, 4000 do
            local text = "key" .. i .. " = " .. i / 4
            sum = sum + first(text, "=") + first(text, "%d+") + first(text, "(%a+)(%d)") + first(text, "[%.=]", 5, true)
            sum = sum + first(text, " = ", 1, true) + first(text, "()%s") + first(text, "^x") + first(text, "", 99)
            sum = sum + #string.char(i % 256, 65) + #text:upper() + #text:lower() + #tostring(i) + (tonumber(text:match("%d+")) or 0)
            sum = sum + (tonumber("0x" .. i % 10) or 0) + #tostring(i / 8) + #tostring(-i) + (tonumber("z") or 1)
            if i % 400 == 0 then
                sum = sum + first(long, "end") + first(long, "%a+d$") + first(long, ".-e(nd)") + #long:upper()
                print(pcall(first, text, "%"), pcall(first, text, "(%d"), pcall(first, text, "[a"), pcall(string.char, 256))
                print(select("#", tostring(nil)), tostring(true), tonumber("10", 2), pcall(tostring), pcall(tonumber))
            end
        end
        print(sum)
        "##,
    );
}

/// Comparison functions and replacements, which are called at once where they are compiled, and end in all possible ways.
const CALLBACKS: &str = r##"
    local seed = 7
    local function random() seed = (seed * 16807) % 2147483647 return seed end
    local function list(count) local list = {} for i = 1, count do list[i] = random() % 1000 end return list end
    local function show(list) print(table.concat(list, " ", 1, math.min(#list, 12))) end
    local function descending(a, b) return a > b end
    local compared = 0
    for round = 1, 60 do
        local numbers = list(100)
        table.sort(numbers, descending)
        if round % 20 == 0 then show(numbers) end
        table.sort(numbers, function(a, b) compared = compared + 1 return a < b end)
        -- Values of other types, and what a metamethod compares.
        table.sort(numbers, function(a, b) return round < 40 and a < b or a + 0.5 < b end)
        local objects = {}
        for i = 1, 30 do objects[i] = setmetatable({ numbers[i] }, { __lt = function(a, b) return a[1] < b[1] end }) end
        table.sort(objects, function(a, b) return a < b end)
        assert(objects[1][1] <= objects[30][1])
    end
    print(compared)
    for round = 1, 200 do
        -- Errors, at once and later, caught around the sort and in the function.
        local calls = 0
        local ok, why = pcall(table.sort, list(50), function(a, b)
            calls = calls + 1
            if calls == round % 60 + 1 then error("stopped at " .. calls) end
            return a < b
        end)
        if round % 50 == 0 then print(ok, why, calls) end
        local caught = 0
        table.sort(list(20), function(a, b)
            local ok = pcall(error, a)
            caught = caught + (ok and 1 or 0)
            return a < b
        end)
        assert(caught == 0)
        -- Sorts in sorts, coroutines, and collections.
        local outer = list(12)
        table.sort(outer, function(a, b)
            local inner = { a, b, 3 }
            table.sort(inner, descending)
            return a < b and inner[1] >= inner[2]
        end)
        local pass = coroutine.wrap(function(a, b) while true do a, b = coroutine.yield(a < b) end end)
        table.sort(outer, function(a, b) return pass(a, b) end)
        if round % 40 == 0 then
            table.sort(outer, function(a, b) return ({ a })[1] > ({ b })[1] end)
            show(outer)
            print(pcall(table.sort, list(100), function() return true end))
            print(coroutine.resume(coroutine.create(function()
                table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end)
            end)))
            print(pcall(table.sort, { 1, 2, 3 }, setmetatable({}, { __call = function(_, a, b) return a < b end })))
            print(pcall(table.sort, { 1, {}, "x" }, function(a, b) return a < b end))
        end
    end
    local text, replaced = ("The quick brown fox "):rep(20), 0
    for round = 1, 100 do
        local upper, count = text:gsub("%a+", function(word) replaced = replaced + #word return word:upper() end)
        local some = text:gsub("(%a)(%a*)", function(first, rest) if #rest > 3 then return rest .. first end end)
        local nested = text:gsub("%a+", function(word) return (word:gsub("[aeiou]", function(vowel) return vowel .. vowel end)) end, 5)
        if round % 50 == 0 then print(upper, count, some, nested) end
        local ok, why = pcall(string.gsub, text, "%a+", function(word) if #word == 5 then error(word) end return round end)
        if round % 50 == 0 then print(ok, why, pcall(string.gsub, text, "x", function() return {} end)) end
        if round % 50 == 0 then print(coroutine.resume(coroutine.create(function() return (text:gsub("k", coroutine.yield)) end))) end
    end
    print(replaced)
    -- A function that sets what the sort keeps in its frame.
    local function meddle(a, b)
        for number = 1, 8 do debug.setlocal(2, number, nil) end
        return a < b
    end
    for _ = 1, 50 do pcall(table.sort, list(8), meddle) pcall(string.gsub, text, "%a", meddle) end
    print(#text)
"##;

#[test]
fn functions_that_are_called_back_do_the_same() {
    is_same_in_all(CALLBACKS);
}

/// The fuel of a loop may go well with slices of it, so that these always end in the same instruction.
#[test]
fn loops_around_library_functions_are_compiled() {
    for call in ["floor(i)", "floor(i) + floor(i)", "(floor(i))", "floor(floor(i))"] {
        let mut instance =
            Engine::new(Configuration::new().jit(Jit::On).background_compilation(false)).instantiate().unwrap();
        let program = format!("local floor, x = math.floor, 0 for i = 1, 1000000 do x = x + {call} end");
        instance.exec(&program).unwrap();
        assert_eq!(instance.statistics().native_functions, 1, "{call}");
    }
}

/// Slices of fuel end in what is called, behind native functions and in other coroutines.
#[test]
fn loops_around_errors_and_coroutines_are_compiled() {
    for program in [
        "local function fail() error() end for i = 1, 1000000 do pcall(fail) end",
        "local yield = coroutine.yield
         local next = coroutine.wrap(function() while true do yield(1) end end)
         for i = 1, 1000000 do next() end",
    ] {
        let mut instance =
            Engine::new(Configuration::new().jit(Jit::On).background_compilation(false)).instantiate().unwrap();
        instance.exec(program).unwrap();
        assert_eq!(instance.statistics().native_functions, 2, "{program}");
    }
}

#[test]
fn types_may_change_at_any_time() {
    is_same_in_all(
        r#"
        local meta = { __add = function(a, b) return (type(a) == 'table' and a.n or a) + (type(b) == 'table' and b.n or b) end,
            __lt = function(a, b) return a.n < b.n end, __index = function(t, k) return k end, __len = function() return 7 end }
        local function boxed(n) return setmetatable({ n = n }, meta) end
        local function add(a, b) return a + b end
        local function less(a, b) return a < b end
        local function at(t, k) return t[k] end
        local function put(t, k, v) t[k] = v return t[k] end
        local function size(t) return #t end
        local values = { 1, 2.5, '3', boxed(4), math.maxinteger, -0.0, 0 / 0, 1 << 62 }
        local sum, count = 0, 0
        for round = 1, 3000 do
            local a = values[round < 1000 and 1 or round < 2000 and 2 or round % #values + 1]
            local b = values[round < 1500 and 1 or round % 3 + 1]
            local ok, c = pcall(add, a, b)
            sum = sum + (tonumber(c) == c and c == c and c % 1000 or 1)
            local ok, c = pcall(less, a, b)
            count = count + (ok and (c and 3 or 5) or 7)
            count = count + (at(round % 100 == 99 and boxed(1) or { 1, 2, 3 }, round % 3 + 1) or 0)
            count = count + put(round % 50 == 49 and setmetatable({}, meta) or { 1 }, round % 5 + 1, round)
            count = count + size(round % 70 == 69 and 'four' or round % 71 == 70 and boxed(1) or { 1, 2 })
        end
        print(sum, count)
        for i = 1, 2000 do
            local x = i
            if i == 1500 then x = 'text' elseif i > 1800 then x = x / 2 end
            sum = sum .. '' == x and 0 or (tonumber(x) or 3) // 1 % 7
        end
        print(sum)
        for x = 1, 3 do for y = 1.0, 300 do sum = sum + x * y end end
        for x = 300, 1, -1 do sum = sum ~ x end
        for step = -3, 3 do if step ~= 0 then for x = 100 * (step > 0 and -1 or 1), 0, step do sum = sum + x end end end
        print(sum, pcall(function() for i = 1, 10, sum - sum do end end))
        "#,
    );
}

#[test]
fn variables_can_be_seen_and_set_from_outside() {
    is_same_in_all(
        r#"
        local function set(name, value)
            for index = 1, 20 do
                local found, old = debug.getlocal(2, index)
                if found == name then debug.setlocal(2, index, value) return old end
            end
        end
        local function run()
            local sum, seen = 0, 0.5
            for i = 1, 3000 do
                local twice = i * 2
                if i % 100 == 0 then seen = seen + set('sum', sum + 1000) + set('twice', -1) end
                sum = sum + twice
            end
            return sum, seen
        end
        for round = 1, 5 do print(run()) end
        "#,
    );
}

#[test]
fn calls_of_all_kinds_return_to_where_they_came_from() {
    is_same_in_all(
        r#"
        local function count(...) return select('#', ...), ... end
        local function tail(n) return count(n, n, n) end
        local function chain(n) if n == 0 then return tail(1) end return chain(n - 1) end
        local function few(a, b, c) return a, b, c end
        local function pass(...) return few(...) end
        local callable = setmetatable({}, { __call = function(self, a) return few(a, self and 2) end })
        local indexed = setmetatable({}, { __index = function(t, k) return tail(k) end, __eq = function() return true end,
            __lt = function(a, b) return chain(2) > 0 end, __concat = function(a, b) return 'joined' end })
        local function each(n) local i = 0 return function() i = i + 1 if i <= n then return i, tail(i) end end end
        local sum = 0
        for i = 1, 4000 do
            local a, b, c, d = tail(i)
            local e, f = chain(i % 5)
            local g, h, j = pass(i, 2)
            local k, l = callable(i)
            sum = sum + a + b + d + e + f + g + h + (j or 5) + k + l + indexed[i] + (indexed < indexed and 1 or 0)
            sum = sum + #(indexed .. i) + select('#', pass()) + select('#', few(tail(i)))
            for x, y in each(i % 4) do sum = sum + x * y end
            local t = { tail(i), tail(i) }
            sum = sum + #t + (pcall(chain, 1) and 1 or 0) + (select(2, pcall(error, i)))
        end
        print(sum, (chain(100000)))
        local wrapped = coroutine.wrap(function(a) while true do a = coroutine.yield(tail(a)) end end)
        for i = 1, 3000 do sum = sum + wrapped(i) + select(2, wrapped(i)) end
        print(sum)
        "#,
    );
}

/// By tail calls, functions that take further arguments make room for frames further down, while those that called them, or took
/// their place, go on above.
#[test]
fn functions_that_are_likely_to_be_called_may_be_others() {
    is_same_in_all(
        r##"
        local function loops(n) local s = 0 for i = 1, n do s = s + i end return s end
        local function other(n, m) local s = m or 1 for i = 1, n do s = s - i end return s, n end
        local function variadic(n, ...) local s = select("#", ...) for i = 1, n do s = s + 2 end return s end
        local callee = loops
        local function call(n) local s = callee(n) return s + (callee(n, n)) end
        local function deep(n) if n == 0 then return callee(3) end local s = deep(n - 1) for i = 1, 2 do s = s + 1 end return s end
        local all = 0
        for round = 1, 6000 do
            if round == 2000 then callee = other end
            if round == 3000 then callee = variadic end
            if round == 4000 then callee = setmetatable({}, { __call = function(self, n) return n * 2 end }) end
            if round == 5000 then callee = math.abs end
            if round == 5500 then callee = loops end
            all = all + call(round % 9) + deep(round % 5)
            if round % 500 == 0 then print(round, all) end
        end
        callee = nil
        print(pcall(call, 3))
        callee = function(n) error("value " .. n) end
        print(pcall(call, 3))
        "##,
    );
}

#[test]
fn coroutines_and_protected_calls_come_back_to_machine_code() {
    is_same_in_all(
        r##"
        local resume, yield, wrap, status = coroutine.resume, coroutine.yield, coroutine.wrap, coroutine.status
        -- Yields from the first function, from one that it calls, through a protected call, and in a loop over an iterator.
        local function nested(n) for i = 1, n do yield(i, n) end return n end
        local function body(n)
            local got = yield("first")
            for i = 1, n do got = got + yield(got, i) end
            nested(2)
            local ok, a, b = pcall(function(x) local y = yield(x) nested(1) return y, x end, got)
            local _, c = xpcall(nested, debug.traceback, 2)
            local bad, why = pcall(function() yield("before") error("inside " .. n, 0) end)
            return got, ok, a, b, c, bad, why
        end
        local function drive(n)
            local co, sum = coroutine.create(body), 0
            local ok, a, b, c = resume(co, n)
            local steps = 0
            while status(co) == "suspended" do
                ok, a, b, c = resume(co, steps)
                steps = steps + 1
                if math.type(a) == "integer" then sum = sum + a end
            end
            return sum, steps, ok, a, b, c, select("#", resume(co)), (select(2, resume(co)))
        end
        local function numbers(n) return wrap(function() for i = 1, n do yield(i, i * 2) end end) end
        local function fail(i) if i % 3 == 0 then error({ i }) elseif i % 5 == 0 then error("e" .. i, 0) end return i, i + 1 end
        local function protect(i)
            local ok, a, b = pcall(fail, i)
            local ok2 = pcall(fail, i + 1)
            local ok3, message = xpcall(fail, function(m) return type(m) end, i + 2)
            return ok, type(a) == "table" and a[1] or a, b, ok2, ok3, message
        end
        -- A yield changes nothing of who resumed, but a debugger may.
        local seen
        local function watched(co) local x = 1 for i = 1, 3 do local _, v = resume(co) x = x + v end return x end
        for round = 1, 1200 do
            local sum, a, b = 0, 0, 0
            for i, j in numbers(round % 7) do sum = sum + i + j end
            for i = 1, 3 do local ok, x, y, p, q, r = protect(i + round) a = a + (ok and x or 1) + (r == "table" and 5 or 0) end
            local co = coroutine.create(function()
                for i = 1, 3 do
                    if round % 100 == 0 and i == 2 then debug.setlocal(seen, 1, 2, 0.5) end
                    yield(i)
                end
            end)
            seen = coroutine.running()
            b = watched(co)
            if round % 100 == 0 then print(sum, a, b, drive(round % 6)) end
        end
        print(pcall(wrap(function() error("at once", 0) end)))
        local dead = wrap(function() return 1 end)
        dead()
        for i = 1, 3 do print(pcall(dead)) end
        local function endless(n) return resume(coroutine.create(endless), n + 1) end
        print(select("#", endless(1)) > 0, pcall(pcall), pcall(pcall, error))
        "##,
    );
}

#[test]
fn tail_calls_keep_apart_who_waits_for_their_results() {
    is_same_in_all(
        r#"
        local function last(...) return select('#', ...), ... end
        local function few(a, b) return a, b end
        local function further(...) return last(...) end
        local function fewer(...) return few(...) end
        local function plain(a, b) local n, x, y = further(a, b) return n, x, y end
        local function list(...) local t = { fewer(...) } return #t, t[1], t[2] end
        local function keeping(a, b) local x, y = fewer(a, b, 7, 8) local n = further(x, y, a) return n, x, y end
        local callable = setmetatable({}, { __call = function(self, ...) return further(...) end })
        local function called(...) local n, x = callable(...) return n, x, 5 end
        local inner = { plain, list, keeping, called, further, fewer, callable }
        local outer = {}
        for i, f in ipairs(inner) do
            outer[#outer + 1] = function(...) return f(...) end
            outer[#outer + 1] = function(a, ...) return f(a, ...) end
            outer[#outer + 1] = function(a, b) return f(a, b) end
            outer[#outer + 1] = function(...) return pcall(f, ...) end
            outer[#outer + 1] = function(a) return select(2, pcall(f, a)) end
            outer[#outer + 1] = function(...) return coroutine.wrap(function(...) return f(...) end)(...) end
        end
        local lines, sum = {}, 0
        local function note(...)
            local values = table.pack(...)
            for i = 1, values.n do values[i] = tostring(values[i]) end
            lines[#lines + 1] = table.concat(values, ' ')
        end
        for round = 1, 20 do
            for i, f in ipairs(outer) do
                local g = function(...) return f(...) end
                local meta = { __index = function(t, k, ...) return f(k, ...) end, __add = function(...) return f(...) end,
                    __lt = function(...) return f(...) end, __concat = function(a, ...) return f(...) end, __call = g,
                    __len = function(...) return f(...) end, __eq = g, __close = g }
                local object, other = setmetatable({}, meta), setmetatable({}, meta)
                if round % 10 == 1 then
                    note(i, pcall(g)) note(i, pcall(g, 1)) note(i, pcall(f, 1, 2)) note(i, pcall(g, 1, 2, 3, 4, 5))
                    note(i, xpcall(g, print, nil, 2)) note(i, select(2, pcall(pcall, g, 3)))
                    note(i, coroutine.wrap(g)(1, 2, 3)) note(i, coroutine.wrap(f)()) note(i, coroutine.resume(coroutine.create(g), 4))
                    note(i, object[round]) note(i, object < other) note(i, object == other) note(i, object(1, 2))
                    note(i, type(object + 1), type(object .. 'a'), type(#object))
                end
                pcall(g, 1) pcall(g, 1, 2, 3) pcall(f)
                local left = 4
                for a, b in function(...) left = left - 1 if left > 0 then return f(...) end end, round, i do
                    sum = sum + (tonumber(a) or 3) + (tonumber(b) or 5)
                end
                do local closed <close> = object end
                local values = { 3, 1, 2 }
                pcall(table.sort, values, function(...) return f(...) end)
                note(table.unpack(values))
                note(string.gsub('abc', '%w', function(...) return (select(-1, f(...))) and nil end))
            end
        end
        print(sum, #lines)
        print(table.concat(lines, '\n'))
        "#,
    );
    is_same_in_all(
        r#"
        local add = getmetatable('').__add
        local function last(...) return select('#', ...), ... end
        local function further(...) return last(...) end
        local object = setmetatable({}, { __add = function(a, b) return further(a, 2) end })
        local function adds(x) return add(x, object) end
        local function adding(x) local n, a, b = adds(x) return n, a, b, x end
        local function protects(x) return pcall(adding, x) end
        local function protecting(x) local ok, n, a, b, c = protects(x) return ok, n, a, b, c, x end
        local function wraps(x) return coroutine.wrap(protecting)(x) end
        local function wrapping(x, ...) local ok, n, a, b, c, d = wraps(x) return select('#', ...), ok, n, a, b, c, d, x end
        local function variadic(...) return wrapping(...) end
        for i = 1, 300 do
            local f = i % 3 == 0 and variadic or i % 3 == 1 and wrapping or protecting
            print(f(tostring(i), i))
            print(pcall(f, 'x'))
            print(pcall(variadic, 'x', f('y', 1)))
        end
        "#,
    );
}

#[test]
fn tail_calls_return_to_the_host() {
    const PROGRAM: &str = "
        function last(n) return n end
        function further(...) return last(...) end
        function calling(n) local x = further(n) return x end
        function variadic(...) return calling(...) end
        function protected(...) return select(2, pcall(variadic, ...)) end
        function resumed(...) return coroutine.wrap(variadic)(...) end
        function plain(n) return variadic(n, n) end
        return calling(1)";
    for jit in ALL {
        let mut instance = Engine::new(Configuration::new().jit(jit)).instantiate().unwrap();
        assert_eq!(instance.eval::<i64>(PROGRAM).unwrap(), 1, "{jit:?}");
        let relay = instance.function(|context, (f, n): (Function, i64)| f.call::<i64>(context, (n, n))).unwrap();
        for name in ["last", "further", "calling", "variadic", "protected", "resumed", "plain"] {
            let function: Function = instance.eval(format!("return {name}")).unwrap();
            for n in 0..300 {
                assert_eq!(function.call::<i64>(&mut instance, n).unwrap(), n, "{jit:?}: {name}");
                assert_eq!(function.call::<i64>(&mut instance, (n, 2, 3)).unwrap(), n, "{jit:?}: {name}");
                assert_eq!(relay.call::<i64>(&mut instance, (function.clone(), n)).unwrap(), n, "{jit:?}: {name}");
            }
        }
    }
}

#[test]
fn numbers_are_those_of_the_interpreter_at_their_edges() {
    is_same_in_all(
        r#"
        local numbers = { 0, 1, -1, 2, 3, -7, 63, 64, 65, -64, math.maxinteger, math.mininteger, 0.0, -0.0, 1.5, -2.5, 1e308, -1e308,
            2^53, 1/0, -1/0, 0/0, '10', '0x10', '1e1' }
        local function all(a, b)
            local function try(f)
                local ok, v = pcall(f, a, b)
                return ok and tostring(v) or v:gsub('^.-:%d+: ', '')
            end
            return table.concat({ (try(function(a, b) return a + b end)), try(function(a, b) return a - b end),
                try(function(a, b) return a * b end), try(function(a, b) return a / b end), try(function(a, b) return a // b end),
                try(function(a, b) return a % b end), try(function(a, b) return a & b end), try(function(a, b) return a ~ b end),
                try(function(a, b) return a << b end), try(function(a, b) return a >> b end), try(function(a, b) return a < b end),
                try(function(a, b) return a <= b end), try(function(a, b) return a == b end), try(function(a) return -a end),
                try(function(a) return ~a end), try(function(a) return a // -1 end), try(function(a) return a % -1 end),
                try(function(a) return a % 3 end), try(function(a) return a // 4 end), try(function(a) return a ^ 2 end),
                try(function(a) return a << 65 end), try(function(a) return a >> -3 end), try(function(a) return a < 3 end) }, ' ')
        end
        for round = 1, 8 do
            for i, a in ipairs(numbers) do
                for j, b in ipairs(numbers) do
                    local text = all(a, b):gsub('%-nan', 'nan')
                    if round == 8 then print(a, b, text) end
                end
            end
        end
        "#,
    );
}

#[test]
fn loops_can_be_stopped() {
    for (jit, program) in ALL.into_iter().flat_map(|jit| {
        [
            "local x = 0 while true do x = x + 1 end",
            "local t = { 1 } repeat t[1] = t[1] * 2 until t[2]",
            "local function f(n) return n < 30 and f(n + 1) + f(n + 2) or 1 end while true do f(1) end",
            "local function loop(n) return loop(n + 1) end loop(1)",
        ]
        .map(|program| (jit, program))
    }) {
        let mut limited = Engine::new(Configuration::new().jit(jit).fuel(30_000_000)).instantiate().unwrap();
        assert!(matches!(limited.exec(program), Err(Error::Stopped(StopReason::Fuel))), "{jit:?}: {program}");
        assert_eq!(limited.fuel_left(), Some(0));
        let configuration = Configuration::new().jit(jit).time_limit(Duration::from_millis(50));
        let mut timed = Engine::new(configuration).instantiate().unwrap();
        assert!(matches!(timed.exec(program), Err(Error::Stopped(StopReason::Time))), "{jit:?}: {program}");
    }
}

#[test]
fn recursion_and_memory_have_their_limits() {
    for jit in ALL {
        let mut instance = Engine::new(Configuration::new().jit(jit).memory_limit(64 << 20)).instantiate().unwrap();
        let message: std::string::String = instance
            .eval(
                "local function deep(n) return 1 + deep(n + 1) end
                 for i = 1, 3 do pcall(deep, 1) end
                 return select(2, pcall(deep, 1))",
            )
            .unwrap();
        assert!(message.contains("stack overflow"), "{jit:?}: {message}");
        let message: std::string::String = instance
            .eval(
                "local function fill() local t = {} for i = 1, 1e9 do t[i] = { i } end end
                 return select(2, pcall(fill))",
            )
            .unwrap();
        assert_eq!(message, "not enough memory", "{jit:?}");
    }
}

#[test]
fn programs_can_be_frozen_anywhere() {
    const PROGRAM: &str = "
        local function risky(x) if x % 3 == 0 then error({ x }) end return x end
        local function produce(n) for i = 1, n do local ok, value = pcall(risky, i) coroutine.yield(ok and value or value[1]) end end
        local Point = {}
        Point.__index = Point
        function Point.new(x, y) return setmetatable({ x = x, y = y }, Point) end
        function Point:length() return (self.x * self.x + self.y * self.y) ^ 0.5 end
        local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
        local sum, list = 0, {}
        for i = 1, 300 do
            local p = Point.new(i, i / 2)
            sum = sum + p:length() + fib(i % 9)
            list[#list + 1] = i * 7 % 101
            for value in coroutine.wrap(function() produce(i % 9) end) do sum = sum + value end
            sum = sum + select(2, xpcall(risky, function(problem) return problem[1] end, i))
        end
        table.sort(list, function(a, b) return a > b end)
        for i, v in ipairs(list) do sum = sum + i * v end
        result = sum";
    let mut straight = Engine::new(Configuration::new().jit(Jit::Off)).instantiate().unwrap();
    straight.exec(PROGRAM).unwrap();
    let expected: f64 = straight.eval("return result").unwrap();
    for jit in COMPILED {
        let start = Engine::new(Configuration::new().jit(jit).snapshot_interval(7)).instantiate().unwrap();
        let mut running = run_frozen(start, jit, PROGRAM);
        assert_eq!(running.eval::<f64>("return result").unwrap(), expected, "{jit:?}");
    }
}

#[test]
fn what_was_compiled_is_told() {
    let mut instance =
        Engine::new(Configuration::new().jit(Jit::Eager).reports_machine_code(true)).instantiate().unwrap();
    let program = "local function f(a, b)\n return a + b\n end\n return f(1, 2)";
    let engine = Engine::new(Configuration::new());
    let program = engine.compile(program, "@sum.lua").unwrap();
    assert_eq!(instance.run::<i64>(&program, ()).unwrap(), 3);
    let report = instance.machine_code();
    assert!(report.functions.iter().any(|function| function.name == "sum.lua:1"), "{:?}", report.functions);
    let explanation = &instance.explain_machine_code("sum.lua:1")[0];
    assert!(explanation.ir.contains("add") && explanation.clif.contains("add") && !explanation.assembly.is_empty());
}
