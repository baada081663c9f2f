//! Loops whose first turn is compiled apart: what programs see of it is nothing.

use super::lua::is_same_in_all;
use lunette::{AsContext, Configuration, Engine, Jit};

#[test]
fn first_turns_are_compiled_apart() {
    let mut instance = Engine::new(Configuration::new().jit(Jit::On).reports_machine_code(true)).instantiate().unwrap();
    let source = r#"
        local function total(t, n)
            local sum = 0
            for i = 1, n do sum = sum + t[i] end
            return sum
        end
        local t = {}
        for i = 1, 500 do t[i] = i / 2 end
        local all = 0
        for round = 1, 3000 do all = all + total(t, 500) end
        return all
    "#;
    let program = Engine::default().compile(source, "@sums.lua").unwrap();
    assert_eq!(instance.run::<f64>(&program, ()).unwrap(), 187_875_000.0);
    let explained = instance.explain_machine_code("sums.lua:2");
    let ir = &explained.last().unwrap().ir;
    assert_eq!(ir.matches("numeric_for_loop").count(), 2, "{ir}");
}

#[test]
fn loops_of_all_forms_give_the_same() {
    is_same_in_all(
        r#"
        local function sums(t, n)
            local a, b, c, d = 0, 0, 0, 0
            for i = 1, n do a = a + t[i] end
            local i = 1
            while i <= n do b = b + t[i] i = i + 1 end
            i = n
            repeat c = c - (t[i] or 0.5) i = i - 1 until i <= 0
            i = 0
            ::again::
            i = i + 1
            if i <= n then
                if i % 3 == 0 then goto again end
                d = d + t[i] * 2
                goto again
            end
            return a, b, c, d
        end
        local t = {}
        for i = 1, 40 do t[i] = i * 0.25 end
        for round = 1, 4000 do
            local n = round % 40
            local a, b, c, d = sums(t, n)
            if round % 333 == 0 then print(n, a, b, c, d, math.type(a), math.type(d)) end
        end
        -- What is added changes its type in mid-loop.
        for i = 1, 40 do t[i] = i % 7 == 0 and i * 0.5 or i end
        for round = 1, 4000 do
            local a, b, c, d = sums(t, round % 40)
            if round % 333 == 0 then print(a, b, c, d, math.type(a), math.type(d)) end
        end
        "#,
    );
}

#[test]
fn loops_are_left_and_entered_anywhere() {
    is_same_in_all(
        r#"
        local function find(t, wanted)
            local seen, steps = nil, 0
            for i = 1, #t do
                local value = t[i]
                steps = steps + value
                if value == wanted then seen = i break end
            end
            return seen, steps
        end
        local function walk(rows, stop)
            local all = 0
            for y = 1, #rows do
                local row, line = rows[y], 0
                for x = 1, #row do
                    if row[x] == stop then return all, x, y end
                    line = line + row[x]
                    if x > 30 then break end
                end
                all = all + line
            end
            return all
        end
        local function each(t)
            return coroutine.wrap(function()
                local sum = 0
                for i = 1, #t do
                    sum = sum + t[i]
                    coroutine.yield(sum)
                end
                return sum
            end)
        end
        local function fail(t, n)
            local sum = 0
            for i = 1, n do
                sum = sum + t[i]
            end
            return sum
        end
        local t, rows = {}, {}
        for i = 1, 50 do t[i] = i + 0.5 end
        for y = 1, 20 do rows[y] = {} for x = 1, 40 do rows[y][x] = x * y / 4 end end
        local text = 0
        for round = 1, 3000 do
            local seen, steps = find(t, round % 60 + 0.5)
            local all, x, y = walk(rows, round % 211 / 4)
            text = (text + (seen or 7) + steps + all + (x or 1) + (y or 2)) % 10007
            if round % 300 == 0 then print(text, seen, x, y, pcall(fail, t, round % 60)) end
        end
        for round = 1, 60 do
            local next, last = each(t), nil
            for i = 1, 50 do last = next() end
            if round % 20 == 0 then print(last) end
        end
        print(select(2, pcall(fail, { 1.5, 2.5, {}, 4 }, 4)))
        print(select(2, pcall(fail, { 1.5, setmetatable({}, { __add = function(a, b) return 100 end }), 4.5 }, 3)))
        "#,
    );
}

#[test]
fn what_is_captured_in_each_turn_is_its_own() {
    is_same_in_all(
        r#"
        local function make(t, n)
            local sum, closures = 0, {}
            for i = 1, n do
                local value = t[i]
                sum = sum + value
                if i % 5 == 0 then closures[#closures + 1] = function() value = value + 1 return value + sum end end
            end
            return closures, sum
        end
        local t = {}
        for i = 1, 30 do t[i] = i / 4 end
        local all = 0
        for round = 1, 2000 do
            local closures, sum = make(t, round % 30)
            for _, closure in ipairs(closures) do all = all + closure() + closure() end
            all = all + sum
        end
        print(all)
        local function inner(x, y) return x * y + 1 end
        local function matrix(a, b, n)
            local s = 0
            for i = 1, n do
                local line = 0
                for j = 1, n do line = line + inner(a[j], b[i]) end
                s = s + line
            end
            return s
        end
        for round = 1, 400 do all = all + matrix(t, t, round % 30) end
        print(all)
        "#,
    );
}
