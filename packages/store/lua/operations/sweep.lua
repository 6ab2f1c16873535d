--- Ends sessions whose time is over and takes down a bounded number of their interfaces.
---
--- It also says that a manager serves: the time of leases runs only while one does.
---
--- @arg   most       integer   interfaces, and sessions, of one call
--- @arg   serving_ms integer   the next sweep of this manager comes before this time is over
--- @reply swept ended:integer released:integer more:flag
--- @alone
--- @include lib/interfaces.lua

function operations.sweep(most, serving_ms)
  promise_service(serving_ms)
  local due = redis.call('ZRANGEBYSCORE', leases_key, '-inf', text(service_now), 'LIMIT', 0, most)
  local ended = {}
  for i = 1, #due do
    local client = load_client(tonumber(due[i]))
    if not client then
      orphaned_leases[#orphaned_leases + 1] = due[i]
    elseif client.state == 'ended' then
      ended[#ended + 1] = client
      -- Also one that has nothing left: it leaves the queue when it is written.
      client.requeue = true
    end
  end

  local released = 0
  for i = 1, #ended do
    if released == most then break end
    released = released + clear_slice(ended[i], most - released)
  end
  return { 'swept', #ended, released, (#due == most or released == most) and 1 or 0 }
end
