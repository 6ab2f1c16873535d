--- A page of the entries, or groups, that have memberships (membership contract, section 4.3).
---
--- Items are one text, between commas: a list per item would double the time.
---
--- @arg   handle       handle   the requesting client
--- @arg   is_anonymous flag     without a handle
--- @arg   any          flag     once per group, without (*,*)
--- @arg   after        string   where the page before ended, '' for a first page
--- @arg   limit        integer
--- @reply page items:string after:string mailbox:integer
--- @reply ...session_refusal
--- @exclusive
--- @read
--- @include lib/sequence.lua
--- @include lib/notified.lua

--- Entries that one page looks at: more than it lists where memberships are withdrawn.
local STEPS = 1000

--- The first flags of an item by `others`, `own` and `local`: 4, 2 and 1. The last one is `notified`.
local FLAGS = { [0] = '000', '001', '010', '011', '100', '101', '110', '111' }

--- `<entry> <clients> <flags>`. `pairs`: holder and the client that it counts for, of every pair.
local function item_of(name, pairs, asking)
  local clients_counted, clients, others, own, is_local = {}, 0, 0, 0, 0
  for i = 1, #pairs, 2 do
    local holder, counts_for = pairs[i], pairs[i + 1]
    if counted.is_client(counts_for) and not clients_counted[counts_for] then
      clients_counted[counts_for] = true
      clients = clients + 1
    end
    if asking ~= 0 and holder == asking then
      own = 2
    elseif asking ~= 0 and counted.client_behind(counts_for) == asking then
      if holder ~= 0 then is_local = 1 end
    elseif counted.is_client(counts_for) then
      others = 4
    end
  end
  local is_notified = asking ~= 0 and notified.of(name) == asking and '1' or '0'
  return name .. ' ' .. clients .. ' ' .. FLAGS[others + own + is_local] .. is_notified
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
  if client then notified.load(names) end
  local items, last, listed = {}, '', ''
  for i = 1, #names do
    last = names[i]
    local group = group_of(last)
    local is_wanted = any == 0 or #last > 1 and group ~= listed
    local present = is_wanted and entries.present_clients(last)
    if present and #present > 0 then
      items[#items + 1] = any == 1 and group or item_of(last, present, asking)
      listed = group
    end
    if #items == limit then break end
  end
  local is_end = #names < STEPS and last == (names[#names] or '')
  -- No name of the group comes after this one: hexadecimal ends before `g`.
  if any == 1 and last ~= '' and group_of(last) == listed then last = listed .. 'g' end
  return { 'page', table.concat(items, ','), is_end and '' or last, client and client.mailbox or 0 }
end
