-- Arithmetic and bitwise metamethods: which operand's is used, operand order, results.
local log
local meta = {}
local events = { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr" }
for _, event in ipairs(events) do
  meta["__" .. event] = function(a, b) log = { event, a, b } return event, "dropped" end
end
for _, event in ipairs({ "unm", "bnot" }) do meta["__" .. event] = function(a, b) log = { event, a, b } return event end end
local x, y = setmetatable({}, meta), setmetatable({}, meta)
local function was(result, event, a, b)
  assert(result == event and log[1] == event and rawequal(log[2], a) and rawequal(log[3], b), event)
end
local values = { 1, -1, 0, 2.5, 1e300, "10", "text", true, false, function() end, {}, 200, 100000, coroutine.create(print), math.mininteger }
for _, v in ipairs(values) do
  was(x + v, "add", x, v) was(v + x, "add", v, x) was(x - v, "sub", x, v) was(v - x, "sub", v, x) was(x * v, "mul", x, v) was(v * x, "mul", v, x)
  was(x / v, "div", x, v) was(v / x, "div", v, x) was(x % v, "mod", x, v) was(v % x, "mod", v, x) was(x ^ v, "pow", x, v) was(v ^ x, "pow", v, x)
  was(x // v, "idiv", x, v) was(v // x, "idiv", v, x) was(x & v, "band", x, v) was(v & x, "band", v, x) was(x | v, "bor", x, v) was(v | x, "bor", v, x)
  was(x ~ v, "bxor", x, v) was(v ~ x, "bxor", v, x) was(x << v, "shl", x, v) was(v << x, "shl", v, x) was(x >> v, "shr", x, v) was(v >> x, "shr", v, x)
end
was(x + nil, "add", x, nil) was(nil + x, "add", nil, x) was(x + y, "add", x, y) was(y - x, "sub", y, x) was(-x, "unm", x, x) was(~y, "bnot", y, y)
-- Constants as operands (immediate and constant forms keep their order)
was(x + 1, "add", x, 1) was(1 + x, "add", 1, x) was(x - 1, "sub", x, 1) was(1 - x, "sub", 1, x) was(x * 2, "mul", x, 2) was(2 * x, "mul", 2, x) was(x / 2, "div", x, 2) was(x % 3, "mod", x, 3) was(x ^ 2, "pow", x, 2) was(x // 4, "idiv", x, 4)
was(x & 1, "band", x, 1) was(1 & x, "band", 1, x) was(x | 255, "bor", x, 255) was(255 | x, "bor", 255, x) was(x ~ 7, "bxor", x, 7) was(7 ~ x, "bxor", 7, x) was(x << 1, "shl", x, 1) was(1 << x, "shl", 1, x) was(x >> 2, "shr", x, 2) was(2 >> x, "shr", 2, x)
was(x + 1.5, "add", x, 1.5) was(1.5 - x, "sub", 1.5, x) was(x - 100000, "sub", x, 100000) was(x + -1, "add", x, -1) was(x - -1, "sub", x, -1) was(x << -1, "shl", x, -1) was(x >> -1, "shr", x, -1) was(x + "a", "add", x, "a") was("a" + x, "add", "a", x)
was(x & 1.5, "band", x, 1.5) was(x | "a", "bor", x, "a") was("a" ~ x, "bxor", "a", x) was(x & 2 ^ 70, "band", x, 2 ^ 70)

-- The first operand's metamethod wins; the second's is the fallback
local left = setmetatable({}, { __add = function() return "left" end, __sub = function() return "left" end })
local right = setmetatable({}, { __add = function() return "right" end, __mul = function() return "right" end })
assert(left + right == "left")
assert(right + left == "right")
assert(left - right == "left")
assert(left * right == "right")
assert(right * left == "right")
assert(not pcall(function() return right - {} end))
assert(right - left == "left")
-- Only one result, also none
local odd = setmetatable({}, { __add = function() end, __sub = function() return 1, 2, 3 end, __mul = function() return nil end })
assert(odd + 1 == nil)
assert(select("#", odd + 1) == 1)
assert(select("#", odd - 1) == 1)
assert(odd - 1 == 1)
assert(odd * 1 == nil)
-- Metamethods that are callable tables, absent, false, or no function
local callable = setmetatable({}, { __call = function(self, a, b) return "called", a, b end })
assert(setmetatable({}, { __add = callable }) + 1 == "called")
assert(not pcall(function() return setmetatable({}, { __add = 5 }) + 1 end))
assert(not pcall(function() return setmetatable({}, { __add = false }) + 1 end))
assert(not pcall(function() return setmetatable({}, {}) + 1 end))
-- rawget of metamethods: __index of the metatable is not asked
assert(not pcall(function() return setmetatable({}, setmetatable({}, { __index = { __add = function() return 1 end } })) + 1 end))
-- Numbers and strings never use a table's metamethod between themselves
assert(1 + 2 == 3)
assert("10" + 5 == 15)
assert("3" * "4" == 12)
assert("0x10" + 0 == 16)
assert(10 .. 20 == "1020")
assert("2" ^ 2 == 4.0)
assert(-"2" == -2)
assert(-"2.0" == -2.0)
assert("7" // 2 == 3)
assert("7" % "4" == 3)
assert("1e1" + 0 == 10.0)
-- Nested and recursive use; changing the metatable inside
local V = {}
V.__index = V
local function vector(a, b) return setmetatable({ a = a, b = b }, V) end
function V.__add(p, q) return vector(p.a + q.a, p.b + q.b) end
function V.__mul(p, q) if type(p) == "number" then return vector(p * q.a, p * q.b) elseif type(q) == "number" then return q * p end return p.a * q.a + p.b * q.b end
function V.__unm(p) return -1 * p end
function V.__sub(p, q) return p + -q end
function V.__eq(p, q) return p.a == q.a and p.b == q.b end
function V.__idiv(p, n) return vector(p.a // n, p.b // n) end
function V.__mod(p, n) return vector(p.a % n, p.b % n) end
function V.__shl(p, n) return vector(p.a << n, p.b << n) end
function V.__bnot(p) return vector(~p.a, ~p.b) end
local p, q = vector(1, 2), vector(3, 4)
assert(p + q == vector(4, 6))
assert(p - q == vector(-2, -2))
assert(p * q == 11)
assert(2 * p == vector(2, 4))
assert(p * 3 == vector(3, 6))
assert(-p == vector(-1, -2))
assert(q // 2 == vector(1, 2))
assert(q % 2 == vector(1, 0))
assert(p << 2 == vector(4, 8))
assert(~p == vector(-2, -3))
assert(2 * (p + q) - p * 2 == vector(6, 8))
assert((p + p + p + p) // 4 == p)
assert(p ~= q)
assert(-(-p) == p)
-- Errors and yields inside
local ok, message = pcall(function() return setmetatable({}, { __div = function() error("inside", 0) end }) / 1 end)
assert(not ok)
assert(message == "inside")
local co = coroutine.wrap(function()
  local z = setmetatable({}, { __add = function(a, b) return coroutine.yield(b) * 2 end, __unm = function() return coroutine.yield("unm") end, __band = function(a, b) return coroutine.yield("band") + 1 end })
  local r = z + 5
  local s = 1 & z
  return r, -z, s, (z + 1) + (2 + (z + 3))
end)
assert(co() == 5)
assert(co(21) == "band")
assert(co(6) == "unm")
assert(co("minus") == 1)
assert(co(10) == 3)
local r1, r2, r3, r4 = co(100)
assert(r1 == 42)
assert(r2 == "minus")
assert(r3 == 7)
assert(r4 == 20 + 202)
-- debug.setmetatable for other types
debug.setmetatable(nil, { __add = function(a, b) return "nil+" end, __unm = function() return "-nil" end })
assert(nil + 1 == "nil+")
assert(1 + nil == "nil+")
assert(-nil == "-nil")
debug.setmetatable(nil, nil)
debug.setmetatable(true, { __bor = function(a, b) return a or b end })
assert((true | false) == true)
assert((false | false) == false)
assert((false | 5) == 5)
debug.setmetatable(true, nil)
debug.setmetatable(print, { __mul = function(f, g) return function(...) return f(g(...)) end end })
assert((tostring * math.abs)(-5) == "5")
debug.setmetatable(print, nil)
debug.setmetatable(1, { __index = { double = function(n) return n * 2 end }, __len = function(n) return n end, __call = function(n, m) return n + m end })
assert((5):double() == 10)
assert(#7 == 7)
assert((3)(4) == 7)
assert((2.5):double() == 5.0)
assert(1 + 1 == 2)
debug.setmetatable(1, nil)

-- Metamethods that give no, one and many results, and variadic ones: the first result counts, or nil.
do
  local results = {
    { function() end, nil },
    { function() return nil end, nil },
    { function() return 7 end, 7 },
    { function() return 7, 8, 9 end, 7 },
    { function(...) return ... end, "self" },
    { function(...) return select("#", ...) end, "count" },
    { function(...) return table.unpack({}) end, nil },
    { function(...) local a, b = ... return b and 7 or 7 end, 7 },
    { coroutine.wrap(function() while true do coroutine.yield(7, 8) end end), 7 },
    { setmetatable({}, { __call = function() return 7, 8 end }), 7 },
  }
  for _, case in ipairs(results) do
    local handler, expected = case[1], case[2]
    local events = {}
    for _, event in ipairs { "index", "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor", "bxor",
        "shl", "shr", "bnot", "concat", "len", "eq", "lt", "le" } do
      events["__" .. event] = handler
    end
    local x, y = setmetatable({}, events), setmetatable({}, events)
    local function check(result, arguments)
      if expected == "self" then assert(result == nil or rawequal(result, x), case)
      elseif expected == "count" then assert(result == arguments, arguments)
      else assert(result == expected) end
    end
    for _ = 1, 3 do
      if expected ~= "self" and type(handler) == "function" then
        local key = 1
        check(x.field, 2) check(x[key], 2) check(x[1], 2) check(x["a" .. key], 2)
      end
      check(x + 1, 2) check(x - y, 2) check(x * 2.5, 2) check(x / y, 2) check(x % 3, 2) check(x ^ 2, 2)
      check(-x, 2) check(x // 2, 2) check(x & 1, 2) check(x | y, 2) check(x ~ 1, 2) check(x << 1, 2)
      check(x >> y, 2) check(~x, 2) check(x .. "a", 2) check(#x, 2)
      local truth = expected and true or false
      assert((x == y) == truth and (x ~= y) == not truth)
      assert((x < y) == truth and (x <= y) == truth and (x > y) == truth and (x >= y) == truth)
      if x == y then assert(truth) else assert(not truth) end
      local count = 0
      while x < y do count = count + 1 if count == 3 then break end end
      assert(count == (truth and 3 or 0))
    end
  end
  -- Results of what is called for an assignment are dropped.
  local seen = {}
  local target = setmetatable({}, { __newindex = function(t, k, v) seen[#seen + 1] = k return 1, 2, 3 end })
  for i = 1, 3 do target.field = i target[i] = i end
  assert(#seen == 6 and rawget(target, "field") == nil)
  -- Nested: metamethods that use operators with metamethods, and deep ones.
  local vector = {}
  vector.__index = function(v, key) return vector[key] or key == "sum" and v[1] + v[2] or nil end
  vector.__add = function(a, b) return setmetatable({ a[1] + b[1], a[2] + b[2] }, vector) end
  vector.__mul = function(a, k) if k == 1 then return a end return a + a * (k - 1) end
  vector.__eq = function(a, b) return a[1] == b[1] and a[2] == b[2] end
  local v = setmetatable({ 1, 2 }, vector)
  assert((v * 50).sum == 150 and v * 3 == v + v + v and v * 2 ~= v)
  local chain = setmetatable({}, { __index = function(_, k) return k end })
  for _ = 1, 50 do chain = setmetatable({}, { __index = chain }) end
  assert(chain.a == "a" and chain[5] == 5)
end

print("ok")
