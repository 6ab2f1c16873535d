--- Opens a session of the client that the pair (protocol, component) names.
---
--- @arg   protocol_id  integer
--- @arg   component_id integer
--- @arg   is_igmp      flag
--- @arg   instance     string   random per process start: a repeated one is a retry
--- @arg   name         string
--- @arg   ttl_ms       integer
--- @arg   grace_ms     integer
--- @arg   takeover     flag     also inherit from a live session
--- @arg   resumes      integer  0, or the client's own former session: inherit from it even if it is live
--- @arg   mask         integer  mask of the alert types that the session receives: see lib/alerts.lua
--- @arg   secret       string   secret of the new session, random per call
--- @reply registered client:integer session:session secret:string ttl_ms:integer grace_ms:integer mailbox:integer resumed:flag owned:integer epoch:epoch? alerts:integer
--- @reply already_registered session:session name:string expires_in_ms:integer
--- @reply store_full
--- @reply too_many_sessions
--- @reply quota_reached
--- @reply of_another_identity
--- @include lib/clients.lua
--- @include lib/alerts.lua
--- @include lib/mailbox.lua

--- The column of the new session in a `takeover`.
local TAKEOVER_BY = 3

local function registered(client)
  local resumed = client.epoch_floor > 0
  return { 'registered', client.number, client.session, client.secret, client.ttl_ms, client.grace_ms, client.mailbox,
    resumed and 1 or 0, client.resumed_owned, client.epoch_floor, member_of(client).alerts }
end

function operations.register(protocol_id, component_id, is_igmp, instance, name, ttl_ms, grace_ms, takeover, resumes, mask, secret)
  local fields = { protocol_id = protocol_id, component_id = component_id, is_igmp = is_igmp == 1, instance = instance,
    name = name, ttl_ms = ttl_ms, grace_ms = grace_ms, secret = secret }

  local client = find_client('p:' .. text(protocol_id) .. ':' .. text(component_id))
  if client and client.state == 'ended' then client = nil end

  if not client and router.is_full then return { 'store_full' } end
  if not client then
    if redis.call('ZCARD', roster_key) >= router.limits.sessions then return { 'too_many_sessions' } end
    if has_all(SESSIONS, caller[SESSIONS_MAX]) then return { 'quota_reached' } end
    notice_claim(resumes, false)
    client = create_client(fields)
    begin_session(client, fields, 0)
    set_alerts(client, mask)
    alerts.forget_listeners()
    session_event('registered', client)
    return registered(client)
  end

  if client.state == 'live' and client.instance == instance and is_callers(client) then
    set_expiry(client, service_now + client.ttl_ms)
    return registered(client)
  end

  if client.state == 'live' and takeover == 0 and resumes ~= client.session then
    return { 'already_registered', client.session, client.name, client.expires_at - service_now }
  end

  if not may_inherit(client) then return { 'of_another_identity' } end

  local previous = client.session
  local taken_over = client.state == 'live' and takeover == 1 and { previous, client.mailbox + 1, 0, client.identity }
  notice_claim(resumes, true)
  begin_session(client, fields, owned_count(client))
  set_alerts(client, mask)
  alerts.forget_listeners()
  client.epoch_floor = next_epoch()
  view_tasks.note_inherited(client)
  session_event('resumed', client, { epoch = client.epoch_floor, previous = previous })
  -- Pushed only, because the mailbox of the former session ends with it.
  if taken_over then
    taken_over[TAKEOVER_BY] = client.session
    router.takeovers = router.takeovers or {}
    router.takeovers[#router.takeovers + 1] = taken_over
  end
  return registered(client)
end
