import type { Socket } from 'node:net';

/** Bytes queued in a lane before the sender is paused, as by a congested network. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;

/** What a lane does with its data: passes it on, holds it until the mode changes, or drops it. */
export type LaneMode = 'pass' | 'hold' | 'lose';

type Parcel = { readonly due: number; readonly bytes: Buffer | 'end' };

/**
 * One direction of one connection: forwards the data of `from` to `to`, in order, after `delayMs`.
 *
 * In mode `hold` nothing is read from `from` and nothing is forwarded to `to`, not even the end of the connection: both ends
 * see a silent network. `hasLost` tells that data was dropped.
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
    to.on('drain', () => this.#controlFlow());
  }

  set mode(mode: LaneMode) {
    this.#mode = mode;
    this.#deliver();
    this.#controlFlow();
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

  /** Forwards the data that is due and sets a timer for the rest. */
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
      this.#forward(next.bytes);
    }
    this.#controlFlow();
    this.#followClose();
  }

  #forward(bytes: Buffer | 'end'): void {
    if (this.#to.destroyed) return;
    if (bytes === 'end') this.#to.end();
    else this.#to.write(bytes);
  }

  /** Reads only while the queue has room. */
  #controlFlow(): void {
    const full = this.#queuedBytes > QUEUE_BYTES_MAX || this.#to.writableNeedDrain;
    if (this.#mode === 'hold' || full) this.#from.pause();
    else this.#from.resume();
  }

  /** Closes `to` once `from` is closed and all its data was forwarded. */
  #followClose(): void {
    if (this.#from.closed && this.#mode === 'pass' && this.#queue.length === 0) this.#to.destroy();
  }
}
