--- The log: every change of state gets the next revision, and one entry of the stream holds all events of a batch.
---
--- Events that follow each other and differ in nothing but revision, interface and epoch are kept as one run: the first
--- revision, what they share, and a list of interfaces and one of epochs. An event of a session as a whole is a run of one
--- without an interface.
---
--- @include lib/hold.lua
--- @shape event_run first:revision type:string session:session? protocol_id:integer component_id:integer cause:string? previous:session? actor:string? why:string? epochs:epoch[] interfaces:interface[]

--- A run's places that are looked at again.
local RUN_TYPE, RUN_SESSION, RUN_CAUSE, RUN_EPOCHS, RUN_INTERFACES = 2, 3, 6, 10, 11

local runs, open_run, open_by

local function begin_events()
  runs, open_run, open_by = {}, nil, nil
end

--- What happened to a session as a whole. `detail`: epoch, previous, actor, why.
local function session_event(type, client, detail)
  local rev = next_rev()
  open_run = nil
  runs[#runs + 1] = { rev, type, client.session, client.protocol_id, client.component_id, '',
    detail and detail.previous or 0, detail and detail.actor or '', detail and detail.why or '',
    { detail and detail.epoch }, {} }
  return rev
end

--- What happened to one interface. `by`: actor and why, where a person did it.
local function interface_event(type, client, interface, epoch, cause, by)
  local rev = next_rev()
  local run = open_run
  if run and run[RUN_SESSION] == client.session and run[RUN_TYPE] == type and run[RUN_CAUSE] == cause and open_by == by then
    local epochs, interfaces = run[RUN_EPOCHS], run[RUN_INTERFACES]
    local place = #interfaces + 1
    epochs[place], interfaces[place] = epoch, interface
    return rev
  end
  open_by = by
  open_run = { rev, type, client.session, client.protocol_id, client.component_id, cause, 0, by and by.actor or '',
    by and by.why or '', { epoch }, { interface } }
  runs[#runs + 1] = open_run
  return rev
end

local function store_event(type)
  open_run = nil
  runs[#runs + 1] = { next_rev(), type, 0, 0, 0, '', 0, '', '', {}, {} }
end

--- A log whose tail was lost counts anew: its revisions were given to other changes.
local function restart_log(log)
  router.log = log
  router.rev = 0
  router.restarted = true
  router.began = math.max(router.epoch, now_us)
  router.hold_ms = 0
  router.changed = true
end

--- Notices that the store lost what this manager had seen of it: empty, older, or begun anew by somebody else.
local function notice_lost_data(known)
  local is_another = known.log ~= '' and router.log ~= known.log
  local begun = router.log == ''
  local lost_tail = router.log == known.log and router.rev < known.rev
  local foreign = is_another and router.reset_of ~= known.log
  if begun or lost_tail then restart_log(known.fresh_log) end
  router.fresh = begun and not foreign
  -- Older data tells of sessions, but not of what they did last: they have to say again what they hold.
  if lost_tail then router.reset_epoch = next_epoch() end
  if foreign or lost_tail then
    router.reset_of = known.log
    store_event('store-reset')
    hold_back(router.longest_ttl)
  elseif is_another and router.hold_ms > 0 then
    hold_back(known.longest_ttl)
  end
end

--- Somebody had something that this store has never given: data was lost, and no manager was there that knew. `epoch`: a
--- session, or an ownership, of before.
local function notice_claim(epoch, ttl_ms)
  local is_newer = epoch > router.epoch and epoch < now_us + CLAIM_AHEAD_US
  local is_older = epoch > 0 and epoch < router.began and router.hold_ms == 0
  if not is_newer and not is_older then return end
  router.epoch = math.max(router.epoch, is_newer and epoch or 0)
  if router.hold_ms == 0 then store_event('store-reset') end
  hold_back(math.max(router.longest_ttl, ttl_ms, UNKNOWN_TTL_MS))
end

local function save_events(packed, retention)
  if router.restarted then redis.call('DEL', events_key) end
  if #runs == 0 then return end
  redis.call('XADD', events_key, 'MINID', '~', text(math.max(0, router.rev - retention)), text(router.rev) .. '-0',
    'first', text(runs[1][1]), 'ts', text(now_ms), 'runs', packed)
end
