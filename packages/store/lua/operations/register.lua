--- Opens a session for the client named by (protocol, component).
---
--- @arg   protocol_id  integer
--- @arg   component_id integer
--- @arg   is_igmp      flag
--- @arg   instance     string   random per process start: the same one again is a retry
--- @arg   name         string
--- @arg   ttl_ms       integer
--- @arg   grace_ms     integer
--- @arg   takeover     flag     also inherit from a session that still lives
--- @arg   resumes      integer  0, or the session that is the client's own: inherit from it if it still lives
--- @arg   secret       string   of the session to be, fresh for each call
--- @reply registered client:integer session:session secret:string ttl_ms:integer grace_ms:integer mailbox:integer resumed:flag owned:integer epoch:epoch?
--- @reply already_registered session:session name:string expires_in_ms:integer
--- @reply store_full
--- @include lib/clients.lua

local function registered(client)
  local resumed = client.epoch_floor > 0
  return { 'registered', client.number, client.session, client.secret, client.ttl_ms, client.grace_ms, client.mailbox,
    resumed and 1 or 0, client.resumed_owned, client.epoch_floor }
end

function operations.register(protocol_id, component_id, is_igmp, instance, name, ttl_ms, grace_ms, takeover, resumes, secret)
  local fields = { protocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp == 1, instance = instance,
    name = name, ttl_ms = ttl_ms, grace_ms = grace_ms, secret = secret }

  note_ttl(ttl_ms)
  notice_claim(resumes, ttl_ms)

  local client = find_client('p:' .. text(protocol_id) .. ':' .. text(component_id))
  if client and client.state == 'ended' then client = nil end

  if not client and router.is_full then return { 'store_full' } end
  if not client then
    client = create_client(fields)
    begin_session(client, fields, 0)
    session_event('registered', client)
    return registered(client)
  end

  if client.state == 'live' and client.instance == instance then
    set_expiry(client, service_now + client.ttl_ms)
    return registered(client)
  end

  if client.state == 'live' and takeover == 0 and resumes ~= client.session then
    return { 'already_registered', client.session, client.name, client.expires_at - service_now }
  end

  local previous = client.session
  begin_session(client, fields, owned_count(client))
  client.epoch_floor = next_epoch()
  session_event('resumed', client, { epoch = client.epoch_floor, previous = previous })
  return registered(client)
end
