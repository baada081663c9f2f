-- WebAssembly modules in Lua programs. The modules are put together here, byte by byte.

local function leb(number)
  local bytes = {}
  repeat
    local byte = number & 0x7f
    number = number >> 7
    bytes[#bytes + 1] = string.char(number == 0 and byte or byte | 0x80)
  until number == 0
  return table.concat(bytes)
end

local function vector(items) return leb(#items) .. table.concat(items) end
local function name(text) return leb(#text) .. text end
local function section(number, items)
  local content = vector(items)
  return string.char(number) .. leb(#content) .. content
end
local function body(code)
  code = "\0" .. code .. "\x0b"
  return leb(#code) .. code
end

local I32, I64, F64, EXTERN = "\x7f", "\x7e", "\x7c", "\x6f"
local function functype(parameters, results) return "\x60" .. vector(parameters) .. vector(results) end

-- Types: 0 binary, 1 unary, 2 sum, 3 half, 4 pass on, 5 nothing.
local bytes = "\0asm\1\0\0\0"
  .. section(1, {functype({I32, I32}, {I32}), functype({I32}, {I32}), functype({I64}, {I64}),
    functype({F64}, {F64}), functype({EXTERN}, {EXTERN}), functype({}, {})})
  .. section(2, {name "env" .. name "twice" .. "\0\1"})
  .. section(3, {"\0", "\0", "\1", "\2", "\3", "\4", "\5"})
  .. section(4, {"\x70\1\2\4"})                               -- a table of 2 to 4 functions
  .. section(5, {"\1\1\3"})                                   -- a memory of 1 to 3 pages
  .. section(6, {I32 .. "\1\x41\x2a\x0b"})                    -- a variable that is 42
  .. section(7, {name "add" .. "\0\1", name "divide" .. "\0\2", name "four_times" .. "\0\3", name "sum" .. "\0\4",
    name "half" .. "\0\5", name "same" .. "\0\6", name "endless" .. "\0\7", name "table" .. "\1\0",
    name "memory" .. "\2\0", name "answer" .. "\3\0"})
  .. section(10, {
    body "\x20\0\x20\1\x6a",                                  -- add
    body "\x20\0\x20\1\x6d",                                  -- divide
    body "\x20\0\x10\0\x10\0",                                -- four_times
    body "\x20\0\x50\x04\x7e\x42\0\x05\x20\0\x20\0\x42\1\x7d\x10\4\x7c\x0b", -- sum, by recursion
    body "\x20\0\x44\0\0\0\0\0\0\xe0\x3f\xa2",                -- half
    body "\x20\0",                                            -- same
    body "\x10\7",                                            -- endless
  })
  .. section(11, {"\0\x41\8\x0b" .. name "hello"})            -- data at address 8

local module = webassembly.load(bytes, "@test.wasm")
local function instance(twice) return webassembly.instantiate(module, {env = {twice = twice}}) end
local exports = instance(function(x) return 2 * x end)

-- Numbers.
assert(exports.add(2, 3) == 5 and exports.add(2.0, 3) == 5)
assert(exports.add(0x7fffffff, 1) == -0x80000000 and exports.add(0xffffffff, 1) == 0)
assert(exports.sum(100) == 5050 and math.type(exports.sum(1)) == "integer")
assert(exports.half(5) == 2.5 and exports.half(1e308) == 5e307)
assert(exports.four_times(3) == 12)
local value = {}
assert(exports.same(value) == value and exports.same(nil) == nil and exports.same("x") == "x")
assert(type(exports.add) == "function" and exports.add == exports.add)

-- What does not fit.
local function fails(pattern, f, ...)
  local done, message = pcall(f, ...)
  assert(not done and string.find(message, pattern), message)
end
fails("bad argument #1 %(integer expected, got string%)", exports.add, "x", 1)
fails("bad argument #2 %(integer expected, got nil%)", exports.add, 1)
fails("bad argument #1 %(integer of 32 bits expected, got 4294967296%)", exports.add, 1 << 32, 1)
fails("bad argument #1 %(number expected, got table%)", exports.half, {})
fails("bad result #1 %(integer expected, got string%)", instance(function() return "x" end).four_times, 1)

-- Traps and errors.
fails("^test%.wasm:0x%x+: integer divide by zero$", exports.divide, 1, 0)
fails("integer overflow$", exports.divide, -0x80000000, -1)
fails("call stack exhausted$", exports.endless)
-- There is room for handlers then.
local _, traceback = xpcall(exports.endless, debug.traceback)
assert(traceback:find("call stack exhausted\nstack traceback:\n\ttest.wasm:0x%x+: in function 'endless'\n"), traceback)
assert(exports.divide(-7, 2) == -3)
local thrown = {}
local done, caught = pcall(instance(function() error(thrown) end).four_times, 1)
assert(not done and caught == thrown)
local traceback = select(2, xpcall(instance(error).four_times, debug.traceback, 1))
assert(string.find(traceback, "test.wasm:0x%x+: in function"))

-- Coroutines go through.
local steps = coroutine.wrap(function() return instance(coroutine.yield).four_times(1) end)
assert(steps() == 1 and steps(10) == 10 and steps(20) == 20)

-- Memory.
local memory = exports.memory
assert(memory:read(8, 5) == "hello" and memory:size() == 65536)
memory:write(65531, "world")
assert(memory:read(65531, 5) == "world")
fails("out of bounds", memory.write, memory, 65532, "world")
fails("out of bounds", memory.read, memory, -1, 1)
assert(memory:grow(2) == 1 and memory:grow(1) == nil and memory:read(65531, 6) == "world\0")

-- Tables and globals.
local functions = exports.table
assert(functions:size() == 2 and functions:get(0) == nil and functions:grow(2, exports.add) == 2)
assert(functions:get(3) == exports.add and functions:get(3)(20, 22) == 42)
functions:set(0, exports.divide)
fails("out of bounds", functions.get, functions, 4)
fails("WebAssembly function expected", functions.set, functions, 1, print)
assert(exports.answer:get() == 42)
exports.answer:set(7)
assert(exports.answer:get() == 7 and instance(print).answer:get() == 42)

-- Modules that cannot be had.
fails("unknown import: env%.twice", webassembly.instantiate, module)
fails("incompatible import type: env%.twice", webassembly.instantiate, module, {env = {twice = memory}})
fails("offset", webassembly.load, bytes:sub(1, -2))
-- A function that has a result and leaves none.
local broken = "\0asm\1\0\0\0\1\5\1\x60\0\1\x7f\3\2\1\0\7\5\1\1f\0\0\10\4\1\2\0\x0b"
fails("type mismatch.*offset", webassembly.load, broken)
local lazy = webassembly.instantiate(webassembly.load(broken, "=broken", true))
for _ = 1, 2 do fails("type mismatch.*offset", lazy.f) end
local chunk, message = load(bytes:sub(1, 20), "=cut")
assert(not chunk and string.find(message, "^cut: bad binary format"))
fails("no function '_start'", load("\0asm\1\0\0\0", "=empty"))

-- What is garbage is collected; what is needed is not.
for _ = 1, 20 do
  instance(print)
  collectgarbage()
end
assert(exports.four_times(5) == 20 and memory:read(8, 5) == "hello")
print "ok"
