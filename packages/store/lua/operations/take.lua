--- Takes interfaces for a session, each decided by itself, in order (mgm-semantics 4.1, rows T1 to T9).
---
--- @arg   handle     handle
--- @arg   seq        integer
--- @arg   ack        integer
--- @arg   interfaces interface[]
--- @reply decided results:take_outcome[]
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @case  take_outcome taken epoch:epoch
--- @case  take_outcome already_owned holder:holder
--- @case  take_outcome already_taken holder:holder
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

local function take_beside(client, interface, record, _, igmp)
  if igmp == client then return { 'already_taken', holder_shape(record, nil, igmp) } end
  if igmp then return { 'already_owned', holder_shape(record, nil, igmp) } end
  local epoch = next_epoch()
  record[IGMP], record[IGMP_EPOCH], record[IGMP_SINCE] = client.number, epoch, now_ms
  record.changed = true
  add_owned(client, interface)
  interface_event('igmp-taken', client, interface, epoch, 'take')
  return { 'taken', epoch }
end

local function take_alone(client, interface, record, owner, igmp)
  if owner == client then return { 'already_taken', holder_shape(record, owner, igmp) } end
  if owner then return { 'already_owned', holder_shape(record, owner, igmp) } end
  local epoch = next_epoch()
  record[OWNER], record[OWNER_EPOCH], record[OWNER_SINCE] = client.number, epoch, now_ms
  record.changed = true
  add_owned(client, interface)
  local rev = interface_event('taken', client, interface, epoch, 'take')
  if igmp then queue_igmp_pair(igmp, interface, rev, 'take') end
  return { 'taken', epoch }
end

return once('take', handle, seq, ack, function(client)
  local take = client.is_igmp and take_beside or take_alone
  local results = {}
  for i = 1, #interfaces do
    results[i] = take(client, interfaces[i], look_at(interfaces[i]))
  end
  return { 'decided', results }
end)
