-- A token goes round a ring of coroutines: resume and yield.
local laps = tonumber(arg[1]) or 50000
local size = 100

local resume, yield = coroutine.resume, coroutine.yield

local function node(id)
  return coroutine.create(function(token)
    while true do
      token = yield((token * 7 + id) % 1000003)
    end
  end)
end

local ring = {}
for i = 1, size do ring[i] = node(i) end
local token = 1
for _ = 1, laps do
  for i = 1, size do
    local _, value = resume(ring[i], token)
    token = value
  end
end

-- The same through wrap, with values passed both ways down a chain.
local function stage(source, add)
  return coroutine.wrap(function()
    for value in source do yield(value + add) end
  end)
end

local chain = coroutine.wrap(function()
  for i = 1, laps do yield(i) end
end)
for add = 1, 10 do chain = stage(chain, add) end
local sum = 0
for value in chain do sum = (sum + value) % 1000003 end
print(string.format("%d %d", token, sum))
