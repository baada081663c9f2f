-- Integers and floats: conversions, overflow, the arithmetic operators, printing.
local maxint, minint, huge = math.maxinteger, math.mininteger, math.huge
local nan = 0 / 0
local function float(x) return math.type(x) == "float" end
local function int(x) return math.type(x) == "integer" end
local function same(a, b) -- equal, of one subtype, zeros of one sign
  return a == b and math.type(a) == math.type(b) and (a ~= 0 or not float(a) or 1 / a == 1 / b)
end

assert(int(1 + 2))
assert(int(5 - 3))
assert(int(4 * 2))
assert(float(4 / 2))
assert(float(2 ^ 2))
assert(float(1 + 2.0))
assert(float(1.0 - 1))
assert(float(2 * 2.0))
assert(same(7 / 2, 3.5))
assert(same(4 / 2, 2.0))
assert(same(2 ^ 10, 1024.0))
assert(same(-2 ^ 2, -4.0))
assert(same(2 ^ 0.5, math.sqrt(2)))
assert(same(2 ^ -1, 0.5))
assert(same(0 ^ 0, 1.0))
assert(2 ^ 3 ^ 2 == 512.0)
assert((2 ^ 3) ^ 2 == 64.0)

-- Wrapping
assert(maxint + 1 == minint)
assert(minint - 1 == maxint)
assert(maxint * 2 == -2)
assert(minint * -1 == minint)
assert(-minint == minint)
assert(maxint * maxint == 1)
assert(minint * minint == 0)
assert(minint + minint == 0)
assert(minint * 3 == minint)
assert(maxint * 3 == maxint - 2)
assert((maxint - 1) * (maxint - 1) == 4)
assert(1000000007 * 1000000009 == 1000000016000000063)
assert(4294967296 * 4294967296 == 0)
assert(4294967295 * 4294967297 == -1)
assert(same(maxint + 1.0, 2.0 ^ 63))
assert(same(minint - 1.0, -2.0 ^ 63))
assert(same(maxint * 2.0, 2.0 ^ 64))
assert(minint // 1 | 0 == minint)
assert(maxint + 0.0 == 2 ^ 63)
assert(minint + 0.0 == -2 ^ 63)

-- Division by zero, infinities, not-a-number
assert(1 / 0 == huge)
assert(-1 / 0 == -huge)
assert(1 / -0.0 == -huge)
assert(0.0 / 1 == 0)
assert(nan ~= nan)
assert(not (nan == nan))
assert(not (nan < nan))
assert(not (nan <= nan))
assert(not (nan > nan))
assert(huge + 1 == huge)
assert(huge - huge ~= huge - huge)
assert(huge * 0 ~= huge * 0)
assert(huge / huge ~= huge / huge)
assert(huge > maxint)
assert(-huge < minint)
assert(huge == huge)
assert(-huge == -(huge))
assert(same(0.0, 0.0))
assert(not same(0.0, -0.0))
assert(0.0 == -0.0)
assert(same(-0.0, -(0.0)))
assert(same(0 * -1.0, -0.0))
assert(int(-0))
assert(1 / -0 == huge)
assert(1 / (0 * -1) == huge)
assert(same(-0.0 + 0.0, 0.0))
assert(same(-0.0 - 0.0, -0.0))
assert(same(-0.0 * 2, -0.0))
assert(same(0 - 0.0, 0.0))
assert(1 / (-huge) == -0.0)
assert(1 / (1 / -huge) == -huge)
assert(huge ^ 0 == 1)
assert(nan ^ 0 == 1)
assert(1 ^ nan == 1)
assert((-8) ^ (1 / 3) ~= (-8) ^ (1 / 3))
assert((-huge) ^ 3 == -huge)
assert((-huge) ^ 2 == huge)
assert(0 ^ -1 == huge)
assert((-0.0) ^ -1 == -huge)

-- Precision
assert(0.1 + 0.2 ~= 0.3)
assert(0.1 + 0.2 == 0.30000000000000004)
assert(1e15 + 0.3 ~= 1e15)
assert(2 ^ 53 == 2 ^ 53 + 1.0)
assert(2 ^ 53 + 1 == 2 ^ 53)
assert((1 << 53) + 1 ~= (1 << 53))
assert(9007199254740993 ~= 9007199254740992.0)
assert(9007199254740993 + 0.0 == 9007199254740992.0)
assert(5e-324 > 0)
assert(5e-324 / 2 == 0)
assert(1.7976931348623157e308 < huge)
assert(2.2250738585072014e-308 > 0)
assert(1e308 + 1e308 == huge)
assert(-1e308 - 1e308 == -huge)
assert(1e-320 * 1e10 > 0)

-- Unary minus and plus of precedence
assert(-3 == 0 - 3)
assert(- -3 == 3)
assert(-2 ^ 2 == -4)
assert(2 ^ -2 == 0.25)
assert(-3 % 5 == 2)
assert(-(3 % 5) == -3)
assert(2 + 3 * 4 == 14)
assert((2 + 3) * 4 == 20)
assert(10 - 4 - 3 == 3)
assert(2 * 3 % 4 == 2)
assert(100 / 10 / 2 == 5)
assert(1 .. 2 + 3 == "15")
assert("a" .. 1 * 2 == "a2")
assert(1 + 1 .. "" == "2")
assert(-"2" == -2)
assert(not nil == true)
assert(not 1 == false)
assert(-2 * -3 == 6)
assert(#"abc" + 1 == 4)
assert(-#"abc" == -3)
assert(1 << 2 + 1 == 8)
assert(1 | 2 & 3 == 3)
assert(5 & 3 << 1 == 4)
assert(6 ~ 3 | 8 == 13)
assert(1 < 2 == true)
assert(2 > 1 == true)
assert(not (1 == 2))
assert(1 + 2 < 4)
assert("a" .. "b" == "ab")

-- Folded and not folded must agree
local zero, one, two, three, half = 0, 1, 2, 3, 0.5
assert(one + two == 1 + 2)
assert(three / two == 3 / 2)
assert(two ^ half == 2 ^ 0.5)
assert(-zero == -0)
assert(same(zero * -1.0, 0 * -1.0))
assert(same(one / zero, 1 / 0))
assert(same(-(zero + 0.0), -(0 + 0.0)))
assert(same(three * half, 3 * 0.5))
assert(same(three - half, 3 - 0.5))
assert(same(three + two, 3 + 2))

-- tostring
for text, x in pairs({
  ["0"] = 0, ["-1"] = -1, ["9223372036854775807"] = maxint, ["-9223372036854775808"] = minint,
  ["1.0"] = 1.0, ["-0.0"] = -0.0, ["0.1"] = 0.1, ["1e+15"] = 1e15, ["1e+100"] = 1e100, ["100000.0"] = 1e5,
  ["1e+14"] = 1e14, ["12345678901234.0"] = 12345678901234.0, ["1.2345678901234e+14"] = 123456789012345.0, ["0.0001"] = 1e-4, ["1e-05"] = 1e-5,
  ["3.1415926535898"] = math.pi, ["inf"] = huge, ["-inf"] = -huge, ["1e+308"] = 1e308, 
  ["0.3"] = 0.1 + 0.2, ["9.2233720368548e+18"] = 2 ^ 63, ["33.333333333333"] = 100 / 3, ["-1.5"] = -1.5,
  ["1e-07"] = 1e-7, ["123456.789"] = 123456.789, ["1.7976931348623e+308"] = 1.7976931348623157e308,
}) do
  assert(tostring(x) == text, text)
  assert(x .. "" == text)
end
assert(tostring(4.9406564584124654e-324) == "4.9406564584125e-324")
assert(tostring(nan):find("nan", 1, true))
assert(tostring(-nan):find("nan", 1, true))
assert(1e15 .. "" == "1e+15")
assert(2 ^ 31 .. "" == "2147483648.0")
assert(10 // 3 .. "" == "3")
assert(1e3 .. "|" == "1000.0|")

-- tonumber
for text, x in pairs({
  ["0"] = 0, [" 12 "] = 12, ["\t12\n"] = 12, ["-12"] = -12, ["+12"] = 12, ["0x10"] = 16, ["-0x10"] = -16,
  ["0XfF"] = 255, ["1e1"] = 10.0, ["1.5"] = 1.5, [".5"] = 0.5, ["5."] = 5.0, ["0x.8"] = 0.5, ["0x1p4"] = 16.0,
  ["0xA.8"] = 10.5, ["1E+2"] = 100.0, ["-.5e-1"] = -0.05, ["9223372036854775807"] = maxint,
  ["-9223372036854775808"] = minint, ["9223372036854775808"] = 2.0 ^ 63, ["-9223372036854775809"] = -2.0 ^ 63,
  ["0xffffffffffffffff"] = -1, ["0x1ffffffffffffffff"] = -1, ["1e400"] = huge, ["-1e400"] = -huge, ["007"] = 7,
  ["0x0.1"] = 0.0625, ["  0x1  "] = 1, ["-0"] = 0, ["1e-400"] = 0.0, ["0x7fffffffffffffff"] = maxint,
}) do
  assert(same(tonumber(text), x), text)
end
assert(same(tonumber("-0.0"), -0.0))
assert(same(tonumber("-0x0p0"), -0.0))
for _, text in ipairs({
  "", " ", "abc", "1x", "x1", "1 2", "0x", "0xg", "1e", "1e+", ".", "-", "+", "--1", "+-1", "- 1", "0x-1", "1.2.3", "inf",
  "nan", "infinity", "0x1p", "1_0", "1,5", "0b1", "1e1.5", "0x.", "e1", "1f", "1\0", "\0", "12 \0", "'1'", "0x1e+1",
}) do
  assert(tonumber(text) == nil, text)
end
assert(tonumber(5) == 5)
assert(tonumber(5.5) == 5.5)
assert(tonumber(nil) == nil)
assert(tonumber({}) == nil)
assert(tonumber(true) == nil)
assert(tonumber(print) == nil)
assert(not pcall(tonumber))

-- tonumber with a base
assert(tonumber("10", 2) == 2)
assert(tonumber("ff", 16) == 255)
assert(tonumber("FF", 16) == 255)
assert(tonumber("zz", 36) == 1295)
assert(tonumber("-10", 2) == -2)
assert(tonumber("  11  ", 3) == 4)
assert(tonumber("7", 8) == 7)
assert(tonumber("8", 8) == nil)
assert(tonumber("-ff", 16) == -255)
assert(tonumber("- ff", 16) == nil)
assert(tonumber("1.0", 10) == nil)
assert(tonumber("", 10) == nil)
assert(tonumber("9", 36) == 9)
assert(tonumber("z", 35) == nil)
assert(tonumber("1e1", 10) == nil)
assert(tonumber("1e1", 16) == 481)
assert(tonumber("0x10", 16) == nil)
assert(tonumber("10", 10) == 10)
assert(tonumber("\t-7\n", 10) == -7)
assert(tonumber("1 1", 10) == nil)
assert(tonumber("7fffffffffffffff", 16) == maxint)
assert(tonumber("ffffffffffffffff", 16) == -1)
assert(tonumber("1" .. ("0"):rep(64), 2) == 0)
assert(tonumber("1\0", 10) == nil)
local function fails(expected, f, ...)
  local ok, message = pcall(f, ...)
  message = tostring(message):gsub("^[^:]*%.lua:%d+: ", "")
  assert(not ok and message == expected, message)
end
fails("bad argument #1 to 'tonumber' (string expected, got number)", tonumber, 10, 10)
fails("bad argument #1 to 'tonumber' (string expected, got nil)", tonumber, nil, 10)
fails("bad argument #2 to 'tonumber' (base out of range)", tonumber, "10", 1)
fails("bad argument #2 to 'tonumber' (base out of range)", tonumber, "10", 37)
fails("bad argument #1 to 'tonumber' (value expected)", tonumber)
fails("bad argument #2 to 'tonumber' (number has no integer representation)", tonumber, "10", 2.5)

-- Conversions of floats to integers where integers are needed
assert(1 << 2.0 == 4)
assert(("x"):rep(3.0) == "xxx")
assert(({ 10, 20 })[2.0] == 20)
assert(3.0 | 0 == 3)
fails("bad argument #2 to 'string.rep' (number has no integer representation)", string.rep, "x", 1.5)
fails("bad argument #2 to 'string.rep' (number has no integer representation)", string.rep, "x", 2 ^ 63)
assert(math.type(3.0 | 0) == "integer")
assert(-2.0 ^ 63 | 0 == minint)
assert(not pcall(function() return 2 ^ 63 | 0 end))
assert(not pcall(function() return nan | 0 end))
assert(not pcall(function() return huge | 0 end))

-- Arithmetic on what is no number
local function gives(expected, code, ...)
  local ok, text = pcall(assert(load(code, "=s")), ...)
  assert(not ok and text == expected, text)
end
gives("s:1: attempt to perform arithmetic on a table value (local 'a')", "local a = {} return a + 1")
gives("s:1: attempt to perform arithmetic on a nil value", "return nil - 1")
gives("s:1: attempt to perform arithmetic on a boolean value", "return true * 1")
gives("s:1: attempt to add a 'string' with a 'number'", "local a = 'x' return a + 1")
gives("s:1: attempt to perform arithmetic on a table value", "return -{}")
gives("s:1: attempt to perform arithmetic on a nil value (global 'x')", "x = nil return 2 ^ x")
gives("s:1: attempt to perform arithmetic on a nil value (field 'y')", "return (...).y / 2", {})
print("ok")
