import { connect, type ConnectOptions, type Mgm } from '@mgm/client';
import { linkTo } from '@mgm/devstack';

/** How a worker connects. The servers and the router are those of its `TestRouter`. */
export type WorkerOptions = Omit<ConnectOptions, 'servers' | 'router' | 'connection'>;

/**
 * A client behind a network link of its own. Faults add up and last until `heal`. Disposing heals the link, closes the client,
 * which deregisters its sessions, and ends the link.
 */
export interface TestWorker extends AsyncDisposable {
  /** The client: register protocols and take interfaces with it, or pass it to the code under test. */
  readonly mgm: Mgm;
  /** The NATS server through the link, for code under test that connects by itself. */
  readonly natsUrl: string;
  /**
   * Lets nothing through, like a network partition: the connection stays open and silent. What was sent meanwhile arrives after
   * `heal`.
   */
  cut(): void;
  /**
   * Requests arrive and are executed, but their replies and all events are lost: outcomes are unknown to the worker. `heal`
   * cuts the connection, which the client then restores.
   */
  loseReplies(): void;
  /** Delays each direction by `ms`, so that a round trip takes twice that. 0 ends the delay. */
  delay(ms: number): void;
  /** Ends all faults. Resolves when new connections pass. */
  heal(): Promise<void>;
}

/** Connects a client to the NATS server through a link of its own. */
export async function openWorker(
  natsUrl: string,
  router: string,
  options: WorkerOptions,
): Promise<TestWorker> {
  await using opening = new AsyncDisposableStack();
  const { proxy, url } = opening.use(await linkTo({ url: natsUrl }));
  const mgm = opening.use(await connect({ ...options, servers: url, router }));
  opening.defer(() => proxy.heal());
  const opened = opening.move();
  return {
    mgm,
    natsUrl: url,
    cut: () => proxy.blackhole(),
    loseReplies: () => proxy.dropReplies(),
    delay: (ms) => proxy.latencyMs(ms),
    heal: () => proxy.heal(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
