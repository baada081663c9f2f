-- Equality and order: numbers of both subtypes, strings, other types, short circuits.
local maxint, minint, huge, nan = math.maxinteger, math.mininteger, math.huge, 0 / 0

assert(1 == 1.0 and 0 == -0.0 and maxint ~= maxint + 0.0 and minint == minint + 0.0 and maxint < maxint + 0.0)
assert(not (1 == "1") and "1" ~= 1 and nil ~= false and {} ~= {} and print == print and "a" == "a" and true ~= 1)
assert(2 ^ 53 == (1 << 53) and 2 ^ 53 ~= (1 << 53) + 1 and 2 ^ 53 < (1 << 53) + 1 and (1 << 53) + 1 > 2 ^ 53)
assert(-2 ^ 53 > -(1 << 53) - 1 and 2 ^ 63 > maxint and 2 ^ 63 >= maxint and not (maxint >= 2 ^ 63) and -2 ^ 63 <= minint)
assert(minint <= -2 ^ 63 and not (minint < -2 ^ 63) and minint > -2 ^ 63 - 2048.0 and minint < -2 ^ 63 + 2048.0)
assert(maxint < huge and minint > -huge and -huge < huge and huge <= huge and not (huge < huge) and maxint // 1 < 1e19)

-- Order of a mixed list, each pair in each form
local order = {
  -huge, -1e300, -2.0 ^ 63 - 4096, minint, minint + 1, -2.0 ^ 53, -1.5, -1, -0.5, 0, 5e-324, 0.5, 1, 1.5, 2, 2.0 ^ 31, (1 << 53) - 1,
  2.0 ^ 53, (1 << 53) + 1, maxint - 1, maxint, 2.0 ^ 63, 1e300, huge,
}
for i, a in ipairs(order) do
  for j, b in ipairs(order) do
    assert((a < b) == (i < j) and (a <= b) == (i <= j) and (a > b) == (i > j) and (a >= b) == (i >= j))
    assert((a == b) == (i == j) and (a ~= b) == (i ~= j) and rawequal(a, b) == (i == j))
    if a < b then assert(not (b < a)) else assert(b <= a) end
  end
  assert(not (a < nan) and not (a > nan) and not (a <= nan) and not (a >= nan) and a ~= nan and not (nan == a))
  assert(not (nan < a) and not (nan <= a) and not (nan > a) and not (nan >= a))
end

-- Constants and small immediates on either side
local x, f = 5, 5.5
assert(x < 6 and x <= 5 and x > 4 and x >= 5 and not (x < 5) and not (x > 5) and 4 < x and 5 <= x and 6 > x and 5 >= x)
assert(f < 6 and f > 5 and f <= 5.5 and f >= 5.5 and 5 < f and 6 > f and not (f < 5) and not (6 < f) and x < 5.5 and 5.5 > x)
assert(x == 5 and x ~= 6 and x == 5.0 and f ~= 5 and f == 5.5 and not (x == "5") and not (x == nil) and x ~= nil and x ~= true)
assert(x < 1000000 and -1000000 < x and x > -1000000 and x < 1e300 and not (x < -1e300) and x == 5 | 0)
local n = nan
assert(not (n < 1) and not (n > 1) and not (n <= 1) and not (n >= 1) and not (1 < n) and n ~= 1 and not (n == 1))

-- Strings by bytes
local words = { "", "\0", "\0\0", "\0a", "A", "B", "a", "a\0", "a\0b", "aa", "ab", "b", "\x7f" }
for i, a in ipairs(words) do
  for j, b in ipairs(words) do
    assert((a < b) == (i < j) and (a <= b) == (i <= j) and (a > b) == (i > j) and (a >= b) == (i >= j) and (a == b) == (i == j))
  end
end
assert("10" < "9" and "Z" < "a" and "abc" < "abd" and "abc" < "abcd" and not ("a" < "a") and "a" <= "a")
assert(("x"):rep(100) == ("x"):rep(100) and ("x"):rep(100) < ("x"):rep(101) and ("x"):rep(50) .. "a" < ("x"):rep(50) .. "b")

-- What cannot be ordered
local function message(code)
  local ok, text = pcall(assert(load(code, "=s")))
  assert(not ok, code)
  return text
end
assert(message("return 1 < '2'") == "s:1: attempt to compare number with string")
assert(message("return '1' <= 2") == "s:1: attempt to compare string with number")
assert(message("return 1 > '2'") == "s:1: attempt to compare string with number")
assert(message("return {} < {}") == "s:1: attempt to compare two table values")
assert(message("return nil < nil") == "s:1: attempt to compare two nil values")
assert(message("return true <= false") == "s:1: attempt to compare two boolean values")
assert(message("return print < print") == "s:1: attempt to compare two function values")
assert(message("return {} < 1") == "s:1: attempt to compare table with number")
assert(message("return 1 >= {}") == "s:1: attempt to compare table with number")
assert(message("return nil > 1") == "s:1: attempt to compare number with nil")
assert(message("local a = 'x' return a < 1") == "s:1: attempt to compare string with number")
assert(message("local a return a >= 1") == "s:1: attempt to compare number with nil")
assert(message("return coroutine.create(print) < 1") == "s:1: attempt to compare thread with number")
assert(message("return io.stdout < io.stdout") == "s:1: attempt to compare two FILE* values")

-- and, or, not: values and what is not evaluated
assert((nil and 1) == nil and (false and 1) == false and (1 and 2) == 2 and (0 and "zero") == "zero" and ("" and 1) == 1)
assert((nil or 1) == 1 and (false or nil) == nil and (1 or error()) == 1 and (nil or false) == false and not (nil and error()))
local count = 0
local function called(v) count = count + 1 return v end
assert((called(false) and called(true)) == false and count == 1)
assert((called(1) or called(2)) == 1 and count == 2)
assert((called(nil) or called(false) or called(3)) == 3 and count == 5)
assert((called(1) and called(nil) or called(4)) == 4 and count == 8)
local a, b, c = nil, 2, false
assert((a or b) == 2 and (a and b) == nil and (b and a or c) == false and (c or a) == nil and (b or c) and not (a or c))
assert((1 < 2 and "yes" or "no") == "yes" and (1 > 2 and "yes" or "no") == "no" and (not a and b) == 2 and not not b == true)
if a and b or c then error() elseif not (b and not a) then error() else count = 0 end
assert(count == 0)
local r = a == nil and b == 2
assert(r == true)
r = a ~= nil or b > 3
assert(r == false)
while not (b > 3 or c) do b = b + 1 end
assert(b == 4)
-- Identity of other values
local t, co = {}, coroutine.create(print)
assert(t == t and co == co and io.stdout == io.stdout and t ~= co and rawequal(t, t) and not rawequal(t, {}))
local u = setmetatable({}, { __eq = function() return true end })
assert(u ~= 1 and u == {} and not rawequal(u, {}) and {} == u and u == t and t == u)
print("ok")
