-- Conway's game of life on a torus: two-dimensional arrays of small integers.
local generations = tonumber(arg[1]) or 400
local width, height = 160, 120

local seed = 7
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit
end

local function empty()
  local grid = {}
  for y = 1, height do
    local row = {}
    for x = 1, width do row[x] = 0 end
    grid[y] = row
  end
  return grid
end

local function step(from, to)
  local alive = 0
  for y = 1, height do
    local above = from[y > 1 and y - 1 or height]
    local here = from[y]
    local below = from[y < height and y + 1 or 1]
    local out = to[y]
    for x = 1, width do
      local left = x > 1 and x - 1 or width
      local right = x < width and x + 1 or 1
      local around = above[left] + above[x] + above[right] + here[left] + here[right]
        + below[left] + below[x] + below[right]
      local cell = (around == 3 or (around == 2 and here[x] == 1)) and 1 or 0
      out[x] = cell
      alive = alive + cell
    end
  end
  return alive
end

local current, following = empty(), empty()
for y = 1, height do
  for x = 1, width do current[y][x] = random(3) == 0 and 1 or 0 end
end
local alive, history = 0, 0
for _ = 1, generations do
  alive = step(current, following)
  current, following = following, current
  history = (history * 31 + alive) % 1000003
end
print(string.format("%d %d", alive, history))
