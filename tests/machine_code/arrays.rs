//! Array parts that loops hold: whatever happens to the tables in mid-loop, programs see what is there.

use super::lua::is_same_in_all;

#[test]
fn arrays_may_be_changed_by_the_loops_that_hold_them() {
    is_same_in_all(
        r#"
        -- The same table by two names: what is added by one is read by the other.
        local function grow(a, b, n)
            local sum = 0
            for i = 1, n do
                a[i] = i * 0.5
                sum = sum + b[i]
                b[i] = sum
            end
            return sum, #a
        end
        -- Elements are taken away, moved to the hash part, and replaced by others.
        local function shrink(t, n)
            local sum = 0
            for i = n, 1, -1 do
                sum = sum + t[i]
                t[i] = nil
            end
            return sum, #t
        end
        local function sparse(t, n)
            local sum = 0
            for i = 1, n do
                t[i * 3] = i
                sum = sum + (t[i] or 1)
            end
            return sum
        end
        -- A metamethod and an error in mid-loop.
        local log = 0
        local watched = { __newindex = function(t, k, v) log = log + k rawset(t, k, v) end, __index = function(t, k) return k end }
        local function watch(t, other, n)
            local sum = 0
            for i = 1, n do
                t[i] = i
                sum = sum + t[i] + t[i + 1] + (other[i] or 0.5)
            end
            return sum
        end
        local function replaced(rows, n)
            local row, sum = rows[1], 0
            for i = 1, n do
                sum = sum + row[i]
                if i % 10 == 0 then row = rows[i // 10] end
            end
            return sum
        end
        local function booleans(t, n)
            local count = 0
            for i = 1, n do t[i] = i % 3 == 0 end
            for i = 1, n do if t[i] then count = count + 1 end end
            for i = 1, n do t[i] = "s" .. i end
            for i = 1, n do if t[i] == "s7" then count = count + 100 end end
            return count
        end
        for round = 1, 2500 do
            local n = round % 50
            local t = {}
            local a, b = grow(t, t, n)
            local c, d = grow({}, { 1, 2, 3, table.unpack({}, 1, n) }, math.min(n, 3))
            local e, f = shrink(t, n)
            local g = sparse({}, n)
            local h = watch(setmetatable({}, watched), t, n)
            local rows = {}
            for i = 1, 5 do rows[i] = {} for j = 1, 50 do rows[i][j] = i * j / 2 end end
            local k = replaced(rows, n)
            local l = booleans({}, n)
            if round % 250 == 0 then print(a, b, c, d, e, f, g, h, k, l, log) end
        end
        print(pcall(grow, {}, {}, 3))
        print(pcall(grow, { 1, 2 }, setmetatable({}, { __index = function() error("no element", 0) end }), 3))
        "#,
    );
}

#[test]
fn loops_of_calls_and_of_other_tables_read_what_is_there() {
    is_same_in_all(
        r#"
        local shared = {}
        local function add(x) shared[#shared + 1] = x return x end
        local function mixed(t, n)
            local sum = 0
            for i = 1, n do
                sum = sum + add(i)
                sum = sum + t[i]
                if i % 7 == 0 then table.remove(t) end
                if #t < i + 1 then t[#t + 1] = i / 2 t[#t + 1] = i / 4 end
            end
            return sum, #t
        end
        local function life(cells, next, n)
            for y = 2, n - 1 do
                local above, here, below, to = cells[y - 1], cells[y], cells[y + 1], next[y]
                for x = 2, n - 1 do
                    local count = above[x - 1] + above[x] + above[x + 1] + here[x - 1] + here[x + 1]
                        + below[x - 1] + below[x] + below[x + 1]
                    to[x] = (count == 3 or count == 2 and here[x] == 1) and 1 or 0
                end
            end
        end
        local n = 24
        local one, two = {}, {}
        for y = 1, n do
            one[y], two[y] = {}, {}
            for x = 1, n do one[y][x] = (x * y + x) % 3 == 0 and 1 or 0 two[y][x] = 0 end
        end
        for round = 1, 60 do life(one, two, n) one, two = two, one end
        local alive = 0
        for y = 1, n do for x = 1, n do alive = alive + one[y][x] end end
        print(alive)
        for round = 1, 400 do
            shared = {}
            local a, b = mixed(shared, round % 40)
            if round % 50 == 0 then print(a, b, #shared) end
        end
        "#,
    );
}

#[test]
fn divisions_by_powers_of_two_are_exact() {
    is_same_in_all(
        r#"
        local function divide(x)
            return x / 2, x / -4, x / 0.125, x / 1, x / 3, x / 0x1p1022, x / 0x1p-1022, x / 0x1p1023, x / 0x1p-1074, x / 0.0, x / -0.0
        end
        local values = { 1, 3.5, -7, 0.0, -0.0, 1e308, 5e-324, -2.2250738585072014e-308, math.huge, math.mininteger, 0/0 }
        for round = 1, 300 do
            for i, x in ipairs(values) do
                local text = string.format(("%a "):rep(11), divide(x)):gsub("%-nan", "nan")
                if round == 300 then print(i, text) end
            end
        end
        "#,
    );
}
