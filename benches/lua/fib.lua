-- Naive Fibonacci: calls, returns and small integer arithmetic.
local n = tonumber(arg[1]) or 36

local function fib(k)
  if k < 2 then return k end
  return fib(k - 1) + fib(k - 2)
end

print(string.format("%d", fib(n)))
