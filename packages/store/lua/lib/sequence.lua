--- Sequencing: every change takes effect once. `seq` names a request, every `seq` below `ack` is finished, and the replies
--- from `ack` on are kept.
---
--- @include lib/reply_pages.lua
--- @case session_refusal bad_handle
--- @case session_refusal session_expired session:session
--- @case sequence_refusal stale_request ack:integer
--- @case sequence_refusal seq_too_high highest:integer
--- @case sequence_refusal seq_reused operation:string

--- How far `seq` may exceed the session's `ack`.
local WINDOW = 4096

--- Whether this handle is, or was, the present session of the client it names: by its secret, and shown by its own identity.
local function names_session(client, handle)
  return client.session == handle[2] and client.secret == handle[3] and is_callers(client)
end

--- The live client of a handle, or nil and the refusal.
local function client_of(handle)
  local client = handle[1] ~= 0 and load_client(handle[1])
  if not client then return nil, { 'bad_handle' } end
  if client.session > handle[2] then return nil, { 'session_expired', handle[2] } end
  if not names_session(client, handle) then return nil, { 'bad_handle' } end
  if client.state == 'live' then return client end
  if client.end_cause == 'release' and client.state == 'ended' then return nil, { 'bad_handle' } end
  return nil, { 'session_expired', client.session }
end

--- The client has finished or abandoned every request below `ack`.
local function advance_ack(client, ack)
  if ack <= client.ack then return end
  client.ack, client.changed = ack, true
end

--- Reads a page; notes for each of its numbers the page and the index in it.
local function read_page(client, page)
  local packed = redis.call('HGET', client_key(client.number), page_field(page))
  if not packed then return end
  local _, numbers = cmsgpack.unpack_one(packed)
  for place = 1, #numbers do
    client.page_of[numbers[place]], client.place_of[numbers[place]] = packed, place
  end
end

--- Reads the unread pages whose range includes `seq`.
local function read_pages_around(client, seq)
  local unread = client.unread or page_bounds(client)
  client.unread = unread
  for i = #unread, 1, -1 do
    local bounds = unread[i]
    if bounds.lowest <= seq and seq <= bounds.highest then
      table.remove(unread, i)
      read_page(client, bounds.page)
    end
  end
end

--- The kept reply to this `seq`, if any: operation, revision, reply. A `seq` above the highest has none, so no page is read for
--- requests in order.
local function answer_to(client, seq)
  if seq > client.highest then return nil end
  local new = client.new_answers
  local place = new and new.places[seq]
  if place then return new.operations[place], new.revs[place], new.replies[place] end
  read_pages_around(client, seq)
  local packed = client.page_of[seq]
  if not packed then return nil end
  local _, operations, revs, replies = cmsgpack.unpack(packed)
  place = client.place_of[seq]
  return operations[place], revs[place], completed(replies[place])
end

--- The reply to a repeat, and the revision of the first execution.
local function repeated(operation, answered, rev, reply)
  if answered ~= operation then return { 'seq_reused', answered } end
  return reply, rev
end

--- A deregister repeated after it ended its session: the only request that is answered for a dead handle.
local function repeated_of_ended(operation, handle, seq)
  local client = handle[1] ~= 0 and load_client(handle[1])
  if not client or not names_session(client, handle) or seq < client.ack then return nil end
  if client.state ~= 'ended' or client.end_cause ~= 'release' then return nil end
  local answered, rev, reply = answer_to(client, seq)
  if answered then return repeated(operation, answered, rev, reply) end
end

--- Returns the client of a sequenced request that is to be executed. For a repeat returns nil, the first reply and its revision;
--- for a refused request nil and the refusal.
local function admit(operation, handle, seq, ack)
  local client, refused = client_of(handle)
  if not client then
    local reply, rev = repeated_of_ended(operation, handle, seq)
    return nil, reply or refused, rev
  end
  if seq < client.ack then return nil, { 'stale_request', client.ack } end
  local highest = math.max(client.ack, ack) + WINDOW
  if seq > highest then return nil, { 'seq_too_high', highest } end
  advance_ack(client, ack)
  local answered, rev, reply = answer_to(client, seq)
  if answered then return nil, repeated(operation, answered, rev, reply) end
  return client
end

--- Keeps the reply for a repeat, and returns it.
local function remember(client, operation, seq, reply)
  local new = client.new_answers
  if not new then
    new = { numbers = {}, operations = {}, revs = {}, replies = {}, places = {}, lowest = seq, highest = seq }
    client.new_answers = new
  end
  local place = #new.numbers + 1
  new.numbers[place], new.operations[place], new.revs[place], new.replies[place] = seq, operation, router.rev, reply
  new.places[seq] = place
  new.lowest, new.highest = math.min(new.lowest, seq), math.max(new.highest, seq)
  if seq > client.highest then client.highest = seq end
  client.changed = true
  return reply
end
