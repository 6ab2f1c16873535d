--- Clients: one number per (protocol, component) for an unbroken chain of sessions.
---
--- States. `live`: the lease runs. `stale`: it ran out and the grace time runs; still the owner, its handle refused.
--- `ended`: over for good; it has lost its pair, every hold of it is void from that instant, and its records are taken
--- down in slices, by the sweeper or by the take that comes first. A client never comes back from `ended`: the pair
--- registers under a new number. Ways: register → live; live → stale → ended; live → ended (no grace, evicted,
--- deregistered); live or stale → ended, where the store went back in time since the session began; live or stale → live
--- under a new session (takeover, registered again in grace), which keeps the number and so, under a new epoch floor,
--- every hold.
---
--- @include lib/events.lua

--- How long the answers of an ended session are remembered, for a repeated deregister (at least a minute).
local REMEMBER_ENDED_MS = 600000

--- In the order in which `client_from` reads them.
local FIELDS = { 'protocol_id', 'component_id', 'igmp', 'name', 'instance', 'session', 'secret', 'ttl_ms', 'grace_ms',
  'state', 'expires_at', 'epoch_floor', 'mailbox', 'ack', 'resumed_owned', 'end_cause', 'end_actor', 'end_why', 'highest' }
local NUMBERS = { protocol_id = true, component_id = true, session = true, ttl_ms = true, grace_ms = true,
  expires_at = true, epoch_floor = true, mailbox = true, ack = true, resumed_owned = true, highest = true }

local clients = {}
local pairs_changed = {}
local orphaned_leases = {}

--- What this batch has queued for each session; a session that is over takes it along.
local mailboxes = {}

--- Written out field by field: a table that is made whole costs half of one that grows.
local function client_from(number, stored)
  -- Without it, any `seq` may have an answer.
  local highest = tonumber(stored[19] or math.huge)
  return {
    number = number, changed = {}, answers = {}, owned = {},
    protocol_id = tonumber(stored[1]), component_id = tonumber(stored[2] or 0), igmp = stored[3] or '',
    is_igmp = stored[3] == '1', name = stored[4] or '', instance = stored[5] or '',
    session = tonumber(stored[6] or 0), secret = stored[7] or '', ttl_ms = tonumber(stored[8] or 0),
    grace_ms = tonumber(stored[9] or 0), state = stored[10] or '', expires_at = tonumber(stored[11] or 0),
    epoch_floor = tonumber(stored[12] or 0), mailbox = tonumber(stored[13] or 0), ack = tonumber(stored[14] or 0),
    resumed_owned = tonumber(stored[15] or 0), end_cause = stored[16] or '', end_actor = stored[17] or '',
    end_why = stored[18] or '', highest = highest, stored_highest = highest,
  }
end

local function read_client(number)
  local stored = redis.call('HMGET', client_key(number), unpack(FIELDS))
  return stored[1] and client_from(number, stored) or nil
end

local function set_field(client, name, value)
  client[name] = value
  client.changed[name] = true
end

--- Puts a client on the sweeper's queue for this instant of the service clock.
local function set_expiry(client, expires_at)
  set_field(client, 'expires_at', expires_at)
  client.requeue = true
end

local function pair_of(client)
  return 'p:' .. text(client.protocol_id) .. ':' .. text(client.component_id)
end

local function session_of(client)
  return 's:' .. text(client.session)
end

--- How many interfaces it is on. Voids count until they are taken down.
local function owned_count(client)
  if not client.owned_count then client.owned_count = redis.call('ZCARD', owned_key(client.number)) end
  return client.owned_count
end

local function add_owned(client, interface)
  client.owned_count = owned_count(client) + 1
  client.owned[interface] = true
end

local function remove_owned(client, interface)
  client.owned_count = owned_count(client) - 1
  client.owned[interface] = false
end

--- Ends a client: one small step, whatever it owns.
local function end_client(client, cause, by)
  set_field(client, 'state', 'ended')
  set_field(client, 'end_cause', cause)
  set_field(client, 'end_actor', by and by.actor or '')
  set_field(client, 'end_why', by and by.why or '')
  set_expiry(client, 0)
  pairs_changed[pair_of(client)] = false
  pairs_changed[session_of(client)] = false
  client.leaves_roster = true
  mailboxes[client.session] = nil
end

local function expire(client)
  session_event('expired', client)
  end_client(client, 'expire')
end

--- Writes down what the service clock says of a client: whoever looks first does it, so it happens once.
local function settle(client)
  if client.state ~= 'ended' and client.session < router.reset_epoch then return expire(client) end
  if client.state == 'live' and client.grace_ms > 0 and service_now >= client.expires_at then
    set_field(client, 'state', 'stale')
    set_expiry(client, client.expires_at + client.grace_ms)
    session_event('stale', client)
  end
  if client.state ~= 'ended' and service_now >= client.expires_at then expire(client) end
end

--- The client of this number as it is now, or nil. Read once per batch.
local function load_client(number)
  local client = clients[number]
  if client == nil then
    client = read_client(number) or false
    clients[number] = client
    if client then settle(client) end
  end
  return client or nil
end

local function find_client(entry)
  local number = pairs_changed[entry]
  if number == nil then
    number = redis.call('HGET', clients_key, entry)
  end
  return number and load_client(tonumber(number)) or nil
end

--- A new client number and its first session.
local function create_client(fields)
  local client = { number = next_client(), changed = {}, answers = {}, owned = {}, owned_count = 0 }
  clients[client.number] = client
  set_field(client, 'protocol_id', fields.protocol_id)
  set_field(client, 'component_id', fields.component_id)
  set_field(client, 'igmp', fields.igmp)
  client.is_igmp = fields.igmp == '1'
  set_field(client, 'epoch_floor', 0)
  set_field(client, 'end_cause', '')
  client.joins_roster = true
  client.is_new = true
  redis.call('ZCARD', owned_key(client.number))
  pairs_changed[pair_of(client)] = client.number
  return client
end

--- What the session before left in Redis goes. Of several that follow each other in one batch only the first left any.
local function forget_session(client)
  if client.forget_mailbox or client.is_new then return end
  client.forget_mailbox = client.session
  -- From where this batch found the window, which may have moved on since.
  client.forget_answers = client.forget_from or client.ack
end

--- Starts a session of this client: a new number, a new secret, an empty mailbox, no answers yet.
local function begin_session(client, fields, resumed_owned)
  if client.session then
    pairs_changed[session_of(client)] = false
    mailboxes[client.session] = nil
    forget_session(client)
  end
  set_field(client, 'session', next_epoch())
  pairs_changed[session_of(client)] = client.number
  set_field(client, 'secret', fields.secret)
  set_field(client, 'instance', fields.instance)
  set_field(client, 'name', fields.name)
  set_field(client, 'ttl_ms', fields.ttl_ms)
  set_field(client, 'grace_ms', fields.grace_ms)
  set_field(client, 'state', 'live')
  set_field(client, 'mailbox', 0)
  set_field(client, 'ack', 1)
  set_field(client, 'highest', 0)
  set_field(client, 'resumed_owned', resumed_owned)
  client.answers = {}
  client.new_answers, client.forget_from, client.mailbox_ack = nil, nil, nil
  set_expiry(client, service_now + fields.ttl_ms)
end
