-- Many short-lived trees beside one long-lived one: allocation and collection.
local depth = tonumber(arg[1]) or 14

local function grow(levels)
  if levels == 0 then return { false, false } end
  return { grow(levels - 1), grow(levels - 1) }
end

local function count(tree)
  if not tree[1] then return 1 end
  return 1 + count(tree[1]) + count(tree[2])
end

local deepest = math.max(depth, 6)
print(string.format("stretch tree of depth %d check %d", deepest + 1, count(grow(deepest + 1))))
local long_lived = grow(deepest)
for levels = 4, deepest, 2 do
  local rounds = 1
  for _ = 1, deepest - levels + 4 do rounds = rounds * 2 end
  local total = 0
  for _ = 1, rounds do total = total + count(grow(levels)) end
  print(string.format("%d trees of depth %d check %d", rounds, levels, total))
end
print(string.format("long lived tree of depth %d check %d", deepest, count(long_lived)))
