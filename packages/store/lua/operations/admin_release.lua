--- Releases an interface for an operator: the hold that `owner` reports, or the one under the given epoch.
---
--- @arg   interface interface
--- @arg   epoch     string      '' or the epoch that must be in force
--- @arg   actor     string
--- @arg   why       string
--- @reply released previous:holder
--- @reply other_epoch current:epoch
--- @reply free
--- @reply not_permitted
--- @include lib/interfaces.lua
--- @include lib/operator_log.lua

local OPERATION = 'admin.release'

--- The client whose hold is to be released: its epoch is the given one, or none is given.
local function holder_of(record, owner, igmp, epoch)
  if epoch == '' then return owner or igmp end
  if owner and text(epoch_in_force(owner, record[OWNER_EPOCH])) == epoch then return owner end
  if igmp and text(epoch_in_force(igmp, record[IGMP_EPOCH])) == epoch then return igmp end
end

local function current_epoch(record, owner, igmp)
  if owner then return epoch_in_force(owner, record[OWNER_EPOCH]) end
  return igmp and epoch_in_force(igmp, record[IGMP_EPOCH]) or 0
end

function operations.admin_release(interface, epoch, actor, why)
  local by = { actor = actor, why = why, caller = caller[IDENTITY] }
  local refused = operator_log.denied(OPERATION, by, { interface = interface })
  if refused then return refused end
  local record, owner, igmp = look_at(interface)
  local client = holder_of(record, owner, igmp, epoch)
  if not client and epoch ~= '' then
    operator_log.note_refused(OPERATION, 'not-owner', by, { interface = interface })
    return { 'other_epoch', current_epoch(record, owner, igmp) }
  end
  if not client then
    operator_log.note_refused(OPERATION, 'not-found', by, { interface = interface })
    return { 'free' }
  end
  local previous = client == owner and holder_shape(record, owner, igmp) or holder_shape(record, nil, igmp)
  local released = clear_hold(interface, record, client, 'admin', by)
  operator_log.note(client == owner and 'released' or 'igmp-released', OPERATION, by, { session = client.session,
    protocol_id = client.protocol_id, component_id = client.component_id, cause = 'admin', interface = interface,
    epoch = released })
  queue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'admin', released, why)
  return { 'released', previous }
end
