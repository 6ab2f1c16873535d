import type { Accepted, Answer, Callback } from './raw-answers.ts';
import { ok } from './raw-answers.ts';
import type { RawRouter } from './raw-client.ts';
import type { Fields } from './raw-codec.ts';

/** A pair of interface index and next hop, as `interfaces` lists them. */
export type Pair = readonly [ifIndex: number, nextHop: unknown];

/**
 * A registered client. `change` and what is built on it number their requests by themselves and say that everything
 * before is finished, so they are for one request after the other; tests of the numbering use `router.request`.
 */
export class RawSession {
  readonly router: RawRouter;
  readonly asked: Fields;
  readonly registered: Accepted<'register'>;
  #seq = 0;

  constructor(router: RawRouter, asked: Fields, registered: Accepted<'register'>) {
    this.router = router;
    this.asked = asked;
    this.registered = registered;
  }

  get handle(): string {
    return this.registered.handle;
  }

  get session(): number {
    return this.registered.session;
  }

  /** The fields by which events and replies name this client. */
  get named(): { protocolId: unknown; componentId: unknown; session: number } {
    const { protocolId, componentId } = this.asked;
    return { protocolId, componentId, session: this.session };
  }

  /** `handle` and the next `seq`, with everything before it finished. */
  next(): { handle: string; seq: number; ack: number } {
    this.#seq += 1;
    return { handle: this.handle, seq: this.#seq, ack: this.#seq };
  }

  change<Name extends 'take' | 'release' | 'deregister'>(
    op: Name,
    fields: Fields,
  ): Promise<Answer<Name>> {
    return this.router.request(op, { ...this.next(), ...fields });
  }

  take(ifIndex: number, nextHop?: unknown): Promise<Answer<'take'>> {
    return this.change('take', { ifIndex, nextHop });
  }

  takeAll(interfaces: readonly Pair[]): Promise<Answer<'take'>> {
    return this.change('take', { interfaces });
  }

  release(ifIndex: number, nextHop?: unknown): Promise<Answer<'release'>> {
    return this.change('release', { ifIndex, nextHop });
  }

  releaseAll(interfaces: readonly Pair[]): Promise<Answer<'release'>> {
    return this.change('release', { interfaces });
  }

  deregister(fields: Fields = {}): Promise<Answer<'deregister'>> {
    return this.change('deregister', fields);
  }

  keepalive(fields: Fields = {}): Promise<Answer<'keepalive'>> {
    return this.router.request('keepalive', { handle: this.handle, ...fields });
  }

  /** The callbacks above `from` that the managers keep for this session. */
  async mailbox(from = 0): Promise<readonly Callback[]> {
    const { handle } = this;
    return ok(await this.router.request('mailbox', { handle, from, limit: 1000 })).messages;
  }
}

/** `count` interfaces without next hop, from `first` on. */
export function pairs(count: number, first = 1): Pair[] {
  return Array.from({ length: count }, (_, at): Pair => [first + at, '']);
}
