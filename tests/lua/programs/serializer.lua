-- Tables to Lua source and back: cycles, shared parts, all keys, metatables by name, deterministic order.
local function order(a, b)
  local ta, tb = type(a), type(b)
  if ta ~= tb then return ta < tb end
  if ta == "number" or ta == "string" then return a < b end
  if ta == "boolean" then return a and not b end
  return false
end

local function literal(value)
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n"):gsub("\r", "\\r")) end
  if type(value) == "number" and math.type(value) == "float" then
    if value ~= value then return "0/0" end
    if value == math.huge then return "1/0" elseif value == -math.huge then return "-1/0" end
    return ("%.17g"):format(value):find("[.eEn]") and ("%.17g"):format(value) or ("%.17g.0"):format(value)
  end
  if value == math.mininteger then return "math.mininteger" end
  return tostring(value)
end

local function serialize(root, classes)
  local names = {}
  for name, class in pairs(classes or {}) do names[class] = name end
  local counts, list = {}, {}
  local function visit(value)
    if type(value) == "function" or type(value) == "thread" or type(value) == "userdata" then error("can't serialize a " .. type(value), 0) end
    if type(value) ~= "table" then return end
    counts[value] = (counts[value] or 0) + 1
    if counts[value] > 1 then return end
    list[#list + 1] = value
    local keys = {}
    for key in next, value do keys[#keys + 1] = key end
    table.sort(keys, order)
    for _, key in ipairs(keys) do
      visit(key)
      visit(rawget(value, key))
    end
  end
  visit(root)
  local ids, out = {}, { "local t = {}" }
  local shared = 0
  for _, value in ipairs(list) do
    if counts[value] > 1 or value == root or getmetatable(value) then
      shared = shared + 1
      ids[value] = shared
      out[#out + 1] = ("t[%d] = {}"):format(shared)
    end
  end
  local write
  local function fields(value, separator, assign)
    local parts, length = {}, #value
    for i = 1, length do parts[i] = assign and assign("[" .. i .. "]", write(rawget(value, i))) or write(rawget(value, i)) end
    local keys = {}
    for key in next, value do
      if not (math.type(key) == "integer" and key >= 1 and key <= length) then keys[#keys + 1] = key end
    end
    table.sort(keys, order)
    for _, key in ipairs(keys) do
      local name = type(key) == "string" and key:find("^[%a_][%w_]*$") and load("local " .. key) and key
      local text = write(rawget(value, key))
      if assign then
        parts[#parts + 1] = assign(name and "." .. name or "[" .. write(key) .. "]", text)
      else
        parts[#parts + 1] = (name or "[" .. write(key) .. "]") .. " = " .. text
      end
    end
    return table.concat(parts, separator)
  end
  function write(value)
    if type(value) ~= "table" then return literal(value) end
    if ids[value] then return ("t[%d]"):format(ids[value]) end
    return "{" .. fields(value, ", ") .. "}"
  end
  for _, value in ipairs(list) do
    local id = ids[value]
    if id then
      local text = fields(value, "\n", function(key, item) return ("t[%d]%s = %s"):format(id, key, item) end)
      if text ~= "" then out[#out + 1] = text end
    end
  end
  for _, value in ipairs(list) do
    local meta = getmetatable(value)
    if meta then
      out[#out + 1] = ("setmetatable(t[%d], classes.%s)"):format(ids[value], names[meta] or error("metatable without a name", 0))
    end
  end
  out[#out + 1] = type(root) == "table" and "return t[1]" or "return " .. literal(root)
  return table.concat(out, "\n")
end

local function deserialize(text, classes)
  return assert(load(text, "=data", "t", { math = math, setmetatable = setmetatable, classes = classes }))()
end

local Point = { __index = { sum = function(p) return p.x + p.y end }, __tostring = function(p) return "(" .. p.x .. ", " .. p.y .. ")" end }
local classes = { Point = Point }
local common = { "shared", { deep = true } }
local data = {
  1, 2.5, -0.0, 1e100, 1 / 0, "text", 'quotes "and" \\ back', "line\nbreak\0zero", true, false,
  name = "root", ["end"] = "keyword", ["with space"] = 1, [100] = "sparse", [2.5] = "float key", [true] = "boolean key", [-1] = "negative",
  common = common, again = { common, common }, nested = { { { {} } }, x = { y = { z = 0 } } },
  point = setmetatable({ x = 3, y = 4 }, Point), limits = { math.maxinteger, math.mininteger, 0.1, 2.0 ^ 53 },
}
data.self = data
data.parent = { child = data }
data[common] = "table as key"
local text = serialize(data, classes)
print(text)
local copy = deserialize(text, classes)
print(copy.self == copy, copy.parent.child == copy, copy.again[1] == copy.common, copy.again[2] == copy.common, copy.common ~= common, copy[copy.common])
print(copy.point, copy.point:sum(), copy[3], 1 / copy[3], copy[5], math.type(copy.limits[4]), copy.limits[2] == math.mininteger, copy[8] == data[8], copy["end"], copy[2.5], copy[true])
print(serialize(copy, classes) == text)
local ring = {}
local node = ring
for i = 1, 5 do
  node.id, node.next = i, i < 5 and {} or ring
  node = node.next
end
local again = deserialize(serialize(ring))
local ids = {}
for _ = 1, 7 do
  ids[#ids + 1] = again.id
  again = again.next
end
print(table.concat(ids, " "))
for _, value in ipairs({ 5, "text", true, 1.0, math.mininteger }) do print(serialize(value), deserialize(serialize(value)) == value) end
for _, bad in ipairs({ { print }, { coroutine.create(print) }, { setmetatable({}, {}) }, { { io.stdout } } }) do print(pcall(serialize, bad, classes)) end
