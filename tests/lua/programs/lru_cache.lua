-- A small class library and an LRU cache built with it: doubly linked list, statistics, inheritance.
local function class(name, parent)
  local self = { __name = name }
  self.__index = self
  return setmetatable(self, {
    __index = parent,
    __call = function(cls, ...)
      local object = setmetatable({}, cls)
      object:init(...)
      return object
    end,
    __tostring = function() return "class " .. name end,
  })
end

local List = class("List")
function List:init()
  self.head, self.count = {}, 0
  self.head.next, self.head.previous = self.head, self.head
end
function List:push_front(node)
  local head = self.head
  node.next, node.previous = head.next, head
  head.next.previous, head.next = node, node
  self.count = self.count + 1
  return node
end
function List:remove(node)
  node.previous.next, node.next.previous = node.next, node.previous
  node.next, node.previous = nil, nil
  self.count = self.count - 1
  return node
end
function List:back() return self.head.previous ~= self.head and self.head.previous or nil end
function List:nodes()
  local node = self.head
  return function()
    node = node.next
    if node ~= self.head then return node end
  end
end
List.__len = function(self) return self.count end

local Cache = class("Cache")
function Cache:init(capacity)
  self.capacity, self.order, self.index = capacity, List(), {}
  self.hits, self.misses, self.evicted = 0, 0, 0
end
function Cache:get(key)
  local node = self.index[key]
  if not node then
    self.misses = self.misses + 1
    return nil
  end
  self.hits = self.hits + 1
  self.order:push_front(self.order:remove(node))
  return node.value
end
function Cache:put(key, value)
  local node = self.index[key]
  if node then
    node.value = value
    self.order:push_front(self.order:remove(node))
    return
  end
  if #self.order >= self.capacity then self:evict() end
  self.index[key] = self.order:push_front({ key = key, value = value })
end
function Cache:evict()
  local last = self.order:remove(self.order:back())
  self.index[last.key] = nil
  self.evicted = self.evicted + 1
  return last
end
Cache.__len = function(self) return #self.order end
Cache.__tostring = function(self)
  local out = {}
  for node in self.order:nodes() do out[#out + 1] = ("%s=%s"):format(node.key, node.value) end
  return "{" .. table.concat(out, ", ") .. "}"
end

local Expiring = class("Expiring", Cache)
Expiring.__len, Expiring.__tostring = Cache.__len, Cache.__tostring
function Expiring:init(capacity, lifetime)
  Cache.init(self, capacity)
  self.lifetime, self.now = lifetime, 0
end
function Expiring:tick(n) self.now = self.now + (n or 1) end
function Expiring:put(key, value)
  Cache.put(self, key, value)
  self.index[key].born = self.now
end
function Expiring:get(key)
  local node = self.index[key]
  if node and self.now - node.born >= self.lifetime then
    self.order:remove(node)
    self.index[key] = nil
  end
  return Cache.get(self, key)
end

local function memoize(f, capacity)
  local cache = Cache(capacity)
  return function(x)
    local value = cache:get(x)
    if value == nil then
      value = f(x)
      cache:put(x, value)
    end
    return value
  end, cache
end

print(Cache, Expiring, List)
local cache = Cache(3)
for i, key in ipairs({ "a", "b", "c" }) do cache:put(key, i) end
print(cache, #cache, cache:get("a"), cache:get("z"))
cache:put("d", 4)
print(cache, cache:get("b"), cache.evicted)
cache:put("a", 10)
print(cache, cache.hits, cache.misses)

local expiring = Expiring(2, 5)
expiring:put("x", 1)
expiring:tick(3)
expiring:put("y", 2)
print(expiring:get("x"), expiring:get("y"), #expiring)
expiring:tick(2)
print(expiring:get("x"), expiring:get("y"), #expiring, expiring)
expiring:tick(3)
print(expiring:get("y"), #expiring, expiring)

local calls = 0
local fib, fib_cache
fib, fib_cache = memoize(function(n)
  calls = calls + 1
  return n < 2 and n or fib(n - 1) + fib(n - 2)
end, 10)
print(fib(80), calls, fib_cache.hits, fib_cache.evicted, #fib_cache)

local seed = 1
local function random(n) seed = (seed * 16807) % 2147483647 return seed % n end
local big, reference, checks = Cache(50), {}, 0
for _ = 1, 20000 do
  local key = random(100)
  if random(2) == 0 then
    local value = random(1000)
    big:put(key, value)
    reference[key] = value
  else
    local value = big:get(key)
    if value then assert(value == reference[key]) checks = checks + 1 end
  end
  assert(#big <= 50)
end
print(checks, big.hits, big.misses, big.evicted, #big)
