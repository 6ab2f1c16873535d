--- Creates the forwarding entries of new flows that have none, or says whom to ask first (forwarding contract, section 5.3).
---
--- Once the reply is full, further flows are pending. The first whose entry does not fit may have been created all the same; asked
--- again, it is known.
---
--- @arg   handle handle
--- @arg   names  string[]   per flow: see lib/mfes.lua; '' where none is to be created
--- @arg   asks   flag       the manager asks owners
--- @arg   silent integer[]  sessions that it does not ask now
--- @reply flows results:flow_outcome[]
--- @reply store_full
--- @reply ...session_refusal
--- @exclusive
--- @include lib/sequence.lua
--- @include lib/flow_creation.lua

function operations.flow_new(handle, names, asks, silent)
  local client, refused = client_of(handle)
  if not client then return refused end
  if router.is_full then return { 'store_full' } end
  if not router.view then begin_view() end
  view_tasks.activate()
  flow_creation.do_not_ask(silent)
  mfe_changes.load(names)
  local results = flow_creation.begin_flows(names, asks == 1)
  mfe_changes.close()
  return { 'flows', results }
end
