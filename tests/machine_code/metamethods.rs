//! Objects: metamethods that are compiled in the place of arithmetic, metatables that are set, and fields and methods of many kinds
//! of tables.

use super::{COMPILED, lua::is_same_in_all, run_frozen};
use lunette::{AsContext, Configuration, Engine, Instance, Jit};

const VECTORS: &str = r#"
    local Vector = {}
    Vector.__index = Vector
    local function vector(x, y) return setmetatable({ x = x, y = y }, Vector) end
    function Vector.__add(a, b) return vector(a.x + b.x, a.y + b.y) end
    function Vector.__mul(a, b)
        if type(a) == 'number' then return vector(a * b.x, a * b.y) end
        if type(b) == 'number' then return vector(a.x * b, a.y * b) end
        return a.x * b.x + a.y * b.y
    end
    function Vector.__unm(a) return vector(-a.x, -a.y) end
    local function total(n)
        local sum, step, all = vector(0, 0.5), vector(1, 2), 0
        for i = 1, n do
            sum = sum + step * 0.5 + -step * 2
            all = (all + sum * step) % 1000003
        end
        return all
    end
"#;

#[test]
fn small_metamethods_are_compiled_in_the_place_of_arithmetic() {
    let mut instance =
        Engine::new(Configuration::new().jit(Jit::On).background_compilation(false).reports_machine_code(true))
            .instantiate()
            .unwrap();
    let program = Engine::default().compile(format!("{VECTORS} return total(300000)"), "@vectors.lua").unwrap();
    instance.run::<f64>(&program, ()).unwrap();
    let explained = instance.explain_machine_code("vectors.lua:12");
    // Three of them, and `vector` in each.
    let places = explained.last().unwrap().ir.matches("in the place of").count();
    assert!(places >= 6, "{}", explained.last().unwrap().ir);
}

#[test]
fn results_and_fuel_are_those_of_metamethods_that_are_called() {
    is_same_in_all(&format!("{VECTORS} for round = 1, 30 do print(total(round * 400)) end"));
    is_same_in_all(
        r#"
        local log = 0
        local meta = {
            __add = function(a) return a.n end,
            __sub = function(a, b, c, d) log = log + 1 if c or d then return 0 end return a.n, b, 3 end,
            __mul = function() end,
            __div = function(a, b) if b == 2 then return end return nil, 1 end,
            __mod = function(a, b) return b end,
            __idiv = function(a, b) return (b == a) end,
            __unm = function(a, b) return rawequal(a, b) end,
            __bnot = function(a, b, c) return c == nil and rawequal(a, b) end,
            __shl = function(a, b) return tostring(b) end,
            __band = function(a, b) local c = a + b return c - 1 end,
            __concat = function(a, b) return 'c' end,
        }
        local sum = 0
        for i = 1, 20000 do
            local a = setmetatable({ n = i }, meta)
            local s, t = a + 1, a + i
            local d, e = a - 3, a - a
            sum = sum + s + t + d + e + (a * 2 == nil and 1 or 0) + (a / 2 == nil and 1 or 0) + (a / 3 == nil and 1 or 0)
            sum = sum + a % 5 + (a // a and 1 or 2) + (-a and 1 or 2) + (~a and 1 or 2) + #(a << 3) + (a & 1)
            local ok, message = pcall(function() return a | 1 end)
            if i % 5000 == 0 then print(ok, message) end
        end
        print(sum, log)
        "#,
    );
}

#[test]
fn operands_and_metamethods_may_change() {
    is_same_in_all(
        r#"
        local one, two = { __add = function(a, b) return 1 end }, { __add = function(a, b) return 2 end }
        local none, callable = {}, { __add = setmetatable({}, { __call = function(self, a, b) return 4 end }) }
        local inheriting = setmetatable({}, { __index = one })
        local objects = {}
        for i, meta in ipairs { one, two, one, callable, none, inheriting } do objects[i] = setmetatable({}, meta) end
        objects[7], objects[8], objects[9], objects[10] = 5, 2.5, '7', 'x'
        local a, b = objects[1], 1
        local function add() return a + b end
        local sum = 0
        for i = 1, 80000 do
            if i % 4000 == 0 then a = objects[i // 4000 % 10 + 1] end
            if i % 30000 == 0 then one.__add = function() return 10 end end
            if i % 50000 == 0 then one.__add = nil end
            if i % 70000 == 0 then one.__add = two.__add end
            local ok, value = pcall(add)
            if ok then sum = sum + value elseif i % 4000 == 0 then print(value) end
        end
        print(sum)
        debug.setmetatable(1, { __add = two.__add })
        a, b = 1, objects[5]
        for i = 1, 1000 do sum = sum + add() end
        debug.setmetatable(1, nil)
        print(sum)
        "#,
    );
}

#[test]
fn errors_name_their_places_and_levels_are_limited() {
    is_same_in_all(
        r#"
        local trace
        local meta = {}
        meta.__add = function(a, b) return a.n + b end
        meta.__sub = function(a, b) if b < 1 then return 0 end return a - (b - 1) end
        meta.__mul = function(a, b) if b == 0 then return 0 end local c = a * (b - 1) return c + 1 end
        local function handler(message) trace = debug.traceback(message, 1) return message end
        local function new(n) return setmetatable({ n = n }, meta) end
        local function sum(n, bad) local s = 0 for i = 1, n do s = s + (new(i == bad and {} or i) + i) end return s end
        for round = 1, 100 do
            local ok, v = xpcall(sum, handler, 300, round % 25 == 0 and 200 or nil)
            if not ok then print(v) print(trace) end
        end
        local object, all = new(1), 0
        for i = 1, 3000 do all = all + object * (i % 100) + (object - (i % 150)) end
        print(all, pcall(function() return object * 150 end), pcall(function() return object * 500 end))
        print(select('#', pcall(function() return object - 190 end)), pcall(function() return object - 300 end))
        "#,
    );
}

#[test]
fn coroutines_may_yield_within_metamethods() {
    is_same_in_all(
        r#"
        local meta = { __add = function(a, b) if b % 10 == 0 then return coroutine.yield(b) + 1 end return a.n + b end }
        local wrapped = coroutine.wrap(function()
            local object, sum = setmetatable({ n = 5 }, meta), 0
            for i = 1, 30000 do sum = sum + (object + i) end
            return 'end', sum
        end)
        local got, total = 0, 0
        while true do
            local value, sum = wrapped(got)
            if value == 'end' then print(sum, total) break end
            got, total = value * 3, total + value
        end
        "#,
    );
}

#[test]
fn loops_around_metamethods_can_be_frozen() {
    let program = format!("{VECTORS} local last for round = 1, 20 do last = total(700) end result = tostring(last)");
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
fn metatables_are_set_in_line_only_where_nobody_wants_to_know() {
    is_same_in_all(
        r#"
        collectgarbage('stop')
        local finalized = 0
        local plain, finalizing = { __index = { kind = 1 } }, { __gc = function() finalized = finalized + 1 end }
        local protected = { __metatable = 'no', __index = plain.__index }
        local function new(meta) return setmetatable({}, meta) end
        local function again(object, meta) local o = setmetatable(object, meta) return o end
        local sum, old, base = 0, {}, {}
        local derived = setmetatable({}, { __index = base })
        for i = 1, 40000 do
            local object = new(plain)
            sum = sum + object.kind
            if i % 100 == 0 then
                new(finalizing)
                sum = sum + again(object, protected).kind
                local ok, message = pcall(again, object, plain)
                if i % 10000 == 0 then print(ok, message, pcall(setmetatable, object, 1)) end
                again(old, i % 200 == 0 and plain or { __index = { kind = i } })
                sum = sum + old.kind
                setmetatable(base, { __index = { found = i } })
            end
            sum = sum + (derived.found or 0)
        end
        collectgarbage()
        collectgarbage()
        print(sum, finalized)
        "#,
    );
}

#[test]
fn fields_and_methods_of_many_kinds_of_tables_are_found() {
    is_same_in_all(
        r#"
        local function class(parent, name)
            local methods = {}
            methods.__index = methods
            if parent then setmetatable(methods, { __index = parent }) end
            methods.name = name
            return methods
        end
        local Base = class(nil, 'base')
        function Base:step() self.count = self.count + 1 return self.count end
        function Base:value() return 1 end
        local classes, objects = { Base }, {}
        for i = 1, 12 do
            local parent = classes[(i + 1) // 2]
            local new = class(parent, 'class' .. i)
            if i % 3 == 0 then function new:value() return i end end
            classes[i + 1] = new
        end
        for i, class in ipairs(classes) do
            local object = { count = 0 }
            for field = 1, i % 5 do object['f' .. field] = field end
            object.own = i % 2 == 0 and i or nil
            objects[i] = setmetatable(object, class)
        end
        objects[#objects + 1] = { count = 0, step = Base.step, value = function() return 100 end, name = 'own' }
        local sum, names = 0, 0
        for round = 1, 6000 do
            for i = 1, #objects do
                local object = objects[i]
                sum = (sum + object:step() + object:value() + (object.own or 0) + (object.missing or 3)) % 1000003
                names = names + #object.name
                object.last = round
                object.own = round % 7 ~= 0 and i or nil
            end
            if round % 1000 == 0 then
                local changed = classes[round // 1000 + 1]
                changed.value = function() return round end
                changed.missing = round % 2000 == 0 and 5 or nil
                Base.name = 'base' .. round
                if round % 3000 == 0 then setmetatable(objects[3], classes[8]) end
            end
        end
        print(sum, names)
        "#,
    );
}
