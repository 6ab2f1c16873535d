--- Removes a static membership for an operator (forwarding contract, section 10).
---
--- @arg   interface interface
--- @arg   entry     string
--- @arg   actor     string
--- @arg   why       string
--- @reply done mrev:integer
--- @reply unknown_membership
--- @reply not_permitted
--- @include lib/statics.lua
--- @include lib/operator_log.lua

local OPERATION = 'admin.member.delete'

function operations.admin_member_delete(interface, entry, actor, why)
  local by = { actor = actor, why = why, caller = caller[IDENTITY] }
  local detail = { interface = interface, entry = entry }
  local refused = operator_log.denied(OPERATION, by, detail)
  if refused then return refused end
  local is_removed = statics.remove(interface, entry, by)
  mfe_changes.close()
  if not is_removed then
    operator_log.note_refused(OPERATION, 'not-found', by, detail)
    return { 'unknown_membership' }
  end
  operator_log.note('left', OPERATION, by, detail)
  return { 'done', router.members.mrev }
end
