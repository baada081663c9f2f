-- What generated programs start with. They return all that they emitted.
local output = {}

local function show(value, depth)
  local kind = math.type(value) or type(value)
  if kind == "integer" then return string.format("%d", value) end
  if kind == "float" then return value ~= value and "nan" or string.format("%.17g", value) .. "f" end
  if kind == "string" then return string.format("%q", value) end
  if kind ~= "table" or getmetatable(value) or depth > 1 then
    return type(value) == "boolean" and tostring(value) or kind
  end
  local fields = {}
  for key, element in next, value do
    fields[#fields + 1] = show(key, depth + 1) .. "=" .. show(element, depth + 1)
  end
  table.sort(fields)
  return "{" .. table.concat(fields, ",") .. "}"
end

local function emit(...)
  local line = {}
  for index = 1, select("#", ...) do line[index] = show((select(index, ...)), 0) end
  output[#output + 1] = table.concat(line, " ")
end

local function try(...) emit(pcall(...)) end

-- Keeps strings from growing without end.
local function cut(value, ...)
  return type(value) == "string" and #value > 100 and value:sub(1, 100) or value, ...
end

-- A value with the same text everywhere.
local function plain(value)
  local kind = type(value)
  if kind == "number" or kind == "string" or kind == "boolean" or kind == "nil" then return (cut(value)) end
  return kind
end

-- A key that leaves no doubt about the length of the table it is used for.
local function key(value)
  if math.type(value) and value >= 1 and value < 1000 then return "key" .. value end
  return value
end

-- A small integer made of any value.
local function small(value)
  local number = math.tointeger(tonumber(plain(value)) or 3) or 2
  return number % 8
end

local function noted(event)
  return function(...)
    emit(event, select("#", ...))
    local operand = ...
    if type(operand) == "table" then operand = rawget(operand, "v") end
    return operand
  end
end

local object_metatable = {}
for event in ("add sub mul div mod pow unm idiv band bor bxor shl shr bnot concat len call"):gmatch("%a+") do
  object_metatable["__" .. event] = noted(event)
end
function object_metatable.__index(_, name) emit("index", name) return type(name) == "string" and #name or nil end
function object_metatable.__newindex(self, name, value) emit("newindex", name, value) rawset(self, "v", value) end
function object_metatable.__eq(left, right) emit("eq") return rawget(left, "v") == rawget(right, "v") end
function object_metatable.__lt(left, right) emit("lt", type(left), type(right)) return type(left) == "number" end
function object_metatable.__le(left, right) emit("le", type(left), type(right)) return type(right) == "number" end
function object_metatable.__close(self, message) emit("close", rawget(self, "v"), message) end
function object_metatable.__tostring(self) return "object " .. tostring(plain(rawget(self, "v"))) end
object_metatable.__name = "Object"

local function object(value) return setmetatable({v = plain(value)}, object_metatable) end

local list, map, other = {10, 20, 30}, {x = 1, y = {z = "deep"}}, object(7)
local a, b, c, d = 1, "2", 3.5, nil
