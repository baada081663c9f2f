-- Product of dense float matrices: nested arrays in a triple loop.
local n = tonumber(arg[1]) or 400

local function build(rows, columns, scale)
  local matrix = {}
  for i = 1, rows do
    local row = {}
    for j = 1, columns do row[j] = scale * (i - j) * (i + j) / rows end
    matrix[i] = row
  end
  return matrix
end

local function transpose(matrix)
  local out = {}
  for j = 1, #matrix[1] do
    local row = {}
    for i = 1, #matrix do row[i] = matrix[i][j] end
    out[j] = row
  end
  return out
end

local function multiply(a, b)
  local columns, product = transpose(b), {}
  for i = 1, #a do
    local row, out = a[i], {}
    for j = 1, #columns do
      local column, sum = columns[j], 0.0
      for k = 1, #column do sum = sum + row[k] * column[k] end
      out[j] = sum
    end
    product[i] = out
  end
  return product
end

local product = multiply(build(n, n, 1 / n), build(n, n, 1 / n))
local trace, corner = 0, product[1][n]
for i = 1, n do trace = trace + product[i][i] end
print(string.format("%.6f %.6f", trace, corner))
