import type { Mutation } from './mutation.ts';

const LIB = 'packages/store/lua/lib';
/** Random histories, with each step compared with the executable specification. */
const MODEL = 'test/model/membership/side-by-side.test.ts';
const REPLIES = 'packages/store/test/member-replies.test.ts';
const ENDS = 'packages/store/test/member-ends.test.ts';
const CONFORMANCE = 'test/conformance/membership';
const SETTINGS = 'packages/store/test/owner-settings.test.ts';
const FILTERS = 'packages/store/test/group-filters.test.ts';
const STATICS = 'packages/store/test/statics.test.ts';

/** The safety checks of group memberships. */
export const OF_MEMBERSHIPS: readonly Mutation[] = [
  {
    check: 'memberships: an add first purges what is withdrawn of its entry',
    file: `${LIB}/member_change.lua`,
    from: 'local function add(client, hold, interface, entry)\n  purge(entry)',
    to: 'local function add(client, hold, interface, entry)',
    tests: [MODEL],
  },
  {
    check: 'memberships: a repeated add changes nothing',
    file: `${LIB}/member_change.lua`,
    from: 'if pair and entries.has(pair, slot.number) then',
    to: 'if false then',
    tests: [MODEL, REPLIES],
  },
  {
    check: 'memberships: only the holder of the interface changes them',
    file: `${LIB}/member_change.lua`,
    from: 'elseif igmp == client then',
    to: 'elseif igmp then',
    tests: [MODEL, `${CONFORMANCE}/refusals.test.ts`],
  },
  {
    check: 'memberships: another epoch than that of the hold is refused',
    file: `${LIB}/member_change.lua`,
    from: "if epoch ~= '' and epoch ~= text(current) then",
    to: "if epoch == 'never' then",
    tests: [REPLIES, `${CONFORMANCE}/refusals.test.ts`],
  },
  {
    check: 'memberships: no more entries than the limit',
    file: `${LIB}/member_change.lua`,
    from: 'members.entries >= router.limits.entries',
    to: 'members.entries > router.limits.entries',
    tests: [REPLIES, `${CONFORMANCE}/refusals.test.ts`],
  },
  {
    check: 'memberships: those of an ended client are withdrawn at once',
    file: `${LIB}/entries.lua`,
    from: 'if is_over(pair[HOLDER]) or is_over(counted.client_behind(pair[COUNTS_FOR])) then return entries.slots_of(pair) end',
    to: '',
    tests: [ENDS],
  },
  {
    check: 'memberships: a listing leaves out what is withdrawn',
    file: `${LIB}/entries.lua`,
    from: 'if #entries.withdrawn_of(pair) < pair[COUNT] then',
    to: 'if pair[COUNT] > 0 then',
    tests: [MODEL],
  },
  {
    check: "memberships: the end of an owner's hold withdraws those of IGMP",
    file: `${LIB}/slots.lua`,
    from: 'cause, 0)\n    withdraw(interface, on, slots.IGMP, cause, 1)',
    to: 'cause, 0)',
    tests: [MODEL],
  },
  {
    check: 'memberships: a new owner opens a window for those of IGMP',
    file: `${LIB}/slots.lua`,
    from: 'withdraw(interface, on, slots.IGMP, cause, 1)\n  withdraw_statics',
    to: 'withdraw_statics',
    tests: [MODEL],
  },
  {
    check: 'memberships: `settled` waits until everything is purged',
    file: `${LIB}/withdrawals.lua`,
    from: 'if members.ending > 0 or oldest and oldest <= members.round then return end',
    to: '',
    tests: [ENDS],
  },
  {
    check: 'memberships: the schema is 3 while there is one',
    file: `${LIB}/router.lua`,
    from: 'members.slots > 0 and SCHEMA_WITH_MEMBERSHIPS or SCHEMA',
    to: 'SCHEMA',
    tests: [MODEL, `${CONFORMANCE}/rollout.test.ts`],
  },
  {
    check: 'alerts: a client in its grace time receives none',
    file: `${LIB}/alerts.lua`,
    from: "return client.state == 'live' and bit.band",
    to: 'return bit.band',
    tests: [MODEL],
  },
  {
    check: 'alerts: none between a RESYNC and its acknowledgement',
    file: `${LIB}/alerts.lua`,
    from: 'return member.resync > member.acked',
    to: 'return false',
    tests: [MODEL, `${CONFORMANCE}/resync.test.ts`, 'test/robustness/short.test.ts'],
  },
  {
    check: 'alerts: the alerts of one request keep the order of its changes',
    file: `${LIB}/alerts.lua`,
    from: 'if client.last_alert ~= run or client.member.total',
    to: 'if client.member.total',
    tests: [ENDS],
  },
  {
    check: 'alerts: LOCAL_LEAVE only while the hold continues that IGMP joined under',
    file: `${LIB}/withdrawals.lua`,
    from: ' or record[OWNER_EPOCH] ~= slot.owner_epoch then return end',
    to: ' then return end',
    tests: [MODEL],
  },
  {
    check: 'alerts: IGMP counts for the owner, not for itself',
    file: `${LIB}/withdrawals.lua`,
    from: 'if a ~= holder and a ~= counts_for then a = nil end',
    to: 'if a ~= holder then a = nil end',
    tests: [MODEL],
  },
  {
    check: 'alerts: a purge raises what it changes',
    file: `${LIB}/withdrawals.lua`,
    from: 'if not change.is_silenced or not RAISES[#name] then',
    to: 'if not RAISES[#name] then',
    tests: [MODEL],
  },
  {
    check: "settings: they end with the owner's hold",
    file: `${LIB}/slots.lua`,
    from: 'if on[SETTINGS] ~= 0 then replace_settings(on, 0) end',
    to: '',
    tests: [MODEL, SETTINGS],
  },
  {
    check:
      'settings: a membership that counts for no client is withdrawn with the hold of the owner',
    file: `${LIB}/entries.lua`,
    from: 'if is_over(pair[HOLDER]) or is_over(counted.client_behind(pair[COUNTS_FOR])) then',
    to: 'if is_over(pair[HOLDER]) then',
    tests: [SETTINGS],
  },
  {
    check: 'settings: memberships of IGMP count for no client where the owner advises',
    file: `${LIB}/slots.lua`,
    from: 'return slots.is_set(interface, slots.ADVISE) and owner.number + counted.ADVISED or owner.number',
    to: 'return owner.number',
    tests: [MODEL],
  },
  {
    check: 'settings: another `localMembers` withdraws the memberships of IGMP',
    file: 'packages/store/lua/operations/interface_set.lua',
    from: "if opens then slots.open_window(interface, 'policy', igmp) end",
    to: '',
    tests: [MODEL],
  },
  {
    check: 'filters: the exclude list goes with its membership',
    file: `${LIB}/slots.lua`,
    from: "if slot.filters > 0 then excludes.set(slot, name, '') end",
    to: '',
    tests: [MODEL, FILTERS],
  },
  {
    check: 'statics: what a client leaves is dormant, without a `left` event',
    file: `${LIB}/withdrawals.lua`,
    from: "if slot.holder ~= 0 then\n    member_log.event('left', slot, name, cause)",
    to: "if true then\n    member_log.event('left', slot, name, cause)",
    tests: [MODEL, STATICS],
  },
  {
    check: 'statics: they are withdrawn with the hold of the client that they count for',
    file: `${LIB}/slots.lua`,
    from: 'withdraw_statics(interface, on, client, cause, has_igmp and 1 or 0)',
    to: '',
    tests: [MODEL, STATICS],
  },
  {
    check: 'statics: the end of the hold of an owner opens a window where IGMP stays',
    file: `${LIB}/slots.lua`,
    from: 'withdraw_statics(interface, on, client, cause, has_igmp and 1 or 0)',
    to: 'withdraw_statics(interface, on, client, cause, 0)',
    tests: [MODEL],
  },
  {
    check: 'limits: no more groups on an interface than its limit',
    file: `${LIB}/interface_limits.lua`,
    from: 'return limits.groups >= limits.max_groups and',
    to: 'return limits.groups > limits.max_groups and',
    tests: [MODEL, STATICS],
  },
  {
    check: 'limits: the groups of an ended hold do not count',
    file: `${LIB}/interface_limits.lua`,
    from: 'if is_new then count_anew(interface, limits) end',
    to: '',
    tests: [MODEL, STATICS],
  },
  {
    check: 'forwarding: `settled` waits for tasks that other tasks add',
    file: `${LIB}/view_tasks.lua`,
    from: 'if parent_number then return add_to_round(task) end',
    to: '',
    tests: ['packages/store/test/mfes.test.ts'],
  },
];
