-- Numeric for: integer and float loops, limits that overflow, clipping, steps, errors.
local maxint, minint, huge = math.maxinteger, math.mininteger, math.huge
local function run(a, b, c) local out = {} for i = a, b, c or 1 do out[#out + 1] = tostring(i) if #out > 20 then out[#out + 1] = "..." break end end return table.concat(out, " ") end
local function is(expected, ...) local got = run(...) assert(got == expected, got) end
is("1 2 3", 1, 3) is("3 2 1", 3, 1, -1) is("", 3, 1) is("", 1, 3, -1) is("1", 1, 1) is("1", 1, 1, -1) is("1 3 5", 1, 6, 2) is("6 4 2", 6, 1, -2) is("0", 0, 0, 100) is("-3 -2 -1 0", -3, 0)
-- At the ends of the range
is(maxint - 1 .. " " .. maxint, maxint - 1, maxint) is(minint + 1 .. " " .. minint, minint + 1, minint, -1) is(tostring(maxint), maxint, maxint) is(tostring(minint), minint, minint, -1) is(maxint - 2 .. " " .. maxint, maxint - 2, maxint, 2) is(tostring(maxint - 1), maxint - 1, maxint, 2)
is("0 " .. minint, 0, minint, minint)
is(maxint .. " -1", maxint, minint, minint)
is("-1", -1, minint, minint)
is("-9223372036854775808 -1 9223372036854775806", minint, maxint, maxint)
is("-9223372036854775808 -4611686018427387904 0", minint, 0, 1 << 62)
is("-9223372036854775808 -4611686018427387904 0 4611686018427387904", minint, maxint, 1 << 62)
is("9223372036854775807 4611686018427387903 -1 -4611686018427387905", maxint, minint, -(1 << 62))
-- Float limits of integer loops are clipped
is("1 2 3", 1, 3.9) is("3 2", 3, 1.1, -1) is("", 1, 0.9) is("", 1, -huge) is("", 1, huge, -1) is("", 1, 0 / 0) is("-3 -2", -3, -1.5) is("-1 -2 -3", -1, -3.5, -1) is("", maxint, 1e300, -1)
local n = 0 for i = 1, huge do n = n + 1 if i == 5 then break end assert(math.type(i) == "integer") end
assert(n == 5) n = 0 for i = -1, -huge, -1 do n = n + 1 if n == 5 then assert(i == -5) break end end
assert(n == 5)
n = 0 for i = maxint - 2, 1e300 do n = n + 1 end
assert(n == 3) n = 0 for i = minint + 2, -1e300, -1 do n = n + 1 end
assert(n == 3) n = 0 for i = maxint - 1, 2 ^ 63 do n = n + 1 end
assert(n == 2) for i = 5, 2 ^ 63, maxint do assert(i == 5) end
-- Float loops
is("1.0 2.0 3.0", 1.0, 3) is("1.0 1.5 2.0", 1, 2, 0.5) is("2.0 1.5 1.0", 2.0, 1, -0.5) is("", 1.0, 0) is("0.0 0.1 0.2 0.3", 0, 0.35, 0.1) is("1.0", 1.0, 1.0) is("1.0", 1, 1.5, 1.0) is("-1.0 0.0 1.0", -1.0, 1.0) is("3.0 1.0 -1.0", 3, -1, -2.0) is("0.0", 0.0, 0.5, huge)
n = 0 for i = 1.0, huge do n = n + 1 if n == 4 then assert(math.type(i) == "float" and i == 4.0) break end end n = 0 for i = 0.1, 1.0, 0.1 do n = n + 1 end
assert(n == 9 or n == 10)
for i = 1, 3 do assert(math.type(i) == "integer") end for i = 1, 3.0 do assert(math.type(i) == "integer") end for i = 1.0, 3 do assert(math.type(i) == "float") end for i = 1, 3, 1.0 do assert(math.type(i) == "float") end
-- Bounds are evaluated once, in order; the variable is a copy
local order = {}
local function note(x, name) order[#order + 1] = name return x end for i = note(1, "a"), note(3, "b"), note(1, "c") do end
assert(table.concat(order) == "abc")
local limit = 3 n = 0 for i = 1, limit do limit = 100 n = n + 1 i = i + 10 end
assert(n == 3)
local i = "outer" for i = 1, 2 do end
assert(i == "outer")
for i = 1, 3 do local j = i i = nil assert(j) end
-- Errors
local function fails(expected, code) local ok, m = pcall(assert(load(code, "=s"))) assert(not ok and m == expected, m) end
fails("s:1: 'for' step is zero", "for i = 1, 10, 0 do end")
fails("s:1: 'for' step is zero", "for i = 1.0, 10, 0.0 do end")
fails("s:1: 'for' step is zero", "for i = 1, 10, -0.0 do end")
fails("s:1: bad 'for' initial value (number expected, got nil)", "for i = nil, 2 do end")
fails("s:1: bad 'for' limit (number expected, got table)", "for i = 1, {} do end")
fails("s:1: bad 'for' step (number expected, got function)", "for i = 1, 2, print do end")
fails("s:1: bad 'for' limit (number expected, got boolean)", "for i = 1.5, true do end")
-- Nested, large, with closures and jumps
n = 0 for a = 1, 30 do for b = a, 30 do for c = b, 30 do if a * a + b * b == c * c then n = n + 1 end end end end
assert(n == 11)
n = 0 for k = 1, 1000000 do n = n + k end
assert(n == 500000500000) n = 0 for k = 1000000, 1, -3 do n = n + 1 end
assert(n == 333334)
local function find(t, x) for k = 1, #t do if t[k] == x then return k end end end
assert(find({ 5, 6, 7 }, 7) == 3)
assert(find({}, 1) == nil)
for _ = 1, 0 do error() end for _ = 0, -1 do error() end for _ = maxint, minint do error() end for _ = minint, maxint, -1 do error() end
print("ok")
