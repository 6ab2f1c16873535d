--- Forwarder agents: live sessions that report up to which `frev` their forwarding plane is programmed (forwarding contract,
--- section 8.3). What a session reports is forgotten when its lease is over.
---
--- @include lib/clients.lua

local agents = {}

--- Of this batch, by session: its `frev`; how many more entries it reports as failed; its client, false for none.
local reported_frevs, failure_changes, reporters

--- How many sessions at the lower end are examined to find a live one.
local EXAMINED = 64

function agents.begin()
  reported_frevs, failure_changes, reporters = {}, {}, {}
end

--- The client whose present session this is, or nil where the session is not live.
function agents.live(session)
  local client = reporters[session]
  if client == nil then
    client = find_client('s:' .. text(session)) or false
    reporters[session] = client
  end
  return client and client.session == session and client.state == 'live' and client or nil
end

--- What the session reports is to be forgotten at its end.
function agents.remember(client)
  local member = member_of(client)
  if member.agent == 0 then member.agent, member.changed = 1, true end
end

--- A session's forwarding plane has every change up to this `frev`; numbers that were not given yet count as the last one.
function agents.programmed(client, frev)
  local last = router.view and router.view.frev or 0
  agents.remember(client)
  reported_frevs[client.session] = math.min(frev, last)
end

--- Counts entries that a session reports as failed.
function agents.count_failure(session, change)
  failure_changes[session] = (failure_changes[session] or 0) + change
end

--- The lowest `frev` of all agents, -1 without agents. With many sessions that ended just now it may be lower.
function agents.lowest()
  local lowest = -1
  for session, frev in pairs(reported_frevs) do
    if (lowest < 0 or frev < lowest) and agents.live(session) then lowest = frev end
  end
  local found = redis.call('ZRANGE', programmed_key, 0, EXAMINED, 'WITHSCORES')
  for i = 1, #found, 2 do
    local session, frev = tonumber(found[i]), tonumber(found[i + 1])
    if i > 2 * EXAMINED or not reported_frevs[session] and agents.live(session) then
      return lowest < 0 and frev or math.min(lowest, frev)
    end
  end
  return lowest
end

--- Up to `most` sessions after this one that reported a `frev`: session, name, `frev`, number of failed entries; and whether
--- there may be more, the last session examined.
function agents.page(after, most)
  local sessions = redis.call('ZRANGEBYSCORE', agents_key, '(' .. text(after), '+inf', 'LIMIT', 0, most)
  if #sessions == 0 then return {}, 0 end
  local failures = redis.call('HMGET', failures_key, unpack(sessions))
  local rows = {}
  for i = 1, #sessions do
    local session = tonumber(sessions[i])
    local client = agents.live(session)
    if client then
      local frev = redis.call('ZSCORE', programmed_key, sessions[i])
      rows[#rows + 1] = { session, client.name, tonumber(frev or 0), tonumber(failures[i] or 0) }
    end
  end
  return rows, #sessions == most and tonumber(sessions[#sessions]) or 0
end

local function is_changed()
  return next(reported_frevs) or next(failure_changes) or #gone_agents > 0
end

function agents.check_types()
  if not is_changed() then return end
  redis.call('ZCARD', agents_key)
  redis.call('ZCARD', programmed_key)
  redis.call('HLEN', failures_key)
end

local function forget_gone()
  local sessions = {}
  for i = 1, #gone_agents do sessions[i] = text(gone_agents[i]) end
  in_chunks(sessions, function(...) redis.call('ZREM', agents_key, ...) end)
  in_chunks(sessions, function(...) redis.call('ZREM', programmed_key, ...) end)
  in_chunks(sessions, function(...) redis.call('HDEL', failures_key, ...) end)
end

function agents.save()
  local members, scores = {}, {}
  for session, frev in pairs(reported_frevs) do
    local number, place = text(session), #members + 1
    members[place], members[place + 1] = number, number
    scores[place], scores[place + 1] = text(frev), number
  end
  in_chunks(members, function(...) redis.call('ZADD', agents_key, ...) end)
  in_chunks(scores, function(...) redis.call('ZADD', programmed_key, ...) end)
  for session, change in pairs(failure_changes) do
    local number = text(session)
    if change ~= 0 and redis.call('HINCRBY', failures_key, number, text(change)) <= 0 then
      redis.call('HDEL', failures_key, number)
    end
  end
  forget_gone()
end
