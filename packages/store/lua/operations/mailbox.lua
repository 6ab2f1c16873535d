--- Reads a session's callbacks after a number.
---
--- @arg   handle handle
--- @arg   after  integer   callback number, exclusive
--- @arg   limit  integer
--- @reply messages entries:mail_entry[] head:integer
--- @shape mail_entry ts:integer callbacks:callback[]
--- @reply ...session_refusal
--- @exclusive
--- @read
--- @include lib/sequence.lua
--- @include lib/mailbox.lua

--- An entry has between one pair and a thousand, so few are read at a time until there are enough.
local ENTRIES = 8

function operations.mailbox(handle, after, limit)
  local client, refused = client_of(handle)
  if not client then return refused end

  local entries, from = {}, text(after)
  repeat
    local found = redis.call('XRANGE', mailbox_key(client.session), '(' .. from .. '-0', '+', 'COUNT', ENTRIES)
    for i = 1, #found do
      entries[#entries + 1] = { tonumber(found[i][2][2]), cmsgpack.unpack(found[i][2][4]) }
      from = string.match(found[i][1], '^%d+')
    end
  until tonumber(from) - after >= limit or #found < ENTRIES
  return { 'messages', entries, client.mailbox }
end
