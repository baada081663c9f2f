-- Packs a file with zlib, a C library compiled to WebAssembly: `build.sh` has made zlib.wasm.
local zlib = require "zlib"

-- Calls `work` with the places of a text and of so much room, both of which are given back afterwards.
local function with(text, room, work)
  local from, to = zlib.allocate(#text), zlib.allocate(room)
  assert(from ~= 0 and to ~= 0, "zlib has no memory left")
  zlib.memory:write(from, text)
  local result = work(from, to)
  local bytes = result >= 0 and zlib.memory:read(to, result) or nil
  zlib.release(from)
  zlib.release(to)
  return bytes or error("zlib: error " .. result, 2)
end

local function pack(text, level)
  local room = zlib.bound(#text)
  return with(text, room, function(from, to) return zlib.pack(to, room, from, #text, level or 6) end)
end

local function unpack(packed, length)
  return with(packed, length, function(from, to) return zlib.unpack(to, length, from, #packed) end)
end

local path = arg[1] or arg[0]
local file = assert(io.open(path, "rb"))
local text = file:read("a")
file:close()

local packed = pack(text, 9)
assert(unpack(packed, #text) == text)
assert(not pcall(unpack, packed:sub(1, -3), #text), "what is cut off is found out")
print(("%s: %d bytes, %d packed"):format(path:match("[^/]*$"), #text, #packed))
