-- An incremental solver of one-way constraints of several strengths: small objects, inheritance,
-- worklists, and polymorphic calls.
local size = tonumber(arg[1]) or 8000

local REQUIRED, PREFERRED, FIRM, NORMAL, WEAK = 1, 2, 3, 4, 5 -- smaller is stronger

local Variable = {}
Variable.__index = Variable

local function variable(name, value)
  return setmetatable({
    name = name, value = value, constraints = {}, determined_by = nil,
    mark = 0, walkabout = WEAK, stay = true,
  }, Variable)
end

function Variable:forget(constraint)
  local list = self.constraints
  for i = 1, #list do
    if list[i] == constraint then
      table.remove(list, i)
      break
    end
  end
  if self.determined_by == constraint then self.determined_by = nil end
end

function Variable:known(mark) return self.mark == mark or self.stay or self.determined_by == nil end

-- A constraint knows its variables, whether it is satisfied, and which variable it determines.
local Constraint = {}
Constraint.__index = Constraint

local function subclass(parent)
  local methods = setmetatable({}, { __index = parent })
  methods.__index = methods
  return methods
end

function Constraint:is_input() return false end

local Unary = subclass(Constraint)
function Unary:attach() table.insert(self.output.constraints, self) end
function Unary:detach() self.output:forget(self); self.satisfied = false end
function Unary:choose(mark)
  self.satisfied = self.output.mark ~= mark and self.strength < self.output.walkabout
end
function Unary:target() return self.output end
function Unary:mark_inputs() end
function Unary:inputs_known() return true end
function Unary:unsatisfy() self.satisfied = false end
function Unary:recalculate()
  local out = self.output
  out.walkabout = self.strength
  out.stay = not self:is_input()
  if out.stay then self:execute() end
end

local Stay = subclass(Unary)
function Stay:execute() end

local Edit = subclass(Unary)
function Edit:is_input() return true end
function Edit:execute() end

local Binary = subclass(Constraint)
function Binary:attach()
  table.insert(self.first.constraints, self)
  table.insert(self.second.constraints, self)
end
function Binary:detach()
  self.first:forget(self)
  self.second:forget(self)
  self.direction = nil
  self.satisfied = false
end
function Binary:choose(mark)
  local a, b = self.first, self.second
  self.direction = nil
  if a.mark == mark then
    if b.mark ~= mark and self.strength < b.walkabout then self.direction = "forward" end
  elseif b.mark == mark then
    if self.strength < a.walkabout then self.direction = "backward" end
  elseif a.walkabout > b.walkabout then
    if self.strength < a.walkabout then self.direction = "backward" end
  elseif self.strength < b.walkabout then
    self.direction = "forward"
  end
  self.satisfied = self.direction ~= nil
end
function Binary:target() return self.direction == "forward" and self.second or self.first end
function Binary:source() return self.direction == "forward" and self.first or self.second end
function Binary:mark_inputs(mark) self:source().mark = mark end
function Binary:inputs_known(mark) return self:source():known(mark) end
function Binary:unsatisfy() self.satisfied, self.direction = false, nil end
function Binary:recalculate()
  local source, out = self:source(), self:target()
  out.walkabout = math.max(self.strength, source.walkabout)
  out.stay = source.stay
  if out.stay then self:execute() end
end

local Equal = subclass(Binary)
function Equal:execute() self:target().value = self:source().value end

local Scale = subclass(Binary)
function Scale:attach()
  Binary.attach(self)
  table.insert(self.factor.constraints, self)
  table.insert(self.offset.constraints, self)
end
function Scale:detach()
  Binary.detach(self)
  self.factor:forget(self)
  self.offset:forget(self)
end
function Scale:mark_inputs(mark)
  Binary.mark_inputs(self, mark)
  self.factor.mark, self.offset.mark = mark, mark
end
function Scale:inputs_known(mark)
  return self:source():known(mark) and self.factor:known(mark) and self.offset:known(mark)
end
function Scale:execute()
  if self.direction == "forward" then
    self.second.value = self.first.value * self.factor.value + self.offset.value
  else
    self.first.value = (self.second.value - self.offset.value) / self.factor.value
  end
end
function Scale:recalculate()
  Binary.recalculate(self)
  local out = self:target()
  out.stay = out.stay and self.factor.stay and self.offset.stay
end

local Planner = {}
Planner.__index = Planner

local function new_planner() return setmetatable({ mark = 0 }, Planner) end

function Planner:fresh_mark()
  self.mark = self.mark + 1
  return self.mark
end

-- Constraints that read `v`, other than the one that determines it.
local function consumers(v, out)
  for _, constraint in ipairs(v.constraints) do
    if constraint ~= v.determined_by and constraint.satisfied then out[#out + 1] = constraint end
  end
  return out
end

-- Tries to satisfy `constraint`; gives back the weaker one that it pushed out.
function Planner:satisfy(constraint, mark)
  constraint:choose(mark)
  if not constraint.satisfied then
    if constraint.strength == REQUIRED then error("could not satisfy a required constraint") end
    return nil
  end
  constraint:mark_inputs(mark)
  local out = constraint:target()
  local overridden = out.determined_by
  if overridden then overridden:unsatisfy() end
  out.determined_by = constraint
  self:propagate(constraint, mark)
  out.mark = mark
  return overridden
end

function Planner:propagate(constraint, mark)
  local todo = { constraint }
  while #todo > 0 do
    local next_one = table.remove(todo)
    if next_one ~= constraint and next_one:target().mark == mark then error("cycle") end
    next_one:recalculate()
    consumers(next_one:target(), todo)
  end
end

function Planner:add(constraint)
  constraint:attach()
  local mark = self:fresh_mark()
  local overridden = self:satisfy(constraint, mark)
  while overridden do overridden = self:satisfy(overridden, mark) end
  return constraint
end

function Planner:remove(constraint)
  if not constraint.satisfied then
    constraint:detach()
    return
  end
  local out = constraint:target()
  constraint:unsatisfy()
  constraint:detach()
  out.determined_by, out.walkabout, out.stay = nil, WEAK, true
  local unsatisfied, todo = {}, { out }
  while #todo > 0 do
    local v = table.remove(todo)
    for _, other in ipairs(v.constraints) do
      if not other.satisfied then
        unsatisfied[#unsatisfied + 1] = other
      elseif other ~= v.determined_by then
        other:recalculate()
        todo[#todo + 1] = other:target()
      end
    end
  end
  for strength = REQUIRED, WEAK do
    for _, other in ipairs(unsatisfied) do
      if other.strength == strength and not other.satisfied then
        local mark = self:fresh_mark()
        local overridden = self:satisfy(other, mark)
        while overridden do overridden = self:satisfy(overridden, mark) end
      end
    end
  end
end

-- The order in which constraints fed by `sources` must run.
function Planner:plan(sources)
  local mark, plan, todo = self:fresh_mark(), {}, {}
  for i, source in ipairs(sources) do todo[i] = source end
  while #todo > 0 do
    local constraint = table.remove(todo)
    local out = constraint:target()
    if out.mark ~= mark and constraint:inputs_known(mark) then
      plan[#plan + 1] = constraint
      out.mark = mark
      consumers(out, todo)
    end
  end
  return plan
end

local function stay(planner, v, strength)
  return planner:add(setmetatable({ output = v, strength = strength, satisfied = false }, Stay))
end
local function edit(planner, v, strength)
  return planner:add(setmetatable({ output = v, strength = strength, satisfied = false }, Edit))
end
local function equal(planner, a, b, strength)
  return planner:add(setmetatable({ first = a, second = b, strength = strength, satisfied = false }, Equal))
end
local function scale(planner, a, factor, offset, b, strength)
  return planner:add(setmetatable({
    first = a, second = b, factor = factor, offset = offset, strength = strength, satisfied = false,
  }, Scale))
end

-- Runs new values of `v` through the network.
local function change(planner, v, value, times)
  local handle = edit(planner, v, PREFERRED)
  local plan = planner:plan({ handle })
  for i = 1, times do
    v.value = value + i
    for j = 1, #plan do plan[j]:execute() end
  end
  planner:remove(handle)
end

local function chain(length)
  local planner, variables = new_planner(), {}
  for i = 1, length + 1 do variables[i] = variable("v" .. i, 0) end
  for i = 1, length do equal(planner, variables[i], variables[i + 1], REQUIRED) end
  local last = variables[length + 1]
  stay(planner, last, FIRM)
  change(planner, variables[1], 10, 90)
  if last.value ~= variables[1].value then error("chain is broken") end
  return last.value
end

local function projection(count)
  local planner = new_planner()
  local factor, offset = variable("scale", 10), variable("offset", 1000)
  local sources, targets = {}, {}
  for i = 1, count do
    sources[i], targets[i] = variable("s" .. i, i), variable("d" .. i, i)
    stay(planner, sources[i], NORMAL)
    scale(planner, sources[i], factor, offset, targets[i], REQUIRED)
  end
  change(planner, sources[count], 17, 10)
  if targets[count].value ~= 27 * 10 + 1000 then error("projection forward is broken") end
  change(planner, factor, 4, 1)
  for i = 1, count - 1 do
    if targets[i].value ~= sources[i].value * 5 + 1000 then error("projection of scale is broken") end
  end
  change(planner, offset, 1999, 1)
  local sum = 0
  for i = 1, count do sum = sum + targets[i].value end
  return sum
end

local sum = 0
for i = 1, 5 do sum = sum + chain(size) + projection(math.floor(size / 2) + i) end
print(string.format("%d", sum))
