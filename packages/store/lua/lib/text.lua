--- Numbers as Redis keeps them.

--- Lua's own `tostring` writes 1.7e+15 for an epoch: it keeps 14 digits.
local function text(number)
  return string.format('%.0f', number)
end
