-- One place in the program that meets tables of many kinds: fields of their own, inherited, absent, removed, of dictionaries,
-- with long names; strings among the tables; and tables that change between two visits.

local function get(t) return t.x end
local function set(t, v) t.x = v end
local function call(t) return t:name() end

-- Many shapes, each with the key at another place
local many = {}
for i = 1, 40 do
  local t = {}
  for j = 1, i do t["before" .. i .. "_" .. j % 7] = j end
  t.x = i
  many[i] = t
end
for _ = 1, 3 do
  for i, t in ipairs(many) do assert(get(t) == i) end
end
for _ = 1, 3 do
  for i, t in ipairs(many) do set(t, -i) end
end
for i, t in ipairs(many) do assert(get(t) == -i and rawget(t, "x") == -i) end
for _, t in ipairs(many) do set(t, nil) end
for _, t in ipairs(many) do assert(get(t) == nil) end
for i, t in ipairs(many) do set(t, i) end
for i, t in ipairs(many) do assert(get(t) == i) end

-- Absent without and with a metatable, then found along __index, then the table's own
local plain, with = {}, setmetatable({}, {})
for _ = 1, 3 do assert(get(plain) == nil and get(with) == nil) end
local base = {}
getmetatable(with).__index = base
for _ = 1, 3 do assert(get(with) == nil) end
base.x = "base"
for _ = 1, 3 do assert(get(with) == "base" and get(plain) == nil) end
with.x = "own"
for _ = 1, 3 do assert(get(with) == "own") end
with.x = nil
for _ = 1, 3 do assert(get(with) == "base") end
base.x = nil
for _ = 1, 3 do assert(get(with) == nil) end
setmetatable(with, { __index = function(_, key) return key .. "!" end })
for _ = 1, 3 do assert(get(with) == "x!") end

-- Objects of one shape with different metatables, and of different shapes with the same one
local A, B = { name = function() return "A" end }, { name = function() return "B" end }
A.__index, B.__index = A, B
local objects = {}
for i = 1, 30 do
  objects[i] = setmetatable({ ["field" .. i % 6] = i }, i % 2 == 0 and A or B)
end
for _ = 1, 3 do
  for i, object in ipairs(objects) do assert(call(object) == (i % 2 == 0 and "A" or "B")) end
end
A.name = function() return "changed" end
for i, object in ipairs(objects) do assert(call(object) == (i % 2 == 0 and "changed" or "B")) end
objects[2].name = function() return "own" end
assert(call(objects[2]) == "own" and call(objects[4]) == "changed")
B.name = nil
assert(not pcall(call, objects[1]))

-- Strings and tables at the same place
string.name = function(s) return "string " .. s end
for _ = 1, 3 do assert(call("s") == "string s" and call(objects[4]) == "changed") end
string.name = function(s) return "other " .. s end
for _ = 1, 3 do assert(call("s") == "other s") end
string.name = nil
assert(not pcall(call, "s"))
local function index_of(v) return v.__index end
local strings = getmetatable("")
for _ = 1, 3 do assert(index_of("s") == nil and index_of(strings) == string) end
local like = setmetatable({ __index = 1 }, strings)
for _ = 1, 3 do assert(index_of("s") == nil and index_of(like) == 1) end

-- Names that are too long to be shared
local long = "a_name_of_more_than_forty_bytes_as_strings_that_long_are_no_shared_objects"
local read = load("local t = ... return t." .. long)
local write = load("local t, v = ... t." .. long .. " = v")
for i = 1, 5 do
  local t = { ["y" .. i] = i }
  assert(read(t) == nil)
  write(t, i)
  assert(read(t) == i and t[long] == i)
  write(t, -i)
  assert(read(t) == -i)
end

-- Constructors: keys whose value is nil
local function record(a, b, c) return { a = a, b = b, c = c, a and "element" } end
for _, values in ipairs { { 1, 2, 3 }, { nil, 2, 3 }, { 1, nil, 3 }, { nil, nil, nil }, { 1, 2, nil } } do
  local r = record(values[1], values[2], values[3])
  assert(r.a == values[1] and r.b == values[2] and r.c == values[3] and r[1] == (values[1] and "element"))
  local count = 0
  for key, value in pairs(r) do
    assert(value ~= nil and r[key] == value)
    count = count + 1
  end
  assert(count == (r.a and 2 or 0) + (r.b and 1 or 0) + (r.c and 1 or 0))
  assert(next(record()) == nil)
  r.b = "later"
  assert(r.b == "later")
end
local inherited = setmetatable(record(), { __index = { a = "default", b = "default" }, __newindex = function(t, k, v) rawset(t, k, v .. "!") end })
for _ = 1, 3 do assert(inherited.a == "default" and inherited.c == nil) end
inherited.a = "set"
inherited.b = "set"
assert(inherited.a == "set!" and inherited.b == "set!")
inherited.a = "again"
assert(inherited.a == "again")
local twice = { x = 1, x = nil, y = nil, y = 2 }
assert(twice.x == nil and twice.y == 2)

-- Computed names
local function computed_get(t, k) return t[k] end
local function computed_set(t, k, v) t[k] = v end
local map = {}
for i = 1, 300 do computed_set(map, "k" .. i, i) end
for i = 1, 300 do assert(computed_get(map, "k" .. i) == i) end
for i = 1, 300, 2 do computed_set(map, "k" .. i, nil) end
for i = 1, 300 do assert(computed_get(map, "k" .. i) == (i % 2 == 0 and i or nil)) end
for i = 1, 300, 2 do computed_set(map, "k" .. i, "back" .. i) end
for i = 1, 300 do assert(computed_get(map, "k" .. i) == (i % 2 == 0 and i or "back" .. i)) end
assert(computed_get(map, long) == nil)
computed_set(map, long, "long")
assert(computed_get(map, long) == "long")
-- A name that a metatable's users watch
local watched = setmetatable({}, strings and { __index = function() return "function" end })
assert(watched.anything == "function")
computed_set(getmetatable(watched), "__index", { anything = "table" })
assert(watched.anything == "table")
computed_set(getmetatable(watched), "__index", nil)
assert(watched.anything == nil)
local parent = { value = "old" }
local child = setmetatable({}, { __index = parent })
for _ = 1, 3 do assert(child.value == "old") end
computed_set(parent, "value", "new")
assert(child.value == "new")
computed_set(parent, "other", "added")
assert(child.other == "added")

-- Elements that come and go
local array = {}
for i = 1, 100 do array[i] = i % 3 == 0 and (i % 2 == 0) or i end
for i = 1, 100 do assert(array[i] == (i % 3 == 0 and (i % 2 == 0) or i)) end
for i = 1, 99, 2 do array[i] = nil end
for i = 1, 100 do assert(array[i] == (i % 2 == 0 and (i % 3 == 0 or i) or nil)) end
for i = 1, 99, 2 do array[i] = "s" .. i end
for i = 1, 100 do assert(array[i] == (i % 2 == 0 and (i % 3 == 0 or i) or "s" .. i)) end
while #array > 0 do array[#array] = nil end
assert(next(array) == nil)
local stored = {}
local guarded = setmetatable({}, { __newindex = function(_, k, v) stored[k] = v end })
for i = 1, 5 do guarded[i] = i end
assert(#guarded == 0 and #stored == 5)
local mixed = { x = 1, [2^53] = "far" }
for i = 1, 20 do mixed[i] = i end
assert(#mixed == 20 and mixed[2^53] == "far")

-- Fields that come and go, where a place in the program is hot and remembers for some of the tables that there is nothing else
do
  local default = { value = "default", weight = function() return 1 end }
  local none = { weight = function() return 2 end }
  local third = setmetatable({ weight = function() return 3 end }, { __index = none })
  local classes = { { __index = default }, { __index = none }, { __index = third } }
  local objects, expected, weights = {}, {}, {}
  for i = 1, 24 do
    local object = { ["before" .. i % 5] = i, value = i }
    objects[i], expected[i] = object, i
    if i % 4 ~= 0 then
      setmetatable(object, classes[i % 4])
      weights[i] = i % 4
    else
      object.weight = function() return 4 end
      weights[i] = 4
    end
  end
  local function visit(round)
    local missing = 0
    for i = 1, #objects do
      local object = objects[i]
      local value = object.value
      assert(value == expected[i])
      assert(object:weight() == weights[i])
      if value == nil then missing = missing + 1 end
      if (round + i) % 3 == 0 then
        if (round + i) % 2 == 0 then object.value = nil else object.value = round end
        expected[i] = rawget(object, "value")
        if expected[i] == nil and i % 4 == 1 then expected[i] = "default" end
      end
    end
    return missing
  end
  local missing = 0
  for round = 1, 400 do missing = missing + visit(round) end
  assert(missing == 3580, missing)
  -- By now something else may be there.
  none.value = "late"
  for i = 1, 24 do
    if expected[i] == nil and (i % 4 == 2 or i % 4 == 3) then expected[i] = "late" end
    assert(objects[i].value == expected[i])
  end
end

-- Tables, closures and variables that are made where a place is hot
do
  local function make(i)
    local count = i
    local object = { first = i, second = -i, list = { i, i + 1, i + 2 }, empty = {} }
    local short = { i, nil, i }
    local open = { i, nil }
    function object.next() count = count + 1 return count end
    function object.last() return count, object, short, open end
    return object
  end
  local kept = {}
  for i = 1, 4000 do
    local object = make(i)
    assert(object.first + object.second == 0 and #object.list == 3 and object.list[3] == i + 2)
    assert(next(object.empty) == nil and object.next() == i + 1 and object.next() == i + 2)
    local count, same, short, open = object.last()
    assert(count == i + 2 and same == object and #short == 3 and short[2] == nil and #open == 1)
    object.third, object.list[4] = i, i
    kept[i % 100] = object
  end
  for i = 0, 99 do
    local object = kept[i]
    assert(object.third == object.first and object.list[4] == object.first and object.last() == object.first + 2)
  end
end
print "ok"
