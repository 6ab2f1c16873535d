--- Releases interfaces, each decided by itself, in order (mgm-semantics 4.1, rows T10 to T15).
---
--- @arg   handle     handle
--- @arg   seq        integer
--- @arg   ack        integer
--- @arg   interfaces interface[]
--- @arg   epoch      string       '' or the epoch that must be in force
--- @reply released
--- @reply decided results:release_outcome[]
--- @reply window_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @case  release_outcome released
--- @case  release_outcome not_owner holder:holder
--- @case  release_outcome other_epoch current:epoch
--- @case  release_outcome unknown_interface
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

--- Shared by all released interfaces, so that a bulk release creates no table per interface.
local RELEASED = { 'released' }

local function give_back(client, interface, epoch)
  local record, owner, igmp = look_at(interface)
  if not owner and not igmp then return { 'unknown_interface' } end
  local held = owner == client and record[OWNER_EPOCH] or igmp == client and record[IGMP_EPOCH]
  if not held then return { 'not_owner', holder_shape(record, owner, igmp) } end
  local current = epoch_in_force(client, held)
  if epoch and epoch ~= '' and epoch ~= text(current) then return { 'other_epoch', current } end
  clear_hold(interface, record, client, 'release')
  return RELEASED
end

function operations.release(handle, seq, ack, interfaces, epoch)
  local client, answered, rev = admit('release', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  local outcomes, released = {}, 0
  for i = 1, #interfaces do
    local outcome = give_back(client, interfaces[i], epoch)
    outcomes[i] = outcome
    if outcome == RELEASED then released = released + 1 end
  end
  local are_all = released == #interfaces
  return remember(client, 'release', seq, are_all and RELEASED or { 'decided', outcomes })
end
