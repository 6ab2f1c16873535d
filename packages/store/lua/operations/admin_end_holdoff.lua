--- Ends the hold-off after data loss for an operator who knows that no former owner acts any more.
---
--- @arg   actor string
--- @arg   why   string
--- @reply ended left_ms:integer
--- @reply no_holdoff
--- @reply not_permitted
--- @include lib/hold_off.lua
--- @include lib/operator_log.lua

local OPERATION = 'admin.end-holdoff'

function operations.admin_end_holdoff(actor, why)
  local by = { actor = actor, why = why, caller = caller[IDENTITY] }
  local refused = operator_log.denied(OPERATION, by, {  })
  if refused then return refused end
  local left_ms = hold_off_left()
  if left_ms == 0 then
    operator_log.note_refused(OPERATION, 'not-found', by, {})
    return { 'no_holdoff' }
  end
  end_hold_off()
  operator_log.note('holdoff-ended', OPERATION, by, {})
  return { 'ended', left_ms }
end
