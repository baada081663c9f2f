-- string.pack, unpack, packsize: every option, alignment, both byte orders, overflow, errors.
local pack, unpack, packsize = string.pack, string.unpack, string.packsize
local maxint, minint = math.maxinteger, math.mininteger
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end

-- Sizes
assert(packsize("") == 0 and packsize("b") == 1 and packsize("B") == 1 and packsize("h") == 2 and packsize("H") == 2 and packsize("i4") == 4)
assert(packsize("j") == 8 and packsize("J") == 8 and packsize("T") == 8 and packsize("f") == 4 and packsize("d") == 8 and packsize("n") == 8)
assert(packsize("i") == 4 and packsize("I") == 4 and packsize("l") == 8 and packsize("L") == 8 and packsize("x") == 1 and packsize("c10") == 10 and packsize("c0") == 0)
assert(packsize("i3") == 3 and packsize("I16") == 16 and packsize("!8 b i8") == 16 and packsize("!4 b i8") == 12 and packsize("b i8") == 9 and packsize("!2 b i2 b i4") == 10)
assert(packsize("!8 b Xd d") == 16 and packsize("!8 b Xi4") == 4 and packsize("<!4 b>i4") == 8 and packsize(" < > = ! ") == 0)

-- Integers
assert(pack("b", -1) == "\255" and pack("B", 255) == "\255" and pack("b", 127) == "\127" and pack("b", -128) == "\128")
assert(pack("<i2", 258) == "\2\1" and pack(">i2", 258) == "\1\2" and pack("<i2", -2) == "\254\255" and pack(">i2", -2) == "\255\254")
assert(pack("<i4", 1) == "\1\0\0\0" and pack(">i4", 1) == "\0\0\0\1" and pack("<j", 1) == "\1" .. ("\0"):rep(7) and pack(">j", minint) == "\128" .. ("\0"):rep(7))
assert(pack("<i3", -1) == "\255\255\255" and pack("<i16", -2) == "\254" .. ("\255"):rep(15) and pack(">I16", 3) == ("\0"):rep(15) .. "\3" and pack("<i16", maxint) == ("\255"):rep(7) .. "\127" .. ("\0"):rep(8))
for size = 1, 16 do
  for _, order in ipairs({ "<", ">", "=" }) do
    local signed, unsigned = order .. "i" .. size, order .. "I" .. size
    local top = size < 8 and (1 << 8 * size - 1) - 1 or maxint
    for _, value in ipairs({ 0, 1, -1, 100, -100, top, -top - 1, top // 3 }) do
      local text = pack(signed, value)
      assert(#text == size and unpack(signed, text) == value and select(2, unpack(signed, text)) == size + 1)
      if value >= 0 then assert(pack(unsigned, value) == text and unpack(unsigned, text) == value) end
    end
    if size < 8 then
      assert(not pcall(pack, signed, top + 1) and not pcall(pack, signed, -top - 2) and not pcall(pack, unsigned, -1))
      assert(unpack(unsigned, ("\255"):rep(size)) == 2 * top + 1 and not pcall(pack, unsigned, 2 * top + 2))
    end
  end
end
assert(unpack("<I8", ("\255"):rep(8)) == -1 and pack("<I8", -1) == ("\255"):rep(8) and unpack("<i9", ("\255"):rep(9)) == -1)
assert(unpack("<h", "\0\128") == -32768 and unpack("<H", "\0\128") == 32768 and unpack(">h", "\127\255") == 32767)

-- Floats
assert(pack("<d", 1) == "\0\0\0\0\0\0\240\63" and pack(">d", -2) == "\192\0\0\0\0\0\0\0" and pack("<f", 0.5) == "\0\0\0\63" and pack("n", 1.5) == pack("d", 1.5))
for _, x in ipairs({ 0.0, -0.0, 1.0, -1.5, 1e100, 5e-324, math.huge, -math.huge, math.pi }) do
  local back = unpack(">d", pack(">d", x))
  assert(back == x and 1 / back == 1 / x and unpack("<n", pack("<n", x)) == x and math.type(back) == "float")
end
local nan = unpack("d", pack("d", 0 / 0))
assert(nan ~= nan and unpack("f", pack("f", 0.1)) ~= 0.1 and unpack("f", pack("f", 0.25)) == 0.25 and unpack("f", pack("f", 1e300)) == math.huge)
assert(unpack("<d", pack("<d", 3)) == 3.0 and pack("f", "0.5") == pack("f", 0.5))

-- Strings
assert(pack("z", "abc") == "abc\0" and pack("z", "") == "\0" and pack("c5", "abc") == "abc\0\0" and pack("c0", "") == "" and pack("c3", "abc") == "abc")
assert(pack("<s1", "abc") == "\3abc" and pack("<s2", "abc") == "\3\0abc" and pack("<s", "ab") == "\2\0\0\0\0\0\0\0ab" and pack("s1", "") == "\0" and pack(">s4", "x") == "\0\0\0\1x")
assert(unpack("z", "abc\0def") == "abc" and select(2, unpack("z", "abc\0def")) == 5 and unpack("c3", "abcdef") == "abc" and unpack("<s1", "\3abcd") == "abc" and unpack("s1", "\0") == "")
local a, b, c, at = unpack("<i2 z s1", pack("<i2 z s1", 7, "seven", "7\0007"))
assert(a == 7 and b == "seven" and c == "7\0007" and at == 13 and #pack("<i2 z s1", 7, "seven", "7\0007") == 12)

-- Padding and alignment
assert(pack("x") == "\0" and pack("bxb", 1, 2) == "\1\0\2" and pack("<!4 b i4", 1, 2) == "\1\0\0\0\2\0\0\0" and pack("<! b i8", 1, 2) == "\1" .. ("\0"):rep(7) .. "\2" .. ("\0"):rep(7))
assert(pack("<!2 b i4", 1, 2) == "\1\0\2\0\0\0" and pack("<b i4", 1, 2) == "\1\2\0\0\0" and pack("<!4 b Xi4", 1) == "\1\0\0\0" and pack("<!4 i4 Xi4", 1) == "\1\0\0\0")
assert(select("#", unpack("x", "\0")) == 1 and unpack("<!4 b i4", "\1\0\0\0\2\0\0\0") == 1 and select(2, unpack("<!4 b i4", "\1\0\0\0\2\0\0\0")) == 2)
assert(pack("!1 b i8", 1, 2) == pack("b i8", 1, 2) and pack("<!8 b d", 1, 1) == "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\240\63" and #pack("!4 b s2", 1, "x") == 5)

-- Positions
local text = pack("<i4i4i4", 10, 20, 30)
assert(unpack("<i4", text, 5) == 20 and unpack("<i4", text, -4) == 30 and select("#", unpack("<i4i4i4", text)) == 4 and unpack("<i4", text, 9) == 30 and unpack("", "", 1) == 1 and unpack("", "abc", 4) == 4)
assert(unpack("b", "\1", -1) == 1 and select("#", unpack("", "")) == 1)
local sum, position = 0, 1
while position <= #text do
  local value
  value, position = unpack("<i4", text, position)
  sum = sum + value
end
assert(sum == 60)

-- Errors
fails("invalid format option 'y'", pack, "y")
fails("integral size (17) out of limits [1,16]", pack, "i17", 1)
fails("integral size (0) out of limits [1,16]", pack, "i0", 1)
fails("integral size (17) out of limits [1,16]", pack, "!17")
fails("bad argument #1 to 'string.pack' (format asks for alignment not power of 2)", pack, "!3 i4", 1)
fails("bad argument #1 to 'string.pack' (format asks for alignment not power of 2)", pack, "!4 i3", 1)
fails("missing size for format option 'c'", pack, "c", "x")
fails("bad argument #2 to 'string.pack' (string longer than given size)", pack, "c2", "abc")
fails("bad argument #2 to 'string.pack' (string contains zeros)", pack, "z", "a\0b")
fails("bad argument #2 to 'string.pack' (string length does not fit in given size)", pack, "s1", ("x"):rep(256))
fails("bad argument #2 to 'string.pack' (integer overflow)", pack, "b", 128)
fails("bad argument #2 to 'string.pack' (integer overflow)", pack, "b", -129)
fails("bad argument #2 to 'string.pack' (unsigned overflow)", pack, "B", 256)
fails("bad argument #2 to 'string.pack' (unsigned overflow)", pack, "B", -1)
fails("bad argument #2 to 'string.pack' (integer overflow)", pack, "i2", 1 << 15)
fails("bad argument #2 to 'string.pack' (unsigned overflow)", pack, "I4", 1 << 32)
fails("bad argument #2 to 'string.pack' (number expected, got nil)", pack, "b")
fails("bad argument #2 to 'string.pack' (number expected, got string)", pack, "b", "x")
fails("bad argument #2 to 'string.pack' (number has no integer representation)", pack, "b", 1.5)
fails("bad argument #2 to 'string.pack' (number expected, got string)", pack, "d", "x")
fails("bad argument #2 to 'string.pack' (string expected, got table)", pack, "z", {})
fails("bad argument #1 to 'string.pack' (invalid next option for option 'X')", pack, "X")
fails("bad argument #1 to 'string.pack' (invalid next option for option 'X')", pack, "Xz")
fails("bad argument #1 to 'string.pack' (invalid next option for option 'X')", pack, "X i4")
fails("integral size (999999999) out of limits [1,16]", pack, "i99999999999", 1)
fails("bad argument #1 to 'string.packsize' (variable-length format)", packsize, "s")
fails("bad argument #1 to 'string.packsize' (variable-length format)", packsize, "z")
fails("bad argument #2 to 'string.unpack' (data string too short)", unpack, "i4", "abc")
fails("bad argument #2 to 'string.unpack' (unfinished string for format 'z')", unpack, "z", "abc")
fails("bad argument #2 to 'string.unpack' (data string too short)", unpack, "s1", "\5abc")
fails("bad argument #2 to 'string.unpack' (data string too short)", unpack, "c4", "abc")
fails("bad argument #3 to 'string.unpack' (initial position out of string)", unpack, "b", "abc", 5)
fails("bad argument #2 to 'string.unpack' (data string too short)", unpack, "b", "abc", 4)
fails("9-byte integer does not fit into Lua Integer", unpack, "i9", ("\255"):rep(8) .. "\1")
fails("16-byte integer does not fit into Lua Integer", unpack, "i16", ("\255"):rep(8) .. ("\1"):rep(8))
fails("bad argument #1 to 'string.unpack' (string expected, got no value)", unpack)
fails("bad argument #2 to 'string.unpack' (string expected, got no value)", unpack, "b")
print("ok")
