-- table.sort: orders, comparators, errors, invalid order functions, metamethods.
local sort = table.sort
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
local seed = 12345
local function random(n) seed = (seed * 16807) % 2147483647 return seed % n end
local function sorted(list, less)
  less = less or function(a, b) return a < b end
  for i = 2, #list do if less(list[i], list[i - 1]) then return false end end
  return true
end

local t = {} sort(t)
assert(#t == 0) t = { 1 } sort(t)
assert(t[1] == 1) t = { 2, 1 } sort(t)
assert(t[1] == 1 and t[2] == 2) t = { 3, 1, 2 } sort(t)
assert(table.concat(t) == "123")
assert(select("#", sort({ 2, 1 })) == 0)
for n = 0, 60 do
  for round = 1, 4 do
    local list, copy = {}, {}
    for i = 1, n do list[i] = random(round * 20) copy[list[i]] = (copy[list[i]] or 0) + 1 end
    sort(list)
    assert(sorted(list))
    assert(#list == n)
    for _, v in ipairs(list) do copy[v] = copy[v] - 1 end
    for _, c in pairs(copy) do assert(c == 0) end
    sort(list, function(a, b) return a > b end)
    assert(sorted(list, function(a, b) return a > b end))
  end
end
local shapes = { ascending = function(i) return i end, descending = function(i) return -i end, equal = function() return 7 end, saw = function(i) return i % 10 end, organ = function(i) return i < 500 and i or 1000 - i end, random = function() return random(1 << 30) end, two = function(i) return i % 2 end }
for _, shape in pairs(shapes) do
  local list = {}
  for i = 1, 1000 do list[i] = shape(i) end
  sort(list)
  assert(sorted(list))
end
t = { 3, 1.5, -2, 2.5, 0, -0.0, math.huge, -math.huge, math.maxinteger, math.mininteger } sort(t)
assert(sorted(t))
assert(t[1] == -math.huge)
assert(t[#t] == math.huge)
t = { "b", "a", "", "ab", "B", "\0", "a\0" } sort(t)
assert(table.concat(t, ",") == ",\0,B,a,a\0,ab,b")
local records = {}
for i = 1, 200 do records[i] = { key = random(20), order = i } end
sort(records, function(a, b) if a.key ~= b.key then return a.key < b.key end return a.order < b.order end)
for i = 2, 200 do local a, b = records[i - 1], records[i] assert(a.key < b.key or a.key == b.key and a.order < b.order) end
local wrap = {}
wrap.__lt = function(a, b) return a.v < b.v end
t = {} for i = 1, 50 do t[i] = setmetatable({ v = random(100) }, wrap) end
sort(t) for i = 2, 50 do assert(t[i - 1].v <= t[i].v) end

-- Only the sequence is sorted; other fields stay
t = { 3, 2, 1, x = "x", [0] = "zero", [-1] = "minus" } sort(t)
assert(t[1] == 1)
assert(t[3] == 3)
assert(t.x == "x")
assert(t[0] == "zero")
assert(t[-1] == "minus")
-- Metamethods
local data = { 5, 3, 4 }
local proxy = setmetatable({}, { __len = function() return #data end, __index = data, __newindex = data })
sort(proxy)
assert(table.concat(data) == "345")
assert(next(proxy) == nil)

-- Comparators that fail, yield or contradict themselves
fails("stop", sort, { 3, 2, 1 }, function() error("stop", 0) end)
assert(select(2, pcall(sort, { 1, "a", 2 })):find("^attempt to compare %a+ with %a+$"))
fails("attempt to compare two table values", sort, { {}, {} })
fails("attempt to compare two boolean values", sort, { true, false })
fails("bad argument #2 to 'table.sort' (function expected, got number)", sort, { 1, 2 }, 5)
fails("bad argument #2 to 'table.sort' (function expected, got table)", sort, { 1, 2 }, {})
fails("bad argument #1 to 'table.sort' (table expected, got no value)", sort)
fails("bad argument #1 to 'table.sort' (table expected, got number)", sort, 5)
fails("bad argument #1 to 'table.sort' (array too big)", sort, setmetatable({}, { __len = function() return math.maxinteger end }))
fails("invalid order function for sorting", sort, { 1, 2, 3, 4, 5, 6, 7, 8 }, function() return true end)
local calls = 0
sort({ 2, 1, 3 }, function(a, b) calls = calls + 1 return a < b end)
assert(calls >= 2)
sort({ 2, 1, 3 }, nil)
sort({ 1 }, function() error("never called for one") end)
local co = coroutine.wrap(function() return pcall(sort, { 3, 2, 1 }, coroutine.yield) end)
local ok, message = co()
assert(ok == false and message == "attempt to yield across a C-call boundary" or ok == 2 or ok == 1 or ok == 3)
print("ok")
