--- Numbers and lists in the form that Redis commands accept.

--- `tostring` writes 1.7e+15 for an epoch, since it keeps 14 digits. `%d` is exact up to 2^53 and beyond, and three times faster
--- than `%.0f`.
local function text(number)
  return string.format('%d', number)
end

--- `unpack` in Redis returns fewer than 8000 values.
local CHUNK = 4000

--- Calls `send` with chunks of the list that `unpack` can return. Their length is even, so that pairs stay together.
local function in_chunks(list, send)
  for first = 1, #list, CHUNK do
    send(unpack(list, first, math.min(first + CHUNK - 1, #list)))
  end
end
