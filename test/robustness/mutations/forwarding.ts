import type { Mutation } from './mutation.ts';

const LIB = 'packages/store/lua/lib';
const OPERATIONS = 'packages/store/lua/operations';
const AGENT = 'packages/client/src/forwarder';
const STORE = 'packages/store/test/mfes.test.ts';
/** Random histories, with each step compared with the executable specification. */
const MODEL = 'test/model/forwarding/side-by-side.test.ts';

/** The safety checks of forwarding entries, in the scripts and in the agent of the client library. */
export const OF_FORWARDING: readonly Mutation[] = [
  {
    check: 'forwarding: an entry is not shown once the hold of its incoming interface ended',
    file: `${LIB}/mfes.lua`,
    from: "if mfe.iif ~= '' and not mfes.owner_of(mfe) then return nil end",
    to: '',
    tests: [STORE],
  },
  {
    check: 'forwarding: an entry is not shown under a later hold of its incoming interface',
    file: `${LIB}/mfes.lua`,
    from: 'if client and client.number == mfe.owner and epoch == mfe.epoch then',
    to: 'if client and client.number == mfe.owner then',
    tests: [STORE],
  },
  {
    check: 'forwarding: the incoming interface is never an outgoing one',
    file: `${LIB}/oifs.lua`,
    from: 'if interface ~= mfe.iif then found[interface] = client end',
    to: 'found[interface] = client',
    tests: [STORE],
  },
  {
    check: 'forwarding: an interface whose holder excludes the source is no outgoing one',
    file: `${LIB}/oifs.lua`,
    from: 'if interface ~= mfe.iif and not excludes.has(list, source) then',
    to: 'if interface ~= mfe.iif then',
    tests: [MODEL],
  },
  {
    check: 'forwarding: `lite` ignores exclude lists',
    file: `${LIB}/oifs.lua`,
    from: "if list == '' or list and interface_limits.is_lite(slot.interface) then",
    to: "if list == '' then",
    tests: [MODEL],
  },
  {
    check: 'forwarding: an interface whose memberships count for no client is no outgoing one',
    file: `${LIB}/oifs.lua`,
    from: 'local counting = entries.counting(entry)',
    to: 'local counting = entry',
    tests: [MODEL],
  },
  {
    check: 'forwarding: the log tells an agent every change that it missed',
    file: `${OPERATIONS}/fib.lua`,
    from: 'local messages, bytes, from = {}, 0, after',
    to: 'local messages, bytes, from = {}, 0, after + 1',
    tests: [MODEL],
  },
  {
    check: 'forwarding: `frev` has no gaps',
    file: `${LIB}/fib_log.lua`,
    from: 'view.frev + 1, true',
    to: 'view.frev + 2, true',
    tests: [STORE],
  },
  {
    check: 'forwarding: an agent reports of the present incarnation only',
    file: `${OPERATIONS}/flow_failed.lua`,
    from: 'if mfe and mfe.incarnation == incarnations[i] then',
    to: 'if mfe then',
    tests: ['packages/store/test/agents.test.ts'],
  },
  {
    check: 'forwarding: `mfe.set` names the present incarnation',
    file: `${OPERATIONS}/mfe_set.lua`,
    from: 'if incarnation ~= 0 and incarnation ~= mfe.incarnation then',
    to: 'if incarnation < 0 then',
    tests: ['test/conformance/steering.test.ts', 'packages/store/test/overrides.test.ts'],
  },
  {
    check: 'forwarding: a repeated FORWARD changes overrides of a former hold',
    file: `${LIB}/overrides.lua`,
    from: "if next(overridden_mfes) or view_tasks.is_outstanding('F' .. interface) then",
    to: 'if next(overridden_mfes) then',
    tests: ['packages/store/test/overrides.test.ts'],
  },
  {
    check: 'forwarding: entries of a route end with the hold of its interface',
    file: `${LIB}/view_slices.lua`,
    from: 'if mfe and mfe.rpf == interface then',
    to: 'if mfe and mfe.iif == interface then',
    tests: [STORE],
  },
  {
    check: 'agent: an entry under a lower epoch than one it has seen is refused',
    file: `${AGENT}/table.ts`,
    from: 'if (highest !== undefined && compareEpochs(mfe.iifEpoch, highest) < 0) return true;',
    to: '',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: the deletion of an earlier incarnation is ignored',
    file: `${AGENT}/table.ts`,
    from: 'if (known && known.incarnation <= incarnation) await this.#remove(key, known);',
    to: 'if (known) await this.#remove(key, known);',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: each change is applied once',
    file: `${AGENT}/table.ts`,
    from: 'if (number <= this.#frev) continue;',
    to: '',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: an entry of a lower incarnation is ignored',
    file: `${AGENT}/table.ts`,
    from: 'if (known && mfe.incarnation < known.incarnation) return;',
    to: '',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: an entry of a reply replaces only one of a lower incarnation',
    file: `${AGENT}/table.ts`,
    from: 'if (!known || known.incarnation < mfe.incarnation) await this.#set(mfe);',
    to: 'await this.#set(mfe);',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: a reply does not bring back an entry that was deleted meanwhile',
    file: `${AGENT}/table.ts`,
    from: 'if (isOver() || isStale(key)) continue;',
    to: 'if (isOver()) continue;',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: a listing removes what it does not have',
    file: `${AGENT}/table.ts`,
    from: 'if (!listed.has(key)) await this.#remove(key, mfe);',
    to: 'listed.has(key);',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check: 'agent: a flush forgets the revision',
    file: `${AGENT}/table.ts`,
    from: '[this.#frev, this.#log] = [undefined, undefined];',
    to: '',
    tests: [`${AGENT}/table.test.ts`],
  },
  {
    check:
      'agent: a hold time that passed while the process was stopped ends before a late answer counts',
    file: `${AGENT}/hold.ts`,
    from: 'this.#check();\n    this.#contactMono = sentMono;',
    to: 'this.#contactMono = sentMono;',
    tests: [`${AGENT}/hold.test.ts`],
  },
  {
    check: 'FALSE alerts: a further foreign outgoing interface raises none',
    file: `${LIB}/mfe_changes.lua`,
    from: "if foreign ~= '' and mfe.foreign == '' then",
    to: "if foreign ~= '' then",
    tests: [STORE],
  },
  {
    check: 'FALSE alerts: the end of the last foreign outgoing interface raises one',
    file: `${LIB}/mfe_changes.lua`,
    from: "elseif foreign == '' and mfe.foreign ~= '' then",
    to: 'elseif false then',
    tests: [STORE],
  },
  {
    check: 'notified: a client is sent a PRUNE when another one is notified',
    file: `${LIB}/notified.lua`,
    from: 'if former ~= 0 then',
    to: 'if former < 0 then',
    tests: ['test/model/membership/side-by-side.test.ts'],
  },
];
