-- Tables: constructors, keys of every type, normalized floats, length and its borders, growth.
local maxint, minint = math.maxinteger, math.mininteger
-- Constructors
local t = { 1, 2, 3, x = 10, ["y z"] = 20, [100] = 30, 4, [2.5] = "f", [true] = "b" }
assert(#t == 4)
assert(t[4] == 4)
assert(t.x == 10)
assert(t["y z"] == 20)
assert(t[100] == 30)
assert(t[2.5] == "f")
assert(t[true] == "b")
assert(next({}) == nil)
assert(#{} == 0)
assert(#{ nil } == 0)
assert(#{ 1, } == 1)
assert(#{ 1; 2; } == 2)
assert(#{ n = 1 } == 0)
assert(#{ 1, nil } <= 2)
local function three() return 1, 2, 3 end
local function none() end
assert(#{ three() } == 3)
assert(#{ three(), three() } == 4)
assert(#{ (three()) } == 1)
assert(#{ three(), nil } <= 2)
assert(#{ none() } == 0)
assert(#{ three(), x = 1 } == 1)
assert(#{ x = 1, three() } == 3)
assert(({ [1] = "a", "b" })[1] == "b")
assert(({ "a", [1] = "b" })[1] == "a")
assert(({ three(), three() })[2] == 1)
local nested = { { { 1 }, 2 }, a = { b = { c = "deep" } } }
assert(nested[1][1][1] == 1)
assert(nested.a.b.c == "deep")
assert(nested["a"]["b"]["c"] == "deep")
local big =
assert(load("return {" .. ("7,"):rep(1000) .. "}"))()
assert(#big == 1000)
assert(big[1] == 7)
assert(big[1000] == 7)
assert(big[1001] == nil)
local source = {}
for i = 1, 600 do source[i] = "k" .. i .. "=" .. i end
local wide =
assert(load("return {" .. table.concat(source, ",") .. "}"))()
for i = 1, 600 do assert(wide["k" .. i] == i) end

-- Keys
local keys = { 1, -1, 0, maxint, minint, 1.5, -0.5, 1e300, math.huge, -math.huge, "a", "", "1", "\0", true, false, {}, print, function() end, coroutine.create(print), io.stdout, ("long"):rep(50) }
local all = {}
for i, key in ipairs(keys) do all[key] = i end
for i, key in ipairs(keys) do assert(all[key] == i and rawget(all, key) == i) end
local count = 0
for _ in pairs(all) do count = count + 1 end
assert(count == #keys)
assert(all[("long"):rep(50)] == #keys)
t = {}
t[1.0] = "one"
t[2 ^ 53] = "big"
t[-0.0] = "zero"
assert(t[1] == "one")
assert(t[1 << 53] == "big")
assert(t[0] == "zero")
assert(t[0.0] == "zero")
assert(t["1"] == nil)
assert(t["0"] == nil)
assert(math.type(next({ [3.0] = 1 })) == "integer")
assert(math.type(next({ [2.0 ^ 63] = 1 })) == "float")
assert(math.type(next({ [-2.0 ^ 63] = 1 })) == "integer")
t = { [1] = 1, [1.5] = 2, ["1"] = 3 }
assert(t[1] == 1)
assert(t[1.5] == 2)
assert(t["1"] == 3)
assert(t[nil] == nil)
assert(t[0 / 0] == nil)
assert(rawget(t, nil) == nil)
local function fails(expected, code)
  local ok, message = pcall(assert(load(code, "=s")))
  assert(not ok and message == expected, message)
end
fails("s:1: table index is nil", "local t = {} t[nil] = 1")
fails("s:1: table index is NaN", "local t = {} t[0/0] = 1")
fails("s:1: table index is nil", "return {[nil] = 1}")
fails("s:1: table index is NaN", "return {[0/0] = 1}")
fails("table index is nil", "rawset({}, nil, 1)")
fails("table index is NaN", "rawset({}, 0/0, 1)")
fails("s:1: bad argument #1 to 'rawset' (table expected, got number)", "rawset(1, 1, 1)")
fails("s:1: bad argument #1 to 'rawget' (table expected, got string)", "rawget('x', 1)")
fails("s:1: bad argument #1 to 'rawlen' (table or string expected, got number)", "rawlen(5)")
fails("s:1: bad argument #2 to 'rawequal' (value expected)", "rawequal(1)")
fails("s:1: attempt to index a nil value (local 'a')", "local a a.b = 1")
fails("s:1: attempt to index a nil value (local 'a')", "local a a[1] = 1")
fails("s:1: attempt to index a nil value (field 'b')", "local a = {} a.b.c = 1")
fails("s:1: attempt to index a number value", "return (1)[1]")
fails("s:1: attempt to index a nil value (global 'x')", "x = nil x[1] = 2")
fails("s:1: attempt to index a nil value (field 'integer index')", "local t = {} return t[1][2]")
fails("s:1: attempt to index a nil value (field '?')", "local t, k = {}, 'key' return t[k].z")

-- Assigning nil removes; setting again restores
t = {}
for i = 1, 100 do t["k" .. i] = i end
for i = 1, 100, 2 do t["k" .. i] = nil end
for i = 1, 100 do assert(t["k" .. i] == (i % 2 == 0 and i or nil)) end
for i = 1, 100 do t["k" .. i] = -i end
for i = 1, 100 do assert(t["k" .. i] == -i) end
for k in pairs(t) do t[k] = nil end
assert(next(t) == nil)
t[nil or 1] = false
assert(t[1] == false)
assert(#t == 1)
assert(next(t) == 1)

-- Length
t = {}
for i = 1, 2000 do
  t[#t + 1] = i
  assert(#t == i)
end
for i = 2000, 1, -1 do
  assert(#t == i)
  assert(rawlen(t) == i)
  t[#t] = nil
end
assert(#t == 0)
for i = 100, 1, -1 do t[i] = i end
assert(#t == 100)
local function border(list) local n = #list return (n == 0 or list[n] ~= nil) and list[n + 1] == nil end
for _, list in ipairs({ { 1, nil, 3 }, { nil, nil, 3 }, { 1, nil }, { nil }, { n = 1 }, { [2] = 2 }, { [1] = 1, [3] = 3 }, { 1, 2, nil, 4, nil, nil }, { [0] = 0 }, { [-1] = 1 } }) do assert(border(list)) end
for hole = 1, 40 do
  local list = {}
  for i = 1, 40 do list[i] = i end
  list[hole] = nil
  assert(border(list))
  list[40] = nil
  assert(border(list))
end
t = {}
t[1 << 40] = 1
t[maxint] = 2
t[minint] = 3
assert(#t == 0)
assert(t[maxint] == 2)
assert(t[minint] == 3)
assert(t[1 << 40] == 1)
assert(t[maxint - 1] == nil)
t = { [maxint] = 1 }
assert(border(t) or #t == maxint)
assert(#"abc" == 3)
assert(rawlen("abc") == 3)
assert(rawlen({ 1, 2 }) == 2)
assert(rawequal(t, t))
assert(rawset(t, "a", 1) == t)
assert(rawget(t, "a") == 1)

-- Negative, zero and sparse indices beside an array
t = { 10, 20, 30 }
t[0], t[-1], t[1000000] = 0, -10, 7
assert(#t == 3)
assert(t[0] == 0)
assert(t[-1] == -10)
assert(t[1000000] == 7)
t[4] = 40
assert(#t == 4)
t[2] = nil
t[2] = 21
assert(t[2] == 21)
assert(#t == 4)

-- From hash to array and back
t = {}
for i = 1, 64 do t[i * 2] = i end
for i = 1, 63 do t[i * 2 - 1] = -i end
for i = 1, 63 do assert(t[i * 2] == i and t[i * 2 - 1] == -i) end
t[127] = 1
assert(#t == 128)

-- Order of evaluation in multiple assignment
local i, list = 1, { 10, 20, 30 }
i, list[i] = i + 1, 99
assert(i == 2)
assert(list[1] == 99)
assert(list[2] == 20)
local x, y, z = 1, 2
assert(z == nil)
x, y = y, x
assert(x == 2)
assert(y == 1)
x, y, z = three()
assert(x == 1)
assert(y == 2)
assert(z == 3)
x, y, z = 0, three()
assert(x == 0)
assert(y == 1)
assert(z == 2)
x, y, z = three(), 0
assert(x == 1)
assert(y == 0)
assert(z == nil)
list[1], list[2], list[3] = list[3], list[1], list[2]
assert(list[1] == 30)
assert(list[2] == 99)
assert(list[3] == 20)
do local a = { b = {} } a.b.c, a.b = 1, 2 assert(a.b == 2) end
-- Methods and fields of the same table
local object = { value = 5, get = function(self, add) return self.value + (add or 0) end }
assert(object:get() == 5)
assert(object:get(1) == 6)
assert(object.get(object, 2) == 7)
assert(object["get"](object) == 5)
print("ok")
