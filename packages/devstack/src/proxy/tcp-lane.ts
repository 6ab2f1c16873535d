import type { Socket } from 'node:net';

/** Bytes that may wait in a lane for their time; with more, the sender is held back, as a full network would. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;

/** What a lane does with what it gets: passes it on, holds it until told otherwise, or loses it. */
export type LaneMode = 'pass' | 'hold' | 'lose';

type Parcel = { readonly due: number; readonly bytes: Buffer | 'end' };

/**
 * One direction of one connection: takes what `from` sends and gives it to `to`, in order, `delayMs` later.
 *
 * While it holds, nothing is read from `from` and nothing given to `to`, not even that the connection ended: to both
 * ends it looks like a network that went quiet. What it loses is gone, and `hasLost` says so.
 */
export class TcpLane {
  delayMs = 0;
  hasLost = false;
  readonly #from: Socket;
  readonly #to: Socket;
  #mode: LaneMode = 'pass';
  #queue: Parcel[] = [];
  #queuedBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket) {
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes: Buffer) => this.#arrived(bytes));
    from.on('end', () => this.#arrived('end'));
    from.on('close', () => this.#followClose());
    to.on('drain', () => this.#steer());
  }

  set mode(mode: LaneMode) {
    this.#mode = mode;
    this.#deliver();
    this.#steer();
  }

  get mode(): LaneMode {
    return this.#mode;
  }

  #arrived(bytes: Buffer | 'end'): void {
    if (this.#mode === 'lose') {
      this.hasLost = true;
      return;
    }
    this.#queue.push({ due: performance.now() + this.delayMs, bytes });
    this.#queuedBytes += bytes.length;
    this.#deliver();
  }

  /** Gives on what is due, and comes back when the next is. */
  #deliver(): void {
    clearTimeout(this.#timer);
    if (this.#mode === 'hold') return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      const waitMs = next.due - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#deliver(), Math.ceil(waitMs));
        break;
      }
      this.#queue.shift();
      this.#queuedBytes -= next.bytes.length;
      this.#give(next.bytes);
    }
    this.#steer();
    this.#followClose();
  }

  #give(bytes: Buffer | 'end'): void {
    if (this.#to.destroyed) return;
    if (bytes === 'end') this.#to.end();
    else this.#to.write(bytes);
  }

  /** Reads on only while there is somewhere to put it. */
  #steer(): void {
    const full = this.#queuedBytes > QUEUE_BYTES_MAX || this.#to.writableNeedDrain;
    if (this.#mode === 'hold' || full) this.#from.pause();
    else this.#from.resume();
  }

  /** Closes `to` once `from` is closed and everything that it sent was given on. */
  #followClose(): void {
    if (this.#from.closed && this.#mode === 'pass' && this.#queue.length === 0) this.#to.destroy();
  }
}
