-- Classes with inheritance, overriding and calls to the parent's method.
local rounds = tonumber(arg[1]) or 600000

local function class(parent)
  local methods = {}
  methods.__index = methods
  methods.super = parent
  if parent then setmetatable(methods, { __index = parent }) end
  function methods.new(...)
    local object = setmetatable({}, methods)
    object:init(...)
    return object
  end
  return methods
end

local Shape = class()
function Shape:init(name) self.name, self.moves = name, 0 end
function Shape:area() return 0 end
function Shape:perimeter() return 0 end
function Shape:move() self.moves = self.moves + 1; return self end
function Shape:weight() return self:area() * 2 + self:perimeter() end

local Rectangle = class(Shape)
function Rectangle:init(width, height)
  Shape.init(self, "rectangle")
  self.width, self.height = width, height
end
function Rectangle:area() return self.width * self.height end
function Rectangle:perimeter() return 2 * (self.width + self.height) end

local Square = class(Rectangle)
function Square:init(side)
  Rectangle.init(self, side, side)
  self.name = "square"
end
function Square:perimeter() return 4 * self.width end
function Square:move()
  self.super.super.move(self)
  self.moves = self.moves + 1
  return self
end

local Circle = class(Shape)
function Circle:init(radius)
  Shape.init(self, "circle")
  self.radius = radius
end
function Circle:area() return 3 * self.radius * self.radius end
function Circle:perimeter() return 6 * self.radius end

local Cube = class(Square)
function Cube:area() return 6 * Square.area(self) end

local shapes = { Rectangle.new(3, 4), Square.new(5), Circle.new(2), Cube.new(2), Shape.new("point") }
local total = 0
for round = 1, rounds do
  for i = 1, #shapes do
    total = (total + shapes[i]:move():weight() + round) % 1000003
  end
  if round % 4 == 0 then total = (total + Square.new(round % 10):weight()) % 1000003 end
end
local moves = {}
for i, shape in ipairs(shapes) do moves[i] = shape.name .. "=" .. string.format("%d", shape.moves) end
print(string.format("%d %s", total, table.concat(moves, " ")))
