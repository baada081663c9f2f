-- next, pairs, ipairs: coverage, changes during traversal, __pairs, errors.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
local function keys(t)
  local seen, n = {}, 0
  for k, v in pairs(t) do assert(seen[k] == nil and rawequal(rawget(t, k), v)) seen[k] = true n = n + 1 end
  return n, seen
end
assert(next({}) == nil)
assert(select("#", next({})) == 1)
assert(next({ 5 }) == 1)
assert(select(2, next({ 5 })) == 5)
assert(next({ 5 }, 1) == nil)
assert(next({ x = 1 }, "x") == nil)
assert(next({}, nil) == nil)
assert(keys({}) == 0)
assert(keys({ 1, 2, 3 }) == 3)
assert(keys({ a = 1, b = 2 }) == 2)
assert(keys({ 1, 2, a = 1, [1.5] = 2, [true] = 3, [-1] = 4 }) == 6)
assert(keys({ nil, nil, 3 }) == 1)
assert(keys({ x = false }) == 1)
local t = {}
for i = 1, 500 do t[i], t["k" .. i], t[-i], t[i + 0.5] = i, i, i, i end
assert(keys(t) == 2000)
-- Clearing and changing fields during traversal
for k in pairs(t) do t[k] = nil end
assert(next(t) == nil)
assert(keys(t) == 0)
for i = 1, 100 do t["k" .. i] = i end
local n = 0
for k, v in pairs(t) do t[k] = v * 2 n = n + 1 end
assert(n == 100)
for i = 1, 100 do assert(t["k" .. i] == 2 * i) end
n = 0
for k, v in pairs(t) do if v % 4 == 0 then t[k] = nil end n = n + 1 end
assert(n == 100)
assert(keys(t) == 50)
for k in pairs(t) do t[k] = nil collectgarbage("step") end
assert(next(t) == nil)
-- A key may be removed and next called with it
t = { a = 1, b = 2, c = 3 }
local k = next(t)
t[k] = nil
n = 0
repeat k = next(t, k) if k then n = n + 1 end until not k
assert(n == 2)
-- The order is the same in each traversal of an unchanged table
t = { 3, 1, 2, x = 1, y = 2, [10] = 3, [2.5] = 4 }
local first, second = {}, {}
for key in pairs(t) do first[#first + 1] = tostring(key) end
for key in next, t do second[#second + 1] = tostring(key) end
assert(table.concat(first, "|") == table.concat(second, "|"))
assert(#first == 7)
-- Normalized keys for next
assert(next({ 10, 20 }, 1) == 2)
fails("invalid key to 'next'", next, {}, 1)
fails("invalid key to 'next'", next, { 1, 2 }, 3)
fails("invalid key to 'next'", next, {}, "x")
fails("invalid key to 'next'", next, { 1 }, 0 / 0)
fails("bad argument #1 to 'next' (table expected, got no value)", next)
fails("bad argument #1 to 'next' (table expected, got number)", next, 1)
fails("bad argument #1 to 'next' (table expected, got string)", next, "x")
fails("bad argument #1 to 'pairs' (value expected)", pairs)
fails("bad argument #1 to 'for iterator' (table expected, got nil)", function() for _ in pairs(nil) do end end)
fails("bad argument #1 to 'for iterator' (table expected, got number)", function() for _ in pairs(5) do end end)
fails("attempt to index a nil value", function() for _ in ipairs(nil) do end end)
fails("bad argument #1 to 'ipairs' (value expected)", ipairs)
-- pairs gives next, the table, nil
local f, s, c = pairs(t)
assert(f == next)
assert(s == t)
assert(c == nil)
assert(select("#", pairs(t)) == 3)
f, s, c = ipairs(t)
assert(type(f) == "function")
assert(s == t)
assert(c == 0)
assert(f(t, 0) == 1)
assert(select(2, f(t, 0)) == 3)
assert(f(t, 3) == nil)
assert(f == ipairs({}))
-- ipairs
n = 0
for i, v in ipairs({ 1, 2, nil, 4 }) do n = n + v end
assert(n == 3)
for _ in ipairs({}) do error() end
for _ in ipairs({ [0] = 1, [2] = 2 }) do error() end
n = 0
for i, v in ipairs({ 10, 20, 30, x = 1 }) do n = n * 10 + i assert(v == i * 10) end
assert(n == 123)
t = {}
for i in ipairs({ 1, 2, 3 }) do t[#t + 1] = i end
assert(#t == 3)
t = { 1 }
for i, v in ipairs(t) do if i < 10 then t[i + 1] = v * 2 end end
assert(#t == 10)
assert(t[10] == 512)
local proxy = setmetatable({}, { __index = function(_, i) return i <= 5 and i * i or nil end })
n = 0
for i, v in ipairs(proxy) do n = n + v end
assert(n == 55)
for i, ch in ipairs(setmetatable({}, { __index = { "a", "b" } })) do assert(("ab"):sub(i, i) == ch) end
for _ in ipairs("x") do n = n + 1 end
assert(n == 55)
-- __pairs
t = setmetatable({}, { __pairs = function(self) return function(_, key) key = (key or 0) + 1 if key <= 3 then return key, key * 10 end end, self, nil end })
n = 0
for key, v in pairs(t) do n = n + key * v end
assert(n == 10 + 40 + 90)
assert(select("#", pairs(setmetatable({}, { __pairs = function() return 1, 2, 3, 4, 5 end }))) == 3)
assert(select("#", pairs(setmetatable({}, { __pairs = function() end }))) == 3)
fails("mine", pairs, setmetatable({}, { __pairs = function() error("mine", 0) end }))
local u = setmetatable({}, { __pairs = function() coroutine.yield("inside") return next, { 1 }, nil end })
local co = coroutine.wrap(function() for key in pairs(u) do return "key" .. key end end)
assert(co() == "inside")
assert(co() == "key1")
-- Generic for: closures as iterators, state and control, four values
local function range(limit) local i = 0 return function() i = i + 1 if i <= limit then return i, -i end end end
n = 0
for i, minus in range(10) do n = n + i * 2 + minus end
assert(n == 55)
local callable = setmetatable({}, { __call = function(_, limit, i) if i < limit then return i + 1 end end })
n = 0
for i in callable, 4, 0 do n = n + i end
assert(n == 10)
-- The control variable is a copy
for i, v in ipairs({ 5, 6 }) do i, v = nil, nil end
local out = {}
for i = 1, 3 do local j = i out[#out + 1] = function() i = i + 1 return i + j end end
assert(out[1]() == 3)
assert(out[1]() == 4)
assert(out[3]() == 7)
for a, b, extra in next, { 1 } do assert(a == 1 and b == 1 and extra == nil) end
print("ok")
