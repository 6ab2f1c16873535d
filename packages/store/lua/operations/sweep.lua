--- Ends sessions whose lease is over and releases a bounded number of their interfaces, or, if there are none, purges a
--- bounded number of entries with withdrawn memberships, and goes on with the tasks of the multicast view, and removes forwarding entries whose time is over.
---
--- It also promises that a manager serves until the next sweep: leases run only while a manager serves.
---
--- @arg   most         integer   interfaces or sessions of one slice
--- @arg   most_entries integer   entries of one slice
--- @arg   serving_ms   integer   time until the latest moment of this manager's next sweep
--- @reply swept ended:integer released:integer more:flag idle:flag due_in_ms:integer
--- @exclusive
--- @high_priority
--- @include lib/interfaces.lua
--- @include lib/withdrawals.lua
--- @include lib/view_slices.lua
--- @include lib/mfe_changes.lua

function operations.sweep(most, most_entries, serving_ms)
  promise_service(serving_ms)
  local due = redis.call('ZRANGEBYSCORE', leases_key, '-inf', text(service_now), 'LIMIT', 0, most)
  local ended = {}
  for i = 1, #due do
    local client = load_client(tonumber(due[i]))
    if not client then
      orphaned_leases[#orphaned_leases + 1] = due[i]
    elseif client.state == 'ended' then
      ended[#ended + 1] = client
      -- Written even if it has no interfaces left, so that it leaves the queue.
      client.requeue = true
    end
  end

  local released = 0
  for i = 1, #ended do
    if released == most then break end
    released = released + clear_slice(ended[i], most - released)
  end
  local more = #due == most or released == most
  if released == 0 then
    more = settle_slice(most_entries) or more
    more = view_slice(most_entries) or more
    more = mfe_changes.expire(most_entries) or more
  else
    more = more or router.members ~= nil and router.members.voids > 0 or router.view ~= nil and router.view.tasks > 0
  end
  local idle = #due == 0 and not more and not has_mfes() and redis.call('ZCARD', roster_key) == 0 and redis.call('ZCARD', leases_key) == 0
  return { 'swept', #ended, released, more and 1 or 0, idle and 1 or 0, due_in_ms() }
end
