-- Functions of the library that are called often: with the arguments they usually have, at the edges, with wrong ones, wanted for
-- no result, one, several or all of them; and what calls back, traverses, indexes and closes as often.

local N = 6000
local unpack = table.unpack

-- The same call in several forms: a statement, one result, several, all, a tail call
local function forms(f, ...)
  f(...)
  local one = f(...)
  local a, b, c = f(...)
  local all = table.pack(f(...))
  local function tail(...) return f(...) end
  local last = table.pack(tail(...))
  assert(rawequal(one, a) or one ~= one)
  assert(all.n == last.n)
  assert(all.n == 0 and one == nil or rawequal(all[1], one) or one ~= one)
  return one, all.n, b, c
end

local function expect(f, wanted, ...)
  for _ = 1, 300 do
    local got, count = forms(f, ...)
    if wanted ~= wanted then assert(got ~= got) else
      assert(got == wanted and math.type(got) == math.type(wanted), tostring(got))
    end
  end
end

local function refused(f, message, ...)
  for _ = 1, 300 do
    local ok, why = pcall(f, ...)
    assert(not ok and why:find(message, 1, true), why)
  end
end

-- Mathematics
expect(math.floor, 3, 3.7) expect(math.floor, -4, -3.2) expect(math.floor, 5, 5) expect(math.floor, 7, "7.5")
expect(math.floor, 2^70, 2^70) expect(math.floor, 0 / 0, 0 / 0) expect(math.ceil, 4, 3.2) expect(math.ceil, -3, -3.7)
expect(math.sqrt, 1.5, 2.25) expect(math.sqrt, 2.0, 4) expect(math.sqrt, 3.0, "9")
expect(math.abs, math.mininteger, math.mininteger) expect(math.abs, 2.5, -2.5) expect(math.abs, 3.0, "-3")
expect(math.max, 9, 1, 9, 3) expect(math.max, 2.5, 2, 2.5) expect(math.max, 1, 1, 1.0) expect(math.min, -1, 3, -1, 2.0)
expect(math.max, math.maxinteger, math.maxinteger, 2^62) expect(math.sin, 0.0, 0) expect(math.exp, 1.0, 0)
refused(math.floor, "(number expected, got no value)")
refused(math.floor, "number expected, got table", {})
expect(math.max, "b", "a", "b") refused(math.max, "(value expected)")
refused(math.max, "attempt to compare", 1, {})
refused(math.sqrt, "number expected, got string", "x")

-- Strings
expect(string.byte, 104, "hello") expect(string.byte, 111, "hello", -1) expect(string.byte, nil, "hello", 6)
expect(string.byte, 101, "hello", 2, 3) expect(string.byte, nil, "") expect(string.byte, 101, "hello", "2")
expect(string.sub, "ell", "hello", 2, 4) expect(string.sub, "", "hello", 9) expect(string.sub, "lo", "hello", -2)
expect(string.sub, "hello", "hello", 1) expect(string.sub, ("x"):rep(100), "a" .. ("x"):rep(100), 2)
expect(string.sub, "23", 12345, 2, 3) expect(string.len, 5, "hello") expect(string.len, 2, 42)
refused(string.byte, "string expected, got nil", nil) refused(string.sub, "bad argument #2 to", "x")
refused(string.sub, "number has no integer representation", "x", 1.5)
local word, sum = "counting", 0
for i = 1, N do sum = sum + word:byte(i % #word + 1) + #word:sub(i % 9) end
assert(sum == 682587)

-- Types, raw access, metatables
expect(type, "nil", nil) expect(type, "number", 1) expect(type, "table", {}) refused(type, "value expected")
local plain, meta = { 1, 2, x = 3 }, setmetatable({}, { __index = function() return 1 end, __metatable = "locked" })
expect(rawget, 3, plain, "x") expect(rawget, nil, meta, "x") expect(rawget, 2, plain, 2.0)
expect(rawlen, 2, plain) expect(rawlen, 3, "abc") expect(rawequal, false, plain, meta) expect(rawequal, true, 1, 1.0)
expect(getmetatable, "locked", meta) expect(getmetatable, nil, plain) expect(next, nil, {}) expect(next, 1, plain)
expect(assert, 5, 5, 6) refused(assert, "assertion failed!", false) refused(assert, "why", nil, "why")
refused(next, "invalid key to 'next'", {}, "nowhere") refused(rawget, "table expected", 1, 1)
refused(setmetatable, "cannot change a protected metatable", meta, {})
refused(setmetatable, "(nil or table expected", {})
local class, collected = { __index = { name = "object" } }, 0
local function new(x) return setmetatable({ x = x }, class) end
for i = 1, N do
  local object = new(i)
  assert(object.x == i and object.name == "object" and getmetatable(object) == class)
  setmetatable(object, nil)
  assert(object.name == nil)
end
do
  local finalized = { __gc = function() collected = collected + 1 end }
  for _ = 1, N do setmetatable({}, finalized) end
  collectgarbage()
  assert(collected > N - 50)
end

-- Arguments
local function count(...) return select("#", ...) end
local function at(n, ...) return (select(n, ...)) end
local function from(n, ...) return select(n, ...) end
for i = 1, N do
  assert(count() == 0 and count(nil, nil) == 2 and count(unpack({}, 1, i % 50)) == i % 50)
  assert(at(1, 7, 8, 9) == 7 and at(3, 7, 8, 9) == 9 and at(4, 7, 8, 9) == nil and at(-1, 7, 8, 9) == 9)
  local a, b, c = from(2, 7, 8, 9)
  assert(a == 8 and b == 9 and c == nil)
end
refused(select, "(index out of range)", 0)
refused(select, "(index out of range)", -3, 1)

-- Lists
local list = {}
for i = 1, N do
  table.insert(list, i)
  if i % 3 == 0 then assert(table.remove(list) == i) end
  if i % 5 == 0 then table.insert(list, 1, -i) end
end
assert(#list == N - N // 3 + N // 5)
while #list > 0 do assert(table.remove(list)) end
assert(table.remove(list) == nil and forms(table.remove, list) == nil)
refused(table.insert, "wrong number of arguments to", {}) refused(table.insert, "table expected", 1, 2)
local watched, writes = {}, 0
local proxy = setmetatable({}, {
  __len = function() return #watched end,
  __index = function(_, k) return watched[k] end,
  __newindex = function(_, k, v) writes = writes + 1 watched[k] = v end,
})
for i = 1, 500 do table.insert(proxy, i) assert(watched[i] == i and rawlen(proxy) == 0) end
assert(writes == 500 and table.remove(proxy) == 500 and #watched == 499)
table.insert(list, nil)
assert(#list == 0)

-- A function under another name, and another under its name
local callee = math.abs
local function call(x) return callee(x) end
for i = 1, N do
  if i == N // 2 then callee = function(x) return x + 0.5 end end
  if i == N // 4 * 3 then callee = setmetatable({}, { __call = function(_, x) return -x end }) end
  local wanted = i < N // 2 and i or i < N // 4 * 3 and 0.5 - i or i
  assert(call(-i) == wanted)
end

-- Elements by keys of all types
local keys = { "short", ("long"):rep(20), 1.5, 2.0, true, false, print, {}, -1, 1 << 40 }
local store, lookups = {}, setmetatable({}, { __index = function(_, k) return k end })
for i, key in ipairs(keys) do store[key] = i end
for _ = 1, N // 10 do
  for i, key in ipairs(keys) do
    assert(store[key] == i and lookups[key] == key)
  end
  assert(store.none == nil and store[0 / 0] == nil)
end
refused(function(t, k) t[k] = 1 end, "table index is NaN", {}, 0 / 0)
refused(function(t, k) return t[k] end, "attempt to index a nil value", nil, "k")

-- Booleans in arrays
local flags, ones = {}, 0
for i = 1, N do flags[i] = i % 3 == 0 end
for i = 1, N, 2 do flags[i] = false end
for i = 1, N do if flags[i] then ones = ones + 1 end end
for i = 1, N do flags[i] = flags[i] and i or nil end
assert(ones == N // 6 and flags[6] == 6 and flags[3] == nil)

-- Traversals: changed on the way, by metamethods, with other iterators, left early
for _ = 1, 300 do
  local t, seen = { 1, 2, 3, a = 1, b = 2 }, 0
  for k in pairs(t) do t[k] = nil seen = seen + 1 end
  assert(seen == 5 and next(t) == nil)
  local n = 0
  for i, v in ipairs(setmetatable({ 1, 2 }, { __index = function(_, k) return k < 5 and k or nil end })) do n = n + v end
  assert(n == 10)
  for k, v, extra in pairs({ 9 }) do assert(k == 1 and v == 9 and extra == nil) end
  for k, v in next, { 4 } do assert(v == 4) break end
  for i in (function(_, c) if c < 3 then return c + 1 end end), nil, 0 do n = n + i end
  assert(n == 16)
  local closed = 0
  for k in next, { 1, 2, 3 }, nil, setmetatable({}, { __close = function() closed = closed + 1 end }) do
    if k == 2 then break end
  end
  assert(closed == 1)
end
refused(function() for _ in pairs(nil) do end end, "bad argument #1 to 'for iterator'")
refused(function() local t = { 1, 2 } for k in next, t, "nowhere" do end end, "invalid key to 'next'")

-- Callbacks of all counts of results, errors in them, and yields
local order = {}
for i = 1, 200 do order[i] = i * 7919 % 211 end
for round = 1, 20 do
  table.sort(order, round % 2 == 0 and function(a, b) return a < b, 1, 2 end or function(a, b) return a > b end)
  assert(order[1] >= order[2] == (round % 2 == 1))
end
assert(not pcall(table.sort, order, function() error("no order") end))
table.sort({ 1, 2, 3 }, function() end)
local vector = {}
vector.__add = function(a, b) return setmetatable({ a[1] + b[1] }, vector) end
vector.__lt = function(a, b) return a[1] < b[1], "more" end
vector.__unm = function() end
vector.__index = function(t, k) if k == "first" then return rawget(t, 1), "more" end end
vector.__newindex = function(t, k, v) rawset(t, k, v and v + 1) return "ignored" end
vector.__call = function(self, ...) return select("#", ...), ... end
vector.__concat = function(a, b) return "joined" end
vector.__eq = function() return 1 end
vector.__len = function(a) return a[1], 2 end
local zero, total = setmetatable({ 0 }, vector), setmetatable({ 0 }, vector)
for i = 1, N do
  total = total + setmetatable({ i }, vector)
  assert(zero < total and -total == nil and total.first == i * (i + 1) // 2 and total.second == nil)
  assert(total(1, nil) == 2 and select("#", total(1, 2, 3)) == 4 and total .. 1 == "joined" and zero == total)
  assert(#total == total.first)
  local fresh = setmetatable({ i }, vector)
  fresh.new = i
  assert(rawget(fresh, "new") == i + 1)
end
local results = { pcall(function(...) return ... end, unpack({}, 1, 20)) }
assert(#results == 1 and select("#", pcall(function(...) return ... end, unpack({}, 1, 20))) == 21)
local caught = 0
for i = 1, N do
  local ok, a, b = pcall(function(x) if x % 2 == 0 then error({ x }) end return x, x + 1 end, i)
  if ok then assert(a == i and b == i + 1) else caught = caught + a[1] assert(b == nil) end
end
assert(caught == (N // 2) * (N // 2 + 1))
local resumed = coroutine.wrap(function(a)
  local function step(x) return coroutine.yield(x * 2), 1 end
  while true do a = step(a) end
end)
for i = 1, N do assert(resumed(i) == 2 * i) end
for i = 1, N // 10 do
  local text = ("abc"):gsub(".", function(c) if c == "b" then return nil end return c .. i end)
  assert(text == "a" .. i .. "bc" .. i)
end

print("ok")
