import { encodeMessage } from '@mgm/protocol';
import type { Handle, WireMap } from '@mgm/protocol';
import type { Call } from '../rpc/calls.ts';
import { worthMs, type Context } from '../rpc/context.ts';
import type { ErrorPlace, MgmError } from '../errors.ts';
import type { Batch, BatchSender, Change } from './gather.ts';
import type { CallOptions } from '../options.ts';
import { Sequence, type Numbered } from './sequence.ts';

/** Requests of one session that may be unanswered at once. Managers would bear four times as many. */
const IN_FLIGHT_MAX = 1_024;

/**
 * Interfaces in them. What a manager decides for one session at once shall not take so long that others, and this
 * session's own keepalive, have to wait.
 */
const INTERFACES_IN_FLIGHT_MAX = 8_192;

/** The requests of one session that change something, each with its number. */
export class NumberedRequests implements BatchSender {
  readonly sequence = new Sequence(IN_FLIGHT_MAX);
  readonly #context: Context;
  readonly #handle: Handle;
  readonly #over: () => MgmError | undefined;
  /** That the requests under way name. */
  #interfaces = 0;

  /** @param over why nothing may be sent any more: asked before each attempt */
  constructor(context: Context, handle: Handle, over: () => MgmError | undefined) {
    this.#context = context;
    this.#handle = handle;
    this.#over = over;
  }

  hasRoom(): boolean {
    return this.sequence.hasRoom && this.#interfaces < INTERFACES_IN_FLIGHT_MAX;
  }

  finish(seq: number, interfaces: number): void {
    this.#interfaces -= interfaces;
    this.sequence.finish(seq);
  }

  send({ change, items }: Batch): { readonly numbered: Numbered; readonly call: Call<Change> } {
    const [only] = items;
    const targets =
      items.length === 1 && only
        ? only.key
        : { interfaces: items.map(({ key }) => [key.ifIndex, key.nextHop]) };
    const isClaim = items.some(({ had }) => had !== undefined);
    const held = isClaim && { held: items.map(({ had = '0' }) => had) };
    const sent = this.#start(change, { ...targets, ...held }, placeOf(items), {
      timeoutMs: Math.max(...items.map((item) => item.timeoutMs)),
      deadlineMono: Math.max(...items.map((item) => item.deadlineMono)),
    });
    this.#interfaces += items.length;
    return sent;
  }

  deregister(force: boolean, options: CallOptions) {
    const { clock } = this.#context;
    return this.#start(
      'deregister',
      { force },
      {},
      {
        timeoutMs: options.timeoutMs ?? this.#context.timeoutMs,
        deadlineMono: clock.monoMs() + (options.deadlineMs ?? this.#context.deadlineMs),
      },
    );
  }

  #start<Name extends Change | 'deregister'>(
    operation: Name,
    fields: WireMap,
    at: ErrorPlace,
    limits: { readonly timeoutMs: number; readonly deadlineMono: number },
  ): { readonly numbered: Numbered; readonly call: Call<Name> } {
    const { router, subjects, calls } = this.#context;
    const numbered = this.sequence.issue();
    const deadlineMs = worthMs(limits.timeoutMs);
    const call = calls.start({
      operation,
      subject: subjects.operation(router, operation),
      payload: encodeMessage({ handle: this.#handle, ...numbered, ...fields, deadlineMs }),
      place: { ...at, operation, router },
      ...limits,
      guard: this.#over,
    });
    return { numbered, call };
  }
}

function placeOf(items: Batch['items']): ErrorPlace {
  return items.length === 1 && items[0] ? { interface: items[0].key } : {};
}
