import type { Socket } from 'node:net';
import { NodeTransport } from 'nats/lib/src/node_transport.js';
import { connectLean } from './lean-socket.ts';

type Chunk = IteratorResult<Uint8Array>;

/**
 * The transport of NATS' client over a lean socket, and without the chain of promises through which that passes on each piece
 * it read. With both, a message that comes alone costs half the CPU time. Over TLS it is the client's own.
 */
export class LeanTransport extends NodeTransport {
  /** Of who waits for the next piece; then `yields` is empty. */
  #take: ((chunk: Chunk) => void) | undefined;
  #rest: NodeJS.Timeout | undefined;

  override dial(server: { hostname: string; port: number }): Promise<Socket> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const socket = connectLean(server.hostname, server.port);
    let failure: Error | undefined;
    socket.on('error', (error) => (failure = error));
    socket.on('close', () => reject(failure ?? new Error('the connection was closed')));
    socket.on('connect', () => {
      // What comes next has listeners of its own.
      socket.removeAllListeners();
      resolve(socket);
    });
    return promise;
  }

  override setupHandlers(): void {
    super.setupHandlers();
    this.socket.removeAllListeners('data');
    this.socket.on('data', (bytes) => this.#pass(bytes));
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array> {
    const iterator = { next: () => this.#next(), [Symbol.asyncIterator]: () => iterator };
    return iterator;
  }

  /** Leaves unread for so long what comes from now on, so that it is read at once. Over TLS it does nothing. */
  rest(ms: number): void {
    if (this.#rest !== undefined || this.done || this.isEncrypted()) return;
    this.socket.pause();
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      if (!this.done) this.socket.resume();
    }, ms);
  }

  #pass(value: Uint8Array): void {
    const take = this.#take;
    if (take === undefined) return void this.yields.push(value);
    this.#take = undefined;
    take({ value, done: false });
  }

  /** After the end of the connection it stays pending, as the client's own does. */
  #next(): Promise<Chunk> {
    const value = this.yields.shift();
    if (value !== undefined) return Promise.resolve({ value, done: false });
    return new Promise((resolve) => (this.#take = resolve));
  }
}
