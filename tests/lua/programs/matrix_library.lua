-- Matrices with operators: products, powers, determinants, inverses, elimination, exact fractions.
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return math.abs(a) end
local Fraction = {}
Fraction.__index = Fraction
local function fraction(n, d)
  d = d or 1
  if getmetatable(n) == Fraction then return n end
  if d == 0 then error("division by zero", 2) end
  local g = gcd(n, d)
  if d < 0 then g = -g end
  return setmetatable({ n = n // g, d = d // g }, Fraction)
end
function Fraction.__add(a, b) a, b = fraction(a), fraction(b) return fraction(a.n * b.d + b.n * a.d, a.d * b.d) end
function Fraction.__sub(a, b) a, b = fraction(a), fraction(b) return fraction(a.n * b.d - b.n * a.d, a.d * b.d) end
function Fraction.__mul(a, b) a, b = fraction(a), fraction(b) return fraction(a.n * b.n, a.d * b.d) end
function Fraction.__div(a, b) a, b = fraction(a), fraction(b) return fraction(a.n * b.d, a.d * b.n) end
function Fraction.__unm(a) return fraction(-a.n, a.d) end
function Fraction.__eq(a, b) return a.n == b.n and a.d == b.d end
function Fraction.__lt(a, b) a, b = fraction(a), fraction(b) return a.n * b.d < b.n * a.d end
function Fraction.__tostring(a) return a.d == 1 and tostring(a.n) or a.n .. "/" .. a.d end

local Matrix = {}
Matrix.__index = Matrix
local function matrix(rows) return setmetatable({ rows = #rows, columns = #rows[1], table.unpack(rows) }, Matrix) end
local function build(rows, columns, f)
  local out = {}
  for i = 1, rows do
    out[i] = {}
    for j = 1, columns do out[i][j] = f(i, j) end
  end
  return matrix(out)
end
local function identity(n) return build(n, n, function(i, j) return i == j and 1 or 0 end) end
local function zip(a, b, f)
  if a.rows ~= b.rows or a.columns ~= b.columns then error("shapes differ: " .. a:shape() .. " and " .. b:shape(), 3) end
  return build(a.rows, a.columns, function(i, j) return f(a[i][j], b[i][j]) end)
end
function Matrix:shape() return self.rows .. "x" .. self.columns end
function Matrix:map(f) return build(self.rows, self.columns, function(i, j) return f(self[i][j]) end) end
function Matrix:transpose() return build(self.columns, self.rows, function(i, j) return self[j][i] end) end
function Matrix.__add(a, b) return zip(a, b, function(x, y) return x + y end) end
function Matrix.__sub(a, b) return zip(a, b, function(x, y) return x - y end) end
function Matrix.__unm(a) return a:map(function(x) return -x end) end
function Matrix.__eq(a, b)
  if a:shape() ~= b:shape() then return false end
  for i = 1, a.rows do for j = 1, a.columns do if a[i][j] ~= b[i][j] then return false end end end
  return true
end
function Matrix.__mul(a, b)
  if getmetatable(a) ~= Matrix then return b:map(function(x) return a * x end) end
  if getmetatable(b) ~= Matrix then return a:map(function(x) return x * b end) end
  if a.columns ~= b.rows then error("can't multiply " .. a:shape() .. " by " .. b:shape(), 2) end
  return build(a.rows, b.columns, function(i, j)
    local sum = a[i][1] * b[1][j]
    for k = 2, a.columns do sum = sum + a[i][k] * b[k][j] end
    return sum
  end)
end
function Matrix.__pow(a, n)
  local result = identity(a.rows)
  while n > 0 do
    if n % 2 == 1 then result = result * a end
    a, n = a * a, n // 2
  end
  return result
end
function Matrix.__len(a) return a.rows end
function Matrix.__call(a, i, j) return a[i][j] end
function Matrix.__concat(a, b)
  if getmetatable(a) ~= Matrix or getmetatable(b) ~= Matrix then return tostring(a) .. tostring(b) end
  return build(a.rows, a.columns + b.columns, function(i, j) return j <= a.columns and a[i][j] or b[i][j - a.columns] end)
end
function Matrix.__tostring(a)
  local lines = {}
  for i = 1, a.rows do
    local cells = {}
    for j = 1, a.columns do cells[j] = tostring(a[i][j]) end
    lines[i] = "[" .. table.concat(cells, " ") .. "]"
  end
  return table.concat(lines, "\n")
end
-- Gauss and Jordan; gives the reduced matrix, its rank and the product of the pivots.
function Matrix:reduce(limit)
  local m, rank, determinant = self:map(fraction), 0, fraction(1)
  for column = 1, limit or m.columns do
    local pivot
    for i = rank + 1, m.rows do if m[i][column].n ~= 0 then pivot = i break end end
    if pivot then
      rank = rank + 1
      if pivot ~= rank then
        m[pivot], m[rank] = m[rank], m[pivot]
        determinant = -determinant
      end
      local head = m[rank][column]
      determinant = determinant * head
      for j = 1, m.columns do m[rank][j] = m[rank][j] / head end
      for i = 1, m.rows do
        if i ~= rank then
          local factor = m[i][column]
          for j = 1, m.columns do m[i][j] = m[i][j] - factor * m[rank][j] end
        end
      end
    end
  end
  return m, rank, rank == m.rows and determinant or fraction(0)
end
function Matrix:determinant() return (select(3, self:reduce(self.columns))) end
function Matrix:inverse()
  local n = self.rows
  local m, rank = (self .. identity(n)):reduce(n)
  if rank < n then error("matrix is singular", 2) end
  return build(n, n, function(i, j) return m[i][n + j] end)
end

local a, b = matrix({ { 1, 2 }, { 3, 4 } }), matrix({ { 0, 1 }, { 1, 0 } })
print(a * b)
print(a + b, a - b == a + -b, 2 * a == a + a, #a, a(2, 1))
print(matrix({ { 1, 1 }, { 1, 0 } }) ^ 50)
print(a:transpose() .. b)
print("a is " .. a)
local c = matrix({ { 2, -1, 0 }, { -1, 2, -1 }, { 0, -1, 2 } })
print(c:determinant(), c:inverse() * c == identity(3):map(fraction))
print(c:inverse())
local hilbert = build(5, 5, function(i, j) return fraction(1, i + j - 1) end)
print(hilbert:determinant())
print(hilbert:inverse())
print(select(2, matrix({ { 1, 2, 3 }, { 2, 4, 6 }, { 1, 0, 1 } }):reduce()), (matrix({ { 1, 2, 3 }, { 2, 4, 6 }, { 1, 0, 1 } }):reduce()))
print(fraction(1, 3) < fraction(1, 2), fraction(6, -4), fraction(1, 3) + 1, fraction(5, 5) == fraction(1))
for _, f in ipairs({ function() return a * c end, function() return a + c end, function() return matrix({ { 1, 2 }, { 2, 4 } }):inverse() end, function() return fraction(1, 0) end }) do
  print((select(2, pcall(f)):gsub("^.-:%d+: ", "")))
end
