-- len, sub, byte, char, rep, reverse, upper, lower, indexing of strings, concatenation.
local maxint, minint = math.maxinteger, math.mininteger
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end

-- len and #
assert(#"" == 0)
assert(#"\0" == 1)
assert(#"\0\0\0" == 3)
assert(("abc"):len() == 3)
assert(string.len("a\0b") == 3)
assert(#("x"):rep(1000) == 1000)
assert(string.len(123) == 3)
assert(string.len(-1.5) == 4)
assert(("é"):len() == 2)

-- sub
local s = "abcdefgh"
for _, case in ipairs({
  { 1, -1, s }, { 2, 4, "bcd" }, { -3, -1, "fgh" }, { -3, nil, "fgh" }, { 0, nil, s }, { 3, 2, "" }, { 9, nil, "" }, { 8, nil, "h" },
  { -100, 2, "ab" }, { -100, 100, s }, { 3, -4, "cde" }, { -1, 1, "" }, { 1, 0, "" }, { 0, 0, "" }, { 4, 4, "d" },
  { minint, maxint, s }, { maxint, minint, "" }, { maxint, maxint, "" }, { minint, minint, "" }, { minint, -1, s }, { 2, maxint, "bcdefgh" },
  { -8, -8, "a" }, { -9, -8, "a" }, { -9, -9, "" }, { 2.0, 3.0, "bc" }, { "2", "3", "bc" },
}) do
  assert(s:sub(case[1], case[2]) == case[3], tostring(case[1]) .. "," .. tostring(case[2]))
end
assert((""):sub(1, 1) == "")
assert((""):sub(0) == "")
assert(("a\0b"):sub(2, 2) == "\0")
for i = -10, 10 do
  for j = -10, 10 do
    local from, to = i < 0 and math.max(#s + i + 1, 1) or math.max(i, 1), j < 0 and #s + j + 1 or math.min(j, #s)
    local expected = {}
    for k = from, to do expected[#expected + 1] = string.char(s:byte(k)) end
    assert(s:sub(i, j) == table.concat(expected))
  end
end

-- byte
assert(("A"):byte() == 65)
assert(("abc"):byte(2) == 98)
assert(("abc"):byte(-1) == 99)
assert(select("#", ("abc"):byte(10)) == 0)
assert(table.concat({ ("abc"):byte(1, -1) }, ",") == "97,98,99")
assert(select("#", ("abc"):byte(3, 2)) == 0)
assert(("\255\0"):byte() == 255)
assert(select("#", (""):byte()) == 0)
assert(select("#", ("abc"):byte(0)) == 0)
assert(("abc"):byte(1.0) == 97)
assert(select("#", s:byte(minint, maxint)) == 8)
assert(select("#", ("x"):rep(200):byte(1, -1)) == 200)
assert(("\128"):byte() == 128)

-- char
assert(string.char() == "")
assert(string.char(65) == "A")
assert(string.char(0, 255, 10) == "\0\255\n")
assert(string.char(("hello"):byte(1, -1)) == "hello")
for i = 0, 255 do assert(string.char(i):byte() == i and #string.char(i) == 1) end
fails("bad argument #1 to 'string.char' (value out of range)", string.char, 256)
fails("bad argument #2 to 'string.char' (value out of range)", string.char, 1, -1)
fails("bad argument #1 to 'string.char' (number expected, got string)", string.char, "a")
assert(string.char("65") == "A")
assert(string.char(65.0) == "A")

-- rep
assert(("ab"):rep(3) == "ababab")
assert(("ab"):rep(0) == "")
assert(("ab"):rep(-1) == "")
assert(("ab"):rep(1) == "ab")
assert((""):rep(100) == "")
assert(("ab"):rep(minint) == "")
assert(("a"):rep(3, ",") == "a,a,a")
assert(("a"):rep(1, ",") == "a")
assert(("a"):rep(0, ",") == "")
assert((""):rep(3, "-") == "--")
assert(("ab"):rep(2, "\0") == "ab\0ab")
assert(("x"):rep(2, "") == "xx")
assert(#("x"):rep(1000, "yz") == 2998)
fails("resulting string too large", string.rep, "x", maxint)
fails("resulting string too large", string.rep, "abc", 1 << 62)
fails("resulting string too large", string.rep, "", maxint, "x")
fails("bad argument #2 to 'string.rep' (number expected, got no value)", string.rep, "x")

-- reverse, upper, lower
assert((""):reverse() == "")
assert(("a"):reverse() == "a")
assert(("abc"):reverse() == "cba")
assert(("a\0b"):reverse() == "b\0a")
assert(("aBc1é\0z"):upper() == "ABC1é\0Z")
assert(("AbC1É\0Z"):lower() == "abc1É\0z")
assert((""):upper() == "")
assert(("[@`{"):upper() == "[@`{")
assert(("[@`{"):lower() == "[@`{")
for i = 0, 255 do
  local c = string.char(i)
  assert(c:upper() == (c:find("^[a-z]$") and string.char(i - 32) or c))
  assert(c:lower() == (c:find("^[A-Z]$") and string.char(i + 32) or c))
end

-- Methods through the metatable of strings
assert(getmetatable("").__index == string)
assert(getmetatable("a") == getmetatable("b"))
assert(("x").rep == string.rep)
assert(("x").nothing == nil)
local name = "upper"
assert(("abc")[name]("abc") == "ABC")
assert(("abc"):upper():lower():len() == 3)
assert(not pcall(function() local t = "abc" t.x = 1 end))
assert(not pcall(function() return ("abc").x.y end))
function string.shout(text) return text:upper() .. "!" end
assert(("hi"):shout() == "HI!")
string.shout = nil

-- Concatenation
assert("a" .. "b" == "ab")
assert("a" .. 1 == "a1")
assert(1 .. 2 == "12")
assert(1.5 .. "" == "1.5")
assert("" .. "" == "")
assert(-1 .. "" == "-1")
assert(2.0 .. "" == "2.0")
assert("a\0" .. "\0b" == "a\0\0b")
assert(#("a\0" .. "\0b") == 4)
assert("x" .. ("y" .. "z") == ("x" .. "y") .. "z")
local long = ""
for i = 1, 300 do long = long .. i .. "," end
assert(#long == 9 * 2 + 90 * 3 + 201 * 4)
assert(long:sub(-4) == "300,")
local a, b, c, d, e = "1", 2, "3", 4.5, "5"
assert(a .. b .. c .. d .. e == "1234.55")
assert(a .. (b .. c) == "123")
assert("" .. b == "2")
assert(b .. "" == "2")
assert(a .. "" == a)
fails("bad argument #1 to 'string.len' (string expected, got nil)", string.len, nil)
fails("bad argument #1 to 'string.len' (string expected, got no value)", string.len)
fails("bad argument #1 to 'string.sub' (string expected, got table)", string.sub, {})
fails("bad argument #2 to 'string.sub' (number expected, got no value)", string.sub, "x")
fails("bad argument #2 to 'string.sub' (number expected, got string)", string.sub, "x", "y")
fails("bad argument #3 to 'string.sub' (number has no integer representation)", string.sub, "x", 1, 1.5)
fails("bad argument #1 to 'string.upper' (string expected, got boolean)", string.upper, true)
fails("bad argument #1 to 'string.reverse' (string expected, got function)", string.reverse, print)
fails("bad argument #2 to 'string.byte' (number expected, got table)", string.byte, "x", {})
local function gives(expected, code)
  local ok, text = pcall(assert(load(code, "=s")))
  assert(not ok and text == expected, text)
end
gives("s:1: attempt to concatenate a nil value", "return 'a' .. nil")
gives("s:1: attempt to concatenate a table value", "return {} .. 'a'")
gives("s:1: attempt to concatenate a boolean value (local 't')", "local t = true return 'a' .. t")
gives("s:1: attempt to concatenate a nil value (field 'x')", "local t = {} return 'a' .. t.x .. 'b'")
gives("s:1: attempt to concatenate a nil value (global 'undefined')", "return 'a' .. undefined")
gives("s:1: attempt to call a nil value (method 'nothing')", "return ('x'):nothing()")
gives("s:1: attempt to index a nil value (field 'y')", "return ('x').y.z")
gives("s:1: bad argument #1 to 'rep' (number expected, got table)", "return ('x'):rep({})")
gives("s:1: bad argument #1 to 'rep' (number expected, got no value)", "return ('x'):rep()")
gives("s:1: bad argument #1 to 'rep' (string expected, got no value)", "return string.rep()")
gives("s:1: bad argument #2 to 'rep' (number expected, got string)", "return string.rep('x', 'y')")
gives("s:1: bad argument #2 to 'sub' (number expected, got table)", "return ('x'):sub(1, {})")
gives("s:1: attempt to call a nil value (method 'bad')", "return ('x'):bad()")
gives("s:1: bad argument #1 to 'char' (value out of range)", "return string.char(-1)")
gives("s:1: attempt to get length of a number value", "return #5")
gives("s:1: attempt to get length of a nil value", "return #nil")
gives("s:1: attempt to get length of a nil value (local 't')", "local t; return #t")
gives("s:1: attempt to index a string value (local 's')", "local s = 'abc' s.x = 1")
print("ok")
