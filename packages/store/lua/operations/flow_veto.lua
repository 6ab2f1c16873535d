--- A late answer to a question about the creation of a forwarding entry: its interfaces are vetoed as by FORWARD (forwarding
--- contract, section 5.4).
---
--- @arg   name        string
--- @arg   incarnation integer
--- @arg   vetoes      string    as in flow_answered
--- @reply vetoed changed:flag
--- @include lib/mfe_changes.lua

function operations.flow_veto(name, incarnation, vetoes)
  local mfe = mfes.get(name)
  local is_changed = false
  if not mfe or mfe.incarnation ~= incarnation then return { 'vetoed', 0 } end
  for client, epoch, interface in string.gmatch(vetoes, '(%d+) (%d+) ([^,]+)') do
    local veto = { tonumber(client), tonumber(epoch) }
    if overrides.holds(interface, veto) then
      is_changed = overrides.change(mfe, overrides.OFF, interface, veto[1], veto[2]) or is_changed
    end
  end
  if is_changed then
    mfes.note_change(mfe)
    mfe_changes.note(name, 'forward')
    mfe_changes.close()
  end
  return { 'vetoed', is_changed and 1 or 0 }
end
