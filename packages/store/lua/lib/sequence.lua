--- Every change takes effect once: `seq` names an operation, `ack` says which are finished, answers are kept between.
---
--- @include lib/clients.lua
--- @case session_refusal bad_handle
--- @case session_refusal session_expired session:session
--- @case sequence_refusal stale_request ack:integer
--- @case sequence_refusal seq_too_high highest:integer
--- @case sequence_refusal seq_reused operation:string

--- How far `seq` may be above the session's `ack`.
local WINDOW = 4096

--- Whether this handle is, or was, the present session of the client it names. The secret decides; the number only finds.
local function names_session(client, handle)
  return client.session == handle[2] and client.secret == handle[3]
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
  client.forget_from = client.forget_from or client.ack
  set_field(client, 'ack', ack)
end

local function recall(remembered, operation)
  if remembered[1] ~= operation then return { 'seq_reused', remembered[1] } end
  return remembered[3], remembered[2]
end

--- What was answered to this `seq`, if anything: operation, revision, reply. It is read one by one: what is above the
--- highest has none, and repeats are rare.
local function answer_to(client, seq)
  if seq > client.highest then return nil end
  local answer = client.answers[seq]
  if answer == nil and not client.forget_answers then
    local packed = redis.call('HGET', client_key(client.number), 'answer:' .. text(seq))
    answer = packed and cmsgpack.unpack(packed)
    client.answers[seq] = answer
  end
  return answer or nil
end

--- A deregister repeated after it ended its session: the one request that a dead handle is still answered for.
local function recall_ended(operation, handle, seq)
  local client = handle[1] ~= 0 and load_client(handle[1])
  if not client or not names_session(client, handle) or seq < client.ack then return nil end
  local answer = client.state == 'ended' and client.end_cause == 'release' and answer_to(client, seq)
  if answer then return recall(answer, operation) end
end

local function remember(client, seq, operation, reply)
  local answer = { operation, router.rev, reply }
  client.answers[seq] = answer
  client.new_answers = client.new_answers or {}
  client.new_answers[seq] = answer
  if seq > client.highest then set_field(client, 'highest', seq) end
end

--- Decides a sequenced operation once: a repeat gets the first answer, one the client has given up is refused.
--- `decide(client)` answers the reply, and whether it is passing: nothing was decided, and the same `seq` may come again.
--- Answers the reply and, of a repeat, the revision it was given at.
local function once(operation, handle, seq, ack, decide)
  local client, refused = client_of(handle)
  if not client then
    local reply, rev = recall_ended(operation, handle, seq)
    return reply or refused, rev
  end
  if seq < client.ack then return { 'stale_request', client.ack } end
  local highest = math.max(client.ack, ack) + WINDOW
  if seq > highest then return { 'seq_too_high', highest } end
  advance_ack(client, ack)
  local answer = answer_to(client, seq)
  if answer then return recall(answer, operation) end
  local reply, is_passing = decide(client)
  if not is_passing then remember(client, seq, operation, reply) end
  return reply
end
