import type { NatsConnection } from '@mgm/nats';
import type { RawRouter, RawSession } from '../support/raw-client.ts';
import { isPlainMap, pack, unpack } from '../support/raw-codec.ts';
import { LeanBus } from './lean-bus.ts';
import { Numbering } from './numbering.ts';

/** The maximum (wire contract, section 3). */
const LONG_TTL_MS = 300_000;
const KEPT_EVERY_MS = LONG_TTL_MS / 4;

/** One session whose takes are a message each, without the client library. */
export class LeanSession implements Disposable {
  readonly #session: RawSession;
  readonly #bus: LeanBus;
  readonly #numbering = new Numbering();
  readonly #subjects: string;
  readonly #keeping: NodeJS.Timeout;

  private constructor(session: RawSession, nats: NatsConnection) {
    this.#session = session;
    this.#bus = new LeanBus(nats);
    const { prefix, name } = session.router;
    this.#subjects = `${prefix}.${name}.`;
    this.#keeping = setInterval(() => void session.keepalive(), KEPT_EVERY_MS);
  }

  static async register(router: RawRouter, componentId = 1): Promise<LeanSession> {
    const session = await router.register({ componentId, ttlMs: LONG_TTL_MS });
    return new LeanSession(session, router.nats);
  }

  take(ifIndex: number): Promise<void> {
    return this.#change('take', { ifIndex });
  }

  release(ifIndex: number): Promise<void> {
    return this.#change('release', { ifIndex });
  }

  /** Takes interfaces 1 to `count`, in bulk. */
  takeMany(count: number): Promise<void> {
    return this.#changeMany('take', count, 1);
  }

  /** Releases interfaces `first` to `first + count - 1`, in bulk. */
  releaseMany(count: number, first = 1): Promise<void> {
    return this.#changeMany('release', count, first);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#keeping);
    this.#bus[Symbol.dispose]();
  }

  async #changeMany(operation: Change, count: number, first: number): Promise<void> {
    for (let done = 0; done < count; done += BULK) {
      const length = Math.min(BULK, count - done);
      const interfaces = Array.from({ length }, (_, at) => [first + done + at]);
      await this.#change(operation, { interfaces });
    }
  }

  #change(operation: Change, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const { handle } = this.#session;
    return this.#numbering.use(async (numbers) => {
      const request = pack({ handle, ...numbers, ...fields });
      mustBeYes(await this.#bus.request(this.#subjects + operation, request));
    });
  }
}

type Change = 'take' | 'release';

/** The most interfaces of one request (wire contract, section 2). */
const BULK = 1024;

function mustBeYes(bytes: Uint8Array): void {
  const reply = unpack(bytes);
  const said = isPlainMap(reply) ? reply : {};
  const results = Array.isArray(said['results']) ? said['results'] : [];
  const isYes = (one: unknown): boolean => isPlainMap(one) && one['status'] === 0;
  if (!isYes(said) || !results.every(isYes)) throw new Error(`refused: ${JSON.stringify(reply)}`);
}
