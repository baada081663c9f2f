-- All solutions of the n queens puzzle: recursion over three marker arrays.
local n = tonumber(arg[1]) or 13

local columns, rising, falling = {}, {}, {}
for i = 1, n do columns[i] = true end
for i = 1, 2 * n do rising[i], falling[i] = true, true end

local board, solutions, checksum = {}, 0, 0

local function place(row)
  if row > n then
    solutions = solutions + 1
    for i = 1, n do checksum = (checksum * 13 + board[i]) % 999983 end
    return
  end
  for column = 1, n do
    local up, down = row + column, row - column + n
    if columns[column] and rising[up] and falling[down] then
      columns[column], rising[up], falling[down] = false, false, false
      board[row] = column
      place(row + 1)
      columns[column], rising[up], falling[down] = true, true, true
    end
  end
end

place(1)
print(string.format("%d %d", solutions, checksum))
