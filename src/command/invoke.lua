-- Calls a function that a WebAssembly module exports: its arguments come as texts, its results are printed.
local file, name, wanted = ...
local texts = table.pack(select(4, ...))
local module = webassembly.load(file, name, true)

local signature
for _, export in ipairs(webassembly.exports(module)) do
  if export.name == wanted and export.kind == "function" then signature = export end
end
if not signature then error(("the module has no function '%s'"):format(wanted), 0) end
local parameters = signature.parameters
if texts.n ~= #parameters then
  error(("'%s' takes %d arguments, not %d"):format(wanted, #parameters, texts.n), 0)
end

local special = { inf = math.huge, ["+inf"] = math.huge, ["-inf"] = -math.huge, nan = 0 / 0 }
local read = {}
function read.i32(text)
  local number = math.tointeger(tonumber(text))
  return number and number >= -0x80000000 and number <= 0xffffffff and number or nil
end
function read.i64(text)
  local digits = text:match("^%d+$")
  if not digits then return math.tointeger(tonumber(text)) end
  local number = 0
  for digit in digits:gmatch("%d") do
    if math.ult(0x1999999999999999, number) then return nil end
    local next = number * 10 + tonumber(digit)
    if math.ult(next, number) then return nil end
    number = next
  end
  return number
end
function read.f64(text)
  return special[text] or tonumber(text)
end
read.f32 = read.f64
function read.v128(text)
  local digits = text:match("^0x(%x+)$")
  if not digits or #digits ~= 32 then return nil end
  return (digits:gsub("%x%x", function(byte) return string.char(tonumber(byte, 16)) end)):reverse()
end
local function reference(text) return text == "null" and nil, text == "null" end

local values = { n = texts.n }
for index, kind in ipairs(parameters) do
  local value, is_null = (read[kind] or reference)(texts[index])
  if value == nil and not is_null then
    error(("argument %d: %s expected, got '%s'"):format(index, kind, texts[index]), 0)
  end
  values[index] = value
end

-- The shortest text from which the same number is read.
local function shortest(value, digits, same)
  if value ~= value then return "nan" end
  for precision = 1, digits do
    local text = ("%%.%dg"):format(precision):format(value)
    if same(tonumber(text)) then return text end
  end
  return tostring(value)
end
local show = {}
function show.f64(value)
  return shortest(value, 17, function(other) return other == value end)
end
function show.f32(value)
  return shortest(value, 9, function(other) return other and string.unpack("f", string.pack("f", other)) == value end)
end
function show.v128(value)
  return "0x" .. value:reverse():gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
end
local function show_any(value) return value == nil and "null" or tostring(value) end

local instance = webassembly.instantiate(module)
local results = table.pack(instance[wanted](table.unpack(values, 1, values.n)))
for index, kind in ipairs(signature.results) do
  print((show[kind] or show_any)(results[index]))
end
