--- Decides a batch of operations of one router as one step: reads, decides in order, writes at the end.
---
--- @include lib/commit.lua

local request = cmsgpack.unpack(request_packed)
local known = { log = request[1], rev = request[2], epoch = request[3], fresh_log = request[4],
  longest_ttl = request[8] }
local retention, calls, is_replicated = request[5], request[6], request[7] == 1

--- The records that the calls will need are read with one command for all.
local function foresee()
  local interfaces = {}
  for i = 1, #calls do
    local call = calls[i]
    local needs = foreseen[call[1]]
    if needs.interface then interfaces[#interfaces + 1] = call[needs.interface] end
    if needs.interfaces then
      local list = call[needs.interfaces]
      for j = 1, #list do interfaces[#interfaces + 1] = list[j] end
    end
  end
  load_records(interfaces)
end

load_router(known)
check_types()
refuse_half_moved()
notice_lost_data(known)
foresee()

local results = {}
for i = 1, #calls do
  local call = calls[i]
  local reply, rev = operations[call[1]](call)
  results[i] = { rev or router.rev, reply }
end

local packed_events = commit(retention, is_replicated)
local log = router.fresh and router.rev == 0 and '' or router.log
return { text(now_ms), text(router.rev), text(router.epoch), log, cmsgpack.pack(results), packed_events,
  #callbacks > 0 and cmsgpack.pack(callbacks) or '', text(router.longest_ttl) }
