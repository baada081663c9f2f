-- getlocal, setlocal, getupvalue, setupvalue, upvalueid, upvaluejoin, metatables, registry, user values.
local function names(level) local out = {} for n = 1, 100 do local k = debug.getlocal(level + 1, n) if not k then break end if k:sub(1, 1) ~= "(" then out[#out + 1] = k end end return table.concat(out, " ") end
local function f(a, b) local c = 3 do local inner = 1 assert(names(1) == "a b c inner") end local d = 4 assert(names(1) == "a b c d") return names(1) == "a b c d" end
assert(f(1, 2))
local function g(x, ...)
  local y = 20
  local n, v = debug.getlocal(1, 1)
  assert(n == "x")
  assert(v == 10)
  n, v = debug.getlocal(1, 2)
  assert(n == "y")
  assert(v == 20)
  n, v = debug.getlocal(1, -1)
  assert(n == "(vararg)")
  assert(v == "va1")
  n, v = debug.getlocal(1, -2)
  assert(n == "(vararg)")
  assert(v == "va2")
  assert(debug.getlocal(1, -3) == nil)
  assert(debug.getlocal(1, 100) == nil)
  assert(debug.setlocal(1, 1, "new x") == "x")
  assert(x == "new x")
  assert(debug.setlocal(1, -1, "changed") == "(vararg)")
  assert(... == "changed")
  assert(debug.setlocal(1, 100, 1) == nil)
  assert(debug.setlocal(1, -9, 1) == nil)
  local function inner() assert(debug.setlocal(2, 2, "from inside") == "y") local k, w = debug.getlocal(2, 2) assert(k == "y" and w == "from inside") end
  inner()
  assert(y == "from inside")
end
g(10, "va1", "va2")
-- Parameter names of functions
assert(debug.getlocal(g, 1) == "x")
assert(debug.getlocal(g, 2) == nil)
assert(debug.getlocal(f, 2) == "b")
assert(debug.getlocal(print, 1) == nil)
assert(select("#", debug.getlocal(f, 1)) == 1)
-- Shadowed and loop variables
for i = 1, 1 do local i = "shadow" local seen = names(1) assert(seen:find("i i") and seen:find("seen") == nil) end
-- Other threads
local co = coroutine.create(function(p) local q = p * 2 coroutine.yield() return p, q end) coroutine.resume(co, 21)
local n, v = debug.getlocal(co, 1, 1)
assert(n == "p" and v == 21) n, v = debug.getlocal(co, 1, 2)
assert(n == "q")
assert(v == 42)
assert(debug.setlocal(co, 1, 2, "set") == "q")
local _, a, b = coroutine.resume(co)
assert(a == 21)
assert(b == "set")
assert(not pcall(debug.getlocal, 100, 1))
assert(not pcall(debug.setlocal, 100, 1, 1))
assert(not pcall(debug.getlocal, "x", 1))
-- Upvalues
local u1, u2 = "one", "two"
local function h() return u1, u2 end
n, v = debug.getupvalue(h, 1)
assert(n == "u1" and v == "one") n, v = debug.getupvalue(h, 2)
assert(n == "u2")
assert(v == "two")
assert(debug.getupvalue(h, 3) == nil)
assert(debug.getupvalue(h, 0) == nil)
assert(debug.getupvalue(h, -1) == nil)
assert(debug.setupvalue(h, 1, "ONE") == "u1")
assert(u1 == "ONE")
assert(h() == "ONE")
assert(debug.setupvalue(h, 5, 1) == nil)
local function counter() local c = 0 return function() c = c + 1 return c end, function() return c end end
local i1, g1 = counter() local i2, g2 = counter()
assert(debug.upvalueid(i1, 1) == debug.upvalueid(g1, 1))
assert(debug.upvalueid(i1, 1) ~= debug.upvalueid(i2, 1))
assert(type(debug.upvalueid(i1, 1)) == "userdata")
assert((debug.upvalueid(i1, 5)) == nil)
i1() i1() i2() debug.upvaluejoin(g2, 1, i1, 1)
assert(g2() == 2)
assert(i2() == 2)
assert(g2() == 2)
assert(i1() == 3)
assert(g2() == 3)
assert(not pcall(debug.upvaluejoin, print, 1, i1, 1))
assert(not pcall(debug.upvaluejoin, i1, 5, i2, 1))
assert(not pcall(debug.upvaluejoin, i1, 1, i2, 5))
assert(not pcall(debug.getupvalue, 5, 1))
local stripped = load(string.dump(function() return u1, u2 end, true))
assert(debug.getupvalue(stripped, 1) == "(no name)")
assert(debug.getupvalue(stripped, 2) == "(no name)")
assert(debug.getupvalue(load("return x"), 1) == "_ENV")
assert(select(2, debug.getupvalue(load("return x"), 1)) == _G)
local chunk = load("return x") debug.setupvalue(chunk, 1, { x = "in env" })
assert(chunk() == "in env") debug.upvaluejoin(chunk, 1, function() return u2 end, 1)
-- Metatables
local t = setmetatable({}, { __metatable = "hidden" })
assert(debug.getmetatable(t).__metatable == "hidden")
assert(debug.setmetatable(t, nil) == t)
assert(getmetatable(t) == nil)
assert(debug.getmetatable("").__index == string)
assert(debug.getmetatable(5) == nil)
assert(debug.setmetatable(5, { __index = { half = function(x) return x / 2 end } }) == 5 and (10):half() == 5.0) debug.setmetatable(5, nil)
assert(not pcall(function() return (10):half() end))
assert(not pcall(debug.setmetatable, {}, 5))
-- Registry and user values
local registry = debug.getregistry()
assert(type(registry) == "table")
assert(type(registry[1]) == "thread")
assert(registry[2] == _G)
assert(debug.getuservalue({}) == nil)
assert(debug.getuservalue(5) == nil)
assert(debug.getuservalue(io.stdout, 1) == nil)
assert(select("#", debug.getuservalue(io.stdout, 5)) >= 1)
assert(not pcall(debug.setuservalue, {}, 1))
-- library functions have the upvalues that the reference implementation has
do
  local iterator = ("abc"):gmatch("b*")
  assert(debug.getinfo(iterator, "u").nups == 3)
  local name, value = debug.getupvalue(iterator, 1)
  assert(name == "" and value == "abc")
  name, value = debug.getupvalue(iterator, 2)
  assert(name == "" and value == "b*")
  name, value = debug.getupvalue(iterator, 3)
  assert(name == "" and type(value) == "userdata")
  assert(select("#", debug.getupvalue(iterator, 4)) == 0)
  assert(debug.upvalueid(iterator, 3) ~= nil and debug.upvalueid(iterator, 4) == nil)
  local found = {}
  for word in iterator do found[#found + 1] = word end
  assert(table.concat(found, ",") == ",b,")
  for _, without in ipairs { print, ipairs, next, collectgarbage, coroutine.wrap, (ipairs {}) } do
    assert(debug.getinfo(without, "u").nups == 0 and not debug.getupvalue(without, 1))
  end
  local wrapped = coroutine.wrap(print)
  assert(debug.getinfo(wrapped, "u").nups == 1 and type(select(2, debug.getupvalue(wrapped, 1))) == "thread")
  assert(debug.getinfo(require, "u").nups == 1 and select(2, debug.getupvalue(require, 1)) == package)
end

-- files have no user values
assert(select("#", debug.getuservalue(io.stdout, 1)) == 1 and debug.getuservalue(io.stdout) == nil)
assert(debug.setuservalue(io.stdout, 1) == nil and debug.getuservalue({}) == nil)
assert(not pcall(debug.setuservalue, {}, 1) and not pcall(debug.setuservalue, io.stdout))

-- Locals of library functions can be looked at and changed; nothing but errors comes of it
local function meddle(value)
  return function(...)
    local level = 2
    for index = 1, 40 do
      local name, old = debug.getlocal(level, index)
      if not name then break end
      tostring(old)
      debug.setlocal(level, index, value)
    end
    return ...
  end
end
local list = {} for i = 1, 30 do list[i] = (i * 7) % 31 end
for _, value in ipairs({-1, 1 << 40, "text", {}, print, 0.5}) do
  local touch = meddle(value)
  pcall(string.gsub, ("abc"):rep(20), "%w", function(c) touch() return c end)
  pcall(string.format, "%s %s", setmetatable({}, {__tostring = function() touch() return "x" end}), "y")
  pcall(table.sort, {table.unpack(list)}, function(a, b) touch() return a < b end)
  pcall(table.concat, setmetatable({}, {__len = function() return 9 end, __index = function() touch() return "x" end}))
  pcall(load, function() touch() return nil end)
  pcall(table.insert, setmetatable({}, {__len = function() return 3 end, __index = function() touch() end}), 1, 2)
  pcall(table.move, setmetatable({}, {__index = function() touch() end}), 1, 5, 2)
  pcall(table.unpack, setmetatable({}, {__len = function() return 5 end, __index = function() touch() end}))

end
collectgarbage()
print("ok")
