--- Goes on with the creation of forwarding entries whose owners were asked (forwarding contract, section 5.3). All lists are per
--- flow.
---
--- @arg   names        string[]
--- @arg   incarnations integer[]
--- @arg   rpf          integer[]   1 after the RPF question, 0 after the others
--- @arg   seen         string[]    of the question
--- @arg   last         integer[]   1: create with the state as it is
--- @arg   answerers    integer[]   the session that answered the RPF question, 0 for none
--- @arg   iifs         string[]    the interface that it chose, ''
--- @arg   given        integer[]   which of the following it chose: see lib/mfes.lua
--- @arg   upstreams    string[]
--- @arg   prefixes     string[]
--- @arg   protocols    integer[]
--- @arg   vetoes       string[]    `<client> <epoch> <interface>`, with commas between
--- @arg   silent       integer[]   sessions that the manager does not ask now
--- @reply flows results:flow_outcome[]
--- @reply store_full
--- @exclusive
--- @include lib/flow_creation.lua

function operations.flow_answered(names, incarnations, rpf, seen, last, answerers, iifs, given, upstreams, prefixes, protocols, vetoes, silent)
  if router.is_full then
    flow_creation.give_up(names, incarnations)
    return { 'store_full' }
  end
  if not router.view then begin_view() end
  view_tasks.activate()
  flow_creation.do_not_ask(silent)
  mfe_changes.load(names)
  local results, memo = {}, {}
  for i = 1, #names do
    local answer = answerers[i] ~= 0 and { session = answerers[i], iif = iifs[i], given = given[i],
      upstream = upstreams[i], prefix = prefixes[i], protocol = protocols[i] } or nil
    results[i] = flow_creation.go_on({ name = names[i], incarnation = incarnations[i], is_rpf = rpf[i] == 1,
      seen = seen[i], is_last = last[i] == 1, answer = answer, vetoes = vetoes[i] }, memo)
  end
  mfe_changes.close()
  return { 'flows', results }
end
