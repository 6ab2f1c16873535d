import { eventually } from '@mgm/test-support';
import type { Msg, Subscription } from '@mgm/nats';
import type { RawRouter } from '../support/raw-client.ts';
import { type Fields, isPlainMap, unpack } from '../support/raw-codec.ts';
import { actSubject, machineMonoMs } from './worker-talk.ts';

/** Keepalives are a third of a lease apart, or up to a fifth less. */
const KEEPALIVES_OF_A_LEASE = 5;

/** A request seen on the bus. */
export interface SeenRequest {
  readonly op: string;
  readonly fields: Fields;
  readonly bytes: Uint8Array;
  /** Its reply subject. */
  readonly reply: string | undefined;
  readonly mono: number;
}

/** All requests and acts of the workers of one router. */
export class RequestWatch implements Disposable {
  readonly requests: SeenRequest[] = [];
  /** The epochs of the acts, in order. */
  readonly acts: string[] = [];
  readonly #replies = new Map<string, unknown>();
  readonly #subscriptions: Subscription[];

  private constructor({ nats, prefix, name }: RawRouter) {
    const root = `${prefix}.${name}.`;
    const on = (subject: string, take: (message: Msg) => void): Subscription =>
      nats.subscribe(subject, {
        callback: (error, message) => {
          if (error) throw error;
          take(message);
        },
      });
    this.#subscriptions = [
      on(`${root}*`, (message) => this.#take(message.subject.slice(root.length), message)),
      on(actSubject(name), (message) => this.acts.push(epochOf(message.json()))),
      on('_INBOX.>', ({ subject, data }) => this.#replies.set(subject, readable(data))),
    ];
  }

  /** Resolves when the subscriptions are active. */
  static async of(router: RawRouter): Promise<RequestWatch> {
    const watch = new RequestWatch(router);
    await router.nats.flush();
    return watch;
  }

  /** The handle of the last take of an interface. */
  handleThatTook(ifIndex: number): string {
    const take = this.requests.findLast(
      ({ op, fields }) => op === 'take' && names(fields, ifIndex),
    );
    if (!take) throw new Error(`no request for interface ${ifIndex}`);
    return String(take.fields['handle']);
  }

  /** The requests with this handle, without the first `from` requests. */
  under(handle: string, from = 0): SeenRequest[] {
    return this.requests.slice(from).filter(({ fields }) => fields['handle'] === handle);
  }

  /** The reply to a request; `undefined` while there is none. */
  replyTo({ reply = '' }: SeenRequest): unknown {
    return this.#replies.get(reply);
  }

  /** Waits until enough keepalives of a handle were granted, from this call on, to outlast its lease. */
  async leasePasses(handle: string, { withinMs }: { readonly withinMs: number }): Promise<void> {
    const from = this.requests.length;
    await eventually(
      () => {
        const granted = this.under(handle, from).filter((request) => {
          const reply = this.replyTo(request);
          return request.op === 'keepalive' && isPlainMap(reply) && reply['status'] === 0;
        });
        if (granted.length < KEEPALIVES_OF_A_LEASE)
          throw new Error(`${granted.length} keepalives were granted`);
      },
      { withinMs },
    );
  }

  [Symbol.dispose](): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #take(op: string, { data: bytes, reply }: Msg): void {
    const fields = unpack(bytes);
    if (op === 'head' || !isPlainMap(fields)) return;
    this.requests.push({ op, fields, bytes, reply, mono: machineMonoMs() });
  }
}

function names({ ifIndex, interfaces }: Fields, wanted: number): boolean {
  if (!Array.isArray(interfaces)) return ifIndex === wanted;
  return interfaces.some((pair: unknown) => Array.isArray(pair) && pair[0] === wanted);
}

function epochOf(act: unknown): string {
  return isPlainMap(act) ? String(act['epoch']) : '';
}

/** Inboxes also receive other messages. */
function readable(data: Uint8Array): unknown {
  try {
    return unpack(data);
  } catch {
    return undefined;
  }
}
