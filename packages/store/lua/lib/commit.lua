--- Writes what a batch has decided. Until here nothing was written, and every key was read with a command of its own type,
--- so an error above this line leaves the store as it was. The first write is one that Redis refuses when it is out of
--- memory, so that a full store refuses the batch whole.
---
--- @include lib/interfaces.lua
--- @include lib/sequence.lua

--- Calls `send` with the list in pieces that `unpack` can carry. Their length is even, so that pairs stay together.
local function in_chunks(list, send)
  for first = 1, #list, CHUNK do
    send(unpack(list, first, math.min(first + CHUNK - 1, #list)))
  end
end

local function save_records()
  local held, freed = {}, {}
  for interface, record in pairs(records) do
    if record.changed then
      if record[OWNER] ~= 0 or record[IGMP] ~= 0 then
        held[#held + 1] = interface_key(interface)
        held[#held + 1] = cmsgpack.pack({ record[1], record[2], record[3], record[4], record[5], record[6] })
      elseif record.stored then
        freed[#freed + 1] = interface_key(interface)
      end
    end
  end
  in_chunks(held, function(...) redis.call('MSET', ...) end)
  in_chunks(freed, function(...) redis.call('DEL', ...) end)
end

local function save_owned(client)
  if not next(client.owned) then return end
  local added, removed = {}, {}
  for interface, is_owned in pairs(client.owned) do
    if is_owned then
      added[#added + 1] = 0
      added[#added + 1] = interface
    else
      removed[#removed + 1] = interface
    end
  end
  local key = owned_key(client.number)
  in_chunks(added, function(...) redis.call('ZADD', key, ...) end)
  in_chunks(removed, function(...) redis.call('ZREM', key, ...) end)
end

--- Drops the answers from one `seq` to another, as far as there can be any.
local function forget_answers(client, from, to)
  local fields = {}
  for seq = from, math.min(to, from + WINDOW, client.stored_highest) do
    if not (client.new_answers and client.new_answers[seq] and seq >= client.ack) then
      fields[#fields + 1] = 'answer:' .. text(seq)
    end
  end
  local key = client_key(client.number)
  in_chunks(fields, function(...) redis.call('HDEL', key, ...) end)
end

local function save_fields(client)
  local fields = {}
  for name in pairs(client.changed) do
    fields[#fields + 1] = name
    fields[#fields + 1] = NUMBERS[name] and text(client[name]) or client[name]
  end
  if client.new_answers then
    for seq, answer in pairs(client.new_answers) do
      if seq >= client.ack then
        fields[#fields + 1] = 'answer:' .. text(seq)
        fields[#fields + 1] = cmsgpack.pack(answer)
      end
    end
  end
  local key = client_key(client.number)
  in_chunks(fields, function(...) redis.call('HSET', key, ...) end)
end

local function save_answers_window(client)
  if client.is_new then return end
  if client.forget_answers then forget_answers(client, client.forget_answers, math.huge) end
  if client.forget_from then forget_answers(client, client.forget_from, client.ack - 1) end
end

local function save_mailbox_of(client)
  if client.forget_mailbox then redis.call('DEL', mailbox_key(client.forget_mailbox)) end
  if client.leaves_roster then redis.call('DEL', mailbox_key(client.session)) end
  if client.mailbox_ack and client.mailbox_ack > 0 then
    redis.call('XTRIM', mailbox_key(client.session), 'MINID', text(client.mailbox_ack + 1))
  end
end

--- The sweeper's queue and the roster. An ended client that has nothing left stays remembered for a while, then goes.
--- What is queued anew goes to `leases`, for one command of all.
local function save_places(client, leases)
  local number = text(client.number)
  local gone = client.state == 'ended' and owned_count(client) == 0
  if gone then
    redis.call('ZREM', leases_key, number)
    redis.call('PEXPIRE', client_key(client.number), REMEMBER_ENDED_MS)
  elseif client.requeue then
    leases[#leases + 1] = text(client.expires_at)
    leases[#leases + 1] = number
  end
  if client.leaves_roster then
    redis.call('ZREM', roster_key, number)
  elseif client.joins_roster then
    redis.call('ZADD', roster_key, number, number)
  end
end

local function save_clients(touched)
  local leases = {}
  for i = 1, #touched do
    local client = touched[i]
    save_fields(client)
    save_answers_window(client)
    save_owned(client)
    save_mailbox_of(client)
    save_places(client, leases)
  end
  in_chunks(leases, function(...) redis.call('ZADD', leases_key, ...) end)
end

local function save_pairs()
  for i = 1, #orphaned_leases do redis.call('ZREM', leases_key, orphaned_leases[i]) end
  for entry, number in pairs(pairs_changed) do
    if number then
      redis.call('HSET', clients_key, entry, text(number))
    else
      redis.call('HDEL', clients_key, entry)
    end
  end
end

local function was_touched(client)
  return next(client.changed) or client.new_answers or next(client.owned) or client.requeue or client.mailbox_ack
end

--- Keys that are written without having been read: their types are looked at before anything is decided.
local function check_types()
  redis.call('XLEN', events_key)
  redis.call('ZCARD', leases_key)
  redis.call('ZCARD', roster_key)
  redis.call('HLEN', clients_key)
  if router.hold_ms > 0 then redis.call('HLEN', claims_key) end
end

--- While its slot moves to another node of a cluster, a router is on both: a key that is not here may be there. Redis ends a
--- script that asks for such a one, also in the middle of its writes, so this asks for one that never exists, before anything
--- is written.
local function refuse_half_moved()
  redis.call('EXISTS', client_key(0))
end

--- Two writes that change nothing and that a full store does not refuse. The caller waits for replicas to have what this
--- connection has written, so a batch of reads and repeats must write, too: what it tells of, somebody else may have
--- written a moment ago, or this session, through a manager that could not confirm it.
local function write_nothing()
  if router.fresh then return end
  redis.call('PEXPIRE', meta_key, 3600000)
  redis.call('PERSIST', meta_key)
end

--- Answers the packed events, which the caller publishes as they stand in the log.
local function commit(retention, is_replicated)
  local touched = {}
  for _, client in pairs(clients) do
    if client and was_touched(client) then touched[#touched + 1] = client end
  end
  if #touched == 0 and #orphaned_leases == 0 and not router_changed() then
    if is_replicated then write_nothing() end
    return ''
  end
  save_router()
  save_records()
  save_clients(touched)
  save_pairs()
  save_claims()
  save_mailboxes()
  local packed = #events > 0 and cmsgpack.pack(events) or ''
  save_events(packed, retention)
  return packed
end
