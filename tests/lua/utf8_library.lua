-- utf8: char, charpattern, codes, codepoint, len, offset; strict and lax; bad sequences.
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
assert(utf8.charpattern == "[\0-\x7F\xC2-\xFD][\x80-\xBF]*")

-- char
assert(utf8.char() == "")
assert(utf8.char(65) == "A")
assert(utf8.char(0) == "\0")
assert(utf8.char(72, 228, 8364, 0x1F600) == "Hä€😀")
for code, text in pairs({ [0x7F] = "\x7F", [0x80] = "\u{80}", [0x7FF] = "\u{7FF}", [0x800] = "\u{800}", [0xFFFF] = "\u{FFFF}", [0x10000] = "\u{10000}", [0x10FFFF] = "\u{10FFFF}", [0x110000] = "\u{110000}", [0x1FFFFF] = "\u{1FFFFF}", [0x200000] = "\u{200000}", [0x3FFFFFF] = "\u{3FFFFFF}", [0x4000000] = "\u{4000000}", [0x7FFFFFFF] = "\u{7FFFFFFF}", [0xD800] = "\xED\xA0\x80" }) do
  assert(utf8.char(code) == text)
  assert(utf8.codepoint(text, 1, 1, true) == code)
  assert(utf8.len(text, 1, -1, true) == 1)
  if code > 0x10FFFF or code == 0xD800 then assert(utf8.len(text) == nil and not pcall(utf8.codepoint, text)) else assert(utf8.len(text) == 1 and utf8.codepoint(text) == code) end
end

-- len
assert(utf8.len("") == 0)
assert(utf8.len("abc") == 3)
assert(utf8.len("äöü") == 3)
assert(utf8.len("日本語") == 3)
assert(utf8.len("a\0b") == 3)
assert(utf8.len("äöü", 3) == 2)
assert(utf8.len("äöü", -2) == 1)
assert(utf8.len("abc", 2, 2) == 1)
assert(utf8.len("abc", 3, 2) == 0)
assert(utf8.len("abc", 4) == 0)
assert(utf8.len("äöü", 1, 1) == 1)
assert(utf8.len("abc", 1, -2) == 2)
assert(utf8.len("", 1) == 0)
for text, position in pairs({ ["abc\xFF"] = 4, ["\x80"] = 1, ["ä\xC3"] = 3, ["\xC0\x80"] = 1, ["\xC1\xBF"] = 1, ["\xE0\x80\x80"] = 1, ["\xED\xA0\x80"] = 1, ["\xF4\x90\x80\x80"] = 1, ["\xF0\x80\x80\x80"] = 1, ["x\xE2\x82"] = 2, ["\xFE"] = 1, ["a\xC3x"] = 2, ["\xF8\x88\x80\x80\x80"] = 1 }) do
  local n, at = utf8.len(text)
  assert(n == nil)
  assert(at == position)
end
assert(select(2, utf8.len("äöü", 2)) == 2)

-- codepoint
assert(utf8.codepoint("A") == 65)
assert(utf8.codepoint("aä", 2) == 228)
assert(utf8.codepoint("aä", -2) == 228)
assert(select("#", utf8.codepoint("abc", 3, 2)) == 0)
local a, b, c, d = utf8.codepoint("aä€", 1, -1)
assert(a == 97)
assert(b == 228)
assert(c == 8364)
assert(d == nil)
assert(select("#", utf8.codepoint("äöü", 1, 2)) == 1)
assert(select("#", utf8.codepoint("äöü", 1, 3)) == 2)

-- offset
local text = "aä€😀z"
for n, position in ipairs({ 1, 2, 4, 7, 11, 12 }) do assert(utf8.offset(text, n) == position) end
assert(utf8.offset(text, 7) == nil)
assert(utf8.offset(text, -1) == 11)
assert(utf8.offset(text, -2) == 7)
assert(utf8.offset(text, -5) == 1)
assert(utf8.offset(text, -6) == nil)
assert(utf8.offset(text, 0, 3) == 2)
assert(utf8.offset(text, 0, 2) == 2)
assert(utf8.offset(text, 0, 9) == 7)
assert(utf8.offset(text, 0) == 1)
assert(utf8.offset(text, 0, 1) == 1)
assert(utf8.offset("", 0) == 1)
assert(utf8.offset("", 1) == 1)
assert(utf8.offset("", -1) == nil)
assert(utf8.offset(text, 2, 4) == 7)
assert(utf8.offset(text, 1, 4) == 4)
assert(utf8.offset(text, -1, 4) == 2)
assert(utf8.offset(text, 1, 12) == 12)
assert(utf8.offset(text, 2, 12) == nil)
assert(utf8.offset("abc", 1, -1) == 3)

-- codes
local found = {}
for position, code in utf8.codes(text) do found[#found + 1] = position .. ":" .. code end
assert(table.concat(found, " ") == "1:97 2:228 4:8364 7:128512 11:122")
for _ in utf8.codes("") do error("none expected") end
local n = 0
for _, code in utf8.codes("\u{7FFFFFFF}\u{D800}", true) do n = n + code end
assert(n == 0x7FFFFFFF + 0xD800)
for _, bad in ipairs({ "\xFF", "a\x80", "\xC3", "\xC0\x80", "\u{110000}", "\xED\xA0\x80", "ab\xE2\x82" }) do
  local ok, message = pcall(function() for _ in utf8.codes(bad) do end end)
  assert(not ok)
  assert(message:find("invalid UTF%-8 code$"))
end
-- charpattern
local parts = {}
for char in text:gmatch(utf8.charpattern) do parts[#parts + 1] = char end
assert(#parts == 5)
assert(table.concat(parts, "|") == "a|ä|€|😀|z")
assert(utf8.char(utf8.codepoint(text, 1, -1)) == text)

fails("bad argument #1 to 'utf8.char' (value out of range)", utf8.char, -1)
fails("bad argument #1 to 'utf8.char' (value out of range)", utf8.char, 0x80000000)
fails("bad argument #1 to 'utf8.char' (number expected, got string)", utf8.char, "x")
fails("bad argument #2 to 'utf8.len' (initial position out of bounds)", utf8.len, "abc", 5)
fails("bad argument #2 to 'utf8.len' (initial position out of bounds)", utf8.len, "abc", 0)
fails("bad argument #3 to 'utf8.len' (final position out of bounds)", utf8.len, "abc", 1, 4)
fails("bad argument #1 to 'utf8.len' (string expected, got no value)", utf8.len)
fails("bad argument #3 to 'utf8.codepoint' (out of bounds)", utf8.codepoint, "abc", 4)
fails("bad argument #3 to 'utf8.codepoint' (out of bounds)", utf8.codepoint, "abc", 1, 4)
fails("bad argument #2 to 'utf8.codepoint' (out of bounds)", utf8.codepoint, "abc", 0)
fails("invalid UTF-8 code", utf8.codepoint, "\xFF")
fails("bad argument #3 to 'utf8.codepoint' (out of bounds)", utf8.codepoint, "")
fails("initial position is a continuation byte", utf8.offset, "ä", 1, 2)
fails("initial position is a continuation byte", utf8.offset, "ä", -1, 2)
fails("bad argument #3 to 'utf8.offset' (position out of bounds)", utf8.offset, "abc", 1, 5)
fails("bad argument #3 to 'utf8.offset' (position out of bounds)", utf8.offset, "abc", 1, -4)
fails("bad argument #2 to 'utf8.offset' (number expected, got no value)", utf8.offset, "abc")
fails("bad argument #1 to 'utf8.codes' (string expected, got no value)", utf8.codes)
fails("bad argument #1 to 'utf8.codes' (invalid UTF-8 code)", utf8.codes, "\x80")
print("ok")
