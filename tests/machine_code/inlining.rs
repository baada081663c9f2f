//! Functions of Lua that are compiled in the place of calls: what programs see of it is nothing.

use super::{COMPILED, lua::is_same_in_all, run_frozen};
use lunette::{AsContext, Configuration, Engine, Instance, Jit};

const VECTORS: &str = r#"
    local Vector = {}
    Vector.__index = Vector
    local function new(x, y) return setmetatable({ x = x, y = y }, Vector) end
    function Vector:dot(other) return self.x * other.x + self.y * other.y end
    function Vector:length2() return self:dot(self) end
    function Vector:add(other) self.x, self.y = self.x + other.x, self.y + other.y return self end
    local function total(n)
        local sum, step = new(0, 0.5), new(1, 2)
        local all = 0
        for i = 1, n do
            all = all + sum:add(step):length2() % 7
        end
        return all
    end
"#;

#[test]
fn small_functions_are_compiled_in_the_place_of_calls() {
    let mut instance =
        Engine::new(Configuration::new().jit(Jit::On).background_compilation(false).reports_machine_code(true))
            .instantiate()
            .unwrap();
    let program = Engine::default().compile(format!("{VECTORS} return total(300000)"), "@vectors.lua").unwrap();
    instance.run::<f64>(&program, ()).unwrap();
    let explained = instance.explain_machine_code("vectors.lua:8");
    // `length2` calls `dot`.
    let places = explained.last().unwrap().ir.matches("in the place of").count();
    assert!(places >= 3, "{}", explained.last().unwrap().ir);
}

#[test]
fn results_and_fuel_are_those_of_calls() {
    is_same_in_all(&format!("{VECTORS} for round = 1, 30 do print(total(round * 400)) end"));
    is_same_in_all(
        r#"
        local function none() end
        local function first(a) return a end
        local function two(a, b) return b, a end
        local function three(a, b, c) if c then return a, b, c end return c, b end
        local function nested(a, b) local x, y = two(a, b) local z = first(x) return z, y, (three(z, y)) end
        local sum = 0
        for i = 1, 40000 do
            none()
            local a, b = none(i), first(i, 2, 3)
            local c, d, e = two(i)
            local f, g, h = three(i, i % 3 == 0 and i / 2 or i, i % 2 == 0 or nil)
            local j, k, l, m = nested(i, b)
            sum = sum + (a or 1) + b + (c or 2) + d + (e or 3) + (f or 4) + g + (h and 5 or 6) + j + k + (l or 7) + (m or 8)
        end
        print(sum)
        "#,
    );
}

#[test]
fn what_is_called_may_change() {
    is_same_in_all(
        r#"
        local function one(a) return a + 1 end
        local function two(a) return a * 2 end
        local function make(n) return function(a) n = n + a return n end end
        local callable = setmetatable({}, { __call = function(self, a) return a - 1 end })
        local functions = { one, two, math.abs, callable, make(5), make(0.5) }
        local f, sum = one, 0
        local function step(i) return f(i) end
        for i = 1, 60000 do
            if i % 5000 == 0 then f = functions[i // 5000 % #functions + 1] end
            sum = (sum + (step(i)) + (f(i))) % 1000003
            if i % 20000 == 19999 then f = nil print(pcall(step, i)) f = one end
        end
        print(sum)
        "#,
    );
}

#[test]
fn errors_name_their_places_and_who_has_called() {
    is_same_in_all(
        r#"
        local trace
        local function field(t) return t.x.y end
        local function middle(t) local v = field(t) return v + 1 end
        local function outer(t, n) local v = 0 for i = 1, n do v = v + (middle(t)) end return v end
        local function handler(message) trace = debug.traceback(message, 1) return message end
        local good, bad, worse = { x = { y = 1 } }, { x = 5 }, { x = { y = {} } }
        for round = 1, 200 do
            local ok, v = xpcall(outer, handler, round % 50 == 0 and bad or round % 51 == 0 and worse or good, 300)
            if not ok then print(v) print(trace) end
        end
        local function deep(n) if n == 0 then return 0 end local v = middle(good) return v + deep(n - 1) end
        for i = 1, 300 do deep(100) end
        print(deep(15000), pcall(deep, 1e8))
        "#,
    );
}

#[test]
fn callers_can_be_looked_at_and_changed() {
    is_same_in_all(
        r#"
        local watch, seen = false, {}
        local function peek(level, name)
            for index = 1, 20 do
                local found, value = debug.getlocal(level, index)
                if found == name then return value, index end
            end
        end
        local function inner(a, b)
            local c = a * 2
            if watch then
                local i, at = peek(4, 'i')
                seen[#seen + 1] = table.concat({ peek(2, 'c'), peek(3, 'd'), i, debug.getinfo(1, 'l').currentline,
                    debug.getinfo(2, 'n').name, debug.getinfo(3, 'n').name }, ' ')
                local _, sum_at = peek(4, 'sum')
                debug.setlocal(3, sum_at, 1000)
            end
            return c + b
        end
        local function middle(x, y) local d = x + 0.5 local e = inner(x, y) return d + e end
        local function run()
            local sum = 0
            for i = 1, 2000 do
                watch = i % 500 == 0
                sum = sum + middle(i, 1)
            end
            return sum
        end
        for round = 1, 20 do print(run()) end
        print(table.concat(seen, '\n'))
        local calls = 0
        debug.sethook(function(event) calls = calls + 1 end, 'cr')
        run()
        debug.sethook()
        print(calls)
        "#,
    );
}

#[test]
fn coroutines_may_yield_within() {
    is_same_in_all(
        r#"
        local yield = coroutine.yield
        local function give(i) if i % 10 == 0 then return yield(i) + 1 end return i end
        local function twice(i) local a = give(i) local b = give(i + 1) return a + b end
        local wrapped = coroutine.wrap(function()
            local sum = 0
            for i = 1, 30000 do sum = sum + (twice(i)) end
            return 'end', sum
        end)
        local got, last, total = 0, nil, 0
        while true do
            local value, sum = wrapped(got)
            if value == 'end' then print(sum, total) break end
            got, total = value * 3, total + value
        end
        "#,
    );
}

#[test]
fn loops_around_it_can_be_frozen() {
    let program = format!("{VECTORS} local last for round = 1, 40 do last = total(3000) end result = tostring(last)");
    let result = |instance: &mut Instance| instance.eval::<String>("return result").unwrap();
    let mut plain = Engine::new(Configuration::new().jit(Jit::Off)).instantiate().unwrap();
    plain.exec(program.as_str()).unwrap();
    let expected = result(&mut plain);
    for jit in COMPILED {
        let engine = Engine::new(Configuration::new().jit(jit).snapshot_interval(7));
        let mut frozen = run_frozen(engine.instantiate().unwrap(), jit, &program);
        assert_eq!(result(&mut frozen), expected, "{jit:?}");
    }
}

#[test]
fn numbers_of_frames_that_are_gone_are_not_stored_over_others() {
    is_same_in_all(
        r#"
        local function counter(start)
            local value = start
            return function() value = value + 1 return value end, function() return value end
        end
        local function curry(f)
            return function(a) return function(b) return function(c) return f(a, b, c) end end end
        end
        local function map(list, f)
            local out = {}
            for i = 1, #list do out[i] = f(list[i]) end
            return out
        end
        local function fold(list, initial, f)
            for i = 1, #list do initial = f(initial, list[i]) end
            return initial
        end
        local total = 0
        local three = curry(function(a, b, c) return a * 4 + b * 2 + c end)
        for round = 1, 250000 do
            local bump, peek = counter(round)
            bump()
            bump()
            total = (total + peek() + three(round)(round + 1)(round + 2)) % 1000003
            if round % 10 == 0 then
                local makers = {}
                for i = 1, 5 do makers[i] = function(x) return x + i + round % 7 end end
                local values = map(makers, function(f) return f(round % 100) end)
                total = (total + fold(values, 0, function(a, b) return a + b end)) % 1000003
            end
        end
        print(total)
        "#,
    );
}
