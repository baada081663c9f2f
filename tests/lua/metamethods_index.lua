-- __index, __newindex, raw access, chains, __len, __name, __metatable, setmetatable and getmetatable.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
-- __index by table and function
local base = { x = 1, y = 2 }
local t = setmetatable({ y = 20 }, { __index = base })
assert(t.x == 1)
assert(t.y == 20)
assert(t.z == nil)
assert(rawget(t, "x") == nil)
base.z = 3
assert(t.z == 3)
t.x = 10
assert(base.x == 1)
assert(t.x == 10)
assert(rawget(t, "x") == 10)
t.x = nil
assert(t.x == 1)
local asked = {}
t = setmetatable({}, { __index = function(self, k) asked[#asked + 1] = k assert(rawequal(self, t)) return k, "dropped" end })
assert(t.a == "a")
assert(t[1] == 1)
assert(t[1.5] == 1.5)
assert(t[true] == true)
assert(t[nil] == nil)
assert(#asked == 4)
assert(select("#", t.b) == 1)
t.a = false
assert(t.a == false)
assert(#asked == 5)
local nan = t[0 / 0]
assert(nan ~= nan)
-- Chains
local chain = { found = "bottom" }
for i = 1, 100 do chain = setmetatable({ ["level" .. i] = i }, { __index = chain }) end
assert(chain.found == "bottom")
assert(chain.level1 == 1)
assert(chain.level100 == 100)
assert(chain.missing == nil)
local loop = {}
setmetatable(loop, { __index = loop, __newindex = loop })
fails("'__index' chain too long; possible loop", function() return loop.x end)
fails("'__newindex' chain too long; possible loop", function() loop.x = 1 end)
local mixed = setmetatable({}, { __index = setmetatable({}, { __index = function(self, k) return k .. "!" end }) })
assert(mixed.hey == "hey!")
assert(setmetatable({}, { __index = "abc" }).len == string.len)
assert(setmetatable({}, { __index = "abc" }).x == nil)
fails("attempt to index a number value", function() return setmetatable({}, { __index = 5 }).x end)
fails("attempt to index a boolean value", function() local v = setmetatable({}, { __index = true }) return v.field end)
-- __newindex
local store, sets = {}, 0
t = setmetatable({ old = 1 }, { __newindex = function(self, k, v) sets = sets + 1 rawset(store, k, v) end })
t.new = 5
t.old = 2
t[1] = "one"
assert(rawget(t, "new") == nil)
assert(store.new == 5)
assert(t.old == 2)
assert(sets == 2)
assert(store[1] == "one")
assert(t[1] == nil)
t.old = nil
t.old = 3
assert(store.old == 3)
assert(sets == 3)
assert(rawget(t, "old") == nil)
t = setmetatable({}, { __newindex = store })
t.via = 7
assert(store.via == 7)
assert(rawget(t, "via") == nil)
local deep = setmetatable({}, { __newindex = setmetatable({}, { __newindex = setmetatable({}, { __newindex = store }) }) })
deep.down = 8
assert(store.down == 8)
t = setmetatable({}, { __newindex = function(self, k, v) rawset(self, k, v and v * 2) end })
t.a = 4
t.a = 5
assert(t.a == 5)
t.b = 6
assert(t.b == 12)
local nilkey
t = setmetatable({}, { __newindex = function(_, k, v) nilkey = { k, v } end })
t[nil] = 5
assert(nilkey[1] == nil)
assert(nilkey[2] == 5)
t[0 / 0] = 6
assert(nilkey[1] ~= nilkey[1])
assert(nilkey[2] == 6)
fails("table index is nil", function() setmetatable({}, { __newindex = {} })[nil] = 1 end)
fails("attempt to index a number value", function() setmetatable({}, { __newindex = 5 }).x = 1 end)
-- The value goes through in both array and hash positions
local out = {}
t = setmetatable({}, { __newindex = function(_, k, v) out[k] = v end })
for i = 1, 50 do t[i] = i end
assert(#out == 50)
assert(#t == 0)
-- Raw access ignores all
t = setmetatable({}, { __index = function() return "no" end, __newindex = function() error("no") end, __len = function() return 99 end, __eq = function() return true end })
rawset(t, "a", 1)
assert(rawget(t, "a") == 1)
assert(rawget(t, "b") == nil)
assert(rawlen(t) == 0)
assert(#t == 99)
assert(not rawequal(t, setmetatable({}, getmetatable(t))))
-- Read-only and default tables
local function readonly(source) return setmetatable({}, { __index = source, __newindex = function(_, k) error("field " .. k .. " is read-only", 2) end, __len = function() return #source end, __pairs = function() return next, source, nil end }) end
local r = readonly({ 1, 2, 3, name = "r" })
assert(r[2] == 2)
assert(r.name == "r")
assert(#r == 3)
assert(not pcall(function() r.name = 1 end))
local n = 0
for _ in pairs(r) do n = n + 1 end
assert(n == 4)
-- Memoizing
local fib
fib = setmetatable({ 1, 1 }, { __index = function(self, i) local v = self[i - 1] + self[i - 2] rawset(self, i, v) return v end })
assert(fib[80] == 23416728348467685)
assert(rawget(fib, 50) == 12586269025)
-- __len
assert(#setmetatable({}, { __len = function() return 7 end }) == 7)
assert(#setmetatable({}, { __len = function() return "any" end }) == "any")
assert(#setmetatable({ 1, 2 }, {}) == 2)
assert(#setmetatable({}, { __len = function(a, b) return rawequal(a, b) end }) == true)
assert(#setmetatable({}, { __len = function() end }) == nil)
-- getmetatable, setmetatable, __metatable
local meta = {}
t = {}
assert(getmetatable(t) == nil)
assert(setmetatable(t, meta) == t)
assert(getmetatable(t) == meta)
assert(setmetatable(t, nil) == t)
assert(getmetatable(t) == nil)
assert(getmetatable(1) == nil)
assert(getmetatable(print) == nil)
assert(getmetatable(nil) == nil)
assert(getmetatable("").__index == string)
setmetatable(t, { __metatable = "locked" })
assert(getmetatable(t) == "locked")
assert(type(debug.getmetatable(t)) == "table")
fails("cannot change a protected metatable", setmetatable, t, {})
fails("cannot change a protected metatable", setmetatable, t, nil)
assert(getmetatable(setmetatable({}, { __metatable = false })) == false)
fails("cannot change a protected metatable", setmetatable, setmetatable({}, { __metatable = false }), {})
fails("bad argument #1 to 'setmetatable' (table expected, got number)", setmetatable, 1, {})
fails("bad argument #2 to 'setmetatable' (nil or table expected, got no value)", setmetatable, {})
fails("bad argument #2 to 'setmetatable' (nil or table expected, got number)", setmetatable, {}, 1)
fails("bad argument #1 to 'setmetatable' (table expected, got string)", setmetatable, "x", {})
fails("bad argument #1 to 'getmetatable' (value expected)", getmetatable)
-- __tostring, __name
assert(tostring(setmetatable({}, { __tostring = function() return "me" end })) == "me")
assert(tostring(setmetatable({}, { __name = "My.Type" })):find("^My.Type: "))
assert(tostring(setmetatable({}, { __name = 5 })):find("^table: "))
fails("'__tostring' must return a string", tostring, setmetatable({}, { __tostring = function() return {} end }))
fails("'__tostring' must return a string", tostring, setmetatable({}, { __tostring = function() end }))
fails("attempt to call a number value", tostring, setmetatable({}, { __tostring = 5 }))
fails("bad argument #1 to 'tostring' (value expected)", tostring)
fails("bad argument #1 to 'string.rep' (string expected, got My.Type)", string.rep, setmetatable({}, { __name = "My.Type" }))
fails("attempt to perform arithmetic on a My.Type value", function() return setmetatable({}, { __name = "My.Type" }) + 1 end)
fails("attempt to compare My.Type with number", function() return setmetatable({}, { __name = "My.Type" }) < 1 end)
fails("attempt to concatenate a My.Type value", function() return #setmetatable({}, { __name = "My.Type" }) .. setmetatable({}, { __name = "My.Type" }) end)
fails("bad argument #1 to 'ipairs' (value expected)", ipairs)
-- Metatables shared and changed later (caches must see it)
local Class = {}
Class.__index = Class
local object = setmetatable({}, Class)
local function get(o) return o.value end
assert(get(object) == nil)
Class.value = 1
assert(get(object) == 1)
Class.value = 2
assert(get(object) == 2)
object.value = 3
assert(get(object) == 3)
object.value = nil
Class.__index = function() return 4 end
assert(get(object) == 4)
Class.__index = { value = 5 }
assert(get(object) == 5)
Class.__index = nil
assert(get(object) == nil)
setmetatable(object, { __index = { value = 6 } })
assert(get(object) == 6)
setmetatable(object, nil)
assert(get(object) == nil)
for i = 1, 5 do
  local one = setmetatable({ ["f" .. i] = i }, { __index = { value = i } })
  assert(get(one) == i)
end
local Parent = { greet = function() return "parent" end }
Parent.__index = Parent
local Child = setmetatable({}, Parent)
Child.__index = Child
local kid = setmetatable({}, Child)
local function greet(o) return o:greet() end
assert(greet(kid) == "parent")
Child.greet = function() return "child" end
assert(greet(kid) == "child")
kid.greet = function() return "own" end
assert(greet(kid) == "own")
kid.greet, Child.greet = nil, nil
assert(greet(kid) == "parent")
Parent.greet = nil
assert(not pcall(greet, kid))
local count = 0
local function set(o, v) o.field = v end
local watched = {}
set(watched, 1)
setmetatable(watched, { __newindex = function() count = count + 1 end })
set(watched, 2)
assert(count == 0)
assert(watched.field == 2)
watched.field = nil
set(watched, 3)
assert(count == 1)
assert(watched.field == nil)
getmetatable(watched).__newindex = nil
set(watched, 4)
assert(count == 1)
assert(watched.field == 4)
-- Yields inside
local co = coroutine.wrap(function()
  local y = setmetatable({}, { __index = function(_, k) return coroutine.yield("get " .. k) end, __newindex = function(_, k, v) coroutine.yield("set " .. k .. v) end, __len = function() return coroutine.yield("len") end })
  local a = y.x
  y.z = 5
  return a, #y
end)
assert(co() == "get x")
assert(co(1) == "set z5")
assert(co() == "len")
local a, b = co(9)
assert(a == 1)
assert(b == 9)
-- A field that is nil when a place in the program comes to it, after another place has looked along __index for it.
do
  local class = {}
  class.__index = class
  local object = setmetatable({ x = 1 }, class)
  object.x = nil
  local function first(from) return from.x end
  local function second(from) return from.x end
  for _ = 1, 20 do assert(first(object) == nil) end
  for _ = 1, 20 do assert(second(object) == nil) end
  object.x = 2
  for _ = 1, 20 do assert(second(object) == 2 and first(object) == 2) end
end
print("ok")
