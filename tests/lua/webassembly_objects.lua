-- Structures, arrays and small integers of WebAssembly in Lua programs. The module is put together here, byte by byte.

local function vector(items) return string.char(#items) .. table.concat(items) end
local function name(text) return string.char(#text) .. text end
local function section(number, items)
  local content = vector(items)
  assert(#content < 0x4000)
  return string.char(number, #content & 0x7f | 0x80, #content >> 7) .. content
end
local function body(code)
  code = "\0" .. code .. "\x0b"
  return string.char(#code) .. code
end
local function functype(parameters, results) return "\x60" .. vector(parameters) .. vector(results) end

local I32, ANY, EQUAL, I31 = "\x7f", "\x6e", "\x6d", "\x6c"
local PAIR, BYTES, SOME_PAIR = "\x64\0", "\x64\1", "\x63\0"
local FUNCTION = "\x70"

local bytes = "\0asm\1\0\0\0"
  .. section(1, {
    "\x5f" .. vector {I32 .. "\1", ANY .. "\1"},               -- 0: a structure of a number and anything
    "\x5e\x78\1",                                              -- 1: an array of bytes
    functype({I32, ANY}, {PAIR}),                              -- 2
    functype({SOME_PAIR}, {I32, ANY}),                         -- 3
    functype({ANY}, {ANY}),                                    -- 4
    functype({EQUAL, EQUAL}, {I32}),                           -- 5
    functype({I31}, {I32}),                                    -- 6
    functype({I32}, {BYTES}),                                  -- 7
    functype({I32}, {I31}),                                    -- 8
    functype({ANY}, {I32}),                                    -- 9
    functype({SOME_PAIR, ANY}, {}),                            -- 10
  })
  .. section(2, {name "env" .. name "pass" .. "\0\4"})
  .. section(3, {"\2", "\3", "\5", "\6", "\7", "\8", "\9", "\4", "\10"})
  .. section(4, {"\x6e\0\2"})                                  -- a table of two references to anything
  .. section(6, {PAIR .. "\0\x41\x07\x41\x09\xfb\x1c\xfb\0\0\x0b"}) -- a pair of 7 and the small integer 9
  .. section(7, {name "pair" .. "\0\1", name "parts" .. "\0\2", name "same" .. "\0\3", name "number" .. "\0\4",
    name "bytes" .. "\0\5", name "small" .. "\0\6", name "is_pair" .. "\0\7", name "pass" .. "\0\8",
    name "set" .. "\0\9", name "table" .. "\1\0", name "constant" .. "\3\0"})
  .. section(10, {
    body "\x20\0\x20\1\xfb\0\0",                               -- pair
    body "\x20\0\xfb\2\0\0\x20\0\xfb\2\0\1",                   -- parts
    body "\x20\0\x20\1\xd3",                                   -- same
    body "\x20\0\xfb\x1d",                                     -- number
    body "\x20\0\xfb\7\1",                                     -- bytes
    body "\x20\0\xfb\x1c",                                     -- small
    body "\x20\0\xfb\x14\0",                                   -- is_pair
    body "\x20\0\x10\0",                                       -- pass
    body "\x20\0\x20\1\xfb\5\0\1",                             -- set
  })

local function fails(pattern, f, ...)
  local done, message = pcall(f, ...)
  assert(not done and string.find(message, pattern), message)
end

local seen
local module = webassembly.load(bytes, "@objects.wasm")
local function instantiate() return webassembly.instantiate(module, {env = {pass = function(x) seen = x return x end}}) end
local exports = instantiate()

-- Objects are values that are themselves.
local value = {}
local pair = exports.pair(5, value)
assert(type(pair) == "userdata" and pair == pair and pair ~= exports.pair(5, value))
local number, inside = exports.parts(pair)
assert(number == 5 and inside == value)
local keys = {[pair] = "pair"}
assert(keys[exports.pass(pair)] == "pair" and seen == pair and string.find(tostring(pair), "^userdata: "))
assert(getmetatable(pair) == nil)
fails("attempt to index a userdata value", function() return pair.x end)

-- Anything can stand in a field that takes anything, and comes back as what it is.
for _, value in ipairs {true, 1, -1 << 40, 2.5, "text", print, pair, exports.pair} do
  exports.set(pair, value)
  local _, inside = exports.parts(pair)
  assert(inside == value and math.type(inside) == math.type(value))
end
exports.set(pair, nil)
assert(select(2, exports.parts(pair)) == nil)

-- Small integers are integers.
assert(exports.small(7) == 7 and exports.small(-1) == -1 and exports.small(0x40000000) == -0x40000000)
assert(exports.number(-5) == -5 and exports.number(3.0) == 3 and exports.same(3, 3) == 1 and exports.same(3, 4) == 0)
fails("integer of 31 bits expected, got 1073741824", exports.number, 1 << 30)
fails("null i31 reference", exports.number, nil)

-- What is of which type.
assert(exports.is_pair(pair) == 1 and exports.is_pair(exports.bytes(3)) == 0 and exports.is_pair(1) == 0)
assert(exports.is_pair(nil) == 0 and exports.is_pair(value) == 0)
assert(exports.same(pair, pair) == 1 and exports.same(pair, nil) == 0 and exports.same(nil, nil) == 1)
fails("bad argument #1 %(reference of another type expected, got userdata%)", exports.parts, exports.bytes(3))
fails("bad argument #1 %(WebAssembly object expected, got table%)", exports.parts, {})
fails("null structure reference", exports.parts, nil)
fails("WebAssembly object expected", exports.same, "x", "x")

-- Another instance of the module has the same types.
local other = instantiate()
assert(other.is_pair(pair) == 1 and other.parts(other.constant:get()) == 7)
assert(select(2, exports.parts(other.constant:get())) == 9)

-- Tables.
exports.table:set(0, pair)
exports.table:set(1, 10)
assert(exports.table:get(0) == pair and exports.table:get(1) == 10)

-- They are collected with everything else, whoever refers to whom.
local cycle = {}
cycle.pair = exports.pair(1, cycle)
local weak = setmetatable({cycle, cycle.pair}, {__mode = "v"})
cycle = nil
local list
for i = 1, 2000 do list = exports.pair(i, list) end
local ephemeron = setmetatable({}, {__mode = "k"})
local kept = exports.bytes(3)
ephemeron[kept], ephemeron[exports.bytes(4)], ephemeron[exports.pair(1, nil)] = {kept}, {}, {}
collectgarbage()
assert(#weak == 0 and ephemeron[kept][1] == kept and next(ephemeron, next(ephemeron)) == nil)
for i = 2000, 1, -1 do
  local number, rest = exports.parts(list)
  assert(number == i)
  list = rest
end
assert(list == nil)
print "ok"
