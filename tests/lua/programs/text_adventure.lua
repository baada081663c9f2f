-- A text adventure: rooms and characters are coroutines, the player's commands come from a script.
local yield = coroutine.yield
local world = { inventory = {}, turns = 0, log = {} }
local function say(text, ...) print((text:format(...):gsub("%s+", " "))) end
local rooms, characters = {}, {}

local function room(name, description, exits, items)
  rooms[name] = coroutine.wrap(function(command, argument)
    local visited = false
    while true do
      if command == "enter" or command == "look" then
        say("%s", visited and command == "enter" and "Back in the " .. name .. "." or description)
        visited = true
        local seen = {}
        for item in pairs(items) do seen[#seen + 1] = item end
        table.sort(seen)
        if #seen > 0 then say("You see: %s.", table.concat(seen, ", ")) end
        command, argument = yield(true)
      elseif command == "take" and items[argument] then
        items[argument] = nil
        world.inventory[argument] = true
        say("Taken: %s.", argument)
        command, argument = yield(true)
      elseif command == "drop" and world.inventory[argument] then
        world.inventory[argument] = nil
        items[argument] = true
        say("Dropped: %s.", argument)
        command, argument = yield(true)
      elseif command == "go" and exits[argument] then
        local exit = exits[argument]
        if type(exit) == "function" then exit = exit() end
        if exit then world.room = exit command, argument = yield("moved") else command, argument = yield(true) end
      else
        command, argument = yield(false)
      end
    end
  end)
end

room("hall", "A draughty hall with a door to the north and stairs down.", {
  north = function()
    if world.unlocked then return "study" end
    say("The door is locked.")
  end,
  down = "cellar",
}, { lamp = true })
room("cellar", "A dark cellar smelling of onions.", { up = "hall" }, { onion = true, key = true })
room("study", "A study full of books. The exit is south.", { south = "hall" }, { book = true })

characters.ghost = coroutine.wrap(function()
  for _, line in ipairs({ "A ghost moans.", "The ghost rattles its chains.", "The ghost says: 'Read the book!'" }) do
    for _ = 1, 3 do yield() end
    say("%s", line)
  end
  while true do yield() end
end)
characters.rat = coroutine.wrap(function()
  while true do
    if world.room == "cellar" and world.inventory.onion then
      say("A rat steals the onion.")
      world.inventory.onion = nil
      return
    end
    yield()
  end
end)

local verbs = {}
function verbs.inventory()
  local list = {}
  for item in pairs(world.inventory) do list[#list + 1] = item end
  table.sort(list)
  say("You carry: %s.", #list > 0 and table.concat(list, ", ") or "nothing")
end
function verbs.use(item)
  if item == "key" and world.inventory.key and world.room == "hall" then
    world.unlocked = true
    say("The door opens.")
  else
    say("Nothing happens.")
  end
end
function verbs.read(item)
  if item == "book" and world.inventory.book then
    say("'The end', says the book. You win after %d turns.", world.turns)
    world.over = true
  else
    say("There is nothing to read.")
  end
end

local function turn(line)
  world.turns = world.turns + 1
  print("> " .. line)
  local verb, object = line:match("^(%a+)%s*(.*)$")
  if verbs[verb] then
    verbs[verb](object)
  else
    local result = rooms[world.room](verb, object)
    if result == "moved" then rooms[world.room]("enter") elseif not result then say("You can't do that.") end
  end
  local names = {}
  for name in pairs(characters) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local ok, message = pcall(characters[name])
    if not ok then
      assert(message:find("dead coroutine"))
      characters[name] = nil
    end
  end
end

world.room = "hall"
rooms.hall("enter")
for line in ([[
look
take lamp
take moon
go north
go down
take onion
take key
inventory
go up
use key
use key
go north
read book
take book
drop lamp
look
go south
go north
read book
jump
]]):gmatch("[^\n]+") do
  if world.over then
    print("(over: " .. line .. ")")
  else
    turn(line)
  end
end
