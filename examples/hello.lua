-- The first program: `lunette run examples/hello.lua [NAME]`
local name = ... or "world"
print(("hello %s, this is %s"):format(name, _VERSION))
