--- Creates the forwarding entries of new flows that have none (forwarding contract, section 5.3).
---
--- @arg   handle handle
--- @arg   names  string[]  per flow: see lib/mfes.lua; '' where none is to be created
--- @reply flows results:flow_outcome[]
--- @reply store_full
--- @reply ...session_refusal
--- @case  flow_outcome created mfe:mfe
--- @case  flow_outcome known mfe:mfe
--- @case  flow_outcome limit
--- @case  flow_outcome skipped
--- @exclusive
--- @include lib/sequence.lua
--- @include lib/mfe_changes.lua

local LIMIT, SKIPPED = { 'limit' }, { 'skipped' }

--- The entries whose memberships decide the outgoing interfaces, read with one command.
local function load_entries(names)
  local wanted = {}
  for i = 1, #names do
    if names[i] ~= '' then
      local family, group = parts_of(names[i])
      wanted[#wanted + 1] = family
      wanted[#wanted + 1] = family .. group
      wanted[#wanted + 1] = names[i]
    end
  end
  entries.load(wanted)
end

local function outcome_of(name, memo)
  if name == '' then return SKIPPED end
  mfe_changes.review(name, 'route', memo)
  local mfe = mfes.get(name)
  if mfe then return { 'known', oifs.shape(mfe, (oifs.of(mfe, memo))) } end
  if router.view.mfes >= router.limits.mfes then return LIMIT end
  local created, names = mfe_changes.create(name, memo)
  return { 'created', oifs.shape(created, names) }
end

function operations.flow_new(handle, names)
  local client, refused = client_of(handle)
  if not client then return refused end
  if router.is_full then return { 'store_full' } end
  if not router.view then begin_view() end
  view_tasks.activate()
  load_entries(names)
  mfes.load(names)
  local results, memo = {}, {}
  for i = 1, #names do results[i] = outcome_of(names[i], memo) end
  mfe_changes.close()
  return { 'flows', results }
end
