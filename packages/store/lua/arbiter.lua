--- Decides a batch of operations of one router as one step: reads, decides in order, writes at the end.
---
--- Where Redis is full it refuses the call, and is asked again for what fits all the same: nothing new is taken and nobody
--- new comes in, but repeats and reads are answered, leases kept, interfaces given back.
---
--- The library is loaded once and called often: what one call knows is made anew by the next, whatever became of it.
---
--- @include lib/commit.lua

--- Names no interface, so there is never a key of it.
local NEVER = ''

--- The word that a call in columns begins with, and where its interfaces are.
local EACH, EACH_NEEDS = 'each', { interfaces = 6 }

--- The records that the calls will need are read with one command for all; so is a key that is never there. While its slot
--- moves to another node of a cluster, a router is on both: a key that is not here may be there. Redis ends a call that
--- asks for such a one, also in the middle of its writes, so one is asked for before anything is written.
local function foresee(calls)
  local interfaces = { NEVER }
  for i = 1, #calls do
    local call = calls[i]
    local needs = call[1] == EACH and EACH_NEEDS or foreseen[call[1]]
    if needs.interface then interfaces[#interfaces + 1] = call[needs.interface] end
    if needs.interfaces then
      local list = call[needs.interfaces]
      for j = 1, #list do interfaces[#interfaces + 1] = list[j] end
    end
  end
  load_records(interfaces)
  -- What an ended session still has on them goes first, all of it: so its events follow each other, and so do the new ones.
  for i = 1, #interfaces do
    if records[interfaces[i]] then look_at(interfaces[i]) end
  end
end

local function begin()
  read_clock()
  begin_claims()
  begin_events()
  begin_callbacks()
  begin_clients()
  begin_records()
end

--- The revision after each request, and its reply, in order.
local revs, replies

local function note(reply, rev)
  local place = #replies + 1
  revs[place], replies[place] = rev or router.rev, reply
end

--- Requests of one session that follow each other and ask the same of one interface each come as one call, in columns: to
--- read each as a call of its own would cost more than to decide it.
local function decide_each(operation, handle, seqs, acks, interfaces)
  local decide_one = operations[operation]
  for i = 1, #seqs do note(decide_one(handle, seqs[i], acks[i], { interfaces[i] })) end
end

local function decide(packed)
  local request = cmsgpack.unpack(packed)
  local known = { log = request[1], rev = request[2], epoch = request[3], fresh_log = request[4],
    longest_ttl = request[8], is_full = request[9] == 1 }
  local retention, calls, is_replicated = request[5], request[6], request[7] == 1
  begin()
  load_router(known)
  notice_lost_data(known)
  foresee(calls)
  revs, replies = {}, {}
  for i = 1, #calls do
    local call = calls[i]
    if call[1] == EACH then decide_each(unpack(call, 2)) else note(operations[call[1]](unpack(call, 2))) end
  end
  local packed_runs = commit(retention, is_replicated)
  local log = router.fresh and router.rev == 0 and '' or router.log
  return { text(now_ms), text(router.rev), text(router.epoch), log, cmsgpack.pack({ revs, replies }), packed_runs,
    #callbacks > 0 and cmsgpack.pack(callbacks) or '', #losses > 0 and cmsgpack.pack(losses) or '',
    text(router.longest_ttl) }
end
