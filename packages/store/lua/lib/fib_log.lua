--- The log of forwarding entries: each one that is set or deleted gets the next `frev`. Consecutive items of a batch are one
--- message: an entry of the stream, and what managers publish (forwarding contract, sections 8.1 and 11).
---
--- An MFE has at most one item per request: a later one takes the place of the earlier.
---
--- @include lib/oifs.lua
--- @shape fib_item kind:string name:string incarnation:integer cause:string mfe:mfe?
--- @shape fib_message first:integer ts:integer items:fib_item[]

local fib_log = {}

--- The log keeps this many changes.
local KEPT = 100000

--- A message has at most this many items, and is below 256 KiB: an item grows to about its text and this much more.
local MESSAGE_ITEMS, MESSAGE_BYTES, BYTES_OF_ITEM = 256, 200000, 400

--- Positions of the MFE in an item, and of the outgoing interfaces in an MFE.
local ITEM_MFE, MFE_OIFS = 5, 13

--- The items of the batch; the places of those of the present request by name; `frev` before the first.
local fib_items, fib_places, fib_before

function fib_log.begin()
  fib_items, fib_places, fib_before = {}, {}, nil
end

local function note_item(name, item)
  local place = fib_places[name]
  if not place then
    local view = router.view
    fib_before = fib_before or view.frev
    view.frev, view.changed = view.frev + 1, true
    place = #fib_items + 1
    fib_places[name] = place
  end
  fib_items[place] = item
end

--- An MFE was created, or what it shows changed. Returns its shape.
function fib_log.set(mfe, names)
  local shape = oifs.shape(mfe, names)
  note_item(mfe.name, { 'set', mfe.name, mfe.incarnation, '', shape })
  return shape
end

function fib_log.delete(mfe, cause)
  note_item(mfe.name, { 'del', mfe.name, mfe.incarnation, cause, {} })
end

--- At the end of a request.
function fib_log.close()
  fib_places = {}
end

--- About how many bytes an MFE has in a message or reply.
function fib_log.size_of_mfe(mfe)
  return #(mfe[MFE_OIFS] or '') + BYTES_OF_ITEM
end

local function size_of(item)
  return fib_log.size_of_mfe(item[ITEM_MFE])
end

--- About how many bytes a message has.
function fib_log.size_of(message)
  local bytes = 0
  for i = 1, #message[3] do bytes = bytes + size_of(message[3][i]) end
  return bytes
end

--- The changes of the batch as messages of bounded size; each has at least one item.
function fib_log.messages()
  local messages, items, bytes = {}, nil, 0
  for i = 1, #fib_items do
    local size = size_of(fib_items[i])
    if not items or #items == MESSAGE_ITEMS or bytes + size > MESSAGE_BYTES then
      items, bytes = {}, 0
      messages[#messages + 1] = { fib_before + i, now_ms, items }
    end
    items[#items + 1] = fib_items[i]
    bytes = bytes + size
  end
  return messages
end

--- The oldest `frev` that the log keeps.
function fib_log.first()
  local oldest = redis.call('XRANGE', flog_key, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(oldest[2][2]) or (router.view and router.view.frev or 0) + 1
end

function fib_log.check_types()
  if #fib_items > 0 or router.members.restarted then redis.call('XLEN', flog_key) end
end

--- With `~`, Redis removes whole nodes of old entries, at most some thousand entries per call.
function fib_log.save(messages)
  if router.members.restarted then redis.call('DEL', flog_key) end
  local kept_from = text(math.max(0, router.view.frev - KEPT))
  for i = 1, #messages do
    local first, ts, items = unpack(messages[i])
    redis.call('XADD', flog_key, 'MINID', '~', kept_from, text(first + #items - 1) .. '-0',
      'first', text(first), 'ts', text(ts), 'items', cmsgpack.pack(items))
  end
end

--- Up to `most` messages of the log after this number; the first may begin before it.
function fib_log.after(number, most)
  local found = redis.call('XRANGE', flog_key, '(' .. text(number) .. '-0', '+', 'COUNT', most)
  local messages = {}
  for i = 1, #found do
    local fields = found[i][2]
    messages[i] = { tonumber(fields[2]), tonumber(fields[4]), cmsgpack.unpack(fields[6]) }
  end
  return messages
end
