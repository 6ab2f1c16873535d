--- Reads a session's callbacks after a number.
---
--- @arg   handle handle
--- @arg   after  integer   callback number, exclusive
--- @arg   limit  integer
--- @reply messages entries:mail_entry[] head:integer
--- @shape mail_entry ts:integer callbacks:callback[] alerts:alert[]
--- @shape alert seq:integer type:string cause:string window:flag mrev:integer count:integer items:string frev:integer
--- @reply ...session_refusal
--- @exclusive
--- @read
--- @include lib/sequence.lua
--- @include lib/mailbox.lua

--- An entry has between one pair and a thousand, so few are read at a time until there are enough.
local ENTRIES = 8

--- A reply stays below 512 KiB: messages grow to about twice their size.
local BYTES_MAX = 200000

--- Position in a row of alerts.
local FREV = 8

function operations.mailbox(handle, after, limit)
  local client, refused = client_of(handle)
  if not client then return refused end

  local entries, from, bytes = {}, text(after), 0
  repeat
    local found = redis.call('XRANGE', mailbox_key(client.session), '(' .. from .. '-0', '+', 'COUNT', ENTRIES)
    for i = 1, #found do
      if bytes > BYTES_MAX then break end
      local fields = found[i][2]
      local _, alert_rows = 0, {}
      if fields[6] then _, alert_rows = cmsgpack.unpack(fields[6]) end
      -- Rows from before there were forwarding entries have no `frev`.
      for j = 1, #alert_rows do alert_rows[j][FREV] = alert_rows[j][FREV] or 0 end
      entries[#entries + 1] = { tonumber(fields[2]), cmsgpack.unpack(fields[4]), alert_rows }
      from = string.match(found[i][1], '^%d+')
      bytes = bytes + #fields[4] + (fields[6] and #fields[6] or 0)
    end
  until tonumber(from) - after >= limit or bytes > BYTES_MAX or #found < ENTRIES
  return { 'messages', entries, client.mailbox }
end
