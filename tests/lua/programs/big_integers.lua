-- Integers without limit: base 10^7 digits, sign, the four operations, powers, roots, conversion.
local BASE, WIDTH = 10000000, 7
local Big = {}
Big.__index = Big
local big

local function make(sign, digits)
  while #digits > 0 and digits[#digits] == 0 do digits[#digits] = nil end
  return setmetatable({ sign = #digits == 0 and 0 or sign, digits = digits }, Big)
end
local function compare(a, b)
  if #a ~= #b then return #a < #b and -1 or 1 end
  for i = #a, 1, -1 do
    if a[i] ~= b[i] then return a[i] < b[i] and -1 or 1 end
  end
  return 0
end
local function add(a, b)
  local out, carry = {}, 0
  for i = 1, math.max(#a, #b) do
    local sum = (a[i] or 0) + (b[i] or 0) + carry
    out[i], carry = sum % BASE, sum // BASE
  end
  if carry > 0 then out[#out + 1] = carry end
  return out
end
local function subtract(a, b)
  local out, borrow = {}, 0
  for i = 1, #a do
    local difference = a[i] - (b[i] or 0) - borrow
    borrow = difference < 0 and 1 or 0
    out[i] = difference + borrow * BASE
  end
  return out
end
function big(value)
  if getmetatable(value) == Big then return value end
  local sign, text = tostring(value):match("^([+-]?)(%d+)$")
  if not text then error("not an integer: " .. tostring(value), 2) end
  local digits = {}
  for last = #text, 1, -WIDTH do digits[#digits + 1] = tonumber(text:sub(math.max(last - WIDTH + 1, 1), last)) end
  return make(sign == "-" and -1 or 1, digits)
end
function Big.__tostring(a)
  if a.sign == 0 then return "0" end
  local parts = { a.sign < 0 and "-" or "", tostring(a.digits[#a.digits]) }
  for i = #a.digits - 1, 1, -1 do parts[#parts + 1] = ("%07d"):format(a.digits[i]) end
  return table.concat(parts)
end
function Big.__unm(a) return make(-a.sign, { table.unpack(a.digits) }) end
function Big.__add(a, b)
  a, b = big(a), big(b)
  if a.sign == 0 then return b elseif b.sign == 0 then return a end
  if a.sign == b.sign then return make(a.sign, add(a.digits, b.digits)) end
  local order = compare(a.digits, b.digits)
  if order == 0 then return big(0) end
  if order > 0 then return make(a.sign, subtract(a.digits, b.digits)) end
  return make(b.sign, subtract(b.digits, a.digits))
end
function Big.__sub(a, b) return big(a) + -big(b) end
function Big.__mul(a, b)
  a, b = big(a), big(b)
  local out = {}
  for i = 1, #a.digits + #b.digits do out[i] = 0 end
  for i, x in ipairs(a.digits) do
    local carry = 0
    for j, y in ipairs(b.digits) do
      local sum = out[i + j - 1] + x * y + carry
      out[i + j - 1], carry = sum % BASE, sum // BASE
    end
    out[i + #b.digits] = out[i + #b.digits] + carry
  end
  return make(a.sign * b.sign, out)
end
-- Schoolbook division of magnitudes; each digit is found by bisection.
local function divide(a, b)
  if #b == 0 then error("division by zero", 3) end
  local quotient, rest = {}, make(1, {})
  local divisor = make(1, b)
  for i = #a, 1, -1 do
    local digits = { a[i], table.unpack(rest.digits) }
    rest = make(1, digits)
    local low, high = 0, BASE - 1
    while low < high do
      local middle = (low + high + 1) // 2
      if compare((divisor * middle).digits, rest.digits) <= 0 then low = middle else high = middle - 1 end
    end
    quotient[i] = low
    if low > 0 then rest = rest - divisor * low end
  end
  return make(1, quotient), rest
end
function Big.__idiv(a, b)
  a, b = big(a), big(b)
  local q, r = divide(a.digits, b.digits)
  if a.sign * b.sign < 0 then q = -q if r.sign ~= 0 then q = q - 1 end end
  return q
end
function Big.__mod(a, b) return big(a) - (a // b) * b end
function Big.__pow(a, n)
  local result = big(1)
  a = big(a)
  while n > 0 do
    if n % 2 == 1 then result = result * a end
    n = n // 2
    if n > 0 then a = a * a end
  end
  return result
end
function Big.__eq(a, b) return a.sign == b.sign and compare(a.digits, b.digits) == 0 end
function Big.__lt(a, b) return (big(a) - big(b)).sign < 0 end
function Big.__le(a, b) return (big(a) - big(b)).sign <= 0 end
function Big.__len(a) return #tostring(a) - (a.sign < 0 and 1 or 0) end
function Big.__concat(a, b) return tostring(a) .. tostring(b) end
function Big:root()
  local x = big("1" .. ("0"):rep(#self // 2 + 1))
  while true do
    local y = (x + self // x) // 2
    if y >= x then return x end
    x = y
  end
end

local function factorial(n) local r = big(1) for i = 2, n do r = r * i end return r end
local function fibonacci(n) local a, b = big(0), big(1) for _ = 1, n do a, b = b, a + b end return a end
print(factorial(50))
print(#factorial(200), factorial(30) // factorial(28) == big(870))
print(fibonacci(300))
print(big(2) ^ 200, (big(2) ^ 200) % 1000007)
print(big("-123456789012345678901234567890") + "987654321098765432109876543210", big(-5) // 3, big(-5) % 3, big(5) // -3, big(5) % -3)
print(big("99999999999999999999") * big("99999999999999999999"), big(0) * 5, -big(7), big("-0"), big("0000000000000012"))
print((big(10) ^ 60 * 2):root())
print(big(5) < 6, big(5) <= 5, big("-10") < big(3), 7 > big(8), big(12) == big("12"), "value: " .. big(42))
local q, r = big(10) ^ 40 // big("123456789123"), big(10) ^ 40 % big("123456789123")
print(q, r, q * big("123456789123") + r == big(10) ^ 40)
local e, term, scale = big(0), big(10) ^ 60, 1
while term > big(0) do e = e + term term = term // scale scale = scale + 1 end
print(e)
for _, f in ipairs({ function() return big("1.5") end, function() return big(1) // 0 end, function() return big({}) end }) do
  print((select(2, pcall(f)):gsub("^.-:%d+: ", ""):gsub("0x%x+", "...")))
end
