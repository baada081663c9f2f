-- Loops of control flow graphs after Havlak: graph building, depth-first search, union-find, sets.
local rounds = tonumber(arg[1]) or 12

local function new_graph() return { successors = {}, predecessors = {}, size = 0 } end

local function node(graph)
  local id = graph.size + 1
  graph.size = id
  graph.successors[id], graph.predecessors[id] = {}, {}
  return id
end

local function edge(graph, from, to)
  local out, into = graph.successors[from], graph.predecessors[to]
  out[#out + 1] = to
  into[#into + 1] = from
end

-- Numbers nodes in preorder; `last[n]` is the highest number among n's descendants.
local function number_nodes(graph, start)
  local number, order, last = {}, {}, {}
  local stack, positions = { start }, { 1 }
  number[start], order[1] = 1, start
  local count = 1
  while #stack > 0 do
    local top = stack[#stack]
    local position = positions[#positions]
    local target = graph.successors[top][position]
    if target then
      positions[#positions] = position + 1
      if not number[target] then
        count = count + 1
        number[target], order[count] = count, target
        stack[#stack + 1], positions[#positions + 1] = target, 1
      end
    else
      last[number[top]] = count
      stack[#stack], positions[#positions] = nil, nil
    end
  end
  return number, order, last, count
end

local UnionFind = {}
UnionFind.__index = UnionFind

function UnionFind.new(size)
  local parent = {}
  for i = 1, size do parent[i] = i end
  return setmetatable({ parent = parent }, UnionFind)
end

function UnionFind:find(x)
  local parent = self.parent
  local root = x
  while parent[root] ~= root do root = parent[root] end
  while parent[x] ~= root do parent[x], x = root, parent[x] end
  return root
end

function UnionFind:union(x, into) self.parent[self:find(x)] = self:find(into) end

local function find_loops(graph, start)
  local number, order, last, count = number_nodes(graph, start)
  local back, other, kind, header = {}, {}, {}, {}
  for w = 1, count do
    back[w], other[w], kind[w], header[w] = {}, {}, "plain", 1
    for _, from in ipairs(graph.predecessors[order[w]]) do
      local v = number[from]
      if v then
        local list = (w <= v and v <= last[w]) and back[w] or other[w]
        list[#list + 1] = v
      end
    end
  end

  local sets, loops = UnionFind.new(count), {}
  for w = count, 1, -1 do
    local body, member = {}, {}
    for _, v in ipairs(back[w]) do
      if v == w then
        kind[w] = "self"
      else
        local root = sets:find(v)
        if not member[root] then
          member[root] = true
          body[#body + 1] = root
        end
      end
    end
    if #body > 0 then kind[w] = "reducible" end
    local position = 1
    while position <= #body do
      local x = body[position]
      position = position + 1
      for _, y in ipairs(other[x]) do
        local root = sets:find(y)
        if not (w <= root and root <= last[w]) then
          kind[w] = "irreducible"
          local list = other[w]
          list[#list + 1] = root
        elseif root ~= w and not member[root] then
          member[root] = true
          body[#body + 1] = root
        end
      end
    end
    if #body > 0 or kind[w] == "self" then
      for _, x in ipairs(body) do
        header[x] = w
        sets:union(x, w)
      end
      loops[#loops + 1] = { header = w, kind = kind[w], size = #body }
    end
  end
  return loops, header
end

local function nesting(loops, header)
  local depth, deepest = {}, 0
  for i = #loops, 1, -1 do
    local h = loops[i].header
    local d = (h ~= 1 and depth[header[h]] or 0) + 1
    depth[h] = d
    if d > deepest then deepest = d end
  end
  return deepest
end

local function straight(graph, from, length)
  for _ = 1, length do
    local to = node(graph)
    edge(graph, from, to)
    from = to
  end
  return from
end

local function diamond(graph, from)
  local left, right, bottom = node(graph), node(graph), node(graph)
  edge(graph, from, left)
  edge(graph, from, right)
  edge(graph, left, bottom)
  edge(graph, right, bottom)
  return bottom
end

local function nest(graph, from, depth)
  local top = straight(graph, from, 1)
  local bottom
  if depth == 0 then
    bottom = diamond(graph, straight(graph, top, 2))
  else
    bottom = nest(graph, nest(graph, top, depth - 1), depth - 1)
  end
  edge(graph, bottom, top)
  return straight(graph, bottom, 1)
end

local function build(width)
  local graph = new_graph()
  local start = node(graph)
  local at = straight(graph, start, 2)
  for i = 1, width do
    at = nest(graph, at, i % 5)
    if i % 7 == 0 then -- a jump into the middle of a loop makes it irreducible
      local inside = at - 3
      edge(graph, start, inside)
    end
    if i % 11 == 0 then edge(graph, at, at) end
  end
  return graph, start
end

local total, deepest, irreducible = 0, 0, 0
for round = 1, rounds do
  local graph, start = build(100 + round)
  for _ = 1, 5 do
    local loops, header = find_loops(graph, start)
    total = total + #loops
    deepest = math.max(deepest, nesting(loops, header))
    for _, loop in ipairs(loops) do
      if loop.kind == "irreducible" then irreducible = irreducible + 1 end
    end
  end
end
print(string.format("%d %d %d", total, deepest, irreducible))
