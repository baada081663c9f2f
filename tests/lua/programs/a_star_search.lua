-- A* over a grid with terrain, and Dijkstra and a breadth-first search to check it.
local map = {
  "S....#....~~~...#...",
  ".###.#.##.~~~.#.#.#.",
  ".#...#.#..~~~.#...#.",
  ".#.###.#.####.#####.",
  ".#.....#......#.....",
  ".#######.####.#.###.",
  "....~~~..#....#.#...",
  ".##.~~~.##.####.#.#.",
  ".#......#.......#.#.",
  "...####...#####...#G",
}
local cost_of = { ["."] = 1, S = 1, G = 1, ["~"] = 4 }

local Grid = {}
Grid.__index = Grid
function Grid.new(lines)
  local self = setmetatable({ height = #lines, width = #lines[1], cells = {} }, Grid)
  for y, line in ipairs(lines) do
    for x = 1, #line do
      local c = line:sub(x, x)
      local id = self:id(x, y)
      self.cells[id] = c
      if c == "S" then self.start = id elseif c == "G" then self.goal = id end
    end
  end
  return self
end
function Grid:id(x, y) return (y - 1) * self.width + x end
function Grid:position(id) return (id - 1) % self.width + 1, (id - 1) // self.width + 1 end
function Grid:neighbours(id)
  local x, y = self:position(id)
  local i, list = 0, {}
  for _, d in ipairs({ { 0, -1 }, { 1, 0 }, { 0, 1 }, { -1, 0 } }) do
    local nx, ny = x + d[1], y + d[2]
    if nx >= 1 and nx <= self.width and ny >= 1 and ny <= self.height then
      local other = self:id(nx, ny)
      if cost_of[self.cells[other]] then list[#list + 1] = other end
    end
  end
  return function()
    i = i + 1
    return list[i], list[i] and cost_of[self.cells[list[i]]]
  end
end
function Grid:distance(a, b)
  local ax, ay = self:position(a)
  local bx, by = self:position(b)
  return math.abs(ax - bx) + math.abs(ay - by)
end

local function heap()
  local items, n, order = {}, 0, 0
  local function less(a, b) return a.key < b.key or a.key == b.key and a.order < b.order end
  local self = {}
  function self.push(key, value)
    n, order = n + 1, order + 1
    local item, i = { key = key, value = value, order = order }, n
    while i > 1 and less(item, items[i // 2]) do items[i], i = items[i // 2], i // 2 end
    items[i] = item
  end
  function self.pop()
    if n == 0 then return nil end
    local top, last = items[1], items[n]
    items[n], n = nil, n - 1
    local i = 1
    while n > 0 do
      local child = 2 * i
      if child > n then break end
      if child < n and less(items[child + 1], items[child]) then child = child + 1 end
      if not less(items[child], last) then break end
      items[i], i = items[child], child
    end
    if n > 0 then items[i] = last end
    return top.value, top.key
  end
  return self
end

local function search(grid, start, goal, heuristic)
  local open, best, from, closed, expanded = heap(), { [start] = 0 }, {}, {}, 0
  open.push(heuristic(start), start)
  for id in open.pop do
    if id == goal then
      local path = { id }
      while from[path[1]] do table.insert(path, 1, from[path[1]]) end
      return path, best[goal], expanded
    end
    if not closed[id] then
      closed[id] = true
      expanded = expanded + 1
      for other, cost in grid:neighbours(id) do
        local total = best[id] + cost
        if not best[other] or total < best[other] then
          best[other], from[other] = total, id
          open.push(total + heuristic(other), other)
        end
      end
    end
  end
  return nil, nil, expanded
end

local grid = Grid.new(map)
local path, cost, expanded = search(grid, grid.start, grid.goal, function(id) return grid:distance(id, grid.goal) end)
local _, plain_cost, plain_expanded = search(grid, grid.start, grid.goal, function() return 0 end)
print("A*", #path, cost, expanded)
print("Dijkstra", plain_cost, plain_expanded, expanded <= plain_expanded)
local on_path = {}
for _, id in ipairs(path) do on_path[id] = true end
for y = 1, grid.height do
  local row = {}
  for x = 1, grid.width do
    local id = grid:id(x, y)
    local c = grid.cells[id]
    row[x] = on_path[id] and (c == "." and "o" or c == "~" and "O") or c
  end
  print(table.concat(row))
end
local walled = Grid.new({ "S#.", "##.", "..G" })
print(search(walled, walled.start, walled.goal, function() return 0 end))
-- Random maps: both searches agree
local seed = 3
local function random(n) seed = (seed * 16807) % 2147483647 return seed % n end
local solved, sum = 0, 0
for _ = 1, 30 do
  local lines = {}
  for y = 1, 15 do
    local row = {}
    for x = 1, 15 do
      local r = random(10)
      row[x] = r < 3 and "#" or r < 5 and "~" or "."
    end
    lines[y] = row
  end
  lines[1][1], lines[15][15] = "S", "G"
  for y = 1, 15 do lines[y] = table.concat(lines[y]) end
  local g = Grid.new(lines)
  local p1, c1 = search(g, g.start, g.goal, function(id) return g:distance(id, g.goal) end)
  local _, c2 = search(g, g.start, g.goal, function() return 0 end)
  assert(c1 == c2)
  if p1 then
    solved, sum = solved + 1, sum + c1
    for i = 2, #p1 do assert(g:distance(p1[i - 1], p1[i]) == 1) end
  end
end
print(solved, sum)
