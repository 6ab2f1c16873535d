--- A page of the entries, or groups, that have memberships (membership contract, section 4.3).
---
--- @arg   handle       handle   the requesting client
--- @arg   is_anonymous flag     without a handle
--- @arg   any          flag     once per group, without (*,*)
--- @arg   after        string   where the page before ended, '' for a first page
--- @arg   limit        integer
--- @reply page items:group_item[] after:string mailbox:integer
--- @reply ...session_refusal
--- @shape group_item entry:string clients:integer others:flag own:flag is_local:flag
--- @exclusive
--- @read
--- @include lib/sequence.lua
--- @include lib/entries.lua

--- Entries that one page looks at: more than it lists where memberships are withdrawn.
local STEPS = 1000

local function item_of(name, present, asking)
  local counted, clients, others, own, is_local = {}, 0, 0, 0, 0
  for i = 1, #present do
    local holder, counts_for = present[i][HOLDER], present[i][COUNTS_FOR]
    if not counted[counts_for] then
      counted[counts_for] = true
      clients = clients + 1
    end
    if holder == asking then
      own = 1
    elseif counts_for == asking then
      is_local = 1
    else
      others = 1
    end
  end
  return { name, clients, others, own, is_local }
end

--- The name of the (*,g) of an entry's group.
local function group_of(name)
  return string.sub(name, 1, string.sub(name, 1, 1) == '4' and 9 or 33)
end

function operations.groups(handle, is_anonymous, any, after, limit)
  local client, refused
  if is_anonymous == 0 then
    client, refused = client_of(handle)
    if not client then return refused end
  end
  local asking = client and client.number or 0
  local names = entries.names_from(after == '' and '-' or '(' .. after, '+', STEPS)
  entries.load(names)
  local items, last, listed = {}, '', ''
  for i = 1, #names do
    last = names[i]
    local group = group_of(last)
    local is_wanted = any == 0 or #last > 1 and group ~= listed
    local present = is_wanted and entries.present_pairs(entries.get(last)) or {}
    if #present > 0 then
      items[#items + 1] = item_of(any == 1 and group or last, present, asking)
      listed = group
    end
    if #items == limit then break end
  end
  local is_end = #names < STEPS and last == (names[#names] or '')
  -- No name of the group is behind this one: hexadecimal ends before `g`.
  if any == 1 and last ~= '' and group_of(last) == listed then last = listed .. 'g' end
  return { 'page', items, is_end and '' or last, client and client.mailbox or 0 }
end
