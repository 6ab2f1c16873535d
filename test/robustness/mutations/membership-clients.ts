import type { Mutation } from './mutation.ts';

const MEMBERSHIP = 'packages/client/src/membership';
const CALLS = 'packages/client/src/interfaces/calls.ts';
const RECOVERY = 'packages/client/test/membership-recovery.test.ts';
const HELD = `${MEMBERSHIP}/held-alerts.test.ts`;
const MANAGER = 'services/manager/src';
const ROLLOUT = 'test/conformance/membership/rollout.test.ts';

const HELD_ALERTS: readonly Mutation[] = [
  {
    check: 'held alerts: only a PRUNE of a window is held',
    file: `${MEMBERSHIP}/held-alerts.ts`,
    from: 'item.window !== true || this.#holdMs === 0',
    to: 'this.#holdMs === 0',
    tests: [HELD],
  },
  {
    check: 'held alerts: nothing is held while an enumeration is open',
    file: `${MEMBERSHIP}/held-alerts.ts`,
    from: ' || this.#open.size > 0) return false;',
    to: ') return false;',
    tests: [HELD],
  },
  {
    check: 'held alerts: what is older than the page of an enumeration is dropped',
    file: `${MEMBERSHIP}/held-alerts.ts`,
    from: 'if (item.incarnation === undefined && this.#isOlderThanPage(item)) return [];',
    to: '',
    tests: [HELD],
  },
  {
    check: 'held alerts: also an item that became due',
    file: `${MEMBERSHIP}/held-alerts.ts`,
    from: 'if (!this.#isOlderThanPage(item)) return this.#deliver(item);',
    to: 'return this.#deliver(item);',
    tests: [HELD],
  },
  {
    check: 'held alerts: a JOIN that arrives too late follows the PRUNE',
    file: `${MEMBERSHIP}/held-alerts.ts`,
    from: 'if (held && held.dueMono <= nowMono) {',
    to: 'if (held && held.dueMono < 0) {',
    tests: [HELD],
  },
  {
    check: 'held alerts: are bounded',
    file: `${MEMBERSHIP}/held-alerts.ts`,
    from: 'if (this.#held.size <= this.#heldMax) return true;',
    to: 'if (this.#held.size > 0) return true;',
    tests: [HELD],
  },
];

const UPKEEP: readonly Mutation[] = [
  {
    check: 're-adds: calls made in a window follow them',
    file: `${MEMBERSHIP}/upkeep.ts`,
    from: 'return this.#isRestoring || this.#windows.has(keyText(key));',
    to: 'return this.#isRestoring;',
    tests: [RECOVERY],
  },
  {
    check: 're-adds: calls made in a recovery follow them',
    file: `${MEMBERSHIP}/upkeep.ts`,
    from: 'return this.#isRestoring || this.#windows.has(keyText(key));',
    to: 'return this.#windows.has(keyText(key));',
    tests: [RECOVERY],
  },
  {
    check: 're-adds: a recovery deletes what is not on record',
    file: `${MEMBERSHIP}/upkeep.ts`,
    from: 'const unwanted = present.filter((one) => !record.has(one, one));',
    to: 'const unwanted: Membership[] = [];',
    tests: [RECOVERY],
  },
  {
    check: 're-adds: what was deleted meanwhile is not added',
    file: CALLS,
    from: 'if (item.isReadd && !item.wasOnRecord) {',
    to: "if (item.isReadd && item.operation === 'take') {",
    tests: [RECOVERY],
  },
  {
    check: 're-adds: have a limit',
    file: CALLS,
    from: 'return Math.min(UPKEEP_DEADLINES * this.#context.deadlineMs, LONGEST_MS);',
    to: 'return LONGEST_MS;',
    tests: [RECOVERY],
  },
  {
    check: 're-adds: one with an unknown outcome is deleted',
    file: `${MEMBERSHIP}/upkeep.ts`,
    from: "if (error.outcome === 'unknown') void deleteQuietly(registration, one);",
    to: '',
    tests: [RECOVERY],
  },
];

const CALLS_OF_CLIENTS: readonly Mutation[] = [
  {
    check: 'membership calls: a delete of what a window took away succeeds',
    file: 'packages/client/src/interfaces/pending-call.ts',
    from: "return operation === 'member.delete' && wasOnRecord === true && reason === 'no-membership';",
    to: 'return false;',
    tests: [RECOVERY],
  },
  {
    check: 'membership calls: an add given up is not undone if it was on record',
    file: 'packages/client/src/interfaces/pending-call.ts',
    from: "if (operation === 'member.add' && wasOnRecord) return true;",
    to: '',
    tests: [RECOVERY],
  },
  {
    check: 'membership calls: a delete leaves the record when it is sent',
    file: `${MEMBERSHIP}/record.ts`,
    from: "if (operation === 'member.delete') return this.delete(key, entry);",
    to: '',
    tests: [RECOVERY],
  },
  {
    check: 'membership calls: two changes of one entry are never in flight together',
    file: 'packages/client/src/interfaces/lines.ts',
    from: 'return isSameKind && !this.#running.has(targetText);',
    to: 'return isSameKind;',
    tests: ['packages/client/src/interfaces/lines.test.ts'],
  },
  {
    check: 'membership calls: an add is not recorded when its interface was lost meanwhile',
    file: CALLS,
    from: 'if (change && this.holdings.has(key)) this.#record(item);',
    to: 'if (change) this.#record(item);',
    tests: [RECOVERY],
  },
  {
    check: 'membership watch: a log without the next event leads to a snapshot',
    file: 'packages/client/src/rpc/pages.ts',
    from: "if (isMgmError(error, 'compacted')) return 'compacted';",
    to: '',
    tests: ['packages/client/test/membership-watch.test.ts'],
  },
];

const IN_MANAGER: readonly Mutation[] = [
  {
    check: 'manager: withdrawn memberships are swept at once',
    file: `${MANAGER}/sweeper.ts`,
    from: 'if (!this.#busy.has(router)) this.#sweepOn(router, this.#stopping.signal);',
    to: '',
    tests: [`${MANAGER}/sweeper.test.ts`],
  },
  {
    check: 'manager: heads continue until everything is settled',
    file: `${MANAGER}/heads.ts`,
    from: 'if (sessions === 0 && head.settled === head.rev) return;',
    to: 'if (sessions === 0) return;',
    tests: [`${MANAGER}/heads.test.ts`],
  },
  {
    check: 'manager: a refusal because of a newer schema is retryable',
    file: `${MANAGER}/refusals.ts`,
    from: 'retryable: true, retryAfterMs: SCHEMA_RETRY_MS',
    to: 'retryable: false',
    tests: [`${MANAGER}/refusals.test.ts`],
  },
  {
    check: 'manager: reports that it met a newer schema',
    file: `${MANAGER}/manager.ts`,
    from: "this.#trouble.hasRecent('schema', SCHEMA_TROUBLE_MS) ? ['schema'] : [];",
    to: "this.#trouble.hasRecent('never', SCHEMA_TROUBLE_MS) ? ['schema'] : [];",
    tests: [ROLLOUT],
  },
];

/** The safety checks of group memberships in the client library and the manager. */
export const OF_MEMBERSHIP_CLIENTS: readonly Mutation[] = [
  ...HELD_ALERTS,
  ...UPKEEP,
  ...CALLS_OF_CLIENTS,
  ...IN_MANAGER,
];
