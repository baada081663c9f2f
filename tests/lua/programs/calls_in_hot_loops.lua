-- Calls that compiled code makes by frames of its own: metamethods, functions with further arguments or missing ones, open
-- lists of arguments, iterators; and every way in which such a call can end.

-- Metamethods.
local Number = {}
Number.__index = Number
local function new(x) return setmetatable({ x = x }, Number) end
local function value(v) return type(v) == "number" and v or v.x end
Number.__add = function(a, b) return new(value(a) + value(b)) end
Number.__sub = function(a, b) local r = a.x - b.x return r end
Number.__unm = function(a) return new(-a.x) end
Number.__mul = function(a, b) end
Number.__div = function(a, b) return a.x / b, "second", "third" end
Number.__mod = function(a, b) if b == 7 then error("seven", 0) end return a.x % b end
Number.__idiv = function(a, b) coroutine.yield(b) return a.x // b end
Number.__bnot = function(a) return ~a.x end
Number.__pow = function(a, b) if b == 0 then return 1 end return a ^ (b - 1) end
Number.__band = function(...) return select("#", ...) end
Number.__shl = math.max
Number.__bxor = setmetatable({}, { __call = function(self, a, b) return b end })
Number.__shr = function(a) return a end

local a, sum = new(3), 0
for i = 1, 20000 do
  local b = a + i
  sum = sum + b.x + (b - a) + (-a).x + (i + a).x
  assert((a * b) == nil)
  assert(a / 2 == 1.5)
  assert(~a == ~3)
  assert(a & b == 2)
  assert(a ~ i == i)
  assert(a >> 1 == a)
  assert(not pcall(function() return a << i end))
  local ok, message = pcall(function() return a % 7 end)
  assert(not ok and message == "seven")
  sum = sum + a % 5
end
print(sum)

local steps = coroutine.wrap(function()
  local total = 0
  for i = 1, 20000 do total = total + a // (i % 3 + 1) end
  return total, "end"
end)
local result, last, count = nil, nil, -1
repeat
  result, last = steps()
  count = count + 1
until last
print(result, count)

local total = 0
for i = 1, 2000 do total = total + a ^ 50 end
print(total)
-- Each is one level of native nesting.
local ok, message = pcall(function() return a ^ 400 end)
print(ok, (message:gsub("^.-:", "")))
for i = 1, 2000 do total = total + a ^ 100 end
print(total)
-- An error says which operands it was about, and where the metamethod was called.
Number.__add = function(x, y) return x.none + y end
ok, message = pcall(function() local r for i = 1, 20000 do r = a + i end end)
print((message:gsub("^.-:", "")))
Number.__add = function(x, y)
  if y % 1000 == 0 then return debug.traceback("here", 1) end
  return ""
end
local lines = {}
for i = 1, 3000 do lines[#lines + 1] = a + i end
print((select(2, table.concat(lines):gsub("in metamethod 'add'", ""))))
-- The metamethod changes while the loop runs.
Number.__add = function(x, y)
  if y == 5000 then Number.__add = function(x, y) return 2 end end
  return 1
end
total = 0
for i = 1, 10000 do total = total + (a + i) end
print(total)
-- A metatable of numbers is for numbers with something else.
Number.__bor = function() return 1 end
debug.setmetatable(0, { __bor = function() return 100 end })
local operands = { a, 2, 4.0, 3 }
local function either(rounds)
  local plain, mixed = 0, 0
  for i = 1, rounds do
    local x, y = operands[i % 4 + 1], operands[i // 4 % 4 + 1]
    local result = x | y
    if math.type(x) and math.type(y) then plain = plain + result else mixed = mixed + result end
  end
  return plain, mixed
end
print(either(100000))
debug.setmetatable(0, nil)
Number.__add = nil
ok, message = pcall(function() return a + 1 end)
print(ok, (message:gsub("^.-:", "")))

-- Missing and further arguments.
local function three(x, y, z) return x, y, z end
local function further(x, ...) return x, select("#", ...), ... end
local function none(...) end
local function pass(...) return ... end
local seen = 0
for i = 1, 20000 do
  local x, y, z = three(i)
  assert(x == i and y == nil and z == nil)
  local x, y, z = three(i, 2)
  assert(y == 2 and z == nil)
  local x, n, first, second, more = further(i, i + 1, i + 2)
  assert(x == i and n == 2 and first == i + 1 and second == i + 2 and more == nil)
  local x, n, first = further()
  assert(x == nil and n == 0 and first == nil)
  assert(none(i) == nil)
  local x, y, z = three(pass(1, 2, 3, 4))
  assert(x == 1 and y == 2 and z == 3)
  local x, y, z = three(0, pass(i))
  assert(x == 0 and y == i and z == nil)
  local list = { pass(pass(i, i), pass(i, 2)) }
  seen = seen + #list
end
print(seen)

-- Open lists of arguments in tail calls.
local function compose(f, g) return function(...) return g(f(...)) end end
local function compose_one(f, g) return function(x) return g(f(x)) end end
local function double(x) return 2 * x, x end
local function minus(x, y) return x - (y or 0) end
local function swap(x, y, z) return z, y, x end
local both, one, rotated = compose(double, minus), compose_one(double, minus), compose_one(double, swap)
total = 0
for i = 1, 20000 do
  local x, y, z = rotated(i)
  assert(x == nil and y == i and z == 2 * i)
  total = total + both(i) + one(i) + compose_one(double, math.max)(i)
end
print(total)
local function loop(n, ...) if n == 0 then return select("#", ...), ... end return loop(n - 1, ...) end
print(loop(100000, "kept", nil))
local function shrink(n, ...) if n == 0 then return select("#", ...) end return shrink(n - 1, pass(...)) end
print(shrink(50000, 1, 2, 3))

-- Iterators.
local function range(n)
  local i = 0
  return function() i = i + 1 if i <= n then return i, i * i end end
end
local function from(state, i) if i < state then return i + 1 end end
total = 0
for round = 1, 200 do
  for i, square in range(100) do total = total + square - i end
  for i in from, 100, 0 do total = total + i end
  for i in coroutine.wrap(function() for i = 1, 100 do coroutine.yield(i) end end) do total = total + i end
end
print(total)
local function yielding(n)
  local i = 0
  return function() i = i + 1 coroutine.yield() if i <= n then return i end end
end
local thread = coroutine.wrap(function()
  local total = 0
  for i in yielding(20000) do total = total + i end
  return total
end)
repeat result = thread() until result
print(result)
print(pcall(function()
  for i in range(1 / 0) do
    if i == 20000 then error("enough", 0) end
  end
end))

-- Deep recursion through each kind of call ends in an error that can be caught.
local function deep(...) return 1 + deep(...) end
ok, message = pcall(deep, 1)
print(ok, message:match("stack overflow"))
Number.__sub = function(x, y) return 1 + (x - y) end
ok, message = pcall(function() return a - a end)
print(ok, message:match("stack overflow"))
