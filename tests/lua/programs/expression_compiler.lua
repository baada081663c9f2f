-- Arithmetic expressions to a stack machine's code, with constant folding, and the machine.
local function tokenize(text)
  local tokens, at = {}, 1
  while at <= #text do
    local blank = text:match("^%s+", at)
    if blank then
      at = at + #blank
    else
      local number = text:match("^%d+%.?%d*", at)
      local name = text:match("^[%a_][%w_]*", at)
      local symbol = text:match("^[<>=!]=", at) or text:match("^[-+*/%^(),<>?:%%]", at)
      local value = number or name or symbol or error("unexpected '" .. text:sub(at, at) .. "' at " .. at, 0)
      tokens[#tokens + 1] = { kind = number and "number" or name and "name" or value, value = number and tonumber(number) or value, at = at }
      at = at + #value
    end
  end
  tokens[#tokens + 1] = { kind = "end", at = at }
  return tokens
end

local precedence = {
  ["?"] = { 1, 1 }, ["=="] = { 2, 3 }, ["!="] = { 2, 3 }, ["<"] = { 4, 5 }, [">"] = { 4, 5 }, ["<="] = { 4, 5 }, [">="] = { 4, 5 },
  ["+"] = { 6, 7 }, ["-"] = { 6, 7 }, ["*"] = { 8, 9 }, ["/"] = { 8, 9 }, ["%"] = { 8, 9 }, ["^"] = { 13, 12 },
}

local function parse(text)
  local tokens, at = tokenize(text), 1
  local function peek() return tokens[at].kind end
  local function take(kind)
    local token = tokens[at]
    if kind and token.kind ~= kind then error(("'%s' expected at %d, got '%s'"):format(kind, token.at, token.kind), 0) end
    at = at + 1
    return token
  end
  local expression
  local function primary()
    local token = take()
    if token.kind == "number" then return { "constant", token.value } end
    if token.kind == "name" then
      if peek() ~= "(" then return { "variable", token.value } end
      take("(")
      local call = { "call", token.value }
      if peek() ~= ")" then
        repeat call[#call + 1] = expression(0) until peek() ~= "," or not take(",")
      end
      take(")")
      return call
    end
    if token.kind == "-" then return { "negate", expression(10) } end
    if token.kind == "(" then
      local inner = expression(0)
      take(")")
      return inner
    end
    error(("unexpected '%s' at %d"):format(token.kind, token.at), 0)
  end
  function expression(limit)
    local left = primary()
    while true do
      local operator = peek()
      local power = precedence[operator]
      if not power or power[1] <= limit then return left end
      take()
      if operator == "?" then
        local yes = expression(0)
        take(":")
        left = { "choose", left, yes, expression(0) }
      else
        left = { "binary", operator, left, expression(power[2] - (operator == "^" and 0 or 1)) }
      end
    end
  end
  local tree = expression(0)
  take("end")
  return tree
end

local operators = {
  ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end, ["*"] = function(a, b) return a * b end,
  ["/"] = function(a, b) return a / b end, ["%"] = function(a, b) return a % b end, ["^"] = function(a, b) return a ^ b end,
  ["<"] = function(a, b) return a < b and 1 or 0 end, [">"] = function(a, b) return a > b and 1 or 0 end,
  ["<="] = function(a, b) return a <= b and 1 or 0 end, [">="] = function(a, b) return a >= b and 1 or 0 end,
  ["=="] = function(a, b) return a == b and 1 or 0 end, ["!="] = function(a, b) return a ~= b and 1 or 0 end,
}
local functions = { min = math.min, max = math.max, abs = math.abs, sqrt = math.sqrt, floor = math.floor, sum = function(...) local s = 0 for i = 1, select("#", ...) do s = s + (select(i, ...)) end return s end }

local function fold(node)
  local kind = node[1]
  if kind == "binary" then
    local left, right = fold(node[3]), fold(node[4])
    if left[1] == "constant" and right[1] == "constant" then return { "constant", operators[node[2]](left[2], right[2]) } end
    return { "binary", node[2], left, right }
  elseif kind == "negate" then
    local inner = fold(node[2])
    return inner[1] == "constant" and { "constant", -inner[2] } or { "negate", inner }
  elseif kind == "choose" then
    local condition = fold(node[2])
    if condition[1] == "constant" then return fold(condition[2] ~= 0 and node[3] or node[4]) end
    return { "choose", condition, fold(node[3]), fold(node[4]) }
  elseif kind == "call" then
    local call = { "call", node[2] }
    for i = 3, #node do call[i] = fold(node[i]) end
    return call
  end
  return node
end

local emit = {}
local function generate(node, code) emit[node[1]](node, code) return code end
function emit.constant(node, code) code[#code + 1] = { "push", node[2] } end
function emit.variable(node, code) code[#code + 1] = { "load", node[2] } end
function emit.negate(node, code) generate(node[2], code) code[#code + 1] = { "negate" } end
function emit.binary(node, code) generate(node[3], code) generate(node[4], code) code[#code + 1] = { "operate", node[2] } end
function emit.call(node, code)
  for i = 3, #node do generate(node[i], code) end
  code[#code + 1] = { "call", node[2], #node - 2 }
end
function emit.choose(node, code)
  generate(node[2], code)
  local branch = { "jump if zero" }
  code[#code + 1] = branch
  generate(node[3], code)
  local skip = { "jump" }
  code[#code + 1] = skip
  branch[2] = #code + 1
  generate(node[4], code)
  skip[2] = #code + 1
end

local function run(code, variables)
  local stack, top, pc = {}, 0, 1
  while pc <= #code do
    local op, a, b = table.unpack(code[pc])
    pc = pc + 1
    if op == "push" then top = top + 1 stack[top] = a
    elseif op == "load" then top = top + 1 stack[top] = variables[a] or error("no variable '" .. a .. "'", 0)
    elseif op == "negate" then stack[top] = -stack[top]
    elseif op == "operate" then stack[top - 1] = operators[a](stack[top - 1], stack[top]) top = top - 1
    elseif op == "jump" then pc = a
    elseif op == "jump if zero" then if stack[top] == 0 then pc = a end top = top - 1
    elseif op == "call" then
      local f = functions[a] or error("no function '" .. a .. "'", 0)
      top = top - b + 1
      stack[top] = f(table.unpack(stack, top, top + b - 1))
    end
  end
  assert(top == 1)
  return stack[1]
end

local variables = { x = 3, y = 4, big = 1e10, zero = 0 }
for _, text in ipairs({
  "1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-2 ^ 2", "10 - 4 - 3", "x * x + y * y", "sqrt(x ^ 2 + y ^ 2)", "x < y ? 100 : 200",
  "x > y ? 1 : x == 3 ? 2 : 3", "max(x, y, 10) - min(x, y)", "sum(1, 2, 3, x, y)", "1 / zero", "7 % 3 * x", "-(x + 1)", "1 < 2 ? x : y", "sum()",
  "abs(-7.5) + floor(3.9)", "big * big", "1 +", "(1", "nosuch(1)", "unknown + 1", "1 $ 2", "f(,)", "2 3", "x >= 3 == 1",
}) do
  local ok, tree = pcall(parse, text)
  if not ok then
    print(text, "error: " .. tree)
  else
    local plain, folded = generate(tree, {}), generate(fold(tree), {})
    local ok1, a = pcall(run, plain, variables)
    local ok2, b = pcall(run, folded, variables)
    assert(ok1 == ok2 and (a == b or a ~= a))
    print(text, ok1 and a or "error: " .. a, #plain .. " -> " .. #folded)
  end
end
for i, instruction in ipairs(generate(parse("x < y ? max(x, 2 * y) : -x"), {})) do print(i, table.unpack(instruction)) end
