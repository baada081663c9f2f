-- Closures made and called: captured variables, currying, folds over function values.
local rounds = tonumber(arg[1]) or 1500000

local function counter(start)
  local value = start
  return function() value = value + 1; return value end,
    function() return value end
end

local function curry(f)
  return function(a) return function(b) return function(c) return f(a, b, c) end end end
end

local function map(list, f)
  local out = {}
  for i = 1, #list do out[i] = f(list[i]) end
  return out
end

local function fold(list, initial, f)
  for i = 1, #list do initial = f(initial, list[i]) end
  return initial
end

local total = 0
local three = curry(function(a, b, c) return a * 4 + b * 2 + c end)
for round = 1, rounds do
  local bump, peek = counter(round)
  bump()
  bump()
  total = (total + peek() + three(round)(round + 1)(round + 2)) % 1000003
  if round % 10 == 0 then
    local makers = {}
    for i = 1, 5 do makers[i] = function(x) return x + i + round % 7 end end
    local values = map(makers, function(f) return f(round % 100) end)
    total = (total + fold(values, 0, function(a, b) return a + b end)) % 1000003
  end
end
print(string.format("%d", total))
