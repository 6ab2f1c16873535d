--- Takes interfaces for a session, each decided by itself, in order (mgm-semantics 4.1, rows T1 to T9).
---
--- @arg   handle     handle
--- @arg   seq        integer
--- @arg   ack        integer
--- @arg   interfaces interface[]
--- @arg   held       integer[]     for each, or for none: the epoch under which the session had it, 0 for never
--- @reply decided results:take_outcome[]
--- @reply held_back retry_after_ms:integer
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @case  take_outcome taken epoch:epoch
--- @case  take_outcome already_owned holder:holder
--- @case  take_outcome already_taken holder:holder
--- @case  take_outcome held_back retry_after_ms:integer
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

--- Of several clients that had an interface before data was lost, the last one gets it.
local function give_way(interface, record, client)
  local epoch = clear_hold(interface, record, client, 'take')
  queue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'take', epoch, 'another client had it later')
end

--- Why nothing new is granted in this place, or nil.
local function held_back(place, had)
  local left_ms = held_back_ms()
  if left_ms > 0 and not is_claim(place, had) then return { 'held_back', left_ms } end
  if left_ms > 0 then note_claim(place, had) end
end

local function take_beside(client, interface, had, record, _, igmp)
  if igmp == client then return { 'already_taken', holder_shape(record, nil, igmp) } end
  local place = 'igmp:' .. interface
  if igmp and is_claim(place, had) and has_claimant(place) then
    give_way(interface, record, igmp)
    igmp = nil
  end
  if igmp then return { 'already_owned', holder_shape(record, nil, igmp) } end
  local refused = held_back(place, had)
  if refused then return refused end
  local epoch = next_epoch()
  record[IGMP], record[IGMP_EPOCH], record[IGMP_SINCE] = client.number, epoch, now_ms
  record.changed = true
  add_owned(client, interface)
  interface_event('igmp-taken', client, interface, epoch, 'take')
  return { 'taken', epoch }
end

local function take_alone(client, interface, had, record, owner, igmp)
  if owner == client then return { 'already_taken', holder_shape(record, owner, igmp) } end
  if owner and is_claim(interface, had) and has_claimant(interface) then
    give_way(interface, record, owner)
    owner = nil
  end
  if owner then return { 'already_owned', holder_shape(record, owner, igmp) } end
  local refused = held_back(interface, had)
  if refused then return refused end
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
  local results, held_count = {}, 0
  for i = 1, #interfaces do
    local had = held[i] or 0
    notice_claim(had, client.ttl_ms)
    results[i] = take(client, interfaces[i], had, look_at(interfaces[i]))
    if results[i][1] == 'held_back' then held_count = held_count + 1 end
  end
  if held_count == #interfaces then return { 'held_back', held_back_ms() }, true end
  return { 'decided', results }
end)
