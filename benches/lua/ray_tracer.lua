-- Spheres over a chequered floor with shadows and mirrors: vector objects with operators.
local size = tonumber(arg[1]) or 190

local sqrt, floor, huge = math.sqrt, math.floor, math.huge

local Vector = {}
Vector.__index = Vector

local function vector(x, y, z) return setmetatable({ x = x, y = y, z = z }, Vector) end

function Vector.__add(a, b) return vector(a.x + b.x, a.y + b.y, a.z + b.z) end
function Vector.__sub(a, b) return vector(a.x - b.x, a.y - b.y, a.z - b.z) end
function Vector.__unm(a) return vector(-a.x, -a.y, -a.z) end
function Vector.__mul(a, b)
  if type(a) == "number" then return vector(a * b.x, a * b.y, a * b.z) end
  if type(b) == "number" then return vector(a.x * b, a.y * b, a.z * b) end
  return vector(a.x * b.x, a.y * b.y, a.z * b.z)
end
function Vector:dot(other) return self.x * other.x + self.y * other.y + self.z * other.z end
function Vector:unit() return self * (1 / sqrt(self:dot(self))) end
function Vector:mirrored(normal) return self - normal * (2 * self:dot(normal)) end

local Sphere = {}
Sphere.__index = Sphere

local function sphere(center, radius, colour, mirror)
  return setmetatable({ center = center, radius = radius, colour = colour, mirror = mirror }, Sphere)
end

function Sphere:distance(origin, direction)
  local to = self.center - origin
  local along = to:dot(direction)
  local gap = self.radius * self.radius - (to:dot(to) - along * along)
  if gap < 0 then return nil end
  local half = sqrt(gap)
  if along - half > 1e-6 then return along - half end
  if along + half > 1e-6 then return along + half end
  return nil
end

function Sphere:normal(point) return (point - self.center):unit() end
function Sphere:colour_at() return self.colour end

local Floor = {}
Floor.__index = Floor
local up, dark, light = vector(0, 1, 0), vector(0.1, 0.1, 0.1), vector(0.9, 0.9, 0.9)

function Floor:distance(origin, direction)
  if direction.y > -1e-9 then return nil end
  return (self.height - origin.y) / direction.y
end

function Floor:normal() return up end
function Floor:colour_at(point)
  if (floor(point.x) + floor(point.z)) % 2 == 0 then return dark end
  return light
end

local scene = {
  setmetatable({ height = -1, mirror = 0.1 }, Floor),
  sphere(vector(0, 0.2, 4), 1.2, vector(0.9, 0.3, 0.2), 0.4),
  sphere(vector(-2, -0.3, 3), 0.7, vector(0.2, 0.8, 0.3), 0.2),
  sphere(vector(1.9, -0.2, 3), 0.8, vector(0.3, 0.4, 0.9), 0.6),
}
for i = 1, 6 do
  scene[#scene + 1] = sphere(vector(i - 3.5, -0.8, 2 + i % 2 / 2), 0.2, vector(i / 6, 0.5, 1 - i / 6), 0.0)
end
local lights = { vector(4, 6, -3), vector(-5, 4, 0) }
local sky = vector(0.4, 0.6, 0.9)

local function nearest(origin, direction)
  local best, hit = huge, nil
  for i = 1, #scene do
    local distance = scene[i]:distance(origin, direction)
    if distance and distance < best then best, hit = distance, scene[i] end
  end
  return hit, best
end

local function trace(origin, direction, depth)
  local hit, distance = nearest(origin, direction)
  if not hit then return sky * (0.5 + 0.5 * direction.y * direction.y) end
  local point = origin + direction * distance
  local normal = hit:normal(point)
  local base = hit:colour_at(point)
  local colour = base * 0.15
  local start = point + normal * 1e-4
  for i = 1, #lights do
    local way = lights[i] - start
    local far = sqrt(way:dot(way))
    local towards = way * (1 / far)
    local blocker, near = nearest(start, towards)
    if not blocker or near > far then
      local brightness = towards:dot(normal)
      if brightness > 0 then colour = colour + base * (0.6 * brightness) end
    end
  end
  if depth > 0 and hit.mirror > 0 then
    local reflected = trace(start, direction:mirrored(normal), depth - 1)
    colour = colour * (1 - hit.mirror) + reflected * hit.mirror
  end
  return colour
end

local function level(value) return floor(255 * (value < 1 and value or 1)) end

local eye, h, sum = vector(0, 0.5, -3), 0, 0
for row = 0, size - 1 do
  for column = 0, size - 1 do
    local direction = vector((column - size / 2) / size, (size / 2 - row) / size, 1):unit()
    local colour = trace(eye, direction, 3)
    local r, g, b = level(colour.x), level(colour.y), level(colour.z)
    h = (h * 31 + r * 65536 + g * 256 + b) % 1000003
    sum = sum + r + g + b
  end
end
print(string.format("%d %d", sum, h))
