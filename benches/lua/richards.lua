-- A small operating system kernel's scheduler: packets, queues and tasks of four kinds, with
-- dynamic dispatch on task behaviour and linked lists of records.
local rounds = tonumber(arg[1]) or 60

local IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = 1, 2, 3, 4, 5, 6
local DEVICE, WORK = 0, 1
local PAYLOAD = 4

local Packet = {}
Packet.__index = Packet

local function new_packet(link, owner, kind)
  local data = {}
  for i = 1, PAYLOAD do data[i] = 0 end
  return setmetatable({ link = link, owner = owner, kind = kind, datum = 0, data = data }, Packet)
end

-- The queue that has this packet at its end.
function Packet:append_to(queue)
  self.link = nil
  if not queue then return self end
  local last = queue
  while last.link do last = last.link end
  last.link = self
  return queue
end

local Scheduler = {}
Scheduler.__index = Scheduler

local function new_scheduler()
  return setmetatable({
    tasks = {}, list = nil, current = nil, current_id = 0,
    queued = 0, held = 0,
  }, Scheduler)
end

local Task = {}
Task.__index = Task

function Scheduler:add(id, priority, queue, behaviour, state)
  local task = setmetatable({
    link = self.list, id = id, priority = priority, queue = queue, behaviour = behaviour,
    packet_pending = queue ~= nil, waiting = queue == nil, held = false, state = state,
  }, Task)
  if queue then task.waiting = true end
  self.list = task
  self.tasks[id] = task
  return task
end

function Task:is_blocked()
  return self.held or (self.waiting and not self.packet_pending)
end

function Task:accept(packet, by)
  if not self.queue then
    self.queue = packet
    self.packet_pending = true
    packet.link = nil
    if self.priority > by.priority then return self end
  else
    self.queue = packet:append_to(self.queue)
  end
  return by
end

function Task:step(scheduler)
  local packet
  if self.waiting and self.packet_pending then
    packet = self.queue
    self.queue = packet.link
    self.waiting = false
    self.packet_pending = self.queue ~= nil
  end
  return self.behaviour(scheduler, packet, self.state)
end

function Scheduler:wait()
  self.current.waiting = true
  return self.current
end

function Scheduler:hold()
  self.held = self.held + 1
  self.current.held = true
  return self.current.link
end

function Scheduler:release(id)
  local task = self.tasks[id]
  task.held = false
  if task.priority > self.current.priority then return task end
  return self.current
end

function Scheduler:send(packet)
  local task = self.tasks[packet.owner]
  self.queued = self.queued + 1
  packet.owner = self.current_id
  return task:accept(packet, self.current)
end

function Scheduler:run()
  self.current = self.list
  while self.current do
    local task = self.current
    if task:is_blocked() then
      self.current = task.link
    else
      self.current_id = task.id
      self.current = task:step(self)
    end
  end
end

local function idle(scheduler, _, state)
  state.count = state.count - 1
  if state.count == 0 then return scheduler:hold() end
  if state.control % 2 == 0 then
    state.control = state.control / 2
    return scheduler:release(DEVICE_A)
  end
  state.control = ((state.control - 1) / 2 + 13256) % 65536
  return scheduler:release(DEVICE_B)
end

local function worker(scheduler, packet, state)
  if not packet then return scheduler:wait() end
  state.target = state.target == HANDLER_A and HANDLER_B or HANDLER_A
  packet.owner = state.target
  packet.datum = 0
  for i = 1, PAYLOAD do
    state.letter = state.letter % 26 + 1
    packet.data[i] = 64 + state.letter
  end
  return scheduler:send(packet)
end

local function handler(scheduler, packet, state)
  if packet then
    if packet.kind == WORK then
      state.work = packet:append_to(state.work)
    else
      state.free = packet:append_to(state.free)
    end
  end
  local work = state.work
  if not work then return scheduler:wait() end
  local position = work.datum
  if position >= PAYLOAD then
    state.work = work.link
    return scheduler:send(work)
  end
  local free = state.free
  if not free then return scheduler:wait() end
  state.free = free.link
  free.datum = work.data[position + 1]
  work.datum = position + 1
  return scheduler:send(free)
end

local function device(scheduler, packet, state)
  if packet then
    state.pending = packet
    return scheduler:hold()
  end
  local pending = state.pending
  if not pending then return scheduler:wait() end
  state.pending = nil
  return scheduler:send(pending)
end

local function packets(count, owner, kind)
  local queue
  for _ = 1, count do queue = new_packet(queue, owner, kind) end
  return queue
end

local queued, held = 0, 0
for _ = 1, rounds do
  local scheduler = new_scheduler()
  local first = scheduler:add(IDLE, 0, nil, idle, { count = 10000, control = 1 })
  first.waiting = false
  scheduler:add(WORKER, 1000, packets(2, 0, WORK), worker, { target = HANDLER_A, letter = 0 })
  scheduler:add(HANDLER_A, 2000, packets(3, DEVICE_A, DEVICE), handler, {})
  scheduler:add(HANDLER_B, 3000, packets(3, DEVICE_B, DEVICE), handler, {})
  scheduler:add(DEVICE_A, 4000, nil, device, {})
  scheduler:add(DEVICE_B, 5000, nil, device, {})
  scheduler:run()
  queued, held = queued + scheduler.queued, held + scheduler.held
end
print(string.format("%d %d", queued, held))
