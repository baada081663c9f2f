-- Floor division and modulo of integers and floats, with all signs and extremes.
local maxint, minint, huge, nan = math.maxinteger, math.mininteger, math.huge, 0 / 0
local function same(a, b) return a == b and math.type(a) == math.type(b) and (a ~= 0 or 1 / a == 1 / b) end

for _, case in ipairs({
  -- a, b, a // b, a % b
  { 7, 2, 3, 1 }, { -7, 2, -4, 1 }, { 7, -2, -4, -1 }, { -7, -2, 3, -1 },
  { 6, 2, 3, 0 }, { -6, 2, -3, 0 }, { 6, -2, -3, 0 }, { -6, -2, 3, 0 },
  { 0, 5, 0, 0 }, { 0, -5, 0, 0 }, { 1, 5, 0, 1 }, { -1, 5, -1, 4 }, { 1, -5, -1, -4 }, { -1, -5, 0, -1 },
  { maxint, 2, 4611686018427387903, 1 }, { minint, 2, -4611686018427387904, 0 },
  { maxint, -1, -maxint, 0 }, { minint, -1, minint, 0 }, { minint, 1, minint, 0 }, { maxint, 1, maxint, 0 },
  { maxint, maxint, 1, 0 }, { minint, minint, 1, 0 }, { maxint, minint, -1, -1 }, { minint, maxint, -2, maxint - 1 },
  { 1, maxint, 0, 1 }, { -1, maxint, -1, maxint - 1 }, { 1, minint, -1, minint + 1 }, { -1, minint, 0, -1 },
  { minint, 3, -3074457345618258603, 1 }, { maxint, 10, 922337203685477580, 7 }, { minint, 10, -922337203685477581, 2 },
  { minint, -3, 3074457345618258602, -2 }, { maxint, -10, -922337203685477581, -3 }, { minint + 1, -1, maxint, 0 },
}) do
  local a, b, quotient, rest = table.unpack(case)
  assert(same(a // b, quotient), a .. " // " .. b)
  assert(same(a % b, rest), a .. " % " .. b)
  assert(b * (a // b) + a % b == a)
end
for a = -40, 40 do
  for b = -9, 9 do
    if b ~= 0 then
      local q, r = a // b, a % b
      assert(q == math.floor(a / b))
      assert(r == a - b * q)
      assert((r == 0 or (r < 0) == (b < 0)))
      assert(same((a + 0.0) // b, q == 0 and (a + 0.0) // b or q + 0.0))
      assert((a + 0.0) % b == r)
    end
  end
end

-- Constant operands of every sort (folding and immediate operands)
local x = 17
assert(x // 5 == 3)
assert(x % 5 == 2)
assert(x // -5 == -4)
assert(x % -5 == -3)
assert(100 // x == 5)
assert(100 % x == 15)
assert(x // 5.0 == 3.0)
assert(x % 5.0 == 2.0)
assert(x // 0.5 == 34.0)
assert(x % 0.5 == 0.0)
assert(-x // 5 == -4)
assert(-x % 5 == 3)
assert(x // 1000 == 0)
assert(-x // 1000 == -1)
assert(x % 1000 == 17)
assert(-x % 1000 == 983)
assert(x // 1000000007 == 0)
assert(17 // 5 == 3)
assert(-17 // 5 == -4)
assert(-17 % 5 == 3)
assert(17 % -5 == -3)
assert(5 // 0.3 == 16.0)

-- Floats
assert(same(7.5 // 2, 3.0))
assert(same(7.5 % 2, 1.5))
assert(same(-7.5 // 2, -4.0))
assert(same(-7.5 % 2, 0.5))
assert(same(7.5 // -2, -4.0))
assert(same(7.5 % -2, -0.5))
assert(same(-7.5 // -2, 3.0))
assert(same(-7.5 % -2, -1.5))
assert(same(5 % 3.0, 2.0))
assert(same(5.0 % 3, 2.0))
assert(same(6 % 3.0, 0.0))
assert(same(-6 % 3.0, -0.0) == same(-6.0 % 3.0, -0.0))
assert(same(0.0 // 1, 0.0))
assert(same(-0.0 // 1, -0.0))
assert(same(0.0 % 1, 0.0))
assert(same(3 // 2.0, 1.0))
assert(1 // 0.0 == huge)
assert(-1 // 0.0 == -huge)
assert(0.0 / 0.0 ~= 0.0 / 0.0)
assert(0 // 0.0 ~= 0 // 0.0)
assert(1 % 0.0 ~= 1 % 0.0)
assert(huge % 2 ~= huge % 2)
assert(huge // 1 == huge)
assert(-huge // 1 == -huge)
assert(5 % huge == 5.0)
assert(-5 % huge == huge)
assert(5 % -huge == -huge)
assert(-5 % -huge == -5.0)
assert(0 % huge == 0.0)
assert(same(5 // huge, 0.0))
assert(same(-5 // huge, -0.0))
assert(same(5 // -huge, -0.0))
assert(same(-5 // -huge, 0.0))
assert(nan % 1 ~= nan % 1)
assert(nan // 1 ~= nan // 1)
assert(1 % nan ~= 1 % nan)
assert(1e308 // 1e-308 == huge)
assert(1e308 % 3 == math.fmod(1e308, 3))
assert(5.3 % 5.3 == 0.0)
assert(minint % -1.0 == 0)
assert(minint // -1.0 == 2.0 ^ 63)
assert(maxint % 2.0 == 0.0)
assert(2 ^ 53 % 3 == 2.0)
assert(-1 % 1e308 == 1e308)
assert(0.1 % 0.01 == 3.469446951953614e-18)
assert(3.5 // 0 == huge)
assert(-3.5 // 0 == -huge)
assert(3.5 % 0 ~= 3.5 % 0)

-- Zero divisors of integers
local function gives(expected, code, ...)
  local ok, text = pcall(assert(load(code, "=s")), ...)
  assert(not ok and text == expected, text)
end
gives("s:1: attempt to divide by zero", "return 1 // 0")
gives("s:1: attempt to perform 'n%0'", "return 1 % 0")
gives("s:1: attempt to divide by zero", "local a, b = ... return a // b", 5, 0)
gives("s:1: attempt to perform 'n%0'", "local a, b = ... return a % b", 5, 0)
gives("s:1: attempt to divide by zero", "local a = ... return a // 0", 5)
gives("s:1: attempt to perform 'n%0'", "local a = ... return a % 0", minint)
gives("s:1: attempt to divide by zero", "local a = ... return 0 // a", 0)
gives("attempt to divide by zero", "local a, b = ... return a // b", "5", "0")
-- Strings
assert("7" // "2" == 3)
assert("7" % 4 == 3)
assert("7.0" // 2 == 3.0)
assert(10 % "0x3" == 1)
assert(math.type("7" // 2) == "integer")
print("ok")
