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
assert(e(1) == e(1) and e(1) ~= e(2) and not (e(1) == e(2)) and not (e(1) ~= e(1)) and calls == 4)
local same = e(1)
assert(same == same and calls == 4 and same ~= 1 and same ~= "1" and same ~= nil and calls == 4)
assert(e(1) == setmetatable({ v = 1 }, { __eq = function() error("second") end }) and calls == 5)
assert({ v = 1 } == e(1) and e(1) == { v = 1 } and calls == 7 and { v = 1 } ~= { v = 1 })
assert((setmetatable({}, { __eq = function() return 5 end }) == {}) == true and (setmetatable({}, { __eq = function() return nil end }) == {}) == false and (setmetatable({}, { __eq = function() end }) ~= {}) == true)
local a, b = e(3), e(3)
local t = {} t[a] = 1
assert(t[b] == nil and not rawequal(a, b) and a == b)
if a ~= b then error() end
while not (a == b) do error() end
-- __lt and __le
local log
local L = { __lt = function(x, y) log = "lt" return (type(x) == "table" and x.v or x) < (type(y) == "table" and y.v or y) end, __le = function(x, y) log = "le" return (type(x) == "table" and x.v or x) <= (type(y) == "table" and y.v or y) end }
local function l(v) return setmetatable({ v = v }, L) end
assert(l(1) < l(2) and log == "lt" and l(1) <= l(1) and log == "le" and l(2) > l(1) and log == "lt" and l(2) >= l(2) and log == "le" and not (l(2) < l(1)) and not (l(2) <= l(1)) and not (l(1) > l(2)) and not (l(1) >= l(2)))
assert(l(1) < 2 and 1 < l(2) and l(1) <= 1 and 1 <= l(1) and l(3) > 2 and 3 > l(2) and l(3) >= 3 and 3 >= l(3) and not (l(1) < 1) and not (1 < l(1)) and l(1) < 1.5 and 0.5 < l(1) and l(1) < 100000 and 100000 > l(1) and l(1) > -5 and -5 < l(1))
assert(l("a") < "b" and "a" < l("b") and l("a") <= "a" and "b" >= l("a"))
local order = {}
local O = { __lt = function(x, y) order = { x, y } return true end, __le = function(x, y) order = { x, y } return true end }
local o1, o2 = setmetatable({}, O), setmetatable({}, O)
local _ = o1 < o2 assert(order[1] == o1 and order[2] == o2) _ = o1 > o2 assert(order[1] == o2 and order[2] == o1) _ = o1 <= 5 assert(order[1] == o1 and order[2] == 5) _ = o1 >= 5 assert(order[1] == 5 and order[2] == o1) _ = 5 < o1 assert(order[1] == 5 and order[2] == o1) _ = 5 > o1 assert(order[1] == o1 and order[2] == 5) _ = o1 < 5.0 assert(order[2] == 5.0 and math.type(order[2]) == "float")
assert((setmetatable({}, { __lt = function() return "yes" end }) < 1) == true and (setmetatable({}, { __le = function() return nil end }) <= 1) == false and (setmetatable({}, { __lt = function() end }) < {}) == false)
fails("attempt to compare table with number", function() return setmetatable({}, {}) < 1 end)
fails("attempt to compare number with table", function() return l(1) < {} end)
assert({} < setmetatable({}, { __lt = function() return true end }))
-- __concat
local C = { __concat = function(x, y) return (type(x) == "table" and "<" .. x.v .. ">" or tostring(x)) .. "~" .. (type(y) == "table" and "<" .. y.v .. ">" or tostring(y)) end }
local function c(v) return setmetatable({ v = v }, C) end
assert(c(1) .. c(2) == "<1>~<2>" and c(1) .. "x" == "<1>~x" and "x" .. c(1) == "x~<1>" and c(1) .. 5 == "<1>~5" and 5 .. c(1) == "5~<1>" and c(1) .. nil == "<1>~nil" and true .. c(1) == "true~<1>" and {} .. setmetatable({}, { __concat = function() return "second" end }) == "second")
assert("a" .. "b" .. c(1) == "ab~<1>")
assert(c(1) .. "a" .. "b" == "<1>~ab" and "a" .. c(1) .. "b" == "a<1>~b" and c(1) .. c(2) .. c(3) == "<1>~<2>~<3>")
local parts = {}
local D = { __concat = function(x, y) parts[#parts + 1] = (x == nil and "nil" or type(x)) .. "," .. type(y) return "r" end }
local d = setmetatable({}, D)
local r = "a" .. "b" .. d .. "c" .. "d"
assert(r == "abr" and #parts == 1 and parts[1] == "table,string")
assert(select("#", d .. 1) == 1 and setmetatable({}, { __concat = function() end }) .. 1 == nil)
fails("attempt to concatenate a table value", function() return {} .. {} end)
fails("attempt to concatenate a table value", function() return "a" .. {} end)
fails("attempt to concatenate a table value", function() return 1 .. {} end)
fails("attempt to concatenate a table value", function() return setmetatable({}, {}) .. "x" end)
-- __call
local callee = setmetatable({}, { __call = function(self, ...) return self, select("#", ...), ... end })
local s, n, first = callee()
assert(s == callee and n == 0 and first == nil)
s, n, first = callee(1, nil, 3, nil)
assert(s == callee and n == 4 and first == 1)
assert(select("#", callee(table.unpack({}, 1, 200))) == 202 and select(2, pcall(callee, 5)) == callee and callee "text" == callee and callee {} == callee)
local nested = setmetatable({}, { __call = callee })
s, n, first = nested("arg")
assert(s == callee and n == 2 and first == nested)
for i = 1, 10 do nested = setmetatable({}, { __call = nested }) end
assert(select(2, nested()) == 11)
local object = { f = setmetatable({}, { __call = function(_, self, x) return self, x end }) }
local o, x = object:f(7)
assert(o == object and x == 7)
local function tail(...) return callee(...) end
s, n = tail(1, 2)
assert(s == callee and n == 2)
assert(setmetatable({}, { __call = function(_, x) return x end })(5) == 5 and table.concat({ (setmetatable({}, { __call = table.pack }))(1) and "ok" }) == "ok" and setmetatable({}, { __call = math.max }) ~= nil)
table.sort({ 3, 1, 2 }, function(p, q) return p < q end)
assert(("x"):gsub("x", setmetatable({}, { __index = function() return "y" end })) == "y" and not pcall(string.gsub, "x", "x", 5 == 5))
for i in setmetatable({}, { __call = function(_, _, i) i = (i or 0) + 1 return i <= 3 and i or nil end }) do x = i end
assert(x == 3 and xpcall(callee, print) == true and coroutine.wrap(function(...) return callee(...) end)(1) == callee)
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
assert(co() == "eq" and co(1) == "lt" and co(nil) == "le" and co(true) == "concat" and co("B") == "call5" and co("C") == "lt" and co(false) == "eq")
local out = co(nil)
assert(out[1] == true and out[2] == false and out[3] == true and out[4] == "aB" and out[5] == "C" and out[6] == "other" and out[7] == true)
print("ok")
