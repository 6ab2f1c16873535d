--- Reads a session's callbacks after a number.
---
--- @arg   handle handle
--- @arg   after  integer   callback number, exclusive
--- @arg   limit  integer
--- @reply messages entries:mail_entry[] head:integer
--- @shape mail_entry ts:integer callbacks:callback[]
--- @reply ...session_refusal
--- @alone
--- @include lib/sequence.lua
--- @include lib/mailbox.lua

local client, refused = client_of(handle)
if not client then return refused end
local found = redis.call('XRANGE', mailbox_key(client.session), '(' .. text(after) .. '-0', '+', 'COUNT', limit)
local entries = {}
for i = 1, #found do entries[i] = { tonumber(found[i][2][2]), cmsgpack.unpack(found[i][2][4]) } end
return { 'messages', entries, client.mailbox }
