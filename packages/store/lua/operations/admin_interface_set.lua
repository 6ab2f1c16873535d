--- Changes the settings of an interface for an operator (forwarding contract, section 10).
---
--- @arg   interface   interface
--- @arg   max_groups  integer   -1 to leave it
--- @arg   max_entries integer   -1 to leave it
--- @arg   lite        integer   0, 1, or -1 to leave it
--- @arg   actor       string
--- @arg   why         string
--- @reply set changed:flag max_groups:integer max_entries:integer lite:flag
--- @reply store_full
--- @reply not_permitted
--- @exclusive
--- @include lib/interface_limits.lua
--- @include lib/operator_log.lua

local OPERATION = 'admin.interface.set'

local function given(value)
  return value >= 0 and value or nil
end

function operations.admin_interface_set(interface, max_groups, max_entries, lite, actor, why)
  local by = { actor = actor, why = why, caller = caller[IDENTITY] }
  local refused = operator_log.denied(OPERATION, by, { interface = interface })
  if refused then return refused end
  if router.is_full then return { 'store_full' } end
  local former, settings = interface_limits.set(interface, given(max_groups), given(max_entries), given(lite))
  if settings ~= '' then
    slots.settings_event(nil, interface, settings, 'admin', by)
    operator_log.note('interface-set', OPERATION, by, { cause = 'admin', interface = interface, settings = settings })
  end
  return { 'set', settings ~= '' and 1 or 0, former.max_groups, former.max_entries, former.lite }
end
