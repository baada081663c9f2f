-- Protected calls, errors and coroutines where everything is compiled: what they give, and where they say they are.

local resume, yield, wrap, create = coroutine.resume, coroutine.yield, coroutine.wrap, coroutine.create
local results = {}
local function note(name, ...)
  local line = { name, ... }
  for i = 1, #line do line[i] = tostring(line[i]) end
  results[#results + 1] = table.concat(line, ' ')
end

-- Errors half of the time, with positions, from nested functions.
local function inner(i)
  if i % 2 == 0 then error('even ' .. i % 10) end
  return i, i * 2
end
local function middle(i) local a, b = inner(i) return a + b end
local good, bad, length = 0, 0, 0
for i = 1, 20000 do
  local ok, value = pcall(middle, i)
  if ok then good = good + value else bad, length = bad + 1, length + #value end
end
note('half', good, bad, length, select(2, pcall(middle, 4)):gsub('^.*:(%d+:)', '%1'))

-- Nested, rethrown with other levels, with values of all types.
local function rethrow(depth, value, level)
  local ok, problem = pcall(function() if depth == 0 then error(value, level) end rethrow(depth - 1, value, level) end)
  error(problem, 0)
end
local object, seen = setmetatable({}, { __tostring = function() return 'object' end }), 0
for i = 1, 1500 do
  for _, value in ipairs({ object, 'text', 17, 2.5, true }) do
    local ok, problem = pcall(rethrow, i % 4, value, i % 3)
    seen = seen + (problem == value and 1 or 0) + #tostring(problem) % 7
  end
  local ok, problem = pcall(error)
  seen = seen + (ok == false and problem == nil and 1 or 0)
end
note('nested', seen)

-- Results in all numbers, arguments in all numbers, tail calls, functions that are none.
local function count(...) return select('#', ...) end
local function pass(...) return ... end
local function tail(...) return pcall(pass, ...) end
local callable = setmetatable({}, { __call = function(self, a, b) return b, a end })
local sum = 0
for i = 1, 4000 do
  local a, b, c, d = pcall(pass, i, i + 1, i + 2)
  local e = pcall(pass)
  local f, g = pcall(callable, i, 5)
  local h, j = pcall(nil)
  local k, l = pcall(pcall, error, i)
  sum = sum + b + c + d + g + count(pcall(pass, i, nil, nil)) + count(tail()) + count(tail(1, 2, 3)) + select(4, tail(1, 2, i))
  sum = sum + (e and 1 or 0) + #j + (k and l == false and 1 or 0) + select('#', pcall(pass, pass(i, i)))
  pcall(inner, i)
  local t = { pcall(pass, i, 2), pcall(pass, i, 2) }
  sum = sum + #t
end
note('results', sum)

-- Message handlers: what they see, what they return, errors in them.
local function where(problem) return (tostring(problem):gsub('^.*:%d+: ', '')) .. '|' .. select(2, debug.traceback('x'):gsub('\n', '')) end
local function fails(problem) error(problem) end
local texts = {}
for i = 1, 3000 do
  local ok, text = xpcall(inner, where, i)
  texts[text] = (texts[text] or 0) + 1
  local ok, other = xpcall(error, fails, i % 3)
  texts[other] = (texts[other] or 0) + 1
  texts.given = (texts.given or 0) + (select(3, xpcall(pass, where, 1, i)) or 0)
end
local keys = {}
for key, value in pairs(texts) do if type(key) == 'string' and value > 1 and value ~= 3000 then keys[#keys + 1] = key .. '=' .. value end end
table.sort(keys)
note('handlers', #keys, keys[1], texts.given)

-- Levels and tracebacks from inside.
local function level(n) local info = debug.getinfo(n, 'Sl') return info and info.currentline or -1 end
local function from(n) return level(n) end
local lines = 0
for i = 1, 3000 do
  local ok, line = pcall(from, i % 6 + 1)
  lines = (lines * 3 + line) % 1000003
  local text = select(2, pcall(debug.traceback, 'here'))
  lines = (lines + #text) % 1000003
end
note('levels', lines > 0)

-- A stack that overflows, again and again, and goes on.
local function deep(n) return 1 + deep(n + 1) end
local function native(n) return select(2, pcall(native, n + 1)) or n end
for i = 1, 3 do
  local ok, message = pcall(deep, 1)
  note('overflow', ok, message:match('stack overflow'), tostring(native(1)):match('overflow'))
end

-- Coroutines: values both ways, yields from nested calls and across pcall.
local function leaf(x) return (yield(x + 1)) * 2 end
local function branch(x) local ok, value = pcall(leaf, x) return ok and value or -1 end
local co = create(function(x) while true do x = branch(x) + 1 end end)
local total = 0
for i = 1, 20000 do
  local ok, value = resume(co, i)
  total = (total + value) % 1000003
end
note('across', total, coroutine.status(co), select('#', debug.traceback(co):gsub('\n', '')))

-- An error after a yield in a protected call of a coroutine; its end, and what is dead.
local function failing(n)
  return create(function(a)
    local ok, problem = pcall(function() a = yield(a) if a % 3 == 0 then error({ a }) end return a end)
    local b = yield(ok and problem or problem[1])
    if b % 5 == 0 then error('five ' .. b % 2) end
    return b, n
  end)
end
local ends = {}
for i = 1, 4000 do
  local co = failing(i)
  local _, first = resume(co, i)
  local _, second = resume(co, i + 1)
  local ok, third, fourth = resume(co, i + 2)
  local dead, message = resume(co)
  local key = ('%s %s %s'):format(ok, type(third), tostring(fourth == i))
  ends[key] = (ends[key] or 0) + 1
  total = (total + first + second + #message + (dead and 1 or 0)) % 1000003
end
note('ends', total, ends['true number true'], ends['false string false'])

-- Iterators made by wrap: in `for`, nested, left early, with errors.
local function range(n) return wrap(function() for i = 1, n do yield(i, i * i) end end) end
local function filter(f, source) return wrap(function() for value in source do if f(value) then yield(value) end end end) end
local found = 0
for i = 1, 300 do
  for a, b in range(i % 20) do
    if b and a == 15 then break end
    found = found + (b or 0)
  end
  for value in filter(function(x) return x % 3 == 0 end, range(30)) do found = found + value end
end
local stopping = 0
for i = 1, 1500 do
  local ok, message = pcall(function() for a in wrap(function() yield(1) yield(2) error('stop', 0) end) do stopping = stopping + a end end)
  stopping = stopping + #message
end
note('iterators', found, stopping)

-- A chain: coroutines that resume coroutines.
local function chain(n) if n == 0 then return range(2000) end local source = chain(n - 1) return wrap(function() for x in source do yield(x + 1) end end) end
local sum = 0
for x in chain(12) do sum = sum + x end
note('chain', sum)

-- Closing: variables of coroutines that are closed or fail, and their errors.
local closed = 0
local closing = setmetatable({}, { __close = function(_, problem) closed = closed + (problem and 10 or 1) end })
for i = 1, 2000 do
  local co = create(function(x) local guard <close> = closing x = yield(x) if x % 2 == 0 then error(x, 0) end yield(x) end)
  resume(co, 1)
  resume(co, i)
  closed = closed + (coroutine.close(co) and 100 or 1000)
  local ok, problem = pcall(function() local guard <close> = closing if i % 3 == 0 then error(i) end return i end)
  closed = closed + (ok and 1 or 2)
end
note('closing', closed)

-- What may not be done.
local messages = {}
for i = 1, 2000 do
  local own
  own = wrap(function() return pcall(own) end)
  local _, a, b = pcall(own)
  local _, c = pcall(table.sort, { 3, 2, 1 }, function(x, y) yield(x) end)
  local _, d = pcall(yield, i)
  local _, e = pcall(resume, i)
  for _, text in ipairs({ tostring(b), c, d, e }) do messages[text] = (messages[text] or 0) + 1 end
end
local list = {}
for text, times in pairs(messages) do list[#list + 1] = text:gsub('^.*:%d+: ', '') .. ' ' .. times end
table.sort(list)
note('refused', table.concat(list, '; '))

-- Variables of frames that wait are set from outside.
local function waiting() local x = 1 for i = 1, 50 do x = x + i yield(x) end return x end
local changed = 0
for i = 1, 300 do
  local co = create(waiting)
  for step = 1, 20 do
    resume(co)
    if step % 7 == 0 then debug.setlocal(co, 1, 1, i) end
  end
  changed = changed + select(2, resume(co))
end
note('changed', changed)

-- A hook that is set in between.
local hooks = 0
local function hooked(i)
  if i % 500 == 0 then debug.sethook(function() hooks = hooks + 1 debug.sethook() end, 'c') end
  return pass(i)
end
for i = 1, 4000 do pcall(hooked, i) end
note('hooks', hooks)

print(table.concat(results, '\n'))
