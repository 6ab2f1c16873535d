--- A page of the live and stale sessions, in the order of their clients' numbers.
---
--- @arg   after integer   client number to continue after, 0 for the start
--- @arg   limit integer
--- @reply page items:session_item[] next:integer
--- @shape session_item session:session protocol_id:integer component_id:integer name:string stale:flag expires_in_ms:integer interfaces:integer
--- @exclusive
--- @read
--- @include lib/clients.lua

function operations.sessions(after, limit)
  local numbers = redis.call('ZRANGEBYSCORE', roster_key, '(' .. text(after), '+inf', 'LIMIT', 0, limit)
  local items = {}
  for i = 1, #numbers do
    local client = load_client(tonumber(numbers[i]))
    if client and client.state ~= 'ended' then
      items[#items + 1] = { client.session, client.protocol_id, client.component_id, client.name,
        client.state == 'stale' and 1 or 0, client.expires_at - service_now, owned_count(client) }
    end
  end
  return { 'page', items, #numbers == limit and tonumber(numbers[#numbers]) or 0 }
end
