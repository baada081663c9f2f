-- Does what a specification test says, by the library `webassembly`: `directives` takes a list of what `script.rs` makes
-- of a file, and gives a list of what is wrong.
local spectest, kinds = ...

local hosts = setmetatable({}, {__index = function(hosts, number)
    local host = {}
    hosts[number] = host
    return host
end})

local registered = {spectest = webassembly.instantiate(webassembly.load(spectest))}
local is = webassembly.instantiate(webassembly.load(kinds))
local instances, definitions = {}, {}
local current, definition

local function load(file) return webassembly.load(file, '=test') end
local function instantiate(module) return webassembly.instantiate(module, registered) end

local function instance(name)
    return assert(name and instances[name] or not name and current, 'there is no such instance')
end

local function set_current(name, exports)
    current = exports
    if name then instances[name] = exports end
end

local function argument(value)
    return type(value) == 'table' and hosts[value[1]] or value
end

local actions = {}

function actions.invoke(action)
    local called = instance(action.instance)[action.export]
    assert(type(called) == 'function', 'there is no such function')
    local arguments = {}
    for index = 1, action.count do arguments[index] = argument(action.arguments[index]) end
    return called(table.unpack(arguments, 1, action.count))
end

function actions.get(action) return instance(action.instance)[action.export]:get() end
function actions.instantiate(action) instantiate(load(action.file)) end

local function act(action) return actions[action.kind](action) end

local matches = {}

function matches.integer(value, expected) return math.type(value) == 'integer' and value == expected.value end

-- Floats and vectors: what some of their bits must be.
function matches.float(value, expected)
    return math.type(value) == 'float' and string.unpack('<i8', string.pack('<d', value)) & expected[1] == expected[2]
end

function matches.vector(value, expected)
    if type(value) ~= 'string' or #value ~= 16 then return false end
    local low, high = string.unpack('<i8i8', value)
    return low & expected[1] == expected[2] and high & expected[3] == expected[4]
end

function matches.null(value) return value == nil end
function matches.present(value) return value ~= nil end
function matches.host(value, expected) return rawequal(value, hosts[expected.value]) end

-- What a reference refers to, as a function of WebAssembly sees it.
function matches.reference(value, expected)
    local has_type, answer = pcall(is[expected.type], value)
    return has_type and answer == 1
end

function matches.either(value, expected)
    for _, one in ipairs(expected) do
        if matches[one.kind](value, one) then return true end
    end
    return false
end

local function describe(value)
    if math.type(value) == 'float' then return ('%s (%016x)'):format(value, string.unpack('<i8', string.pack('<d', value))) end
    if type(value) == 'string' then return (value:gsub('.', function(byte) return ('%02x'):format(byte:byte()) end)) end
    return tostring(value)
end

-- Whether a message has what the specification says; for some it has a longer form, with a number.
local function says(message, wanted)
    if message:find(wanted, 1, true) then return true end
    for word in wanted:gmatch('%S+') do
        if not message:find(word, 1, true) and not tonumber(word) then return false end
    end
    return true
end

local does = {}

function does.module(directive) set_current(directive.name, instantiate(load(directive.file))) end

function does.definition(directive)
    definition = load(directive.file)
    if directive.name then definitions[directive.name] = definition end
end

function does.instance(directive)
    local module = directive.module and definitions[directive.module] or not directive.module and definition
    set_current(directive.name, instantiate(assert(module, 'no such module was defined')))
end

function does.register(directive) registered[directive.name] = instance(directive.instance) end
function does.act(directive) act(directive.action) end

function does.returns(directive)
    local results = table.pack(act(directive.action))
    local is_right = results.n == #directive.results
    for index, expected in ipairs(directive.results) do
        is_right = is_right and matches[expected.kind](results[index], expected)
    end
    if not is_right then
        for index = 1, results.n do results[index] = describe(results[index]) end
        error('got ' .. table.concat(results, ', ') .. ', not what is expected')
    end
end

function does.fails(directive)
    local has_succeeded, message = pcall(act, directive.action)
    if has_succeeded then error(('did not fail with "%s"'):format(directive.message)) end
    message = tostring(message)
    if not says(message, directive.message) then
        error(('failed with "%s", not "%s"'):format(message, directive.message))
    end
end

function does.throws(directive)
    local has_succeeded, exception = pcall(act, directive.action)
    if has_succeeded then error('no exception was thrown') end
    if type(exception) ~= 'userdata' then error(('failed with "%s", which is no exception'):format(exception)) end
end

function does.is_refused(directive)
    if pcall(load, directive.file) then error('the module was accepted') end
end

function directives(list)
    local wrong = {}
    for _, directive in ipairs(list) do
        local is_right, message = pcall(does[directive.kind], directive)
        if not is_right then wrong[#wrong + 1] = directive.line .. ': ' .. tostring(message) end
    end
    return wrong
end
