--- Every change takes effect once: `seq` names an operation, `ack` says which are finished, answers are kept between.
---
--- @include lib/reply_pages.lua
--- @case session_refusal bad_handle
--- @case session_refusal session_expired session:session
--- @case sequence_refusal stale_request ack:integer
--- @case sequence_refusal seq_too_high highest:integer
--- @case sequence_refusal seq_reused operation:string

--- How far `seq` may be above the session's `ack`.
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

--- Everything below `ack` is finished or abandoned by the client.
local function advance_ack(client, ack)
  if ack <= client.ack then return end
  client.ack, client.changed = ack, true
end

--- Reads a page that may have an answer asked for: of each of its numbers, the page and its place there.
local function read_page(client, page)
  local packed = redis.call('HGET', client_key(client.number), page_field(page))
  if not packed then return end
  local _, numbers = cmsgpack.unpack_one(packed)
  for place = 1, #numbers do
    client.page_of[numbers[place]], client.place_of[numbers[place]] = packed, place
  end
end

--- Reads those of the pages not read yet that a `seq` may be on.
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

--- What was answered to this `seq`, if anything: operation, revision, reply. What is above the highest has no answer, so
--- where requests come in order no page is read.
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

--- A deregister repeated after it ended its session: the one request that a dead handle is still answered for.
local function repeated_of_ended(operation, handle, seq)
  local client = handle[1] ~= 0 and load_client(handle[1])
  if not client or not names_session(client, handle) or seq < client.ack then return nil end
  if client.state ~= 'ended' or client.end_cause ~= 'release' then return nil end
  local answered, rev, reply = answer_to(client, seq)
  if answered then return repeated(operation, answered, rev, reply) end
end

--- Lets a sequenced operation be decided once: answers its client where that is now to be done. A repeat gets its first
--- answer, one that the client has given up is refused: then answers nil, the reply and, of a repeat, the revision it was
--- given at.
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

--- Keeps the reply for a repeat, and answers it.
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
