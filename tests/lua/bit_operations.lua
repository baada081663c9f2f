-- Bitwise operators: 64 bits, shifts beyond the width, conversions and their errors.
local maxint, minint = math.maxinteger, math.mininteger

assert(0xF0 & 0x3C == 0x30 and 0xF0 | 0x0F == 0xFF and 0xF0 ~ 0xFF == 0x0F and ~0 == -1 and ~5 == -6)
assert(~maxint == minint and ~minint == maxint and -1 & maxint == maxint and minint | maxint == -1 and minint ~ -1 == maxint)
assert(1 << 0 == 1 and 1 << 1 == 2 and 1 << 62 == 0x4000000000000000 and 1 << 63 == minint and 1 << 64 == 0 and 1 << 1000 == 0)
assert(-1 >> 0 == -1 and -1 >> 1 == maxint and -1 >> 63 == 1 and -1 >> 64 == 0 and -1 >> 1000 == 0)
assert(-1 << 1 == -2 and -1 << 63 == minint and minint >> 63 == 1 and minint << 1 == 0)
assert(1 << -1 == 0 and 2 << -1 == 1 and -1 << -1 == maxint and 1 >> -1 == 2 and 1 >> -63 == minint and 1 >> -64 == 0)
assert(1 << maxint == 0 and 1 << minint == 0 and -1 >> maxint == 0 and -1 >> minint == 0 and 5 << minint == 0)
assert(0xFFFFFFFF << 32 == 0xFFFFFFFF00000000 and 0xFFFFFFFF00000000 >> 32 == 0xFFFFFFFF)
assert(0xAAAAAAAAAAAAAAAA & 0x5555555555555555 == 0 and 0xAAAAAAAAAAAAAAAA | 0x5555555555555555 == -1)
assert(math.type(1 & 1) == "integer" and math.type(1.0 & 1) == "integer" and math.type(1 & 3.0) == "integer")

-- Every single bit
for i = 0, 63 do
  local bit = 1 << i
  assert(bit ~= 0 and bit >> i == 1 and bit & -bit == bit and ~bit & bit == 0 and ~bit | bit == -1 and bit ~ bit == 0)
  assert(bit >> -i == (i <= 31 and 1 << 2 * i or 0) and (i == 63 or bit << 1 == 1 << i + 1))
  assert(-1 << i == ~(bit - 1) and -1 >> (63 - i) == bit - 1 + bit)
end

-- Operands in registers, constants on either side
local x, y, s = 0x123456789ABCDEF0, 0xFF, 4
assert(x & y == 0xF0 and x & 0xFF == 0xF0 and 0xFF & x == 0xF0 and x | 1 == 0x123456789ABCDEF1 and 1 | x == x + 1)
assert(x ~ x == 0 and x ~ 0 == x and 0 ~ x == x and x ~ y == 0x123456789ABCDE0F and 0xFF ~ x == x ~ 0xFF)
assert(x << s == 0x23456789ABCDEF00 and x >> s == 0x0123456789ABCDEF and x << 4 == x << s and x >> 4 == x >> s)
assert(1 << s == 16 and 256 >> s == 16 and x << -s == x >> s and x >> -s == x << s and x << -4 == x >> 4)
assert(~x == -x - 1 and ~~x == x and -~x == x + 1 and ~-x == x - 1)
assert(x & 1000000000000 == 1000000000000 & x and x | -1 == -1 and x & -1 == x)

-- Precedence: ~ unary, << >>, &, ~, |, then comparison
assert(1 | 2 ~ 3 & 4 << 1 == 1 | (2 ~ (3 & (4 << 1))) and 3 & 1 == 1 == true and 1 << 1 + 1 == 4)
assert(5 // 2 << 1 == 4 and 2 + 3 & 4 == 4 and ~1 + 1 == -1 and #"abc" & 1 == 1 and 2 ^ 3 | 0 == 8)
assert(1 << 2 << 3 == 32 and 256 >> 2 >> 3 == 8 and 7 & 6 | 8 == 14 and 7 ~ 2 ~ 1 == 4)

-- Floats with integer values
assert(3.0 & 1 == 1 and 2.0 | 1.0 == 3 and ~2.0 == -3 and 1 << 3.0 == 8 and -0.0 | 0 == 0 and 2.0 ^ 53 | 1 == 9007199254740993)
assert(-2.0 ^ 63 & -1 == minint and 2.0 ^ 62 >> 60 == 4)

-- Strings are not converted by themselves, only through metamethods of strings.
assert(not pcall(load("return '3' & 1")) and not pcall(load("return 1 | '1'")) and not pcall(load("return ~'1'")))
local string_meta = getmetatable("")
string_meta.__band = function(a, b) return tonumber(a) & tonumber(b) end
string_meta.__bnot = function(a) return ~tonumber(a) end
assert("7" & 3 == 3 and 7 & "0x2" == 2 and "6" & "3" == 2 and ~"5" == -6)
string_meta.__band, string_meta.__bnot = nil, nil

local function fails(code, expected)
  local ok, text = pcall(assert(load(code, "=s")))
  assert(not ok and text == expected, text)
end
fails("return 1.5 | 1", "s:1: number has no integer representation")
fails("local a = 2^63 return a & 1", "s:1: number (local 'a') has no integer representation")
fails("return 1 << 0.5", "s:1: number has no integer representation")
fails("return ~(0/0)", "s:1: number has no integer representation")
fails("return 1 ~ math.huge", "s:1: number (field 'huge') has no integer representation")
fails("return '1.5' | 1", "s:1: attempt to perform bitwise operation on a string value (constant '1.5')")
fails("return 'a' | 1", "s:1: attempt to perform bitwise operation on a string value (constant 'a')")
fails("local t = {} return t & 1", "s:1: attempt to perform bitwise operation on a table value (local 't')")
fails("return 1 | nil", "s:1: attempt to perform bitwise operation on a nil value")
fails("return ~true", "s:1: attempt to perform bitwise operation on a boolean value")
fails("x = nil return 1 >> x", "s:1: attempt to perform bitwise operation on a nil value (global 'x')")
fails("local t = {} return 1 ~ t.field", "s:1: attempt to perform bitwise operation on a nil value (field 'field')")
fails("return 1.5 & {}", "s:1: attempt to perform bitwise operation on a table value")

-- A population count, a reversal and a hash, against known values
local function ones(v) local n = 0 while v ~= 0 do v, n = v & (v - 1), n + 1 end return n end
assert(ones(-1) == 64 and ones(0) == 0 and ones(minint) == 1 and ones(0x0F0F) == 8 and ones(maxint) == 63)
local function reversed(v) local r = 0 for _ = 1, 64 do r, v = r << 1 | v & 1, v >> 1 end return r end
assert(reversed(1) == minint and reversed(-1) == -1 and reversed(reversed(0x123456789)) == 0x123456789)
local function fnv(text)
  local h = 0xcbf29ce484222325
  for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001b3 end
  return h
end
assert(fnv("") == 0xcbf29ce484222325 and fnv("a") == 0xaf63dc4c8601ec8c and fnv("foobar") == 0x85944171f73967e8)
print("ok")
