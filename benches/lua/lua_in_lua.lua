-- A Lua interpreter in Lua: lexer, recursive-descent parser and an evaluator that walks the tree,
-- running a program with closures, tables, metatables, loops and strings.
local size = tonumber(arg[1]) or 25

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function if in local nil not or repeat return
  then true until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local ESCAPES = { n = "\n", t = "\t", r = "\r", ["\\"] = "\\", ['"'] = '"', ["'"] = "'", ["0"] = "\0" }

local function lex(source)
  local tokens, at, line = {}, 1, 1
  local function push(kind, value) tokens[#tokens + 1] = { kind = kind, value = value, line = line } end
  while true do
    local from, to = source:find("^[ \t\r]+", at)
    if from then at = to + 1 end
    if at > #source then break end
    local c = source:sub(at, at)
    if c == "\n" then
      line, at = line + 1, at + 1
    elseif source:sub(at, at + 1) == "--" then
      at = source:find("\n", at, true) or #source + 1
    elseif c:find("[%a_]") then
      local word = source:match("^[%w_]+", at)
      push(KEYWORDS[word] and word or "name", word)
      at = at + #word
    elseif c:find("%d") then
      local number = source:match("^%d+%.?%d*", at)
      push("number", tonumber(number))
      at = at + #number
    elseif c == '"' or c == "'" then
      local pieces, position = {}, at + 1
      while true do
        local d = source:sub(position, position)
        if d == c then break end
        if d == "" then error("unfinished string on line " .. line) end
        if d == "\\" then
          position = position + 1
          d = ESCAPES[source:sub(position, position)] or error("bad escape on line " .. line)
        end
        pieces[#pieces + 1] = d
        position = position + 1
      end
      push("string", table.concat(pieces))
      at = position + 1
    else
      local symbol = source:match("^%.%.%.", at) or source:match("^[=~<>]=", at)
        or source:match("^%.%.", at) or source:match("^[%+%-%*/%%%^#<>=%(%){}%[%];:,%.]", at)
      if not symbol then error("unexpected '" .. c .. "' on line " .. line) end
      push(symbol, symbol)
      at = at + #symbol
    end
  end
  push("end of input")
  return tokens
end

local LEFT = {
  ["or"] = 1, ["and"] = 2, ["<"] = 3, [">"] = 3, ["<="] = 3, [">="] = 3, ["=="] = 3, ["~="] = 3,
  [".."] = 5, ["+"] = 6, ["-"] = 6, ["*"] = 7, ["/"] = 7, ["%"] = 7, ["^"] = 10,
}
local RIGHT = { [".."] = 4, ["^"] = 9 }
local UNARY = 8

local function parse(tokens)
  local at = 1
  local expression, block

  local function peek() return tokens[at].kind end
  local function take()
    at = at + 1
    return tokens[at - 1]
  end
  local function accept(kind)
    if tokens[at].kind == kind then
      at = at + 1
      return true
    end
    return false
  end
  local function expect(kind)
    local token = take()
    if token.kind ~= kind then
      error(kind .. " expected near " .. tostring(token.value) .. " on line " .. token.line)
    end
    return token.value
  end

  local function expressions()
    local list = { expression(0) }
    while accept(",") do list[#list + 1] = expression(0) end
    return list
  end

  local function body(method)
    local parameters, variadic = {}, false
    if method then parameters[1] = "self" end
    expect("(")
    while peek() ~= ")" do
      if accept("...") then
        variadic = true
        break
      end
      parameters[#parameters + 1] = expect("name")
      if not accept(",") then break end
    end
    expect(")")
    local statements = block()
    expect("end")
    return { tag = "Function", parameters = parameters, variadic = variadic, body = statements }
  end

  local function constructor()
    local node = { tag = "Table", items = {}, keys = {}, values = {} }
    expect("{")
    while peek() ~= "}" do
      if accept("[") then
        node.keys[#node.keys + 1] = expression(0)
        expect("]")
        expect("=")
        node.values[#node.values + 1] = expression(0)
      elseif peek() == "name" and tokens[at + 1].kind == "=" then
        node.keys[#node.keys + 1] = { tag = "Constant", value = take().value }
        take()
        node.values[#node.values + 1] = expression(0)
      else
        node.items[#node.items + 1] = expression(0)
      end
      if not (accept(",") or accept(";")) then break end
    end
    expect("}")
    return node
  end

  local function arguments()
    if peek() == "string" then return { { tag = "Constant", value = take().value } } end
    if peek() == "{" then return { constructor() } end
    expect("(")
    local list = peek() == ")" and {} or expressions()
    expect(")")
    return list
  end

  local function suffixed()
    local node
    if accept("(") then
      node = { tag = "Single", operand = expression(0) }
      expect(")")
    else
      node = { tag = "Variable", name = expect("name") }
    end
    while true do
      local kind = peek()
      if kind == "." then
        take()
        node = { tag = "Index", object = node, key = { tag = "Constant", value = expect("name") } }
      elseif kind == "[" then
        take()
        node = { tag = "Index", object = node, key = expression(0) }
        expect("]")
      elseif kind == ":" then
        take()
        node = { tag = "Method", object = node, name = expect("name"), arguments = arguments() }
      elseif kind == "(" or kind == "string" or kind == "{" then
        node = { tag = "Call", callee = node, arguments = arguments() }
      else
        return node
      end
    end
  end

  local function simple()
    local kind = peek()
    if kind == "number" or kind == "string" then return { tag = "Constant", value = take().value } end
    if accept("nil") then return { tag = "Constant" } end
    if accept("true") then return { tag = "Constant", value = true } end
    if accept("false") then return { tag = "Constant", value = false } end
    if accept("...") then return { tag = "Varargs" } end
    if accept("function") then return body(false) end
    if kind == "{" then return constructor() end
    return suffixed()
  end

  function expression(limit)
    local left
    local kind = peek()
    if kind == "not" or kind == "-" or kind == "#" then
      take()
      left = { tag = "Unary", operator = kind, operand = expression(UNARY) }
    else
      left = simple()
    end
    while true do
      local operator = peek()
      local priority = LEFT[operator]
      if not priority or priority <= limit then return left end
      take()
      local right = expression(RIGHT[operator] or priority)
      if operator == "and" or operator == "or" then
        left = { tag = operator == "and" and "And" or "Or", left = left, right = right }
      else
        left = { tag = "Binary", operator = operator, left = left, right = right }
      end
    end
  end

  local statements = {}

  statements["if"] = function()
    local node = { tag = "If", conditions = {}, blocks = {} }
    repeat
      take()
      node.conditions[#node.conditions + 1] = expression(0)
      expect("then")
      node.blocks[#node.blocks + 1] = block()
    until peek() ~= "elseif"
    if accept("else") then node.otherwise = block() end
    expect("end")
    return node
  end
  statements["while"] = function()
    take()
    local condition = expression(0)
    expect("do")
    local inner = block()
    expect("end")
    return { tag = "While", condition = condition, body = inner }
  end
  statements["repeat"] = function()
    take()
    local inner = block()
    expect("until")
    return { tag = "Repeat", body = inner, condition = expression(0) }
  end
  statements["do"] = function()
    take()
    local inner = block()
    expect("end")
    return { tag = "Do", body = inner }
  end
  statements["for"] = function()
    take()
    local names = { expect("name") }
    if accept("=") then
      local range = expressions()
      expect("do")
      local inner = block()
      expect("end")
      return { tag = "NumericFor", name = names[1], range = range, body = inner }
    end
    while accept(",") do names[#names + 1] = expect("name") end
    expect("in")
    local sources = expressions()
    expect("do")
    local inner = block()
    expect("end")
    return { tag = "GenericFor", names = names, sources = sources, body = inner }
  end
  statements["function"] = function()
    take()
    local target = { tag = "Variable", name = expect("name") }
    local method = false
    while peek() == "." or peek() == ":" do
      method = take().kind == ":"
      target = { tag = "Index", object = target, key = { tag = "Constant", value = expect("name") } }
      if method then break end
    end
    return { tag = "Assign", targets = { target }, values = { body(method) } }
  end
  statements["local"] = function()
    take()
    if accept("function") then
      local name = expect("name")
      return { tag = "LocalFunction", name = name, value = body(false) }
    end
    local names = { expect("name") }
    while accept(",") do names[#names + 1] = expect("name") end
    return { tag = "Local", names = names, values = accept("=") and expressions() or {} }
  end
  statements["return"] = function()
    take()
    local kind = peek()
    local values = {}
    if not (kind == "end" or kind == "else" or kind == "elseif" or kind == "until"
      or kind == "end of input" or kind == ";") then
      values = expressions()
    end
    accept(";")
    return { tag = "Return", values = values }
  end
  statements["break"] = function()
    take()
    return { tag = "Break" }
  end

  local function statement()
    local special = statements[peek()]
    if special then return special() end
    local first = suffixed()
    if first.tag == "Call" or first.tag == "Method" then return { tag = "Do_call", call = first } end
    local targets = { first }
    while accept(",") do targets[#targets + 1] = suffixed() end
    expect("=")
    return { tag = "Assign", targets = targets, values = expressions() }
  end

  function block()
    local list = {}
    while true do
      while accept(";") do end
      local kind = peek()
      if kind == "end" or kind == "else" or kind == "elseif" or kind == "until" or kind == "end of input" then
        return list
      end
      list[#list + 1] = statement()
      if kind == "return" then return list end
    end
  end

  local program = block()
  expect("end of input")
  return program
end

-- A scope maps names to boxes, so that closures share the variables of their makers.
local function child(scope) return { boxes = {}, parent = scope, varargs = scope.varargs } end

local function lookup(scope, name)
  while scope do
    local box = scope.boxes[name]
    if box then return box end
    scope = scope.parent
  end
  return nil
end

local unpack = table.unpack or unpack
local function pack(...) return { n = select("#", ...), ... } end

local evaluate, execute, globals

local multiple = {}

local function evaluate_list(nodes, scope)
  local values, n = {}, #nodes
  for i = 1, n - 1 do values[i] = evaluate[nodes[i].tag](nodes[i], scope) end
  if n == 0 then return values, 0 end
  local last = nodes[n]
  local many = multiple[last.tag]
  if not many then
    values[n] = evaluate[last.tag](last, scope)
    return values, n
  end
  local rest = many(last, scope)
  for i = 1, rest.n do values[n - 1 + i] = rest[i] end
  return values, n - 1 + rest.n
end

function multiple.Call(node, scope)
  local callee = evaluate[node.callee.tag](node.callee, scope)
  local values, n = evaluate_list(node.arguments, scope)
  return pack(callee(unpack(values, 1, n)))
end

function multiple.Method(node, scope)
  local object = evaluate[node.object.tag](node.object, scope)
  local values, n = evaluate_list(node.arguments, scope)
  return pack(object[node.name](object, unpack(values, 1, n)))
end

function multiple.Varargs(_, scope) return scope.varargs end

local binary = {
  ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end,
  ["*"] = function(a, b) return a * b end, ["/"] = function(a, b) return a / b end,
  ["%"] = function(a, b) return a % b end, ["^"] = function(a, b) return a ^ b end,
  [".."] = function(a, b) return a .. b end, ["=="] = function(a, b) return a == b end,
  ["~="] = function(a, b) return a ~= b end, ["<"] = function(a, b) return a < b end,
  ["<="] = function(a, b) return a <= b end, [">"] = function(a, b) return a > b end,
  [">="] = function(a, b) return a >= b end,
}
local unary = {
  ["-"] = function(a) return -a end,
  ["not"] = function(a) return not a end,
  ["#"] = function(a) return #a end,
}

evaluate = {}
function evaluate.Constant(node) return node.value end
function evaluate.Single(node, scope) return evaluate[node.operand.tag](node.operand, scope) end
function evaluate.Varargs(_, scope) return scope.varargs[1] end
function evaluate.Call(node, scope) return multiple.Call(node, scope)[1] end
function evaluate.Method(node, scope) return multiple.Method(node, scope)[1] end
function evaluate.Variable(node, scope)
  local box = lookup(scope, node.name)
  if box then return box.value end
  return globals[node.name]
end
function evaluate.Index(node, scope)
  return evaluate[node.object.tag](node.object, scope)[evaluate[node.key.tag](node.key, scope)]
end
function evaluate.Unary(node, scope)
  return unary[node.operator](evaluate[node.operand.tag](node.operand, scope))
end
function evaluate.Binary(node, scope)
  local left = evaluate[node.left.tag](node.left, scope)
  return binary[node.operator](left, evaluate[node.right.tag](node.right, scope))
end
function evaluate.And(node, scope)
  return evaluate[node.left.tag](node.left, scope) and evaluate[node.right.tag](node.right, scope)
end
function evaluate.Or(node, scope)
  return evaluate[node.left.tag](node.left, scope) or evaluate[node.right.tag](node.right, scope)
end
function evaluate.Table(node, scope)
  local result = evaluate_list(node.items, scope)
  for i, key in ipairs(node.keys) do
    local value = node.values[i]
    result[evaluate[key.tag](key, scope)] = evaluate[value.tag](value, scope)
  end
  return result
end
function evaluate.Function(node, scope)
  local parameters, variadic, statements = node.parameters, node.variadic, node.body
  local fixed = #parameters
  return function(...)
    local inner = { boxes = {}, parent = scope }
    local passed = pack(...)
    for i = 1, fixed do inner.boxes[parameters[i]] = { value = passed[i] } end
    if variadic then
      local rest = { n = math.max(passed.n - fixed, 0) }
      for i = 1, rest.n do rest[i] = passed[fixed + i] end
      inner.varargs = rest
    end
    local signal, values, n = execute(statements, inner)
    if signal == "return" then return unpack(values, 1, n) end
  end
end

local run = {}

-- Runs statements; gives back nil, "break", or "return" with values and their count.
function execute(statements, scope)
  for i = 1, #statements do
    local node = statements[i]
    local signal, values, n = run[node.tag](node, scope)
    if signal then return signal, values, n end
  end
end

function run.Do_call(node, scope) multiple[node.call.tag](node.call, scope) end
function run.Do(node, scope) return execute(node.body, child(scope)) end
function run.Break() return "break" end
function run.Return(node, scope)
  local values, n = evaluate_list(node.values, scope)
  return "return", values, n
end
function run.Local(node, scope)
  local values = evaluate_list(node.values, scope)
  for i, name in ipairs(node.names) do scope.boxes[name] = { value = values[i] } end
end
function run.LocalFunction(node, scope)
  local box = {}
  scope.boxes[node.name] = box
  box.value = evaluate.Function(node.value, scope)
end
function run.Assign(node, scope)
  local values = evaluate_list(node.values, scope)
  for i, target in ipairs(node.targets) do
    if target.tag == "Variable" then
      local box = lookup(scope, target.name)
      if box then box.value = values[i] else globals[target.name] = values[i] end
    else
      local object = evaluate[target.object.tag](target.object, scope)
      object[evaluate[target.key.tag](target.key, scope)] = values[i]
    end
  end
end
function run.If(node, scope)
  for i, condition in ipairs(node.conditions) do
    if evaluate[condition.tag](condition, scope) then return execute(node.blocks[i], child(scope)) end
  end
  if node.otherwise then return execute(node.otherwise, child(scope)) end
end
function run.While(node, scope)
  local condition = node.condition
  while evaluate[condition.tag](condition, scope) do
    local signal, values, n = execute(node.body, child(scope))
    if signal == "break" then return end
    if signal then return signal, values, n end
  end
end
function run.Repeat(node, scope)
  local condition = node.condition
  repeat
    local inner = child(scope)
    local signal, values, n = execute(node.body, inner)
    if signal == "break" then return end
    if signal then return signal, values, n end
  until evaluate[condition.tag](condition, inner)
end
function run.NumericFor(node, scope)
  local range = evaluate_list(node.range, scope)
  for i = range[1], range[2], range[3] or 1 do
    local inner = child(scope)
    inner.boxes[node.name] = { value = i }
    local signal, values, n = execute(node.body, inner)
    if signal == "break" then return end
    if signal then return signal, values, n end
  end
end
function run.GenericFor(node, scope)
  local sources = evaluate_list(node.sources, scope)
  local step, state, control = sources[1], sources[2], sources[3]
  while true do
    local found = pack(step(state, control))
    control = found[1]
    if control == nil then return end
    local inner = child(scope)
    for i, name in ipairs(node.names) do inner.boxes[name] = { value = found[i] } end
    local signal, values, n = execute(node.body, inner)
    if signal == "break" then return end
    if signal then return signal, values, n end
  end
end

local PROGRAM = [==[
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
emit("fib", fib(SIZE))

-- primes by a sieve
local composite, primes = {}, {}
for i = 2, SIZE * 100 do
  if not composite[i] then
    primes[#primes + 1] = i
    local j = i * i
    while j <= SIZE * 100 do composite[j] = true; j = j + i end
  end
end
emit("primes", #primes, primes[#primes])

-- classes by metatables
local Account = {}
Account.__index = Account
function Account.new(owner) return setmetatable({ owner = owner, balance = 0 }, Account) end
function Account:deposit(amount)
  self.balance = self.balance + amount
  return self
end
Account.__add = function(a, b) return Account.new(a.owner .. "&" .. b.owner):deposit(a.balance + b.balance) end
local left, right = Account.new("left"), Account.new("right")
for i = 1, SIZE * 50 do left:deposit(i):deposit(1); right:deposit(2) end
local joint = left + right
emit(joint.owner, joint.balance)

-- closures, varargs, several results
local function compose(...)
  local functions = { ... }
  return function(x)
    for i = #functions, 1, -1 do x = functions[i](x) end
    return x
  end
end
local function divide(a, b) return (a - a % b) / b, a % b end
local twice_plus_one = compose(function(x) return x + 1 end, function(x) return x * 2 end)
local sum = 0
for i = 1, SIZE * 40 do
  local quotient, rest = divide(twice_plus_one(i), 7)
  sum = sum + quotient * 3 - rest
end
emit("sum", sum)

-- bubble sort, generic for, strings, repeat
local list, seed = {}, 17
for i = 1, SIZE * 4 do seed = (seed * 16807) % 2147483647; list[i] = seed % 1000 end
repeat
  local swapped = false
  for i = 1, #list - 1 do
    if list[i] > list[i + 1] then
      list[i], list[i + 1] = list[i + 1], list[i]
      swapped = true
    end
  end
until not swapped
local text = ""
for i, value in ipairs(list) do
  if i > 12 then break end
  text = text .. value .. (i < 12 and "," or "")
end
emit("sorted", text)
]==]

local output = {}
globals = {
  SIZE = size,
  setmetatable = setmetatable,
  ipairs = ipairs,
  emit = function(...)
    local line = {}
    for i, value in ipairs({ ... }) do
      line[i] = type(value) == "number" and string.format("%d", value) or value
    end
    output[#output + 1] = table.concat(line, " ")
  end,
}
execute(parse(lex(PROGRAM)), { boxes = {}, varargs = { n = 0 } })
print(table.concat(output, "\n"))
