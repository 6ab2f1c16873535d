--- Interfaces: the owner of each and the IGMP session that it may have in addition (mgm-semantics 4, states S0 to S3).
---
--- A record names clients, not sessions, so inheriting an interface needs no write. The epoch in force of a hold is the larger
--- of the record's epoch and its client's floor; a hold of an ended client is void.
---
--- @include lib/mailbox.lua
--- @include lib/reply_pages.lua
--- @include lib/slots.lua
--- @shape igmp protocol_id:integer component_id:integer session:session epoch:epoch
--- @shape holder protocol_id:integer component_id:integer session:session name:string epoch:epoch since:integer grace_left:integer stale:flag igmp:igmp?

--- Records by interface name, false for a free interface; their keys by name; the changed ones in order.
local records, record_keys, changed_records

local function begin_records()
  records, record_keys, changed_records = {}, {}, {}
end

--- Indexes of a record: owning client, epoch (beside IGMP also that of the last owner), since; IGMP client, epoch, since; the
--- interface, whether it is stored, and whether it was changed.
local OWNER, OWNER_EPOCH, OWNER_SINCE, IGMP, IGMP_EPOCH, IGMP_SINCE, NAME, STORED, CHANGED = 1, 2, 3, 4, 5, 6, 7, 8, 9

--- Six numbers of 8 bytes: the form that Lua in Redis packs and unpacks fastest.
local RECORD = '<dddddd'
local RECORD_BYTES = 48

local function unpack_record(interface, packed)
  if #packed ~= RECORD_BYTES then
    error({ err = 'MGMCORRUPT ' .. interface_key(interface) .. ' is not an interface record' })
  end
  local owner, owner_epoch, owner_since, igmp, igmp_epoch, igmp_since = struct.unpack(RECORD, packed)
  return { owner, owner_epoch, owner_since, igmp, igmp_epoch, igmp_since, interface, true, false }
end

local function pack_record(record)
  return struct.pack(RECORD, record[1], record[2], record[3], record[4], record[5], record[6])
end

local function note_change(record)
  if record[CHANGED] then return end
  record[CHANGED] = true
  changed_records[#changed_records + 1] = record
end

--- The record of an interface that is to be changed; a new one if the interface is free.
local function record_of(interface)
  local record = records[interface]
  if not record then
    record = { 0, 0, 0, 0, 0, 0, interface, false, false }
    records[interface] = record
  end
  note_change(record)
  return record
end

--- MGET returns nil for a key of the wrong type as for a missing one; a write would overwrite it.
local function refuse_foreign_keys(free)
  if #free > 0 and redis.call('EXISTS', unpack(free)) > 0 then
    error({ err = 'MGMCORRUPT one of ' .. table.concat(free, ' ', 1, math.min(#free, 8)) .. ' is not a string' })
  end
end

--- Reads the records of these interfaces, thousands with one command.
local function load_records(interfaces)
  for first = 1, #interfaces, CHUNK do
    local last = math.min(first + CHUNK - 1, #interfaces)
    local keys = {}
    for i = first, last do
      local name = interfaces[i]
      local key = interface_key(name)
      record_keys[name], keys[i - first + 1] = key, key
    end
    local packed = redis.call('MGET', unpack(keys))
    local free = {}
    for i = first, last do
      local name, stored = interfaces[i], packed[i - first + 1]
      if not stored then free[#free + 1] = keys[i - first + 1] end
      if records[name] == nil then records[name] = stored and unpack_record(name, stored) end
    end
    refuse_foreign_keys(free)
  end
end

local function epoch_in_force(client, epoch)
  return math.max(epoch, client.epoch_floor)
end

--- The epoch under which a client decides for an interface: the owner, or IGMP where it is alone. IGMP keeps its hold while a
--- routing protocol comes and goes: then the epoch of that one. So this epoch rises whenever another client decides, and agents
--- may refuse a lower one.
local function deciding_epoch(record, owner)
  return owner and record[OWNER_EPOCH] or math.max(record[IGMP_EPOCH], record[OWNER_EPOCH])
end

--- Removes the routing protocol from an interface and notifies an IGMP session there.
local function clear_owner(interface, record, client, cause, by)
  local epoch = epoch_in_force(client, record[OWNER_EPOCH])
  record[OWNER], record[OWNER_EPOCH], record[OWNER_SINCE] = 0, record[IGMP] ~= 0 and epoch or 0, 0
  note_change(record)
  remove_owned(client, interface)
  local igmp = record[IGMP] ~= 0 and load_client(record[IGMP])
  local has_igmp = igmp and igmp.state ~= 'ended'
  slots.withdraw(interface, slots.OWNER, cause, client, has_igmp)
  slots.note_owner(interface)
  local rev = interface_event('released', client, interface, epoch, cause, by)
  if has_igmp then
    queue_igmp_pair(igmp, interface, rev, cause == 'admin' and 'release' or cause)
  end
  return epoch
end

local function clear_igmp(interface, record, client, cause, by)
  local epoch = epoch_in_force(client, record[IGMP_EPOCH])
  record[IGMP], record[IGMP_EPOCH], record[IGMP_SINCE] = 0, 0, 0
  note_change(record)
  remove_owned(client, interface)
  slots.withdraw(interface, slots.IGMP, cause, client)
  slots.note_owner(interface)
  interface_event('igmp-released', client, interface, epoch, cause, by)
  return epoch
end

--- Removes a client from an interface, as owner or as IGMP; returns the epoch it had.
local function clear_hold(interface, record, client, cause, by)
  if record and record[OWNER] == client.number then return clear_owner(interface, record, client, cause, by) end
  if record and record[IGMP] == client.number then return clear_igmp(interface, record, client, cause, by) end
  remove_owned(client, interface)
end

--- The operator who ended a client, if one did. The same table each time, because a run of events compares it by identity.
local function ended_by(client)
  if client.end_actor == '' then return nil end
  client.by = client.by or { actor = client.end_actor, why = client.end_why }
  return client.by
end

--- Removes the void hold of an ended client from this interface, with the events and callbacks of its end.
local function clear_void(interface, record, client)
  local lost = clear_hold(interface, record, client, client.end_cause, ended_by(client))
  if client.end_cause == 'release' then
    if owned_count(client) == 0 then session_event('deregistered', client) end
  elseif lost then
    note_loss(client, interface, lost)
  end
end

--- The record of an interface and the clients on it, after void holds are removed: record, owner, igmp. Nothing for a free
--- interface.
local function look_at(interface)
  local record = records[interface]
  if record == nil then
    load_records({ interface })
    record = records[interface]
  end
  if not record then return nil end
  local owner = record[OWNER] ~= 0 and load_client(record[OWNER]) or nil
  local igmp = record[IGMP] ~= 0 and load_client(record[IGMP]) or nil
  if owner and owner.state == 'ended' then
    clear_void(interface, record, owner)
    owner = nil
  end
  if igmp and igmp.state == 'ended' then
    clear_void(interface, record, igmp)
    igmp = nil
  end
  return record, owner, igmp
end

local function igmp_shape(record, igmp)
  return { igmp.protocol_id, igmp.component_id, igmp.session, epoch_in_force(igmp, record[IGMP_EPOCH]) }
end

--- The holder that `owner` reports: the routing protocol, or IGMP if it is alone (mgm-semantics 4.2).
local function holder_shape(record, owner, igmp)
  local client = owner or igmp
  local epoch = owner and record[OWNER_EPOCH] or record[IGMP_EPOCH]
  local since = owner and record[OWNER_SINCE] or record[IGMP_SINCE]
  local stale = client.state == 'stale'
  local holder = { client.protocol_id, client.component_id, client.session, client.name, epoch_in_force(client, epoch),
    since, stale and client.expires_at - service_now or 0, stale and 1 or 0,
    owner and igmp and igmp_shape(record, igmp) or {} }
  holder_clients[holder] = client.number
  return holder
end

--- Up to `most` interfaces that a client is on as of this point of the batch.
local function some_owned(client, most)
  local found = {}
  for interface, is_owned in pairs(client.owned) do
    if is_owned and #found < most then found[#found + 1] = interface end
  end
  local stored = redis.call('ZRANGE', owned_key(client.number), 0, most - 1)
  for i = 1, #stored do
    if client.owned[stored[i]] == nil and #found < most then found[#found + 1] = stored[i] end
  end
  load_records(found)
  return found
end

--- Removes up to `most` holds of an ended client; returns how many.
local function clear_slice(client, most)
  local interfaces = some_owned(client, most)
  for i = 1, #interfaces do clear_void(interfaces[i], records[interfaces[i]], client) end
  return #interfaces
end
