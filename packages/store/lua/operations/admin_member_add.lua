--- Configures a static membership for an operator (forwarding contract, section 10).
---
--- @arg   interface interface
--- @arg   entry     string
--- @arg   actor     string
--- @arg   why       string
--- @reply done changed:flag mrev:integer
--- @reply limit
--- @reply store_full
--- @reply not_permitted
--- @include lib/statics.lua
--- @include lib/operator_log.lua

local OPERATION = 'admin.member.add'

function operations.admin_member_add(interface, entry, actor, why)
  local by = { actor = actor, why = why, caller = caller[IDENTITY] }
  local detail = { interface = interface, entry = entry }
  local refused = operator_log.denied(OPERATION, by, detail)
  if refused then return refused end
  if router.is_full then return { 'store_full' } end
  local is_new = statics.add(interface, entry, by)
  if is_new == nil then
    operator_log.note_refused(OPERATION, 'limit', by, detail)
    return { 'limit' }
  end
  if is_new then operator_log.note('joined', OPERATION, by, detail) end
  mfe_changes.close()
  return { 'done', is_new and 1 or 0, router.members.mrev }
end
