import type { ArbiterOperation } from './generated/arbiter.ts';

/** A call of the arbiter: the operation, then its arguments in the order of its header. */
export interface Call {
  readonly operation: ArbiterOperation;
  readonly call: readonly unknown[];
}

/** Where a call of these has its handle, its numbers and its interfaces; behind them is what few of them use. */
const EACH: ReadonlySet<ArbiterOperation> = new Set(['take', 'release']);

interface Columns {
  readonly handle: unknown;
  readonly operation: ArbiterOperation;
  readonly seqs: unknown[];
  readonly acks: unknown[];
  readonly interfaces: unknown[];
}

/**
 * The calls of a batch as the script reads them. Those with one handle that follow each other and ask the same of one
 * interface each become one call of columns: the script would spend more on reading them one by one than on deciding them.
 */
export function inColumns(batch: readonly Call[]): readonly unknown[] {
  const calls: unknown[] = [];
  let open: Columns | undefined;
  for (const { operation, call } of batch) {
    const [, handle, seq, ack, interfaces, more] = call;
    const only = EACH.has(operation) && isPlain(more) ? onlyOf(interfaces) : undefined;
    if (only === undefined) {
      open = undefined;
      calls.push(call);
      continue;
    }
    if (open?.operation !== operation || !areSame(open.handle, handle)) {
      open = { handle, operation, seqs: [], acks: [], interfaces: [] };
      calls.push(['each', operation, handle, open.seqs, open.acks, open.interfaces]);
    }
    open.seqs.push(seq);
    open.acks.push(ack);
    open.interfaces.push(only);
  }
  return calls;
}

/** Whether two handles are the same in all parts: that two name one session makes neither of them right. */
function areSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return false;
  return one.every((part, at) => part === other[at]);
}

/** Whether it says nothing: no epochs of before, no epoch that a release must meet. */
function isPlain(more: unknown): boolean {
  return more === '' || (Array.isArray(more) && more.length === 0);
}

function onlyOf(interfaces: unknown): unknown {
  return Array.isArray(interfaces) && interfaces.length === 1 ? interfaces[0] : undefined;
}
