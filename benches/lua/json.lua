-- JSON text to tables and back: string scanning by patterns and bytes, table building, escapes.
local rounds = tonumber(arg[1]) or 100

local find, sub, byte, format = string.find, string.sub, string.byte, string.format

local null = setmetatable({}, { __tostring = function() return "null" end })

local short_escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}
local characters = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function escape(c) return short_escapes[c] or format("\\u%04x", byte(c)) end

local function quote(text) return '"' .. text:gsub('[%c"\\]', escape) .. '"' end

local encoders = {}

local function encode(value, out)
  if value == null then
    out[#out + 1] = "null"
    return
  end
  encoders[type(value)](value, out)
end

function encoders.string(value, out) out[#out + 1] = quote(value) end
function encoders.boolean(value, out) out[#out + 1] = tostring(value) end
function encoders.number(value, out)
  out[#out + 1] = value % 1 == 0 and format("%d", value) or format("%.14g", value)
end
function encoders.table(value, out)
  if #value > 0 or next(value) == nil then
    out[#out + 1] = "["
    for i = 1, #value do
      if i > 1 then out[#out + 1] = "," end
      encode(value[i], out)
    end
    out[#out + 1] = "]"
    return
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys)
  out[#out + 1] = "{"
  for i = 1, #keys do
    if i > 1 then out[#out + 1] = "," end
    out[#out + 1] = quote(keys[i])
    out[#out + 1] = ":"
    encode(value[keys[i]], out)
  end
  out[#out + 1] = "}"
end

local decode

local function fail(text, at, what)
  error(format("%s expected at %d near '%s'", what, at, sub(text, at, at + 10)), 0)
end

local function skip(text, at) return (find(text, "[^ \t\r\n]", at)) or #text + 1 end

local function decode_string(text, at)
  local pieces, from = nil, at + 1
  while true do
    local stop = find(text, '["\\]', from)
    if not stop then fail(text, at, "end of string") end
    local piece = sub(text, from, stop - 1)
    if byte(text, stop) == 34 then
      if not pieces then return piece, stop + 1 end
      pieces[#pieces + 1] = piece
      return table.concat(pieces), stop + 1
    end
    pieces = pieces or {}
    pieces[#pieces + 1] = piece
    local letter = sub(text, stop + 1, stop + 1)
    if letter == "u" then
      pieces[#pieces + 1] = string.char(tonumber(sub(text, stop + 2, stop + 5), 16) % 256)
      from = stop + 6
    else
      pieces[#pieces + 1] = characters[letter] or fail(text, stop, "escape")
      from = stop + 2
    end
  end
end

local function decode_array(text, at)
  local list, n = {}, 0
  at = skip(text, at + 1)
  if byte(text, at) == 93 then return list, at + 1 end
  while true do
    n = n + 1
    list[n], at = decode(text, at)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 93 then return list, at + 1 end
    if c ~= 44 then fail(text, at, "',' or ']'") end
    at = at + 1
  end
end

local function decode_object(text, at)
  local object = {}
  at = skip(text, at + 1)
  if byte(text, at) == 125 then return object, at + 1 end
  while true do
    at = skip(text, at)
    if byte(text, at) ~= 34 then fail(text, at, "key") end
    local key
    key, at = decode_string(text, at)
    at = skip(text, at)
    if byte(text, at) ~= 58 then fail(text, at, "':'") end
    object[key], at = decode(text, at + 1)
    at = skip(text, at)
    local c = byte(text, at)
    if c == 125 then return object, at + 1 end
    if c ~= 44 then fail(text, at, "',' or '}'") end
    at = at + 1
  end
end

local words = { ["true"] = true, ["false"] = false, ["null"] = null }

function decode(text, at)
  at = skip(text, at)
  local c = byte(text, at)
  if c == 34 then return decode_string(text, at) end
  if c == 123 then return decode_object(text, at) end
  if c == 91 then return decode_array(text, at) end
  local _, stop = find(text, "^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  if stop then return tonumber(sub(text, at, stop)), stop + 1 end
  local word = text:match("^%a+", at)
  if word and words[word] ~= nil then return words[word], at + #word end
  return fail(text, at, "value")
end

local seed = 2024
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit
end

local function document(depth)
  local kind = random(depth > 0 and 8 or 5)
  if kind == 0 then return random(1000000) - 500000 end
  if kind == 1 then return random(100000) / 64 end
  if kind == 2 then return "text " .. random(1000) .. ' with "quotes"\n\tand \\ or \1 control' end
  if kind == 3 then return "plain words without anything special " .. random(1000) end
  if kind == 4 then return random(3) == 0 and null or random(2) == 0 end
  local value = {}
  if kind == 5 then
    for i = 1, 3 + random(6) do value[i] = document(depth - 1) end
  else
    for i = 1, 3 + random(6) do value["key" .. i .. "_" .. random(50)] = document(depth - 1) end
  end
  return value
end

local root = {}
for i = 1, 40 do root[i] = { id = i, body = document(4), tags = { "a", "b", "c" }, empty = {} } end
local function serialize(value)
  local out = {}
  encode(value, out)
  return table.concat(out)
end

local text = serialize(root)
local length, h = 0, 0
for _ = 1, rounds do
  local copy = decode(text, 1)
  local again = serialize(copy)
  if again ~= text then error("round trip changed the document") end
  length = length + #again
end
for i = 1, #text do h = (h * 31 + byte(text, i)) % 1000003 end
print(format("%d %d", length, h))
