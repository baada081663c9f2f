-- Huffman coding: a priority queue, canonical codes, bit packing, and decoding back.
local function frequencies(text)
  local counts = {}
  for i = 1, #text do
    local c = text:byte(i)
    counts[c] = (counts[c] or 0) + 1
  end
  return counts
end

local function insert_sorted(queue, node)
  local low, high = 1, #queue + 1
  while low < high do
    local middle = (low + high) // 2
    local other = queue[middle]
    if other.weight > node.weight or other.weight == node.weight and other.order > node.order then high = middle else low = middle + 1 end
  end
  table.insert(queue, low, node)
end

local function code_lengths(counts)
  local queue, order = {}, 256
  for c, n in pairs(counts) do insert_sorted(queue, { weight = n, order = c, symbol = c }) end
  if #queue == 1 then return { [queue[1].symbol] = 1 } end
  while #queue > 1 do
    local a, b = table.remove(queue, 1), table.remove(queue, 1)
    order = order + 1
    insert_sorted(queue, { weight = a.weight + b.weight, order = order, left = a, right = b })
  end
  local lengths = {}
  local function walk(node, depth)
    if node.symbol then
      lengths[node.symbol] = depth
    else
      walk(node.left, depth + 1)
      walk(node.right, depth + 1)
    end
  end
  if queue[1] then walk(queue[1], 0) end
  return lengths
end

local function canonical(lengths)
  local symbols = {}
  for symbol in pairs(lengths) do symbols[#symbols + 1] = symbol end
  table.sort(symbols, function(a, b)
    if lengths[a] ~= lengths[b] then return lengths[a] < lengths[b] end
    return a < b
  end)
  local codes, code, previous = {}, 0, 0
  for _, symbol in ipairs(symbols) do
    code = code << (lengths[symbol] - previous)
    previous = lengths[symbol]
    codes[symbol] = code
    code = code + 1
  end
  return codes, symbols
end

local function encode(text)
  local lengths = code_lengths(frequencies(text))
  local codes, symbols = canonical(lengths)
  local bytes, buffer, filled = {}, 0, 0
  for i = 1, #text do
    local c = text:byte(i)
    buffer = buffer << lengths[c] | codes[c]
    filled = filled + lengths[c]
    while filled >= 8 do
      filled = filled - 8
      bytes[#bytes + 1] = string.char(buffer >> filled & 0xFF)
      buffer = buffer & (1 << filled) - 1
    end
  end
  if filled > 0 then bytes[#bytes + 1] = string.char(buffer << 8 - filled & 0xFF) end
  local header = { string.pack(">I4I2", #text, #symbols) }
  for _, symbol in ipairs(symbols) do header[#header + 1] = string.pack("BB", symbol, lengths[symbol]) end
  return table.concat(header) .. table.concat(bytes), codes, lengths
end

local function decode(data)
  local size, count, at = string.unpack(">I4I2", data)
  local lengths = {}
  for _ = 1, count do
    local symbol, length
    symbol, length, at = string.unpack("BB", data, at)
    lengths[symbol] = length
  end
  local lookup = {}
  for symbol, code in pairs((canonical(lengths))) do lookup[lengths[symbol] << 32 | code] = string.char(symbol) end
  local out, code, length = {}, 0, 0
  for i = at, #data do
    local byte = data:byte(i)
    for bit = 7, 0, -1 do
      code, length = code << 1 | byte >> bit & 1, length + 1
      local symbol = lookup[length << 32 | code]
      if symbol and #out < size then
        out[#out + 1] = symbol
        code, length = 0, 0
      end
    end
  end
  return table.concat(out)
end

local function bits(code, length)
  local out = {}
  for i = length - 1, 0, -1 do out[#out + 1] = code >> i & 1 end
  return table.concat(out)
end

local text = "she sells sea shells by the sea shore; the shells she sells are sea shells, I'm sure"
local data, codes, lengths = encode(text)
local _, symbols = canonical(lengths)
for _, symbol in ipairs(symbols) do print(("%q"):format(string.char(symbol)), bits(codes[symbol], lengths[symbol])) end
print(#text, #data, decode(data) == text)
print((data:gsub(".", function(c) return ("%02x"):format(c:byte()) end)))

local seed = 5
local function random(n) seed = (seed * 16807) % 2147483647 return seed % n end
for _, sample in ipairs({ "", "a", "aaaaaaaa", "ab", "\0\255\0\0", ("abc"):rep(1000), (function()
  local parts = {}
  for i = 1, 3000 do parts[i] = string.char(math.min(random(256), random(256), random(256))) end
  return table.concat(parts)
end)(), (function()
  local a, b, parts = 1, 1, {}
  for c = 97, 112 do
    parts[#parts + 1] = string.char(c):rep(a)
    a, b = b, a + b
  end
  return table.concat(parts)
end)() }) do
  local packed, _, depth = encode(sample)
  local deepest = 0
  for _, length in pairs(depth) do deepest = math.max(deepest, length) end
  print(#sample, #packed, deepest, decode(packed) == sample)
end
