-- __eq, __lt, __le, __concat, __call.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
-- __eq: only between two tables (or two userdata), only when not raw equal, result to boolean
local calls = 0
local E = { __eq = function(a, b) calls = calls + 1 return a.v == b.v end }
local function e(v) return setmetatable({ v = v }, E) end
assert(e(1) == e(1))
assert(e(1) ~= e(2))
assert(not (e(1) == e(2)))
assert(not (e(1) ~= e(1)))
assert(calls == 4)
local same = e(1)
assert(same == same)
assert(calls == 4)
assert(same ~= 1)
assert(same ~= "1")
assert(same ~= nil)
assert(calls == 4)
assert(e(1) == setmetatable({ v = 1 }, { __eq = function() error("second") end }))
assert(calls == 5)
assert({ v = 1 } == e(1))
assert(e(1) == { v = 1 })
assert(calls == 7)
assert({ v = 1 } ~= { v = 1 })
assert((setmetatable({}, { __eq = function() return 5 end }) == {}) == true)
assert((setmetatable({}, { __eq = function() return nil end }) == {}) == false)
assert((setmetatable({}, { __eq = function() end }) ~= {}) == true)
local a, b = e(3), e(3)
local t = {} t[a] = 1
assert(t[b] == nil)
assert(not rawequal(a, b))
assert(a == b)
if a ~= b then error() end
while not (a == b) do error() end
-- __lt and __le
local log
local L = { __lt = function(x, y) log = "lt" return (type(x) == "table" and x.v or x) < (type(y) == "table" and y.v or y) end, __le = function(x, y) log = "le" return (type(x) == "table" and x.v or x) <= (type(y) == "table" and y.v or y) end }
local function l(v) return setmetatable({ v = v }, L) end
assert(l(1) < l(2))
assert(log == "lt")
assert(l(1) <= l(1))
assert(log == "le")
assert(l(2) > l(1))
assert(log == "lt")
assert(l(2) >= l(2))
assert(log == "le")
assert(not (l(2) < l(1)))
assert(not (l(2) <= l(1)))
assert(not (l(1) > l(2)))
assert(not (l(1) >= l(2)))
assert(l(1) < 2)
assert(1 < l(2))
assert(l(1) <= 1)
assert(1 <= l(1))
assert(l(3) > 2)
assert(3 > l(2))
assert(l(3) >= 3)
assert(3 >= l(3))
assert(not (l(1) < 1))
assert(not (1 < l(1)))
assert(l(1) < 1.5)
assert(0.5 < l(1))
assert(l(1) < 100000)
assert(100000 > l(1))
assert(l(1) > -5)
assert(-5 < l(1))
assert(l("a") < "b")
assert("a" < l("b"))
assert(l("a") <= "a")
assert("b" >= l("a"))
local order = {}
local O = { __lt = function(x, y) order = { x, y } return true end, __le = function(x, y) order = { x, y } return true end }
local o1, o2 = setmetatable({}, O), setmetatable({}, O)
local _ = o1 < o2
assert(order[1] == o1 and order[2] == o2) _ = o1 > o2
assert(order[1] == o2 and order[2] == o1) _ = o1 <= 5
assert(order[1] == o1 and order[2] == 5) _ = o1 >= 5
assert(order[1] == 5 and order[2] == o1) _ = 5 < o1
assert(order[1] == 5 and order[2] == o1) _ = 5 > o1
assert(order[1] == o1 and order[2] == 5) _ = o1 < 5.0
assert(order[2] == 5.0)
assert(math.type(order[2]) == "float")
assert((setmetatable({}, { __lt = function() return "yes" end }) < 1) == true)
assert((setmetatable({}, { __le = function() return nil end }) <= 1) == false)
assert((setmetatable({}, { __lt = function() end }) < {}) == false)
fails("attempt to compare table with number", function() return setmetatable({}, {}) < 1 end)
fails("attempt to compare number with table", function() return l(1) < {} end)
assert({} < setmetatable({}, { __lt = function() return true end }))
-- __concat
local C = { __concat = function(x, y) return (type(x) == "table" and "<" .. x.v .. ">" or tostring(x)) .. "~" .. (type(y) == "table" and "<" .. y.v .. ">" or tostring(y)) end }
local function c(v) return setmetatable({ v = v }, C) end
assert(c(1) .. c(2) == "<1>~<2>")
assert(c(1) .. "x" == "<1>~x")
assert("x" .. c(1) == "x~<1>")
assert(c(1) .. 5 == "<1>~5")
assert(5 .. c(1) == "5~<1>")
assert(c(1) .. nil == "<1>~nil")
assert(true .. c(1) == "true~<1>")
assert({} .. setmetatable({}, { __concat = function() return "second" end }) == "second")
assert("a" .. "b" .. c(1) == "ab~<1>")
assert(c(1) .. "a" .. "b" == "<1>~ab")
assert("a" .. c(1) .. "b" == "a<1>~b")
assert(c(1) .. c(2) .. c(3) == "<1>~<2>~<3>")
local parts = {}
local D = { __concat = function(x, y) parts[#parts + 1] = (x == nil and "nil" or type(x)) .. "," .. type(y) return "r" end }
local d = setmetatable({}, D)
local r = "a" .. "b" .. d .. "c" .. "d"
assert(r == "abr")
assert(#parts == 1)
assert(parts[1] == "table,string")
assert(select("#", d .. 1) == 1)
assert(setmetatable({}, { __concat = function() end }) .. 1 == nil)
fails("attempt to concatenate a table value", function() return {} .. {} end)
fails("attempt to concatenate a table value", function() return "a" .. {} end)
fails("attempt to concatenate a table value", function() return 1 .. {} end)
fails("attempt to concatenate a table value", function() return setmetatable({}, {}) .. "x" end)
-- __call
local callee = setmetatable({}, { __call = function(self, ...) return self, select("#", ...), ... end })
local s, n, first = callee()
assert(s == callee)
assert(n == 0)
assert(first == nil)
s, n, first = callee(1, nil, 3, nil)
assert(s == callee)
assert(n == 4)
assert(first == 1)
assert(select("#", callee(table.unpack({}, 1, 200))) == 202)
assert(select(2, pcall(callee, 5)) == callee)
assert(callee "text" == callee)
assert(callee {} == callee)
local nested = setmetatable({}, { __call = callee })
s, n, first = nested("arg")
assert(s == callee)
assert(n == 2)
assert(first == nested)
for i = 1, 10 do nested = setmetatable({}, { __call = nested }) end
assert(select(2, nested()) == 11)
local object = { f = setmetatable({}, { __call = function(_, self, x) return self, x end }) }
local o, x = object:f(7)
assert(o == object)
assert(x == 7)
local function tail(...) return callee(...) end
s, n = tail(1, 2)
assert(s == callee)
assert(n == 2)
assert(setmetatable({}, { __call = function(_, x) return x end })(5) == 5)
assert(table.concat({ (setmetatable({}, { __call = table.pack }))(1) and "ok" }) == "ok")
assert(setmetatable({}, { __call = math.max }) ~= nil)
table.sort({ 3, 1, 2 }, function(p, q) return p < q end)
assert(("x"):gsub("x", setmetatable({}, { __index = function() return "y" end })) == "y")
assert(not pcall(string.gsub, "x", "x", 5 == 5))
for i in setmetatable({}, { __call = function(_, _, i) i = (i or 0) + 1 return i <= 3 and i or nil end }) do x = i end
assert(x == 3)
assert(xpcall(callee, print) == true)
assert(coroutine.wrap(function(...) return callee(...) end)(1) == callee)
fails("attempt to call a table value (local 'v')", function() local v = setmetatable({}, {}) v() end)
fails("attempt to call a number value (local 'v')", function() local v = 5 v() end)
fails("attempt to call a nil value (global 'undefined_function')", function() undefined_function() end)
fails("attempt to index a nil value (field 'x')", function() local v = {} v.x.y() end)
fails("attempt to call a nil value (field 'method')", function() local v = {} v.method() end)
fails("attempt to call a nil value (method 'method')", function() local v = {} v:method() end)
fails("attempt to call a string value (constant 'x')", function() ("x")() end)
-- Yields inside
local co = coroutine.wrap(function()
  local y = setmetatable({}, { __eq = function() return coroutine.yield("eq") end, __lt = function() return coroutine.yield("lt") end, __le = function() return coroutine.yield("le") end, __concat = function(p, q) return coroutine.yield("concat") end, __call = function(_, v) return coroutine.yield("call" .. v) end })
  local out = {}
  out[1] = y == setmetatable({}, getmetatable(y))
  out[2] = y < 1
  out[3] = 1 <= y
  out[4] = "a" .. y .. "b"
  out[5] = y(5)
  if y > 5 then out[6] = "branch" else out[6] = "other" end
  out[7] = y ~= {}
  return out
end)
assert(co() == "eq")
assert(co(1) == "lt")
assert(co(nil) == "le")
assert(co(true) == "concat")
assert(co("B") == "call5")
assert(co("C") == "lt")
assert(co(false) == "eq")
local out = co(nil)
assert(out[1] == true)
assert(out[2] == false)
assert(out[3] == true)
assert(out[4] == "aB")
assert(out[5] == "C")
assert(out[6] == "other")
assert(out[7] == true)
print("ok")
