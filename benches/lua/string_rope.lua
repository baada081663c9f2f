-- A rope: a balanced tree of string pieces with concatenation, splitting and indexing.
local edits = tonumber(arg[1]) or 60000

local Rope = {}
Rope.__index = Rope
Rope.__len = function(self) return self.length end

local LEAF = 64

local function leaf(text) return setmetatable({ text = text, length = #text, depth = 0 }, Rope) end

local function join(left, right)
  if left.length == 0 then return right end
  if right.length == 0 then return left end
  if left.text and right.text and left.length + right.length <= LEAF then
    return leaf(left.text .. right.text)
  end
  return setmetatable({
    left = left,
    right = right,
    length = left.length + right.length,
    depth = math.max(left.depth, right.depth) + 1,
  }, Rope)
end

Rope.__concat = join

function Rope:leaves(out)
  if self.text then
    out[#out + 1] = self
  else
    self.left:leaves(out)
    self.right:leaves(out)
  end
  return out
end

local function build(pieces, first, last)
  if first > last then return leaf("") end
  if first == last then return pieces[first] end
  local middle = math.floor((first + last) / 2)
  return join(build(pieces, first, middle), build(pieces, middle + 1, last))
end

function Rope:balanced()
  if self.depth < 40 then return self end
  local pieces = self:leaves({})
  return build(pieces, 1, #pieces)
end

function Rope:split(position)
  if self.text then return leaf(self.text:sub(1, position)), leaf(self.text:sub(position + 1)) end
  local boundary = self.left.length
  if position <= boundary then
    local a, b = self.left:split(position)
    return a, join(b, self.right)
  end
  local a, b = self.right:split(position - boundary)
  return join(self.left, a), b
end

function Rope:insert(position, text)
  local before, after = self:split(position)
  return (before .. leaf(text) .. after):balanced()
end

function Rope:delete(position, count)
  local before, rest = self:split(position)
  local _, after = rest:split(count)
  return (before .. after):balanced()
end

function Rope:byte(position)
  local node = self
  while not node.text do
    if position <= node.left.length then
      node = node.left
    else
      position, node = position - node.left.length, node.right
    end
  end
  return node.text:byte(position)
end

function Rope:tostring()
  local texts = {}
  for i, piece in ipairs(self:leaves({})) do texts[i] = piece.text end
  return table.concat(texts)
end

local seed = 99
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit
end

local rope, sampled = leaf("start"), 0
for edit = 1, edits do
  if edit % 3 == 0 and rope.length > 50 then
    rope = rope:delete(random(rope.length - 20), random(20))
  else
    rope = rope:insert(random(rope.length + 1), "<" .. edit .. ":" .. random(1000) .. ">")
  end
  sampled = (sampled * 31 + rope:byte(random(rope.length) + 1)) % 1000003
end
local text, h = rope:tostring(), 0
for i = 1, #text do h = (h * 31 + text:byte(i)) % 1000003 end
print(string.format("%d %d %d", #text, h, sampled))
