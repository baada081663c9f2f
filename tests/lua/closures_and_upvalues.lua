-- Closures: shared and fresh variables, loops, recursion, escape from blocks, many upvalues.
local function counter() local n = 0 return function() n = n + 1 return n end, function() return n end, function(v) n = v end end
local bump, peek, set = counter()
local bump2, peek2 = counter()
assert(bump() == 1)
assert(bump() == 2)
assert(peek() == 2)
assert(bump2() == 1)
assert(peek() == 2)
assert(peek2() == 1)
set(10)
assert(bump() == 11)
assert(peek() == 11)
assert(peek2() == 1)
-- A fresh variable each time round a loop
local fs = {}
for i = 1, 5 do fs[i] = function(d) i = i + (d or 0) return i end end
assert(fs[1]() == 1)
assert(fs[5]() == 5)
assert(fs[1](10) == 11)
assert(fs[1]() == 11)
assert(fs[2]() == 2)
fs = {}
for k, v in pairs({ a = 1, b = 2 }) do fs[k] = function() return k .. v end end
assert(fs.a() == "a1")
assert(fs.b() == "b2")
fs = {}
local j = 0
while j < 3 do j = j + 1 local k = j fs[j] = function() k = k * 10 return k + j end end
assert(fs[1]() == 13)
assert(fs[1]() == 103)
assert(fs[2]() == 23)
assert(fs[3]() == 33)
fs = {}
repeat local m = #fs + 1 fs[m] = function() return m end until m == 4
assert(fs[1]() == 1)
assert(fs[4]() == 4)
fs = {}
do local i = 1 ::again:: local x = i fs[i] = function() return x end i = i + 1 if i <= 3 then goto again end end
assert(fs[1]() == 1)
assert(fs[2]() == 2)
assert(fs[3]() == 3)
-- break closes
local escaped
for i = 1, 10 do local x = i * 2 if i == 3 then escaped = function() x = x + 1 return x end break end end
assert(escaped() == 7)
assert(escaped() == 8)
-- Two closures over one variable, one inside the other
local function pair() local v = 1 local function inc() v = v + 1 return function() v = v * 2 return v end end return inc, function() return v end end
local inc, get = pair()
local double = inc()
assert(get() == 2)
assert(double() == 4)
assert(get() == 4)
assert(inc()() == 10)
assert(get() == 10)
-- Recursion and shadowing
local function fact(n) return n <= 1 and 1 or n * fact(n - 1) end
local old, fact = fact, nil
assert(old(10) == 3628800)
assert(fact == nil)
local even, odd
function even(n) if n == 0 then return true end return odd(n - 1) end
function odd(n) if n == 0 then return false end return even(n - 1) end
assert(even(10000))
assert(odd(7777))
assert(not even(3))
local x = 1
local function outer() local a = x local x = 2 local function inner() x = x + 1 return x end return a, inner(), x end
local a, b, c = outer()
assert(a == 1)
assert(b == 3)
assert(c == 3)
assert(x == 1)
do local x = x + 1 assert(x == 2) do local x = x + 1 assert(x == 3) end assert(x == 2) end
assert(x == 1)
local y = y
assert(y == nil)
local f = function() return f end
assert(f() == nil)
local function g() return g end
assert(g() == g)
-- Parameters are captured; arguments are not shared
local function capture(p) return function(v) if v then p = v end return p end end
local c1, c2 = capture(1), capture(1)
assert(c1(5) == 5)
assert(c2() == 1)
assert(c1() == 5)
local function varargs(...) local t = { ... } return function(i) return t[i] end end
assert(varargs(1, 2, 3)(3) == 3)
-- Through several levels
local function l1(p) return function(q) return function(r) return function() p, q, r = p + 1, q + 2, r + 3 return p + q + r end end end end
local deep = l1(1)(2)(3)
assert(deep() == 12)
assert(deep() == 18)
-- Many upvalues
local source = {}
for i = 1, 150 do source[i] = ("local v%d = %d"):format(i, i) end
source[#source + 1] = "return function() return v1"
for i = 2, 150 do source[#source + 1] = "+ v" .. i end
source[#source + 1] = " end, function(n) v75 = n end"
local sum, change =
assert(load(table.concat(source, " ")))()
assert(sum() == 11325)
change(0)
assert(sum() == 11250)
-- Survive collection and errors
local kept = {}
for i = 1, 100 do local t = { i } kept[i] = function() return t[1] end end
collectgarbage()
for i = 1, 100 do assert(kept[i]() == i) end
local saved
assert(not pcall(function() local v = 5 saved = function() v = v + 1 return v end error("out") end))
assert(saved() == 6)
assert(saved() == 7)
local co = coroutine.wrap(function() local v = 1 saved = function() return v end coroutine.yield() v = 2 coroutine.yield() end)
co()
assert(saved() == 1)
co()
assert(saved() == 2)
-- Function values
local t = {}
function t.a() return "a" end function t:b() return self end t.c = { d = {} } function t.c.d.e(v) return v end function t.c.d:f(v) return self, v end
assert(t.a() == "a")
assert(t:b() == t)
assert(t.c.d.e(5) == 5)
assert(t.c.d:f(6) == t.c.d)
assert(select(2, t.c.d:f(6)) == 6)
-- Assignment of captured variables in all positions
local p, q = 1, 2
local function swap() p, q = q, p end
swap()
assert(p == 2)
assert(q == 1)
local function multi() p, q, t.z = (function() return 7, 8, 9 end)() return p + q end
assert(multi() == 15)
assert(t.z == 9)
local n = 0
local function each(list, fn) for i = 1, #list do fn(list[i]) end end
each({ 1, 2, 3 }, function(v) n = n + v end)
assert(n == 6)
print("ok")
