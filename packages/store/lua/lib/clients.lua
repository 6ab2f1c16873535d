--- Clients: one number per (protocol, component) for an unbroken chain of sessions.
---
--- States. `live`: the lease runs. `stale`: the lease is over and the grace time runs; the client still owns its interfaces, but
--- its handle is refused. `ended`: final; the pair is free, every hold is void from that instant, and its records are removed
--- in slices by the sweeper, or by a take of the interface if that is earlier. The pair registers again under a new number.
---
--- Transitions: register → live; live → stale → ended; live → ended (no grace time, evicted, deregistered); live or stale →
--- ended if the store went back in time since the session began; live or stale → live under a new session (takeover,
--- registered again within the grace time), which keeps the number and, under a new epoch floor, every hold.
---
--- @include lib/caller.lua
--- @include lib/events.lua
--- @include lib/view_tasks.lua

--- How long the replies of an ended session are kept, for a repeated deregister (at least a minute).
local REMEMBER_ENDED_MS = 600000

local clients, pairs_changed, orphaned_leases

--- Sessions that are over in this batch and reported as agents.
local gone_agents

--- Callbacks that this batch has queued, by session; dropped if the session ends.
local mailboxes

local function begin_clients()
  clients, pairs_changed, orphaned_leases, mailboxes, gone_agents = {}, {}, {}, {}, {}
end

local function unpack_client(number, packed)
  local protocol_id, component_id, is_igmp, name, instance, session, secret, ttl_ms, grace_ms, state, expires_at,
    epoch_floor, mailbox, ack, highest, first_page, next_page, pages, resumed_owned, end_cause, end_actor, end_why,
    identity, kept_bytes = cmsgpack.unpack(packed)
  return {
    number = number, owned = {}, page_of = {}, place_of = {},
    protocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp, name = name, instance = instance,
    session = session, secret = secret, ttl_ms = ttl_ms, grace_ms = grace_ms, state = state, expires_at = expires_at,
    epoch_floor = epoch_floor, mailbox = mailbox, ack = ack, highest = highest, first_page = first_page,
    next_page = next_page, pages = pages, resumed_owned = resumed_owned, end_cause = end_cause, end_actor = end_actor,
    end_why = end_why, identity = identity or '', kept_bytes = kept_bytes or 0,
    counted_for = identity or '', counted_bytes = state ~= 'ended' and kept_bytes or 0,
  }
end

local function pack_client(client)
  return cmsgpack.pack(client.protocol_id, client.component_id, client.is_igmp, client.name, client.instance,
    client.session, client.secret, client.ttl_ms, client.grace_ms, client.state, client.expires_at, client.epoch_floor,
    client.mailbox, client.ack, client.highest, client.first_page, client.next_page, client.pages, client.resumed_owned,
    client.end_cause, client.end_actor, client.end_why, client.identity, client.kept_bytes)
end

local function read_client(number)
  local packed = redis.call('HGET', client_key(number), 'record')
  return packed and unpack_client(number, packed) or nil
end

--- The membership state of a client, in a field next to its record: the session that registered for alerts and
--- the mask of their types; how many slots name the client; alert items written to its mailbox and how many of them are known
--- to be acknowledged, up to which number it has acknowledged, the number of the last RESYNC; whether it ended and is not
--- removed yet; how many routes it has; whether the session reports as an agent. A session that inherits begins with neither alerts nor
--- reports.
local function member_of(client)
  if client.member then return client.member end
  local packed = not client.is_new and redis.call('HGET', client_key(client.number), 'member')
  local session, mask, slots, total, acked_total, acked, resync, ending, routes, agent = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
  if packed then session, mask, slots, total, acked_total, acked, resync, ending, routes, agent = cmsgpack.unpack(packed) end
  if session ~= client.session then mask, total, acked_total, acked, resync, agent = 0, 0, 0, 0, 0, 0 end
  client.member = { alerts = mask, slots = slots, total = total, acked_total = acked_total, acked = acked,
    resync = resync, ending = ending, routes = routes or 0, agent = agent or 0 }
  return client.member
end

local function pack_member(client)
  local member = client.member
  return cmsgpack.pack(client.session, member.alerts, member.slots, member.total, member.acked_total, member.acked,
    member.resync, member.ending, member.routes, member.agent)
end

--- Forgets what the present session reported as an agent: it is over.
local function forget_agent(client)
  local member = member_of(client)
  if member.agent == 0 then return end
  member.agent, member.changed = 0, true
  gone_agents[#gone_agents + 1] = client.session
end

--- The alerts that the present session of the client receives from now on, as a mask.
local function set_alerts(client, mask)
  local member = member_of(client)
  if member.alerts == 0 and mask == 0 then return end
  client.joins_alerted, client.leaves_alerted = mask ~= 0, mask == 0
  member.alerts, member.total, member.acked_total, member.acked, member.resync = mask, 0, 0, 0, 0
  member.changed = true
end

--- Schedules a client in the sweeper's queue for this instant of the service clock.
local function set_expiry(client, expires_at)
  client.expires_at = expires_at
  client.changed, client.requeue = true, true
end

local function pair_of(client)
  return 'p:' .. text(client.protocol_id) .. ':' .. text(client.component_id)
end

local function session_of(client)
  return 's:' .. text(client.session)
end

local function add_owned(client, interface)
  client.owned_count = owned_count(client) + 1
  count_for(client.identity, INTERFACES, 1)
  client.owned[interface] = true
end

local function remove_owned(client, interface)
  client.owned_count = owned_count(client) - 1
  -- The interfaces of an ended client stopped counting at its end.
  if client.state ~= 'ended' then count_for(client.identity, INTERFACES, -1) end
  client.owned[interface] = false
end

--- Forgets all kept replies, stored ones and those of this batch.
local function drop_replies(client)
  if not client.is_new and not client.left then
    client.left = { session = client.session, first_page = client.first_page, next_page = client.next_page }
  end
  client.first_page, client.pages, client.unread = client.next_page, '', {}
  client.page_of, client.place_of, client.new_answers, client.kept_bytes = {}, {}, nil, 0
end

--- Ends a client: one small step, however many interfaces it owns.
local function end_client(client, cause, by)
  client.state, client.end_cause = 'ended', cause
  client.end_actor, client.end_why = by and by.actor or '', by and by.why or ''
  set_expiry(client, 0)
  pairs_changed[pair_of(client)] = false
  pairs_changed[session_of(client)] = false
  client.leaves_roster = true
  mailboxes[client.session] = nil
  if client.identity ~= '' then
    count_for(client.identity, SESSIONS, -1)
    count_for(client.identity, INTERFACES, -owned_count(client))
  end
  -- After the end of a session only a repeated deregister is answered, so other kept replies are never read.
  if cause ~= 'release' then drop_replies(client) end
  forget_agent(client)
  if member_of(client).alerts ~= 0 then client.joins_alerted, client.leaves_alerted = false, true end
  if client.member.routes > 0 then
    router.view.rrev = router.view.rrev + 1
    view_tasks.add('c' .. text(client.number))
  end
  if router.members and (router.members.slots > 0 or has_view()) and owned_count(client) > 0 then
    note_outstanding()
    router.members.ending = router.members.ending + 1
    client.member.ending, client.member.changed = 1, true
  end
end

local function expire(client)
  session_event('expired', client)
  end_client(client, 'expire')
end

--- Applies the service clock to a client's state. The first operation that loads the client does it, so it happens once.
local function settle(client)
  if client.state ~= 'ended' and client.session < router.reset_epoch then return expire(client) end
  if client.state == 'live' and client.grace_ms > 0 and service_now >= client.expires_at then
    client.state = 'stale'
    set_expiry(client, client.expires_at + client.grace_ms)
    session_event('stale', client)
    forget_agent(client)
  end
  if client.state ~= 'ended' and service_now >= client.expires_at then expire(client) end
end

--- Time until the next lease, grace time or life of a forwarding entry is over, in ms on the service clock; 0 if something is
--- to be removed or purged now, -1 if nothing ever will be. A sweep is needed then.
local function due_in_ms()
  local members = router.members
  if members and (members.voids > 0 or members.ending > 0) then return 0 end
  if router.view and router.view.tasks > 0 then return 0 end
  local first = tonumber(redis.call('ZRANGE', leases_key, 0, 0, 'WITHSCORES')[2])
  local expiry = has_mfes() and tonumber(redis.call('ZRANGE', mfe_expiry_key, 0, 0, 'WITHSCORES')[2])
  if expiry then first = math.min(first or expiry, expiry) end
  return first and math.max(0, first - service_now) or -1
end

--- The client with this number in its present state, or nil. Read once per batch.
local function load_client(number)
  local client = clients[number]
  if client == nil then
    client = read_client(number) or false
    clients[number] = client
    if client then settle(client) end
  end
  return client or nil
end

--- What memberships count for: the number of a client, 0 for none. `ADVISED` is added to the number of the owner that a
--- membership of IGMP would count for, where it counts for no client (`advise`): so it is still withdrawn with the owner's hold.
local counted = { ADVISED = 2147483648 }

--- Whether a membership counts for a client.
function counted.is_client(counts_for)
  return counts_for > 0 and counts_for < counted.ADVISED
end

--- The client that a membership counts for, or would without `advise`; 0 for none.
function counted.client_behind(counts_for)
  return counts_for >= counted.ADVISED and counts_for - counted.ADVISED or counts_for
end

--- The present session of the client with this number, 0 for none.
function counted.session(number)
  return counted.is_client(number) and load_client(number).session or 0
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
  local client = {
    number = next_client(), owned = {}, owned_count = 0, joins_roster = true, is_new = true,
    protocol_id = fields.protocol_id, component_id = fields.component_id, is_igmp = fields.is_igmp, epoch_floor = 0,
    first_page = 1, next_page = 1, pages = '', kept_bytes = 0, page_of = {}, place_of = {}, end_cause = '', end_actor = '', end_why = '', identity = '',
    counted_for = '', counted_bytes = 0,
  }
  clients[client.number] = client
  redis.call('ZCARD', owned_key(client.number))
  pairs_changed[pair_of(client)] = client.number
  return client
end

--- Starts a session of this client, with a new number and secret, an empty mailbox and no kept replies.
local function begin_session(client, fields, resumed_owned)
  if client.session then
    pairs_changed[session_of(client)] = false
    mailboxes[client.session] = nil
    -- Of several sessions that follow each other in one batch, only the first has anything stored.
    drop_replies(client)
  end
  -- Read while it is known which session it belongs to.
  local member = client.session and member_of(client)
  if member and member.alerts ~= 0 then set_alerts(client, 0) end
  if member then forget_agent(client) end
  client.last_alert, client.alert_runs, client.new_items = nil, nil, nil
  client.session = next_epoch()
  pairs_changed[session_of(client)] = client.number
  client.secret, client.instance, client.name = fields.secret, fields.instance, fields.name
  set_identity(client, caller[IDENTITY])
  client.ttl_ms, client.grace_ms, client.state = fields.ttl_ms, fields.grace_ms, 'live'
  client.mailbox, client.ack, client.highest, client.resumed_owned = 0, 1, 0, resumed_owned
  note_ttl(fields.ttl_ms)
  client.mailbox_ack = nil
  set_expiry(client, service_now + fields.ttl_ms)
end
