-- Varargs, select, adjustment of results, tail calls, many arguments.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
local function count(...) return select("#", ...) end
local function pass(...) return ... end
local function first(...) return (...) end
local function rest(_, ...) return ... end
local function tab(...) return { n = select("#", ...), ... } end
assert(count() == 0)
assert(count(nil) == 1)
assert(count(nil, nil) == 2)
assert(count(pass()) == 0)
assert(count(pass(nil)) == 1)
assert(count(pass(1, nil, nil)) == 3)
assert(count((pass(1, 2))) == 1)
assert(count((pass())) == 1)
assert(count(pass(1, 2), pass(3, 4)) == 3)
assert(count(pass(), pass()) == 1)
assert(count(pass(1, 2), nil) == 2)
assert(first(5, 6) == 5)
assert(first() == nil)
assert(rest(1, 2, 3) == 2)
assert(count(rest()) == 0)
assert(count(rest(1)) == 0)
local t = tab(1, nil, 3)
assert(t.n == 3)
assert(t[1] == 1)
assert(t[2] == nil)
assert(t[3] == 3)
assert(#tab(1, 2, 3) == 3)
assert(tab().n == 0)
assert(tab(nil, nil).n == 2)
local a, b, c = pass(1, 2)
assert(a == 1)
assert(b == 2)
assert(c == nil)
a, b, c = pass(1, 2, 3, 4)
assert(c == 3)
a, b, c = (pass(1, 2))
assert(a == 1)
assert(b == nil)
a, b, c = 0, pass(1, 2)
assert(a == 0)
assert(b == 1)
assert(c == 2)
a, b, c = pass(1, 2), 5
assert(a == 1)
assert(b == 5)
assert(c == nil)
a = { x = pass(5, 6), pass(1, 2), pass(3, 4) }
assert(#a == 3)
assert(a[1] == 1)
assert(a[2] == 3)
assert(a[3] == 4)
assert(a.x == 5)
a = { pass(1, 2), (pass(3, 4)) }
assert(#a == 2)
assert(pass(1, 2) + pass(3, 4) == 4)
assert(-pass(5, 6) == -5)
assert(pass(1, 2) .. pass("a", "b") == "1a")
assert((pass(nil, 1) == nil))
assert(not pass(false, 1))
assert(#pass("abc", 1) == 3)
-- select
assert(select(1, "a", "b") == "a")
assert(select(2, "a", "b") == "b")
assert(count(select(3, 1, 2)) == 0)
assert(count(select(2, 1, 2, 3)) == 2)
assert(select(-1, 1, 2, 3) == 3)
assert(count(select(-2, 1, 2, 3)) == 2)
assert(select("#") == 0)
assert(select("2", 1, 2) == 2)
assert(select(2.0, 1, 2) == 2)
assert(count(select(-3, 1, 2, 3)) == 3)
fails("bad argument #1 to 'select' (number expected, got no value)", select)
fails("bad argument #1 to 'select' (index out of range)", select, 0)
fails("bad argument #1 to 'select' (index out of range)", select, 0, 1, 2)
fails("bad argument #1 to 'select' (index out of range)", select, -1)
fails("bad argument #1 to 'select' (index out of range)", select, -3, 1, 2)
fails("bad argument #1 to 'select' (number expected, got string)", select, "x", 1)
fails("bad argument #1 to 'select' (number expected, got table)", select, {}, 1)
fails("bad argument #1 to 'select' (number has no integer representation)", select, 1.5, 1)
fails("bad argument #1 to 'select' (number expected, got nil)", select, nil)
-- Fixed parameters and the rest
local function mixed(x, y, ...) local p, q = ... return x, y, p, q, count(...) end
a = tab(mixed())
assert(a.n == 5)
assert(a[5] == 0)
assert(a[1] == nil)
a = tab(mixed(1))
assert(a[1] == 1)
assert(a[2] == nil)
assert(a[5] == 0)
a = tab(mixed(1, 2, 3, 4, 5))
assert(a[3] == 3)
assert(a[4] == 4)
assert(a[5] == 3)
local function fewer(x, y) return x, y end
assert(count(fewer(1, 2, 3)) == 2)
assert(count(fewer()) == 2)
assert(select(2, fewer(1, 2, 3)) == 2)
-- Varargs of the main chunk
local f =
assert(load("local a, b = ... return select('#', ...), b, ..."))
assert(count(f()) == 2)
assert(f(1, 2, 3) == 3)
assert(select(2, f(1, 2, 3)) == 2)
assert(select(5, f(1, 2, 3)) == 3)
-- Varargs stay unchanged
local function keep(x, ...) x = 5 local t = { ... } t[1] = "changed" return ... end
assert(keep(1, "same") == "same")
local function twice(...) local n = 0 for _ = 1, 3 do for _, v in ipairs({ ... }) do n = n + v end end return n, ... end
assert(twice(1, 2, 3) == 18)
assert(count(twice(1, 2, 3)) == 4)
local function inner(...) local function g(...) return count(...), ... end return count(...), g(...) end
assert(count(inner(1, 2)) == 4)
assert(count(inner()) == 2)
local function clos(...) local t = table.pack(...) return function() return table.unpack(t, 1, t.n) end end
assert(count(clos(nil, nil, nil)()) == 3)
-- Many
for _, n in ipairs({ 0, 1, 2, 50, 100, 199, 200, 201, 250, 254, 255, 256, 257, 300, 1000, 10000 }) do
  local list = {} for i = 1, n do list[i] = i end
  assert(count(table.unpack(list)) == n)
  assert(count(pass(table.unpack(list))) == n)
  assert(#{ table.unpack(list) } == n)
  assert(#tab(0, table.unpack(list)) == n + 1)
  assert(n == 0 or select(n, pass(table.unpack(list))) == n and select(-1, table.unpack(list)) == n and math.max(0, table.unpack(list)) == n and (select(2, pcall(pass, table.unpack(list)))) == 1)
  assert(count(pcall(pass, table.unpack(list))) == n + 1)
  assert(coroutine.wrap(count)(table.unpack(list)) == n)
  assert(count(coroutine.wrap(pass)(table.unpack(list))) == n)
  if n <= 200 then
    local args = table.concat(list, ",")
    assert(load("return select('#', " .. (n > 0 and args or "nil") .. ")")() == math.max(n, 1))
    assert(#load("return {" .. args .. "}")() == n)
  end
end
local names = {} for i = 1, 199 do names[i] = "p" .. i end
assert(load("local function f(" .. table.concat(names, ",") .. ", ...) return p1, p199, ... end return f(...)")(table.unpack(names)) == "p1")
assert(not load("local function f(" .. table.concat(names, ",") .. ",a,b) end"))
-- Tail calls don't grow the stack
local function loop(n, ...) if n == 0 then return ... end return loop(n - 1, ...) end
assert(count(loop(100000, 1, 2, 3)) == 3)
local function grow(n, ...) if n == 0 then return count(...) end return grow(n - 1, n, ...) end
assert(grow(150) == 150)
local function sum(acc, v, ...) if v == nil then return acc end return sum(acc + v, ...) end
assert(sum(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 55)
local object = {} function object:tail(n, ...) if n == 0 then return self, ... end return self:tail(n - 1, ...) end
assert(object:tail(50000, 7) == object)
assert(select(2, object:tail(50000, 7)) == 7)
-- In conditions, loops, indices
local function cond(...) if ... then return "true" elseif select("#", ...) > 0 then return "false" else return "none" end end
assert(cond(1) == "true")
assert(cond(nil, 1) == "false")
assert(cond() == "none")
assert(cond(false) == "false")

-- All counts of arguments, parameters, results and wanted results, around the limits of what is copied at once.
do
  local function numbers(first, count)
    local list = {}
    for i = 1, count do list[i] = first + i end
    return list
  end
  local function same(list, first, count)
    if list.n ~= count then return false end
    for i = 1, count do if list[i] ~= first + i then return false end end
    return true
  end
  local variadic = {
    function(...) return ... end,
    function(a, ...) return a, ... end,
    function(a, b, c, ...) return a, b, c, ... end,
    function(...) local a, b, c, d = ... return a, b, c, d, select(5, ...) end,
    function(...) return table.unpack({ ... }, 1, select("#", ...)) end,
    function(...) local function inner(...) return ... end return inner(...) end,
    function(...) local packed = table.pack(...) return table.unpack(packed, 1, packed.n) end,
  }
  for _, count in ipairs { 0, 1, 2, 3, 4, 5, 31, 32, 33, 40, 250 } do
    local list = numbers(100, count)
    for which, pass in ipairs(variadic) do
      local fixed = which == 2 and 1 or which == 3 and 3 or which == 4 and 4 or 0
      local results = table.pack(pass(table.unpack(list, 1, count)))
      local expected = math.max(count, fixed)
      assert(results.n == expected, which)
      results.n = count
      assert(same(results, 100, count), which)
      for i = count + 1, expected do assert(results[i] == nil) end
      -- Fewer and more are wanted than there are.
      local a, b, c = pass(table.unpack(list, 1, count))
      assert(a == list[1] and b == list[2] and c == list[3])
      local only = (pass(table.unpack(list, 1, count)))
      assert(only == list[1])
      pass(table.unpack(list, 1, count))
      local function count_all(...) return select("#", ...) end
      assert(count_all(pass(table.unpack(list, 1, count))) == expected)
      assert(count_all(1, 2, pass(table.unpack(list, 1, count))) == expected + 2)
    end
  end
  -- Parameters are variables of the callee alone; arguments of the caller stay.
  local function change(a, b, ...) a, b = b, a return a, b, ... end
  local x, y = 1, 2
  local p, q, r = change(x, y, 3)
  assert(x == 1 and y == 2 and p == 2 and q == 1 and r == 3)
  -- Many variadic frames on top of each other, by calls and tail calls.
  local function deep(depth, ...)
    if depth == 0 then return select("#", ...), ... end
    local results = table.pack(deep(depth - 1, depth, ...))
    return table.unpack(results, 1, results.n)
  end
  local results = table.pack(deep(100))
  assert(results.n == 101 and results[1] == 100 and results[2] == 1 and results[101] == 100)
  local function loop(depth, ...) if depth == 0 then return ... end return loop(depth - 1, ...) end
  assert(select("#", loop(10000, 1, nil, nil)) == 3)
  local function endless(...) return 1, endless(1, ...) end
  local ok, message = pcall(endless)
  assert(not ok and message:find "stack overflow")
  -- Variadic functions with variables that are captured or closed.
  local closed = {}
  local function capture(a, ...)
    local guard <close> = setmetatable({}, { __close = function() closed[#closed + 1] = a end })
    local rest = { ... }
    return function() a = a + 1 return a, table.unpack(rest) end, ...
  end
  local f, second, third = capture(1, 2, 3)
  assert(second == 2 and third == 3 and closed[1] == 1)
  assert(select("#", f()) == 3 and f() == 3)
  -- In coroutines, with yields in between.
  local generator = coroutine.wrap(function(...)
    local function both(...) coroutine.yield(...) return ... end
    return both(both(...))
  end)
  assert(select("#", generator(1, 2, 3)) == 3)
  assert(select("#", generator()) == 3 and select("#", generator()) == 3)
end

print("ok")
