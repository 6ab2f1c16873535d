import type { EventMessage, InterfaceItem } from '@mgm/protocol';
import { useEffect, useState } from 'preact/hooks';
import type { Problem, SessionList, StreamMessages } from '../../src/api.ts';
import { InterfaceTable } from './holds.ts';
import { get } from './requests.ts';

/** Events that are kept in the browser. */
const EVENTS_MAX = 5_000;
/** How long the rate of changes reaches back. */
const SECONDS_MAX = 300;
/** Pages are drawn at most this often. */
const DRAW_EVERY_MS = 200;
const RECONNECT_MS = 2_000;
/** The server sends a status every 3 s. */
const SILENCE_MS = 12_000;
const NAMES_AFTER_MS = 300;

/**
 * `loading`: no snapshot yet. `live`: changes arrive. `waiting`: the console does not reach NATS. `lost`: the console itself does
 * not answer.
 */
export type LiveState = 'loading' | 'live' | 'waiting' | 'lost';

/** All interfaces of a router and its events, kept current by the stream of the server. */
export class Live {
  readonly router: string;
  interfaces = new InterfaceTable();
  state: LiveState = 'loading';
  problem: Problem | undefined;
  /** The last revision that arrived. */
  rev = 0;
  /** Events since the page was opened, oldest first. */
  events: readonly EventMessage[] = [];
  /** How often the stream was opened, and how often it began with a snapshot; both are 1 without a failure. */
  opened = 0;
  snapshots = 0;
  readonly #counts = new Map<number, number>();
  readonly #listeners = new Set<() => void>();
  readonly #watchdog: ReturnType<typeof setInterval>;
  #coming: InterfaceTable | undefined;
  #source: EventSource | undefined;
  #lastId = '';
  #heardMono = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #namesTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(router: string) {
    this.router = router;
    this.#connect();
    this.#watchdog = setInterval(() => this.#checkSilence(), SILENCE_MS / 4);
  }

  close(): void {
    this.#source?.close();
    clearInterval(this.#watchdog);
    clearTimeout(this.#timer);
    clearTimeout(this.#namesTimer);
    this.#listeners.clear();
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Changes of each of the last seconds, oldest first, with the time of each in seconds. */
  rates(): readonly [times: number[], counts: number[]] {
    const now = Math.floor(Date.now() / 1_000);
    const times = Array.from({ length: SECONDS_MAX }, (_, at) => now - SECONDS_MAX + at);
    return [times, times.map((second) => this.#counts.get(second) ?? 0)];
  }

  #connect(): void {
    const after = this.#lastId === '' ? '' : `?after=${encodeURIComponent(this.#lastId)}`;
    const source = new EventSource(`api/${encodeURIComponent(this.router)}/stream${after}`);
    this.#source = source;
    this.#heardMono = performance.now();
    source.addEventListener('open', () => (this.opened += 1));
    source.addEventListener('error', () => this.#onError(source));
    const on = <Value>(name: string, receive: (value: Value) => void): void => {
      source.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) => {
        this.#heardMono = performance.now();
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both sides are of one version: src/api.ts
        receive(JSON.parse(data) as Value);
        if (lastEventId !== '') this.#lastId = lastEventId;
        this.#changed();
      });
    };
    on<StreamMessages['reset']>('reset', () => (this.#coming = new InterfaceTable()));
    on<readonly InterfaceItem[]>('rows', (rows) => rows.forEach((row) => this.#coming?.list(row)));
    on<StreamMessages['synced']>('synced', ({ rev }) => this.#onSynced(rev));
    on<EventMessage>('change', (event) => this.#onEvent(event));
    on<StreamMessages['status']>('status', ({ connected }) => this.#onStatus(connected));
    on<StreamMessages['failed']>('failed', (problem) => {
      this.problem = problem;
      this.#reconnect(source);
    });
  }

  /** Browsers connect again by themselves after a lost connection, but not after an error of the server. */
  #onError(source: EventSource): void {
    this.state = 'lost';
    this.#changed();
    if (source.readyState === EventSource.CLOSED) this.#reconnect(source);
  }

  #checkSilence(): void {
    if (performance.now() - this.#heardMono < SILENCE_MS || !this.#source) return;
    this.state = 'lost';
    this.#changed();
    this.#reconnect(this.#source);
  }

  #reconnect(source: EventSource): void {
    source.close();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), RECONNECT_MS);
  }

  #onStatus(isConnected: boolean): void {
    const isLoaded = this.#lastId !== '';
    this.state = isConnected ? (isLoaded ? 'live' : 'loading') : 'waiting';
  }

  #onSynced(rev: number): void {
    if (this.#coming) {
      this.interfaces = this.#coming;
      this.snapshots += 1;
    }
    this.#coming = undefined;
    this.rev = rev;
    this.state = 'live';
    this.problem = undefined;
    this.#learnNames();
  }

  #onEvent(event: EventMessage): void {
    this.interfaces.apply(event);
    this.rev = event.rev;
    const room = this.events.length < EVENTS_MAX ? this.events : this.events.slice(-EVENTS_MAX / 2);
    this.events = [...room, event];
    const second = Math.floor(Date.now() / 1_000);
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
    const [oldest = second] = this.#counts.keys();
    if (oldest < second - SECONDS_MAX) this.#counts.delete(oldest);
    if (event.type === 'registered' || event.type === 'resumed') this.#learnNames();
  }

  /** Events have no names of clients. */
  #learnNames(): void {
    clearTimeout(this.#namesTimer);
    this.#namesTimer = setTimeout(() => {
      get<SessionList>(`${encodeURIComponent(this.router)}/sessions`)
        .then(({ sessions }) => {
          for (const { session, name } of sessions) this.interfaces.learnName(session, name);
          this.#changed();
        })
        .catch(() => {
          // Rows show the session instead; the next registration asks again.
        });
    }, NAMES_AFTER_MS);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Draws the component again when something arrived, at most five times a second, and not while `isPaused`. */
export function useLive(live: Live, isPaused = false): void {
  const [, draw] = useState(0);
  useEffect(() => {
    if (isPaused) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = live.listen(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        draw((count) => count + 1);
      }, DRAW_EVERY_MS);
    });
    draw((count) => count + 1);
    return () => {
      off();
      clearTimeout(timer);
    };
  }, [live, isPaused]);
}
