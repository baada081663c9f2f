-- A live heap of about 200 MB (under PUC Lua; first argument: megabytes) that changes all the
-- time. Garbage is made in small equal steps; the longest step shows the collector's pauses.
local megabytes = tonumber(arg[1]) or 200
local steps = tonumber(arg[2]) or 4000

local RECORD = 360 -- bytes of one record with its strings, about
local slots = math.floor(megabytes * 1024 * 1024 / RECORD)

local seed = 42
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit + 1
end

local function record(id, neighbour)
  return { id = id, name = "record " .. id, neighbour = neighbour, data = { id, id + 1 } }
end

local live = {}
for i = 1, slots do live[i] = record(i, live[random(i)]) end

local clock = os.clock
local longest, sum, durations = 0, 0, {}
for step = 1, steps do
  local before = clock()
  for i = 1, 250 do
    local garbage = { step, i, text = "g" .. i }
    sum = (sum + #garbage + garbage[2]) % 1000003
    local slot = random(slots)
    live[slot] = record(slot, live[random(slots)])
    live[slot].neighbour.neighbour = nil
  end
  local duration = clock() - before
  durations[step] = duration
  if duration > longest then longest = duration end
end
table.sort(durations)
print(string.format("checksum %d", sum))
print(string.format(
  "step: median %.2f ms, 99%% %.2f ms, longest %.2f ms",
  durations[math.ceil(steps / 2)] * 1000, durations[math.ceil(steps * 0.99)] * 1000, longest * 1000
))
