-- Sieve of Eratosthenes: stores of booleans into an array, nested numeric loops.
local limit = tonumber(arg[1]) or 10000000

local function sieve(n)
  local composite = {}
  for i = 1, n do composite[i] = false end
  local count, sum = 0, 0
  for i = 2, n do
    if not composite[i] then
      count, sum = count + 1, (sum + i) % 1000000007
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count, sum
end

print(string.format("%d %d", sieve(limit)))
