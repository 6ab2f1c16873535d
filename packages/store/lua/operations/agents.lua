--- A page of the forwarder agents: live sessions that sent a `frev`, in the order in which they began (forwarding contract,
--- section 8.3).
---
--- @arg   after integer   session to continue after, 0 for the start
--- @arg   limit integer
--- @reply page items:agent_item[] next:integer
--- @shape agent_item session:session name:string frev:integer failed:integer
--- @exclusive
--- @read
--- @include lib/agents.lua

function operations.agents(after, limit)
  return { 'page', agents.page(after, limit) }
end
