--- Changes the settings of an interface that the client owns (forwarding contract, section 7).
---
--- @arg   handle        handle
--- @arg   seq           integer
--- @arg   ack           integer
--- @arg   interface     interface
--- @arg   epoch         string     '' or: refuse unless it is that of the hold
--- @arg   local_members string     'forward', 'advise', or '' to leave it
--- @arg   wrong_if      string     'true', 'false', or '' to leave it
--- @reply set changed:flag
--- @reply not_found
--- @reply not_owner holder:holder
--- @reply other_epoch current:epoch
--- @reply window_full
--- @reply store_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

--- Notes a setting that is to change.
local function change_setting(changed, interface, name, setting, value, on)
  if value ~= '' and slots.set(interface, setting, value == on) then changed[#changed + 1] = name .. '=' .. value end
end

--- Whether anything changes. Another `localMembers` is a window for IGMP, which then adds its memberships again.
local function apply_settings(client, interface, igmp, local_members, wrong_if)
  local changed = {}
  change_setting(changed, interface, 'localMembers', slots.ADVISE, local_members, 'advise')
  local opens = changed[1] ~= nil and igmp
  change_setting(changed, interface, 'wrongIf', slots.WRONG_IF, wrong_if, 'true')
  if not changed[1] then return false end
  if opens then slots.open_window(interface, 'policy', igmp) end
  local rev = slots.settings_event(client, interface, table.concat(changed, ','), 'policy')
  if opens then queue_igmp_pair(igmp, interface, rev, 'policy') end
  return true
end

local function set_interface(client, interface, epoch, local_members, wrong_if)
  local record, owner, igmp = look_at(interface)
  if not owner and not igmp then return { 'not_found' } end
  if owner ~= client then return { 'not_owner', holder_shape(record, owner, igmp) } end
  local current = epoch_in_force(client, record[OWNER_EPOCH])
  if epoch ~= '' and epoch ~= text(current) then return { 'other_epoch', current } end
  return { 'set', apply_settings(client, interface, igmp, local_members, wrong_if) and 1 or 0 }
end

function operations.interface_set(handle, seq, ack, interface, epoch, local_members, wrong_if)
  local client, answered, rev = admit('interface_set', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  if router.is_full then return remember(client, 'interface_set', seq, { 'store_full' }) end
  return remember(client, 'interface_set', seq, set_interface(client, interface, epoch, local_members, wrong_if))
end
