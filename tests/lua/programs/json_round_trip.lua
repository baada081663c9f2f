-- JSON decoded and encoded again: numbers of both subtypes, escapes, Unicode, errors with positions.
local json = {}
json.null = setmetatable({}, { __tostring = function() return "null" end })
local array_meta = { __name = "json.array" }

local function fail(text, at, message)
  local line, column = 1, 1
  for newline in text:sub(1, at - 1):gmatch("()\n") do line, column = line + 1, newline end
  error(("%s at line %d, column %d"):format(message, line, line == 1 and at or at - column), 0)
end

local decode_value
local function blank(text, at) return text:match("^[ \n\r\t]*()", at) end
local simple = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function decode_string(text, at)
  local parts, position = {}, at + 1
  while true do
    local stop = text:find('["\\\0-\31]', position)
    if not stop then fail(text, at, "unfinished string") end
    parts[#parts + 1] = text:sub(position, stop - 1)
    local c = text:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c ~= "\\" then fail(text, stop, "control character in string") end
    local letter = text:sub(stop + 1, stop + 1)
    if letter == "u" then
      local high = tonumber(text:match("^%x%x%x%x", stop + 2) or fail(text, stop, "bad escape"), 16)
      position = stop + 6
      if high >= 0xD800 and high < 0xDC00 then
        local low = text:match("^\\u(%x%x%x%x)", position)
        if not low then fail(text, stop, "lone surrogate") end
        high = 0x10000 + (high - 0xD800 << 10) + (tonumber(low, 16) - 0xDC00)
        position = position + 6
      end
      parts[#parts + 1] = utf8.char(high)
    else
      parts[#parts + 1] = simple[letter] or fail(text, stop, "bad escape")
      position = stop + 2
    end
  end
end

local function decode_list(text, at, close, item)
  at = blank(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = blank(text, item(blank(text, at)))
    local c = text:sub(at, at)
    at = at + 1
    if c == close then return at end
    if c ~= "," then fail(text, at - 1, "',' or '" .. close .. "' expected") end
  end
end

local words = { ["true"] = true, ["false"] = false, ["null"] = json.null }
function decode_value(text, at)
  local c = text:sub(at, at)
  if c == "{" then
    local object = {}
    return object, decode_list(text, at, "}", function(position)
      if text:sub(position, position) ~= '"' then fail(text, position, "key expected") end
      local key
      key, position = decode_string(text, position)
      position = blank(text, position)
      if text:sub(position, position) ~= ":" then fail(text, position, "':' expected") end
      object[key], position = decode_value(text, blank(text, position + 1))
      return position
    end)
  elseif c == "[" then
    local array = setmetatable({}, array_meta)
    return array, decode_list(text, at, "]", function(position)
      local value
      value, position = decode_value(text, position)
      array[#array + 1] = value
      return position
    end)
  elseif c == '"' then
    return decode_string(text, at)
  end
  local number, after = text:match("^(-?%d+%.?%d*[eE]?[+-]?%d*)()", at)
  if number then
    if number:find("^-?0%d") or number:find("%.$") or not tonumber(number) then fail(text, at, "malformed number") end
    return tonumber(number), after
  end
  local word = text:match("^%a+", at)
  if word and words[word] ~= nil then return words[word], at + #word end
  fail(text, at, "value expected")
end

function json.decode(text)
  local value, at = decode_value(text, blank(text, 1))
  at = blank(text, at)
  if at <= #text then fail(text, at, "garbage after value") end
  return value
end

local function quote(text)
  return '"' .. text:gsub('[%c"\\\127]', function(c)
    return ({ ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" })[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

function json.encode(value, indent, level)
  level = level or 0
  local kind = type(value)
  if value == json.null then return "null" end
  if kind == "string" then return quote(value) end
  if kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then error("number has no JSON form", 0) end
    return math.type(value) == "integer" and tostring(value) or ("%.17g"):format(value)
  end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then error("a " .. kind .. " has no JSON form", 0) end
  local parts, array = {}, getmetatable(value) == array_meta
  if array then
    for i, item in ipairs(value) do parts[i] = json.encode(item, indent, level + 1) end
  else
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    for i, key in ipairs(keys) do parts[i] = quote(key) .. (indent and ": " or ":") .. json.encode(value[key], indent, level + 1) end
  end
  local open, close = array and "[" or "{", array and "]" or "}"
  if #parts == 0 then return open .. close end
  if not indent then return open .. table.concat(parts, ",") .. close end
  local inner = "\n" .. indent:rep(level + 1)
  return open .. inner .. table.concat(parts, "," .. inner) .. "\n" .. indent:rep(level) .. close
end

local document = [==[
{ "name": "Lunar \"base\"", "id": 9007199254740993, "ratio": 0.1, "big": 1e300, "exact": -0.5,
  "empty": {}, "list": [], "nested": [[1, [2, [3, []]]], {"a": {"b": [true, false, null]}}],
  "text": "tab\there \u00e9\u20ac\ud83d\ude00 \/ \b", "negative": -12, "zero": 0 }]==]
local value = json.decode(document)
print(value.name, value.id, value.ratio, value.big, value.nested[1][2][2][1], value.text:byte(1, -1))
local once = json.encode(value)
print(once)
print(json.encode(json.decode(once)) == once)
print(json.encode(value, "  "))
for _, bad in ipairs({ "", "{", "[1,", "[1 2]", '{"a" 1}', "{a: 1}", '"abc', '"\\x"', '"\\ud800"', "01", "1.", "nul", "[1]x", "{\n\"a\": [1,\n  ?]}", '"a\nb"', "-" }) do
  print(select(2, pcall(json.decode, bad)))
end
for _, bad in ipairs({ 0 / 0, math.huge, print, { a = print } }) do print(select(2, pcall(json.encode, bad))) end
