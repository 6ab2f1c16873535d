--- Decides a batch of operations of one router as one atomic step: reads, decides in order, writes at the end.
---
--- If Redis is out of memory it refuses the call, and the batch is sent again as full: new takes and new clients are then
--- refused, but repeats and reads are answered, leases renewed and interfaces released.
---
--- The library is loaded once and called often, so every call initialises all of its state, even after an error.
---
--- @include lib/commit.lua

--- Names no interface, so its key never exists.
local NEVER = ''

--- Reads the records of all interfaces that the calls name with one command, their entries with another, and with them one
--- key that never exists. While its slot moves to another node of a cluster, a router is on both: a key missing here may be
--- there. Redis aborts a call that reads such a key, even in the middle of its writes, so one is read before anything is
--- written.
local function prefetch(calls)
  local interfaces, names = { NEVER }, {}
  for i = 1, #calls do
    local call = calls[i]
    local args = interface_args[call[1]]
    if args.interface then interfaces[#interfaces + 1] = call[args.interface] end
    if args.interfaces then
      local list = call[args.interfaces]
      for j = 1, #list do interfaces[#interfaces + 1] = list[j] end
    end
    if args.entries then
      local list = call[args.entries]
      for j = 1, #list do names[#names + 1] = list[j] end
    end
  end
  load_records(interfaces)
  if names[1] then
    entries.load(names)
    notified.load(names)
  end
  -- Holds of ended sessions on these interfaces are removed first, so that their events are contiguous, and the new ones too.
  for i = 1, #interfaces do
    if records[interfaces[i]] then look_at(interfaces[i]) end
  end
end

local function begin()
  read_clock()
  begin_caller()
  begin_claims()
  begin_events()
  operator_log.begin()
  begin_callbacks()
  begin_clients()
  view_tasks.begin()
  begin_reply_pages()
  begin_records()
  excludes.begin()
  slots.begin()
  entries.begin()
  begin_source_index()
  statics.begin()
  interface_limits.begin()
  notified.begin()
  routes.begin()
  member_log.begin()
  alerts.begin()
  overrides.begin()
  agents.begin()
  mfes.begin()
  mfe_reports.begin()
  fib_log.begin()
  mfe_changes.begin()
  flow_creation.begin()
end

local function decide(packed)
  local request = cmsgpack.unpack(packed)
  local known = { log = request[1], rev = request[2], epoch = request[3], fresh_log = request[4],
    longest_ttl = request[8], is_full = request[9] == 1,
    limits = { sessions = request[10], interfaces = request[11], operator_events = request[12],
      operator_retention_ms = request[13], entries = request[16], routes = request[18], mfes = request[19] },
    mrev = request[15], served_until = request[17], frev = request[20] }
  local callers = request[14]
  local retention, calls, is_replicated = request[5], request[6], request[7] == 1
  begin()
  load_router(known)
  notice_lost_data(known)
  prefetch(calls)
  local revs, replies = {}, {}
  for i = 1, #calls do
    local call = calls[i]
    set_caller(callers ~= 0 and callers[i] or 0)
    local reply, rev = operations[call[1]](unpack(call, 2))
    -- A repeat has the revision of its first execution.
    replies[i], revs[i] = reply, rev or router.rev
  end
  local packed_runs, members, view = commit(retention, is_replicated)
  local log = (router.purged or router.fresh and router.rev == 0) and '' or router.log
  return { text(now_ms), text(router.rev), text(router.epoch), log, cmsgpack.pack({ revs, replies }), packed_runs,
    #callbacks > 0 and cmsgpack.pack(callbacks) or '', #losses > 0 and cmsgpack.pack(losses) or '',
    text(router.longest_ttl), members, router.takeovers and cmsgpack.pack(router.takeovers) or '', view }
end
