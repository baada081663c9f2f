-- Escape times of the Mandelbrot set: float arithmetic in registers.
local size = tonumber(arg[1]) or 1024

local inside, checksum = 0, 0
for row = 0, size - 1 do
  local ci = 2 * row / size - 1
  for column = 0, size - 1 do
    local cr = 2 * column / size - 1.5
    local zr, zi, zr2, zi2 = 0.0, 0.0, 0.0, 0.0
    local steps = 0
    while steps < 50 and zr2 + zi2 <= 4 do
      zi = 2 * zr * zi + ci
      zr = zr2 - zi2 + cr
      zr2, zi2 = zr * zr, zi * zi
      steps = steps + 1
    end
    if steps == 50 then inside = inside + 1 end
    checksum = (checksum * 31 + steps) % 1000003
  end
end
print(string.format("%d %d", inside, checksum))
