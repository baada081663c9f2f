-- Spectral norm of an infinite matrix: float arithmetic, calls in inner loops.
local n = tonumber(arg[1]) or 800

local function entry(i, j)
  local k = i + j - 1
  return 1 / (k * (k - 1) * 0.5 + i)
end

local function multiply(v, out)
  for i = 1, n do
    local sum = 0
    for j = 1, n do sum = sum + v[j] * entry(i, j) end
    out[i] = sum
  end
end

local function multiply_transposed(v, out)
  for i = 1, n do
    local sum = 0
    for j = 1, n do sum = sum + v[j] * entry(j, i) end
    out[i] = sum
  end
end

local u, v, scratch = {}, {}, {}
for i = 1, n do u[i] = 1 end
for _ = 1, 10 do
  multiply(u, scratch)
  multiply_transposed(scratch, v)
  multiply(v, scratch)
  multiply_transposed(scratch, u)
end
local uv, vv = 0, 0
for i = 1, n do
  uv = uv + u[i] * v[i]
  vv = vv + v[i] * v[i]
end
print(string.format("%.9f", math.sqrt(uv / vv)))
