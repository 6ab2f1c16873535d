import { eventually } from '@mgm/test-support';
import type { Msg, Subscription } from '@mgm/nats';
import type { RawRouter } from '../support/raw-client.ts';
import { type Fields, isPlainMap, unpack } from '../support/raw-codec.ts';
import { actSubject, machineMonoMs } from './worker-talk.ts';

/** They come a third of a lease apart, or up to a fifth sooner. */
const KEEPALIVES_OF_A_LEASE = 5;

/** A request as it went over the bus. */
export interface SeenRequest {
  readonly op: string;
  readonly fields: Fields;
  readonly bytes: Uint8Array;
  /** Where its reply goes. */
  readonly reply: string | undefined;
  readonly mono: number;
}

/** Everything that workers send about one router: requests to managers, and what they do for the interfaces they own. */
export class RequestWatch implements Disposable {
  readonly requests: SeenRequest[] = [];
  /** Epochs of the acts, in order. */
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

  /** Resolves when it sees everything. */
  static async of(router: RawRouter): Promise<RequestWatch> {
    const watch = new RequestWatch(router);
    await router.nats.flush();
    return watch;
  }

  /** The handle under which an interface was asked for last. */
  handleThatTook(ifIndex: number): string {
    const take = this.requests.findLast(
      ({ op, fields }) => op === 'take' && names(fields, ifIndex),
    );
    if (!take) throw new Error(`nobody asked for interface ${ifIndex}`);
    return String(take.fields['handle']);
  }

  /** Requests under this handle, of those after the first `from`. */
  under(handle: string, from = 0): SeenRequest[] {
    return this.requests.slice(from).filter(({ fields }) => fields['handle'] === handle);
  }

  /** The present reply to a request; `undefined` while there is none. */
  replyTo({ reply = '' }: SeenRequest): unknown {
    return this.#replies.get(reply);
  }

  /** Waits until so many keepalives of a handle were granted, of those from now on, that its lease is over without them. */
  async leasePasses(handle: string, { withinMs }: { readonly withinMs: number }): Promise<void> {
    const from = this.requests.length;
    await eventually(
      () => {
        const granted = this.under(handle, from).filter((request) => {
          const reply = this.replyTo(request);
          return request.op === 'keepalive' && isPlainMap(reply) && reply['status'] === 0;
        });
        if (granted.length < KEEPALIVES_OF_A_LEASE)
          throw new Error(`${granted.length} were granted`);
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

/** Inboxes also get what is not ours. */
function readable(data: Uint8Array): unknown {
  try {
    return unpack(data);
  } catch {
    return undefined;
  }
}
