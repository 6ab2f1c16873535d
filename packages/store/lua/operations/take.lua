--- Takes interfaces for a session, each decided by itself, in order (mgm-semantics 4.1, rows T1 to T9).
---
--- @arg   handle     handle
--- @arg   seq        integer
--- @arg   ack        integer
--- @arg   interfaces interface[]
--- @arg   held       integer[]     empty, or for each the epoch under which the session held it before data loss, 0 for none
--- @arg   advise     flag          IGMP's memberships count for no client
--- @reply granted epoch:epoch
--- @reply taken epochs:epoch[]
--- @reply decided results:take_outcome[]
--- @reply held_back retry_after_ms:integer
--- @reply store_full
--- @reply window_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @case  take_outcome taken epoch:epoch
--- @case  take_outcome already_owned holder:holder
--- @case  take_outcome already_taken holder:holder
--- @case  take_outcome held_back retry_after_ms:integer
--- @case  take_outcome too_many_interfaces
--- @case  take_outcome quota_reached
--- @case  take_outcome not_permitted
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

--- Of several clients that held an interface before data was lost, the one with the latest epoch gets it.
local function give_way(interface, record, client)
  local epoch = clear_hold(interface, record, client, 'take')
  queue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'take', epoch, 'another client had it later')
end

--- The refusal of the hold-off, or nil. A claim, `had`, may reveal the data loss that starts it.
local function held_off(hold, had, client)
  if had == 0 and router.hold_ms == 0 then return nil end
  notice_claim(had, client.epoch_floor > 0)
  local left_ms = hold_off_left()
  if left_ms == 0 then return nil end
  if not is_claim(hold, had) then return { 'held_back', left_ms } end
  note_claim(hold, had)
end

--- The refusal of a session that is on as many interfaces as it, or its identity, may be; or nil.
local function too_many(client)
  if owned_count(client) >= router.limits.interfaces then return { 'too_many_interfaces' } end
  if has_all(INTERFACES, caller[INTERFACES_MAX]) then return { 'quota_reached' } end
end

--- The new epoch; or nil and the refusal.
local function take_igmp(client, interface, had, _, record, _, igmp)
  if igmp == client then return nil, { 'already_taken', holder_shape(record, nil, igmp) } end
  local hold = 'igmp:' .. interface
  if igmp and is_claim(hold, had) and has_claimant(hold) then
    give_way(interface, record, igmp)
    igmp = nil
  end
  if igmp then return nil, { 'already_owned', holder_shape(record, nil, igmp) } end
  local refused = too_many(client) or held_off(hold, had, client)
  if refused then return nil, refused end
  local epoch = next_epoch()
  record = record_of(interface)
  record[IGMP], record[IGMP_EPOCH], record[IGMP_SINCE] = client.number, epoch, now_ms
  add_owned(client, interface)
  slots.note_owner(interface)
  interface_event('igmp-taken', client, interface, epoch, 'take')
  return epoch
end

--- The new epoch; or nil and the refusal.
local function take_owner(client, interface, had, advise, record, owner, igmp)
  if owner == client then return nil, { 'already_taken', holder_shape(record, owner, igmp) } end
  if owner and is_claim(interface, had) and has_claimant(interface) then
    give_way(interface, record, owner)
    owner = nil
  end
  if owner then return nil, { 'already_owned', holder_shape(record, owner, igmp) } end
  local refused = too_many(client) or held_off(interface, had, client)
  if refused then return nil, refused end
  local epoch = next_epoch()
  record = record_of(interface)
  record[OWNER], record[OWNER_EPOCH], record[OWNER_SINCE] = client.number, epoch, now_ms
  add_owned(client, interface)
  slots.note_owner(interface)
  if igmp then slots.open_window(interface, 'take', igmp) end
  if advise then slots.set(interface, slots.ADVISE, true) end
  local rev = interface_event('taken', client, interface, epoch, 'take')
  if igmp then queue_igmp_pair(igmp, interface, rev, 'take') end
  return epoch
end

--- The outcome of each interface.
local function outcomes_of(count, epochs, refusals)
  local outcomes = {}
  for i = 1, count do outcomes[i] = refusals[i] or { 'taken', epochs[i] } end
  return outcomes
end

function operations.take(handle, seq, ack, interfaces, held, advise)
  local client, answered, rev = admit('take', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  if router.is_full then return remember(client, 'take', seq, { 'store_full' }) end
  local take = client.is_igmp and take_igmp or take_owner
  local count = #interfaces
  local epochs, refusals, held_count = {}, nil, 0
  for i = 1, count do
    local interface, had = interfaces[i], held and held[i] or 0
    local epoch, refused
    if is_refused(i) then refused = { 'not_permitted' }
    else epoch, refused = take(client, interface, had, advise == 1, look_at(interface)) end
    epochs[i] = epoch or 0
    if refused then
      refusals = refusals or {}
      refusals[i] = refused
      if refused[1] == 'held_back' then held_count = held_count + 1 end
    end
  end
  if not refusals then return remember(client, 'take', seq, count == 1 and { 'granted', epochs[1] } or { 'taken', epochs }) end
  -- Nothing was decided, so the same `seq` may be sent again.
  if held_count == count then return { 'held_back', hold_off_left() } end
  return remember(client, 'take', seq, { 'decided', outcomes_of(count, epochs, refusals) })
end
