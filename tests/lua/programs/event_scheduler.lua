-- A discrete event simulation: a heap of timers, processes as coroutines, queues and resources.
local Heap = {}
Heap.__index = Heap
function Heap.new(less) return setmetatable({ n = 0, less = less }, Heap) end
function Heap:push(item)
  local i = self.n + 1
  self.n, self[i] = i, item
  while i > 1 and self.less(self[i], self[i // 2]) do
    self[i], self[i // 2] = self[i // 2], self[i]
    i = i // 2
  end
end
function Heap:pop()
  local top, last = self[1], self[self.n]
  self[1], self[self.n], self.n = last, nil, self.n - 1
  if self.n == 0 then self[1] = nil end
  local i = 1
  while true do
    local child = 2 * i
    if child > self.n then return top end
    if child < self.n and self.less(self[child + 1], self[child]) then child = child + 1 end
    if not self.less(self[child], self[i]) then return top end
    self[i], self[child] = self[child], self[i]
    i = child
  end
end

local Simulation = {}
Simulation.__index = Simulation
function Simulation.new()
  return setmetatable({ now = 0, sequence = 0, trace = {}, events = Heap.new(function(a, b)
    if a.time ~= b.time then return a.time < b.time end
    return a.sequence < b.sequence
  end) }, Simulation)
end
function Simulation:at(delay, action, ...)
  self.sequence = self.sequence + 1
  local event = { time = self.now + delay, sequence = self.sequence, action = action, arguments = table.pack(...) }
  self.events:push(event)
  return event
end
function Simulation:spawn(name, body, ...)
  local process = { name = name, thread = coroutine.create(body) }
  local function continue(...)
    local ok, request, a = coroutine.resume(process.thread, ...)
    if not ok then
      print(("%5.1f %s failed: %s"):format(self.now, name, tostring(request):gsub("^.-:%d+: ", "") .. ""))
    elseif request == "wait" then
      process.pending = self:at(a, continue)
    elseif request == "park" then
      process.wake = function(...) self:at(0, continue, ...) end
      a(process)
    end
  end
  self:at(0, continue, self, ...)
  return process
end
function Simulation:run(limit)
  while self.events.n > 0 and self.events[1].time <= limit do
    local event = self.events:pop()
    self.now = event.time
    if not event.cancelled then event.action(table.unpack(event.arguments, 1, event.arguments.n)) end
  end
  self.now = limit
end
function Simulation:say(text, ...) print(("%5.1f "):format(self.now) .. text:format(...)) end
local function wait(time) return coroutine.yield("wait", time) end
local function park(register) return coroutine.yield("park", register) end

local Queue = {}
Queue.__index = Queue
function Queue.new(capacity) return setmetatable({ items = {}, getters = {}, putters = {}, capacity = capacity }, Queue) end
function Queue:put(item)
  while #self.items >= self.capacity do park(function(p) table.insert(self.putters, p) end) end
  table.insert(self.items, item)
  local getter = table.remove(self.getters, 1)
  if getter then getter.wake() end
end
function Queue:get()
  while #self.items == 0 do park(function(p) table.insert(self.getters, p) end) end
  local item = table.remove(self.items, 1)
  local putter = table.remove(self.putters, 1)
  if putter then putter.wake() end
  return item
end

local seed = 11
local function random(n) seed = (seed * 16807) % 2147483647 return seed % n + 1 end
local sim = Simulation.new()
local queue, done = Queue.new(2), { count = 0, waited = 0 }
for id = 1, 2 do
  sim:spawn("producer" .. id, function(self)
    for job = 1, 6 do
      wait(random(4) / 2)
      queue:put({ name = ("%d-%d"):format(id, job), made = self.now })
      self:say("producer %d made %d-%d (%d waiting)", id, id, job, #queue.items)
    end
    self:say("producer %d ends", id)
  end)
end
for id = 1, 3 do
  sim:spawn("worker" .. id, function(self)
    while true do
      local job = queue:get()
      done.waited = done.waited + self.now - job.made
      self:say("worker %d begins %s", id, job.name)
      wait(random(6))
      done.count = done.count + 1
      self:say("worker %d ends %s", id, job.name)
    end
  end)
end
sim:spawn("monitor", function(self)
  for _ = 1, 3 do
    wait(5)
    self:say("-- %d done, %d waiting", done.count, #queue.items)
  end
end)
sim:spawn("faulty", function() wait(4) error("broken process") end)
local cancelled = sim:at(3, function() error("must not run") end)
sim:at(2, function() cancelled.cancelled = true end)
sim:run(40)
print(done.count, ("%.1f"):format(done.waited), sim.events.n, sim.now)
