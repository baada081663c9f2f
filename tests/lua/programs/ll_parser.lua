-- An LL(1) parser generator: FIRST and FOLLOW sets, the table, its conflicts, and a parse.
local END, EMPTY = "$", "empty"

local function read_grammar(text)
  local grammar = { rules = {}, order = {}, terminals = {} }
  for line in text:gmatch("[^\n]+") do
    local name, body = line:match("^%s*(%w+)%s*%->%s*(.-)%s*$")
    if name then
      if not grammar.rules[name] then
        grammar.rules[name] = {}
        grammar.order[#grammar.order + 1] = name
      end
      for alternative in (body .. " |"):gmatch("(.-)%s+|%s*") do
        local symbols = {}
        for symbol in alternative:gmatch("%S+") do
          if symbol ~= EMPTY then symbols[#symbols + 1] = symbol end
        end
        table.insert(grammar.rules[name], symbols)
      end
    end
  end
  grammar.start = grammar.order[1]
  for _, name in ipairs(grammar.order) do
    for _, symbols in ipairs(grammar.rules[name]) do
      for _, symbol in ipairs(symbols) do
        if not grammar.rules[symbol] then grammar.terminals[symbol] = true end
      end
    end
  end
  return grammar
end

local function merge(into, from)
  local changed = false
  for symbol in pairs(from) do
    if symbol ~= EMPTY and not into[symbol] then
      into[symbol] = true
      changed = true
    end
  end
  return changed
end

local function first_of(grammar, symbols, from)
  local set = {}
  for i = from or 1, #symbols do
    local symbol = symbols[i]
    if not grammar.rules[symbol] then
      set[symbol] = true
      return set
    end
    merge(set, grammar.first[symbol])
    if not grammar.first[symbol][EMPTY] then return set end
  end
  set[EMPTY] = true
  return set
end

local function analyse(grammar)
  grammar.first, grammar.follow, grammar.table, grammar.conflicts = {}, {}, {}, {}
  for _, name in ipairs(grammar.order) do grammar.first[name], grammar.follow[name], grammar.table[name] = {}, {}, {} end
  local changed
  repeat
    changed = false
    for _, name in ipairs(grammar.order) do
      for _, symbols in ipairs(grammar.rules[name]) do
        local set = first_of(grammar, symbols)
        changed = merge(grammar.first[name], set) or changed
        if set[EMPTY] and not grammar.first[name][EMPTY] then
          grammar.first[name][EMPTY] = true
          changed = true
        end
      end
    end
  until not changed
  grammar.follow[grammar.start][END] = true
  repeat
    changed = false
    for _, name in ipairs(grammar.order) do
      for _, symbols in ipairs(grammar.rules[name]) do
        for i, symbol in ipairs(symbols) do
          if grammar.rules[symbol] then
            local set = first_of(grammar, symbols, i + 1)
            changed = merge(grammar.follow[symbol], set) or changed
            if set[EMPTY] then changed = merge(grammar.follow[symbol], grammar.follow[name]) or changed end
          end
        end
      end
    end
  until not changed
  for _, name in ipairs(grammar.order) do
    for index, symbols in ipairs(grammar.rules[name]) do
      local set = first_of(grammar, symbols)
      if set[EMPTY] then merge(set, grammar.follow[name]) end
      for symbol in pairs(set) do
        if symbol ~= EMPTY then
          if grammar.table[name][symbol] then table.insert(grammar.conflicts, name .. " on " .. symbol) end
          grammar.table[name][symbol] = grammar.table[name][symbol] or index
        end
      end
    end
  end
  table.sort(grammar.conflicts)
  return grammar
end

local function sorted(set)
  local list = {}
  for symbol in pairs(set) do list[#list + 1] = symbol end
  table.sort(list)
  return "{" .. table.concat(list, " ") .. "}"
end

local function parse(grammar, tokens)
  local root = { name = grammar.start }
  local stack, at, steps = { { name = END }, root }, 1, 0
  tokens[#tokens + 1] = { END, "" }
  while #stack > 0 do
    local node = table.remove(stack)
    local kind, text = tokens[at][1], tokens[at][2]
    steps = steps + 1
    if not grammar.rules[node.name] then
      if node.name ~= kind then return nil, ("expected %s, got %s at token %d"):format(node.name, kind, at) end
      node.text = text
      at = at + 1
    else
      local index = grammar.table[node.name][kind]
      if not index then return nil, ("unexpected %s in %s at token %d, one of %s fits"):format(kind, node.name, at, sorted(grammar.table[node.name])) end
      for i, symbol in ipairs(grammar.rules[node.name][index]) do node[i] = { name = symbol } end
      for i = #node, 1, -1 do stack[#stack + 1] = node[i] end
    end
  end
  return root, steps
end

local function tokens_of(text)
  local list = {}
  for word in text:gmatch("%S+") do
    list[#list + 1] = { tonumber(word) and "num" or word:match("^%a+$") and "id" or word, word }
  end
  return list
end

local function show(node)
  if node.text then return node.text end
  local parts = {}
  for i, child in ipairs(node) do parts[i] = show(child) end
  return #parts == 0 and "" or #parts == 1 and parts[1] or "(" .. table.concat(parts, " "):gsub("%s+", " "):gsub("^%s", ""):gsub("%s%)", ")"):gsub("%s$", "") .. ")"
end

local arithmetic = analyse(read_grammar([[
  E -> T X
  X -> + T X | - T X | empty
  T -> F Y
  Y -> * F Y | / F Y | empty
  F -> ( E ) | num | id A | - F
  A -> ( L ) | empty
  L -> E M | empty
  M -> , E M | empty
]]))
for _, name in ipairs(arithmetic.order) do print(name, "first " .. sorted(arithmetic.first[name]), "follow " .. sorted(arithmetic.follow[name])) end
print("terminals " .. sorted(arithmetic.terminals), #arithmetic.conflicts .. " conflicts")
for _, name in ipairs(arithmetic.order) do
  local cells = {}
  for symbol, index in pairs(arithmetic.table[name]) do cells[#cells + 1] = symbol .. ":" .. index end
  table.sort(cells)
  print(name, table.concat(cells, " "))
end
for _, text in ipairs({ "1 + 2 * 3", "( a + 4 ) * - f ( x , y + 1 , 2 )", "f ( )", "1 +", "( 1", "1 2", "* 3", "f ( 1 , )" }) do
  local tree, message = parse(arithmetic, tokens_of(text))
  print(text, tree and show(tree) or "error: " .. message, tree and message or "")
end
local ambiguous = analyse(read_grammar([[
  S -> if id S O | id
  O -> else S | empty
]]))
print(table.concat(ambiguous.conflicts, "; "), sorted(ambiguous.follow.O))
local recursive = analyse(read_grammar("  E -> E + num | num"))
print(table.concat(recursive.conflicts, "; "))
