--- The reply window: replies kept for repeats, in pages. A page has the replies of one batch, which is far cheaper than an entry
--- per reply.
---
--- A page is four lists: numbers, and for each its operation, the revision after it, and the reply. `client.pages` has for each
--- page, from `first_page` on, the lowest and the highest number on it. Pages are deleted in order, each once `ack` has passed
--- all of it, so there are never more than two windows of them. `client.kept_bytes` is their total size.
---
--- @include lib/clients.lua

local BOUNDS = '<dd'
local BOUNDS_BYTES = 16

local WINDOW_BYTES_MAX = 1048576

--- Whether the kept replies, of this session or of all sessions of the caller, are so large that no further request with a large
--- reply is executed until some are acknowledged.
local function is_window_full(client)
  return client.kept_bytes >= WINDOW_BYTES_MAX or has_all(KEPT_BYTES, caller[KEPT_BYTES_MAX])
end

--- Counts the kept replies for the identity of the client, as they are to be stored.
local function count_kept_bytes(client)
  count_for(client.counted_for, KEPT_BYTES, -client.counted_bytes)
  if client.state ~= 'ended' then count_for(client.identity, KEPT_BYTES, client.kept_bytes) end
end

local function page_field(page)
  return 'answers:' .. page
end

local function bounds_at(client, page)
  return struct.unpack(BOUNDS, client.pages, (page - client.first_page) * BOUNDS_BYTES + 1)
end

--- Page, lowest and highest number of each kept page.
local function page_bounds(client)
  local all = {}
  for page = client.first_page, client.next_page - 1 do
    local lowest, highest = bounds_at(client, page)
    all[#all + 1] = { page = page, lowest = lowest, highest = highest }
  end
  return all
end

local function fields_of_pages(first, behind)
  local fields = {}
  for page = first, behind - 1 do fields[#fields + 1] = page_field(page) end
  return fields
end

--- Forgets the pages that `ack` has passed; returns their fields.
local function pass_pages(client)
  local first = client.first_page
  local page = first
  while page < client.next_page do
    local _, highest = bounds_at(client, page)
    if highest >= client.ack then break end
    client.kept_bytes = client.kept_bytes - redis.call('HSTRLEN', client_key(client.number), page_field(page))
    page = page + 1
  end
  client.pages = string.sub(client.pages, (page - first) * BOUNDS_BYTES + 1)
  client.first_page = page
  -- Never negative, although an earlier version does not count the bytes.
  client.kept_bytes = page == client.next_page and 0 or math.max(0, client.kept_bytes)
  return fields_of_pages(first, page)
end

--- The number of the client that a holder of this batch describes.
local holder_clients

local function begin_reply_pages()
  holder_clients = {}
end

--- The index of the name in a holder.
local HOLDER_NAME = 4

--- A holder as it is kept: without its name, which can be long, and with the client from which the name is read again, as a
--- list of one at the end. An earlier version ignores that and replies without the name.
local function kept_holder(holder)
  local kept = { unpack(holder) }
  kept[HOLDER_NAME] = ''
  kept[#kept + 1] = { holder_clients[holder] }
  return kept
end

--- A reply as it is kept: a granted epoch alone, outcomes without names of holders.
local function kept_reply(reply)
  if reply[1] == 'granted' then return reply[2] end
  if reply[1] ~= 'decided' then return reply end
  local outcomes = {}
  for i = 1, #reply[2] do
    local outcome = reply[2][i]
    outcomes[i] = holder_clients[outcome[2]] and { outcome[1], kept_holder(outcome[2]) } or outcome
  end
  return { 'decided', outcomes }
end

--- The name of a client, or '' once its record has expired.
local function name_of(number)
  local client = clients[number] or read_client(number)
  return client and client.name or ''
end

--- Fills in the name of a kept holder; an earlier version keeps holders with their names.
local function complete_holder(holder, names)
  local last = holder[#holder]
  if type(last) ~= 'table' or #last ~= 1 then return end
  local number = last[1]
  names[number] = names[number] or name_of(number)
  holder[HOLDER_NAME], holder[#holder] = names[number], nil
end

--- A reply as it was first given.
local function completed(reply)
  if type(reply) == 'number' then return { 'granted', reply } end
  if reply[1] ~= 'decided' then return reply end
  local names = {}
  for i = 1, #reply[2] do
    local holder = reply[2][i][2]
    if type(holder) == 'table' then complete_holder(holder, names) end
  end
  return reply
end

--- Makes a page of this batch's replies, unless `ack` has passed all of them; returns its field and value.
local function add_page(client)
  local new = client.new_answers
  if not new or new.highest < client.ack then return end
  local page = client.next_page
  client.next_page = page + 1
  client.pages = client.pages .. struct.pack(BOUNDS, new.lowest, new.highest)
  local replies = {}
  for i = 1, #new.replies do replies[i] = kept_reply(new.replies[i]) end
  local packed = cmsgpack.pack(new.numbers, new.operations, new.revs, replies)
  client.kept_bytes = client.kept_bytes + #packed
  return page_field(page), packed
end
